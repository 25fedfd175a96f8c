"""Offers are chosen under rules: no rule is ever broken, and what is called the best is."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cxai_runner.methods.offers import Offers, Rules, assign


@st.composite
def problems(draw: st.DrawFn, customers: int = 4, places: int = 4, items: int = 5) -> tuple[Offers, Rules]:
    n, k, m = (draw(st.integers(1, most)) for most in (customers, places, items))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    k = min(k, m)
    table = np.array([rng.permutation(m)[:k] for _ in range(n)])
    table[rng.uniform(size=table.shape) < 0.1] = -1
    worth = rng.normal(1, 1, size=table.shape).round(draw(st.sampled_from([0, 1, 6])))
    categories = rng.integers(0, 2, size=m)
    contact, each = draw(st.sampled_from([0.0, 0.5, 1.0])), draw(st.sampled_from([0.0, 0.3]))
    limit = st.none() | st.integers(0, 4)
    per_item = rng.integers(0, 4, size=m).astype(float) if draw(st.booleans()) else None
    rules = Rules(
        per_customer=draw(limit),
        per_category=draw(limit),
        per_item=per_item,
        contacts=draw(limit),
        offers=draw(limit),
        budget=draw(st.none() | st.floats(0, 4)),
    )
    return Offers(table, worth, categories, contact, each), rules


def by_hand(offers: Offers, rules: Rules) -> float:
    """The best of all choices there are."""
    places = np.argwhere(offers.possible)
    best = 0.0
    for taken in product([False, True], repeat=len(places)):
        chosen = np.zeros(offers.items.shape, dtype=bool)
        chosen[tuple(places[list(taken)].T)] = True
        if not rules.broken(offers, chosen):
            best = max(best, offers.value(chosen))
    return best


@settings(max_examples=150, deadline=None)
@given(problems(customers=3, places=3))
def test_the_best_of_all_choices_is_found(problem: tuple[Offers, Rules]) -> None:
    offers, rules = problem
    best = by_hand(offers, rules)
    for method in ("exact", "auto"):
        found = assign(offers, rules, method)
        assert rules.broken(offers, found.chosen) == []
        assert found.value == pytest.approx(best, abs=1e-7)
        assert found.value == pytest.approx(offers.value(found.chosen))
    near = assign(offers, rules, "relaxed")
    assert rules.broken(offers, near.chosen) == []
    assert near.value <= best + 1e-7
    assert near.bound >= best - 1e-7


@settings(max_examples=150, deadline=None)
@given(problems(customers=40, places=12, items=30))
def test_no_rule_is_broken_and_the_bound_holds(problem: tuple[Offers, Rules]) -> None:
    offers, rules = problem
    near, best = assign(offers, rules, "relaxed"), assign(offers, rules, "exact")
    assert rules.broken(offers, near.chosen) == []
    assert rules.broken(offers, best.chosen) == []
    assert near.value <= best.value + 1e-6 <= near.bound + 2e-6
    assert near.value >= 0
    assert 0 <= near.gap <= 1


def large(customers: int, items: int = 2000, seed: int = 0) -> Offers:
    rng = np.random.default_rng(seed)
    liked = np.argsort(rng.gumbel(size=(customers, items)) - np.log(np.arange(1, items + 1)), axis=1)[:, :50]
    worth = np.sort(rng.gamma(0.5, 1, size=(customers, 50)))[:, ::-1]
    return Offers(liked, worth, rng.integers(0, 40, size=items), contact=0.4)


@pytest.mark.parametrize(
    "rules",
    [
        Rules(per_customer=3, per_category=1),
        Rules(per_customer=3, per_category=1, per_item=np.full(2000, 20.0)),
        Rules(per_customer=3, per_category=1, contacts=150, per_item=np.full(2000, 10.0)),
        Rules(per_customer=3, budget=50.0, offers=300),
    ],
    ids=["of customers alone", "items", "contacts and items", "budget and offers"],
)
def test_what_is_not_proved_is_near(rules: Rules) -> None:
    offers = large(500)
    found = assign(offers, rules, "relaxed", rounds=100)
    assert rules.broken(offers, found.chosen) == []
    assert found.gap < 0.01


def test_a_choice_without_shared_limits_is_proved_at_once() -> None:
    assert assign(large(300), Rules(per_customer=3, per_category=1), "relaxed", rounds=1).gap == 0


def test_what_breaks_a_rule_is_told() -> None:
    offers = Offers(np.array([[0, 1], [0, -1]]), np.ones((2, 2)), np.array([0, 0]), contact=1.0, each=1.0)
    chosen = np.array([[True, True], [True, False]])
    rules = Rules(1, 1, np.array([1.0, 1.0]), 1, 2, 4.0)
    told = ["per_customer", "per_category", "per_item", "contacts", "offers", "budget"]
    assert rules.broken(offers, chosen) == told
    assert rules.broken(offers, ~chosen) == ["possible"]
