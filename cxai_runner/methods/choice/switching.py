"""Who gains and who loses: clout and vulnerability, and shares under a scenario of prices.

Clout of a brand is how much its price moves the others' shares, vulnerability how much their prices move its own [1]_.

References
----------
.. [1] Kamakura and Russell (1989), A probabilistic choice model for market segmentation and elasticity structure,
   Journal of Marketing Research 26(4).
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from contextlib import suppress

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from .data import ChoiceData
from .elasticity import Elasticities
from .errors import ChoiceError, ChoiceWarning
from .grouping import delta_method, groups_of, weighted, with_gradient
from .offer import Offer
from .model import ChoiceModel
from .statistics import Z_95

Floats = NDArray[np.float64]
Change = float | int | str
# Beyond the observed prices at more than this share of the occasions, a scenario is called an extrapolation.
MANY = 0.05

Scenario = Mapping[str, Change | Mapping[str, Change]]


def clout_and_vulnerability(elasticities: Elasticities) -> pd.DataFrame:
    """Return sums of cross elasticities: down the column of a brand its clout, along its row its vulnerability.

    Returns
    -------
    DataFrame
        One row per group and alternative: share, own elasticity, clout Σ_{k ≠ j} E_kj, vulnerability Σ_{k ≠ j} E_jk,
        and standard errors of both where the model has a covariance.

    Raises
    ------
    ChoiceError
        The elasticities are to a characteristic, which belongs to no brand.
    """
    names = elasticities.alternatives
    if len(elasticities.of) != len(names):
        raise ChoiceError(
            f"the elasticities are to {', '.join(elasticities.of)}, which is no price of each alternative",
            "take the elasticities to an attribute",
        )
    cross = 1.0 - np.eye(len(names))
    index = pd.MultiIndex.from_product([elasticities.groups, names], names=["group", "alternative"])
    sums = {"clout": "gkj,kj->gj", "vulnerability": "gkj,kj->gk"}
    table = pd.DataFrame(
        {
            "share": elasticities.shares.ravel(),
            "own": np.diagonal(elasticities.values, axis1=1, axis2=2).ravel(),
            **{name: np.einsum(rule, elasticities.values, cross).ravel() for name, rule in sums.items()},
        },
        index=index,
    )
    if elasticities.gradient is not None and elasticities.covariance is not None:
        for name, rule in sums.items():
            by_parameter = rule.replace("gkj,", "gkjp,") + "p"
            slope = np.einsum(by_parameter, elasticities.gradient, cross)
            table[f"{name}_error"] = delta_method(slope, elasticities.covariance).ravel()
    return table.reset_index()


def share_scenario(
    model: ChoiceModel,
    X: pd.DataFrame | ChoiceData,
    scenario: Scenario,
    *,
    by: ArrayLike | None = None,
    weights: ArrayLike | None = None,
) -> pd.DataFrame:
    """Return predicted shares as observed and under a scenario, ``{price: {heinz: -10%, hunts: 2.99}}``.

    Parameters
    ----------
    model
        A fitted model of choice.
    X : DataFrame of shape (n, columns) or ChoiceData
        The occasions over which is averaged.
    scenario
        For each attribute a change by alternative, or one for all: a number is the new value, a text such as
        ``-10%`` changes the observed one.
    by, weights : array-like of shape (n,), optional
        A group of each occasion, and how often it counts.

    Returns
    -------
    DataFrame
        One row per group and alternative: share, scenario, change = scenario − share with its standard error by the
        delta method and 95 % interval.

    Raises
    ------
    ChoiceError
        An attribute or alternative that is not there, or a change that cannot be read.
    """
    data = model.read(X)
    other = _changed(model, data, scenario)
    weight = weighted(data, weights)
    groups = list(groups_of(by, len(data)))

    def figure(parameters: list[Floats]) -> list[Floats]:
        found = []
        for vector in parameters:
            both = [model.probabilities(panel, vector) for panel in (data, other)]
            rows = [[_mean(P, weight, chosen) for P in both] for _, chosen in groups]
            found.append(np.asarray(rows).swapaxes(1, 2))
        return found

    values, gradient = with_gradient(model, figure)
    change = values[..., 1] - values[..., 0]
    error = delta_method(gradient[:, :, 1] - gradient[:, :, 0], model.covariance_)
    keys = [[name for name, _ in groups], data.alternatives]
    index = pd.MultiIndex.from_product(keys, names=["group", "alternative"])
    return pd.DataFrame(
        {
            "share": values[..., 0].ravel(),
            "scenario": values[..., 1].ravel(),
            "change": change.ravel(),
            "standard_error": error.ravel(),
            "low": (change - Z_95 * error).ravel(),
            "high": (change + Z_95 * error).ravel(),
        },
        index=index,
    ).reset_index()


def _mean(P: Floats, weight: Floats, rows: NDArray[np.intp] | None) -> Floats:
    return np.average(P, axis=0, weights=weight) if rows is None else np.average(P[rows], axis=0, weights=weight[rows])


def _changed(model: ChoiceModel, data: ChoiceData, scenario: Scenario) -> ChoiceData:
    for attribute, changes in scenario.items():
        own = [f"{attribute}{model.separator}{name}" for name in data.alternatives]
        if attribute not in model.terms_.columns and not set(own) <= set(model.terms_.columns):
            used = [name for name in data.attributes if name in model.terms_.columns]
            message = f"the scenario changes {attribute!r}, which is no attribute in the model"
            raise ChoiceError(message, f"it has {', '.join(used)}", (attribute,))
        each = changes if isinstance(changes, Mapping) else dict.fromkeys(data.alternatives, changes)
        for name, change in each.items():
            if str(name) not in data.alternatives:
                message = f"the scenario changes the {attribute} of {name!r}, which is no alternative"
                raise ChoiceError(message, f"they are {', '.join(data.alternatives)}", (str(name),))
            offer = Offer.of(data, attribute, str(name), model.separator)
            seen, values = offer.seen(data), _apply(offer.values(data), change)
            low, high = float(seen.min()), float(seen.max())
            beyond = np.mean((values < low) | (values > high))
            if beyond > MANY:
                message = (
                    f"the scenario extrapolates: {attribute} of {name} was between {low:g} and {high:g}, "
                    f"and is set beyond at {beyond:.0%} of the occasions"
                )
                warnings.warn(message, ChoiceWarning, stacklevel=3)
            data = offer.changed(data, values)
    return data


def _apply(values: Floats, change: Change) -> Floats:
    if isinstance(change, str) and change.endswith("%"):
        with suppress(ValueError):
            return values * (1 + float(change[:-1]) / 100)
    elif isinstance(change, int | float) and not isinstance(change, bool):
        return np.full_like(values, change)
    raise ChoiceError(f"the change {change!r} cannot be read", "write a new value, or a change such as '-10%'")
