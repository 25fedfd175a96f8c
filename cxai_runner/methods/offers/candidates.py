"""The items that a customer may be offered: the first of a model's ranking, with what is known of each pair.

What is known comes from the ranking and from the customer's own history, so that it can be known of anybody.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cxai_runner.methods.recommend import Catalogue, Interactions, Recommender
from cxai_runner.methods.recommend.lists import parsed

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Candidates:
    """K items for each of n customers, the best first.

    Parameters
    ----------
    codes, scores
        Place in the catalogue, −1 where there is no further item, and the model's score, shape (n, K).
    times, since
        In how many baskets the customer bought the item, and how many days ago last; 0 where never, shape (n, K).
    rate, recent
        Baskets of each customer in ``horizon`` days, over the whole history and over the last of them, shape (n,).
    idle
        Days since the customer last bought anything, shape (n,).
    horizons
        How often the horizon goes into the time that histories are known for: counts over a longer time are larger.
    """

    codes: NDArray[np.int32]
    scores: Floats
    times: Floats
    since: Floats
    rate: Floats
    recent: Floats
    idle: Floats
    horizons: float

    @property
    def possible(self) -> Bools:
        """Where there is an item, shape (n, K)."""
        return self.codes >= 0

    @property
    def repeat(self) -> Bools:
        """Whether the customer had bought the item, shape (n, K)."""
        return self.times > 0

    def among(self, catalogue: Catalogue, lists: pd.Series) -> Bools:
        """Return whether each is in the customer's list, such as what they went on to buy, shape (n, K)."""
        begins, names = parsed(lists)
        own = np.repeat(np.arange(len(lists)), np.diff(begins))
        codes = catalogue.codes(names)
        known = codes >= 0
        keys = np.unique(own[known] * len(catalogue) + codes[known])
        return self.possible & np.isin(_keys(self.codes, len(catalogue)), keys)


def candidates_of(
    model: Recommender, frame: pd.DataFrame, k: int, horizon: float, repeats: bool | None = None
) -> Candidates:
    """Return the first ``k`` items of a model's ranking for each customer.

    Parameters
    ----------
    model
        Fitted.
    frame
        A row per customer, as the model takes it.
    k
        How many, of the catalogue at most.
    horizon
        Days that a rate of baskets is for.
    repeats
        Whether what a customer bought before is a candidate; by default as the model has it.
    """
    several = Interactions.of(frame, model.catalogue)
    ranked = model.ranked(several, min(k, several.items), repeats)
    return described(several, ranked.codes, ranked.scores.astype(np.float64), horizon)


def described(several: Interactions, codes: NDArray[np.int32], scores: Floats, horizon: float) -> Candidates:
    """Return candidates with what the customers' histories say of them."""
    days, rows = several.days.astype(np.float64), several.rows
    # A customer's purchases stand in order of time: a basket begins where the day is another one.
    begins = np.ones(len(days), dtype=bool)
    begins[1:] = (np.diff(days) != 0) | (np.diff(rows) != 0)
    span = max(float(days.max(initial=0)), horizon)
    baskets = np.bincount(rows[begins], minlength=len(several))
    recent = np.bincount(rows[begins & (days <= horizon)], minlength=len(several))
    idle = np.full(len(several), span)
    np.minimum.at(idle, rows, days)
    keys = rows * several.items + several.codes
    own, event = np.unique(keys, return_inverse=True)
    counts = np.bincount(event, minlength=len(own)).astype(np.float64)
    last = np.full(len(own), np.inf)
    np.minimum.at(last, event, days)
    wanted = _keys(codes, several.items)
    place = np.minimum(np.searchsorted(own, wanted), max(len(own) - 1, 0))
    met = (own[place] == wanted) & (codes >= 0) if len(own) else np.zeros(codes.shape, dtype=bool)
    return Candidates(
        codes,
        scores,
        np.where(met, counts[place], 0) if len(own) else np.zeros(codes.shape),
        np.where(met, last[place], 0) if len(own) else np.zeros(codes.shape),
        np.asarray(baskets * (horizon / span), dtype=np.float64),
        recent.astype(np.float64),
        idle,
        span / horizon,
    )


def _keys(codes: NDArray[np.int32], items: int) -> NDArray[np.int64]:
    """A number for each pair of customer and item, shape (n, K); of no item none that occurs."""
    rows = np.arange(len(codes), dtype=np.int64)[:, np.newaxis]
    return np.where(codes >= 0, rows * items + codes, -1)
