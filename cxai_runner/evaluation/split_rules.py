"""The rules that divide rows: by customer, by time, or not at all.

Who is held out depends on the seed and the customer's id alone: a keyed hash ranks customers, and the first so many are
held out. The order of a file, the features that are built and the rows a customer has do not enter.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

from annotated_types import Ge, Gt, Lt

from cxai_runner.config.problems import Problem
from cxai_runner.data import answers
from cxai_runner.data.tables.instants import day_after, instant
from cxai_runner.evaluation.splits import Fold, Part, Split
from cxai_runner.evaluation.wording import counted

if TYPE_CHECKING:
    import pandas as pd
    from ibis.expr.types import Table as IbisTable


@dataclass(frozen=True, kw_only=True)
class CustomerHoldout(Split):
    """Hold out a share of the customers, each with all rows.

    Parameters
    ----------
    test_size
        The share, to the nearest customer.
    """

    test_size: Annotated[float, Gt(0), Lt(1)] = 0.25

    def plan(self, rows: IbisTable, seed: int) -> tuple[Fold, ...]:
        """Return one fold."""
        ranked = _ranked(_customers(rows), seed)
        return (_by_customer(ranked[: self._held_out(len(ranked))]),)

    def problems(self, rows: IbisTable) -> Iterator[Problem]:
        """Yield whether one side would be empty."""
        customers = answers.value(rows["customer_id"].nunique())
        held_out = self._held_out(customers)
        if not 0 < held_out < customers:
            side = "nobody is held out" if held_out == 0 else "nobody is left to learn from"
            yield Problem(
                "test_size",
                f"with {counted(customers, 'customer')} {side}",
                value=self.test_size,
                remedy="change the share, or bring more customers; to hold out none: split=all",
            )

    def _held_out(self, customers: int) -> int:
        return round(self.test_size * customers)


@dataclass(frozen=True, kw_only=True)
class CustomerFolds(Split):
    """Hold out each customer once, in folds of equal size; the model that is kept then learns from everyone.

    Parameters
    ----------
    folds
        How many.
    """

    folds: Annotated[int, Ge(2)] = 5

    def plan(self, rows: IbisTable, seed: int) -> tuple[Fold, ...]:
        """Return the folds, and a last one without held-out rows."""
        ranked = _ranked(_customers(rows), seed)
        judged = tuple(_by_customer(ranked[number :: self.folds]) for number in range(self.folds))
        return (*judged, Fold(Part("train"), None, "each customer held out once"))

    def problems(self, rows: IbisTable) -> Iterator[Problem]:
        """Yield whether there are fewer customers than folds."""
        customers = answers.value(rows["customer_id"].nunique())
        if customers < self.folds:
            yield Problem(
                "folds",
                f"there {'is' if customers == 1 else 'are'} only {counted(customers, 'customer')} to divide",
                value=self.folds,
                remedy="fewer folds, or more customers; to hold out none: split=all",
            )


@dataclass(frozen=True, kw_only=True)
class TimeHoldout(Split):
    """Learn from the past, be judged on what came after.

    Parameters
    ----------
    test_size
        The share of rows to hold out, where no ``cut`` is given: the latest ones, and never more than this.
    cut
        A date (its midnight), or the number of an occasion. What is at or after it is held out. Where occasions are
        dated by week or month, the first one that starts at or after the cut begins the held-out part.
    """

    test_size: Annotated[float, Gt(0), Lt(1)] = 0.25
    cut: int | float | date | str | None = None

    def plan(self, rows: IbisTable, seed: int) -> tuple[Fold, ...]:
        """Return one fold; the training part ends where the held-out part starts."""
        cut = self._cut(_per_time(rows))
        when = f"{cut:%Y-%m-%d}" if isinstance(cut, date) else cut
        return (Fold(Part("train", end=cut), Part("held_out", start=cut), f"occasions from {when} on"),)

    def problems(self, rows: IbisTable) -> Iterator[Problem]:
        """Yield whether rows are undated, or one side would be empty."""
        if "time" not in rows.columns:
            yield Problem(
                "",
                "these rows have no dates, so they cannot be divided by time",
                remedy="divide by customer: split=customers",
            )
            return
        counts = _per_time(rows)
        first, last = counts["time"].iloc[0], counts["time"].iloc[-1]
        key, value = ("test_size", self.test_size) if self.cut is None else ("cut", self.cut)
        if self.cut is not None and not self._comparable(first):
            kind = "dates, as in 2017-12-31" if isinstance(first, date) else "numbers"
            yield Problem(
                "cut", f"occasions are {kind}", value=self.cut, remedy=f"between {_shown(first)} and {_shown(last)}"
            )
            return
        cut = self._cut(counts)
        if cut is None or cut <= first:
            side = "nothing is held out" if cut is None else "nothing is left to learn from"
            yield Problem(key, side, value=value, remedy=f"occasions run from {_shown(first)} to {_shown(last)}")

    def _comparable(self, first: Any) -> bool:
        if isinstance(first, date):
            return instant(self.cut) is not None
        return isinstance(self.cut, int | float)

    def _cut(self, counts: pd.DataFrame) -> Any:
        """The first time that is held out, or None where there is none."""
        times = counts["time"]
        if self.cut is not None:
            cut = instant(self.cut) if isinstance(times.iloc[0], date) else self.cut
            later = times[times >= cut]
        else:
            after = counts["rows"][::-1].cumsum()[::-1]
            later = times[after <= self.test_size * counts["rows"].sum()]
        return None if later.empty else _plain(later.iloc[0])


@dataclass(frozen=True, kw_only=True)
class LastDays(Split):
    """Learn from the past, be judged on the last days.

    Days are those of the calendar, from midnight to midnight, so that what was on one day is on one side; it is the cut
    that `TimeHoldout` makes at a date. The day of the last occasion is the last of them, whatever the hour.

    Parameters
    ----------
    days
        How many are held out: of daily occasions so many, of weekly ones those that begin in them.
    skip
        So many last days are on neither side, and the days before them are held out: to choose between models without
        a look at those on which the chosen one is judged in the end.
    """

    days: Annotated[int, Ge(1)] = 91
    skip: Annotated[int, Ge(0)] = 0

    def plan(self, rows: IbisTable, seed: int) -> tuple[Fold, ...]:
        """Return one fold; the training part ends where the held-out part starts."""
        (fold,) = TimeHoldout(cut=self._cut(rows)).plan(rows, seed)
        if not self.skip or fold.held_out is None:
            return (fold,)
        end = self._end(rows)
        label = f"{fold.label}, before {end:%Y-%m-%d}"
        return (replace(fold, held_out=replace(fold.held_out, end=end), label=label),)

    def problems(self, rows: IbisTable) -> Iterator[Problem]:
        """Yield whether rows have no dates, or one side would be empty."""
        if "time" not in rows.columns or not rows["time"].type().is_temporal():
            told = "these rows have no dates, so there are no last days"
            yield Problem("", told, remedy="divide by customer: split=customers")
            return
        first, cut = answers.value(rows["time"].min()), self._cut(rows)
        if cut <= first:
            told = f"nothing is left to learn from: the first occasion is of {first:%Y-%m-%d}"
            yield Problem("days", told, value=self.days, remedy="fewer days, or a longer history")
        elif self.skip:
            held_out = rows.filter(rows["time"].between(*_as_times(rows, cut, self._end(rows))))
            if not answers.value(held_out.filter(held_out["time"] < _as_times(rows, self._end(rows))[0]).count()):
                told = (
                    f"nothing is held out: no occasion is from {cut:%Y-%m-%d} on and before {self._end(rows):%Y-%m-%d}"
                )
                yield Problem("days", told, value=self.days, remedy="more days")

    def _end(self, rows: IbisTable) -> datetime:
        """Before which everything is that is on either side."""
        last = instant(answers.value(rows["time"].max()))
        return datetime.max if last is None else self._over(last) - timedelta(days=self.skip)

    def _cut(self, rows: IbisTable) -> datetime:
        return self._end(rows) - timedelta(days=self.days)

    def _over(self, last: datetime) -> datetime:
        """When the last day is over, by the last occasion."""
        return day_after(last)


@dataclass(frozen=True, kw_only=True)
class LastDates(LastDays):
    """Learn from the dates before, be judged on the last ones, where rows say how customers are seen as of a date.

    Such a row tells of the days before its date, so that days are counted back from the last date itself.

    Parameters
    ----------
    days
        What is as of a date at most so many days before the last one is held out.
    skip
        So many days before the last date are on neither side, nor is that date; the days before them are held out.
    """

    def _over(self, last: datetime) -> datetime:
        return last


@dataclass(frozen=True, kw_only=True)
class AllRows(Split):
    """Learn from every row and hold out none: for questions that describe."""

    def plan(self, rows: IbisTable, seed: int) -> tuple[Fold, ...]:
        """Return one fold without held-out rows."""
        return (Fold(Part("train"), None, "none: every row is learned from"),)

    def problems(self, rows: IbisTable) -> Iterator[Problem]:
        """Yield whether there are no rows."""
        if not answers.value(rows.count()):
            yield Problem("", "there are no rows to learn from", remedy="loosen the filters of data or features")


def _as_times(rows: IbisTable, *several: datetime) -> list[Any]:
    import ibis

    return [ibis.literal(one, type=rows["time"].type()) for one in several]


def _customers(rows: IbisTable) -> list[Any]:
    return list(answers.ask(rows.select("customer_id").distinct())["customer_id"].to_pylist())


def _ranked(customers: Sequence[Any], seed: int) -> list[Any]:
    """Customers in an order that depends on the seed and their ids alone."""
    key = str(seed).encode()

    def rank(customer: Any) -> tuple[bytes, str]:
        name = str(customer)
        return hashlib.blake2b(name.encode(), key=key, digest_size=16).digest(), name

    return sorted(customers, key=rank)


def _by_customer(held_out: Sequence[Any]) -> Fold:
    import pandas as pd

    ids = pd.DataFrame({"customer_id": list(held_out)})
    return Fold(
        Part("train", customers=ids, keep=False),
        Part("held_out", customers=ids, keep=True),
        f"{counted(len(ids), 'customer')} never seen in training",
    )


def _per_time(rows: IbisTable) -> pd.DataFrame:
    """Rows at each time, in order."""
    return answers.ask(rows.group_by("time").aggregate(rows=rows.count()).order_by("time")).to_pandas()


def _plain(time: Any) -> Any:
    """The time as Python's own type, from pandas's or numpy's."""
    if isinstance(time, date):
        return time.to_pydatetime() if hasattr(time, "to_pydatetime") else time
    return time.item() if hasattr(time, "item") else time


def _shown(time: Any) -> str:
    return f"{time:%Y-%m-%d}" if isinstance(time, date) else str(time)
