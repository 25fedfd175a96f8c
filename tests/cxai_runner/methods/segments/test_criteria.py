"""How many segments: criteria that find planted ones, and that can say there are none."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import make_blobs

from cxai_runner.methods.segments import GaussianMixtureSegments, HierarchicalSegments, KMeansSegments, recommend
from cxai_runner.methods.segments.criteria import (
    elbow,
    first_within_one_error,
    gap_statistic,
    last_strong,
    prediction_strength,
)
from cxai_runner.methods.segments.recommendation import votes

FOUR = np.array([[0, 0, 0], [9, 0, 0], [0, 9, 0], [0, 0, 9]], dtype=float)


@pytest.fixture(scope="module")
def four():
    return make_blobs([120, 90, 60, 30], centers=FOUR, cluster_std=1.0, random_state=1)[0]


@pytest.fixture(scope="module")
def one():
    """A single cloud."""
    rng = np.random.default_rng(2)
    return rng.multivariate_normal([0, 0, 0], [[1, 0.3, 0], [0.3, 1, 0], [0, 0, 1]], 300)


def test_the_elbow_is_furthest_below_the_line():
    found = elbow(np.array([2.0, 3.0, 4.0, 5.0]), np.array([10.0, 4.0, 3.0, 1.0]))
    np.testing.assert_allclose(found, [0, 1 - 1 / 3 - 3 / 9, 1 - 2 / 3 - 2 / 9, 0])
    assert np.isnan(elbow(np.array([2.0, 3.0]), np.array([2.0, 1.0]))).all()


def test_the_gap_is_of_the_logs():
    """With one segment, W is the total sum of squares, of the rows and of uniform ones in their box."""

    class OneSegment:
        labels = np.zeros(400, dtype=int)

    values = np.random.default_rng(0).uniform(size=(400, 2)) * [4, 1]
    gap, error = gap_statistic(lambda v, k, r: [OneSegment()], values, [1], np.random.RandomState(0))
    assert abs(gap[0]) < 0.05  # uniform rows are like their reference
    assert 0 < error[0] < 0.1
    tight, _ = gap_statistic(lambda v, k, r: [OneSegment()], values**9, [1], np.random.RandomState(0))
    assert tight[0] > 0.3


def test_the_first_gap_within_one_error_counts():
    gap, error = np.array([0.1, 0.5, 0.52, 0.9]), np.array([0.1, 0.1, 0.1, 0.1])
    assert first_within_one_error([1, 2, 3, 4], gap, error) == 2
    assert first_within_one_error([1, 2, 3], np.array([0.0, 1.0, 2.0]), np.zeros(3)) is None


def test_the_last_strong_number_counts():
    strength, error = np.array([1.0, 0.9, 0.78, 0.79, 0.5]), np.array([0, 0.01, 0.01, 0.02, 0.01])
    assert last_strong([1, 2, 3, 4, 5], strength, error) == 4
    assert last_strong([2, 3], np.array([0.2, 0.1]), np.zeros(2)) == 2


def test_prediction_strength_is_that_of_the_worst_segment():
    """Both halves agree but for one segment, half of whose pairs the other half keeps together at most."""

    class Threes:
        def __init__(self, values):
            self.labels = values[:, 0].astype(int)

        @staticmethod
        def assign(values):
            return np.where(values[:, 0] == 2, 2 + values[:, 1], values[:, 0]).astype(int)

    values = np.array([[k, i % 2] for k in range(3) for i in range(40)], dtype=float)
    strength, _ = prediction_strength(lambda v, k, r: [Threes(v)], values, [3], np.random.RandomState(0))
    assert 0.4 < strength[0] < 0.6


@pytest.mark.parametrize("cls", [KMeansSegments, HierarchicalSegments, GaussianMixtureSegments])
def test_planted_segments_are_counted_by_every_criterion(cls, four):
    fitted = cls(choose_by="majority", k_max=6, random_state=0).fit(four)
    said = votes(fitted.selection_)
    assert set(said) == set(cls.criteria)
    assert {name: number for name, number in said.items() if number != 4} == {}
    assert fitted.n_clusters_ == 4


@pytest.mark.parametrize("cls", [KMeansSegments, HierarchicalSegments, GaussianMixtureSegments])
def test_one_cloud_is_no_segments(cls, one):
    table = cls(k_max=5, random_state=0).fit(one).evidence(one)
    advice = recommend(table)
    assert advice.number == 1
    assert "which is none" in advice.why


@pytest.mark.parametrize("choose_by", ["gap", "prediction_strength", "majority"])
def test_what_can_say_one_may_choose_it(choose_by):
    values = np.random.default_rng(3).normal(size=(250, 3))
    fitted = KMeansSegments(choose_by=choose_by, k_max=4, random_state=0).fit(values)
    assert fitted.n_clusters_ == 1
    assert set(fitted.predict(values)) == {0}


def test_one_is_not_asked_for_where_two_are_too_few(one):
    fitted = KMeansSegments(choose_by="majority", k_min=3, k_max=5, random_state=0).fit(one)
    assert list(fitted.selection_["k"]) == [3, 4, 5]
    assert fitted.n_clusters_ >= 3


def test_evidence_adds_to_the_table_of_the_choice(four):
    fitted = KMeansSegments(k_max=5, random_state=0).fit(four)
    table = fitted.evidence(four)
    assert list(table["k"]) == [1, 2, 3, 4, 5]
    np.testing.assert_array_equal(table["inertia"][1:], fitted.selection_["inertia"])
    assert table["inertia"][0] == pytest.approx(((four - four.mean(axis=0)) ** 2).sum())
    assert fitted.n_clusters_ == 4  # nothing else has changed
    again = fitted.evidence(four)
    np.testing.assert_array_equal(table["gap"], again["gap"])


def test_a_given_number_has_no_evidence(four):
    fitted = KMeansSegments(3, random_state=0).fit(four)
    assert fitted.evidence(four) is fitted.selection_


def told(**columns):
    return {"k": np.array([1, 2, 3, 4]), **{name: np.array(values, dtype=float) for name, values in columns.items()}}


NO_ERROR = [0.0] * 4
WEAK = {"prediction_strength": [1, 0.5, 0.4, 0.3], "prediction_strength_error": NO_ERROR}
STRONG = {"prediction_strength": [1, 0.9, 0.9, 0.3], "prediction_strength_error": NO_ERROR}
FLAT = {"gap": [1, 0.5, 0.4, 0.3], "gap_error": NO_ERROR}
RISING = {"gap": [0, 1, 2, 3], "gap_error": NO_ERROR}


def test_none_needs_more_than_half_of_those_who_can_say_so():
    assert recommend(told(silhouette=[np.nan, 3, 2, 1], **WEAK, **FLAT)).number == 1
    assert recommend(told(silhouette=[np.nan, 3, 2, 1], **WEAK, **RISING)).number == 2
    assert recommend(told(bic=[9, 8, 7, 6], **WEAK, **FLAT)).number == 1
    assert recommend(told(bic=[9, 8, 5, 6], **STRONG, **FLAT)).number == 3


def test_the_most_votes_win_and_then_the_first_criterion():
    advice = recommend(told(silhouette=[np.nan, 1, 2, 3], elbow=[np.nan, 0, 1, 2], **STRONG, **RISING))
    assert advice.number == 4
    assert advice.why == (
        "the silhouette and the elbow say 4, prediction strength 3; the gap statistic names no number."
    )
    assert advice.votes["gap"] is None
    tied = recommend(told(silhouette=[np.nan, 1, 2, 3], **STRONG, **RISING))
    assert tied.number == 3
    assert "of equally many votes the first named decides" in tied.why
