"""DuckDB, as the engine of files and as a database in a file of its own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cxai_runner.config.problems import Problem, did_you_mean
from cxai_runner.data import connect
from cxai_runner.data.answers import State, state_of
from cxai_runner.data.connect import open_locked
from cxai_runner.data.engines import Opened, UnreachableError, called
from cxai_runner.data.engines.frames import as_pandas
from cxai_runner.data.engines.urls import file_of

if TYPE_CHECKING:
    import pandas as pd
    from ibis.backends.duckdb import Backend
    from ibis.expr.types import Table as IbisTable


def open_database(url: str, schema: str | None, threads: int) -> Opened:
    """Open a database file for reading; see `engines.open_database`."""
    import duckdb

    del threads  # those of this process, as for files
    path = file_of(url).absolute()
    try:
        backend = _connection(path)
    except duckdb.Error as error:
        written_to = "Could not set lock" in str(error)
        told = "another process is writing to it" if written_to else "no DuckDB database that can be read"
        remedy = "wait until it is done, or copy the file" if written_to else f"DuckDB says: {_line(error)}"
        raise UnreachableError(Problem("url", told, value=url, remedy=remedy)) from None
    name = schema or "main"
    # Ibis's own list of tables asks for a column that DuckDB 2 no longer has.
    found = backend.con.execute(_TABLES, [name]).fetchall()
    if not found:
        schemas = [row[0] for row in backend.con.execute(_SCHEMAS).fetchall()]
        if name not in schemas:
            raise UnreachableError(Problem("schema", "no such schema", value=name, remedy=did_you_mean(name, schemas)))
    views = frozenset(table for table, kind in found if kind == "VIEW")
    return Opened(backend, str(path), tuple(table for table, _ in found), views=views, schema=name)


_connections: dict[Path, tuple[State, Backend]] = {}


def _connection(path: Path) -> Backend:
    """Return this process's connection to a file: DuckDB shares what is open already, and that is locked.

    A file that was replaced is another: what was open of the old one is closed, or it would be shared on.
    """
    state = state_of([path])
    if path in _connections:
        before, backend = _connections[path]
        if before == state:
            return backend
        backend.disconnect()
    backend = open_locked((), connect.threads(), path)
    _connections[path] = (state, backend)
    return backend


_TABLES = """
    SELECT table_name, table_type FROM information_schema.tables
    WHERE table_schema = ? AND table_catalog = current_database() ORDER BY 1
"""
_SCHEMAS = """
    SELECT schema_name FROM information_schema.schemata
    WHERE catalog_name = current_database() AND schema_name NOT IN ('information_schema', 'pg_catalog')
"""


def _line(error: Exception) -> str:
    return str(error).strip().splitlines()[0]


def hashed_by(table: IbisTable) -> str:
    """Name the algorithm and the version of the engine, whose own hash it is."""
    from importlib.metadata import version

    return f"rowsum-duckdb-{version('duckdb')}"


def row_sums(table: IbisTable, names: Sequence[str]) -> dict[str, Any]:
    """Sum a hash of every row, and a hash of that: two rows that change must make up for each other in both."""
    row = called("hash", [table[name] for name in names], "uint64")
    # The engine adds whole numbers in 128 bits; the cast keeps Ibis from reading the sum as 64.
    sums = {"sum 1": row.sum(), "sum 2": called("hash", [row], "uint64").sum()}
    return {name: value.cast("decimal(38, 0)") for name, value in sums.items()}


def stream(table: IbisTable, size: int) -> Iterator[pd.DataFrame]:
    """Yield the rows of a table expression, about ``size`` at a time, while the engine goes on."""
    import pyarrow as pa

    backend = table._find_backend(use_default=True)
    schema = table.schema()
    for batch in backend._to_duckdb_relation(table).to_arrow_reader(size):
        yield as_pandas(pa.Table.from_batches([batch]), schema)


def errors() -> tuple[type[Exception], ...]:
    """Return what the engine raises when rows cannot be read."""
    import duckdb

    return (duckdb.Error,)
