"""What the logits have in common: log-odds that are linear in the columns, a covariance, and a probability from both.

Forms differ in how they are estimated and in what stands between log-odds and probability. With the derivatives of
that step one delta method serves them all.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import special
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from .coefficients import coefficient_table

Floats = NDArray[np.float64]
Covariance = Literal["classical", "clustered"]


@dataclass(frozen=True)
class Curvature:
    """Purchase probabilities at log-odds η, and what they change by.

    Parameters
    ----------
    probability, first, second
        P and its first and second derivatives by η, in the shape of the log-odds.
    by_shape, first_by_shape
        The derivatives of P and of its first derivative by each parameter beyond intercept and coefficients, shape
        (parameters, …).
    """

    probability: Floats
    first: Floats
    second: Floats
    by_shape: Floats
    first_by_shape: Floats


class LogitModel(ClassifierMixin, BaseEstimator):
    """A model whose log-odds are a + x·b.

    Attributes
    ----------
    classes_ : ndarray of shape (2,)
        The outcomes; the second is the one whose probability is modelled.
    coef_ : ndarray of shape (1, n_features)
        Change of the log-odds per unit of each column.
    intercept_ : ndarray of shape (1,)
        Log-odds where every column is zero.
    covariance_ : ndarray of shape (p, p)
        Of the intercept, the coefficients, and what further parameters the form has, in that order; NaN where the
        likelihood has no maximum.
    covariance_type_ : str
        ``classical`` or ``clustered``.
    standard_errors_ : ndarray of shape (p,)
        Square roots of the covariance's diagonal.
    """

    form: ClassVar[str]
    """How it is called in a sentence: ``binomial logit``."""
    needs_groups: ClassVar[bool] = False
    """Whether it cannot be fitted without the customer of each row."""

    @abstractmethod
    def curvature(self, log_odds: Floats) -> Curvature:
        """Return the purchase probability at log-odds, with its derivatives."""

    @property
    def has_covariance(self) -> bool:
        """Whether the covariance is known."""
        return bool(np.isfinite(self.covariance_).all())

    def decision_function(self, X: ArrayLike) -> Floats:
        """Return the log-odds of each row, shape (n,)."""
        check_is_fitted(self)
        values: Floats = validate_data(self, X, dtype=np.float64, reset=False)
        return values @ self.coef_[0] + self.intercept_[0]

    def predict_proba(self, X: ArrayLike) -> Floats:
        """Return the probability of each class, shape (n, 2)."""
        positive = self.curvature(self.decision_function(X)).probability
        return np.column_stack([1 - positive, positive])

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """Return the likelier class of each row, shape (n,)."""
        positive = self.decision_function(X) > 0
        return self.classes_[positive.astype(int)]

    def summary_frame(self) -> pd.DataFrame:
        """Return one row per parameter: coefficient, standard error, z, p (two-sided) and 95 % interval."""
        check_is_fitted(self)
        coefficient = np.concatenate([self.intercept_, self.coef_[0]])
        return coefficient_table(["intercept", *self._names()], coefficient, self.standard_errors_[: len(coefficient)])

    def _names(self) -> list[str]:
        return list(getattr(self, "feature_names_in_", [f"x{j}" for j in range(self.n_features_in_)]))

    def _outcome(self, y: NDArray[Any]) -> Floats:
        check_classification_targets(y)
        self.classes_, codes = np.unique(y, return_inverse=True)
        if len(self.classes_) == 1:
            raise ValueError(f"y has one class only, {self.classes_[0]}: a logit needs both outcomes among its rows")
        if len(self.classes_) > 2:
            raise ValueError(
                f"Only binary classification is supported. y has {len(self.classes_)} different values; "
                "a binomial logit needs two"
            )
        return codes.astype(np.float64)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        return tags


def logistic(log_odds: Floats) -> Curvature:
    """Return the logistic function and its derivatives."""
    P = special.expit(log_odds)
    first = P * (1 - P)
    none = np.zeros((0, *np.shape(log_odds)))
    return Curvature(P, first, first * (1 - 2 * P), none, none)
