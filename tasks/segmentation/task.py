"""The question of segmentation: how segments are found, scored, measured and challenged."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar

import numpy as np
import pandas as pd
from annotated_types import Ge
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.pipeline import Pipeline
from sklearn.utils import get_tags

from cxai_runner.config.problems import Problem, UserError, under
from cxai_runner.data.dataset import Dataset
from cxai_runner.data.tables.needs import Needs
from cxai_runner.evaluation.intervals import Statistic
from cxai_runner.evaluation.metrics import segment_metrics, segment_statistics
from cxai_runner.evaluation.results import Content, Interval, Metric
from cxai_runner.methods.stability import shuffle_columns
from cxai_runner.task import Context, Evidence, Maximise, Primary, SavedModel, Task
from tasks.segmentation import differences, found_by, number, report, solutions
from tasks.segmentation.challenge import Challenge, challenge, with_number
from tasks.segmentation.fitted import Segments
from tasks.segmentation.readable import readable
from tasks.segmentation.useful import Judged, Useful, judge
from tasks.segmentation.useful import report as usefulness

# Customers that stand for all in a silhouette, so that its cost grows with the number of customers and not its square.
REFERENCE = 2000


@dataclass(frozen=True, eq=False)
class Fitted:
    """The segments, and those of the baseline: the same model on the same columns, each shuffled by itself."""

    segments: Segments
    baseline: Segments
    baseline_scores: pd.DataFrame
    challenges: dict[int, Challenge] = field(default_factory=dict)
    judged: dict[int, Judged] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Segmentation(Task):
    """Which groups of customers there are, what sets them apart, and whether they are there at all.

    Parameters
    ----------
    resamples
        Refits on resampled customers behind the stability.
    placebos
        Refits on shuffled columns: the segments have to be clearer than nearly all of these.
    useful
        What the six tests of a useful segmentation are asked with.
    """

    resamples: Annotated[int, Ge(2)] = 20
    placebos: Annotated[int, Ge(19)] = 19  # fewer cannot tell at the 5 % level
    useful: Useful = field(default_factory=Useful)

    title: ClassVar[str] = "Which groups of customers are there, and what sets them apart?"
    needs: ClassVar[Needs] = Needs(required={"customers": ("customer_id",)}, optional={"customers": ("*",)})
    evidence: ClassVar[Evidence] = Evidence.RESAMPLING
    primary_metric: ClassVar[Primary | None] = Maximise("silhouette")
    baseline_label: ClassVar[str] = "one shuffle"
    model_kind: ClassVar[str | None] = "clusterer"

    def problems(self, tables_columns: Iterable[str]) -> Iterator[Problem]:
        """Yield columns that the tests of usefulness name and that there are not."""
        yield from under("useful", self.useful.problems(tables_columns))

    def inspect(self, data: Dataset) -> Iterator[Problem]:
        """Yield why these customers cannot be divided."""
        frame, inputs = data.frame, list(data.roles.inputs)
        if not inputs:
            yield Problem("customers", "no column to divide customers by", remedy="name some: features.columns=[…]")
        for name in inputs:
            if frame[name].nunique() < 2:
                yield Problem(f"customers.{name}", "the same for every customer", remedy=_without(name))
        twice = int(frame[data.roles.id].duplicated().sum())
        if twice:
            yield Problem(
                f"customers.{data.roles.id}", f"{twice} customers appear more than once", remedy="keep one row each"
            )
        if len(frame) < 10:
            yield Problem("customers", f"{len(frame)} customers are too few to divide", remedy="take at least ten")
        yield from self.useful.inspect(data)

    def fit(self, model: Any, train: Dataset, context: Context) -> Fitted:
        """Fit the model, and the same model on shuffled columns."""
        self.demand(train)
        pipeline = model if isinstance(model, Pipeline) else Pipeline([("model", model)])
        if not hasattr(pipeline[-1], "predict"):
            name = type(pipeline[-1]).__name__
            raise UserError(
                [Problem("model", "cannot assign new customers: it has no `predict`", name, "choose another")]
            )
        columns = list(train.roles.inputs)
        # An order of the rows' own, so that starts drawn by position depend on no order of the file and no ids.
        rows = train.frame[columns].sort_values(columns, kind="stable", ignore_index=True)
        _refuse_text(pipeline, rows)
        _refuse_missing(pipeline, rows)
        shuffled = shuffle_columns(rows, context.rng("baseline"))
        reference = np.arange(len(rows))
        if len(rows) > REFERENCE:
            reference = np.sort(context.rng("reference").choice(len(rows), REFERENCE, replace=False))
        segments = Segments(_fitted(pipeline, rows), rows, reference)
        baseline = Segments(_divided_again(segments.pipeline, shuffled), shuffled, reference)
        return Fitted(segments, baseline, baseline.describe(shuffled).add_prefix("baseline_"))

    def score(self, fitted: Fitted, data: Dataset, context: Context) -> pd.DataFrame:
        """Return each customer's segment with how well it fits, beside a customer of the shuffled columns."""
        self.demand(data)
        described = fitted.segments.describe(data.frame[list(fitted.segments.rows.columns)])
        beside = fitted.baseline_scores.take(np.arange(len(described)) % len(fitted.baseline_scores))
        ids = data.frame[data.roles.id].reset_index(drop=True).rename("customer_id")
        return pd.concat([ids, described, beside.reset_index(drop=True)], axis=1)

    def measure(self, scores: pd.DataFrame, context: Context) -> tuple[Metric, ...]:
        """Measure silhouette and explained variance beside those of shuffled columns."""
        return segment_metrics(scores, scores["customer_id"], context.resamples, context.rng("intervals"))

    def statistics(self, scores: pd.DataFrame) -> Mapping[str, Statistic]:
        """Return the same metrics, for customers drawn anew."""
        return segment_statistics(scores, scores["customer_id"])

    def challenge(self, fitted: Fitted, train: Dataset, context: Context) -> tuple[Metric, ...]:
        """Are the segments found again, and are they clearer than those of columns without structure."""
        result = self.challenged(fitted, context)
        rand, chance = result.found.rand, result.found_by_chance.rand
        return (
            Metric(
                "stability",
                "stability (adjusted Rand index)",
                _spread(rand),
                "higher",
                _spread(chance),
                _spread(rand - chance),
            ),
            Metric(
                "structure",
                "silhouette above that of shuffled columns",
                _spread(result.silhouette - result.placebos),
                "higher",
            ),
            *self.judged(fitted, train, context).metrics(),
        )

    def judged(self, fitted: Fitted, train: Dataset, context: Context) -> Judged:
        """Judge once per fit and seed whether the segments are useful; both the metrics and the report need it."""
        if context.seed not in fitted.judged:
            model = with_number(fitted.segments.pipeline)
            segment = fitted.segments.predict(train.frame[list(train.roles.inputs)])
            rand = self.challenged(fitted, context).found.rand
            fitted.judged[context.seed] = judge(self.useful, model, train, segment, rand, context)
        return fitted.judged[context.seed]

    def beside(self, scores: Mapping[str, pd.DataFrame]) -> Iterator[Content]:
        """Yield how several segmentations agree."""
        yield from solutions.beside(scores)

    def challenged(self, fitted: Fitted, context: Context) -> Challenge:
        """Resample and shuffle once per fit and seed; both the metrics and the report need it."""
        if context.seed not in fitted.challenges:
            fitted.challenges[context.seed] = challenge(
                fitted.segments, fitted.baseline, self.placebos, self.resamples, context
            )
        return fitted.challenges[context.seed]

    def report(
        self,
        fitted: Fitted,
        train: Dataset,
        scores: Mapping[str, pd.DataFrame],
        metrics: Mapping[str, Metric],
        context: Context,
    ) -> Iterator[Content]:
        """Yield verdict, sizes, profiles, composition, the choice of their number, and caveats."""
        challenge, judged = self.challenged(fitted, context), self.judged(fitted, train, context)
        segment, evidence = scores["train"]["segment"], number.evidence(fitted.segments)
        shown = readable(train)
        inputs, describe = list(shown.roles.inputs), list(shown.roles.describe)
        names = report.names(shown.frame, inputs, segment)
        said = report.verdict(scores["train"], challenge, number.recommended(evidence))
        yield from usefulness.concluded(said, judged)
        yield from usefulness.verdicts(judged)
        yield from report.sizes(scores["train"], names, challenge, context)
        yield from report.profiles(shown.frame, inputs, segment, names)
        yield from differences.tested(train.frame, train.roles.inputs, describe, segment.to_numpy())
        yield from usefulness.rules(judged, names)
        yield from usefulness.response(judged, names)
        yield from usefulness.over_time(judged, names)
        yield from report.composition(shown.frame, describe, segment, names)
        yield from found_by.told(fitted.segments, evidence)
        yield from report.caveats(list(train.roles.inputs), challenge, scores["train"])

    def models(self, fitted: Fitted, train: Dataset) -> Mapping[str, SavedModel]:
        """Keep the pipeline: it assigns new customers from the inputs as they are."""
        columns = list(fitted.segments.rows.columns)
        return {"model": SavedModel(fitted.segments.pipeline, train.frame[columns].head(5).reset_index(drop=True))}


def _without(column: str) -> str:
    return f"leave it out: features.exclude=[{column}]"


def _refuse_text(pipeline: Pipeline, rows: pd.DataFrame) -> None:
    if getattr(pipeline[0], "takes_categories", False):
        return
    remedy = "prepare it (features=table_prepared), take a model of categories (model=segmentation/latent_class), or"
    raise_all(
        Problem(f"data.customers.{name}", f"not a number but {rows[name].dtype}", remedy=f"{remedy} {_without(name)}")
        for name in map(str, rows.columns)
        if not pd.api.types.is_numeric_dtype(rows[name])
    )


def _refuse_missing(pipeline: Pipeline, rows: pd.DataFrame) -> None:
    missing = rows.columns[rows.isna().any()]
    if not len(missing) or (len(pipeline) == 1 and get_tags(pipeline[-1]).input_tags.allow_nan):
        return
    before = clone(pipeline[:-1]) if len(pipeline) > 1 else None
    after = rows if before is None else pd.DataFrame(np.asarray(before.fit_transform(rows)))
    if after.isna().any(axis=None) and not get_tags(pipeline[-1]).input_tags.allow_nan:
        remedy = "put an imputer among features.transformers, or leave the column out"
        raise_all(
            Problem(f"data.customers.{name}", f"{int(rows[name].isna().sum())} missing values", remedy=remedy)
            for name in missing
        )


def raise_all(problems: Iterable[Problem]) -> None:
    """Refuse the data if there are any problems with it."""
    if found := list(problems):
        raise UserError(found, "data")


def _fitted(pipeline: Pipeline, rows: pd.DataFrame) -> Pipeline:
    """Fit a clone; what its steps say of parameters that these rows do not bear out is told to the user."""
    try:
        return clone(pipeline).fit(rows)
    except ValueError as error:
        said = str(error).splitlines()[0].rstrip(".")
        raise UserError([Problem("model", said, remedy="other parameters, or other columns")]) from error


def _divided_again(pipeline: Pipeline, rows: pd.DataFrame) -> Pipeline:
    """The same model of other rows in the same space, with as many segments: what its transformers learned stays.

    Distances among other principal components, say, would be no measure for these, and fewer segments or more divide
    more or less clearly by their number alone.
    """
    before, (name, last) = pipeline[:-1], with_number(pipeline).steps[-1]
    prepared = before.transform(rows) if len(before) else rows
    return Pipeline([*before.steps, (name, clone(last).fit(prepared))])


def _spread(draws: NDArray[np.float64]) -> Interval:
    low, high = np.quantile(draws, [0.025, 0.975])
    return Interval(float(draws.mean()), float(low), float(high))
