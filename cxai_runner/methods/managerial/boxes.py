"""Sets of customers as boxes: an interval of each measure, and what is left of a box when others are taken out.

A rule is a conjunction of conditions such as *more than 365 and at most 730 days*, so the customers that it takes are a
box, and whether a set of rules leaves anybody out, or takes anybody twice, is a matter of intervals: no customer has to
be looked at. Days and counts are whole numbers, so that nobody is missed between *at most 365* and *at least 366*; and
a customer's last purchase is no earlier than the first one, so that no example is told of somebody who cannot be.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

WHOLE: Final = ("recency", "frequency", "tenure")
LEAST: Final = {"recency": 1.0, "frequency": 1.0, "tenure": 1.0, "monetary": 0.0, "revenue": 0.0}
AT_MOST: Final = (("recency", "tenure"), ("monetary", "revenue"))
"""The first of each pair never exceeds the second: the last purchase is no longer ago than the first one, and the mean
of some purchases is no more than their sum."""


@dataclass(frozen=True)
class Interval:
    """The numbers between two ends; an end that is ``open`` is not among them.

    Parameters
    ----------
    low, high
        The ends.
    low_open, high_open
        Whether each is left out.
    whole
        Whether only whole numbers count.
    """

    low: float = -math.inf
    high: float = math.inf
    low_open: bool = False
    high_open: bool = False
    whole: bool = False

    def tight(self) -> Interval:
        """Return the same numbers with both ends among them, where only whole numbers count."""
        if not self.whole:
            return self
        low, high = self.low, self.high
        if math.isfinite(low):
            low = float(math.floor(low) + 1 if self.low_open else math.ceil(low))
        if math.isfinite(high):
            high = float(math.ceil(high) - 1 if self.high_open else math.floor(high))
        return Interval(low, high, whole=True)

    @property
    def is_empty(self) -> bool:
        """Whether no number is in it."""
        own = self.tight()
        if own.low == math.inf or own.high == -math.inf:
            return True  # beyond the end of an interval that has none
        return own.low > own.high or (own.low == own.high and (own.low_open or own.high_open))

    def within(self, other: Interval) -> Interval:
        """Return the numbers that are in both."""
        low, low_open = max((self.low, self.low_open), (other.low, other.low_open))
        high, closed = min((self.high, not self.high_open), (other.high, not other.high_open))
        return Interval(low, high, low_open, not closed, self.whole or other.whole).tight()

    def without(self, other: Interval) -> Iterator[Interval]:
        """Yield the numbers below ``other`` and those above it, where there are any."""
        below = Interval(high=other.low, high_open=not other.low_open)
        above = Interval(low=other.high, low_open=not other.high_open)
        for part in (self.within(below), self.within(above)):
            if not part.is_empty:
                yield part

    def example(self) -> float:
        """Return a number in it, the one that reads best: its lower end where that belongs to it."""
        own = self.tight()
        if math.isfinite(own.low):
            if not own.low_open:
                return own.low
            return (own.low + own.high) / 2 if math.isfinite(own.high) else math.floor(own.low) + 1.0
        return own.high - own.high_open if math.isfinite(own.high) else 0.0


Box = Mapping[str, Interval]
"""An interval of each measure; a measure that is not in it may be anything."""


def everybody(measures: Iterable[str], scores: int) -> dict[str, Interval]:
    """Return the box of all customers there can be.

    Parameters
    ----------
    measures
        Those that rules ask for; ``<measure>_score`` is from 1 to ``scores``.
    scores
        The highest score.
    """
    wanted = list(measures)
    related = [name for pair in AT_MOST if any(name in wanted for name in pair) for name in pair]
    box = {}
    for name in dict.fromkeys([*wanted, *related]):
        if name.endswith("_score"):
            box[name] = Interval(1, scores, whole=True)
        else:
            box[name] = Interval(low=LEAST.get(name, -math.inf), whole=name in WHOLE)
    return box


def shared(one: Box, other: Box) -> dict[str, Interval] | None:
    """Return the box of the customers who are in both; None where there can be none."""
    both = {name: interval.within(other[name]) if name in other else interval for name, interval in one.items()}
    both |= {name: interval for name, interval in other.items() if name not in one}
    return both if is_possible(both) else None


def is_possible(box: Box) -> bool:
    """Whether there can be a customer in a box."""
    if any(interval.is_empty for interval in box.values()):
        return False
    for less, more in AT_MOST:
        if less in box and more in box:
            least, most = box[less], box[more]
            touching = least.low == most.high and (least.low_open or most.high_open)
            if least.low > most.high or touching:
                return False
    return True


def left_over(box: Box, taken: Iterable[Box]) -> list[dict[str, Interval]]:
    """Return the customers of a box who are in none of others, as boxes of which no two share anybody."""
    left = [dict(box)]
    for other in taken:
        left = [part for one in left for part in _cut(one, other)]
    return left


def _cut(box: dict[str, Interval], other: Box) -> Iterator[dict[str, Interval]]:
    """Yield the pieces of a box outside another, one measure after the other."""
    if shared(box, other) is None:
        yield box
        return
    inside = dict(box)
    for name, interval in other.items():
        own = inside.get(name, Interval(whole=interval.whole))
        for outside in own.without(interval):
            piece = inside | {name: outside}
            if is_possible(piece):
                yield piece
        inside[name] = own.within(interval)


def example(box: Box) -> dict[str, float]:
    """Return a customer who is in a box that has one: a number of each measure."""
    box = dict(box)
    for less, more in AT_MOST:
        if less in box and more in box:
            box[less] = box[less].within(Interval(high=box[more].high, high_open=box[more].high_open))
            low = box[less].example()
            box[more] = box[more].within(Interval(low=low))
    return {name: interval.example() for name, interval in box.items()}
