"""One task, model and data under check, with what several checks share computed once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

from cxai_runner.task import Context, Evidence, Task

if TYPE_CHECKING:
    import pandas as pd

    from cxai_runner.data.dataset import Dataset
    from cxai_runner.evaluation.results import Content, Metric

RESAMPLES = 40


@dataclass(frozen=True, eq=False)
class Case:
    """The task under check.

    Parameters
    ----------
    task, model, data, seed
        As in `task_checks`.
    """

    task: Task
    model: Any
    data: Dataset
    seed: int

    @cached_property
    def parts(self) -> tuple[Dataset, Dataset]:
        """Training and held-out rows: by time for a backtest, else by customer, about two to one."""
        import pandas as pd

        frame, roles = self.data.frame, self.data.roles
        if self.task.evidence is Evidence.BACKTEST and roles.time is not None:
            late = (frame[roles.time].rank(pct=True) > 2 / 3).to_numpy()
        else:
            late = pd.factorize(frame[roles.id])[0] % 3 == 2
        first, second = (replace(self.data, frame=frame[side].reset_index(drop=True)) for side in (~late, late))
        return first, second

    @property
    def train(self) -> Dataset:
        """The training rows."""
        return self.parts[0]

    @property
    def held_out(self) -> Dataset:
        """The rows kept apart."""
        return self.parts[1]

    def context(self, **changes: Any) -> Context:
        """A context as the engine would lend it, with few resamples."""
        return replace(Context(seed=self.seed, resamples=RESAMPLES), **changes)

    def fit(self, train: Dataset | None = None, context: Context | None = None) -> Any:
        """Fit anew."""
        return self.task.fit(self.model, train or self.train, context or self.context())

    def score(self, data: Dataset | None = None, fitted: Any = None) -> pd.DataFrame:
        """Score rows, the held-out ones unless others are given."""
        return self.task.score(fitted or self.fitted, data or self.held_out, self.context())

    @cached_property
    def fitted(self) -> Any:
        """The task, fitted once."""
        return self.fit()

    @cached_property
    def scores(self) -> Mapping[str, pd.DataFrame]:
        """Scores of both parts, or of the training part alone for a task that only describes or resamples."""
        scores = {"train": self.score(self.train)}
        if self.task.evidence in (Evidence.HELD_OUT, Evidence.BACKTEST):
            scores["held_out"] = self.score()
        return scores

    @property
    def judged(self) -> pd.DataFrame:
        """The scores that the task is judged on."""
        return self.scores.get("held_out", self.scores["train"])

    @cached_property
    def metrics(self) -> Mapping[str, Metric]:
        """Measured and challenged, by name."""
        context = self.context()
        several = [
            *self.task.measure(self.judged, context),
            *self.task.challenge(self.fitted, self.train, context),
        ]
        return {metric.name: metric for metric in several}

    @cached_property
    def contents(self) -> tuple[Content, ...]:
        """The report."""
        return tuple(self.task.report(self.fitted, self.train, self.scores, self.metrics, self.context()))


@dataclass(frozen=True)
class Check:
    """A promise, and the kinds of task that make it."""

    name: str
    function: Callable[[Case], None]
    evidence: frozenset[Evidence]
    needs_target: bool
    needs_model: bool

    def applies(self, task: Task) -> bool:
        """Whether a task of this kind makes the promise."""
        if self.needs_target and task.target is None:
            return False
        return task.evidence in self.evidence and not (self.needs_model and task.model_kind is None)

    def bound(self, case: Case) -> Callable[[], None]:
        """The check, ready to be called."""
        return partial(self.function, case)


CHECKS: list[Check] = []


def check(
    *evidence: Evidence, target: bool = False, model: bool = False
) -> Callable[[Callable[[Case], None]], Callable[[Case], None]]:
    """Register a check for the kinds of evidence named, all where none is; its name is the function's."""

    def register(function: Callable[[Case], None]) -> Callable[[Case], None]:
        kinds = frozenset(evidence or Evidence)
        CHECKS.append(Check(function.__name__, function, kinds, target, model))
        return function

    return register


def with_frame(data: Dataset, frame: pd.DataFrame) -> Dataset:
    """The same dataset with other rows."""
    return replace(data, frame=frame.reset_index(drop=True))


def predictions(scores: pd.DataFrame, task: Task) -> pd.DataFrame:
    """The columns of scores that the model answers for: neither ids, nor what was observed, nor the baseline's."""
    observed = {"customer_id", "time", "occasion", task.target, *task.observed}
    return scores[[name for name in scores.columns if name not in observed and not name.startswith("baseline")]]


def identical(left: pd.DataFrame, right: pd.DataFrame, promise: str) -> None:
    """Assert that two frames agree to the last bit."""
    from pandas.testing import assert_frame_equal

    try:
        assert_frame_equal(left, right, check_exact=True)
    except AssertionError as error:
        raise AssertionError(f"{promise}: {error}") from error


def close(left: pd.DataFrame, right: pd.DataFrame, promise: str) -> None:
    """Assert that two frames agree but for the last bits, in which blocked sums may differ."""
    from pandas.testing import assert_frame_equal

    try:
        assert_frame_equal(left, right, rtol=1e-9, atol=1e-12)
    except AssertionError as error:
        raise AssertionError(f"{promise}: {error}") from error
