"""The adjusted Rand index beside scikit-learn's, drawn anew as if customers were repeated; and segments renamed."""

from __future__ import annotations

import numpy as np
from sklearn.metrics import adjusted_rand_score

from cxai_runner.methods.agreement import RandIndex, matched


def test_it_is_scikit_learns_and_repeats_customers() -> None:
    rng = np.random.default_rng(0)
    ours = rng.integers(0, 3, 60)
    others = np.where(rng.random(60) < 0.7, ours, rng.integers(-1, 4, 60))
    index = RandIndex(ours, others)
    counts = np.stack([np.ones(60), np.bincount(rng.integers(0, 60, 60), minlength=60)], axis=1)
    drawn = np.repeat(np.arange(60), counts[:, 1].astype(int))
    expected = [adjusted_rand_score(ours, others), adjusted_rand_score(ours[drawn], others[drawn])]
    np.testing.assert_allclose(index(counts)[0], expected)


def test_one_segment_each_is_the_same_division() -> None:
    assert RandIndex(np.zeros(5), np.ones(5))(np.ones((5, 1)))[0, 0] == 1.0


def test_segments_are_called_as_those_that_share_most_with_them() -> None:
    like = np.array([0, 0, 0, 1, 1, 2, 2, -1])
    labels = np.array([7, 7, 7, 3, 3, 5, 9, -1])
    found = matched(labels, like)
    assert (found[7], found[3], found[-1]) == (0, 1, -1)
    assert sorted([found[5], found[9]]) == [2, 3]
