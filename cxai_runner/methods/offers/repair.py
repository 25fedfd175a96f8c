"""A choice of offers that keeps every rule, made of one that need not: too much is taken away, what is free filled."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cxai_runner.methods.offers.rules import SLACK, Chosen, Floats, Ints, Offers, Rules


def repaired(offers: Offers, rules: Rules, chosen: Chosen) -> Chosen:
    """Return a choice that keeps all rules, near one that keeps those on each customer alone.

    Whoever is contacted already is served first, from the items that are left; then others, as far as limits allow.
    """
    everybody = np.ones(len(chosen), dtype=bool)
    best = kept = _within_shared(offers, rules, _within_items(offers, rules, chosen))
    for others in (False, True, False):
        whom: NDArray[np.bool_] = everybody if others else np.asarray(kept.any(axis=1))
        kept = _within_shared(offers, rules, _filled(offers, rules, kept, whom))
        if offers.value(kept) > offers.value(best):
            best = kept
    return best


def _within_items(offers: Offers, rules: Rules, chosen: Chosen) -> Chosen:
    """Take offers of an item away beyond its limit, those worth least first."""
    if rules.per_item is None:
        return chosen
    row, place = np.nonzero(chosen)
    ahead = _first(offers.items[row, place], offers.worth[row, place], rules.per_item)
    kept = np.zeros_like(chosen)
    kept[row[ahead], place[ahead]] = True
    return kept


def _within_shared(offers: Offers, rules: Rules, chosen: Chosen) -> Chosen:
    """Take away what is beyond the shared limits, what brings least first, and whoever is worth no contact."""
    if rules.offers is not None and chosen.sum() > rules.offers:
        row, place = np.nonzero(chosen)
        most = np.argsort(-offers.worth[row, place], kind="stable")[: rules.offers]
        chosen = np.zeros_like(chosen)
        chosen[row[most], place[most]] = True
    many = chosen.sum(axis=1)
    gain = np.where(chosen, offers.worth, 0).sum(axis=1) - offers.contact * (many > 0)
    mine = (many > 0) & (gain > 0)
    if rules.contacts is not None:
        mine = _cut(mine, gain, np.ones(len(gain)), rules.contacts)
    if rules.budget is not None:
        mine = _cut(mine, gain, offers.contact + offers.each * many, rules.budget * (1 + SLACK / 2))
    return chosen & mine[:, np.newaxis]


def _cut(mine: NDArray[np.bool_], gain: Floats, costs: Floats, limit: float) -> NDArray[np.bool_]:
    """Keep those who bring the most for what they use, as many as the limit allows; whoever does not fit is passed."""
    if costs[mine].sum() <= limit:
        return mine
    who = np.flatnonzero(mine)
    who = who[np.lexsort((who, -gain[who] / np.maximum(costs[who], 1e-300)))]
    kept = np.zeros_like(mine)
    while len(who):
        total = np.cumsum(costs[who])
        fits = int(np.searchsorted(total, limit, side="right"))
        kept[who[:fits]] = True
        limit -= float(total[fits - 1]) if fits else 0.0
        rest = who[fits:]
        who = rest[costs[rest] <= limit]
    return kept


def _filled(offers: Offers, rules: Rules, chosen: Chosen, whom: NDArray[np.bool_]) -> Chosen:
    """Give further offers: each customer asks for the best that is free, and an item goes where it brings most.

    Nobody is given what an item has no more of, so that only those who were refused ask again.
    """
    filled = chosen.copy()
    most = filled.shape[1] if rules.per_customer is None else rules.per_customer
    many = len(offers.categories)
    free = np.full(many, np.inf) if rules.per_item is None else rules.per_item.astype(np.float64)
    free = free - np.bincount(offers.items[filled], minlength=many)
    asking = np.flatnonzero(whom & (filled.sum(axis=1) < most))
    while len(asking):
        items, mine = offers.items[asking], filled[asking]
        worth = np.where((items >= 0) & ~mine & (free[items] >= 1), offers.worth[asking], -np.inf)
        if rules.per_category is not None:
            worth[_full(offers.categories[items], mine, rules.per_category)] = -np.inf
        place = worth.argmax(axis=1)
        value = worth[np.arange(len(asking)), place]
        some = value > 0
        asking, place, value = asking[some], place[some], value[some]
        wanted = offers.items[asking, place]
        given = _first(wanted, value, free)
        filled[asking[given], place[given]] = True
        free -= np.bincount(wanted[given], minlength=many)
        asking = asking[filled[asking].sum(axis=1) < most]
    return filled


def _full(kinds: Ints, mine: Chosen, most: int) -> Chosen:
    """Which candidates are of a category of which their customer has as many as they may, shape (b, K)."""
    full = np.zeros(mine.shape, dtype=bool)
    width = int(mine.sum(axis=1).max(initial=0))
    # A customer has few offers: each of them is held against all candidates.
    order = np.argsort(~mine, axis=1, kind="stable")[:, :width]
    same = np.zeros(mine.shape, dtype=np.int64)
    for column in range(width):
        place = order[:, column][:, np.newaxis]
        there = np.take_along_axis(mine, place, axis=1)
        same += there & (kinds == np.take_along_axis(kinds, place, axis=1))
    full[same >= most] = True
    return full


def _first(groups: Ints, worth: Floats, limits: Floats) -> NDArray[np.bool_]:
    """Whether each is among the first of its group by worth, as many as the limit allows; of equal ones the first."""
    order = np.lexsort((np.arange(len(groups)), -worth, groups))
    ordered = groups[order]
    begins = np.searchsorted(ordered, ordered, side="left")
    within = np.arange(len(ordered)) - begins + 1 <= limits[ordered]
    found = np.zeros(len(groups), dtype=bool)
    found[order] = within
    return found
