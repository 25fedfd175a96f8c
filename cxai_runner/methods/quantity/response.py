"""How the units of a purchase answer to the price of the brand that is bought.

With Q̄(p) the mean of the expected units over purchases, each at the price p of its own brand and everything else as
observed (or with promotion set), the elasticity is d log Q̄ / d log p. At the observed prices all of them move by the
same share: Σ pᵢ·Q′ᵢ / Σ Qᵢ, each purchase weighing by its expected units. For a linear form this is b·p / Q̄, for a
log-link in the price itself b·p.

The delta method's standard errors take the gradient of both numbers by all parameters, dispersion included, from the
analytic derivative of the mean. A model without a covariance (trees) is refitted to resampled customers instead, and,
since it answers in steps, gets an arc elasticity.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import special, stats
from sklearn.pipeline import Pipeline

from cxai_runner.methods.levels import levels

from .errors import QuantityError
from .model import QuantityModel
from .terms import BRAND, of_chosen, with_chosen

Floats = NDArray[np.float64]

PRICE, PROMOTION = "price", "promotion"
STEP = 1e-5
ARC = 0.1
"""The share by which observed prices are lowered and raised for the arc elasticity of a model of steps."""


@dataclass(frozen=True)
class Response:
    """Expected units and price elasticity with their standard errors, each of shape (points,).

    The 95 % interval is the number ± quantile · standard error.
    """

    units: Floats
    elasticity: Floats
    units_error: Floats
    elasticity_error: Floats
    quantile: float

    def frame(self) -> pd.DataFrame:
        """Return both with their intervals, one row per point."""
        return pd.DataFrame(
            {
                "units": self.units,
                "units_low": self.units - self.quantile * self.units_error,
                "units_high": self.units + self.quantile * self.units_error,
                "elasticity": self.elasticity,
                "low": self.elasticity - self.quantile * self.elasticity_error,
                "high": self.elasticity + self.quantile * self.elasticity_error,
            }
        )


class PriceResponse:
    """The price response of a fitted pipeline.

    Parameters
    ----------
    model
        A fitted pipeline that takes panel rows, `ChosenTerms` in front of the regressor.
    rng
        Draws the rows over which a curve is averaged where there are more than ``max_rows`` distinct ones.
    refits
        The same pipeline fitted to resampled customers, for a regressor without a covariance; two at least.
    max_rows
        Distinct rows, apart from price.
    """

    def __init__(
        self, model: Pipeline, rng: np.random.Generator, refits: Sequence[Pipeline] = (), max_rows: int = 1000
    ) -> None:
        self.model, self.rng, self.refits, self.max_rows = model, rng, list(refits), max_rows
        self.smooth = isinstance(model[-1], QuantityModel)
        if not self.smooth and len(self.refits) < 2:
            raise ValueError("the model has no covariance: pass two refits or more")

    @property
    def uncertainty(self) -> str:
        """How the interval is computed, in words."""
        if self.smooth:
            return f"delta method, {self.model[-1].covariance_type_} covariance"
        return f"{len(self.refits)} refits on resampled customers"

    def at_observed(self, X: pd.DataFrame, promotion: float | None = None) -> Response:
        """Return the response of the rows of ``X`` at their own prices; with the chosen brand's promotion set, if so.

        One point.

        Raises
        ------
        QuantityError
            A price is negative.
        """
        rows = X if promotion is None else with_chosen(X, PROMOTION, promotion)
        paid = _paid(rows)
        kept, weight = self._distinct(rows, paid)
        few, price = rows.iloc[kept], paid[kept][np.newaxis]
        if self.smooth:
            return self._delta(few, price, weight)
        return self._arcs(few, price * (1 - ARC), price, price * (1 + ARC), weight)

    def over(self, X: pd.DataFrame, grid: ArrayLike, promotion: float | None = None) -> Response:
        """Return the response of the rows of ``X`` with the price of the chosen brand at each point of ``grid``."""
        points = np.asarray(grid, dtype=np.float64)
        rows = X if promotion is None else with_chosen(X, PROMOTION, promotion)
        paid = _paid(rows)
        kept, weight = self._distinct(rows, np.full(len(rows), paid.mean()))
        if len(kept) > self.max_rows:
            kept, weight = np.sort(self.rng.choice(len(rows), self.max_rows, replace=False)), np.ones(self.max_rows)
        few = rows.iloc[kept]
        price = np.repeat(points[:, np.newaxis], len(few), axis=1)
        if self.smooth:
            return self._delta(few, price, weight)
        # A model of steps has nothing to say beyond the prices it saw.
        reach = (paid.max() - paid.min()) / 4
        low, high = np.maximum(price - reach, paid.min()), np.minimum(price + reach, paid.max())
        return self._arcs(few, low, price, high, weight)

    def _distinct(self, rows: pd.DataFrame, price: Floats) -> tuple[NDArray[np.intp], Floats]:
        """Positions of the rows that differ at these prices, and how many each stands for.

        Rows of one brand and price that the regressor sees alike are alike at any other price too.
        """
        brand = pd.factorize(levels(rows[BRAND]))[0]
        seen = np.column_stack([self._terms(rows, price[np.newaxis])[0], price, brand])
        _, first, times = np.unique(seen, axis=0, return_index=True, return_counts=True)
        return first, times.astype(np.float64)

    def _stacked(self, rows: pd.DataFrame, price: Floats) -> pd.DataFrame:
        """All rows at every point, the point outermost; ``price`` has shape (points, rows)."""
        places = np.tile(np.arange(len(rows)), len(price))
        return with_chosen(rows.iloc[places].reset_index(drop=True), PRICE, price.ravel())

    def _terms(self, rows: pd.DataFrame, price: Floats) -> Floats:
        """What the regressor sees, shape (points, rows, terms)."""
        seen = np.asarray(self.model[:-1].transform(self._stacked(rows, price)), dtype=np.float64)
        return seen.reshape(*price.shape, -1)

    def _delta(self, rows: pd.DataFrame, price: Floats, weight: Floats) -> Response:
        final = self.model[-1]
        here = self._terms(rows, price)
        rise = self._terms(rows, price * (1 + STEP)) - self._terms(rows, price * (1 - STEP))
        by_log_price = rise / (2 * STEP)
        k = here.shape[-1] + 1

        def numbers(theta: Floats) -> Floats:
            """Units and elasticity at every point, shape (2, points)."""
            location = final.location_of(theta[0] + here @ theta[1:k])
            shape = float(theta[k]) if len(theta) > k else final.shape_
            mean, slope = final.mean(location, shape), final.slope(location, shape)
            total = mean @ weight
            return np.stack([total / weight.sum(), (slope * (by_log_price @ theta[1:k])) @ weight / total])

        covariance = final.covariance_
        dispersed = len(covariance) > k
        theta = np.concatenate([[final.intercept_], final.coef_, [final.shape_] if dispersed else []])
        # Far below a standard error the numbers are straight lines, and far above their rounding.
        steps = np.diag(1e-3 * final.standard_errors_)
        gradient = np.stack([(numbers(theta + one) - numbers(theta - one)) / (2 * one.sum()) for one in steps])
        units, elasticity = numbers(theta)
        unsure, error = np.sqrt(np.einsum("amp,ab,bmp->mp", gradient, covariance, gradient))
        return Response(units, elasticity, unsure, error, float(special.ndtri(0.975)))

    def _arcs(self, rows: pd.DataFrame, low: Floats, price: Floats, high: Floats, weight: Floats) -> Response:
        frames = [self._stacked(rows, prices) for prices in (low, price, high)]
        ratio = np.log(high / low) @ weight / weight.sum()

        def numbers(model: Pipeline) -> Floats:
            below, here, above = (model.predict(f).reshape(price.shape) @ weight / weight.sum() for f in frames)
            return np.stack([here, np.log(above / below) / ratio])

        units, elasticity = numbers(self.model)
        unsure, error = np.std([numbers(one) for one in self.refits], axis=0, ddof=1)
        return Response(units, elasticity, unsure, error, float(stats.t.ppf(0.975, len(self.refits) - 1)))


def _paid(rows: pd.DataFrame) -> Floats:
    """The price of each row's own brand."""
    paid = of_chosen(rows, PRICE)
    if (paid < 0).any():
        message = f"{int((paid < 0).sum())} rows have a negative price, where an elasticity means nothing"
        raise QuantityError(message, "correct the prices, or leave these rows out", (PRICE,))
    return paid
