"""Scores from 1 to 5 by where a customer stands among all: the fifth that bought last, most often, and most.

The edges are quantiles of the customers that were learned from; a value on an edge belongs below it. Where many
customers share one value (most bought once), they share one score, and fewer than five scores are given. Elsewhere such
ties are sometimes broken by the order of the file, which puts two customers with the same purchases into two segments.

See Hughes, A. M. (1994), Strategic Database Marketing, chapter 6, for recency, frequency and monetary scores.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

LOW_IS_BEST = ("recency",)
"""Measures of which less is better."""


def edges(values: ArrayLike, scores: int = 5) -> NDArray[np.float64]:
    """Return the quantiles that divide ``values`` into as many parts as there are scores, shape (scores − 1,).

    Parameters
    ----------
    values
        One number per customer, shape (n,).
    scores
        How many scores there are.
    """
    shares = np.arange(1, scores) / scores
    found: NDArray[np.float64] = np.quantile(np.asarray(values, dtype=np.float64), shares, method="inverted_cdf")
    return found


def scored(values: ArrayLike, at: ArrayLike, *, low_is_best: bool = False) -> NDArray[np.int64]:
    """Return the score of each value, from 1 to one more than there are edges; the highest is the best.

    Parameters
    ----------
    values
        Shape (n,).
    at
        The edges, in order.
    low_is_best
        Whether the lowest values have the highest score.
    """
    above = np.searchsorted(np.asarray(at, dtype=np.float64), np.asarray(values, dtype=np.float64), side="left")
    return np.asarray(len(np.asarray(at)) - above if low_is_best else above, dtype=np.int64) + 1
