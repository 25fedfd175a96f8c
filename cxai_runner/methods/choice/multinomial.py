"""Elasticities of a multinomial logit on all prices, as scikit-learn fits it.

In this form, which a well-known course uses, every brand's utility has a coefficient for the price of every brand. The
elasticity of brand j to the price of brand k is p_k · (b_jk − Σ_m P_m · b_mk) [1]_: the other brands' coefficients
count as well. scikit-learn penalises the coefficients, so that there is no covariance and no interval here; the same
model by maximum likelihood is a `ConditionalLogit` whose prices are characteristics, ``{price_1: alternative, …}``.

References
----------
.. [1] Greene (2018), Econometric Analysis, 8th edition, section 18.2.4, for the derivative of the multinomial logit.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import special

from .elasticity import AGGREGATION, At, Elasticities
from .errors import ChoiceError
from .grouping import groups_of

Floats = NDArray[np.float64]


def multinomial_elasticities(
    model: Any,
    X: pd.DataFrame,
    prices: Sequence[str],
    *,
    by: ArrayLike | None = None,
    at: At = "sample",
    weights: ArrayLike | None = None,
) -> Elasticities:
    """Return the elasticities of all brands' shares to every price.

    Parameters
    ----------
    model
        A fitted scikit-learn classifier whose probabilities are the softmax of its ``decision_function``, such as
        `LogisticRegression`, or a pipeline that ends in one.
    X : DataFrame of shape (n, columns)
        The occasions over which is averaged.
    prices
        The columns that hold the prices.
    by : array-like of shape (n,), optional
        A group of each occasion.
    at : {"sample", "means"}
        Probability-weighted sample enumeration, or one occasion at each column's mean over the group.
    weights : array-like of shape (n,), optional
        How often each occasion counts.

    Raises
    ------
    ChoiceError
        A price is negative.
    """
    if at not in AGGREGATION:
        raise ValueError(f"at must be 'sample' or 'means', not {at!r}")
    below = tuple(column for column in prices if (X[column] < 0).any())
    if below:
        message = f"negative in places, where an elasticity means nothing: {', '.join(below)}"
        raise ChoiceError(message, "correct the values, or leave these occasions out", below)
    weight = np.ones(len(X)) if weights is None else np.asarray(weights, dtype=np.float64)
    names: list[object] = []
    values: list[Floats] = []
    shares: list[Floats] = []
    for name, rows in groups_of(by, len(X)):
        part, w = (X, weight) if rows is None else (X.iloc[rows], weight[rows])
        if at == "means":
            part, w = pd.DataFrame({c: [np.average(part[c], weights=w)] for c in part}), np.ones(1)
        P = special.softmax(_utilities(model, part), axis=1)
        share = w @ P / w.sum()
        E = np.empty((P.shape[1], len(prices)))
        for k, column in enumerate(prices):
            slope, price = _slopes(model, part, column), part[column].to_numpy(dtype=np.float64)
            response = P * (slope - (P * slope).sum(axis=1, keepdims=True))
            E[:, k] = (w * price) @ response / w.sum() / share
        names.append(name)
        values.append(E)
        shares.append(share)
    brands = tuple(str(name) for name in model.classes_)
    words = f"{AGGREGATION[at]}; penalised fit, no intervals"
    return Elasticities(
        "price", brands, tuple(prices), tuple(names), np.stack(values), np.stack(shares), "elasticity", words
    )


def _utilities(model: Any, X: pd.DataFrame) -> Floats:
    decided = np.asarray(model.decision_function(X), dtype=np.float64)
    return decided if decided.ndim == 2 else np.column_stack([np.zeros(len(decided)), decided])


def _slopes(model: Any, X: pd.DataFrame, column: str) -> Floats:
    """The derivative of the utilities by a price, shape (n, J): exact where they are linear in it."""
    step = 1e-4 * max(float(X[column].abs().max()), 1.0)
    up, down = X.assign(**{column: X[column] + step}), X.assign(**{column: X[column] - step})
    return (_utilities(model, up) - _utilities(model, down)) / (2 * step)
