"""Merge trees: SciPy's own, cut into exactly k, drawn from the top, with a place for new customers."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.cluster import hierarchy
from sklearn.datasets import make_blobs
from sklearn.metrics import adjusted_rand_score
from sklearn.utils.estimator_checks import parametrize_with_checks

from cxai_runner.methods.segments import HierarchicalSegments
from cxai_runner.methods.segments.trees import LINEAR, cut, jumps, merge_tree, top

LINKAGES = ("ward", "single", "complete", "average", "weighted", "centroid", "median")


@parametrize_with_checks([HierarchicalSegments(2), HierarchicalSegments(k_max=3, assign_to="centre")])
def test_scikit_learn_conventions(estimator, check):
    check(estimator)


@pytest.fixture(scope="module")
def blobs():
    centres = [[0, 0], [9, 0], [0, 9]]
    return make_blobs([100, 60, 20], centers=np.array(centres, dtype=float), cluster_std=0.8, random_state=0)


@pytest.mark.parametrize("linkage", LINKAGES)
def test_trees_are_scipys(linkage):
    values = np.random.default_rng(0).normal(size=(80, 3))
    ours, theirs = merge_tree(values, linkage), hierarchy.linkage(values, linkage)
    np.testing.assert_allclose(np.sort(ours[:, 2]), np.sort(theirs[:, 2]), atol=1e-10)
    for k in (2, 5):
        # Where heights fall on the way, SciPy's own cut is by height and not by merge.
        other = cut(theirs, k) if linkage in ("centroid", "median") else hierarchy.cut_tree(theirs, k)[:, 0]
        assert adjusted_rand_score(cut(ours, k), other) == 1.0


def test_a_cut_has_exactly_k_segments_where_heights_are_equal():
    values = np.array([[0.0], [1.0], [2.0], [3.0], [4.0]])
    tree = merge_tree(values, "single")
    assert [len(np.unique(cut(tree, k))) for k in range(1, 6)] == [1, 2, 3, 4, 5]


def test_jumps_are_those_of_the_heights():
    tree = merge_tree(np.array([[0.0], [1.0], [3.0], [13.0]]), "single")
    np.testing.assert_allclose(tree[:, 2], [1, 2, 10])
    np.testing.assert_allclose(jumps(tree, [1, 2, 3, 4]), [np.nan, 8, 1, 1])


def test_the_top_of_a_tree():
    tree = merge_tree(np.array([[0.0], [1.0], [3.0], [13.0], [13.5]]), "single")
    shown = top(tree, 3)
    assert sorted(shown["foot"]) == [1, 2, 2]
    np.testing.assert_allclose(shown["height"], [2, 10])
    assert shown["rows"].tolist() == [3, 5]
    assert shown["right_height"][1] == 2 or shown["left_height"][1] == 2
    assert len(top(tree, 99)["foot"]) == 5


@pytest.mark.parametrize("linkage", LINKAGES)
def test_planted_segments_are_found(linkage, blobs):
    X, truth = blobs
    fitted = HierarchicalSegments(3, linkage=linkage).fit(X)
    assert adjusted_rand_score(truth, fitted.labels_) >= 0.95
    assert list(fitted.sizes_) == sorted(fitted.sizes_, reverse=True)


def test_the_heights_suggest_their_number(blobs):
    fitted = HierarchicalSegments().fit(blobs[0])
    assert fitted.n_clusters_ == fitted.suggested_ == 3
    assert np.nanargmax(fitted.selection_["heights"]) == 1


def test_rows_of_the_tree_stay_where_it_has_them(blobs):
    X, _ = blobs
    for linkage in ("ward", "single"):
        fitted = HierarchicalSegments(7, linkage=linkage).fit(X)
        np.testing.assert_array_equal(fitted.predict(X), fitted.labels_)


def test_new_rows_go_to_the_nearest_centre_if_asked(blobs):
    X, _ = blobs
    fitted = HierarchicalSegments(3, assign_to="centre").fit(X)
    assert not hasattr(fitted, "rows_")
    assert list(fitted.predict([[8.9, 0.1], [0.2, 7.0], [0, 0]])) == [1, 2, 0]


@pytest.mark.parametrize("assign_to", ["customer", "centre"])
def test_a_sample_makes_the_tree_of_many(assign_to, blobs):
    X, truth = blobs
    fitted = HierarchicalSegments(3, max_customers=100, assign_to=assign_to, random_state=0).fit(X)
    assert fitted.in_tree_ == 100
    assert adjusted_rand_score(truth, fitted.labels_) >= 0.95
    assert list(fitted.sizes_) == [100, 60, 20]
    np.testing.assert_array_equal(fitted.predict(X), fitted.labels_)


def test_linear_memory_is_for_those_linkages_that_allow_it():
    assert set(LINEAR) == {"ward", "single", "centroid", "median"}
