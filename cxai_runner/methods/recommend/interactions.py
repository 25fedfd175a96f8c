"""Who bought what, as a model of recommendation takes it: a row per customer, with what they bought as lists.

The lists of a frame are JSON texts, so that they travel through files, caches, signatures and requests alike:

==========  ====================  ======================================================
``items``   ``["milk","bread"]``  what was bought, the oldest first; once for each time
``weights`` ``[1,2.5]``           how much each counts; 1 where there is no such column
``days``    ``[12.5,0]``          how many days ago; what has the same is one basket
==========  ====================  ======================================================

A model knows items by their place in a catalogue, and customers by what they bought alone: it never learns a name.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

ITEMS, WEIGHTS, DAYS = "items", "weights", "days"

Codes = NDArray[np.int32]
Floats = NDArray[np.float32]


class MalformedHistoryError(ValueError):
    """A list of a history is not one: no JSON list, or not as long as its items."""


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
    def of(cls, lists: pd.Series) -> Catalogue:
        """Return the catalogue of all that is in ``lists``; of equally many customers, by name."""
        begins, named = parsed(lists)
        codes, names = pd.factorize(np.asarray(named, dtype=object), use_na_sentinel=False)
        rows = np.repeat(np.arange(len(lists)), np.diff(begins))
        once = np.unique(rows * max(len(names), 1) + codes)
        counts = np.bincount(once % max(len(names), 1), minlength=len(names))
        order = sorted(range(len(names)), key=lambda code: (-counts[code], names[code]))
        return cls(tuple(str(names[code]) for code in order), counts[order].astype(np.int64))

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
    """

    begins: NDArray[np.int64]
    codes: Codes
    weights: Floats
    days: Floats
    unknown: NDArray[np.int64]
    items: int
    customers: pd.DataFrame

    @classmethod
    def of(cls, frame: pd.DataFrame, catalogue: Catalogue) -> Interactions:
        """Read the lists of a frame.

        Raises
        ------
        MalformedHistoryError
            A text that is no JSON list, or lists of one customer that differ in length.
        """
        begins, named = parsed(frame[ITEMS])
        codes = catalogue.codes(named)
        weights = _numbers(frame, WEIGHTS, begins, 1.0)
        days = _numbers(frame, DAYS, begins, 0.0)
        rows = np.repeat(np.arange(len(frame)), np.diff(begins))
        known = codes >= 0
        counts = np.bincount(rows[known], minlength=len(frame))
        return cls(
            begins=np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
            codes=codes[known],
            weights=weights[known],
            days=days[known],
            unknown=np.bincount(rows[~known], minlength=len(frame)).astype(np.int64),
            items=len(catalogue),
            customers=frame.drop(columns=[ITEMS, WEIGHTS, DAYS], errors="ignore").reset_index(drop=True),
        )

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
        )

    def matrix(self, values: NDArray[Any] | None = None) -> sparse.csr_array:
        """Return customers × items, shape (n, m): the sum of each event's value, its weight where none are given."""
        data = self.weights if values is None else np.asarray(values, dtype=np.float32)
        # Events of one customer are together already: no sort over all of them is needed.
        found = sparse.csr_array((data, self.codes.copy(), self.begins.copy()), shape=(len(self), self.items))
        found.sum_duplicates()
        return found

    @cached_property
    def bought(self) -> sparse.csr_array:
        """Whether a customer bought an item, shape (n, m), 0 or 1."""
        found = self.matrix(np.ones(len(self.codes)))
        found.data[:] = 1
        return found


def parsed(lists: pd.Series) -> tuple[NDArray[np.int64], list[str]]:
    """Return where each list begins, shape (n + 1,), and all that is in them as texts.

    A missing list is an empty one. Lists may be given as such too.

    Raises
    ------
    MalformedHistoryError
        A text that is no JSON list.
    """
    several = [_list(one) for one in lists.array]
    lengths = np.fromiter(map(len, several), dtype=np.int64, count=len(several))
    begins = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    return begins, [one if isinstance(one, str) else str(one) for one in chain.from_iterable(several)]


def text(items: Sequence[Any]) -> str:
    """Return a list as the text that a frame holds."""
    return json.dumps(list(items), separators=(",", ":"), ensure_ascii=False)


def _list(given: Any) -> Sequence[Any]:
    if isinstance(given, str):
        try:
            found = json.loads(given)
        except ValueError as error:
            raise MalformedHistoryError(f'a JSON list, as in ["milk","bread"], not {given[:60]!r}') from error
    else:
        found = given.tolist() if isinstance(given, np.ndarray) else given
    if isinstance(found, list | tuple):
        return found
    if found is None or pd.isna(found):
        return ()
    raise MalformedHistoryError(f'a JSON list, as in ["milk","bread"], not {str(given)[:60]!r}')


def _numbers(frame: pd.DataFrame, name: str, begins: NDArray[np.int64], default: float) -> Floats:
    """One number for each event."""
    if name not in frame:
        return np.full(int(begins[-1]), default, dtype=np.float32)
    own, given = parsed(frame[name])
    if not np.array_equal(own, begins):
        row = int(np.flatnonzero(np.diff(own) != np.diff(begins))[0]) if len(own) == len(begins) else 0
        raise MalformedHistoryError(f"row {row}: as many {name} as items")
    return np.asarray(given, dtype=np.float32)
