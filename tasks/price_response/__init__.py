"""What a price does altogether: to purchases, to the brand chosen, to the units, and so to revenue and margin."""

from tasks.price_response.task import PriceResponse

__all__ = ["PriceResponse"]
