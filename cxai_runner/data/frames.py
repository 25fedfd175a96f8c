"""Tables that are in memory already: data frames of a Python session in place of a source.

A config can name no object, so it names what the object holds: a frame is recorded by its types and the digest of its
rows, and found by that digest among the frames that were lent to the run. Whoever reads the config later knows which
rows went in, and is told to give them again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, fields
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

from cxai_runner.config.problems import Problem, UserError, did_you_mean, under
from cxai_runner.data.arrow import as_arrow
from cxai_runner.data.sources import Source
from cxai_runner.data.standard import STANDARD
from cxai_runner.data.tables import Cast, MappedTable, Tables, keyed, raw_name

if TYPE_CHECKING:
    import pyarrow as pa
    from ibis.backends.duckdb import Backend
    from ibis.expr.types import Table as IbisTable
    from ibis.expr.types import Value

Type = Literal["key", "text", "integer", "number", "timestamp", "boolean"]

_GIVE = 'from Python: cxai_runner.run(…, tables={{"{name}": frame}})'

_lent: ContextVar[Mapping[str, Lent]] = ContextVar("lent", default=MappingProxyType({}))
"""The frames that a run may read, by digest."""


@dataclass(frozen=True, eq=False)
class Lent:
    """A frame as Arrow, known to the engines that asked for it.

    Parameters
    ----------
    rows
        The frame.
    """

    rows: pa.Table
    _views: dict[Backend, str] = field(default_factory=dict)

    def on(self, engine: Backend) -> IbisTable:
        """Return the frame as a table of ``engine``, which reads it where it is."""
        if engine not in self._views:
            name = f"frame_{id(self)}"
            engine.con.register(name, self.rows)
            self._views[engine] = name
        return engine.table(self._views[engine])

    def close(self) -> None:
        """Take the frame back from every engine."""
        for engine, name in self._views.items():
            engine.con.unregister(name)
        self._views.clear()


@dataclass(frozen=True, eq=False)
class Frames:
    """The data frames that one run reads; make them with `Frames.of`.

    Parameters
    ----------
    lent
        By standard name.
    digests
        What each holds, by standard name.
    columns
        By standard name of the table: standard column → the frame's own.
    """

    lent: Mapping[str, Lent]
    digests: Mapping[str, str]
    columns: Mapping[str, Mapping[str, str]]

    @classmethod
    def of(cls, tables: Mapping[str, Any], columns: Mapping[str, Mapping[str, str]] | None = None) -> Frames:
        """Take frames of any kind: pandas, Arrow, Ibis, or whatever speaks the Arrow PyCapsule protocol (polars).

        Raises
        ------
        UserError
            With every frame that cannot be read, and every mapping of a frame that is not there.
        """
        columns = columns or {}
        problems = [
            Problem(f"columns.{name}", "no data frame of this name is given", remedy=did_you_mean(str(name), tables))
            for name in columns
            if name not in tables
        ]
        lent, digests = {}, {}
        for name, frame in tables.items():
            try:
                lent[name] = Lent(as_arrow(frame, f"tables.{name}"))
                digests[name] = _digest(lent[name], f"tables.{name}")
            except UserError as error:
                problems += error.problems
        if problems:
            for one in lent.values():
                one.close()
            raise UserError(problems)
        return cls(lent, digests, columns)

    def described(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Return the config of the tables: what is ``given`` of each, and what the frames are."""
        described = dict(given)
        for name, lent in self.lent.items():
            settings = described.get(name) or {}
            if not isinstance(settings, Mapping):  # its own mistake, told by whoever checks the component
                continue
            columns = {**(settings.get("columns") or {}), **self.columns.get(name, {})}
            described[name] = {
                **settings,
                **({"columns": columns} if columns else {}),
                "rows": lent.rows.num_rows,
                "schema": [f"{one.name} {one.type}" for one in lent.rows.schema],
                "digest": self.digests[name],
            }
        return described

    @contextmanager
    def opened(self) -> Iterator[None]:
        """Lend the frames to whatever runs in the block, and take them back."""
        token = _lent.set({**_lent.get(), **{self.digests[name]: lent for name, lent in self.lent.items()}})
        try:
            yield
        finally:
            _lent.reset(token)
            for lent in self.lent.values():
                lent.close()


@dataclass(frozen=True, kw_only=True)
class FrameTable:
    """A data frame as one of the standard tables.

    Parameters
    ----------
    columns
        Standard name → the frame's own. A column that is not named keeps its name. A pattern stands for several:
        ``price: "price_of_{alternative}"``.
    where
        Which rows stay, by the names after mapping: ``{status: {not_in: [returned]}}``.
    types
        Types of columns whose own or standard type is not right, by the names after mapping.
    dates
        How dates in columns of text are written, tried in order (``%d/%m/%Y``); ISO 8601 where there is none.
    rows, schema, digest
        What the frame was; written by ``cxai_runner.run``, never by hand.
    """

    columns: Mapping[str, str | None] = field(default_factory=dict)
    where: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    types: Mapping[str, Type] = field(default_factory=dict)
    dates: str | Sequence[str] = ()
    rows: int | None = None
    schema: Sequence[str] = ()
    digest: str | None = None

    @property
    def formats(self) -> tuple[str, ...]:
        """The date formats as a tuple, however they were written."""
        return (self.dates,) if isinstance(self.dates, str) else tuple(self.dates)


@dataclass(frozen=True, kw_only=True)
class FrameSource(Source):
    """Data frames of the Python session that runs the experiment.

    Parameters
    ----------
    tables
        Standard name of each table → how it is mapped, and what it held: a `FrameTable`, or a mapping of its fields.
    """

    tables: Mapping[str, FrameTable] = field(default_factory=dict)

    def __post_init__(self) -> None:
        made = {str(name): _frame_table(str(name), table) for name, table in self.tables.items()}
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
        """Everything wrong with any table, and the tables that could be mapped."""
        from cxai_runner.data.connect import connect
        from cxai_runner.data.sources import unjoinable

        problems = list(self._absent())
        if problems:
            return problems, []
        engine, frames = connect(()), _lent.get()
        mapped: list[MappedTable] = []
        for name, table in self.tables.items():
            found, one = _mapped(name, table, frames[str(table.digest)].on(engine))
            problems += under(f"tables.{name}", found)
            mapped += [one] if one is not None else []
        return problems + list(unjoinable(mapped)), mapped

    def _absent(self) -> Iterator[Problem]:
        """What keeps frames from being found at all."""
        frames = _lent.get()
        given = [name for name, table in self.tables.items() if table.digest is not None]
        if not self.tables:
            yield Problem("tables", "no data frame is given", remedy="give one, " + _GIVE.format(name="customers"))
        for name, table in self.tables.items():
            key = f"tables.{name}"
            if name not in STANDARD:
                yield Problem(key, "no such standard table", remedy=did_you_mean(name, STANDARD))
            elif table.digest is None:
                yield Problem(key, "no data frame of this name is given", remedy=did_you_mean(name, given))
            elif table.digest not in frames:
                remedy = "give it again, " + _GIVE.format(name=name)
                yield Problem(key, "a data frame of a Python session, which is not this one", remedy=remedy)
            elif not frames[table.digest].rows.num_rows:
                yield Problem(key, "the data frame has no rows")


def _frame_table(name: str, table: FrameTable | Mapping[str, Any]) -> FrameTable:
    if isinstance(table, FrameTable):
        return table
    known = [one.name for one in fields(FrameTable)]
    problems = [
        Problem(f"data.tables.{name}.{key}", "no such key of a table", remedy=did_you_mean(key, known))
        for key in table
        if key not in known
    ]
    if problems:
        raise UserError(problems)
    return FrameTable(**table)


def _mapped(name: str, table: FrameTable, raw: IbisTable) -> tuple[list[Problem], MappedTable | None]:
    """Map one frame; nothing is returned in its place where that cannot be done."""
    from cxai_runner.data import filters, mapping

    names, problems = mapping.mapped(table.columns, raw.columns, "data frame")
    misfits = tuple(problems)
    problems += [
        Problem(f"types.{column}", "no such column", remedy=did_you_mean(column, names))
        for column in table.types
        if column not in names
    ]
    staged, casts = _staged(name, table, raw, names)
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
        place="memory",
    )


def _staged(
    name: str, table: FrameTable, raw: IbisTable, names: Mapping[str, str]
) -> tuple[IbisTable, tuple[Cast, ...]]:
    """All rows in standard columns, beside the raw values of each column that was cast."""
    from cxai_runner.data.casts import cast

    expressions: dict[str, Any] = {}
    casts: list[Cast] = []
    for column, own in names.items():
        rule = STANDARD[name].rule(column)
        kind = table.types.get(column) or (rule.kind if rule else "any")
        held = _plain(raw[own])
        expression, wanted = cast(held, held.type(), kind, table.formats)
        expressions[column] = _plain(expression)
        if wanted:
            casts.append(Cast(column, raw_name(column), wanted))
            expressions[raw_name(column)] = raw[own].cast("string")
    return raw.select(**expressions), tuple(casts)


def _plain(value: Value) -> Value:
    """Return a value as the one type that stands for its kind, so that a frame is what its file would be."""
    kind = value.type()
    if kind.is_timestamp() or kind.is_date():
        return value.cast("timestamp")
    tests = {"is_boolean": "boolean", "is_integer": "int64", "is_numeric": "float64"}
    return value.cast(next((plain for test, plain in tests.items() if getattr(kind, test)()), "string"))


def _digest(lent: Lent, key: str) -> str:
    """What a frame holds, in whatever order: the digest of its rows, and of its columns' names and types."""
    import duckdb

    from cxai_runner.data.connect import connect
    from cxai_runner.data.fingerprint import fingerprint

    try:
        table = lent.on(connect(()))
        return fingerprint(table, table.columns)
    except duckdb.Error as error:
        raise UserError([Problem(key, f"cannot be read: {str(error).strip().splitlines()[0]}")]) from None
