"""Orders, and what is counted of them where the rows live: by customer, by day, by amount, by the time between two.

An order is what a customer bought at once. All that follows are sums over orders, each one grouped query whose answer
is as large as there are customers, days or classes, however many rows there are. Sums are rounded to the sixth decimal,
so that neither the order of rows nor the number of threads shows.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from cxai_runner.data.answers import ask, row
from cxai_runner.features.amounts import named, numbered

if TYPE_CHECKING:
    import pandas as pd
    from ibis.expr.types import Table as IbisTable

MOST_LINES: Final = 50
"""Lines of an order that are told apart; larger ones are counted with these."""


def of_transactions(lines: IbisTable) -> IbisTable:
    """Return one row per order: ``customer_id``, ``time``, ``lines``, and ``value``, ``units``, ``free`` if known.

    ``free`` counts the lines that brought nothing. Where there is no order id, what a customer bought at one instant is
    one order.
    """
    numbered_orders = "order_id" in lines.columns
    by = ["customer_id", "order_id" if numbered_orders else "timestamp"]
    measures: dict[str, Any] = {"lines": lines.count()}
    if numbered_orders:
        measures["time"] = lines["timestamp"].min()
    if "revenue" in lines.columns:
        measures |= {
            "value": lines["revenue"].sum().round(6),
            "free": lines.count(where=lines["revenue"] == 0),
        }
    if "quantity" in lines.columns:
        measures["units"] = lines["quantity"].sum().round(6)
    orders = lines.group_by(by).aggregate(**measures)
    return orders if numbered_orders else orders.rename(time="timestamp")


def by_customer(orders: IbisTable) -> IbisTable:
    """Return one row per customer: ``orders``, ``lines``, ``revenue``, ``units``, ``largest``, ``first``, ``last``."""
    measures: dict[str, Any] = {"orders": orders.count(), "lines": orders["lines"].sum()}
    if "value" in orders.columns:
        measures |= {"revenue": orders["value"].sum().round(6), "largest": orders["value"].max()}
    measures |= {name: orders[name].sum().round(6) for name in ("units", "free") if name in orders.columns}
    if "time" in orders.columns:
        measures |= {"first": orders["time"].min(), "last": orders["time"].max()}
    return orders.group_by("customer_id").aggregate(**measures)


def in_line(orders: IbisTable) -> IbisTable:
    """Return orders with ``since`` and ``until``: whole days from the customer's order before, and to the next one."""
    import ibis

    order_by = ["time", *(["order_id"] if "order_id" in orders.columns else [])]
    window = ibis.window(group_by="customer_id", order_by=order_by)
    put = orders.mutate(before=orders["time"].lag().over(window), after=orders["time"].lead().over(window))
    day = put["time"].date()
    return put.mutate(
        since=day.delta(put["before"].date(), unit="day"), until=put["after"].date().delta(day, unit="day")
    )


def gaps(orders: IbisTable) -> pd.DataFrame:
    """Return how many orders came so many whole days after the one before: ``days``, ``orders``, in order."""
    put = in_line(orders).filter(lambda rows: rows["before"].notnull())
    counted = ask(put.group_by(days="since").aggregate(orders=put.count())).to_pandas()
    return counted.astype("int64").sort_values("days", ignore_index=True)


def range_of(orders: IbisTable) -> dict[str, Any]:
    """Return the ``first`` and ``last`` instant, and the least (``low``) and most (``high``) that one brought."""
    measures: dict[str, Any] = {}
    if "time" in orders.columns:
        measures |= {"first": orders["time"].min(), "last": orders["time"].max()}
    if "value" in orders.columns:
        worth = orders["value"] > 0
        measures |= {"low": orders["value"].min(where=worth), "high": orders["value"].max(where=worth)}
    return row(orders.aggregate(**measures)) if measures else {}


def by_day(orders: IbisTable, lost_after: int) -> IbisTable:
    """Return one row per day with an order.

    ``orders`` and ``revenue``; ``customers`` counts each once a day and ``of_month`` once a month; ``new`` those with
    their first order, ``returned`` those whose last was more than ``lost_after`` days ago, and ``lost`` those who then
    placed none for more than ``lost_after`` days, or to the end of the data.
    """
    put = in_line(orders)
    first = put["before"].isnull()
    month, month_before = (put[one].year() * 12 + put[one].month() for one in ("time", "before"))
    last = put["after"].isnull() | (put["until"] > lost_after)
    marked = put.mutate(
        day=put["time"].truncate("D").cast("timestamp"),
        is_new=first,
        is_today=first | (put["since"] > 0),
        is_month=first | (month != month_before),
        is_back=(put["since"] > lost_after).fill_null(False),
        is_last=last,
    )
    measures: dict[str, Any] = {"orders": marked.count()}
    if "value" in marked.columns:
        measures["revenue"] = marked["value"].sum().round(6)
    counted = {
        "customers": "is_today",
        "of_month": "is_month",
        "new": "is_new",
        "returned": "is_back",
        "lost": "is_last",
    }
    measures |= {name: marked.count(where=marked[column]) for name, column in counted.items()}
    return marked.group_by("day").aggregate(**measures)


def by_size(orders: IbisTable, ends: Sequence[float]) -> IbisTable:
    """Return orders by the class of their value and by their lines: ``number``, ``lines``, ``orders``, ``revenue``."""
    import ibis

    lines = ibis.least(orders["lines"], MOST_LINES)
    if "value" not in orders.columns or not ends:  # what brought nothing at all has no classes
        return orders.group_by(lines=lines).aggregate(orders=orders.count())
    return orders.group_by(number=numbered(orders["value"], ends), lines=lines).aggregate(
        orders=orders.count(), revenue=orders["value"].sum().round(6)
    )


def by_price(lines: IbisTable, ends: Sequence[float]) -> IbisTable:
    """Return lines by the class of what a unit cost: ``number``, ``lines``, ``revenue``."""
    return lines.group_by(number=numbered(lines["revenue"] / lines["quantity"], ends)).aggregate(
        lines=lines.count(), revenue=lines["revenue"].sum().round(6)
    )


def in_classes(counted: pd.DataFrame, ends: Sequence[float]) -> pd.DataFrame:
    """Return what was counted by numbered class under the ends of its class, in order."""
    if "number" not in counted:
        return counted.sort_values("lines", ignore_index=True)
    by = [name for name in ("number", "lines") if name in counted and not (name == "lines" and "orders" not in counted)]
    counted = counted.sort_values(by, ignore_index=True)
    return named(counted["number"], ends).join(counted.drop(columns="number"))
