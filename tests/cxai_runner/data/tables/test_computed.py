"""Columns that are computed are what their rule says; what is wrong with a rule is told with its remedy."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import ibis
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cxai_runner.config.problems import Problem
from cxai_runner.data import FileSource
from cxai_runner.data.dataset import Dropped
from cxai_runner.data.tables.computed import added, problems, told_apart, words

MAPPING = {"order_id": "Invoice", "quantity": "Quantity", "Price": "Price", "discount": "discount"}


def staged(rows: list[dict[str, Any]] | None = None) -> ibis.Table:
    rows = rows or [{"order_id": "C1", "quantity": -2, "Price": 1.5, "discount": 0.5}]
    schema = {"order_id": "string", "quantity": "int64", "Price": "float64", "discount": "float64"}
    return ibis.memtable(rows, schema=schema)


def told(computed: dict[str, Any], **mapping: str) -> list[Problem]:
    return list(problems(computed, staged(), MAPPING | mapping))


def made(rule: dict[str, Any], rows: list[dict[str, Any]] | None = None) -> list[Any]:
    table = added({"made": rule}, staged(rows), MAPPING)
    return [row["made"] for row in table.to_pyarrow().to_pylist()]


@pytest.mark.parametrize(
    ("rule", "value"),
    [
        ({"product_of": ["Quantity", "Price"]}, -3.0),
        ({"sum_of": ["Quantity", "Price", "discount"]}, 0.0),
        ({"difference_of": ["Price", "discount"]}, 1.0),
        ({"starts_with": {"Invoice": "C"}}, True),
        ({"starts_with": {"Invoice": "D"}}, False),
    ],
)
def test_a_rule_makes_what_it_says(rule: dict[str, Any], value: Any) -> None:
    assert told({"made": rule}) == []
    assert made(rule) == [value]


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.none() | st.integers(-99, 99), st.none() | st.floats(-99, 99)), min_size=1, max_size=9))
def test_a_product_is_missing_where_a_factor_is(pairs: list[tuple[int | None, float | None]]) -> None:
    rows = [{"order_id": "1", "quantity": q, "Price": p, "discount": 0.0} for q, p in pairs]
    wanted = [None if q is None or p is None else q * p for q, p in pairs]
    assert made({"product_of": ["Quantity", "Price"]}, rows) == wanted


def test_columns_of_the_file_are_told_from_computed_ones() -> None:
    columns = {"customer_id": "client", "revenue": {"product_of": ["a", "b"]}, "week": None}
    own, computed = told_apart(columns)
    assert own == {"customer_id": "client", "week": None}
    assert computed == {"revenue": {"product_of": ["a", "b"]}}


def test_a_rule_reads_as_a_person_would_write_it() -> None:
    assert words({"product_of": ["Quantity", "Price"]}) == "Quantity × Price"
    assert words({"difference_of": ["gross", "rebate"]}) == "gross − rebate"
    assert words({"starts_with": {"Invoice": "C"}}) == "Invoice starts with C"


def test_nothing_is_added_where_nothing_is_computed() -> None:
    table = staged()
    assert added({}, table, MAPPING) is table


@pytest.mark.parametrize(
    ("rule", "key", "message", "remedy"),
    [
        ({"product_off": ["a", "b"]}, "columns.revenue.product_off", "no such rule", "did you mean `product_of`?"),
        ({}, "columns.revenue", "one rule", "as in {product_of: [Quantity, Price]}"),
        (
            {"product_of": ["Quantity", "Price"], "sum_of": ["Quantity", "Price"]},
            "columns.revenue",
            "one rule",
            "as in {product_of: [Quantity, Price]}",
        ),
        (
            {"product_of": "Quantity"},
            "columns.revenue.product_of",
            "two columns or more",
            "as in product_of: [Quantity, Price]",
        ),
        (
            {"product_of": ["Quantity"]},
            "columns.revenue.product_of",
            "two columns or more",
            "as in product_of: [Quantity, Price]",
        ),
        (
            {"starts_with": ["Invoice", "C"]},
            "columns.revenue.starts_with",
            "one column by the file's own name, and a text",
            "as in starts_with: {Invoice: C}",
        ),
        (
            {"product_of": ["Quantty", "Price"]},
            "columns.revenue.product_of",
            "no such column",
            "did you mean `Quantity`?",
        ),
        (
            {"product_of": ["quantity", "Price"]},
            "columns.revenue.product_of",
            "no such column",
            "by the file's own name: Quantity",
        ),
        (
            {"product_of": ["Invoice", "Price"]},
            "columns.revenue.product_of",
            "not a column of numbers",
            "say so: types.order_id=number",
        ),
        (
            {"starts_with": {"Price": "1"}},
            "columns.revenue.starts_with",
            "not a column of texts",
            "say so: types.Price=text",
        ),
    ],
)
def test_a_mistake_is_told_with_its_remedy(rule: dict[str, Any], key: str, message: str, remedy: str) -> None:
    (problem,) = told({"revenue": rule})
    assert problem.key == key
    assert message in problem.message
    assert problem.remedy == remedy


def shop(folder: Path, columns: dict[str, Any], **more: Any) -> FileSource:
    (folder / "sales.csv").write_text("client,day,units,each,ticket\n1,2017-01-01,2,1.5,C1\n1,2017-01-02,3,2,T1\n")
    mapped = {"customer_id": "client", "timestamp": "day", **columns}
    return FileSource(root=str(folder), tables={"transactions": {"path": "sales.csv", "columns": mapped, **more}})  # type: ignore[dict-item]


def test_a_file_gets_the_columns_that_follow_from_its_own_and_can_be_filtered_by_them(tmp_path: Path) -> None:
    columns = {"revenue": {"product_of": ["units", "each"]}, "cancelled": {"starts_with": {"ticket": "C"}}}
    tables = shop(tmp_path, columns, where={"cancelled": {"ne": True}}).open()
    assert tables.columns("transactions")[-2:] == ("revenue", "cancelled")
    assert tables["transactions"].select("customer_id", "revenue").to_pyarrow().to_pylist() == [
        {"customer_id": 1, "revenue": 6.0}
    ]
    assert tables.dropped == (Dropped("transactions", "cancelled is True", 1, 2),)


def test_a_mistake_in_a_rule_is_told_with_the_files_others(tmp_path: Path) -> None:
    columns = {"revenue": {"product_of": ["units", "ech"]}, "quantity": "unts"}
    found = {one.key: one.remedy for one in shop(tmp_path, columns).problems()}
    assert found == {
        "tables.transactions.columns.quantity": "did you mean `units`?",
        "tables.transactions.columns.revenue.product_of": "did you mean `each`?",
    }


def test_another_rule_is_another_digest(tmp_path: Path) -> None:
    first, second = (shop(tmp_path, {"revenue": {kind: ["units", "each"]}}).open() for kind in ("product_of", "sum_of"))
    columns = ("customer_id", "revenue")
    assert first.digest("transactions", columns) != second.digest("transactions", columns)
    assert first.mapped["transactions"].spec != second.mapped["transactions"].spec


def test_a_name_that_the_file_has_itself_is_not_taken_from_it() -> None:
    (problem,) = told({"revenue": {"product_of": ["Quantity", "Price"]}}, revenue="revenue")
    assert problem.key == "columns.revenue"
    assert problem.remedy == "keep that one under another name: revenue_other: revenue"
