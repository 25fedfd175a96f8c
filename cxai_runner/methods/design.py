"""A model's columns as Newton's method likes them: standardised behind a column of ones, and back again.

Whether the columns tell their coefficients apart is read off them too; whoever fits says so in words of its own.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_STILL, _FLAT, _LOADS = 1e-12, 1e-10, 0.05


def standardised(X: Floats, centre: Floats, scale: Floats) -> Floats:
    """Return the columns of ``X`` less their centre over their scale, behind ones: shape (n, 1 + k)."""
    return np.column_stack([np.ones(len(X)), (X - centre) / scale])


def given_back(centre: Floats, scale: Floats, further: int = 0) -> Floats:
    """Return the linear map of parameters of standardised columns to those of the columns as they were.

    The intercept comes first, then the columns, and then ``further`` parameters, which stay as they are. A covariance
    goes the same way on both sides.
    """
    k = len(scale)
    back = np.eye(1 + k + further)
    back[range(1, 1 + k), range(1, 1 + k)] = 1.0 / scale
    back[0, 1 : 1 + k] = -centre / scale
    return back


def constant(centre: Floats, scale: Floats) -> NDArray[np.bool_]:
    """Say which columns are the same on every row, shape (k,)."""
    return np.asarray(scale <= _STILL * np.maximum(np.abs(centre), np.finfo(float).tiny))


def collinear(design: Floats) -> NDArray[np.bool_]:
    """Say which columns of a standardised design, but for the ones, are combinations of each other; shape (k,)."""
    values, vectors = np.linalg.eigh(design.T @ design / len(design))
    flat = values < _FLAT
    loading = np.sqrt((vectors[1:, flat] ** 2).sum(axis=1))
    return np.asarray(loading > _LOADS * loading.max()) if flat.any() else np.zeros(len(vectors) - 1, dtype=bool)
