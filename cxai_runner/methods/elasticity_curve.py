"""The price elasticity of purchase probability over a range of prices, and where demand turns elastic."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import inf, nan
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import optimize

Floats = NDArray[np.float64]

# Prices between which a curve is taken to pass a level once at most.
_LOOKS = 33


@dataclass(frozen=True, eq=False)
class Numbers:
    """Purchase probability and elasticity at each price with their standard errors, each of shape (points,)."""

    probability: Floats
    elasticity: Floats
    probability_error: Floats
    elasticity_error: Floats
    quantile: float
    uncertainty: str
    differences: str


@dataclass(frozen=True)
class Turn:
    """Where an elasticity falls through a level.

    Parameters
    ----------
    kind
        ``falls``: at one price. ``below`` or ``above``: on that side at every price, its interval too. ``several``: at
        more than one price, or it rises. ``steps``: the model answers in steps. ``unsure``: on one side, but not so
        sure that its interval is.
    price, low, high
        Where, with the 95 % interval; NaN for another kind.
    cut
        Whether the interval would go on below the lowest or above the highest price.
    """

    kind: Literal["falls", "below", "above", "several", "steps", "unsure"]
    price: float = nan
    low: float = nan
    high: float = nan
    cut: tuple[bool, bool] = (False, False)


@dataclass(frozen=True, eq=False)
class ElasticityCurve:
    """The elasticity over a range of prices.

    Parameters
    ----------
    price, probability, elasticity
        Mean price over alternatives, mean purchase probability there, and its elasticity, each of shape (points,).
    standard_error, probability_error
        Of the elasticity and of the probability, shape (points,).
    quantile
        The interval is elasticity ± quantile · standard_error.
    observed
        Lowest and highest mean price of the panel; outside it the curve extrapolates.
    at_mean
        Mean price of the panel, and the elasticity there with its 95 % interval.
    uncertainty, differences
        How the interval and the derivative were computed, in words.
    smooth
        Whether the model's probability changes smoothly with price, or in steps.
    probability_at_mean
        Mean purchase probability at the mean price.
    solve
        The numbers at any other price.
    averaged
        Over how many of the rows the probability is averaged, and how many there are.
    ceiling
        What the elasticity cannot exceed, whatever the data: 0 for a model that is held to fall with price.
    """

    price: Floats
    probability: Floats
    elasticity: Floats
    standard_error: Floats
    probability_error: Floats
    quantile: float
    observed: tuple[float, float]
    at_mean: tuple[float, float, float, float]
    uncertainty: str
    differences: str
    smooth: bool
    probability_at_mean: float
    solve: Callable[[Floats], Numbers]
    averaged: tuple[int, int]
    ceiling: float = inf

    @property
    def low(self) -> Floats:
        """Lower end of the 95 % interval."""
        return self.elasticity - self.quantile * self.standard_error

    @property
    def high(self) -> Floats:
        """Upper end of the 95 % interval, at most the ceiling."""
        return np.minimum(self.elasticity + self.quantile * self.standard_error, self.ceiling)

    def frame(self) -> pd.DataFrame:
        """Return price, purchase probability and elasticity with its interval, one row per price."""
        return pd.DataFrame(
            {
                "price": self.price,
                "purchase_probability": self.probability,
                "probability_low": np.clip(self.probability - self.quantile * self.probability_error, 0, 1),
                "probability_high": np.clip(self.probability + self.quantile * self.probability_error, 0, 1),
                "elasticity": self.elasticity,
                "low": self.low,
                "high": self.high,
                "observed": (self.price >= self.observed[0]) & (self.price <= self.observed[1]),
            }
        )

    def turns(self, level: float = -1.0, *, observed_only: bool = True) -> Turn:
        """Return where the elasticity falls through ``level``, solved for and not read off the points of the curve.

        Both ends of the prices count. The interval of that price goes from the first to the last price at which the
        interval of the elasticity holds ``level``, and no further than the prices do.

        Parameters
        ----------
        level
            −1: where demand turns elastic.
        observed_only
            Look within the observed prices, else within those of the curve.
        """
        ends = self.observed if observed_only else (float(self.price.min()), float(self.price.max()))
        at = np.linspace(*ends, _LOOKS) if self.smooth else np.append(self.price, ends)
        at = np.unique(at[(at >= ends[0]) & (at <= ends[1])])
        elasticity, low, high = self._bounds(at)
        if (high < level).all():
            return Turn("below")
        if (low > level).all():
            return Turn("above")
        if not self.smooth:
            return Turn("steps")
        above = elasticity > level
        falls, rises = (np.flatnonzero(one) for one in (above[:-1] & ~above[1:], ~above[:-1] & above[1:]))
        if len(falls) != 1 or len(rises):
            return Turn("several" if len(falls) + len(rises) else "unsure")

        def gap(which: int) -> Callable[[float], float]:
            return lambda price: float(self._bounds(np.array([price]))[which][0]) - level

        price = _root(gap(0), at[falls[0]], at[falls[0] + 1])
        # An interval may widen again further on: beyond its ends it holds the level nowhere.
        first = int(np.flatnonzero((low <= level) | (at > price))[0])
        last = int(np.flatnonzero((high >= level) | (at < price))[-1])
        cut = (first == 0, last == len(at) - 1)
        start = ends[0] if cut[0] else _root(gap(1), at[first - 1], min(at[first], price))
        end = ends[1] if cut[1] else _root(gap(2), max(at[last], price), at[last + 1])
        return Turn("falls", price, start, end, cut=cut)

    def crossing(self, level: float = -1.0, *, observed_only: bool = True) -> tuple[float, float, float] | None:
        """Return the price at which the elasticity falls through ``level`` and its 95 % interval, as `turns` finds it.

        None where the curve does not pass ``level``, passes it more than once, or, with ``observed_only``, outside the
        observed prices.
        """
        found = self.turns(level, observed_only=observed_only)
        return (found.price, found.low, found.high) if found.kind == "falls" else None

    def _bounds(self, at: Floats) -> tuple[Floats, Floats, Floats]:
        """Elasticity at prices, and the ends of its interval."""
        found = self.solve(at)
        half = found.quantile * found.elasticity_error
        return found.elasticity, found.elasticity - half, np.minimum(found.elasticity + half, self.ceiling)


def _root(gap: Callable[[float], float], low: float, high: float) -> float:
    """The price between two at which ``gap`` is zero; the nearer one where an end is, up to rounding."""
    ends = gap(low), gap(high)
    if ends[0] * ends[1] >= 0:
        return float(low if abs(ends[0]) < abs(ends[1]) else high)
    return float(optimize.brentq(gap, low, high, xtol=1e-10 * max(high, 1e-300), rtol=1e-12))
