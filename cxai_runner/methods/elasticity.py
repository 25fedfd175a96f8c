"""How purchase probability answers to price, for any classifier.

The question is about the category: the prices of all alternatives move together and keep their average relations, so
that their mean equals p; promotion and everything else stay as observed. With P̄(p) the mean purchase probability over
the panel's rows, the elasticity is d log P̄ / d log p. For a logit on the mean price alone this is b · p · (1 − P) [1]_.

References
----------
.. [1] Train (2009), Discrete Choice Methods with Simulation, 2nd edition, section 3.6.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import special, stats
from sklearn.base import clone
from sklearn.pipeline import Pipeline

from .logit import BinomialLogit

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


@dataclass(frozen=True, eq=False)
class _Rows:
    """The distinct rows of a panel apart from price, the prices' relations, and where each panel row belongs."""

    frame: pd.DataFrame
    prices: list[str]
    relative: Floats
    code: NDArray[np.intp]
    weight: Floats

    def at(self, price: ArrayLike) -> pd.DataFrame:
        """Every distinct row at every price, the price outermost."""
        points = np.atleast_1d(np.asarray(price, dtype=np.float64))
        stacked = self.frame.iloc[np.tile(np.arange(len(self.frame)), len(points))].reset_index(drop=True)
        repeated = np.repeat(points, len(self.frame))
        return stacked.assign(
            **{name: repeated * share for name, share in zip(self.prices, self.relative, strict=True)}
        )[list(self.frame.columns)]


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
    max_rows: int = 1000,
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
        Draws the resampled customers, and the rows where there are more than ``max_rows`` distinct ones.
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
        Distinct rows, apart from price, over which the probability is averaged.

    Raises
    ------
    ValueError
        A price is negative, the panel has a single mean price, or ``y`` is missing for a model that has to be refitted.
    """
    paid = X[list(prices)].to_numpy(dtype=np.float64)
    if (paid < 0).any():
        raise ValueError(
            f"{int((paid < 0).any(axis=1).sum())} rows have a negative price, where an elasticity means nothing; "
            "correct the prices, or leave these rows out"
        )
    mean_price = paid.mean(axis=1)
    observed = (float(mean_price.min()), float(mean_price.max()))
    width = observed[1] - observed[0]
    if not width > 0:
        raise ValueError(f"every row has the mean price {observed[0]:g}: there is no elasticity to estimate")
    final = model[-1] if isinstance(model, Pipeline) else model
    smooth = hasattr(final, "coef_")
    rows = _rows(X, list(prices), rng, max_rows)
    beyond = margin * width if smooth else 0.0
    if grid is None:
        grid = np.linspace(max(observed[0] - beyond, observed[0] / 2), observed[1] + beyond, points)
    over = np.asarray(grid, dtype=np.float64)
    centre = float(mean_price.mean())
    at = np.append(over, centre)

    if isinstance(final, BinomialLogit):
        transform = model[:-1].transform if isinstance(model, Pipeline) and len(model) > 1 else np.asarray
        probability, elasticity, unsure, error = _delta_method(final, transform, rows, at)
        quantile = float(special.ndtri(0.975))
        uncertainty = f"delta method, {final.covariance_type_} covariance"
        differences = "derivative of the logit"
    else:
        if y is None:
            raise ValueError("y is needed: the model has no covariance, and has to be refitted")
        near, differences = _neighbours(at, observed, smooth)
        probability, elasticity = _finite_difference(model, rows, rows.weight, near)
        draws = _refits(model, X, np.asarray(y), groups, rows, near, refits, rng)
        unsure, error = draws.std(axis=1, ddof=1)
        quantile = float(stats.t.ppf(0.975, refits - 1))
        uncertainty = f"{refits} refits on resampled customers"

    half = quantile * error[-1]
    at_mean = (centre, float(elasticity[-1]), float(elasticity[-1] - half), float(elasticity[-1] + half))
    return ElasticityCurve(
        over,
        probability[:-1],
        elasticity[:-1],
        error[:-1],
        unsure[:-1],
        quantile,
        observed,
        at_mean,
        uncertainty,
        differences,
        smooth,
    )


def _rows(X: pd.DataFrame, prices: list[str], rng: np.random.Generator, max_rows: int) -> _Rows:
    average = X[prices].to_numpy(dtype=np.float64).mean(axis=0)
    rest = [name for name in X.columns if name not in prices]
    grouped = X.groupby(rest, sort=False, dropna=False).ngroup() if rest else pd.Series(0, index=X.index)
    code = np.asarray(grouped, dtype=np.intp)
    first = np.unique(code, return_index=True)[1]
    if len(first) > max_rows:
        first = np.sort(rng.choice(len(X), max_rows, replace=False))
        code = np.full(len(X), -1, dtype=np.intp)
        code[first] = np.arange(max_rows)
    weight = np.bincount(code[code >= 0], minlength=len(first)).astype(np.float64)
    return _Rows(X.iloc[first].reset_index(drop=True), prices, average / average.mean(), code, weight)


def _delta_method(
    logit: BinomialLogit, transform: Callable[[pd.DataFrame], Any], rows: _Rows, at: Floats
) -> tuple[Floats, Floats, Floats, Floats]:
    """Probability, elasticity E = p · Σ w η′ / Σ P, and their standard errors; w = P(1 − P), η the log-odds."""
    beta = np.concatenate([logit.intercept_, logit.coef_[0]])
    step = 1e-5
    probability, elasticity, variances = np.empty(len(at)), np.empty(len(at)), np.empty((2, len(at)))
    for i, price in enumerate(at):
        shape = (3, len(rows.frame), len(logit.coef_[0]))
        below, here, above = np.asarray(
            transform(rows.at([price * (1 - step), price, price * (1 + step)])), dtype=np.float64
        ).reshape(shape)
        z = np.column_stack([np.ones(len(here)), here])
        dz = np.column_stack([np.zeros(len(here)), (above - below) / (2 * price * step)])
        P = special.expit(z @ beta)
        w, slope = P * (1 - P), dz @ beta
        total, moved = rows.weight @ P, rows.weight @ (w * slope)
        by_slope = (rows.weight * w) @ dz + (rows.weight * w * (1 - 2 * P) * slope) @ z
        by_level = (rows.weight * w) @ z
        gradient = price * (by_slope / total - moved / total**2 * by_level)
        rising = by_level / rows.weight.sum()
        probability[i], elasticity[i] = total / rows.weight.sum(), price * moved / total
        variances[:, i] = rising @ logit.covariance_ @ rising, gradient @ logit.covariance_ @ gradient
    unsure, error = np.sqrt(variances)
    return probability, elasticity, unsure, error


def _neighbours(at: Floats, observed: tuple[float, float], smooth: bool) -> tuple[Floats, str]:
    """For each price the prices below and above between which the difference is taken, shape (3, points)."""
    if smooth:
        return np.stack([at * (1 - 1e-4), at, at * (1 + 1e-4)]), "central difference"
    reach = (observed[1] - observed[0]) / 4
    low, high = np.maximum(at - reach, observed[0]), np.minimum(at + reach, observed[1])
    words = "arc elasticity between prices a quarter of the observed range below and above, because the model has steps"
    return np.stack([low, at, high]), words


def _finite_difference(model: Any, rows: _Rows, weight: Floats, near: Floats) -> tuple[Floats, Floats]:
    positive = model.predict_proba(rows.at(near.ravel()))[:, 1].astype(np.float64)
    mean = (positive.reshape(near.size, len(weight)) @ weight / weight.sum()).reshape(near.shape)
    change = np.log(np.maximum(mean, np.finfo(float).tiny))
    return mean[1], (change[2] - change[0]) / np.log(near[2] / near[0])


def _refits(
    model: Any,
    X: pd.DataFrame,
    y: NDArray[Any],
    groups: ArrayLike | None,
    rows: _Rows,
    near: Floats,
    refits: int,
    rng: np.random.Generator,
) -> Floats:
    """Probabilities and elasticities of refits on customers drawn with replacement, shape (2, refits, points)."""
    codes, ids = (np.arange(len(X)), range(len(X))) if groups is None else pd.factorize(np.asarray(groups))
    order = np.argsort(codes, kind="stable")
    members = np.split(order, np.cumsum(np.bincount(codes))[:-1])
    draws: list[tuple[Floats, Floats]] = []
    while len(draws) < refits:
        drawn = rng.integers(len(ids), size=len(ids))
        index = np.concatenate([members[c] for c in drawn])
        if len(np.unique(y[index])) < 2:
            continue
        times = np.bincount(drawn, minlength=len(ids))[codes].astype(np.float64)
        used = rows.code >= 0
        weight = np.bincount(rows.code[used], times[used], minlength=len(rows.frame)).astype(np.float64)
        refitted = clone(model).fit(X.iloc[index], y[index])
        draws.append(_finite_difference(refitted, rows, weight, near))
    return np.asarray(draws).swapaxes(0, 1)
