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

from .conditional import ConditionalLogit
from .elasticity import AGGREGATION, At, Elasticities
from .errors import ChoiceError
from .grouping import groups_of
from .terms import ChoiceTerms

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


def as_choice_model(
    classifier: Any, X: pd.DataFrame, columns: Sequence[str], alternatives: Sequence[str], *, separator: str = "_"
) -> ConditionalLogit:
    """Return a multinomial logit as the conditional logit that says the same, so that it can be asked as one.

    Its covariance is unknown (NaN) until somebody puts one in place, from refits on resampled customers for example.

    Parameters
    ----------
    classifier
        Fitted, with a ``decision_function`` that is linear in the columns: `LogisticRegression`, or a pipeline that
        scales before it.
    X : DataFrame of shape (n, columns)
        Rows to find the coefficients at, and to check them on.
    columns
        What it takes; each becomes a term with a coefficient for each alternative but the first.
    alternatives
        Their names, in the order that is wanted.
    separator
        Between attribute and alternative in the names of the columns.

    Raises
    ------
    ChoiceError
        Its probabilities are no softmax of something linear in the columns, or an alternative was never chosen.
    """
    known = [str(name) for name in classifier.classes_]
    absent = tuple(name for name in alternatives if name not in known)
    if absent:
        raise ChoiceError(f"never chosen: {', '.join(absent)}", "leave it out, or merge it with another", absent)
    order = [known.index(name) for name in alternatives]
    values = X[list(columns)].astype(np.float64)
    centre, step = values.mean(), values.std().where(lambda s: s > 0, 1.0)
    probes = pd.DataFrame([centre, *(centre + step.where(step.index == name, 0.0) for name in columns)])
    utilities = _utilities(classifier, probes)[:, order]
    utilities = utilities - utilities[:, :1]
    slopes = (utilities[1:] - utilities[0]) / step.to_numpy()[:, np.newaxis]
    constants = utilities[0] - centre.to_numpy() @ slopes
    terms = dict.fromkeys(columns, "alternative")
    made = ConditionalLogit(terms, alternatives=list(alternatives), separator=separator)
    made.alternatives_, made.reference_ = tuple(alternatives), alternatives[0]
    made.classes_ = np.asarray(alternatives, dtype=object)
    made.terms_ = ChoiceTerms.parse(terms)
    made.coef_ = made.parameters_ = np.concatenate([constants[1:], slopes[:, 1:].ravel()])
    made.covariance_, made.covariance_type_ = np.full((made.coef_.size, made.coef_.size), np.nan), "unknown"
    made.parameter_names_ = made.layout(made.read(probes)).names
    if not np.allclose(made.predict_proba(X), classifier.predict_proba(X)[:, order], atol=1e-8):
        message = f"the probabilities of {type(classifier).__name__} are no logit that is linear in its columns"
        raise ChoiceError(message, "take a multinomial logistic regression, or a model of choice")
    return made


def _utilities(model: Any, X: pd.DataFrame) -> Floats:
    decided = np.asarray(model.decision_function(X), dtype=np.float64)
    return decided if decided.ndim == 2 else np.column_stack([np.zeros(len(decided)), decided])


def _slopes(model: Any, X: pd.DataFrame, column: str) -> Floats:
    """The derivative of the utilities by a price, shape (n, J): exact where they are linear in it."""
    step = 1e-4 * max(float(X[column].abs().max()), 1.0)
    up, down = X.assign(**{column: X[column] + step}), X.assign(**{column: X[column] - step})
    return (_utilities(model, up) - _utilities(model, down)) / (2 * step)
