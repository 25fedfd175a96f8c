"""Dense products whose rows do not depend on each other, to the last bit."""

from __future__ import annotations

import numpy as np

from cxai_runner.methods.recommend.interactions import Floats

TILE = 64
"""Rows that are multiplied at a time, the last of them filled up."""


def rowwise(left: Floats, right: Floats) -> Floats:
    """Return ``left @ right`` so that each row is the same alone and among others.

    BLAS adds up in another order for another shape. Here every product has the same.

    Parameters
    ----------
    left
        Shape (b, f).
    right
        Shape (f, m).
    """
    b, f = left.shape
    found = np.empty((b, right.shape[1]), dtype=np.float32)
    tile = np.zeros((TILE, f), dtype=np.float32)
    for begin in range(0, b, TILE):
        end = min(begin + TILE, b)
        tile[: end - begin] = left[begin:end]
        found[begin:end] = (tile @ right)[: end - begin]
    return found
