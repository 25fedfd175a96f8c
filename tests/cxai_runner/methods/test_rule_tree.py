"""Rules: planted ones are found and say in round numbers what they do; what is printed is what predicts."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from cxai_runner.methods.rule_tree import Condition, between, grow, held_out, words


def planted(number: int = 600, seed: int = 0) -> tuple[pd.DataFrame, np.ndarray]:
    """Who bought lately and often is in 0, who lately and seldom in 1, all others in 2."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "recency": rng.integers(1, 100, number),
            "frequency": rng.integers(1, 30, number),
            "noise": rng.normal(size=number),
        }
    )
    often = frame["frequency"] > 12
    return frame, np.where(frame["recency"] <= 20, np.where(often, 0, 1), 2)


def test_planted_rules_are_found_in_whole_numbers() -> None:
    frame, segment = planted()
    tree = grow(frame, segment, depth=3)
    assert [(one.segment, one.words) for one in tree.rules()] == [
        (0, "recency at most 20, frequency more than 12"),
        (1, "recency at most 20, frequency at most 12"),
        (2, "recency more than 20"),
    ]
    assert all(one.right == one.customers for one in tree.rules())
    np.testing.assert_array_equal(tree.predict(frame), segment)
    new, truth = planted(seed=5)
    np.testing.assert_array_equal(tree.predict(new), truth)


def test_what_is_printed_predicts() -> None:
    """A cut at a round number between two values parts the customers as the tree did, however odd the values are."""
    rng = np.random.default_rng(1)
    frame = pd.DataFrame({"spent": np.exp(rng.normal(3, 2, 400)), "big": rng.integers(2**40, 2**41, 400)})
    segment = (frame["spent"] > 30).to_numpy() + 2 * (frame["big"] > 1.5 * 2**40).to_numpy()
    tree = grow(frame, segment, depth=2)
    np.testing.assert_array_equal(tree.predict(frame), segment)
    assert all("at most 30" in one.words or "more than 30" in one.words for one in tree.rules())


@pytest.mark.parametrize(
    ("low", "high", "cut"), [(5, 6, 5), (12.3, 47.8, 20), (0.12341, 0.1239, 0.1235), (-3.2, -2.9, -3), (99, 1000, 100)]
)
def test_a_cut_is_the_roundest_number_between_two_values(low: float, high: float, cut: float) -> None:
    assert between(low, high) == pytest.approx(cut, abs=0)
    assert low <= between(low, high) < high


def test_texts_truth_values_and_what_is_missing_are_told_in_words() -> None:
    rng = np.random.default_rng(2)
    region = rng.choice(["north", "south", "west"], 500)
    frame = pd.DataFrame({"region": region, "card": rng.integers(0, 2, 500), "age": rng.normal(40, 9, 500)})
    frame.loc[::3, "age"] = np.nan
    by_region = grow(frame, (region == "north").astype(int), depth=1)
    assert {one.words for one in by_region.rules()} == {"region is north", "region is not north"}
    by_card = grow(frame, frame["card"].to_numpy(), depth=1)
    assert {one.words for one in by_card.rules()} == {"card is 0", "card is 1"}
    known = grow(frame, frame["age"].isna().to_numpy().astype(int), depth=1)
    assert {one.words for one in known.rules()} == {"age is known", "age is not known"}
    np.testing.assert_array_equal(known.predict(frame), frame["age"].isna())


def test_bounds_of_a_column_are_one() -> None:
    low, high = (Condition("basket_size", at_most) for at_most in (5.0, 20.0))
    assert words(((high, True), (low, False))) == "basket size more than 5 and at most 20"
    assert words(((high, True), (low, True))) == "basket size at most 5"
    assert words(()) == "everybody"
    assert math.isnan(Condition("x", missing=True).at_most)


def test_held_out_rules_find_nothing_where_there_is_nothing() -> None:
    frame, _ = planted(900)
    coin = np.random.default_rng(3).integers(0, 2, 900)
    folds = np.arange(900) % 5
    assert (grow(frame, coin, 8).predict(frame) == coin).mean() > 0.6
    assert abs((held_out(frame, coin, 8, folds) == coin).mean() - 0.5) < 0.06


def test_one_segment_needs_no_rule() -> None:
    frame, _ = planted(50)
    (rule,) = grow(frame, np.full(50, 4)).rules()
    assert (rule.segment, rule.words, rule.customers, rule.right) == (4, "everybody", 50, 50)
