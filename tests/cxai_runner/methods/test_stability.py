"""Stability: real groups come back, imagined ones do not; shuffling keeps distributions only."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.cluster import KMeans
from sklearn.datasets import make_blobs

from cxai_runner.methods.stability import shuffle_columns, shuffle_together, stability


def frame(values):
    return pd.DataFrame(values, columns=[f"x{j}" for j in range(values.shape[1])])


def run(X, k, resamples=10):
    model = KMeans(k, n_init=3, random_state=0)
    labels = model.fit(X).labels_
    return stability(KMeans(k, n_init=3, random_state=0), X, labels, resamples, np.random.default_rng(1))


def test_groups_that_are_there_are_found_again():
    X = frame(make_blobs([60, 40, 30], centers=np.eye(3) * 12, random_state=0)[0])
    found = run(X, 3)
    assert found.rand.shape == (10,)
    assert found.jaccard.shape == (10, 3)
    assert found.rand.min() == pytest.approx(1.0)
    assert found.jaccard.min() == pytest.approx(1.0)


def test_groups_that_are_not_there_are_not():
    found = run(frame(np.random.default_rng(0).normal(size=(200, 4))), 6)
    assert found.rand.mean() < 0.6
    assert found.jaccard.mean() < 0.75


def test_the_model_given_is_not_fitted():
    model = KMeans(2, n_init=1, random_state=0)
    X = frame(np.random.default_rng(0).normal(size=(30, 2)))
    stability(model, X, np.zeros(30, dtype=int), 2, np.random.default_rng(0))
    assert not hasattr(model, "labels_")


def test_shuffling_keeps_each_column_and_breaks_their_ties():
    rng = np.random.default_rng(0)
    one = rng.normal(size=500)
    X = frame(np.column_stack([one, one + rng.normal(scale=0.1, size=500)]))
    shuffled = shuffle_columns(X, rng)
    for column in X:
        assert sorted(shuffled[column]) == sorted(X[column])
    assert X.corr().iloc[0, 1] > 0.9
    assert abs(shuffled.corr().iloc[0, 1]) < 0.15


def test_shuffling_together_keeps_values_and_rank_correlations_and_no_groups():
    rng = np.random.default_rng(0)
    values = np.exp(rng.multivariate_normal([0, 0], [[1, 0.8], [0.8, 1]], 2000))
    shuffled = shuffle_together(values, rng)
    np.testing.assert_array_equal(np.sort(shuffled, axis=0), np.sort(values, axis=0))
    correlation = [frame(one).corr("spearman").iloc[0, 1] for one in (values, shuffled)]
    assert correlation[1] == pytest.approx(correlation[0], abs=0.05)
    groups = make_blobs([500, 500], centers=[[0, 0], [9, 9]], random_state=0)[0]
    low = shuffle_together(groups, rng) < 4.5
    assert (low[:, 0] != low[:, 1]).mean() > 0.1  # which no customer of the two groups is
