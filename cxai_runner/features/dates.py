"""The dates as of which customers are seen: those that a config names, or so many backwards from the last one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from cxai_runner.data.answers import row
from cxai_runner.data.tables.instants import instant

if TYPE_CHECKING:
    from ibis.expr.types import Table as IbisTable

Dates = int | Sequence[date | str]
"""The dates themselves, or how many."""


def written(dates: Dates, as_of: date | str | None) -> tuple[Any, ...]:
    """Return the dates as the config has them."""
    if not isinstance(dates, int):
        return tuple(dates)
    return () if as_of is None else (as_of,)


def asked(dates: Dates, last: Callable[[], datetime], step: timedelta) -> list[datetime]:
    """Return the dates, in order.

    Parameters
    ----------
    dates
        Themselves, or how many.
    last
        What the last of so many is; asked for only then.
    step
        From one of so many to the next.
    """
    if not isinstance(dates, int):
        return sorted({one for one in map(instant, dates) if one is not None})
    latest = last()
    return [latest - step * back for back in reversed(range(dates))]


def span(transactions: IbisTable) -> tuple[datetime, datetime]:
    """Return the first and the last instant of transactions."""
    at = transactions["timestamp"]
    found = row(transactions.aggregate(first=at.min(), last=at.max()))
    return found["first"], found["last"]
