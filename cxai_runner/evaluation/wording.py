"""How numbers read in a sentence: the same digits, minus sign and brackets wherever a task speaks."""

from __future__ import annotations

import math

from cxai_runner.evaluation.results import Interval

LAST_BITS = 1e-12
"""What is smaller comes of rounding."""
_WIDE = 100


def number(value: float, digits: int = 3) -> str:
    """Word a number with so many digits after the point, and a real minus."""
    if not math.isfinite(value):
        return "not known"
    text = f"{value:,.{digits}f}"
    return text.replace("-", "−") if float(text.replace(",", "")) != 0 else text.lstrip("-")


def share(value: float) -> str:
    """Word a share as a percentage."""
    return f"{number(100 * value, 1)} %"


def digits_of(interval: Interval) -> int:
    """Return the digits after the point that show two of the interval's width.

    Two at least, none of an interval wider than 100, and three where there is no width but in the last bits.
    """
    width = interval.high - interval.low
    last_bits = LAST_BITS * max(1.0, abs(interval.value))
    if not math.isfinite(width) or width <= last_bits:
        return 3
    return 0 if width >= _WIDE else max(2, 1 - math.floor(math.log10(width)))


def with_interval(interval: Interval, digits: int | None = None) -> str:
    """Word a number with its 95 % interval in square brackets; by default with two digits of the interval's width."""
    width = interval.high - interval.low
    if digits is None:
        digits = digits_of(interval)
    if not math.isfinite(width):
        return number(interval.value, digits)
    low, high = number(interval.low, digits), number(interval.high, digits)
    return f"{number(interval.value, digits)} [{low}, {high}]"


def counted(many: int, noun: str) -> str:
    """Word how many there are of something: ``1 occasion``, ``2,345 occasions``."""
    return f"{many:,} {noun}" if many == 1 else f"{many:,} {noun}s"
