"""What was kept, changed and dropped is counted as it was, and values of customers are kept back where asked."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import Any

import ibis
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cxai_runner.data import FileSource, Tables
from cxai_runner.data.dataset import Dropped
from cxai_runner.data.quality import assessment
from cxai_runner.data.quality import columns as described
from cxai_runner.data.quality.assessment import assess
from cxai_runner.data.quality.changes import own_names
from cxai_runner.data.quality.facts import ColumnQuality, Quality, frame
from cxai_runner.data.tables.filters import conditions
from cxai_runner.data.tables.mapped import MappedTable, keyed

SALES = """client;day;paid;units;status;remark
1;31/01/2017;10.5;1;sold;fine
1;2017-02-28;20;2;sold;fine
2;01/02/2017;NaN;3;sold;call 555-1234
;03/03/2017;30;1;sold;fine
;04/03/2017;30;0;returned;fine
3;05/03/2017;40;0;sold;
3;06/03/2017;50;-1;returned;fine
"""


@pytest.fixture
def sales(tmp_path: Path) -> Tables:
    (tmp_path / "sales.csv").write_text(SALES)
    table = {
        "path": "sales.csv",
        "delimiter": ";",
        "columns": {"customer_id": "client", "timestamp": "day", "revenue": "paid", "quantity": "units"},
        "dates": ["%d/%m/%Y", "%m/%d/%Y", "%Y-%m-%d"],
        "where": {"quantity": {"gt": 0}, "status": {"not_in": ["returned"]}},
    }
    return FileSource(root=str(tmp_path), tables={"transactions": table}).open()  # type: ignore[dict-item]


def all_of(tables: Tables) -> dict[str, tuple[str, ...]]:
    return {name: tables.columns(name) for name in tables}


def one(tables: Tables, **options: Any) -> Quality:
    (found,) = assess(tables, all_of(tables), **options)
    return found


def columns(found: Quality) -> Mapping[str, ColumnQuality]:
    return {column.name: column for column in found.columns}


def test_each_dropped_row_has_one_reason(sales: Tables) -> None:
    found = one(sales)
    assert (found.rows, found.kept) == (7, 3)
    assert found.dropped == (
        Dropped("transactions", "no customer", 2, 7),
        Dropped("transactions", "quantity is 0 or less", 2, 7),
    )
    assert found.kept + sum(dropped.rows for dropped in found.dropped) == found.rows


def test_each_rule_that_changed_a_value_is_counted(sales: Tables) -> None:
    found = {(change.column, change.rule): change.values for change in one(sales).changed}
    assert found["timestamp", "read as dates written %d/%m/%Y"] == 6
    assert found["timestamp", "read as dates written %Y-%m-%d"] == 1
    assert ("timestamp", "read as dates written %m/%d/%Y") not in found, "the first format that fits is the one"
    several = found["timestamp", "fit several ways of writing dates, the first of which was taken"]
    assert several == 5, "31/01 has one reading"
    assert found["revenue", "“NaN” taken as missing"] == 1
    assert found["revenue", "read as numbers"] == 6


def test_texts_that_stand_for_nothing_and_signs_in_numbers_are_counted(tmp_path: Path) -> None:
    (tmp_path / "c.csv").write_text("ID;income;city;ID\n1;1.234,50;-;a\n2;n/a;-;b\n3;7;Bern;c\n4;n/a;n/a;d\n")
    table = {
        "path": "c.csv",
        "columns": {"customer_id": "ID_1"},
        "delimiter": ";",
        "nulls": ["n/a", "-"],
        "decimal": ",",
        "thousands": ".",
        "types": {"income": "number"},
    }
    source = FileSource(root=str(tmp_path), tables={"customers": table})  # type: ignore[dict-item]
    found = one(source.open())
    counted = {(change.column, change.rule): (change.values, change.of) for change in found.changed}
    assert counted["income", "“n/a” taken as missing"] == (2, 4)
    assert counted["city", "“-” taken as missing"] == (2, 4)
    assert counted["city", "“n/a” taken as missing"] == (1, 4)
    assert counted["income", "written with “,” as decimal sign, read as numbers"] == (1, 4)
    assert counted["income", "written with “.” as thousands sign, read as numbers"] == (1, 4)
    assert counted["income", "read as numbers"] == (2, 4)
    assert columns(found)["income"].high == 1234.5
    assert columns(found)["city"].missing == 3
    assert found.notes == ("the header has `ID` twice; the second is `ID_2`",)


def test_numbers_that_are_none_are_counted_in_parquet(tmp_path: Path) -> None:
    nan = float("nan")
    held = {"ID": [1.0, 2.0, nan], "score": [0.5, nan, None], "age": [30, 40, 50]}
    pq.write_table(pa.table(held), tmp_path / "c.parquet")
    table = {"path": "c.parquet", "columns": {"customer_id": "ID"}, "where": {"customer_id": {"not_null": True}}}
    found = one(FileSource(root=str(tmp_path), tables={"customers": table}).open())  # type: ignore[dict-item]
    counted = {(change.column, change.rule): change.values for change in found.changed}
    assert counted == {
        ("customer_id", "“NaN” taken as missing"): 1,
        ("score", "“NaN” taken as missing"): 1,
        ("customer_id", "read as whole numbers"): 2,
    }
    assert columns(found)["score"].missing == 1


def test_columns_are_described_in_the_rows_that_were_kept(sales: Tables) -> None:
    found = columns(one(sales))
    assert found["customer_id"] == ColumnQuality("customer_id", "client", "whole number", 0, 2, repeats=True)
    assert found["revenue"] == ColumnQuality("revenue", "paid", "number", 1, 2, 10.5, 20.0)
    assert found["timestamp"].low == "2017-01-31T00:00:00"
    assert found["timestamp"].high == "2017-02-28T00:00:00"
    assert (found["status"].own, found["status"].frequent, found["status"].frequent_rows) == ("status", "sold", 3)
    assert (found["remark"].distinct, found["remark"].frequent, found["remark"].frequent_rows) == (2, "fine", 2)


def test_nothing_that_tells_of_a_customer_is_shown_where_that_is_private(sales: Tables) -> None:
    open_, private = one(sales), one(sales, private=True)
    assert "fine" in json.dumps(asdict(open_))
    assert not {"fine", "sold"} & {column.frequent for column in private.columns}
    assert private.hidden
    assert columns(private)["revenue"].high == 20.0, "an amount is nobody's name"
    assert columns(private)["remark"].distinct == 2


def test_a_number_that_nobody_named_may_be_a_telephone(tmp_path: Path) -> None:
    frame = pd.DataFrame({"customer_id": [1, 2], "phone": [5551234, 5559876], "age": [30, 40]})
    found = columns(one(Tables.of(customers=frame), private=True))
    assert found["phone"].low is None
    assert columns(one(Tables.of(customers=frame)))["phone"].low == 5551234


def test_labels_of_products_are_shown_even_where_customers_are_private() -> None:
    frame = pd.DataFrame({"product_id": [1, 2, 3], "category": ["tea", "tea", "coffee"]})
    found = columns(one(Tables.of(products=frame), private=True))
    assert found["category"].frequent == "tea"
    assert found["product_id"].repeats is False


def test_columns_that_are_not_read_say_so(sales: Tables) -> None:
    (found,) = assess(sales, {"transactions": ("customer_id", "timestamp")})
    assert {column.name for column in found.columns if column.read} == {"customer_id", "timestamp"}


def test_a_large_table_is_described_from_a_sample_and_its_gaps_from_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(assessment, "MANY_ROWS", 50_000)
    monkeypatch.setattr(assessment, "SAMPLE", 20_000)
    monkeypatch.setattr(described, "FEW_ROWS", 1_000)
    rows = 200_000
    frame = pd.DataFrame({"product_id": range(rows), "week": [n % 50 for n in range(rows)], "display": ["a"] * rows})
    frame.loc[::4, "display"] = None
    found = one(Tables.of(promotions=frame))
    assert (found.rows, found.kept) == (rows, rows)
    assert 5_000 < found.looked_at < 60_000
    assert found.estimated
    seen = columns(found)
    assert seen["display"].missing == rows // 4
    assert seen["display"].frequent_rows <= found.looked_at
    assert seen["product_id"].repeats is None, "a sample cannot tell"
    assert one(Tables.of(promotions=frame)) == found, "the same rows give the same page"


def test_estimates_never_exceed_the_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(described, "FEW_ROWS", 10)
    found = one(Tables.of(products=pd.DataFrame({"product_id": range(5_000)})))
    assert found.columns[0].distinct is not None
    assert found.columns[0].distinct <= 5_000
    assert found.columns[0].repeats is False, "what preflight has checked is known"


def test_a_wide_table_says_what_it_leaves_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(assessment, "MOST_COLUMNS", 2)
    found = one(Tables.of(customers=pd.DataFrame({"customer_id": [1], "a": [1], "b": [1], "c": [1]})))
    assert [column.name for column in found.columns] == ["customer_id", "a"]
    assert found.others == 2


def test_a_table_without_rows_or_values_is_told_as_it_is() -> None:
    frame = pd.DataFrame({"customer_id": pd.Series([], dtype="int64"), "name": pd.Series([], dtype="str")})
    found = one(Tables.of(customers=frame))
    assert (found.rows, found.kept, found.looked_at) == (0, 0, 0)
    gone = pd.DataFrame({"customer_id": [1, 2], "name": pd.Series([None, None], dtype="str")})
    assert columns(one(Tables.of(customers=gone)))["name"].missing == 2


def test_values_that_have_no_end_are_no_numbers() -> None:
    frame = pd.DataFrame({"customer_id": [1, 2], "score": [1.0, float("inf")]})
    assert columns(one(Tables.of(customers=frame)))["score"].high is None


def test_it_comes_back_from_json_as_it_was(sales: Tables) -> None:
    found = one(sales)
    assert Quality.from_plain(json.loads(json.dumps(asdict(found)))) == found


def test_machines_read_every_fact(sales: Tables) -> None:
    found = frame([one(sales)])
    assert list(found.columns) == ["table", "column", "fact", "value", "of"]
    facts = {(row.column, row.fact): (row.value, row.of) for row in found.itertuples()}
    assert facts["", "rows"][0] == 7
    assert facts["", "kept"] == (3, 7)
    assert facts["", "dropped: no customer"] == (2, 7)
    assert facts["revenue", "missing"] == (1, 3)
    assert facts["customer_id", "own name"][0] == "client"
    assert facts["status", "most frequent"][0] == "sold"


def test_an_engine_with_little_of_its_own_gives_the_same_account(tmp_path: Path) -> None:
    frame = pd.DataFrame(
        {
            "customer_id": [1.0, 1.0, 2.0, None],
            "quantity": [1, 0, 2, 1],
            "status": ["sold", "sold", "lost", "sold"],
        }
    )
    with closing(sqlite3.connect(tmp_path / "shop.db")) as database:
        frame.to_sql("orders", database, index=False)
    there = ibis.sqlite.connect(tmp_path / "shop.db").table("orders")
    here = ibis.memtable(frame)
    accounts = []
    for table in (there, here):
        kept = (*keyed("transactions", table), *conditions({"quantity": {"gt": 0}}, table))
        mapped = MappedTable("transactions", table, tuple(table.columns), kept)
        accounts.append(one(Tables([mapped])))
    assert accounts[0].dropped == accounts[1].dropped
    assert accounts[0].columns == accounts[1].columns


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.tuples(st.none() | st.integers(1, 3), st.integers(-2, 2), st.sampled_from(["sold", "returned", None])),
        min_size=1,
        max_size=30,
    )
)
def test_every_row_is_kept_or_dropped_once(rows: list[tuple[int | None, int, str | None]]) -> None:
    frame = pd.DataFrame(rows, columns=["customer_id", "quantity", "status"]).astype(
        {"customer_id": "Int64", "status": "str"}
    )
    table = ibis.memtable(frame)
    where = {"quantity": {"gt": 0}, "status": {"not_in": ["returned"]}}
    kept = (*keyed("transactions", table), *conditions(where, table))
    found = one(Tables([MappedTable("transactions", table, tuple(table.columns), kept)]))
    assert found.rows == len(rows)
    assert found.kept + sum(dropped.rows for dropped in found.dropped) == len(rows)
    stays = [row for row in rows if row[0] is not None and row[1] > 0 and row[2] != "returned"]
    assert found.kept == len(stays)
    for number, name in enumerate(("customer_id", "quantity", "status")):
        values = [row[number] for row in stays if row[number] is not None]
        assert columns(found)[name].missing == len(stays) - len(values)
        assert columns(found)[name].distinct == len(set(values))


def test_own_names_follow_patterns_and_rules() -> None:
    spec = {
        "columns": {
            "customer_id": "client",
            "price": "Preis {alternative}",
            "revenue": {"product_of": ["units", "each"]},
            "week": None,
        }
    }
    table = MappedTable(
        "panel", ibis.memtable({"x": [1]}), ("customer_id", "price_a", "price_b", "week"), spec=json.dumps(spec)
    )
    assert own_names(table) == {
        "customer_id": "client",
        "price_a": "Preis a",
        "price_b": "Preis b",
        "revenue": "units × each",
    }
