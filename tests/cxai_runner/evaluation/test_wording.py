"""Numbers as they read in a sentence."""

from __future__ import annotations

import math

import pytest

from cxai_runner.evaluation.results import Interval
from cxai_runner.evaluation.wording import number, share, with_interval


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


def test_intervals():
    assert with_interval(Interval(-1.42, -1.61, -1.24), 2) == "−1.42 [−1.61, −1.24]"
    assert with_interval(Interval(1.0, math.nan, math.nan), 1) == "1.0"
