"""One source table under standard names: what is read, what was cast, which rows stay."""

from __future__ import annotations

import operator
from dataclasses import dataclass
from functools import reduce
from pathlib import Path
from typing import TYPE_CHECKING

from cxai_runner.data.tables.standard import STANDARD

if TYPE_CHECKING:
    from ibis.expr.types import BooleanValue
    from ibis.expr.types import Table as IbisTable

    from cxai_runner.data.tables.filters import Condition


@dataclass(frozen=True)
class Cast:
    """A column that was read as something else: ``raw`` names the column with its values as they were."""

    column: str
    raw: str
    wanted: str


def raw_name(column: str) -> str:
    """Return what the raw values of a column that is cast are called, which no file calls a column of its own."""
    return f"{column} \N{LEFTWARDS ARROW} as it is written"


@dataclass(frozen=True, eq=False)
class MappedTable:
    """One source table under standard names.

    Parameters
    ----------
    name
        Its standard name.
    staged
        All its rows: standard columns, and the raw values of those that were cast.
    columns
        The standard columns, and those that keep their own name.
    conditions
        Which rows stay; applied in order, so that each dropped row has one reason.
    casts
        Columns whose values may have failed to parse.
    key
        Where its config is, below ``data``: ``tables.transactions``.
    files
        What it is read from.
    spec
        Its config as canonical text, without where the files lie.
    place
        Where a table of a database is, for a reader: no user, no password. Empty for files and frames.
    version
        A version that somebody states, which stands for what the table holds; None where its rows are digested.
    notes
        What a reader should know of how it was read: a name that a header repeats, a copy of an object.
    """

    name: str
    staged: IbisTable
    columns: tuple[str, ...]
    conditions: tuple[Condition, ...] = ()
    casts: tuple[Cast, ...] = ()
    key: str = ""
    files: tuple[Path, ...] = ()
    spec: str = ""
    place: str = ""
    version: str | None = None
    notes: tuple[str, ...] = ()

    @property
    def noun(self) -> str:
        """What it is, in a message."""
        return "table" if self.place else "file"

    @property
    def keep(self) -> BooleanValue | None:
        """True where a row stays; None where every row does."""
        return reduce(operator.and_, (one.keep for one in self.conditions)) if self.conditions else None

    @property
    def rows(self) -> IbisTable:
        """The rows that stay, in standard columns."""
        keep = self.keep
        return (self.staged if keep is None else self.staged.filter(keep)).select(*self.columns)


def keyed(name: str, table: IbisTable) -> tuple[Condition, ...]:
    """The condition that drops rows which belong to nobody, where the standard table has such."""
    from cxai_runner.data.tables.filters import Condition

    key = STANDARD[name].optional_key if name in STANDARD else None
    if key is None or key not in table.columns:
        return ()
    return (Condition(table[key].notnull(), f"no {key.removesuffix('_id')}"),)
