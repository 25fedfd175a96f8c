"""Policies are judged by what was logged: on simulated exposures whose truth is known."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit

from cxai_runner.methods.offers import overlap, policy_values, propensities
from cxai_runner.methods.offers.off_policy import balance, outcomes

CUSTOMERS, PAIRS = 300, 12


def logged(seed: int, strength: float = 1.0) -> dict[str, np.ndarray]:
    """Pairs that are exposed the rather the likelier they are bought anyway, and what each would have come to."""
    rng = np.random.default_rng(seed)
    customers = np.repeat(np.arange(CUSTOMERS), PAIRS)
    taste = np.repeat(rng.normal(size=CUSTOMERS), PAIRS)
    measures = np.column_stack([taste, rng.normal(size=len(taste))])
    propensity = expit(-0.5 + strength * measures[:, 0] - 0.5 * measures[:, 1])
    chance = [expit(-1 + measures @ [0.8, 0.4]), expit(-0.4 + measures @ [0.5, 0.6])]
    exposed = rng.uniform(size=len(taste)) < propensity
    outcome = (rng.uniform(size=len(taste)) < np.where(exposed, chance[1], chance[0])).astype(float)
    policy = (measures[:, 1] > 0).astype(float)
    truth = np.where(policy == 1, chance[1], chance[0])
    return {
        "customers": customers,
        "measures": measures,
        "propensity": propensity,
        "exposed": exposed,
        "outcome": outcome,
        "policy": policy,
        "truth": truth,
    }


# The mean over all customers there could be, from two million pairs.
def _truth() -> float:
    rng = np.random.default_rng(99)
    measures = rng.normal(size=(2_000_000, 2))
    chance = [expit(-1 + measures @ [0.8, 0.4]), expit(-0.4 + measures @ [0.5, 0.6])]
    return float(np.where(measures[:, 1] > 0, chance[1], chance[0]).mean())


TRUTH = _truth()


@pytest.fixture(scope="module")
def estimates() -> pd.DataFrame:
    """Two hundred logs, each estimated."""
    rows = []
    for seed in range(200):
        one = logged(seed)
        propensity = propensities(one["measures"], one["exposed"], one["customers"])
        expected = outcomes(one["measures"], one["exposed"], one["outcome"], one["customers"])
        rng = np.random.default_rng(seed)
        args = one["exposed"], one["outcome"], one["policy"], propensity, expected, one["customers"]
        for name, told in policy_values(*args, 200, rng).items():
            rows.append({"estimator": name, "value": told.value, "covers": told.low <= TRUTH <= told.high})
        rows.append({"estimator": "observed", "value": one["outcome"].mean(), "covers": False})
    return pd.DataFrame(rows)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["ips", "snips", "direct", "doubly_robust"])
def test_the_truth_is_found_on_average(estimates: pd.DataFrame, name: str) -> None:
    values = estimates.loc[estimates["estimator"] == name, "value"]
    assert abs(values.mean() - TRUTH) < 4 * values.std() / np.sqrt(len(values))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["snips", "doubly_robust"])
def test_intervals_hold_it_as_often_as_they_say(estimates: pd.DataFrame, name: str) -> None:
    covers = estimates.loc[estimates["estimator"] == name, "covers"]
    # 95 %, within three standard errors of a share of two hundred; propensities that are estimated can only widen it.
    assert 0.95 - 3 * np.sqrt(0.95 * 0.05 / 200) <= covers.mean()


@pytest.mark.slow
def test_what_was_observed_is_no_answer(estimates: pd.DataFrame) -> None:
    values = estimates.loc[estimates["estimator"] == "observed", "value"]
    assert abs(values.mean() - TRUTH) > 4 * values.std() / np.sqrt(len(values))


@pytest.mark.slow
def test_one_of_two_models_has_to_be_right() -> None:
    found = {"wrong outcomes": [], "wrong propensities": []}
    for seed in range(60):
        one = logged(seed)
        right = propensities(one["measures"], one["exposed"], one["customers"])
        wrong = np.full(len(right), one["exposed"].mean())
        good = outcomes(one["measures"], one["exposed"], one["outcome"], one["customers"])
        bad = (np.full(len(right), 0.9), np.full(len(right), 0.1))
        for name, propensity, expected in (("wrong outcomes", right, bad), ("wrong propensities", wrong, good)):
            args = one["exposed"], one["outcome"], one["policy"], propensity, expected, one["customers"]
            found[name].append(policy_values(*args, 2, np.random.default_rng(0))["doubly_robust"].value)
    for values in found.values():
        assert abs(np.mean(values) - TRUTH) < 4 * np.std(values) / np.sqrt(len(values))


def test_the_policy_that_was_followed_is_the_mean() -> None:
    one = logged(1)
    exposed = one["exposed"]
    nothing = (np.zeros(len(exposed)), np.zeros(len(exposed)))
    sure = exposed.astype(float)
    args = exposed, one["outcome"], sure, sure, nothing, one["customers"]
    told = policy_values(*args, 50, np.random.default_rng(0), 1e-9)
    assert told["ips"].value == pytest.approx(one["outcome"].mean())
    assert told["snips"].value == pytest.approx(one["outcome"].mean())


def test_overlap_is_told() -> None:
    exposed = np.array([True, True, False, False])
    told = overlap(exposed, np.ones(4), np.full(4, 0.5))
    assert (told.followed, told.effective, told.clipped, told.largest) == (0.5, 2.0, 0.0, 2.0)
    rare = overlap(exposed, np.ones(4), np.array([0.5, 0.001, 0.5, 0.5]))
    assert rare.clipped == 0.25
    assert rare.largest == pytest.approx(100)
    assert rare.effective == pytest.approx(102**2 / (100**2 + 4))


def test_counted_by_propensity_the_exposed_are_like_the_others() -> None:
    one = logged(2)
    measures = pd.DataFrame(one["measures"], columns=["taste", "other"])
    table = balance(measures, one["exposed"], one["propensity"]).set_index("measure")
    assert table.loc["taste", "before"] > 0.5
    assert table["after"].abs().max() < 0.15


def test_too_few_customers_have_no_interval() -> None:
    one = {name: value[: 5 * PAIRS] for name, value in logged(0).items()}
    expected = (one["outcome"], one["outcome"])
    args = one["exposed"], one["outcome"], one["policy"], one["propensity"], expected, one["customers"]
    assert np.isnan(policy_values(*args, 50, np.random.default_rng(0))["ips"].low)
