"""How far two divisions of the same customers agree, whatever their segments are called."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Labels = NDArray[np.intp]


class RandIndex:
    """The adjusted Rand index of two divisions, for customers drawn anew: 1 is the same division, 0 what chance gives.

    Hubert and Arabie (1985), Comparing partitions, Journal of Classification 2, eq. 5. With each customer drawn once it
    is scikit-learn's ``adjusted_rand_score``.

    Parameters
    ----------
    ours, others
        A segment of each division for each customer, shape (n,).
    """

    def __init__(self, ours: ArrayLike, others: ArrayLike) -> None:
        first, second = (np.unique(np.asarray(one), return_inverse=True)[1] for one in (ours, others))
        self.shape = (int(first.max()) + 1, int(second.max()) + 1)
        self.cell = first * self.shape[1] + second

    def __call__(self, counts: Floats) -> Floats:
        """Return the index for every resample of shape (n, b), shape (1, b)."""
        cells = np.zeros((self.shape[0] * self.shape[1], counts.shape[1]))
        np.add.at(cells, self.cell, counts)
        both: Floats = cells.reshape(*self.shape, -1)
        pairs = _pairs(both).sum(axis=(0, 1))
        ours, others = (_pairs(both.sum(axis=axis)).sum(axis=0) for axis in (1, 0))
        expected = ours * others / _pairs(both.sum(axis=(0, 1)))
        most = (ours + others) / 2
        with np.errstate(invalid="ignore", divide="ignore"):
            found = np.where(most == expected, 1.0, (pairs - expected) / (most - expected))
        return np.atleast_2d(found)


def _pairs(many: Floats) -> Floats:
    return many * (many - 1) / 2


def matched(labels: Labels, like: Labels) -> dict[int, int]:
    """Return for each segment of one division the one of another that shares most with it, each taken once.

    The assignment that leaves most customers where they were (Kuhn (1955), Naval Research Logistics Quarterly 2).
    Segments that are left over are numbered on; −1, the unassigned, stays what it is.

    Parameters
    ----------
    labels, like
        The division that is renamed and the one whose names it gets, shape (n,).
    """
    from scipy.optimize import linear_sum_assignment

    ours, theirs = (np.unique(one[one >= 0]) for one in (labels, like))
    shared = np.array([[((labels == a) & (like == b)).sum() for b in theirs] for a in ours], dtype=np.float64)
    found: dict[int, int] = {-1: -1}
    if shared.size:
        for row, column in zip(*linear_sum_assignment(-shared), strict=True):
            found[int(ours[row])] = int(theirs[column])
    free = max(theirs, default=-1) + 1
    for number, segment in enumerate(one for one in ours.tolist() if one not in found):
        found[segment] = int(free) + number
    return found
