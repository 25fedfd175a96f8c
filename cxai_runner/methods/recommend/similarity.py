"""How alike the rows of a sparse matrix are, with as many of the closest as are asked for, a block at a time."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from cxai_runner.methods.recommend.interactions import Floats
from cxai_runner.methods.recommend.ranking import BLOCK, NONE, best

Weighting = Literal["cosine", "tfidf", "bm25"]
"""What is compared: entries as they are, or weighed by how telling they are."""

K1, B = 1.2, 0.75


def rarity(counts: NDArray[np.int64], documents: int, weighting: Weighting) -> Floats:
    """Return how telling each term is: the rarer, the more.

    TF-IDF takes log(N / d) [1]_ and BM25 log(1 + (N − d + ½) / (d + ½)) [2]_, with d of N documents that hold a term.

    Parameters
    ----------
    counts
        The documents that hold each term, shape (terms,).
    documents
        How many there are.

    References
    ----------
    .. [1] Spärck Jones (1972), A statistical interpretation of term specificity, Journal of Documentation 28.
    .. [2] Robertson and Zaragoza (2009), The probabilistic relevance framework: BM25 and beyond, section 3.
    """
    d = np.asarray(counts, dtype=np.float64)
    if weighting == "cosine":
        return np.ones(len(d), dtype=np.float32)
    if weighting == "tfidf":
        return np.log(documents / np.maximum(d, 1)).astype(np.float32)
    return np.log1p((documents - d + 0.5) / (d + 0.5)).astype(np.float32)


def weighed(documents: sparse.csr_array, weighting: Weighting, rare: Floats, length: float) -> sparse.csr_array:
    """Return documents × terms with each entry weighed.

    With c the entry and L the sum of its document: c for the cosine, √c · rarity for TF-IDF, and for BM25
    rarity · c (K₁ + 1) / (c + K₁ (1 − b + b L / length)), where K₁ = 1.2 and b = 0.75.

    Parameters
    ----------
    rare
        From `rarity`, shape (terms,).
    length
        The average sum of a document.
    """
    found = documents.astype(np.float64)
    if weighting == "tfidf":
        found.data = np.sqrt(found.data) * rare[found.indices]
    elif weighting == "bm25":
        own = np.repeat(documents.sum(axis=1, dtype=np.float64), np.diff(documents.indptr))
        damped = found.data + K1 * (1 - B + B * own / length)
        found.data = found.data * (K1 + 1) / damped * rare[found.indices]
    return found.astype(np.float32)


def norms(rows: sparse.csr_array) -> Floats:
    """Return the length of each row, shape (n,)."""
    return np.sqrt(rows.multiply(rows).sum(axis=1, dtype=np.float64)).astype(np.float32)


def alike(asked: sparse.csr_array, others: sparse.csr_array, lengths: Floats, shrinkage: float) -> sparse.csr_array:
    """Return how alike each row of ``asked`` and each column of ``others`` are, shape (b, n).

    The cosine xᵀy / (‖x‖ ‖y‖ + shrinkage): the shrinkage takes from those that have little in common.

    Parameters
    ----------
    asked
        Shape (b, terms).
    others
        Shape (terms, n): the other documents, turned.
    lengths
        Of the other documents, shape (n,).
    shrinkage
        0 or more.
    """
    found = asked @ others
    own = np.repeat(norms(asked), np.diff(found.indptr))
    found.data /= np.maximum(own * lengths[found.indices] + np.float32(shrinkage), np.finfo(np.float32).tiny)
    return found


def closest(
    asked: sparse.csr_array,
    others: sparse.csr_array,
    lengths: Floats,
    shrinkage: float,
    neighbours: int,
    without_own: bool = False,
) -> sparse.csr_array:
    """Return `alike` with the ``neighbours`` greatest of each row, shape (b, n), in memory that does not grow with b.

    Parameters
    ----------
    without_own
        Whether row i of ``asked`` is the same document as column i, which is then left out.
    """
    b, n = asked.shape[0], others.shape[1]
    size = int(np.clip(BLOCK // max(n, 1), 1, 4096))
    parts = []
    for begin in range(0, b, size):
        block = asked[begin : begin + size]
        dense = alike(block, others, lengths, shrinkage).toarray()
        if without_own:
            here = np.arange(block.shape[0])
            dense[here, begin + here] = 0
        dense[dense <= 0] = -np.inf
        codes, values = best(dense, min(neighbours, n))
        there = codes != NONE
        begins = np.concatenate([[0], np.cumsum(there.sum(axis=1))])
        parts.append(sparse.csr_array((values[there], codes[there], begins), shape=(block.shape[0], n)))
    return sparse.vstack(parts, format="csr") if parts else sparse.csr_array((0, n), dtype=np.float32)
