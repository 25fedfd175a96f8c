"""Components, mixtures and dense regions: each finds what it is made for, numbers it by size, and places new rows."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import make_blobs, make_moons
from sklearn.decomposition import PCA
from sklearn.metrics import adjusted_rand_score
from sklearn.utils.estimator_checks import parametrize_with_checks

from cxai_runner.methods.segments import (
    ComponentSegments,
    DensitySegments,
    GaussianMixtureSegments,
    KMeansSegments,
)


@parametrize_with_checks(
    [
        ComponentSegments(2, n_clusters=2, n_init=2),
        GaussianMixtureSegments(2, n_init=1),
        DensitySegments(5),
    ]
)
def test_scikit_learn_conventions(estimator, check):
    check(estimator)


@pytest.fixture(scope="module")
def blobs():
    centres = [[0, 0, 0, 0], [9, 0, 0, 0], [0, 9, 0, 0]]
    return make_blobs([100, 60, 20], centers=np.array(centres, dtype=float), cluster_std=0.8, random_state=1)


@pytest.mark.parametrize(
    "model",
    [
        ComponentSegments(2, random_state=0),
        GaussianMixtureSegments(random_state=0),
        GaussianMixtureSegments(covariance_type="auto", random_state=0),
        DensitySegments(10),
    ],
    ids=["components", "mixture", "mixture of any shape", "density"],
)
def test_planted_segments_are_found_and_counted(model, blobs):
    X, truth = blobs
    fitted = model.fit(X)
    assert fitted.n_clusters_ == 3
    assert adjusted_rand_score(truth, fitted.labels_) >= 0.95
    assert list(fitted.sizes_) == sorted(fitted.sizes_, reverse=True)
    np.testing.assert_array_equal(fitted.predict(X), fitted.labels_)


def test_components_are_those_of_pca(blobs):
    X, _ = blobs
    fitted = ComponentSegments(3, n_clusters=3, random_state=0).fit(X)
    scores = PCA(3).fit_transform(X)
    beside = KMeansSegments(3, random_state=0).fit(scores)
    assert fitted.inertia_ == pytest.approx(beside.inertia_)
    assert fitted.encode(X).shape == (180, 3)
    assert ComponentSegments(0.5, n_clusters=2, random_state=0).fit(X).pca_.n_components_ == 1
    assert ComponentSegments(99, n_clusters=2, random_state=0).fit(X).pca_.n_components_ == 4


def test_a_mixture_takes_long_segments_apart():
    """Two long ellipses side by side, which K-means cuts across."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(400, 2)) * [5, 0.5] + np.repeat([[0, 0], [0, 4]], 200, axis=0)
    truth = np.repeat([0, 1], 200)
    assert adjusted_rand_score(truth, GaussianMixtureSegments(2, n_init=8, random_state=0).fit(X).labels_) > 0.95
    assert adjusted_rand_score(truth, KMeansSegments(2, random_state=0).fit(X).labels_) < 0.5


def test_probabilities_are_of_the_numbered_segments(blobs):
    X, _ = blobs
    for shape in ("full", "tied", "diag", "spherical"):
        fitted = GaussianMixtureSegments(3, covariance_type=shape, random_state=0).fit(X)
        probability = fitted.predict_proba(X)
        np.testing.assert_allclose(probability.sum(axis=1), 1)
        np.testing.assert_array_equal(probability.argmax(axis=1), fitted.labels_)
        np.testing.assert_allclose(fitted.mixture_.weights_, [100 / 180, 60 / 180, 20 / 180], atol=0.01)


def test_the_bic_is_the_mixtures(blobs):
    X, _ = blobs
    fitted = GaussianMixtureSegments(3, random_state=0).fit(X)
    assert fitted.bic_ == pytest.approx(fitted.mixture_.bic(X))
    assert fitted.selection_["deviance"][0] == pytest.approx(-2 * fitted.log_likelihood_)


def test_the_shape_of_least_bic_is_taken():
    X = np.random.default_rng(0).normal(size=(300, 4)) + np.repeat([[0] * 4, [9] * 4], 150, axis=0)
    assert GaussianMixtureSegments(2, covariance_type="auto", random_state=0).fit(X).covariance_type_ == "spherical"


def test_dense_regions_leave_who_is_between_them():
    X, truth = make_moons(600, noise=0.05, random_state=0)
    far = np.random.default_rng(0).uniform(-4, 5, (40, 2))
    far = far[(np.abs(far - [0.5, 0.25]) > [2, 1.2]).any(axis=1)]
    every = np.vstack([X, far])
    fitted = DensitySegments(30).fit(every)
    assert fitted.n_clusters_ == 2
    assert adjusted_rand_score(truth, fitted.labels_[:600]) >= 0.95
    assert (fitted.labels_[600:] == -1).mean() > 0.9
    assert fitted.unassigned_ == (fitted.labels_ == -1).sum()
    assert list(fitted.predict([[0.0, 1.0], [1.0, -0.5], [9.0, 9.0]])) != [-1, -1, -1]
    assert fitted.predict([[9.0, 9.0]])[0] == -1


def test_there_may_be_no_dense_region():
    X = np.random.default_rng(0).uniform(size=(60, 5))
    fitted = DensitySegments(50, min_samples=20).fit(X)
    assert fitted.n_clusters_ == 0
    assert list(np.unique(fitted.predict(X))) == [-1]


def test_a_sample_of_many_is_searched(blobs):
    X, truth = blobs
    fitted = DensitySegments(0.05, max_customers=120, random_state=0).fit(X)
    assert fitted.searched_ == 120
    assert adjusted_rand_score(truth[fitted.labels_ >= 0], fitted.labels_[fitted.labels_ >= 0]) >= 0.95
