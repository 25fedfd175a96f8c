"""Who bought what, as a model of recommendation takes it: a row per customer, with what they bought as lists.

The lists of a frame are JSON texts, so that they travel through files, caches, signatures and requests alike:

==========  ====================  ======================================================
``items``   ``["milk","bread"]``  what was bought, the oldest first; once for each time
``weights`` ``[1,2.5]``           how much each counts; 1 where there is no such column
``days``    ``[12.5,0]``          how many days ago; what has the same is one basket
``choice``  see `fitted_choice`   what a model of brand choice says is taken next, if any
==========  ====================  ======================================================

A model knows items by their place in a catalogue, and customers by what they bought alone: it never learns a name.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

from cxai_runner.methods.recommend.lists import Listed, MalformedHistoryError, numbers, parsed, text

__all__ = ["CHOICE", "DAYS", "ITEMS", "WEIGHTS", "Catalogue", "Interactions", "MalformedHistoryError", "parsed", "text"]

ITEMS, WEIGHTS, DAYS, CHOICE = "items", "weights", "days", "choice"

MOST = 1e12
"""The largest weight, and the longest time in days: sums and squares of such stay within single precision."""

Codes = NDArray[np.int32]
Floats = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Catalogue:
    """The items that a model can recommend, the one that most customers bought first.

    Parameters
    ----------
    items
        What each is called, a text.
    customers
        How many customers bought it, shape (m,).
    """

    items: tuple[str, ...]
    customers: NDArray[np.int64]

    @classmethod
    def of(cls, lists: pd.Series | Listed) -> Catalogue:
        """Return the catalogue of all that is in ``lists``; of equally many customers, by name."""
        read = lists if isinstance(lists, Listed) else Listed.of(lists)
        names = read.names
        once = sparse.csr_array(
            (np.ones(len(read.codes), dtype=np.int8), read.codes, read.begins), shape=(len(read), len(names)), copy=True
        )
        once.sum_duplicates()
        counts = np.bincount(once.indices, minlength=len(names))
        order = sorted(range(len(names)), key=lambda code: (-counts[code], names[code]))
        return cls(tuple(names[code] for code in order), counts[order].astype(np.int64))

    def __len__(self) -> int:
        return len(self.items)

    @cached_property
    def index(self) -> pd.Index:
        """Items by place."""
        return pd.Index(list(self.items), dtype=object)

    def codes(self, items: Sequence[str]) -> Codes:
        """Return the place of each item; −1 where there is no such item."""
        return self.index.get_indexer(pd.Index(list(items), dtype=object)).astype(np.int32)


@dataclass(frozen=True, eq=False)
class Interactions:
    """What customers bought, sparse.

    Parameters
    ----------
    begins
        Where the events of each customer begin, shape (n + 1,).
    codes, weights, days
        Of each event the item's place in the catalogue, how much it counts, and how many days ago it was; of one
        customer the oldest first. Items that are not in the catalogue are left out.
    unknown
        Of each customer how many events were left out so, shape (n,).
    items
        How many there are in the catalogue.
    customers
        What else is known of each customer, a row each.
    choice
        What a model of brand choice says of each, a text; None where there is none.
    """

    begins: NDArray[np.int64]
    codes: Codes
    weights: Floats
    days: Floats
    unknown: NDArray[np.int64]
    items: int
    customers: pd.DataFrame
    choice: pd.Series | None = None

    @classmethod
    def of(cls, frame: pd.DataFrame, catalogue: Catalogue, read: Listed | None = None) -> Interactions:
        """Read the lists of a frame; ``read`` is that of its items, where they were read before.

        Raises
        ------
        MalformedHistoryError
            What is no JSON list; lists of one customer that differ in length; a weight below 0, or a day to come; a
            weight or a time above `MOST`.
        """
        listed = Listed.of(frame[ITEMS]) if read is None else read
        codes = catalogue.codes(listed.names)[listed.codes]
        weights, days = _beside(frame, WEIGHTS, listed.begins, 1.0), _beside(frame, DAYS, listed.begins, 0.0)
        begins, unknown = listed.begins, np.zeros(len(frame), dtype=np.int64)
        known = codes >= 0
        if not known.all():
            before = np.concatenate([[0], np.cumsum(known, dtype=np.int64)])
            begins = before[listed.begins]
            unknown = np.diff(listed.begins) - np.diff(begins)
            codes, weights, days = codes[known], weights[known], days[known]
        about = frame.drop(columns=[ITEMS, WEIGHTS, DAYS, CHOICE], errors="ignore").reset_index(drop=True)
        choice = frame[CHOICE].reset_index(drop=True) if CHOICE in frame else None
        return cls(begins, codes, weights, days, unknown, len(catalogue), about, choice)

    def __len__(self) -> int:
        return len(self.begins) - 1

    @property
    def rows(self) -> NDArray[np.int64]:
        """The customer of each event."""
        return np.repeat(np.arange(len(self), dtype=np.int64), np.diff(self.begins))

    @property
    def empty(self) -> NDArray[np.bool_]:
        """Whether nothing is known of what a customer bought, shape (n,)."""
        return np.diff(self.begins) == 0

    def between(self, begin: int, end: int) -> Interactions:
        """Return the customers from ``begin`` on, before ``end``."""
        span = slice(self.begins[begin], self.begins[end])
        return Interactions(
            self.begins[begin : end + 1] - self.begins[begin],
            self.codes[span],
            self.weights[span],
            self.days[span],
            self.unknown[begin:end],
            self.items,
            self.customers.iloc[begin:end].reset_index(drop=True),
            None if self.choice is None else self.choice.iloc[begin:end].reset_index(drop=True),
        )

    def matrix(self, values: NDArray[Any] | None = None) -> sparse.csr_array:
        """Return customers × items, shape (n, m): the sum of each event's value, its weight where none are given."""
        # Events of one customer are together already: no sort over all of them is needed. Sums are in double precision:
        # rounded to single, they do not depend on the order in which events are added.
        data = np.array(self.weights if values is None else values, dtype=np.float64)
        found = sparse.csr_array((data, self.codes.copy(), self.begins.copy()), shape=(len(self), self.items))
        found.sum_duplicates()
        return found.astype(np.float32)

    @cached_property
    def bought(self) -> sparse.csr_array:
        """Whether a customer bought an item, shape (n, m), 0 or 1."""
        data = np.ones(len(self.codes), dtype=np.float32)
        found = sparse.csr_array((data, self.codes.copy(), self.begins.copy()), shape=(len(self), self.items))
        found.sum_duplicates()
        found.data[:] = 1
        return found


def _beside(frame: pd.DataFrame, name: str, begins: NDArray[np.int64], default: float) -> Floats:
    """One number for each event, none below 0 or above `MOST`."""
    if name not in frame:
        return np.full(int(begins[-1]), default, dtype=np.float32)
    own, given = numbers(frame[name])
    differ = np.flatnonzero(np.diff(own) != np.diff(begins))
    if len(differ):
        row = int(differ[0])
        items, others = int(np.diff(begins)[row]), int(np.diff(own)[row])
        raise MalformedHistoryError(f"row {row}: as many {name} as items, not {others} beside {items}")
    outside = np.flatnonzero((given < 0) | (given > MOST))
    if len(outside):
        first = outside[0]
        row = int(np.searchsorted(begins, first, side="right")) - 1
        if given[first] > MOST:
            raise MalformedHistoryError(f"row {row}: {name} of {MOST:g} at most, not {given[first]:g}")
        remedy = "leave returned goods out" if name == WEIGHTS else "what is still to come is no history"
        raise MalformedHistoryError(f"row {row}: {name} of 0 or more, not {given[first]:g}; {remedy}")
    return given.astype(np.float32)
