"""The log-likelihood of the logit of choice, its derivatives, and its maximum.

Everything is measured against the chosen alternative: with D_j = x_j − x_chosen the log-likelihood of an occasion is
−log Σ_j exp(D_j·b), its score −Σ_j P_j D_j, and its Hessian −(Σ_j P_j D_j D_jᵀ − D̄ D̄ᵀ) with D̄ = Σ_j P_j D_j [1]_.
Occasions are the last axis of every array and are gone through in blocks that fit a processor's cache.

References
----------
.. [1] McFadden (1974), Conditional logit analysis of qualitative choice behavior, in: Frontiers in Econometrics.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning

from .errors import NotIdentifiedError

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

BLOCK = 8192


@dataclass(frozen=True)
class Maximum:
    """Where Newton's method ended: estimates, log-likelihood, its negative Hessian, steps, and what separates."""

    estimate: Floats
    value: float
    information: Floats
    steps: int
    separated: tuple[str, ...]


class LogitLikelihood:
    """The log-likelihood of one panel.

    Parameters
    ----------
    design : ndarray of shape (K, J, n)
        Zero where not available. It is turned into differences in place.
    chosen : ndarray of shape (n,)
        Positions of the chosen alternatives.
    available : ndarray of shape (J, n), optional
        All, where it is left out.
    """

    def __init__(self, design: Floats, chosen: NDArray[np.intp], available: Flags | None = None) -> None:
        self.design, self.missing = design, None if available is None else ~available
        self.occasions = len(chosen)
        everyone = np.arange(len(chosen))
        for row in design:
            np.subtract(row, row[chosen, everyone], out=row)
            if self.missing is not None:
                np.copyto(row, 0.0, where=self.missing)
        squares = np.array([np.einsum("jn,jn->", row, row) for row in design])
        self.scale = np.sqrt(squares / max(design[0].size, 1))

    def _blocks(self, size: int = BLOCK) -> Iterator[slice]:
        return (slice(start, min(start + size, self.occasions)) for start in range(0, self.occasions, size))

    def linear(self, beta: Floats, where: slice = slice(None)) -> Floats:
        """Return utilities less that of the chosen alternative, shape (J, n)."""
        part = self.design[:, :, where]
        total = np.multiply(part[0], beta[0])
        spare = np.empty_like(total)
        for row, b in zip(part[1:], beta[1:], strict=True):
            np.multiply(row, b, out=spare)
            total += spare
        return total

    def _shares(self, beta: Floats, where: slice) -> tuple[Floats, Floats]:
        """Probabilities, shape (J, n), and log-likelihood of each occasion."""
        linear = self.linear(beta, where)
        if self.missing is not None:
            linear[self.missing[:, where]] = -np.inf
        top = linear.max(axis=0)
        linear -= top
        np.exp(linear, out=linear)
        total = linear.sum(axis=0)
        linear /= total
        return linear, -(np.log(total) + top)

    def value(self, beta: Floats, weights: Floats | None = None) -> float:
        """Return the (weighted) log-likelihood."""
        parts = self.by_occasion(beta)
        return float(parts.sum() if weights is None else parts @ weights)

    def by_occasion(self, beta: Floats) -> Floats:
        """Return the log-likelihood of each occasion, shape (n,)."""
        return np.concatenate([self._shares(beta, where)[1] for where in self._blocks()])

    def hits(self, beta: Floats, chosen: NDArray[np.intp]) -> Flags:
        """Return whether the likeliest alternative was the chosen one, shape (n,)."""
        likeliest = [self._shares(beta, where)[0].argmax(axis=0) for where in self._blocks()]
        return np.asarray(np.concatenate(likeliest) == chosen)

    def scores(self, beta: Floats) -> Floats:
        """Return the gradient of each occasion, shape (K, n)."""
        scores = np.empty((len(self.design), self.design.shape[2]))
        for where in self._blocks():
            shares, _ = self._shares(beta, where)
            np.einsum("kjn,jn->kn", self.design[:, :, where], shares, out=scores[:, where])
        return np.negative(scores, out=scores)

    def derivatives(self, beta: Floats, weights: Floats | None = None) -> tuple[float, Floats, Floats]:
        """Return log-likelihood, gradient of shape (K,), and negative Hessian of shape (K, K)."""
        K, J, _ = self.design.shape
        value, gradient, information = 0.0, np.zeros(K), np.zeros((K, K))
        for where in self._blocks():
            shares, logs = self._shares(beta, where)
            part = self.design[:, :, where]
            if weights is not None:
                root = np.sqrt(weights[where])
                value += float(logs @ weights[where])
            else:
                value += float(logs.sum())
            roots = np.sqrt(shares)
            wide = part * roots
            # Once more by the root of the share, and the sum over alternatives is the mean of the differences.
            mean = np.einsum("kjn,jn->kn", wide, roots)
            if weights is not None:
                wide *= root
                gradient -= mean @ weights[where]
                mean *= root
            else:
                gradient -= mean.sum(axis=1)
            flat = wide.reshape(K, J * len(logs))
            information += flat @ flat.T - mean @ mean.T
        return value, gradient, information

    def _reach(self, move: Floats) -> float:
        """How far a step moves any utility."""
        return max(float(np.abs(self.linear(move, where)).max()) for where in self._blocks())

    def maximise(
        self,
        names: tuple[str, ...],
        *,
        weights: Floats | None = None,
        start: Floats | None = None,
        max_iter: int = 100,
    ) -> Maximum:
        """Return the maximum, by Newton's method in units of each column's root mean square.

        Raises
        ------
        NotIdentifiedError
            A column that does not vary between alternatives, or collinear columns.
        """
        still = tuple(name for name, size in zip(names, self.scale, strict=True) if not size > 0)
        if still:
            raise NotIdentifiedError(
                f"the same for all alternatives at every occasion: {', '.join(still)}",
                "a column that never varies has no coefficient: leave it out",
                still,
            )
        beta = np.zeros(len(names)) if start is None else start
        value, gradient, information = self.derivatives(beta, weights)
        if start is None:
            check_collinear(information, self.scale, names)
        for step in range(1, max_iter + 1):
            scaled = information / np.outer(self.scale, self.scale)
            move = np.linalg.lstsq(scaled, gradient / self.scale, rcond=None)[0] / self.scale
            gain = float(gradient @ move)
            # At a finite maximum the last steps shrink quadratically. Where the choices separate, the gradient
            # vanishes all the same while every step still moves the separated occasions' utilities by about one.
            still_moves = gain < 1e-9 and (moved := self._reach(move)) > 0.1
            if still_moves and gain < 1e-10:
                size = np.abs(move) * self.scale / moved
                guilty = tuple(n for n, part in zip(names, size, strict=True) if part > 0.1 * size.max())
                return Maximum(beta, value, information, step, guilty)
            factor = 1.0
            while True:
                new, gradient, information = self.derivatives(beta + factor * move, weights)
                if new >= value - 1e-9 * abs(value) or factor < 1e-10:
                    break
                factor /= 2
            beta, value = beta + factor * move, new
            # The distance left is about the square of the one just gone, in standard errors 1e-10.
            if gain < 1e-9 and not still_moves:
                return Maximum(beta, value, information, step, ())
        warnings.warn(
            f"no maximum of the likelihood after {max_iter} steps; raise max_iter", ConvergenceWarning, stacklevel=4
        )
        return Maximum(beta, value, information, max_iter, ())


def check_collinear(information: Floats, scale: Floats, names: tuple[str, ...]) -> None:
    """Raise where a combination of columns never varies between alternatives, and name the columns."""
    scaled = information / np.outer(scale, scale)
    size = np.sqrt(np.maximum(np.diag(scaled), np.finfo(float).tiny))
    values, vectors = np.linalg.eigh(scaled / np.outer(size, size))
    if values[0] > 1e-10:
        return
    loading = np.abs(vectors[:, 0])
    guilty = tuple(name for name, part in zip(names, loading, strict=True) if part > 0.05 * loading.max())
    others = [name for name in guilty if not name.startswith("constant[")]
    if len(others) == 1 and len(guilty) > 1:
        raise NotIdentifiedError(
            f"{others[0]} has one value for each alternative at all occasions, which the constants stand for already",
            f"leave {others[0]} out, or set constants to false",
            guilty,
        )
    raise NotIdentifiedError(
        f"collinear columns, each a combination of the others: {', '.join(guilty)}", "leave one of them out", guilty
    )


def separation(guilty: tuple[str, ...]) -> NotIdentifiedError:
    """Return the error of choices that terms tell without error."""
    return NotIdentifiedError(
        f"the choices are perfectly separated by {', '.join(guilty)}: some are predicted without error, so the "
        "likelihood has no maximum",
        "leave the term out, merge rare values or alternatives, or use a penalised model",
        guilty,
    )
