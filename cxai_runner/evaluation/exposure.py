"""What lists show beside whether they hit: how much of the catalogue, how well known, how alike, how unequally.

None of it is better when higher or lower in itself. That customers are shown what all buy anyway may be what a grocer
wants, and what a book shop does not; so these numbers stand beside the metrics and rank nothing.

Coverage and the Gini coefficient are of all lists together, and have no interval: how many different items are shown
grows with the customers, a resample of customers has only about 63 % of them, and so falls short of the number that it
should surround. The others are means over customers, and have one.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cxai_runner.evaluation.intervals import Floats

Ints = NDArray[np.int64]


def shown(lists: ArrayLike, items: int) -> Ints:
    """Count on how many lists each item is, shape (items,); negative numbers stand for no item."""
    listed = np.asarray(lists, dtype=np.int64).ravel()
    return np.bincount(listed[listed >= 0], minlength=items).astype(np.int64)


def coverage(counts: ArrayLike) -> float:
    """Return the share of the catalogue that is on at least one list.

    Ge, Delgado-Battenfeld, Jannach (2010), Beyond accuracy: evaluating recommender systems by coverage and serendipity,
    RecSys (catalogue coverage).
    """
    return float((np.asarray(counts) > 0).mean())


def gini(counts: ArrayLike) -> float:
    """Return how unequally items are shown: 0 all alike, near 1 where one item has it all.

    G = Σᵢ (2i − m − 1) · cᵢ / (m · Σ cᵢ), with the counts cᵢ in ascending order. Shani, Gunawardana (2011), Evaluating
    recommendation systems, in: Recommender Systems Handbook, section 8.3.
    """
    ordered = np.sort(np.asarray(counts, dtype=np.float64))
    m, total = len(ordered), float(ordered.sum())
    if not total:
        return float("nan")
    return float(((2 * np.arange(1, m + 1) - m - 1) * ordered).sum() / (m * total))


def mean_listed(values: ArrayLike, lists: ArrayLike) -> Floats:
    """Return the mean over each list's items of a number of items, shape (n,); NaN of an empty list.

    With the share of customers who bought each item it is how popular a list is; with `self_information`, how novel.
    """
    listed = np.asarray(lists, dtype=np.int64)
    there = listed >= 0
    numbers = np.append(np.asarray(values, dtype=np.float64), 0.0)[np.where(there, listed, -1)]
    many = there.sum(axis=1)
    return np.divide(numbers.sum(axis=1), many, out=np.full(len(listed), np.nan), where=many > 0)


def self_information(buyers: ArrayLike, customers: int) -> Floats:
    """Return −log₂ of the share of customers who bought each item, in bits; of one that nobody bought, as if one had.

    Zhou et al. (2010), Solving the apparent diversity-accuracy dilemma of recommender systems, PNAS 107(10).
    """
    return -np.log2(np.maximum(np.asarray(buyers, dtype=np.float64), 1.0) / customers)


def diversity(kinds: ArrayLike, lists: ArrayLike) -> Floats:
    """Return the share of pairs on each list that are of different kinds, shape (n,); NaN with fewer than two items.

    The intra-list distance with a distance of 0 within a kind and 1 between two. Ziegler, McNee, Konstan, Lausen
    (2005), Improving recommendation lists through topic diversification, WWW.

    Parameters
    ----------
    kinds
        The kind of each item by number, such as its category, shape (items,).
    lists
        Items by number, shape (n, k); negative where there is none.
    """
    listed = np.asarray(lists, dtype=np.int64)
    there = listed >= 0
    kind = np.append(np.asarray(kinds, dtype=np.int64), -1)[np.where(there, listed, -1)]
    same = np.zeros(len(listed), dtype=np.int64)
    for gap in range(1, listed.shape[1]):
        same += ((kind[:, gap:] == kind[:, :-gap]) & there[:, gap:] & there[:, :-gap]).sum(axis=1)
    many = there.sum(axis=1)
    pairs = many * (many - 1) // 2
    return np.divide(pairs - same, pairs, out=np.full(len(listed), np.nan), where=pairs > 0)
