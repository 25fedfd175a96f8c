"""Dates as configs write them, as instants to compare with."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any


def instant(when: Any) -> datetime | None:
    """Return the instant that a date or its ISO 8601 text names, a date's midnight; None where it names none."""
    if isinstance(when, datetime):
        return when
    if isinstance(when, date):
        return datetime(when.year, when.month, when.day)
    try:
        return datetime.fromisoformat(when)
    except (TypeError, ValueError):
        return None


def day_after(moment: datetime) -> datetime:
    """Return the midnight that ends a moment's day."""
    return datetime(moment.year, moment.month, moment.day) + timedelta(days=1)
