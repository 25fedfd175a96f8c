"""The price at which a curve is highest, within the prices that were observed, and whether the data tell it.

Where a curve still rises at the edge of what was observed, the best price lies beyond it: the data say so much, and not
where. Nor do they where resampled customers put the optimum at the edge often enough for it to lie there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

RARE = 0.05
FEW = 20
"""Of fewer resamples percentiles are no 95 % interval."""


@dataclass(frozen=True)
class Optimum:
    """Where a curve is highest.

    Parameters
    ----------
    where
        ``inside``: identified. ``lowest`` or ``highest``: at that end of the observed prices, and not identified.
        ``either``: inside, but so often at an end in resamples that it is not identified.
    price, low, high
        With its 95 % interval, the percentiles of the resamples; of use where it is ``inside``. NaN of fewer than `FEW`
        resamples.
    at_edge, resamples
        In how many resamples the optimum is at an end, and how many there are.
    """

    where: Literal["inside", "lowest", "highest", "either"]
    price: float
    low: float
    high: float
    at_edge: int
    resamples: int

    @property
    def identified(self) -> bool:
        """Whether the data tell the price."""
        return self.where == "inside"


def optimum(price: Floats, curves: Floats) -> Optimum:
    """Return the optimum of a curve.

    Parameters
    ----------
    price : ndarray of shape (A,)
        Increasing, from the lowest to the highest price observed; three at least.
    curves : ndarray of shape (D, A)
        The estimate first, then the resamples.
    """
    found = np.asarray([_highest(price, curve) for curve in curves])
    ends = (found <= price[0]) | (found >= price[-1])
    at_edge, resamples = int(ends[1:].sum()), len(found) - 1
    low, high = np.quantile(found[1:], [0.025, 0.975]) if resamples >= FEW else (np.nan, np.nan)
    best = float(found[0])
    if best <= price[0]:
        where: Literal["inside", "lowest", "highest", "either"] = "lowest"
    elif best >= price[-1]:
        where = "highest"
    else:
        where = "either" if at_edge > RARE * resamples else "inside"
    return Optimum(where, best, float(np.minimum(low, best)), float(np.maximum(high, best)), at_edge, resamples)


def _highest(price: Floats, curve: Floats) -> float:
    """The price of the highest point; inside, of the parabola through it and its neighbours."""
    i = int(np.argmax(curve))
    if i in (0, len(curve) - 1):
        return float(price[i])
    left, right = price[i] - price[i - 1], price[i + 1] - price[i]
    down, up = (curve[i - 1] - curve[i]) / left, (curve[i + 1] - curve[i]) / right
    bend = (up + down) / (left + right)
    if not bend < 0:
        return float(price[i])
    slope = (up * left - down * right) / (left + right)
    return float(np.clip(price[i] - slope / (2 * bend), price[i - 1], price[i + 1]))
