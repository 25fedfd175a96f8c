"""The best k of many items for each customer, a block of customers at a time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cxai_runner.methods.recommend.interactions import Catalogue, Codes, Floats

NONE = -1
BLOCK = 8_000_000
"""Scores that are in memory at a time: 32 MB of them."""
_GROUPS, _SPARE = 512, 32


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
    codes = np.full((b, k), NONE, dtype=np.int32)
    found = np.zeros((b, k), dtype=np.float32)
    few = min(k, m)
    if not few or not b:
        return codes, found
    least = _reached(scores, few)
    reach = scores >= least[:, np.newaxis]
    # Where many are level, as items that have nothing to do with a customer are, the first of them are enough.
    for row in np.flatnonzero(np.count_nonzero(reach, axis=1) > few + _SPARE):
        level = np.flatnonzero(scores[row] == least[row])[:few]
        reach[row] = scores[row] > least[row]
        reach[row, level] = True
    rows, places = np.divmod(np.flatnonzero(reach), m)  # several times faster than by two axes
    values = scores[rows, places]
    order = np.lexsort((places, -values, rows))
    begins = np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=b))])
    rank = np.arange(len(rows)) - begins[rows]
    rows, places, values = rows[order], places[order], values[order]
    kept = (rank < few) & (values > -np.inf)
    codes[rows[kept], rank[kept]] = places[kept]
    found[rows[kept], rank[kept]] = values[kept]
    return codes, found


def _reached(scores: Floats, few: int) -> Floats:
    """Return a score that at least ``few`` of each row reach, close to the last of the best; shape (b,).

    Of the best in each of many groups it is the one at that place: one pass over the scores instead of a sort.
    """
    m = scores.shape[1]
    groups = max(_GROUPS, 8 * few)
    if m < 2 * groups:
        return np.partition(scores, m - few, axis=1)[:, m - few]
    highest = scores[:, :groups].copy()
    for begin in range(groups, m - groups + 1, groups):
        np.maximum(highest, scores[:, begin : begin + groups], out=highest)
    return np.partition(highest, groups - few, axis=1)[:, groups - few]
