"""Ranks between 0 and 1, as scikit-learn's quantiles give them, of tables of any length."""

from __future__ import annotations

from numpy.typing import ArrayLike
from sklearn.preprocessing import QuantileTransformer
from sklearn.utils.validation import _num_samples


class QuantileRanks(QuantileTransformer):
    """`sklearn.preprocessing.QuantileTransformer` that takes no more quantiles than there are training rows.

    Given more quantiles than rows, scikit-learn takes as many as rows and warns; here ``n_quantiles`` is the most that
    are taken, so that 80 customers are as ordinary as 8 million. All else is scikit-learn's own.
    """

    def fit(self, X: ArrayLike, y: object = None) -> QuantileRanks:
        """Find the quantiles of the columns of ``X``, shape (n, n_features)."""
        most = int(self.get_params()["n_quantiles"])
        self.n_quantiles = max(1, min(most, _num_samples(X)))
        try:
            super().fit(X, y)
        finally:
            self.n_quantiles = most
        return self
