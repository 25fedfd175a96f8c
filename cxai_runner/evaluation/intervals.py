"""95 % intervals that resample customers.

The rows of one customer are alike, so the customer is the unit that is drawn again: a resample takes as many customers
as there are, with replacement, and all rows of each. A resample is represented by how often each customer is in it;
a statistic that takes such counts for weights is computed for a block of resamples at once, and nothing is copied.
Where there are hundreds of thousands of customers, random groups of them can be drawn in their place.

Field, Welsh (2007), Bootstrapping clustered data, Journal of the Royal Statistical Society B 69(3), section 3.1.
Wolter (2007), Introduction to Variance Estimation, 2nd edition, chapter 2 (random groups).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from cxai_runner.evaluation.results import Interval

Floats = NDArray[np.float64]

Statistic = Callable[[Floats], Floats]
"""From counts, shape (customers, b), to values, shape (m, b): m numbers for each of b resamples."""

FEW_CUSTOMERS = 10
"""Customers below which resamples of them are too much alike to tell what others would have done: of one customer every
resample is the same, and an interval of no width."""

MOST_UNITS = 20_000
"""Customers above which random groups of them may be drawn. How they fell together moves the width of an interval by
about 1 in √(2 · 20,000), half a percent; that there are a thousand resamples and no more moves it by several."""

# What the rows of one block of resamples may hold, in numbers: about 32 MB each.
BLOCK = 4_000_000


def too_few(customers: int) -> str:
    """Say why there is no interval where there are too few customers; nothing where there are enough."""
    if customers >= FEW_CUSTOMERS:
        return ""
    whom = "One customer was" if customers == 1 else f"{customers} customers were"
    return (
        f"{whom} scored: fewer than {FEW_CUSTOMERS} say nothing of others, so the metrics have no intervals, and "
        "whether the model beats its baseline cannot be told."
    )


def random_groups(customers: int, rng: np.random.Generator) -> NDArray[np.intp]:
    """Return the group of each customer, shape (customers,), where whole groups are to be drawn.

    Customers whom chance put together differ from each other as any do, so that a sum over groups drawn again varies
    as one over customers drawn again. There are `MOST_UNITS` groups, their sizes within one of each other; up to so
    many customers each is a group of its own, and nothing is different.
    """
    if customers <= MOST_UNITS:
        return np.arange(customers, dtype=np.intp)
    return rng.permutation(customers).astype(np.intp) % MOST_UNITS


def blocks(customers: int, resamples: int, rng: np.random.Generator, rows: int = 0) -> Iterator[Floats]:
    """Yield how often each customer is in each resample, in blocks of shape (customers, b) that bound the memory.

    Parameters
    ----------
    customers, resamples
        How many of each.
    rng
        Draws the customers; the draws do not depend on the size of the blocks.
    rows
        Rows that a statistic weights at once.
    """
    size = max(1, min(resamples, BLOCK // max(rows, customers, 1)))
    for start in range(0, resamples, size):
        b = min(size, resamples - start)
        drawn = rng.integers(customers, size=(b, customers))
        drawn += np.arange(b)[:, np.newaxis] * customers
        counts = np.bincount(drawn.ravel(), minlength=b * customers).reshape(b, customers)
        yield np.ascontiguousarray(counts.T, dtype=np.float64)


def bootstrap(
    statistics: Iterable[Statistic], customers: int, resamples: int, rng: np.random.Generator, rows: int = 0
) -> list[tuple[Floats, Floats]]:
    """Return for each statistic its values, shape (m,), and those of the resamples, shape (m, resamples).

    All statistics see the same resamples, so that their differences are paired.
    """
    several = list(statistics)
    once = np.ones((customers, 1))
    values = [statistic(once)[:, 0] for statistic in several]
    draws: list[list[Floats]] = [[] for _ in several]
    for counts in blocks(customers, resamples, rng, rows):
        for kept, statistic in zip(draws, several, strict=True):
            kept.append(statistic(counts))
    return [(value, np.concatenate(kept, axis=1)) for value, kept in zip(values, draws, strict=True)]


def percentile(value: float, draws: Floats) -> Interval:
    """Return the percentile interval; resamples for which the number does not exist (NaN) are left out."""
    known = draws[np.isfinite(draws)]
    if known.size == 0:
        return Interval(float(value), float("nan"), float("nan"))
    low, high = np.quantile(known, [0.025, 0.975])
    return Interval(float(value), float(low), float(high))


def percentile_of(customers: int) -> Callable[[float, Floats], Interval]:
    """Return what makes an interval of resamples of so many customers: none of fewer than `FEW_CUSTOMERS`."""
    return percentile if customers >= FEW_CUSTOMERS else _unknown


def _unknown(value: float, draws: Floats) -> Interval:
    return Interval(float(value), float("nan"), float("nan"))


def of_share(count: int, of: int) -> Interval:
    """Return a share of independent rows with its interval; no share at all of no rows.

    Wilson (1927), Probable inference, the law of succession, and statistical inference, JASA 22.
    """
    if not of:
        return Interval(float("nan"), float("nan"), float("nan"))
    z, p = 1.959963984540054, count / of
    centre = p + z**2 / (2 * of)
    reach = z * float(np.sqrt(p * (1 - p) / of + z**2 / (4 * of**2)))
    scale = 1 + z**2 / of
    return Interval(p, max(0.0, (centre - reach) / scale), min(1.0, (centre + reach) / scale))


def recentred(value: float, draws: Floats) -> Interval:
    """Return the percentile interval of draws shifted to have ``value`` as their mean, cut off at zero.

    For a number that noise can only raise, such as a sum of absolute errors: every resample adds noise, so that its own
    percentiles may lie above the value altogether.
    """
    interval = percentile(value, draws - np.nanmean(draws) + value)
    return Interval(interval.value, max(interval.low, 0.0), interval.high)
