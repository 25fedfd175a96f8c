"""What customers buy again: their own counts, and those of customers like them."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone

from cxai_runner.methods.recommend import Interactions, NextBasket, PersonalFrequency
from cxai_runner.methods.recommend.lists import text

FEW = settings(max_examples=40, deadline=None)


def histories(baskets):
    """Customers as lists of (days, items)."""
    rows = []
    for customer in baskets:
        events = [(day, item) for day, items in sorted(customer, reverse=True) for item in sorted(set(items))]
        rows.append({"items": text([item for _, item in events]), "days": text([day for day, _ in events])})
    return pd.DataFrame(rows)


basket = st.tuples(st.integers(0, 300), st.lists(st.sampled_from("abcdefgh"), min_size=1, max_size=4))
customers = st.lists(st.lists(basket, min_size=1, max_size=8, unique_by=lambda one: one[0]), min_size=2, max_size=8)


def read(frame, model):
    return Interactions.of(frame, model.catalogue)


def order(model, frame):
    return model.ranked(frame, k=8).named(model.catalogue).tolist()


def test_ones_own_items_come_by_how_often_and_then_those_of_most_customers():
    frame = histories([[(3, "ab"), (2, "b"), (1, "b")], [(1, "cd")], [(1, "c")], [(1, "c")]])
    lists = PersonalFrequency(k=4, half_life=None, prior=0).fit(frame).predict(frame)
    assert lists.loc[0, ["item_1", "item_2", "item_3", "item_4"]].tolist() == ["b", "a", "c", "d"]
    assert lists.loc[0, ["score_1", "score_2", "score_3"]].tolist() == [3, 1, 0]


def test_a_purchase_counts_half_after_a_half_life_and_popularity_as_the_prior_says():
    frame = histories([[(30, "a"), (0, "b")], [(0, "b")]])
    model = PersonalFrequency(half_life=30, prior=0.5).fit(frame)
    scores = dict(zip(model.items_, model.ranked(frame, k=2).scores[0][[0, 1]], strict=True))
    assert scores == pytest.approx({"b": 1 + 0.5, "a": 0.5 + 0.25})


@FEW
@given(customers)
def test_with_an_endless_half_life_it_is_plain_counts(baskets):
    frame = histories(baskets)
    plain = PersonalFrequency(half_life=None).fit(frame).ranked(frame, k=8)
    endless = PersonalFrequency(half_life=1e12).fit(frame).ranked(frame, k=8)
    np.testing.assert_array_equal(endless.codes, plain.codes)
    np.testing.assert_allclose(endless.scores, plain.scores, rtol=1e-6)


@FEW
@given(customers)
def test_a_half_life_later_lists_are_the_same(baskets):
    """All purchases count half then, one beside the other as before."""
    model = PersonalFrequency(half_life=64, prior=0).fit(histories(baskets))
    later = [[(day + 64, items) for day, items in one] for one in baskets]
    assert order(model, histories(later)) == order(model, histories(baskets))


@FEW
@given(customers, st.randoms(use_true_random=False))
@pytest.mark.parametrize("model", [PersonalFrequency(), NextBasket(neighbours=100)], ids=["frequency", "next basket"])
def test_the_order_of_customers_changes_nothing(model, baskets, random):
    """All are neighbours: of equally close ones it is chance which are asked."""
    asked, mixed = histories(baskets), histories(random.sample(baskets, len(baskets)))
    one, other = clone(model).fit(asked), clone(model).fit(mixed)
    assert one.items_ == other.items_
    np.testing.assert_allclose(one._score(read(asked, one)), other._score(read(asked, other)), atol=1e-6)


def by_the_book(baskets, groups, basket_decay, group_decay):
    """Equations 1 to 3 of Hu et al., in words of Python: baskets the oldest first, in groups from the last on."""
    n = len(baskets)
    m = min(groups, n)
    several = [[] for _ in range(m)]
    for later in range(n):
        several[later * m // n].append(baskets[n - 1 - later])
    found = {}
    for after, group in enumerate(several):
        for place, items in enumerate(group):
            for item in items:
                found[item] = found.get(item, 0) + group_decay**after * basket_decay**place / len(group) / m
    return found


@FEW
@given(customers, st.integers(1, 5), st.floats(0.1, 1), st.floats(0.1, 1))
def test_frequencies_are_those_of_the_equations(baskets, groups, basket_decay, group_decay):
    frame = histories(baskets)
    model = NextBasket(groups=groups, basket_decay=basket_decay, group_decay=group_decay, own=1).fit(frame)
    scores = model._score(read(frame, model))
    for row, customer in enumerate(baskets):
        expected = by_the_book(
            [set(items) for _, items in sorted(customer, reverse=True)], groups, basket_decay, group_decay
        )
        told = {item: scores[row, place] for place, item in enumerate(model.items_) if scores[row, place] > 0}
        assert told == pytest.approx(expected, rel=1e-5)


@FEW
@given(customers)
def test_without_decay_and_neighbours_it_is_the_share_of_baskets(baskets):
    frame = histories(baskets)
    model = NextBasket(groups=1, basket_decay=1, group_decay=1, own=1).fit(frame)
    assert order(model, frame) == order(PersonalFrequency(half_life=None, prior=0).fit(frame), frame)


def test_neighbours_are_those_who_buy_alike():
    """Half buy a and b, half c and d; who bought a alone is told of b."""
    frame = histories([[(1, "ab")]] * 10 + [[(1, "cd")]] * 20)
    asked = histories([[(1, "a")], [(1, "d")]])
    model = NextBasket(neighbours=5, own=0.5).fit(frame)
    assert order(model, asked)[0][:2] == ["a", "b"]
    assert order(model, asked)[1][:2] == ["d", "c"]
    scores = model.ranked(asked, k=2).scores
    np.testing.assert_allclose(scores, [[1, 0.5], [1, 0.5]])


def test_a_taste_that_changed_is_followed():
    """Until half a year ago one item, then another: counts alone are for the first, recency for the second."""
    changed = [(day, "a") for day in range(180, 300, 10)] + [(day, "b") for day in range(5, 105, 10)]
    frame = histories([changed, [(1, "a")], [(1, "b")]])
    assert order(PersonalFrequency(half_life=None, prior=0).fit(frame), frame)[0][0] == "a"
    assert order(PersonalFrequency(half_life=60, prior=0).fit(frame), frame)[0][0] == "b"
    assert order(NextBasket(own=1).fit(frame), frame)[0][0] == "b"


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (PersonalFrequency(half_life=0), "half_life: days, more than 0"),
        (PersonalFrequency(prior=-1), "prior: purchases, 0 or more"),
        (NextBasket(groups=0), "groups: 1 or more"),
        (NextBasket(basket_decay=0), "basket_decay: more than 0 and at most 1"),
        (NextBasket(group_decay=1.1), "group_decay: more than 0 and at most 1"),
        (NextBasket(neighbours=0), "neighbours: 1 or more"),
        (NextBasket(own=2), "own: 0 to 1"),
    ],
)
def test_what_cannot_be_is_named(model, message):
    with pytest.raises(ValueError, match=message):
        model.fit(histories([[(1, "a")]]))


def test_histories_without_days_are_one_basket():
    frame = pd.DataFrame({"items": [json.dumps(["a", "b", "b"]), json.dumps(["b"])]})
    assert order(NextBasket(own=1).fit(frame), frame)[0][:2] == ["b", "a"]
