"""Policies are judged by what was logged: on simulated exposures whose truth is known."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit, logit

from cxai_runner.methods.offers import PolicyValue, overlap, policy_values, propensities
from cxai_runner.methods.offers.off_policy import balance, outcomes, stretch

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


STORES, SHOPPERS, SHOWN, ASKED = 30, 12, 12, 8


def mailed(seed: int, stores: int = STORES) -> dict[str, np.ndarray]:
    """Items that stores show the rather the better they sell there, to all who shop at them.

    Of what moves purchases the taste of a store is measured; what else it is about an item in a store is not, and moves
    no exposure. What a mailer adds is planted.
    """
    rng = np.random.default_rng(seed)
    taste, unknown = rng.normal(size=(2, stores, SHOWN)) * np.array([1, 1.5])[:, np.newaxis, np.newaxis]
    level = rng.normal(size=SHOWN)  # what is often shown is often bought
    shown = rng.uniform(size=(stores, SHOWN)) < expit(level + taste)
    customers = np.repeat(np.arange(stores * SHOPPERS), ASKED)
    items = np.argsort(rng.uniform(size=(stores * SHOPPERS, SHOWN)), axis=1)[:, :ASKED].ravel()
    store, own = customers // SHOPPERS, rng.normal(size=len(items))
    base = -1.5 + 0.8 * (taste + level + unknown)[store, items] + 0.5 * own
    exposed = shown[store, items]
    chance = np.stack([expit(base), expit(base + 0.5)])
    share = shown.mean(axis=0)[items]
    told = (share >= 0.1) & (share <= 0.9)
    rows = {
        "stores": store,
        "customers": customers,
        "items": items,
        "exposed": exposed,
        "outcome": (rng.uniform(size=len(items)) < np.where(exposed, chance[1], chance[0])).astype(float),
        "truth": chance[1] - chance[0],
        "measures": np.column_stack([own, taste[store, items], logit(np.clip(share, 0.01, 0.99))]),
    }
    return {name: values[told] for name, values in rows.items()}


def added(one: dict[str, np.ndarray]) -> dict[str, tuple[float, ...]]:
    """What a mailer adds, doubly robust, with its interval by what is drawn again."""
    exposed, outcome = one["exposed"], one["outcome"]
    propensity = propensities(one["measures"], exposed, one["stores"])
    expected = outcomes(one["measures"], exposed, outcome, one["stores"])
    found = {}
    for drawn in ("stores", "customers"):
        shown, not_shown = (
            policy_values(exposed, outcome, np.full(len(outcome), to), propensity, expected, one[drawn], 200, rng)
            for to, rng in zip((1.0, 0.0), (np.random.default_rng(0), np.random.default_rng(0)), strict=True)
        )
        a, b = shown["doubly_robust"], not_shown["doubly_robust"]
        value, draws = a.value - b.value, a.draws - b.draws
        found[drawn] = (value, *np.quantile(draws, [0.025, 0.975]))
        wider = stretch(a.influence - b.influence, one[drawn], one["items"])
        found[f"{drawn} and items"] = (value, *np.quantile(value + wider * (draws - value), [0.025, 0.975]))
    return found


def test_what_stores_show_is_told_from_what_sells_there() -> None:
    one = mailed(3, stores=100)
    value, low, high = added(one)["stores and items"]
    observed = one["outcome"][one["exposed"]].mean() - one["outcome"][~one["exposed"]].mean()
    truth = one["truth"].mean()
    assert low < truth < high < observed
    assert abs(value - truth) < 0.3 * (observed - truth)


@pytest.mark.slow
def test_intervals_of_exposure_by_store_hold_where_stores_and_items_are_told_apart() -> None:
    logs = [mailed(seed) for seed in range(60)]
    truth = np.mean([one["truth"].mean() for one in logs])
    found = pd.DataFrame([added(one) for one in logs]).map(lambda one: (one[0], one[1] <= truth <= one[2]))
    values = found["stores"].map(lambda one: one[0])
    assert abs(values.mean() - truth) < 4 * values.std() / np.sqrt(len(values))
    covers = found.map(lambda one: one[1]).mean()
    least = 0.95 - 3 * np.sqrt(0.95 * 0.05 / len(logs))
    assert covers["stores and items"] >= least
    assert covers["customers"] < least  # what customers of one store share is not told twice


def test_what_crosses_clusters_makes_errors_larger() -> None:
    rng = np.random.default_rng(0)
    clusters, crossed = np.repeat(np.arange(50), 20), np.tile(np.arange(20), 50)
    alone = rng.normal(size=1000)
    assert stretch(alone, clusters, np.arange(1000)) == 1  # nothing is shared
    assert stretch(np.zeros(1000), clusters, crossed) == 1
    shared = rng.normal(size=50)[clusters] + rng.normal(size=20)[crossed]
    # What both tell, and once less what a pair has alone, which is in both.
    own, other = (np.square(np.bincount(one, shared)).sum() for one in (clusters, crossed))
    assert stretch(shared, clusters, crossed) == pytest.approx(np.sqrt((own + other - np.square(shared).sum()) / own))


def test_influences_are_what_a_pair_moves() -> None:
    one = mailed(1)
    exposed, outcome = one["exposed"], one["outcome"]
    told = (np.full(len(outcome), 0.2), np.full(len(outcome), 0.3))

    def values(kept: np.ndarray) -> dict[str, PolicyValue]:
        args = exposed[kept], outcome[kept], np.ones(kept.sum()), np.full(kept.sum(), 0.6)
        return dict(
            policy_values(*args, (told[0][kept], told[1][kept]), one["stores"][kept], 2, np.random.default_rng(0))
        )

    every = np.ones(len(outcome), dtype=bool)
    whole, without = values(every), values(np.arange(len(outcome)) != int(np.flatnonzero(exposed)[0]))
    for name, each in whole.items():
        assert each.influence.sum() == pytest.approx(0, abs=1e-12)
        moved = each.value - without[name].value
        assert moved == pytest.approx(each.influence[np.flatnonzero(exposed)[0]], rel=1e-2)
