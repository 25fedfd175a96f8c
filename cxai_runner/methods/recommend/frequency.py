"""What a customer buys often: the baseline that is hardest to beat where people buy the same things again.

Most of a grocery basket was bought before. A study that repeated the published models of next baskets found that few
do better than each customer's own counts, filled up with what everybody buys [1]_.

References
----------
.. [1] Li, Jullien, Ariannezhad and de Rijke (2023), A next basket recommendation reality check, ACM TOIS 41(4).
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import sparse

from cxai_runner.methods.recommend.interactions import Floats, Interactions
from cxai_runner.methods.recommend.recommender import Recommender


class PersonalFrequency(Recommender):
    """Recommend what a customer bought most often and most lately, filled up with what most customers bought.

    The score of an item is Σ w · 2^(−d / half_life) + prior · share, over the customer's own purchases of it: w is the
    weight of a purchase, d how many days ago it was, and share that of all customers who bought the item. With a
    prior of 0 one's own items come first, and what most customers bought fills the places that they leave: GP-TopFreq
    of [1]_. A greater one decides among what was bought once or long ago.

    Parameters
    ----------
    k
        Items on a list.
    repeats
        Whether what a customer bought before may be on their list; without, it is what most customers bought.
    half_life
        Days after which a purchase counts half; None counts all alike.
    prior
        As how many purchases of today it counts that every customer bought an item.

    Attributes
    ----------
    share_ : ndarray of shape (m,)
        The share of customers who bought each item.

    References
    ----------
    .. [1] Li, Jullien, Ariannezhad and de Rijke (2023), A next basket recommendation reality check, ACM TOIS 41(4).
    """

    def __init__(self, k: int = 10, repeats: bool = True, half_life: float | None = 90.0, prior: float = 1.0) -> None:
        self.k = k
        self.repeats = repeats
        self.half_life = half_life
        self.prior = prior

    def _learn(self, several: Interactions, items: pd.DataFrame | None) -> None:
        if self.half_life is not None and not self.half_life > 0:
            raise ValueError(f"half_life: days, more than 0, not {self.half_life!r}; null counts all purchases alike")
        if not 0 <= self.prior < np.inf:
            raise ValueError(f"prior: purchases, 0 or more, not {self.prior!r}")
        self.share_ = (several.bought.sum(axis=0, dtype=np.float64) / len(several)).astype(np.float32)

    def _score(self, several: Interactions) -> Floats:
        scores = np.tile(np.float32(self.prior) * self.share_, (len(several), 1))
        own = lately(several, self.half_life)
        scores[np.repeat(np.arange(len(several)), np.diff(own.indptr)), own.indices] += own.data
        return scores


def lately(several: Interactions, half_life: float | None) -> sparse.csr_array:
    """Return customers × items, shape (n, m): the sum of the weights of purchases, halved every ``half_life`` days."""
    if half_life is None:
        return several.matrix()
    return several.matrix(several.weights * np.exp2(-several.days.astype(np.float64) / half_life))
