"""Offers chosen exactly: the problem of assignment as HiGHS takes it."""

from __future__ import annotations

import numpy as np
from scipy import sparse
from scipy.optimize import Bounds, LinearConstraint, milp

from cxai_runner.methods.offers.rules import Chosen, Ints, Offers, Rules

NODES = 200_000
"""Nodes of the tree of search after which the best choice so far is taken: no clock decides, so that runs agree."""


def solved(offers: Offers, rules: Rules) -> tuple[Chosen, float]:
    """Return the best choice, and the bound that proves it.

    With x an offer that is made and y a customer who is contacted, worth·x − contact·y is the most it can be where
    x ≤ y and every rule is a row of its own.
    """
    row, place = np.nonzero(offers.possible)
    chosen = np.zeros(offers.items.shape, dtype=bool)
    many = len(row)
    if not many:
        return chosen, 0.0
    items, people = offers.items[row, place], np.unique(row, return_inverse=True)[1]
    customers = int(people.max()) + 1
    rows, limits = _limits(offers, rules, items, people, customers)
    gain = np.concatenate([offers.worth[row, place], np.full(customers, -offers.contact)])
    told = milp(
        -gain,
        integrality=np.ones(len(gain)),
        bounds=Bounds(0, 1),
        constraints=LinearConstraint(rows, -np.inf, limits),
        options={"mip_rel_gap": 0.0, "node_limit": NODES},
    )
    if told.x is not None:
        taken = np.round(told.x[:many]).astype(bool)
        chosen[row[taken], place[taken]] = True
    bound = -float(told.mip_dual_bound) if told.mip_dual_bound is not None else float(np.maximum(gain, 0).sum())
    return chosen, bound


def _limits(
    offers: Offers, rules: Rules, items: Ints, people: Ints, customers: int
) -> tuple[sparse.csr_array, np.ndarray]:
    """The rules as rows over all x and y, and what each may come to at most."""
    many, ones = len(items), np.ones(len(items))
    number = np.arange(many)
    blocks: list[sparse.csr_array] = []
    limits: list[np.ndarray] = []

    def add(of_x: sparse.csr_array, of_y: sparse.csr_array | None, most: np.ndarray) -> None:
        blank = sparse.csr_array((of_x.shape[0], customers))
        blocks.append(sparse.hstack([of_x, blank if of_y is None else of_y], format="csr"))
        limits.append(np.asarray(most, dtype=np.float64))

    def grouped(groups: Ints) -> sparse.csr_array:
        return sparse.csr_array((ones, (groups, number)), shape=(int(groups.max()) + 1, many))

    add(sparse.eye_array(many, format="csr"), sparse.csr_array((-ones, (number, people)), (many, customers)), 0 * ones)
    if rules.per_customer is not None:
        least = -float(rules.per_customer) * sparse.eye_array(customers, format="csr")
        add(grouped(people), sparse.csr_array(least), np.zeros(customers))
    if rules.per_category is not None:
        kinds = int(offers.categories.max()) + 1
        _, pairs = np.unique(people * kinds + offers.categories[items], return_inverse=True)
        add(grouped(pairs), None, np.full(int(pairs.max()) + 1, float(rules.per_category)))
    if rules.per_item is not None:
        there, own = np.unique(items, return_inverse=True)
        add(grouped(own), None, np.minimum(rules.per_item[there], many))
    all_x, all_y = sparse.csr_array(ones[np.newaxis]), sparse.csr_array(np.ones((1, customers)))
    none = sparse.csr_array((1, many))
    if rules.contacts is not None:
        add(none, all_y, np.array([rules.contacts]))
    if rules.offers is not None:
        add(all_x, None, np.array([rules.offers]))
    if rules.budget is not None:
        add(offers.each * all_x, offers.contact * all_y, np.array([rules.budget]))
    return sparse.csr_array(sparse.vstack(blocks)), np.concatenate(limits)
