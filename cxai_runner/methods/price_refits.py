"""Purchase probability and its elasticity at any price with standard errors from refits, for any classifier.

Customers are drawn with replacement and the model is fitted again to their rows; how far its answers differ is what
one does not know. A model that answers in steps gets an arc elasticity.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import special, stats
from sklearn.base import clone
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import has_fit_parameter

from .averaged_rows import AveragedRows
from .elasticity_curve import Numbers
from .errors import IncidenceWarning
from .logit_model import LogitModel
from .price_lines import straight

Floats = NDArray[np.float64]
Probabilities = Callable[[Floats], Floats]
"""From prices, shape (m,), to the probability of each row there, shape (m, R)."""


@dataclass(frozen=True, eq=False)
class Refit:
    """A model fitted to resampled customers, and how often each row was drawn, shape (n,)."""

    model: Any
    times: Floats


class RefitMethod:
    """Numbers at any price.

    Parameters
    ----------
    model, refits
        The fitted model, and the same on resampled customers.
    rows
        The rows to average over.
    mine
        Which of the panel's rows these stand for, shape (n,).
    observed, span
        The lowest and highest price observed, and those that will be asked about.
    smooth
        Whether the model's probability changes smoothly with price.
    """

    def __init__(
        self,
        model: Any,
        refits: Sequence[Refit],
        rows: AveragedRows,
        mine: NDArray[np.bool_],
        *,
        observed: tuple[float, float],
        span: tuple[float, float],
        smooth: bool,
    ) -> None:
        self.rows, self.observed, self.smooth = rows, observed, smooth
        self.model = probabilities(model, rows, span, smooth=smooth)[0]
        self.refits: list[tuple[Probabilities, Floats]] = []
        for one in refits:
            weight = rows.resampled(one.times[mine])
            # A resample may leave out all of a small segment: the rows themselves are then asked about.
            asked = probabilities(one.model, rows, span, smooth=smooth)[0]
            self.refits.append((asked, weight if weight.sum() else rows.weight))

    def __call__(self, at: Floats) -> Numbers:
        """Return the numbers at prices, shape (points,)."""
        near, differences = _neighbours(at, self.observed, smooth=self.smooth)
        own = self.model(near.ravel()).reshape(*near.shape, -1)
        apart = np.log(near[2] / near[0])
        probability, elasticity = _between(own, self.rows.weight, apart)
        draws = []
        for asked, weight in self.refits:
            draws.append(_between(asked(near.ravel()).reshape(own.shape), weight, apart))
        variances = np.asarray(draws).swapaxes(0, 1).var(axis=1, ddof=1)
        mean = np.maximum(own @ self.rows.weight / self.rows.weight.sum(), np.finfo(float).tiny)[..., np.newaxis]
        drawn = (own[1], (own[2] / mean[2] - own[0] / mean[0]) / apart[:, np.newaxis])
        unsure, error = (
            np.sqrt(variance + self.rows.variance_of_draw(part, self.rows.weight))
            for variance, part in zip(variances, drawn, strict=True)
        )
        many = len(self.refits)
        told = f"{many} refits on resampled customers"
        quantile = float(stats.t.ppf(0.975, many - 1))
        return Numbers(probability, elasticity, unsure, error, quantile, told, differences)


def probabilities(
    model: Any, rows: AveragedRows, span: tuple[float, float], *, smooth: bool
) -> tuple[Probabilities, bool]:
    """Return what gives each row's probability at prices, and whether it knows the log-odds as lines in price."""

    def one_by_one(price: Floats) -> Floats:
        with warnings.catch_warnings():
            # A resample may leave out a level of a column.
            warnings.simplefilter("ignore", IncidenceWarning)
            positive = model.predict_proba(rows.at(price))[:, 1].astype(np.float64)
        return np.asarray(positive.reshape(len(price), len(rows.frame)))

    if not smooth or not hasattr(model, "decision_function"):
        return one_by_one, False
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", IncidenceWarning)
        lines = straight(model.decision_function, rows, span)
    if lines is None:
        return one_by_one, False
    level, slope = lines.level[:, 0], lines.slope[:, 0]
    final = model[-1] if isinstance(model, Pipeline) else model

    def by_line(price: Floats) -> Floats:
        log_odds = level + price[:, np.newaxis] * slope
        return final.curvature(log_odds).probability if isinstance(final, LogitModel) else special.expit(log_odds)

    tried = np.asarray(span[:1])
    exact = np.allclose(by_line(tried), one_by_one(tried), rtol=1e-9, atol=1e-12)
    return (by_line, True) if exact else (one_by_one, False)


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


def _between(probability: Floats, weight: Floats, apart: Floats) -> tuple[Floats, Floats]:
    """Mean probability, and its elasticity between the prices below and above, so far apart in logarithms."""
    mean = probability @ weight / weight.sum()
    change = np.log(np.maximum(mean, np.finfo(float).tiny))
    return mean[1], (change[2] - change[0]) / apart
