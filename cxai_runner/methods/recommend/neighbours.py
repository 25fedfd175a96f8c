"""Neighbours: what is bought by the same customers, and what is bought by customers who buy the same.

Simple as they are, they stay near the best once they are tuned [1]_.

References
----------
.. [1] Ferrari Dacrema, Cremonesi and Jannach (2019), Are we really making much progress?, RecSys.
"""

from __future__ import annotations

from typing import get_args

import numpy as np
import pandas as pd
from scipy import sparse

from cxai_runner.methods.recommend.interactions import Floats, Interactions
from cxai_runner.methods.recommend.recommender import Recommender
from cxai_runner.methods.recommend.similarity import Weighting, closest, norms, rarity, weighed


class _Neighbours(Recommender):
    """What both have in common: their parameters."""

    def __init__(
        self,
        k: int = 10,
        repeats: bool = True,
        neighbours: int = 100,
        similarity: Weighting = "tfidf",
        shrinkage: float = 0.0,
        weighted: bool = False,
    ) -> None:
        self.k = k
        self.repeats = repeats
        self.neighbours = neighbours
        self.similarity = similarity
        self.shrinkage = shrinkage
        self.weighted = weighted

    def _check(self) -> None:
        if self.neighbours < 1:
            raise ValueError(f"neighbours: 1 or more, not {self.neighbours!r}")
        if self.similarity not in get_args(Weighting):
            raise ValueError(f"similarity: {', '.join(get_args(Weighting))}, not {self.similarity!r}")
        if self.shrinkage < 0:
            raise ValueError(f"shrinkage: 0 or more, not {self.shrinkage!r}")

    def _values(self, several: Interactions) -> sparse.csr_array:
        return several.matrix() if self.weighted else several.bought


class ItemKNN(_Neighbours):
    """Recommend what is bought by the same customers as what a customer bought.

    The score of item i is the sum of its similarity to each item of the history, as far as that is among the
    ``neighbours`` of i that are most alike [1]_. A rare customer — one who bought little — tells more of items that go
    together; TF-IDF and BM25 weigh customers so.

    Parameters
    ----------
    k
        Items on a list.
    repeats
        Whether what a customer bought before may be on their list.
    neighbours
        How many items are kept for each.
    similarity
        ``cosine``, or that of counts weighed by ``tfidf`` or ``bm25``.
    shrinkage
        Added to the product of the two lengths: takes from items that few customers bought.
    weighted
        Whether the weights of purchases count, or only what was bought.

    Attributes
    ----------
    similar_ : csr_array of shape (m, m)
        Of each item, in a column, the neighbours and how alike they are.

    References
    ----------
    .. [1] Deshpande and Karypis (2004), Item-based top-N recommendation algorithms, ACM TOIS 22.
    """

    def _learn(self, several: Interactions, items: pd.DataFrame | None) -> None:
        self._check()
        values = self._values(several)
        documents = values.T.tocsr()  # an item is told by the customers who bought it
        rare = rarity(np.diff(values.indptr), documents.shape[0], self.similarity)
        told = weighed(documents, self.similarity, rare, documents.sum(dtype=np.float64) / documents.shape[0])
        near = closest(told, told.T.tocsr(), norms(told), self.shrinkage, self.neighbours, without_own=True)
        self.similar_ = near.T.tocsr()

    def _score(self, several: Interactions) -> Floats:
        return (self._values(several) @ self.similar_).toarray()


class UserKNN(_Neighbours):
    """Recommend what is bought by customers whose history is most like one's own.

    Every history is compared to those of all customers in training, which the model keeps: it is twice as large as
    what it learnt from. A customer who was there in training is a neighbour of their own.

    Parameters
    ----------
    k
        Items on a list.
    repeats
        Whether what a customer bought before may be on their list.
    neighbours
        How many customers are asked.
    similarity
        ``cosine``, or that of counts weighed by ``tfidf`` or ``bm25``: to have bought a rare item tells more.
    shrinkage
        Added to the product of the two lengths: takes from customers who bought little.
    weighted
        Whether the weights of purchases count, or only what was bought.

    Attributes
    ----------
    histories_ : csr_array of shape (n, m)
        What each customer of training bought.
    told_ : csr_array of shape (m, n)
        The same, turned, as it is compared.
    lengths_ : ndarray of shape (n,)
        How long each is.
    rare_ : ndarray of shape (m,)
        How telling each item is.
    length_ : float
        The average sum of a history.
    """

    def __init__(
        self,
        k: int = 10,
        repeats: bool = True,
        neighbours: int = 50,
        similarity: Weighting = "tfidf",
        shrinkage: float = 0.0,
        weighted: bool = False,
    ) -> None:
        super().__init__(k, repeats, neighbours, similarity, shrinkage, weighted)

    def _learn(self, several: Interactions, items: pd.DataFrame | None) -> None:
        self._check()
        values = self._values(several)
        self.histories_ = values[np.diff(values.indptr) > 0]
        count = self.histories_.shape[0]
        self.rare_ = rarity(np.bincount(values.indices, minlength=several.items), count, self.similarity)
        self.length_ = float(values.sum(dtype=np.float64) / count)
        told = self._told(self.histories_)
        self.told_, self.lengths_ = told.T.tocsr(), norms(told)

    def _score(self, several: Interactions) -> Floats:
        asked = self._told(self._values(several))
        near = closest(asked, self.told_, self.lengths_, self.shrinkage, self.neighbours)
        return (near @ self.histories_).toarray()

    def _told(self, values: sparse.csr_array) -> sparse.csr_array:
        return weighed(values, self.similarity, self.rare_, self.length_)
