"""Offers chosen by prices: every shared limit has one, adjusted until the best offers at these prices keep the limits.

At any prices the customers are apart from each other, and the best for each is known at once. What all of them come to
is a bound on every choice that keeps the rules.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cxai_runner.methods.offers.repair import repaired
from cxai_runner.methods.offers.rules import Chosen, Floats, Offers, Rules

PATIENCE = 5
"""Rounds without a lower bound after which steps are halved."""
REPAIR_EVERY = 10
CLOSE = 1e-9
"""The gap, as a share of the bound, at which nothing is left to find."""
BLOCK = 20_000
"""Customers that are decided at a time: it bounds what is in memory."""


@dataclass(frozen=True, eq=False)
class Prices:
    """What the shared limits cost, in money: of one unit of each item, a contact, an offer, and a unit of budget."""

    items: Floats
    contact: float
    offer: float
    budget: float


def relaxed(offers: Offers, rules: Rules, rounds: int) -> tuple[Chosen, float]:
    """Return a choice that keeps all rules, and what no such choice can exceed.

    Parameters
    ----------
    offers, rules
        Every limit leaves room for one offer at least.
    rounds
        Times that prices are adjusted at most.
    """
    limits = _limits(offers, rules)
    bounded = np.isfinite(limits)
    priced = lowest = np.zeros(len(limits))  # what the whole of a limit costs
    bound, best_value, best = np.inf, -np.inf, np.zeros(offers.items.shape, dtype=bool)
    step, since = 1.0, 0
    for number in range(rounds):
        chosen, value = at_prices(offers, rules, _prices(priced, limits))
        now = value + float(priced.sum())
        since = 0 if now < bound else since + 1
        if now < bound:
            bound, lowest = now, priced
        if number % REPAIR_EVERY == 0 or number == rounds - 1:
            kept = repaired(offers, rules, chosen)
            if (worth := offers.value(kept)) > best_value:
                best, best_value = kept, worth
        if bound - best_value <= CLOSE * abs(bound):
            break
        if since >= PATIENCE:  # go on from the lowest bound, in smaller steps
            step, since, priced = step / 2, 0, lowest
            chosen, now = at_prices(offers, rules, _prices(lowest, limits))[0], bound
        excess = np.where(bounded, _used(offers, chosen) / np.where(bounded, limits, 1) - 1, 0)
        excess[(priced <= 0) & (excess < 0)] = 0
        length = float(excess @ excess)
        if not length:  # nothing is over its limit, and what has a price is used up: the best there is
            break
        priced = np.maximum(priced + step * (now - best_value) / length * excess, 0)
    kept = repaired(offers, rules, at_prices(offers, rules, _prices(lowest, limits))[0])
    if offers.value(kept) > best_value:
        best = kept
    return best, bound


def at_prices(offers: Offers, rules: Rules, prices: Prices) -> tuple[Chosen, float]:
    """Return what is best for each customer alone at these prices, and what all of it is worth then.

    Within a customer, at most so many of a category and so many in all are a matroid: the best first is the best choice.
    """
    chosen = np.zeros(offers.items.shape, dtype=bool)
    contact = offers.contact * (1 + prices.budget) + prices.contact
    total = 0.0
    for begin in range(0, len(chosen), BLOCK):
        part = slice(begin, begin + BLOCK)
        items = offers.items[part]
        worth = offers.worth[part] - prices.items[items] - prices.offer - prices.budget * offers.each
        worth = np.where(items >= 0, worth, -np.inf)
        mine, gain = best_of_each(worth, offers.categories[items], rules.per_customer, rules.per_category)
        paid = gain > contact
        chosen[part] = mine & paid[:, np.newaxis]
        total += float((gain[paid] - contact).sum())
    return chosen, total


def best_of_each(
    worth: Floats, kinds: np.ndarray, most: int | None, of_a_kind: int | None
) -> tuple[Chosen, Floats]:
    """Return the best candidates of each row under its own limits, shape (b, K), and what they are worth, shape (b,)."""
    left, chosen = worth.copy(), np.zeros(worth.shape, dtype=bool)
    gain = np.zeros(len(worth))
    every = np.arange(len(worth))
    for _ in range(worth.shape[1] if most is None else min(most, worth.shape[1])):
        place = left.argmax(axis=1)
        value = left[every, place]
        some = value > 0
        if not some.any():
            break
        chosen[every[some], place[some]] = True
        gain[some] += value[some]
        left[every, place] = -np.inf
        if of_a_kind is not None:
            kind = kinds[every, place][:, np.newaxis]
            full = ((chosen & (kinds == kind)).sum(axis=1) >= of_a_kind) & some
            left[full[:, np.newaxis] & (kinds == kind)] = -np.inf
    return chosen, gain


def _limits(offers: Offers, rules: Rules) -> Floats:
    """All shared limits: of items, then contacts, offers and budget; infinite where there is none, or nothing to pay."""
    of_items = np.full(len(offers.categories), np.inf)
    if rules.per_item is not None:  # an item that nobody can be offered is no candidate
        of_items = np.where(rules.per_item >= 1, rules.per_item, np.inf)
    free = offers.contact == 0 and offers.each == 0
    shared = (rules.contacts, rules.offers, None if free else rules.budget)
    return np.concatenate([of_items, [np.inf if one is None else float(one) for one in shared]])


def _prices(priced: Floats, limits: Floats) -> Prices:
    """Prices of one unit, from those of the whole limit; of no item, nothing."""
    unit = priced / limits
    return Prices(np.append(unit[:-3], 0.0), float(unit[-3]), float(unit[-2]), float(unit[-1]))


def _used(offers: Offers, chosen: Chosen) -> Floats:
    """What a choice uses of every limit."""
    of_items = np.bincount(offers.items[chosen], minlength=len(offers.categories)).astype(np.float64)
    shared = [float(chosen.any(axis=1).sum()), float(chosen.sum()), offers.spent(chosen)]
    return np.concatenate([of_items, shared])
