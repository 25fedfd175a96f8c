"""Where engines differ, and nowhere else: the same expressions give the same frames on each of them.

DuckDB is the measure. The other engines get a backend of ours that adds what Ibis leaves out (casts that give null
where a value does not parse, whether a number is finite), brings every result home by way of Arrow and the same
conversion to pandas, and can tell in words why it could not be reached. Their modules load Ibis and a driver; they are
imported when a connection is asked for.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from inspect import Parameter, Signature
from typing import TYPE_CHECKING, Any

from cxai_runner.config.problems import Problem
from cxai_runner.data.engines.urls import engine_of, redacted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import pandas as pd
    from ibis.backends import BaseBackend
    from ibis.expr.types import Table as IbisTable
    from ibis.expr.types import Value

MODULES = {"postgres": "postgres", "sqlite": "sqlite", "pyspark": "spark", "duckdb": "duckdb"}
"""Ibis's name of an engine → the module here that knows it."""


class UnreachableError(Exception):
    """A database or an object that cannot be had, with the problem that says why; its key is relative to its source."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        super().__init__(problem.message)


@dataclass(frozen=True, eq=False)
class Opened:
    """A database that can be read.

    Parameters
    ----------
    backend
        The connection.
    place
        What it is, for a reader: no user, no password.
    tables
        The names of its tables and views in the schema that was asked for.
    unreadable
        Those of them that this user may not read.
    views
        Those of them that are views: what they hold may depend on the clock.
    schema
        Catalog and schema of the tables, as Ibis takes them; None for the engine's default.
    """

    backend: BaseBackend
    place: str
    tables: tuple[str, ...]
    unreadable: frozenset[str] = frozenset()
    views: frozenset[str] = frozenset()
    schema: tuple[str, str] | str | None = None


def open_database(url: str, schema: str | None, threads: int) -> Opened:
    """Open the database that ``url`` means, and list what it holds now.

    Parameters
    ----------
    schema
        Where its tables are; the engine's default where none is given.
    threads
        How many threads an engine within this process may use.

    Raises
    ------
    UnreachableError
        With the reason in words.
    """
    engine = engine_of(url)
    if engine is None:
        raise ValueError(f"no engine is meant by {redacted(url)}")
    opened: Opened = _module(engine).open_database(url, schema, threads)
    return opened


def name_of(value: Any) -> str:
    """Return Ibis's name of the engine that an expression runs on; frames in memory and literals run on DuckDB."""
    backends, _ = value._find_backends()
    return str(backends[0].name) if backends else "duckdb"


def stored(value: Value) -> Value:
    """Return a column as what its engine really holds.

    SQLite holds any value in any column, whatever the column was declared as: its type is open until it is looked at.
    """
    if name_of(value) != "sqlite":
        return value
    # `likely(x)` is x. Ibis takes it for a type that nothing here has, so that no cast of it is left out.
    return called("likely", [value], "json")


_TRIMS = {"postgres": "btrim", "pyspark": "btrim"}
_BLANKS = " \t\u00a0\u2007\u202f"
"""Spaces, tabs, and the blanks at which no line is broken: a spreadsheet's, and those between digits."""


def trimmed(text: Any) -> Any:
    """Return text without the blanks around it, on every engine the same."""
    return called(_TRIMS.get(name_of(text), "trim"), [text, _BLANKS], "string")


def called(function: str, values: Sequence[Any], result: str, *, aggregate: bool = False) -> Any:
    """Return the engine's own ``function`` of any number of values, which Ibis has no word for."""
    import ibis

    def stub(*_: Any) -> None:
        """Stand for the engine's function; Ibis reads the names of its arguments."""

    names = [Parameter(f"x{number}", Parameter.POSITIONAL_OR_KEYWORD) for number in range(len(values))]
    stub.__signature__ = Signature(names)  # type: ignore[attr-defined]
    types = tuple(value.type() if hasattr(value, "type") else ibis.literal(value).type() for value in values)
    kind = ibis.udf.agg if aggregate else ibis.udf.scalar
    return kind.builtin(stub, name=function, signature=(types, result))(*values)


def row_sums(table: IbisTable, names: Sequence[str]) -> dict[str, Any]:
    """Return the measures that sum a hash of every row over ``names``: order is nothing, a row twice is something."""
    find: Callable[[IbisTable, Sequence[str]], dict[str, Any]] = _module(name_of(table)).row_sums
    return find(table, names)


def hashed_by(table: IbisTable) -> str:
    """Return the name of the algorithm behind `row_sums`, with the version of the engine where it is the engine's."""
    return str(_module(name_of(table)).hashed_by(table))


def stream(table: IbisTable, size: int) -> Iterator[pd.DataFrame]:
    """Yield what ``table.execute()`` returns, about ``size`` rows at a time, in one pass.

    Until the last is read nothing else may be asked of the connection. Spark's rows are all fetched first.
    """
    if name_of(table) == "duckdb":
        found: Iterator[pd.DataFrame] = _module("duckdb").stream(table, size)
    else:
        found = table._find_backend().stream(table, size)
    yield from found


def errors(table: IbisTable) -> tuple[type[Exception], ...]:
    """Return what an engine raises when rows cannot be read."""
    found: tuple[type[Exception], ...] = _module(name_of(table)).errors()
    return found


def _module(name: str) -> Any:
    return importlib.import_module(f"{__name__}.{MODULES[name]}")
