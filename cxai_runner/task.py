"""What a task is: one business question.

A task says what it needs, fits, scores rows, measures the scores beside a baseline, and yields what an analyst
expects to read. It never reads a file, never talks to MLflow, never parses config. The engine calls it in the order
of the methods below, and knows no task by name.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, ClassVar

from cxai_runner.config.problems import Problem, UserError, did_you_mean
from cxai_runner.data.tables.needs import Needs
from cxai_runner.evaluation.results import Better, Content, Metric

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from cxai_runner.data.dataset import Dataset
    from cxai_runner.evaluation.intervals import Statistic
    from cxai_runner.evaluation.splits import Split


class Evidence(StrEnum):
    """What a task's claims rest on."""

    HELD_OUT = "held-out rows"
    BACKTEST = "a backtest in time"
    RESAMPLING = "resampling or placebo"
    NONE = "none: it describes"


@dataclass(frozen=True)
class Primary:
    """The metric that decides between two runs of a task."""

    name: str
    better: Better


def Minimise(name: str) -> Primary:  # noqa: N802 - reads as a declaration in a task
    """Lower is better."""
    return Primary(name, "lower")


def Maximise(name: str) -> Primary:  # noqa: N802
    """Higher is better."""
    return Primary(name, "higher")


def _ignore_step(metric: str, value: float, step: int) -> None:
    """Take a step metric that nobody watches."""


def _never() -> bool:
    return False


@dataclass(frozen=True, eq=False)
class Context:
    """What the engine lends a task while it works.

    Parameters
    ----------
    seed
        The run's seed. `rng` makes independent streams from it, by purpose.
    threads
        How many threads a fit may use.
    resamples
        How many bootstrap resamples stand behind an interval.
    validation
        Part of the training rows set aside for early stopping, if the model asks for it.
    step
        ``step(metric, value, n)``: a point of a learning curve.
    should_stop
        True once a pruner has given this fit up.
    """

    seed: int = 0
    threads: int = 1
    resamples: int = 1000
    validation: Dataset | None = None
    step: Callable[[str, float, int], None] = _ignore_step
    should_stop: Callable[[], bool] = _never

    def rng(self, purpose: str) -> np.random.Generator:
        """Return the generator for ``purpose``; the same seed and purpose give the same numbers, in any order."""
        import hashlib

        import numpy as np

        word = int.from_bytes(hashlib.blake2b(purpose.encode(), digest_size=8).digest(), "big")
        return np.random.default_rng([self.seed, word])

    def integer_seed(self, purpose: str) -> int:
        """Return a seed for a library that wants an integer."""
        return int(self.rng(purpose).integers(2**31 - 1))


@dataclass(frozen=True, eq=False)
class SavedModel:
    """A fitted model as it is to be kept.

    Parameters
    ----------
    estimator
        Follows scikit-learn's estimator API; takes a pandas frame of ``example``'s columns.
    example
        A few rows as the model wants them.
    method
        What MLflow's ``predict`` calls: ``predict`` or ``predict_proba``.
    """

    estimator: Any
    example: pd.DataFrame
    method: str = "predict"


@dataclass(frozen=True, kw_only=True)
class Task(ABC):
    """One business question: a frozen dataclass whose fields are its config keys."""

    title: ClassVar[str]
    """The question in one line, ending with a question mark."""
    needs: ClassVar[Needs]
    """The table it works on (exactly one required) and its columns."""
    evidence: ClassVar[Evidence]
    primary_metric: ClassVar[Primary | None] = None
    baseline_label: ClassVar[str] = "baseline"
    """What stands in the baseline's column: ``base rate``."""
    model_kind: ClassVar[str | None] = "estimator"
    """``classifier``, ``regressor``, ``clusterer``, ``estimator`` (any), or None for a task that has no model."""
    target: ClassVar[str | None] = None
    """The column that is predicted, if there is one: predictions must not depend on it."""
    observed: ClassVar[tuple[str, ...]] = ()
    """Further columns of the scores that tell what happened, and not what the model said."""

    def problems(self, tables_columns: Iterable[str]) -> Iterator[Problem]:
        """Yield what in the task's own config does not fit the dataset's columns; keys relative to ``task``."""
        return iter(())

    def misused(self, model: Any, columns: Iterable[str]) -> Iterator[Problem]:
        """Yield what is wrong with a model's own parameters, keys relative to ``model``, before a row is read.

        Parameters
        ----------
        model
            The unfitted estimator, behind the features' transformers where there are any.
        columns
            What the features provide.
        """
        return iter(())

    def misdivided(self, split: Split) -> Iterator[Problem]:
        """Yield why what a split holds out cannot answer the question; keys relative to ``task``."""
        return iter(())

    def inspect(self, data: Dataset) -> Iterator[Problem]:
        """Yield why this training data cannot answer the question (one class only, one price only …)."""
        return iter(())

    def demand(self, data: Dataset) -> None:
        """Refuse data without rows, or without a column that the task needs.

        Raises
        ------
        UserError
            Naming the table, and each column that is missing.
        """
        table = next(iter(self.needs.required))
        columns = [str(name) for name in data.frame.columns]
        problems = [
            Problem(f"{table}.{name}", "no such column", remedy=did_you_mean(name, columns))
            for name in self.needs.missing(table, columns)
        ]
        if not problems and data.frame.empty:
            problems = [Problem(table, "empty: it has no rows", remedy="loosen the filters, or take a longer window")]
        if problems:
            raise UserError(problems, "data")

    @abstractmethod
    def fit(self, model: Any, train: Dataset, context: Context) -> Any:
        """Fit, and return whatever the other methods need; the engine passes it on unseen.

        ``model`` is an unfitted scikit-learn pipeline of the features' transformers and the configured model. It must
        not be fitted in place: clone it.
        """

    @abstractmethod
    def score(self, fitted: Any, data: Dataset, context: Context) -> pd.DataFrame:
        """Return one row of scores per row of ``data``, in its order.

        ``customer_id`` first, the truth where there is one, the model's prediction and the baseline's. Two runs are
        compared on these, pair by pair.
        """

    @abstractmethod
    def measure(self, scores: pd.DataFrame, context: Context) -> tuple[Metric, ...]:
        """Measure scored rows, with 95 % intervals that resample customers, beside the baseline."""

    def statistics(self, scores: pd.DataFrame) -> Mapping[str, Statistic]:
        """Return metrics by name, each as a function of how often a customer is drawn, in order of appearance.

        Many runs are compared on the same resamples by these. Without them a comparison costs a whole `measure`, with
        the other run in the baseline's place.
        """
        return {}

    def predicted(self, scores: pd.DataFrame, predictions: pd.Series | pd.DataFrame) -> pd.DataFrame | None:
        """Return scored rows with another model's predictions in place of the model's own.

        Parameters
        ----------
        scores
            As `score` returns them.
        predictions
            What the other model's ``predict`` (or the method that its `SavedModel` names) gives for the same rows, in
            the same order: a series, or a column per class.

        Returns
        -------
        scores
            None where predictions alone do not say how well a model does.
        """
        return None

    def beside(self, scores: Mapping[str, pd.DataFrame]) -> Iterator[Content]:
        """Yield what else than a metric is to be said of several runs beside each other: how their answers agree.

        Parameters
        ----------
        scores
            As `score` returned them in each run, by what the run is called, the best first; read when they are looked
            at, so that a task that says nothing costs nothing.
        """
        return iter(())

    def challenge(self, fitted: Any, train: Dataset, context: Context) -> tuple[Metric, ...]:
        """Evidence beyond scored rows: stability under resampling, placebo, backtest."""
        return ()

    @abstractmethod
    def report(
        self,
        fitted: Any,
        train: Dataset,
        scores: Mapping[str, pd.DataFrame],
        metrics: Mapping[str, Metric],
        context: Context,
    ) -> Iterator[Content]:
        """Yield the headline, estimates, findings, caveats, tables and figures.

        ``scores`` has ``train`` and, where rows were held out, ``held_out``; ``metrics`` are the headline ones by name
        (held out where there are such, else the challenge's and the training ones).
        """

    def models(self, fitted: Any, train: Dataset) -> Mapping[str, SavedModel]:
        """The fitted models to keep, by name; ``model`` is the one that predicts."""
        return {}


@dataclass(frozen=True, eq=False)
class Evaluation:
    """What the folds came to: scores by part, metrics by part, and the challenge's."""

    scores: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    metrics: Mapping[str, tuple[Metric, ...]] = field(default_factory=dict)


def check_task(task: Task, model: Any, data: Dataset, *, seed: int = 1) -> int:
    """Check that ``task`` keeps what every task promises; see `cxai_runner.task_checks`."""
    from cxai_runner import task_checks

    return task_checks.check_task(task, model, data, seed=seed)
