"""Segments whose number is given or chosen from the data, numbered by size: what every method of that kind shares.

Libraries want to be told the number of clusters and number them by chance. An analyst wants to see why four and not
five, and wants segment 0 to be the largest after the next fit as well.
"""

from __future__ import annotations

import numbers
from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClusterMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from .criteria import Solution, elbow, gap_statistic, prediction_strength
from .recommendation import CAN_SAY_ONE, recommend, votes
from .silhouettes import mean_silhouette, segment_means

Floats = NDArray[np.float64]
Labels = NDArray[np.intp]
Selection = dict[str, NDArray[Any]]

FEW_STARTS = 2
"""Starts of the many further fits."""
COSTLY = ("gap", "prediction_strength")
"""Criteria that need many further fits."""


class NumberedSegments(ClusterMixin, BaseEstimator):
    """What methods with a number of segments have in common: the choice of the number, numbering and prediction.

    A method says how rows are divided (`_solutions`) and what it keeps (`_keep`). With ``n_clusters="auto"`` the
    numbers from ``k_min`` to ``k_max`` are tried, and ``choose_by`` decides; one segment, that is none, is among them
    where the criterion can say so and ``k_min`` is 2.
    """

    criteria: ClassVar[tuple[str, ...]] = ("silhouette", "elbow", "gap", "prediction_strength")
    """What the number can be judged by."""
    challenge_rows: ClassVar[int] = 20_000
    """Rows that this method divides in so little time that it can be repeated a hundred times."""
    costly_rows: ClassVar[int] = 2_000
    """Rows that stand for all in gap and prediction strength, which need many further fits."""
    takes_categories: ClassVar[bool] = False
    """Whether columns may hold text."""

    n_clusters: Any
    choose_by: Any
    k_min: int
    k_max: int
    silhouette_sample: int
    random_state: Any

    selection_: Selection
    n_clusters_: int
    labels_: Labels
    sizes_: Labels

    def fit(self, X: ArrayLike, y: object = None) -> NumberedSegments:
        """Find the segments of the rows of ``X``, shape (n, n_features)."""
        values = self._read(X, first=True)
        random = check_random_state(self.random_state)
        counts = self._numbers(values)
        solved = dict(zip(counts, self._solutions(values, counts, random, None), strict=True))
        self.selection_ = self._table(values, solved, random)
        best = counts[0]
        if len(counts) > 1:
            if self.choose_by == "majority" or self.choose_by in COSTLY:
                self.selection_ = self._with_costly(values, self.selection_, random)
            best = self._best(counts)
        self._keep(solved[best], values)
        return self

    def predict(self, X: ArrayLike) -> Labels:
        """Return the segment of each row, shape (n,)."""
        check_is_fitted(self)
        return self._assign(self._read(X))

    def encode(self, X: ArrayLike) -> Floats:
        """Return rows as the method measures distances between them, shape (n, dimensions)."""
        check_is_fitted(self)
        return self._measured(self._read(X))

    def evidence(self, X: ArrayLike) -> Selection:
        """Return the table of the choice with every criterion, those that ``choose_by`` did not need computed now.

        Parameters
        ----------
        X
            The rows of the fit.

        Returns
        -------
        table
            As `recommend` takes it. Where the number was given, there was nothing to choose: ``selection_`` as it is.
        """
        check_is_fitted(self)
        if len(self.selection_["k"]) < 2 or all(name in self.selection_ for name in self.criteria):
            return self.selection_
        values, random = self._read(X), check_random_state(self.random_state)
        table = self.selection_
        if self.k_min == 2 and 1 not in table["k"]:
            (one,) = self._solutions(values, [1], random, None)
            first = self._table(values, {1: one}, random)
            table = {name: np.concatenate([first[name], column]) for name, column in table.items()}
        return self._with_costly(values, table, random)

    @abstractmethod
    def _solutions(
        self, values: Any, counts: Sequence[int], random: np.random.RandomState, starts: int | None
    ) -> Sequence[Solution]:
        """Divide rows into each number of segments, with so many starts at most."""

    @abstractmethod
    def _keep(self, solution: Solution, values: Any) -> None:
        """Set the fitted attributes, segments numbered by size."""

    @abstractmethod
    def _assign(self, values: Any) -> Labels:
        """The segments of rows as `_read` returned them."""

    def _read(self, X: ArrayLike, first: bool = False) -> Any:
        return validate_data(self, X, dtype=[np.float64, np.float32], reset=first)

    def _measured(self, values: Any) -> Floats:
        """Rows as `_read` returned them in the space in which distances are measured."""
        return np.asarray(values, dtype=np.float64)

    def _numbers(self, values: Any) -> list[int]:
        given: Any = self.n_clusters  # in a notebook nobody has checked it yet
        if given != "auto":
            if not isinstance(given, numbers.Integral) or int(given) < 1:
                raise ValueError(f"n_clusters must be 'auto' or a whole number of at least 1, not {given!r}")
            if int(given) > len(values):
                raise ValueError(f"n_clusters={given} segments are more than the n_samples={len(values)} rows")
            return [int(given)]
        if not 2 <= self.k_min <= self.k_max:
            raise ValueError(f"2 ≤ k_min ≤ k_max is needed, not k_min={self.k_min}, k_max={self.k_max}")
        possible = (*self.criteria, "majority")
        if self.choose_by not in possible:
            raise ValueError(f"choose_by must be one of {', '.join(possible)}, not {self.choose_by!r}")
        # A silhouette needs at least one row more than segments.
        most = min(self.k_max, self._different(values) - 1)
        tried = list(range(self.k_min, most + 1))
        if not tried:
            return [1]
        can_say_one = self.choose_by == "majority" or self.choose_by in CAN_SAY_ONE
        return [1, *tried] if can_say_one and self.k_min == 2 else tried

    def _different(self, values: Any) -> int:
        return len(np.unique(values, axis=0))

    def _table(self, values: Any, solved: dict[int, Solution], random: np.random.RandomState) -> Selection:
        """The criteria that the solutions have with them, a row per number."""
        counts = np.array(list(solved), dtype=np.intp)
        misfit = np.array([one.misfit for one in solved.values()])
        silhouette = np.full(len(counts), np.nan)
        if len(counts) > 1:
            rows = self._sample(values, random)
            measured = self._measured(values[rows])
            silhouette = np.array([mean_silhouette(measured, one.labels[rows]) for one in solved.values()])
        table: Selection = {"k": counts, self._misfit_name: misfit, "silhouette": silhouette}
        if "elbow" in self.criteria:
            tried = counts >= min(self.k_min, counts[-1])
            table["elbow"] = np.full(len(counts), np.nan)
            table["elbow"][tried] = elbow(counts[tried].astype(np.float64), misfit[tried])
        for name in {name: None for one in solved.values() for name in one.measures}:
            table[name] = np.array([one.measures.get(name, np.nan) for one in solved.values()])
        return table

    @property
    def _misfit_name(self) -> str:
        return "inertia"

    def _with_costly(self, values: Any, table: Selection, random: np.random.RandomState) -> Selection:
        rows, counts = self._sample(values, random, self.costly_rows), [int(k) for k in table["k"]]

        def solve(part: Any, wanted: Sequence[int], random: np.random.RandomState) -> Sequence[Solution]:
            return self._solutions(part, wanted, random, FEW_STARTS)

        added: Selection = {}
        if "gap" in self.criteria:
            added["gap"], added["gap_error"] = gap_statistic(solve, values[rows], counts, random)
        if "prediction_strength" in self.criteria:
            strength, error = prediction_strength(solve, values[rows], counts, random)
            added |= {"prediction_strength": strength, "prediction_strength_error": error}
        return {**table, **added}

    def _sample(self, values: Any, random: np.random.RandomState, most: int | None = None) -> Labels:
        count = min(len(values), self.silhouette_sample, most or len(values))
        if count == len(values):
            return np.arange(len(values))
        return np.sort(random.choice(len(values), count, replace=False)).astype(np.intp)

    def _best(self, counts: list[int]) -> int:
        if self.choose_by == "majority":
            return recommend(self.selection_).number
        best = votes(self.selection_)[self.choose_by]
        # A gap that rises to the end names no number: the largest, as its authors have it.
        return best if best is not None else counts[-1] if self.choose_by == "gap" else counts[0]


def by_size(labels: Labels, centres: Floats) -> tuple[Labels, Labels]:
    """Number segments by size, the largest first; equal sizes by their centres, so that no start matters.

    Returns
    -------
    order, rank
        The old number of each new one, and the new number of each old one.
    """
    sizes = np.bincount(labels, minlength=len(centres))
    order = np.lexsort([*centres.T[::-1], -sizes])
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    return order.astype(np.intp), rank.astype(np.intp)


def renumbered(labels: Labels, values: Floats) -> tuple[Labels, Floats]:
    """Labels numbered by size, and the mean of each segment."""
    means = segment_means(values, labels)
    order, rank = by_size(labels, means)
    return rank[labels], means[order]
