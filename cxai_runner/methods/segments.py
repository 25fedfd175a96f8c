"""K-means segments whose number is chosen from the data, numbered by size.

scikit-learn's K-means wants to be told the number of clusters and numbers them by chance. An analyst wants to see why
four and not five, and wants segment 0 to be the largest after the next fit as well.
"""

from __future__ import annotations

import numbers
from typing import Annotated, Any, Literal

import numpy as np
from annotated_types import Ge
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClusterMixin
from sklearn.cluster import KMeans
from sklearn.metrics import pairwise_distances_chunked
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

Floats = NDArray[np.float64]
Labels = NDArray[np.intp]


class KMeansSegments(ClusterMixin, BaseEstimator):
    """K-means with a chosen number of segments, the largest first.

    Parameters
    ----------
    n_clusters : int or "auto"
        ``auto`` chooses the number between ``k_min`` and ``k_max``.
    choose_by : {"silhouette", "elbow"}
        What ``auto`` goes by: the highest silhouette [1]_, or the elbow of the inertia [2]_.
    k_min, k_max : int
        The numbers tried with ``auto``; fewer where there are not as many different rows.
    n_init : int
        Starts by k-means++; the one with the least inertia is kept.
    max_iter, tol
        As in `sklearn.cluster.KMeans`.
    silhouette_sample : int
        Rows that stand for all in the silhouette of every k, so that memory stays bounded.
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
        A table by columns, one row per k that was tried: ``k``, ``inertia``, ``silhouette``, and ``elbow``, how far
        the inertia lies below the straight line from the first k to the last, in units of their difference (the
        largest marks the elbow). Where k was given there is nothing to choose: one row, and no silhouette.


    References
    ----------
    .. [1] Rousseeuw (1987), Silhouettes: a graphical aid to the interpretation and validation of cluster analysis,
       Journal of Computational and Applied Mathematics 20.
    .. [2] Satopää et al. (2011), Finding a "kneedle" in a haystack, ICDCS Workshops.
    """

    def __init__(
        self,
        n_clusters: Literal["auto"] | Annotated[int, Ge(2)] = "auto",
        *,
        choose_by: Literal["silhouette", "elbow"] = "silhouette",
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

    def fit(self, X: ArrayLike, y: object = None) -> KMeansSegments:
        """Find the segments of the rows of ``X``, shape (n, n_features)."""
        values = validate_data(self, X, dtype=[np.float64, np.float32], accept_large_sparse=False)
        random = check_random_state(self.random_state)
        sample = np.arange(len(values))
        if len(values) > self.silhouette_sample:
            sample = np.sort(random.choice(len(values), self.silhouette_sample, replace=False))
        tried = {k: self._kmeans(k, values, random) for k in self._numbers(values)}
        counts = np.array(list(tried), dtype=np.intp)
        inertia = np.array([fitted.inertia_ for fitted in tried.values()], dtype=np.float64)
        self.selection_ = {
            "k": counts,
            "inertia": inertia,
            "silhouette": np.array(
                [
                    _mean_silhouette(values[sample], one.labels_[sample]) if len(tried) > 1 else np.nan
                    for one in tried.values()
                ]
            ),
            "elbow": _elbow(counts.astype(np.float64), inertia),
        }
        merit = self.selection_[self.choose_by] if len(tried) > 1 else np.zeros(1)
        best = int(np.nanargmax(merit)) if np.isfinite(merit).any() else 0
        self._keep(tried[int(counts[best])])
        return self

    def _numbers(self, values: Floats) -> list[int]:
        given: Any = self.n_clusters  # in a notebook nobody has checked it yet
        if given != "auto":
            if not isinstance(given, numbers.Integral) or given < 1:
                raise ValueError(f"n_clusters must be 'auto' or a whole number of at least 1, not {given!r}")
            return [int(given)]
        if not 2 <= self.k_min <= self.k_max:
            raise ValueError(f"2 ≤ k_min ≤ k_max is needed, not k_min={self.k_min}, k_max={self.k_max}")
        if self.choose_by not in ("silhouette", "elbow"):
            raise ValueError(f"choose_by must be 'silhouette' or 'elbow', not {self.choose_by!r}")
        # A silhouette needs at least one row more than segments.
        most = min(self.k_max, len(np.unique(values, axis=0)) - 1)
        return list(range(self.k_min, most + 1)) or [1]

    def _kmeans(self, k: int, values: Floats, random: np.random.RandomState) -> KMeans:
        seed = random.randint(np.iinfo(np.int32).max)
        return KMeans(k, n_init=self.n_init, max_iter=self.max_iter, tol=self.tol, random_state=seed).fit(values)

    def _keep(self, fitted: KMeans) -> None:
        sizes = np.bincount(fitted.labels_, minlength=fitted.n_clusters)
        # Equal sizes are told apart by their centres, so that the numbering never depends on the start.
        order = np.lexsort([*fitted.cluster_centers_.T[::-1], -sizes])
        rank = np.empty_like(order)
        rank[order] = np.arange(len(order))
        self.n_clusters_ = len(order)
        self.cluster_centers_ = fitted.cluster_centers_[order]
        self.labels_ = rank[fitted.labels_]
        self.sizes_ = sizes[order]
        self.inertia_ = float(fitted.inertia_)
        self.n_iter_ = int(fitted.n_iter_)

    def predict(self, X: ArrayLike) -> Labels:
        """Return the segment with the nearest centre for each row, shape (n,)."""
        check_is_fitted(self)
        values = validate_data(self, X, dtype=[np.float64, np.float32], reset=False)
        return np.asarray(centre_distances(values, self.cluster_centers_).argmin(axis=1))


def centre_distances(values: Floats, centres: Floats) -> Floats:
    """Euclidean distance of each row to each centre, shape (n, centres), without cancellation."""
    return np.stack([np.sqrt(((values - centre) ** 2).sum(axis=1)) for centre in centres], axis=1)


def silhouettes(
    values: Floats, labels: Labels, reference: Floats, reference_labels: Labels, own: Labels | None = None
) -> Floats:
    """Silhouette of each row among reference rows, shape (n,), in −1 … 1; 0 for the only member of a segment.

    With the rows themselves as reference it is the textbook's (b − a) / max(a, b), where a is the mean distance to
    the other rows of the own segment and b that to the rows of the nearest other one. Distances are
    taken in bounded blocks.

    Parameters
    ----------
    values, labels
        Rows of shape (n, features) and their segments.
    reference, reference_labels
        The rows that stand for the segments.
    own
        Where each row is among the reference (−1 where it is not), so that its distance to itself is left out.
    """
    present, codes = np.unique(reference_labels, return_inverse=True)
    membership = np.eye(len(present))[codes]
    size = membership.sum(axis=0)
    column = np.searchsorted(present, labels).clip(0, len(present) - 1)
    known = present[column] == labels
    inside = np.zeros(len(values), dtype=bool) if own is None else own >= 0
    result = np.zeros(len(values))
    start = 0
    for block in pairwise_distances_chunked(values, reference, working_memory=64):
        stop = start + len(block)
        if own is not None:
            # A distance to itself is zero but for rounding; make it exact.
            rows = np.flatnonzero(inside[start:stop])
            block[rows, own[start:stop][rows]] = 0.0
        result[start:stop] = _silhouette(block @ membership, size, column[start:stop], inside[start:stop])
        start = stop
    return np.where(known, result, 0.0)


def _silhouette(total: Floats, size: Floats, column: Labels, inside: NDArray[np.bool_]) -> Floats:
    row = np.arange(len(total))
    others = size[column] - inside
    within = total[row, column] / np.maximum(others, 1)
    mean = total / size
    mean[row, column] = np.inf
    between = mean.min(axis=1)
    with np.errstate(invalid="ignore"):
        value = (between - within) / np.maximum(within, between)
    return np.where((others > 0) & np.isfinite(between), np.nan_to_num(value), 0.0)


def _mean_silhouette(values: Floats, labels: Labels) -> float:
    if len(np.unique(labels)) < 2:
        return float("nan")
    return float(silhouettes(values, labels, values, labels, np.arange(len(values))).mean())


def _elbow(k: Floats, inertia: Floats) -> Floats:
    if len(k) < 3 or inertia[0] == inertia[-1]:
        return np.full(len(k), np.nan)
    share = (k - k[0]) / (k[-1] - k[0])
    return 1 - share - (inertia - inertia[-1]) / (inertia[0] - inertia[-1])
