"""K-means segments whose number is chosen from the data, numbered by size."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

import numpy as np
from annotated_types import Ge
from numpy.typing import NDArray
from sklearn.cluster import KMeans

from .criteria import Solution
from .numbered import NumberedSegments, by_size
from .silhouettes import centre_distances

Floats = NDArray[np.float64]
Labels = NDArray[np.intp]


class KMeansSegments(NumberedSegments):
    """K-means with a chosen number of segments, the largest first.

    Parameters
    ----------
    n_clusters : int or "auto"
        ``auto`` chooses the number between ``k_min`` and ``k_max``.
    choose_by : {"silhouette", "elbow", "gap", "prediction_strength", "majority"}
        What ``auto`` goes by: the highest silhouette [1]_, the elbow of the inertia, the gap statistic, prediction
        strength, or the number that `recommend` makes of them all. The last three can say that there is one segment.
    k_min, k_max : int
        The numbers tried with ``auto``; fewer where there are not as many different rows.
    n_init : int
        Starts by k-means++; the one with the least inertia is kept.
    max_iter, tol
        As in `sklearn.cluster.KMeans`.
    silhouette_sample : int
        Rows that stand for all in what judges the numbers, so that memory stays bounded.
    random_state : int, RandomState instance or None
        Decides starts and sample.

    Attributes
    ----------
    n_clusters_ : int
        The number of segments.
    cluster_centers_ : ndarray of shape (n_clusters_, n_features)
        Their means.
    labels_ : ndarray of shape (n,)
        The segment of each training row: 0 is the largest.
    sizes_ : ndarray of shape (n_clusters_,)
        Training rows per segment, falling.
    inertia_ : float
        Sum of squared distances to the own centre.
    selection_ : dict of str to ndarray
        A table by columns, one row per k that was tried: ``k``, ``inertia``, ``silhouette``, ``elbow``, how far
        the inertia lies below the straight line from the first k to the last, in units of their difference (the
        largest marks the elbow), and what else ``choose_by`` needed. Where k was given there is nothing to choose:
        one row, and no silhouette.


    References
    ----------
    .. [1] Rousseeuw (1987), Silhouettes: a graphical aid to the interpretation and validation of cluster analysis,
       Journal of Computational and Applied Mathematics 20.
    """

    def __init__(
        self,
        n_clusters: Literal["auto"] | Annotated[int, Ge(2)] = "auto",
        *,
        choose_by: Literal["silhouette", "elbow", "gap", "prediction_strength", "majority"] = "silhouette",
        k_min: Annotated[int, Ge(2)] = 2,
        k_max: Annotated[int, Ge(2)] = 8,
        n_init: Annotated[int, Ge(1)] = 10,
        max_iter: Annotated[int, Ge(1)] = 300,
        tol: Annotated[float, Ge(0)] = 1e-4,
        silhouette_sample: Annotated[int, Ge(100)] = 2000,
        random_state: Any = None,
    ) -> None:
        self.n_clusters = n_clusters
        self.choose_by = choose_by
        self.k_min = k_min
        self.k_max = k_max
        self.n_init = n_init
        self.max_iter = max_iter
        self.tol = tol
        self.silhouette_sample = silhouette_sample
        self.random_state = random_state

    def _solutions(
        self, values: Any, counts: Sequence[int], random: np.random.RandomState, starts: int | None
    ) -> Sequence[Solution]:
        return [self._kmeans(k, values, random, starts) for k in counts]

    def _kmeans(self, k: int, values: Floats, random: np.random.RandomState, starts: int | None) -> Solution:
        seed = random.randint(np.iinfo(np.int32).max)
        starts = min(self.n_init, starts or self.n_init)
        fitted = KMeans(k, n_init=starts, max_iter=self.max_iter, tol=self.tol, random_state=seed).fit(values)
        centres = fitted.cluster_centers_
        return Solution(fitted.labels_, lambda rows: _nearest(rows, centres), float(fitted.inertia_), fitted)

    def _keep(self, solution: Solution, values: Any) -> None:
        fitted = solution.fitted
        order, rank = by_size(fitted.labels_, fitted.cluster_centers_)
        self.n_clusters_ = len(order)
        self.cluster_centers_ = fitted.cluster_centers_[order]
        self.labels_ = rank[fitted.labels_]
        self.sizes_ = np.bincount(fitted.labels_, minlength=len(order))[order]
        self.inertia_ = float(fitted.inertia_)
        self.n_iter_ = int(fitted.n_iter_)

    def _assign(self, values: Any) -> Labels:
        return _nearest(values, self.cluster_centers_)


def _nearest(values: Floats, centres: Floats) -> Labels:
    return np.asarray(centre_distances(values, centres).argmin(axis=1))
