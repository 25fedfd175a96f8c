"""Own- and cross-price elasticities of brand shares, exact for the model that was fitted.

The share of brand k is the mean of its probabilities, S_k = Σ_n w_n P_nk / Σ_n w_n, and its elasticity to the price of
brand j is what S_k changes by, in per cent, where that price rises by one per cent at every occasion:
E_kj = Σ_n w_n (∂P_nk / ∂p_nj) p_nj / Σ_n w_n P_nk. This is the mean of the occasions' elasticities weighted by their
probabilities [1]_, and not the elasticity of an average occasion, which is at hand as *at the means*.

References
----------
.. [1] Ben-Akiva and Lerman (1985), Discrete Choice Analysis, section 5.4, equation 5.29; Train (2009), Discrete Choice
   Methods with Simulation, 2nd edition, sections 2.6 and 3.6.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from .data import ChoiceData
from .errors import ChoiceError, ChoiceWarning
from .grouping import delta_method, groups_of, weighted, with_gradient
from .model import CHUNK, ChoiceModel
from .offer import Offer
from .statistics import Z_95

Floats = NDArray[np.float64]
At = Literal["sample", "means"]
Kind = Literal["elasticity", "semi-elasticity"]

AGGREGATION = {"sample": "probability-weighted sample enumeration", "means": "one occasion at the means"}


@dataclass(frozen=True, eq=False)
class Elasticities:
    """Elasticities of the shares of J alternatives to M columns, for each of G groups of occasions.

    Parameters
    ----------
    column
        What changes: price for example.
    alternatives
        Whose share answers, J names.
    of
        Whose column changes: the alternatives, or the column itself where it is a characteristic; M names.
    groups
        Names of the groups; ``all`` where there is one.
    values
        Shape (G, J, M).
    shares
        Predicted shares, shape (G, J).
    kind
        ``elasticity``, per cent of share per per cent of the column; ``semi-elasticity``, relative change of the share
        per unit of the column.
    aggregation
        How the occasions became one figure, in words.
    gradient, covariance
        Of the values by the model's parameters, shape (G, J, M, P), and of these, shape (P, P); None where the model
        has no covariance.
    """

    column: str
    alternatives: tuple[str, ...]
    of: tuple[str, ...]
    groups: tuple[object, ...]
    values: Floats
    shares: Floats
    kind: str
    aggregation: str
    gradient: Floats | None = None
    covariance: Floats | None = None

    @property
    def standard_errors(self) -> Floats | None:
        """By the delta method, shape (G, J, M)."""
        if self.gradient is None or self.covariance is None:
            return None
        return delta_method(self.gradient, self.covariance)

    def matrix(self, group: object | None = None) -> pd.DataFrame:
        """Return the J × M elasticities of a group: the row's share to the column's price."""
        at = 0 if group is None else self.groups.index(group)
        rows = pd.Index(self.alternatives, name="share_of")
        return pd.DataFrame(self.values[at], index=rows, columns=pd.Index(self.of, name=f"{self.column}_of"))

    def frame(self) -> pd.DataFrame:
        """Return one row per group, share and column: the figure, its standard error and 95 % interval."""
        keys = [self.groups, self.alternatives, self.of]
        index = pd.MultiIndex.from_product(keys, names=["group", "share_of", f"{self.column}_of"])
        table = pd.DataFrame({self.kind.replace("-", "_"): self.values.ravel()}, index=index)
        error = self.standard_errors
        if error is not None:
            table["standard_error"] = error.ravel()
            table["low"] = self.values.ravel() - Z_95 * error.ravel()
            table["high"] = self.values.ravel() + Z_95 * error.ravel()
        return table.reset_index()


def share_elasticities(
    model: ChoiceModel,
    X: pd.DataFrame | ChoiceData,
    column: str = "price",
    *,
    by: ArrayLike | None = None,
    at: At = "sample",
    kind: Kind = "elasticity",
    weights: ArrayLike | None = None,
) -> Elasticities:
    """Return how the shares of all alternatives answer to a column of each.

    Parameters
    ----------
    model
        A fitted model of choice.
    X : DataFrame of shape (n, columns) or ChoiceData
        The occasions over which is averaged.
    column
        An attribute, which changes for one alternative at a time; or a characteristic, which changes for all.
    by : array-like of shape (n,), optional
        A group of each occasion: a segment, a promotion state.
    at : {"sample", "means"}
        Probability-weighted sample enumeration, or one occasion at each column's mean over the group.
    kind : {"elasticity", "semi-elasticity"}
        Per per cent, or per unit of the column.
    weights : array-like of shape (n,), optional
        How often each occasion counts; by default those of the panel, if any.

    Raises
    ------
    ChoiceError
        A column that the model does not use, or, for an elasticity, negative values of it.
    """
    if at not in AGGREGATION:
        raise ValueError(f"at must be 'sample' or 'means', not {at!r}")
    if kind not in ("elasticity", "semi-elasticity"):
        raise ValueError(f"kind must be 'elasticity' or 'semi-elasticity', not {kind!r}")
    data = model.read(X)
    _check_column(model, data, column, kind)
    weight = weighted(data, weights)
    names: list[object] = []
    parts: list[tuple[ChoiceData, Floats]] = []
    for name, rows in groups_of(by, len(data)):
        part, w = (data, weight) if rows is None else (data.take(rows), weight[rows])
        names.append(name)
        parts.append((part, w) if at == "sample" else (_means(part, w), np.ones(1)))

    def figure(parameters: list[Floats]) -> list[Floats]:
        by_group = [shares_and_responses(model, parameters, *part, column, kind) for part in parts]
        return [np.stack(each) for each in zip(*by_group, strict=True)]

    both, gradient = with_gradient(model, figure)
    values, gradient = relative(both, gradient)
    shares = both[:, :, 0]
    _warn_of_absent(shares, data.alternatives, names)
    of = data.alternatives if column in data.attributes else (column,)
    words = AGGREGATION[at]
    return Elasticities(
        column, data.alternatives, of, tuple(names), values, shares, kind, words, gradient, model.covariance_
    )


def shares_and_responses(
    model: ChoiceModel,
    parameters: list[Floats],
    data: ChoiceData,
    weight: Floats,
    column: str,
    kind: str,
    only: int | None = None,
) -> list[Floats]:
    """For each vector of parameters the share of k and its response to j, shape (J, 1 + M); to ``only`` one j."""
    J = len(data.alternatives)
    attribute = column in data.attributes
    totals = [np.zeros((J, 1 + (J if attribute and only is None else 1))) for _ in parameters]
    layout = model.layout(data)
    for start in range(0, len(data), CHUNK):
        block, w = data.block(start, start + CHUNK), weight[start : start + CHUNK]
        design, slopes = layout.design(block), layout.slopes(block, column)
        there = block.there
        level = block.attributes[column].T if attribute else block.characteristics[column]
        if attribute and there is not None:
            level = np.where(there, level, 0.0)
        moved = np.broadcast_to(w, level.shape) if kind == "semi-elasticity" else w * level
        several = model._responding(parameters, design, slopes, there, w, moved, only)
        totals = [total + found for total, found in zip(totals, several, strict=True)]
    return [total / weight.sum() for total in totals]


def relative(both: Floats, gradient: Floats) -> tuple[Floats, Floats]:
    """Responses over shares, and the gradient of the quotient."""
    share, response = both[:, :, :1], both[:, :, 1:]
    with np.errstate(invalid="ignore", divide="ignore"):
        values = response / share
        slope = (gradient[:, :, 1:] - values[..., np.newaxis] * gradient[:, :, :1]) / share[..., np.newaxis]
    return values, slope


def _means(data: ChoiceData, weight: Floats) -> ChoiceData:
    """One occasion at the weighted mean of every column over the occasions where it is available."""
    there = np.ones((len(data), len(data.alternatives)), dtype=bool) if data.available is None else data.available
    w = there * weight[:, np.newaxis]
    total = np.maximum(w.sum(axis=0), np.finfo(float).tiny)
    attributes = {
        name: (np.where(there, values, 0.0) * w).sum(axis=0, keepdims=True) / total
        for name, values in data.attributes.items()
    }
    characteristics = {
        name: np.atleast_1d(np.average(values, weights=weight)) for name, values in data.characteristics.items()
    }
    return ChoiceData(data.alternatives, attributes, characteristics, np.asarray(there.any(axis=0))[np.newaxis])


def _check_column(model: ChoiceModel, data: ChoiceData, column: str, kind: str) -> None:
    if column not in model.terms_.columns:
        used = ", ".join(model.terms_.columns)
        raise ChoiceError(f"the model has no term of {column!r}", f"its terms are made of {used}", (column,))
    values = data.attributes[column] if column in data.attributes else data.characteristics[column]
    if kind == "elasticity" and (values < 0).any():
        message = f"{column!r} is negative at {int((values < 0).sum())} places, where an elasticity means nothing"
        raise ChoiceError(message, "correct the values, or ask for semi-elasticities", (column,))


def _warn_of_absent(shares: Floats, alternatives: tuple[str, ...], names: list[object]) -> None:
    for name, row in zip(names, shares, strict=True):
        absent = [a for a, share in zip(alternatives, row, strict=True) if not share > 0]
        if absent:
            message = f"group {name!s}: {', '.join(absent)} is never available there, and has no elasticity (NaN)"
            warnings.warn(message, ChoiceWarning, stacklevel=3)


def price_elasticities(
    model: ChoiceModel, X: pd.DataFrame | ChoiceData, column: str = "price", **options: Any
) -> Elasticities:
    """Return the elasticities of all shares to the price of each alternative, however the model holds prices.

    Parameters
    ----------
    model, X
        As in `share_elasticities`.
    column
        An attribute, or what characteristics of the form ``<column><separator><alternative>`` have in common: the
        multinomial form on all prices.
    **options
        As in `share_elasticities`.
    """
    data = model.read(X)
    if column in data.attributes:
        return share_elasticities(model, data, column, **options)
    own = [Offer.of(data, column, name, model.separator).name for name in data.alternatives]
    parts = [share_elasticities(model, data, name, **options) for name in own]
    values = np.concatenate([part.values for part in parts], axis=2)
    gradient = np.concatenate([part.gradient for part in parts if part.gradient is not None], axis=2)
    return replace(parts[0], column=column, of=data.alternatives, values=values, gradient=gradient)


def shorthand_elasticity(coefficient: ArrayLike, price: ArrayLike, probability: ArrayLike) -> Floats:
    """Return b · p · (1 − P), the expression that courses use for every logit.

    It is the own-price elasticity of one occasion in a conditional logit. It is *not* the elasticity of the
    multinomial form, in which each brand's utility has a coefficient for every price: that one is
    p_k · (b_kj − Σ_m P_m · b_mj), see `multinomial_elasticities`. Nor is it the elasticity of a share where it is
    taken at an average price and an average probability.
    """
    b, p, P = (np.asarray(values, dtype=np.float64) for values in (coefficient, price, probability))
    return np.asarray(b * p * (1.0 - P))
