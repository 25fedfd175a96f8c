"""The gate of the slices: a model has to be good enough for each group of rows, not only on average.

A slice is a value of a column of the held-out rows, or a quarter of a number. Many slices are many chances to look bad
by luck, so the gate says how many it looked at and how many would fall below a floor that all of them just reach.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cxai_runner.config.problems import Problem, did_you_mean
from cxai_runner.evaluation.wording import number, with_interval
from cxai_runner.lifecycle.promotion.gate import Gate
from cxai_runner.lifecycle.promotion.rows import NotComparableError, Rows

if TYPE_CHECKING:
    import pandas as pd

    from cxai_runner.evaluation.results import Metric
    from cxai_runner.lifecycle.promotion.candidate import Candidate
    from cxai_runner.lifecycle.promotion.settings import Gates

NAME = "slices"
_VALUES = 12
"""A number of more values is cut into quarters."""
_BY_CHANCE = 0.025
"""How often a 95 % interval lies below what is true."""


@dataclass(frozen=True, eq=False)
class Slice:
    """A group of rows.

    Parameters
    ----------
    name
        As it is read: ``region north``.
    rows
        Whether each row is in it.
    """

    name: str
    rows: pd.Series


def problems(gates: Gates, rows: Rows) -> Iterator[Problem]:
    """Yield the columns that the held-out rows do not have."""
    have = [str(name) for name in rows.frame.columns]
    for name in gates.slices:
        if name not in have:
            yield Problem("promotion.slices", "no column of the held-out rows", name, did_you_mean(name, have))


def by_slice(candidate: Candidate, gates: Gates, ask: Callable[[], Rows | NotComparableError]) -> Gate:
    """Judge every slice that is large enough.

    Parameters
    ----------
    candidate
        Its run.
    gates
        The columns, the smallest slice and the floors.
    ask
        Returns the held-out rows, or why there are none.
    """
    if not gates.slices:
        return Gate(NAME, True, "none are named")
    rows = ask()
    if isinstance(rows, NotComparableError):
        return Gate(NAME, False, f"cannot be looked at: {rows}")
    every = [one for name in gates.slices for one in _slices(rows.frame[name])]
    large = [one for one in every if int(one.rows.sum()) >= gates.slice_rows]
    small = len(every) - len(large)
    told = f"{len(large)} looked at" + f", {small} of fewer than {gates.slice_rows:,} rows left out" * bool(small)
    if not large:
        return Gate(NAME, False, f"{told}: none is large enough", {"slices": 0.0, "small": float(small)})
    measured = [(one, _measured(one, rows)) for one in large]
    low = [words for one, metrics in measured if (words := _below(one, metrics, gates, candidate))]
    figures = {"slices": float(len(large)), "small": float(small), "low": float(len(low))}
    worst = _worst(measured, next(iter(gates.slice_floors), candidate.primary))
    if worst is not None and not low:
        told += f"; the worst is {worst[0].name} ({int(worst[0].rows.sum()):,} rows): "
        told += f"{worst[1].label} {with_interval(worst[1].value)}"
    if low:
        told += f" (of so many, {number(_BY_CHANCE * len(large), 1)} would seem so by chance): {'; '.join(low)}"
    return Gate(NAME, not low, told, figures)


def _slices(column: pd.Series) -> list[Slice]:
    import pandas as pd

    if pd.api.types.is_numeric_dtype(column) and column.nunique() > _VALUES:
        quarters = pd.qcut(column, 4, duplicates="drop")
        return [Slice(f"{column.name} {_span(one)}", quarters == one) for one in quarters.cat.categories]
    return [Slice(f"{column.name} {value}", column == value) for value in sorted(column.dropna().unique(), key=str)]


def _span(interval: pd.Interval) -> str:
    return f"{number(float(interval.left), 2)} … {number(float(interval.right), 2)}"


def _measured(one: Slice, rows: Rows) -> dict[str, Metric]:
    measured = rows.task.measure(rows.scores[one.rows].reset_index(drop=True), rows.context)
    return {metric.name: metric for metric in measured}


def _worst(measured: Sequence[tuple[Slice, dict[str, Metric]]], name: str) -> tuple[Slice, Metric] | None:
    """The slice where a metric is worst; None where none has it."""
    found = [(one, metrics[name]) for one, metrics in measured if name in metrics]
    if not found:
        return None
    worst = max if found[0][1].better == "lower" else min
    return worst(found, key=lambda pair: pair[1].value.value)


def _below(one: Slice, found: dict[str, Metric], gates: Gates, candidate: Candidate) -> str:
    """What is too low in a slice; empty where nothing is."""
    if gates.slice_floors:
        bad = [words for name, floor in gates.slice_floors.items() if (words := _under(found.get(name), floor))]
    else:
        bad = [words for words in [_worse(found.get(candidate.primary))] if words]
    return f"{one.name} ({int(one.rows.sum()):,} rows): {', '.join(bad)}" if bad else ""


def _under(metric: Metric | None, floor: float) -> str:
    if metric is None or is_beyond(metric, floor) is False:
        return ""
    return f"{metric.label} {with_interval(metric.value)}, wanted {wanted(metric, floor)}"


def _worse(metric: Metric | None) -> str:
    if metric is None or metric.difference is None or metric.verdict != "worse":
        return ""
    return f"{metric.label} {with_interval(metric.difference)} worse than the baseline"


def is_beyond(metric: Metric, floor: float) -> bool:
    """Whether a metric is on the bad side of a floor; one that is not known is."""
    value = metric.value.value
    return not (value <= floor if metric.better == "lower" else value >= floor)


def wanted(metric: Metric, floor: float) -> str:
    """Word a floor."""
    return f"at {'most' if metric.better == 'lower' else 'least'} {floor:g}"
