"""The rows over which a purchase probability is averaged: those that are alike but for the prices that move, once.

An average over all rows of a panel needs each distinct one once, with how often it stands there. Where even these are
too many for a model, some are drawn, and what that adds to the error of an average is known.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class AveragedRows:
    """Rows that differ apart from the prices that move.

    Parameters
    ----------
    frame
        Each of them, R in all.
    moved
        Each price that moves, as a share of the price that a curve is drawn over.
    code
        The row that each of the panel's n became, shape (n,); −1 for one that was not drawn.
    weight
        How many of the panel's rows each stands for, shape (R,).
    """

    frame: pd.DataFrame
    moved: dict[str, float]
    code: NDArray[np.intp]
    weight: Floats

    @classmethod
    def of(cls, X: pd.DataFrame, moved: dict[str, float], most: int, rng: np.random.Generator) -> AveragedRows:
        """Put equal rows together; draw ``most`` rows where there are more distinct ones."""
        rest = [name for name in X.columns if name not in moved]
        grouped = X.groupby(rest, sort=False, dropna=False).ngroup() if rest else pd.Series(0, index=X.index)
        code = np.asarray(grouped, dtype=np.intp)
        first = np.unique(code, return_index=True)[1]
        if len(first) > most:
            first = np.sort(rng.choice(len(X), most, replace=False))
            code = np.full(len(X), -1, dtype=np.intp)
            code[first] = np.arange(most)
        weight = np.bincount(code[code >= 0], minlength=len(first)).astype(np.float64)
        return cls(X.iloc[first].reset_index(drop=True), moved, code, weight)

    @property
    def counts(self) -> tuple[int, int]:
        """How many of the panel's rows are averaged, and how many there are."""
        return int(self.weight.sum()), len(self.code)

    def at(self, price: ArrayLike) -> pd.DataFrame:
        """Return every row at every price, the price outermost."""
        points = np.atleast_1d(np.asarray(price, dtype=np.float64)).ravel()
        stacked = self.frame.iloc[np.tile(np.arange(len(self.frame)), len(points))].reset_index(drop=True)
        repeated = np.repeat(points, len(self.frame))
        return stacked.assign(**{name: repeated * share for name, share in self.moved.items()})

    def resampled(self, times: Floats) -> Floats:
        """Weights of the rows where each panel row was drawn so often, shape (R,)."""
        used = self.code >= 0
        return np.bincount(self.code[used], times[used], minlength=len(self.frame)).astype(np.float64)

    def variance_of_draw(self, part: Floats, weight: Floats) -> Floats:
        """Variance that the draw of rows adds to an average, (1 − n/N) · s²/n of the rows' own parts of it.

        Parameters
        ----------
        part
            What each row adds, shape (points, rows).
        weight
            How many drawn rows each stands for, shape (rows,).

        Notes
        -----
        Cochran (1977), Sampling Techniques, 3rd edition, theorem 2.2; for a ratio, whose rows' parts are those of its
        linear approximation, section 6.4.
        """
        drawn, every = self.counts
        if drawn == every:
            return np.zeros(len(part))
        spread = (part**2) @ weight - (part @ weight) ** 2 / drawn
        return np.asarray((1 - drawn / every) / drawn * spread / (drawn - 1))
