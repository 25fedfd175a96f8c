"""The laws of dividing: nobody is on both sides, everybody is on one, and only the seed decides who."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import ibis
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cxai_runner.evaluation.split_rules import AllRows, CustomerFolds, CustomerHoldout, LastDates, LastDays, TimeHoldout
from cxai_runner.evaluation.splits import Fold, Split


def rows(customers: list[Any], times: list[Any] | None = None) -> Any:
    frame = pd.DataFrame({"customer_id": customers})
    return ibis.memtable(frame if times is None else frame.assign(time=times))


def sides(fold: Fold, table: Any) -> tuple[list[Any], list[Any]]:
    time = "time" if "time" in table.columns else None
    assert fold.held_out is not None
    return tuple(sorted(part.select(table, time).execute()["customer_id"]) for part in (fold.train, fold.held_out))  # type: ignore[return-value]


CUSTOMERS = st.lists(st.integers(0, 50), min_size=4, max_size=40).filter(lambda ids: len(set(ids)) >= 3)


@settings(max_examples=25, deadline=None)
@given(customers=CUSTOMERS, seed=st.integers(0, 5), share=st.floats(0.2, 0.8))
def test_a_holdout_divides_customers_exactly(customers: list[int], seed: int, share: float) -> None:
    table = rows(customers)
    (fold,) = CustomerHoldout(test_size=share).plan(table, seed)
    train, held_out = sides(fold, table)
    assert sorted(train + held_out) == sorted(customers)
    assert not set(train) & set(held_out)
    assert len(set(held_out)) == round(share * len(set(customers)))


@settings(max_examples=25, deadline=None)
@given(customers=CUSTOMERS, data=st.data())
def test_the_order_and_number_of_rows_decide_nothing(customers: list[int], data: st.DataObject) -> None:
    (fold,) = CustomerHoldout().plan(rows(customers), 1)
    again = data.draw(st.permutations(customers + customers[:3]))
    (other,) = CustomerHoldout().plan(rows(again), 1)
    assert fold.held_out is not None
    assert other.held_out is not None
    assert list(fold.held_out.customers["customer_id"]) == list(other.held_out.customers["customer_id"])


def test_the_seed_decides_who_is_held_out() -> None:
    table = rows(list(range(200)))
    found = {tuple(sides(CustomerHoldout().plan(table, seed)[0], table)[1]) for seed in range(5)}
    assert len(found) == 5


def test_a_few_new_customers_leave_the_others_where_they_were() -> None:
    before, after = rows(list(range(100))), rows(list(range(104)))
    old = set(sides(CustomerHoldout().plan(before, 0)[0], before)[1])
    new = set(sides(CustomerHoldout().plan(after, 0)[0], after)[1])
    assert len(old - new) <= 1 + 3
    assert len(old & new) >= 21


def test_a_holdout_says_who_is_held_out() -> None:
    (fold,) = CustomerHoldout(test_size=0.5).plan(rows(["a", "b", "c", "d"]), 0)
    assert fold.label == "2 customers never seen in training"


@settings(max_examples=25, deadline=None)
@given(customers=CUSTOMERS, folds=st.integers(2, 3))
def test_folds_hold_out_each_customer_once(customers: list[int], folds: int) -> None:
    table = rows(customers)
    *judged, last = CustomerFolds(folds=folds).plan(table, 0)
    held_out = [sides(fold, table)[1] for fold in judged]
    assert sorted(one for side in held_out for one in side) == sorted(customers)
    sizes = [len(set(side)) for side in held_out]
    assert max(sizes) - min(sizes) <= 1
    for fold, side in zip(judged, held_out, strict=True):
        assert not set(sides(fold, table)[0]) & set(side)
    assert last.held_out is None
    assert sorted(last.train.select(table, None).execute()["customer_id"]) == sorted(customers)


@settings(max_examples=25, deadline=None)
@given(times=st.lists(st.integers(1, 12), min_size=4, max_size=30), share=st.floats(0.1, 0.9))
def test_a_cut_in_time_puts_the_past_before_the_future(times: list[int], share: float) -> None:
    table = rows(list(range(len(times))), times)
    split = TimeHoldout(test_size=share)
    if list(split.problems(table)):
        return
    (fold,) = split.plan(table, 0)
    assert fold.held_out is not None
    past = fold.train.select(table).execute()["time"]
    future = fold.held_out.select(table).execute()["time"]
    assert len(past) + len(future) == len(times)
    assert past.max() < future.min()
    assert 0 < len(future) <= share * len(times)
    assert fold.train.end == fold.held_out.start == future.min()


WEEKS = [datetime(2017, 1, 2), datetime(2017, 1, 9), datetime(2017, 1, 16), datetime(2017, 1, 23)]


@pytest.mark.parametrize("cut", ["2017-01-16", date(2017, 1, 16), datetime(2017, 1, 12, 8), "2017-01-10T00:00"])
def test_a_given_cut_starts_with_the_first_occasion_at_or_after_it(cut: Any) -> None:
    (fold,) = TimeHoldout(cut=cut).plan(rows([1, 2, 3, 4], WEEKS), 0)
    assert fold.train.end == datetime(2017, 1, 16)
    assert fold.label == "occasions from 2017-01-16 on"


def test_a_cut_at_a_number() -> None:
    (fold,) = TimeHoldout(cut=3).plan(rows([1, 2, 3], [1, 2, 4]), 0)
    assert (fold.train.end, fold.label) == (4, "occasions from 4 on")


def test_all_rows_hold_out_none() -> None:
    (fold,) = AllRows().plan(rows([1, 2]), 0)
    assert fold.held_out is None
    assert fold.train.select(rows([1, 2]), None).count().execute() == 2


@pytest.mark.parametrize(
    ("split", "table", "key", "message", "remedy"),
    [
        (
            CustomerHoldout(),
            rows([1, 1, 1]),
            "test_size",
            "with 1 customer nobody is held out",
            "change the share, or bring more customers; to hold out none: split=all",
        ),
        (
            CustomerHoldout(test_size=0.9),
            rows([1, 2, 3]),
            "test_size",
            "with 3 customers nobody is left to learn from",
            "change the share, or bring more customers; to hold out none: split=all",
        ),
        (
            CustomerFolds(folds=5),
            rows([1, 2]),
            "folds",
            "there are only 2 customers to divide",
            "fewer folds, or more customers; to hold out none: split=all",
        ),
        (
            TimeHoldout(),
            rows([1, 2]),
            "",
            "these rows have no dates, so they cannot be divided by time",
            "divide by customer: split=customers",
        ),
        (
            TimeHoldout(cut="2018-01-01"),
            rows([1, 2, 3, 4], WEEKS),
            "cut",
            "nothing is held out",
            "occasions run from 2017-01-02 to 2017-01-23",
        ),
        (
            TimeHoldout(cut="2017-01-01"),
            rows([1, 2, 3, 4], WEEKS),
            "cut",
            "nothing is left to learn from",
            "occasions run from 2017-01-02 to 2017-01-23",
        ),
        (
            TimeHoldout(cut="soon"),
            rows([1, 2, 3, 4], WEEKS),
            "cut",
            "occasions are dates, as in 2017-12-31",
            "between 2017-01-02 and 2017-01-23",
        ),
        (TimeHoldout(cut="2017-01-01"), rows([1, 2], [1, 2]), "cut", "occasions are numbers", "between 1 and 2"),
        (
            TimeHoldout(test_size=0.1),
            rows([1, 2], [1, 2]),
            "test_size",
            "nothing is held out",
            "occasions run from 1 to 2",
        ),
        (
            LastDays(days=22),
            rows([1, 2, 3, 4], WEEKS),
            "days",
            "nothing is left to learn from: the first occasion is of 2017-01-02",
            "fewer days, or a longer history",
        ),
        (
            LastDays(),
            rows([1, 2], [1, 2]),
            "",
            "these rows have no dates, so there are no last days",
            "divide by customer: split=customers",
        ),
        (
            AllRows(),
            rows([1]).filter(ibis._.customer_id > 1),
            "",
            "there are no rows to learn from",
            "loosen the filters of data or features",
        ),
    ],
)
def test_rows_that_cannot_be_divided_so_are_told(split: Split, table: Any, key: str, message: str, remedy: str) -> None:
    (problem,) = split.problems(table)
    assert (problem.key, problem.message, problem.remedy) == (key, message, remedy)


@pytest.mark.parametrize(
    ("split", "first"),
    [
        (LastDays(days=21), "2017-01-09"),
        (LastDays(days=15), "2017-01-09"),
        (LastDays(days=14), "2017-01-16"),
        (LastDays(days=1), "2017-01-23"),
        (LastDates(days=14), "2017-01-09"),
        (LastDates(days=13), "2017-01-16"),
    ],
)
def test_the_last_days_are_held_out(split: LastDays, first: str) -> None:
    (fold,) = split.plan(rows([1, 2, 3, 4], WEEKS), 0)
    assert fold.held_out is not None
    assert f"{fold.train.end:%Y-%m-%d}" == f"{fold.held_out.start:%Y-%m-%d}" == first
    assert fold.label == f"occasions from {first} on"


def test_a_day_is_on_one_side_whatever_the_hour() -> None:
    hours = [pd.Timestamp(2017, 1, 1) + pd.Timedelta(hours=7 * n) for n in range(42)]
    for times in (hours, hours[:-3]):  # the last occasion is an hour before midnight, or at two in the morning
        table = rows(list(range(len(times))), times)
        (fold,), (by_date,) = (split.plan(table, 0) for split in (LastDays(days=3), TimeHoldout(cut="2017-01-10")))
        assert fold.held_out is not None
        held_out = fold.held_out.select(table).execute()["time"]
        assert sorted({f"{one:%d}" for one in held_out}) == ["10", "11", "12"]
        assert fold.train.end == by_date.train.end
        assert set(fold.train.select(table).execute()["time"].dt.day) == set(range(1, 10))


@pytest.mark.parametrize("split", [CustomerHoldout(), CustomerFolds(folds=2), AllRows()])
def test_good_rows_have_no_problems(split: Split) -> None:
    assert list(split.problems(rows([1, 2, 3, 4]))) == []
