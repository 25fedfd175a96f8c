"""The same rules at a series of dates: how many customers each segment had, and who moved where."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from cxai_runner.evaluation.intervals import bootstrap, percentile
from cxai_runner.evaluation.metrics import MeanOf, units_of
from cxai_runner.evaluation.results import Content, Estimate, Figure, Finding, Table
from cxai_runner.evaluation.wording import share
from cxai_runner.methods.managerial import NOBODY, transitions
from cxai_runner.task import Context
from tasks.managerial_segments.history import History, day, plain

STANDING = ["recency", "frequency", "monetary", "recent_revenue"]


def over_time(history: History) -> Iterator[Content]:
    """Sizes and revenue of the segments at each date."""
    grouped = history.frame.groupby(["time", "segment"])
    table = grouped.agg(customers=("customer_id", "size"), recent_revenue=("recent_revenue", "sum"))
    every = pd.MultiIndex.from_product([history.times, history.names], names=["time", "segment"])
    table = table.reindex(every, fill_value=0).reset_index()
    total = table.groupby("time")[["customers", "recent_revenue"]].transform("sum")
    table["share"] = table["customers"] / total["customers"]
    table["revenue_share"] = (table["recent_revenue"] / total["recent_revenue"].replace(0, np.nan)).fillna(0.0)
    caption = f"Customers at each date, and their revenue of the {history.days} before it."
    yield Table("segments_over_time", "Segments over time", table, caption)
    shown = table.assign(segment=table["segment"].map(plain))
    for column, title, label in (
        ("customers", "Customers by segment over time", "customers"),
        ("recent_revenue", "Revenue by segment over time", f"revenue of the {history.days} before"),
    ):
        told = "The best segment is at the bottom." if column == "customers" else f"{caption} In the same order."
        yield Figure(f"{column}_over_time", title, shown, "stack", "time", column, told, by="segment", y_label=label)


def moved(history: History, context: Context) -> Iterator[Content]:
    """Who moved to the last date, how likely each move is, and whom to act on."""
    if len(history.times) < 2:
        return
    last, names = history.last_moves, history.names
    since, until = day(history.times[-2]), day(history.times[-1])
    yield from _slipped(history, context)
    counted = transitions(last, names)
    flow = counted[counted["customers"] > 0].assign(
        **{end: counted[end].map(plain) for end in ("from", "to")}, since=since, until=until
    )
    yield Figure(
        "flow",
        f"Where customers went between {since} and {until}",
        flow[["from", "to", "customers"]],
        "flow",
        "from",
        "to",
        "Each band is as wide as it has customers; who moves down the list loses standing.",
        fill="customers",
        x_label=since,
        y_label=until,
    )
    each = transitions(history.moved, names)
    told = "`probability` is the share of those in `from` at the earlier date."
    yield Table("transitions", "Moves between each two dates", each[each["customers"] > 0], told)
    pooled = transitions(history.moved[history.moved["from"] != NOBODY], names, by=())
    made = pooled[pooled["customers"] > 0]
    both = {end: made[end].map(plain) for end in ("from", "to")}
    told = f"Over all {len(history.times) - 1} steps of the series; a row adds up to 1."
    yield Table("transition_probabilities", "How likely each move is", pooled, told)
    yield Figure(
        "transition_probabilities",
        "How likely each move is",
        made.assign(**both),
        "heatmap",
        "to",
        "from",
        told,
        fill="probability",
    )
    yield from _list(history)


def _slipped(history: History, context: Context) -> Iterator[Content]:
    """How many moved down, and what they had spent."""
    last = history.last_moves
    were = last[last["from"] != NOBODY]
    since, until = day(history.times[-2]), day(history.times[-1])
    if were.empty:
        return
    rng = context.rng("down")
    codes, customers = units_of(were["customer_id"], rng)
    down = (were["direction"] == "down").to_numpy(dtype=np.float64)
    ((value, draws),) = bootstrap([MeanOf(down, codes, customers)], customers, context.resamples, rng)
    text = f"share of the customers of {since} who stood lower on {until}"
    yield Estimate("moved_down", text, percentile(float(value[0]), draws[0]))
    fallen = were[were["direction"] == "down"].merge(
        history.at(history.times[-2])[["customer_id", "recent_revenue"]], on="customer_id"
    )
    if fallen.empty:
        return
    paths = fallen.groupby(["from", "to"], as_index=False).agg(
        customers=("customer_id", "size"), revenue_before=("recent_revenue", "sum")
    )
    paths = paths.sort_values(["revenue_before", "customers"], ascending=False, ignore_index=True)
    caption = f"`revenue_before` is what they had spent in the {history.days} before {since}."
    yield Table("moved_down", f"Who moved down between {since} and {until}", paths, caption)
    first = paths.iloc[0]
    lost = first["revenue_before"] / max(paths["revenue_before"].sum(), 1e-12)
    yield Finding(
        f"Of those who moved down, the {first['customers']:,} from {plain(first['from'])} to {plain(first['to'])} had "
        f"spent most: {share(lost)} of what all of them had spent in the {history.days} before {since}."
    )


def _list(history: History) -> Iterator[Content]:
    """Every customer who moved, those who fell from what they spent most first: a list to act on."""
    changed = history.last_moves[history.last_moves["direction"] != "stayed"]
    if changed.empty:
        return
    before = history.at(history.times[-2])[["customer_id", "recent_revenue"]]
    rows = changed.drop(columns=["since", "time"]).merge(history.today[["customer_id", *STANDING]], on="customer_id")
    rows = rows.merge(before.rename(columns={"recent_revenue": "revenue_before"}), on="customer_id", how="left")
    rows["revenue_before"] = rows["revenue_before"].fillna(0.0)
    rank = rows["direction"].map({"down": 0, "up": 1, "new": 2})
    rows = rows.assign(rank=rank, own=rows["customer_id"].astype(str))
    rows = rows.sort_values(["rank", "revenue_before", "own"], ascending=[True, False, True], ignore_index=True)
    caption = (
        f"All who stand elsewhere than on {day(history.times[-2])}: down first, by what they had spent in the "
        f"{history.days} before that."
    )
    yield Table("movements", "Who moved", rows.drop(columns=["rank", "own"]), caption, shown=15)
