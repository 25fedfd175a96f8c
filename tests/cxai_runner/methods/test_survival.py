"""Survival against published numbers, against statsmodels, and by hand."""

from __future__ import annotations

import numpy as np
import pytest
from statsmodels.duration.survfunc import SurvfuncRight

from cxai_runner.methods.survival import Survival

WEEKS = [6, 6, 6, 7, 10, 13, 16, 22, 23, 6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35]
"""Weeks of remission of 21 patients on 6-mercaptopurine (Freireich et al. 1963): nine relapsed, the others did not."""
RELAPSED = [1] * 9 + [0] * 12


def test_the_published_curve_of_remissions() -> None:
    curve = Survival(WEEKS, RELAPSED).curve
    assert curve["time"].tolist() == [6, 7, 10, 13, 16, 22, 23]
    published = [0.857, 0.807, 0.753, 0.690, 0.627, 0.538, 0.448]
    assert curve["survival"].tolist() == pytest.approx(published, abs=5e-4)
    assert curve["at_risk"].tolist() == [21, 17, 15, 12, 11, 7, 6]
    assert curve["events"].tolist() == [3, 1, 1, 1, 1, 1, 1]
    assert Survival(WEEKS, RELAPSED).median() == 23


def test_statsmodels_says_the_same_of_many() -> None:
    rng = np.random.default_rng(3)
    times, events = rng.exponential(20, 400).round(), rng.integers(0, 2, 400)
    mine, theirs = Survival(times, events).curve, SurvfuncRight(times, events)
    np.testing.assert_array_equal(mine["time"], theirs.surv_times)
    np.testing.assert_allclose(mine["survival"], theirs.surv_prob, rtol=0, atol=1e-12)
    inside = mine["survival"].between(0, 1, inclusive="neither")
    level, error = theirs.surv_prob[inside], theirs.surv_prob_se[inside]
    spread = 1.959964 * error / abs(level * np.log(level))
    np.testing.assert_allclose(mine["low"][inside], level ** np.exp(spread), atol=1e-6)
    np.testing.assert_allclose(mine["high"][inside], level ** np.exp(-spread), atol=1e-6)


def test_the_mean_is_the_area_and_its_variance_that_of_the_mean() -> None:
    """Where everybody is seen to the end, it is the mean of all, with the variance of a mean of n."""
    times = np.array([1.0, 2.0, 2.0, 5.0, 7.0])
    found = Survival(times, np.ones(5)).mean()
    assert found.value == pytest.approx(times.mean())
    assert found.high - found.value == pytest.approx(1.959964 * times.std() / np.sqrt(5), abs=1e-6)
    assert found.limit == 7


def test_the_mean_up_to_a_limit_by_hand() -> None:
    survival = Survival([2, 3, 4, 6], [1, 0, 1, 0])  # 1 to 2, then 3/4, from 4 on 3/8
    assert survival.mean(5).value == pytest.approx(2 + 2 * 0.75 + 0.375)
    assert survival.at([0, 2, 3.9, 4, 6, 6.1]).tolist()[:-1] == [1, 0.75, 0.75, 0.375, 0.375]
    assert np.isnan(survival.at([6.1]))[0]
    # Of those who are left after 2: one of two is gone at 4.
    left = survival.remaining(2, 6)
    assert left.value == pytest.approx(2 + 2 * 0.5)
    assert left.value == pytest.approx((2 * 0.75 + 2 * 0.375) / 0.75)


def test_what_is_left_is_the_area_by_the_share_that_is_left() -> None:
    rng = np.random.default_rng(4)
    survival = Survival(rng.exponential(10, 300), rng.integers(0, 2, 300))
    limit, grid = 20.0, np.linspace(5, 20, 200_001)
    area = np.trapezoid(survival.at(grid), grid) / survival.at([5])[0]
    assert survival.remaining(5, limit).value == pytest.approx(area, abs=1e-3)


def test_a_constant_hazard_is_found_and_its_interval_covers_it() -> None:
    inside = 0
    for seed in range(100):
        rng = np.random.default_rng(seed)
        ends, looks = rng.exponential(10, 200), rng.uniform(0, 30, 200)
        survival = Survival(np.minimum(ends, looks), ends <= looks)
        stretch = survival.hazard([0, 5, 10]).iloc[1]
        inside += stretch["low"] <= 0.1 <= stretch["high"]
    assert 88 <= inside <= 99


def test_a_hazard_by_hand() -> None:
    found = Survival([1, 4, 4, 6], [1, 1, 0, 0]).hazard([0, 2, 4, 6])
    assert found["events"].tolist() == [1, 0, 1], "from the beginning on, before the end"
    assert found["exposure"].tolist() == [1 + 2 * 3, 2 * 3, 2]
    assert found["hazard"].tolist() == pytest.approx([1 / 7, 0, 1 / 2])
    assert found["low"].iloc[1] == 0
    assert found["high"].iloc[1] == pytest.approx(3.6889 / 6, abs=1e-4)


def test_nobody_ended_or_everybody_did() -> None:
    stays = Survival([3, 5], [0, 0])
    assert stays.curve.empty
    assert stays.median() is None
    assert stays.mean().value == 5
    assert stays.at([4]).tolist() == [1]
    gone = Survival([3, 5], [1, 1]).curve
    assert gone["survival"].tolist() == [0.5, 0]
    assert not gone.isna().any().any()


@pytest.mark.parametrize(
    ("durations", "events"),
    [([], []), ([1, 2], [1]), ([1, -2], [1, 0]), ([1, np.nan], [1, 0]), ([1, np.inf], [1, 0]), ([1, 2], [1, 2])],
)
def test_what_is_no_survival_is_refused(durations: list[float], events: list[float]) -> None:
    with pytest.raises(ValueError, match=r"duration|event"):
        Survival(durations, events)


def test_a_mean_beyond_what_was_seen_is_refused() -> None:
    with pytest.raises(ValueError, match="from 0 to 5"):
        Survival([3, 5], [1, 0]).mean(6)
    with pytest.raises(ValueError, match="from 5 to 5"):
        Survival([3, 5], [1, 0]).remaining(5)
