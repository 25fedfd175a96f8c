"""The price elasticity of purchase probability over a range of prices, and where demand turns elastic."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Floats = NDArray[np.float64]


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

    @property
    def low(self) -> Floats:
        """Lower end of the 95 % interval."""
        return self.elasticity - self.quantile * self.standard_error

    @property
    def high(self) -> Floats:
        """Upper end of the 95 % interval."""
        return self.elasticity + self.quantile * self.standard_error

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

    def crossing(self, level: float = -1.0, *, observed_only: bool = True) -> tuple[float, float, float] | None:
        """Return the price at which the elasticity first falls through ``level``, with its 95 % interval.

        The interval is the delta method's, standard error of the elasticity over the slope of the curve. None
        where the curve does not pass ``level``, or, with ``observed_only``, passes it outside the observed prices.
        """
        above = self.elasticity - level
        for i in np.flatnonzero((above[:-1] > 0) & (above[1:] <= 0)):
            share = above[i] / (above[i] - above[i + 1])
            price = float(self.price[i] + share * (self.price[i + 1] - self.price[i]))
            if observed_only and not self.observed[0] <= price <= self.observed[1]:
                continue
            slope = (self.elasticity[i + 1] - self.elasticity[i]) / (self.price[i + 1] - self.price[i])
            error = float(np.interp(price, self.price, self.standard_error))
            margin = self.quantile * error / abs(float(slope))
            return price, price - margin, price + margin
        return None

    def always(self, level: float = -1.0) -> str:
        """Return ``below`` or ``above`` where the whole of the observed curve is on one side of ``level``, else ""."""
        inside = self.elasticity[(self.price >= self.observed[0]) & (self.price <= self.observed[1])]
        if len(inside) and (inside < level).all():
            return "below"
        return "above" if len(inside) and (inside > level).all() else ""
