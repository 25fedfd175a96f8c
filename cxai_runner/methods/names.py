"""What a term is by its name: a price, a promotion, or something else.

Terms travel through transformers as columns with names; whoever has to know which of them are prices reads it there.
"""

from __future__ import annotations

BY = ":"
_PRICES = ("price", "mean_price", "log_price", "log_mean_price")
_PROMOTIONS = ("promotion", "display", "mailer", "feature")


def is_price(term: str) -> bool:
    """Whether a term rises and falls with a price: ``mean_price``, ``price_acme``, ``mean_price:segment_2``."""
    return any(part in _PRICES or part.startswith(("price_", "log_price_")) for part in term.split(BY))


def is_promotion(term: str) -> bool:
    """Whether a term is one of promotion and not of price: ``mean_promotion``, ``display_acme``."""
    parts = [part.removeprefix("mean_") for part in term.split(BY)]
    return any(part in _PROMOTIONS or part.startswith(tuple(f"{kind}_" for kind in _PROMOTIONS)) for part in parts)
