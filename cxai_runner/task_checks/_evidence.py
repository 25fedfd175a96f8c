"""Evidence: intervals that resample customers, a baseline beside, and no success where there can be none."""

from __future__ import annotations

import math
import re

from cxai_runner.evaluation.results import Interval
from cxai_runner.task import Evidence
from cxai_runner.task_checks._case import Case, check, with_frame

CLAIMS = (Evidence.HELD_OUT, Evidence.BACKTEST, Evidence.RESAMPLING)


@check(*CLAIMS)
def metrics_are_ordered_and_finite(case: Case) -> None:
    """Each value lies within its interval, and so does the baseline's."""
    assert case.metrics, "a task that claims something measures it"
    for metric in case.metrics.values():
        assert re.fullmatch(r"[a-z][a-z0-9_]*", metric.name), f"metric names are snake case: {metric.name!r}"
        assert metric.label, f"{metric.name} has a label for a reader"
        for which, interval in (("value", metric.value), ("baseline", metric.baseline)):
            if interval is not None:
                _ordered(f"{metric.name}, {which}", interval)


@check(*CLAIMS)
def the_baseline_stands_beside(case: Case) -> None:
    """What is measured on scored rows is measured for the baseline too, and the difference is theirs."""
    for metric in case.task.measure(case.judged, case.context()):
        assert metric.baseline is not None, f"{metric.name} has no baseline"
        assert metric.difference is not None, f"{metric.name} has no difference from the baseline"
        gap = metric.value.value - metric.baseline.value
        assert math.isclose(metric.difference.value, gap, rel_tol=1e-9, abs_tol=1e-12), (
            f"{metric.name}: the difference is {metric.difference.value}, model minus baseline is {gap}"
        )


@check(*CLAIMS)
def the_primary_metric_is_measured(case: Case) -> None:
    """The metric that decides between two runs is there, and better in the same direction."""
    primary = case.task.primary_metric
    assert primary is not None, "a task that claims something names its primary metric"
    assert primary.name in case.metrics, f"{primary.name} is not among {sorted(case.metrics)}"
    assert case.metrics[primary.name].better == primary.better, f"{primary.name} is better when {primary.better}"


@check(*CLAIMS)
def measured_names_are_unique(case: Case) -> None:
    """No metric hides another."""
    context = case.context()
    several = [*case.task.measure(case.judged, context), *case.task.challenge(case.fitted, case.train, context)]
    assert len({metric.name for metric in several}) == len(several), "two metrics have the same name"


@check(*CLAIMS)
def values_do_not_depend_on_the_seed(case: Case) -> None:
    """A seed moves the ends of an interval, never the value."""
    one, other = (case.task.measure(case.judged, case.context(seed=seed)) for seed in (case.seed, case.seed + 1))
    assert [metric.value.value for metric in one] == [metric.value.value for metric in other], "a value is drawn"


@check(*CLAIMS)
def intervals_resample_customers(case: Case) -> None:
    """Every row twice is no new evidence: no interval gets narrower."""
    import pandas as pd

    scores = case.judged
    double = pd.concat([scores, scores], ignore_index=True)
    for once, twice in zip(
        case.task.measure(scores, case.context()), case.task.measure(double, case.context()), strict=True
    ):
        width, doubled = (metric.value.high - metric.value.low for metric in (once, twice))
        assert doubled >= 0.98 * width, f"{once.name}: the interval resamples rows, not customers"


@check(Evidence.HELD_OUT, target=True)
def a_shuffled_target_is_not_predicted(case: Case) -> None:
    """With the target shuffled over all rows there is nothing to learn, and nothing may be claimed."""
    import numpy as np

    target, primary = str(case.task.target), case.task.primary_metric
    assert primary is not None
    rng = np.random.default_rng(case.seed)
    train, held_out = (
        with_frame(part, part.frame.assign(**{target: rng.permutation(part.frame[target].to_numpy())}))
        for part in case.parts
    )
    scores = case.score(held_out, case.fit(train))
    metric = next(one for one in case.task.measure(scores, case.context(resamples=200)) if one.name == primary.name)
    assert metric.verdict != "better", f"{primary.name} beats the baseline on a shuffled target: something leaks"


@check(Evidence.RESAMPLING)
def it_challenges_itself(case: Case) -> None:
    """A claim that rests on resampling is resampled."""
    assert case.task.challenge(case.fitted, case.train, case.context()), "challenge() returns no metric"


def _ordered(what: str, interval: Interval) -> None:
    assert math.isfinite(interval.value), f"{what}: not a number"
    if math.isnan(interval.low) and math.isnan(interval.high):
        return
    slack = 1e-9 * max(1.0, abs(interval.value))
    assert interval.low - slack <= interval.value <= interval.high + slack, (
        f"{what}: {interval.value} is not within [{interval.low}, {interval.high}]"
    )
