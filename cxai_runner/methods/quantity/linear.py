"""Continuous forms: ordinary least squares of the units, and of their logarithm."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils.validation import validate_data

from .errors import QuantityError
from .model import Estimated, Floats, QuantityModel


class LinearQuantity(QuantityModel):
    """Ordinary least squares of the units of a purchase, with normal errors where a probability is asked for.

    An expectation may come out below one unit: the form knows of no bound.

    Parameters
    ----------
    covariance : {"classical", "robust"}
        Of the coefficients, where the rows are not grouped by customer.

    Attributes
    ----------
    r2_ : float
        1 − Σ residual² / Σ (y − ȳ)².
    shape_ : float
        Standard deviation of the residuals, √(Σ residual² / (n − k)).
    """

    form: ClassVar[str] = "linear"
    law: ClassVar[str] = "normal"

    def mean(self, location: Floats, shape: float) -> Floats:
        """Return the location itself."""
        return location

    def slope(self, location: Floats, shape: float) -> Floats:
        """Return 1."""
        return np.ones_like(location)

    def _estimate(self, design: Floats, y: Floats, names: tuple[str, ...]) -> Estimated:
        n, k = design.shape
        if n <= k:
            raise QuantityError(f"{n} rows for {k} coefficients", "bring more rows, or give fewer terms")
        beta = np.asarray(np.linalg.lstsq(design, y, rcond=None)[0], dtype=np.float64)
        residual = y - design @ beta
        squares, about = float(residual @ residual), float(((y - y.mean()) ** 2).sum())
        if not squares > 1e-24 * max(float(y @ y), np.finfo(float).tiny):
            raise QuantityError(
                "the terms tell every quantity without error, or it is always the same: nothing is left to explain",
                "take a category of which different quantities are bought, or leave out what tells the quantity",
            )
        self.r2_ = 1.0 - squares / about
        variance = squares / (n - k)
        value = -n / 2 * (np.log(2 * np.pi * squares / n) + 1)
        scores = design * (residual / variance)[:, np.newaxis]
        return Estimated(beta, float(np.sqrt(variance)), scores, design.T @ design / variance, float(value))


class LogLinearQuantity(LinearQuantity):
    """Ordinary least squares of the logarithm of the units, told in units again.

    exp of an expected logarithm is not an expectation. It is multiplied by the mean of the exponentiated residuals
    (smearing [1]_), which needs no normal errors but the same spread everywhere. Where a probability is asked for, the
    errors of the logarithm are normal.

    Parameters
    ----------
    covariance : {"classical", "robust"}
        Of the coefficients, where the rows are not grouped by customer.

    Attributes
    ----------
    smearing_ : float
        Mean of exp(residual), at least 1.
    r2_, shape_ : float
        As of `LinearQuantity`, of the logarithm.

    References
    ----------
    .. [1] Duan (1983), Smearing estimate: a nonparametric retransformation method, Journal of the American Statistical
       Association 78.
    """

    form: ClassVar[str] = "log-linear"
    law: ClassVar[str] = "lognormal"

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.positive_only = True
        return tags

    def fit(self, X: ArrayLike, y: ArrayLike, groups: ArrayLike | None = None) -> Any:
        """Fit to the logarithms of ``y``, which has to be above 0; else as of `QuantityModel`."""
        values, units = validate_data(self, X, y, dtype=np.float64, y_numeric=True, ensure_min_samples=2)
        if units.min() <= 0:
            raise QuantityError(f"a quantity of {units.min():g} has no logarithm", "leave out rows without a purchase")
        super().fit(X, np.log(units), groups)
        self.smearing_ = float(np.exp(np.log(units) - values @ self.coef_ - self.intercept_).mean())
        return self

    def mean(self, location: Floats, shape: float) -> Floats:
        """Return exp(location) times the smearing factor."""
        return np.asarray(np.exp(location) * self.smearing_)

    def slope(self, location: Floats, shape: float) -> Floats:
        """Return the expected units."""
        return self.mean(location, shape)
