"""What a manager reads first: who the customers are, which of them slip away, and what they are worth."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd

from cxai_runner.evaluation.intervals import bootstrap, percentile
from cxai_runner.evaluation.metrics import MeanOf, units_of
from cxai_runner.evaluation.results import Content, Figure, Finding, Metric, Table
from cxai_runner.evaluation.wording import number, share, with_interval
from cxai_runner.methods.managerial import NOBODY, RuleSegments, edges, scored
from cxai_runner.task import Context
from tasks.managerial_segments.history import History, day, plain
from tasks.managerial_segments.revenue import Worth

FEW = 30


def verdict(history: History, worth: Worth, metrics: Mapping[str, Metric]) -> Iterator[Content]:
    """The headline, and whether segments tell what customers will spend."""
    today, last = history.today, history.times[-1]
    sizes = today["segment"].value_counts()
    largest = str(sizes.index[0])
    parts = [f"{len(today):,} customers as of {day(last)}: {share(sizes.iloc[0] / len(today))} are {plain(largest)}"]
    were = history.last_moves[history.last_moves["from"] != NOBODY]
    if len(were):
        down, up = ((were["direction"] == way).sum() for way in ("down", "up"))
        parts.append(f"since {day(history.times[-2])} {down:,} moved down and {up:,} up")
    if worth.date is not None and len(worth.rows):
        strongest = worth.rows.iloc[int(worth.rows["share"].to_numpy().argmax())]
        own = strongest["customers"] / worth.rows["customers"].sum()
        parts.append(
            f"{plain(strongest['segment'])} customers ({share(own)} of all on {day(worth.date)}) brought "
            f"{share(strongest['share'])} of the next {worth.days}' revenue"
        )
    yield Finding("; ".join(parts) + ".", "headline")
    rmse = metrics["rmse"]
    if rmse.difference is not None and rmse.baseline is not None:
        said = {
            "better": "tells what they spend in the next {} better than one mean for all",
            "worse": "tells what they spend in the next {} worse than one mean for all",
            "cannot tell": "cannot be shown to tell what they spend in the next {}",
        }[rmse.verdict]
        yield Finding(
            f"The segment of a customer {said.format(history.days)}: RMSE {number(rmse.value.value, 2)} against "
            f"{number(rmse.baseline.value, 2)}, a difference of {with_interval(rmse.difference)}."
        )
    if worth.newcomers > 0:
        total = worth.newcomers + worth.rows["next_revenue"].sum()
        yield Finding(
            f"{share(worth.newcomers / total)} of all revenue of the {worth.days} from {day(worth.date)} on came from "
            "customers who were none yet: no segment of that day can tell of it."
        )


def segments(history: History, expected: Mapping[str, float], context: Context) -> Iterator[Content]:
    """Who is in each segment today, and what they are expected to spend."""
    today = history.today
    rng = context.rng("sizes")
    codes, customers = units_of(today["customer_id"], rng)
    segment = today["segment"].to_numpy()
    names = [name for name in history.names if (segment == name).any()]
    shares = bootstrap(
        [MeanOf(segment == name, codes, customers) for name in names],
        customers,
        context.resamples,
        rng,
    )
    intervals = [percentile(float(value[0]), draws[0]) for value, draws in shares]
    grouped = today.groupby("segment")
    means = grouped[["recency", "frequency", "monetary", "tenure", "expected"]].mean().loc[names]
    recent = grouped["recent_revenue"].sum().loc[names].to_numpy()
    coming = (grouped["expected"].sum()).loc[names].to_numpy()
    table = pd.DataFrame(
        {
            "segment": names,
            "customers": [int((segment == name).sum()) for name in names],
            "share": [one.value for one in intervals],
            "low": [one.low for one in intervals],
            "high": [one.high for one in intervals],
            **{name: means[name].to_numpy() for name in ("recency", "frequency", "monetary", "tenure")},
            "recent_revenue": recent,
            "recent_share": recent / recent.sum() if recent.sum() else np.zeros(len(names)),
            "expected": means["expected"].to_numpy(),
            "expected_share": coming / coming.sum() if coming.sum() else np.zeros(len(names)),
        }
    )
    caption = (
        f"As of {day(history.times[-1])}, the best first; recency, frequency, monetary value and tenure are means. "
        f"`recent_revenue` is of the {history.days} before; `expected` is what a customer of the segment spent in "
        f"the {history.days} after earlier dates, on average, and `expected_share` what part of the revenue to come "
        "would so be the segment's."
    )
    yield Table("segments", "Segments", table, caption)
    yield Figure(
        "segment_sizes",
        "Share of customers per segment",
        table.assign(segment=table["segment"].map(plain)),
        "bar",
        "segment",
        "share",
        f"As of {day(history.times[-1])}; 95 % intervals by resampling customers.",
        low="low",
        high="high",
        y_label="share of customers",
    )
    unseen = [plain(name) for name in names if name not in expected]
    if unseen:
        yield Finding(
            f"Nobody was in {', '.join(unseen)} at a date whose next revenue was learned from: what is expected of "
            "them is the mean of all.",
            "caveat",
        )
    for name, count in zip(table["segment"], table["customers"], strict=True):
        if count < FEW:
            yield Finding(f"{plain(name).capitalize()} has {count} customers only.", "caveat")
    gone = [plain(name) for name in history.names if name not in names]
    if gone:
        yield Finding(f"Nobody is in {', '.join(gone)} as of {day(history.times[-1])}.", "caveat")


def grid(history: History, parts: int) -> Iterator[Content]:
    """The customers of today by recency and frequency, each cell with what its customers spend."""
    today = history.today
    scores = {
        name: scored(today[name], edges(today[name], parts), low_is_best=name == "recency")
        for name in ("recency", "frequency", "monetary")
    }
    rows = today.assign(revenue=today["monetary"] * today["frequency"])
    rows = rows.assign(**{f"{name}_score": own for name, own in scores.items()})
    by = [f"{name}_score" for name in ("recency", "frequency")]
    found = rows.groupby(by, as_index=False).agg(
        customers=("customer_id", "size"),
        monetary_score=("monetary_score", "mean"),
        monetary=("monetary", "mean"),
        revenue=("revenue", "sum"),
        mean_revenue=("revenue", "mean"),
        recent_revenue=("recent_revenue", "sum"),
    )
    caption = (
        f"Scores from 1 to {parts}, {parts} being the best: the customers of {day(history.times[-1])} divided into "
        f"{parts} parts by each measure, those with the same value kept together. `revenue` is all that they spent up "
        f"to then, `recent_revenue` that of the {history.days} before."
    )
    yield Table("rfm_grid", "RFM grid by value", found, caption)
    yield Figure(
        "rfm_grid",
        "RFM grid by value",
        found.sort_values(["frequency_score", "recency_score"], ascending=[False, True]),
        "heatmap",
        "recency_score",
        "frequency_score",
        f"What a customer spent up to {day(history.times[-1])}, on average; bottom left are the lowest scores.",
        fill="mean_revenue",
        x_label="recency score",
        y_label="frequency score",
    )


def caveats(history: History, final: Any) -> Iterator[Content]:
    """What such segments are not."""
    first = history.times[0]
    if history.begins is not None and hasattr(first, "strftime"):
        known = (first - pd.Timestamp(history.begins)).days
        yield Finding(
            f"The data begin on {history.begins}: whoever bought before is taken for new at the first purchase seen, "
            f"and at the first date, {day(first)}, {known:,} days are known.",
            "caveat",
        )
    yield Finding(
        "Who is in a segment is a matter of the rules' thresholds: a customer near one moves by a single purchase, or "
        "by a day without one.",
        "caveat",
    )
    yield Finding(
        "That a segment brings much revenue does not say that an offer to it would bring more. That needs a test.",
        "caveat",
    )
    if isinstance(final, RuleSegments) and getattr(final, "edges_", None):
        yield Finding(
            "The edges of the scores are those of the training rows and the same at every date, so that a move is the "
            "customer's and not the crowd's; an earlier date is scored by edges that were learned later.",
            "caveat",
        )
