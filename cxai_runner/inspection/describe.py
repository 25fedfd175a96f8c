"""The facts of each column: its type, what is missing, how many values there are, and from where to where.

Each column is first counted by value where its rows live; all else is asked of those counts, so that the order of
neither rows nor columns matters.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import TYPE_CHECKING, Any

from cxai_runner.inspection.counted import Counted
from cxai_runner.inspection.facts import Facts
from cxai_runner.inspection.names import says

if TYPE_CHECKING:
    from ibis.expr.types import Table as IbisTable

_PAIRED = 8
"""How many columns are tried in pairs as keys."""


def describe(table: IbisTable, ranges: Mapping[str, tuple[Any, Any]] | None = None) -> tuple[Facts, ...]:
    """Return the facts of every column of ``table``, in its order.

    Parameters
    ----------
    table
        Rows; text is looked at for what it may stand for.
    ranges
        Known ranges of numbers over more rows than those of ``table``.
    """
    return tuple(Counted(table, name).facts((ranges or {}).get(name)) for name in table.columns)


def together(table: IbisTable, facts: Sequence[Facts]) -> dict[frozenset[str], int]:
    """Return how many distinct pairs of values two columns have, for those that could be parts of a key."""
    import ibis

    could = [one for one in facts if one.distinct > 1 and not one.binary and not one.fractions and not one.missing]
    could.sort(key=lambda one: (not says(one.name, "id", "time"), -one.distinct, one.name))
    pairs = list(combinations([one.name for one in could[:_PAIRED]], 2))
    if not pairs:
        return {}
    counts = {str(place): ibis.struct({"a": table[a], "b": table[b]}).nunique() for place, (a, b) in enumerate(pairs)}
    row = table.aggregate(**counts).to_pyarrow().to_pylist()[0]
    return {frozenset(pair): int(row[str(place)]) for place, pair in enumerate(pairs)}


def shared(table: IbisTable, one: str, other: IbisTable, another: str) -> float:
    """Return the share of the values of the column with fewer of them that the other column has too."""
    left, right = (t.select(value=t[name].cast("string")).distinct() for t, name in ((table, one), (other, another)))
    few = min(left.count().to_pyarrow().as_py(), right.count().to_pyarrow().as_py())
    both = left.semi_join(right, "value").count().to_pyarrow().as_py()
    return float(both / few) if few else 0.0


def begins_below(table: IbisTable, one: str, start: str, number: str) -> int:
    """Return how many rows whose text in column ``one`` begins with ``start`` have a ``number`` below 0."""
    rows = table.filter(table[one].cast("string").strip().startswith(start))
    return int(rows.filter(rows[number].cast("string").try_cast("float64") < 0).count().to_pyarrow().as_py())


def copies(table: IbisTable) -> int:
    """Return how many rows equal an earlier one in every column."""
    rows, distinct = table.count().to_pyarrow().as_py(), table.distinct().count().to_pyarrow().as_py()
    return int(rows - distinct)
