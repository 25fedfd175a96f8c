"""From a table in files to a standard table: found, its header looked at, its rows staged. No row is judged."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from cxai_runner.config.problems import Problem
from cxai_runner.data.files.malformed import malformed
from cxai_runner.data.files.panels import widened
from cxai_runner.data.files.reading import read
from cxai_runner.data.files.remote import is_remote, shown
from cxai_runner.data.files.text import UnreadableError
from cxai_runner.data.tables import computed, mapping
from cxai_runner.data.tables.casts import EPOCHS, parse_dates
from cxai_runner.data.tables.staging import Raw, staged
from cxai_runner.data.tables.standard import STANDARD

if TYPE_CHECKING:
    from ibis.backends.duckdb import Backend

    from cxai_runner.data.files.finding import Found
    from cxai_runner.data.files.schema import TableFile
    from cxai_runner.data.tables.mapped import MappedTable

_HERE: Final = "{here}"
"""In a remedy, the path of the table's keys, which only its source knows."""


def open_table(
    name: str, table: TableFile, found: Found, engine: Backend, key: str = ""
) -> tuple[list[Problem], MappedTable | None]:
    """Open a table's files and map it; nothing is returned in its place where that cannot be done.

    Parameters
    ----------
    name
        Its standard name.
    found
        Its files.
    key
        Where its config is, below ``data``.

    Returns
    -------
    Problems with keys relative to the table, and the mapped table where there are none.
    """
    problems, mapped = _open(name, table, found, engine)
    spoken = f"data.{key}." if key else "data."
    return [replace(one, remedy=one.remedy.replace(_HERE, spoken)) for one in problems], mapped


def _open(name: str, table: TableFile, found: Found, engine: Backend) -> tuple[list[Problem], MappedTable | None]:
    import duckdb

    problems = [*_bad_marks(table), *_unparted(name, table)]
    if problems:
        return problems, None
    problems += _bad_formats(table, engine)
    if problems:  # what else is wrong can be told without them
        table = replace(table, dates=())
    try:
        untold, raw, settings = _raw(name, table, found, engine)
    except UnreadableError as error:
        return [*problems, replace(error.problem, value=_said(table, error.problem))], None
    except duckdb.Error as error:
        return [*problems, malformed(error, found.files, _HERE)], None
    if raw is None:
        return [*problems, *untold], None
    misfits, mapped = staged(name, settings, raw)
    problems += misfits
    if mapped is None or problems:
        return problems, None
    return [], replace(mapped, files=found.files, spec=table.spec(), notes=(*found.notes, *mapped.notes))


def _raw(name: str, table: TableFile, found: Found, engine: Backend) -> tuple[list[Problem], Raw | None, TableFile]:
    """A table's raw rows and how its columns are mapped; a long panel's as one of a wide panel is."""
    raw = read(table, found.files, engine, found.parts)
    own, rules = computed.told_apart(table.columns)
    if found.parts:
        problem = _said_twice(table.columns, raw)
        if problem is not None:
            return [problem], None, table
        table = replace(table, columns={**table.columns, "part": mapping.PART})
        own = {**own, "part": mapping.PART}
    if mapping.ROW in own.values():
        raw = _numbered(raw)
    if not table.long:
        return [], raw, table
    if name != "panel":
        told = f"only a panel has alternatives, and this is a table of {name}"
        return [Problem("long", told, remedy="leave it out")], None, table
    problems, wide = widened(raw, table.long, own, found.files)
    if wide is None:
        return problems, None, table
    return [], wide.raw, replace(table, columns={**wide.columns, **rules})


def _said_twice(columns: Mapping[str, Any], raw: Raw) -> Problem | None:
    """A column `part` of files whose path says it already: one that is made, or keeps its name."""
    given = columns.get("part")
    other = f"keep it under another name: {_HERE}columns.part_other={given or 'part'}"
    if given is not None:
        told = "`path` says already of which part each file is"
        return Problem("columns.part", told, given, "leave it out, or " + other)
    if "part" in raw.types and "part" not in columns.values():
        told = "the files have a column `part` of their own, and `path` says of which part each is"
        return Problem("columns.part", told, remedy=f"{other}; or name the files by one pattern")
    return None


def _unparted(name: str, table: TableFile) -> Iterator[Problem]:
    """Parts of a table that no split divides, where they would be taken for something that is known of a row."""
    if isinstance(table.path, str) or STANDARD[name].rule("part") is not None:
        return
    divided = " and ".join(one for one, standard in STANDARD.items() if standard.rule("part") is not None)
    told = f"only {divided} have parts, and this is a table of {name}"
    yield Problem("path", told, remedy="name its files by one pattern")


def _said(table: TableFile, problem: Problem) -> Any:
    """What the config says at the key of a problem: a reader looks for it there."""
    value = getattr(table, problem.key, problem.value)
    if isinstance(value, Mapping):  # the problem names the file
        return problem.value
    return shown(value) if problem.key == "path" and is_remote(str(value)) else value


def _numbered(raw: Raw) -> Raw:
    """The rows with their number, from 1."""
    import ibis
    import ibis.expr.datatypes as dt

    rows = raw.rows.mutate(**{mapping.ROW: ibis.row_number() + 1})
    return replace(raw, rows=rows, types={**raw.types, mapping.ROW: dt.int64})


def _bad_marks(table: TableFile) -> Iterator[Problem]:
    """Marks that are none, or that are taken for two things."""
    for key in ("decimal", "thousands", "quote"):
        mark = getattr(table, key)
        if mark is not None and (len(mark) > 1 or (mark == "" and key == "decimal")):
            yield Problem(key, "one character", value=mark)
    if table.delimiter == "":
        yield Problem("delimiter", "at least one character", value="", remedy="null finds it from the file")
    for key, other in (("decimal", "thousands"), ("decimal", "delimiter"), ("thousands", "delimiter")):
        mark = getattr(table, key)
        if mark and mark == getattr(table, other):
            yield Problem(key, f"`{other}` is the same mark", value=mark)


def _bad_formats(table: TableFile, engine: Backend) -> Iterator[Problem]:
    import duckdb

    for written in (one for one in table.formats if one not in EPOCHS):
        try:
            engine.execute(parse_dates("2017-12-31", [written]))
        except duckdb.Error:
            yield Problem("dates", "not a date format", value=written, remedy="as in %Y-%m-%d or %d/%m/%Y %H:%M")
