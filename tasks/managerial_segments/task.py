"""The question of managerial segments: how rules are held to the data, and to the revenue that came after."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import numpy as np
import pandas as pd
from annotated_types import Ge
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.pipeline import Pipeline

from cxai_runner.config.problems import Problem, UserError
from cxai_runner.data.dataset import Dataset
from cxai_runner.data.tables.needs import Needs
from cxai_runner.evaluation.counts import RootOf
from cxai_runner.evaluation.discrimination import OneOf, ranking_of
from cxai_runner.evaluation.intervals import Statistic
from cxai_runner.evaluation.metrics import CalibrationError, Named, codes_of, paired_metrics
from cxai_runner.evaluation.paired import FOLD
from cxai_runner.evaluation.results import Content, Metric
from cxai_runner.methods.managerial import RuleError, RuleSegments
from cxai_runner.methods.managerial.rules import columns as rule_columns
from cxai_runner.task import Context, Evidence, Minimise, Primary, SavedModel, Task
from tasks.managerial_segments import report, retrospective, revenue
from tasks.managerial_segments.history import History

SEEN = ("recency", "frequency", "monetary", "tenure", "recent_revenue")
METRICS = (
    Named("rmse", "RMSE of next revenue", "lower"),
    Named("calibration_error", "calibration error", "lower", raised_by_noise=True),
    Named("roc_auc", "ROC AUC of buying again", "higher"),
)


@dataclass(frozen=True, eq=False)
class Fitted:
    """Rules, and what the customers of each segment came to spend.

    Parameters
    ----------
    pipeline
        From measures to segments.
    columns
        The measures that it takes.
    expected
        Mean next revenue by segment, over the training rows whose next revenue is known.
    overall
        The same of all of them.
    """

    pipeline: Pipeline
    columns: list[str]
    expected: Mapping[str, float]
    overall: float

    @property
    def names(self) -> list[str]:
        """The segments, the best first: in the order of the rules; of any other model, by what they spend."""
        final = self.pipeline[-1]
        if isinstance(final, RuleSegments):
            return final.names
        return sorted(self.expected, key=lambda name: (-self.expected[name], name))

    def segment(self, frame: pd.DataFrame) -> NDArray[np.object_]:
        """The segment of each row."""
        return np.asarray(self.pipeline.predict(frame[self.columns])).astype(str).astype(object)


@dataclass(frozen=True, kw_only=True)
class ManagerialSegments(Task):
    """Which customers are active, which are slipping away, and what each segment is worth.

    Parameters
    ----------
    grid
        Parts by recency and by frequency of the grid by value.
    """

    grid: Annotated[int, Ge(2)] = 5

    title: ClassVar[str] = "Which customers are active, which are slipping away, and what is each segment worth?"
    needs: ClassVar[Needs] = Needs(required={"customers": ("customer_id", "time", *SEEN, "next_revenue", "next_known")})
    evidence: ClassVar[Evidence] = Evidence.BACKTEST
    primary_metric: ClassVar[Primary | None] = Minimise("rmse")
    baseline_label: ClassVar[str] = "one mean for all"
    model_kind: ClassVar[str | None] = "clusterer"
    target: ClassVar[str | None] = "next_revenue"

    def misused(self, model: Any, columns: Iterable[str]) -> Iterator[Problem]:
        """Yield gaps and overlaps between the rules, and conditions on what there is not."""
        final = model[-1] if isinstance(model, Pipeline) else model
        if isinstance(final, RuleSegments):
            known = [one for one in columns if one in (*SEEN[:-1], "revenue")]
            for fault in final.faults(known):
                yield Problem(fault.key, fault.message, remedy=fault.remedy)

    def inspect(self, data: Dataset) -> Iterator[Problem]:
        """Yield why nothing can be said of moves, or of what a segment is worth."""
        frame = data.frame
        if frame.empty:
            return
        if not frame["next_known"].any():
            told = "of no date of the training part is the next revenue known"
            remedy = "more or earlier dates (features.dates, features.every), or a shorter features.horizon"
            yield Problem("customers.next_revenue", told, remedy=remedy)
        if frame.duplicated([data.roles.id, "time"]).any():
            yield Problem("customers.time", "a customer is there twice at one date", remedy="keep one row each")

    def fit(self, model: Any, train: Dataset, context: Context) -> Fitted:
        """Put every row into a segment, and learn what the customers of each spend next."""
        self.demand(train)
        pipeline = clone(model if isinstance(model, Pipeline) else Pipeline([("model", model)]))
        final = pipeline[-1]
        columns = _read(pipeline, train.roles.inputs)
        # An order of the rows' own, so that a fit with a random part depends on no order of the file.
        frame = train.frame.sort_values([*columns, "next_revenue"], kind="stable")
        try:
            pipeline.fit(frame[columns])
        except RuleError as error:
            raise UserError(
                [Problem(f"model.{one.key}", one.message, remedy=one.remedy) for one in error.faults]
            ) from (error)
        if not hasattr(final, "predict"):
            told = "cannot assign new customers: it has no `predict`"
            raise UserError([Problem("model", told, type(final).__name__, "choose another")])
        known = frame["next_known"].to_numpy(dtype=bool)
        came = frame.loc[known, "next_revenue"].to_numpy(dtype=np.float64)
        named = np.asarray(pipeline.predict(frame.loc[known, columns])).astype(str) if known.any() else np.array([])
        means = pd.Series(came).groupby(named).mean() if known.any() else pd.Series(dtype=float)
        expected = {str(name): float(value) for name, value in means.items()}
        return Fitted(pipeline, columns, expected, float(came.mean()) if known.any() else 0.0)

    def score(self, fitted: Fitted, data: Dataset, context: Context) -> pd.DataFrame:
        """Return each customer's segment at each date, and the next revenue expected beside what came.

        Where the next days are not over, ``next_revenue`` is 0 and ``next_known`` is false.
        """
        self.demand(data)
        frame = data.frame.rename(columns={data.roles.id: "customer_id"}).reset_index(drop=True)
        segment = fitted.segment(frame)
        scores = frame[["customer_id", "time"]].assign(segment=segment)
        for name in SEEN:
            scores[name] = frame[name]
        return scores.assign(
            expected=pd.Series(segment).map(fitted.expected).fillna(fitted.overall).to_numpy(dtype=np.float64),
            next_known=frame["next_known"].astype(bool),
            next_revenue=frame["next_revenue"].astype(np.float64).fillna(0.0),
            baseline_expected=fitted.overall,
        )

    def statistics(self, scores: pd.DataFrame) -> Mapping[str, Statistic]:
        """Return the metrics of the expected revenue, for customers drawn anew."""
        return _statistics(scores, scores["expected"])

    def measure(self, scores: pd.DataFrame, context: Context) -> tuple[Metric, ...]:
        """Measure how well segments tell the next revenue, beside one mean for all.

        Raises
        ------
        UserError
            The next revenue of no row is known.
        """
        if not scores["next_known"].any():
            told = "of none of the rows to be judged by is the next revenue known"
            remedy = "hold out more: split=last_dates with split.days no less than features.horizon"
            raise UserError([Problem("split", told, remedy=remedy)], "data")
        model, baseline = self.statistics(scores), _statistics(scores, scores["baseline_expected"])
        named = [one for one in METRICS if one.name in model]
        ours, theirs = ([group[one.name] for one in named] for group in (model, baseline))
        customers = scores["customer_id"].nunique()
        return paired_metrics(
            named, ours, theirs, customers, context.resamples, context.rng("intervals"), rows=len(scores)
        )

    def report(
        self,
        fitted: Fitted,
        train: Dataset,
        scores: Mapping[str, pd.DataFrame],
        metrics: Mapping[str, Metric],
        context: Context,
    ) -> Iterator[Content]:
        """Yield who they are, who moves, what each segment is worth, and what to do about it."""
        history = History.of(scores.values(), fitted.names, train.learned)
        worth = revenue.Worth.of(history, context)
        yield from report.verdict(history, worth, metrics)
        yield from report.segments(history, fitted.expected, context)
        yield from retrospective.over_time(history)
        yield from retrospective.moved(history, context)
        yield from revenue.by_segment(worth)
        yield from report.grid(history, self.grid)
        yield from report.caveats(history, fitted.pipeline[-1])

    def models(self, fitted: Fitted, train: Dataset) -> Mapping[str, SavedModel]:
        """Keep the rules: from a customer's measures to a segment by name."""
        example = train.frame[fitted.columns].head(5).reset_index(drop=True)
        return {"model": SavedModel(fitted.pipeline, example, method="predict")}


def _read(pipeline: Pipeline, inputs: Iterable[str]) -> list[str]:
    """The inputs that a model reads: of rules those that they ask for, so that no other can drift."""
    final = pipeline[-1]
    asked = rule_columns(final.rules) if isinstance(final, RuleSegments) and len(pipeline) == 1 else None
    return [name for name in inputs if asked is None or name in asked]


def _statistics(scores: pd.DataFrame, expected: pd.Series) -> Mapping[str, Statistic]:
    codes, customers = codes_of(scores["customer_id"])
    known = scores["next_known"].to_numpy(dtype=bool)
    came = scores["next_revenue"].to_numpy(dtype=np.float64)[known]
    mean, own = expected.to_numpy(dtype=np.float64)[known], codes[known]
    found: dict[str, Statistic] = {
        "rmse": RootOf((came - mean) ** 2, own, customers),
        "calibration_error": CalibrationError(came, mean, own, customers),
    }
    if 0 < (came > 0).sum() < len(came):
        folds = scores.loc[known, FOLD] if FOLD in scores else None
        found["roc_auc"] = OneOf(ranking_of(came > 0, mean, own, customers, folds), 0)
    return found
