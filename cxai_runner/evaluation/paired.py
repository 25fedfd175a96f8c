"""Whether one run does better than another on the same rows.

Both runs scored the same rows, so what makes a row easy or hard is in both and cancels: the difference is far surer
than two intervals beside each other say. Rows of a customer are alike, so customers are drawn anew, the same ones for
both runs. Where each of several folds was judged by a model of its own, the folds' differences are compared instead.

Everything that concerns one run is computed once, however many it is compared with: its metric as a function of the
customers drawn, and the values of that on one set of resamples.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Final, Protocol

from cxai_runner.evaluation.comparison import Comparison, of_error, resampled_error
from cxai_runner.evaluation.results import Better, Metric

if TYPE_CHECKING:
    import pandas as pd

    from cxai_runner.evaluation.intervals import Floats, Statistic

FOLD: Final = "fold"
"""The column of held-out scores that says which fold's model scored a row, where several were judged."""

Pair = tuple[str, str]
Scores = Callable[[str], "pd.DataFrame | None"]
"""Run → the score of every row; None where it kept none."""

_LAST_BITS: Final = 1e-12
_BASELINE: Final = "baseline"
_KEYS: Final = ("customer_id", "time", "occasion")


class Judge(Protocol):
    """What a comparison asks of a task."""

    target: ClassVar[str | None]

    def measure(self, scores: pd.DataFrame, context: Any) -> tuple[Metric, ...]:
        """Measure scored rows."""

    def statistics(self, scores: pd.DataFrame) -> Mapping[str, Statistic]:
        """Return metrics as functions of how often each customer is drawn."""


def compare(judge: Judge, context: Any, ours: pd.DataFrame, others: pd.DataFrame, metric: str) -> Comparison:
    """Compare two runs on the rows that both scored.

    Parameters
    ----------
    judge
        The task.
    context
        The task's `Context`: how many resamples, and what draws them.
    ours, others
        As the task's ``score`` returns them.
    metric
        The name of one that the task measures.

    Returns
    -------
    comparison
        Ours minus others; why not where the rows are not the same.
    """
    frames = {"ours": ours, "others": others}
    return compare_pairs(judge, context, frames.get, [("ours", "others")], metric)["ours", "others"]


def compare_pairs(
    judge: Judge, context: Any, scores: Scores, pairs: Iterable[Pair], metric: str
) -> dict[Pair, Comparison]:
    """Compare several runs pair by pair; parameters as in `compare`, ``scores`` is asked once for each run."""
    wanted = list(dict.fromkeys(pairs))
    grounds: list[_Ground] = []
    entered: dict[str, _Ground | str] = {}
    for run in dict.fromkeys(run for pair in wanted for run in pair):
        frame = scores(run)
        entered[run] = "it kept no scores" if frame is None else _enter(grounds, judge, context, run, frame, metric)
    drawn = {run: values for ground in grounds for run, values in ground.draw(context).items()}
    return {pair: _between(pair, entered, drawn, judge, context, scores, metric) for pair in wanted}


@dataclass(eq=False)
class _Ground:
    """Rows that some runs were judged on, and the metric of each of those runs.

    Parameters
    ----------
    rows
        What was observed of them, without any prediction.
    named
        Name, label and direction of the metric.
    """

    rows: pd.DataFrame
    named: tuple[str, str, Better]
    statistics: dict[str, list[Statistic]] = field(default_factory=dict)

    @cached_property
    def folds(self) -> int:
        """How many folds were judged, each by a model of its own."""
        return int(self.rows[FOLD].nunique()) if FOLD in self.rows else 1

    @cached_property
    def customers(self) -> int:
        """How many customers have these rows."""
        return int(self.rows["customer_id"].nunique())

    def draw(self, context: Any) -> dict[str, Floats]:
        """Return for each run its metric, then that of every resample, the same ones for all; or that of each fold."""
        import numpy as np

        from cxai_runner.evaluation.intervals import bootstrap

        found = {run: several for run, several in self.statistics.items() if several}
        if self.folds > 1:
            once = [np.ones((part["customer_id"].nunique(), 1)) for part in self.parts(self.rows)]
            return {
                run: np.array([one(counts)[0, 0] for one, counts in zip(several, once, strict=True)])
                for run, several in found.items()
            }
        if not found:
            return {}
        whole = [several[0] for several in found.values()]
        rng = context.rng("comparison")
        results = bootstrap(whole, self.customers, context.resamples, rng, rows=len(self.rows))
        return {run: np.append(value[:1], draws[0]) for run, (value, draws) in zip(found, results, strict=True)}

    def parts(self, frame: pd.DataFrame) -> list[pd.DataFrame]:
        """Divide scored rows by the fold that judged them."""
        if self.folds == 1:
            return [frame]
        return [frame[frame[FOLD] == fold] for fold in sorted(self.rows[FOLD].unique())]

    def settle(self, gaps: Floats) -> Comparison:
        """Say what the differences come to: the metric's and those of the resamples, or those of the folds."""
        import numpy as np

        if self.folds > 1:
            ratio = 1 / (self.folds - 1)  # of held-out customers to training ones, as each is held out once
            value, error = resampled_error(gaps.tolist(), ratio)
            how = f"corrected resampled t-test over {self.folds} folds"
            return of_error(self.named, value, error, self.folds - 1, self.customers, how)
        known = gaps[1:][np.isfinite(gaps[1:])]
        error = float(known.std(ddof=1)) if len(known) > 1 else float("nan")
        how = f"paired bootstrap over {self.customers:,} customers"
        return of_error(self.named, float(gaps[0]), error, self.customers - 1, self.customers, how)


def _enter(
    grounds: list[_Ground], judge: Judge, context: Any, run: str, frame: pd.DataFrame, metric: str
) -> _Ground | str:
    """Put a run's metric beside those on the same rows; say why where it has none."""
    rows = observed(frame, judge.target)
    ground = next((one for one in grounds if one.rows.equals(rows)), None)
    if ground is None:
        measured = judge.measure(frame, replace(context, resamples=1))
        found = next((one for one in measured if one.name == metric), None)
        if found is None:
            return f"{metric} is not measured on these rows"
        ground = _Ground(rows, (found.name, found.label, found.better))
        grounds.append(ground)
    parts = [judge.statistics(part).get(metric) for part in ground.parts(frame)]
    ground.statistics[run] = [one for one in parts if one is not None]
    return ground


def _between(
    pair: Pair,
    entered: Mapping[str, _Ground | str],
    drawn: Mapping[str, Floats],
    judge: Judge,
    context: Any,
    scores: Scores,
    metric: str,
) -> Comparison:
    from cxai_runner.evaluation.intervals import FEW_CUSTOMERS

    ours, theirs = (entered[run] for run in pair)
    for found in (ours, theirs):
        if isinstance(found, str):
            return Comparison.none(metric, found)
    assert isinstance(ours, _Ground)
    assert isinstance(theirs, _Ground)
    if ours is not theirs:
        return Comparison.none(metric, apart(ours.rows, theirs.rows, judge.target), ours.named[2])
    if ours.customers < FEW_CUSTOMERS:
        judged = "one customer was" if ours.customers == 1 else f"{ours.customers} customers were"
        return Comparison.none(metric, f"only {judged} judged", ours.named[2])
    if pair[0] in drawn and pair[1] in drawn:
        return ours.settle(_apart_by(*(drawn[run] for run in pair)))
    return _measured(ours, [scores(run) for run in pair], judge, context)


def _apart_by(ours: Floats, theirs: Floats) -> Floats:
    """The differences; none where they are in the last bits only, which another number of threads can move."""
    import numpy as np

    gaps = ours - theirs
    return np.zeros_like(gaps) if np.allclose(ours, theirs, rtol=_LAST_BITS, atol=0, equal_nan=True) else gaps


def _measured(ground: _Ground, frames: Sequence[pd.DataFrame | None], judge: Judge, context: Any) -> Comparison:
    """Compare by what the task measures with the other run in the baseline's place: it gave no statistic to draw."""
    import numpy as np
    from scipy.stats import t

    name, _, better = ground.named
    gaps: list[float] = []
    known: list[Metric] = []
    for ours, others in zip(*(ground.parts(frame) for frame in frames if frame is not None), strict=True):
        if ours.equals(others):
            return of_error(ground.named, 0.0, 0.0, 1, ground.customers, "the same scores")
        beside = side_by_side(ours, others)
        measured = () if beside is None else judge.measure(beside, context)
        metric = next((one for one in measured if one.name == name and one.difference is not None), None)
        if metric is None or metric.difference is None:
            return Comparison.none(name, "the task does not say how to put one run's scores beside another's", better)
        known.append(metric)
        gaps.append(metric.difference.value)
    if ground.folds > 1:
        return ground.settle(np.asarray(gaps))
    difference = known[0].difference
    assert difference is not None
    error = (difference.high - difference.low) / (2 * float(t.ppf(0.975, max(1, ground.customers - 1))))
    how = f"paired bootstrap over {ground.customers:,} customers"
    found = of_error(ground.named, difference.value, error, ground.customers - 1, ground.customers, how)
    return found if found.incomparable else replace(found, difference=difference)


def observed(scores: pd.DataFrame, target: str | None) -> pd.DataFrame:
    """Return what scores hold of the rows themselves: customer, time, truth and fold; no prediction."""
    kept = {*_KEYS, target, FOLD}
    return scores[[name for name in scores.columns if name in kept]].reset_index(drop=True)


def apart(ours: pd.DataFrame, others: pd.DataFrame, target: str | None) -> str:
    """Say how the rows of two runs differ, as `observed` returns them."""
    import pandas as pd

    keys = [name for name in _KEYS if name in ours and name in others]
    if (FOLD in ours) != (FOLD in others):
        return "one was judged in folds, a model for each"
    if list(ours.columns) != list(others.columns):
        return f"their rows hold {', '.join(ours.columns)} and {', '.join(others.columns)}"
    mine, theirs = (pd.MultiIndex.from_frame(frame[keys]) for frame in (ours, others))
    if mine.equals(theirs):
        if target in ours and not ours[target].equals(others[target]):
            differ = int((ours[target].to_numpy() != others[target].to_numpy()).sum())
            return f"the same rows, of which {differ:,} have another {target}"
        return "the same rows in other folds"
    shared = int(mine.isin(theirs).sum())
    if shared == len(ours) == len(others):
        return "the same rows in another order"
    counts = f"{len(ours):,} and {len(others):,} rows"
    return f"{counts}, {shared:,} of them in both" if shared else f"{counts}, none in both"


def side_by_side(ours: pd.DataFrame, others: pd.DataFrame) -> pd.DataFrame | None:
    """Return one run's scores with another's predictions in place of the baseline's.

    Parameters
    ----------
    ours, others
        As a task's ``score`` returns them: the baseline's prediction is ``baseline``, or ``baseline_X`` beside ``X``.

    Returns
    -------
    scores
        None where the two did not score the same rows in the same order.
    """
    if list(ours.columns) != list(others.columns) or len(ours) != len(others):
        return None
    plain = [str(name) for name in ours if not str(name).startswith(_BASELINE)]
    named = {f"{_BASELINE}_{name}": name for name in plain if f"{_BASELINE}_{name}" in ours}
    predicted: Sequence[str] = [name for name in plain if not ours[name].equals(others[name])]
    if _BASELINE in ours:
        if len(predicted) != 1:
            return None  # nothing differs, or more than one prediction can
        named[_BASELINE] = predicted[0]
    if not named or not set(predicted) <= set(named.values()):
        return None
    return ours.assign(**{baseline: others[name].to_numpy() for baseline, name in named.items()})
