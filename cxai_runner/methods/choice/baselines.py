"""What a model of choice has to beat: market shares, and shares given the brand that was bought last.

Both know nothing of prices. The second is a high bar in a panel of loyal customers.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Self

import numpy as np
import pandas as pd
from annotated_types import Gt
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from .data import ChoiceData, chosen_positions
from .errors import ChoiceError
from .model import as_given
from .reading import labels

Floats = NDArray[np.float64]


class MarketShares(BaseEstimator):
    """Each alternative is chosen as often as in the panel that was fitted, among those that are available.

    Parameters
    ----------
    alternatives : sequence, optional
        Their names; by default all that were chosen, in sorted order.
    separator, availability : str
        As in `ConditionalLogit`.

    Attributes
    ----------
    shares_ : ndarray of shape (J,)
    alternatives_, classes_
        The alternatives, and the alternatives as ``y`` spells them.
    """

    def __init__(
        self, *, alternatives: Sequence[object] | None = None, separator: str = "_", availability: str | None = None
    ) -> None:
        self.alternatives = alternatives
        self.separator = separator
        self.availability = availability

    def fit(self, X: pd.DataFrame, y: ArrayLike, *, sample_weight: ArrayLike | None = None) -> Self:
        """Count the choices."""
        self._count(y, sample_weight)
        return self

    def _count(self, y: ArrayLike, sample_weight: ArrayLike | None) -> tuple[NDArray[np.intp], Floats]:
        names = np.unique(np.asarray(y)) if self.alternatives is None else self.alternatives
        self.alternatives_ = labels(names)
        self.classes_ = as_given(self.alternatives_, y)
        chosen = chosen_positions(y, self.alternatives_)
        weights = np.ones(len(chosen)) if sample_weight is None else np.asarray(sample_weight, dtype=np.float64)
        counts = np.bincount(chosen, weights, minlength=len(self.alternatives_))
        self.shares_ = counts / counts.sum()
        return chosen, weights

    def predict_proba(self, X: pd.DataFrame) -> Floats:
        """Return the probability of each alternative, shape (n, J), in the order of ``classes_``."""
        check_is_fitted(self, "shares_")
        return self._among_available(X, np.tile(self.shares_, (len(X), 1)))

    def predict(self, X: pd.DataFrame) -> NDArray[Any]:
        """Return the likeliest alternative of each occasion, shape (n,)."""
        likeliest = self.predict_proba(X).argmax(axis=1)
        return self.classes_[likeliest]

    def _among_available(self, X: pd.DataFrame, shares: Floats) -> Floats:
        if self.availability is None:
            return shares
        panel = ChoiceData.from_wide(
            X, self.alternatives_, names=(), separator=self.separator, availability=self.availability
        )
        if panel.available is not None:
            # Where nothing that was ever chosen is available, all that is available is as likely.
            shares = np.where(panel.available, np.maximum(shares, np.finfo(float).tiny), 0.0)
        return shares / shares.sum(axis=1, keepdims=True)


class TransitionShares(MarketShares):
    """Shares given the alternative that was chosen before, drawn towards the market shares.

    P(j | i) = (n_ij + a · s_j) / (n_i + a), with n_ij choices of j after i, market shares s and the weight a of the
    latter, in occasions. After no choice, or an unknown one, it is the market share.

    Parameters
    ----------
    previous : str
        The column that holds the alternative chosen before; missing, or anything else such as 0, where there is none.
    smoothing : float
        a.
    alternatives, separator, availability
        As in `MarketShares`.

    Attributes
    ----------
    transitions_ : ndarray of shape (J, J)
        P(j | i), a row for each alternative chosen before.
    """

    def __init__(
        self,
        previous: str = "previous",
        *,
        smoothing: Annotated[float, Gt(0)] = 5.0,
        alternatives: Sequence[object] | None = None,
        separator: str = "_",
        availability: str | None = None,
    ) -> None:
        super().__init__(alternatives=alternatives, separator=separator, availability=availability)
        self.previous = previous
        self.smoothing = smoothing

    def fit(self, X: pd.DataFrame, y: ArrayLike, *, sample_weight: ArrayLike | None = None) -> Self:
        """Count the choices after each choice."""
        if not self.smoothing > 0:
            raise ValueError(f"smoothing must be positive, not {self.smoothing!r}")
        chosen, weights = self._count(y, sample_weight)
        J, before = len(self.alternatives_), self._before(X)
        known = before >= 0
        pairs = before[known] * J + chosen[known]
        counts = np.bincount(pairs, weights[known], minlength=J * J).reshape(J, J)
        self.transitions_ = (counts + self.smoothing * self.shares_) / (
            counts.sum(axis=1, keepdims=True) + self.smoothing
        )
        return self

    def predict_proba(self, X: pd.DataFrame) -> Floats:
        """Return the probability of each alternative, shape (n, J), in the order of ``classes_``."""
        check_is_fitted(self, "transitions_")
        with_none = np.vstack([self.transitions_, self.shares_])
        return self._among_available(X, with_none[self._before(X)])

    def _before(self, X: pd.DataFrame) -> NDArray[np.intp]:
        """Position of the alternative chosen before, −1 where there is none."""
        if self.previous not in X.columns:
            message = f"there is no column {self.previous!r}"
            raise ChoiceError(message, f"it has {', '.join(map(str, X.columns))}", (self.previous,))
        codes, found = pd.factorize(X[self.previous])
        position = {name: j for j, name in enumerate(self.alternatives_)}
        where = [position.get(name, -1) for name in labels(found)]
        return np.asarray([*where, -1], dtype=np.intp)[codes]
