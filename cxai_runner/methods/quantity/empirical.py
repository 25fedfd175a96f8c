"""The distribution of quantities as it was, for whoever asks whether a model knows more."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .laws import NEGLIGIBLE, whole

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class EmpiricalCounts:
    """The same probability of each count for every row: its share among the training rows, smoothed.

    One row is added and spread over 1, 2, 3 … as a geometric distribution of about the training mean, so that a count
    that was never seen is improbable, and not impossible: P(q) = (n_q + g(q)) / (n + 1).

    Parameters
    ----------
    counts : ndarray of shape (most,)
        How often 1, 2, 3 … units were bought.
    rows
        Their sum n.
    average
        Mean of the training quantities: the expected units.
    """

    counts: Floats
    rows: int
    average: float

    @classmethod
    def of(cls, quantity: ArrayLike) -> EmpiricalCounts:
        """Count training quantities, shape (n,), whole numbers of at least 1."""
        units = whole(quantity).astype(np.int64)
        counts = np.bincount(units)[1:].astype(np.float64)
        return cls(counts, len(units), float(units.mean()))

    @property
    def _stop(self) -> float:
        """The geometric distribution's chance of no further unit, its mean that of the quantities and one of 2."""
        return (self.rows + 1) / (self.rows * self.average + 2)

    def log_probability(self, q: ArrayLike) -> Floats:
        """Return log P(Q = q) of each count, shape (n,)."""
        units = whole(q)
        seen = np.where(units <= len(self.counts), self.counts[np.minimum(units.astype(int), len(self.counts)) - 1], 0)
        # In logarithms: a count far from all others has a probability that no floating-point number holds.
        spread = np.log(self._stop) + (units - 1) * np.log1p(-self._stop)
        with np.errstate(divide="ignore"):
            return np.asarray(np.logaddexp(np.log(seen), spread) - np.log(self.rows + 1))

    def crps(self, q: ArrayLike) -> Floats:
        """Return the continuous ranked probability score of each count, shape (n,), as `laws.crps`."""
        units, where = np.unique(whole(q), return_inverse=True)
        score = np.zeros(len(units))
        seen, k, below = 0.0, 0, 0.0
        while k < max(units[-1], len(self.counts)) or 1 - below > NEGLIGIBLE:
            k += 1
            seen += float(self.counts[k - 1]) if k <= len(self.counts) else 0.0
            below = (seen + 1 - (1 - self._stop) ** k) / (self.rows + 1)
            score += (below - (units <= k)) ** 2
        return np.asarray(score[where.ravel()])
