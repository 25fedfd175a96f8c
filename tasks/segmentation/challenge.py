"""Whether segments are found again, and whether they are clearer than where there are none.

Three kinds of customers have no segments. Those of shuffled columns have the same values, which have nothing to do
with each other. Those of one normal distribution have the same means and correlations: a single long cloud can be
divided, the same way every time, and is still one group [1]_. So is a skewed one, with the same values and rank
correlations. Segments have to be clearer than in all.

References
----------
.. [1] Liu, Hayes, Nobel & Marron (2008), Statistical significance of clustering for high-dimension, low-sample size
   data, Journal of the American Statistical Association 103.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.pipeline import Pipeline

from cxai_runner.methods.stability import Stability, shuffle_columns, shuffle_together, stability
from cxai_runner.task import Context
from tasks.segmentation.fitted import Segments

MOST = 20_000
"""So many customers stand for all of more, of a clusterer that names no number of its own (``challenge_rows``)."""


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
    clouds
        The same in customers drawn from one normal distribution; empty where columns hold categories.
    customers
        How many customers were drawn and shuffled; 0 for all.
    segments
        The segments that ``found`` has the overlap of, in order.
    bic
        Where the clusterer has a likelihood: its BIC, and that of one normal distribution with correlations.
    skewed
        As ``clouds``, in one group with the same values and rank correlations (`shuffle_together`).
    """

    found: Stability
    found_by_chance: Stability
    silhouette: float
    placebos: NDArray[np.float64]
    clouds: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))
    customers: int = 0
    segments: tuple[int, ...] = ()
    bic: tuple[float, float] | None = None
    skewed: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))

    @property
    def overlap(self) -> dict[int, float]:
        """Mean overlap of each segment with the most similar one of customers drawn again."""
        return dict(zip(self.segments, self.found.jaccard.mean(axis=0).tolist(), strict=True))

    @property
    def beats_shuffles(self) -> bool:
        """Whether the segments are clearer than nearly all of those of shuffled columns."""
        return bool(self.silhouette > np.quantile(self.placebos, 0.975))

    @property
    def beats_one(self) -> bool:
        """Whether they are likelier than one normal distribution, as far as there are likelihoods."""
        return self.bic is None or self.bic[0] < self.bic[1]

    @property
    def beats_clouds(self) -> bool:
        """Whether they are clearer than nearly all of those of one normal distribution."""
        return not len(self.clouds) or bool(self.silhouette > np.quantile(self.clouds, 0.975))

    @property
    def beats_skewed(self) -> bool:
        """Whether they are clearer than nearly all of those of one group with the same values."""
        return not len(self.skewed) or bool(self.silhouette > np.quantile(self.skewed, 0.975))


def challenge(segments: Segments, baseline: Segments, placebos: int, resamples: int, context: Context) -> Challenge:
    """Divide shuffled, simulated and resampled customers into as many segments.

    Parameters
    ----------
    segments, baseline
        The fit, and that of columns shuffled once.
    placebos, resamples
        How often customers are shuffled and simulated, and how often they are drawn again.
    context
        Its random numbers.
    """
    own, last = _sampled(segments, context, "sample"), Pipeline(with_number(segments.pipeline).steps[-1:])
    rng = context.rng("placebos")
    # In the space of the segments: among other components, distances would be others.
    drawn = (_frame(own.space(shuffle_columns(own.rows, rng))) for _ in range(placebos))
    shuffled = [_silhouette(last, rows, own.reference) for rows in drawn]
    rng = context.rng("clouds")
    values = _numbers(own)
    clouds = [] if values is None else [_silhouette(last, _cloud(values, rng), own.reference) for _ in range(placebos)]
    rng = context.rng("skewed")
    alike = [] if values is None else (_frame(shuffle_together(values, rng)) for _ in range(placebos))
    skewed = [_silhouette(last, rows, own.reference) for rows in alike]
    found = stability(with_number(own.pipeline), own.rows, own.labels, resamples, context.rng("stability"))
    other = _sampled(baseline, context, "sample")
    again = Pipeline(with_number(other.pipeline).steps[-1:])
    by_chance = stability(again, _frame(other.space(other.rows)), other.labels, resamples, context.rng("stability"))
    return Challenge(
        found,
        by_chance,
        float(segments.describe(segments.rows.iloc[segments.reference])["silhouette"].mean()),
        np.array(shuffled),
        np.array(clouds),
        0 if own is segments else len(own.rows),
        tuple(int(k) for k in np.unique(own.labels)),
        _bic(segments) if values is not None else None,
        np.array(skewed),
    )


def with_number(pipeline: Pipeline) -> Pipeline:
    """The same model with the numbers that were chosen: segments are challenged, not how many, nor their components."""
    name, last = pipeline.steps[-1]
    found = {
        "n_clusters": getattr(last, "n_clusters_", None),
        "n_components": getattr(getattr(last, "pca_", None), "n_components_", None),
    }
    chosen = {f"{name}__{key}": int(k) for key, k in found.items() if k is not None and key in last.get_params()}
    return clone(pipeline).set_params(**chosen) if chosen else pipeline


def _sampled(segments: Segments, context: Context, purpose: str) -> Segments:
    """The same segments among as many customers as can be divided a hundred times."""
    most = int(getattr(segments.pipeline[-1], "challenge_rows", MOST))
    if len(segments.rows) <= most:
        return segments
    chosen = np.sort(context.rng(purpose).choice(len(segments.rows), most, replace=False))
    return Segments(segments.pipeline, segments.rows.iloc[chosen], np.arange(min(most, len(segments.reference))))


def _silhouette(model: Pipeline, rows: pd.DataFrame, reference: NDArray[np.intp]) -> float:
    placebo = Segments(clone(model).fit(rows), rows, reference)
    return float(placebo.describe(rows.iloc[reference])["silhouette"].mean())


def _numbers(segments: Segments) -> NDArray[np.float64] | None:
    """The customers as the clusterer takes them; None where they are not numbers alone."""
    if getattr(segments.pipeline[-1], "categorical_", None):
        return None
    values = np.asarray(segments.space(segments.rows), dtype=np.float64)
    return values if np.isfinite(values).all() else None


def _bic(segments: Segments) -> tuple[float, float] | None:
    own = getattr(segments.pipeline[-1], "bic_", None)
    if own is None:
        return None
    n, d = segments.values.shape
    covariance = np.atleast_2d(np.cov(segments.values, rowvar=False, bias=True))
    sign, size = np.linalg.slogdet(covariance)
    # Columns that depend on each other exactly have a likelihood without bound, which says nothing.
    one = n * (size + d * (1 + np.log(2 * np.pi))) + (d + d * (d + 1) / 2) * np.log(n) if sign > 0 else np.inf
    return float(own), float(one)


def _cloud(values: NDArray[np.float64], rng: np.random.Generator) -> pd.DataFrame:
    """As many customers from one normal distribution with the same means and covariances."""
    covariance = np.atleast_2d(np.cov(values, rowvar=False))
    drawn = rng.multivariate_normal(values.mean(axis=0), covariance, len(values), method="svd")
    return _frame(drawn)


def _frame(values: pd.DataFrame | NDArray[np.float64]) -> pd.DataFrame:
    if isinstance(values, pd.DataFrame):
        return values
    return pd.DataFrame(values, columns=[f"x{j}" for j in range(values.shape[1])])
