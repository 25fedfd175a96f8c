"""Latent classes: the likelihood never falls, planted classes come back with their errors, values may be missing."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import logsumexp
from scipy.stats import norm
from sklearn.metrics import adjusted_rand_score
from sklearn.mixture import GaussianMixture
from sklearn.utils.estimator_checks import parametrize_with_checks

from cxai_runner.methods.segments import LatentClassSegments
from cxai_runner.methods.segments.mixed_em import Classes, MixedRows, fit, log_joint, parameters


@parametrize_with_checks([LatentClassSegments(2, n_init=2, max_iter=50)])
def test_scikit_learn_conventions(estimator, check):
    check(estimator)


def answers(n=900, missing=0.0, seed=0):
    """Three classes of four questions and a number."""
    rng = np.random.default_rng(seed)
    truth = rng.choice(3, n, p=[0.5, 0.3, 0.2])
    share = np.array([[0.9, 0.05, 0.05], [0.05, 0.9, 0.05], [0.05, 0.05, 0.9]])[truth]
    frame = pd.DataFrame(
        {
            name: np.array(["tea", "milk", "juice"])[(share.cumsum(axis=1) < rng.uniform(size=(n, 1))).sum(axis=1)]
            for name in ("breakfast", "lunch", "dinner")
        }
    )
    frame["code"] = np.where(rng.uniform(size=n) < np.array([0.1, 0.9, 0.5])[truth], 1, 0)
    frame["age"] = rng.normal(np.array([30.0, 50.0, 70.0])[truth], 6)
    return frame.mask(rng.uniform(size=frame.shape) < missing), truth


def test_planted_classes_come_back():
    frame, truth = answers()
    fitted = LatentClassSegments(random_state=0).fit(frame)
    assert fitted.n_clusters_ == 3
    assert adjusted_rand_score(truth, fitted.labels_) >= 0.95
    assert list(fitted.sizes_) == sorted(fitted.sizes_, reverse=True)
    assert fitted.converged_
    np.testing.assert_array_equal(fitted.predict(frame), fitted.labels_)
    np.testing.assert_array_equal(fitted.predict_proba(frame).argmax(axis=1), fitted.labels_)
    assert (fitted.categorical_, fitted.numeric_) == ([0, 1, 2, 3], [4])


def test_missing_values_are_left_out():
    frame, truth = answers(missing=0.2)
    fitted = LatentClassSegments(3, random_state=0).fit(frame)
    assert adjusted_rand_score(truth, fitted.labels_) > 0.85
    nothing = pd.DataFrame([[None] * 4 + [np.nan]], columns=frame.columns)
    np.testing.assert_allclose(fitted.predict_proba(nothing)[0], fitted.weights_)
    unseen = nothing.assign(lunch="beer")
    np.testing.assert_allclose(fitted.predict_proba(unseen)[0], fitted.weights_)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 100_000), k=st.integers(1, 5), n=st.integers(6, 80), missing=st.sampled_from([0.0, 0.3]))
def test_the_likelihood_never_falls(seed, k, n, missing):
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, 3, (n, 2)).astype(float)
    numbers = rng.normal(size=(n, 2))
    for part in (codes, numbers):
        part[rng.uniform(size=part.shape) < missing] = np.nan
    rows = MixedRows.of(codes, [3, 3], numbers, rng.integers(1, 4, n).astype(float))
    path = fit(rows, k, np.random.RandomState(seed), starts=3, max_iter=200, tol=1e-9).path
    assert (np.diff(path) >= -1e-8 * np.abs(path[:-1])).all()


def test_the_density_is_the_textbooks():
    rows = MixedRows.of(np.array([[0.0], [1.0], [np.nan]]), [2], np.array([[0.5], [np.nan], [-1.0]]), np.ones(3))
    classes = Classes(
        np.array([0.4, 0.6]), np.array([[0.7, 0.3], [0.2, 0.8]]), np.array([[0.0], [1.0]]), np.array([[1.0], [0.25]])
    )
    expected = [
        [0.4 * 0.7 * norm.pdf(0.5, 0, 1), 0.6 * 0.2 * norm.pdf(0.5, 1, 0.5)],
        [0.4 * 0.3, 0.6 * 0.8],
        [0.4 * norm.pdf(-1, 0, 1), 0.6 * norm.pdf(-1, 1, 0.5)],
    ]
    np.testing.assert_allclose(log_joint(rows, classes), np.log(expected), rtol=1e-12)
    assert parameters(rows, 2) == 1 + 2 * (1 + 2)


def test_numbers_alone_are_a_diagonal_mixture():
    """scikit-learn's Gaussian mixture of diagonal covariance maximises the same likelihood."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(500, 3)) + np.repeat([[0, 0, 0], [2.5, 1, 0]], 250, axis=0)
    ours = LatentClassSegments(2, random_state=0, tol=1e-10).fit(X)
    scaled = (X - X.mean(axis=0)) / X.std(axis=0)
    theirs = GaussianMixture(2, covariance_type="diag", n_init=5, tol=1e-8, max_iter=2000, random_state=0).fit(scaled)
    assert ours.log_likelihood_ == pytest.approx(theirs.score(scaled) * 500, rel=1e-6)
    assert ours.bic_ == pytest.approx(theirs.bic(scaled), rel=1e-6)


def test_equal_rows_count_once_each():
    frame, _ = answers(200)
    frame = frame[["breakfast", "lunch", "dinner"]]
    twice = pd.concat([frame, frame], ignore_index=True)
    one, two = (LatentClassSegments(2, random_state=0, tol=1e-12).fit(part) for part in (frame, twice))
    assert two.log_likelihood_ == pytest.approx(2 * one.log_likelihood_, rel=1e-8)
    np.testing.assert_allclose(two.weights_, one.weights_, atol=1e-4)


def test_standard_errors_cover_the_truth():
    """Of many samples, nearly 95 in 100 intervals hold the share, the probability and the mean that made them."""
    held, count = np.zeros(2), 0
    for seed in range(40):
        frame, _ = answers(400, seed=seed)
        table = LatentClassSegments(3, random_state=0, n_init=3).fit(frame).profile(frame)
        largest = table[table["segment"] == 0].set_index(["column", "value"])
        for i, (place, truth) in enumerate({("lunch", "tea"): 0.9, ("age", "mean"): 30.0}.items()):
            row = largest.loc[place]
            held[i] += abs(row["estimate"] - truth) < 1.96 * row["standard_error"]
        count += 1
    assert ((held / count > 0.85) & (held / count <= 1)).all(), held / count


def test_a_probability_at_the_boundary_has_no_error():
    frame = pd.DataFrame({"a": ["x"] * 50 + ["y"] * 50, "b": ["p"] * 50 + ["q"] * 50, "c": (["u", "v"] * 50)})
    table = LatentClassSegments(2, random_state=0).fit(frame).profile(frame)
    certain = table[table["column"] == "a"]
    assert certain["standard_error"].isna().all()
    assert table[table["column"] == "c"]["standard_error"].between(0.05, 0.09).all()


def test_one_class_is_chosen_where_there_are_none():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({name: rng.choice(["a", "b", "c"], 400) for name in ("x", "y", "z")})
    assert LatentClassSegments(random_state=0, k_max=4).fit(frame).n_clusters_ == 1


def test_columns_are_categories_as_named():
    frame, _ = answers(100)
    fitted = LatentClassSegments(2, categorical=["breakfast", "lunch", "dinner"], random_state=0).fit(frame)
    assert fitted.numeric_ == [3, 4]
    with pytest.raises(ValueError, match="categorical names supper, and there is no such column"):
        LatentClassSegments(2, categorical=["supper"]).fit(frame)
    with pytest.raises(ValueError, match="infinity in column age"):
        LatentClassSegments(2).fit(frame.assign(age=np.inf))


def test_distances_between_categories_are_one():
    frame, _ = answers(60)
    fitted = LatentClassSegments(2, random_state=0).fit(frame[["breakfast"]])
    two = fitted.encode(pd.DataFrame({"breakfast": ["tea", "milk"]}))
    assert np.linalg.norm(two[0] - two[1]) == pytest.approx(1)


def test_memberships_are_bayes():
    frame, _ = answers(200)
    fitted = LatentClassSegments(2, random_state=0).fit(frame)
    rows = fitted._rows(fitted._read(frame), counted=False)[0]
    joint = log_joint(rows, Classes(fitted.weights_, fitted.probabilities_, fitted.means_, fitted.variances_))
    np.testing.assert_allclose(fitted.predict_proba(frame), np.exp(joint - logsumexp(joint, axis=1, keepdims=True)))
