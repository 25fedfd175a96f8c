"""Histories as baskets: what a customer bought at one time is a set, and sets follow one another.

Items with the same ``days`` have no order among themselves, so no model here looks for one: where each has a time of
its own, a basket is one item, and a history the sequence that it is elsewhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from cxai_runner.methods.recommend.interactions import Floats, Interactions

Places = NDArray[np.int64]

APART = 0.2
"""Share of a customer's baskets, the last, by which training is judged."""
AT_MOST = 2000
"""Customers by whom training is judged."""


def spans(begins: Places, ends: Places) -> tuple[Places, Places]:
    """Return all places of several spans, one after the other, and the span of each."""
    lengths = np.maximum(ends - begins, 0)
    rows = np.repeat(np.arange(len(lengths), dtype=np.int64), lengths)
    shift = np.repeat(begins - (np.cumsum(lengths) - lengths), lengths)
    return np.arange(lengths.sum(), dtype=np.int64) + shift, rows


@dataclass(frozen=True, eq=False)
class Baskets:
    """The baskets of several customers, those of one together and the oldest first.

    Parameters
    ----------
    several
        What they bought.
    """

    several: Interactions

    @cached_property
    def begins(self) -> Places:
        """Where the events of each basket begin, shape (baskets + 1,)."""
        rows, days = self.several.rows, self.several.days
        new = np.ones(len(rows), dtype=np.bool_)
        new[1:] = (rows[1:] != rows[:-1]) | (days[1:] != days[:-1])
        return np.append(np.flatnonzero(new), len(rows)).astype(np.int64)

    @cached_property
    def firsts(self) -> Places:
        """The first basket of each customer, shape (n + 1,)."""
        return np.searchsorted(self.begins, self.several.begins).astype(np.int64)

    @cached_property
    def of_events(self) -> Places:
        """The basket of each event."""
        return np.repeat(np.arange(len(self.begins) - 1, dtype=np.int64), np.diff(self.begins))

    @cached_property
    def weights(self) -> Floats:
        """How much an event counts in its basket, which adds up to 1; none counts less than nothing."""
        weights = np.maximum(self.several.weights, 0)
        many = len(self.begins) - 1
        total = np.bincount(self.of_events, weights=weights, minlength=many)[self.of_events]
        even = 1 / np.diff(self.begins)[self.of_events]
        return np.where(total > 0, weights / np.where(total > 0, total, 1), even).astype(np.float32)

    @cached_property
    def first_time(self) -> NDArray[np.bool_]:
        """Whether a customer had not bought the item before that event."""
        pairs = self.several.rows * self.several.items + self.several.codes
        found = np.zeros(len(pairs), dtype=np.bool_)
        found[np.unique(pairs, return_index=True)[1]] = True
        return found


@dataclass(frozen=True, eq=False)
class Held:
    """Customers by whom training is judged: what they had bought, and what they went on to buy.

    Parameters
    ----------
    histories
        All but the last of their baskets.
    wanted
        Whether an item is in the last ones, shape (n, m).
    """

    histories: Interactions
    wanted: sparse.csr_array


def divided(several: Interactions, share: float, repeats: bool, rng: np.random.Generator) -> tuple[Interactions, Held]:
    """Divide customers into those who are learned from and those by whom training is judged.

    Of the latter the last fifth of the baskets, one at least, is what should have been foretold; nobody with one basket
    only is among them. Where ``repeats`` do not count, neither does what they had bought before.
    """
    baskets = Baskets(several)
    many = np.diff(baskets.firsts)
    fit = np.flatnonzero(many > 1)
    count = min(max(round(share * len(several)), 1), AT_MOST, len(fit), len(several) - 1)
    held = np.sort(rng.choice(fit, count, replace=False)) if count > 0 else fit[:0]
    kept = np.setdiff1d(np.arange(len(several)), held)
    cut = baskets.firsts[held + 1] - np.maximum(np.floor(APART * many[held]), 1).astype(np.int64)
    until = baskets.begins[cut]
    events, rows = spans(until, several.begins[held + 1])
    wanted = sparse.csr_array((np.ones(len(events)), (rows, several.codes[events])), shape=(len(held), several.items))
    wanted.data[:] = 1
    histories = chosen(several, held, until)
    if not repeats:
        wanted = (wanted - wanted.multiply(histories.bought)).tocsr()
        wanted.eliminate_zeros()
    return chosen(several, kept, several.begins[kept + 1]), Held(histories, wanted)


def chosen(several: Interactions, customers: Places, until: Places) -> Interactions:
    """Return the events of some customers, of each those before a place."""
    events, rows = spans(several.begins[customers], until)
    counts = np.bincount(rows, minlength=len(customers))
    return Interactions(
        np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
        several.codes[events],
        several.weights[events],
        several.days[events],
        several.unknown[customers],
        several.items,
        several.customers.iloc[customers].reset_index(drop=True),
        None if several.choice is None else several.choice.iloc[customers].reset_index(drop=True),
    )
