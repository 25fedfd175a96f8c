"""How a text file is written: encoding, line ends, what separates values, whether a line names the columns.

Only the file's beginning is looked at. Each finding that is a guess carries its reason.
"""

from __future__ import annotations

import codecs
import csv
import re
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from cxai_runner.inspection.values import is_value

_LINES = 2000
"""How many lines the form of a file is judged by."""

_DELIMITERS = ("\t", ";", "|", ",")
"""Those that hardly stand in values by accident come first."""

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


@dataclass(frozen=True)
class Written:
    """How a table is written.

    Parameters
    ----------
    format
        ``csv``, ``fixed`` (columns of fixed width), ``parquet``, or ``table`` for one of a database or of memory.
    header
        Whether a line names the columns; the names that are proposed where none does.
    skip
        Lines before the header or the first row.
    positions
        First and last character of each column of a fixed file, counted from 1.
    reasons
        Why, where it is a guess.
    """

    format: str
    delimiter: str | None = None
    quote: str = '"'
    header: bool = True
    names: tuple[str, ...] = ()
    encoding: str = "utf-8"
    mark: bool = False
    line_ends: str = "LF"
    compressed: bool = False
    skip: int = 0
    positions: tuple[tuple[int, int], ...] = ()
    reasons: tuple[str, ...] = field(default=())


def decode(beginning: bytes) -> tuple[str, str, bool]:
    """Return the text of a file's beginning, its encoding as Python calls it, and whether a mark says so.

    A character that is cut at the end is left out. What is no UTF-8 is taken for Windows' Western European (cp1252)
    where it has that code page's own characters, else for latin-1, in which every byte means something.
    """
    for mark, encoding in _MARKS:
        if beginning.startswith(mark):
            text = codecs.getincrementaldecoder(encoding)("replace").decode(beginning)
            return text.removeprefix("\ufeff"), encoding, True
    half = beginning[:4096]
    if half and half.count(0) > len(half) // 4:
        encoding = "utf-16-le" if half[1::2].count(0) >= half[::2].count(0) else "utf-16-be"
        return codecs.getincrementaldecoder(encoding)("replace").decode(beginning), encoding, False
    for encoding in ("utf-8", "cp1252"):
        if encoding == "cp1252" and not re.search(rb"[\x80-\x9f]", beginning):
            break
        try:
            return codecs.getincrementaldecoder(encoding)("strict").decode(beginning), encoding, False
        except UnicodeDecodeError:
            continue
    return beginning.decode("latin-1"), "latin-1", False


def sniff(text: str, *, whole: bool) -> Written:
    """Say how the table in ``text`` is written.

    Parameters
    ----------
    text
        A file's beginning, decoded.
    whole
        Whether it is all of the file; if not, its last line may be cut and is not looked at.
    """
    ends = _line_ends(text)
    lines = lines_of(text[: 1 << 20])[: _LINES + 1]
    if not whole or len(lines) > _LINES:
        lines = lines[:-1] or lines
    numbers = [number for number, line in enumerate(lines) if line.strip() and not line.startswith("#")]
    lines = [lines[number] for number in numbers]
    positions = _fixed(lines)
    if positions:
        rows = [cut(line, positions) for line in lines]
        header, reason = _header(rows)
        told = "every line has the same blanks in the same places"
        return Written(
            "fixed",
            header=header,
            names=_names(rows, header),
            line_ends=ends,
            skip=numbers[0],
            positions=tuple(positions),
            reasons=(told, reason),
        )
    delimiter, quote, why = _delimiter(lines)
    rows = list(csv.reader(lines, delimiter=delimiter, quotechar=quote or '"'))
    above = _above(rows)
    rows = [row for row in rows[above:] if row]
    header, reason = _header(rows)
    return Written(
        "csv",
        delimiter=delimiter,
        quote=quote or '"',
        header=header,
        names=_names(rows, header),
        line_ends=ends,
        skip=numbers[above] if numbers else 0,
        reasons=tuple(one for one in (why, reason) if one),
    )


def lines_of(text: str) -> list[str]:
    """Return the lines of a text as files have them: other signs that Python takes for line ends stay in theirs."""
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")


def cut(line: str, positions: Sequence[tuple[int, int]]) -> list[str]:
    """Return the values of one line of a fixed file."""
    return [line[first - 1 : last].strip() for first, last in positions]


def _line_ends(text: str) -> str:
    crlf = text.count("\r\n")
    lf, cr = text.count("\n") - crlf, text.count("\r") - crlf
    found = [name for name, many in (("CRLF", crlf), ("LF", lf), ("CR", cr)) if many]
    return found[0] if len(found) == 1 else "LF" if not found else "mixed"


def _fixed(lines: list[str]) -> list[tuple[int, int]]:
    """First and last character of each column; nothing unless blanks, and they alone, separate values in every line."""
    body = lines[1:] if len(lines) > 3 else lines
    if len(body) < 3 or any(mark in line for line in body[:200] for mark in _DELIMITERS):
        return []
    width = max(len(line.rstrip()) for line in lines)
    if sum(len(line.rstrip()) == width for line in body) < 0.95 * len(body):
        return []
    padded = [line.ljust(width)[:width] for line in body]
    blank = [all(line[place] == " " for line in padded) for place in range(width)]
    columns: list[tuple[int, int]] = []
    first = None
    for place, empty in enumerate([*blank, True]):
        if not empty and first is None:
            first = place
        elif empty and first is not None:
            columns.append((first + 1, place))
            first = None
    return _widened(columns, padded) if len(columns) > 1 else []


def _widened(columns: list[tuple[int, int]], lines: list[str]) -> list[tuple[int, int]]:
    """Give the blanks between two columns to the one that would grow into them: a longer number or a longer name."""
    starts, ends = [first for first, _ in columns], [last for _, last in columns]
    starts[0] = 1
    for place in range(1, len(columns)):
        ragged = any(line[columns[place - 1][1] - 1] == " " for line in lines)
        if ragged:  # on its right: text, which grows that way
            ends[place - 1] = starts[place] - 1
        else:
            starts[place] = ends[place - 1] + 1
    return list(zip(starts, ends, strict=True))


def _delimiter(lines: list[str]) -> tuple[str, str, str]:
    """What separates values, what quotes them, and why; judged by how many values each line has."""
    told, quote = _asked(lines)
    found = {one: _steady(lines, one, quote) for one in _DELIMITERS}
    steady = [one for one, (share, many) in found.items() if many > 1 and share >= 0.98]
    if steady:
        return steady[0], quote, ""
    some = [one for one, (share, many) in found.items() if many > 1 and share >= 0.7]
    if some:
        best = max(some, key=lambda one: found[one][0])
        return best, quote, f"{found[best][0]:.0%} of the lines have {found[best][1]} values"
    if told and _steady(lines, told, quote)[1] > 1:
        return told, quote, "the only character that separates as many values on most lines"
    return ",", quote, "one value a line"


def _asked(lines: list[str]) -> tuple[str, str]:
    """What DuckDB takes for delimiter and quote, nothing where it cannot tell; it reads a copy of a few lines."""
    import duckdb

    with tempfile.TemporaryDirectory(prefix="cxai-") as folder:
        copy = Path(folder) / "beginning.csv"
        copy.write_text("\n".join(lines[:500]) + "\n", encoding="utf-8", errors="replace")
        try:
            row = duckdb.execute("SELECT Delimiter, Quote FROM sniff_csv(?)", [str(copy)]).fetchone()
        except duckdb.Error:
            return "", '"'
    delimiter, quote = row if row else ("", "")
    one = isinstance(delimiter, str) and len(delimiter) == 1 and delimiter not in '\0\n\r"'
    return (delimiter if one else ""), ("'" if quote == "'" else '"')


def _steady(lines: list[str], delimiter: str, quote: str) -> tuple[float, int]:
    """The share of lines that have as many values as most, and how many those are."""
    try:
        counts = Counter(len(row) for row in csv.reader(lines, delimiter=delimiter, quotechar=quote) if row)
    except csv.Error:
        return 0.0, 0
    if not counts:
        return 0.0, 0
    many, often = max(counts.items(), key=lambda item: (item[1], item[0]))
    return often / counts.total(), many


def _above(rows: list[list[str]]) -> int:
    """How many lines stand above the table: a title, a date, a blank; they have fewer values than the rest."""
    counts = Counter(len(row) for row in rows)
    if not counts:
        return 0
    many = max(counts.items(), key=lambda item: (item[1], item[0]))[0]
    above = next((place for place, row in enumerate(rows) if len(row) == many), 0)
    return above if above <= 20 and many > 1 else 0


def _header(rows: list[list[str]]) -> tuple[bool, str]:
    """Whether the first line names the columns, and why."""
    if not rows:
        return False, ""
    first, rest = rows[0], [row for row in rows[1:] if len(row) == len(rows[0])]
    cells = [cell.strip() for cell in first]
    if not rest:
        named = all(cells) and not any(is_value(cell) for cell in cells)
        return named, "one line only"
    said = against = 0
    for place, cell in enumerate(cells):
        below = [row[place].strip() for row in rest[:500] if row[place].strip()]
        if below and sum(map(is_value, below)) >= 0.9 * len(below):
            said += not is_value(cell)
            against += is_value(cell)
    if said or against:
        if said > against:
            return True, "the first line has words where the others have numbers or dates"
        return False, "the first line has numbers or dates where the others have them"
    repeated = any(cell and cell in {row[place].strip() for row in rest[:500]} for place, cell in enumerate(cells))
    named = len(set(cells)) == len(cells) and all(cells) and not repeated
    return named, "all text: the first line's words are in no other line" if named else "all text, like the others"


def _names(rows: list[list[str]], header: bool) -> tuple[str, ...]:
    """The columns' names: the first line's, each once, or their numbers."""
    if not rows:
        return ()
    if not header:
        return tuple(f"column_{place}" for place in range(1, len(rows[0]) + 1))
    return unique([cell.strip() for cell in rows[0]])


def unique(names: Sequence[str]) -> tuple[str, ...]:
    """Return ``names`` as whoever reads the file will call them, each once: ``price``, ``price_2``."""
    from cxai_runner.data.tables.names import unique as each_once

    return each_once(names)[0]
