"""How good lists of k items are, customer by customer, where the whole catalogue was ranked.

A list is judged by which of its places hold something that the customer wanted: ``hits``, shape (n, k), and by how many
items each wanted at all: ``wanted``, shape (n,). With hᵣ the hit at place r, counted from 1, and w the items wanted:

============================  ==========================================================================
recall                        Σ hᵣ / w: the share of what was wanted that is on the list
precision                     Σ hᵣ / k, also where a list has fewer than k items
NDCG                          DCG / ideal, DCG = Σ hᵣ / log₂(r + 1); see `ndcg` for the two ideals
MAP                           mean of Σ hᵣ · Pᵣ / w, with Pᵣ the precision of the first r places
MRR                           mean of 1 / the place of the first hit, 0 without one
hit rate                      share of customers with a hit
============================  ==========================================================================

Järvelin, Kekäläinen (2002), Cumulated gain-based evaluation of IR techniques, ACM TOIS 20(4).
Manning, Raghavan, Schütze (2008), Introduction to Information Retrieval, chapter 8 (precision, recall, MAP).
Voorhees (1999), The TREC-8 question answering track report (reciprocal rank).

Some divide otherwise: recall by min(k, w), so that a list of k can reach 1 (*truncated* recall); average precision by
min(k, w). Who wanted nothing has no value, and counts in no mean.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cxai_runner.evaluation.discrimination import Codes
from cxai_runner.evaluation.intervals import Floats, Statistic
from cxai_runner.evaluation.metrics import MeanOf, Named

Hits = NDArray[np.bool_]
Ints = NDArray[np.int64]


def hits_of(lists: ArrayLike, begins: ArrayLike, wanted: ArrayLike) -> Hits:
    """Tell which places of each list hold something that was wanted.

    Parameters
    ----------
    lists
        Items by number, the best first, shape (n, k); negative where there is none. An item that stands twice on a list
        counts once, at its first place.
    begins, wanted
        Where each customer's wanted items begin, shape (n + 1,), and these items by number; duplicates count once.

    Returns
    -------
    hits
        Shape (n, k).
    """
    listed, start = np.asarray(lists, dtype=np.int64), np.asarray(begins, dtype=np.int64)
    items = np.asarray(wanted, dtype=np.int64)
    n, k = listed.shape
    many = max(int(listed.max(initial=-1)), int(items.max(initial=-1))) + 1
    rows = np.arange(n, dtype=np.int64)
    keys = distinct(np.repeat(rows, np.diff(start)) * many + items)
    asked = (rows[:, np.newaxis] * many + listed).ravel()
    there = np.flatnonzero(among(asked, keys) & (listed.ravel() >= 0))
    order = np.argsort(asked[there], kind="stable")
    alike = asked[there[order]]
    hits = np.zeros(n * k, dtype=bool)
    hits[there[order[np.append(True, alike[1:] != alike[:-1])]] if len(there) else []] = True
    return hits.reshape(n, k)


def distinct(keys: Ints) -> Ints:
    """Return the different keys in ascending order; by a sort, faster here than `numpy.unique`."""
    found = np.sort(keys)
    return found[np.append(True, found[1:] != found[:-1])] if len(found) else found


def among(asked: Ints, keys: Ints) -> Hits:
    """Tell of each number whether it is among ``keys``, which are in ascending order."""
    if not len(keys):
        return np.zeros(asked.shape, dtype=bool)
    found: Hits = keys[np.minimum(np.searchsorted(keys, asked), len(keys) - 1)] == asked
    return found


def many_wanted(begins: ArrayLike, wanted: ArrayLike) -> Ints:
    """Count the different items that each customer wanted, shape (n,)."""
    start, items = np.asarray(begins, dtype=np.int64), np.asarray(wanted, dtype=np.int64)
    many = int(items.max(initial=-1)) + 1
    keys = distinct(np.repeat(np.arange(len(start) - 1), np.diff(start)) * max(many, 1) + items)
    return np.bincount(keys // max(many, 1), minlength=len(start) - 1).astype(np.int64)


def recall(hits: Hits, wanted: Ints, *, truncated: bool = False) -> Floats:
    """Return Σ hᵣ / w, shape (n,); ``truncated``: / min(k, w). 0 where nothing was wanted."""
    below = np.minimum(wanted, hits.shape[1]) if truncated else wanted
    return _ratio(hits.sum(axis=1), below)


def precision(hits: Hits) -> Floats:
    """Return Σ hᵣ / k, shape (n,)."""
    return _ratio(hits.sum(axis=1), np.full(len(hits), hits.shape[1]))


def ndcg(hits: Hits, wanted: Ints, ideal: Literal["cut", "all"] = "cut") -> Floats:
    """Return DCG / ideal, shape (n,); 0 where nothing was wanted.

    Parameters
    ----------
    hits, wanted
        Shape (n, k) and (n,).
    ideal
        ``cut``: the DCG of a list of k that holds wanted items first, Σ 1 / log₂(r + 1) over r ≤ min(k, w), so that the
        best list has 1. ``all``: over all r ≤ w, as for a list as long as is needed, so that a list of k cannot reach 1
        where more was wanted.
    """
    discount = 1 / np.log2(np.arange(2, max(int(wanted.max(initial=0)), hits.shape[1]) + 2))
    up_to = np.concatenate([[0.0], np.cumsum(discount)])
    best = up_to[np.minimum(wanted, hits.shape[1]) if ideal == "cut" else wanted]
    return _ratio(hits @ discount[: hits.shape[1]], best)


def average_precision(hits: Hits, wanted: Ints, *, truncated: bool = False) -> Floats:
    """Return Σ hᵣ · Pᵣ / w, shape (n,); ``truncated``: / min(k, w). 0 where nothing was wanted."""
    places = np.arange(1, hits.shape[1] + 1)
    precise = np.cumsum(hits, axis=1) / places
    below = np.minimum(wanted, hits.shape[1]) if truncated else wanted
    return _ratio((hits * precise).sum(axis=1), below)


def reciprocal_rank(hits: Hits) -> Floats:
    """Return 1 / the place of the first hit, shape (n,); 0 without one."""
    return _ratio(hits.max(axis=1, initial=False), np.argmax(hits, axis=1) + 1)


def hit(hits: Hits) -> Floats:
    """Return 1 where the list has a hit, shape (n,)."""
    return hits.max(axis=1, initial=False).astype(np.float64)


def ranking_names(k: int) -> tuple[Named, ...]:
    """Name the metrics of `ranking_statistics`, in their order."""
    return (
        Named("ndcg", f"NDCG@{k}", "higher"),
        Named("ndcg_all", f"NDCG@{k}, ideal of all", "higher"),
        Named("recall", f"recall@{k}", "higher"),
        Named("precision", f"precision@{k}", "higher"),
        Named("map", f"MAP@{k}", "higher"),
        Named("mrr", f"MRR@{k}", "higher"),
        Named("hit_rate", f"hit rate@{k}", "higher"),
    )


def ranking_statistics(hits: Hits, wanted: Ints, codes: Codes, customers: int) -> dict[str, Statistic]:
    """Return the metrics of lists by name, each as a function of how often a customer is drawn.

    Parameters
    ----------
    hits, wanted
        Shape (n, k) and (n,); rows of whom nothing was wanted count in no mean.
    codes, customers
        The customer of each row, and how many there are.
    """
    values: Mapping[str, Floats] = {
        "ndcg": ndcg(hits, wanted),
        "ndcg_all": ndcg(hits, wanted, "all"),
        "recall": recall(hits, wanted),
        "precision": precision(hits),
        "map": average_precision(hits, wanted),
        "mrr": reciprocal_rank(hits),
        "hit_rate": hit(hits),
    }
    return {name: mean_where(one, wanted > 0, codes, customers) for name, one in values.items()}


def mean_where(values: ArrayLike, there: ArrayLike, codes: Codes, customers: int) -> MeanOf:
    """Return the mean over the rows that have a value, as a function of how often a customer is drawn."""
    some = np.asarray(there, dtype=bool)
    return MeanOf(np.where(some, np.asarray(values, dtype=np.float64), 0.0), codes, customers, some)


def _ratio(above: NDArray[Any], below: NDArray[Any]) -> Floats:
    found: Floats = np.divide(above, below, out=np.zeros(len(below)), where=below > 0)
    return found
