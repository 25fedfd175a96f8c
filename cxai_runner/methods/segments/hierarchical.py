"""Hierarchical segments: customers merged pair by pair into a tree that is cut where its branches are longest.

The tree of Ward's method, of single, centroid and median linkage needs memory for the customers alone. The others need
every pair of them. Beyond ``max_customers`` a random sample makes the tree, and the rest are assigned to it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from annotated_types import Ge
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from .criteria import Solution
from .numbered import NumberedSegments, renumbered
from .silhouettes import centre_distances, inertia_of
from .trees import cut, jumps, merge_tree, top

Floats = NDArray[np.float64]
Labels = NDArray[np.intp]
Linkage = Literal["ward", "single", "complete", "average", "weighted", "centroid", "median"]


class HierarchicalSegments(NumberedSegments):
    """Segments from a merge tree, the largest first, with a place in them for new rows.

    Parameters
    ----------
    n_clusters : int or "auto"
        ``auto`` chooses the number between ``k_min`` and ``k_max``.
    linkage : {"ward", "single", "complete", "average", "weighted", "centroid", "median"}
        What makes two branches close: Ward's increase of the sum of squares [1]_, the nearest or farthest pair, the
        mean of all pairs, and so on.
    choose_by : {"heights", "silhouette", "elbow", "gap", "prediction_strength", "majority"}
        What ``auto`` goes by: ``heights`` cuts where the next merge lies highest above the last one.
    k_min, k_max : int
        The numbers tried with ``auto``.
    assign_to : {"customer", "centre"}
        Where a row goes that was not in the tree: to the segment of the most similar row of the tree, so that every row
        of the tree stays where the tree has it, or to the nearest centre, which is quicker and needs no rows kept.
    max_customers : int
        Rows that make the tree; of more, a random sample does.
    silhouette_sample : int
        Rows that stand for all in what judges the numbers.
    random_state : int, RandomState instance or None
        Decides the samples.

    Attributes
    ----------
    n_clusters_, labels_, sizes_, selection_
        As in `KMeansSegments`; ``selection_`` also has ``heights``, the jumps.
    cluster_centers_ : ndarray of shape (n_clusters_, n_features)
        Means of the segments.
    inertia_ : float
        Sum of squared distances to them.
    heights_ : ndarray
        Heights of the last merges, rising, at most 50.
    dendrogram_ : dict of str to ndarray
        The last merges as `trees.top` draws them.
    suggested_ : int
        Segments where the jump of the heights is largest, between 2 and ``k_max``.
    in_tree_ : int
        Rows that made the tree.
    rows_, row_labels_ : ndarray
        Different rows of the tree and their segments, kept for ``assign_to="customer"``.

    References
    ----------
    .. [1] Ward (1963), Hierarchical grouping to optimize an objective function, Journal of the American Statistical
       Association 58.
    .. [2] Müllner (2013), fastcluster: fast hierarchical, agglomerative clustering routines for R and Python, Journal
       of Statistical Software 53.
    """

    criteria: ClassVar[tuple[str, ...]] = ("heights", "silhouette", "elbow", "gap", "prediction_strength")
    challenge_rows: ClassVar[int] = 2_500

    def __init__(
        self,
        n_clusters: Literal["auto"] | Annotated[int, Ge(2)] = "auto",
        *,
        linkage: Linkage = "ward",
        choose_by: Literal["heights", "silhouette", "elbow", "gap", "prediction_strength", "majority"] = "heights",
        k_min: Annotated[int, Ge(2)] = 2,
        k_max: Annotated[int, Ge(2)] = 8,
        assign_to: Literal["customer", "centre"] = "customer",
        max_customers: Annotated[int, Ge(100)] = 20_000,
        silhouette_sample: Annotated[int, Ge(100)] = 2000,
        random_state: Any = None,
    ) -> None:
        self.n_clusters = n_clusters
        self.linkage = linkage
        self.choose_by = choose_by
        self.k_min = k_min
        self.k_max = k_max
        self.assign_to = assign_to
        self.max_customers = max_customers
        self.silhouette_sample = silhouette_sample
        self.random_state = random_state

    def _solutions(
        self, values: Any, counts: Sequence[int], random: np.random.RandomState, starts: int | None
    ) -> Sequence[Solution]:
        if list(counts) == [1] or len(values) < 2:
            everyone = np.zeros(len(values), dtype=np.intp)
            misfit, measures = inertia_of(values, everyone), {"heights": np.nan}
            return [Solution(everyone, _all_zero, misfit, None, measures) for _ in counts]
        rows = values
        if len(values) > self.max_customers:
            chosen = np.sort(random.choice(len(values), self.max_customers, replace=False))
            rows = values[chosen]
        tree = merge_tree(rows, self.linkage)
        steps = jumps(tree, list(counts))
        return [self._cut(values, rows, tree, k, step) for k, step in zip(counts, steps, strict=True)]

    def _cut(self, values: Floats, rows: Floats, tree: Floats, k: int, step: float) -> Solution:
        labels, centres = renumbered(cut(tree, k), rows)

        def assign(others: Any) -> Labels:
            return _placed(others, rows, labels, centres, self.assign_to)

        every = labels if rows is values else assign(values)
        return Solution(every, assign, inertia_of(values, every), (tree, rows, labels), {"heights": float(step)})

    def _keep(self, solution: Solution, values: Any) -> None:
        tree, rows, leaves = solution.fitted if solution.fitted is not None else (np.empty((0, 4)), values, None)
        if leaves is None:
            leaves = solution.labels
        # Numbered by the sizes of all rows, not of those in the tree.
        order = np.argsort(-np.bincount(solution.labels), kind="stable")
        rank = np.empty_like(order)
        rank[order] = np.arange(len(order))
        self.labels_ = rank[solution.labels].astype(np.intp)
        self.n_clusters_ = len(order)
        self.sizes_ = np.bincount(self.labels_)
        self.inertia_ = solution.misfit
        self.cluster_centers_ = np.stack([rows[rank[leaves] == k].mean(axis=0) for k in range(len(order))])
        self.in_tree_ = len(rows)
        self.heights_ = tree[-50:, 2]
        self.dendrogram_ = top(tree, 30) if len(tree) else {}
        tried = list(range(2, min(self.k_max, len(rows)) + 1))
        self.suggested_ = tried[int(np.argmax(jumps(tree, tried)))] if tried and len(tree) else 1
        if self.assign_to == "customer":
            self.rows_, first = np.unique(rows, axis=0, return_index=True)
            self.row_labels_ = rank[leaves][first].astype(np.intp)

    def _assign(self, values: Any) -> Labels:
        kept = self.assign_to == "customer"
        rows, labels = (self.rows_, self.row_labels_) if kept else (self.cluster_centers_, np.arange(self.n_clusters_))
        return _placed(values, rows, labels, self.cluster_centers_, self.assign_to)


def _all_zero(values: Floats) -> Labels:
    return np.zeros(len(values), dtype=np.intp)


def _placed(values: Floats, rows: Floats, labels: Labels, centres: Floats, by: str) -> Labels:
    if by == "centre":
        return np.asarray(centre_distances(values, centres).argmin(axis=1))
    return np.asarray(labels[cKDTree(rows).query(values)[1]])
