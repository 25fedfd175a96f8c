"""The simulated likelihood of a mixed logit, customer by customer, and its gradient.

Customers with the same number of occasions are worked on together, as many as keep the utilities of all their draws
within a processor's cache.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .likelihood import LogitLikelihood

Floats = NDArray[np.float64]
Codes = NDArray[np.intp]

NORMAL, POSITIVE, NEGATIVE = "normal", "lognormal", "negative_lognormal"
DISTRIBUTIONS = (NORMAL, POSITIVE, NEGATIVE)

# Utilities of occasions × alternatives × draws that are held at once: 3 MB, which a processor's cache keeps.
HELD = 400_000

# Beyond this a utility decides for certain, and its exponential would overflow.
CERTAIN = 500.0


@dataclass(frozen=True, eq=False)
class Mixing:
    """Which coefficients are random, and how: positions in the design, and a distribution of each."""

    positions: Codes
    distributions: tuple[str, ...]

    def coefficients(self, mean: Floats, spread: Floats, normal: Floats) -> tuple[Floats, Floats]:
        """Return random coefficients, shape (…, D, R), and their derivative by the mean parameter.

        Parameters
        ----------
        mean, spread : ndarray of shape (D,)
            Of the coefficient where it is normal, of the logarithm of its size where it is lognormal.
        normal : ndarray of shape (…, D, R)
            Standard normal draws.
        """
        drawn = mean[:, np.newaxis] + spread[:, np.newaxis] * normal
        slope = np.ones_like(drawn)
        for d, distribution in enumerate(self.distributions):
            if distribution != NORMAL:
                sign = 1.0 if distribution == POSITIVE else -1.0
                drawn[..., d, :] = sign * np.exp(drawn[..., d, :])
                slope[..., d, :] = drawn[..., d, :]
        return drawn, slope


@dataclass(frozen=True, eq=False)
class _Bundle:
    """B customers of T occasions: their positions, and differences of shape (B, T · (J − 1), K)."""

    customers: Codes
    fixed: Floats
    random: Floats
    missing: NDArray[np.bool_] | None


class SimulatedLikelihood:
    """The log-likelihood of panels with random coefficients, averaged over draws.

    Parameters
    ----------
    likelihood
        Differences from the chosen alternative.
    chosen, codes : ndarray of shape (n,)
        The chosen alternative and the customer of each occasion.
    mixing
        The random coefficients.
    draws : ndarray of shape (N, D, R)
        Standard normal draws of each customer.
    """

    def __init__(self, likelihood: LogitLikelihood, chosen: Codes, codes: Codes, mixing: Mixing, draws: Floats) -> None:
        self.mixing, self.draws = mixing, draws
        K, J, _ = likelihood.design.shape
        self.shape = (K, J - 1)
        self.fixed_positions = np.setdiff1d(np.arange(K), mixing.positions)
        # Every alternative but the chosen one, whose difference is zero: shape (J − 1, n).
        others = np.arange(J - 1)[:, np.newaxis]
        others = others + (others >= chosen)
        self._bundles = list(self._bundle(likelihood, others, codes))

    def _bundle(self, likelihood: LogitLikelihood, others: Codes, codes: Codes) -> Iterator[_Bundle]:
        K, rivals = self.shape
        times = np.bincount(codes)
        by_customer = np.argsort(codes, kind="stable")
        first = np.concatenate([[0], np.cumsum(times)[:-1]])
        R = self.draws.shape[2]
        for T in np.unique(times):
            customers = np.flatnonzero(times == T)
            size = max(int(HELD // (T * rivals * R)), 1)
            for start in range(0, len(customers), size):
                chosen = customers[start : start + size]
                rows = by_customer[first[chosen][:, np.newaxis] + np.arange(T)]
                at = others[:, rows]  # (J − 1, B, T)
                values = likelihood.design[:, at, rows].transpose(2, 3, 1, 0).reshape(len(chosen), T * rivals, K)
                missing = None
                if likelihood.missing is not None:
                    missing = likelihood.missing[at, rows].transpose(1, 2, 0).reshape(len(chosen), T * rivals)
                    missing = missing if missing.any() else None
                yield _Bundle(
                    chosen,
                    np.ascontiguousarray(values[:, :, self.fixed_positions]),
                    np.ascontiguousarray(values[:, :, self.mixing.positions]),
                    missing,
                )

    def scores(self, parameters: Floats) -> tuple[Floats, Floats]:
        """Return log-likelihood and gradient of each customer, shapes (N,) and (K + D, N).

        Parameters
        ----------
        parameters : ndarray of shape (K + D,)
            A coefficient, or mean parameter, for each column of the design, then the spreads.
        """
        K = self.shape[0]
        values = np.empty(len(self.draws))
        scores = np.empty((K + len(self.mixing.positions), len(self.draws)))
        for bundle in self._bundles:
            values[bundle.customers], scores[:, bundle.customers] = self._of(bundle, parameters)
        return values, scores

    def _of(self, bundle: _Bundle, parameters: Floats) -> tuple[Floats, Floats]:
        K, rivals = self.shape
        mean, spread = parameters[self.mixing.positions], parameters[K:]
        normal = self.draws[bundle.customers]
        drawn, slope = self.mixing.coefficients(mean, spread, normal)
        B, rows, _ = bundle.random.shape
        V = bundle.random @ drawn
        V += (bundle.fixed @ parameters[self.fixed_positions])[:, :, np.newaxis]
        np.minimum(V, CERTAIN, out=V)
        np.exp(V, out=V)
        if bundle.missing is not None:
            V[bundle.missing] = 0.0
        e = V.reshape(B, rows // rivals, rivals, -1)
        total = 1.0 + e.sum(axis=2)
        logs = -np.log(total).sum(axis=1)
        e /= total[:, :, np.newaxis]
        # The posterior weight of each draw: how well it predicts the customer's choices.
        top = logs.max(axis=1, keepdims=True)
        weight = np.exp(logs - top)
        mass = weight.sum(axis=1, keepdims=True)
        value = np.log(mass[:, 0] / logs.shape[1]) + top[:, 0]
        weight /= mass
        by_coefficient = bundle.random.transpose(0, 2, 1) @ V
        by_coefficient *= -weight[:, np.newaxis]
        by_coefficient *= slope
        scores = np.empty((K + len(mean), B))
        scores[self.mixing.positions] = by_coefficient.sum(axis=2).T
        scores[K:] = np.einsum("bdr,bdr->db", by_coefficient, normal)
        expected = (V @ weight[:, :, np.newaxis])[:, :, 0]
        scores[self.fixed_positions] = -np.einsum("brk,br->kb", bundle.fixed, expected)
        return value, scores
