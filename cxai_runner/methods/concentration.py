"""How unevenly something is spread over customers: the Lorenz curve, the Gini coefficient, the share of the largest.

Customers are put in order of what they bring, the smallest first. The Lorenz curve goes through the points (N_i, L_i),
the first i customers' shares of all customers and of all they bring, with straight lines between them; it begins at
(0, 0), ends at (1, 1), and is convex. The Gini coefficient is twice the area between it and the diagonal,

    G = 1 − Σ_i (N_i − N_{i−1}) · (L_i + L_{i−1}),

0 where all bring the same, and near 1 where one brings all (Gastwirth (1972), The estimation of the Lorenz curve and
Gini index, The Review of Economics and Statistics 54(3)). The base as it is, and not a sample that is to be corrected:
a base in which every customer stands twice is as concentrated as it was.

Each takes how often every customer is counted, so that many resamples of customers are worked on at once. Where whole
groups of customers are counted, neighbours in the order are one class: the curve of a resample is exact at the ends of
the classes, none of which holds more than a thousandth of the customers or, but for a single one, of what they bring.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_array

Floats = NDArray[np.float64]

CLASSES = 1000
"""Classes of customers in their order, and as many of what they bring, where groups are counted."""


@dataclass(frozen=True, eq=False)
class Lorenz:
    """Lorenz curves over the same customers, each counted as often as a resample draws it.

    Parameters
    ----------
    customers, brought
        Cumulative shares of customers and of what they bring, shape (n + 1, b): from 0 to 1, NaN where nothing is
        brought at all.
    """

    customers: Floats
    brought: Floats

    @property
    def gini(self) -> Floats:
        """The Gini coefficient of each curve, shape (b,)."""
        width = np.diff(self.customers, axis=0)
        return 1.0 - (width * (self.brought[1:] + self.brought[:-1])).sum(axis=0)

    def at(self, shares: ArrayLike) -> Floats:
        """Return what the smallest customers bring, for some shares of customers: shape (m, b)."""
        points = np.asarray(shares, dtype=np.float64)
        several = zip(self.customers.T, self.brought.T, strict=True)
        return np.stack([np.interp(points, x, y) for x, y in several], axis=1)

    def of_the_largest(self, shares: ArrayLike) -> Floats:
        """Return what the largest customers bring, for some shares of customers: shape (m, b)."""
        return 1.0 - self.at(1.0 - np.asarray(shares, dtype=np.float64))


class Concentration:
    """The order of customers by what they bring, found once and used for every resample.

    Parameters
    ----------
    values
        What each customer brings, shape (n,): none negative.
    groups
        The number of the group that each customer is counted with, shape (n,), from 0 on; each is counted alone where
        none are given, or where there are as many groups as customers.

    Raises
    ------
    ValueError
        There are no customers, or a value is negative or no number.
    """

    def __init__(self, values: ArrayLike, groups: ArrayLike | None = None) -> None:
        brought = np.asarray(values, dtype=np.float64)
        if brought.ndim != 1 or not brought.size:
            raise ValueError("what each customer brings: one number each, of at least one")
        if not np.isfinite(brought).all() or (brought < 0).any():
            raise ValueError("what customers bring is never negative, and always a number")
        self._order = np.argsort(brought, kind="stable")
        self._sorted = brought[self._order]
        self._classes: tuple[csr_array, csr_array] | None = None
        if groups is not None:
            together = np.asarray(groups, dtype=np.intp)
            if together.shape != brought.shape:
                raise ValueError("the group of each customer: one number each")
            if together.max() + 1 < brought.size:
                self._classes = _in_classes(self._sorted, together[self._order])
            else:
                self._order = together[self._order]

    def lorenz(self, counts: ArrayLike | None = None) -> Lorenz:
        """Return the Lorenz curves of customers counted so often.

        Parameters
        ----------
        counts
            How often each customer is counted, or each group where there are groups: shape (n, b). Each customer once
            where none are given, b = 1.
        """
        if counts is None:
            return Lorenz(_cumulated(np.ones((self._sorted.size, 1))), _cumulated(self._sorted[:, np.newaxis]))
        often = np.asarray(counts, dtype=np.float64)
        if self._classes is not None:
            customers, brought = (added @ often for added in self._classes)
            return Lorenz(_cumulated(customers), _cumulated(brought))
        many = often[self._order]
        return Lorenz(_cumulated(many), _cumulated(many * self._sorted[:, np.newaxis]))


def _in_classes(ordered: Floats, groups: NDArray[np.intp]) -> tuple[csr_array, csr_array]:
    """Customers and what they bring, by class of neighbours and by group: two of shape (classes, groups)."""
    whole = ordered.sum()
    reached = np.cumsum(ordered) / whole if whole > 0 else np.zeros(ordered.size)
    steps = (np.floor(np.arange(ordered.size) * (CLASSES / ordered.size)), np.floor(reached * CLASSES))
    begins = np.concatenate([[False], np.any([np.diff(step) > 0 for step in steps], axis=0)])
    place = (np.cumsum(begins), groups)
    shape = (int(begins.sum()) + 1, int(groups.max()) + 1)
    return csr_array((np.ones(ordered.size), place), shape), csr_array((ordered, place), shape)


def _cumulated(parts: Floats) -> Floats:
    """Cumulative shares along the first axis, from 0 to 1 exactly."""
    sums = np.vstack([np.zeros((1, parts.shape[1])), np.cumsum(parts, axis=0)])
    with np.errstate(invalid="ignore"):
        return sums / sums[-1]
