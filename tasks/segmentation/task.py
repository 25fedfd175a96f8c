"""The question of segmentation: how segments are found, scored, measured and challenged."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Annotated, Any, ClassVar

import numpy as np
import pandas as pd
from annotated_types import Ge
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.pipeline import Pipeline

from cxai_runner.config.problems import Problem, UserError, under
from cxai_runner.data.dataset import Dataset
from cxai_runner.data.tables.needs import Needs
from cxai_runner.evaluation.intervals import Statistic
from cxai_runner.evaluation.metrics import segment_metrics, segment_statistics
from cxai_runner.evaluation.results import Content, Interval, Metric
from cxai_runner.methods.segments import centre_distances, silhouettes
from cxai_runner.methods.stability import Stability, shuffle_columns, stability
from cxai_runner.task import Context, Evidence, Maximise, Primary, SavedModel, Task
from tasks.segmentation import differences, report, solutions
from tasks.segmentation.useful import Judged, Useful, judge
from tasks.segmentation.useful import report as usefulness

# Customers that stand for all in a silhouette, so that its cost grows with the number of customers and not its square.
REFERENCE = 2000


@dataclass(frozen=True, eq=False)
class Segments:
    """A fitted clusterer, and where its segments lie in the space of the transformed columns.

    Parameters
    ----------
    pipeline
        Transformers and clusterer, fitted.
    rows
        The training rows' inputs, in the order of the fit.
    reference
        Positions among them of the customers that stand for all.
    """

    pipeline: Pipeline
    rows: pd.DataFrame
    reference: NDArray[np.intp]

    @cached_property
    def values(self) -> NDArray[np.float64]:
        """The training rows as the clusterer sees them."""
        return self.transform(self.rows)

    @cached_property
    def labels(self) -> NDArray[np.intp]:
        """Their segments."""
        return np.asarray(self.pipeline.predict(self.rows)).astype(np.intp)

    @cached_property
    def centres(self) -> dict[int, NDArray[np.float64]]:
        """The mean of every segment."""
        return {int(k): self.values[self.labels == k].mean(axis=0) for k in np.unique(self.labels)}

    def transform(self, rows: pd.DataFrame) -> NDArray[np.float64]:
        """Rows as the clusterer sees them."""
        before = self.pipeline[:-1]
        return np.asarray(before.transform(rows) if len(before) else rows, dtype=np.float64)

    def describe(self, rows: pd.DataFrame) -> pd.DataFrame:
        """Segment, silhouette, distance to the own centre and to the centre of all, for each row."""
        values = self.transform(rows)
        labels = np.asarray(self.pipeline.predict(rows)).astype(np.intp)
        segments = list(self.centres)
        distances = centre_distances(values, np.stack([self.centres[k] for k in segments]))
        place = np.searchsorted(segments, labels).clip(0, len(segments) - 1)
        standing = self.values[self.reference]
        return pd.DataFrame(
            {
                "segment": labels,
                "silhouette": silhouettes(
                    values, labels, standing, self.labels[self.reference], _twins(values, standing)
                ),
                "distance": distances[np.arange(len(values)), place],
                "spread": np.sqrt(((values - self.values.mean(axis=0)) ** 2).sum(axis=1)),
            }
        )


@dataclass(frozen=True, eq=False)
class Challenge:
    """What resampling and placebo say.

    Parameters
    ----------
    found, found_by_chance
        Stability of the segments, and of those of the shuffled columns.
    silhouette
        Mean silhouette of the segments.
    placebos
        Mean silhouettes of as many segments in columns shuffled anew, shape (placebos,).
    """

    found: Stability
    found_by_chance: Stability
    silhouette: float
    placebos: NDArray[np.float64]


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
            if not pd.api.types.is_numeric_dtype(frame[name]):
                yield Problem(f"customers.{name}", f"not a number but {frame[name].dtype}", remedy=_without(name))
            elif frame[name].nunique() < 2:
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
        _refuse_missing(pipeline, rows)
        shuffled = shuffle_columns(rows, context.rng("baseline"))
        reference = np.arange(len(rows))
        if len(rows) > REFERENCE:
            reference = np.sort(context.rng("reference").choice(len(rows), REFERENCE, replace=False))
        segments, baseline = (Segments(clone(pipeline).fit(part), part, reference) for part in (rows, shuffled))
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
            model = _with_number(fitted.segments.pipeline)
            segment = np.asarray(fitted.segments.pipeline.predict(train.frame[list(train.roles.inputs)]))
            rand = self.challenged(fitted, context).found.rand
            fitted.judged[context.seed] = judge(self.useful, model, train, segment.astype(np.intp), rand, context)
        return fitted.judged[context.seed]

    def beside(self, scores: Mapping[str, pd.DataFrame]) -> Iterator[Content]:
        """Yield how several segmentations agree."""
        yield from solutions.beside(scores)

    def challenged(self, fitted: Fitted, context: Context) -> Challenge:
        """Resample and shuffle once per fit and seed; both the metrics and the report need it."""
        if context.seed not in fitted.challenges:
            segments, model = fitted.segments, _with_number(fitted.segments.pipeline)
            rng = context.rng("placebos")
            placebos = []
            for _ in range(self.placebos):
                shuffled = shuffle_columns(segments.rows, rng)
                placebo = Segments(clone(model).fit(shuffled), shuffled, segments.reference)
                placebos.append(placebo.describe(shuffled.iloc[segments.reference])["silhouette"].mean())
            found, by_chance = (
                stability(_with_number(it.pipeline), it.rows, it.labels, self.resamples, context.rng("stability"))
                for it in (segments, fitted.baseline)
            )
            own = segments.describe(segments.rows.iloc[segments.reference])["silhouette"].mean()
            fitted.challenges[context.seed] = Challenge(found, by_chance, float(own), np.asarray(placebos))
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
        inputs, describe = list(train.roles.inputs), list(train.roles.describe)
        segment = scores["train"]["segment"]
        names = report.names(train.frame, inputs, segment)
        yield from usefulness.concluded(report.verdict(scores["train"], challenge), judged)
        yield from usefulness.verdicts(judged)
        yield from report.sizes(scores["train"], names, challenge, context)
        yield from report.profiles(train.frame, inputs, segment, names)
        yield from differences.tested(train.frame, inputs, describe, segment.to_numpy())
        yield from usefulness.rules(judged, names)
        yield from usefulness.response(judged, names)
        yield from usefulness.over_time(judged, names)
        yield from report.composition(train.frame, describe, segment, names)
        yield from report.selection(fitted.segments.pipeline[-1])
        yield from report.caveats(list(train.roles.inputs), challenge, scores["train"])

    def models(self, fitted: Fitted, train: Dataset) -> Mapping[str, SavedModel]:
        """Keep the pipeline: it assigns new customers from the inputs as they are."""
        columns = list(fitted.segments.rows.columns)
        return {"model": SavedModel(fitted.segments.pipeline, train.frame[columns].head(5).reset_index(drop=True))}


def _without(column: str) -> str:
    return f"leave it out: features.exclude=[{column}]"


def _twins(values: NDArray[np.float64], reference: NDArray[np.float64]) -> NDArray[np.intp]:
    """For each row the position of one reference row with the same values, −1 where there is none.

    A customer is one of those that stand for its segment if they hold its values; which of several equals it is
    changes no distance.
    """
    # Adding zero turns −0.0, which has other bytes, into 0.0.
    known = {row.tobytes(): position for position, row in enumerate(reference + 0.0)}
    return np.fromiter((known.get(row.tobytes(), -1) for row in values + 0.0), dtype=np.intp, count=len(values))


def _with_number(pipeline: Pipeline) -> Pipeline:
    """The same model with the number of segments that was chosen: segments are challenged, not their number."""
    found = getattr(pipeline[-1], "n_clusters_", None)
    if found is None or "n_clusters" not in pipeline[-1].get_params():
        return pipeline
    last = pipeline.steps[-1][0]
    return clone(pipeline).set_params(**{f"{last}__n_clusters": int(found)})


def _refuse_missing(pipeline: Pipeline, rows: pd.DataFrame) -> None:
    missing = rows.columns[rows.isna().any()]
    if not len(missing):
        return
    before = clone(pipeline[:-1]) if len(pipeline) > 1 else None
    after = rows if before is None else pd.DataFrame(np.asarray(before.fit_transform(rows)))
    if after.isna().any(axis=None):
        remedy = "put an imputer among features.transformers, or leave the column out"
        raise UserError(
            [
                Problem(f"data.customers.{name}", f"{int(rows[name].isna().sum())} missing values", remedy=remedy)
                for name in missing
            ],
            "data",
        )


def _spread(draws: NDArray[np.float64]) -> Interval:
    low, high = np.quantile(draws, [0.025, 0.975])
    return Interval(float(draws.mean()), float(low), float(high))
