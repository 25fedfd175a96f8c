"""The shopping occasion that comes next: who is asked about, when, and as which of their occasions.

It is not known where and when somebody shops next: it is taken to be at the instant that is asked about, in the group
of stores where they shopped last.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np

from cxai_runner.features import history, occasions

if TYPE_CHECKING:
    import pandas as pd
    from ibis.expr.types import Table as IbisTable


def before(lines: IbisTable, when: datetime | None) -> IbisTable:
    """Return the lines of receipts from before an instant, and of its own week no other; all where it is None."""
    import ibis

    if when is None:
        return lines
    return lines.filter(lines["timestamp"] < ibis.literal(when, type=lines["timestamp"].type()))


def of(
    past: pd.DataFrame,
    when: datetime,
    occasion: occasions.Occasion,
    customers: pd.Series | None,
    last: pd.Series,
) -> pd.DataFrame:
    """Return one row per customer, in order of their ids.

    Parameters
    ----------
    past
        Their occasions so far: ``customer_id``, ``occasion`` and ``store_group``.
    when
        When the next one is.
    occasion
        What an occasion is.
    customers
        Who is asked about; everybody in ``past`` where none are named.
    last
        The last week of the data: ``period``, and ``week`` where weeks are numbered.

    Returns
    -------
    ``customer_id``, ``time``, ``weeks`` (`occasions.week_count`), ``occasion``, their number, and ``store_group``,
    missing of whom nothing is known.
    """
    import pandas as pd

    latest = past.sort_values(["customer_id", "occasion"]).groupby("customer_id").tail(1)
    frame = latest[["customer_id", "occasion", "store_group"]]
    if customers is not None:
        frame = pd.DataFrame({"customer_id": pd.unique(customers)}).merge(frame, how="left", on="customer_id")
    frame = frame.sort_values("customer_id", ignore_index=True)
    frame["time"] = np.datetime64(when, "us")
    if "week" in last.index:
        frame["week"] = int(last["week"]) + (pd.Timestamp(when) - last["period"]).days // 7
    frame["weeks"] = occasions.week_count(frame, occasion)
    return frame.assign(occasion=frame["occasion"].fillna(0).astype("int64") + 1)


def previous(past: pd.DataFrame, frame: pd.DataFrame, bought: pd.DataFrame, by: Sequence[str]) -> pd.Series:
    """Return whether anything was bought on each customer's latest occasion, 1 or 0, row for row of ``frame``.

    Parameters
    ----------
    past
        All occasions so far.
    frame
        As `of` gives it.
    bought
        The occasions with a purchase.
    by
        The columns that tell occasions apart.
    """
    import pandas as pd

    every = pd.concat([past, frame], ignore_index=True)
    return history.previous(every, bought, by).iloc[len(past) :].set_axis(frame.index)
