"""What is said of a file that cannot be read as it is said to be written: which line, and what to do about it."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cxai_runner.config.problems import UNSET
from cxai_runner.data import FileSource, OneFile, TableFile
from cxai_runner.data.files.malformed import unreadable
from cxai_runner.data.files.parts import BUFFER

Tell = Callable[[OneFile], tuple[str, str, str]]

LINE = b"1,2\n"
HEADER = b"customer_id,b\n"
LATE = 30_000
"""Lines before a mistake that is not among the first lines."""


def told(source: OneFile | FileSource) -> list[tuple[str, str, str]]:
    return [(one.key, one.message, one.remedy) for one in source.problems()]


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
    "packed and damaged": (
        gzip.compress(HEADER)[:10] + b"\xff" * 20,
        {},
        (
            "path",
            "shop.csv cannot be unpacked: Error -3 while decompressing data: invalid block type",
            "get the file once more",
        ),
    ),
    "packed badly, in another encoding": (
        gzip.compress((HEADER + LINE * 30_000).decode().encode("utf-16"))[:-12],
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
    written: Callable[..., OneFile],
    told_late: Tell,
    mistake: bytes,
    problem: tuple[str, str, str],
) -> None:
    assert told_late(written(HEADER + LINE * LATE + mistake + LINE)) == problem


def test_a_line_of_a_packed_file_is_told_as_well(written: Callable[..., OneFile], told_late: Tell) -> None:
    content = HEADER + b'"x\ny",2\n' * LATE + b"1\n"
    assert told_late(written(gzip.compress(content)))[1].startswith("line 60,002 of shop.csv has 1 value")


def test_a_line_is_counted_as_an_editor_counts_it(written: Callable[..., OneFile], told_late: Tell) -> None:
    """An engine counts records: here each takes three lines."""
    source = written(HEADER + b'"x\ny\nz",2\n' * 20_500 + b"1,2,3\n")
    assert told_late(source)[1] == "line 61,502 of shop.csv has 3 values where 2 are expected: `1,2,3`"


def test_what_a_file_says_wrong_is_shown_with_what_the_config_says(written: Callable[..., OneFile]) -> None:
    (problem,) = written(HEADER + LINE * 30 + b"1,2,3\n").problems()
    assert problem.value == "shop.csv"
    (problem,) = written(b"994,1620\n1,2\n").problems()
    assert problem.value in (None, UNSET)


def in_parts(path: Path, start: int, first: bytes, after: int = 0) -> OneFile:
    """A file whose last part begins at ``start`` with a value's end, and then the line ``first``."""
    filled = (start + 3 - len(HEADER)) // len(LINE) * len(LINE)
    rest = start + 3 - len(HEADER) - filled
    path.write_bytes(HEADER + LINE * (filled // len(LINE) - 1) + b"1" * (rest + 1) + b",2\n" + first + LINE * after)
    return OneFile(path=str(path), table="customers")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("first", "told_of_it"),
    [(b"1\n", "has 1 value where 2 are expected: `1`"), (b"1,2,3\n", "has 3 values where 2 are expected: `1,2,3`")],
)
@pytest.mark.parametrize("start", [8_000_000, BUFFER])
def test_a_part_that_begins_with_a_broken_line_is_not_left_out(
    tmp_path: Path, start: int, first: bytes, told_of_it: str
) -> None:
    import duckdb

    source = in_parts(tmp_path / "shop.csv", start, first, after=9)
    size = (start + 3 - len(HEADER)) // len(LINE)
    if start == BUFFER:
        assert [one.message for one in source.problems()] == [f"line {size + 2:,} of shop.csv {told_of_it}"]
        return
    tables = source.open()
    with pytest.raises(duckdb.Error) as caught:
        tables.rows("customers")
    assert told_of_it in unreadable(caught.value, tables.mapped["customers"]).message


@pytest.mark.slow
@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("before", [1, 5])
def test_a_last_line_that_begins_before_the_last_part_is_not_left_out(
    tmp_path: Path, before: int, packed: bool
) -> None:
    path = tmp_path / "shop.csv"
    line, last = b"1,222222\n", b"123456789"  # nine bytes: the line begins `before` the part, and ends in it
    filled = BUFFER - before - len(HEADER)
    text = (
        HEADER + line * (filled // len(line) - 1) + b"1," + b"2" * (filled % len(line) + len(line) - 3) + b"\n" + last
    )
    assert len(text) == BUFFER - before + len(last)
    path.write_bytes(gzip.compress(text, 1) if packed else text)
    (problem,) = OneFile(path=str(path), table="customers").problems()
    lines = filled // len(line) + 2
    assert problem.message == f"line {lines:,} of shop.csv has 1 value where 2 are expected: `123456789`"
    path.write_bytes(gzip.compress(text[:-2] + b",2", 1) if packed else text[:-2] + b",2")
    assert OneFile(path=str(path), table="customers").open().rows("customers") == lines - 1


@pytest.mark.slow
def test_the_last_part_of_a_copy_is_looked_at(tmp_path: Path) -> None:
    """In another encoding, so that what the engine reads is a copy."""
    source = in_parts(tmp_path / "shop.csv", BUFFER, b"1\n")
    path = tmp_path / "shop.csv"
    path.write_bytes(path.read_bytes().replace(b"1\n", b"\x80\n"))
    source = OneFile(path=str(path), table="customers", encoding="cp1252")
    (problem,) = source.problems()
    assert problem.message.endswith("of shop.csv has 1 value where 2 are expected: `€`")


@pytest.mark.slow
@pytest.mark.parametrize("first", [b"1,2\n", b'"1\n",2\n'])
def test_a_part_that_begins_with_a_whole_line_is_read(tmp_path: Path, first: bytes) -> None:
    source = in_parts(tmp_path / "shop.csv", BUFFER, first, after=9)
    size = (BUFFER + 3 - len(HEADER)) // len(LINE)
    assert list(source.problems()) == []
    assert source.open().rows("customers") == size + 10


@pytest.mark.slow
def test_a_line_within_a_value_is_no_broken_one(tmp_path: Path) -> None:
    """The part begins within a value in quotes, whose lines hold nothing else."""
    path = tmp_path / "shop.csv"
    path.write_bytes(HEADER + LINE * ((BUFFER - 100) // len(LINE)) + b'"' + b"x\n" * 200 + b'",2\n' + LINE)
    source = OneFile(path=str(path), table="customers", types={"customer_id": "text"})
    assert list(source.problems()) == []
    assert source.open().rows("customers") == (BUFFER - 100) // len(LINE) + 2
