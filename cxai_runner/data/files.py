"""A table in files: found, its header looked at, its columns mapped and typed. No row is judged.

A CSV is read as text and cast by us: DuckDB would stop at the first value that does not parse, or guess from a sample.
This way every such value is known, and `contracts` counts them.
"""

from __future__ import annotations

import glob
import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from cxai_runner.config.problems import Problem, did_you_mean
from cxai_runner.data import filters
from cxai_runner.data.casts import cast
from cxai_runner.data.standard import STANDARD
from cxai_runner.data.tables import Cast, MappedTable, keyed

if TYPE_CHECKING:
    from ibis.backends.duckdb import Backend
    from ibis.expr.types import Table as IbisTable

Type = Literal["key", "text", "integer", "number", "timestamp", "boolean"]

_HOLE = "{alternative}"

_SMALL = 64 * 2**20
"""Bytes of text up to which files are parsed once into the engine's memory."""


@dataclass(frozen=True, kw_only=True)
class TableFile:
    """A table in one or more files of the same columns.

    Parameters
    ----------
    path
        A file, or a pattern such as ``orders/*.parquet``; relative to the source's root.
    columns
        Standard name → the file's own. A column that is not named keeps its name. A pattern stands for several:
        ``price: "Price_{alternative}"`` maps ``Price_1`` to ``price_1``, and so on.
    where
        Which rows stay, by the names after mapping: ``{status: {not_in: [returned]}}``.
    types
        Types of columns whose own or standard type is not right, by the names after mapping.
    dates
        How dates are written, tried in order (``%d/%m/%Y``); ISO 8601 where there is none.
    format
        ``csv`` or ``parquet``; by the file's ending where it is not given.
    delimiter
        What separates values; found from the file where it is not given.
    header
        Whether the first line names the columns, or the names of a file that has no such line.
    nulls
        What stands for a missing value, beside nothing at all.
    encoding
        Of a CSV file.
    """

    path: str
    columns: Mapping[str, str | None] = field(default_factory=dict)
    where: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    types: Mapping[str, Type] = field(default_factory=dict)
    dates: str | Sequence[str] = ()
    format: Literal["csv", "parquet"] | None = None
    delimiter: str | None = None
    header: bool | Sequence[str] = True
    nulls: Sequence[str] = ()
    encoding: Literal["utf-8", "latin-1", "utf-16"] = "utf-8"

    @property
    def is_parquet(self) -> bool:
        """Whether the files are Parquet, as said or by their ending."""
        if self.format is not None:
            return self.format == "parquet"
        return self.path.lower().endswith((".parquet", ".pq"))

    @property
    def formats(self) -> tuple[str, ...]:
        """The date formats as a tuple, however they were written."""
        return (self.dates,) if isinstance(self.dates, str) else tuple(self.dates)

    def files(self, root: Path) -> tuple[Path, ...]:
        """The files that there are, sorted; none where the path or pattern meets none."""
        pattern = str(root / Path(self.path).expanduser())
        # A file whose own name has a bracket in it is meant before the pattern it looks like.
        found = [pattern] if Path(pattern).is_file() else glob.glob(pattern, recursive=True)  # noqa: PTH207
        return tuple(sorted(Path(one).resolve() for one in found if Path(one).is_file()))

    def spec(self) -> str:
        """Return the config as canonical text, without where the files lie."""
        settings = asdict(self)
        del settings["path"]
        return json.dumps(settings, sort_keys=True, default=str)


def absent(table: TableFile, root: Path) -> Iterator[Problem]:
    """Yield why there is nothing to open; keys relative to the table."""
    if "://" in table.path:
        yield Problem("path", "not a file on this machine", value=table.path, remedy="copy it here first")
        return
    files = table.files(root)
    if not files:
        yield _nothing_there(table, root)
    for path in files:
        if path.stat().st_size == 0:
            yield Problem("path", f"{path.name} is empty: not even a header", value=table.path)


def _nothing_there(table: TableFile, root: Path) -> Problem:
    path = root / Path(table.path).expanduser()
    if glob.has_magic(table.path):
        return Problem("path", "no file matches this pattern", value=table.path, remedy=f"looked from {root}")
    if path.is_dir():
        return Problem("path", "a folder, not a file", value=table.path, remedy=f"as in {table.path}/*.parquet")
    beside = [one.name for one in path.parent.iterdir()] if path.parent.is_dir() else []
    remedy = did_you_mean(path.name, beside) or f"looked in {path.parent}"
    return Problem("path", "no such file", value=table.path, remedy=remedy)


def open_table(name: str, table: TableFile, root: Path, engine: Backend) -> tuple[list[Problem], MappedTable | None]:
    """Open a table's files and map it; nothing is returned in its place where that cannot be done.

    Returns
    -------
    Problems with keys relative to the table, and the mapped table where there are none.
    """
    import duckdb

    files = table.files(root)
    problems = list(_bad_formats(table, engine))
    try:
        raw, guessed = _read(table, [str(path) for path in files], engine)
    except duckdb.Error as error:
        remedy = "say how it is written: data.encoding=latin-1, data.delimiter=';' or data.header=false, say"
        told = Problem("path", f"cannot be read: {_first_line(error)}", value=table.path, remedy=remedy)
        return [*problems, told], None
    mapping, misfits = _map(table, list(guessed))
    problems += misfits
    for column in table.types:
        if column not in mapping:
            problems.append(Problem(f"types.{column}", "no such column", remedy=did_you_mean(column, mapping)))
    staged, casts = _stage(name, table, raw, guessed, mapping)
    unmapped = {one.key.removeprefix("columns.") for one in misfits}
    for one in filters.problems(table.where, staged):
        if one.key not in unmapped:
            problems.append(_by_new_name(one, mapping).under("where"))
    if problems:
        return problems, None
    return [], MappedTable(
        name=name,
        staged=staged,
        columns=tuple(mapping),
        conditions=(*keyed(name, staged), *filters.conditions(table.where, staged)),
        casts=casts,
        files=files,
        spec=table.spec(),
    )


def _read(table: TableFile, files: list[str], engine: Backend) -> tuple[IbisTable, dict[str, Any]]:
    """The files as a table, and the type of each column: the file's own, or for a CSV what its first rows look like."""
    if table.is_parquet:
        raw = engine.read_parquet(files)
        return raw, dict(raw.schema().items())
    named = not isinstance(table.header, bool)
    options: dict[str, Any] = {
        "header": False if named else table.header,
        "nullstr": ["", *table.nulls],
        "encoding": table.encoding,
    }
    if named:
        options["names"] = list(table.header)  # type: ignore[arg-type] # not a bool here
    if table.delimiter is not None:
        options["delim"] = table.delimiter
    guessed = dict(engine.read_csv(files, **options).schema().items())
    return _held(engine.read_csv(files, all_varchar=True, **options), files, options, engine), guessed


def _held(raw: IbisTable, files: list[str], options: Mapping[str, Any], engine: Backend) -> IbisTable:
    """Small files of text as a table in the engine's memory, so that they are parsed once and not for every question.

    It is found again by what the files are and how they are read; a file that cannot be read to its end stays one,
    and is told by whoever asks for its rows.
    """
    import duckdb

    states = [(path, *_state(Path(path))) for path in files]
    if sum(size for _, size, _ in states) > _SMALL:
        return raw
    name = "held_" + hashlib.blake2b(repr((states, sorted(options.items()))).encode(), digest_size=16).hexdigest()
    try:
        return engine.create_table(name, raw, temp=True)
    except duckdb.CatalogException:  # held already
        return engine.table(name)
    except duckdb.Error:
        return raw


def _state(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_size, found.st_mtime_ns


def _bad_formats(table: TableFile, engine: Backend) -> Iterator[Problem]:
    import duckdb

    from cxai_runner.data.casts import parse_dates

    for written in table.formats:
        try:
            engine.execute(parse_dates("2017-12-31", [written]))
        except duckdb.Error:
            yield Problem("dates", "not a date format", value=written, remedy="as in %Y-%m-%d or %d/%m/%Y %H:%M")


def _map(table: TableFile, header: list[str]) -> tuple[dict[str, str], list[Problem]]:
    """Standard name → the file's own for every column there will be, and what is wrong with the mapping."""
    mapping: dict[str, str] = {}
    problems: list[Problem] = []
    for standard, own in table.columns.items():
        if own is None:
            continue
        found = _matches(standard, own, header)
        if not found:
            what = "no column matches this pattern" if _HOLE in own else "the file has no such column"
            problems.append(
                Problem(f"columns.{standard}", what, value=own, remedy=did_you_mean(own.replace(_HOLE, ""), header))
            )
        for name, source in found.items():
            if name in mapping:
                problems.append(Problem(f"columns.{standard}", f"`{name}` is mapped twice", value=own))
            mapping[name] = source
    taken = set(mapping.values())
    for own in header:
        if own in taken:
            continue
        if own in mapping:
            problems.append(
                Problem(
                    f"columns.{own}",
                    f"the file has a column `{own}` of its own",
                    value=mapping[own],
                    remedy=f"keep that one under another name: {own}_other: {own}",
                )
            )
        else:
            mapping[own] = own
    return mapping, problems


def _matches(standard: str, own: str, header: list[str]) -> dict[str, str]:
    """The columns that one entry of the mapping stands for, in the file's order."""
    if _HOLE not in own:
        return {standard: own} if own in header else {}
    before, _, after = own.partition(_HOLE)
    shape = re.compile(re.escape(before) + "(.+)" + re.escape(after))
    found = ((shape.fullmatch(column), column) for column in header)
    return {f"{standard}_{match[1]}": column for match, column in found if match}


def _stage(
    name: str, table: TableFile, raw: IbisTable, guessed: dict[str, Any], mapping: dict[str, str]
) -> tuple[IbisTable, tuple[Cast, ...]]:
    """All rows in standard columns, beside the raw values of each column that was cast."""
    expressions: dict[str, Any] = {}
    casts: list[Cast] = []
    for column, own in mapping.items():
        rule = STANDARD[name].rule(column)
        kind = table.types.get(column) or (rule.kind if rule else "any")
        expression, wanted = cast(raw[own], guessed[own], kind, table.formats)
        expressions[column] = expression
        if wanted:
            casts.append(Cast(column, f"raw {column}", wanted))
            expressions[f"raw {column}"] = raw[own].cast("string")
    return raw.select(**expressions), tuple(casts)


def _by_new_name(problem: Problem, mapping: dict[str, str]) -> Problem:
    """Tell somebody who filters by the file's name of a mapped column what it is called now."""
    for standard, source in mapping.items():
        if source == problem.key and standard != source:
            return replace(problem, message=f"mapped to `{standard}`", remedy=f"filter by that name: where.{standard}")
    return problem


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0].rstrip(".")
