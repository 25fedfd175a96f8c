"""What most customers bought: the baseline that every recommendation has to beat."""

from __future__ import annotations

from typing import Annotated

import numpy as np
import pandas as pd
from annotated_types import Ge, Gt
from scipy import sparse

from cxai_runner.methods.recommend.interactions import Floats, Interactions
from cxai_runner.methods.recommend.recommender import Recommender


class Popularity(Recommender):
    """Recommend to everybody, or to everybody of a segment, what most customers bought.

    Parameters
    ----------
    k
        Items on a list.
    repeats
        Whether what a customer bought before may be on their list.
    half_life
        Days after which a purchase counts half; None counts customers, however long ago they bought.
    by
        A column of the customers: each of its values has a popularity of its own. Customers of another value, or of
        none, get what is popular overall.
    prior
        How many customers of the average each segment is joined by, so that a small one is not all chance.

    Attributes
    ----------
    segments_ : list of str
        The values of ``by``.
    share_ : ndarray of shape (segments + 1, m)
        Purchases per customer of each segment, and of all in the last row.
    """

    def __init__(
        self,
        k: int = 10,
        repeats: bool = True,
        half_life: Annotated[float, Gt(0)] | None = None,
        by: str | None = None,
        prior: Annotated[float, Ge(0)] = 10.0,
    ) -> None:
        self.k = k
        self.repeats = repeats
        self.half_life = half_life
        self.by = by
        self.prior = prior

    def _learn(self, several: Interactions, items: pd.DataFrame | None) -> None:
        if self.half_life is not None and not self.half_life > 0:
            raise ValueError(f"half_life: days, more than 0, not {self.half_life!r}; null counts customers")
        if not 0 <= self.prior < np.inf:
            raise ValueError(f"prior: customers, 0 or more, not {self.prior!r}")
        if self.half_life is None:
            counted = several.bought
        else:
            counted = several.matrix(np.exp2(-several.days.astype(np.float64) / self.half_life))
        overall = counted.sum(axis=0, dtype=np.float64) / max(len(several), 1)
        values = self._values(several)
        self.segments_ = sorted(values.dropna().unique().tolist())
        codes = pd.Index(self.segments_, dtype=object).get_indexer(values)
        ones = np.ones(int((codes >= 0).sum()))
        member = sparse.csr_array(
            (ones, (codes[codes >= 0], np.flatnonzero(codes >= 0))), shape=(len(self.segments_), len(several))
        )
        sums, sizes = (member @ counted).toarray(), member.sum(axis=1)[:, np.newaxis]
        own = (sums + self.prior * overall) / (sizes + self.prior)
        self.share_ = np.vstack([own, overall]).astype(np.float32)

    def _score(self, several: Interactions) -> Floats:
        codes = pd.Index(self.segments_, dtype=object).get_indexer(self._values(several))
        return self.share_[np.where(codes >= 0, codes, len(self.segments_))]

    def _values(self, several: Interactions) -> pd.Index:
        """Each customer's segment as a text; missing where there is none."""
        if self.by is None:
            return pd.Index([None] * len(several), dtype=object)
        if self.by not in several.customers:
            there = ", ".join(map(str, several.customers)) or "none"
            raise ValueError(f"by: no column {self.by!r} of customers; there are: {there}")
        return pd.Index([None if pd.isna(one) else str(one) for one in several.customers[self.by]], dtype=object)
