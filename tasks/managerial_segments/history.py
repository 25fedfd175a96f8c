"""Every customer at every date, put together from the parts that a model learned from and was judged on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pandas as pd

from cxai_runner.methods.managerial import moves


@dataclass(frozen=True, eq=False)
class History:
    """Scored rows of all dates.

    Parameters
    ----------
    frame
        As `ManagerialSegments.score` returns them, each customer once at each date, in the order of the dates.
    names
        The segments, the best first.
    begins
        The day of the first transaction there is; None where nobody says so.
    horizon
        Days of revenue before and after a date; None where nobody says so.
    """

    frame: pd.DataFrame
    names: list[str]
    begins: str | None = None
    horizon: int | None = None

    @classmethod
    def of(cls, scores: Iterable[pd.DataFrame], names: list[str], learned: Mapping[str, Any]) -> History:
        """Put the parts together; of a row that two folds scored, the one held out counts."""
        rows = pd.concat(list(scores), ignore_index=True)
        rows = rows.drop_duplicates(["customer_id", "time"], keep="last")
        found = [name for name in rows["segment"].unique() if name not in names]
        frame = rows.sort_values(["time", "customer_id"], kind="stable", ignore_index=True)
        return cls(frame, [*names, *sorted(found)], learned.get("begins"), learned.get("horizon"))

    @cached_property
    def times(self) -> list[pd.Timestamp]:
        """The dates, in order."""
        return list(self.frame["time"].drop_duplicates())

    def at(self, time: Any) -> pd.DataFrame:
        """The customers at one date."""
        return self.frame[self.frame["time"] == time]

    @property
    def today(self) -> pd.DataFrame:
        """The customers at the last date."""
        return self.at(self.times[-1])

    @cached_property
    def judged(self) -> pd.Timestamp | None:
        """The last date whose next revenue is known."""
        known = self.frame.loc[self.frame["next_known"], "time"]
        return known.max() if len(known) else None

    @cached_property
    def moved(self) -> pd.DataFrame:
        """Every customer's move from each date to the next."""
        return moves(self.frame, self.names)

    @cached_property
    def last_moves(self) -> pd.DataFrame:
        """The moves to the last date."""
        return self.moved[self.moved["time"] == self.times[-1]]

    @property
    def days(self) -> str:
        """The days of revenue, in words."""
        return f"{self.horizon:,} days" if self.horizon else "period"


def day(time: Any) -> str:
    """Word a date; a number of an occasion as it is."""
    return f"{time:%Y-%m-%d}" if hasattr(time, "strftime") else f"{time:g}"


def plain(name: str) -> str:
    """Word the name of a segment."""
    return name.replace("_", " ")
