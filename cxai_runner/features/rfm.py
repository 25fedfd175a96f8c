"""Recency, frequency and monetary value as of each of a series of dates."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Final

from annotated_types import Ge

from cxai_runner.config.problems import Problem
from cxai_runner.data.dataset import Dataset, Roles
from cxai_runner.data.tables.instants import day_after, instant
from cxai_runner.data.tables.needs import Needs
from cxai_runner.features.base import Features
from cxai_runner.features.customer_profile import CustomerProfile
from cxai_runner.features.dates import asked, span, written
from cxai_runner.features.parts import ordered
from cxai_runner.features.periods import Periods, Purchase, whole

if TYPE_CHECKING:
    from ibis.expr.types import Table as IbisTable

    from cxai_runner.data.tables.opened import Tables
    from cxai_runner.evaluation.splits import Part

MEASURES: Final = ("recency", "frequency", "monetary", "revenue", "tenure")
OUTCOMES: Final = ("recent_revenue", "next_revenue", "next_known")


@dataclass(frozen=True, kw_only=True)
class RfmAtDates(Features):
    """One row per date and customer who had bought before it; ``time`` is the date.

    With t a date, over a customer's transactions before t (nothing at or after t is ever read for these):

    ==============  =====================================================================================
    recency         whole days from the last purchase to t; a purchase on the day before has recency 1
    frequency       number of purchases
    monetary        mean revenue per purchase, in the source's currency
    revenue         total revenue, in the source's currency
    tenure          whole days from the first purchase to t
    recent_revenue  revenue of the ``horizon`` days before t; no input
    next_revenue    revenue of the ``horizon`` days from t on; what a forecast is judged by, no input
    next_known      whether those days are over; where they are not, ``next_revenue`` is missing
    ==============  =====================================================================================

    All dates are made in one pass over the transactions, where these live. Of new rows one date is made, by
    `CustomerProfile`, whose measures are the same.

    Parameters
    ----------
    as_of
        The last date; the day after the last transaction where none is given. Nothing at or after it is read.
    dates
        How many dates there are, the last included; or a list of them.
    every
        Days between two dates, where their number is given.
    horizon
        Days of revenue before and after a date.
    purchase
        What counts as one purchase: an order (the lines of one ``order_id``; of one instant where there is none), or
        each line.
    """

    makes: ClassVar[str] = "customers"

    as_of: date | str | None = None
    dates: Annotated[int, Ge(2)] | Sequence[date | str] = 12
    every: Annotated[int, Ge(1)] = 28
    horizon: Annotated[int, Ge(1)] = 84
    purchase: Purchase = "order"

    def needs(self) -> Needs:
        """Transactions, and what tells their orders apart."""
        return Needs(
            {"transactions": ("customer_id", "timestamp", "revenue")},
            {"transactions": ("order_id",) if self.purchase == "order" else ()},
        )

    def provides(self, tables: Tables) -> tuple[str, ...]:
        """Id and date, the measures, and what came before and after."""
        return ("customer_id", "time", *MEASURES, *OUTCOMES)

    def problems(self, tables: Tables) -> Iterator[Problem]:
        """Yield dates that are none, and those before the first or after the last transaction."""
        given = not isinstance(self.dates, int)
        wrong = [one for one in written(self.dates, self.as_of) if instant(one) is None]
        for one in wrong:
            yield Problem("dates" if given else "as_of", "a date, as in 2017-12-31", value=one)
        if given and self.as_of is not None:
            yield Problem("as_of", "the last date is told twice", self.as_of, "leave it out: dates has it")
        if given and len(set(map(instant, written(self.dates, self.as_of)))) < 2:
            yield Problem(
                "dates", "two dates at least, or nobody can have moved", list(written(self.dates, self.as_of))
            )
        if wrong or (given and not written(self.dates, self.as_of)):
            return
        first, last = span(tables["transactions"])
        times = self._times(tables)
        early = [one for one in times if one <= first]
        late = [one for one in times if one > day_after(last)]
        if early:
            told = f"nobody had bought before {early[-1]:%Y-%m-%d}; the first transaction is of {first:%Y-%m-%d}"
            fitting = f"features.dates={len(times) - len(early)}, or a smaller features.every"
            remedy = "leave out the dates before" if given or len(times) - len(early) < 2 else fitting
            yield Problem("dates", told, value=_shown(self.dates), remedy=remedy)
        if late:
            told = f"the last transaction is of {last:%Y-%m-%d}: what {late[-1]:%Y-%m-%d} looks back on is not there"
            yield Problem(
                "dates" if given else "as_of",
                told,
                value=_shown(self.dates if given else self.as_of),
                remedy=f"at most {day_after(last):%Y-%m-%d}",
            )

    def rows(self, tables: Tables) -> IbisTable:
        """Each customer at each date before which they had bought."""
        import ibis

        bought = tables["transactions"]
        firsts = bought.group_by("customer_id").aggregate(first=bought["timestamp"].min())
        parts = []
        for time in self._times(tables):
            when = ibis.literal(time, type="timestamp")
            parts.append(firsts.filter(firsts["first"] < when).select("customer_id", time=when))
        return parts[0] if len(parts) == 1 else ibis.union(*parts)

    def learn(self, tables: Tables, train: Part) -> Mapping[str, Any]:
        """Learn the dates, the last of them, and when transactions begin; none of it is of the training part alone."""
        times = self._times(tables)
        return {
            "as_of": times[-1].isoformat(),
            "dates": [one.isoformat() for one in times],
            "begins": span(tables["transactions"])[0].date().isoformat(),
            "horizon": self.horizon,
        }

    def seen_until(self, learned: Mapping[str, Any]) -> Any:
        """The last date."""
        return learned["as_of"]

    def build(self, tables: Tables, part: Part, learned: Mapping[str, Any]) -> Dataset:
        """Build one part: the dates within its window."""
        frame = self.at_dates(tables, part, learned).execute()
        frame["next_known"] = frame["next_known"].astype(bool)
        roles = Roles(time="time", inputs=MEASURES, describe=OUTCOMES)
        return Dataset(self.makes, ordered(frame, ["customer_id", "time"]), roles)

    def at_dates(self, tables: Tables, part: Part, learned: Mapping[str, Any]) -> IbisTable:
        """Return the rows of one part as an expression, to be summed up further where the transactions live.

        Parameters
        ----------
        tables, part, learned
            As in `build`.
        """
        import ibis

        start, end = instant(part.start), instant(part.end)
        times = [instant(one) or datetime.max for one in learned["dates"]]
        times = [one for one in times if (start is None or one >= start) and (end is None or one < end)]
        limit = min(one for one in (instant(learned["as_of"]), end) if one is not None)
        days = timedelta(days=self.horizon)
        ahead = {time: time + days for time in times if time + days <= limit}
        wanted = [name for name in ("customer_id", "timestamp", "revenue", "order_id") if name in self._columns(tables)]
        lines = part.select(tables["transactions"], None).select(*wanted)
        read = max([*times, *ahead.values()])
        lines = lines.filter(lines["timestamp"] < ibis.literal(read, type="timestamp"))
        bounds = [*times, *(time - days for time in times), *ahead.values()]
        periods = Periods.of(lines, bounds, self.purchase)
        parts = [_as_of(periods, time, time - days, ahead.get(time)) for time in times]
        return parts[0] if len(parts) == 1 else ibis.union(*parts)

    def per_customer(self) -> Features:
        """See customers as of the last date."""
        return CustomerProfile(as_of=self.as_of, columns=MEASURES, purchase=self.purchase, models=self.models)

    def for_new_rows(self, inputs: Sequence[str], as_of: datetime | None) -> Features:
        """See customers as of that one date."""
        return self.per_customer().for_new_rows(inputs, as_of)

    def _columns(self, tables: Tables) -> tuple[str, ...]:
        return tuple(tables["transactions"].columns)

    def _times(self, tables: Tables) -> list[datetime]:
        """The dates, in order."""

        def last() -> datetime:
            return instant(self.as_of) or day_after(span(tables["transactions"])[1])

        return asked(self.dates, last, timedelta(days=self.every))


def _as_of(periods: Periods, time: datetime, since: datetime, until: datetime | None) -> IbisTable:
    """One date's rows: customers who had bought before it."""
    import ibis

    seen, when = periods.between(None, time), ibis.literal(time.date())
    sums = periods.sums
    past = sums.group_by("customer_id").aggregate(
        first=sums["first"].min(where=seen),
        last=sums["last"].max(where=seen),
        frequency=whole(sums["purchases"].sum(where=seen)),
        revenue=sums["revenue"].sum(where=seen).round(6),
        recent_revenue=sums["revenue"].sum(where=periods.between(since, time)).round(6).fill_null(0.0),
        next_revenue=(
            ibis.null("float64")
            if until is None
            else sums["revenue"].sum(where=periods.between(time, until)).round(6).fill_null(0.0)
        ),
    )
    past = past.filter(past["last"].notnull())
    return past.select(
        "customer_id",
        time=ibis.literal(time, type="timestamp"),
        recency=when.delta(past["last"].date(), unit="day"),
        frequency=past["frequency"],
        monetary=past["revenue"] / past["frequency"],
        revenue=past["revenue"],
        tenure=when.delta(past["first"].date(), unit="day"),
        recent_revenue=past["recent_revenue"],
        next_revenue=past["next_revenue"],
        next_known=ibis.literal(until is not None),
    )


def _shown(given: Any) -> Any:
    return given if isinstance(given, int | str) or given is None else f"{given}"
