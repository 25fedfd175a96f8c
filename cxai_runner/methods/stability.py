"""Whether segments come back when the customers are drawn again, and whether there is anything to find at all.

Any clustering of any data returns segments. Two questions tell findings from artefacts: are they found again in
resampled data [1]_, and are they clearer than those of data whose columns have been made independent of each other?

References
----------
.. [1] Hennig (2007), Cluster-wise assessment of cluster stability, Computational Statistics & Data Analysis 52.
.. [2] Iman & Conover (1982), A distribution-free approach to inducing rank correlation among input variables,
   Communications in Statistics – Simulation and Computation 11.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.metrics import adjusted_rand_score

Labels = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Stability:
    """How well segments were found again.

    Parameters
    ----------
    rand
        Adjusted Rand index between the segments and those of each resample, shape (resamples,): 1 is the same
        division, 0 is what chance gives.
    jaccard
        For each resample and segment, the overlap (intersection over union) with the most similar segment found
        there, shape (resamples, segments). A mean above 0.75 is called stable, below 0.5 dissolved [1]_.
    """

    rand: NDArray[np.float64]
    jaccard: NDArray[np.float64]


def stability(model: Any, X: pd.DataFrame, labels: Labels, resamples: int, rng: np.random.Generator) -> Stability:
    """Refit ``model`` on rows drawn with replacement, and compare the segments of all rows.

    Parameters
    ----------
    model
        A clusterer with ``predict``, or a pipeline that ends in one; a clone of it is fitted.
    X
        One row per customer.
    labels
        Their segments, shape (n,).
    resamples
        Number of refits.
    rng
        Draws the rows.
    """
    segments = np.unique(labels)
    rand, jaccard = np.empty(resamples), np.empty((resamples, len(segments)))
    for b in range(resamples):
        drawn = np.sort(rng.integers(len(X), size=len(X)))
        again = np.asarray(clone(model).fit(X.iloc[drawn]).predict(X))
        rand[b] = adjusted_rand_score(labels, again)
        jaccard[b] = _best_overlap(labels, segments, again)
    return Stability(rand, jaccard)


def _best_overlap(labels: Labels, segments: Labels, again: Labels) -> NDArray[np.float64]:
    both = pd.crosstab(labels, again).reindex(segments).to_numpy(dtype=np.float64)
    union = both.sum(axis=1, keepdims=True) + both.sum(axis=0, keepdims=True) - both
    overlap: NDArray[np.float64] = (both / union).max(axis=1)
    return overlap


def shuffle_columns(X: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Return ``X`` with every column shuffled by itself: the same distributions, and no structure between them."""
    return pd.DataFrame({name: X[name].to_numpy()[rng.permutation(len(X))] for name in X.columns}, index=X.index)


def shuffle_together(values: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    """Return columns shuffled so that they rise and fall together as before, and do nothing else together [2]_.

    The ranks are those of one normal distribution that has the correlations of the columns' normal scores: one group,
    of any skewness, whose columns have the same values and nearly the same rank correlations.

    Parameters
    ----------
    values
        Shape (n, columns), finite.
    rng
        Draws the ranks.
    """
    from scipy.stats import norm, rankdata

    n = len(values)
    scores = norm.ppf((rankdata(values, axis=0) - 0.5) / n)
    covariance = np.atleast_2d(np.cov(scores, rowvar=False))
    drawn = rng.multivariate_normal(np.zeros(values.shape[1]), covariance, n, method="svd")
    ranks = drawn.argsort(axis=0).argsort(axis=0)
    return np.asarray(np.take_along_axis(np.sort(values, axis=0), ranks, axis=0))
