"""Metrics: scikit-learn's values at unit weights and at any weights, ties included, beside a baseline."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, brier_score_loss, log_loss, roc_auc_score

from cxai_runner.evaluation.discrimination import Ranking, RankingInFolds
from cxai_runner.evaluation.intervals import blocks
from cxai_runner.evaluation.metrics import (
    CalibrationError,
    calibration_table,
    classification_metrics,
    classification_statistics,
    codes_of,
    segment_metrics,
    tenths,
)


def sample(seed=0, n=600, customers=60, decimals=2):
    rng = np.random.default_rng(seed)
    p = rng.uniform(0.05, 0.9, n).round(decimals)
    return (rng.uniform(size=n) < p).astype(int), p, rng.integers(0, customers, n)


@pytest.fixture(scope="module")
def metrics():
    y, p, customer = sample()
    found = classification_metrics(y, p, np.full(len(y), y.mean()), customer, 300, np.random.default_rng(0))
    return {metric.name: metric for metric in found}


@pytest.mark.parametrize(
    ("name", "theirs"),
    [
        ("log_loss", log_loss),
        ("roc_auc", roc_auc_score),
        ("average_precision", average_precision_score),
        ("brier", brier_score_loss),
    ],
)
def test_values_are_scikit_learns(metrics, name, theirs):
    y, p, _ = sample()
    metric = metrics[name]
    base = np.full(len(y), y.mean())
    assert metric.value.value == pytest.approx(theirs(y, p), rel=1e-12)
    assert metric.baseline.value == pytest.approx(theirs(y, base), rel=1e-12)
    assert metric.difference.value == pytest.approx(theirs(y, p) - theirs(y, base), rel=1e-10)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000), n=st.integers(8, 120), decimals=st.integers(0, 3), customers=st.integers(2, 20))
def test_ranking_with_weights_and_ties_is_scikit_learns(seed, n, decimals, customers):
    y, p, customer = sample(seed, n, customers, decimals)
    codes, count = codes_of(customer)
    ranking = Ranking(y, p, codes, count)
    for counts in blocks(count, 3, np.random.default_rng(seed)):
        auc, ap = ranking(counts)
        for b in range(counts.shape[1]):
            weight = counts[codes, b]
            if len(np.unique(y[weight > 0])) < 2:
                assert np.isnan(auc[b])
                continue
            kept = weight > 0
            assert auc[b] == pytest.approx(roc_auc_score(y[kept], p[kept], sample_weight=weight[kept]), abs=1e-12)
            theirs = average_precision_score(y[kept], p[kept], sample_weight=weight[kept])
            assert ap[b] == pytest.approx(theirs, abs=1e-12)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 1000))
def test_ranking_knows_order_only(seed):
    y, p, customer = sample(seed, 100)
    codes, count = codes_of(customer)
    once = np.ones((count, 1))
    np.testing.assert_allclose(Ranking(y, p, codes, count)(once), Ranking(y, p**3, codes, count)(once), rtol=1e-12)
    auc = Ranking(y, p, codes, count)(once)[0, 0]
    assert Ranking(y, -p, codes, count)(once)[0, 0] == pytest.approx(1 - auc, abs=1e-12)


def test_values_lie_within_their_intervals(metrics):
    for metric in metrics.values():
        for interval in (metric.value, metric.baseline, metric.difference):
            assert interval.low - 1e-12 <= interval.value <= interval.high + 1e-12


def test_a_model_that_knows_is_better_and_one_that_does_not_is_not():
    y, p, customer = sample(n=2000)
    base = np.full(len(y), y.mean())
    good = classification_metrics(y, p, base, customer, 300, np.random.default_rng(0))
    assert {metric.name: metric.verdict for metric in good if metric.name != "calibration_error"} == {
        "log_loss": "better",
        "roc_auc": "better",
        "average_precision": "better",
        "brier": "better",
    }
    noise = np.clip(base + np.random.default_rng(1).normal(0, 0.3, len(y)), 0.01, 0.99)
    bad = classification_metrics(y, noise, base, customer, 300, np.random.default_rng(0))
    assert {metric.name: metric.verdict for metric in bad}["log_loss"] == "worse"
    same = classification_metrics(y, base, base, customer, 300, np.random.default_rng(0))
    assert {metric.verdict for metric in same} == {"cannot tell"}


def test_certain_and_wrong_is_finite():
    found = classification_metrics(
        [0, 1, 1, 0], [1.0, 0.0, 1.0, 0.0], [0.5] * 4, [1, 2, 3, 4], 50, np.random.default_rng(0)
    )
    assert np.isfinite(found[0].value.value)
    assert found[0].value.value == pytest.approx(log_loss([0, 1, 1, 0], [1.0, 0.0, 1.0, 0.0]), rel=1e-9)


def test_the_paired_difference_is_narrower_than_either():
    """Both are moved by the same customers; resampled apart, their difference would hide what there is."""
    rng = np.random.default_rng(0)
    easy = np.repeat(rng.uniform(size=80) < 0.5, 20)
    p = np.where(easy, 0.1, 0.5) + rng.uniform(0, 0.02, 1600)
    y = (rng.uniform(size=1600) < p).astype(int)
    loss = classification_metrics(y, p, p + 0.03, np.repeat(range(80), 20), 500, rng)[0]
    width = loss.value.high - loss.value.low
    assert loss.difference.high - loss.difference.low < width / 3


def test_calibration_error_is_the_mean_gap():
    y, p = np.array([0, 0, 1, 1]), np.array([0.2, 0.2, 0.6, 0.6])
    error = CalibrationError(y, p, np.arange(4), 4)(np.ones((4, 1)))
    assert error[0, 0] == pytest.approx((0.2 * 2 + 0.4 * 2) / 4)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=80))
def test_tenths_keep_equals_together_and_order(values):
    p = np.array(values)
    bins = tenths(p)
    assert bins.min() == 0
    assert len(np.unique(bins)) == bins.max() + 1 <= 10
    order = np.argsort(p, kind="stable")
    assert (np.diff(bins[order]) >= 0).all()
    for value in np.unique(p):
        assert len(np.unique(bins[p == value])) == 1


def test_the_calibration_table():
    y, p, customer = sample(n=3000)
    table = calibration_table(y, p, customer, 300, np.random.default_rng(0))
    assert table["rows"].sum() == 3000
    assert (table["predicted"].diff().dropna() > 0).all()
    assert ((table["low"] <= table["observed"]) & (table["observed"] <= table["high"])).all()
    assert ((table["low"] <= table["predicted"]) & (table["predicted"] <= table["high"])).sum() >= 8


def test_segment_metrics():
    scores = pd.DataFrame(
        {
            "silhouette": [0.5, 0.7],
            "distance": [1.0, 2.0],
            "spread": [2.0, 4.0],
            "baseline_silhouette": [0.1, 0.1],
            "baseline_distance": [2.0, 2.0],
            "baseline_spread": [2.0, 4.0],
        }
    )
    silhouette, explained = segment_metrics(scores, ["a", "b"], 50, np.random.default_rng(0))
    assert silhouette.value.value == pytest.approx(0.6)
    assert silhouette.baseline.value == pytest.approx(0.1)
    assert explained.value.value == pytest.approx(1 - 5 / 20)
    assert explained.baseline.value == pytest.approx(1 - 8 / 20)


def test_customers_are_numbered_as_they_appear():
    codes, count = codes_of(["b", "a", "b", "c"])
    assert list(codes) == [0, 1, 0, 2]
    assert count == 3


@pytest.mark.parametrize("customers", [1, 9])
def test_of_few_customers_there_is_no_interval_and_no_verdict(customers):
    """Every resample of one customer is that customer: its width says nothing of others."""
    y, p, _ = sample()
    customer = np.arange(len(y)) % customers
    for metric in classification_metrics(y, p, np.full(len(y), 0.1), customer, 50, np.random.default_rng(0)):
        assert np.isfinite([metric.value.value, metric.baseline.value, metric.difference.value]).all()
        assert np.isnan([metric.value.low, metric.baseline.high, metric.difference.low]).all()
        assert metric.verdict == "cannot tell"
    table = calibration_table(y, p, customer, 50, np.random.default_rng(0))
    assert np.isfinite(table["observed"]).all()
    assert table[["low", "high"]].isna().all(axis=None)


def test_ten_customers_have_intervals():
    y, p, _ = sample()
    found = classification_metrics(y, p, np.full(len(y), 0.1), np.arange(len(y)) % 10, 50, np.random.default_rng(0))
    assert found[0].difference.low < found[0].difference.high
    assert found[0].verdict == "better"


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000), n=st.integers(12, 120), folds=st.integers(1, 4))
def test_ranking_in_folds_is_the_mean_of_scikit_learns_over_them(seed, n, folds):
    y, p, customer = sample(seed, n, 20, 1)
    fold = customer % folds
    codes, count = codes_of(customer)
    told = [one for one in np.unique(fold) if len(np.unique(y[fold == one])) == 2]
    found = RankingInFolds(y, p, codes, count, fold)(np.ones((count, 1)))[:, 0]
    for value, theirs in zip(found, (roc_auc_score, average_precision_score), strict=True):
        if not told:
            assert np.isnan(value)
            continue
        several = [theirs(y[fold == one], p[fold == one]) for one in told]
        weights = [(fold == one).sum() for one in told]
        assert value == pytest.approx(np.average(several, weights=weights), abs=1e-12)


def test_ranking_in_folds_draws_whole_customers():
    y, p, customer = sample(3, 300, 30, 1)
    fold = customer % 3
    codes, count = codes_of(customer)
    drawn = next(blocks(count, 5, np.random.default_rng(1)))
    for b, found in enumerate(RankingInFolds(y, p, codes, count, fold)(drawn).T):
        taken = np.repeat(np.arange(len(y)), drawn[codes, b].astype(int))
        again = RankingInFolds(y[taken], p[taken], np.arange(len(taken)), len(taken), fold[taken])
        np.testing.assert_allclose(found, again(np.ones((len(taken), 1)))[:, 0], rtol=1e-12)


def test_a_constant_of_each_fold_says_nothing():
    """The base rate of a fold is that of the others' rows, and is lower where the fold's own is higher."""
    y, p, customer = sample(1, 2_000, 100)
    fold = customer % 5
    base = np.array([y[fold != one].mean() for one in range(5)])[fold]
    assert roc_auc_score(y, base) < 0.49
    found = classification_metrics(y, p, base, customer, 100, np.random.default_rng(0), fold)
    auc = next(one for one in found if one.name == "roc_auc")
    assert auc.baseline.value == auc.baseline.low == auc.baseline.high == 0.5
    precision = next(one for one in found if one.name == "average_precision")
    assert precision.baseline.value == pytest.approx(y.mean(), abs=1e-12)
    alike = classification_statistics(y, p, customer, fold)["roc_auc"](np.ones((100, 1)))[0, 0]
    assert auc.value.value == alike
