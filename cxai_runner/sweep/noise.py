"""Whether the best trial is better than the second, or only luckier.

Where two runs scored the same rows, they are compared on these (`cxai_runner.evaluation.paired`). Trials of several
seeds are compared seed by seed. Where neither can be had, two intervals are all there is, and they say less.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from cxai_runner.evaluation.comparison import resampled_error
from cxai_runner.evaluation.paired import compare
from cxai_runner.evaluation.results import Interval, Metric
from cxai_runner.evaluation.wording import with_interval

if TYPE_CHECKING:
    import pandas as pd

    from cxai_runner.sweep.objectives import Objective, Standing
    from cxai_runner.sweep.standing import Sweep

Scores = Callable[[str, str], "pd.DataFrame | None"]
"""Run and part → the score of every row; None where the run has none."""

_LONG: Final = 32
"""Letters that a headline has for the name of the second."""


@dataclass(frozen=True)
class Verdict:
    """How the best stands beside the second.

    Parameters
    ----------
    metric
        The best's value, the second's in the baseline's place, and the paired difference where it can be had.
    part
        The rows that it was measured on: ``held_out``.
    lead
        The end of a headline: how sure it is.
    grounds
        What that rests on, in a sentence.
    """

    metric: Metric
    part: str
    lead: str
    grounds: str


def verdict(sweep: Sweep, scores: Scores) -> Verdict | None:
    """Compare the best trial with the second; None where there are no two, or several objectives."""
    ranked = [one for one in sweep.standings() if one.rank is not None]
    if len(ranked) < 2 or len(sweep.plan.goals) != 1:
        return None
    goal, (best, second) = sweep.plan.goals[0], ranked[:2]
    key = goal.key(sweep.entries[best.points[0].run_id].metrics) or goal.name
    part, _, name = key.rpartition("/")
    value, other = best.scores[0], second.scores[0]
    assert value is not None
    assert other is not None
    plain = Metric(name, name.replace("_", " "), value, goal.better, other)
    paired = _by_seed(plain, best, second, sweep, goal, scores) or _by_row(plain, best, second, sweep, scores, part)
    name = second.trial.name if len(second.trial.name) <= _LONG else f"point {second.trial.number}"
    return _worded(paired or plain, part, name, seeds=len(best.points), rows=paired is not None)


def _worded(metric: Metric, part: str, second: str, *, seeds: int, rows: bool) -> Verdict:
    """Say what a comparison came to, and what it rests on."""
    assert metric.baseline is not None
    if metric.value == metric.baseline:
        return Verdict(metric, part, f"and {second} does exactly as well", "Both come to the same numbers.")
    if metric.difference is not None:
        pairs = f"{seeds} seeds, seed by seed" if seeds > 1 else "the same rows, pair by pair"
        difference = with_interval(metric.difference)
        grounds = f"The first and the second were compared on {pairs}: a difference of {difference}."
        if metric.verdict == "cannot tell":
            return Verdict(metric, part, f"which cannot be told from the second, {second}", grounds)
        return Verdict(metric, part, f"better than the second, {second}, by more than noise", grounds)
    unpaired = "They cannot be compared pair by pair"
    ends = (metric.value.low, metric.value.high, metric.baseline.low, metric.baseline.high)
    if not all(map(math.isfinite, ends)):
        told = f"{unpaired}, and there are no intervals."
        return Verdict(metric, part, f"and whether it is better than the second, {second}, cannot be told", told)
    if ends[0] <= ends[3] and ends[2] <= ends[1]:
        told = f"{unpaired}. Their 95 % intervals overlap."
        return Verdict(metric, part, f"which cannot be told from the second, {second}", told)
    told = f"{unpaired}. Their 95 % intervals do not overlap."
    return Verdict(metric, part, f"better than the second, {second}, by more than noise", told)


def _by_seed(
    metric: Metric, best: Standing, second: Standing, sweep: Sweep, goal: Objective, scores: Scores
) -> Metric | None:
    """The mean difference over seeds with Student's interval; None where there is one seed.

    Where each seed holds out other rows, most of the training rows are the same: the error is corrected for that.
    """
    from scipy.stats import t

    pairs = [(_value(sweep, a.run_id, goal), _value(sweep, b.run_id, goal))
             for a, b in zip(best.points, second.points, strict=True)]  # fmt: skip
    if len(pairs) < 2:
        return None
    gaps = [a - b for a, b in pairs]
    parts = [scores(best.points[0].run_id, part) for part in ("train", "held_out")]
    train, held_out = (0 if part is None else len(part) for part in parts)
    mean, error = resampled_error(gaps, held_out / train if train else 0.0)
    reach = float(t.ppf(0.975, len(gaps) - 1)) * error
    return replace(metric, difference=Interval(mean, mean - reach, mean + reach))


def _value(sweep: Sweep, run_id: str, goal: Objective) -> float:
    found = goal.read(sweep.entries[run_id].metrics)
    return math.nan if found is None else found.value


def _by_row(metric: Metric, best: Standing, second: Standing, sweep: Sweep, scores: Scores, part: str) -> Metric | None:
    """The paired difference on the rows that both scored; None where those are not the same rows."""
    if part not in ("held_out", "train"):
        return None
    ours, others = (scores(one.points[0].run_id, part) for one in (best, second))
    if ours is None or others is None:
        return None
    experiment = sweep.plan.base.experiment
    context = experiment.context(lambda metric, value, number: None, lambda: False)
    try:
        found = compare(experiment.task, context, ours, others, metric.name)
    except Exception:  # a task of the user's that cannot be asked this has still been swept
        return None
    return None if found.incomparable else replace(metric, label=found.label, difference=found.difference)
