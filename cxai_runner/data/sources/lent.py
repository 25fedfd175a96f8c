"""Data frames that are lent to a run: taken as Arrow, known by what they hold, and taken back at its end.

A config can name no object, so it names what the object holds: a frame is recorded by its types and the digest of its
rows, and found by that digest among the frames that were lent to the run. Whoever reads the config later knows which
rows went in, and is told to give them again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from cxai_runner.config.problems import Problem, UserError, did_you_mean
from cxai_runner.data.sources.arrow import as_arrow
from cxai_runner.data.tables.names import unique
from cxai_runner.data.tables.staging import Raw

if TYPE_CHECKING:
    import pyarrow as pa
    from ibis.backends.duckdb import Backend
    from ibis.expr.types import Table as IbisTable


_lent: ContextVar[Mapping[str, Lent]] = ContextVar("lent", default=MappingProxyType({}))
"""The frames that a run may read, by digest."""


@dataclass(frozen=True, eq=False)
class Lent:
    """A frame as Arrow, known to the engines that asked for it; make it with `Lent.of`.

    Parameters
    ----------
    rows
        The frame, under names of which no two differ by case alone: engines do not tell such names apart.
    renamed
        The frame's own names that are others here.
    notes
        What to tell of the names.
    """

    rows: pa.Table
    renamed: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    _views: dict[Backend, str] = field(default_factory=dict)

    @classmethod
    def of(cls, frame: Any, key: str) -> Lent:
        """Take a frame of any kind.

        Raises
        ------
        UserError
            It is none, or cannot be read; the problem's key is ``key``.
        """
        rows = _signed(as_arrow(frame, key), key)
        names, _, notes = unique(rows.column_names, "data frame")
        renamed = {own: name for own, name in zip(rows.column_names, names, strict=True) if own != name}
        return cls(rows.rename_columns(list(names)), renamed, notes)

    def on(self, engine: Backend) -> Raw:
        """Return the frame as rows of ``engine``, which reads it where it is."""
        rows = self.table(engine)
        return Raw(rows, dict(rows.schema().items()), notes=self.notes)

    def table(self, engine: Backend) -> IbisTable:
        """Return the frame as a table of ``engine``."""
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


def lent(digest: str | None) -> Lent | None:
    """Return the frame of this digest that the run may read, if there is one."""
    return _lent.get().get(str(digest))


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
        By standard name of the table: standard column → the frame's own, or a rule that makes it of others.
    """

    lent: Mapping[str, Lent]
    digests: Mapping[str, str]
    columns: Mapping[str, Mapping[str, Any]]

    @classmethod
    def of(cls, tables: Mapping[str, Any], columns: Mapping[str, Mapping[str, Any]] | None = None) -> Frames:
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
                lent[name] = Lent.of(frame, f"tables.{name}")
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


def _digest(lent: Lent, key: str) -> str:
    """What a frame holds, in whatever order: the digest of its rows, and of its columns' names and types."""
    import duckdb

    from cxai_runner.data.connect import connect
    from cxai_runner.data.fingerprint import fingerprint

    try:
        table = lent.table(connect(()))
        return fingerprint(table, table.columns)
    except duckdb.Error as error:
        raise UserError([Problem(key, f"cannot be read: {str(error).strip().splitlines()[0]}")]) from None


def _signed(rows: pa.Table, key: str) -> pa.Table:
    """Whole numbers without a sign as those with one, which is what keys of other tables are."""
    import pyarrow as pa

    problems = []
    for position, column in enumerate(rows.schema):
        if column.type != pa.uint64():
            continue
        try:
            rows = rows.set_column(position, column.name, rows.column(position).cast(pa.int64()))
        except pa.ArrowInvalid:
            told = f"column `{column.name}` holds whole numbers above {2**63 - 1:,}, more than 64 bits with a sign hold"
            remedy = f'if they are names, make them text, as in frame["{column.name}"].astype(str)'
            problems.append(Problem(key, told, remedy=remedy))
    if problems:
        raise UserError(problems)
    return rows
