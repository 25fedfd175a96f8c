"""Balanced classes are corrected back, calibration is chosen where it helps, and leaks are told."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit, logit
from sklearn.linear_model import LogisticRegression

from cxai_runner.methods.conversion.balance import balanced, corrected
from cxai_runner.methods.conversion.calibration import Calibration
from cxai_runner.methods.conversion.forward import undistorted
from cxai_runner.methods.conversion.leakage import hinted, is_copy, single_column_auc, suspects


def made(n=20_000, seed=0, rate=-2.5):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 2))
    p = expit(rate + X @ [1.0, -0.7])
    return X, (rng.uniform(size=n) < p).astype(np.int64), p


@pytest.mark.parametrize("how", ["weights", "undersample", "oversample"])
def test_a_model_of_balanced_classes_is_corrected_to_the_real_rate(how):
    X, y, p = made()
    part = balanced(y, how, np.random.default_rng(1))
    shown = np.average(y[part.rows], weights=part.weights)
    assert shown == pytest.approx(part.share) == pytest.approx(0.5)
    model = LogisticRegression(C=np.inf).fit(X[part.rows], y[part.rows], part.weights)
    raw = model.predict_proba(X)[:, 1]
    assert raw.mean() > 2 * y.mean()
    back = corrected(raw, part.share, y.mean())
    assert back.mean() == pytest.approx(y.mean(), rel=0.05)
    assert np.abs(back - p).mean() < 0.01
    assert (np.argsort(raw) == np.argsort(back)).all()


def test_nothing_is_changed_where_nothing_is_balanced():
    _, y, p = made(500)
    part = balanced(y, "none", np.random.default_rng(1))
    assert part.weights is None
    assert list(part.rows) == list(range(500))
    assert corrected(p, part.share, part.share) is p


@pytest.mark.parametrize(
    ("distort", "chosen"),
    [
        (lambda p: p, {"none", "platt"}),
        (lambda p: expit(0.4 * logit(p) + 1.0), {"platt"}),
        (lambda p: np.where(p < 0.1, 0.3, np.where(p < 0.3, 0.31, 0.9)), {"isotonic"}),
    ],
)
def test_calibration_is_chosen_by_what_it_does_to_other_rows(distort, chosen):
    _, y, p = made()
    given = distort(p)
    found = Calibration().fit(given[:10_000], y[:10_000], np.random.default_rng(2))
    assert found.chosen_ in chosen
    after = found.transform(given[10_000:])
    truth = y[10_000:]
    assert np.mean((after - truth) ** 2) <= np.mean((given[10_000:] - truth) ** 2) + 1e-5
    assert after.mean() == pytest.approx(truth.mean(), rel=0.05)
    assert ((after > 0) & (after < 1)).all()


def test_few_rows_are_not_calibrated_by():
    _, y, p = made(200)
    found = Calibration("isotonic").fit(p, y, np.random.default_rng(2))
    assert found.chosen_ == "none"
    assert found.transform(p) is p


def test_the_focal_loss_is_undone_where_it_is_least():
    """At the output that minimises the expected focal loss, what comes back is the probability it was minimised for."""
    grid = np.linspace(1e-4, 1 - 1e-4, 200_001)
    for eta in (0.05, 0.3, 0.5, 0.9):
        loss = -eta * (1 - grid) ** 2 * np.log(grid) - (1 - eta) * grid**2 * np.log(1 - grid)
        least = grid[loss.argmin()]
        assert undistorted(np.array([least]), 2.0)[0] == pytest.approx(eta, abs=2e-4)
    assert undistorted(grid, 0.0) is grid


def test_what_one_column_tells_alone():
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 2000)
    frame = pd.DataFrame(
        {
            "noise": rng.normal(size=2000),
            "level": np.where(rng.uniform(size=2000) < 0.9, y, 1 - y).astype(str),
            "names": [f"n{i}" for i in range(2000)],
            "minus": -y + rng.normal(0, 0.3, 2000),
            "absent": np.where(y == 1, 1.0, np.nan),
            "yes": np.where(y == 1, "Yes", "No"),
        }
    )
    found = suspects(frame, y).set_index("column")
    assert found.loc["noise", "roc_auc"] == pytest.approx(0.5, abs=0.03)
    assert found.loc["names", "roc_auc"] == pytest.approx(0.5, abs=1e-9)
    assert found.loc["level", "roc_auc"] == pytest.approx(0.9, abs=0.02)
    assert found.loc["minus", "roc_auc"] > 0.97
    assert found.loc["absent", "roc_auc"] == 1.0
    assert found["copy"].to_dict() == {
        "absent": True, "yes": True, "minus": False, "level": False, "noise": False, "names": False,
    }  # fmt: skip
    assert single_column_auc(frame["level"], y) == found.loc["level", "roc_auc"]
    assert not is_copy(frame["noise"], y)


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("CancelReason", "cancel"),
        ("responseDate", "respon"),
        ("marital_status", ""),
        ("age", ""),
        ("refunds", "refund"),
    ],
)
def test_names_that_speak_of_what_follows(name, hint):
    assert hinted(name) == hint
