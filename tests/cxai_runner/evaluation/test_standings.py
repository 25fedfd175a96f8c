"""Models beside each other: on the same resamples, with the verdict by which way is better, and in words."""

from __future__ import annotations

import numpy as np
import pytest

from cxai_runner.evaluation.intervals import bootstrap
from cxai_runner.evaluation.metrics import MeanOf, Named
from cxai_runner.evaluation.standings import standings
from cxai_runner.task import Context

CONTEXT = Context(seed=1, resamples=300)
NAMED = (Named("loss", "the loss", "lower"), Named("gain", "the gain", "higher"))
NAMES = {"own": "ours", "near": "a neighbour", "far": "a stranger"}


def of(*means, customers=200):
    """Each model's loss and gain, a row for each customer; what makes a customer easy is the same for all."""
    codes, rng = np.arange(customers), np.random.default_rng(0)
    easy = rng.normal(size=customers)
    several = {}
    for place, mean in enumerate(means):
        values = easy + mean + rng.normal(0, 0.1, customers)
        column = ["own", "near", "far", "more"][place]
        several[column] = [MeanOf(one, codes, customers) for one in (values, -values)]
    return several


def test_better_is_lower_or_higher_as_a_metric_says_and_differences_are_paired():
    several = of(0, 0, 0.5)
    found = standings(several, NAMED, NAMES, 200, CONTEXT)
    near, far = found.others
    assert [near.verdict("loss"), far.verdict("loss"), far.verdict("gain")] == ["cannot tell", "better", "better"]
    assert far.difference("loss").value == pytest.approx(-far.difference("gain").value)
    draws = bootstrap([several["own"][0], several["far"][0]], 200, 300, CONTEXT.rng("intervals"))
    apart = np.quantile(draws[0][1][0] - draws[1][1][0], [0.025, 0.975])
    assert (far.difference("loss").low, far.difference("loss").high) == pytest.approx(tuple(apart))
    whole = found.metrics["loss"].value
    assert whole.high - whole.low > 3 * (apart[1] - apart[0])
    assert found.worded("loss", found.others).startswith("does better than a stranger (0.5")
    assert ", and cannot be told from a neighbour (" in found.worded("loss", found.others)
    assert found.models.columns.tolist() == ["model", "the loss", "the gain"]
    assert found.differences["against"].tolist() == ["a neighbour"] * 2 + ["a stranger"] * 2


def test_a_model_of_several_seeds_is_their_mean_and_as_wide_as_they_are_apart():
    several = of(0, 1, 3)
    names = {"own": "ours", "far": "a stranger"}
    once = standings({one: several[one] for one in ("own", "far")}, NAMED, names, 200, CONTEXT)
    both = standings(several, NAMED, names, 200, CONTEXT, seeds=2)
    assert [one.name for one in both.others] == ["a stranger"]
    assert both.metrics["loss"].value.value == pytest.approx(once.metrics["loss"].value.value + 0.5, abs=0.03)
    gap, of_one = both.others[0].difference("loss"), once.others[0].difference("loss")
    assert gap.high - gap.low > 0.9 > 10 * (of_one.high - of_one.low)


def test_of_few_customers_nothing_can_be_told():
    found = standings(of(0, 9, 99, customers=9), NAMED, NAMES, 9, CONTEXT)
    assert {one.verdict(metric) for one in found.others for metric in ("loss", "gain")} == {"cannot tell"}
    assert found.differences[["its_low", "its_high", "low", "high"]].isna().all(axis=None)
    assert np.isfinite(found.differences["difference"]).all()
