"""What is said of a fitted likelihood: its covariance, and what it is compared with."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import special

from cxai_runner.methods.sandwich import by_customer, clustered, sandwich

from .data import ChoiceData
from .errors import ChoiceError
from .likelihood import LogitLikelihood

Floats = NDArray[np.float64]
Covariance = Literal["auto", "classical", "robust", "clustered"]
COVARIANCES = ("auto", "classical", "robust", "clustered")

# The 97.5 % point of the standard normal distribution.
Z_95 = float(special.ndtri(0.975))


def covariance_type(asked: str, customers: NDArray[np.intp] | None) -> str:
    """Return which covariance is meant: ``auto`` is clustered where the customers are known."""
    if asked not in COVARIANCES:
        raise ValueError(f"covariance must be one of {', '.join(COVARIANCES)}, not {asked!r}")
    kind = asked if asked != "auto" else "classical" if customers is None else "clustered"
    if kind == "clustered" and customers is None:
        raise ChoiceError("the covariance is clustered, and no customers are given", "give groups, or ask for robust")
    return kind


def covariance(information: Floats, scores: Floats | None, customers: NDArray[np.intp] | None) -> Floats:
    """Return H⁻¹ without scores, else the sandwich H⁻¹ (Σ s sᵀ) H⁻¹, summed by customer where they are given.

    Parameters
    ----------
    information : ndarray of shape (K, K)
        H, the negative Hessian of the log-likelihood.
    scores : ndarray of shape (K, n), optional
        Of each occasion, with its weight.
    customers : ndarray of shape (n,), optional
        Codes; the covariance is then clustered, as in `sandwich`.
    """
    bread: Floats = np.asarray(np.linalg.inv(information), dtype=np.float64)
    bread = (bread + bread.T) / 2
    if scores is None:
        return bread
    if customers is None:
        return sandwich(bread, scores.T)
    if customers.max() < 1:
        raise ChoiceError("one customer only: a clustered covariance needs two", "ask for a robust one")
    return clustered(bread, by_customer(scores.T, customers), scores.shape[1])


def equal_shares_log_likelihood(data: ChoiceData) -> float:
    """Return the log-likelihood where each available alternative is chosen with the same probability."""
    options = np.full(len(data), len(data.alternatives)) if data.available is None else data.available.sum(axis=1)
    weights = np.ones(len(data)) if data.weights is None else data.weights
    return float(-weights @ np.log(options))


def constants_log_likelihood(data: ChoiceData) -> float:
    """Return the log-likelihood of alternative-specific constants alone, fitted.

    With all alternatives always available they reproduce the market shares; else the occasions are counted by what
    was available, and the constants are fitted to the counts.
    """
    assert data.chosen is not None
    J = len(data.alternatives)
    if data.available is None:
        times = np.bincount(data.chosen, data.weights, minlength=J)
        return float(special.xlogy(times, times / times.sum()).sum())
    packed = data.available @ (1 << np.arange(J, dtype=object)) if J > 62 else data.available @ (1 << np.arange(J))
    key = pd.factorize(packed * J + data.chosen)[0]
    first = np.unique(key, return_index=True)[1]
    counts: Floats = np.bincount(key, data.weights).astype(np.float64)
    chosen, available = data.chosen[first], data.available[first]
    # An alternative that is never chosen has the constant −∞: it leaves the sets it was in.
    used = np.flatnonzero(np.bincount(chosen, minlength=J) > 0)
    chosen, available = np.searchsorted(used, chosen), np.asfortranarray(available[:, used])
    design = np.zeros((len(used) - 1, len(used), len(first)))
    for k, row in enumerate(design):
        row[k + 1] = available[:, k + 1]
    if len(used) == 1:
        return 0.0
    names = tuple(f"constant[{data.alternatives[j]}]" for j in used[1:])
    likelihood = LogitLikelihood(design, chosen, available.T)
    # Where alternatives never meet in one set, a constant is free: the maximum is the same whatever it is.
    free = likelihood.scale > 0
    likelihood.design, likelihood.scale = likelihood.design[free], likelihood.scale[free]
    kept = tuple(name for name, ok in zip(names, free, strict=True) if ok)
    if not kept:
        return float(-counts @ np.log(available.sum(axis=1)))
    return likelihood.maximise(kept, weights=counts, start=np.zeros(len(kept))).value
