"""Numbers as they read in a sentence."""

from __future__ import annotations

import math

import pytest

from cxai_runner.evaluation.results import Interval
from cxai_runner.evaluation.wording import counted, number, share, with_interval


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [
        (-1.4249, 2, "−1.42"),
        (12345.6, 0, "12,346"),
        (-0.0001, 2, "0.00"),
        (math.nan, 2, "not known"),
        (0.5, 3, "0.500"),
    ],
)
def test_numbers(value, digits, text):
    assert number(value, digits) == text


def test_shares():
    assert share(0.1234) == "12.3 %"


@pytest.mark.parametrize(
    ("interval", "digits", "text"),
    [
        (Interval(-1.42, -1.61, -1.24), None, "−1.42 [−1.61, −1.24]"),
        (Interval(-0.00071, -0.00149, 0.00004), None, "−0.0007 [−0.0015, 0.0000]"),
        (Interval(12.3456, 2.0, 31.0), None, "12.35 [2.00, 31.00]"),
        (Interval(0.5, 0.5, 0.5), None, "0.500 [0.500, 0.500]"),
        (Interval(0.69314718055994518, 0.69314718055994518, 0.6931471805599453), None, "0.693 [0.693, 0.693]"),
        (Interval(12345.6, 12000.0, 12700.0), None, "12,346 [12,000, 12,700]"),
        (Interval(1.0, math.nan, math.nan), None, "1.000"),
        (Interval(-1.42, -1.61, -1.24), 1, "−1.4 [−1.6, −1.2]"),
    ],
)
def test_intervals(interval, digits, text):
    assert with_interval(interval, digits) == text


@pytest.mark.parametrize(("many", "words"), [(0, "0 rows"), (1, "1 row"), (2_345, "2,345 rows")])
def test_how_many(many, words):
    assert counted(many, "row") == words
