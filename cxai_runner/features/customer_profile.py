"""Who customers are by what they bought: recency, frequency, monetary value and what goes with them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Final

from annotated_types import Ge

from cxai_runner.config.problems import Problem, did_you_mean
from cxai_runner.data import engines
from cxai_runner.data.answers import value
from cxai_runner.data.dataset import Dataset, Roles
from cxai_runner.data.tables.instants import instant
from cxai_runner.data.tables.needs import Needs
from cxai_runner.features.base import Features
from cxai_runner.features.parts import ordered
from cxai_runner.features.periods import Purchase

if TYPE_CHECKING:
    import pandas as pd
    from ibis.expr.types import Table as IbisTable

    from cxai_runner.data.tables.opened import Tables
    from cxai_runner.evaluation.splits import Part

EARLIER: Final = "earlier"
"""The further frame of the same customers as of an earlier date."""

_MEASURES: Mapping[str, tuple[str, ...]] = {
    "recency": (),
    "frequency": (),
    "monetary": (),
    "revenue": (),
    "tenure": (),
    "basket_size": ("transactions.product_id",),
    "promotion_share": ("transactions.retail_discount",),
    "category_spread": ("transactions.product_id", "products.product_id", "products.category"),
}
"""Each measure, and the columns it needs beyond the required ones."""


@dataclass(frozen=True, kw_only=True)
class CustomerProfile(Features):
    """One row per customer with at least one order, as of a date.

    With t the as-of date, over a customer's orders before t (nothing at or after t is ever read):

    ===============  ==================================================================================
    recency          whole days from the last order to t; an order on the day before t has recency 1
    frequency        number of orders, or of purchases as ``purchase`` has them
    monetary         mean revenue of these, in the source's currency
    revenue          total revenue, in the source's currency
    tenure           whole days from the first order to t
    basket_size      mean number of items (lines of the receipt) per order
    promotion_share  share of revenue that was made at a retail discount, 0 … 1
    category_spread  number of distinct product categories
    ===============  ==================================================================================

    Basket and promotions are not counted in units: of a shop that sells fuel by the thousandth of a gallon they would
    tell little else. A measure whose columns the source does not have is left out. Where transactions have no order id,
    what a customer bought at one instant is one order. Columns of a table `customers` are joined and describe the rows;
    they are no inputs. Sums are rounded to the sixth decimal, so that neither the order of rows nor the number of
    threads shows.

    Parameters
    ----------
    as_of
        The date; the day after the last order in the training part where none is given. A training part that ends
        earlier prevails.
    columns
        The measures that are inputs; all there are where none are named.
    purchase
        What is counted: orders, or each line.
    horizon
        Days before the as-of date that customers are seen once more from the beginning of, in a frame ``earlier``: the
        same measures over what came before that day, ``time``, and ``next_revenue``, what these customers spent from
        then on to the as-of date, ``until``. A task can look back from there and be held to what came. None where
        nobody needs it.
    """

    makes: ClassVar[str] = "customers"

    as_of: date | str | None = None
    columns: Sequence[str] | None = None
    purchase: Purchase = "order"
    horizon: Annotated[int, Ge(1)] | None = None

    def needs(self) -> Needs:
        """Transactions; products for categories and customers for demographics where there are such."""
        return Needs(
            {"transactions": ("customer_id", "timestamp", "revenue")},
            {
                "transactions": ("order_id", "retail_discount", "product_id"),
                "products": ("product_id", "category"),
                "customers": ("*",),
            },
        )

    def provides(self, tables: Tables) -> tuple[str, ...]:
        """The id, the measures that the source allows, and the demographics."""
        return ("customer_id", *self._measures(tables), *self._demographics(tables))

    def problems(self, tables: Tables) -> Iterator[Problem]:
        """Yield measures there are not, and an as-of date before which nobody bought."""
        possible = self._measures(tables)
        for name in self.columns or ():
            if name not in _MEASURES:
                yield Problem("columns", "no such measure", value=name, remedy=did_you_mean(name, _MEASURES))
            elif name not in possible:
                absent = [one for one in _MEASURES[name] if not _has(tables, one)]
                told = "the source does not have what it is made of"
                yield Problem("columns", told, value=name, remedy="map " + " and ".join(absent))
        if self.columns is not None and not self.columns:
            yield Problem("columns", "no measure is left as an input", remedy="one of: " + ", ".join(possible))
        if self.as_of is None:
            return
        when = instant(self.as_of)
        if when is None:
            yield Problem("as_of", "a date, as in 2017-12-31", value=self.as_of)
            return
        first = value(tables["transactions"]["timestamp"].min())
        if first >= when:
            remedy = f"the first order is of {first:%Y-%m-%d}"
            yield Problem("as_of", "nobody bought before this date", value=self.as_of, remedy=remedy)

    def rows(self, tables: Tables) -> IbisTable:
        """Customers who bought before the as-of date; undated, since a profile has one row each."""
        return self._before(tables["transactions"], None).select("customer_id").distinct()

    def learn(self, tables: Tables, train: Part) -> Mapping[str, Any]:
        """Learn the as-of date, so that both parts are seen from the same day."""
        given = [one for one in (instant(self.as_of), instant(train.end)) if one is not None]
        if given:
            return {"as_of": min(given).isoformat()}
        last = value(train.select(tables["transactions"], "timestamp")["timestamp"].max())
        return {"as_of": (datetime(last.year, last.month, last.day) + timedelta(days=1)).isoformat()}

    def seen_until(self, learned: Mapping[str, Any]) -> Any:
        """The as-of date."""
        return learned["as_of"]

    def build(self, tables: Tables, part: Part, learned: Mapping[str, Any]) -> Dataset:
        """Build one part."""
        frame = self._profiles(tables, part, learned).execute()
        others = self._earlier(tables, part, learned)
        return Dataset(self.makes, ordered(frame, ["customer_id"]), self._roles(tables), others=others)

    def for_new_rows(self, inputs: Sequence[str], as_of: datetime | None) -> Features:
        """See customers as of that date: that of the training rows is long past."""
        return replace(self, as_of=as_of, horizon=None)

    def per_customer(self) -> Features:
        """See customers as of their one date."""
        return replace(self, horizon=None)

    def extended(self, tables: Tables, part: Part, learned: Mapping[str, Any]) -> Mapping[str, Any]:
        """See customers as of the day after the last of all orders, where no date is given."""
        return {**learned, **self.learn(tables, part)}

    def stream(self, tables: Tables, part: Part, learned: Mapping[str, Any], size: int) -> Iterator[Dataset]:
        """Aggregate where the rows live, in one pass, and read the profiles as they come."""
        for frame in engines.stream(self._profiles(tables, part, learned), size):
            yield Dataset(self.makes, frame, self._roles(tables))

    def _earlier(self, tables: Tables, part: Part, learned: Mapping[str, Any]) -> dict[str, pd.DataFrame]:
        """The customers as of ``horizon`` days before, and what they spent since; nothing where there was nobody."""
        import ibis
        import pandas as pd

        if self.horizon is None:
            return {}
        until = self._seen_from(part, learned)
        since = until - timedelta(days=self.horizon)
        every = part.select(tables["transactions"], None)
        when = [ibis.literal(one, type="timestamp") for one in (since, until)]
        past = self._aggregate(tables, every.filter(every["timestamp"] < when[0]), since)
        came = every.filter((every["timestamp"] >= when[0]) & (every["timestamp"] < when[1]))
        spent = came.group_by("customer_id").aggregate(next_revenue=came["revenue"].sum().round(6))
        rows = past.left_join(spent, "customer_id").drop("customer_id_right")
        rows = rows.mutate(next_revenue=rows["next_revenue"].fill_null(0.0))
        frame = rows.select("customer_id", *self._measures(tables), "next_revenue").execute()
        if frame.empty:
            return {}
        frame = frame.assign(time=pd.Timestamp(since), until=pd.Timestamp(until))
        return {EARLIER: ordered(frame, ["customer_id"])}

    def _seen_from(self, part: Part, learned: Mapping[str, Any]) -> datetime:
        """The as-of date of a part."""
        return min(one for one in (instant(learned["as_of"]), instant(part.end)) if one is not None)

    def _profiles(self, tables: Tables, part: Part, learned: Mapping[str, Any]) -> IbisTable:
        """One row per customer, with the demographics there are."""
        as_of = self._seen_from(part, learned)
        bought = part.select(self._before(tables["transactions"], as_of), None)
        profile = self._aggregate(tables, bought, as_of)
        demographics = self._demographics(tables)
        if demographics:
            profile = profile.left_join(tables["customers"].select("customer_id", *demographics), "customer_id")
            profile = profile.drop("customer_id_right")
        return profile.select("customer_id", *self._measures(tables), *demographics)

    def _roles(self, tables: Tables) -> Roles:
        measures, demographics = self._measures(tables), self._demographics(tables)
        inputs = tuple(one for one in measures if self.columns is None or one in self.columns)
        return Roles(inputs=inputs, describe=tuple(one for one in (*measures, *demographics) if one not in inputs))

    def _before(self, transactions: IbisTable, as_of: datetime | None) -> IbisTable:
        import ibis

        as_of = as_of or instant(self.as_of)
        if as_of is None:
            return transactions
        return transactions.filter(transactions["timestamp"] < ibis.literal(as_of, type="timestamp"))

    def _aggregate(self, tables: Tables, bought: IbisTable, as_of: datetime) -> IbisTable:
        """One row per customer, computed where the rows live."""
        import ibis

        made = set(self._measures(tables))
        order = bought["order_id"] if "order_id" in bought.columns else bought["timestamp"]
        if "category_spread" in made:
            products = tables["products"].select("product_id", "category")
            bought = bought.left_join(products, "product_id")
            order = bought[order.get_name()]
        today = ibis.literal(as_of.date())
        orders = bought.count() if self.purchase == "line" else order.nunique()
        revenue = bought["revenue"].sum().round(6)
        measures: dict[str, Any] = {
            "recency": today.delta(bought["timestamp"].max().date(), unit="day"),
            "frequency": orders,
            "monetary": revenue / orders,
            "revenue": revenue,
            "tenure": today.delta(bought["timestamp"].min().date(), unit="day"),
        }
        if "basket_size" in made:
            measures["basket_size"] = bought.count() / orders
        if "promotion_share" in made:
            discounted = bought["revenue"].sum(where=bought["retail_discount"] > 0).round(6)
            measures["promotion_share"] = (discounted / revenue.nullif(0)).coalesce(0)
        if "category_spread" in made:
            measures["category_spread"] = bought["category"].nunique()
        return bought.group_by("customer_id").aggregate(**measures)

    def _measures(self, tables: Tables) -> tuple[str, ...]:
        """The measures whose columns the source has."""
        return tuple(name for name, columns in _MEASURES.items() if all(_has(tables, one) for one in columns))

    def _demographics(self, tables: Tables) -> tuple[str, ...]:
        return tuple(one for one in tables.columns("customers") if one != "customer_id" and one not in _MEASURES)


def _has(tables: Tables, column: str) -> bool:
    """Whether the source has a column, named with its table."""
    table, _, name = column.partition(".")
    return name in tables.columns(table)
