"""Spark: casts that do not guess, frames by way of Arrow, tables of a catalog and files that the cluster reads."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import ibis
import ibis.expr.datatypes as dt
import sqlglot.expressions as sge
from ibis.backends.pyspark import Backend as IbisBackend
from ibis.backends.sql.compilers.pyspark import PySparkCompiler
from py4j.protocol import Py4JJavaError
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession

from cxai_runner.config.problems import Problem, did_you_mean
from cxai_runner.data.engines import Opened, UnreachableError, called, written
from cxai_runner.data.engines.arithmetic import Rounding
from cxai_runner.data.engines.frames import Frames
from cxai_runner.data.engines.safe import SafeCasts

if TYPE_CHECKING:
    import pyarrow as pa
    from ibis.expr.types import Table as IbisTable


_MALFORMED: Final = re.compile(r"\[MALFORMED_CSV_RECORD\] Malformed CSV record: (.*?) SQLSTATE", re.DOTALL)
_FILE: Final = re.compile(r"Encountered error while reading file (.*?)\.\s+SQLSTATE")
_CAUSE: Final = re.compile(r"^Caused by: (?:[\w.$]+: )?(.*)$", re.MULTILINE)
_SHOWN: Final = 80


class _Compiler(Rounding, SafeCasts, PySparkCompiler):
    """Ibis's, with casts that take a date for a date; Spark's own take ``12:30`` for a time of today."""

    __slots__ = ()

    def matches(self, text: Any, pattern: str) -> Any:
        return self.f.anon.rlike(text, sge.convert(pattern))

    def sure(self, text: Any, to: Any) -> Any:
        return sge.TryCast(this=text, to=self.type_mapper.from_ibis(to), safe=True)

    def decimal(self, text: Any) -> Any:
        return self.sure(text, dt.Decimal(38, 10))

    def whole(self, number: Any, to: Any) -> Any:
        return self.sure(self.f.round(number), to)


class Backend(Frames, IbisBackend):
    """A session."""

    compiler = _Compiler()

    def fetch(self, expr: Any, params: Any, limit: Any) -> pa.Table:
        """Return the rows of a table expression as Arrow of its schema's types."""
        from ibis.formats.pyarrow import PyArrowSchema

        self._run_pre_execute_hooks(expr)
        query = self.raw_sql(self.compile(expr, params=params, limit=limit))
        try:
            found = query.toArrow()
        except Py4JJavaError as error:  # what fails on the way to Arrow comes as the JVM has it, hundreds of lines
            raise PySparkException(_why(str(error))) from None
        return found.rename_columns(list(expr.schema())).cast(PyArrowSchema.from_ibis(expr.schema()))

    def to_pyarrow_batches(self, expr: Any, /, **settings: Any) -> Any:
        """Return an expression's result as batches; see Ibis."""
        return self.to_pyarrow(expr.as_table(), **settings).to_reader()

    def _register_in_memory_table(self, op: Any) -> None:
        self._session.createDataFrame(op.data.to_pyarrow(op.schema)).createOrReplaceTempView(op.name)


def open_database(url: str, schema: str | None, threads: int) -> Opened:
    """Open a session on a master, or on this machine, which is ``local``; see `engines.open_database`."""
    if url.startswith(("local", "spark://")) and shutil.which("java") is None and "JAVA_HOME" not in os.environ:
        raise UnreachableError(
            Problem("url", "Spark needs Java, and there is none", value=url, remedy="install Java 17, or set JAVA_HOME")
        )
    session = _session(f"local[{threads}]" if url == "local" else url)
    try:
        names = _names(session, schema)
    except PySparkException as error:
        told = f"the catalog cannot be read: {_first_line(error)}"
        raise UnreachableError(Problem("schema", told, value=schema or "default")) from None
    place = "spark" if schema is None else f"spark/{schema}"
    # Ibis registers them where it makes the connection itself; its `from_connection` would give its own backend.
    Backend.register_options()
    return Opened(Backend().connect(session), place, tuple(sorted(names)), schema=schema)


def _names(session: SparkSession, schema: str | None) -> list[str]:
    """The tables of ``database`` or ``catalog.database``, or of where the session is."""
    if schema is None:
        return [row.name for row in session.catalog.listTables()]
    where = ".".join(_quoted(part) for part in schema.split("."))
    if not session.catalog.databaseExists(where):
        have = [row.name for row in session.catalog.listDatabases()]
        remedy = did_you_mean(schema.rpartition(".")[2], have)
        raise UnreachableError(Problem("schema", "no such schema", value=schema, remedy=remedy))
    return [row.tableName for row in session.sql(f"SHOW TABLES IN {where}").collect()]


def _session(master: str) -> SparkSession:
    """The session that is active (a notebook's, say), or a new one that keeps quiet."""
    active = SparkSession.getActiveSession()
    if active is not None:
        return active
    settings = {
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.sql.session.timeZone": "UTC",
        "spark.log.level": "FATAL",  # what is wrong with a query is told by the exception that it raises
    }
    if master.startswith("local"):
        # The default of 200 parts is for a cluster: here it would be 200 tasks for every small aggregate.
        settings |= {"spark.sql.shuffle.partitions": "8", "spark.driver.bindAddress": "127.0.0.1"}
        settings["spark.driver.host"] = "127.0.0.1"
    try:
        return SparkSession.builder.appName("cxai").master(master).config(map=settings).getOrCreate()
    except Exception as error:  # the JVM, the cluster and the gateway between them each raise their own
        told = f"no session could be opened: {_first_line(error)}"
        raise UnreachableError(
            Problem("url", told, value=master, remedy="check the master's address, and Java")
        ) from None


def table(opened: Opened, name: str) -> IbisTable:
    """Return a table of the catalog, whatever characters its name has."""
    session = opened.backend._session
    where = ".".join([*(_quoted(part) for part in str(opened.schema or "").split(".") if part), _quoted(name)])
    return _viewed(opened, session.table(where))


def read(opened: Opened, path: str, kind: str) -> IbisTable:
    """Return Parquet or CSV files as a table; every value of a CSV is text.

    Left to itself Spark cuts a line that has too many values and fills one that has too few. Told to fail it still does
    where a query needs some of the columns only, so every line is taken apart in full.
    """
    reader = opened.backend._session.read
    if kind == "parquet":
        return _viewed(opened, reader.parquet(path))
    whole = reader.option("mode", "FAILFAST").option("columnPruning", "false")
    return _viewed(opened, whole.csv(path, header=True, inferSchema=False, multiLine=True, escape='"'))


def guessed(raw: IbisTable) -> dict[str, dt.DataType]:
    """Return what the first thousand rows of text look like, as DuckDB guesses of a file."""
    rows = raw.limit(1000).to_pyarrow().to_pydict()
    return {name: _looks_like([value for value in values if value is not None]) for name, values in rows.items()}


def _looks_like(values: Sequence[str]) -> dt.DataType:
    shapes = (
        ("(?i)true|false", dt.boolean),
        (r"[-+]?[0-9]{1,18}", dt.int64),
        (written.NUMBER, dt.float64),
        (written.INSTANT, dt.timestamp),
    )
    fits = (kind for pattern, kind in shapes if values and all(re.fullmatch(pattern, value) for value in values))
    return next(fits, dt.string)


def _viewed(opened: Opened, frame: Any) -> IbisTable:
    view = ibis.util.gen_name("cxai")
    frame.createOrReplaceTempView(view)
    return opened.backend.table(view)


def _quoted(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"


def _first_line(error: BaseException) -> str:
    return str(error).strip().splitlines()[0].rstrip(".") if str(error).strip() else type(error).__name__


def _why(said: str) -> str:
    """What the JVM says of a query that failed, in one line."""
    line, file = _MALFORMED.search(said), _FILE.search(said)
    if line is None:
        causes = _CAUSE.findall(said)
        return str(causes[-1]) if causes else said.splitlines()[0]
    shown = " ".join(line[1].split())
    where = f" of {file[1].rpartition('/')[2]}" if file is not None else ""
    shown = shown[:_SHOWN] + "…" if len(shown) > _SHOWN else shown
    return f"a line{where} has another number of values than the header: `{shown}`"


def hashed_by(table: IbisTable) -> str:
    """Name the algorithm and the version of the engine, whose own hash it is."""
    from importlib.metadata import version

    return f"rowsum-spark-{version('pyspark')}"


def row_sums(table: IbisTable, names: Sequence[str]) -> dict[str, Any]:
    """Sum two differently salted hashes of every row. Spark passes over a missing value, so each is told beside it."""
    values = [part for name in names for part in (table[name], table[name].isnull())]
    sums = {salt: called("xxhash64", [salt, *values], "int64").cast("decimal(20, 0)").sum() for salt in (1, 2)}
    return {f"sum {salt}": total.cast("string") for salt, total in sums.items()}


def errors() -> tuple[type[Exception], ...]:
    """Return what the engine raises when rows cannot be read."""
    return (PySparkException,)
