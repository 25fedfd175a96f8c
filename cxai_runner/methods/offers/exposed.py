"""Which pairs of customer and item were exposed, of customers that are exposed by group: by campaign, or by store.

Pairs are asked about, never listed: a thousand groups of ten thousand items are few beside what their customers make of
them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

from cxai_runner.methods.recommend.interactions import Catalogue

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

CELLS = 20_000_000
"""Customers times items that are counted at a time: it bounds what is in memory."""


@dataclass(frozen=True, eq=False)
class Exposed:
    """Groups of customers, and what each group was exposed to.

    Parameters
    ----------
    members
        Whether a customer is of a group, shape (n, g); a customer may be of several.
    shown
        Whether a group was exposed to an item, shape (g, m).
    """

    members: sparse.csr_array
    shown: sparse.csr_array

    @classmethod
    def of(
        cls, exposures: pd.DataFrame, members: pd.DataFrame, by: str, customers: Any, catalogue: Catalogue
    ) -> Exposed:
        """Read frames; customers and items that are not asked about are left out.

        Parameters
        ----------
        exposures
            ``by`` and ``item_id``.
        members
            ``customer_id`` and ``by``.
        by
            The column that names the group.
        customers
            Ids, the rows of what is asked about.
        catalogue
            The items of what is asked about.
        """
        groups = pd.Index(members[by].unique())
        rows = pd.Index(customers).get_indexer(members["customer_id"])
        items = catalogue.codes(exposures["item_id"].astype(str).tolist())
        return cls(
            _true(rows, groups.get_indexer(members[by]), (len(customers), len(groups))),
            _true(groups.get_indexer(exposures[by]), items, (len(groups), len(catalogue))),
        )

    def group(self) -> Ints:
        """Return the first group of each customer, shape (n,); −1 of who is of none."""
        there = np.diff(self.members.indptr) > 0
        found = np.full(self.members.shape[0], -1, dtype=np.int64)
        found[there] = self.members.indices[self.members.indptr[:-1][there]]
        return found

    def at(self, rows: Ints, items: Ints) -> Bools:
        """Return whether each pair was exposed."""
        many = self.shown.shape[1]
        group, item = self.shown.nonzero()
        several = self.members[rows]
        pair = np.repeat(np.arange(len(rows)), np.diff(several.indptr))
        hit = np.isin(several.indices.astype(np.int64) * many + items[pair], group.astype(np.int64) * many + item)
        return np.bincount(pair[hit], minlength=len(rows)) > 0

    def customers(self) -> Ints:
        """Return how many customers were exposed to each item, shape (m,)."""
        n, many = self.members.shape[0], self.shown.shape[1]
        found, by_item = np.zeros(many, dtype=np.int64), self.shown.tocsc()
        for block in np.array_split(np.arange(many), max(1, -(-n * many // CELLS))):
            if len(block):
                reached = self.members @ by_item[:, block[0] : block[-1] + 1]
                found[block] = np.bincount(reached.tocsr().indices, minlength=len(block))
        return found


def _true(rows: NDArray[Any], columns: NDArray[Any], shape: tuple[int, int]) -> sparse.csr_array:
    """1 at each of these places, those below 0 left out."""
    known = (rows >= 0) & (columns >= 0)
    found = sparse.csr_array((np.ones(int(known.sum()), dtype=np.int32), (rows[known], columns[known])), shape=shape)
    found.sum_duplicates()
    found.data[:] = 1
    return found
