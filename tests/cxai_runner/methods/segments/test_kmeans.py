"""Segments: found where there are any, numbered by size, with the textbook's silhouettes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.cluster import KMeans
from sklearn.datasets import make_blobs
from sklearn.metrics import adjusted_rand_score, silhouette_samples, silhouette_score
from sklearn.utils.estimator_checks import parametrize_with_checks

from cxai_runner.methods.segments import KMeansSegments, centre_distances, silhouettes


@parametrize_with_checks([KMeansSegments(n_clusters=2, n_init=2), KMeansSegments(n_init=2, k_max=3)])
def test_scikit_learn_conventions(estimator, check):
    check(estimator)


@pytest.fixture(scope="module")
def blobs():
    centres = [[0, 0], [8, 0], [0, 8]]
    X, truth = make_blobs([100, 60, 20], centers=np.array(centres, dtype=float), cluster_std=0.8, random_state=0)
    return X, truth


def test_finds_the_number_and_the_groups(blobs):
    X, truth = blobs
    fitted = KMeansSegments(random_state=0).fit(X)
    assert fitted.n_clusters_ == 3
    assert adjusted_rand_score(truth, fitted.labels_) == 1.0
    assert list(fitted.sizes_) == [100, 60, 20]
    assert list(np.bincount(fitted.labels_)) == [100, 60, 20]


@pytest.mark.parametrize("seed", range(5))
def test_numbering_does_not_depend_on_the_start(blobs, seed):
    X, truth = blobs
    np.testing.assert_array_equal(KMeansSegments(random_state=seed).fit(X).labels_, truth)


def test_equal_sizes_are_ordered_by_their_centres():
    X = np.array([[5.0, 0.1], [5.0, -0.1], [0.0, 0.1], [0.0, -0.1]])
    for seed in range(5):
        fitted = KMeansSegments(2, random_state=seed).fit(X)
        assert list(fitted.labels_) == [1, 1, 0, 0]


def test_a_given_number_is_kmeans(blobs):
    X, _ = blobs
    ours = KMeansSegments(4, random_state=1).fit(X)
    theirs = KMeans(4, n_init=10, random_state=7).fit(X)
    assert ours.inertia_ == pytest.approx(theirs.inertia_, rel=1e-3)
    assert ours.inertia_ == pytest.approx(
        (centre_distances(X, ours.cluster_centers_).min(axis=1) ** 2).sum(), rel=1e-10
    )
    assert list(ours.selection_["k"]) == [4]


def test_the_table_of_the_choice(blobs):
    X, _ = blobs
    table = KMeansSegments(k_min=2, k_max=6, random_state=0).fit(X).selection_
    assert list(table["k"]) == [2, 3, 4, 5, 6]
    assert (np.diff(table["inertia"]) < 0).all()
    assert table["elbow"][0] == table["elbow"][-1] == 0
    assert np.argmax(table["elbow"]) == np.argmax(table["silhouette"]) == 1
    k3 = KMeansSegments(3, random_state=0).fit(X)
    assert table["silhouette"][1] == pytest.approx(silhouette_score(X, k3.labels_), rel=1e-9)


def test_the_elbow_can_choose(blobs):
    assert KMeansSegments(choose_by="elbow", random_state=0).fit(blobs[0]).n_clusters_ == 3


def test_new_rows_go_to_the_nearest_centre(blobs):
    X, _ = blobs
    fitted = KMeansSegments(random_state=0).fit(X)
    np.testing.assert_array_equal(fitted.predict(X), fitted.labels_)
    assert list(fitted.predict([[7.9, 0.1], [0.2, 7.0]])) == [1, 2]


def test_few_rows_bound_the_number():
    X = np.array([[0.0], [0.1], [5.0], [5.1]])
    assert list(KMeansSegments(random_state=0).fit(X).selection_["k"]) == [2, 3]
    assert KMeansSegments(random_state=0).fit(np.zeros((5, 1))).n_clusters_ == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_clusters": "many"}, "n_clusters must be 'auto' or a whole number of at least 1, not 'many'"),
        ({"n_clusters": 0}, "not 0"),
        ({"k_min": 1}, "2 ≤ k_min ≤ k_max is needed, not k_min=1"),
        ({"k_min": 5, "k_max": 4}, "k_max=4"),
        (
            {"choose_by": "eye"},
            "choose_by must be one of silhouette, elbow, gap, prediction_strength, majority, not 'eye'",
        ),
    ],
)
def test_wrong_options_are_said(blobs, options, message):
    with pytest.raises(ValueError, match=message):
        KMeansSegments(**options).fit(blobs[0])


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), n=st.integers(4, 60), k=st.integers(2, 4))
def test_silhouettes_are_the_textbooks(seed, n, k):
    rng = np.random.default_rng(seed)
    X, labels = rng.normal(size=(n, 3)), np.concatenate([np.arange(k), rng.integers(0, k, n)])[:n]
    if len(np.unique(labels)) < min(k, n - 1):
        return
    ours = silhouettes(X, labels, X, labels, np.arange(n))
    if len(np.unique(labels)) < n:
        np.testing.assert_allclose(ours, silhouette_samples(X, labels), atol=1e-12)


def test_silhouettes_against_others_leave_nobody_out(blobs):
    """A new row is compared with all reference rows; one among them is not compared with itself."""
    X, truth = blobs
    new = silhouettes(X[:5] + 1e-12, truth[:5], X, truth)
    own = silhouettes(X[:5], truth[:5], X, truth, np.arange(5))
    assert (new > own).all()
    np.testing.assert_allclose(new, own, atol=0.02)


def test_a_sample_stands_for_all(blobs):
    X, truth = blobs
    sample = np.arange(0, len(X), 2)
    approximate = silhouettes(X, truth, X[sample], truth[sample])
    assert approximate.mean() == pytest.approx(silhouette_score(X, truth), abs=0.02)


def test_an_unknown_segment_has_no_silhouette():
    X = np.array([[0.0], [1.0], [9.0]])
    assert list(silhouettes(X, np.array([7, 7, 7]), X, np.array([0, 0, 1]))) == [0, 0, 0]
