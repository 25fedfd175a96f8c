"""The likelihood of a mixture of conditional logits: EM, and Newton's method with the analytic Hessian."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special
from sklearn.exceptions import ConvergenceWarning

from .likelihood import LogitLikelihood
from .panels import by_customer

Floats = NDArray[np.float64]
Codes = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class State:
    """Coefficients of the classes, shape (C, K), and their shares, shape (C,)."""

    coef: Floats
    shares: Floats

    @property
    def vector(self) -> Floats:
        """Coefficients class by class, then log-odds of the shares against the first."""
        return np.concatenate([self.coef.ravel(), np.log(self.shares[1:] / self.shares[0])])

    def moved(self, step: Floats) -> State:
        """Return the state at ``vector`` + step."""
        C, K = self.coef.shape
        odds = np.concatenate([[0.0], self.vector[C * K :] + step[C * K :]])
        return State(self.coef + step[: C * K].reshape(C, K), special.softmax(odds))


class Mixture:
    """The likelihood of a mixture of conditional logits over customers."""

    def __init__(self, likelihood: LogitLikelihood, codes: Codes, weights: Floats, names: tuple[str, ...]) -> None:
        self.likelihood, self.codes, self.weights, self.names = likelihood, codes, weights, names

    def posterior(self, state: State) -> tuple[Floats, float]:
        """Logarithms of the posterior, shape (C, N), and the log-likelihood."""
        N = len(self.weights)
        joint = np.stack([by_customer(self.likelihood.by_occasion(b), self.codes, N) for b in state.coef])
        with np.errstate(divide="ignore"):
            joint += np.log(state.shares)[:, np.newaxis]
        total = special.logsumexp(joint, axis=0)
        return joint - total, float(total @ self.weights)

    def value(self, state: State) -> float:
        """Return the log-likelihood."""
        return self.posterior(state)[1]

    def em(self, state: State, steps: int) -> tuple[float, State]:
        """Steps of the EM algorithm; ends early where they raise the log-likelihood no more."""
        logs, value = self.posterior(state)
        for _ in range(steps):
            member = np.exp(logs) * self.weights
            with warnings.catch_warnings():
                # A class that begins to separate is told at the end, if it is the one that is kept.
                warnings.simplefilter("ignore", ConvergenceWarning)
                coef = [
                    self.likelihood.maximise(self.names, weights=m[self.codes], start=b, max_iter=2).estimate
                    for m, b in zip(member, state.coef, strict=True)
                ]
            state = State(np.stack(coef), member.sum(axis=1) / member.sum())
            before = value
            logs, value = self.posterior(state)
            if value - before < 1e-3:
                break
        return value, state

    def derivatives(self, state: State) -> tuple[float, Floats, Floats, Floats]:
        """Log-likelihood, observed information, weighted scores of the customers, and their posterior.

        With G_ic the gradient of log(π_c L_ic) and h_ic the posterior, the score is Σ_c h_ic G_ic, and the Hessian
        Σ_c h_ic (H_ic + G_ic G_icᵀ) less the outer product of the score.
        """
        (C, K), N = state.coef.shape, len(self.weights)
        logs, value = self.posterior(state)
        h = np.exp(logs)
        P, S = C * K + C - 1, slice(C * K, None)
        information, scores = np.zeros((P, P)), np.empty((P, N))
        information[S, S] = self.weights.sum() * (np.diag(state.shares) - np.outer(state.shares, state.shares))[1:, 1:]
        for c in range(C):
            at, hw = slice(c * K, (c + 1) * K), h[c] * self.weights
            g = by_customer(self.likelihood.scores(state.coef[c]), self.codes, N)
            u = (np.arange(C) == c)[1:] - state.shares[1:]
            information[at, at] += self.likelihood.derivatives(state.coef[c], hw[self.codes])[2] - (g * hw) @ g.T
            cross = np.outer(g @ hw, u)
            information[at, S] -= cross
            information[S, at] -= cross.T
            information[S, S] -= hw.sum() * np.outer(u, u)
            scores[at] = h[c] * g
        scores[S] = h[1:] - state.shares[1:, np.newaxis]
        information += (scores * self.weights) @ scores.T
        return value, information, scores * self.weights, h.T

    def newton(self, state: State, max_iter: int) -> tuple[State, Floats, int]:
        """Newton's method, uphill also where the log-likelihood is not concave yet."""
        value, information, scores, _ = self.derivatives(state)
        for step in range(1, max_iter + 1):
            gradient = scores.sum(axis=1)
            size = np.sqrt(np.maximum(np.abs(np.diag(information)), np.finfo(float).tiny))
            values, vectors = np.linalg.eigh(information / np.outer(size, size))
            uphill = vectors.T @ (gradient / size)
            move = (vectors @ (uphill / np.maximum(np.abs(values), 1e-6))) / size
            gain, factor = float(gradient @ move), 1.0
            while (new := self.value(state.moved(factor * move))) < value and factor > 1e-6:
                factor /= 2
            if new >= value:
                state = state.moved(factor * move)
            value, information, scores, _ = self.derivatives(state)
            if gain < 1e-8 or factor <= 1e-6:
                return state, information, step
        warnings.warn(
            f"no maximum of the likelihood after {max_iter} steps; raise max_iter, or try fewer classes",
            ConvergenceWarning,
            stacklevel=3,
        )
        return state, information, max_iter
