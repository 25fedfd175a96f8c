"""Which brands of a category are alternatives, learned from the training part, and what they are called in columns."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import pandas as pd

Rest = Literal["pool", "drop"]

OTHER, NONE = "other", "none"


def largest(sales: pd.DataFrame, number: int) -> list[str]:
    """Return the ``number`` brands with the highest revenue, the highest first; equal ones by name.

    Parameters
    ----------
    sales
        ``brand`` and ``revenue``, any number of rows a brand.
    number
        How many.
    """
    totals = sales.groupby("brand", as_index=False).agg(revenue=("revenue", "sum")).round({"revenue": 6})
    top = totals.sort_values(["revenue", "brand"], ascending=[False, True])
    return [str(brand) for brand in top["brand"].head(number)]


def names(brands: Sequence[str]) -> dict[str, str]:
    """Return brand → a name that can be part of a column's: lower case, no spaces, each once."""
    found: dict[str, str] = {}
    taken = {OTHER, NONE}
    for brand in brands:
        stem = re.sub(r"\W+", "_", brand.lower()).strip("_") or "brand"
        name, number = stem, 2
        while name in taken:
            name, number = f"{stem}_{number}", number + 1
        taken.add(name)
        found[brand] = name
    return found


def named(rows: pd.DataFrame, known: Mapping[str, str], rest: Rest) -> pd.DataFrame:
    """Return ``rows`` with the ``alternative`` that each row's brand is, without those that are none.

    Parameters
    ----------
    rows
        With a column ``brand``; a product without one belongs to the rest.
    known
        As `names` gives it.
    rest
        ``pool``: the other brands are one alternative. ``drop``: they are none.
    """
    alternative = rows["brand"].map(known)
    if rest == "drop":
        return rows.assign(alternative=alternative).dropna(subset=["alternative"])
    return rows.assign(alternative=alternative.fillna(OTHER))


def chosen(
    sales: pd.DataFrame, by: list[str], present: Sequence[str], sums: Mapping[str, int]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return what was bought on each occasion with a purchase, and the units of each alternative.

    Parameters
    ----------
    sales
        ``alternative``, ``quantity`` and ``revenue``, one or several rows per occasion and alternative.
    by
        The keys of an occasion.
    present
        The alternatives, the largest first.
    sums
        Digits that ``quantity`` and ``revenue`` are kept to.

    Returns
    -------
    ``brand`` (of which most units were bought, then most revenue, then the larger), ``quantity`` and ``revenue`` with
    the keys, and units of ``present`` row for row; each customer's occasions are in order.
    """
    each = sales.groupby([*by, "alternative"], as_index=False).agg(dict.fromkeys(sums, "sum")).round(dict(sums))
    place = {name: number for number, name in enumerate(present)}
    each["place"] = each["alternative"].map(place).fillna(len(place))
    rising = [*(True for _ in by), False, False, True]
    each = each.sort_values([*by, "quantity", "revenue", "place"], ascending=rising)
    bought = each.groupby(by, as_index=False).agg(
        brand=("alternative", "first"), quantity=("quantity", "sum"), revenue=("revenue", "sum")
    )
    units = each.pivot(index=by, columns="alternative", values="quantity")
    return bought.round(dict(sums)), units.reindex(columns=list(present)).fillna(0.0).reset_index(drop=True)
