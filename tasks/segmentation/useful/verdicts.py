"""A test and its verdict: a figure with an interval, held to a threshold.

A threshold is met where the whole interval reaches it, and missed where none of it does; between the two it cannot be
told. What no figure could be had for is not judged, and says what would let it be.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from cxai_runner.evaluation.results import Better, Interval, Metric
from cxai_runner.evaluation.wording import number, with_interval

YES: Final = "yes"
NO: Final = "no"
UNCLEAR: Final = "cannot tell"
NOT_JUDGED: Final = "not judged"


@dataclass(frozen=True)
class Figure:
    """A figure of a test.

    Parameters
    ----------
    name, label
        As logged, and as read.
    value
        With its interval.
    threshold
        What it has to reach, or to stay below where lower is better.
    better
        Which way is better.
    baseline, difference
        Of what takes no segments, and the paired difference from it.
    by_value
        Whether the value alone decides: its interval is the range over resamples and not what is known of it.
    """

    name: str
    label: str
    value: Interval
    threshold: float
    better: Better = "higher"
    baseline: Interval | None = None
    difference: Interval | None = None
    by_value: bool = False

    @property
    def verdict(self) -> str:
        """Whether it reaches the threshold: ``yes``, ``no`` or ``cannot tell``."""
        if self.better == "lower":
            return YES if self.value.value < self.threshold else UNCLEAR
        if self.by_value or not math.isfinite(self.value.low):
            return YES if self.value.value >= self.threshold else NO
        beats = self.difference is None or self.difference.low > 0
        if self.value.low >= self.threshold:
            return YES if beats else UNCLEAR
        return NO if self.value.high < self.threshold else UNCLEAR

    @property
    def wanted(self) -> str:
        """The threshold, in words."""
        return f"{'at least' if self.better == 'higher' else 'below'} {self.threshold:g}"

    def metric(self) -> Metric:
        """Return it as it is logged."""
        return Metric(self.name, self.label, self.value, self.better, self.baseline, self.difference)


@dataclass(frozen=True)
class Test:
    """One of the six.

    Parameters
    ----------
    name, question
        ``identifiable``, and what is asked.
    figures
        What decides; none where it could not be judged.
    verdict
        ``yes``, ``no``, ``cannot tell`` or ``not judged``: the worst of its figures.
    grounds
        What it rests on; where it was not judged, why, and what would let it be.
    """

    __test__ = False  # for pytest, which takes the name for one of its own

    name: str
    question: str
    figures: tuple[Figure, ...]
    verdict: str
    grounds: str

    @classmethod
    def of(cls, name: str, question: str, figures: tuple[Figure, ...], grounds: str) -> Test:
        """Return a test with the verdict that its figures come to."""
        found = {one.verdict for one in figures}
        verdict = next(one for one in (NO, UNCLEAR, YES) if one in found)
        return cls(name, question, figures, verdict, grounds)

    @classmethod
    def none(cls, name: str, question: str, why: str) -> Test:
        """Return a test that could not be judged, and why."""
        return cls(name, question, (), NOT_JUDGED, why)

    @property
    def figure(self) -> str:
        """Its figures, in words."""
        return "; ".join(with_interval(one.value) if one.better == "higher" else _p(one) for one in self.figures)

    @property
    def wanted(self) -> str:
        """Its thresholds, in words."""
        return "; ".join(one.wanted for one in self.figures)


def _p(figure: Figure) -> str:
    return "p < 0.001" if figure.value.value < 0.001 else f"p = {number(figure.value.value)}"


def met(tests: Sequence[Test]) -> str:
    """Say in a sentence which tests are met, which are not, and which could not be judged."""
    groups = {verdict: [one.name for one in tests if one.verdict == verdict] for verdict in (YES, NO, UNCLEAR)}
    left = [one.name for one in tests if one.verdict == NOT_JUDGED]
    judged = len(tests) - len(left)
    told = f"Of the {len(tests)} tests of a useful segmentation, {judged} could be judged"
    parts = [
        f"{len(groups[verdict])} {words} ({', '.join(groups[verdict])})"
        for verdict, words in ((YES, "met"), (NO, "missed"), (UNCLEAR, "in doubt"))
        if groups[verdict]
    ]
    parts += [f"not judged: {', '.join(left)}"] if left else []
    return f"{told}: {'; '.join(parts)}." if parts else f"{told}."
