"""What became of the rows and values of each table on their way into an experiment: kept, changed, dropped, and why.

A number is only as good as the rows behind it, and whoever defends it is asked about those first. Everything here is
counted where the rows live, by a few questions a table, whose answers are remembered for files that do not change. Of a
table of many rows some answers are taken from a sample, and say so.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from cxai_runner.data.quality import columns
from cxai_runner.data.quality.changes import changes
from cxai_runner.data.quality.facts import Quality
from cxai_runner.data.quality.remarks import MANY_ROWS, remarks

if TYPE_CHECKING:
    from ibis.expr.types import Table as IbisTable

    from cxai_runner.data.tables.opened import Tables

SAMPLE: Final = 500_000
"""About how many rows such a sample has."""
MOST_COLUMNS: Final = 200
"""Columns of a table beyond these are named by number only."""


def assess(tables: Tables, read: Mapping[str, Iterable[str]], *, private: bool = False) -> tuple[Quality, ...]:
    """Count what was kept, changed and dropped of the tables that are read, and describe their columns.

    Parameters
    ----------
    tables
        The tables of an experiment.
    read
        Those that are read, and which of their columns.
    private
        Leave out every value that could tell of a customer.
    """
    return tuple(_assess(tables, name, frozenset(columns), private=private) for name, columns in read.items())


def _assess(tables: Tables, name: str, read: frozenset[str], *, private: bool) -> Quality:
    table, kept = tables.mapped[name], tables.rows(name)
    dropped = tuple(one for one in tables.dropped if one.table == name)
    described = table.columns[:MOST_COLUMNS]
    rows = table.rows.select(*described)
    filled: Mapping[str, int] | None = None
    if kept > MANY_ROWS:
        filled = columns.answers(rows, {column: rows[column].count() for column in described})
        rows = _sampled(rows, SAMPLE / kept)
    looked_at, held = columns.describe(table, rows, kept, filled, private=private)
    return Quality(
        table=name,
        rows=kept + sum(one.rows for one in dropped),
        kept=kept,
        dropped=dropped,
        changed=tuple(changes(table)),
        notes=(*table.notes, *remarks(tables, name, read)),
        columns=tuple(replace(one, read=one.name in read) for one in held),
        others=len(table.columns) - len(described),
        looked_at=looked_at,
        estimated=kept > columns.FEW_ROWS,
        hidden=private,
    )


def _sampled(rows: IbisTable, share: float) -> IbisTable:
    """A share of the rows: blocks of them, the same each time, where the engine draws them from any expression."""
    import ibis

    if rows.get_backend().name == "duckdb":
        return rows.sample(share, method="block", seed=1)
    return rows.filter(ibis.random() < share)
