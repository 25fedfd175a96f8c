"""How amounts are spread: baskets by value and by size, prices, purchases per customer, time between purchases."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cxai_runner.evaluation.results import Content, Figure, Finding, Table
from cxai_runner.evaluation.wording import share
from cxai_runner.features.orders import MOST_LINES
from tasks.explore.base import Looked

_RARE = 0.01
"""Classes at the ends with less than this part of all are one."""
_ALIKE = 0.99
_MOST_BARS = 14
_NARROW = ("1.5", "3", "7")
"""Classes that begin with these digits are put to the one before where there are too many to see."""
_UNLIKE = 1000
_COUNTS = (1, 2, 3, 4, 5, 7, 10, 15, 20, 30, 50, 70, 100, 150, 200, 300, 500, 700, 1000)


def said(it: Looked, others: Mapping[str, pd.DataFrame]) -> Iterator[Content]:
    """Yield a table and a picture of each amount that is known."""
    if it.bought is not None and it.numbers[it.bought].sum():
        counts = _by_count(it.numbers[it.bought])
        name = f"{it.bought}_per_customer"
        yield from _shown(name, f"{it.bought.capitalize()} per customer", counts, ["customers"], it.bought)
    baskets = others.get("baskets")
    if baskets is not None and "low" in baskets:
        one = (it.bought or "orders").removesuffix("s")
        sums = baskets.groupby(["low", "high"], as_index=False, sort=True)[["orders", "revenue"]].sum()
        rows = _merged(sums, ["orders", "revenue"]).rename(columns={"orders": it.bought or "orders"})
        yield from _shown(
            "basket_values",
            f"What {_an(one)} is worth",
            rows,
            [it.bought or "orders", "revenue"],
            f"value of the {one}",
        )
    sizes = None if baskets is None else _grouped(baskets.groupby("lines")["orders"].sum(), "orders", MOST_LINES)
    if sizes is not None and sizes["orders"].max() < _ALIKE * sizes["orders"].sum():
        yield from _shown("basket_sizes", "How large an order is", sizes, ["orders"], "lines of the order")
    if "prices" in others:
        prices = others["prices"].sort_values("low", ignore_index=True)
        yield from _shown(
            "prices",
            "What a unit costs",
            _merged(prices, ["lines", "revenue"]),
            ["lines", "revenue"],
            "price paid for a unit",
        )
        seen = prices[prices["low"] > 0]
        if len(seen) and seen["low"].max() >= _UNLIKE * seen["low"].min():
            ends = f"{number(seen['low'].min())} to {number(seen['low'].max())}"
            yield Finding(
                f"A unit costs from about {ends}: products are counted in different units, and a mean "
                "price over unlike products says little."
            )
    if "gaps" in others and "lost_after" in it.facts:
        yield from _gaps(others["gaps"], int(it.facts["lost_after"]), it.facts.get("repeat_within"))


def _shown(name: str, title: str, rows: pd.DataFrame, counted: Sequence[str], what: str) -> Iterator[Content]:
    shares = rows.assign(**{f"share_of_{one}": rows[one] / rows[one].sum() for one in counted})
    yield Table(
        name, title, shares.rename(columns={"label": what.replace(" ", "_")}), f"By {what}: counted, not estimated.", 40
    )
    long = pd.concat(
        [pd.DataFrame({"class": rows["label"], "share": shares[f"share_of_{one}"], "of": one}) for one in counted],
        ignore_index=True,
    )
    several = len(counted) > 1
    yield Figure(
        name,
        title,
        long,
        "bar",
        "class",
        "share",
        f"Classes are wider where amounts are larger: {counted[0]} by {what}"
        + (f", and the share of {counted[1]} they bring." if several else "."),
        by="of" if several else None,
        x_label=what,
        y_label="share" if several else f"share of {counted[0]}",
    )


def _merged(rows: pd.DataFrame, counted: Sequence[str]) -> pd.DataFrame:
    """Classes in order with a label each, the rare ones at both ends put together."""
    rows = rows.sort_values("low", ignore_index=True)
    parts = (rows[list(counted)] / rows[list(counted)].sum()).to_numpy()
    rare_below = (parts.cumsum(axis=0) < _RARE).all(axis=1)
    rare_above = (parts[::-1].cumsum(axis=0)[::-1] < _RARE).all(axis=1)
    begins: NDArray[np.bool_] = np.logical_not(rare_below | rare_above)
    if begins.sum() > _MOST_BARS:
        digits = rows["low"].map(lambda end: f"{end:e}".partition("e")[0].rstrip("0").rstrip("."))
        begins &= ~digits.isin(_NARROW).to_numpy()
    # The first of those above begins their class; those below are one with the first that is kept apart.
    above = np.flatnonzero(rare_above & ~rare_below)
    np.put(begins, above[:1], True)
    group = np.maximum(begins.cumsum(), 1)
    made = rows.groupby(group).agg({"low": "min", "high": "max", **dict.fromkeys(counted, "sum")})
    ends = [(float(low), float(high)) for low, high in zip(made["low"], made["high"], strict=True)]
    last = len(ends) - 1
    labels = [_label(*one, under=place == 0, over=place == last) for place, one in enumerate(ends)]
    return made.drop(columns=["low", "high"]).assign(label=labels)[["label", *counted]].reset_index(drop=True)


def _label(low: float, high: float, *, under: bool, over: bool) -> str:
    if under:
        return f"under {number(high)}" if math.isfinite(high) else "any"
    return f"{number(low)} or more" if over else f"{number(low)}–{number(high)}"


def _by_count(values: pd.Series) -> pd.DataFrame:
    return _grouped(values.astype(int).value_counts(), "customers")


def _grouped(counts: pd.Series, name: str, most: int | None = None) -> pd.DataFrame:
    """Whole numbers in classes, alone where they are small; ``most`` stands for larger ones too."""
    steps = [0, *(one for one in _COUNTS if one <= counts.index.max()), math.inf]
    rows = []
    for begin, end in pairwise(steps):
        of = int(counts[(counts.index >= begin) & (counts.index < end)].sum())
        if math.isinf(end):
            label = f"{number(begin)}" if counts.index.max() == begin != most else f"{number(begin)} or more"
        else:
            label = number(begin) if end == begin + 1 else f"{number(begin)}–{number(end - 1)}"
        rows.append((label, of))
    found = pd.DataFrame(rows, columns=["label", name])
    return found[found[name].cumsum() > 0].reset_index(drop=True)


def _gaps(gaps: pd.DataFrame, lost_after: int, within: int | None) -> Iterator[Content]:
    reached = gaps["orders"].cumsum() / gaps["orders"].sum()
    shown = pd.DataFrame({"days": gaps["days"].astype(float), "share": reached})
    shown = shown[shown["days"] <= max(2 * lost_after, 31)]
    if len(shown) < 2:
        return
    late = 1 - float(reached[gaps["days"] <= lost_after].max()) if (gaps["days"] <= lost_after).any() else 1.0
    caption = (
        f"Of all repeat purchases. Nine of ten come within {within:,} days. The line at {lost_after:,} days is where "
        f"a customer counts as lost: {share(late)} of the repeat purchases came later all the same."
    )
    yield Figure(
        "gaps",
        "Time to the next purchase",
        shown,
        "line",
        "days",
        "share",
        caption,
        x_label="days since the purchase before",
        y_label="share of repeat purchases",
        reference={"x": float(lost_after)},
    )


def number(value: float) -> str:
    """Word the end of a class, which is round."""
    return f"{value:,.10g}"


def _an(noun: str) -> str:
    return f"an {noun}" if noun[0] in "aeiou" else f"a {noun}"
