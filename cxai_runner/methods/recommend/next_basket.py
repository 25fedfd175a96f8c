"""What is in a customer's next basket: how often they buy each item, and how often customers like them do.

It is the simplest of the models that were published for next baskets, and the one that holds its own beside a
customer's own counts [2]_.

References
----------
.. [1] Hu, He, Gao and Zhang (2020), Modeling personalized item frequency information for next-basket recommendation,
   SIGIR: TIFU-KNN.
.. [2] Li, Jullien, Ariannezhad and de Rijke (2023), A next basket recommendation reality check, ACM TOIS 41(4).
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import sparse

from cxai_runner.methods.recommend.baskets import Baskets, Places
from cxai_runner.methods.recommend.interactions import Floats, Interactions
from cxai_runner.methods.recommend.ranking import BLOCK
from cxai_runner.methods.recommend.recommender import Recommender


class NextBasket(Recommender):
    """Recommend by a customer's own frequencies of items, the later baskets the more, and by their neighbours'.

    The baskets of a customer, in their order, make ``groups`` of equal size. An item's frequency in a group is the mean
    of basket_decay^a over the baskets that it is in, a being how many baskets of the group came after; the customer's
    is the mean of group_decay^g over groups, g being how many came after [1]_. The score is own · frequency of the
    customer + (1 − own) · mean frequency of the ``neighbours`` customers whose frequencies are closest (Euclidean).

    The model keeps the frequencies of all customers in training. One who was there is a neighbour of their own.

    Parameters
    ----------
    k
        Items on a list.
    repeats
        Whether what a customer bought before may be on their list.
    groups
        Into how many groups a customer's baskets are divided; who has fewer baskets has as many groups.
    basket_decay
        What a basket counts for each later one of its group, more than 0 and at most 1.
    group_decay
        What a group counts for each later group, more than 0 and at most 1.
    neighbours
        How many customers are asked.
    own
        How much one's own frequencies count against those of neighbours, 0 to 1.

    Attributes
    ----------
    frequencies_ : csr_array of shape (n, m)
        Of each customer in training.
    turned_ : csr_array of shape (m, n)
        The same, turned, as they are compared.
    lengths_ : ndarray of shape (n,)
        The sum of squares of each customer's.

    References
    ----------
    .. [1] Hu, He, Gao and Zhang (2020), Modeling personalized item frequency information for next-basket
       recommendation, SIGIR, equations 1 to 4.
    """

    def __init__(
        self,
        k: int = 10,
        repeats: bool = True,
        groups: int = 7,
        basket_decay: float = 0.9,
        group_decay: float = 0.7,
        neighbours: int = 100,
        own: float = 0.5,
    ) -> None:
        self.k = k
        self.repeats = repeats
        self.groups = groups
        self.basket_decay = basket_decay
        self.group_decay = group_decay
        self.neighbours = neighbours
        self.own = own

    def _learn(self, several: Interactions, items: pd.DataFrame | None) -> None:
        for name in ("groups", "neighbours"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name}: 1 or more, not {getattr(self, name)!r}")
        for name in ("basket_decay", "group_decay"):
            if not 0 < getattr(self, name) <= 1:
                raise ValueError(f"{name}: more than 0 and at most 1, not {getattr(self, name)!r}")
        if not 0 <= self.own <= 1:
            raise ValueError(f"own: 0 to 1, not {self.own!r}")
        found = self._frequencies(several)
        self.frequencies_ = found[~several.empty]
        self.turned_ = self.frequencies_.T.tocsr()
        self.lengths_ = self.frequencies_.multiply(self.frequencies_).sum(axis=1, dtype=np.float64).astype(np.float32)

    def _score(self, several: Interactions) -> Floats:
        own = self._frequencies(several)
        if self.own == 1:
            return own.toarray()
        mixed = np.float32(self.own) * own + np.float32(1 - self.own) * (self._closest(own) @ self.frequencies_)
        return mixed.toarray()

    def _frequencies(self, several: Interactions) -> sparse.csr_array:
        """How often each customer buys each item, the later the more, shape (n, m)."""
        baskets = Baskets(several)
        later = baskets.firsts[several.rows + 1] - 1 - baskets.of_events
        counts = np.diff(baskets.firsts)[several.rows]
        groups = np.minimum(counts, self.groups)
        group = later * groups // np.maximum(counts, 1)  # 0 for the latest
        begin, end = _ceil(group * counts, groups), _ceil((group + 1) * counts, groups)
        decayed = self.basket_decay ** (later - begin) * self.group_decay**group
        return several.matrix(decayed / ((end - begin) * groups))

    def _closest(self, asked: sparse.csr_array) -> sparse.csr_array:
        """The neighbours of each row, shape (b, n), each with 1 / neighbours."""
        b, n = asked.shape[0], len(self.lengths_)
        few = min(self.neighbours, n)
        near = np.empty((b, few), dtype=np.int64)
        size = max(1, BLOCK // n)
        for begin in range(0, b, size):
            # ‖x − y‖² less ‖x‖², which is the same for all y
            distances = self.lengths_ - 2 * (asked[begin : begin + size] @ self.turned_).toarray()
            near[begin : begin + size] = np.argpartition(distances, few - 1, axis=1)[:, :few]
        near.sort(axis=1)
        share = np.full(b * few, 1 / few, dtype=np.float32)
        return sparse.csr_array((share, near.ravel(), np.arange(0, b * few + 1, few)), shape=(b, n))


def _ceil(dividend: Places, divisor: Places) -> Places:
    return -(-dividend // divisor)
