"""What a comparison of two runs comes to: the difference, how sure it is, and what to say of it.

A verdict rests on the p value alone, after it was corrected for how many comparisons were made beside it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from cxai_runner.evaluation.results import Better, Interval

LEVEL: Final = 0.05
POWER: Final = 0.8
_FAR: Final = 100
"""Where it would take this many times the customers, the difference is about zero."""
_NAN: Final = float("nan")


@dataclass(frozen=True)
class Comparison:
    """One run's metric against another's on the same rows.

    Parameters
    ----------
    metric, label, better
        The metric as logged and as read, and whether lower or higher is better.
    difference
        Ours minus theirs with its 95 % interval, in the metric's unit.
    error
        Standard error of the difference.
    p
        Two-sided p value of no difference.
    freedom
        Degrees of freedom behind it.
    customers
        How many customers were judged.
    how
        How they were compared: ``paired bootstrap over 617 customers``.
    incomparable
        Why they cannot be compared; all numbers are NaN then.
    among
        What p is multiplied by for the comparisons that were made beside this one.
    adjusted
        The p value for all of them together; p itself where there is one.
    """

    metric: str
    label: str
    better: Better
    difference: Interval
    error: float
    p: float
    freedom: float
    customers: int
    how: str
    incomparable: str = ""
    among: int = 1
    adjusted: float = _NAN

    @classmethod
    def none(cls, metric: str, reason: str, better: Better = "lower") -> Comparison:
        """Return a comparison that cannot be made, and why."""
        nothing = Interval(_NAN, _NAN, _NAN)
        return cls(metric, metric.replace("_", " "), better, nothing, _NAN, _NAN, _NAN, 0, "", incomparable=reason)

    @property
    def same(self) -> bool:
        """Whether the two came to the same number, whoever is drawn."""
        return self.difference.value == 0 and self.error == 0

    @property
    def verdict(self) -> str:
        """``better``, ``worse``, ``cannot tell``, or ``not comparable``."""
        if self.incomparable:
            return "not comparable"
        if not (self.p if math.isnan(self.adjusted) else self.adjusted) < LEVEL:
            return "cannot tell"
        return "better" if (self.difference.value < 0) == (self.better == "lower") else "worse"

    @property
    def more(self) -> int | None:
        """How many more customers would tell, with a chance of 80 %, if the difference is what it seems.

        The standard error falls with the root of the customers, so that they have to grow by the square of
        (t₁₋α⸝₂ + t₀.₈) · error / difference, with α after the correction for several comparisons (Cohen, 1988,
        Statistical power analysis for the behavioral sciences, section 2.4, with Student's t for the normal). None
        where the verdict needs no more, or the difference is about zero.
        """
        if self.verdict != "cannot tell" or not self.error > 0 or self.difference.value == 0:
            return None
        from scipy.stats import t

        corrected = 1.0 if math.isnan(self.adjusted) else self.adjusted / self.p
        wanted = t.isf(LEVEL / corrected / 2, self.freedom) + t.ppf(POWER, self.freedom)
        times = float(wanted * self.error / self.difference.value) ** 2
        return two_digits(self.customers * (times - 1)) if times < _FAR else None

    @property
    def words(self) -> str:
        """The verdict as it is read: ``cannot tell (about 1,200 more customers would)``."""
        if self.incomparable:
            return f"not comparable: {self.incomparable}"
        if self.same:
            return "cannot tell: the same numbers"
        return self.verdict + (f" (about {self.more:,} more customers would)" if self.more else "")


def of_error(
    named: tuple[str, str, Better], value: float, error: float, freedom: float, customers: int, how: str
) -> Comparison:
    """Return the comparison of a difference with a standard error, by Student's t.

    Parameters
    ----------
    named
        Name, label and direction of the metric.
    value, error
        The difference, ours minus theirs, and its standard error.
    freedom
        Degrees of freedom.
    customers, how
        As in `Comparison`.
    """
    from scipy.stats import t

    name, label, better = named
    if not (math.isfinite(value) and math.isfinite(error) and freedom >= 1):
        return Comparison.none(name, "the difference does not exist on these rows", better)
    reach = float(t.ppf(1 - LEVEL / 2, freedom)) * error
    certain = 1.0 if value == 0 else 0.0
    p = certain if error == 0 else float(2 * t.sf(abs(value) / error, freedom))
    difference = Interval(value, value - reach, value + reach)
    return Comparison(name, label, better, difference, error, p, freedom, customers, how)


def resampled_error(gaps: Sequence[float], ratio: float) -> tuple[float, float]:
    """Return mean and standard error of differences over repeated divisions of the same rows.

    Models of two divisions share most of their training rows, so their differences are alike, and the plain standard
    error is too small. Nadeau and Bengio (2003), Inference for the generalization error, Machine Learning 52, eq. 9:
    the variance of the mean is (1/J + n₂/n₁) · s².

    Parameters
    ----------
    gaps
        One difference for each of J divisions, at least two.
    ratio
        n₂/n₁: held-out rows for each training row.
    """
    from statistics import fmean, stdev

    return fmean(gaps), math.sqrt(1 / len(gaps) + ratio) * stdev(gaps)


def adjusted(comparisons: Sequence[Comparison]) -> list[Comparison]:
    """Correct the p values of comparisons that are read together, so that none is called different by chance.

    Holm (1979), A simple sequentially rejective multiple test procedure, Scandinavian Journal of Statistics 6: the
    chance of any false *better* or *worse* among all stays below 5 %. What cannot be compared does not count.
    """
    found = list(comparisons)
    known = sorted((i for i, one in enumerate(found) if not one.incomparable), key=lambda i: found[i].p)
    highest = 0.0
    for rank, i in enumerate(known):
        among = len(known) - rank
        highest = max(highest, min(1.0, among * found[i].p))
        found[i] = replace(found[i], among=among, adjusted=highest)
    return found


def two_digits(value: float) -> int:
    """Round a count to two digits, to one at least."""
    if value < 1:
        return 1
    places = max(0, math.floor(math.log10(value)) - 1)
    return int(round(value / 10**places) * 10**places)
