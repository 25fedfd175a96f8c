"""Tables that are in memory already: the data frames that a Python session lends to a run, in place of a source.

A config can name no object, so it names what the object holds; see `lent`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, ClassVar

from cxai_runner.config.problems import Problem, did_you_mean
from cxai_runner.data.connect import connect
from cxai_runner.data.sources.base import SourceOfTables
from cxai_runner.data.sources.lent import lent
from cxai_runner.data.tables.settings import TableSettings
from cxai_runner.data.tables.staging import staged
from cxai_runner.data.tables.standard import STANDARD

if TYPE_CHECKING:
    from cxai_runner.data.tables.mapped import MappedTable

_GIVE = 'from Python: cxai_runner.run(…, tables={{"{name}": frame}})'


@dataclass(frozen=True, kw_only=True)
class FrameTable(TableSettings):
    """A data frame as one of the standard tables.

    Parameters
    ----------
    rows, schema, digest
        What the frame was; written by ``cxai_runner.run``, never by hand.
    """

    rows: int | None = None
    schema: Sequence[str] = ()
    digest: str | None = None

    unspoken: ClassVar[tuple[str, ...]] = ("rows", "schema", "digest")


@dataclass(frozen=True, kw_only=True)
class FrameSource(SourceOfTables):
    """Data frames of the Python session that runs the experiment.

    Parameters
    ----------
    tables
        Standard name of each table → how it is mapped, and what it held: a `FrameTable`, or a mapping of its fields.
    """

    tables: Mapping[str, FrameTable] = field(default_factory=dict)

    settings: ClassVar[type[TableSettings]] = FrameTable

    def _unopenable(self) -> Iterator[Problem]:
        if not self.tables:
            yield Problem("tables", "no data frame is given", remedy="give one, " + _GIVE.format(name="customers"))
            return
        yield from super()._unopenable()
        given = [name for name, table in self.tables.items() if table.digest is not None]
        for name, table in self.tables.items():
            key, frame = f"tables.{name}", lent(table.digest)
            if name not in STANDARD:
                continue
            if table.digest is None:
                yield Problem(key, "no data frame of this name is given", remedy=did_you_mean(name, given))
            elif frame is None:
                remedy = "give it again, " + _GIVE.format(name=name)
                yield Problem(key, "a data frame of a Python session, which is not this one", remedy=remedy)
            elif not frame.rows.num_rows:
                yield Problem(key, "the data frame has no rows")

    def _each(self) -> Iterator[tuple[str, list[Problem], MappedTable | None]]:
        engine = connect(())
        for name, table in self.tables.items():
            frame = lent(table.digest)
            if frame is None:
                raise LookupError(f"the data frame of `{name}` was taken back while it was opened")
            columns = {standard: frame.renamed.get(str(own), own) for standard, own in table.columns.items()}
            problems, mapped = staged(name, replace(table, columns=columns), frame.on(engine), "data frame")
            yield name, problems, mapped and replace(mapped, place="memory", spec=table.spec())
