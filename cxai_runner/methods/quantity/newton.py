"""Newton's method for the log-likelihood of a count: the maximum, the information there, and whether it exists."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .likelihood import Pieces

Floats = NDArray[np.float64]
ByRow = Callable[[Floats, Floats], Pieces]

# A step in log-rates by which a maximum at infinity is still approached where the gradient has vanished.
STILL_MOVES = 0.1
LARGEST_STEP = 5.0


@dataclass(frozen=True)
class Maximum:
    """Where Newton's method ended.

    Parameters
    ----------
    estimate
        Coefficients of the design's columns, and log α where there is one.
    value
        The log-likelihood.
    scores
        Its derivatives by row, shape (n, parameters).
    information
        The negative Hessian.
    steps
        Taken.
    converged
        Whether they ended in a maximum.
    endless
        The direction in which the likelihood rises for ever, shape (parameters,), where there is one.
    """

    estimate: Floats
    value: float
    scores: Floats
    information: Floats
    steps: int
    converged: bool
    endless: Floats | None = None


def maximise(design: Floats, by_row: ByRow, start: Floats, max_iter: int) -> Maximum:
    """Return the maximum near a start.

    Parameters
    ----------
    design
        Shape (n, k).
    by_row
        From linear predictors and the parameters beyond the coefficients to the likelihood's pieces.
    start
        Shape (k,) or (k + 1,).
    max_iter
        Steps at most.
    """
    k = design.shape[1]

    def at(theta: Floats) -> tuple[float, Floats, Floats]:
        pieces = by_row(design @ theta[:k], theta[k:])
        scores = np.column_stack([design * pieces.first[0][:, np.newaxis], *pieces.first[1:]])
        information = np.empty((len(theta), len(theta)))
        information[:k, :k] = -design.T @ (design * pieces.second[0, 0][:, np.newaxis])
        if len(theta) > k:
            information[:k, k] = information[k, :k] = -design.T @ pieces.second[0, 1]
            information[k, k] = -pieces.second[1, 1].sum()
        return float(pieces.value.sum()), scores, information

    theta = start
    value, scores, information = at(theta)
    for step in range(1, max_iter + 1):
        gradient = scores.sum(axis=0)
        move = _ascent(information, gradient)
        gain = float(gradient @ move)
        reach = np.abs(np.concatenate([design @ move[:k], move[k:]])).max()
        if gain < 1e-10 and reach > STILL_MOVES:
            return Maximum(theta, value, scores, information, step, True, move)
        if reach < 1e-9 or gain < 1e-18 * max(1.0, abs(value)):
            return Maximum(theta, value, scores, information, step, True)
        move = move * min(1.0, LARGEST_STEP / reach)
        new, scores_there, information_there = at(theta + move)
        while not new >= value - 1e-12 * abs(value) and np.abs(move).max() > 1e-14:
            move = move / 2
            new, scores_there, information_there = at(theta + move)
        theta, value, scores, information = theta + move, new, scores_there, information_there
    return Maximum(theta, value, scores, information, max_iter, False)


def _ascent(information: Floats, gradient: Floats) -> Floats:
    """Newton's step; where the likelihood is not concave, with the curvature's absolute value."""
    values, vectors = np.linalg.eigh(information)
    size = np.abs(values)
    kept = size > 1e-14 * max(size.max(), np.finfo(float).tiny)
    along = np.where(kept, (vectors.T @ gradient) / np.where(kept, size, 1.0), 0.0)
    return np.asarray(vectors @ along)
