"""Tables of a database: asked where they are, by the expressions that files are asked with, and never written to.

Whatever a database calls a whole number, a decimal or an instant becomes the one type that stands for it here, so that
the same rows make the same frames wherever they live.
"""

from __future__ import annotations

import importlib.util
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from cxai_runner.config.problems import Problem, UserError, did_you_mean, under
from cxai_runner.data import connect, filters, mapping
from cxai_runner.data.answers import made_of
from cxai_runner.data.casts import cast
from cxai_runner.data.engines import MODULES, Opened, UnreachableError, stored, written
from cxai_runner.data.engines.urls import engine_of, file_of, redacted
from cxai_runner.data.sources import Source, unjoinable
from cxai_runner.data.standard import STANDARD
from cxai_runner.data.tables import Cast, MappedTable, Tables, keyed, raw_name

if TYPE_CHECKING:
    from ibis.expr.types import Table as IbisTable
    from ibis.expr.types import Value

Type = Literal["key", "text", "integer", "number", "timestamp", "boolean"]

_KNOWN = "it begins with postgresql://, sqlite:///, duckdb:///, spark:// or local"

_DRIVERS = {"postgres": ("psycopg", "postgresql"), "pyspark": ("pyspark", "spark")}
"""Engine → the package that it takes, and the extra that installs it."""


@dataclass(frozen=True, kw_only=True)
class DatabaseTable:
    """A table or view of a database.

    Parameters
    ----------
    table
        What the database calls it; the standard name where none is given.
    path
        On Spark, Parquet or CSV files in place of a table of the catalog.
    columns
        Standard name → the table's own. A column that is not named keeps its name. A pattern stands for several:
        ``price: "price_of_{alternative}"``. A column mapped to null keeps its name.
    where
        Which rows stay, by the names after mapping: ``{status: {not_in: [returned]}}``.
    types
        Types of columns whose own or standard type is not right, by the names after mapping.
    dates
        How dates in columns of text are written, tried in order (``%d/%m/%Y``); ISO 8601 where there is none.
    version
        What the table holds, in a word of yours: it stands for the digest of its rows, which are then not read for
        one. Another version is other data; the same version is taken at its word.
    """

    table: str | None = None
    path: str | None = None
    columns: Mapping[str, str | None] = field(default_factory=dict)
    where: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    types: Mapping[str, Type] = field(default_factory=dict)
    dates: str | Sequence[str] = ()
    version: str | int | None = None

    @property
    def formats(self) -> tuple[str, ...]:
        """The date formats as a tuple, however they were written."""
        return (self.dates,) if isinstance(self.dates, str) else tuple(self.dates)


@dataclass(frozen=True, kw_only=True)
class DatabaseSource(Source):
    """Tables of one database: PostgreSQL, SQLite, DuckDB or Spark.

    The connection only reads: SQLite and DuckDB files are opened so, and PostgreSQL is told so. What is sent along (the
    ids of one side of a split, say) goes into temporary tables that end with the connection.

    Parameters
    ----------
    url
        ``postgresql://user:password@host:5432/database``, ``sqlite:///shop.db``, ``duckdb:///shop.duckdb`` (a path from
        the root has a fourth slash), or a master of Spark's: ``local``, ``spark://host:7077``, ``yarn``. A password
        belongs into the environment: ``${oc.env:SHOP_URL}``.
    schema
        Where the tables are: ``public`` on PostgreSQL, ``main`` on DuckDB and the current one on Spark where none is
        given; SQLite has none.
    tables
        Standard name of each table → the database's: a `DatabaseTable`, or a mapping of its fields.
    """

    url: str
    schema: str | None = None
    tables: Mapping[str, DatabaseTable] = field(default_factory=dict)

    def __post_init__(self) -> None:
        made = {str(name): _table(str(name), table) for name, table in self.tables.items()}
        object.__setattr__(self, "tables", made)

    def problems(self) -> Iterator[Problem]:
        """Yield what is wrong, told without reading a row; keys relative to ``data``."""
        yield from self._opened[0]

    def open(self) -> Tables:
        """Return the tables under their standard names; nothing is read yet."""
        problems, mapped = self._opened
        if problems:
            raise UserError(under("data", problems))
        return Tables(mapped, self.note)

    @cached_property
    def _opened(self) -> tuple[list[Problem], list[MappedTable]]:
        """Everything wrong with the database or any table, and the tables that could be mapped."""
        engine = engine_of(self.url)
        problems = [*self._unnamed(), *self._unopenable(engine)]
        if problems or engine is None:
            return problems, []
        try:
            opened = _open(engine, self.url, self.schema, connect.threads())
        except UnreachableError as error:
            return [error.problem], []
        mapped: list[MappedTable] = []
        for name, table in self.tables.items():
            found, one = _mapped(name, table, opened, self._files(engine))
            problems += under(f"tables.{name}", found)
            mapped += [one] if one is not None else []
        return problems + list(unjoinable(mapped)), mapped

    def _files(self, engine: str) -> tuple[Path, ...]:
        """The files that a database is, or may come to be: while they do not change, no answer does."""
        if engine not in {"sqlite", "duckdb"}:
            return ()
        path = file_of(self.url).absolute()
        logs = (path.with_name(path.name + ending) for ending in ("-wal", ".wal"))
        return (path, *logs)  # a log of writes is one of them

    def _unnamed(self) -> Iterator[Problem]:
        if not self.tables:
            yield Problem("tables", "no table is given", remedy="one of: " + ", ".join(STANDARD))
        for name in self.tables:
            if name not in STANDARD:
                yield Problem(f"tables.{name}", "no such standard table", remedy=did_you_mean(name, STANDARD))

    def _unopenable(self, engine: str | None) -> Iterator[Problem]:
        """What keeps the database from being opened at all, told without trying."""
        shown = redacted(self.url)
        if engine is None:
            told = "no URL of a database that can be read"
            yield Problem("url", told, value=shown, remedy=_KNOWN)
            return
        package, extra = _DRIVERS.get(engine, ("ibis", ""))
        if importlib.util.find_spec(package) is None:
            yield Problem(
                "url",
                f"needs the package `{package}`, which is not installed",
                value=shown,
                remedy=f"python -m pip install 'cxai[{extra}]'",
            )
        if engine in {"sqlite", "duckdb"}:
            yield from _no_file(self.url)
        if self.schema is not None and engine == "sqlite":
            yield Problem("schema", "SQLite has no schemas", value=self.schema, remedy="remove it")
        for name, table in self.tables.items():
            if table.path is not None and engine != "pyspark":
                remedy = "remove it, or read files as files: data=csv, data=parquet"
                yield Problem(f"tables.{name}.path", "only Spark reads files here", value=table.path, remedy=remedy)


def _open(engine: str, url: str, schema: str | None, threads: int) -> Opened:
    """Open a database, and list what it holds now."""
    module = importlib.import_module(f"cxai_runner.data.engines.{MODULES[engine]}")
    opened: Opened = module.open_database(url, schema, threads)
    return opened


def _table(name: str, table: DatabaseTable | Mapping[str, Any]) -> DatabaseTable:
    if isinstance(table, DatabaseTable):
        return table
    known = [one.name for one in fields(DatabaseTable)]
    problems = [
        Problem(f"data.tables.{name}.{key}", "no such key of a table", remedy=did_you_mean(key, known))
        for key in table
        if key not in known
    ]
    if problems:
        raise UserError(problems)
    return DatabaseTable(**table)


def _no_file(url: str) -> Iterator[Problem]:
    path, shown = file_of(url), redacted(url)
    if path.is_file():
        return
    if path.is_dir():
        yield Problem("url", "a folder, not a file", value=shown, remedy="name the database file in it")
        return
    rooted = Path("/") / path
    scheme = url.partition("://")[0]
    if rooted.is_file():
        remedy = f"a path from the root has four slashes: {scheme}:///{rooted}"
    else:
        folder = path.absolute().parent
        beside = [one.name for one in folder.iterdir()] if folder.is_dir() else []
        remedy = (
            did_you_mean(path.name, beside) if did_you_mean(path.name, beside)[:3] == "did" else f"looked in {folder}"
        )
    yield Problem("url", "no such file", value=shown, remedy=remedy)


def _mapped(
    name: str, table: DatabaseTable, opened: Opened, files: tuple[Path, ...]
) -> tuple[list[Problem], MappedTable | None]:
    """Map one table; nothing is returned in its place where that cannot be done."""
    own = table.table or name
    problems = [*_bad_formats(table), *_unreadable(table, own, opened)]
    if problems:
        return problems, None
    try:
        raw, guessed = _read(table, own, opened)
        if files and own not in opened.views:
            made_of(raw, files)
    except Exception as error:  # drivers and Ibis between them raise what they like of a view that is broken
        key, value = ("table", own) if table.path is None else ("path", table.path)
        remedy = "Spark reads instants to the microsecond: write them so" if "TIMESTAMP(NANOS" in str(error) else ""
        return [Problem(key, f"cannot be read: {_first_line(error)}", value=value, remedy=remedy)], None
    names, problems = _fitted(table, list(guessed))
    misfits = tuple(problems)
    for column in table.types:
        if column not in names:
            problems.append(Problem(f"types.{column}", "no such column", remedy=did_you_mean(column, names)))
    staged, casts = _staged(name, table, raw, guessed, names)
    problems += mapping.misfiltered(table.where, staged, names, misfits)
    if problems:
        return problems, None
    return [], MappedTable(
        name=name,
        staged=staged,
        columns=tuple(names),
        conditions=(*keyed(name, staged), *filters.conditions(table.where, staged)),
        casts=casts,
        key=f"tables.{name}",
        files=files,
        spec=json.dumps({**asdict(table), "schema": str(opened.schema)}, sort_keys=True, default=str),
        place=f"{opened.place} {own if table.path is None else table.path}",
        version=None if table.version is None else str(table.version),
    )


def _unreadable(table: DatabaseTable, own: str, opened: Opened) -> Iterator[Problem]:
    """What keeps a table from being read at all."""
    if table.path is not None:
        if table.table is not None:
            yield Problem("path", "a table is given too", value=table.path, remedy="keep one of `table` and `path`")
    elif own not in opened.tables:
        remedy = did_you_mean(own, opened.tables) or f"looked in {opened.place}"
        yield Problem("table", "no such table", value=own, remedy=remedy)
    elif own in opened.unreadable:
        yield Problem("table", "this user may not read it", value=own, remedy=f"GRANT SELECT ON {own} TO …")


def _fitted(table: DatabaseTable, header: list[str]) -> tuple[dict[str, str], list[Problem]]:
    """Standard name → the table's own, and what is wrong with the mapping."""
    rows = [standard for standard, own in table.columns.items() if own == mapping.ROW]
    asked = {standard: own for standard, own in table.columns.items() if own != mapping.ROW}
    names, misfits = mapping.mapped(asked, header, "table")
    unordered = "the rows of a database have no order to number them by"
    problems = [Problem(f"columns.{one}", unordered, value=mapping.ROW, remedy="name a column") for one in rows]
    return names, [*problems, *misfits]


def _read(table: DatabaseTable, own: str, opened: Opened) -> tuple[IbisTable, dict[str, Any]]:
    """The table as the database has it, and the type of each column."""
    if opened.backend.name == "pyspark":
        from cxai_runner.data.engines import spark

        if table.path is None:
            raw = spark.table(opened, own)
            return raw, dict(raw.schema().items())
        kind = "csv" if re.search(r"\.(csv|txt)(\.[a-z0-9]+)?/?$", table.path.lower()) else "parquet"
        raw = spark.read(opened, table.path, kind)
        return raw, dict(raw.schema().items()) if kind == "parquet" else spark.guessed(raw)
    raw = opened.backend.table(own, database=opened.schema)
    return raw, dict(raw.schema().items())


def _staged(
    name: str, table: DatabaseTable, raw: IbisTable, guessed: Mapping[str, Any], names: Mapping[str, str]
) -> tuple[IbisTable, tuple[Cast, ...]]:
    """All rows in standard columns, beside the raw values of each column that was cast."""
    expressions: dict[str, Any] = {}
    casts: list[Cast] = []
    for column, own in names.items():
        rule = STANDARD[name].rule(column)
        kind = table.types.get(column) or (rule.kind if rule else "any")
        expression, wanted = cast(raw[own], guessed[own], kind, table.formats)
        expressions[column] = _plain(expression)
        if wanted:
            casts.append(Cast(column, raw_name(column), wanted))
            expressions[raw_name(column)] = _plain(stored(raw[own]).cast("string"))
    return raw.select(**expressions), tuple(casts)


def _plain(value: Value) -> Value:
    """Return a value as the one type that stands for its kind, whatever width, scale or zone the database gave it."""
    kind = value.type()
    tests = {"is_boolean": "boolean", "is_integer": "int64", "is_numeric": "float64", "is_temporal": "timestamp"}
    wanted = next((plain for test, plain in tests.items() if getattr(kind, test)()), "string")
    return value.cast(wanted)


def _bad_formats(table: DatabaseTable) -> Iterator[Problem]:
    for form in table.formats:
        try:
            written.shape(form)
        except ValueError as error:
            remedy = "as in %Y-%m-%d or %d/%m/%Y %H:%M"
            yield Problem("dates", f"not a date format: {error}", value=form, remedy=remedy)


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
