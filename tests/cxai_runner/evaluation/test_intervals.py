"""Intervals that resample customers: what is drawn, that nothing depends on the blocks, and that they cover."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cxai_runner.evaluation import intervals
from cxai_runner.evaluation.intervals import blocks, bootstrap, percentile, random_groups, recentred
from cxai_runner.evaluation.metrics import MeanOf, units_of


def test_each_resample_has_as_many_customers_as_there_are():
    counts = np.concatenate(list(blocks(30, 200, np.random.default_rng(0))), axis=1)
    assert counts.shape == (30, 200)
    assert (counts.sum(axis=0) == 30).all()
    assert counts.mean() == 1
    assert counts.var() == pytest.approx(1 - 1 / 30, rel=0.05)


@settings(max_examples=20, deadline=None)
@given(rows=st.sampled_from([0, 10_000, 400_000, 10**7]), seed=st.integers(0, 1000))
def test_blocks_change_no_draw(rows, seed):
    one = np.concatenate(list(blocks(7, 50, np.random.default_rng(seed))), axis=1)
    other = np.concatenate(list(blocks(7, 50, np.random.default_rng(seed), rows=rows)), axis=1)
    np.testing.assert_array_equal(one, other)


def test_blocks_bound_the_memory():
    first = next(iter(blocks(10, 1000, np.random.default_rng(0), rows=1_000_000)))
    assert first.shape[1] * 1_000_000 <= intervals.BLOCK


def test_a_resample_is_the_same_as_copying_its_rows():
    """Counts as weights give what concatenating the drawn customers' rows would."""
    rng = np.random.default_rng(2)
    codes, numbers = rng.integers(0, 12, 80), rng.normal(size=80)
    codes[:12] = np.arange(12)
    for counts in blocks(12, 5, np.random.default_rng(3)):
        got = MeanOf(numbers, codes, 12)(counts)[0]
        for b in range(counts.shape[1]):
            copied = np.concatenate([np.tile(numbers[codes == g], int(counts[g, b])) for g in range(12)])
            assert got[b] == pytest.approx(copied.mean(), rel=1e-12)


def test_all_statistics_see_the_same_resamples():
    rng = np.random.default_rng(0)
    codes, numbers = np.arange(40), rng.normal(size=40)
    (a, one), (b, other) = bootstrap(
        [MeanOf(numbers, codes, 40), MeanOf(numbers + 5, codes, 40)], 40, 100, np.random.default_rng(1)
    )
    np.testing.assert_allclose(other - one, 5)
    assert b[0] - a[0] == pytest.approx(5)


def test_customers_make_intervals_wide_where_rows_are_alike():
    """Rows that are copies are no evidence; an interval that resampled rows would be ten times too narrow."""
    rng = np.random.default_rng(0)
    own = rng.normal(size=50)
    ((value, draws),) = bootstrap([MeanOf(np.repeat(own, 100), np.repeat(np.arange(50), 100), 50)], 50, 1000, rng)
    interval = percentile(value[0], draws[0])
    assert (interval.high - interval.low) / (2 * 1.96) == pytest.approx(own.std() / math.sqrt(50), rel=0.1)


def test_the_interval_of_a_clustered_mean_covers():
    """300 simulated panels: about 95 % of intervals hold the true mean."""
    rng, covered = np.random.default_rng(7), 0
    for _ in range(300):
        own = rng.normal(0, 1, 60)
        sizes = rng.integers(1, 15, 60)
        codes = np.repeat(np.arange(60), sizes)
        numbers = own[codes] + rng.normal(0, 1, len(codes))
        ((value, draws),) = bootstrap([MeanOf(numbers, codes, 60)], 60, 300, rng)
        interval = percentile(value[0], draws[0])
        covered += interval.low < 0 < interval.high
    assert 0.90 <= covered / 300 <= 0.98


def test_what_does_not_exist_in_a_resample_is_left_out():
    interval = percentile(0.5, np.array([0.4, np.nan, 0.6]))
    assert (interval.low, interval.high) == pytest.approx((0.405, 0.595))
    nothing = percentile(0.5, np.array([np.nan]))
    assert math.isnan(nothing.low)
    assert math.isnan(nothing.high)


def test_recentred_holds_its_value():
    draws = np.random.default_rng(0).normal(0.05, 0.01, 500)
    interval = recentred(0.02, draws)
    assert interval.low < 0.02 < interval.high
    assert recentred(0.001, draws).low == 0.0


def test_few_customers_are_drawn_one_by_one_and_many_in_groups(monkeypatch):
    monkeypatch.setattr(intervals, "MOST_UNITS", 50)
    assert random_groups(50, np.random.default_rng(0)).tolist() == list(range(50))
    groups = random_groups(330, np.random.default_rng(0))
    assert sorted(set(np.bincount(groups))) == [6, 7]
    assert (groups != random_groups(330, np.random.default_rng(1))).any()


def test_groups_of_customers_vary_as_customers_do(monkeypatch):
    """A skewed ratio over 6,000 customers, drawn one by one and in 600 groups: the same spread but for chance."""
    rng = np.random.default_rng(3)
    ids = np.arange(6000)
    spent, orders = np.exp(rng.normal(size=6000) * 1.2), 1 + rng.poisson(2, 6000)
    spreads = []
    for most in (6000, 600):
        monkeypatch.setattr(intervals, "MOST_UNITS", most)
        codes, units = units_of(ids, rng)
        assert units == most
        ((value, draws),) = bootstrap([MeanOf(spent, codes, units, orders)], units, 2000, rng)
        assert value[0] == pytest.approx(spent.sum() / orders.sum())
        spreads.append(draws.std())
    # Of 600 groups the variance is known to about √(2 / 600), of 2,000 draws to √(2 / 2,000); five times both.
    assert spreads[1] / spreads[0] == pytest.approx(1, abs=5 * 0.5 * np.sqrt(2 / 600 + 2 * 2 / 2000))
