"""Filters mean what pandas means by them, and a value never becomes code."""

from __future__ import annotations

from typing import Any

import ibis
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cxai_runner.data.tables import filters

ROWS = pd.DataFrame(
    {
        "quantity": [1.0, 0.0, -2.0, None, 7.5],
        "status": ["paid", "returned", None, "paid", "x'; DROP TABLE t; --"],
        "sold": pd.to_datetime(["2017-01-01", "2017-06-30", "2017-12-31", "2018-01-01", None]),
        "gift": [True, False, True, False, True],
    }
)
TABLE = ibis.memtable(ROWS)


def kept(where: dict[str, Any], frame: pd.DataFrame = ROWS) -> list[int]:
    table = ibis.memtable(frame.assign(row=range(len(frame))))
    for one in filters.conditions(where, table):
        table = table.filter(one.keep)
    return sorted(table.execute()["row"].tolist())


@pytest.mark.parametrize(
    ("where", "rows"),
    [
        ({"quantity": {"gt": 0}}, [0, 4]),
        ({"quantity": {"ge": 0}}, [0, 1, 4]),
        ({"quantity": {"lt": 1}}, [1, 2]),
        ({"quantity": {"le": 1}}, [0, 1, 2]),
        ({"quantity": {"between": [0, 1]}}, [0, 1]),
        ({"quantity": {"gt": 0.5}}, [0, 4]),
        ({"quantity": {"is_null": True}}, [3]),
        ({"quantity": {"not_null": True}}, [0, 1, 2, 4]),
        ({"status": {"eq": "paid"}}, [0, 3]),
        ({"status": {"ne": "paid"}}, [1, 2, 4]),
        ({"status": {"in": ["paid", "returned"]}}, [0, 1, 3]),
        ({"status": {"not_in": ["returned"]}}, [0, 2, 3, 4]),
        ({"sold": {"ge": "2017-12-31"}}, [2, 3]),
        ({"sold": {"between": ["2017-01-01", "2017-12-31"]}}, [0, 1, 2]),
        ({"gift": {"eq": False}}, [1, 3]),
        ({"status": {"eq": "paid"}, "quantity": {"gt": 0}}, [0]),
    ],
)
def test_each_condition_keeps_its_rows(where: dict[str, Any], rows: list[int]) -> None:
    assert list(filters.problems(where, TABLE)) == []
    assert kept(where) == rows


numbers = st.one_of(st.none(), st.integers(-5, 5).map(float))


@settings(max_examples=30, deadline=None)
@given(
    values=st.lists(numbers, min_size=1, max_size=12),
    operator=st.sampled_from(["eq", "ne", "gt", "ge", "lt", "le"]),
    bound=st.integers(-5, 5),
)
def test_comparisons_agree_with_pandas(values: list[float | None], operator: str, bound: int) -> None:
    frame = pd.DataFrame({"x": pd.Series(values, dtype="float64")})
    expected = frame.index[getattr(frame["x"], operator)(bound)].tolist()
    assert kept({"x": {operator: bound}}, frame) == expected


@settings(max_examples=20, deadline=None)
@given(values=st.lists(st.text(max_size=6), min_size=1, max_size=8), data=st.data())
def test_any_text_is_only_a_value(values: list[str], data: st.DataObject) -> None:
    values = [value.replace("\x00", "") for value in values]
    chosen = data.draw(st.sampled_from(values))
    frame = pd.DataFrame({"x": pd.Series(values, dtype="str")})
    assert kept({"x": {"in": [chosen]}}, frame) == frame.index[frame["x"] == chosen].tolist()


def test_sql_in_a_value_is_inert() -> None:
    hostile = "x'; DROP TABLE t; --"
    assert kept({"status": {"eq": hostile}}) == [4]
    assert kept({"status": {"eq": "paid' OR '1'='1"}}) == []


@pytest.mark.parametrize(
    ("where", "key", "message", "remedy"),
    [
        ({"quantty": {"gt": 0}}, "quantty", "no such column to filter by", "did you mean `quantity`?"),
        ({"quantity": {"notin": [0]}}, "quantity.notin", "no such condition", "did you mean `not_in`?"),
        ({"quantity": 3}, "quantity", "a condition is missing", "as in quantity: {eq: 3}"),
        ({"quantity": {"gt": "many"}}, "quantity.gt", "column `quantity` holds numbers", ""),
        ({"quantity": {"gt": True}}, "quantity.gt", "column `quantity` holds numbers", ""),
        ({"sold": {"gt": "yesterday"}}, "sold.gt", "column `sold` holds dates, as in 2017-12-31", ""),
        ({"gift": {"eq": "yes"}}, "gift.eq", "column `gift` holds true and false", ""),
        ({"status": {"in": "paid"}}, "status.in", "a list of values", ""),
        ({"status": {"in": []}}, "status.in", "a list of values", ""),
        ({"quantity": {"between": [1]}}, "quantity.between", "two values, the lowest and the highest", ""),
        (
            {"quantity": {"is_null": False}},
            "quantity.is_null",
            "only `true` makes sense here",
            "for the opposite: not_null: true",
        ),
        ("quantity > 0", "", "a mapping of columns to conditions", "as in {quantity: {gt: 0}}"),
    ],
)
def test_a_mistake_is_told_with_its_remedy(where: Any, key: str, message: str, remedy: str) -> None:
    (problem,) = filters.problems(where, TABLE)
    assert (problem.key, problem.message, problem.remedy) == (key, message, remedy)


@pytest.mark.parametrize(
    ("where", "reason"),
    [
        ({"quantity": {"gt": 0}}, "quantity is 0 or less"),
        ({"status": {"not_in": ["returned", "lost"]}}, "status is returned or lost"),
        ({"sold": {"between": ["2017-01-01", "2017-12-31"]}}, "sold is outside 2017-01-01 … 2017-12-31"),
        ({"status": {"not_null": True}}, "no status"),
    ],
)
def test_a_dropped_row_has_a_reason_in_words(where: dict[str, Any], reason: str) -> None:
    assert [one.reason for one in filters.conditions(where, TABLE)] == [reason]
