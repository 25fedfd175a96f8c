"""Text files as they come: encodings, marks, line ends, repeated names."""

from __future__ import annotations

import codecs
import gzip
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cxai_runner.data import FileSource, OneFile
from cxai_runner.data.files.copies import folder
from cxai_runner.data.tables.mapped import raw_name


def rows(source: OneFile) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = source.open()["customers"].to_pyarrow().to_pylist()
    return found


def told(source: OneFile | FileSource) -> list[tuple[str, str, str]]:
    return [(one.key, one.message, one.remedy) for one in source.problems()]


@pytest.mark.parametrize(
    ("encoding", "mark"),
    [
        ("utf-8", b""),
        ("utf-8", codecs.BOM_UTF8),
        ("latin-1", b""),
        ("cp1252", b""),
        ("cp850", b""),
        ("utf-16", b""),
        ("utf-16-be", codecs.BOM_UTF16_BE),
        ("utf-32", b""),
    ],
)
def test_every_encoding_is_read_and_a_mark_goes_first(
    written: Callable[..., OneFile], encoding: str, mark: bytes
) -> None:
    text = "customer_id,città\n1,Zürich\n2,Malmö\n"
    said = "utf-8" if mark else encoding
    for pack in (bytes, gzip.compress):
        source = written(pack(mark + text.encode(encoding)), encoding=said)
        assert rows(source) == [{"customer_id": 1, "città": "Zürich"}, {"customer_id": 2, "città": "Malmö"}]


def test_a_copy_lies_in_a_private_folder_and_is_made_once(written: Callable[..., OneFile], tmp_path: Path) -> None:
    source = written("customer_id,name\n1,Łódź\n".encode("cp1250"), encoding="cp1250")
    assert rows(source) == [{"customer_id": 1, "name": "Łódź"}]
    assert [one.name for one in tmp_path.iterdir()] == ["shop.csv"]
    assert folder().stat().st_mode & 0o77 == 0
    copies = {one: one.stat().st_ino for one in folder().glob("*/shop.csv")}
    again = written("customer_id,name\n1,Łódź\n".encode("cp1250"), "other.csv", encoding="cp1250")
    assert rows(OneFile(path=source.path, table="customers", encoding="cp1250")) == rows(again)
    assert {one: one.stat().st_ino for one in folder().glob("*/shop.csv")} == copies


@given(
    names=st.lists(st.text("abcXYZ _é%'\"{};\n", min_size=1).filter(str.strip), min_size=2, max_size=5),
    values=st.lists(st.text('ab,;|\t"\n\r é0', max_size=8), min_size=2, max_size=5),
    delimiter=st.sampled_from([",", ";", "\t", "|"]),
)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_is_written_by_the_book_is_read_as_it_was(
    tmp_path: Path, names: list[str], values: list[str], delimiter: str
) -> None:
    """Quoted delimiters, quotes and line ends; names that repeat or differ by case alone."""

    def quoted(value: str) -> str:
        return '"' + value.replace('"', '""') + '"'

    count = min(len(names), len(values))
    lines = [["id", *names[:count]], ["k1", *values[:count]], ["k2", *values[:count]]]
    text = "\n".join(delimiter.join(map(quoted, line)) for line in lines) + "\n"
    path = tmp_path / "book.csv"
    path.write_bytes(text.encode())
    source = OneFile(path=str(path), table="customers", types=dict.fromkeys(["id"], "text"), delimiter=delimiter)
    tables = source.open()
    raw = tables.mapped["customers"].staged.to_pyarrow().to_pydict()
    columns = tables.columns("customers")
    assert len(columns) == count + 1
    assert len({one.casefold() for one in columns}) == count + 1
    for column, value in zip(columns[1:], values[:count], strict=True):
        have = raw.get(raw_name(column), raw[column])
        assert have == [value or None] * 2


@pytest.mark.parametrize("ends", [b"\n", b"\r\n", b"\r"])
def test_line_ends_of_every_kind(written: Callable[..., OneFile], ends: bytes) -> None:
    assert rows(written(b"customer_id,b\n1,2\n3,4\n".replace(b"\n", ends))) == [
        {"customer_id": 1, "b": 2},
        {"customer_id": 3, "b": 4},
    ]


def test_lines_that_end_in_several_ways(written: Callable[..., OneFile]) -> None:
    assert rows(written(b"customer_id,b\r\n1,2\n3,4\r\n")) == [{"customer_id": 1, "b": 2}, {"customer_id": 3, "b": 4}]


def test_numbers_as_people_write_them(written: Callable[..., OneFile]) -> None:
    source = written(b"customer_id;paid;share;code\n1;1.234,56;12,5;007\n2;-99,00;3;12\n", decimal=",", thousands=".")
    assert rows(source) == [
        {"customer_id": 1, "paid": 1234.56, "share": 12.5, "code": "007"},
        {"customer_id": 2, "paid": -99.0, "share": 3.0, "code": "12"},
    ]


def test_a_key_with_zeros_before_it_is_text(written: Callable[..., OneFile]) -> None:
    assert [one["customer_id"] for one in rows(written(b"customer_id,b\n007,1\n7,2\n"))] == ["007", "7"]


def test_dates_in_several_formats(written: Callable[..., OneFile]) -> None:
    source = written(b"customer_id,since\n1,31/12/2017\n2,2017-12-30\n", dates=["%d/%m/%Y", "%Y-%m-%d"])
    assert [one["since"] for one in rows(source)] == [datetime(2017, 12, 31), datetime(2017, 12, 30)]


@pytest.mark.parametrize(
    ("content", "keys", "columns"),
    [
        (b"customer_id|note\n1|a,b;c\n2|d,e;f\n", {}, ["customer_id", "note"]),
        (b"customer_id;note\n1;a, b, c\n2;d, e\n3;f\n", {}, ["customer_id", "note"]),
        (b"customer_id\tnote\n1\tx,y\n", {}, ["customer_id", "note"]),
        (b"customer_id||note\n1||x\n", {"delimiter": "||"}, ["customer_id", "note"]),
        (b"Sales\n\nof 2017\ncustomer_id,note\n1,x\n", {"skip": 3}, ["customer_id", "note"]),
        (b"\n\ncustomer_id,note\n1,x\n", {}, ["customer_id", "note"]),
        (b"1,x\n2,y\n", {"header": False}, ["column0", "column1"]),
        (b"1,x\n2,y\n", {"header": ["customer_id", "note"]}, ["customer_id", "note"]),
        (b"2016,2017\n1,3\n", {"header": True}, ["2016", "2017"]),
        (b'customer_id,note\n1,"x\n', {"quote": ""}, ["customer_id", "note"]),
    ],
)
def test_where_values_and_rows_begin(
    written: Callable[..., OneFile], content: bytes, keys: dict[str, Any], columns: list[str]
) -> None:
    source = written(content, **keys)
    assert told(source) == []
    assert list(source.open().columns("customers")) == columns
    assert len(rows(source)) == content.count(b"\n") - keys.get("skip", 0) - (keys.get("header") in (None, True)) - (
        2 if content.startswith(b"\n") else 0
    )


def test_names_that_repeat_are_told(written: Callable[..., OneFile]) -> None:
    source = written(b"customer_id,price,price,Price,\n1,2,3,4,5\n")
    assert rows(source) == [{"customer_id": 1, "price": 2, "price_2": 3, "Price_3": 4, "column5": 5}]
    assert source.open().mapped["customers"].notes == (
        "column 5 has no name in the header; it is `column5`",
        "the header has `price` 3 times; the second is `price_2`, the third is `Price_3`",
    )


def test_a_name_that_repeats_has_to_be_told_apart_to_be_mapped(written: Callable[..., OneFile]) -> None:
    content = b"customer_id,price,price\n1,2,3\n"
    assert told(written(content, columns={"cost": "price"})) == [
        ("columns.cost", "the header has `price` twice", "say which: price_1 or price_2")
    ]
    source = written(content, columns={"cost": "price_1", "other": "price_2"})
    assert rows(source) == [{"cost": 2, "other": 3, "customer_id": 1}]


def test_files_of_one_table_are_read_by_their_names(tmp_path: Path) -> None:
    (tmp_path / "1.csv").write_bytes(b"customer_id,b\n1,2\n")
    (tmp_path / "2.csv").write_bytes(gzip.compress(b"b;customer_id\r\n4;3\r\n".replace(b";", b",")))
    tables = OneFile(path=str(tmp_path / "*.csv"), table="customers").open()
    found = tables["customers"].order_by("customer_id").to_pyarrow().to_pylist()
    assert found == [{"customer_id": 1, "b": 2}, {"customer_id": 3, "b": 4}]


def test_files_of_one_table_have_the_same_columns(tmp_path: Path) -> None:
    (tmp_path / "1.csv").write_bytes(b"customer_id,b\n1,2\n")
    (tmp_path / "2.csv").write_bytes(b"customer_id,c\n1,2\n")
    assert told(OneFile(path=str(tmp_path / "*.csv"), table="customers")) == [
        (
            "path",
            "2.csv has other columns than 1.csv: it lacks `b` and has `c`",
            "read files of other columns as a table of their own",
        )
    ]


def test_a_line_for_spreadsheets_is_told_with_what_to_skip(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_bytes(b"\xef\xbb\xbfsep=;\r\nclient;day\r\n1;2024-01-01\r\n")
    (problem,) = OneFile(path=str(tmp_path / "t.csv"), table="customers").problems()
    assert problem.message == "line 1 of t.csv is a spreadsheet's word for what separates values: sep=;"
    assert problem.remedy == "leave it out: data.skip=1"
    source = OneFile(path=str(tmp_path / "t.csv"), table="customers", columns={"customer_id": "client"}, skip=1)
    assert source.open().rows("customers") == 1
