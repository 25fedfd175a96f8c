"""The best k of each row are those of a sort, level ones in the order of the catalogue; rows do not see each other."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cxai_runner.methods.recommend.blocks import rowwise
from cxai_runner.methods.recommend.ranking import best


def sorted_best(scores, k):
    """The definition."""
    codes, found = np.full((len(scores), k), -1), np.zeros((len(scores), k), dtype=np.float32)
    for row, own in enumerate(scores):
        order = [one for one in sorted(range(len(own)), key=lambda item: (-own[item], item)) if own[one] > -np.inf][:k]
        codes[row, : len(order)], found[row, : len(order)] = order, own[order]
    return codes, found


@pytest.mark.parametrize("items", [1, 7, 600, 3000])
@given(seed=st.integers(0, 2**32 - 1), k=st.integers(1, 12), kind=st.sampled_from(["any", "level", "few", "none"]))
@settings(deadline=None)
def test_best_is_a_sort(items, seed, k, kind):
    rng = np.random.default_rng(seed)
    scores = rng.normal(size=(3, items)).astype(np.float32)
    if kind == "level":
        scores = np.round(scores)
    elif kind == "few":
        scores[rng.random(scores.shape) < 1 - 5 / items] = -np.inf
    elif kind == "none":
        scores[:] = -np.inf
    for ours, defined in zip(best(scores, k), sorted_best(scores, k), strict=True):
        np.testing.assert_array_equal(ours, defined)


@given(seed=st.integers(0, 2**32 - 1), rows=st.integers(1, 70), factors=st.integers(1, 200), items=st.integers(1, 90))
@settings(deadline=None)
def test_a_row_of_a_product_is_the_same_alone(seed, rows, factors, items):
    rng = np.random.default_rng(seed)
    left = (rng.normal(size=(rows, factors)) * 10.0 ** rng.integers(-9, 9, (rows, 1))).astype(np.float32)
    right = (rng.normal(size=(factors, items)) * 10.0 ** rng.integers(-9, 9, items)).astype(np.float32)
    together = rowwise(left, right)
    for row in range(rows):
        np.testing.assert_array_equal(rowwise(left[row : row + 1], right)[0], together[row])
    exact = left.astype(np.float64) @ right.astype(np.float64)
    size = np.abs(left).max(axis=1, keepdims=True).astype(np.float64) * np.abs(right).max(axis=0) * factors
    assert np.all(np.abs(together - exact) <= 2.0**-21 * size)


def test_a_product_with_nothing_is_nothing():
    assert not rowwise(np.zeros((2, 3), dtype=np.float32), np.ones((3, 4), dtype=np.float32)).any()
