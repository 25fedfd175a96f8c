"""What a unit of a brand costs the shop, as a config says it: an amount, or a share of the mean observed price."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from cxai_runner.config.problems import Problem, did_you_mean
from cxai_runner.evaluation.wording import number

Cost = float | str | Mapping[str, float | str] | None

REMEDY = "an amount such as 0.8, or a share of the mean observed price such as 60%"


def problems(cost: Cost, brands: Iterable[str] | None) -> Iterator[Problem]:
    """Yield what is no cost; keys relative to ``task``. ``brands`` are None where they are not known yet."""
    entries = cost.items() if isinstance(cost, Mapping) else [("", cost)]
    known = None if brands is None else list(brands)
    for brand, one in entries:
        key = f"cost.{brand}" if brand else "cost"
        if brand and known is not None and str(brand) not in known:
            yield Problem(key, "no such brand in the panel", one, did_you_mean(str(brand), known))
        elif one is not None and _amount(one, 1.0) is None:
            yield Problem(key, "neither an amount nor a share of the price", one, REMEDY)


def cost_of(cost: Cost, brand: str, mean_price: float) -> float | None:
    """Return what a unit of the brand costs, in the currency of its price; None where it is not said.

    A share is one of the mean observed price: the cost stays when the price changes.
    """
    one = {str(name): value for name, value in cost.items()}.get(brand) if isinstance(cost, Mapping) else cost
    return None if one is None else _amount(one, mean_price)


def money(amount: float) -> str:
    """Word an amount in the currency of the prices."""
    return number(float(amount), 2)


def _amount(one: float | str, mean_price: float) -> float | None:
    """The amount, or None where it is none."""
    if not isinstance(one, str):
        return float(one) if one >= 0 else None
    text = one.strip()
    if not text.endswith("%"):
        return None
    try:
        share = float(text[:-1]) / 100
    except ValueError:
        return None
    return share * mean_price if share >= 0 else None
