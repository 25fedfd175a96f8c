"""Trees in which a higher price never makes a purchase likelier.

Boosted trees follow the noise of prices too, up as well as down. Where economics says the direction, they can be
held to it: which columns are prices is read off their names, however many there are.
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.utils import get_tags
from sklearn.utils.validation import check_is_fitted, validate_data

from .errors import LogitError
from .names import is_price

KEYS = ("monotonic_cst", "monotone_constraints")
"""What scikit-learn and XGBoost call the constraint."""


class FallingInPrice(ClassifierMixin, BaseEstimator):
    """A classifier of trees whose probability of the second class falls, or stays, when a price rises.

    Parameters
    ----------
    estimator
        A classifier with a parameter ``monotonic_cst`` (scikit-learn) or ``monotone_constraints`` (XGBoost).

    Attributes
    ----------
    estimator_
        The fitted classifier.
    falling_ : list of str
        The columns that it is held to: those that are prices by name. Products of a price with something that is never
        negative (a segment) are among them.
    """

    needs_names: ClassVar[bool] = True
    """Whether it has to be given a frame, whose columns have names."""

    def __init__(self, estimator: Any) -> None:
        self.estimator = estimator

    def fit(self, X: ArrayLike, y: ArrayLike) -> FallingInPrice:
        """Fit with the constraint.

        Parameters
        ----------
        X : DataFrame of shape (n, n_features)
            Columns by name.
        y : array-like of shape (n,)
            Two different values.

        Raises
        ------
        LogitError
            The estimator cannot be constrained, or no column is a price by name.
        """
        key = next((one for one in KEYS if one in self.estimator.get_params()), None)
        if key is None:
            told = f"{type(self.estimator).__name__} has no parameter {' or '.join(KEYS)}"
            raise LogitError(told, "choose trees that can be held to a direction")
        names = [str(name) for name in getattr(X, "columns", ())]
        self.falling_ = [name for name in names if is_price(name)]
        if not self.falling_:
            raise LogitError("no column is a price by its name", "pass a frame with columns such as mean_price")
        signs = tuple(-1 if name in self.falling_ else 0 for name in names)
        # Their names stay here: libraries have rules for names, and a level may be called anything.
        values = self._values(X, reset=True)
        self.estimator_ = clone(self.estimator).set_params(**{key: signs}).fit(values, y)
        self.classes_ = self.estimator_.classes_
        return self

    def predict_proba(self, X: ArrayLike) -> NDArray[np.float64]:
        """Return the probability of each class, shape (n, 2)."""
        check_is_fitted(self)
        return np.asarray(self.estimator_.predict_proba(self._values(X)), dtype=np.float64)

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """Return the likelier class of each row, shape (n,)."""
        check_is_fitted(self)
        return np.asarray(self.estimator_.predict(self._values(X)))

    def _values(self, X: ArrayLike, *, reset: bool = False) -> NDArray[np.float64]:
        finite: Any = "allow-nan" if get_tags(self.estimator).input_tags.allow_nan else True
        found: NDArray[np.float64] = validate_data(self, X, reset=reset, dtype=np.float64, ensure_all_finite=finite)
        return found

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        tags.input_tags.allow_nan = get_tags(self.estimator).input_tags.allow_nan
        return tags
