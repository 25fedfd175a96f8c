"""What is no table of text although somebody points at it: told from its first bytes, whatever it is called."""

from __future__ import annotations

import re

from cxai_runner.config.problems import Problem

_SHEET = "save its sheet as CSV, or in Python: pandas.read_excel(…).to_parquet(…)"
_KINDS = (
    (rb"PK\x03\x04(?s:.){26,60}(\[Content_Types\]|xl/|_rels/)", "an Excel workbook", _SHEET),
    (rb"\xd0\xcf\x11\xe0", "an Excel workbook of the old form", _SHEET),
    (rb"PK\x03\x04", "a zip archive", "unpack it"),
    (rb"7z\xbc\xaf|Rar!|BZh\d|\xfd7zXZ|\x28\xb5\x2f\xfd", "a compressed file", "unpack it, or pack it by gzip"),
    (rb"PAR1", "a Parquet file", "give it a name that ends in .parquet"),
    (rb"SQLite format 3", "a SQLite database", "look at it as sqlite:///shop.db"),
    (rb"(?s:.){8}DUCK", "a DuckDB database", "look at it as duckdb:///shop.duckdb"),
    (rb"\x89PNG|\xff\xd8\xff|GIF8|BM(?s:.){4}\x00{4}|II\*\x00|RIFF(?s:.){4}WEBP", "a picture", ""),
    (rb"%PDF", "a PDF document", "look for the data behind it: a table in a PDF cannot be read"),
    (rb"ARROW1|FEA1", "a Feather file", "in Python: pandas.read_feather(…).to_parquet(…)"),
    (rb"ORC|Obj\x01", "an ORC or Avro file", "write it as Parquet"),
    (rb"\x80[\x02-\x05]", "a pickle", "write what is in it as Parquet"),
    (rb"\s*<(!doctype|html|\?xml|svg)\b", "a page of HTML or XML", "if it is from an address: does that need a login?"),
    (rb"\s*(\{\s*[\"}]|\[\s*[\[{\]])", "JSON", "in Python: pandas.read_json(…).to_parquet(…)"),
)
_CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")


def foreign(beginning: bytes) -> Problem | None:
    """Return what a file is that is no text with a table in it; None where it may be one."""
    for begins, what, remedy in _KINDS:
        if re.match(begins, beginning, re.IGNORECASE):
            return Problem("", f"{what}, by its first bytes, and no table of text", remedy=remedy)
    start = beginning[:4096]
    zeros = start.count(0)
    controls = len(_CONTROL.findall(start)) - zeros
    # Every other byte of UTF-16 is 0 in most languages; what else is 0 there is none of its control characters.
    if controls > 0.005 * len(start) + 1 or (zeros and not _is_wide(start)):
        remedy = "give a CSV, Parquet or other table; data of another program has to be exported first"
        return Problem("", "binary data, and no text", remedy=remedy)
    return None


def _is_wide(start: bytes) -> bool:
    """Whether a text of UTF-16 or UTF-32 could have these zeros: by its mark, or as every other byte."""
    return (
        start[:2] in (b"\xff\xfe", b"\xfe\xff") or start[:4] == b"\x00\x00\xfe\xff" or start.count(0) > len(start) // 4
    )
