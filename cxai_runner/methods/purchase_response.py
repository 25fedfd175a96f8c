"""How purchase probability answers to price, for any classifier, any rows and any of the prices.

Prices move in one of two ways: all of them together, keeping their average relations, so that their mean equals p; or
that of one alternative, the others as observed. Promotion is as observed or set, and everything else is as observed.
With P̄(p) the mean purchase probability over the rows, the elasticity is d log P̄ / d log p [1]_. For a logit on the mean
price alone this is b · p · (1 − P).

A logit has a covariance: the delta method takes the gradient of both numbers by all its parameters. Any model can be
refitted to resampled customers instead, and one of trees, which answers in steps, gets an arc elasticity.

References
----------
.. [1] Train (2009), Discrete Choice Methods with Simulation, 2nd edition, section 3.6.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import special, stats
from sklearn.base import clone
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import has_fit_parameter

from .elasticity_curve import ElasticityCurve
from .errors import IncidenceWarning
from .logit_model import LogitModel

Floats = NDArray[np.float64]

_STEP = 1e-5
PROMOTION = "promotion_"


@dataclass(frozen=True, eq=False)
class Refit:
    """A model fitted to resampled customers, and how often each row was drawn, shape (n,)."""

    model: Any
    times: Floats


@dataclass(frozen=True, eq=False)
class Numbers:
    """Purchase probability and elasticity at each price with their standard errors, each of shape (points,)."""

    probability: Floats
    elasticity: Floats
    probability_error: Floats
    elasticity_error: Floats
    quantile: float
    uncertainty: str
    differences: str


@dataclass(frozen=True, eq=False)
class _Rows:
    """Rows that differ apart from the prices that move, how often each stands for one, and what those prices become."""

    frame: pd.DataFrame
    moved: dict[str, float]
    code: NDArray[np.intp]
    weight: Floats

    def at(self, price: ArrayLike) -> pd.DataFrame:
        """Every distinct row at every price, the price outermost."""
        points = np.atleast_1d(np.asarray(price, dtype=np.float64)).ravel()
        stacked = self.frame.iloc[np.tile(np.arange(len(self.frame)), len(points))].reset_index(drop=True)
        repeated = np.repeat(points, len(self.frame))
        return stacked.assign(**{name: repeated * share for name, share in self.moved.items()})

    def resampled(self, times: Floats) -> Floats:
        """Weights of the rows where each panel row was drawn so often."""
        used = self.code >= 0
        return np.bincount(self.code[used], times[used], minlength=len(self.frame)).astype(np.float64)


class PurchaseResponse:
    """The price response of a fitted model on a panel.

    Parameters
    ----------
    model
        A fitted classifier, or pipeline that ends in one; predicts the probability of purchase from ``X``.
    X : DataFrame of shape (n, columns)
        The panel's rows.
    prices
        The columns of ``X`` that hold the alternatives' prices.
    rng
        Draws rows where there are more than ``max_rows`` distinct ones.
    refits
        The same model on resampled customers, from `refitted`.
    max_rows
        Distinct rows, apart from price, over which a probability is averaged.

    Attributes
    ----------
    smooth : bool
        Whether probability changes smoothly with price, or in steps.
    delta : bool
        Whether the model has a covariance.
    """

    def __init__(
        self,
        model: Any,
        X: pd.DataFrame,
        prices: Sequence[str],
        rng: np.random.Generator,
        refits: Sequence[Refit] = (),
        max_rows: int = 1000,
    ) -> None:
        self.model, self.X, self.prices, self.rng = model, X, list(prices), rng
        self.refits, self.max_rows = list(refits), max_rows
        self.final = model[-1] if isinstance(model, Pipeline) else model
        self.smooth = hasattr(self.final, "coef_")
        self.delta = isinstance(self.final, LogitModel) and self.final.has_covariance

    def prices_of(self, moved: str | None = None) -> Floats:
        """Return what a curve's price is on each row: the mean over alternatives, or that of one."""
        if moved is not None:
            return self.X[moved].to_numpy(dtype=np.float64)
        return np.asarray(self.X[self.prices].to_numpy(dtype=np.float64).mean(axis=1))

    def curve(
        self,
        *,
        rows: NDArray[np.bool_] | None = None,
        promotion: float | None = None,
        moved: str | None = None,
        grid: ArrayLike | None = None,
        points: int = 41,
        margin: float = 0.25,
        by_refits: bool = False,
    ) -> ElasticityCurve:
        """Return the elasticity over the observed range of prices.

        Parameters
        ----------
        rows
            Those of a segment, shape (n,); all by default.
        promotion
            What promotion of every alternative is set to; as observed by default.
        moved
            The price that moves; all of them by default.
        grid, points, margin
            Prices at which it is evaluated; by default so many over the observed range, and so far beyond, in ranges. A
            model of steps (trees) has nothing to say there, and stops.
        by_refits
            Take the interval from the refits although the model has a covariance.

        Raises
        ------
        ValueError
            A price is negative, the rows have a single one, or there is no covariance and there are no refits.
        """
        mine = np.ones(len(self.X), dtype=bool) if rows is None else rows
        price = self.prices_of(moved)[mine]
        self._refuse_negative(mine)
        observed = (float(price.min()), float(price.max()))
        width = observed[1] - observed[0]
        if not width > 0:
            whose = "the mean price" if moved is None else f"the {moved}"
            raise ValueError(f"every row has {whose} {observed[0]:g}: there is no elasticity to estimate")
        beyond = margin * width if self.smooth else 0.0
        if grid is None:
            grid = np.linspace(max(observed[0] - beyond, observed[0] / 2), observed[1] + beyond, points)
        over, centre = np.asarray(grid, dtype=np.float64), float(price.mean())
        asked = self._rows(mine, promotion, moved)
        found = self._numbers(asked, np.append(over, centre), observed, mine, by_refits=by_refits)
        half = found.quantile * found.elasticity_error[-1]
        middle = float(found.elasticity[-1])
        return ElasticityCurve(
            over,
            found.probability[:-1],
            found.elasticity[:-1],
            found.elasticity_error[:-1],
            found.probability_error[:-1],
            found.quantile,
            observed,
            (centre, middle, float(middle - half), float(middle + half)),
            found.uncertainty,
            found.differences,
            self.smooth,
            float(found.probability[-1]),
        )

    def _refuse_negative(self, mine: NDArray[np.bool_]) -> None:
        wrong = (self.X.loc[mine, self.prices] < 0).any(axis=1).sum()
        if wrong:
            raise ValueError(
                f"{int(wrong)} rows have a negative price, where an elasticity means nothing; correct the prices, or "
                "leave these rows out"
            )

    def _rows(self, mine: NDArray[np.bool_], promotion: float | None, moved: str | None) -> _Rows:
        X = self.X[mine]
        if promotion is not None:
            X = X.assign(**{name: promotion for name in X.columns if str(name).startswith(PROMOTION)})
        if moved is None:
            average = X[self.prices].to_numpy(dtype=np.float64).mean(axis=0)
            becomes = dict(zip(self.prices, average / average.mean(), strict=True))
        else:
            becomes = {moved: 1.0}
        rest = [name for name in X.columns if name not in becomes]
        grouped = X.groupby(rest, sort=False, dropna=False).ngroup() if rest else pd.Series(0, index=X.index)
        code = np.asarray(grouped, dtype=np.intp)
        first = np.unique(code, return_index=True)[1]
        if len(first) > self.max_rows:
            first = np.sort(self.rng.choice(len(X), self.max_rows, replace=False))
            code = np.full(len(X), -1, dtype=np.intp)
            code[first] = np.arange(self.max_rows)
        weight = np.bincount(code[code >= 0], minlength=len(first)).astype(np.float64)
        return _Rows(X.iloc[first].reset_index(drop=True), becomes, code, weight)

    def _numbers(
        self, rows: _Rows, at: Floats, observed: tuple[float, float], mine: NDArray[np.bool_], *, by_refits: bool
    ) -> Numbers:
        if self.delta and not by_refits:
            return self._delta(rows, at)
        if len(self.refits) < 2:
            raise ValueError("two refits on resampled customers or more are needed: the model has no covariance")
        near, differences = _neighbours(at, observed, smooth=self.smooth)
        probability, elasticity = _between(self.model, rows, rows.weight, near)
        draws = []
        with warnings.catch_warnings():
            # A resample may leave out a level, or all of a small segment: the rows themselves are then asked about.
            warnings.simplefilter("ignore", IncidenceWarning)
            for one in self.refits:
                weight = rows.resampled(one.times[mine])
                draws.append(_between(one.model, rows, weight if weight.sum() else rows.weight, near))
        unsure, error = np.asarray(draws).swapaxes(0, 1).std(axis=1, ddof=1)
        many = len(self.refits)
        told = f"{many} refits on resampled customers"
        quantile = float(stats.t.ppf(0.975, many - 1))
        return Numbers(probability, elasticity, unsure, error, quantile, told, differences)

    def _delta(self, rows: _Rows, at: Floats) -> Numbers:
        """E = p · M / T with T = Σ ω P, M = Σ ω P′ s and s = dη/dp, and the gradients of P̄ and E by all parameters."""
        final, k = self.final, self.final.coef_.shape[1]
        terms = self.model[:-1].transform if isinstance(self.model, Pipeline) and len(self.model) > 1 else np.asarray
        near = np.stack([at * (1 - _STEP), at, at * (1 + _STEP)])
        seen = np.asarray(terms(rows.at(near)), dtype=np.float64).reshape(3, len(at), len(rows.frame), k)
        z = np.concatenate([np.ones((*seen.shape[1:3], 1)), seen[1]], axis=2)
        dz = np.zeros_like(z)
        dz[..., 1:] = (seen[2] - seen[0]) / (2 * _STEP * at)[:, np.newaxis, np.newaxis]
        beta, weight = np.concatenate([final.intercept_, final.coef_[0]]), rows.weight
        curve, s = final.curvature(z @ beta), dz @ beta
        total, moved = curve.probability @ weight, (curve.first * s) @ weight
        level = np.einsum("mr,mrk->mk", curve.first * weight, z)
        slope = np.einsum("mr,mrk->mk", curve.first * weight, dz) + np.einsum(
            "mr,mrk->mk", curve.second * s * weight, z
        )
        level = np.hstack([level, (curve.by_shape @ weight).T])
        slope = np.hstack([slope, ((curve.first_by_shape * s) @ weight).T])
        rising = level / weight.sum()
        gradient = at[:, np.newaxis] * (slope / total[:, np.newaxis] - (moved / total**2)[:, np.newaxis] * level)
        unsure, error = (np.sqrt(np.einsum("mk,kl,ml->m", one, final.covariance_, one)) for one in (rising, gradient))
        told = f"delta method, {final.covariance_type_} covariance"
        quantile = float(special.ndtri(0.975))
        elasticity = at * moved / total
        return Numbers(total / weight.sum(), elasticity, unsure, error, quantile, told, "derivative of the logit")


def refitted(
    model: Any, X: pd.DataFrame, y: ArrayLike, groups: ArrayLike | None, times: int, rng: np.random.Generator
) -> list[Refit]:
    """Fit a model again to customers drawn with replacement.

    Parameters
    ----------
    model
        The model or pipeline.
    X, y
        Its rows and their outcomes.
    groups
        The customer of each row; None takes each row for one.
    times
        How often. A draw in which everybody or nobody buys is drawn anew.
    rng
        Draws.
    """
    outcome = np.asarray(y)
    codes, ids = (np.arange(len(X)), range(len(X))) if groups is None else pd.factorize(np.asarray(groups))
    members = np.split(np.argsort(codes, kind="stable"), np.cumsum(np.bincount(codes))[:-1])
    final = model[-1] if isinstance(model, Pipeline) else model
    step = f"{model.steps[-1][0]}__groups" if isinstance(model, Pipeline) else "groups"
    grouped = has_fit_parameter(final, "groups") and getattr(final, "needs_groups", False)
    refits: list[Refit] = []
    while len(refits) < times:
        drawn = rng.integers(len(ids), size=len(ids))
        index = np.concatenate([members[c] for c in drawn])
        if len(np.unique(outcome[index])) < 2:
            continue
        # A customer who is drawn twice is two.
        extra = {step: np.repeat(np.arange(len(drawn)), [len(members[c]) for c in drawn])} if grouped else {}
        again = clone(model).fit(X.iloc[index], outcome[index], **extra)
        refits.append(Refit(again, np.bincount(drawn, minlength=len(ids))[codes].astype(np.float64)))
    return refits


def _neighbours(at: Floats, observed: tuple[float, float], *, smooth: bool) -> tuple[Floats, str]:
    """For each price the prices below and above between which the difference is taken, shape (3, points)."""
    if smooth:
        return np.stack([at * (1 - 1e-4), at, at * (1 + 1e-4)]), "central difference"
    reach = (observed[1] - observed[0]) / 4
    low, high = np.maximum(at - reach, observed[0]), np.minimum(at + reach, observed[1])
    words = "arc elasticity between prices a quarter of the observed range below and above, because the model has steps"
    return np.stack([low, at, high]), words


def _between(model: Any, rows: _Rows, weight: Floats, near: Floats) -> tuple[Floats, Floats]:
    positive = model.predict_proba(rows.at(near))[:, 1].astype(np.float64)
    mean = (positive.reshape(near.size, len(weight)) @ weight / weight.sum()).reshape(near.shape)
    change = np.log(np.maximum(mean, np.finfo(float).tiny))
    return mean[1], (change[2] - change[0]) / np.log(near[2] / near[0])
