"""The best k of many items for each customer, a block of customers at a time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cxai_runner.methods.recommend.interactions import Catalogue, Codes, Floats

NONE = -1
BLOCK = 8_000_000
"""Scores that are in memory at a time: 32 MB of them."""


def block_size(items: int) -> int:
    """How many customers are scored at a time."""
    return int(np.clip(BLOCK // max(items, 1), 1, 4096))


@dataclass(frozen=True, eq=False)
class Ranked:
    """A list for each customer, the best first.

    Parameters
    ----------
    codes
        Places in the catalogue, shape (n, k); −1 where a customer has no further item.
    scores
        How much each is recommended, shape (n, k), in the model's own unit; 0 where there is no item.
    fallback
        Of whom nothing was known, shape (n,): they get what most customers bought.
    """

    codes: Codes
    scores: Floats
    fallback: NDArray[np.bool_]

    def named(self, catalogue: Catalogue) -> NDArray[np.object_]:
        """Return the items' names, shape (n, k); an empty text where there is no item."""
        names = np.array([*catalogue.items, ""], dtype=object)
        return names[self.codes]


def best(scores: Floats, k: int) -> tuple[Codes, Floats]:
    """Return the best k of each row, the best first; of equal ones the first in the catalogue.

    Parameters
    ----------
    scores
        Shape (b, m); −inf keeps an item off the list.
    k
        How many. Where a row has fewer, the rest is −1, with a score of 0.

    Returns
    -------
    codes, scores
        Shape (b, k).
    """
    b, m = scores.shape
    few = min(k, m)
    codes = np.full((b, k), NONE, dtype=np.int32)
    found = np.zeros((b, k), dtype=np.float32)
    if few < m:
        chosen = np.argpartition(scores, m - few, axis=1)[:, m - few :]
        least = np.take_along_axis(scores, chosen, axis=1).min(axis=1)
        tied = np.flatnonzero((scores >= least[:, np.newaxis]).sum(axis=1) > few)
        for row in tied:  # more reach the last place than there are places: the first of them in the catalogue
            above = np.flatnonzero(scores[row] > least[row])
            level = np.flatnonzero(scores[row] == least[row])[: few - len(above)]
            chosen[row] = np.concatenate([above, level])
    else:
        chosen = np.tile(np.arange(m), (b, 1))
    chosen.sort(axis=1)
    values = np.take_along_axis(scores, chosen, axis=1)
    order = np.argsort(-values, axis=1, kind="stable")
    chosen, values = np.take_along_axis(chosen, order, axis=1), np.take_along_axis(values, order, axis=1)
    there = values > -np.inf
    codes[:, :few] = np.where(there, chosen, NONE)
    found[:, :few] = np.where(there, values, 0)
    return codes, found
