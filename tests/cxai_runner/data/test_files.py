"""Text files as they come: encodings, marks, line ends, repeated names, and what is said of a broken one."""

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

from cxai_runner.config.problems import UNSET
from cxai_runner.data import FileSource, OneFile, TableFile, Tables
from cxai_runner.data.copies import folder
from cxai_runner.data.malformed import unreadable
from cxai_runner.data.tables import raw_name

LINE = b"1,2\n"
HEADER = b"customer_id,b\n"
LATE = 30_000
"""Lines before a mistake that is not among the first lines."""


@pytest.fixture
def written(tmp_path: Path) -> Callable[..., OneFile]:
    """Write bytes and return the source that reads them as customers."""

    def write(content: bytes, name: str = "shop.csv", **keys: Any) -> OneFile:
        (tmp_path / name).write_bytes(content)
        return OneFile(path=str(tmp_path / name), table="customers", **keys)

    return write


def rows(source: OneFile) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = source.open()["customers"].to_pyarrow().to_pylist()
    return found


def told(source: OneFile | FileSource) -> list[tuple[str, str, str]]:
    return [(one.key, one.message, one.remedy) for one in source.problems()]


def told_late(source: OneFile) -> tuple[str, str, str]:
    """What is said of a mistake that is met when rows are asked for."""
    import duckdb

    assert told(source) == []
    tables = source.open()
    for _ in range(2):  # a second question is told the same
        with pytest.raises(duckdb.Error) as caught:
            tables.rows("customers")
    problem = unreadable(caught.value, tables.mapped["customers"])
    return problem.key, problem.message, problem.remedy


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
    assert rows(source) == [{"customer_id": 1, "price": 2, "price_2": 3, "Price_3": 4, "column4": 5}]
    assert source.open().mapped["customers"].notes == (
        "column 5 has no name in the header; it is `column4`",
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


MISTAKES: dict[str, tuple[bytes, dict[str, Any], tuple[str, str, str]]] = {
    "no codec": (
        HEADER,
        {"encoding": "cp12522"},
        ("encoding", "no such encoding of text", "did you mean `cp1252`?"),
    ),
    "no text codec": (
        HEADER,
        {"encoding": "hex"},
        ("encoding", "no such encoding of text", "as in utf-8, cp1252, latin-1 or utf-16"),
    ),
    "other encoding": (
        HEADER + LINE * 3 + b"caf\xe9,2\n",
        {},
        (
            "encoding",
            "line 5 of shop.csv is not written in utf-8",
            "say what it is, as in data.encoding=cp1252 (Windows) or latin-1",
        ),
    ),
    "other encoding, late": (
        HEADER + LINE * LATE + b"caf\x81,2\n",
        {"encoding": "cp1252"},
        ("encoding", "line 30,002 of shop.csv is not written in cp1252", "say what it is, as in data.encoding=utf-8"),
    ),
    "unmarked utf-16": (
        "customer_id,b\n1,2\n".encode("utf-16-le"),
        {},
        ("encoding", "every other character of shop.csv is a zero byte", "if it is UTF-16: data.encoding=utf-16"),
    ),
    "too many values": (
        HEADER + LINE * 30 + b"1,2,3\n" + LINE,
        {},
        (
            "path",
            "line 32 of shop.csv has 3 values where 2 are expected: `1,2,3`",
            'put "…" around a value with a delimiter in it, or set data.delimiter if it is another',
        ),
    ),
    "too few values": (
        HEADER + LINE * 30 + b"1\n" + LINE,
        {},
        (
            "path",
            "line 32 of shop.csv has 1 value where 2 are expected: `1`",
            "complete that line, or take it out",
        ),
    ),
    "unclosed quote": (
        HEADER + LINE * 3 + b'"x,2\n' + LINE,
        {},
        (
            "path",
            'line 5 of shop.csv opens a quote that is not closed before its value ends: `"x,2`',
            "close it, write \"\" for a quote within a value, or data.quote='' if quotes are only text",
        ),
    ),
    "lines before the header": (
        b"Sales\n\nof 2017\n" + HEADER + LINE * 9,
        {},
        (
            "skip",
            "line 1 of shop.csv holds one value, and the lines below it 2",
            "if the header stands further down: data.skip=3",
        ),
    ),
    "no header": (
        b"994,1620,19.73\n1143,2160,5.33\n",
        {},
        (
            "header",
            "line 1 of shop.csv holds values, not names: 994, 1620, 19.73",
            "name the columns, data.header=[a,b,…], or say that these are names: data.header=true",
        ),
    ),
    "blank": (b"\n\n", {}, ("path", "shop.csv has no line to take names from", "")),
    "spreadsheet": (
        b"PK\x03\x04",
        {},
        (
            "path",
            "shop.csv is a zip archive or a spreadsheet, not text",
            "unpack it, or save the sheet as CSV",
        ),
    ),
    "parquet": (b"PAR1", {}, ("path", "shop.csv is a Parquet file, not text", "say so: data.format=parquet")),
    "packed badly": (
        gzip.compress(HEADER + LINE * 1000)[:-12],
        {},
        (
            "path",
            "shop.csv cannot be unpacked: Compressed file ended before the end-of-stream marker was reached",
            "get the file once more",
        ),
    ),
    "two marks alike": (HEADER, {"decimal": ",", "thousands": ","}, ("decimal", "`thousands` is the same mark", "")),
    "decimal and delimiter": (
        HEADER,
        {"decimal": ",", "delimiter": ","},
        ("decimal", "`delimiter` is the same mark", ""),
    ),
    "no mark": (HEADER, {"thousands": "  "}, ("thousands", "one character", "")),
    "no delimiter": (HEADER, {"delimiter": ""}, ("delimiter", "at least one character", "null finds it from the file")),
    "long customers": (
        HEADER + LINE,
        {"long": {"alternative": "b", "chosen": "b"}},
        ("long", "only a panel has alternatives, and this is a table of customers", "leave it out"),
    ),
    "names apart by case": (
        b"customer_id,B,c\n1,2,3\n",
        {"columns": {"b": "c"}},
        ("columns.b", "the file has a column `B` of its own", "keep that one under another name: B_other: B"),
    ),
}


@pytest.mark.parametrize(("content", "keys", "problem"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_among_the_first_lines_is_told_on_opening(
    written: Callable[..., OneFile], content: bytes, keys: dict[str, Any], problem: tuple[str, str, str]
) -> None:
    assert told(written(content, **keys)) == [problem]


def test_a_remedy_names_the_keys_of_its_table(tmp_path: Path) -> None:
    (tmp_path / "shop.csv").write_bytes(HEADER + b"caf\xe9,2\n")
    source = FileSource(root=str(tmp_path), tables={"customers": TableFile(path="shop.csv")})
    (problem,) = source.problems()
    assert problem.key == "tables.customers.encoding"
    assert problem.value == "utf-8"
    assert problem.remedy == "say what it is, as in data.tables.customers.encoding=cp1252 (Windows) or latin-1"


@pytest.mark.parametrize(
    ("mistake", "problem"),
    [
        (
            b"1,2,3\n",
            (
                "data.path",
                "line 30,002 of shop.csv has 3 values where 2 are expected: `1,2,3`",
                'put "…" around a value with a delimiter in it, or set data.delimiter if it is another',
            ),
        ),
        (
            b"1\n",
            (
                "data.path",
                "line 30,002 of shop.csv has 1 value where 2 are expected: `1`",
                "complete that line, or take it out",
            ),
        ),
        (
            b"caf\xe9,2\n",
            (
                "data.encoding",
                "line 30,002 of shop.csv is not written in utf-8",
                "say what it is, as in data.encoding=cp1252 (Windows) or latin-1",
            ),
        ),
        (
            b'"x,2\n',
            (
                "data.path",
                'line 30,002 of shop.csv opens a quote that is not closed before its value ends: `"x,2`',
                "close it, write \"\" for a quote within a value, or data.quote='' if quotes are only text",
            ),
        ),
        (
            b"3,4\r\n",
            ("data.path", "line 30,002 of shop.csv ends in another way than the first", "write all line ends alike"),
        ),
    ],
    ids=["too many", "too few", "encoding", "quote", "line end"],
)
def test_a_mistake_further_down_is_told_with_its_line(
    written: Callable[..., OneFile], mistake: bytes, problem: tuple[str, str, str]
) -> None:
    assert told_late(written(HEADER + LINE * LATE + mistake + LINE)) == problem


def test_a_line_of_a_packed_file_is_told_as_well(written: Callable[..., OneFile]) -> None:
    content = HEADER + b'"x\ny",2\n' * LATE + b"1\n"
    assert told_late(written(gzip.compress(content)))[1].startswith("line 60,002 of shop.csv has 1 value")


def test_a_line_is_counted_as_an_editor_counts_it(written: Callable[..., OneFile]) -> None:
    """An engine counts records: here each takes three lines."""
    source = written(HEADER + b'"x\ny\nz",2\n' * 20_500 + b"1,2,3\n")
    assert told_late(source)[1] == "line 61,502 of shop.csv has 3 values where 2 are expected: `1,2,3`"


FIXED = b"12 anna    1.5 20170101\n 7 bo     12.5 20170102\n"


def test_fixed_columns_by_position(written: Callable[..., OneFile]) -> None:
    places = {"customer_id": [1, 2], "name": [4, 8], "paid": [9, 14]}
    found = rows(written(b"made today\n" + FIXED + b"\n", format="fixed", positions=places, skip=1))
    assert found == [
        {"customer_id": 12, "name": "anna", "paid": 1.5},
        {"customer_id": 7, "name": "bo", "paid": 12.5},
    ]


def test_fixed_columns_are_found_from_the_blanks_between_them(written: Callable[..., OneFile]) -> None:
    names = ["customer_id", "name", "paid", "since"]
    source = written(FIXED + b"99          .5 20170103\n", format="fixed", header=names, dates="%Y%m%d")
    tables = source.open()
    assert tables.mapped["customers"].notes == (
        "columns are where blanks part the first lines: customer_id 1–2, name 3–7, paid 8–14, since 15–",
    )
    assert [one["name"] for one in rows(source)] == ["anna", "bo", None]
    assert [one["paid"] for one in rows(source)] == [1.5, 12.5, 0.5]


def test_fixed_columns_named_by_their_first_line(written: Callable[..., OneFile]) -> None:
    source = written(b"customer_id name\n 1          ann\n12          bob\n", format="fixed", header=True)
    assert rows(source) == [{"customer_id": 1, "name": "ann"}, {"customer_id": 12, "name": "bob"}]


def test_a_value_that_would_be_cut_stops_the_reading(written: Callable[..., OneFile]) -> None:
    content = b" 1 ann  1.5\n12 bob 12.5\n" * 12_000 + b"123 bob 1.5\n"
    source = written(content, format="fixed", header=["customer_id", "name", "paid"])
    assert told_late(source) == (
        "data.positions",
        "in line 24,001 of shop.csv a value goes on past position 2, where its column seems to end: `123 bob 1.5`",
        "say where the columns are: data.positions={id: [1, 6], …}",
    )


@pytest.mark.parametrize(
    ("content", "keys", "problem"),
    [
        (
            FIXED,
            {"positions": {"name": [5, 3]}},
            (
                "positions.name",
                "not two positions",
                "the first and the last position, counted from 1, as in [1, 6]",
            ),
        ),
        (
            FIXED,
            {"header": ["customer_id", "name"]},
            (
                "header",
                "names 2 columns, and blanks part 4: 1–2, 4–7, 11–14, 16–23",
                "name as many, or say where they are: data.positions={id: [1, 6], date: [8, 15]}",
            ),
        ),
        (
            b"12anna1.5\n",
            {},
            (
                "positions",
                "no blanks that run through the first lines part columns",
                "say where they are: data.positions={id: [1, 6], date: [8, 15]}",
            ),
        ),
    ],
)
def test_a_mistake_about_fixed_columns(
    written: Callable[..., OneFile], content: bytes, keys: dict[str, Any], problem: tuple[str, str, str]
) -> None:
    assert told(written(content, format="fixed", **keys)) == [problem]


def test_what_a_file_says_wrong_is_shown_with_what_the_config_says(written: Callable[..., OneFile]) -> None:
    (problem,) = written(HEADER + LINE * 30 + b"1,2,3\n").problems()
    assert problem.value == "shop.csv"
    (problem,) = written(b"994,1620\n1,2\n").problems()
    assert problem.value in (None, UNSET)


@pytest.mark.reference
def test_cdnow_as_published(shared_data: Callable[[str], Path]) -> None:
    source = OneFile(
        path=str(shared_data("cdnow") / "CDNOW_sample.txt"),
        table="transactions",
        format="fixed",
        header=["customer_id", "sample_id", "timestamp", "quantity", "revenue"],
        dates="%Y%m%d",
    )
    found = source.open()["transactions"].execute()
    assert len(found) == 6919
    assert found["customer_id"].nunique() == 2357
    assert (found["timestamp"].min(), found["timestamp"].max()) == (datetime(1997, 1, 1), datetime(1998, 6, 30))
    assert found.iloc[0].tolist() == ["00004", "0001", datetime(1997, 1, 1), 2, 29.33]


@pytest.mark.reference
@pytest.mark.parametrize(
    ("place", "keys", "columns", "count"),
    [
        ("lastfm_asia/lastfm_asia_edges.csv", {"header": ["one", "other"]}, {"one": "int64", "other": "int64"}, 27_806),
        ("audiobooks/audiobooks.csv", {"header": False}, {"column0": "int64", "column3": "float64"}, 14_084),
        ("telco_churn/telco_churn.csv", {}, {"churn": "string", "total_charges": "float64"}, 7_043),
        ("movielens_100k/ml-100k.inter", {}, {"user_id:token": "int64", "timestamp:float": "int64"}, 100_000),
        ("movielens_100k/ml-100k.item", {}, {"movie_title:token_seq": "string"}, 1_682),
        ("movielens_100k/ml-100k.user", {}, {"zip_code:token": "string", "gender:token": "string"}, 943),
        ("hillstrom/hillstrom.csv", {}, {"zip_code": "string", "spend": "float64"}, 64_000),
    ],
)
def test_published_files_as_they_are(
    shared_data: Callable[[str], Path], place: str, keys: dict[str, Any], columns: dict[str, str], count: int
) -> None:
    tables: Tables = OneFile(
        path=str(shared_data(place.partition("/")[0]).parent / place), table="customers", **keys
    ).open()
    assert tables.rows("customers") == count
    schema = tables.schema("customers")
    assert {name: schema[name] for name in columns} == columns
