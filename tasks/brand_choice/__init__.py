"""Which brand a customer buys, and how every brand's price moves that."""

from tasks.brand_choice.task import BrandChoice

__all__ = ["BrandChoice"]
