"""Binomial logit by maximum likelihood, with the standard errors that scikit-learn's does not give.

scikit-learn's `LogisticRegression` penalises the coefficients by default and reports no uncertainty. A price
coefficient that someone pays for needs both: the unpenalised maximum and its standard error, which for a panel has to
allow for the rows of one customer being alike.
"""

from __future__ import annotations

import warnings
from typing import Annotated, ClassVar, Literal

import numpy as np
import pandas as pd
from annotated_types import Ge
from numpy.typing import ArrayLike
from scipy import special
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.validation import check_consistent_length, validate_data

from .design import collinear, constant, given_back, standardised
from .errors import LogitError
from .logit_model import Curvature, Floats, LogitModel, logistic
from .sandwich import by_customer, clustered


class BinomialLogit(LogitModel):
    """Binomial logit, P(y = 1 | x) = 1 / (1 + exp(−(a + x·b))), by maximum likelihood.

    Newton's method with the analytic gradient and Hessian [1]_. Without ``groups`` the covariance is the inverse of
    the Hessian of the negative log-likelihood, H⁻¹. With ``groups`` it is clustered [2]_, c · H⁻¹ (Σ_g s_g s_gᵀ) H⁻¹,
    where s_g is the score of group g summed over its rows and c = G / (G − 1) · (n − 1) / (n − k), for G groups,
    n rows and k parameters with the intercept.

    Parameters
    ----------
    on_separation : {"raise", "warn"}
        What to do where a combination of the columns tells all the ones from all the zeros (or some of the rows
        without error): the likelihood then has no maximum. ``warn`` keeps the coefficients where they stood, which
        predict well but have no standard errors (NaN).
    max_iter : int
        Newton steps at most; ten is usual.

    Attributes
    ----------
    classes_ : ndarray of shape (2,)
        The outcomes; the second is the one whose probability is modelled.
    coef_ : ndarray of shape (1, n_features)
        Change of the log-odds per unit of each column.
    intercept_ : ndarray of shape (1,)
        Log-odds where every column is zero.
    covariance_ : ndarray of shape (1 + n_features, 1 + n_features)
        Of the intercept and the coefficients, in that order.
    covariance_type_ : str
        ``classical`` or ``clustered``.
    standard_errors_ : ndarray of shape (1 + n_features,)
        Square roots of the covariance's diagonal.
    log_likelihood_, null_log_likelihood_ : float
        At the maximum, and of the intercept alone.
    mcfadden_r2_ : float
        1 − log_likelihood_ / null_log_likelihood_ [3]_.
    n_iter_ : int
        Newton steps taken.

    References
    ----------
    .. [1] McCullagh and Nelder (1989), Generalized Linear Models, 2nd edition, section 4.4.
    .. [2] Cameron and Miller (2015), A practitioner's guide to cluster-robust inference, Journal of Human Resources
       50(2), equations 11 and 12.
    .. [3] McFadden (1974), Conditional logit analysis of qualitative choice behavior, in: Frontiers in Econometrics.
    """

    form: ClassVar[str] = "binomial logit"

    def __init__(
        self, *, on_separation: Literal["raise", "warn"] = "raise", max_iter: Annotated[int, Ge(1)] = 100
    ) -> None:
        self.on_separation = on_separation
        self.max_iter = max_iter

    def fit(self, X: ArrayLike, y: ArrayLike, groups: ArrayLike | None = None) -> BinomialLogit:
        """Fit by maximum likelihood.

        Parameters
        ----------
        X : array-like of shape (n, n_features)
            Finite numbers.
        y : array-like of shape (n,)
            Two different values.
        groups : array-like of shape (n,), optional
            The customer of each row: the covariance is then clustered by customer.

        Returns
        -------
        BinomialLogit
            Itself.

        Raises
        ------
        ValueError
            A missing or infinite value, one class only, or more than two classes.
        LogitError
            Columns that are constant or collinear, or (unless ``on_separation="warn"``) separated outcomes.
        """
        if self.on_separation not in ("raise", "warn"):
            raise ValueError(f"on_separation must be 'raise' or 'warn', not {self.on_separation!r}")
        checked = validate_data(self, X, y, dtype=np.float64, ensure_min_samples=2)
        values: Floats = checked[0]
        outcome = self._outcome(checked[1])
        names = list(getattr(self, "feature_names_in_", [f"x{j}" for j in range(values.shape[1])]))
        centre, scale = values.mean(axis=0), values.std(axis=0)
        design = design_of(values, centre, scale, names)
        beta, hessian, separated = self._maximise(design, outcome, names)

        linear = design @ beta
        self.log_likelihood_ = _log_likelihood(linear, outcome)
        share = float(outcome.mean())
        self.null_log_likelihood_ = len(outcome) * float(
            special.xlogy(share, share) + special.xlogy(1 - share, 1 - share)
        )
        self.mcfadden_r2_ = 1.0 - self.log_likelihood_ / self.null_log_likelihood_

        # Back from standardised columns to the ones given: a linear map of the parameters, and of their covariance.
        back = given_back(centre, scale)
        parameters = back @ beta
        self.intercept_ = parameters[:1]
        self.coef_ = parameters[1:][np.newaxis, :]
        self.covariance_type_ = "classical" if groups is None else "clustered"
        covariance = (
            np.full_like(hessian, np.nan) if separated else _covariance(design, outcome, linear, hessian, groups)
        )
        self.covariance_ = back @ covariance @ back.T
        self.standard_errors_ = np.sqrt(np.diag(self.covariance_))
        return self

    def curvature(self, log_odds: Floats) -> Curvature:
        """Return the purchase probability at log-odds, with its derivatives."""
        return logistic(log_odds)

    def _maximise(self, design: Floats, outcome: Floats, names: list[str]) -> tuple[Floats, Floats, bool]:
        """Newton's method on standardised columns; the parameters, the Hessian there, and whether it separates."""
        share = outcome.mean()
        beta = np.zeros(design.shape[1])
        beta[0] = np.log(share / (1 - share))
        value = _log_likelihood(design @ beta, outcome)
        for iteration in range(1, self.max_iter + 1):
            self.n_iter_ = iteration
            probability = special.expit(design @ beta)
            gradient = design.T @ (outcome - probability)
            hessian = design.T @ (design * (probability * (1 - probability))[:, np.newaxis])
            step = np.linalg.lstsq(hessian, gradient, rcond=None)[0]
            moved = np.abs(design @ step).max()
            # At a finite maximum the last steps shrink quadratically. Where the outcomes separate, the gradient
            # vanishes all the same while every step still moves the separated rows' log-odds by about one.
            if gradient @ step < 1e-10 and moved > 0.1:
                return self._separated(beta, hessian, step, names)
            factor = 1.0
            while (new := _log_likelihood(design @ (beta + factor * step), outcome)) < value - 1e-9 * abs(value):
                factor /= 2
            beta, value = beta + factor * step, new
            if moved < 1e-9:
                break
        else:
            warnings.warn(
                f"no maximum of the likelihood after {self.max_iter} steps; raise max_iter",
                ConvergenceWarning,
                stacklevel=3,
            )
        return beta, hessian, False

    def _separated(self, beta: Floats, hessian: Floats, step: Floats, names: list[str]) -> tuple[Floats, Floats, bool]:
        share = np.abs(step[1:]) / max(np.abs(step[1:]).max(), np.finfo(float).tiny)
        guilty = tuple(name for name, part in zip(names, share, strict=True) if part > 0.1)
        error = LogitError(
            f"the outcomes are perfectly separated by {', '.join(guilty)}: some rows are predicted without error, so "
            "the likelihood has no maximum",
            "leave the column out, merge rare values, or use a penalised logit",
            guilty,
        )
        if self.on_separation == "raise":
            raise error
        warnings.warn(str(error), ConvergenceWarning, stacklevel=4)
        return beta, hessian, True


def _log_likelihood(linear: Floats, outcome: Floats) -> float:
    return float(outcome @ linear - np.logaddexp(0, linear).sum())


def design_of(X: Floats, centre: Floats, scale: Floats, names: list[str]) -> Floats:
    """Return standardised columns behind a column of ones.

    Raises
    ------
    LogitError
        The columns do not identify their coefficients: one is constant, or a combination of others.
    """
    still = constant(centre, scale)
    if still.any():
        which = tuple(name for name, hit in zip(names, still, strict=True) if hit)
        raise LogitError(f"constant column, collinear with the intercept: {', '.join(which)}", "leave it out", which, 0)
    design = standardised(X, centre, scale)
    entangled = collinear(design)
    if entangled.any():
        which = tuple(name for name, hit in zip(names, entangled, strict=True) if hit)
        told = f"collinear columns, each a combination of the others: {', '.join(which)}"
        raise LogitError(told, "leave one of them out", which, 1)
    return design


def _covariance(design: Floats, outcome: Floats, linear: Floats, hessian: Floats, groups: ArrayLike | None) -> Floats:
    bread: Floats = np.asarray(np.linalg.inv(hessian), dtype=np.float64)
    if groups is None:
        return bread
    check_consistent_length(outcome, groups)
    codes, ids = pd.factorize(np.asarray(groups))
    if len(ids) < 2:
        raise LogitError("groups has one value only", "a clustered covariance needs at least two customers")
    scores = design * (outcome - special.expit(linear))[:, np.newaxis]
    return clustered(bread, by_customer(scores, codes), len(design))
