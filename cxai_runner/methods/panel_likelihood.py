"""The likelihood of a logit with a normal random intercept per customer, by adaptive Gauss–Hermite quadrature.

What a customer does is independent given their own intercept σ·v, v standard normal, so that customer i contributes

    L_i = ∫ φ(v) Π_t Λ(y_it, x_it·b + σ v) dv .

The integrand is a narrow peak somewhere else for each customer. The nodes are put where it is [1]_, around its mode,
spread by its curvature there. With so placed nodes the sum over them has exact derivatives.

References
----------
.. [1] Liu and Pierce (1994), A note on Gauss–Hermite quadrature, Biometrika 81(3), 624–629.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

Floats = NDArray[np.float64]

_CLOSE = 1e-10
_LONGEST_STEP = 2.0
_MOST_STEPS = 100


@dataclass(frozen=True)
class Evaluated:
    """The log-likelihood at some parameters: its value, gradient by customer (G, p), and negative Hessian (p, p)."""

    value: float
    scores: Floats
    information: Floats


class PanelLikelihood:
    """The log-likelihood of a panel, as a function of coefficients and σ.

    Parameters
    ----------
    design
        Shape (n, k), the first column ones.
    outcome
        0 or 1, shape (n,).
    codes
        The customer of each row, 0 … G − 1.
    points
        Nodes per customer.
    """

    def __init__(self, design: Floats, outcome: Floats, codes: NDArray[np.intp], points: int) -> None:
        order = np.argsort(codes, kind="stable")
        self.design, self.outcome, self.codes = design[order], outcome[order], codes[order]
        self._starts = np.searchsorted(self.codes, np.arange(self.codes[-1] + 1))
        self._nodes, weights = np.polynomial.hermite.hermgauss(points)
        self._log_weights = np.log(weights) + self._nodes**2

    def at(self, theta: Floats) -> Evaluated:
        """Evaluate at ``theta``: k coefficients, then σ."""
        base, sigma = self.design @ theta[:-1], float(theta[-1])
        v, log_weight = self._placed(base, sigma)
        here = v[self.codes]
        log_odds = base[:, np.newaxis] + sigma * here
        y = self.outcome[:, np.newaxis]
        joint = self._by_customer(y * log_odds - np.logaddexp(0, log_odds)) + log_weight
        each = special.logsumexp(joint, axis=1)
        posterior = np.exp(joint - each[:, np.newaxis])

        P = special.expit(log_odds)
        residual = y - P
        at_node = np.stack(
            [
                *(self._by_customer(column[:, np.newaxis] * residual) for column in self.design.T),
                v * self._by_customer(residual),
            ],
            axis=-1,
        )
        scores = np.einsum("gq,gqp->gp", posterior, at_node)
        curve = posterior[self.codes] * P * (1 - P)
        k = self.design.shape[1]
        information = np.empty((k + 1, k + 1))
        information[:k, :k] = self.design.T @ (self.design * curve.sum(axis=1)[:, np.newaxis])
        information[:k, k] = information[k, :k] = self.design.T @ (curve * here).sum(axis=1)
        information[k, k] = (curve * here**2).sum()
        information += scores.T @ scores - np.einsum("gq,gqp,gqr->pr", posterior, at_node, at_node)
        return Evaluated(float(each.sum()), scores, information)

    def _placed(self, base: Floats, sigma: float) -> tuple[Floats, Floats]:
        """Nodes and the logarithms of their weights, both of shape (G, points)."""
        mode, spread = self._peaks(base, sigma)
        nodes = mode[:, np.newaxis] + np.sqrt(2) * spread[:, np.newaxis] * self._nodes
        density = -0.5 * nodes**2 - 0.5 * np.log(2 * np.pi)
        return nodes, density + self._log_weights + np.log(np.sqrt(2) * spread)[:, np.newaxis]

    def _peaks(self, base: Floats, sigma: float) -> tuple[Floats, Floats]:
        """Where each customer's integrand peaks, and its width there, by Newton's method."""
        mode = np.zeros(len(self._starts))
        for _ in range(_MOST_STEPS):
            P = special.expit(base + sigma * mode[self.codes])
            slope = sigma * self._by_customer(self.outcome - P) - mode
            curve = sigma**2 * self._by_customer(P * (1 - P)) + 1
            step = np.clip(slope / curve, -_LONGEST_STEP, _LONGEST_STEP)
            mode = mode + step
            if np.abs(step).max() < _CLOSE:
                break
        return mode, 1 / np.sqrt(curve)

    def _by_customer(self, values: Floats) -> Floats:
        return np.asarray(np.add.reduceat(values, self._starts, axis=0))
