"""What varies in a sweep: a key over listed values, or over the numbers between two."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Choice:
    """An axis of listed values.

    Parameters
    ----------
    key
        The config key or group.
    texts
        Its values as overrides write them.
    when
        Key → the values with which this axis is there; always, where empty.
    """

    key: str
    texts: tuple[str, ...]
    when: Mapping[str, frozenset[str]] = field(default_factory=dict)

    @property
    def size(self) -> float:
        """How many values it has."""
        return len(self.texts)

    @property
    def examples(self) -> tuple[str, ...]:
        """Values by which every value is judged before anything runs."""
        return self.texts


@dataclass(frozen=True)
class Interval:
    """An axis of numbers between two, both included.

    Parameters
    ----------
    key
        The config key.
    low, high
        Its ends.
    log
        Whether it is even on the scale of logarithms.
    whole
        Whether its numbers are whole.
    when
        As of a `Choice`.
    """

    key: str
    low: float
    high: float
    log: bool = False
    whole: bool = False
    when: Mapping[str, frozenset[str]] = field(default_factory=dict)

    @property
    def size(self) -> float:
        """How many values it has."""
        return self.high - self.low + 1 if self.whole else math.inf

    @property
    def examples(self) -> tuple[str, ...]:
        """Values by which every value is judged before anything runs."""
        return (self.text(self.low), self.text(self.high))

    def at(self, share: float) -> str:
        """Return the value at a share of the way, between 0 and 1 (1 excluded where it is whole)."""
        if self.whole:
            low, high = self.low - 0.5 * self.log, self.high + 1 - 0.5 * self.log
            raw = low * (high / low) ** share if self.log else low + (high - low) * share
            return self.text(min(self.high, max(self.low, round(raw) if self.log else math.floor(raw))))
        if self.log:
            return self.text(self.low * (self.high / self.low) ** share)
        return self.text(self.low + (self.high - self.low) * share)

    def text(self, number: float) -> str:
        """Return a number as an override writes it."""
        return str(int(number)) if self.whole else repr(float(number))


Axis = Choice | Interval


def said(axis: Axis) -> str:
    """Return what an axis varies over, in words."""
    if isinstance(axis, Choice):
        words = ", ".join(axis.texts)
    else:
        words = f"{axis.text(axis.low)} … {axis.text(axis.high)}" + " (log)" * axis.log
    when = " and ".join(f"{key}={'|'.join(sorted(wanted))}" for key, wanted in axis.when.items())
    return f"{words} where {when}" if when else words
