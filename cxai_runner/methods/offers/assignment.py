"""Which customers get which offers: the most that can be expected under the rules, and how far from it a choice may be.

The problem is a linear one in whole numbers. Rules on one customer make a matroid, so that without the others the best
offers first are the best choice. Limits that all customers share (items, contacts, money) get a price; the dearest
choice at these prices bounds what any choice can bring, and repaired it is a choice. Where the two meet it is the best
one; where they do not and the problem is small, it is solved exactly.

Fisher (1981), The Lagrangian relaxation method for solving integer programming problems, Management Science 27(1).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from cxai_runner.methods.offers.exact import solved
from cxai_runner.methods.offers.lagrangian import relaxed
from cxai_runner.methods.offers.rules import Chosen, Offers, Rules

Method = Literal["auto", "exact", "relaxed"]

SMALL = 20_000
"""Candidates up to which a choice that is not proved the best is solved exactly."""
PROVED = 1e-9
"""The gap, as a share of the bound, below which a choice counts as the best."""


@dataclass(frozen=True, eq=False)
class Assignment:
    """A choice of offers.

    Parameters
    ----------
    chosen
        Shape (n, K), as the candidates.
    value
        What it is expected to bring, all costs taken off.
    bound
        What no choice that keeps the rules can exceed.
    """

    chosen: Chosen
    value: float
    bound: float

    @property
    def gap(self) -> float:
        """How far below the best choice it is at most, as a share of the bound; 0 where it is proved the best."""
        if self.bound <= 0 or self.bound - self.value <= PROVED * self.bound:
            return 0.0
        return (self.bound - self.value) / self.bound


def assign(offers: Offers, rules: Rules, method: Method = "auto", rounds: int = 60) -> Assignment:
    """Choose the offers that bring the most under the rules.

    Parameters
    ----------
    offers, rules
        What there is to choose from, and what a choice has to keep.
    method
        ``exact`` by mixed-integer programming (HiGHS), ``relaxed`` by prices with a stated gap; ``auto`` is the second,
        and the first after it where that proves nothing and there are at most `SMALL` candidates.
    rounds
        Times that prices are adjusted at most.

    Returns
    -------
    assignment
        It breaks no rule, and makes no offer that is worth nothing.
    """
    offers = _with_a_chance(offers, rules)
    if not offers.possible.any():
        return Assignment(np.zeros(offers.items.shape, dtype=bool), 0.0, 0.0)
    found: Assignment | None = None
    if method != "exact":
        chosen, bound = relaxed(offers, rules, rounds)
        found = Assignment(chosen, offers.value(chosen), bound)
        if method == "relaxed" or found.gap == 0 or offers.possible.sum() > SMALL:
            return found
    chosen, bound = solved(offers, rules)
    exact = Assignment(chosen, offers.value(chosen), bound)
    if found is None:
        return exact
    best = max((exact, found), key=lambda one: one.value)
    return Assignment(best.chosen, best.value, float(np.minimum(exact.bound, found.bound)))


def _with_a_chance(offers: Offers, rules: Rules) -> Offers:
    """Leave only candidates that a choice may hold and gains by."""
    there = offers.possible & (offers.worth > 0)
    if rules.per_item is not None:
        there &= np.append(rules.per_item >= 1, False)[offers.items]
    limits = (rules.per_customer, rules.per_category, rules.contacts, rules.offers)
    dear = rules.budget is not None and offers.contact + offers.each > rules.budget
    if dear or any(one is not None and one < 1 for one in limits):
        there = np.zeros_like(there)
    return replace(offers, items=np.where(there, offers.items, -1))
