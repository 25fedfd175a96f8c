"""When customers shopped: every line of a receipt is dated by its week and belongs to one shopping occasion.

A week is what the transactions' column ``week`` says, where there is one, and a calendar week from Monday where there
is none. A numbered week starts on the first day on which it has a purchase: shops close their week at an hour of their
own, and the number is what promotions go by.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    import pandas as pd
    from ibis.expr.types import Table as IbisTable

Occasion = Literal["week", "basket"]

_READ = ("customer_id", "order_id", "timestamp", "product_id", "quantity", "revenue", "week")
_EPOCH = "1970-01-05"
"""A Monday, so that calendar weeks counted from it are whole."""


def lines(transactions: IbisTable, occasion: Occasion, more: Sequence[str] = ()) -> IbisTable:
    """Return the lines of receipts with ``period``, the first day of their week, and their occasion.

    Parameters
    ----------
    transactions
        The standard table.
    occasion
        ``week``: what a customer bought in a week is one occasion, and its ``time`` is the period. ``basket``: an
        order is one, ``order_id`` tells it apart, and its ``time`` is the order's first instant; where there is no
        order id, what a customer bought at one instant is one order.
    more
        Further columns to keep, where there are such.
    """
    kept = [name for name in dict.fromkeys([*_READ, *more]) if name in transactions.columns]
    rows = transactions.select(*kept)
    if "week" in rows.columns:
        first = rows["timestamp"].min().truncate("D").cast("timestamp")
        rows = rows.join(rows.group_by("week").aggregate(period=first), "week")
    else:
        rows = rows.mutate(period=rows["timestamp"].truncate("W").cast("timestamp"))
    if occasion == "week":
        return rows.mutate(time=rows["period"])
    if "order_id" not in rows.columns:
        return rows.mutate(time=rows["timestamp"])
    order = ["customer_id", "order_id"]
    return rows.join(rows.group_by(order).aggregate(time=rows["timestamp"].min()), order)


def keys(rows: IbisTable, occasion: Occasion) -> list[str]:
    """Return the columns of `lines` that tell occasions apart, in the order in which a customer has them."""
    ordered = occasion == "basket" and "order_id" in rows.columns
    return ["customer_id", "time", *(["order_id"] if ordered else [])]


def occasions(rows: IbisTable, occasion: Occasion) -> IbisTable:
    """Return one row per occasion: its keys, ``occasion`` (1, 2, 3 … of its customer), ``period``, and any ``week``.

    ``rows`` are all lines, so that an occasion's number is the same in whichever part it comes to lie.
    """
    import ibis

    by = keys(rows, occasion)
    first = {name: rows[name].min() for name in ("period", "week") if name in rows.columns and name not in by}
    made = rows.group_by(by).aggregate(**first)
    number = ibis.row_number().over(ibis.window(group_by="customer_id", order_by=by[1:]))
    return made.mutate(occasion=number + 1)


def weeks(rows: IbisTable) -> pd.DataFrame:
    """Return the ``period`` (and ``week``) of each week in which anybody shopped, in order."""
    by = [name for name in ("period", "week") if name in rows.columns]
    # Sorted here: on PostgreSQL Ibis lets the columns of an earlier filter into a distinct that is ordered.
    found = to_microseconds(rows.select(*by).distinct().execute())
    return found.sort_values("period", ignore_index=True)


def week_count(frame: pd.DataFrame, occasion: Occasion) -> pd.Series:
    """Return when each occasion is, in weeks from a fixed day: whole weeks by week, sevenths of one by basket."""
    import pandas as pd

    if occasion == "week" and "week" in frame.columns:
        return frame["week"].astype(float)
    days = (frame["time"].dt.floor("D") - pd.Timestamp(_EPOCH)) // np.timedelta64(1, "D")
    return days / 7 if occasion == "basket" else (days // 7).astype(float)


def to_microseconds(frame: pd.DataFrame) -> pd.DataFrame:
    """Return ``frame`` with its instants in one resolution, whichever the engine gives them in."""
    instants = [name for name in frame if frame[name].dtype.kind == "M"]
    return frame.astype(dict.fromkeys(instants, "datetime64[us]"))
