"""Tables in files: several, one, or those of an installed package."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from cxai_runner.config.problems import Problem, UserError, under
from cxai_runner.data.connect import connect
from cxai_runner.data.files import copies
from cxai_runner.data.files.finding import Found, find
from cxai_runner.data.files.opening import open_table
from cxai_runner.data.files.schema import TableFile
from cxai_runner.data.sources.base import Source, SourceOfTables
from cxai_runner.data.tables.opened import Tables

if TYPE_CHECKING:
    from cxai_runner.data.tables.mapped import MappedTable
    from cxai_runner.data.tables.settings import TableSettings


@dataclass(frozen=True, kw_only=True)
class FileSource(SourceOfTables):
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

    settings: ClassVar[type[TableSettings]] = TableFile

    @property
    def folder(self) -> Path:
        """The folder that relative paths start from."""
        return Path(self.root).expanduser().absolute() if self.root is not None else Path.cwd()

    def _unopenable(self) -> Iterator[Problem]:
        if self.root is not None and not self.folder.is_dir():
            yield Problem("root", "no such folder", value=self.root)
            return
        yield from super()._unopenable()
        for name, found in self._found.items():
            yield from under(f"tables.{name}", found.problems)

    def places(self) -> Iterator[str]:
        """Yield its files."""
        yield from (str(path) for found in self._found.values() for path in found.files)

    def _each(self) -> Iterator[tuple[str, list[Problem], MappedTable | None]]:
        folders = {path.parent for found in self._found.values() for path in found.files}
        engine = connect({copies.folder(), *folders})
        for name, table in self.tables.items():
            yield name, *open_table(name, table, self._found[name], engine, f"tables.{name}")

    @cached_property
    def _found(self) -> dict[str, Found]:
        """The files of each table."""
        return {name: find(table, self.folder) for name, table in self.tables.items()}


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

    def places(self) -> Iterator[str]:
        """Yield its files."""
        yield from self._source.places()

    @cached_property
    def _source(self) -> FileSource:
        settings = {one.name: getattr(self, one.name) for one in fields(TableFile)}
        return FileSource(tables={self.table: TableFile(**settings)})
