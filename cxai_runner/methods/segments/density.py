"""Segments as dense regions among customers of whom many belong nowhere: HDBSCAN, with a rule for new customers.

The number of segments is found, and customers between the dense regions stay unassigned (segment −1): they are not
forced into a segment that they have nothing in common with.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from annotated_types import Ge, Gt
from numpy.typing import ArrayLike, NDArray
from scipy.spatial import cKDTree
from sklearn.base import BaseEstimator, ClusterMixin
from sklearn.cluster import HDBSCAN
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from .numbered import by_size
from .silhouettes import segment_means

Floats = NDArray[np.float64]
Labels = NDArray[np.intp]

UNASSIGNED = -1


class DensitySegments(ClusterMixin, BaseEstimator):
    """HDBSCAN [1]_, the largest segment first, with a rule for new rows.

    A row belongs to the segment of the most similar training row. It is unassigned where that row is, or where it is
    further away than twice the widest step within that segment, from any of its rows to the nearest other one.

    Parameters
    ----------
    min_cluster_size : int or float
        The smallest segment: rows, or a share of all.
    min_samples : int or None
        Neighbours within reach that make a place dense; the larger, the more rows are unassigned. By default 5.
    cluster_selection_method : {"eom", "leaf"}
        Segments that last longest as density falls, or the smallest and most alike.
    cluster_selection_epsilon : float
        Regions closer than this are one segment.
    max_customers : int
        Rows that are searched; of more, a random sample is, and the rest go by the rule for new rows.
    random_state : int, RandomState instance or None
        Decides the sample.

    Attributes
    ----------
    n_clusters_ : int
        The number of segments, those without one not counted; 0 where no place is dense.
    labels_ : ndarray of shape (n,)
        The segment of each training row: 0 is the largest, −1 none.
    sizes_ : ndarray of shape (n_clusters_,)
        Training rows per segment, falling.
    unassigned_ : int
        Training rows in none.
    searched_ : int
        Rows that were searched.
    rows_, row_labels_, reach_ : ndarray
        Different rows of the search, their segments, and how far each segment reaches beyond its rows.

    References
    ----------
    .. [1] Campello, Moulavi & Sander (2013), Density-based clustering based on hierarchical density estimates, PAKDD.
    """

    challenge_rows: ClassVar[int] = 2_500
    takes_categories: ClassVar[bool] = False

    def __init__(
        self,
        min_cluster_size: Annotated[int, Ge(2)] | Annotated[float, Gt(0)] = 0.05,
        *,
        min_samples: Annotated[int, Ge(1)] | None = 5,
        cluster_selection_method: Literal["eom", "leaf"] = "eom",
        cluster_selection_epsilon: Annotated[float, Ge(0)] = 0.0,
        max_customers: Annotated[int, Ge(100)] = 20_000,
        random_state: Any = None,
    ) -> None:
        self.min_cluster_size = min_cluster_size
        self.min_samples = min_samples
        self.cluster_selection_method = cluster_selection_method
        self.cluster_selection_epsilon = cluster_selection_epsilon
        self.max_customers = max_customers
        self.random_state = random_state

    def fit(self, X: ArrayLike, y: object = None) -> DensitySegments:
        """Find the dense regions among the rows of ``X``, shape (n, n_features)."""
        values = np.asarray(validate_data(self, X, dtype=np.float64, ensure_min_samples=2))
        random = check_random_state(self.random_state)
        searched = np.arange(len(values))
        if len(values) > self.max_customers:
            searched = np.sort(random.choice(len(values), self.max_customers, replace=False))
        rows = values[searched]
        found = self._search(rows)
        self.searched_ = len(rows)
        self.rows_, first = np.unique(rows, axis=0, return_index=True)
        # Where the sample is not all, the sizes of all rows decide the numbering.
        self.row_labels_ = found[first]
        every = found if len(rows) == len(values) else self._placed(values, _reach(rows, found))
        self._number(values, every)
        return self

    def predict(self, X: ArrayLike) -> Labels:
        """Return the segment of each row, −1 for none, shape (n,)."""
        check_is_fitted(self)
        return self._placed(np.asarray(validate_data(self, X, dtype=np.float64, reset=False)), self.reach_)

    def _search(self, rows: Floats) -> Labels:
        size = self.min_cluster_size
        size = max(2, int(np.ceil(size * len(rows)))) if isinstance(size, float) and size < 1 else max(2, int(size))
        found = HDBSCAN(
            min_cluster_size=size,
            min_samples=min(self.min_samples or size, len(rows)),
            cluster_selection_method=self.cluster_selection_method,
            cluster_selection_epsilon=float(self.cluster_selection_epsilon),
            copy=True,
        ).fit(rows)
        return np.asarray(found.labels_).astype(np.intp)

    def _number(self, values: Floats, labels: Labels) -> None:
        inside = labels >= 0
        self.n_clusters_ = int(labels.max(initial=-1)) + 1
        rank = np.arange(self.n_clusters_)
        if self.n_clusters_:
            rank = by_size(labels[inside], segment_means(values[inside], labels[inside]))[1]
        rank = np.append(rank, UNASSIGNED).astype(np.intp)  # the last answers to −1
        self.labels_ = rank[labels]
        self.row_labels_ = rank[self.row_labels_]
        self.sizes_ = np.bincount(labels[inside], minlength=self.n_clusters_)[np.argsort(rank[:-1])]
        self.unassigned_ = int((~inside).sum())
        self.reach_ = _reach(self.rows_, self.row_labels_)

    def _placed(self, values: Floats, reach: Floats) -> Labels:
        distance, nearest = cKDTree(self.rows_).query(values)
        label = self.row_labels_[nearest]
        known = label >= 0
        near = np.zeros(len(values), dtype=bool)
        near[known] = distance[known] <= reach[label[known]]
        return np.where(near, label, UNASSIGNED).astype(np.intp)


def _reach(rows: Floats, labels: Labels) -> Floats:
    """Twice the widest step from a row to the nearest other one of its segment, for each segment."""
    found = []
    for k in range(int(labels.max(initial=-1)) + 1):
        own = np.unique(rows[labels == k], axis=0)
        found.append(2 * float(cKDTree(own).query(own, k=2)[0][:, 1].max()) if len(own) > 1 else 0.0)
    return np.array(found)
