"""Log-likelihoods of counts with their first and second derivatives, truncated at zero or not.

Each is a function of η = log μ and, for the negative binomial, of τ = log α; with r = 1/α it is [1]_

    log Γ(y + r) − log Γ(r) − log y! + r·log r + y·η − (y + r)·log(r + μ).

Given that something was bought, −log(1 − P₀) is added, where L = log P₀ is −μ, or r·log r − r·log(r + μ). Derivatives
with respect to r become those with respect to τ by dr/dτ = −r.

References
----------
.. [1] Cameron and Trivedi (2013), Regression Analysis of Count Data, 2nd edition, sections 3.3 and 4.3.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Pieces:
    """A log-likelihood by row with its derivatives, for m of (η, τ).

    Parameters
    ----------
    value
        Shape (n,).
    first
        Shape (m, n).
    second
        Shape (m, m, n).
    """

    value: Floats
    first: Floats
    second: Floats


def poisson(y: Floats, eta: Floats, *, truncated: bool) -> Pieces:
    """Return the pieces of the Poisson, m = 1."""
    mu = np.exp(eta)
    value = y * eta - mu - special.gammaln(y + 1)
    pieces = Pieces(value, (y - mu)[np.newaxis], -mu[np.newaxis, np.newaxis])
    if not truncated:
        return pieces
    return _truncated(pieces, Pieces(-mu, -mu[np.newaxis], -mu[np.newaxis, np.newaxis]))


def negative_binomial(y: Floats, eta: Floats, tau: float, *, truncated: bool) -> Pieces:
    """Return the pieces of the NB2, m = 2."""
    mu, r = np.exp(eta), np.exp(-tau)
    both = r + mu
    log_ratio = -np.log1p(mu / r)  # log r − log(r + μ)
    # Γ(y + r) / Γ(r) by the beta function, whose logarithm keeps its digits for a large r.
    counted = np.where(y > 0, y, 1.0)
    ways = np.where(y > 0, -special.betaln(counted, r) + special.gammaln(counted), 0.0)
    value = ways - special.gammaln(y + 1) + r * log_ratio + y * (eta - np.log(both))

    by_r = special.digamma(y + r) - special.digamma(r) + log_ratio + (mu - y) / both
    by_rr = special.polygamma(1, y + r) - special.polygamma(1, r) + mu / (r * both) - (mu - y) / both**2
    by_eta, by_eta_eta, by_eta_r = r * (y - mu) / both, -(y + r) * r * mu / both**2, (y - mu) * mu / both**2
    pieces = _in_logs(value, by_eta, by_eta_eta, by_r, by_rr, by_eta_r, r)
    if not truncated:
        return pieces
    nothing = _in_logs(
        r * log_ratio,
        -r * mu / both,
        -(r**2) * mu / both**2,
        log_ratio + mu / both,
        mu / (r * both) - mu / both**2,
        -(mu**2) / both**2,
        r,
    )
    return _truncated(pieces, nothing)


def overdispersion_score(y: Floats, eta: Floats, *, truncated: bool) -> tuple[Floats, Floats]:
    """Return the score of α at α = 0 and its derivative by η, each of shape (n,).

    ½·((y − μ)² − y); truncated at zero also ½·μ²·P₀ / (1 − P₀) (Gurmu, 1991, Tests for detecting overdispersion in the
    positive Poisson regression model, Journal of Business & Economic Statistics 9(2)).
    """
    mu = np.exp(eta)
    score, slope = ((y - mu) ** 2 - y) / 2, -(y - mu) * mu
    if truncated:
        odds = 1 / np.expm1(mu)
        score = score + odds * mu**2 / 2
        slope = slope + odds * mu**2 - odds * (1 + odds) * mu**3 / 2
    return score, slope


def _in_logs(
    value: Floats, by_eta: Floats, by_eta_eta: Floats, by_r: Floats, by_rr: Floats, by_eta_r: Floats, r: float
) -> Pieces:
    """Derivatives by (η, r) as derivatives by (η, τ)."""
    first = np.stack([by_eta, -r * by_r])
    cross = -r * by_eta_r
    second = np.stack([np.stack([by_eta_eta, cross]), np.stack([cross, r * by_r + r**2 * by_rr])])
    return Pieces(value, first, second)


def _truncated(whole: Pieces, nothing: Pieces) -> Pieces:
    """Add −log(1 − exp L): its derivative by L is the odds of nothing, whose derivative is odds · (1 + odds)."""
    odds = 1 / np.expm1(-nothing.value)
    outer = nothing.first[:, np.newaxis] * nothing.first[np.newaxis]
    return Pieces(
        whole.value - np.log(-np.expm1(nothing.value)),
        whole.first + odds * nothing.first,
        whole.second + odds * nothing.second + odds * (1 + odds) * outer,
    )
