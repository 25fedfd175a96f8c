"""What sets segments apart in what they buy: how many, how often, of which brand, at what price and promotion."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import pandas as pd

from cxai_runner.evaluation.results import Content, Figure, Finding, Interval, Table
from cxai_runner.evaluation.wording import share
from cxai_runner.features.brands import OTHER
from cxai_runner.features.fed import NONE
from tasks.explore.base import Looked, with_bounds
from tasks.explore.sums import CUSTOMERS, Sums

_EDGE = ["low", "high"]
_BESIDE = 4
"""Segments whose bars can be told apart side by side; more are a heat map."""


def told_apart(column: pd.Series, unknown: str) -> pd.Series:
    """Return the segment of each customer as text, whole numbers without a point."""
    known = column[column.notna()]
    if pd.api.types.is_float_dtype(column) and (known == known.round()).all():
        column = column.astype("Int64")
    text = column.astype(object).where(column.notna(), unknown).astype(str)
    return text


def in_order(names: Sequence[str], unknown: str = "not known") -> list[str]:
    """Return segments as a reader expects them: by the first number in their name, else by name, the unknown last."""

    def place(name: str) -> tuple[bool, float, bool, str]:
        found = re.search(r"\d+(?:\.\d+)?", name)
        below = name.lower().startswith(("under", "below", "<"))
        return name == unknown, float(found.group()) if found else float("-inf"), not below, name

    return sorted(names, key=place)


def said(by: str, it: Looked, sums: Sums, segment: pd.Series, few: int) -> Iterator[Content]:
    """Yield sizes, revenue, purchases and incidence of the segments."""
    names = in_order(sums.segments)
    rows = []
    for name in names:
        row: dict[str, object] = {by: name, "customers": int(sums.total(CUSTOMERS, name))}
        row |= _cells("share", sums.share(CUSTOMERS, name))
        if "revenue" in sums and sums.total("revenue"):
            row |= _cells("share_of_revenue", sums.share("revenue", name))
            row |= _cells("revenue_per_customer", sums.ratio("revenue", CUSTOMERS, name))
        if it.bought is not None:
            row |= _cells(f"{it.bought}_per_customer", sums.ratio(it.bought, CUSTOMERS, name))
        if "occasions" in sums:
            if it.bought != "orders":  # an occasion is an order then
                row |= _cells("occasions_per_customer", sums.ratio("occasions", CUSTOMERS, name))
            row |= _cells("incidence", sums.ratio("purchases", "occasions", name))
        rows.append(row)
    table = pd.DataFrame(rows)
    caption = "`low` and `high` are 95 % intervals by resampling customers."
    yield Table("segments", f"Segments by {by}", table, caption)
    yield from _proportions(by, table)
    pictured = {
        "revenue_per_customer": "Revenue per customer",
        f"{it.bought}_per_customer": f"{str(it.bought).capitalize()} per customer",
        "occasions_per_customer": "Occasions per customer",
        "incidence": f"Share of occasions with a purchase{it.of_category}",
    }
    for name, title in pictured.items():
        if name in table:
            yield _bars(f"segments_{name}", f"{title}, by {by}", table, by, name)
    for name in names:
        if sums.total(CUSTOMERS, name) < few:
            many = int(sums.total(CUSTOMERS, name))
            yield Finding(
                f"Segment {name} of {by} has {many:,} customers only: its means and shares may be chance.", "caveat"
            )
    if len(names) == 1:
        yield Finding(
            f"All customers are of one segment of {by} ({names[0]}): there is nothing to tell apart.", "caveat"
        )
    unknown = int((segment == "not known").sum())
    if unknown:
        of = share(unknown / len(segment))
        yield Finding(
            f"Of {unknown:,} customers ({of}) {by} is not known: they are shown as a segment of their own.", "caveat"
        )
    yield Finding(
        "Segments are described, and differ in more than what they are called by: a difference between them is no "
        "effect of it.",
        "caveat",
    )


def of_a_model(by: str, segment: pd.Series) -> Finding:
    """Say what segments are that a model made of customers' purchases."""
    unseen = int((segment == NONE).sum())
    nobody = (
        f" `{NONE}` are the {unseen:,} customers of whom there was nothing to see before its date." if unseen else ""
    )
    return Finding(
        f"{by} is what a model says of each customer: its segments differ in what they were made of, which may be the "
        "very purchases that are described here. What they do later is another question: ask a task of the panel, with "
        f"features.models.{by} of an earlier date.{nobody}",
        "caveat",
    )


def brands(it: Looked, sums: Sums) -> Iterator[Content]:
    """Yield which brands are bought, what they bring, at what price and promotion; by segment where there are any."""
    if not it.brands or f"purchases_{it.brands[0]}" not in sums:
        return
    names = in_order(sums.segments)
    several = len(names) > 1
    table = pd.DataFrame(
        [_of_brand(sums, brand, it.brands, name if several else None) for name in names for brand in it.brands]
    )
    caption = "Purchases: their share within the segment. `low` and `high` are 95 % intervals by resampling customers."
    first = ["segment"] if several else []
    yield Table("brands", "Brands", table.drop(columns=[] if several else ["segment"]), caption, 60)
    yield _choice(table, by_segment=several)
    by = "segment" if several else None
    pictured = {
        "revenue": ("Revenue by brand", "Counted, not estimated."),
        "mean_price": ("Mean price by brand", _priced(it)),
        "promotion": ("Share on promotion by brand", _promoted(it)),
    }
    for column, (title, told) in pictured.items():
        if column not in table or table[column].isna().all():
            continue
        low, high = (f"{column}_{end}" if f"{column}_{end}" in table else None for end in _EDGE)
        shown = table[[*first, "brand", column, *(one for one in (low, high) if one)]].dropna()
        words = title + (" and segment" if several else "")
        name, label = f"brand_{column}", title.removesuffix(" by brand").lower()
        if len(names) > _BESIDE:
            grid = shown[["segment", "brand", column]]
            yield Figure(name, words, grid, "heatmap", "brand", "segment", told, fill=column)
        else:
            yield Figure(name, words, shown, "bar", "brand", column, told, by=by, low=low, high=high, y_label=label)
    top = table.groupby("brand", sort=False)[["purchases"]].sum()["purchases"]
    named = top.drop(OTHER, errors="ignore")
    if named.sum():
        most = share(float(named.max() / top.sum()))
        yield Finding(f"Brand {named.idxmax()} is bought most often: {most} of the purchases.")


def _choice(table: pd.DataFrame, *, by_segment: bool) -> Figure:
    shown, caption = "share_of_purchases", "Share of the purchases"
    if by_segment:
        title, caption = "Which brand is bought, by segment", f"{caption} of each segment: rows add up to 1."
        return Figure(
            "brand_choice",
            title,
            table[["segment", "brand", shown]],
            "heatmap",
            "brand",
            "segment",
            caption,
            fill=shown,
        )
    ends = [f"{shown}_{end}" for end in _EDGE]
    caption = f"{caption}, with 95 % intervals by resampling customers."
    rows = table[["brand", shown, *ends]].dropna()
    return Figure(
        "brand_choice", "Which brand is bought", rows, "bar", "brand", shown, caption, low=ends[0], high=ends[1]
    )


def _of_brand(sums: Sums, brand: str, every: Sequence[str], segment: str | None) -> dict[str, object]:
    bought = [f"purchases_{one}" for one in every]
    row: dict[str, object] = {"segment": segment or "all", "brand": brand}
    row["purchases"] = int(sums.total(f"purchases_{brand}", segment))
    row |= _cells("share_of_purchases", sums.among(f"purchases_{brand}", bought, segment))
    if f"revenue_{brand}" in sums:
        row["revenue"] = sums.total(f"revenue_{brand}", segment)
    if f"units_{brand}" in sums:
        row["units"] = sums.total(f"units_{brand}", segment)
    if f"price_{brand}" in sums:
        row |= _cells("mean_price", sums.ratio(f"price_{brand}", f"offers_{brand}", segment))
    if f"promotion_{brand}" in sums:
        row |= _cells("promotion", sums.ratio(f"promotion_{brand}", f"seen_{brand}", segment))
    return row


def _priced(it: Looked) -> str:
    if it.facts.get("looked") == "panel":
        return "What the brand cost on the occasions of these customers, whether they bought it or not."
    return "What these customers paid for a unit. They choose when they buy: it is not the price on the shelf."


def _promoted(it: Looked) -> str:
    if it.facts.get("looked") == "panel":
        return "Share of the occasions of these customers on which the brand was on promotion."
    return "Share of what these customers bought of the brand that was at a retail discount."


def _proportions(by: str, table: pd.DataFrame) -> Iterator[Content]:
    parts = [("customers", "share")]
    parts += [("revenue", "share_of_revenue")] if "share_of_revenue" in table else []
    long = pd.concat(
        [
            pd.DataFrame(
                {
                    by: table[by],
                    "share": table[name],
                    "of": of,
                    "low": table[f"{name}_low"],
                    "high": table[f"{name}_high"],
                }
            )
            for of, name in parts
        ],
        ignore_index=True,
    )
    title = f"Customers{' and revenue' if len(parts) > 1 else ''} by {by}"
    caption = "Shares, with 95 % intervals by resampling customers."
    yield Figure(
        "segment_shares",
        title,
        long,
        "bar",
        by,
        "share",
        caption,
        by="of" if len(parts) > 1 else None,
        low="low",
        high="high",
    )


def _bars(name: str, title: str, table: pd.DataFrame, by: str, column: str) -> Figure:
    shown = table[[by, column, f"{column}_low", f"{column}_high"]]
    caption = "With 95 % intervals by resampling customers."
    return Figure(name, title, shown, "bar", by, column, caption, low=f"{column}_low", high=f"{column}_high")


def _cells(name: str, value: Interval) -> dict[str, object]:
    return dict(zip((name, f"{name}_low", f"{name}_high"), with_bounds(value), strict=True))
