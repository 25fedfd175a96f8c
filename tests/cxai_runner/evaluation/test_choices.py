"""Metrics of choices: by hand, with weights, and as scikit-learn has them."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import log_loss

from cxai_runner.evaluation.choices import choice_metrics, choice_statistics

CHOSEN = np.array([0, 1, 2, 0])
P = np.array([[0.5, 0.3, 0.2], [0.4, 0.4, 0.2], [0.1, 0.1, 0.8], [0.2, 0.7, 0.1]])
CUSTOMERS = np.array(["a", "a", "b", "c"])


def values(*given, weights=None):
    return {
        name: float(one(np.ones((3, 1)))[0, 0]) for name, one in choice_statistics(*given, CUSTOMERS, weights).items()
    }


def test_values_by_hand():
    found = values(CHOSEN, P)
    assert found["log_loss"] == pytest.approx(log_loss(CHOSEN, P))
    assert found["hit_rate"] == pytest.approx((1 + 0.5 + 1 + 0) / 4)  # the second row's hit is shared by two
    assert found["brier"] == pytest.approx((0.38 + 0.56 + 0.06 + 1.14) / 4)


def test_a_weight_counts_a_row_as_often():
    weights = np.array([1.0, 2.0, 1.0, 3.0])
    often = np.repeat(np.arange(4), weights.astype(int))
    found = values(CHOSEN, P, weights=weights)
    many = choice_statistics(CHOSEN[often], P[often], CUSTOMERS[often])
    for name in ("log_loss", "hit_rate", "brier"):
        assert found[name] == pytest.approx(float(many[name](np.ones((3, 1)))[0, 0]))


def test_an_impossible_choice_is_finite():
    assert np.isfinite(values(CHOSEN, np.eye(3)[[1, 1, 2, 0]])["log_loss"])


def test_calibration_error_is_none_where_shares_come_true():
    even = np.tile([0.5, 0.25, 0.25], (4, 1))
    assert values(np.array([0, 0, 1, 2]), even)["calibration_error"] == pytest.approx(0)


def test_metrics_stand_beside_a_baseline():
    rng = np.random.default_rng(0)
    ours, theirs = (choice_statistics(CHOSEN, one, CUSTOMERS) for one in (P, np.full((4, 3), 1 / 3)))
    found = {one.name: one for one in choice_metrics(ours, theirs, CUSTOMERS, 50, rng)}
    assert found["log_loss"].baseline.value == pytest.approx(np.log(3))
    assert found["hit_rate"].baseline.value == pytest.approx(1 / 3)
    assert found["brier"].better == "lower"
