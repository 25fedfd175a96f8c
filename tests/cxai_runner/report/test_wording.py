from __future__ import annotations

import math

import pandas as pd
import pytest

from cxai_runner.evaluation.results import Interval
from cxai_runner.report.wording import column, duration, interval, number, share

NAN = math.nan


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (1469307, "1,469,307"),
        (-1.42, "−1.42"),
        (0.53219, "0.532"),
        (1234.567, "1,235"),
        (12.3456, "12.3"),
        (1e-9, "1.0e−09"),
        (-0.0, "0"),
        (NAN, "–"),
        (None, "–"),
        (math.inf, "∞"),
        (-math.inf, "−∞"),
    ],
)
def test_numbers(value: float | None, text: str) -> None:
    assert number(value) == text


def test_an_interval_decides_the_digits() -> None:
    assert interval(Interval(0.53219, 0.52512, 0.53921)) == ("0.532", "0.525 to 0.539")
    assert interval(Interval(-1234.4, -1800.0, -600.0)) == ("−1,234", "−1,800 to −600")
    assert interval(Interval(0.212, 0.2, 0.22), sign=True) == ("+0.212", "0.200 to 0.220")
    assert interval(Interval(-0.762, -1.753, 0.241)) == ("−0.76", "−1.75 to 0.24")
    assert interval(Interval(2.5e-17, 0.0, 2.5e-17)) == ("0.000", "0.000 to 0.000")
    assert interval(Interval(0.5, NAN, NAN)) == ("0.500", "")
    assert interval(Interval(0.5, 0.5, 0.5)) == ("0.500", "0.500 to 0.500")


def test_a_column_lines_up() -> None:
    assert column(pd.Series([1.0, 22.5, NAN, -0.04])) == ["1.00", "22.50", "–", "−0.04"]
    assert column(pd.Series([1, 2000])) == ["1", "2,000"]
    assert column(pd.Series(["a", None])) == ["a", "–"]
    assert column(pd.Series([True, False])) == ["yes", "no"]
    assert column(pd.Series([pd.Timestamp("2017-03-01"), pd.Timestamp("2017-03-01 08:30")])) == [
        "2017-03-01",
        "2017-03-01 08:30",
    ]
    assert column(pd.Series([], dtype=float)) == []


def test_shares_and_durations() -> None:
    assert [share(1, 1000), share(1, 10000), share(5, 100), share(50, 100), share(1, 0)] == [
        "0.1 %",
        "under 0.1 %",
        "5.0 %",
        "50 %",
        "–",
    ]
    assert [duration(4.12), duration(125)] == ["4.1 s", "2 min 5 s"]


def test_an_id_is_a_name_and_no_size() -> None:
    assert column(pd.Series([222740, 7], name="customer_id")) == ["222740", "7"]
    assert column(pd.Series([222740.0, None], name="customer_id")) == ["222740", "–"]
    assert column(pd.Series([222740, 7], name="rows")) == ["222,740", "7"]
