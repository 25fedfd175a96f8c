"""Groups of occasions, and how a figure that is computed for each of them answers to the parameters."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from .data import ChoiceData
from .errors import ChoiceError, ChoiceWarning
from .model import ChoiceModel

Floats = NDArray[np.float64]

# A group of fewer occasions than this says little about its shares, whatever the model's standard errors are.
FEW = 30

# Parameters are moved by this part of their standard error: the error of the central difference is its square.
STEP = 1e-3


def groups_of(by: ArrayLike | None, n: int) -> Iterator[tuple[object, NDArray[np.intp] | None]]:
    """Yield the name and the positions of each group, in sorted order; all occasions as ``all`` without groups."""
    if by is None:
        yield "all", None
        return
    codes, names = pd.factorize(np.asarray(by), sort=True)
    if len(codes) != n:
        raise ChoiceError(f"{len(codes)} groups for {n} occasions", "give one for each occasion")
    if (codes < 0).any():
        raise ChoiceError(f"{int((codes < 0).sum())} occasions have no group", "name one, or leave them out")
    for code, name in enumerate(names):
        rows = np.flatnonzero(codes == code)
        if len(rows) < FEW:
            message = f"group {name!s} has {len(rows)} occasions only: its figures say little beyond them"
            warnings.warn(message, ChoiceWarning, stacklevel=4)
        yield name, rows


def weighted(data: ChoiceData, weights: ArrayLike | None) -> Floats:
    """Return the weight of each occasion: the ones given, those of the panel, or one."""
    if weights is None:
        return np.ones(len(data)) if data.weights is None else data.weights
    given = np.asarray(weights, dtype=np.float64)
    if given.shape != (len(data),):
        raise ChoiceError(f"{given.shape} weights for {len(data)} occasions", "give one for each occasion")
    return given


def with_gradient(model: ChoiceModel, figure: Callable[[list[Floats]], list[Floats]]) -> tuple[Floats, Floats]:
    """Return a figure at the estimates, and its gradient by the parameters on a last axis, by central differences.

    Parameters
    ----------
    model
        A fitted model.
    figure
        Takes several vectors of parameters at once, and returns the figure for each.
    """
    estimate, error = model.parameters_, model.standard_errors_
    if not np.isfinite(error).all():
        message = "the model has no standard errors, nor have the figures that rest on it"
        warnings.warn(message, ChoiceWarning, stacklevel=4)
        value = figure([estimate])[0]
        return value, np.full((*value.shape, len(estimate)), np.nan)
    steps = np.diag(STEP * error)
    value, *moved = figure([estimate, *(estimate + s for s in steps), *(estimate - s for s in steps)])
    up, down = moved[: len(steps)], moved[len(steps) :]
    slopes = [(u - d) / (2 * s.sum()) for u, d, s in zip(up, down, steps, strict=True)]
    return value, np.stack(slopes, axis=-1)


def delta_method(gradient: Floats, covariance: Floats) -> Floats:
    """Return √(∇ᵀ Σ ∇) over the last axis."""
    return np.asarray(np.sqrt(np.maximum(np.einsum("...p,pq,...q->...", gradient, covariance, gradient), 0.0)))
