"""How long customers bought before they stopped, as far as that is known by an instant.

Nobody tells a shop that they leave. A customer has lapsed on a day of purchase after which so many days passed without
another one; that they did is known only once these days are over. So everybody is followed to the same last day, the
one for which it is known of all, and is censored there if they had not lapsed by then.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ibis.expr.types import Table as IbisTable


def lifetimes(transactions: IbisTable, until: datetime, lapsed_after: int) -> IbisTable:
    """Return one row per customer: ``customer_id``, ``duration`` and ``event``.

    ``duration`` counts days from the first purchase to the one after which the customer lapsed for the first time, both
    included (``event`` 1), or to the last day of which everything is known (``event`` 0). Whoever bought first after
    that day is left out.

    Parameters
    ----------
    transactions
        ``customer_id`` and ``timestamp``.
    until
        The instant from which nothing is read.
    lapsed_after
        Days without a purchase after which a customer has lapsed.
    """
    import ibis

    read = transactions.filter(transactions["timestamp"] < ibis.literal(until, type="timestamp"))
    days = read.select("customer_id", day=read["timestamp"].date()).distinct()
    in_order = ibis.window(group_by="customer_id", order_by="day")
    days = days.mutate(following=days["day"].lead().over(in_order))
    last = ibis.literal((until - timedelta(microseconds=1)).date() - timedelta(days=lapsed_after))
    stopped = days["following"].isnull() | (days["following"].delta(days["day"], unit="day") > lapsed_after)
    found = days.group_by("customer_id").aggregate(
        first=days["day"].min(), lapsed=days["day"].min(where=stopped & (days["day"] <= last))
    )
    found = found.filter(found["first"] <= last)
    ended = found["lapsed"].coalesce(last)
    return found.select(
        "customer_id",
        duration=ended.delta(found["first"], unit="day") + 1,
        event=ibis.ifelse(found["lapsed"].notnull(), 1, 0).cast("int64"),
    )
