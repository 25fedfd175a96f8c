"""A table in files: found, its header looked at, its columns mapped and typed. No row is judged."""

from __future__ import annotations

import glob
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

from annotated_types import Ge

from cxai_runner.config.problems import Problem, did_you_mean
from cxai_runner.data import computed, filters, mapping
from cxai_runner.data.casts import cast
from cxai_runner.data.remote import UnreachableError, fetch, is_remote, shown
from cxai_runner.data.standard import STANDARD
from cxai_runner.data.tables import Cast, MappedTable, keyed, raw_name

if TYPE_CHECKING:
    from ibis.backends.duckdb import Backend
    from ibis.expr.types import Table as IbisTable

    from cxai_runner.data.reading import Raw

Type = Literal["key", "text", "integer", "number", "timestamp", "boolean"]

_HERE: Final = "{here}"
"""In a remedy, the path of the table's keys, which only its source knows."""


@dataclass(frozen=True, kw_only=True)
class TableFile:
    """A table in one or more files of the same columns.

    Parameters
    ----------
    path
        A file, a pattern such as ``orders/*.parquet`` (relative to the source's root), or an address
        (``s3://bucket/orders/*.parquet``).
    columns
        Standard name → the file's own. A column that is not named keeps its name. A pattern stands for several:
        ``price: "Price_{alternative}"`` maps ``Price_1`` to ``price_1``, and so on. ``{row}`` is the row's number. A
        rule makes a column of others: ``revenue: {product_of: [Quantity, Price]}``; see `computed`.
    where
        Which rows stay, by the names after mapping: ``{status: {not_in: [returned]}}``.
    types
        Types of columns whose own or standard type is not right, by the names after mapping.
    dates
        How dates are written, tried in order (``%d/%m/%Y``); ISO 8601 where there is none.
    format
        ``csv`` (any separated values), ``fixed`` (columns at fixed positions) or ``parquet``; by the file's ending
        where it is not given.
    delimiter
        What separates values; found from the file where it is not given.
    header
        Whether the first line names the columns, or the names of a file that has no such line. Where it is not given,
        a CSV has one, unless it looks like values, and a file of fixed columns has none.
    skip
        How many lines stand before the header.
    quote
        What stands around a value that holds delimiters or line ends; empty where quotes are only text.
    nulls
        What stands for a missing value, beside nothing at all.
    encoding
        Of a text file: any that Python knows. A byte order mark goes first.
    decimal, thousands
        The marks with which numbers are written, where they are not written as 1234.5.
    positions
        Of fixed columns: name → first and last position, counted from 1. Found from the blanks that run through the
        first lines where none are given.
    long
        Of a panel with one row per occasion and alternative: ``alternative`` → the column that names it, ``chosen`` →
        the column that is 1 where it was chosen.
    """

    path: str
    columns: Mapping[str, str | Mapping[str, Any] | None] = field(default_factory=dict)
    where: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    types: Mapping[str, Type] = field(default_factory=dict)
    dates: str | Sequence[str] = ()
    format: Literal["csv", "fixed", "parquet"] | None = None
    delimiter: str | None = None
    header: bool | Sequence[str] | None = None
    skip: Annotated[int, Ge(0)] = 0
    quote: str = '"'
    nulls: Sequence[str] = ()
    encoding: str = "utf-8"
    decimal: str | None = None
    thousands: str | None = None
    positions: Mapping[str, Sequence[int]] = field(default_factory=dict)
    long: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_parquet(self) -> bool:
        """Whether the files are Parquet, as said or by their ending."""
        if self.format is not None:
            return self.format == "parquet"
        return self.path.lower().endswith((".parquet", ".pq"))

    @property
    def is_fixed(self) -> bool:
        """Whether the files are text in fixed columns."""
        return self.format == "fixed"

    @property
    def formats(self) -> tuple[str, ...]:
        """The date formats as a tuple, however they were written."""
        return (self.dates,) if isinstance(self.dates, str) else tuple(self.dates)

    def spec(self) -> str:
        """Return the config as canonical text, without where the files lie."""
        settings = asdict(self)
        del settings["path"]
        return json.dumps(settings, sort_keys=True, default=str)


@dataclass(frozen=True)
class Found:
    """The files that a table's path stands for.

    Parameters
    ----------
    files
        Where they are on this machine, sorted.
    notes
        What a reader should know of how they came here.
    problems
        Why there is nothing to open; keys relative to the table.
    """

    files: tuple[Path, ...] = ()
    notes: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()


def find(table: TableFile, root: Path) -> Found:
    """Find a table's files; those on other machines are copied here first."""
    local = table.path.removeprefix("file://")
    if is_remote(local):
        try:
            copies = fetch(local)
        except UnreachableError as error:
            return Found(problems=(error.problem,))
        return Found(tuple(path for path, _ in copies), tuple(note for _, note in copies))
    pattern = str(root / Path(local).expanduser())
    # A file whose own name has a bracket in it is meant before the pattern it looks like.
    matches = [pattern] if Path(pattern).is_file() else glob.glob(pattern, recursive=True)  # noqa: PTH207
    files = tuple(sorted(Path(one).resolve() for one in matches if Path(one).is_file()))
    problems = [] if files else [_nothing_there(table, root)]
    problems += [
        Problem("path", f"{path.name} is empty: not even a header", value=table.path)
        for path in files
        if path.stat().st_size == 0
    ]
    return Found(files, problems=tuple(problems))


def _nothing_there(table: TableFile, root: Path) -> Problem:
    path = root / Path(table.path).expanduser()
    if glob.has_magic(table.path):
        return Problem("path", "no file matches this pattern", value=table.path, remedy=f"looked from {root}")
    if path.is_dir():
        return Problem("path", "a folder, not a file", value=table.path, remedy=f"as in {table.path}/*.parquet")
    beside = [one.name for one in path.parent.iterdir()] if path.parent.is_dir() else []
    remedy = did_you_mean(path.name, beside) or f"looked in {path.parent}"
    return Problem("path", "no such file", value=table.path, remedy=remedy)


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

    from cxai_runner.data.malformed import malformed
    from cxai_runner.data.panels import REASONS
    from cxai_runner.data.text import UnreadableError

    problems = [*_bad_marks(table)]
    if problems:
        return problems, None
    problems += _bad_formats(table, engine)
    if problems:  # what else is wrong can be told without them
        table = replace(table, dates=())
    try:
        own, made = computed.told_apart(table.columns)
        untold, raw, columns = _raw(name, table, own, found, engine)
    except UnreadableError as error:
        return [*problems, replace(error.problem, value=_said(table, error.problem))], None
    except duckdb.Error as error:
        return [*problems, malformed(error, found.files, _HERE)], None
    if raw is None:
        return [*problems, *untold], None
    hidden = tuple(REASONS) if table.long else ()
    names, misfits = mapping.mapped(columns, [one for one in raw.types if one not in hidden], repeated=raw.repeated)
    problems += misfits
    for column in table.types:
        if column not in names:
            problems.append(Problem(f"types.{column}", "no such column", remedy=did_you_mean(column, names)))
    staged, casts = _stage(name, table, raw, names, hidden)
    wrong = list(computed.problems(made, staged, names))
    problems += wrong
    if not wrong:
        staged = computed.added(made, staged, names)
        problems += mapping.misfiltered(table.where, staged, names, misfits)
    if problems:
        return problems, None
    unusable = [filters.Condition(staged[one] == 0, REASONS[one]) for one in hidden]
    return [], MappedTable(
        name=name,
        staged=staged,
        columns=(*names, *made),
        conditions=(*keyed(name, staged), *unusable, *filters.conditions(table.where, staged)),
        casts=casts,
        files=found.files,
        spec=table.spec(),
        notes=(*found.notes, *raw.notes),
    )


def _raw(
    name: str, table: TableFile, columns: Mapping[str, str | None], found: Found, engine: Backend
) -> tuple[list[Problem], Raw | None, Mapping[str, str | None]]:
    """A table's raw rows and how its columns are mapped; a long panel's as one of a wide panel is."""
    from cxai_runner.data.panels import widened
    from cxai_runner.data.reading import read

    raw = read(table, found.files, engine)
    if mapping.ROW in columns.values():
        raw = _numbered(raw)
    if not table.long:
        return [], raw, columns
    if name != "panel":
        told = f"only a panel has alternatives, and this is a table of {name}"
        return [Problem("long", told, remedy="leave it out")], None, columns
    problems, wide = widened(raw, table.long, columns, found.files)
    return (problems, None, columns) if wide is None else ([], wide.raw, wide.columns)


def _said(table: TableFile, problem: Problem) -> Any:
    """What the config says at the key of a problem: a reader looks for it there."""
    value = getattr(table, problem.key, problem.value)
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

    from cxai_runner.data.casts import parse_dates

    for written in table.formats:
        try:
            engine.execute(parse_dates("2017-12-31", [written]))
        except duckdb.Error:
            yield Problem("dates", "not a date format", value=written, remedy="as in %Y-%m-%d or %d/%m/%Y %H:%M")


def _stage(
    name: str, table: TableFile, raw: Raw, names: Mapping[str, str], hidden: Sequence[str]
) -> tuple[IbisTable, tuple[Cast, ...]]:
    """All rows in standard columns, beside the raw values of each column that was cast."""
    expressions: dict[str, Any] = {}
    casts: list[Cast] = []
    for column, own in names.items():
        rule = STANDARD[name].rule(column)
        kind = table.types.get(column) or (rule.kind if rule else "any")
        marks = {"decimal": table.decimal or ".", "thousands": table.thousands or ""}
        expression, wanted = cast(raw.rows[own], raw.types[own], kind, table.formats, **marks)
        expressions[column] = expression
        if wanted:
            casts.append(Cast(column, raw_name(column), wanted))
            expressions[raw_name(column)] = raw.rows[own].cast("string")
    return raw.rows.select(**expressions, **{one: raw.rows[one] for one in hidden}), tuple(casts)
