"""How large the base is, how much its customers bring, and how unevenly."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from cxai_runner.data.dataset import Dataset
from cxai_runner.evaluation.results import Content, Estimate, Figure, Finding, Interval, Table
from cxai_runner.evaluation.wording import number, share
from tasks.explore.sums import CUSTOMERS, POINTS, Spread, Sums

TOP = 0.1
_SUMMED = ("orders", "lines", "revenue", "units", "free", "occasions", "purchases")
_OF_BRANDS = ("purchases_", "units_", "revenue_", "price_", "offers_", "promotion_", "seen_")
_HEAVY = 0.05


@dataclass(frozen=True, eq=False)
class Looked:
    """Customers, and which of their columns are what.

    Parameters
    ----------
    frame
        One row per customer.
    numbers
        Those columns that add up.
    bought
        What counts a customer's purchases: ``orders`` or ``purchases``; None where nothing does.
    concentrated
        What is spread over customers: ``revenue``, else the purchases; None where there is nothing, or less.
    brands
        The brands that are told apart.
    facts
        Which table it is of, from when to when, and after how many days a customer is lost.
    """

    frame: pd.DataFrame
    numbers: pd.DataFrame
    bought: str | None
    concentrated: str | None
    brands: tuple[str, ...]
    facts: Mapping[str, Any]

    @property
    def of_category(self) -> str:
        """Which category purchases are of, in words; nothing where they are of any."""
        category = self.facts.get("category")
        return f" of {category}" if category else ""


def looked(frame: pd.DataFrame, data: Dataset) -> Looked:
    """Say which columns of a customer base are what."""
    brands, told = data.roles.alternatives, data.others.get("facts")
    facts = {} if told is None else {str(name): told[name].iloc[0] for name in told}
    wanted = [*_SUMMED, *(f"{prefix}{brand}" for brand in brands for prefix in _OF_BRANDS)]
    described = set(data.roles.describe)
    numbers = frame[[name for name in wanted if name in frame and (name not in described or name in _SUMMED[:3])]]
    numbers = numbers.select_dtypes("number").astype(float)
    bought = next((name for name in ("orders", "purchases") if name in numbers), None)
    if bought is not None:
        numbers = numbers.assign(once=(numbers[bought] == 1).astype(float), ever=(numbers[bought] > 0).astype(float))
    brought = [name for name in ("revenue", bought) if name is not None and name in numbers]
    spread = next((name for name in brought if numbers[name].sum() > 0 and (numbers[name].fillna(0) >= 0).all()), None)
    return Looked(frame, numbers, bought, spread, brands, facts)


def said(it: Looked, sums: Sums, spread: Spread | None) -> Iterator[Content]:
    """Yield the headline, the figures of the base, and how unevenly it brings what it brings."""
    yield Finding(_headline(it, spread), "headline")
    yield from _estimates(it, sums, spread)
    yield from _size(it, sums)
    if spread is not None:
        yield from _concentration(it, spread)
    yield from _caveats(it, spread)


def _headline(it: Looked, spread: Spread | None) -> str:
    many = f"{len(it.frame):,} customers"
    if spread is None:
        columns = it.frame.drop(columns="customer_id")
        lacking = int(columns.isna().any().sum())
        gaps = f"{lacking} of which lack{'s' * (lacking == 1)} values" if lacking else "which lack no value"
        why = "cannot be ranked" if "revenue" in it.frame else "is not known"
        return f"{many} are described by {columns.shape[1]} columns, {gaps}; what they bring {why}."
    largest = spread.of_the_largest(TOP)
    total = number(float(it.numbers[spread.of].sum()), 0)
    when = f" {_when(it)}" if "since" in it.facts else ""
    within = f"{share(largest.value)} [{_percent(largest.low)}, {_percent(largest.high)}]"
    return f"The top 10 % of {many} bring {within} of {spread.of}: {total} in all{when}."


def _when(it: Looked) -> str:
    first = it.facts["since"][:10]
    last = f"{pd.Timestamp(it.facts['until']) - pd.Timedelta(days=1):%Y-%m-%d}"
    return f"on {first}" if first == last else f"between {first} and {last}"


def _estimates(it: Looked, sums: Sums, spread: Spread | None) -> Iterator[Content]:
    if spread is not None:
        yield Estimate(
            "top_share", f"share of {spread.of} that the top 10 % of customers bring", spread.of_the_largest(TOP)
        )
        yield Estimate("gini", f"Gini coefficient of {spread.of} over customers", spread.gini)
    for name, text, above, below in _means(it):
        value = sums.ratio(above, below)
        if not math.isnan(value.low):
            yield Estimate(name, text, value)


def _means(it: Looked) -> Iterator[tuple[str, str, str, str]]:
    """Ratios of sums: name, words, what is divided by what."""
    have, bought = it.numbers, it.bought
    if "revenue" in have:
        yield "revenue_per_customer", "revenue per customer", "revenue", CUSTOMERS
    if bought is not None:
        yield f"{bought}_per_customer", f"{bought} per customer", bought, CUSTOMERS
        if "revenue" in have:
            one = bought.removesuffix("s")
            yield f"revenue_per_{one}", f"revenue per {one}", "revenue", bought
        if "lines" in have and (have["lines"] != have[bought]).any():
            yield "lines_per_order", "lines per order", "lines", bought
        yield "once", "share of customers who bought once", "once", CUSTOMERS
    if "occasions" in have:
        yield "incidence", f"share of occasions with a purchase{it.of_category}", "purchases", "occasions"


def _size(it: Looked, sums: Sums) -> Iterator[Content]:
    rows: list[tuple[str, float]] = [("customers", len(it.frame))]
    words = {"orders": "orders", "lines": "lines (rows)", "occasions": "occasions", "purchases": "purchases"}
    words |= {"units": "units", "revenue": "revenue", "free": "lines that brought nothing"}
    rows += [(label, sums.total(name)) for name, label in words.items() if name in sums]
    if it.bought is not None:
        none, once = len(it.frame) - sums.total("ever"), sums.total("once")
        rows += [("customers who bought once", once), *([("customers who bought nothing", none)] if none else [])]
    table = pd.DataFrame(rows, columns=["what", "how_many"])
    yield Table("size", "The base", table, "Counted, not estimated: all that the tables hold.")
    spread = [name for name in ("revenue", it.bought, "units") if name is not None and name in it.numbers]
    if spread:
        described = it.numbers[spread].quantile([0, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99, 1]).T
        described.columns = pd.Index(["least", "10_%", "25_%", "median", "75_%", "90_%", "99_%", "most"])
        described = described.rename_axis("per_customer").reset_index()
        yield Table("per_customer", "What a customer brings", described, "Quantiles over customers.")


def _concentration(it: Looked, spread: Spread) -> Iterator[Content]:
    curve = pd.DataFrame(
        [(at, one.value, one.low, one.high) for at, one in zip(POINTS, spread.lorenz, strict=True)],
        columns=["customers", "share", "low", "high"],
    )
    caption = (
        f"Customers from the one who brings least to the one who brings most, and the share of {spread.of} that they "
        "bring together. On the diagonal all bring the same. Bands: 95 % intervals by resampling customers."
    )
    title = f"How {spread.of} {'are' if spread.of.endswith('s') else 'is'} spread: Lorenz curve"
    yield Figure(
        "lorenz",
        title,
        curve,
        "line",
        "customers",
        "share",
        caption,
        low="low",
        high="high",
        x_label="share of customers, the smallest first",
        y_label=f"share of {spread.of}",
        reference="diagonal",
    )
    tenths = [
        (f"{number} %", spread.between(1 - number / 100, round(1.1 - number / 100, 2))) for number in range(10, 101, 10)
    ]
    rows = []
    for percent, (_, part) in zip(range(10, 101, 10), tenths, strict=True):
        up_to = spread.of_the_largest(percent / 100)
        label = f"top {percent} %" if percent == 10 else f"{percent - 10}–{percent} %"
        rows.append((label, part, up_to.value, up_to.low, up_to.high))
    table = pd.DataFrame(rows, columns=["customers", "share", "up_to_here", "low", "high"])
    caption = (
        f"Customers in tenths, those who bring most first: their share of {spread.of}, and that of all down to them "
        "with its 95 % interval."
    )
    yield Table("deciles", "Tenths of the customers", table, caption)
    yield Figure(
        "deciles",
        "What each tenth of the customers brings",
        table,
        "bar",
        "customers",
        "share",
        f"From those who bring most to those who bring least; a tenth of {spread.of} each if all brought the same.",
        x_label="customers",
        y_label=f"share of {spread.of}",
        reference={"y": 0.1},
    )


def _caveats(it: Looked, spread: Spread | None) -> Iterator[Content]:
    yield Finding(
        "This describes the customers that the tables hold. Intervals say how much chance there is in means and shares "
        "of customers like these; counts and totals have none.",
        "caveat",
    )
    brought = it.frame.get("revenue")
    if brought is not None and (brought < 0).any():
        yield Finding(
            f"{int((brought < 0).sum()):,} customers have a negative revenue (returns): shares of the largest and the "
            "Gini coefficient are not defined then, and are not of revenue.",
            "caveat",
        )
    elif spread is not None and spread.of != "revenue":
        why = "nothing says what purchases brought" if brought is None else "all that was bought brought nothing"
        yield Finding(
            f"There is no revenue ({why}): how unevenly customers buy is told from their {spread.of}.", "caveat"
        )
    if brought is not None and brought.isna().any():
        yield Finding(f"{int(brought.isna().sum()):,} customers have no revenue: they count as 0.", "caveat")
    if spread is not None and (it.numbers[spread.of].max() / it.numbers[spread.of].sum()) > _HEAVY:
        top = it.numbers[spread.of].max() / it.numbers[spread.of].sum()
        yield Finding(f"One customer brings {share(float(top))} of {spread.of}: look at whether that is one customer.")
    if "largest" in it.frame and spread is not None and spread.of == "revenue":
        order = float(it.frame["largest"].max() / it.numbers["revenue"].sum())
        if order > _HEAVY / 5:
            yield Finding(
                f"One order alone is {share(order)} of all revenue ({number(float(it.frame['largest'].max()), 2)})."
            )
    if "free" in it.numbers and it.numbers["free"].sum():
        lines = it.numbers["free"].sum()
        of = it.numbers["lines"].sum()
        yield Finding(
            f"{lines:,.0f} of {of:,.0f} lines ({share(float(lines / of))}) brought nothing: gifts, or are "
            "amounts missing? The page on data quality has more."
        )


def _percent(value: float) -> str:
    return number(100 * value, 1)


def with_bounds(value: Interval) -> tuple[float, float, float]:
    """An interval as three cells of a table."""
    return value.value, value.low, value.high
