"""Forms of counts, by maximum likelihood: Poisson and negative binomial, as they are and truncated at zero.

A purchase has one unit or more. The truncated forms are told so; the others spend probability on nothing, which pulls
their dispersion down, and are there because they are what most people fit.
"""

from __future__ import annotations

import warnings
from typing import Annotated, Any, ClassVar

import numpy as np
from annotated_types import Ge
from sklearn.exceptions import ConvergenceWarning

from . import likelihood
from .errors import QuantityError, QuantityWarning
from .laws import log_nothing
from .model import DISPERSION, Covariance, Estimated, Floats, QuantityModel
from .newton import Maximum, maximise

# Of the largest part in the direction of an endless rise: whose part counts.
PART = 0.1

NEAR_NONE = 1e-300
"""A rate below which one of zero is taken for this: a purchase has one unit then, and 0 / 0 would be none."""


class PoissonQuantity(QuantityModel):
    """Poisson regression with a log link: log μ = a + x·b.

    Newton's method with the analytic gradient and Hessian [1]_. Coefficients and expected units are consistent
    whenever the mean is right, whatever the counts' variance; then only robust or clustered standard errors are.

    Parameters
    ----------
    covariance : {"classical", "robust"}
        Of the coefficients, where the rows are not grouped by customer.
    max_iter : int
        Newton steps at most; ten is usual.

    Attributes
    ----------
    n_iter_ : int
        Newton steps taken.

    References
    ----------
    .. [1] Cameron and Trivedi (2013), Regression Analysis of Count Data, 2nd edition, sections 3.2, 3.3 and 4.3.
    """

    form: ClassVar[str] = "Poisson"
    law: ClassVar[str] = "poisson"
    least: ClassVar[float] = 0.0
    truncated: ClassVar[bool] = False

    def __init__(self, *, covariance: Covariance = "classical", max_iter: Annotated[int, Ge(1)] = 100) -> None:
        super().__init__(covariance=covariance)
        self.max_iter = max_iter

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.positive_only = True
        return tags

    @staticmethod
    def location_of(linear: Floats) -> Floats:
        """Return the rate, exp of the linear predictor."""
        return np.asarray(np.exp(linear))

    def mean(self, location: Floats, shape: float) -> Floats:
        """Return the expected units: the rate, divided by the probability of a purchase where zero is truncated."""
        if not self.truncated:
            return location
        rate = np.maximum(location, NEAR_NONE)
        return np.asarray(rate / -np.expm1(log_nothing(rate, shape)))

    def slope(self, location: Floats, shape: float) -> Floats:
        """Return the rate; where zero is truncated, mean · (1 − odds of zero · μ / (1 + αμ))."""
        if not self.truncated:
            return location
        rate = np.maximum(location, NEAR_NONE)
        odds = 1 / np.expm1(-log_nothing(rate, shape))
        return np.asarray(self.mean(rate, shape) * (1 - odds * rate / (1 + shape * rate)))

    def _estimate(self, design: Floats, y: Floats, names: tuple[str, ...]) -> Estimated:
        found = self._poisson(design, y, names)
        return Estimated(found.estimate, 0.0, found.scores, found.information, found.value)

    def _poisson(self, design: Floats, y: Floats, names: tuple[str, ...]) -> Maximum:
        bound = 1.0 if self.truncated else 0.0
        if y.mean() <= bound:
            raise QuantityError(
                f"every quantity is {bound:g}: the likelihood of a {self.form} model has no maximum",
                "take a category of which more than one unit is bought at a time",
            )
        start = np.zeros(design.shape[1])
        start[0] = np.log(y.mean())

        def by_row(linear: Floats, _: Floats) -> likelihood.Pieces:
            return likelihood.poisson(y, linear, truncated=self.truncated)

        return self._maximum(design, by_row, start, names)

    def _maximum(self, design: Floats, by_row: Any, start: Floats, names: tuple[str, ...]) -> Maximum:
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):  # a step too far is halved
            found = maximise(design, by_row, start, self.max_iter)
        self.n_iter_ = found.steps
        if found.endless is not None:
            raise self._without_maximum(design, found.endless, names)
        if not found.converged:
            message = f"no maximum of the likelihood after {self.max_iter} steps; raise max_iter"
            warnings.warn(message, ConvergenceWarning, stacklevel=5)
        return found

    def _without_maximum(self, design: Floats, endless: Floats, names: tuple[str, ...]) -> QuantityError:
        size = np.abs(endless)
        labels = ("intercept", *names, DISPERSION)[: len(size)]
        guilty = tuple(name for name, part in zip(labels, size, strict=True) if part > PART * size.max())
        if DISPERSION in guilty:
            return QuantityError(
                "the dispersion of the quantities rises without bound: the likelihood has no maximum",
                "take the negative binomial that is not truncated, or a truncated Poisson",
                guilty,
            )
        terms = tuple(name for name in guilty if name != "intercept") or guilty
        moved = np.abs(design @ endless[: design.shape[1]])
        rows = int((moved > PART * moved.max()).sum())
        return QuantityError(
            f"{rows:,} rows are told without error by {', '.join(terms)}: all their quantities are "
            f"{1 if self.truncated else 0}, so the likelihood has no maximum",
            "leave the term out, or merge rare values",
            terms,
        )


class TruncatedPoissonQuantity(PoissonQuantity):
    """Zero-truncated Poisson regression: P(q) = μ^q / (q! (exp μ − 1)), q ≥ 1, log μ = a + x·b.

    Expected units are μ / (1 − exp(−μ)). Parameters and attributes as of `PoissonQuantity`.
    """

    form: ClassVar[str] = "zero-truncated Poisson"
    least: ClassVar[float] = 1.0
    truncated: ClassVar[bool] = True


class NegativeBinomialQuantity(PoissonQuantity):
    """Negative binomial regression with the variance μ + αμ² (NB2), log μ = a + x·b.

    Where the counts vary no more than a Poisson's, the likelihood is highest at α = 0: the fit is then the Poisson's,
    with a warning, and α has no standard error. Parameters as of `PoissonQuantity`.

    Attributes
    ----------
    dispersion_ : float
        α.
    """

    form: ClassVar[str] = "negative binomial"
    law: ClassVar[str] = "negative_binomial"

    def _estimate(self, design: Floats, y: Floats, names: tuple[str, ...]) -> Estimated:
        start = self._poisson(design, y, names)
        linear = design @ start.estimate
        excess = float(likelihood.overdispersion_score(y, linear, truncated=self.truncated)[0].sum())
        if excess <= 0:
            warnings.warn(
                f"the quantities vary no more than a {'zero-truncated ' * self.truncated}Poisson's: "
                "the dispersion is 0, and the fit is that of the Poisson",
                QuantityWarning,
                stacklevel=4,
            )
            self.dispersion_ = 0.0
            return Estimated(start.estimate, 0.0, start.scores, start.information, start.value)

        def by_row(eta: Floats, more: Floats) -> likelihood.Pieces:
            return likelihood.negative_binomial(y, eta, float(more[0]), truncated=self.truncated)

        spread = max(2 * excess / float(np.exp(2 * linear).sum()), 1e-3)
        first = np.append(start.estimate, np.log(spread))
        found = self._maximum(design, by_row, first, names)
        alpha = self.dispersion_ = float(np.exp(found.estimate[-1]))
        # From log α to α: at the maximum the second derivatives change by the scale alone.
        scores, information = found.scores.copy(), found.information.copy()
        scores[:, -1] /= alpha
        information[-1] /= alpha
        information[:, -1] /= alpha
        return Estimated(found.estimate[:-1], alpha, scores, information, found.value)


class TruncatedNegativeBinomialQuantity(NegativeBinomialQuantity):
    """Zero-truncated negative binomial regression (NB2): P(q) / (1 − (1 + αμ)^(−1/α)), q ≥ 1, log μ = a + x·b.

    Expected units are μ / (1 − (1 + αμ)^(−1/α)). Parameters and attributes as of `NegativeBinomialQuantity`.
    """

    form: ClassVar[str] = "zero-truncated negative binomial"
    least: ClassVar[float] = 1.0
    truncated: ClassVar[bool] = True
