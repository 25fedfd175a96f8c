"""Which events are one basket, and how many baskets came after it: time as repeat purchases count it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cxai_runner.methods.recommend.interactions import Interactions


@dataclass(frozen=True, eq=False)
class Baskets:
    """The baskets of customers: what a customer bought the same number of days ago is one.

    Parameters
    ----------
    ages
        Of each event, how many baskets of the same customer came after its own; 0 in the latest.
    counts
        How many baskets each customer has, shape (n,).
    """

    ages: NDArray[np.int64]
    counts: NDArray[np.int64]

    @classmethod
    def of(cls, several: Interactions) -> Baskets:
        """Tell the baskets of customers apart; of one customer the oldest event comes first."""
        rows, days = several.rows, several.days
        opens = np.ones(len(rows), dtype=bool)
        opens[1:] = (rows[1:] != rows[:-1]) | (days[1:] != days[:-1])
        counts = np.bincount(rows[opens], minlength=len(several)).astype(np.int64)
        ends = np.cumsum(counts)  # after the last basket of each, all of them numbered through
        return cls(ends[rows] - np.cumsum(opens), counts)
