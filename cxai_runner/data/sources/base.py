"""What a source is, and what all sources of several tables share: their problems told together, their tables opened.

A source maps what its tables call their columns to the standard names. It reads no row: it hands out expressions.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, dataclass, field, fields, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

from cxai_runner.config.problems import Problem, UserError, did_you_mean, under
from cxai_runner.data.engines import UnreachableError
from cxai_runner.data.tables.opened import Tables
from cxai_runner.data.tables.settings import TableSettings
from cxai_runner.data.tables.standard import STANDARD

if TYPE_CHECKING:
    from cxai_runner.data.tables.mapped import MappedTable


@dataclass(frozen=True, kw_only=True)
class Source(ABC):
    """What tables come from; a frozen dataclass whose fields are its config keys.

    Parameters
    ----------
    note
        What a reader must know of where the rows come from; a report shows it as a caveat.
    """

    note: str = ""

    @abstractmethod
    def problems(self) -> Iterator[Problem]:
        """Yield what is wrong, told without reading a row: files, columns, formats. Keys relative to ``data``."""

    @abstractmethod
    def open(self) -> Tables:
        """Return the tables under their standard names; nothing is read yet.

        Raises
        ------
        UserError
            With the problems, where there are any.
        """

    def places(self) -> Iterator[str]:
        """Yield where its rows lie, so that nobody overwrites them: files, and tables as ``sqlite:///shop.db#sales``."""
        yield from ()


@dataclass(frozen=True, kw_only=True)
class SourceOfTables(Source):
    """A source whose config has a mapping of tables; what they are read from is a subclass's to say.

    Parameters
    ----------
    tables
        Standard name of each table → its settings, or a mapping of their fields.
    """

    tables: Mapping[str, Any] = field(default_factory=dict)

    settings: ClassVar[type[TableSettings]] = TableSettings
    """What the config says of one table."""

    def __post_init__(self) -> None:
        made = {str(name): self._settings_of(str(name), table) for name, table in self.tables.items()}
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
        problems = list(self._unopenable())
        mapped: list[MappedTable] = []
        if problems:
            return problems, mapped
        try:
            for name, misfits, table in self._each():
                problems += under(f"tables.{name}", misfits)
                if table is not None:
                    mapped.append(replace(table, key=f"tables.{name}"))
        except UnreachableError as error:
            return [error.problem], []
        return [*problems, *unjoinable(mapped)], mapped

    def _unopenable(self) -> Iterator[Problem]:
        """What keeps tables from being opened at all."""
        if not self.tables:
            yield Problem("tables", "no table is given", remedy="one of: " + ", ".join(STANDARD))
        for name in self.tables:
            if name not in STANDARD:
                yield Problem(f"tables.{name}", "no such standard table", remedy=did_you_mean(name, STANDARD))

    @abstractmethod
    def _each(self) -> Iterator[tuple[str, list[Problem], MappedTable | None]]:
        """Open each table: its standard name, what is wrong with it, and the table where nothing is.

        Raises
        ------
        UnreachableError
            Where nothing can be opened.
        """

    def _settings_of(self, name: str, table: TableSettings | Mapping[str, Any]) -> TableSettings:
        """The settings of a table, which a config writes as a mapping."""
        if isinstance(table, TableSettings):
            return table
        known = {one.name: one.default is MISSING and one.default_factory is MISSING for one in fields(self.settings)}
        problems = [
            Problem(f"data.tables.{name}.{key}", "no such key of a table", remedy=did_you_mean(key, known))
            for key in table
            if key not in known
        ]
        problems += [
            Problem(f"data.tables.{name}.{key}", "is missing", remedy="say where the file is")
            for key, needed in known.items()
            if needed and key not in table
        ]
        if problems:
            raise UserError(problems)
        return self.settings(**table)


def unjoinable(mapped: list[MappedTable]) -> Iterator[Problem]:
    """Yield keys that are text in one table and numbers in another, and would never meet."""
    seen: dict[str, MappedTable] = {}
    for table in mapped:
        for column in table.columns:
            if not column.endswith("_id"):
                continue
            first = seen.setdefault(column, table)
            if _is_text(first, column) != _is_text(table, column):
                text, number = (table, first) if _is_text(table, column) else (first, table)
                yield Problem(
                    f"{number.key}.columns.{column}",
                    f"numbers here and text in `{text.name}`, so the two never meet",
                    remedy=f"say so: data.{number.key}.types.{column}=text",
                )


def _is_text(table: MappedTable, column: str) -> bool:
    return bool(table.staged[column].type().is_string())
