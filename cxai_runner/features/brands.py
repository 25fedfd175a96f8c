"""What each customer bought of each brand, at what price and promotion, as sums that add up over any segment.

For each brand b, sums over a customer's lines or occasions, from which every share and mean of a segment is a ratio:

===================  ==========================================================================================
purchases_b          lines of the brand; of a panel, occasions on which it was chosen
units_b, revenue_b   what they came to
price_b, offers_b    mean price = Σ price / Σ offers: of a panel, what it cost on the occasions on which it was
                     there; of transactions what was paid for it, over its units
promotion_b, seen_b  share on promotion = Σ promotion / Σ seen: of a panel, over occasions; of transactions, lines
                     at a retail discount, over its lines
===================  ==========================================================================================
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from cxai_runner.data.tables.casts import as_text

if TYPE_CHECKING:
    import pandas as pd
    from ibis.expr.types import BooleanColumn, NumericColumn
    from ibis.expr.types import Table as IbisTable

OTHER: Final = "other"
SUMS: Final = ("purchases", "units", "revenue", "price", "offers", "promotion", "seen")


def branded(lines: IbisTable, products: IbisTable, brand_by: str, category: str | None) -> IbisTable:
    """Return lines with the ``brand`` of their product; those of one category where one is given."""
    if category is not None:
        products = products.filter(products["category"] == category)
    named = products.select("product_id", brand=as_text(products[brand_by]))
    return lines.join(named, "product_id") if category is not None else lines.left_join(named, "product_id")


def largest(bought: IbisTable, number: int) -> list[str]:
    """Return the brands that brought most, the largest first; by lines where there is no revenue."""
    import ibis

    known = bought.filter(bought["brand"].notnull())
    size = known["revenue"].sum().round(6) if "revenue" in known.columns else known.count()
    by_brand = known.group_by("brand").aggregate(size=size)
    found = by_brand.order_by(ibis.desc("size"), "brand").limit(number).execute()
    return [str(one) for one in found["brand"]]


def of_lines(bought: IbisTable, brands: Sequence[str]) -> IbisTable:
    """Return one row per customer and brand, with the sums; brands that are not named are one."""
    known = bought["brand"].isin(list(brands)).fill_null(False)
    told = bought.mutate(brand=known.ifelse(bought["brand"], OTHER))
    measures: dict[str, Any] = {"purchases": told.count()}
    if "revenue" in told.columns:
        measures["revenue"] = told["revenue"].sum().round(6)
    if "quantity" in told.columns:
        measures["units"] = told["quantity"].sum().round(6)
    if "retail_discount" in told.columns:
        measures["promotion"] = told.count(where=told["retail_discount"] > 0)
    return told.group_by("customer_id", "brand").aggregate(**measures)


def beside(long: pd.DataFrame, brands: Sequence[str]) -> pd.DataFrame:
    """Return one row per customer with a column per sum and brand; 0 where nothing was bought."""
    import pandas as pd

    given = [name for name in SUMS if name in long]
    wide = long.pivot(index="customer_id", columns="brand", values=given).fillna(0.0)
    order = [one for one in (*brands, OTHER) if one in set(long["brand"])]
    columns = {f"{name}_{brand}": wide[name, brand].astype(float) for brand in order for name in given}
    frame = pd.DataFrame(columns, index=wide.index)
    more: dict[str, pd.Series] = {}
    for brand in order:
        if {"revenue", "units"} <= set(given):
            more |= {f"price_{brand}": frame[f"revenue_{brand}"], f"offers_{brand}": frame[f"units_{brand}"]}
        if "promotion" in given:
            more[f"seen_{brand}"] = frame[f"purchases_{brand}"]
    return frame.assign(**more).reset_index()


def present(frame: pd.DataFrame) -> tuple[str, ...]:
    """Return the brands of a frame, in the order of its columns."""
    return tuple(name.removeprefix("purchases_") for name in map(str, frame.columns) if name.startswith("purchases_"))


def alternatives(columns: Sequence[str]) -> tuple[str, ...]:
    """Return the alternatives of a panel: those that have a price."""
    return tuple(name.removeprefix("price_") for name in columns if name.startswith("price_"))


def bought(panel: IbisTable) -> BooleanColumn:
    """Whether something was bought on an occasion of a panel: what it says, else whether there are units or a brand."""
    if "incidence" in panel.columns:
        return panel["incidence"] == 1
    if "quantity" in panel.columns:
        return panel["quantity"] > 0
    return panel["brand"].notnull() if "brand" in panel.columns else panel["customer_id"].notnull()


def chosen(panel: IbisTable, brand: str) -> BooleanColumn:
    """Whether a brand was bought on an occasion."""
    return bought(panel) & (as_text(panel["brand"]) == brand).fill_null(False)


def paid(panel: IbisTable, brands: Sequence[str]) -> NumericColumn | None:
    """Return what an occasion brought: its revenue, or units times the price of the brand; None where unknown."""
    import ibis

    if "revenue" in panel.columns:
        return bought(panel).ifelse(panel["revenue"], 0.0)
    if not ({"quantity", "brand"} <= set(panel.columns) and brands):
        return None
    branches = [(chosen(panel, brand), panel["quantity"] * panel[f"price_{brand}"]) for brand in brands]
    return ibis.cases(*branches, else_=0.0)


def of_panel(panel: IbisTable, brands: Sequence[str]) -> Mapping[str, Any]:
    """Return the sums over the occasions of a panel, by column, to be aggregated by customer."""
    value = paid(panel, brands)
    measures: dict[str, Any] = {}
    for brand in brands:
        price = panel[f"price_{brand}"]
        if "brand" in panel.columns:
            is_it = chosen(panel, brand)
            measures[f"purchases_{brand}"] = panel.count(where=is_it)
            if "quantity" in panel.columns:
                measures[f"units_{brand}"] = panel["quantity"].sum(where=is_it).fill_null(0).round(6)
            if value is not None:
                measures[f"revenue_{brand}"] = value.sum(where=is_it).fill_null(0).round(6)
        measures[f"price_{brand}"] = price.sum().fill_null(0).round(6)
        measures[f"offers_{brand}"] = price.count()
        if f"promotion_{brand}" in panel.columns:
            promotion = panel[f"promotion_{brand}"]
            measures[f"promotion_{brand}"] = promotion.sum().fill_null(0).round(6)
            measures[f"seen_{brand}"] = promotion.count()
    return measures
