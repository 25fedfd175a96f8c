"""How a file is written is found from its beginning, whatever its ending says."""

from __future__ import annotations

import pytest

from cxai_runner.inspection.sniff import cut, decode, sniff, unique


@pytest.mark.parametrize(
    ("text", "delimiter", "header"),
    [
        ("id,amount\n1,2\n3,4\n", ",", True),
        ("id;amount\n1;2,5\n3;4,5\n", ";", True),
        ("1\t2\r\n3\t4\r\n", "\t", False),
        ("a|b\nx|1\ny|2\n", "|", True),
        ("0;747\n1;4257\n1;2194\n", ";", False),
        ('name,note\n"Doe, J",1\n"Roe, K",2\n', ",", True),
        ('id,note\n1,"two\nlines"\n2,"one"\n', ",", True),
        ("town,shade\nRome,red\nOslo,blue\nRome,blue\n", ",", True),
        ("Rome,red\nOslo,blue\nRome,blue\n", ",", False),
        ("2015-01-01,10\n2015-01-02,11\n", ",", False),
    ],
)
def test_delimiter_and_header(text: str, delimiter: str, header: bool) -> None:
    written = sniff(text, whole=True)
    assert (written.format, written.delimiter, written.header) == ("csv", delimiter, header)


def test_a_header_that_repeats_a_name_is_numbered() -> None:
    assert sniff("price,price,id\n1,2,3\n4,5,6\n", whole=True).names == ("price", "price_2", "id")
    assert unique(["a", "a_2", "a"]) == ("a", "a_2", "a_3")


def test_lines_above_the_table_are_skipped() -> None:
    written = sniff("# made on Monday\nOrders of May\n\nid,amount,day\n1,2,2015-01-01\n3,4,2015-01-02\n", whole=True)
    assert (written.skip, written.header, written.names) == (3, True, ("id", "amount", "day"))


@pytest.mark.parametrize(
    ("ends", "told"), [("\n", "LF"), ("\r\n", "CRLF"), ("\r", "CR")], ids=["unix", "windows", "old mac"]
)
def test_line_ends(ends: str, told: str) -> None:
    assert sniff(ends.join(["a,b", "1,2", "3,4", ""]), whole=True).line_ends == told
    assert sniff("a,b\r\n1,2\n3,4\n", whole=True).line_ends == "mixed"


@pytest.mark.parametrize(
    ("written", "encoding", "mark"),
    [
        ("Größe".encode(), "utf-8", False),
        (b"\xef\xbb\xbf" + "Größe".encode(), "utf-8", True),
        ("Größe".encode("utf-16"), "utf-16", True),
        ("Größe,ja\nnein,ja\n".encode("utf-16-le"), "utf-16-le", False),
        ("Größe".encode("latin-1"), "latin-1", False),
        ("5 € für Größe".encode("cp1252"), "cp1252", False),
    ],
)
def test_encodings(written: bytes, encoding: str, mark: bool) -> None:
    text, found, marked = decode(written)
    assert (found, marked) == (encoding, mark)
    assert "Größe" in text
    assert not text.startswith("\ufeff")


def test_a_character_cut_at_the_end_is_no_reason_to_doubt_the_encoding() -> None:
    assert decode("Größe".encode()[:3])[1] == "utf-8"


def test_fixed_columns_give_blanks_to_the_value_that_grows_into_them() -> None:
    lines = [
        " 00004 Ann    19970101  2   29.33",
        " 00021 Robert 19970118  3    9.73",
        " 00050 Jo     19970802 11  114.96",
    ]
    written = sniff("\n".join(lines), whole=True)
    assert written.format == "fixed"
    assert [cut(lines[0], written.positions)[n] for n in range(5)] == ["00004", "Ann", "19970101", "2", "29.33"]
    assert cut(" 00051 Roberto19970802 11 1114.96", written.positions)[1:] == ["Roberto", "19970802", "11", "1114.96"]


def test_prose_is_no_table_of_fixed_columns() -> None:
    assert sniff("once upon a time\nthere was a shop\nthat sold no soap\n", whole=True).format == "csv"
