"""What every customer met in a week: the price of each brand, and how much of it was promoted.

A brand is many products, and which of them are bought changes with price. A plain mean of what was paid would move
when the mix moves. So a brand's price is a fixed-basket (Lowe) index: with q_j the units of product j in the training
part and p_jt its price in week t,

    price_t = Σ_j q_j · p_jt / Σ_j q_j

in the source's currency. It is Σ_j w_j · p_jt / p̄_j, with w_j product j's share of training revenue, scaled by the
brand's mean price. Display, mailer and promotion weigh products alike. The weights never move, nor do they differ
between groups of stores, so that neither the week's sales nor a store's assortment enters a price.

p_jt is what was paid for product j in week t in the group of stores: revenue over units, at shelf prices. Where nobody
bought it there, it is what was paid for it that week in any store; where nobody bought it at all, the price it was last
seen at; where it was not seen before, its training mean.

See ILO, IMF et al. (2020), Consumer Price Index Manual: Concepts and Methods, chapter 2, for the index.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pandas as pd
    from ibis.expr.types import Table as IbisTable
    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]

KEYS = ("period", "store_group")


@dataclass(frozen=True, eq=False)
class Basket:
    """The products of each alternative with their fixed weights, learned from the training part.

    Parameters
    ----------
    products
        Indexed by product id: ``alternative``, ``units`` (the weight) and ``price`` (the training mean).
    alternatives
        In order.
    """

    products: pd.DataFrame
    alternatives: tuple[str, ...]

    @classmethod
    def of(cls, rows: Sequence[Sequence[Any]], alternatives: Sequence[str]) -> Basket:
        """Return the basket from what `rows` gave."""
        import pandas as pd

        columns = ["product_id", "alternative", "units", "price"]
        return cls(pd.DataFrame(list(rows), columns=columns).set_index("product_id"), tuple(alternatives))

    def rows(self) -> list[list[Any]]:
        """The products as plain values, for JSON."""
        return [[_plain(value) for value in row] for row in self.products.reset_index().to_numpy(dtype=object)]

    def index(self, values: FloatArray) -> FloatArray:
        """Return the weighted mean of ``values`` (weeks × products) over each alternative's products, in order."""
        of, units = self.products["alternative"].to_numpy(), self.products["units"].to_numpy(dtype=float)
        found = np.empty((len(values), len(self.alternatives)))
        for place, alternative in enumerate(self.alternatives):
            mine = of == alternative
            found[:, place] = np.ascontiguousarray(values[:, mine]) @ (units[mine] / units[mine].sum())
        return found

    def weights(self) -> pd.Series:
        """Return each product's share of its alternative's basket, by product id."""
        units = self.products["units"]
        return units / units.groupby(self.products["alternative"]).transform("sum")


def sold(purchases: IbisTable, put_back: Sequence[str]) -> pd.DataFrame:
    """Return purchases as one row per week, group of stores and product.

    Parameters
    ----------
    purchases
        ``period``, ``store_group``, ``product_id``, ``brand``, ``quantity``, ``revenue``, the columns that are put
        back, and ``retail_discount`` where the source has it.
    put_back
        Columns that are added to revenue for what the shelf asked.

    Returns
    -------
    ``units``, ``revenue``, ``value`` (at shelf price, in the source's currency) and ``discounted`` units.
    """
    import ibis

    value = purchases["revenue"]
    for column in put_back:
        value = value + purchases[column].coalesce(0)
    at_discount = purchases["retail_discount"] > 0 if "retail_discount" in purchases.columns else ibis.literal(False)
    table = purchases.mutate(value=value, at_discount=at_discount)
    aggregate = table.group_by(*KEYS, "product_id", "brand").aggregate(
        units=table["quantity"].sum().round(6),
        revenue=table["revenue"].sum().round(6),
        value=table["value"].sum().round(6),
        discounted=table["quantity"].sum(where=table["at_discount"]).round(6).coalesce(0),
    )
    frame = aggregate.order_by(*KEYS, "product_id").execute()
    return frame.astype(dict.fromkeys(("units", "revenue", "value", "discounted"), float))


def basket(sales: pd.DataFrame, alternatives: Sequence[str]) -> Basket:
    """Learn the fixed weights from the training part's sales, as `sold` gives them, with their ``alternative``."""
    priced = _over_all_stores(sales)
    grouped = priced.groupby("product_id", sort=True)
    products = grouped.agg(alternative=("alternative", "first"), units=("units", "sum"), value=("value", "sum"))
    products["price"] = products["value"] / products["units"]
    return Basket(products[["alternative", "units", "price"]], tuple(alternatives))


def seen(sales: pd.DataFrame) -> pd.DataFrame:
    """Return what was paid for each product in each week, in all stores: ``value`` and ``units``."""
    return _over_all_stores(sales)[["period", "product_id", "value", "units"]]


def prices(
    sales: pd.DataFrame,
    periods: pd.DatetimeIndex,
    groups: Sequence[str],
    fixed: Basket,
    elsewhen: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Return the price of each alternative (columns) in each period and group of stores (index).

    Parameters
    ----------
    sales
        Of those periods, as `sold` gives them.
    periods
        In order.
    groups
        The groups of stores.
    fixed
        The basket.
    elsewhen
        What was paid in other weeks, as `seen` gives it: a product that nobody bought keeps the price of the last of
        all weeks before. What is seen later never reaches an earlier week.
    """
    import pandas as pd

    paid, weeks = seen(sales), periods
    if elsewhen is not None:
        paid, weeks = pd.concat([elsewhen, paid]), periods.union(pd.DatetimeIndex(elsewhen["period"].unique()))
    anywhere = _observed(paid, weeks, fixed)
    before = fixed.products["price"].to_numpy(dtype=float)
    for row in anywhere:
        row[:] = before = np.where(np.isnan(row), before, row)
    anywhere = anywhere[weeks.get_indexer(periods)]
    known = sales[sales["value"] > 0]
    found = {}
    for group in groups:
        here = _observed(known[known["store_group"] == group], periods, fixed)
        index = fixed.index(np.where(np.isnan(here), anywhere, here))
        found[group] = pd.DataFrame(index, index=periods, columns=list(fixed.alternatives))
    return by_period(found)


def discount_shares(
    sales: pd.DataFrame, periods: pd.DatetimeIndex, groups: Sequence[str], fixed: Basket
) -> pd.DataFrame:
    """Return the share of each alternative's units that were sold at a retail discount.

    Where a group sold none it is the share in all stores, and 0 where nobody sold any.
    """
    names = list(fixed.alternatives)

    def share(rows: pd.DataFrame) -> pd.DataFrame:
        totals = rows.groupby(["period", "alternative"])[["discounted", "units"]].sum()
        found = (totals["discounted"] / totals["units"]).unstack("alternative")
        return found.reindex(index=periods, columns=names).astype(float)

    anywhere = share(sales).fillna(0.0)
    return by_period({group: share(sales[sales["store_group"] == group]).fillna(anywhere) for group in groups})


def _over_all_stores(sales: pd.DataFrame) -> pd.DataFrame:
    """Sales of each week and product; a product given away was sold at no shelf price, and says nothing of it."""
    priced = sales[sales["value"] > 0]
    return priced.groupby(["period", "product_id"], as_index=False).agg(
        alternative=("alternative", "first"), units=("units", "sum"), value=("value", "sum")
    )


def _observed(rows: pd.DataFrame, periods: pd.DatetimeIndex, fixed: Basket) -> FloatArray:
    """What was paid for each product of the basket (columns) in each period (rows); NaN where nobody bought."""
    import pandas as pd

    week = periods.get_indexer(pd.Index(rows["period"]))
    product = fixed.products.index.get_indexer(pd.Index(rows["product_id"]))
    known = (week >= 0) & (product >= 0)
    paid = np.full((len(periods), len(fixed.products)), np.nan)
    paid[week[known], product[known]] = (rows["value"] / rows["units"]).to_numpy()[known]
    return paid


def by_period(found: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Return the frames of all groups as one, indexed by period and group."""
    import pandas as pd

    return pd.concat(found, names=["store_group", "period"]).swaplevel().sort_index()


def written(weeks: pd.DataFrame) -> pd.DataFrame:
    """Return weeks as JSON has them."""
    return weeks.assign(period=weeks["period"].dt.strftime("%Y-%m-%d"))


def dated(weeks: pd.DataFrame) -> pd.DataFrame:
    """Return weeks as frames have them."""
    import pandas as pd

    return weeks.assign(period=pd.to_datetime(weeks["period"]).astype("datetime64[us]"))


def _plain(value: Any) -> Any:
    return value.item() if hasattr(value, "item") else value
