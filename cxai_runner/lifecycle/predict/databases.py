"""Predictions written to a table of a database, in one transaction: all rows are there, or none.

A table is named by the URL of its database and, behind a ``#``, its own name: ``sqlite:///scores.db#predictions``,
``postgresql://user@host/shop#marketing.predictions``. Rejected rows go to ``<table>_rejected``. The table is made by
the predictions that go into it; one that is there already is refused, or replaced where that was asked for.
"""

from __future__ import annotations

import sqlite3
from abc import abstractmethod
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from cxai_runner.config.problems import Problem, UserError
from cxai_runner.data.engines.urls import engine_of, file_of, redacted
from cxai_runner.lifecycle.predict.files import Place

if TYPE_CHECKING:
    import pandas as pd

_MAGIC: Final = slice(8, 12)
"""Where a file of DuckDB says that it is one."""
_REMEDY: Final = "as in sqlite:///scores.db#predictions, duckdb:///…#… or postgresql://user@host/database#schema.table"


def open_table(url: str, *, overwrite: bool) -> Place:
    """Open a database and begin a transaction in it.

    Parameters
    ----------
    url
        The database, and behind ``#`` the table.
    overwrite
        Whether a table of that name is replaced.

    Raises
    ------
    UserError
        The URL names no table, the database cannot be opened, or the table is there already.
    """
    shown = redacted(url)
    database, _, table = url.partition("#")
    kind = _KINDS.get(engine_of(database) or "")
    if kind is None:
        raise UserError([Problem("--to", "no database that can be written to", shown, _REMEDY)])
    if not table:
        raise UserError([Problem("--to", "names no table", shown, _REMEDY)])
    try:
        place = kind(database, table, overwrite=overwrite)
        try:
            place.begin()  # SQLite looks at its file no sooner
        except BaseException:
            place.close()
            raise
    except _errors() as error:
        said = str(error).strip().splitlines() or [type(error).__name__]
        raise UserError([Problem("--to", f"cannot be opened: {redacted(said[0])}", shown)]) from None
    return place


class Table(Place):
    """A table that is written in one transaction.

    Parameters
    ----------
    database
        Its URL.
    table
        ``table``, or ``schema.table``.
    overwrite
        Whether a table of that name is replaced.
    """

    types: Mapping[str, str]
    """Of a whole number, a number, an instant and a truth value by the kind of their NumPy type; the rest is text."""
    text: str = "text"

    def __init__(self, database: str, table: str, *, overwrite: bool) -> None:
        self.shown = redacted(f"{database}#{table}")
        self.overwrite = overwrite
        self.names = {False: table, True: f"{table}_rejected"}
        self._made: set[bool] = set()
        self.connection: Any = self.connect(database)

    def begin(self) -> None:
        """Begin the transaction, and refuse or drop what has the table's name."""
        self.connection.execute("BEGIN")
        for name in self.names.values():
            if self.overwrite:
                self._drop(name)
            elif self.exists(name):
                told = f"has a table {name} already"
                raise UserError([Problem("--to", told, self.shown, "choose another name, or --overwrite")])

    def _drop(self, name: str) -> None:
        there = self.exists(name)
        try:
            self.connection.execute(f"DROP TABLE IF EXISTS {quoted(name)}")
        except _errors():
            if not there:
                raise
            told = f"has a {name} that is no table, a view perhaps"
            raise UserError([Problem("--to", told, self.shown, "choose another name")]) from None

    def write(self, rows: pd.DataFrame) -> None:
        """Take predicted rows."""
        self._insert(rows, rejected=False)

    def reject(self, rows: pd.DataFrame) -> None:
        """Take rejected rows."""
        self._insert(rows, rejected=True)

    def keep(self) -> None:
        """Commit."""
        self.connection.execute("COMMIT")

    def close(self) -> None:
        """Roll back what was not committed."""
        with suppress(*_errors()):  # nothing is left to roll back after a commit, or where the server is gone
            self.connection.execute("ROLLBACK")
        self.connection.close()

    def _insert(self, rows: pd.DataFrame, *, rejected: bool) -> None:
        name = quoted(self.names[rejected])
        if rejected not in self._made:
            columns = ", ".join(
                f"{quoted(str(one), whole=True)} {self.types.get(rows[one].dtype.kind, self.text)}" for one in rows
            )
            self.connection.execute(f"CREATE TABLE {name} ({columns})")
            self._made.add(rejected)
        self.insert(name, rows)

    @abstractmethod
    def connect(self, database: str) -> Any:
        """Open a connection on which a transaction is begun and ended by hand."""

    @abstractmethod
    def exists(self, name: str) -> bool:
        """Whether there is a table, or a view, of this name."""

    @abstractmethod
    def insert(self, name: str, rows: pd.DataFrame) -> None:
        """Insert rows into the table of this quoted name."""


class Sqlite(Table):
    """A table of SQLite."""

    types = {"i": "integer", "u": "integer", "f": "real", "M": "timestamp", "b": "boolean"}  # noqa: RUF012

    def connect(self, database: str) -> Any:
        """Open the file, which is made where there is none."""
        return sqlite3.connect(file_of(database), isolation_level=None)

    def exists(self, name: str) -> bool:
        """Whether there is a table, or a view, of this name."""
        found = self.connection.execute("SELECT 1 FROM sqlite_master WHERE lower(name) = lower(?)", [name])
        return found.fetchone() is not None

    def insert(self, name: str, rows: pd.DataFrame) -> None:
        """Insert rows; an instant is text as SQLite's own functions read it."""
        marks = ", ".join("?" * rows.shape[1])
        self.connection.executemany(f"INSERT INTO {name} VALUES ({marks})", _plain(rows))  # noqa: S608 - quoted


class DuckDB(Table):
    """A table of DuckDB."""

    types = {"i": "bigint", "u": "ubigint", "f": "double", "M": "timestamp", "b": "boolean"}  # noqa: RUF012

    def connect(self, database: str) -> Any:
        """Open the file, which is made where there is none; nothing else on this machine is within its reach."""
        import duckdb

        path = file_of(database)
        if path.is_file() and path.stat().st_size:
            with path.open("rb") as file:
                # A file of rows it would show as a database in memory, and forget what is written there.
                if file.read(_MAGIC.stop)[_MAGIC] != b"DUCK":
                    raise OSError("file is not a database of DuckDB")
        return duckdb.connect(str(path), config={"enable_external_access": "false"})

    def exists(self, name: str) -> bool:
        """Whether there is a table, or a view, of this name."""
        schema, _, table = name.rpartition(".")
        asked = "SELECT 1 FROM information_schema.tables WHERE lower(table_name) = lower(?) AND table_schema = ?"
        return self.connection.execute(asked, [table, schema or "main"]).fetchone() is not None

    def insert(self, name: str, rows: pd.DataFrame) -> None:
        """Insert rows by way of Arrow."""
        import pyarrow as pa

        self.connection.register("new_rows", pa.Table.from_pandas(rows, preserve_index=False))
        self.connection.execute(f"INSERT INTO {name} SELECT * FROM new_rows")  # noqa: S608 - quoted
        self.connection.unregister("new_rows")


class Postgres(Table):
    """A table of PostgreSQL."""

    types = {"i": "bigint", "u": "numeric", "f": "double precision", "M": "timestamp", "b": "boolean"}  # noqa: RUF012

    def connect(self, database: str) -> Any:
        """Connect; a password that the URL lacks comes from ``PGPASSWORD`` or the user's ``.pgpass``."""
        import psycopg

        return psycopg.connect(database, autocommit=True, connect_timeout=10)

    def exists(self, name: str) -> bool:
        """Whether there is a table, or a view, of this name."""
        return self.connection.execute("SELECT to_regclass(%s)", [quoted(name)]).fetchone()[0] is not None

    def insert(self, name: str, rows: pd.DataFrame) -> None:
        """Copy rows, which is many times as fast as inserting them."""
        with self.connection.cursor() as cursor, cursor.copy(f"COPY {name} FROM STDIN") as copy:
            for row in _plain(rows):
                copy.write_row(row)


_KINDS: Final[Mapping[str, type[Table]]] = {"sqlite": Sqlite, "duckdb": DuckDB, "postgres": Postgres}


def quoted(name: str, *, whole: bool = False) -> str:
    """Return a name as SQL takes it, whatever it holds: of a column whole, of a table with its schema before a dot."""
    parts = [name] if whole else name.split(".")
    return ".".join('"' + part.replace('"', '""') + '"' for part in parts)


def _plain(rows: pd.DataFrame) -> Iterable[tuple[Any, ...]]:
    """Rows as Python's own values, None where one is missing; instants as ISO 8601 texts."""
    columns = []
    for name in rows:
        column = rows[name]
        if column.dtype.kind == "M":
            column = column.dt.strftime("%Y-%m-%d %H:%M:%S.%f")
        columns.append(column.astype(object).where(column.notna(), None).tolist())
    return zip(*columns, strict=True)


def _errors() -> tuple[type[Exception], ...]:
    """What the drivers that are installed raise."""
    found: list[type[Exception]] = [sqlite3.Error, OSError, ImportError]
    for module in ("duckdb", "psycopg"):
        with suppress(ImportError):
            found.append(__import__(module).Error)
    return tuple(found)


def is_url(to: str) -> bool:
    """Whether a target names a database."""
    return "://" in to


def resolved(to: str) -> str:
    """Return a target with ``${oc.env:NAME}`` filled in.

    Raises
    ------
    UserError
        The variable is not set.
    """
    from cxai_runner.config.interpolation import resolve

    plain, problems = resolve({"--to": to})
    if problems:
        raise UserError(problems)
    return str(plain["--to"])
