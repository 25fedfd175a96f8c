"""The six tests, each a figure with its interval held to a threshold."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cxai_runner.data.dataset import Dataset
from cxai_runner.evaluation.intervals import FEW_CUSTOMERS, Statistic, bootstrap, percentile
from cxai_runner.evaluation.metrics import MeanOf
from cxai_runner.evaluation.results import Interval, Metric
from cxai_runner.evaluation.wording import number, share
from cxai_runner.methods import rule_tree, segment_response
from cxai_runner.methods.agreement import RandIndex
from cxai_runner.methods.rule_tree import RuleTree
from cxai_runner.methods.segment_response import Effects
from cxai_runner.task import Context
from tasks.segmentation.useful.config import Useful
from tasks.segmentation.useful.look_back import NEXT, LookBack, look_back
from tasks.segmentation.useful.verdicts import YES, Figure, Test

Labels = NDArray[np.intp]
Floats = NDArray[np.float64]

FOLDS = 5
MOST = 20_000
"""Customers that stand for all where something is learned of them and judged on others."""
FEW = 30
ONE = "there is one segment only"
"""Which is found again whatever the data are, and is as large as they are."""
TESTS = "useful_tests"
AGAIN = "stability"
"""What the challenge measures anyway."""


@dataclass(frozen=True, eq=False)
class Judged:
    """What the tests came to.

    Parameters
    ----------
    tests
        The six, in order.
    tree
        The rules by which segments are recognised, grown on all who are in a segment.
    back
        The segments of an earlier date; why there are none where there are none.
    response
        By segment: ``segment``, ``customers``, ``mean`` of the response with ``low`` and ``high``; empty where there
        is no response.
    responded
        What the response is, in words.
    effects
        What an offer did in each segment.
    """

    tests: tuple[Test, ...]
    tree: RuleTree
    back: LookBack | str
    response: pd.DataFrame
    responded: str
    effects: Effects | None

    def metrics(self) -> tuple[Metric, ...]:
        """The figures as they are logged, so that runs and sweeps can be compared by them."""
        found = [one.metric() for test in self.tests for one in test.figures if one.name != AGAIN]
        many = float(sum(test.verdict == YES for test in self.tests))
        return (*found, Metric(TESTS, "tests of usefulness met", Interval(many, math.nan, math.nan), "higher"))


def judge(useful: Useful, model: Any, train: Dataset, segment: Labels, rand: Floats, context: Context) -> Judged:
    """Judge a segmentation.

    Parameters
    ----------
    useful
        Columns and thresholds.
    model
        The pipeline, with its number of segments; clones of it are fitted.
    train
        The customers.
    segment
        Their segments, shape (n,); who is in none has a negative number and is judged by no test.
    rand
        Adjusted Rand index of customers drawn again, shape (resamples,).
    context
        The run's.
    """
    inputs = list(train.roles.inputs)
    # An order of the rows' own, so that what is drawn depends on no order of the file and on no ids.
    order = train.frame.assign(_segment=segment).sort_values([*inputs, "_segment"], kind="stable").index
    frame, own = train.frame.loc[order], segment[order]
    frame, own = frame[own >= 0].reset_index(drop=True), own[own >= 0]
    back = look_back(model, train, segment, inputs)
    some = _some(len(own), context)
    recognised = frame[inputs].iloc[some]
    table, responded, differs = _differentiable(useful, frame, own, back, context)
    effects, acts = _actionable(useful, frame, own)
    tests = (
        _identifiable(useful, recognised, own[some], context),
        _substantial(useful, frame, own, context),
        _accessible(useful, frame[useful.reached_by(train)].iloc[some], own[some], context),
        _stable(useful, own, rand, back, context),
        differs,
        acts,
    )
    return Judged(tests, rule_tree.grow(recognised, own[some], useful.depth), back, table, responded, effects)


def _identifiable(useful: Useful, frame: pd.DataFrame, segment: Labels, context: Context) -> Test:
    """Whether a few rules say who is in which segment."""
    name, question = "identifiable", "Can staff tell who is in which segment by a few rules?"
    if len(np.unique(segment)) < 2:
        return Test.none(name, question, ONE)
    folds = segment_response.folds(segment, FOLDS, context.rng("rules"))
    right = rule_tree.held_out(frame, segment, useful.depth, folds) == segment
    largest = segment == np.bincount(segment).argmax()
    figure = _beside(right, largest, context, "identifiable", "customers that rules put right", useful.identifiable)
    told = f"rules of at most {useful.depth} questions, on customers that they were not learned from"
    return Test.of(name, question, (figure,), told)


def _substantial(useful: Useful, frame: pd.DataFrame, segment: Labels, context: Context) -> Test:
    """Whether the smallest segment is worth a plan of its own."""
    name, question = "substantial", "Is the smallest segment large enough to be worth a plan of its own?"
    if len(segment) < FEW_CUSTOMERS:
        return Test.none(name, question, f"{len(segment)} customers are in segments")
    if len(np.unique(segment)) < 2:
        return Test.none(name, question, ONE)
    codes, many = np.arange(len(segment)), len(segment)
    present, sizes = np.unique(segment, return_counts=True)
    smallest = present[sizes.argmin()]
    statistics: list[Statistic] = [MeanOf(segment == smallest, codes, many)]
    thresholds = [("smallest_share", "smallest segment's share of customers", useful.substantial)]
    told = f"segment {smallest} has fewest customers"
    revenue = _revenue(useful, frame)
    if revenue is None:
        told += "; revenue is not known (task.useful.revenue names its column)"
    else:
        brought = np.array([revenue[segment == k].sum() for k in present])
        least = present[brought.argmin()]
        statistics.append(MeanOf(revenue * (segment == least), codes, many, revenue))
        label = "smallest share of revenue"
        thresholds.append(("smallest_revenue_share", label, useful.substantial_revenue))
        told += f", segment {least} least revenue"
    intervals = _intervals(statistics, many, context, "substantial")
    figures = [
        Figure(metric, label, interval, threshold)
        for (metric, label, threshold), interval in zip(thresholds, intervals, strict=True)
    ]
    return Test.of(name, question, tuple(figures), told)


def _accessible(useful: Useful, frame: pd.DataFrame, segment: Labels, context: Context) -> Test:
    """Whether columns by which customers can be reached tell segments apart."""
    name, question = "accessible", "Can a segment be reached by what is known before anybody buys?"
    columns = list(frame.columns)
    if not columns:
        told = (
            "no column is there to reach customers by: have some that segments are not made of (task.useful.targeting)"
        )
        return Test.none(name, question, told)
    if len(np.unique(segment)) < 2:
        return Test.none(name, question, ONE)
    known = frame.notna().any(axis=1).to_numpy()
    frame, own = frame[known], segment[known]
    if known.sum() < FEW or len(np.unique(own)) < 2:
        return Test.none(name, question, f"of {known.sum():,} customers only are such columns known")
    folds = segment_response.folds(own, FOLDS, context.rng("targeting"))
    told_by, largest = segment_response.told_by(frame, own, folds)
    right = _beside(told_by == own, largest == own, context, "accessible", "", 0.0)
    assert right.difference is not None
    figure = Figure(
        "accessible",
        "more customers put right than by the largest segment",
        right.difference,
        useful.accessible,
    )
    few = "" if known.all() else f", which are known of {share(known.mean())} of the customers"
    told = f"{_listed(columns)}{few}; they put {number(right.value.value, 2)} right, the largest segment "
    assert right.baseline is not None
    return Test.of(name, question, (figure,), f"{told}{number(right.baseline.value, 2)}")


def _stable(useful: Useful, segment: Labels, rand: Floats, back: LookBack | str, context: Context) -> Test:
    """Whether segments come back among other customers, and whether customers stay in them."""
    name, question = "stable", "Are the segments found again, among other customers and at another date?"
    if len(np.unique(segment)) < 2:
        return Test.none(name, question, ONE)
    low, high = np.quantile(rand, [0.025, 0.975])
    drawn = Interval(float(rand.mean()), float(low), float(high))
    figures = [Figure(AGAIN, "agreement when customers are drawn again", drawn, useful.stable, by_value=True)]
    told = "adjusted Rand index, the mean over resamples"
    if isinstance(back, str):
        return Test.of(name, question, tuple(figures), f"{told}; over time it is not judged: {back}")
    ours, theirs = back.segment[back.both], back.today[back.both]
    (interval,) = _intervals([RandIndex(ours, theirs)], len(ours), context, "over time")
    figures.append(Figure("stability_over_time", "agreement with an earlier date", interval, useful.stable_over_time))
    stayed = share(float((ours == theirs).mean()))
    told += f"; {stayed} of {len(ours):,} customers are where they were on {back.time:%Y-%m-%d}"
    return Test.of(name, question, tuple(figures), told)


def _differentiable(
    useful: Useful, frame: pd.DataFrame, segment: Labels, back: LookBack | str, context: Context
) -> tuple[pd.DataFrame, str, Test]:
    """Whether customers of different segments respond differently."""
    name, question = "differentiable", "Do segments respond differently, in what they were not made of?"
    found = _response(useful, frame, segment, back)
    if isinstance(found, str):
        return pd.DataFrame(), "", Test.none(name, question, found)
    response, own, words = found
    if len(np.unique(own)) < 2:
        return pd.DataFrame(), "", Test.none(name, question, ONE)
    if len(response) < FEW or len(np.unique(own)) < 2:
        return pd.DataFrame(), "", Test.none(name, question, f"of {len(response):,} customers only is {words} known")
    if np.ptp(response) == 0:
        return pd.DataFrame(), "", Test.none(name, question, f"{words} is the same for everybody")
    codes, many = np.arange(len(own)), len(own)
    some = _some(many, context)
    folds = segment_response.folds(own[some], FOLDS, context.rng("response"))
    by_segment, by_one = segment_response.errors_by_segment(response[some], own[some], folds)
    explained = MeanOf(by_one - by_segment, np.arange(len(some)), len(some), by_one)
    (interval,) = _intervals([explained], len(some), context, "differentiable")
    present = np.unique(own)
    means = _intervals([MeanOf(response * (own == k), codes, many, own == k) for k in present], many, context, "means")
    table = pd.DataFrame(
        {
            "segment": present,
            "customers": [int((own == k).sum()) for k in present],
            "mean": [one.value for one in means],
            "low": [one.low for one in means],
            "high": [one.high for one in means],
            "index": [100 * one.value / response.mean() if response.mean() else np.nan for one in means],
        }
    )
    figure = Figure("differentiable", f"variance of {words} explained", interval, useful.differentiable)
    told = "the means of segments, learned from other customers, against one mean for all"
    if not isinstance(back, str) and useful.response is None:
        told += f"; segments as the same model found them on {back.time:%Y-%m-%d}"
    return table, words, Test.of(name, question, (figure,), told)


def _response(
    useful: Useful, frame: pd.DataFrame, segment: Labels, back: LookBack | str
) -> tuple[Floats, Labels, str] | str:
    """The response, the segments of those of whom it is known, and what it is."""
    if useful.response is not None:
        column = np.asarray(frame[useful.response], dtype=np.float64)
        known = np.isfinite(column)
        return column[known], segment[known], useful.response.replace("_", " ")
    ask = "name a column that segments are not made of (task.useful.response)"
    if isinstance(back, str):
        return f"{back}: {ask}"
    if NEXT not in back.frame:
        return ask
    own = back.segment >= 0
    came = back.frame[NEXT].to_numpy(dtype=np.float64)
    return came[own], back.segment[own], f"revenue of the next {back.days}"


def _actionable(useful: Useful, frame: pd.DataFrame, segment: Labels) -> tuple[Effects | None, Test]:
    """Whether an offer does more in one segment than in another."""
    name, question = "actionable", "Does an offer do more in one segment than in another?"
    if useful.offer is None or useful.response is None:
        told = (
            "no offer is told: name who was given what, task.useful.offer, and how they responded, "
            "task.useful.response; or promote the segments and ask price_response by them, features.models.segment"
        )
        return None, Test.none(name, question, told)
    response = np.asarray(frame[useful.response], dtype=np.float64)
    known = np.isfinite(response) & frame[useful.offer].notna().to_numpy()
    effects = segment_response.offer_effects(response[known], frame[useful.offer][known], segment[known])
    if not np.isfinite(effects.p):
        return effects, Test.none(name, question, "in fewer than two segments enough customers were given each offer")
    figure = Figure(
        "actionable_p",
        "p of one effect in all segments",
        Interval(effects.p, math.nan, math.nan),
        useful.actionable,
        better="lower",
    )
    told = f"Cochran's Q {number(effects.statistic, 1)} on {effects.freedom} degrees of freedom"
    return effects, Test.of(name, question, (figure,), told)


def _beside(
    right: NDArray[np.bool_], baseline: NDArray[np.bool_], context: Context, name: str, label: str, threshold: float
) -> Figure:
    """A share of customers beside the baseline's."""
    codes, many = np.arange(len(right)), len(right)
    gap = right.astype(np.float64) - baseline
    value, base, more = _intervals([MeanOf(one, codes, many) for one in (right, baseline, gap)], many, context, name)
    return Figure(name, label, value, threshold, baseline=base, difference=more)


def _intervals(several: Sequence[Statistic], customers: int, context: Context, purpose: str) -> list[Interval]:
    found = bootstrap(several, customers, context.resamples, context.rng(f"useful {purpose}"))
    return [percentile(float(value[0]), draws[0]) for value, draws in found]


def _some(many: int, context: Context) -> Labels:
    """Positions of the customers that stand for all."""
    if many <= MOST:
        return np.arange(many)
    return np.sort(context.rng("useful").choice(many, MOST, replace=False))


def _revenue(useful: Useful, frame: pd.DataFrame) -> Floats | None:
    if useful.revenue not in frame:
        return None
    revenue = np.nan_to_num(np.asarray(frame[useful.revenue], dtype=np.float64), posinf=np.inf)
    return revenue if np.isfinite(revenue).all() and revenue.sum() > 0 else None


def _listed(names: Sequence[str], most: int = 6) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
