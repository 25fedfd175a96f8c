"""Shares and elasticities over a range of prices of one alternative, everything else as it was at each occasion."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from .data import ChoiceData
from .elasticity import relative, shares_and_responses
from .grouping import delta_method, weighted, with_gradient
from .model import ChoiceModel
from .offer import Offer
from .statistics import Z_95

Floats = NDArray[np.float64]


def share_curves(
    model: ChoiceModel,
    X: pd.DataFrame | ChoiceData,
    column: str = "price",
    *,
    alternative: str,
    values: Sequence[float] | Floats,
    weights: ArrayLike | None = None,
) -> pd.DataFrame:
    """Return the shares of all alternatives, and their elasticities, where one's price is the same at all occasions.

    Parameters
    ----------
    model
        A fitted model of choice.
    X : DataFrame of shape (n, columns) or ChoiceData
        The occasions over which is averaged.
    column, alternative
        What is set, and of which alternative.
    values
        What it is set to, in turn.
    weights : array-like of shape (n,), optional
        How often each occasion counts.

    Returns
    -------
    DataFrame
        One row per value and alternative: ``value``, ``share_of``, ``share`` with ``share_error``, and ``elasticity``
        of that share to the column of ``alternative``, exact and by probability-weighted sample enumeration, with
        ``elasticity_error``; 95 % intervals of both by the delta method, that of a share within 0 and 1.
    """
    data = model.read(X)
    offer = Offer.of(data, column, alternative, model.separator)
    weight = weighted(data, weights)
    panels = [offer.changed(data, np.full(len(data), float(value))) for value in values]

    def figure(parameters: list[Floats]) -> list[Floats]:
        several = [
            shares_and_responses(model, parameters, one, weight, offer.name, "elasticity", offer.position)
            for one in panels
        ]
        return [np.stack([found[i] for found in several]) for i in range(len(parameters))]

    both, gradient = with_gradient(model, figure)
    elasticity, slope = relative(both, gradient)
    share, share_error = both[:, :, 0], delta_method(gradient[:, :, 0], model.covariance_)
    error = delta_method(slope[:, :, 0], model.covariance_)
    index = pd.MultiIndex.from_product([values, data.alternatives], names=["value", "share_of"])
    columns = {
        "share": share,
        "share_error": share_error,
        "share_low": np.clip(share - Z_95 * share_error, 0, 1),
        "share_high": np.clip(share + Z_95 * share_error, 0, 1),
        "elasticity": elasticity[:, :, 0],
        "elasticity_error": error,
        "elasticity_low": elasticity[:, :, 0] - Z_95 * error,
        "elasticity_high": elasticity[:, :, 0] + Z_95 * error,
    }
    return pd.DataFrame({name: one.ravel() for name, one in columns.items()}, index=index).reset_index()
