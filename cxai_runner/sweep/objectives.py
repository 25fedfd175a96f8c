"""What is to be best, and how trials stand by it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, stdev
from typing import TYPE_CHECKING, Final

from cxai_runner.config.problems import did_you_mean
from cxai_runner.evaluation.results import Better, Interval

if TYPE_CHECKING:
    from cxai_runner.sweep.points import Point, Trial
    from cxai_runner.task import Task

_PARTS: Final = ("held_out", "challenge", "train")
"""Where a metric is looked for: the part that carries the evidence first."""


@dataclass(frozen=True)
class Objective:
    """A metric, and which way is better.

    Parameters
    ----------
    name
        As logged (``held_out/log_loss``), or without the part: the held-out one, or else the challenge's, or else the
        training rows'.
    better
        Whether lower or higher is better.
    """

    name: str
    better: Better

    def key(self, metrics: Mapping[str, float]) -> str | None:
        """Return the name under which a run has it; None where it has not."""
        names = (self.name, *(f"{part}/{self.name}" for part in _PARTS))
        return next((name for name in names if name in metrics), None)

    def read(self, metrics: Mapping[str, float]) -> Interval | None:
        """Return a run's value, with its interval where there is one; None where it has none, or NaN."""
        key = self.key(metrics)
        if key is None or math.isnan(metrics[key]):
            return None
        return Interval(metrics[key], metrics.get(f"{key}_low", math.nan), metrics.get(f"{key}_high", math.nan))

    def cost(self, value: float) -> float:
        """Return the value such that lower is better."""
        return value if self.better == "lower" else -value


def objectives(named: Mapping[str, Better], task: Task) -> tuple[Objective, ...]:
    """Return the metrics that are named, or the task's primary one; none where it has none."""
    if named:
        return tuple(Objective(name, better) for name, better in named.items())
    primary = task.primary_metric
    return () if primary is None else (Objective(primary.name, primary.better),)


def unheard(wanted: Sequence[Objective], known: Sequence[Mapping[str, float]]) -> str:
    """Return what to say of objectives that no run has, of those whose metrics are ``known``; empty where each has one.

    Which metrics a task logs is known only once a run of it has ended.
    """
    missing = [one.name for one in wanted if not any(one.key(metrics) for metrics in known)]
    names = sorted({name.rpartition("/")[2] for metrics in known for name in metrics if name.startswith(_PARTS)})
    told = (
        f"no run has a metric {name}{f'; {hint}' if (hint := did_you_mean(name, names)) else ''}" for name in missing
    )
    return "; ".join(told)


@dataclass(frozen=True, eq=False)
class Standing:
    """How one trial did.

    Parameters
    ----------
    trial
        The trial.
    points
        Its runs.
    scores
        By objective: the run's value and interval, or the mean over seeds with the range of two standard errors. None
        where a run is not done.
    rank
        From 1; None where it has no score.
    best
        Whether no other trial beats it in every objective.
    """

    trial: Trial
    points: Sequence[Point]
    scores: tuple[Interval | None, ...]
    rank: int | None = None
    best: bool = False


def standings(
    points: Iterable[Point], metrics: Mapping[str, Mapping[str, float]], wanted: Sequence[Objective]
) -> list[Standing]:
    """Rank trials.

    Parameters
    ----------
    points
        All runs.
    metrics
        Of each finished run, by its id.
    wanted
        The objectives; trials are ranked by the first.

    Returns
    -------
    list of Standing
        By rank, those without a score last, in the order of the search.
    """
    of: dict[int, list[Point]] = {}
    for point in points:
        of.setdefault(point.trial.number, []).append(point)
    plain = []
    for runs in of.values():
        found = [metrics.get(point.run_id) for point in runs]
        scores = tuple(_score(one, found) for one in wanted)
        plain.append(Standing(runs[0].trial, runs, scores))
    costs = {id(one): _costs(one, wanted) for one in plain}
    ranked = sorted((one for one in plain if costs[id(one)]), key=lambda one: (costs[id(one)], one.trial.number))
    front = [one for one in ranked if not any(_beats(costs[id(other)], costs[id(one)]) for other in ranked)]
    best = {id(one) for one in (front if len(wanted) > 1 else front[:1])}
    return [
        Standing(one.trial, one.points, one.scores, rank, id(one) in best) for rank, one in enumerate(ranked, 1)
    ] + [one for one in plain if not costs[id(one)]]


def costs(found: Sequence[Mapping[str, float] | None], wanted: Sequence[Objective]) -> tuple[float, ...] | None:
    """Return what a trial is judged by, lower being better: one number per objective, from the metrics of its runs.

    None where a run has no result, or lacks a metric.
    """
    scores = [_score(one, found) for one in wanted]
    if not scores or any(one is None for one in scores):
        return None
    return tuple(goal.cost(one.value) for goal, one in zip(wanted, scores, strict=True) if one is not None)


def _score(objective: Objective, found: Sequence[Mapping[str, float] | None]) -> Interval | None:
    read = [None if metrics is None else objective.read(metrics) for metrics in found]
    whole = [one for one in read if one is not None]
    if not whole or len(whole) < len(read):
        return None
    if len(whole) == 1:
        return whole[0]
    values = [one.value for one in whole]
    mean, error = fmean(values), stdev(values) / math.sqrt(len(values))
    return Interval(mean, mean - 2 * error, mean + 2 * error)


def _costs(standing: Standing, wanted: Sequence[Objective]) -> tuple[float, ...]:
    """What a trial is ranked by; empty where a score is missing."""
    if not wanted or any(one is None for one in standing.scores):
        return ()
    return tuple(goal.cost(one.value) for goal, one in zip(wanted, standing.scores, strict=True) if one is not None)


def _beats(costs: tuple[float, ...], others: tuple[float, ...]) -> bool:
    """Whether nothing is worse and something better."""
    return all(a <= b for a, b in zip(costs, others, strict=True)) and costs != others
