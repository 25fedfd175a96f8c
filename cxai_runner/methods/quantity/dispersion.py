"""Whether counts vary more, or less, than a Poisson's: two tests, each with standard errors clustered by customer.

Cameron and Trivedi's [1]_ regresses ((y − μ)² − y) / μ on μ (NB2) or on 1 (NB1), without a constant: in a Poisson the
coefficient α is zero. It is about counts that may be zero; purchases cannot, which alone makes them vary less. The
second, Gurmu's [2]_, asks the same of the zero-truncated Poisson: it is the score of α at α = 0, with what the
coefficients' estimation takes from it.

References
----------
.. [1] Cameron and Trivedi (1990), Regression-based tests for overdispersion in the Poisson model, Journal of
   Econometrics 46.
.. [2] Gurmu (1991), Tests for detecting overdispersion in the positive Poisson regression model, Journal of Business &
   Economic Statistics 9(2).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import special

from . import likelihood

Floats = NDArray[np.float64]
Variance = Literal["NB1", "NB2"]


@dataclass(frozen=True)
class DispersionTest:
    """A test of equidispersion.

    Parameters
    ----------
    name
        Whose.
    alternative
        What the variance is if not the mean: ``(1 + α)·μ`` or ``μ + α·μ²``.
    alpha
        Its estimate, where the test has one; NaN where it has not.
    z, p
        The statistic, standard normal in a Poisson, above 0 for overdispersion; and its two-sided p value.
    """

    name: str
    alternative: str
    alpha: float
    z: float
    p: float

    @property
    def verdict(self) -> str:
        """``more``, ``less`` or ``cannot tell``, at 5 %."""
        if not self.p < 0.05:
            return "cannot tell"
        return "more" if self.z > 0 else "less"


def cameron_trivedi(
    y: ArrayLike, mean: ArrayLike, *, variance: Variance = "NB2", groups: ArrayLike | None = None
) -> DispersionTest:
    """Test the counts of a fitted Poisson.

    Parameters
    ----------
    y, mean : array-like of shape (n,)
        Counts, and the means that the Poisson was fitted to have.
    variance
        ``NB2`` or ``NB1``.
    groups : array-like of shape (n,), optional
        The customer of each row. Without, the standard error is that of least squares, as in [1]_.
    """
    count, mu = np.asarray(y, dtype=np.float64), np.asarray(mean, dtype=np.float64)
    outcome, regressor = ((count - mu) ** 2 - count) / mu, mu if variance == "NB2" else np.ones_like(mu)
    square = float(regressor @ regressor)
    alpha = float(regressor @ outcome) / square
    residual = outcome - alpha * regressor
    if groups is None:
        error = np.sqrt(float(residual @ residual) / (len(count) - 1) / square)
    else:
        error = _clustered(regressor * residual, groups) / square
    form = "μ + α·μ²" if variance == "NB2" else "(1 + α)·μ"
    return _test("Cameron and Trivedi, Poisson", form, alpha, alpha / error)


def truncated_score(
    y: ArrayLike, linear: ArrayLike, X: ArrayLike, *, groups: ArrayLike | None = None
) -> DispersionTest:
    """Test the counts of a fitted zero-truncated Poisson.

    Parameters
    ----------
    y, linear : array-like of shape (n,)
        Counts, and the fitted log-rates.
    X : array-like of shape (n, columns)
        The model's columns.
    groups : array-like of shape (n,), optional
        The customer of each row; without, rows are independent.
    """
    count, eta = np.asarray(y, dtype=np.float64), np.asarray(linear, dtype=np.float64)
    design = np.column_stack([np.ones(len(count)), np.asarray(X, dtype=np.float64)])
    pieces = likelihood.poisson(count, eta, truncated=True)
    score, slope = likelihood.overdispersion_score(count, eta, truncated=True)
    information = -design.T @ (design * pieces.second[0, 0][:, np.newaxis])
    # What is left of α's score once the coefficients have been fitted to the same rows.
    share = np.linalg.solve(information, design.T @ slope)
    left = score + (design * pieces.first[0][:, np.newaxis]) @ share
    z = float(left.sum()) / _clustered(left, np.arange(len(left)) if groups is None else groups)
    return _test("Gurmu, zero-truncated Poisson", "μ + α·μ²", float("nan"), z)


def _clustered(parts: Floats, groups: ArrayLike) -> float:
    """Standard error of a sum of parts that are alike within groups."""
    codes, ids = pd.factorize(np.asarray(groups))
    summed = np.bincount(codes, parts, len(ids))
    return float(np.sqrt((summed**2).sum()))


def _test(name: str, alternative: str, alpha: float, z: float) -> DispersionTest:
    return DispersionTest(name, alternative, alpha, float(z), float(2 * special.ndtr(-abs(z))))
