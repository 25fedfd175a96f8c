"""What may be offered to whom, and how many: offers to choose from, and the rules that a choice keeps.

Offers stand in a table, a row per customer and a column per candidate, so that all customers are decided at once.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Chosen = NDArray[np.bool_]

SLACK = 1e-9
"""Money by which rounding may exceed a budget, as a share of it."""


@dataclass(frozen=True, eq=False)
class Offers:
    """Offers that could be made, K candidates for each of n customers.

    Parameters
    ----------
    items
        The item of each, shape (n, K), from 0 to ``m`` − 1; −1 where there is no candidate. No item twice for one
        customer.
    worth
        What each is expected to bring, its own costs taken off, in money, shape (n, K).
    categories
        The category of each item, shape (m,).
    contact
        What it costs to contact a customer at all, however many offers they get.
    each
        What each offer costs. ``worth`` has it taken off already; a budget pays it.
    """

    items: Ints
    worth: Floats
    categories: Ints
    contact: float = 0.0
    each: float = 0.0

    @property
    def possible(self) -> Chosen:
        """Where there is a candidate, shape (n, K)."""
        return self.items >= 0

    def value(self, chosen: Chosen) -> float:
        """What a choice is expected to bring, the cost of contacts taken off."""
        return float(self.worth[chosen].sum() - self.contact * chosen.any(axis=1).sum())

    def spent(self, chosen: Chosen) -> float:
        """What a choice costs."""
        return float(self.contact * chosen.any(axis=1).sum() + self.each * chosen.sum())


@dataclass(frozen=True, eq=False)
class Rules:
    """What a choice of offers has to keep; None is no limit.

    Parameters
    ----------
    per_customer
        Offers that one customer gets at most.
    per_category
        Of these, offers of one category.
    per_item
        Customers who are offered an item at most, shape (m,), infinite where there is no limit.
    contacts
        Customers who are contacted at most.
    offers
        Offers that are made at most, to all customers together.
    budget
        Money that contacts and offers cost at most.
    """

    per_customer: int | None = None
    per_category: int | None = None
    per_item: Floats | None = None
    contacts: int | None = None
    offers: int | None = None
    budget: float | None = None

    def broken(self, offers: Offers, chosen: Chosen) -> list[str]:
        """Return which rules a choice breaks, by name."""
        found = []
        row, place = np.nonzero(chosen)
        items = offers.items[row, place]
        if (items < 0).any():
            return ["possible"]
        if self.per_customer is not None and (chosen.sum(axis=1) > self.per_customer).any():
            found.append("per_customer")
        if self.per_category is not None and len(items):
            kinds = int(offers.categories.max()) + 1
            if (np.bincount(row * kinds + offers.categories[items]) > self.per_category).any():
                found.append("per_category")
        if self.per_item is not None and (np.bincount(items, minlength=len(self.per_item)) > self.per_item).any():
            found.append("per_item")
        if self.contacts is not None and chosen.any(axis=1).sum() > self.contacts:
            found.append("contacts")
        if self.offers is not None and chosen.sum() > self.offers:
            found.append("offers")
        if self.budget is not None and offers.spent(chosen) > self.budget * (1 + SLACK):
            found.append("budget")
        return found
