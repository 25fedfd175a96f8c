"""Sources: what an experiment's tables are read from, as a config declares it.

A source maps what a file calls its columns to the standard names. It reads no row: it hands out expressions.
"""

from __future__ import annotations

import importlib.util
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cxai_runner.config.problems import Problem, UserError, did_you_mean, under
from cxai_runner.data.connect import connect
from cxai_runner.data.copies import folder
from cxai_runner.data.files import Found, TableFile, find, open_table
from cxai_runner.data.standard import STANDARD
from cxai_runner.data.tables import Tables

if TYPE_CHECKING:
    from ibis.expr.types import Table as IbisTable

    from cxai_runner.data.tables import MappedTable


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


@dataclass(frozen=True, kw_only=True)
class FileSource(Source):
    """Several tables, each in files.

    Parameters
    ----------
    root
        The folder that relative paths start from; the working folder where none is given.
    tables
        Standard name of each table → its files, and how they are mapped: a `TableFile`, or a mapping of its fields.
    """

    root: str | None = None
    tables: Mapping[str, TableFile] = field(default_factory=dict)

    def __post_init__(self) -> None:
        made = {str(name): _table_file(str(name), table) for name, table in self.tables.items()}
        object.__setattr__(self, "tables", made)

    @property
    def folder(self) -> Path:
        """The folder that relative paths start from."""
        return Path(self.root).expanduser().absolute() if self.root is not None else Path.cwd()

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
        if problems:
            return problems, []
        engine = connect({folder(), *(path.parent for found in self._found.values() for path in found.files)})
        mapped: list[MappedTable] = []
        for name, table in self.tables.items():
            misfits, one = open_table(name, table, self._found[name], engine, self._key(name))
            problems += under(self._key(name), misfits)
            if one is not None:
                mapped.append(replace(one, key=self._key(name)))
        return problems + list(unjoinable(mapped)), mapped

    def _unopenable(self) -> Iterator[Problem]:
        """What keeps files from being opened at all."""
        if self.root is not None and not self.folder.is_dir():
            yield Problem("root", "no such folder", value=self.root)
            return
        if not self.tables:
            yield Problem("tables", "no table is given", remedy="one of: " + ", ".join(STANDARD))
        for name in self.tables:
            if name not in STANDARD:
                yield Problem(self._key(name), "no such standard table", remedy=did_you_mean(name, STANDARD))
            yield from under(self._key(name), self._found[name].problems)

    @cached_property
    def _found(self) -> dict[str, Found]:
        """The files of each table."""
        return {name: find(table, self.folder) for name, table in self.tables.items()}

    def _key(self, table: str) -> str:
        """Where the config of a table is, below ``data``."""
        return f"tables.{table}"


@dataclass(frozen=True, kw_only=True)
class PackagedSource(FileSource):
    """Tables that lie in an installed Python package, which is found and never imported.

    Parameters
    ----------
    package
        The package; ``root`` is a folder in it.
    distribution
        What installs it, where that has another name.
    """

    package: str
    distribution: str | None = None

    @property
    def folder(self) -> Path:
        """The package's folder of data; the working folder where it is not installed."""
        return (self._home or Path.cwd()) / (self.root or "")

    @property
    def _home(self) -> Path | None:
        spec = importlib.util.find_spec(self.package) if self.package.isidentifier() else None
        places = spec.submodule_search_locations if spec is not None else None
        return Path(next(iter(places))) if places else None

    def _unopenable(self) -> Iterator[Problem]:
        if self._home is None:
            install = self.distribution or self.package
            yield Problem("package", "not installed", value=self.package, remedy=f"python -m pip install {install}")
            return
        yield from super()._unopenable()


@dataclass(frozen=True, kw_only=True)
class OneFile(TableFile, Source):
    """One table in files, short enough for the command line: the keys of a `TableFile`, and which table it is.

    Parameters
    ----------
    table
        The standard table that it is.
    """

    table: str

    def problems(self) -> Iterator[Problem]:
        """Yield what is wrong, told without reading a row; keys relative to ``data``."""
        here = f"tables.{self.table}"
        for problem in self._source.problems():
            remedy = problem.remedy.replace(f"data.{here}.", "data.")
            if problem.key == here:
                yield replace(problem, key="table", value=self.table, remedy=remedy)
            else:
                yield replace(problem, key=problem.key.removeprefix(f"{here}."), remedy=remedy)

    def open(self) -> Tables:
        """Return the one table under its standard name; nothing is read yet."""
        problems = list(self.problems())
        if problems:
            raise UserError(under("data", problems))
        return Tables((replace(one, key="") for one in self._source.open().mapped.values()), self.note)

    @cached_property
    def _source(self) -> FileSource:
        settings = {one.name: getattr(self, one.name) for one in fields(TableFile)}
        return FileSource(tables={self.table: TableFile(**settings)})


def _table_file(name: str, table: TableFile | Mapping[str, Any]) -> TableFile:
    if isinstance(table, TableFile):
        return table
    known = [one.name for one in fields(TableFile)]
    unknown = [key for key in table if key not in known]
    problems = [
        Problem(f"data.tables.{name}.{key}", "no such key of a table", remedy=did_you_mean(key, known))
        for key in unknown
    ]
    if "path" not in table:
        problems.append(Problem(f"data.tables.{name}.path", "is missing", remedy="say where the file is"))
    if problems:
        raise UserError(problems)
    return TableFile(**table)


def unjoinable(mapped: list[MappedTable]) -> Iterator[Problem]:
    """Yield keys that are text in one table and numbers in another, and would never meet."""
    seen: dict[str, MappedTable] = {}
    for table in mapped:
        for column in table.columns:
            if not column.endswith("_id"):
                continue
            first = seen.setdefault(column, table)
            if _is_text(first.staged, column) != _is_text(table.staged, column):
                text, number = (table, first) if _is_text(table.staged, column) else (first, table)
                yield Problem(
                    f"{number.key}.columns.{column}",
                    f"numbers here and text in `{text.name}`, so the two never meet",
                    remedy=f"say so: data.{number.key}.types.{column}=text",
                )


def _is_text(table: IbisTable, column: str) -> bool:
    return bool(table[column].type().is_string())
