"""The facts of a column, however its values are written."""

from __future__ import annotations

import io
from datetime import date, datetime, time

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cxai_runner.inspection import sample
from cxai_runner.inspection.describe import describe, together
from cxai_runner.inspection.facts import Facts


def column(*values: object) -> Facts:
    """The facts of a column of these values."""
    return describe(sample.in_memory(pa.table({"one": pa.array(values)})))[0]


def test_numbers_and_what_stands_for_none() -> None:
    facts = column("1", "2.5", "NA", "", None, "-3")
    assert (facts.type, facts.missing, facts.distinct, facts.low, facts.high) == ("numbers", 3, 3, -3, 2.5)
    assert (facts.below, facts.fractions, facts.nulls) == (1, True, ("NA",))


def test_whole_numbers_written_with_a_point_are_whole() -> None:
    facts = column("1.0", "2.0")
    assert facts.type == "numbers"
    assert facts.whole


@pytest.mark.parametrize(
    ("values", "decimal", "thousands", "high"),
    [
        (("1,5", "2,25"), ",", "", 2.25),
        (("1.234,50", "12,00"), ",", ".", 1234.5),
        (("1,234.50", "12.00"), "", ",", 1234.5),
        (("1234.50", "12.00"), "", "", 1234.5),
    ],
)
def test_the_signs_in_numbers(values: tuple[str, ...], decimal: str, thousands: str, high: float) -> None:
    facts = column(*values)
    assert (facts.type, facts.decimal, facts.thousands, facts.high) == ("numbers", decimal, thousands, high)


@pytest.mark.parametrize(
    ("values", "dates", "high"),
    [
        (("2015-01-02", "2015-12-31"), (), datetime(2015, 12, 31)),
        (("2015-01-02 10:30", "2015-12-31T23:59:00"), (), datetime(2015, 12, 31, 23, 59)),
        (("11/6/2009", "9/28/2012"), ("%m/%d/%Y",), datetime(2012, 9, 28)),
        (("31.12.2015", "1.2.2016"), ("%d.%m.%Y",), datetime(2016, 2, 1)),
        (("19970101", "19971231"), ("%Y%m%d",), datetime(1997, 12, 31)),
        (("3 Jan 2015", "31 Dec 2015"), ("%d %b %Y",), datetime(2015, 12, 31)),
        (("31/12/2015 18:30", "01/02/2016 07:00"), ("%d/%m/%Y %H:%M",), datetime(2016, 2, 1, 7)),
    ],
)
def test_dates(values: tuple[str, ...], dates: tuple[str, ...], high: datetime) -> None:
    facts = column(*values)
    assert (facts.type, facts.dates, facts.high) == ("dates", dates, high)


def test_days_and_months_that_could_be_either_are_both_kept() -> None:
    assert column("01/02/2015", "03/04/2015").dates == ("%d/%m/%Y", "%m/%d/%Y")


MIXED = ("31.12.2015", "2.1.2016", "2016-01-05", "2016-01-06", "2016-01-07", "Jan 3, 2016", "28/02/16", "28/02/2016")


def test_dates_in_several_ways_are_dates_and_every_way_is_counted() -> None:
    facts = column(*MIXED)
    assert (facts.type, facts.odd, facts.low, facts.high) == ("dates", 0, datetime(2015, 12, 31), datetime(2016, 2, 28))
    found = dict(facts.written.several)
    assert found == {"%d/%m/%y": 1, "%Y-%m-%d": 3, "%d.%m.%Y": 2, "%b %d, %Y": 1, "%d/%m/%Y": 1}
    assert next(iter(found)) == "%d/%m/%y"  # before %Y, which would read the year 16
    assert not any(pair.open for pair in facts.written.swapped)
    assert column(*MIXED[::-1]) == facts


WAYS = ("%Y-%m-%d", "%d.%m.%Y", "%d %b %Y", "%d/%m/%y", "%Y/%m/%d", "%Y-%m-%d %H:%M:%S")


@settings(max_examples=20, deadline=None)
@given(st.lists(st.tuples(st.dates(date(2001, 1, 1), date(2060, 12, 31)), st.sampled_from(WAYS)), min_size=1))
def test_every_day_is_read_as_it_was_meant_unless_it_is_left_to_a_person(days: list[tuple[date, str]]) -> None:
    facts = column(*(f"{day:{way}}" for day, way in days))
    assert (facts.type, facts.missing, facts.odd) == ("dates", 0, 0)
    if not any(pair.open or pair.one != "%d/%m/%y" for pair in facts.written.swapped):
        assert facts.low == datetime.combine(min(day for day, _ in days), time())
        assert facts.high == datetime.combine(max(day for day, _ in days), time())


def test_one_day_in_another_way_is_no_odd_value() -> None:
    facts = column(*(f"2016-01-{day:02d}" for day in range(1, 31)), "31.1.2016")
    assert dict(facts.written.several) == {"%Y-%m-%d": 30, "%d.%m.%Y": 1}
    odd = column(*(f"2016-01-{day:02d}" for day in range(1, 31)), "soon")
    assert (odd.type, odd.odd, odd.written.tried) == ("dates", 1, [])


def test_days_and_months_the_wrong_way_round_are_for_a_person() -> None:
    (proven,) = column("11/6/2009", "9/28/2012").written.swapped
    assert (proven.one, proven.proof, proven.against, proven.open) == ("%m/%d/%Y", "9/28/2012", "", False)
    (torn,) = column("31/12/2015", "12/31/2015", "1/2/2016", "5/5/2016", "30/1/2016").written.swapped
    assert (torn.one, torn.either, torn.proof, torn.against, torn.open) == (
        "%d/%m/%Y", 1, "30/1/2016", "12/31/2015", True,
    )  # fmt: skip
    (unknown,) = column("01/02/2015", "03/04/2015").written.swapped
    assert (unknown.either, unknown.proof, unknown.against, unknown.open) == (2, "", "", True)
    assert column("31.12.2015", "1.2.2016").written.swapped == ()


def test_numbers_of_eight_digits_are_days_only_if_all_are() -> None:
    assert column(20150101, 20151231).type == "dates"
    assert column(20150101, 20151399).type == "whole numbers"


def test_odd_values_are_counted_and_leave_the_type() -> None:
    facts = column(*(str(n) for n in range(40)), "n/k")
    assert (facts.type, facts.odd) == ("whole numbers", 1)
    assert column("1", "C1").type == "text"


def test_numbers_with_letters_in_front_are_text_and_the_letters_are_counted() -> None:
    facts = column(*(str(n) for n in range(80)), "C1", "C2", "RE-3")
    assert (facts.type, facts.numbers, facts.starts, facts.odd) == ("text", 80, (("C", 2), ("RE", 1)), 0)


def test_zeros_in_front_mails_and_truth() -> None:
    assert column("00042", "00043").zeros_in_front
    assert column("a@b.org", "c@d.org").personal
    assert column("true", "false").binary
    assert column("Yes", "No").binary
    assert not column("1", "2").binary


def test_an_epoch_is_told_by_name_and_range() -> None:
    table = sample.in_memory(pa.table({"timestamp": ["881250949"], "views": ["881250949"]}))
    assert [one.epoch for one in describe(table)] == ["seconds", ""]


def test_pairs_are_counted() -> None:
    table = sample.in_memory(pa.table({"a": [1, 1, 2], "b": ["x", "y", "x"]}))
    assert together(table, describe(table)) == {frozenset("ab"): 3}


def test_an_empty_table_has_facts() -> None:
    taken = sample.of_text(io.BytesIO(b"id,amount\n"), 10)
    assert [(one.type, one.rows) for one in describe(taken.table)] == [("empty", 0), ("empty", 0)]
