"""What every customer saw in a week: the price of each brand, and how much of it was on promotion.

A brand is many products, and which of them are bought changes with price. A plain mean of what was paid would move
when the mix moves. So a brand's price is a fixed-basket (Lowe) index: with q_j the units of product j in the training
part and p_jt its price in week t,

    price_t = Σ_j q_j · p_jt / Σ_j q_j

in the source's currency. It is Σ_j w_j · p_jt / p̄_j, with w_j product j's share of training revenue, scaled by the
brand's mean price. A product that was not sold in a week keeps the price it was last seen at, or has its training mean
if it was not seen before.

See ILO, IMF et al. (2020), Consumer Price Index Manual: Concepts and Methods, chapter 2, for the index.
"""

from __future__ import annotations

import operator
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd
    from ibis.expr.types import Table as IbisTable

_SILENT = ("", "0", "no", "none", "false", "n")
"""What `display` and `mailer` say of a product that is neither displayed nor advertised."""


@dataclass(frozen=True, eq=False)
class Basket:
    """The products of each alternative with their fixed weights, learned from the training part.

    Parameters
    ----------
    products
        Indexed by product id: ``alternative``, ``units`` (the weight), ``price`` (the training mean), and ``last``
        (the price last seen in the training part).
    alternatives
        In order.
    """

    products: pd.DataFrame
    alternatives: tuple[str, ...]

    @classmethod
    def of(cls, rows: Sequence[Sequence[Any]], alternatives: Sequence[str]) -> Basket:
        """Return the basket from what `rows` gave."""
        import pandas as pd

        columns = ["product_id", "alternative", "units", "price", "last"]
        return cls(pd.DataFrame(list(rows), columns=columns).set_index("product_id"), tuple(alternatives))

    def rows(self) -> list[list[Any]]:
        """The products as plain values, for JSON."""
        return [[_plain(value) for value in row] for row in self.products.reset_index().to_numpy(dtype=object)]

    def index(self, values: pd.DataFrame) -> pd.DataFrame:
        """Return the weighted mean of ``values`` (weeks × products) over each alternative's products."""
        import pandas as pd

        columns = {}
        for alternative in self.alternatives:
            units = self.products.loc[self.products["alternative"] == alternative, "units"]
            columns[alternative] = values[units.index].to_numpy() @ (units / units.sum()).to_numpy()
        return pd.DataFrame(columns, index=values.index)


def sold(purchases: IbisTable) -> pd.DataFrame:
    """Return purchases as one row per week and product.

    Parameters
    ----------
    purchases
        ``time``, ``product_id``, ``brand``, ``quantity``, ``revenue``, and ``coupon_match_discount`` and
        ``retail_discount`` where the source has them.

    Returns
    -------
    ``units``, ``revenue``, ``value`` (at shelf price, in the source's currency) and ``discounted`` units.

    Notes
    -----
    The shop takes ``revenue``: what the customer paid and what the manufacturer refunds for its coupon. Only the shop's
    own match of a coupon lowered it below the shelf price, so shelf price = (revenue + coupon match) / quantity.
    """
    import ibis

    zero = ibis.literal(0.0)
    match = purchases["coupon_match_discount"].coalesce(0) if "coupon_match_discount" in purchases.columns else zero
    at_discount = purchases["retail_discount"] > 0 if "retail_discount" in purchases.columns else ibis.literal(False)
    table = purchases.mutate(value=purchases["revenue"] + match, at_discount=at_discount)
    aggregate = table.group_by("time", "product_id", "brand").aggregate(
        units=table["quantity"].sum().round(6),
        revenue=table["revenue"].sum().round(6),
        value=table["value"].sum().round(6),
        discounted=table["quantity"].sum(where=table["at_discount"]).round(6).coalesce(0),
    )
    return aggregate.order_by("time", "product_id").execute()


def basket(weekly: pd.DataFrame, alternatives: Sequence[str]) -> Basket:
    """Learn the fixed weights from the training part's weekly sales."""
    # A product given away was sold at no shelf price; it says nothing of what the brand costs.
    priced = weekly[weekly["value"] > 0]
    grouped = priced.groupby("product_id", sort=True)
    products = grouped.agg(alternative=("alternative", "first"), units=("units", "sum"), value=("value", "sum"))
    products["price"] = products["value"] / products["units"]
    products["last"] = priced.assign(last=priced["value"] / priced["units"]).groupby("product_id")["last"].last()
    return Basket(products[["alternative", "units", "price", "last"]], tuple(alternatives))


def prices(weekly: pd.DataFrame, weeks: pd.Index, fixed: Basket, *, carried: bool) -> pd.DataFrame:
    """Return the price of each alternative (columns) in each of ``weeks`` (index).

    Parameters
    ----------
    weekly
        The sales of those weeks, as `sold` gives them.
    weeks
        In order.
    fixed
        The basket.
    carried
        Whether the weeks follow the training part, so that a product not sold yet keeps the price last seen there.
    """
    known = weekly[(weekly["value"] > 0) & weekly["product_id"].isin(fixed.products.index)]
    observed = known.assign(price=known["value"] / known["units"]).pivot(
        index="time", columns="product_id", values="price"
    )
    table = observed.reindex(index=weeks, columns=fixed.products.index).astype(float).ffill()
    return fixed.index(table.fillna(fixed.products["last" if carried else "price"]))


def discount_shares(weekly: pd.DataFrame, weeks: pd.Index, fixed: Basket) -> pd.DataFrame:
    """Return the share of each alternative's units that were sold at a retail discount; 0 where none was sold."""
    totals = weekly.groupby(["time", "alternative"])[["discounted", "units"]].sum()
    share = (totals["discounted"] / totals["units"]).unstack("alternative")
    return share.reindex(index=weeks, columns=list(fixed.alternatives)).fillna(0.0).astype(float)


def promotion_shares(
    promotions: IbisTable, week_of: Mapping[Any, Any], products: IbisTable, fixed: Basket
) -> pd.DataFrame:
    """Return the share of stores × products of each alternative that were on display or in a mailer.

    A product's share is the number of stores that promoted it, of all stores that the table has in that week; products
    weigh what they weigh in the price.

    Parameters
    ----------
    promotions
        ``product_id``, ``week``, and ``store_id``, ``display`` and ``mailer`` where there are such.
    week_of
        Number of the week → its ``time``, for the weeks that are wanted.
    products
        ``product_id`` of the category.
    """
    import ibis
    import pandas as pd

    wanted = promotions.filter(promotions["week"].isin(list(week_of)))
    active = wanted.semi_join(products, "product_id")
    said = [active[one].fill_null("").lower().notin(_SILENT) for one in ("display", "mailer") if one in active.columns]
    promoted = reduce(operator.or_, said) if said else ibis.literal(True)
    by_product = active.group_by("week", "product_id")
    if "store_id" in promotions.columns:
        # The condition is inside the aggregate: as a filter it would be tried on every row of the table first.
        counts = by_product.aggregate(share=active["store_id"].nunique(where=promoted)).execute()
        stores = wanted.group_by("week").aggregate(of=wanted["store_id"].nunique()).execute().set_index("week")["of"]
        counts["share"] /= counts["week"].map(stores)
    else:
        counts = by_product.aggregate(share=promoted.max()).execute()
    table = counts.pivot(index="week", columns="product_id", values="share")
    table = table.reindex(index=list(week_of), columns=fixed.products.index).fillna(0.0).astype(float)
    table.index = pd.Index([week_of[week] for week in table.index], name="time")
    return fixed.index(table)


def _plain(value: Any) -> Any:
    return value.item() if hasattr(value, "item") else value
