"""How probable each count is, on one scale for all forms: given a purchase, so that 1, 2, 3 … share the probability.

A continuous form is integrated over q ± ½, and every form is renormalised to q ≥ 1. A model of log quantity, a Poisson
with a probability of nothing, and a truncated one can then be compared by the probability that each gave to what was
bought. A law has two parameters a row, its location and its shape:

====================  ==============================  ===========================
law                   location                        shape
====================  ==============================  ===========================
``normal``            mean                            standard deviation
``lognormal``         mean of the logarithm           its standard deviation
``poisson``           rate λ                          none, 0
``negative_binomial`` rate μ                          α of the variance μ + αμ²
====================  ==============================  ===========================

The negative binomial is the NB2 of Cameron and Trivedi (2013), Regression Analysis of Count Data, 2nd edition, section
3.3; with α = 0 it is the Poisson.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

Floats = NDArray[np.float64]

NEGLIGIBLE = 1e-7
"""A probability of more than so many units whose square no longer moves a CRPS."""


class Law(Protocol):
    """A distribution of units given a purchase, by location and shape."""

    def log_probability(self, q: Floats, location: Floats, shape: Floats) -> Floats:
        """Return log P(Q = q | Q ≥ 1)."""
        ...

    def survival(self, q: Floats, location: Floats, shape: Floats) -> Floats:
        """Return P(Q > q | Q ≥ 1) for q ≥ 0."""
        ...


@dataclass(frozen=True)
class _Continuous:
    """Of a normal distribution of q, or of its logarithm."""

    logged: bool

    def _z(self, q: Floats, location: Floats, shape: Floats) -> Floats:
        return np.asarray(((np.log(q) if self.logged else q) - location) / shape)

    def log_probability(self, q: Floats, location: Floats, shape: Floats) -> Floats:
        low, high = self._z(q - 0.5, location, shape), self._z(q + 0.5, location, shape)
        # Above the mean both ends are mirrored: what is left of the upper tail is small, and its digits count.
        mirrored = low > 0
        low, high = np.where(mirrored, -high, low), np.where(mirrored, -low, high)
        near, far = special.log_ndtr(high), special.log_ndtr(low)
        return np.asarray(near + np.log(-np.expm1(far - near)) - self._positive(location, shape))

    def survival(self, q: Floats, location: Floats, shape: Floats) -> Floats:
        above = special.log_ndtr(-self._z(q + 0.5, location, shape))
        return np.asarray(np.exp(above - self._positive(location, shape)))

    def _positive(self, location: Floats, shape: Floats) -> Floats:
        """The logarithm of the probability of more than ½."""
        return np.asarray(special.log_ndtr(-self._z(np.asarray(0.5), location, shape)))


class _Counts:
    """Of the negative binomial, and of the Poisson where α is 0."""

    def log_probability(self, q: Floats, location: Floats, shape: Floats) -> Floats:
        q, rate, alpha = np.broadcast_arrays(q, location, shape)
        poisson = special.xlogy(q, rate) - rate - special.gammaln(q + 1)
        dispersed = alpha > 0
        r = 1 / np.where(dispersed, alpha, 1.0)
        # Γ(q + r) / Γ(r) by the beta function: the difference of two logarithms would lose its digits for a large r.
        ways = -special.betaln(np.maximum(q, 1), r) - np.log(np.maximum(q, 1))
        ways = np.where(q > 0, ways, 0.0)
        negative = ways + special.xlogy(q, rate / (r + rate)) - r * np.log1p(rate / r)
        return np.asarray(np.where(dispersed, negative, poisson) - np.log(self._positive(rate, alpha)))

    def survival(self, q: Floats, location: Floats, shape: Floats) -> Floats:
        q, rate, alpha = np.broadcast_arrays(q, location, shape)
        r = 1 / np.where(alpha > 0, alpha, 1.0)
        above = np.where(alpha > 0, special.betainc(q + 1, r, rate / (r + rate)), special.gammainc(q + 1, rate))
        return np.asarray(above / self._positive(rate, alpha))

    @staticmethod
    def _positive(rate: Floats, alpha: Floats) -> Floats:
        return np.asarray(-np.expm1(log_nothing(rate, alpha)))


def log_nothing(rate: ArrayLike, alpha: ArrayLike) -> Floats:
    """Return the logarithm of the probability of zero: −μ, or −log(1 + αμ) / α."""
    mu, a = np.broadcast_arrays(np.asarray(rate, dtype=np.float64), np.asarray(alpha, dtype=np.float64))
    positive = np.where(a > 0, a, 1.0)
    return np.asarray(np.where(a > 0, -np.log1p(positive * mu) / positive, -mu))


LAWS: Final[Mapping[str, Law]] = {
    "normal": _Continuous(logged=False),
    "lognormal": _Continuous(logged=True),
    "poisson": _Counts(),
    "negative_binomial": _Counts(),
}


def log_probability(law: str, q: ArrayLike, location: ArrayLike, shape: ArrayLike) -> Floats:
    """Return log P(Q = q | Q ≥ 1) of each row.

    Parameters
    ----------
    law
        One of `LAWS`.
    q, location, shape : array-like of shape (n,)
        The count, and the parameters of its law.

    Raises
    ------
    ValueError
        A count that is not a whole number of at least 1.
    """
    counts = whole(q)
    if (counts < 1).any():
        raise ValueError(f"a purchase has at least 1 unit, not {counts.min():g}")
    with np.errstate(divide="ignore"):  # so improbable that its logarithm is −∞
        return LAWS[law].log_probability(counts, _floats(location), _floats(shape))


def cdf(law: str, q: ArrayLike, location: ArrayLike, shape: ArrayLike) -> Floats:
    """Return P(Q ≤ q | Q ≥ 1) of each row; 0 below 1. Parameters as in `log_probability`."""
    counts = whole(q)
    above = LAWS[law].survival(np.maximum(counts, 0.0), _floats(location), _floats(shape))
    return np.asarray(np.where(counts < 1, 0.0, 1.0 - above))


def crps(law: str, q: ArrayLike, location: ArrayLike, shape: ArrayLike) -> Floats:
    """Return the continuous ranked probability score of each row, in units: Σ_k (P(Q ≤ k) − 1{q ≤ k})², k ≥ 1.

    It is the absolute error of a forecast that is certain, and lower is better: Gneiting and Raftery (2007), Strictly
    proper scoring rules, prediction, and estimation, Journal of the American Statistical Association 102, section 4.2.
    Parameters as in `log_probability`.
    """
    rows = np.column_stack(np.broadcast_arrays(whole(q), _floats(location), _floats(shape)))
    distinct, where = np.unique(rows, axis=0, return_inverse=True)
    score = np.zeros(len(distinct))
    left = np.arange(len(distinct))
    k = 0
    while len(left):
        k += 1
        counts, place, spread = distinct[left].T
        above = LAWS[law].survival(np.asarray(float(k)), place, spread)
        score[left] += np.where(counts <= k, above, 1.0 - above) ** 2
        left = left[(counts > k) | (above > NEGLIGIBLE)]
    return np.asarray(score[where.ravel()])


def whole(q: ArrayLike) -> Floats:
    """Return counts as numbers.

    Raises
    ------
    ValueError
        One that is not whole.
    """
    counts = _floats(q)
    broken = counts[~(counts == np.round(counts))]
    if broken.size:
        raise ValueError(f"a count is a whole number, not {broken.ravel()[0]:g}")
    return counts


def _floats(values: ArrayLike) -> Floats:
    return np.asarray(values, dtype=np.float64)
