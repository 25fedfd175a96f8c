"""PostgreSQL, read only: safe casts, frames by way of Arrow, and in words why a server does not let us in."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import ibis
import ibis.expr.datatypes as dt
import psycopg
import sqlglot as sg
import sqlglot.expressions as sge
from ibis.backends.postgres import Backend as IbisBackend
from ibis.backends.sql.compilers.postgres import PostgresCompiler
from psycopg.types import datetime as instants

from cxai_runner.config.problems import Problem, did_you_mean
from cxai_runner.data.engines import Opened, UnreachableError, called
from cxai_runner.data.engines.arithmetic import Rounding
from cxai_runner.data.engines.collation import CodePoints
from cxai_runner.data.engines.frames import Frames, arrow
from cxai_runner.data.engines.safe import SafeCasts
from cxai_runner.data.engines.urls import redacted

if TYPE_CHECKING:
    import pyarrow as pa
    from ibis.expr.types import Table as IbisTable

_PATIENCE = 10
"""Seconds to wait for a server to answer."""

_TABLES = """
    SELECT c.relname, has_table_privilege(c.oid, 'SELECT')
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = %s AND c.relkind IN ('r', 'p', 'v', 'm', 'f') ORDER BY 1
"""
_MADE_OF = """
    SELECT a.attname, CASE t.typtype WHEN 'd' THEN format_type(t.typbasetype, t.typtypmod) END
    FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_type t ON t.oid = a.atttypid
    WHERE n.nspname = %s AND c.relname = %s AND a.attnum > 0
    AND (t.typtype IN ('d', 'e') OR t.typname IN ('money', 'citext'))
"""
_SCHEMAS = "SELECT nspname FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'"


class _Compiler(Rounding, CodePoints, SafeCasts, PostgresCompiler):
    """Ibis's, with casts that give null where a value does not parse; Ibis's own stop there."""

    __slots__ = ()

    def matches(self, text: Any, pattern: str) -> Any:
        return sge.RegexpLike(this=text, expression=sge.convert(pattern))

    def sure(self, text: Any, to: Any) -> Any:
        return self.cast(text, to)

    def decimal(self, text: Any) -> Any:
        return self.cast(text, dt.Decimal())

    def whole(self, number: Any, to: Any) -> Any:
        """The nearest whole number, where a bigint can hold it; NaN is above everything here."""
        limit = sge.Literal.number("9200000000000000000")
        fits = sg.and_(number > -limit, number < limit)
        return sge.Case(ifs=[self.if_(fits, self.cast(self.f.round(number), to))])


class _Timestamps(instants.TimestampLoader):
    """Instants before the first that Python has, or after the last, are these: PostgreSQL has endless ones."""

    def load(self, data: Any) -> datetime:
        try:
            return super().load(data)
        except psycopg.DataError:
            return _nearest(data)


class _Zoned(instants.TimestamptzLoader):
    """Instants with a zone, alike."""

    def load(self, data: Any) -> datetime:
        try:
            return super().load(data)
        except psycopg.DataError:
            return _nearest(data).replace(tzinfo=UTC)


class _Dates(instants.DateLoader):
    """Days, alike."""

    def load(self, data: Any) -> date:
        try:
            return super().load(data)
        except psycopg.DataError:
            return _nearest(data).date()


def _nearest(data: Any) -> datetime:
    text = bytes(data)
    return datetime.min if text.startswith(b"-") or text.endswith(b"BC") else datetime.max


class Backend(Frames, IbisBackend):
    """A connection whose transactions only read, but for the frames that we send along."""

    compiler = _Compiler()

    def get_schema(self, name: str, *, catalog: str | None = None, database: str | None = None) -> Any:
        """Return a table's columns with their types: a domain is what it is made of; see Ibis.

        Enumerations and text without case, which compare and sort in ways of their own, sums of money, written by the
        rules of a country, and shapes, for which Ibis takes PostGIS to be there, are of no type that is known here:
        they are read as the text that the server makes of them.
        """
        found = dict(super().get_schema(name, catalog=catalog, database=database).items())
        for column, made_of in self.con.execute(_MADE_OF, (database or self.current_database, name)).fetchall():
            found[column] = self.compiler.type_mapper.from_string(made_of) if made_of else dt.unknown
        shapes = [column for column, kind in found.items() if kind.is_geospatial()]
        return ibis.schema(found | dict.fromkeys(shapes, dt.unknown))

    def fetch(self, expr: Any, params: Any, limit: Any) -> pa.Table:
        """Return the rows of a table expression as Arrow of its schema's types."""
        self._run_pre_execute_hooks(expr)
        with self.con.cursor() as cursor, self.con.transaction():
            rows = cursor.execute(self.compile(expr, params=params, limit=limit)).fetchall()
        return arrow(rows, expr.schema())

    def fetch_some(self, expr: Any, size: int) -> Iterator[pa.Table]:
        """Yield the rows of a table expression, ``size`` at a time, from a cursor on the server."""
        self._run_pre_execute_hooks(expr)
        with self.con.transaction(), self.con.cursor("cxai_rows") as cursor:
            cursor.execute(self.compile(expr))
            while rows := cursor.fetchmany(size):
                yield arrow(rows, expr.schema())

    def _register_in_memory_table(self, op: Any) -> None:
        """Send a frame along as a temporary table, in a transaction that may write; it can write nothing else."""
        name = sg.to_identifier(op.name, quoted=True)
        definition = sge.Schema(this=name, expressions=op.schema.to_sqlglot_column_defs(self.dialect))
        temporary = sge.Properties(expressions=[sge.TemporaryProperty()])
        create = sge.Create(kind="TABLE", this=definition, properties=temporary)
        rows = op.data.to_pyarrow(op.schema).to_pylist()
        with self.con.transaction(), self.con.cursor() as cursor:
            cursor.execute("SET TRANSACTION READ WRITE")
            cursor.execute(create.sql(self.dialect))
            with cursor.copy(f"COPY {name.sql(self.dialect)} FROM STDIN") as copy:
                for row in rows:
                    copy.write_row(list(row.values()))
            cursor.execute(f"ANALYZE {name.sql(self.dialect)}")


def open_database(url: str, schema: str | None, threads: int) -> Opened:
    """Open a database by its URL; see `engines.open_database`."""
    del threads  # the server's own affair
    try:
        connection = psycopg.connect(url, autocommit=True, connect_timeout=_PATIENCE, application_name="cxai")
    except (psycopg.Error, UnicodeError) as error:
        raise UnreachableError(_refusal(url, str(error))) from None
    connection.adapters.register_loader("timestamp", _Timestamps)
    connection.adapters.register_loader("timestamptz", _Zoned)
    connection.adapters.register_loader("date", _Dates)
    connection.execute("SET default_transaction_read_only = on")
    backend = Backend.from_connection(connection)
    name = schema or "public"
    found = connection.execute(_TABLES, (name,)).fetchall()
    if not found:
        schemas = [row[0] for row in connection.execute(_SCHEMAS).fetchall()]
        if name not in schemas:
            raise UnreachableError(Problem("schema", "no such schema", value=name, remedy=did_you_mean(name, schemas)))
    about = connection.info
    return Opened(
        backend=backend,
        place=f"postgresql://{about.host or 'localhost'}:{about.port}/{about.dbname}",
        tables=tuple(table for table, _ in found),
        unreadable=frozenset(table for table, may_read in found if not may_read),
        schema=name,
    )


def _refusal(url: str, said: str) -> Problem:  # noqa: PLR0911 - a line a reason
    """What the driver said, as a problem; nothing of it is shown that could hold the password."""
    shown, where = redacted(url), _where(url)
    absent = re.search(r'database "([^"]*)" does not exist', said)
    if absent:
        return Problem("url", f"no database `{absent[1]}` there", value=shown, remedy=_other_database(url, absent[1]))
    if "password authentication failed" in said or "no password supplied" in said:
        missing = "no password supplied" in said
        told = "the server asks for a password, and the URL has none" if missing else "the server refuses the password"
        remedy = "check the variable that the URL comes from; a character such as @ or / is written %40 or %2F in it"
        return Problem("url", told, value=shown, remedy=remedy)
    role = re.search(r'role "([^"]*)" does not exist', said)
    if role:
        return Problem("url", f"the server knows no user `{role[1]}`", value=shown, remedy="check the URL's user")
    if "no pg_hba.conf entry" in said:
        return Problem("url", "the server lets nobody in from here", value=shown, remedy="ask who runs the server")
    if "does not support SSL" in said:
        return Problem("url", "the server knows no SSL, and the URL requires it", value=shown, remedy="?sslmode=prefer")
    if re.search(r"refused|timeout|translate host|resolve|No such file|not known|unreachable", said):
        return Problem("url", f"no server answers at {where}", value=shown, remedy="check host and port, or start it")
    return Problem("url", "no URL of a PostgreSQL database", value=shown, remedy=_EXAMPLE)


_EXAMPLE = "as in postgresql://user:password@host:5432/database"


def _where(url: str) -> str:
    parts = urlsplit(url)
    try:
        return f"{parts.hostname or 'localhost'}:{parts.port or 5432}"
    except ValueError:
        return parts.hostname or "localhost"


def _other_database(url: str, absent: str) -> str:
    """The nearest database on the same server, where it tells."""
    try:
        with psycopg.connect(url, dbname="postgres", connect_timeout=_PATIENCE) as connection:
            names = connection.execute("SELECT datname FROM pg_database WHERE NOT datistemplate").fetchall()
    except psycopg.Error:
        return "check the end of the URL"
    return did_you_mean(absent, (row[0] for row in names if row[0] != "postgres")) or "check the end of the URL"


def hashed_by(table: IbisTable) -> str:
    """Name the algorithm and the version of the engine, whose own hash it is."""
    (backend,), _ = table._find_backends()
    return f"rowsum-postgresql-{backend.con.info.server_version // 10000}"


def row_sums(table: IbisTable, names: Sequence[str]) -> dict[str, Any]:
    """Sum two differently salted hashes of every row, written as PostgreSQL writes a row: no two rows alike."""
    row = called("format", ["%s", called("row", [table[name] for name in names], "json")], "string")
    sums = {salt: called("hashtextextended", [row, salt], "int64").cast("decimal(38, 0)").sum() for salt in (1, 2)}
    return {f"sum {salt}": total.cast("string") for salt, total in sums.items()}


def errors() -> tuple[type[Exception], ...]:
    """Return what the engine raises when rows cannot be read."""
    return (psycopg.Error,)
