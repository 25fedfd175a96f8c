"""From a table's files to raw rows: Parquet as it is, text as text. No value is judged.

A CSV is read as text and cast by us: DuckDB would stop at the first value that does not parse, or guess from a sample.
This way every such value is known, and `contracts` counts them. Names of views and tables tell what the files are and
how they are read, and nothing else: an expression of them is the same text in the next process.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from cxai_runner.config.problems import Problem
from cxai_runner.data.answers import made_of, row
from cxai_runner.data.files import fixed, text
from cxai_runner.data.files.copies import original
from cxai_runner.data.files.held import held
from cxai_runner.data.files.parts import BUFFER, check_last_part, has_parts
from cxai_runner.data.files.text import UnreadableError
from cxai_runner.data.files.transcode import as_utf8
from cxai_runner.data.tables.casts import cast
from cxai_runner.data.tables.mapping import PART
from cxai_runner.data.tables.staging import Raw

if TYPE_CHECKING:
    from ibis.backends.duckdb import Backend
    from ibis.expr.types import Table as IbisTable

    from cxai_runner.data.files.schema import TableFile

_SMALL: Final = 64 * 2**20
"""Bytes of text up to which files are parsed once into the engine's memory."""

_PACKED: Final = 8
"""How many times longer a packed text is taken to be."""

_LOOKED_AT: Final = 20_000
"""Rows by which the types of a text's columns are told."""

Parts = Mapping[Path, str]
"""What the config calls the part that each file is."""

_NONE: Final[Parts] = {}

_seen: dict[tuple[Any, ...], dict[str, Any]] = {}
"""What files of one state, read in one way, look like: one process may open them many times."""


@dataclass(frozen=True)
class _Writing:
    """How some of the files are written, and of which part they are; those that are alike are read at once."""

    names: tuple[str, ...]
    skip: int
    encoding: str
    packed: bool
    delimiter: str
    part: str | None = None


def read(table: TableFile, files: Sequence[Path], engine: Backend, parts: Parts = _NONE) -> Raw:
    """Return a table's raw rows; what is read now are the first lines of its files.

    Parameters
    ----------
    parts
        What the config calls the part that each file is; rows then say it in the column `mapping.PART`.

    Raises
    ------
    UnreadableError
        With the problem that keeps a file from being read; its key is relative to the table.
    duckdb.Error
        Where the engine cannot read it.
    """
    if not table.is_parquet:
        return _read_text(table, files, engine, parts)
    each: dict[str | None, list[Path]] = {}
    for path in files:
        each.setdefault(parts.get(path), []).append(path)
    rows = _together([_said(_parquet(paths, engine), part) for part, paths in each.items()], list(each.values()))
    return Raw(rows, dict(rows.schema().items()))


def _parquet(files: Sequence[Path], engine: Backend) -> IbisTable:
    rows = engine.read_parquet([str(path) for path in files], table_name=_name("parquet", _states(files)))
    made_of(rows, files)
    return rows


def _together(tables: Sequence[IbisTable], files: Sequence[Sequence[Path]]) -> IbisTable:
    """The rows of several parts, in columns that hold what any of them does: whole numbers beside others as numbers."""
    import ibis.expr.datatypes as dt
    from ibis.common.exceptions import IbisTypeError

    first, *others = tables
    for one, paths in zip(others, files[1:], strict=True):
        if sorted(one.columns) != sorted(first.columns):
            raise UnreadableError(_other_columns(files[0][0], first.columns, paths[0], one.columns))
    types = {}
    for column in first.columns:
        kinds = [one.schema()[column] for one in tables]
        try:
            types[column] = dt.highest_precedence(kinds)
        except IbisTypeError:
            number = next(number for number, kind in enumerate(kinds) if kind != kinds[0])
            told = f"`{column}` is {kinds[0]} in {original(files[0][0])} and {kinds[number]} in "
            remedy = "write it alike in all files of a table"
            raise UnreadableError(Problem("path", told + original(files[number][0]), remedy=remedy)) from None
    alike = [one.select(*first.columns).cast(types) if len(tables) > 1 else one for one in tables]
    return reduce(lambda rows, one: rows.union(one), alike)


def _said(rows: IbisTable, part: str | None) -> IbisTable:
    """Rows that say of which part they are, where that is told."""
    import ibis

    return rows if part is None else rows.mutate(**{PART: ibis.literal(part)})


def _read_text(table: TableFile, files: Sequence[Path], engine: Backend, parts: Parts) -> Raw:
    encoding = text.codec(table.encoding)
    if isinstance(encoding, Problem):
        raise UnreadableError(encoding)
    if table.is_fixed:
        written, places, notes = _lines(table, files, encoding, parts)
        heads = None
    else:
        written, heads = _values(table, files, encoding, parts)
        places, notes = {}, heads.notes
    views = {writing: _view(table, writing, paths, engine) for writing, paths in written.items()}
    if table.is_fixed:
        stop = not table.positions
        views = {writing: fixed.columns(view, places, table.nulls, stop=stop) for writing, view in views.items()}
    first, *others = (_said(view, writing.part) for writing, view in views.items())
    rows = first
    for one in others:
        rows = rows.union(one.select(*first.columns))
    size = sum(path.stat().st_size * (_PACKED if path.suffix == ".gz" else 1) for path in files)
    ways = sorted((str(writing), [str(path) for path in paths]) for writing, paths in written.items())
    name = _name("held", _states(files), ways, sorted(places.items()), *_spoken(table))
    seen = (name, table.formats, table.decimal, table.thousands)
    if seen not in _seen:
        _seen[seen] = _types(rows, table)
    types = _seen[seen] | ({PART: rows[PART].type()} if PART in rows.columns else {})  # a part may be called 1
    if size <= _SMALL:
        rows = held(engine, name, rows)
        made_of(rows, files)
    return Raw(rows, types, dict(heads.repeated) if heads is not None else {}, notes)


def _values(
    table: TableFile, files: Sequence[Path], encoding: str, parts: Parts
) -> tuple[dict[_Writing, list[Path]], text.Heading]:
    """How each file of separated values is written, and the heading that they share."""
    written: dict[_Writing, list[Path]] = {}
    first: text.Heading | None = None
    delimiter = table.delimiter
    for path in files:
        seen = text.look(path, encoding, original(path), table.quote)
        if delimiter is None:
            named = table.header if table.header is not None and not isinstance(table.header, bool) else None
            body = "".join(seen.text.splitlines(keepends=True)[table.skip :])
            delimiter = text.separator(body, table.quote, named, table.decimal)
        head = text.heading(seen, delimiter, table.quote, table.skip, table.header)
        if first is None:
            first = head
        elif sorted(head.names) != sorted(first.names):
            raise UnreadableError(_other_columns(files[0], first.names, path, head.names))
        writing, given = _writing(seen, head.names, head.skip, delimiter, parts.get(path)), _readable(seen)
        if not writing.packed:
            check_last_part(given, writing.encoding, head.names, delimiter, table.quote)
        written.setdefault(writing, []).append(given)
    if first is None:
        raise ValueError("a table without files")
    return written, first


def _lines(
    table: TableFile, files: Sequence[Path], encoding: str, parts: Parts
) -> tuple[dict[_Writing, list[Path]], dict[str, tuple[int, int]], tuple[str, ...]]:
    """How each file of lines is written, where the columns are, and what to tell of that."""
    written: dict[_Writing, list[Path]] = {}
    places = fixed.given(table.positions) if table.positions else {}
    notes: tuple[str, ...] = ()
    skip = table.skip + (table.header is True)
    for path in files:
        seen = text.look(path, encoding, original(path), quote="")
        if not places:
            places = fixed.found(seen.text, table.skip, table.header)
            there = [f"{name} {first}–{'' if last == fixed.END else last}" for name, (first, last) in places.items()]
            notes = (f"columns are where blanks part the first lines: {', '.join(there)}",)
        written.setdefault(_writing(seen, ("line",), skip, "\x1f", parts.get(path)), []).append(_readable(seen))
    return written, places, notes


def _writing(seen: text.Look, names: tuple[str, ...], skip: int, delimiter: str, part: str | None) -> _Writing:
    if not _as_it_is(seen):
        return _Writing(names, skip, "utf-8", False, delimiter, part)
    encoding = "latin-1" if seen.encoding == "iso8859-1" else "utf-8"
    return _Writing(names, skip, encoding, seen.packed, delimiter, part)


def _readable(seen: text.Look) -> Path:
    return seen.path if _as_it_is(seen) else as_utf8(seen, original(seen.path))


def _as_it_is(seen: text.Look) -> bool:
    """Whether the engine is given the file itself: not where it would have to unpack parts that it may pass over."""
    return seen.native and not (seen.packed and has_parts(seen.path))


def _view(table: TableFile, writing: _Writing, paths: Sequence[Path], engine: Backend) -> IbisTable:
    """Files that are written alike, as a view of text; nothing is left for the engine to guess."""
    quote = "" if table.is_fixed else table.quote
    options: dict[str, Any] = {
        "auto_detect": False,
        "header": False,
        "skip": writing.skip,
        "delim": writing.delimiter,
        "quote": quote,
        "escape": quote,
        "nullstr": ["", *table.nulls] if not table.is_fixed else [""],
        "encoding": writing.encoding,
        "compression": "gzip" if writing.packed else "none",
        "buffer_size": BUFFER,
    }
    name = _name("text", _states(paths), writing, *_spoken(table))
    columns = dict.fromkeys(writing.names, "VARCHAR")
    rows = engine.read_csv([str(path) for path in paths], table_name=name, columns=columns, **options)
    made_of(rows, paths)
    return rows


def _types(rows: IbisTable, table: TableFile) -> dict[str, Any]:
    """What each column of a text looks like, by its first rows: boolean, int64, float64, timestamp or string."""
    import ibis.expr.datatypes as dt

    sample = rows.limit(max(1_000, min(_LOOKED_AT, 400_000 // max(len(rows.columns), 1))))
    measures = {str(number): _kinds(sample[column], table).bit_and() for number, column in enumerate(rows.columns)}
    found = row(sample.aggregate(**measures))
    types = (dt.boolean, dt.int64, dt.float64, dt.Timestamp())
    return {
        column: next((kind for bit, kind in enumerate(types) if (found[str(number)] or 0) & 1 << bit), dt.string)
        for number, column in enumerate(rows.columns)
    }


def _kinds(value: Any, table: TableFile) -> Any:
    """What a value can be, as bits: boolean 1, whole number 2, number 4, date 8; null for one that is missing."""
    import ibis
    import ibis.expr.datatypes as dt

    marks = {"decimal": table.decimal or ".", "thousands": table.thousands or ""}
    point = marks["decimal"]
    whole = cast(value, dt.string, "integer", (), **marks)[0].notnull() & ~value.contains(point)
    # Numbers are not written with a zero before them; codes are, and 007 is not 7.
    code = value.startswith("0") & (value.length() > 1)
    return ibis.cases(
        (value.isnull() | (value.lower() == "nan"), None),
        (whole & ~value.lower().contains("e"), code.ifelse(0, 2 + 4)),
        (cast(value, dt.string, "number", (), **marks)[0].notnull(), 4),
        (value.lower().isin(["true", "false"]), 1),
        (cast(value, dt.string, "timestamp", table.formats)[0].notnull(), 8),
        else_=0,
    ).cast("int64")


def _other_columns(one: Path, have: Sequence[str], other: Path, got: Sequence[str]) -> Problem:
    lacks = ", ".join(f"`{name}`" for name in have if name not in got) or "none fewer"
    adds = ", ".join(f"`{name}`" for name in got if name not in have) or "none more"
    message = f"{original(other)} has other columns than {original(one)}: it lacks {lacks} and has {adds}"
    return Problem("path", message, remedy="read files of other columns as a table of their own")


def _states(files: Sequence[Path]) -> list[tuple[str, int, int]]:
    return [(str(path), path.stat().st_size, path.stat().st_mtime_ns) for path in files]


def _spoken(table: TableFile) -> tuple[Any, ...]:
    """What a config says of how text is written, as far as rows depend on it."""
    return table.quote, tuple(table.nulls), table.format


def _name(kind: str, *facts: Any) -> str:
    return f"{kind}_" + hashlib.blake2b(repr(facts).encode(), digest_size=16).hexdigest()
