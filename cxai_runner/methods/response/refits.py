"""The chain fitted again to customers drawn with replacement: what a response would have been with other customers.

All three models are refitted in each resample, so that what an interval says includes that they rest on each other
and on the same customers. Most panels have few rows that differ (a week's prices are everybody's): occasions that a
model sees alike are counted together once, a resample only changes the counts, and Newton's method starts from the
estimate. A model that takes no counts is fitted to the rows, repeated.

Cameron and Miller (2015), A practitioner's guide to cluster-robust inference, Journal of Human Resources 50(2), section
VI.C: pairs of clusters are drawn.
"""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from numpy.typing import ArrayLike, NDArray
from scipy import special
from sklearn.base import clone
from sklearn.utils.validation import has_fit_parameter

from cxai_runner.methods.choice import ConditionalLogit, LatentClassLogit, MixedLogit
from cxai_runner.methods.choice.data import ChoiceData
from cxai_runner.methods.choice.likelihood import LogitLikelihood
from cxai_runner.methods.choice.model import ChoiceModel
from cxai_runner.methods.levels import levels
from cxai_runner.methods.logit import BinomialLogit
from cxai_runner.methods.quantity import LinearQuantity, LogLinearQuantity, PoissonQuantity
from cxai_runner.methods.quantity import likelihood as counts
from cxai_runner.methods.quantity.newton import maximise
from cxai_runner.methods.quantity.terms import BRAND
from cxai_runner.methods.unnamed import seen_by

from .chain import INCLUSIVE, PurchaseChain
from .economics import Draw, Occasions
from .inclusive import inclusive_value

Floats = NDArray[np.float64]
Codes = NDArray[np.intp]

STEPS = 50
NEAR = 1e-9


def refits(
    chain: PurchaseChain,
    X: pd.DataFrame,
    y: pd.DataFrame,
    groups: ArrayLike,
    times: int,
    rng: np.random.Generator,
    *,
    threads: int = 1,
    done: Callable[[int], bool] = lambda number: True,
) -> list[Draw]:
    """Return the chain as it is, and as refitted to customers drawn with replacement.

    Parameters
    ----------
    chain, X, y, groups
        Fitted to these occasions; ``groups`` are their customers.
    times
        How many refits.
    rng
        Draws the customers, all before the first refit: the result does not depend on ``threads``.
    threads
        How many refits are worked on at once.
    done
        Called after each with its number, 1, 2 …; what it returns says whether to go on.

    Returns
    -------
    list of Draw
        The estimate first. A resample in which one of the models has no estimate (a brand that nobody in it bought, or
        perfect separation) is left out: the list is shorter by it.
    """
    codes, ids = pd.factorize(np.asarray(groups))
    drawn = rng.integers(len(ids), size=(times, len(ids)))
    weights = [np.bincount(one, minlength=len(ids))[codes].astype(np.float64) for one in drawn]
    refit = Refit(chain, X, y, codes)
    found = [Draw(chain, np.ones(len(X)))]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what a resample has to say was said of the estimate, or is not about the data
        work = Parallel(n_jobs=threads, prefer="threads", return_as="generator")(
            delayed(refit.attempt)(weight) for weight in weights
        )
        for number, (weight, other) in enumerate(zip(weights, work, strict=True), 1):
            if other is not None:
                found.append(Draw(other, weight))
            if not done(number):
                break
    return found


class Refit:
    """Fits a chain again to the same occasions, each counted so many times.

    Parameters
    ----------
    chain, X, y
        Fitted to these occasions.
    customers
        Code of each occasion's customer, shape (n,).
    """

    def __init__(self, chain: PurchaseChain, X: pd.DataFrame, y: pd.DataFrame, customers: Codes) -> None:
        self.chain, self.customers = chain, customers
        occasions = Occasions.of(X, list(chain.feature_names_in_))
        self.rows, self.code = occasions.frame, occasions.code
        bought = y["incidence"].to_numpy() == 1
        self.bought = bought
        self.where = np.flatnonzero(bought)
        names = levels(y[BRAND].iloc[self.where])
        self.chosen = np.asarray(pd.Index(chain.alternatives_).get_indexer(pd.Index(names)), dtype=np.intp)
        units = y["quantity"].to_numpy(dtype=np.float64)[self.where]

        # Occasions alike to a model, counted: which row and outcome, and which cell each occasion is in.
        code = self.code[self.where]
        self.incidence = _Cells(np.column_stack([self.code, bought]))
        self.choice = _Cells(np.column_stack([code, self.chosen]))
        quantity, of = np.unique(units, return_inverse=True)
        self.quantity = _Cells(np.column_stack([code, self.chosen, of.ravel()]))

        self.seen = chain.incidence_terms_.transform(self.rows)
        every = chain.choice_.read(self.rows)
        self.market = chain.choice_.layout(every).design(every)
        self.there = None if every.available is None else every.available.T
        row, self.brand = self.choice.keys.T
        self.choices = replace(every.take(row), chosen=self.brand)
        row, brand, count = self.quantity.keys.T
        named = self.rows.iloc[row].assign(**{BRAND: np.asarray(chain.alternatives_, dtype=object)[brand]})
        self.units = quantity[count]
        self.terms = chain.quantity_terms_.transform(named).reset_index(drop=True)
        self.likelihood: LogitLikelihood | None = None
        if isinstance(chain.choice_, ConditionalLogit):
            layout = chain.choice_.layout(self.choices)
            there = None if self.choices.available is None else self.choices.available.T
            self.likelihood = LogitLikelihood(layout.design(self.choices), self.brand, there)

    def attempt(self, times: Floats) -> PurchaseChain | None:
        """Return the chain fitted again, or None where one of its models has no estimate."""
        try:
            return self(times)
        except ValueError:  # what all three models raise, a singular matrix included
            return None

    def __call__(self, times: Floats) -> PurchaseChain:
        """Return the chain fitted again with each occasion counted so many times, shape (n,)."""
        made = copy.copy(self.chain)
        made.choice_ = self._choice(times)
        made.quantity_ = self._quantity(self.quantity.counted(times[self.where]))
        made.incidence_ = self._incidence(made, times)
        return made

    def _choice(self, times: Floats) -> ChoiceModel:
        model, weight = self.chain.choice_, self.choice.counted(times[self.where])
        if self.likelihood is not None:
            best = self.likelihood.maximise(model.parameter_names_, weights=weight, start=model.parameters_)
            missing = np.bincount(self.brand, weight, len(self.chain.alternatives_)) == 0
            if best.separated or missing.any():
                raise ValueError("no maximum")
            return _with(model, parameters_=best.estimate, coef_=best.estimate)
        if _by_customer(model):
            rows, whose = _repeated(times[self.where], self.customers[self.where])
            data = replace(self.choices.take(self.choice.of[rows]), customers=whose)
            return _refitted(model, data)
        kept = np.flatnonzero(weight)
        return _refitted(model, replace(self.choices.take(kept), weights=weight[kept]))

    def _incidence(self, made: PurchaseChain, times: Floats) -> Any:
        final, seen = self.chain.incidence_, self.seen
        if made.inclusive_:
            seen = seen.assign(**{INCLUSIVE: inclusive_value(made.choice_, self.market, self.there)})
        if getattr(final, "needs_groups", False):
            rows, whose = _repeated(times, self.customers)
            return clone(final).fit(seen.iloc[self.code[rows]], self.bought[rows].astype(np.int64), groups=whose)
        weight, (row, bought) = self.incidence.counted(times), self.incidence.keys.T
        if type(final) is BinomialLogit:
            values = seen.to_numpy(dtype=np.float64)[row]
            start = np.concatenate([final.intercept_, final.coef_[0]])
            theta = _logit(values, bought.astype(np.float64), weight, start)
            return _with(final, intercept_=theta[:1], coef_=theta[1:][np.newaxis])
        return _fitted_to(final, seen.iloc[row], bought, weight)

    def _quantity(self, weight: Floats) -> Any:
        final, y = self.chain.quantity_, self.units
        if isinstance(final, LinearQuantity):
            return _least_squares(final, self.terms.to_numpy(dtype=np.float64), y, weight)
        if isinstance(final, PoissonQuantity):
            found = _counted(final, self.terms.to_numpy(dtype=np.float64), y, weight)
            if found is not None:
                return found
        return _fitted_to(final, self.terms, y, weight)


class _Cells:
    """Rows that are alike: the keys of each cell, shape (cells, keys), and the cell that each row is in."""

    def __init__(self, keys: NDArray[Any]) -> None:
        self.keys, of = np.unique(keys.astype(np.intp), axis=0, return_inverse=True)
        self.of = of.ravel()

    def counted(self, times: Floats) -> Floats:
        """How often each cell counts."""
        return np.bincount(self.of, times, len(self.keys)).astype(np.float64)


def _logit(X: Floats, y: Floats, weight: Floats, start: Floats) -> Floats:
    """Newton's method for a logit with counts, on standardised columns, from a start that is near."""
    design, back = _standardised(X)
    theta = np.linalg.solve(back, start)
    for _ in range(STEPS):
        p = special.expit(design @ theta)
        gradient = design.T @ (weight * (y - p))
        information = design.T @ (design * (weight * p * (1 - p))[:, np.newaxis])
        move = np.linalg.solve(information, gradient)
        theta = theta + move
        if np.abs(design @ move).max() < NEAR:
            return np.asarray(back @ theta)
    raise ValueError("no maximum")


def _counted(final: PoissonQuantity, X: Floats, y: Floats, weight: Floats) -> Any:
    """A form of counts, fitted with weights; None where this way there is no maximum."""
    design, back = _standardised(X)
    theta = np.linalg.solve(back, np.concatenate([[final.intercept_], final.coef_]))
    dispersed = final.shape_ > 0

    def by_row(linear: Floats, more: Floats) -> counts.Pieces:
        if dispersed:
            pieces = counts.negative_binomial(y, linear, float(more[0]), truncated=final.truncated)
        else:
            pieces = counts.poisson(y, linear, truncated=final.truncated)
        return counts.Pieces(weight * pieces.value, weight * pieces.first, weight * pieces.second)

    start = np.append(theta, np.log(final.shape_)) if dispersed else theta
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):  # a step too far is halved
        found = maximise(design, by_row, start, STEPS)
    if not found.converged or found.endless is not None:
        return None
    theta = back @ found.estimate[: len(back)]
    shape = float(np.exp(found.estimate[-1])) if dispersed else 0.0
    return _with(final, intercept_=float(theta[0]), coef_=theta[1:], shape_=shape)


def _least_squares(final: LinearQuantity, X: Floats, y: Floats, weight: Floats) -> Any:
    logged = isinstance(final, LogLinearQuantity)
    target = np.log(y) if logged else y
    design = np.column_stack([np.ones(len(X)), X])
    root = np.sqrt(weight)
    theta = np.linalg.lstsq(design * root[:, np.newaxis], target * root, rcond=None)[0]
    rest = target - design @ theta
    more = {"smearing_": float(np.average(np.exp(rest), weights=weight))} if logged else {}
    shape = float(np.sqrt(weight @ rest**2 / (weight.sum() - len(theta))))
    return _with(final, intercept_=float(theta[0]), coef_=theta[1:], shape_=shape, **more)


def _standardised(X: Floats) -> tuple[Floats, Floats]:
    """Standardised columns behind ones, and the matrix from their coefficients to those of the columns given."""
    centre, scale = X.mean(axis=0), X.std(axis=0)
    scale = np.where(scale > 0, scale, 1.0)
    back = np.diag(np.concatenate([[1.0], 1.0 / scale]))
    back[0, 1:] = -centre / scale
    return np.column_stack([np.ones(len(X)), (X - centre) / scale]), back


def _fitted_to(final: Any, rows: pd.DataFrame, y: NDArray[Any], weight: Floats) -> Any:
    """A model of any kind, fitted to rows with counts; one that counts rows itself (trees) to the rows, repeated."""
    kept = np.flatnonzero(weight)
    if hasattr(final, "coef_") and has_fit_parameter(final, "sample_weight"):
        return clone(final).fit(seen_by(final, rows.iloc[kept]), y[kept], sample_weight=weight[kept])
    index = np.repeat(kept, weight[kept].astype(np.intp))
    return clone(final).fit(seen_by(final, rows.iloc[index]), y[index])


def _repeated(times: Floats, customers: Codes) -> tuple[Codes, Codes]:
    """Rows as often as they count, and whose they are: a customer drawn twice is two."""
    count = times.astype(np.intp)
    rows = np.repeat(np.arange(len(count)), count)
    turn = np.arange(len(rows)) - np.repeat(np.cumsum(count) - count, count)
    return rows, pd.factorize(customers[rows] * (int(count.max(initial=0)) + 1) + turn)[0]


def _by_customer(model: ChoiceModel) -> bool:
    """Whether a model of choice knows customers: its occasions cannot be counted together across them."""
    return isinstance(model, LatentClassLogit | MixedLogit)


def _refitted(model: ChoiceModel, data: ChoiceData) -> ChoiceModel:
    return clone(model).fit(data)


def _with(model: Any, **attributes: Any) -> Any:
    """A copy of a fitted model with other estimates; its parameters and the covariance are those of the first."""
    made = copy.copy(model)
    vars(made).update(attributes)
    return made
