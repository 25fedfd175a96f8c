"""What each segment is worth: how much of the revenue that came after a date was brought by its customers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cxai_runner.evaluation.intervals import bootstrap, percentile
from cxai_runner.evaluation.metrics import MeanOf, units_of
from cxai_runner.evaluation.results import Content, Estimate, Figure, Interval, Table
from cxai_runner.methods.managerial import NOBODY
from cxai_runner.task import Context
from tasks.managerial_segments.history import History, day, plain


@dataclass(frozen=True, eq=False)
class Worth:
    """The next revenue by segment, at each date at which it is known.

    Parameters
    ----------
    table
        ``time``, ``segment``, ``customers``, ``bought_again`` (their share), ``next_revenue``, ``mean`` (of a
        customer), ``share`` (of the revenue of all of the date's customers).
    last
        The last of these dates' rows, with ``low`` and ``high`` of the share, resampling customers; and the revenue of
        those who were no customers yet, where it is known.
    date
        That date.
    days
        The days of revenue, in words.
    """

    table: pd.DataFrame
    last: pd.DataFrame
    date: pd.Timestamp | None
    days: str

    @classmethod
    def of(cls, history: History, context: Context) -> Worth:
        """Sum up the revenue that came."""
        known = history.frame[history.frame["next_known"]]
        grouped = known.assign(bought=known["next_revenue"] > 0).groupby(["time", "segment"])
        table = grouped.agg(
            customers=("customer_id", "size"),
            bought_again=("bought", "mean"),
            next_revenue=("next_revenue", "sum"),
            mean=("next_revenue", "mean"),
        ).reset_index()
        total = table.groupby("time")["next_revenue"].transform("sum")
        table["share"] = (table["next_revenue"] / total.where(total > 0)).fillna(0.0)
        table = _ordered(table, history.names)
        if history.judged is None:
            return cls(table, table, None, history.days)
        last = _ordered(table[table["time"] == history.judged], history.names)
        intervals = _shares(history.at(history.judged), list(last["segment"]), context)
        last = last.assign(low=[one.low for one in intervals], high=[one.high for one in intervals])
        return cls(table, pd.concat([last, _newcomers(history)], ignore_index=True), history.judged, history.days)

    @property
    def rows(self) -> pd.DataFrame:
        """The last date's rows of those who were customers."""
        return self.last[self.last["segment"] != NOBODY]

    @property
    def newcomers(self) -> float:
        """The revenue of those who were no customers yet; 0 where it is not known."""
        return float(self.last.loc[self.last["segment"] == NOBODY, "next_revenue"].sum())


def by_segment(worth: Worth) -> Iterator[Content]:
    """The table, the picture, and how the shares went over time."""
    if worth.date is None:
        return
    since = f"the {worth.days} from {day(worth.date)} on"
    rows = worth.rows
    for segment, share, low, high in zip(rows["segment"], rows["share"], rows["low"], rows["high"], strict=True):
        if share == rows["share"].max() and np.isfinite(low):
            text = f"share of the revenue of {since} that {plain(segment)} customers brought, the most of all"
            yield Estimate("revenue_of_the_strongest", text, Interval(share, low, high))
            break
    caption = (
        f"Customers as they stood on {day(worth.date)}, and what they spent in {since}. `share` is of the revenue of "
        "all who were customers then, with a 95 % interval that resamples customers."
    )
    if worth.newcomers > 0:
        caption += f" The row `{NOBODY}` is the revenue of those who came only afterwards."
    shown = worth.last.drop(columns="time")
    yield Table("next_revenue", f"Who brought the revenue of {since}", shown, caption)
    yield Figure(
        "next_revenue",
        "Who brings the next revenue",
        rows.assign(segment=rows["segment"].map(plain)),
        "bar",
        "segment",
        "share",
        f"Share of the revenue of {since}, by the segment at its beginning; 95 % intervals by resampling customers.",
        low="low",
        high="high",
        y_label="share of next revenue",
    )
    if worth.table["time"].nunique() > 1:
        told = "As above, at each date whose next revenue is known."
        yield Table("next_revenue_over_time", "Next revenue at each date", worth.table, told)


def _shares(rows: pd.DataFrame, names: list[str], context: Context) -> list[Interval]:
    """Each segment's share of the revenue, customers drawn anew."""
    rng = context.rng("next revenue")
    codes, customers = units_of(rows["customer_id"], rng)
    revenue = rows["next_revenue"].to_numpy(dtype=np.float64)
    segment = rows["segment"].to_numpy()
    if not revenue.any():
        return [Interval(0.0, float("nan"), float("nan")) for _ in names]
    ratios = [MeanOf(revenue * (segment == name), codes, customers, revenue) for name in names]
    found = bootstrap(ratios, customers, context.resamples, rng)
    return [percentile(float(value[0]), draws[0]) for value, draws in found]


def _newcomers(history: History) -> pd.DataFrame:
    """The revenue of those who were no customers yet, where a date lies at the end of these days."""
    if history.horizon is None or not isinstance(history.judged, pd.Timestamp):
        return pd.DataFrame()
    end = history.judged + pd.Timedelta(days=history.horizon)
    if end not in history.times:
        return pd.DataFrame()
    came = history.at(end)
    came = came[came["tenure"] <= history.horizon]
    if came.empty:
        return pd.DataFrame()
    revenue = came["recent_revenue"]
    row = {"time": history.judged, "segment": NOBODY, "customers": len(came), "next_revenue": revenue.sum()}
    return pd.DataFrame([row | {"mean": revenue.mean()}])


def _ordered(table: pd.DataFrame, names: list[str]) -> pd.DataFrame:
    """By date and, within it, the best segment first."""
    rank = table["segment"].map({name: number for number, name in enumerate(names)})
    return table.assign(rank=rank).sort_values(["time", "rank"], ignore_index=True).drop(columns="rank")
