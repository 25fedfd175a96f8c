"""The tables of an experiment under their standard names, with the account of what was left out on the way.

Nothing is read until somebody asks: a table is an Ibis expression, and what is asked of it runs where its rows live.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from cxai_runner.data import answers
from cxai_runner.data.dataset import Dropped
from cxai_runner.data.tables.mapped import MappedTable, keyed

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd
    from ibis.expr.types import Table as IbisTable


class Tables(Mapping[str, "IbisTable"]):
    """Standard tables by name, as Ibis expressions of the rows that stay.

    Parameters
    ----------
    mapped
        The tables.
    note
        What a reader must know of where the rows come from; a report shows it as a caveat.
    """

    def __init__(self, mapped: Iterable[MappedTable], note: str = "") -> None:
        self.mapped: Mapping[str, MappedTable] = {table.name: table for table in mapped}
        self.note = note
        self._counts: dict[str, dict[str, int]] = {}
        self._opened_as = {name: _held_by(table) for name, table in self.mapped.items()}

    @classmethod
    def of(cls, note: str = "", **frames: pd.DataFrame) -> Tables:
        """Return tables over frames in memory, under standard names already: ``Tables.of(transactions=frame)``."""
        import ibis

        made = []
        for name, frame in frames.items():
            table = ibis.memtable(frame)
            made.append(MappedTable(name, table, tuple(table.columns), keyed(name, table)))
        return cls(made, note)

    def __getitem__(self, name: str) -> IbisTable:
        return self.mapped[name].rows

    def __iter__(self) -> Iterator[str]:
        return iter(self.mapped)

    def __len__(self) -> int:
        return len(self.mapped)

    def columns(self, name: str) -> tuple[str, ...]:
        """Columns of a table, in the source's order; none where there is no such table."""
        return self.mapped[name].columns if name in self.mapped else ()

    def schema(self, name: str) -> dict[str, str]:
        """Type of each column of a table."""
        types = self.mapped[name].staged.schema()
        return {column: str(types[column]) for column in self.columns(name)}

    def rows(self, name: str) -> int:
        """Number of rows that stay."""
        counts = self._count(name)
        return counts["of"] - sum(counts[one.reason] for one in self.mapped[name].conditions)

    @property
    def dropped(self) -> tuple[Dropped, ...]:
        """Rows left out, by table and reason; a row that has several is counted under the first."""
        found = []
        for name, table in self.mapped.items():
            if table.conditions:
                counts = self._count(name)
                found += [Dropped(name, one.reason, counts[one.reason], counts["of"]) for one in table.conditions]
        return tuple(one for one in found if one.rows)

    def describe(self, name: str) -> str:
        """What a table is read from: its place in a database, or its files, the first three by name."""
        if self.mapped[name].place:
            return self.mapped[name].place
        files = self.mapped[name].files
        if not files:
            return "memory"
        more = f" and {len(files) - 3:,} more" if len(files) > 3 else ""
        return ", ".join(str(path) for path in files[:3]) + more

    def changed(self, name: str) -> Path | None:
        """The first file of a table that is no longer what it was when the table was opened; None where all are."""
        before, now = self._opened_as[name], _held_by(self.mapped[name])
        return next((path for path in self.mapped[name].files if before.get(str(path)) != now.get(str(path))), None)

    def digest(self, name: str, columns: Sequence[str]) -> str:
        """Return the digest of a table's rows that stay, over ``columns``; see `fingerprint`."""
        from cxai_runner.data.fingerprint import fingerprint, stated

        table = self.mapped[name]
        if table.version is not None:
            return stated(table.version, [table.place, table.name, table.spec, sorted(columns)])
        return fingerprint(table.rows, columns)

    def _count(self, name: str) -> dict[str, int]:
        """All rows, and those that each condition was the first to drop, in one query."""
        if name not in self._counts:
            table = self.mapped[name]
            measures: dict[str, Any] = {"of": table.staged.count()}
            passed: Any = None
            for number, one in enumerate(table.conditions):
                failed = ~one.keep if passed is None else passed & ~one.keep
                measures[str(number)] = table.staged.count(where=failed)
                passed = one.keep if passed is None else passed & one.keep
            row = answers.row(table.staged.aggregate(**measures))
            reasons = {one.reason: int(row[str(number)]) for number, one in enumerate(table.conditions)}
            self._counts[name] = {"of": int(row["of"]), **reasons}
        return self._counts[name]


def _held_by(table: MappedTable) -> dict[str, tuple[int, ...]]:
    """State of each file of a table that holds anything: SQLite puts an empty log beside what it merely reads."""
    return {path: (size, *rest) for path, size, *rest in answers.state_of(table.files) if size}
