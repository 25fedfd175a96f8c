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

from collections.abc import Sequence
from math import inf
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.pipeline import Pipeline

from .averaged_rows import AveragedRows
from .elasticity_curve import ElasticityCurve
from .logit_model import LogitModel
from .price_delta import DeltaMethod
from .price_lines import straight
from .price_refits import Refit, RefitMethod, probabilities

Floats = NDArray[np.float64]

PROMOTION = "promotion_"
MOST_TERMS = 100_000
"""Distinct rows that are averaged over where a logit's terms are straight lines in price."""
MOST_LINES = 10_000
"""The same where every refit's log-odds are."""
MOST_ASKED = 1_000
"""The same where a model has to be asked anew at every price."""


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
        Draws rows where there are more than ``max_rows`` distinct ones; the interval allows for the draw.
    refits
        The same model on resampled customers, from `refitted`.
    max_rows
        Distinct rows, apart from price, over which a probability is averaged at most. By default `MOST_TERMS`,
        `MOST_LINES` or `MOST_ASKED`, by what the model takes to answer: all rows of most panels.

    Attributes
    ----------
    smooth : bool
        Whether probability changes smoothly with price, or in steps.
    delta : bool
        Whether the model has a covariance.
    ceiling : float
        What the elasticity cannot exceed: 0 where the model is held to fall with price.
    """

    def __init__(
        self,
        model: Any,
        X: pd.DataFrame,
        prices: Sequence[str],
        rng: np.random.Generator,
        refits: Sequence[Refit] = (),
        max_rows: int | None = None,
    ) -> None:
        self.model, self.X, self.prices, self.rng = model, X, list(prices), rng
        self.refits, self.max_rows = list(refits), max_rows
        self.final = model[-1] if isinstance(model, Pipeline) else model
        self.smooth = hasattr(self.final, "coef_")
        self.ceiling = 0.0 if getattr(self.final, "falling_", ()) else inf
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
        solve = self._solver(mine, promotion, moved, observed, np.append(over, centre), by_refits=by_refits)
        found = solve(np.append(over, centre))
        half = found.quantile * found.elasticity_error[-1]
        middle = float(found.elasticity[-1])
        told = "" if self.ceiling == inf else ", cut at 0, above which the model is held not to go"
        return ElasticityCurve(
            over,
            found.probability[:-1],
            found.elasticity[:-1],
            found.elasticity_error[:-1],
            found.probability_error[:-1],
            found.quantile,
            observed,
            (centre, middle, float(middle - half), float(min(middle + half, self.ceiling))),
            found.uncertainty + told,
            found.differences,
            self.smooth,
            float(found.probability[-1]),
            solve,
            solve.rows.counts,
            self.ceiling,
        )

    def _refuse_negative(self, mine: NDArray[np.bool_]) -> None:
        wrong = (self.X.loc[mine, self.prices] < 0).any(axis=1).sum()
        if wrong:
            raise ValueError(
                f"{int(wrong)} rows have a negative price, where an elasticity means nothing; correct the prices, or "
                "leave these rows out"
            )

    def _solver(
        self,
        mine: NDArray[np.bool_],
        promotion: float | None,
        moved: str | None,
        observed: tuple[float, float],
        over: Floats,
        *,
        by_refits: bool,
    ) -> DeltaMethod | RefitMethod:
        """What answers at any price about these rows."""
        X = self.X[mine]
        if promotion is not None:
            X = X.assign(**{name: promotion for name in X.columns if str(name).startswith(PROMOTION)})
        becomes = {moved: 1.0} if moved is not None else self._shares(X)
        span = (float(min(over.min(), observed[0])), float(max(over.max(), observed[1])))
        if self.delta and not by_refits:
            piped = isinstance(self.model, Pipeline) and len(self.model) > 1
            terms = self.model[:-1].transform if piped else np.asarray
            rows = AveragedRows.of(X, becomes, self.max_rows or MOST_TERMS, self.rng)
            lines = straight(terms, rows, span)
            if lines is None:
                rows = AveragedRows.of(X, becomes, self.max_rows or MOST_ASKED, self.rng)
            return DeltaMethod(self.final, terms, rows, lines)
        if len(self.refits) < 2:
            raise ValueError("two refits on resampled customers or more are needed: the model has no covariance")
        rows = AveragedRows.of(X, becomes, self.max_rows or MOST_LINES, self.rng)
        if not probabilities(self.model, rows, span, smooth=self.smooth)[1]:
            rows = AveragedRows.of(X, becomes, self.max_rows or MOST_ASKED, self.rng)
        return RefitMethod(self.model, self.refits, rows, mine, observed=observed, span=span, smooth=self.smooth)

    def _shares(self, X: pd.DataFrame) -> dict[str, float]:
        """Each price as a share of their mean, on average over rows."""
        average = X[self.prices].to_numpy(dtype=np.float64).mean(axis=0)
        return dict(zip(self.prices, (average / average.mean()).tolist(), strict=True))
