"""How long customers stay, told in a report: survival, hazard, and the time that is left."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cxai_runner.evaluation.results import Content, Estimate, Figure, Finding, Interval, Table
from cxai_runner.evaluation.wording import number, share
from cxai_runner.methods.survival import Restricted, Survival

STRETCHES = 12
"""At most so many stretches of time for the hazard."""
_STEPS = (1, 2, 3, 6, 7, 12, 14, 28, 56, 91, 182, 365, 730)
"""Lengths that a stretch may have: of days weeks, months, quarters; of months quarters and years."""
FEW = 10
"""Customers below which nothing is said of those who are left."""


def lifetimes(all_of_them: Survival, by: Mapping[str, Survival], unit: str, ended: str) -> Iterator[Content]:
    """Yield survival, the hazard over time, and the time that is left.

    Parameters
    ----------
    all_of_them
        The survival of all customers.
    by
        That of groups of them; none to tell none apart.
    unit
        Of the durations: ``days``.
    ended
        What an event is, in words: ``lapsed``.
    """
    if not all_of_them.limit:
        return
    edges = stretches(all_of_them.limit)
    mean, median = all_of_them.mean(), all_of_them.median()
    text = f"mean {unit} until a customer {ended}, of the first {number(mean.limit, 0)}"
    yield Estimate("restricted_mean", text, _interval(mean))
    half = f"more than half never {ended}"
    if median is not None:
        half = f"half of them {ended} within {number(median, 0)} {unit.removesuffix('s') if median == 1 else unit}"
    left = all_of_them.at([all_of_them.limit])[0]
    yield Finding(
        f"Of {len(all_of_them.durations):,} customers followed for up to {number(all_of_them.limit, 0)} {unit}, "
        f"{int(all_of_them.events.sum()):,} {ended}; {half}, and {share(left)} are expected to stay longer than "
        f"{number(all_of_them.limit, 0)} {unit} (Kaplan and Meier)."
    )
    yield from _survival(all_of_them, by, unit, ended)
    yield from _hazard(all_of_them, edges, unit, ended)
    yield _table(all_of_them, edges, unit, ended)


def stretches(limit: float) -> NDArray[np.float64]:
    """Return where stretches of time begin and end: at most twelve, as long as a calendar has them.

    What is left at the end is a stretch of its own if it is half as long, and belongs to the one before it otherwise.
    """
    step = next((one for one in _STEPS if limit / one <= STRETCHES), limit / STRETCHES)
    edges = np.arange(0, limit, step, dtype=np.float64)
    short = len(edges) > 1 and limit - edges[-1] < step / 2
    return np.append(edges[:-1] if short else edges, limit)


def _survival(every: Survival, by: Mapping[str, Survival], unit: str, ended: str) -> Iterator[Content]:
    named = by or {"": every}
    drawn = pd.concat([_steps(one).assign(group=name) for name, one in named.items()], ignore_index=True)
    yield Figure(
        "survival",
        "Who is still there",
        drawn,
        "line",
        "time",
        "survival",
        f"Share of customers who have not {ended} after so many {unit}, by Kaplan and Meier; 95 % intervals.",
        by="group" if by else None,
        low="low",
        high="high",
        x_label=unit,
        y_label="share still there",
    )


def _hazard(every: Survival, edges: NDArray[np.float64], unit: str, ended: str) -> Iterator[Content]:
    found = every.hazard(edges)
    found = found[found["exposure"] > 0]
    middle = found.assign(time=(found["start"] + found["end"]) / 2)
    high = middle["high"].where(middle["events"] > 0, middle["hazard"])
    yield Figure(
        "hazard",
        "When customers leave",
        middle.assign(high=high),
        "line",
        "time",
        "hazard",
        f"What share of those who were still there {ended} per {unit.removesuffix('s')}, by stretches of time; "
        "95 % intervals.",
        low="low",
        high="high",
        x_label=unit,
        y_label=f"hazard per {unit.removesuffix('s')}",
    )


def _table(every: Survival, edges: NDArray[np.float64], unit: str, ended: str) -> Table:
    hazard = every.hazard(edges)
    rows = []
    for start, end, events, rate in zip(
        hazard["start"], hazard["end"], hazard["events"], hazard["hazard"], strict=True
    ):
        there = int((every.durations >= start).sum())
        row = {"from": start, "to": end, "still_there": there, "survival": every.at([start])[0], ended: events}
        left = every.remaining(start) if (every.durations > start).sum() >= FEW else None
        if left is None:
            break
        rows.append(row | {"hazard": rate, "left": left.value, "low": left.low, "high": left.high})
    caption = (
        f"`survival` is the share that is there after `from` {unit}, `hazard` is per {unit.removesuffix('s')}. `left` "
        f"is the mean time that is left to those who are still there then, with its 95 % interval: a restricted mean, "
        f"which counts no more than the {number(every.limit, 0)} {unit} that were observed."
    )
    return Table("survival", "How long customers stay", pd.DataFrame(rows), caption)


def _steps(survival: Survival) -> pd.DataFrame:
    """A curve as a line that goes down in steps, from the beginning to the longest observed time."""
    curve = survival.curve[["time", "survival", "low", "high"]]
    start = pd.DataFrame([{"time": 0.0, "survival": 1.0, "low": 1.0, "high": 1.0}])
    levels = pd.concat([start, curve], ignore_index=True)
    until = [*curve["time"], survival.limit]
    drawn = pd.concat([levels, levels.assign(time=until)], ignore_index=True)
    order = np.argsort(np.r_[np.arange(len(levels)) * 2, np.arange(len(levels)) * 2 + 1], kind="stable")
    return drawn.iloc[order].reset_index(drop=True)


def _interval(mean: Restricted) -> Interval:
    return Interval(mean.value, mean.low, mean.high)
