"""What a ranking of customers is good for: whom to contact, how many conversions that reaches, what it earns.

All of it with intervals that resample customers, as everywhere; which customer stands where in the ranking is not
resampled, since it is what would be acted on.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from cxai_runner.evaluation.intervals import Floats, Statistic, bootstrap, percentile_of
from cxai_runner.evaluation.metrics import MeanOf, codes_of, tenths
from cxai_runner.evaluation.results import Interval

POINTS = 40
"""Shares of the customers at which a profit is computed."""
_ROUNDED = 1e-12
"""What rounding may take from a quotient: 1 / 0.1 contacts are ten."""


class BalancedAccuracy:
    """The mean of the shares of ones and of zeros that a threshold tells right.

    Parameters
    ----------
    outcome, chosen
        Shape (n,): 0 or 1, and whether the row is at or above the threshold.
    codes, customers
        The customer of each row, and how many there are.
    """

    def __init__(self, outcome: ArrayLike, chosen: ArrayLike, codes: NDArray[np.intp], customers: int) -> None:
        truth, taken = np.asarray(outcome, dtype=np.float64), np.asarray(chosen, dtype=np.float64)
        self.ones = MeanOf(truth * taken, codes, customers, truth)
        self.zeros = MeanOf((1 - truth) * (1 - taken), codes, customers, 1 - truth)

    def __call__(self, counts: Floats) -> Floats:
        """Return it for every resample, shape (1, b); NaN where one class is absent."""
        return (self.ones(counts) + self.zeros(counts)) / 2


class _RatioOf:
    """One statistic over another."""

    def __init__(self, above: Statistic, below: Statistic) -> None:
        self.above, self.below = above, below

    def __call__(self, counts: Floats) -> Floats:
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray(self.above(counts) / self.below(counts))


def gains_table(
    outcome: ArrayLike, probability: ArrayLike, customers: ArrayLike, resamples: int, rng: np.random.Generator
) -> pd.DataFrame:
    """Return conversions, lift and gains per tenth of the rows, the highest probabilities first.

    Returns
    -------
    DataFrame
        ``tenth`` (1 is the highest; equal probabilities stay together), ``rows``, ``contacted`` (the share of all rows
        up to here), ``conversions``, ``rate`` with ``rate_low`` … ``rate_high``, ``lift`` (the rate over that of all
        rows) and ``gain`` (the share of all conversions up to here), each with its 95 % interval.
    """
    truth = np.asarray(outcome, dtype=np.float64)
    codes, count = codes_of(customers)
    place = tenths(-np.asarray(probability, dtype=np.float64))
    bins = range(int(place.max()) + 1)
    overall = MeanOf(truth, codes, count)
    rates = [MeanOf(truth * (place == b), codes, count, place == b) for b in bins]
    lifts: list[Statistic] = [_RatioOf(rate, overall) for rate in rates]
    gains = [MeanOf(truth * (place <= b), codes, count, truth) for b in bins]
    found = bootstrap([*rates, *lifts, *gains], count, resamples, rng)
    intervals = [percentile_of(count)(value[0], draws[0]) for value, draws in found]
    rows = np.bincount(place)
    table = pd.DataFrame(
        {
            "tenth": np.arange(len(rows)) + 1,
            "rows": rows,
            "contacted": np.cumsum(rows) / rows.sum(),
            "conversions": np.bincount(place, truth).astype(np.int64),
        }
    )
    for name, several in zip(("rate", "lift", "gain"), np.split(np.arange(len(intervals)), 3), strict=True):
        table[name] = [intervals[i].value for i in several]
        table[f"{name}_low"] = [intervals[i].low for i in several]
        table[f"{name}_high"] = [intervals[i].high for i in several]
    return table


@dataclass(frozen=True, eq=False)
class Profit:
    """What contacting the best customers earned, on rows whose outcome is known.

    Parameters
    ----------
    curve
        ``contacted`` (share of rows), ``contacts``, ``profit`` with ``low`` … ``high``.
    worth_it
        What contacting whoever is expected to pay for it earned, as far as the budget goes.
    contacts, spent
        How many those were, and what contacting them cost.
    everybody
        What contacting everybody earned.
    bound
        Whether the budget ended it.
    """

    curve: pd.DataFrame
    worth_it: Interval
    contacts: int
    spent: float
    everybody: Interval
    bound: bool


def profit_of(
    outcome: ArrayLike,
    probability: ArrayLike,
    value: ArrayLike,
    cost: float,
    budget: float | None,
    customers: ArrayLike,
    resamples: int,
    rng: np.random.Generator,
) -> Profit:
    """Return what it earns to contact customers in the order of what a contact is expected to bring.

    A contact brings ``value`` where it converts, and costs ``cost`` always: it is expected to pay where probability ·
    value is above cost. A budget ends it earlier.

    Parameters
    ----------
    outcome, probability, customers
        Shape (n,).
    value
        Of a conversion: one number, or one per row.
    cost
        Of a contact.
    budget
        What contacts may cost together; None for any.
    resamples, rng
        How many resamples of customers, and what draws them.
    """
    truth, p = (np.asarray(one, dtype=np.float64) for one in (outcome, probability))
    codes, count = codes_of(customers)
    worth = np.broadcast_to(np.asarray(value, dtype=np.float64), truth.shape)
    expected = p * worth - cost
    order = np.argsort(-expected, kind="stable")
    place = np.empty(len(order), dtype=np.intp)
    place[order] = np.arange(len(order))
    earned = truth * worth - cost
    affordable = len(truth) if budget is None or cost == 0 else min(len(truth), int(budget / cost * (1 + _ROUNDED)))
    paying = int((expected > 0).sum())
    contacts = min(paying, affordable)
    ends = np.unique(np.round(np.linspace(0, 1, POINTS + 1) * len(truth)).astype(np.intp))
    taken = [place < end for end in [*ends, contacts, len(truth)]]
    totals: list[Statistic] = [_SumOf(earned * one, codes, count) for one in taken]
    found = bootstrap(totals, count, resamples, rng)
    intervals = [percentile_of(count)(total[0], draws[0]) for total, draws in found]
    curve = pd.DataFrame(
        {
            "contacted": ends / len(truth),
            "contacts": ends,
            "profit": [one.value for one in intervals[: len(ends)]],
            "low": [one.low for one in intervals[: len(ends)]],
            "high": [one.high for one in intervals[: len(ends)]],
        }
    )
    return Profit(curve, intervals[-2], contacts, contacts * cost, intervals[-1], affordable < paying)


class _SumOf:
    """Weighted sum of a row-wise number."""

    def __init__(self, values: Floats, codes: NDArray[np.intp], customers: int) -> None:
        self.values = np.bincount(codes, values, customers)

    def __call__(self, counts: Floats) -> Floats:
        return np.atleast_2d(self.values @ counts)


def confusion_table(
    outcome: ArrayLike, chosen: ArrayLike, customers: ArrayLike, resamples: int, rng: np.random.Generator
) -> pd.DataFrame:
    """Return how outcomes and predictions at a threshold go together.

    Returns
    -------
    DataFrame
        ``predicted``, ``observed``, ``rows``, ``share`` of the rows with its interval ``low`` … ``high``.
    """
    truth, taken = np.asarray(outcome) == 1, np.asarray(chosen, dtype=bool)
    codes, count = codes_of(customers)
    cells = [(told, was) for told in (True, False) for was in (True, False)]
    masks = [(taken == told) & (truth == was) for told, was in cells]
    shares: list[Statistic] = [MeanOf(mask, codes, count) for mask in masks]
    found = [percentile_of(count)(value[0], draws[0]) for value, draws in bootstrap(shares, count, resamples, rng)]
    named = {True: "conversion", False: "none"}
    return pd.DataFrame(
        {
            "predicted": [named[told] for told, _ in cells],
            "observed": [named[was] for _, was in cells],
            "rows": [int(mask.sum()) for mask in masks],
            "share": [one.value for one in found],
            "low": [one.low for one in found],
            "high": [one.high for one in found],
        }
    )
