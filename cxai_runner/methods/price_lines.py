"""What rises or falls in a straight line with price, row by row: most terms, and the log-odds that they make.

A term that is the mean price, or a price times a segment, need not be built anew at every price: two prices tell the
line. Whether it is one is tried at others, so that a transformer that bends is never taken for straight.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from .averaged_rows import AveragedRows

Floats = NDArray[np.float64]
Build = Callable[[pd.DataFrame], Any]
"""From R rows to k numbers of each, shape (R, k)."""

_TRIED = (0.31, 0.64)
_EXACT = 1e-9
_DIGITS = 12


@dataclass(frozen=True, eq=False)
class Lines:
    """Numbers that are ``level`` + price · ``slope``, each of shape (R, k)."""

    level: Floats
    slope: Floats


def straight(build: Build, rows: AveragedRows, span: tuple[float, float]) -> Lines | None:
    """Return the lines of what ``build`` makes of rows, over the prices of ``span``; None where it bends."""
    low, high = span if span[1] > span[0] else (0.9 * span[0], 1.1 * span[0])
    ends = [_built(build, rows, price) for price in (low, high)]
    slope = (ends[1] - ends[0]) / (high - low)
    # The last bits of a difference vary by row, and would keep equal rows apart.
    size = np.maximum(np.abs(slope).max(axis=0), np.finfo(float).tiny)
    slope = np.round(slope / size, _DIGITS) * size
    level = ends[0] - low * slope
    exact = _EXACT * (1 + max(float(np.abs(one).max()) for one in ends))
    for share in _TRIED:
        price = low + share * (high - low)
        if not (np.abs(_built(build, rows, price) - (level + price * slope)) <= exact).all():
            return None
    return Lines(level, slope)


def put_together(lines: Lines, weight: Floats) -> tuple[Lines, Floats]:
    """Return the distinct lines, and the weight of each."""
    both = pd.DataFrame(np.hstack([lines.level, lines.slope]))
    code = both.groupby(list(both.columns), sort=False).ngroup().to_numpy()
    first = np.unique(code, return_index=True)[1]
    return Lines(lines.level[first], lines.slope[first]), np.bincount(code, weight).astype(np.float64)


def _built(build: Build, rows: AveragedRows, price: float) -> Floats:
    return np.asarray(build(rows.at(price)), dtype=np.float64).reshape(len(rows.frame), -1)
