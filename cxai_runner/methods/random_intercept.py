"""A logit in which customers differ: some buy the category often, some hardly ever, whatever it costs.

A plain logit on repeat customers estimates how the average over customers answers to price, and needs clustered
standard errors because a customer's rows are alike. This one says how alike they are: each customer has an intercept
of their own, normal with standard deviation σ. Its coefficients are those of one customer, larger than the average's;
what it predicts for somebody of whom nothing is known is the average over customers.
"""

from __future__ import annotations

import warnings
from typing import Annotated, ClassVar

import numpy as np
from annotated_types import Ge
from numpy.typing import ArrayLike
from scipy import special, stats
from sklearn.exceptions import ConvergenceWarning

from .design import given_back, standardised
from .logit import BinomialLogit
from .logit_model import Covariance, Curvature, Floats, logistic
from .panel_likelihood import Evaluated, PanelLikelihood
from .panel_logit import PanelLogit
from .sandwich import clustered

# A spread of log-odds between customers that nobody could tell from none.
_NO_SPREAD = 1e-3
_POINTS_OF_AVERAGE = 41
_LARGEST_STEP = 2.0
_NEARER_TO_NONE = 0.8


class RandomInterceptLogit(PanelLogit):
    """Logit with a normal random intercept per customer, P(y_it = 1 | x_it, v_i) = Λ(a + x_it·b + σ v_i) [1]_.

    Maximum likelihood by adaptive Gauss–Hermite quadrature, Newton's method with the analytic gradient and Hessian. For
    a new customer the probability is the average over customers, ∫ Λ(a + x·b + σ v) φ(v) dv.

    Parameters
    ----------
    covariance : {"clustered", "classical"}
        ``clustered``: H⁻¹ (Σ s sᵀ) H⁻¹ with the scores s of the customers and the correction of `BinomialLogit`, which
        holds where the intercepts are not quite normal. ``classical``: the inverse information H⁻¹.
    points : int
        Nodes of the quadrature per customer.
    max_iter : int
        Newton steps at most.

    Attributes
    ----------
    sigma_ : float
        Standard deviation of the customers' intercepts, in log-odds; 0 where no spread raises the likelihood.
    sigma_interval_ : tuple of float
        Its 95 % interval, symmetric in log σ; NaN where ``sigma_`` is 0, on the edge of what is possible.
    intraclass_correlation_ : float
        σ² / (σ² + π²/3): the share of the spread in the latent scale that lies between customers.
    log_likelihood_, pooled_log_likelihood_, null_log_likelihood_ : float
        At the maximum; at that of σ = 0, which is a plain logit; and of the intercept alone.
    spread_test_ : tuple of float
        Likelihood-ratio statistic of σ = 0 and its p-value from ½ χ²(0) + ½ χ²(1), because σ cannot be negative [2]_.
    mcfadden_r2_ : float
        1 − log_likelihood_ / null_log_likelihood_.
    n_iter_ : int

    References
    ----------
    .. [1] Skrondal and Rabe-Hesketh (2004), Generalized Latent Variable Modeling, sections 4.2 and 6.3.
    .. [2] Self and Liang (1987), Asymptotic properties of maximum likelihood estimators and likelihood ratio tests
       under nonstandard conditions, Journal of the American Statistical Association 82(398).
    """

    form: ClassVar[str] = "logit with a random intercept"

    def __init__(
        self,
        *,
        covariance: Covariance = "clustered",
        points: Annotated[int, Ge(3)] = 15,
        max_iter: Annotated[int, Ge(1)] = 100,
    ) -> None:
        self.covariance = covariance
        self.points = points
        self.max_iter = max_iter

    def fit(self, X: ArrayLike, y: ArrayLike, groups: ArrayLike | None = None) -> RandomInterceptLogit:
        """Fit by maximum likelihood.

        Parameters
        ----------
        X : array-like of shape (n, n_features)
            Finite numbers.
        y : array-like of shape (n,)
            Two different values.
        groups : array-like of shape (n,)
            The customer of each row.

        Returns
        -------
        RandomInterceptLogit
            Itself.

        Raises
        ------
        ValueError
            A missing or infinite value, one class only, more than two classes, no groups, or an unknown option.
        LogitError
            Columns that are constant or collinear, separated outcomes, or customers without repeated rows.
        """
        values, outcome, codes = self._panel(X, y, groups)
        # It has a maximum where the pooled one has: columns that do not tell coefficients apart, and separation, are
        # refused there.
        pooled = BinomialLogit(max_iter=self.max_iter).fit(X, y)
        self.pooled_log_likelihood_, self.null_log_likelihood_ = pooled.log_likelihood_, pooled.null_log_likelihood_

        centre, scale = values.mean(axis=0), values.std(axis=0)
        design = standardised(values, centre, scale)
        likelihood = PanelLikelihood(design, outcome, codes, self.points)
        start = np.concatenate([pooled.intercept_ + pooled.coef_[0] @ centre, pooled.coef_[0] * scale, [1.0]])
        theta, found = self._maximise(likelihood, start)
        nothing = theta[-1] < _NO_SPREAD
        self.sigma_ = 0.0 if nothing else float(theta[-1])
        self.log_likelihood_ = self.pooled_log_likelihood_ if nothing else found.value
        self.mcfadden_r2_ = 1.0 - self.log_likelihood_ / self.null_log_likelihood_
        statistic = max(0.0, 2 * (self.log_likelihood_ - self.pooled_log_likelihood_))
        self.spread_test_ = (statistic, 0.5 * float(stats.chi2.sf(statistic, 1)) if statistic > 0 else 1.0)
        self.intraclass_correlation_ = self.sigma_**2 / (self.sigma_**2 + np.pi**2 / 3)

        inside = slice(0, len(theta) - 1 if nothing else len(theta))
        bread: Floats = np.asarray(np.linalg.inv(found.information[inside, inside]), dtype=np.float64)
        self.covariance_type_ = self.covariance
        scores = found.scores[:, inside]
        known = bread if self.covariance == "classical" else clustered(bread, scores, len(values))
        covariance = np.zeros_like(found.information)
        covariance[inside, inside] = known
        back = given_back(centre, scale, further=1)
        parameters = back @ theta
        self.intercept_, self.coef_ = parameters[:1], parameters[1:-1][np.newaxis, :]
        self.covariance_ = back @ covariance @ back.T
        self.standard_errors_ = np.sqrt(np.diag(self.covariance_))
        self.sigma_interval_ = self._interval()
        return self

    def curvature(self, log_odds: Floats) -> Curvature:
        """Return the probability averaged over customers, by the log-odds of one with v = 0."""
        nodes, weights = np.polynomial.hermite.hermgauss(_POINTS_OF_AVERAGE)
        v, weight = np.sqrt(2) * nodes, weights / np.sqrt(np.pi)
        own = logistic(np.asarray(log_odds)[..., np.newaxis] + self.sigma_ * v)
        return Curvature(
            own.probability @ weight,
            own.first @ weight,
            own.second @ weight,
            (own.first @ (weight * v))[np.newaxis],
            (own.second @ (weight * v))[np.newaxis],
        )

    def _interval(self) -> tuple[float, float]:
        if self.sigma_ == 0:
            return (np.nan, np.nan)
        margin = float(np.exp(special.ndtri(0.975) * self.standard_errors_[-1] / self.sigma_))
        return (self.sigma_ / margin, self.sigma_ * margin)

    def _maximise(self, likelihood: PanelLikelihood, start: Floats) -> tuple[Floats, Evaluated]:
        """Newton's method; where the likelihood is not concave, with the curvature's absolute value."""
        theta, found = start, likelihood.at(start)
        for iteration in range(1, self.max_iter + 1):
            self.n_iter_ = iteration
            values, vectors = np.linalg.eigh(found.information)
            size = np.maximum(np.abs(values), 1e-8 * np.abs(values).max())
            gradient = found.scores.sum(axis=0)
            move = vectors @ (vectors.T @ gradient / size)
            if theta[-1] < _NO_SPREAD or (gradient @ move < 1e-9 and values[0] > 0):
                return theta, found
            # σ and −σ are one model, so that the likelihood is level at 0 whether or not it rises from there.
            move[-1] = max(move[-1], -_NEARER_TO_NONE * theta[-1])
            move *= min(1.0, _LARGEST_STEP / float(np.abs(move).max()))
            new = likelihood.at(theta + move)
            while not new.value >= found.value - 1e-10 * abs(found.value) and np.abs(move).max() > 1e-10:
                move /= 2
                new = likelihood.at(theta + move)
            theta, found = theta + move, new
        warnings.warn(
            f"no maximum of the likelihood after {self.max_iter} steps; raise max_iter",
            ConvergenceWarning,
            stacklevel=3,
        )
        return theta, found
