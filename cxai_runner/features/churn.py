"""Whether customers stop buying: what they did up to a date, and whether they bought in the days after it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Final

from annotated_types import Ge

from cxai_runner.config.problems import Problem, UserError, did_you_mean
from cxai_runner.data.dataset import Dataset, Dropped, Roles
from cxai_runner.data.tables.instants import day_after, instant
from cxai_runner.data.tables.needs import Needs
from cxai_runner.features.base import Features
from cxai_runner.features.dates import asked, span, written
from cxai_runner.features.lifetimes import lifetimes
from cxai_runner.features.parts import ordered
from cxai_runner.features.periods import Periods, Purchase, whole

if TYPE_CHECKING:
    from ibis.expr.types import BooleanValue
    from ibis.expr.types import Table as IbisTable

    from cxai_runner.data.tables.opened import Tables
    from cxai_runner.evaluation.splits import Part

MEASURES: Final = (
    *("recency", "frequency", "monetary", "revenue", "tenure"),
    *("recent_purchases", "recent_revenue", "earlier_purchases", "purchase_gap", "overdue"),
)
OUTCOME: Final = "churned"
VALUE: Final = "value"
LIFETIMES: Final = "lifetimes"
"""The frame in `Dataset.others` that says how long customers bought."""


@dataclass(frozen=True, kw_only=True)
class Churn(Features):
    """One row per date and customer who was still buying then; ``time`` is the date.

    With t a date, g the gap and h the horizon in days, over a customer's transactions before t (nothing at or after t
    is ever read for these):

    =================  ==================================================================================
    recency            whole days from the last purchase to t; a purchase on the day before has recency 1
    frequency          number of purchases
    monetary           mean revenue per purchase, in the source's currency
    revenue            total revenue, in the source's currency
    tenure             whole days from the first purchase to t
    recent_purchases   purchases of the h days before t
    recent_revenue     revenue of the h days before t
    earlier_purchases  purchases of the h days before those
    purchase_gap       mean whole days from one purchase to the next; missing after a single one
    overdue            recency by ``purchase_gap``; missing without one
    value              ``recent_revenue``: what is at stake in the next h days; no input of its own
    churned            1 if there is no purchase in the h days from t + g on, else 0: from the instant t + g on, before
                       t + g + h
    =================  ==================================================================================

    Columns of a table `customers` are joined, and are inputs too.

    Whether somebody churned is known once t + g + h is over. A part that ends before knows nothing of it: its rows of
    that date are left out and counted, so that no label of the training part is made of days that it is judged on.

    `Dataset.others` has ``lifetimes``, how long each customer bought until they lapsed for g + h days (`lifetimes`).

    Parameters
    ----------
    as_of
        The last date; where none is given, the last one for which it is known who churned.
    dates
        How many dates there are, the last included; or a list of them.
    every
        Days between two dates, where their number is given; g + h where none are: at each date it is then just known
        what became of the customers of the one before.
    horizon
        Days without a purchase that make a customer one who churned.
    gap
        Days between a date and the beginning of the horizon: the time that it takes to act.
    active_within
        Days before a date within which a customer must have bought to be there at all; null takes everybody who ever
        bought, of whom many are gone for long and easily told.
    columns
        The inputs, by name; all measures and all columns of `customers` where none are named.
    purchase
        What counts as one purchase: an order (the lines of one ``order_id``; of one instant where there is none), or
        each line.
    open
        Whether customers are there of whom nobody knows yet whether they churn, with a missing ``churned``: to predict
        it. The last date is then the day after the last transaction, where none is given.
    """

    makes: ClassVar[str] = "customers"

    as_of: date | str | None = None
    dates: Annotated[int, Ge(1)] | Sequence[date | str] = 2
    every: Annotated[int, Ge(1)] | None = None
    horizon: Annotated[int, Ge(1)] = 28
    gap: Annotated[int, Ge(0)] = 0
    active_within: Annotated[int, Ge(1)] | None = None
    columns: Sequence[str] | None = None
    purchase: Purchase = "order"
    open: bool = False

    def needs(self) -> Needs:
        """Transactions, what tells their orders apart, and what is known of customers."""
        return Needs(
            {"transactions": ("customer_id", "timestamp", "revenue")},
            {"transactions": ("order_id",) if self.purchase == "order" else (), "customers": ("*",)},
        )

    def provides(self, tables: Tables) -> tuple[str, ...]:
        """Id and date, the outcome, the value, the measures, and what is known of customers."""
        return ("customer_id", "time", OUTCOME, VALUE, *MEASURES, *self._known(tables))

    def problems(self, tables: Tables) -> Iterator[Problem]:
        """Yield inputs that there are not, dates that are none, and those too early or too late to say anything."""
        possible = (*MEASURES, *self._known(tables))
        for name in self.columns or ():
            if name not in possible:
                told = "is no input: it is known only afterwards" if name in (OUTCOME, VALUE) else "no such column"
                yield Problem("columns", told, value=name, remedy=did_you_mean(name, possible))
        if self.columns is not None and not self.columns:
            yield Problem("columns", "nothing is left as an input", remedy="one of: " + ", ".join(possible))
        given = not isinstance(self.dates, int)
        wrong = [one for one in written(self.dates, self.as_of) if instant(one) is None]
        for one in wrong:
            yield Problem("dates" if given else "as_of", "a date, as in 2017-12-31", value=one)
        if given and self.as_of is not None:
            yield Problem("as_of", "the last date is told twice", self.as_of, "leave it out: dates has it")
        if given and not written(self.dates, self.as_of):
            yield Problem("dates", "at least one date", [], "write features.dates=2")
        if not wrong and (written(self.dates, self.as_of) or not given):
            yield from self._out_of_reach(tables)

    def rows(self, tables: Tables) -> IbisTable:
        """Each customer at each date up to which they were still buying; undated where there is one date."""
        import ibis

        bought = tables["transactions"]
        parts = []
        times = self._times(tables)
        for time in times:
            when = ibis.literal(time, type="timestamp")
            before = bought["timestamp"] < when
            if self.active_within is not None:
                since = ibis.literal(time - timedelta(days=self.active_within), type="timestamp")
                before = before & (bought["timestamp"] >= since)
            parts.append(bought.filter(before).select("customer_id").distinct().mutate(time=when))
        return parts[0].select("customer_id") if len(times) == 1 else ibis.union(*parts)

    def learn(self, tables: Tables, train: Part) -> Mapping[str, Any]:
        """Learn the dates, and from when to when there are transactions; none of it is of the training part alone."""
        first, end = self._span(tables)
        times = self._times(tables)
        return {
            "as_of": times[-1].isoformat(),
            "dates": [one.isoformat() for one in times],
            "begins": first.date().isoformat(),
            "ends": end.isoformat(),
            "horizon": self.horizon,
            "gap": self.gap,
        }

    def seen_until(self, learned: Mapping[str, Any]) -> Any:
        """The last date."""
        return learned["as_of"]

    def build(self, tables: Tables, part: Part, learned: Mapping[str, Any]) -> Dataset:
        """Build one part: the dates within its window whose label it knows.

        Raises
        ------
        UserError
            It knows of no date what became of the customers.
        """
        start, end = instant(part.start), instant(part.end)
        times = [one for one in map(instant, learned["dates"]) if one is not None]
        if len(times) > 1:
            times = [one for one in times if (start is None or one >= start) and (end is None or one < end)]
        limit = min(one for one in (instant(learned["ends"]), end) if one is not None)
        frame = self._at(tables, part, times, limit).execute()
        every, dropped = len(frame), []
        if self.active_within is not None:
            frame = frame[frame["recency"] <= self.active_within]
            reason = f"no purchase in the {self.active_within} days before: gone already"
            dropped.append(Dropped("customers", reason, every - len(frame), every))
        known = frame["time"].isin([one for one in times if one + self._ahead <= limit])
        if self.open:
            frame = frame.assign(**{OUTCOME: frame[OUTCOME].astype("float64").where(known)})
        else:
            if len(frame) and not known.any():
                raise UserError([self._nothing_known(part.name, limit)], "data")
            reason = f"whether they churn is not known before {limit:%Y-%m-%d}"
            dropped.append(Dropped("customers", reason, int((~known).sum()), every))
            frame = frame[known]
        measured = (*MEASURES, *self._known(tables))
        inputs = tuple(one for one in measured if self.columns is None or one in self.columns)
        described = tuple(one for one in measured if one not in inputs)
        lives = lifetimes(part.select(tables["transactions"], None), limit, self._ahead.days)
        return Dataset(
            self.makes,
            ordered(frame[list(self.provides(tables))], ["customer_id", "time"]),
            Roles(time="time", inputs=inputs, describe=(*described, VALUE)),
            tuple(one for one in dropped if one.rows),
            {} if self.open else {LIFETIMES: ordered(lives.execute(), ["customer_id"])},
        )

    def for_new_rows(self, inputs: Sequence[str], as_of: datetime | None) -> Features:
        """See customers as of that one date, whatever becomes of them."""
        own = [one for one in inputs if one not in self.models]
        return replace(self, as_of=as_of, dates=1, every=None, columns=own or None, open=True)

    def extended(self, tables: Tables, part: Part, learned: Mapping[str, Any]) -> Mapping[str, Any]:
        """See customers as of the date of the new rows."""
        return {**learned, **self.learn(tables, part)}

    def per_customer(self) -> Features:
        """See customers as of the last date."""
        return self.for_new_rows(
            self.columns or (), instant(self.as_of or max(written(self.dates, self.as_of), default=None))
        )

    @property
    def _ahead(self) -> timedelta:
        return timedelta(days=self.gap + self.horizon)

    def _known(self, tables: Tables) -> tuple[str, ...]:
        """The columns of `customers` that are joined."""
        own = ("customer_id", "time", OUTCOME, VALUE, *MEASURES)
        return tuple(one for one in tables.columns("customers") if one not in own)

    def _at(self, tables: Tables, part: Part, times: Sequence[datetime], limit: datetime) -> IbisTable:
        """The customers of each date who had ever bought before it."""
        import ibis

        source = tables["transactions"]
        wanted = [one for one in ("customer_id", "timestamp", "revenue", "order_id") if one in source.columns]
        lines = part.select(source, None).select(*wanted)
        lines = lines.filter(lines["timestamp"] < ibis.literal(limit, type="timestamp"))
        days, gap = timedelta(days=self.horizon), timedelta(days=self.gap)
        bounds = [time + step for time in times for step in (-2 * days, -days, 0 * days, gap, gap + days)]
        periods = Periods.of(lines, bounds, self.purchase)
        parts = [_as_of(periods, time, days, gap) for time in times]
        found = parts[0] if len(parts) == 1 else ibis.union(*parts)
        known = self._known(tables)
        if known:
            found = found.left_join(tables["customers"].select("customer_id", *known), "customer_id")
        return found.select(*self.provides(tables))

    def _span(self, tables: Tables) -> tuple[datetime, datetime]:
        """The first transaction, and the instant up to which there are such."""
        first, last = span(tables["transactions"])
        return first, day_after(last)

    def _times(self, tables: Tables) -> list[datetime]:
        """The dates, in order."""
        step = self._ahead if self.every is None else timedelta(days=self.every)
        return asked(self.dates, lambda: instant(self.as_of) or self._latest(tables), step)

    def _latest(self, tables: Tables) -> datetime:
        """The last date that can be asked about."""
        end = self._span(tables)[1]
        return end if self.open else end - self._ahead

    def _out_of_reach(self, tables: Tables) -> Iterator[Problem]:
        """Yield dates before which nobody bought, and those whose days to come are not over."""
        given = not isinstance(self.dates, int)
        first, end = self._span(tables)
        times, latest = self._times(tables), self._latest(tables)
        early, late = [one for one in times if one <= first], [one for one in times if one > latest]
        if early:
            told = f"nobody had bought before {early[-1]:%Y-%m-%d}; the first transaction is of {first:%Y-%m-%d}"
            remedy = "leave out the dates before" if given else "fewer dates, or a shorter features.horizon or .every"
            yield Problem("dates", told, value=f"{self.dates}", remedy=remedy)
        if late:
            ahead = f"{late[-1] + self._ahead - timedelta(days=1):%Y-%m-%d}"
            told = f"who churned after {late[-1]:%Y-%m-%d} is known on {ahead}; transactions end {end:%Y-%m-%d}"
            if self.open:
                told = f"transactions end before {end:%Y-%m-%d}: what was bought until then is not there"
            key = "dates" if given else "as_of"
            shown = f"{self.dates}" if given else self.as_of
            yield Problem(key, told, value=shown, remedy=f"at most {latest:%Y-%m-%d}")

    def _nothing_known(self, name: str, limit: datetime) -> Problem:
        """Why a part has no row to learn from."""
        told = f"of no date of the {name.replace('_', '-')} part is it known before {limit:%Y-%m-%d} who churned"
        remedy = f"dates at least {self._ahead.days} days apart (features.every=null), or more of them"
        return Problem("features.every", told, self.every, remedy)


def _as_of(periods: Periods, time: datetime, days: timedelta, gap: timedelta) -> IbisTable:
    """One date's rows: customers who had ever bought before it."""
    import ibis

    sums, when = periods.sums, ibis.literal(time.date())
    seen = periods.between(None, time)
    recent, earlier = periods.between(time - days, time), periods.between(time - 2 * days, time - days)
    came = periods.between(time + gap, time + gap + days)

    def purchases(where: BooleanValue) -> Any:
        return whole(sums["purchases"].sum(where=where)).fill_null(0)

    past = sums.group_by("customer_id").aggregate(
        first=sums["first"].min(where=seen),
        last=sums["last"].max(where=seen),
        frequency=purchases(seen),
        revenue=sums["revenue"].sum(where=seen).round(6),
        recent_purchases=purchases(recent),
        recent_revenue=sums["revenue"].sum(where=recent).round(6).fill_null(0.0),
        earlier_purchases=purchases(earlier),
        came=sums["last"].max(where=came),
    )
    past = past.filter(past["last"].notnull())
    recency, tenure = (when.delta(past[one].date(), unit="day") for one in ("last", "first"))
    gaps = (tenure - recency) / (past["frequency"] - 1).nullif(0)
    return past.select(
        "customer_id",
        time=ibis.literal(time, type="timestamp"),
        **{OUTCOME: ibis.ifelse(past["came"].isnull(), 1, 0).cast("int64"), VALUE: past["recent_revenue"]},
        recency=recency,
        frequency=past["frequency"],
        monetary=past["revenue"] / past["frequency"],
        revenue=past["revenue"],
        tenure=tenure,
        recent_purchases=past["recent_purchases"],
        recent_revenue=past["recent_revenue"],
        earlier_purchases=past["earlier_purchases"],
        purchase_gap=gaps,
        overdue=recency / gaps.nullif(0),
    )
