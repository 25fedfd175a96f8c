"""What all forms of a quantity model share: the design, the covariances, the prediction, the probability of a count.

A form says how its parameters are estimated and which law of counts it stands for; the rest is here, so that six forms
are asked in one way and compared on one scale.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils.validation import check_consistent_length, check_is_fitted, validate_data

from cxai_runner.methods.coefficients import coefficient_table
from cxai_runner.methods.design import collinear, constant, given_back, standardised
from cxai_runner.methods.sandwich import by_customer, clustered, sandwich

from . import laws
from .errors import QuantityError

Floats = NDArray[np.float64]
Covariance = Literal["classical", "robust"]

DISPERSION = "dispersion"


@dataclass(frozen=True)
class Estimated:
    """What a form's estimation ends with, for standardised columns behind a column of ones.

    Parameters
    ----------
    beta
        Coefficients, shape (k,).
    shape
        The law's second parameter.
    scores, information
        Derivatives of the log-likelihood by row, shape (n, p), and the negative of its second ones, shape (p, p): p is
        k, and one more where the shape is estimated along with the coefficients.
    value
        The log-likelihood.
    """

    beta: Floats
    shape: float
    scores: Floats
    information: Floats
    value: float


class QuantityModel(RegressorMixin, BaseEstimator):
    """A regression of the units of a purchase; its forms are the subclasses.

    Attributes
    ----------
    coef_ : ndarray of shape (n_features,)
        Per unit of each column, on the scale of the form: units, or their logarithm.
    intercept_ : float
    shape_ : float
        The law's second parameter: a standard deviation, α, or 0.
    covariance_ : ndarray of shape (p, p)
        Of the intercept, the coefficients and, where it is estimated along with them, the dispersion α.
    covariance_type_ : str
        ``classical``: the inverse information H⁻¹. ``robust``: c · H⁻¹ (Σ s sᵀ) H⁻¹, with s the score of a row and
        c = n / (n − p). ``clustered``: the same with s summed over the rows of a customer and
        c = G / (G − 1) · (n − 1) / (n − p) for G customers [1]_.
    standard_errors_ : ndarray of shape (p,)
    log_likelihood_ : float
        Of the form itself. Forms are compared by `log_probability`.

    References
    ----------
    .. [1] Cameron and Miller (2015), A practitioner's guide to cluster-robust inference, Journal of Human Resources
       50(2), equations 11 and 12.
    """

    form: ClassVar[str]
    """What the form is called in a sentence: ``zero-truncated Poisson``."""
    law: ClassVar[str]
    """Its law of counts, one of `laws.LAWS`."""
    least: ClassVar[float] = -np.inf
    """The least quantity that it takes."""

    def __init__(self, *, covariance: Covariance = "classical") -> None:
        self.covariance = covariance

    def fit(self, X: ArrayLike, y: ArrayLike, groups: ArrayLike | None = None) -> Any:
        """Fit.

        Parameters
        ----------
        X : array-like of shape (n, n_features)
            Finite numbers.
        y : array-like of shape (n,)
            Units of each purchase. A form of counts takes fractions as a pseudo-likelihood does; the probability of a
            count is then one of whole units all the same.
        groups : array-like of shape (n,), optional
            The customer of each row: the covariance is then clustered by customer.

        Returns
        -------
        QuantityModel
            Itself.

        Raises
        ------
        QuantityError
            A quantity below the least that the form takes, columns that are constant or collinear, groups of one
            customer, or a likelihood without a maximum.
        ValueError
            A missing or infinite value, or an unknown option.
        """
        if self.covariance not in ("classical", "robust"):
            raise ValueError(f"covariance must be 'classical' or 'robust', not {self.covariance!r}")
        checked = validate_data(self, X, y, dtype=np.float64, y_numeric=True, ensure_min_samples=2)
        values: Floats = checked[0]
        units: Floats = np.asarray(checked[1], dtype=np.float64)
        if units.min() < self.least - 1e-9:
            raise QuantityError(
                f"a quantity of {units.min():g}, and a {self.form} model takes {self.least:g} or more",
                "leave out rows without a purchase",
            )
        names = tuple(str(name) for name in getattr(self, "feature_names_in_", _numbered(values.shape[1])))
        centre, scale = values.mean(axis=0), values.std(axis=0)
        design = _design(values, centre, scale, names)
        found = self._estimate(design, units, names)

        # Back from standardised columns to the ones given: a linear map of the parameters, and of their covariance.
        back = given_back(centre, scale, len(found.information) - design.shape[1])
        parameters = back[: design.shape[1], : design.shape[1]] @ found.beta
        self.intercept_ = float(parameters[0])
        self.coef_ = parameters[1:]
        self.shape_ = found.shape
        self.log_likelihood_ = found.value
        self.covariance_type_ = self.covariance if groups is None else "clustered"
        self.covariance_ = back @ self._sandwich(found, groups) @ back.T
        self.standard_errors_ = np.sqrt(np.diag(self.covariance_))
        return self

    @abstractmethod
    def _estimate(self, design: Floats, y: Floats, names: tuple[str, ...]) -> Estimated:
        """Estimate the parameters; ``names`` are those of the design's columns behind the first."""

    @abstractmethod
    def mean(self, location: Floats, shape: float) -> Floats:
        """Return the expected units at the law's location and shape."""

    @abstractmethod
    def slope(self, location: Floats, shape: float) -> Floats:
        """Return the derivative of the expected units by the linear predictor."""

    @staticmethod
    def location_of(linear: Floats) -> Floats:
        """Return the law's location at a linear predictor."""
        return linear

    def location(self, X: ArrayLike) -> Floats:
        """Return the location of each row's law, shape (n,)."""
        check_is_fitted(self)
        values: Floats = validate_data(self, X, dtype=np.float64, reset=False)
        return self.location_of(values @ self.coef_ + self.intercept_)

    def predict(self, X: ArrayLike) -> Floats:
        """Return the expected units of each row, given a purchase, as the form has them; shape (n,)."""
        return self.mean(self.location(X), self.shape_)

    def log_probability(self, X: ArrayLike, q: ArrayLike) -> Floats:
        """Return log P(Q = q | Q ≥ 1) of each row's count ``q``, shape (n,), as in `laws`."""
        return laws.log_probability(self.law, q, self.location(X), self.shape_)

    def cdf(self, X: ArrayLike, q: ArrayLike) -> Floats:
        """Return P(Q ≤ q | Q ≥ 1) of each row, shape (n,)."""
        return laws.cdf(self.law, q, self.location(X), self.shape_)

    def summary_frame(self) -> pd.DataFrame:
        """Return one row per parameter: coefficient, standard error, z, p (two-sided) and 95 % interval."""
        check_is_fitted(self)
        names = getattr(self, "feature_names_in_", _numbered(self.n_features_in_))
        dispersed = len(self.covariance_) > len(names) + 1
        estimate = np.concatenate([[self.intercept_], self.coef_, [self.shape_] if dispersed else []])
        terms = ["intercept", *names, *([DISPERSION] if dispersed else [])]
        return coefficient_table(terms, estimate, self.standard_errors_)

    def _sandwich(self, found: Estimated, groups: ArrayLike | None) -> Floats:
        bread = np.asarray(np.linalg.inv(found.information), dtype=np.float64)
        n, p = found.scores.shape
        if groups is not None:
            check_consistent_length(found.scores, groups)
            codes, ids = pd.factorize(np.asarray(groups))
            if len(ids) < 2:
                raise QuantityError(
                    "groups has one value only: a clustered covariance needs at least two customers",
                    "fit without groups",
                )
            return clustered(bread, by_customer(found.scores, codes), n)
        return sandwich(bread, found.scores, n / (n - p)) if self.covariance == "robust" else bread


def _numbered(columns: int) -> list[str]:
    return [f"x{j}" for j in range(columns)]


def _design(X: Floats, centre: Floats, scale: Floats, names: tuple[str, ...]) -> Floats:
    """Standardised columns behind a column of ones; raises where the columns do not identify the coefficients."""
    still = constant(centre, scale)
    if still.any():
        which = tuple(name for name, hit in zip(names, still, strict=True) if hit)
        raise QuantityError(f"the same on every row: {', '.join(which)}", "leave it out", which)
    design = standardised(X, centre, scale)
    entangled = collinear(design)
    if entangled.any():
        which = tuple(name for name, hit in zip(names, entangled, strict=True) if hit)
        told = f"collinear columns, each a combination of the others: {', '.join(which)}"
        raise QuantityError(told, "leave one of them out", which)
    return design
