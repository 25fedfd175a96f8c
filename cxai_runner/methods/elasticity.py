"""How purchase probability answers to price, in one call: the curve of a fitted model over the observed prices.

The question is about the category: the prices of all alternatives move together, promotion and everything else stay as
observed. `PurchaseResponse` answers the others: of one alternative's price, a segment's rows, promotion set.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from .elasticity_curve import ElasticityCurve
from .price_refits import refitted
from .purchase_response import PurchaseResponse


def price_elasticity(
    model: Any,
    X: pd.DataFrame,
    prices: Sequence[str],
    rng: np.random.Generator,
    *,
    y: ArrayLike | None = None,
    groups: ArrayLike | None = None,
    grid: ArrayLike | None = None,
    points: int = 41,
    margin: float = 0.25,
    refits: int = 20,
    max_rows: int | None = None,
) -> ElasticityCurve:
    """Return the price elasticity of purchase probability over the observed range of prices.

    Parameters
    ----------
    model
        A fitted classifier, or pipeline that ends in one; predicts the probability of purchase from ``X``.
    X : DataFrame of shape (n, columns)
        The panel's rows.
    prices
        The columns of ``X`` that hold the alternatives' prices.
    rng
        Draws the resampled customers, and the rows where there are more distinct ones than ``max_rows``.
    y, groups : array-like of shape (n,)
        Outcome and customer of each row: needed to refit a model that has no covariance.
    grid
        Prices at which the curve is evaluated; by default ``points`` over the observed range and its margin.
    points
        How many of them.
    margin
        How far the curve of a smooth model goes on beyond the observed range, in ranges. A model of steps (trees) has
        nothing to say there, and stops.
    refits
        Refits on resampled customers behind the interval of a model that has no covariance; its interval is
        elasticity ± t · the refits' standard deviation, with t from Student's distribution.
    max_rows
        Distinct rows, apart from price, over which the probability is averaged; by default as `PurchaseResponse` says.

    Raises
    ------
    ValueError
        A price is negative, the panel has a single mean price, or ``y`` is missing for a model that has to be refitted.
    """
    response = PurchaseResponse(model, X, prices, rng, max_rows=max_rows)
    if not response.delta:
        if y is None:
            raise ValueError("y is needed: the model has no covariance, and has to be refitted")
        response.refits = refitted(model, X, y, groups, refits, rng)
    return response.curve(grid=grid, points=points, margin=margin)
