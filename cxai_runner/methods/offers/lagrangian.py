"""Offers chosen by prices: every shared limit has one, adjusted until the best offers at these prices keep the limits.

At any prices the customers are apart from each other, and the best for each is known at once. What all of them come to
is a bound on every choice that keeps the rules.
"""

from __future__ import annotations

import numpy as np

from cxai_runner.methods.offers.repair import repaired
from cxai_runner.methods.offers.rules import Chosen, Floats, Offers, Rules

PATIENCE = 5
"""Rounds without a lower bound after which steps are halved."""
REPAIR_EVERY = 10
CLOSE = 1e-9
"""The gap, as a share of the bound, at which nothing is left to find."""
GOOD = 0.9
"""The quantile of the worth of offers that is a good one."""
BLOCK = 20_000
"""Customers that are decided at a time: it bounds what is in memory."""


def relaxed(offers: Offers, rules: Rules, rounds: int) -> tuple[Chosen, float]:
    """Return a choice that keeps all rules, and what no such choice can exceed.

    Parameters
    ----------
    offers, rules
        Every limit leaves room for one offer at least.
    rounds
        Times that prices are adjusted at most.

    Notes
    -----
    Each price has a step of its own, the shorter the more it was moved so far (Duchi, Hazan and Singer (2011), Adaptive
    subgradient methods, JMLR 12): limits of few units and of many are found alike.
    """
    limits, unit = _limits(offers, rules), _unit(offers)
    prices = lowest = moved = np.zeros(len(limits))
    bound, best_value, best = np.inf, -np.inf, np.zeros(offers.items.shape, dtype=bool)
    step, since = 1.0, 0
    for number in range(rounds + 1):
        chosen, value = at_prices(offers, rules, prices)
        value += float(prices @ np.where(prices > 0, limits, 0))
        since = 0 if value < bound else since + 1
        if value < bound:
            bound, lowest = value, prices
        if since >= PATIENCE or number == rounds:  # back to the lowest bound, and on in smaller steps
            step, since, prices, moved = step / 2, 0, lowest, np.zeros(len(limits))
            chosen, _ = at_prices(offers, rules, prices)
        if number % REPAIR_EVERY == 0 or number == rounds:
            kept = repaired(offers, rules, chosen)
            if (worth := offers.value(kept)) > best_value:
                best, best_value = kept, worth
            if bound - best_value <= CLOSE * abs(bound):
                break
        excess = np.where(np.isfinite(limits), _used(offers, chosen) - limits, 0)
        excess[(prices <= 0) & (excess < 0)] = 0
        moved = moved + excess**2
        prices = np.maximum(prices + step * unit * excess / np.sqrt(np.where(moved > 0, moved, 1)), 0)
    return best, bound


def at_prices(offers: Offers, rules: Rules, prices: Floats) -> tuple[Chosen, float]:
    """Return what is best for each customer alone at these prices, and what all of it is worth then.

    Within a customer, so many of a category and so many in all are a matroid: the best first is the best choice.

    Parameters
    ----------
    prices
        In money, of one unit of each item, then of a contact, of an offer, and of a unit of budget, shape (m + 3,).
    """
    of_items = np.append(prices[:-3], 0.0)
    of_contact, of_offer, of_budget = prices[-3:]
    chosen = np.zeros(offers.items.shape, dtype=bool)
    contact = offers.contact * (1 + of_budget) + of_contact
    total = 0.0
    for begin in range(0, len(chosen), BLOCK):
        part = slice(begin, begin + BLOCK)
        items = offers.items[part]
        worth = offers.worth[part] - of_items[items] - of_offer - of_budget * offers.each
        worth = np.where(items >= 0, worth, -np.inf)
        mine, gain = best_of_each(worth, offers.categories[items], rules.per_customer, rules.per_category)
        paid = gain > contact
        chosen[part] = mine & paid[:, np.newaxis]
        total += float((gain[paid] - contact).sum())
    return chosen, total


def best_of_each(worth: Floats, kinds: np.ndarray, most: int | None, of_a_kind: int | None) -> tuple[Chosen, Floats]:
    """Return the best of each row under its own limits, shape (b, K), and what they are worth, shape (b,)."""
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
    """All shared limits: of items, then contacts, offers and budget; infinite where none binds."""
    of_items = np.full(len(offers.categories), np.inf)
    if rules.per_item is not None:  # an item that nobody can be offered is no candidate
        of_items = np.where(rules.per_item >= 1, rules.per_item, np.inf)
    free = offers.contact == 0 and offers.each == 0
    shared = (rules.contacts, rules.offers, None if free else rules.budget)
    return np.concatenate([of_items, [np.inf if one is None else float(one) for one in shared]])


def _unit(offers: Offers) -> Floats:
    """How far prices are moved at first: by what a good offer is worth, of a budget by that for each unit spent."""
    good = float(np.quantile(offers.worth[offers.possible], GOOD))
    unit = np.full(len(offers.categories) + 3, good)
    unit[-1] /= max(offers.contact + offers.each, 1e-300)
    return unit


def _used(offers: Offers, chosen: Chosen) -> Floats:
    """What a choice uses of every limit."""
    of_items = np.bincount(offers.items[chosen], minlength=len(offers.categories)).astype(np.float64)
    shared = [float(chosen.any(axis=1).sum()), float(chosen.sum()), offers.spent(chosen)]
    return np.concatenate([of_items, shared])
