"""Histories as baskets: where they begin, how much items count in them, and who is held apart."""

from __future__ import annotations

import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from cxai_runner.methods.recommend import Catalogue, Interactions
from cxai_runner.methods.recommend.baskets import Baskets, divided, spans


def read(frame):
    return Interactions.of(frame, Catalogue.of(frame["items"]))


FRAME = pd.DataFrame(
    {
        "items": [["a", "b", "a"], [], ["c", "b", "a", "a", "d"]],
        "weights": [[1, 3, 2], [], [0, 0, 2, 5, 1]],
        "days": [[4, 4, 1], [], [9, 9, 4, 3, 1]],
    }
)


@given(st.lists(st.tuples(st.integers(0, 20), st.integers(0, 5)), max_size=8))
def test_spans_are_ranges_one_after_the_other(given_):
    begins = np.array([one for one, _ in given_], dtype=np.int64)
    lengths = np.array([one for _, one in given_], dtype=np.int64)
    places, rows = spans(begins, begins + lengths)
    assert places.tolist() == [b + j for b, n in given_ for j in range(n)]
    assert rows.tolist() == [row for row, (_, n) in enumerate(given_) for _ in range(n)]


def test_one_time_of_one_customer_is_a_basket():
    baskets = Baskets(read(FRAME))
    assert baskets.begins.tolist() == [0, 2, 3, 5, 6, 7, 8]
    assert baskets.firsts.tolist() == [0, 2, 2, 6]
    assert baskets.of_events.tolist() == [0, 0, 1, 2, 2, 3, 4, 5]
    assert baskets.first_time.tolist() == [True, True, False, True, True, True, False, True]


def test_weights_of_a_basket_add_up_to_one_of_whatever_weights():
    weights = Baskets(read(FRAME)).weights
    # 1 : 3; alone; both of no weight; the others alone.
    np.testing.assert_allclose(weights, [0.25, 0.75, 1, 0.5, 0.5, 1, 1, 1])


def test_training_is_judged_by_the_last_baskets_of_customers_who_are_not_learned_from():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "items": [[f"c{c}_{j}" for j in range(10)] for c in range(40)],
            "days": [list(range(10, 0, -1))] * 40,
        }
    )
    several = read(frame)
    training, held = divided(several, 0.25, True, rng)
    assert len(training) == 30
    assert len(held.histories) == 10
    assert np.diff(training.begins).tolist() == [10] * 30
    assert np.diff(held.histories.begins).tolist() == [8] * 10
    assert held.wanted.sum(axis=1).tolist() == [2] * 10
    assert not set(training.codes) & set(held.histories.codes)
    assert not held.wanted.multiply(held.histories.bought).nnz


def test_what_was_bought_before_is_not_wanted_where_repeats_do_not_count():
    frame = pd.DataFrame({"items": [["a", "b", "a"]] * 10, "days": [[3, 2, 1]] * 10})
    _, again = divided(read(frame), 0.5, True, np.random.default_rng(0))
    _, anew = divided(read(frame), 0.5, False, np.random.default_rng(0))
    assert again.wanted.nnz == 5
    assert anew.wanted.nnz == 0


def test_nobody_is_held_apart_where_each_has_one_basket():
    frame = pd.DataFrame({"items": [["a", "b"]] * 10})
    training, held = divided(read(frame), 0.5, True, np.random.default_rng(0))
    assert len(training) == 10
    assert len(held.histories) == 0
