"""What lists show: by hand."""

from __future__ import annotations

import numpy as np
import pytest

from cxai_runner.evaluation import exposure

LISTS = np.array([[0, 1, 2], [0, 1, -1], [3, -1, -1], [-1, -1, -1]])


def test_coverage_counts_what_is_on_any_list():
    counts = exposure.shown(LISTS, 8)
    assert counts.tolist() == [2, 2, 1, 1, 0, 0, 0, 0]
    assert exposure.coverage(counts) == 0.5


def test_gini_is_nothing_where_all_are_alike_and_near_one_where_one_has_all():
    assert exposure.gini([3, 3, 3, 3]) == pytest.approx(0)
    assert exposure.gini([0, 0, 0, 7]) == pytest.approx(3 / 4)  # (m − 1) / m
    # Mean absolute difference over twice the mean: of 1 and 3 it is (2 · 2 / 4) / (2 · 2).
    assert exposure.gini([1, 3]) == pytest.approx(0.25)
    assert np.isnan(exposure.gini([0, 0]))


def test_means_are_of_the_items_there_are():
    found = exposure.mean_listed([0.5, 0.3, 0.1, 0.2], LISTS)
    assert found[:3] == pytest.approx([0.3, 0.4, 0.2])
    assert np.isnan(found[3])


def test_what_half_bought_is_one_bit():
    assert exposure.self_information([8, 4, 1, 0], 8) == pytest.approx([0, 1, 3, 3])


def test_diversity_counts_pairs_of_different_kinds():
    found = exposure.diversity([0, 0, 1, 1], LISTS)
    assert found[:2] == pytest.approx([2 / 3, 0])
    assert np.isnan(found[2:]).all()


def test_diversity_is_that_of_all_pairs_one_by_one():
    rng = np.random.default_rng(2)
    kinds, lists = rng.integers(0, 5, 30), np.array([rng.permutation(30)[:7] for _ in range(40)])
    pairs = [[kinds[a] != kinds[b] for i, a in enumerate(row) for b in row[i + 1 :]] for row in lists]
    assert exposure.diversity(kinds, lists) == pytest.approx(np.mean(pairs, axis=1))
