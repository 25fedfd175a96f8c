"""Dense products whose rows do not depend on each other, to the last bit."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cxai_runner.methods.recommend.interactions import Floats

_EXACT = 53
"""Bits of a whole number that double precision holds."""


def rowwise(left: NDArray[Any], right: NDArray[Any]) -> Floats:
    """Return ``left @ right`` so that each row is the same alone and among others, by whatever BLAS and threads.

    A product of matrices adds up in an order that depends on its shape and on where a row stands in it. So both sides
    are rounded to whole multiples of a power of two, as precise as single precision: sums of those are exact, in any
    order.

    Parameters
    ----------
    left
        Shape (b, f).
    right
        Shape (f, m).
    """
    bits = (_EXACT - int(np.ceil(np.log2(max(left.shape[1], 1))))) // 2
    return (_rounded(left, bits, axis=1) @ _rounded(right, bits, axis=0)).astype(np.float32)


def _rounded(values: NDArray[Any], bits: int, axis: int) -> NDArray[np.float64]:
    """Each row, or column, as multiples of one power of two, of so many bits."""
    _, exponents = np.frexp(np.abs(values).max(axis=axis, keepdims=True, initial=0))
    unit = np.ldexp(1.0, exponents - bits)
    return np.rint(values / unit) * unit
