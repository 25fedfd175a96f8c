"""SQLite, read only: every value looked at, since a column holds what was put into it and not what it was declared as.

Instants are text here. They are brought into one form, ``2017-12-31 18:30:00`` with six more digits where there is a
fraction: as text it sorts as the instants do, and it is how Ibis writes an instant in a query.
"""

from __future__ import annotations

import hashlib
import re
import sqlite3
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import ibis.expr.datatypes as dt
import sqlglot as sg
import sqlglot.expressions as sge
from ibis.backends.sql.compilers.sqlite import SQLiteCompiler
from ibis.backends.sqlite import Backend as IbisBackend
from ibis.expr import operations as ops

from cxai_runner.config.problems import Problem
from cxai_runner.data.engines import Opened, UnreachableError, called, written
from cxai_runner.data.engines.arithmetic import Rounding
from cxai_runner.data.engines.frames import Frames, OddValueError, arrow
from cxai_runner.data.engines.urls import file_of

if TYPE_CHECKING:
    import pyarrow as pa
    from ibis.expr.types import Table as IbisTable

_DAY = "[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]"
_SECOND = f"{_DAY}[ T][0-9][0-9]:[0-9][0-9]:[0-9][0-9]"
_NUMBER, _INSTANT, _MIDNIGHT = (re.compile(one) for one in (written.NUMBER, written.INSTANT, written.MIDNIGHT))
_DASHED = re.compile(r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}($|[ T][0-9]{1,2}:)")
_ADDED = (ops.TryCast, ops.IsInf, ops.IsNan)


class _Compiler(Rounding, SQLiteCompiler):
    """Ibis's, with casts that give null where a value does not parse, and instants in one form."""

    __slots__ = ()

    UNSUPPORTED_OPS = tuple(op for op in SQLiteCompiler.UNSUPPORTED_OPS if op not in _ADDED)

    def visit_IsInf(self, op: Any, *, arg: Any) -> Any:  # noqa: N802 - Ibis's names
        return arg.isin(self.POS_INF, self.NEG_INF)

    def visit_IsNan(self, op: Any, *, arg: Any) -> Any:  # noqa: N802 - SQLite keeps NaN as null
        return sge.false()

    def visit_Cast(self, op: Any, *, arg: Any, to: Any) -> Any:  # noqa: N802
        if to.is_timestamp() and not op.arg.dtype.is_numeric():
            return self._instant(arg)
        return super().visit_Cast(op, arg=arg, to=to)

    def visit_TryCast(self, op: Any, *, arg: Any, to: Any) -> Any:  # noqa: N802
        kind = self.f.typeof(arg)
        number = kind.isin(sge.convert("integer"), sge.convert("real"))
        if to.is_timestamp():
            return self._instant(arg)
        if to.is_boolean():
            return self.f.anon.cxai_truth(arg)
        if to.is_floating():
            parsed = self.f.anon.cxai_number(arg)
            return sge.Case(ifs=[self.if_(number, self.cast(arg, dt.float64))], default=parsed)
        if to.is_integer():
            return sge.Case(
                ifs=[self.if_(kind.eq(sge.convert("integer")), arg)],
                default=self.f.anon.cxai_whole(arg),
            )
        return self.cast(arg, to)

    def _instant(self, arg: Any) -> Any:
        """An instant in its one form. The engine knows the two usual forms of it; ours, which is slow, any other."""
        usual = sg.or_(
            sge.Glob(this=arg, expression=sge.convert(_SECOND)), sge.Glob(this=arg, expression=sge.convert(_DAY))
        )
        # SQLite takes 31 February for a day in March, once it has to reckon with it.
        there_is = self.f.anon.date(arg, sge.convert("+0 days")).eq(self.f.anon.substr(arg, 1, 10))
        return sge.Case(
            ifs=[self.if_(sg.and_(usual, there_is), self.f.anon.datetime(arg))], default=self.f.anon.cxai_instant(arg)
        )


class Backend(Frames, IbisBackend):
    """A connection to a file that is opened for reading; frames that we send along stay in memory."""

    compiler = _Compiler()

    def fetch(self, expr: Any, params: Any, limit: Any) -> pa.Table:
        """Return the rows of a table expression as Arrow of its schema's types."""
        self._run_pre_execute_hooks(expr)
        with self._safe_raw_sql(self.compile(expr, params=params, limit=limit)) as cursor:
            return arrow(cursor.fetchall(), expr.schema())

    def fetch_some(self, expr: Any, size: int) -> Iterator[pa.Table]:
        """Yield the rows of a table expression, ``size`` at a time."""
        self._run_pre_execute_hooks(expr)
        with self._safe_raw_sql(self.compile(expr)) as cursor:
            while rows := cursor.fetchmany(size):
                yield arrow(rows, expr.schema())

    def _register_in_memory_table(self, op: Any) -> None:
        table = sg.table(op.name, quoted=True, catalog="temp")
        insert = self._build_insert_template(op.name, schema=op.schema, catalog="temp", columns=True)
        rows = [[_sent(value) for value in row.values()] for row in op.data.to_pyarrow(op.schema).to_pylist()]
        with self.begin() as cursor:
            cursor.execute(self._generate_create_table(table, op.schema).sql(self.dialect))
            cursor.executemany(insert, rows)


def _sent(value: Any) -> Any:
    return value.isoformat(sep=" ") if isinstance(value, datetime) else value


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, str) and _NUMBER.match(value) else None


def _whole(value: Any) -> int | None:
    """The nearest whole number, as DuckDB casts; None where there is none, or none of 64 bits."""
    number = value if isinstance(value, float) else _number(value)
    if number is None or not abs(number) < 2**63:
        return None
    try:
        return int(value) if isinstance(value, str) else round(number)
    except ValueError:
        return round(number)


def _truth(value: Any) -> bool | None:
    text = str(value).lower()
    return True if text in written.TRUE else False if text in written.FALSE else None


def _instant(value: Any) -> str | None:
    # Python's ISO 8601 is wider than what is a date elsewhere: 20171231, 2017-W52-7, 2017-12-31T18.
    if not isinstance(value, str) or not _DASHED.match(value):
        return None
    if _MIDNIGHT.match(value):
        day = _loose(value.replace("T", " ").partition(" ")[0])
        return None if day is None else (day + timedelta(days=1)).isoformat(sep=" ")
    found: datetime | None
    try:
        found = datetime.fromisoformat(value)
    except ValueError:
        found = _loose(value)
    if found is None:
        return None
    return (found.astimezone(UTC).replace(tzinfo=None) if found.tzinfo else found).isoformat(sep=" ")


def _loose(value: str) -> datetime | None:
    """An instant without its leading zeros: 2017-1-2 9:30."""
    if not _INSTANT.match(value):
        return None
    day, _, time = value.removesuffix("Z").replace("T", " ").partition(" ")
    year, month, date = day.split("-")
    hour, minute, second = [*(time or "0:00").split(":"), "0"][:3]
    whole, _, fraction = second.partition(".")
    micro = int(fraction[:6].ljust(6, "0")) if fraction else 0
    return datetime(int(year), int(month), int(date), int(hour), int(minute), int(whole), micro)


class _RowSum:
    """The sum of a 128-bit hash of every row; the repr of a row tells 1, 1.0, '1' and a missing value apart."""

    def __init__(self) -> None:
        self.sum = 0

    def step(self, *row: Any) -> None:
        self.sum += int.from_bytes(hashlib.blake2b(repr(row).encode(), digest_size=16).digest(), "little")

    def finalize(self) -> str:
        return str(self.sum)


def open_database(url: str, schema: str | None, threads: int) -> Opened:
    """Open a database file for reading; see `engines.open_database`."""
    del schema, threads  # one file is one schema, and one thread reads it
    path = file_of(url).absolute()
    connection = sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, check_same_thread=False)
    try:
        found = connection.execute(_TABLES).fetchall()
    except sqlite3.DatabaseError as error:
        connection.close()
        raise UnreachableError(Problem("url", f"cannot be read: {error}", value=url)) from None
    backend = Backend.from_connection(connection)
    for name, function in _FUNCTIONS.items():
        connection.create_function(name, 1, function, deterministic=True)
    connection.create_aggregate("cxai_row_sum", -1, _RowSum)  # type: ignore[arg-type]
    views = frozenset(name for name, kind in found if kind == "view")
    return Opened(backend, str(path), tuple(name for name, _ in found), views=views)


_TABLES = "SELECT name, type FROM sqlite_master WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite_%' ORDER BY 1"
_FUNCTIONS = {"cxai_number": _number, "cxai_whole": _whole, "cxai_truth": _truth, "cxai_instant": _instant}


def hashed_by(table: IbisTable) -> str:
    """Name the algorithm: the engine has no hash of its own, so it is ours."""
    return "rowsum-sqlite-blake2b"


def row_sums(table: IbisTable, names: Sequence[str]) -> dict[str, Any]:
    """Sum a hash of every row."""
    return {"sum 1": called("cxai_row_sum", [table[name] for name in names], "string", aggregate=True)}


def errors() -> tuple[type[Exception], ...]:
    """Return what the engine raises when rows cannot be read."""
    return (sqlite3.Error, OddValueError)
