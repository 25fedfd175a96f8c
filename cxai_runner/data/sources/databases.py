"""Tables of a database: asked where they are, by the expressions that files are asked with, and never written to.

Whatever a database calls a whole number, a decimal or an instant becomes the one type that stands for it here, so that
the same rows make the same frames wherever they live.
"""

from __future__ import annotations

import glob
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from cxai_runner.config.problems import Problem, did_you_mean
from cxai_runner.data import connect, engines
from cxai_runner.data.answers import made_of
from cxai_runner.data.engines import Opened, written
from cxai_runner.data.engines.urls import engine_of, file_of
from cxai_runner.data.sources.base import SourceOfTables
from cxai_runner.data.sources.unreachable import of_the_url
from cxai_runner.data.tables import mapping
from cxai_runner.data.tables.casts import EPOCHS
from cxai_runner.data.tables.settings import TableSettings
from cxai_runner.data.tables.staging import Raw, staged

if TYPE_CHECKING:
    from cxai_runner.data.tables.mapped import MappedTable


@dataclass(frozen=True, kw_only=True)
class DatabaseTable(TableSettings):
    """A table or view of a database.

    Parameters
    ----------
    table
        What the database calls it; the standard name where none is given.
    path
        On Spark, Parquet or CSV files in place of a table of the catalog.
    version
        What the table holds, in a word of yours: it stands for the digest of its rows, which are then not read for
        one. Another version is other data; the same version is taken at its word.
    """

    table: str | None = None
    path: str | None = None
    version: str | int | None = None


@dataclass(frozen=True, kw_only=True)
class DatabaseSource(SourceOfTables):
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

    settings: ClassVar[type[TableSettings]] = DatabaseTable

    def _unopenable(self) -> Iterator[Problem]:
        yield from super()._unopenable()
        yield from of_the_url(self.url)
        engine = engine_of(self.url)
        if self.schema is not None and engine == "sqlite":
            yield Problem("schema", "SQLite has no schemas", value=self.schema, remedy="remove it")
        for name, table in self.tables.items():
            if table.path is not None and engine not in {"pyspark", None}:
                remedy = "remove it, or read files as files: data=csv, data=parquet"
                yield Problem(f"tables.{name}.path", "only Spark reads files here", value=table.path, remedy=remedy)

    def places(self) -> Iterator[str]:
        """Yield its tables; on Spark the local files that are named in place of one."""
        for name, table in self.tables.items():
            if table.path is None:
                schema = "" if self.schema is None else f"{self.schema}."
                yield f"{self.url}#{schema}{table.table or name}"
            else:
                path = table.path.removeprefix("file://")
                yield from glob.glob(path)  # noqa: PTH207 - a pattern, as Spark takes one
                yield from (str(one) for one in Path(path).glob("*"))

    def _each(self) -> Iterator[tuple[str, list[Problem], MappedTable | None]]:
        opened = engines.open_database(self.url, self.schema, connect.threads())
        for name, table in self.tables.items():
            yield name, *_mapped(name, table, opened, self._files)

    @property
    def _files(self) -> tuple[Path, ...]:
        """The files that a database is, or may come to be: while they do not change, no answer does."""
        if engine_of(self.url) not in {"sqlite", "duckdb"}:
            return ()
        path = file_of(self.url).absolute()
        logs = (path.with_name(path.name + ending) for ending in ("-wal", ".wal"))
        return (path, *logs)  # a log of writes is one of them


def _mapped(
    name: str, table: DatabaseTable, opened: Opened, files: tuple[Path, ...]
) -> tuple[list[Problem], MappedTable | None]:
    """Map one table; nothing is returned in its place where that cannot be done."""
    own = table.table or name
    problems = [*_bad_formats(table), *_unreadable(table, own, opened)]
    if problems:
        return problems, None
    try:
        raw = _read(table, own, opened)
        if files and own not in opened.views:
            made_of(raw.rows, files)
    except Exception as error:  # drivers and Ibis between them raise what they like of a view that is broken
        key, value = ("table", own) if table.path is None else ("path", table.path)
        remedy = "Spark reads instants to the microsecond: write them so" if "TIMESTAMP(NANOS" in str(error) else ""
        return [Problem(key, f"cannot be read: {_first_line(error)}", value=value, remedy=remedy)], None
    numbered = [standard for standard, column in table.columns.items() if column == mapping.ROW]
    unordered = "the rows of a database have no order to number them by"
    problems = [Problem(f"columns.{one}", unordered, value=mapping.ROW, remedy="name a column") for one in numbered]
    columns = {standard: column for standard, column in table.columns.items() if standard not in numbered}
    misfits, mapped = staged(name, replace(table, columns=columns), raw, "table")
    problems += misfits
    if mapped is None or problems:
        return problems, None
    return [], replace(
        mapped,
        files=files,
        spec=table.spec(schema=str(opened.schema)),
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


def _read(table: DatabaseTable, own: str, opened: Opened) -> Raw:
    """The table as the database has it, and the type of each column."""
    if opened.backend.name != "pyspark":
        rows = opened.backend.table(own, database=opened.schema)
        return Raw(rows, dict(rows.schema().items()))
    from cxai_runner.data.engines import spark

    if table.path is None:
        rows = spark.table(opened, own)
        return Raw(rows, dict(rows.schema().items()))
    kind = "csv" if re.search(r"\.(csv|txt)(\.[a-z0-9]+)?/?$", table.path.lower()) else "parquet"
    rows = spark.read(opened, table.path, kind)
    return Raw(rows, dict(rows.schema().items()) if kind == "parquet" else spark.guessed(rows))


def _bad_formats(table: DatabaseTable) -> Iterator[Problem]:
    for form in (one for one in table.formats if one not in EPOCHS):
        try:
            written.shape(form)
        except ValueError as error:
            remedy = "as in %Y-%m-%d or %d/%m/%Y %H:%M"
            yield Problem("dates", f"not a date format: {error}", value=form, remedy=remedy)


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
