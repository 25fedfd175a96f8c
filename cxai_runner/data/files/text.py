"""How a file of text is written: its encoding, what separates values, what the columns are called, where rows begin.

Found from the first lines and told to the engine in full. Left to itself an engine guesses until a guess fits: a file
with one broken line becomes a table of one column, an unclosed quote a part of its value.
"""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import re
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from cxai_runner.config.problems import Problem, did_you_mean
from cxai_runner.data.tables.names import unique

SAMPLE: Final = 2**16
"""Bytes of a file that are looked at."""

_DELIMITERS: Final = (",", ";", "\t", "|")

_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16's, which it begins with
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_FOREIGN: Final = (
    (b"PK\x03\x04", "a zip archive or a spreadsheet, not text", "unpack it, or save the sheet as CSV"),
    (b"\xd0\xcf\x11\xe0", "a spreadsheet, not text", "save the sheet as CSV"),
    (b"PAR1", "a Parquet file, not text", "say so: {here}format=parquet"),
    (b"SQLite format 3", "a database, not text", "read it with data=sqlite"),
)
_KNOWN: Final = (
    "utf-8", "utf-16", "utf-32", "latin-1", "ascii", *(f"cp125{n}" for n in range(9)), "cp850", "cp437", "iso8859-2",
    "iso8859-15", "koi8-r", "shift_jis", "euc-jp", "gbk", "gb18030", "big5", "euc-kr",
)  # fmt: skip
_SEPARATOR: Final = re.compile(r"sep=(.)", re.IGNORECASE)
_VALUE: Final = re.compile(r"[\d\s.,:;/+%-]*\d[\d\s.,:;/+%-]*")


class UnreadableError(Exception):
    """A file that cannot be read as it is said to be written, with the problem that says why."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        super().__init__(problem.message)


@dataclass(frozen=True)
class Look:
    """The first lines of a file.

    Parameters
    ----------
    path
        The file.
    encoding
        What it is written in: as its byte order mark says, or as was said.
    packed
        Whether it is compressed by gzip.
    text
        Its first whole lines.
    mixed
        Whether its lines end in different ways.
    """

    path: Path
    encoding: str
    packed: bool
    text: str
    mixed: bool

    @property
    def native(self) -> bool:
        """Whether the engine reads it as it is."""
        return self.encoding in {"utf-8", "ascii", "iso8859-1"} and not self.mixed


@dataclass(frozen=True)
class Heading:
    """What the columns of a file are called, and where its rows begin.

    Parameters
    ----------
    names
        One name per column; no two differ by case alone.
    skip
        Lines before the first row.
    repeated
        Name → the names that its occurrences have here, where a header names several columns alike.
    notes
        What a reader should know of the names.
    """

    names: tuple[str, ...]
    skip: int = 0
    repeated: tuple[tuple[str, tuple[str, ...]], ...] = ()
    notes: tuple[str, ...] = ()


def codec(name: str) -> str | Problem:
    """Return the canonical name of an encoding, or what is wrong with it."""
    try:
        found = codecs.lookup(name)
        if found._is_text_encoding:
            return found.name.removesuffix("-sig")  # the mark is looked for in any case
    except LookupError:
        pass
    remedy = did_you_mean(name, _KNOWN) or "as in utf-8, cp1252, latin-1 or utf-16"
    return Problem("encoding", "no such encoding of text", value=name, remedy=remedy)


def opened(path: Path, *, packed: bool) -> BinaryIO:
    """Open a file's bytes, unpacked."""
    return gzip.open(path) if packed else path.open("rb")  # type: ignore[return-value]


@contextmanager
def unpacking(shown: str) -> Iterator[None]:
    """Tell what breaks off or is damaged while a file is unpacked as a mistake of that file."""
    try:
        yield
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        problem = Problem("path", f"{shown} cannot be unpacked: {error}", value=shown, remedy="get the file once more")
        raise UnreadableError(problem) from error


def look(path: Path, encoding: str, shown: str, quote: str = '"') -> Look:
    """Look at the first lines of a file.

    Parameters
    ----------
    encoding
        Canonical name of what it is said to be written in.
    shown
        What to call the file.
    quote
        What stands around values that may hold line ends of their own.

    Raises
    ------
    UnreadableError
        Where it is no text, or not in that encoding.
    """
    with path.open("rb") as file:
        packed = file.read(2) == b"\x1f\x8b"
    with unpacking(shown), opened(path, packed=packed) as file:
        start = file.read(SAMPLE)
        whole = not file.read(1)
    for magic, what, remedy in _FOREIGN:
        if start.startswith(magic):
            raise UnreadableError(Problem("path", f"{shown} is {what}", value=shown, remedy=remedy))
    encoding = next((name for mark, name in _MARKS if start.startswith(mark)), encoding)
    try:
        text = codecs.getincrementaldecoder(encoding)().decode(start, whole)
    except UnicodeDecodeError as error:
        line = start.count(b"\n", 0, error.start) + 1
        raise UnreadableError(misread(encoding, line, shown)) from error
    if text.count("\x00") > len(text) // 4:
        what = f"every other character of {shown} is a zero byte"
        remedy = "if it is UTF-16: {here}encoding=utf-16"
        raise UnreadableError(Problem("encoding", what, value=encoding, remedy=remedy))
    text = text.removeprefix("\ufeff")
    if not whole:
        text = text[: max(text.rfind("\n"), text.rfind("\r")) + 1] or text
    bare = re.sub(f"{quote}[^{quote}]*{quote}?", "", text) if quote else text
    ends = {match[0] for match in re.finditer(r"\r\n|\n|\r(?!\Z)", bare)}
    return Look(path, encoding, packed, text, len(ends) > 1)


def misread(encoding: str, line: int, shown: str) -> Problem:
    """A line that is not written in the encoding that was said."""
    other = "utf-8" if encoding != "utf-8" else "cp1252"
    more = "" if encoding != "utf-8" else " (Windows) or latin-1"
    return Problem(
        "encoding",
        f"line {line:,} of {shown} is not written in {encoding}",
        value=encoding,
        remedy=f"say what it is, as in {{here}}encoding={other}{more}",
    )


def separator(text: str, quote: str, names: Sequence[str] | None, decimal: str | None) -> str:
    """Return what separates the values of ``text``: the character by which its lines are most alike.

    Parameters
    ----------
    names
        The columns, where they are known.
    decimal
        The decimal mark, which separates nothing.
    """
    best, found = (0.0, 1), ","
    for candidate in _DELIMITERS:
        counts = Counter(len(record) for record in records(text, candidate, quote) if record)
        if candidate == decimal or not counts:
            continue
        columns = len(names) if names is not None and counts[len(names)] else counts.most_common(1)[0][0]
        score = (counts[columns] / counts.total(), columns)
        if columns > 1 and score > best:
            best, found = score, candidate
    return found


def heading(look: Look, delimiter: str, quote: str, skip: int, header: bool | Sequence[str] | None) -> Heading:
    """Return the names of a file's columns, and how many lines stand before its first row.

    Raises
    ------
    UnreadableError
        Where the first line cannot be the header.
    """
    shown = look.path.name
    text = "".join(look.text.splitlines(keepends=True)[skip:])
    if header is not None and not isinstance(header, bool):
        return Heading(tuple(str(name) for name in header), skip)
    blank, first, others = _first(text, delimiter, quote)
    if first is None:
        what = f"{shown} has no line to take names from" if text.strip() == "" else f"{shown} has no row"
        raise UnreadableError(Problem("path", what, value=shown))
    if header is False:
        return Heading(tuple(f"column{number}" for number in range(len(first))), skip)
    counts = Counter(len(record) for record in others if record)
    if header is None and (told := _SEPARATOR.fullmatch(text.lstrip().partition("\n")[0].strip())):
        what = f"line {skip + blank + 1} of {shown} is a spreadsheet's word for what separates values: {told[0]}"
        remedy = f"leave it out: {{here}}skip={skip + blank + 1}"
        raise UnreadableError(Problem("skip", what, value=skip, remedy=remedy))
    usual, often = counts.most_common(1)[0] if counts else (len(first), 0)
    if len(first) == 1 < usual and often >= 0.8 * counts.total() - 3:
        before = next(number for number, record in enumerate(others) if len(record) == usual)
        lines = skip + blank + 1 + before
        what = f"line {skip + blank + 1} of {shown} holds one value, and the lines below it {usual}"
        remedy = f"if the header stands further down: {{here}}skip={lines}"
        raise UnreadableError(Problem("skip", what, value=skip, remedy=remedy))
    if header is None and all(_VALUE.fullmatch(name.strip()) for name in first):
        what = f"line {skip + blank + 1} of {shown} holds values, not names: {', '.join(first[:3])}"
        remedy = "name the columns, {here}header=[a,b,…], or say that these are names: {here}header=true"
        raise UnreadableError(Problem("header", what, remedy=remedy))
    names, repeated, notes = unique([name.strip() for name in first])
    return Heading(names, skip + blank + 1, repeated, notes)


def _first(text: str, delimiter: str, quote: str) -> tuple[int, list[str] | None, list[list[str]]]:
    """How many blank lines stand before the first record, that record, and those that follow, blank ones too."""
    blank, first, others = 0, None, []
    for record in records(text, delimiter, quote):
        if first is not None:
            others.append(record)
        elif record:
            first = record
        else:
            blank += 1
    return blank, first, others


def records(text: str, delimiter: str, quote: str) -> Iterator[list[str]]:
    """Yield the records of ``text``; a blank line is an empty one."""
    if len(delimiter) > 1:  # which Python's reader does not know
        yield from (line.split(delimiter) if line.strip() else [] for line in text.splitlines())
        return
    lines = io.StringIO(text, newline="")
    if quote:
        reader = csv.reader(lines, delimiter=delimiter, quotechar=quote)
    else:
        reader = csv.reader(lines, delimiter=delimiter, quoting=csv.QUOTE_NONE)
    try:
        yield from reader
    except csv.Error:  # a value that does not end within what is looked at
        return
