"""Sums over customers, by segment and of all, with those of customers drawn again.

Every mean and share of a base is a ratio of two sums over its customers. The sums are drawn once; each ratio then has
its interval for the price of a division, and all of them see the same resamples. Of a large base random groups of
customers are drawn, and their sums are added up before.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cxai_runner.evaluation.intervals import Floats, Statistic, bootstrap, percentile, random_groups
from cxai_runner.evaluation.results import Interval
from cxai_runner.methods.concentration import Concentration
from cxai_runner.task import Context

Codes = NDArray[np.intp]

CUSTOMERS = "customers"
"""The sum of ones."""
POINTS = np.round(np.linspace(0, 1, 21), 2)
"""Shares of customers at which the Lorenz curve is drawn."""


@dataclass(frozen=True, eq=False)
class Sums:
    """Sums of columns by segment.

    Parameters
    ----------
    columns, segments
        Their names, k and s of them.
    values
        Shape (s, k).
    draws
        Of the resamples, shape (s, k, b).
    """

    columns: tuple[str, ...]
    segments: tuple[str, ...]
    values: Floats
    draws: Floats

    def __contains__(self, column: str) -> bool:
        return column in self.columns

    def total(self, column: str, segment: str | None = None) -> float:
        """Return a sum as it is, over a segment or all customers."""
        return float(self._of(self.values[..., np.newaxis], column, segment)[0])

    def ratio(self, above: str, below: str, segment: str | None = None) -> Interval:
        """Return Σ above / Σ below over a segment, or all customers; NaN where there is nothing below."""
        return self._divided((above, segment), (below, segment))

    def share(self, column: str, segment: str) -> Interval:
        """Return what part of a sum is a segment's."""
        return self._divided((column, segment), (column, None))

    def among(self, column: str, columns: Sequence[str], segment: str | None = None) -> Interval:
        """Return what part one column's sum is of several columns' together, within a segment."""
        below, drawn_below = (
            np.sum([self._of(it, one, segment) for one in columns], axis=0) for it in (self._once, self.draws)
        )
        above, drawn_above = (self._of(it, column, segment) for it in (self._once, self.draws))
        return _interval(above, below, drawn_above, drawn_below)

    def _divided(self, above: tuple[str, str | None], below: tuple[str, str | None]) -> Interval:
        values = (self._of(self._once, *one) for one in (above, below))
        draws = (self._of(self.draws, *one) for one in (above, below))
        return _interval(*values, *draws)

    @property
    def _once(self) -> Floats:
        return self.values[..., np.newaxis]

    def _of(self, sums: Floats, column: str, segment: str | None) -> Floats:
        found = sums[:, self.columns.index(column)]
        return found.sum(axis=0) if segment is None else found[self.segments.index(segment)]


@dataclass(frozen=True, eq=False)
class Spread:
    """How unevenly something is spread over customers, each number with its interval.

    Parameters
    ----------
    of
        What is spread: ``revenue``, ``orders`` or ``purchases``.
    gini
        The Gini coefficient.
    lorenz
        What the smallest customers bring, at `POINTS`.
    """

    of: str
    gini: Interval
    lorenz: tuple[Interval, ...]

    def of_the_largest(self, share: float) -> Interval:
        """Return what the largest customers bring, for a share of customers that is among `POINTS`."""
        it = self.lorenz[int(np.flatnonzero(np.isclose(POINTS, 1 - share))[0])]
        return Interval(1 - it.value, 1 - it.high, 1 - it.low)

    def between(self, low: float, high: float) -> float:
        """Return what customers bring from one share of customers to another, the smallest first."""
        ends = [self.lorenz[int(np.flatnonzero(np.isclose(POINTS, one))[0])].value for one in (low, high)]
        return ends[1] - ends[0]


def drawn(
    frame: pd.DataFrame, segment: pd.Series | None, concentrated: str | None, context: Context
) -> tuple[Sums, Spread | None]:
    """Draw customers again, once for everything.

    Parameters
    ----------
    frame
        Numbers per customer, to be summed; NaN counts as 0. In an order of the rows' own: whose row a resample draws
        must not depend on the order of a file.
    segment
        The segment of each customer; None makes all of them one.
    concentrated
        The column of ``frame`` whose concentration is wanted.
    """
    frame = frame.assign(**{CUSTOMERS: 1.0})
    names = ("all",) if segment is None else tuple(dict.fromkeys(segment))
    codes = np.zeros(len(frame), dtype=np.intp) if segment is None else pd.Categorical(segment, names).codes
    matrix = np.nan_to_num(frame.to_numpy(dtype=np.float64))
    rng = context.rng("customers")
    groups = random_groups(len(frame), rng)
    parts = [_added(matrix[codes == number], groups[codes == number]) for number in range(len(names))]

    def sums(counts: Floats) -> Floats:
        return np.concatenate([added @ counts[units] for units, added in parts])

    statistics: list[Statistic] = [sums]
    base = None
    if concentrated is not None:
        base = Concentration(matrix[:, list(frame.columns).index(concentrated)], groups)
        statistics.append(partial(_ordinates, base))
    found = bootstrap(statistics, int(groups.max()) + 1, context.resamples, rng)
    shape = (len(names), frame.shape[1])
    (values, draws), *rest = found
    added = Sums(tuple(map(str, frame.columns)), names, values.reshape(shape), draws.reshape(*shape, -1))
    if base is None or concentrated is None:
        return added, None
    exact = _ordinates(base)[:, 0]
    intervals = [percentile(float(value), several) for value, several in zip(exact, rest[0][1], strict=True)]
    return added, Spread(concentrated, intervals[0], tuple(intervals[1:]))


def _added(rows: Floats, units: Codes) -> tuple[Codes, Floats]:
    """Add up rows, shape (n, k), by unit: the units there are, and their sums, shape (k, units)."""
    there, place = np.unique(units, return_inverse=True)
    if len(there) == len(units):  # each is one of its own
        return units, np.ascontiguousarray(rows.T)
    return there, np.stack([np.bincount(place, column, len(there)) for column in rows.T])


def _ordinates(base: Concentration, counts: Floats | None = None) -> Floats:
    """The Gini coefficient and the Lorenz curve at `POINTS`, shape (1 + m, b)."""
    curve = base.lorenz(counts)
    return np.vstack([curve.gini, curve.at(POINTS)])


def _interval(above: Floats, below: Floats, drawn_above: Floats, drawn_below: Floats) -> Interval:
    """A ratio of sums with its percentile interval."""
    with np.errstate(invalid="ignore", divide="ignore"):
        value: NDArray[np.float64] = np.divide(above, below)
        draws: NDArray[np.float64] = np.divide(drawn_above, drawn_below)
    return percentile(float(value[0]), draws)
