"""What became of the rows and values of each table on their way into an experiment: kept, changed, dropped, and why.

A number is only as good as the rows behind it, and whoever defends it is asked about those first. Everything here is
counted where the rows live, by a few questions a table, whose answers are remembered for files that do not change. Of a
table of many rows some answers are taken from a sample, and say so.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Final

from cxai_runner.data.answers import ask, row
from cxai_runner.data.changes import Change, changes, own_names
from cxai_runner.data.dataset import Dropped
from cxai_runner.data.standard import STANDARD

if TYPE_CHECKING:
    import pandas as pd
    from ibis.expr.types import Table as IbisTable
    from ibis.expr.types import Value

    from cxai_runner.data.tables import MappedTable, Tables

MANY_ROWS: Final = 5_000_000
"""Above this, everything but missing values is told from a sample."""
SAMPLE: Final = 500_000
"""About how many rows such a sample has."""
FEW_ROWS: Final = 100_000
"""Up to this, distinct values are counted; above, the engine estimates them where it can."""
MOST_COLUMNS: Final = 200
"""Columns of a table beyond these are named by number only."""
MOST_DISTINCT: Final = 10_000
"""Texts with more distinct values have no most frequent one that is worth finding."""
LONGEST: Final = 60
"""Characters of a text that are shown."""

_TYPES: Final = (
    ("boolean", "true or false"),
    ("integer", "whole number"),
    ("numeric", "number"),
    ("timestamp", "date and time"),
    ("date", "date"),
    ("string", "text"),
)


@dataclass(frozen=True)
class ColumnQuality:
    """What a column holds in the rows that were kept.

    Parameters
    ----------
    name, own
        Its standard name, and what the source calls it.
    type
        In words: ``whole number``, ``text`` …
    missing
        Rows without a value.
    distinct
        Number of distinct values; estimated where the table's ``estimated`` says so, and then not of amounts and
        instants.
    low, high
        Lowest and highest value; dates in ISO 8601. None of keys and texts, and of what must not be shown.
    frequent, frequent_rows
        The most frequent text and its rows.
    repeats
        Of a key: whether values occur more than once. None where that is unknown.
    read
        Whether the experiment reads it.
    """

    name: str
    own: str
    type: str
    missing: int
    distinct: int | None = None
    low: float | int | str | bool | None = None
    high: float | int | str | bool | None = None
    frequent: str | None = None
    frequent_rows: int = 0
    repeats: bool | None = None
    read: bool = True


@dataclass(frozen=True)
class Quality:
    """What became of one source table.

    Parameters
    ----------
    table
        Its standard name.
    rows, kept
        Rows of the source, and those that stay.
    dropped
        Rows left out; a row with several reasons is counted under the first.
    changed
        Values that are not what the source says, by rule.
    notes
        Facts about the file.
    columns
        What the columns hold, in the rows that stay.
    others
        Columns that are not described.
    looked_at
        Rows behind distinct, lowest, highest and most frequent values: all that stay, or a sample of them.
    estimated
        Whether distinct values are an estimate.
    hidden
        Whether values that could tell of a customer are left out.
    """

    table: str
    rows: int
    kept: int
    dropped: tuple[Dropped, ...] = ()
    changed: tuple[Change, ...] = ()
    notes: tuple[str, ...] = ()
    columns: tuple[ColumnQuality, ...] = ()
    others: int = 0
    looked_at: int = 0
    estimated: bool = False
    hidden: bool = False

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Quality:
        """Return what `dataclasses.asdict` made plain."""
        made: dict[str, Any] = dict(plain)
        for name, kind in (("dropped", Dropped), ("changed", Change), ("columns", ColumnQuality)):
            made[name] = tuple(kind(**one) for one in plain[name])
        return cls(**(made | {"notes": tuple(plain["notes"])}))


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
        filled = _answers(rows, {column: rows[column].count() for column in described})
        rows = _sampled(rows, SAMPLE / kept)
    looked_at, columns = _columns(table, rows, kept, filled, private=private)
    columns = [replace(one, read=one.name in read) for one in columns]
    return Quality(
        table=name,
        rows=kept + sum(one.rows for one in dropped),
        kept=kept,
        dropped=dropped,
        changed=tuple(changes(table)),
        notes=table.notes,
        columns=tuple(columns),
        others=len(table.columns) - len(described),
        looked_at=looked_at,
        estimated=kept > FEW_ROWS,
        hidden=private,
    )


def _sampled(rows: IbisTable, share: float) -> IbisTable:
    """A share of the rows: blocks of them, the same each time, where the engine draws them from any expression."""
    import ibis

    if rows.get_backend().name == "duckdb":
        return rows.sample(share, method="block", seed=1)
    return rows.filter(ibis.random() < share)


def _columns(
    table: MappedTable,
    rows: IbisTable,
    kept: int,
    filled: Mapping[str, int] | None,
    *,
    private: bool,
) -> tuple[int, list[ColumnQuality]]:
    """What ``rows``, all that were kept or a sample of them, hold; and how many they are."""
    own = own_names(table)
    keys = {column for column in rows.columns if _is_key(table.name, column)}
    shown = {column for column in rows.columns if column not in keys and not (private and _tells(table, column))}
    few = kept <= FEW_ROWS
    measures: dict[str, Value] = {"rows": rows.count()}
    for column in rows.columns:
        value = rows[column]
        measures[f"filled {column}"] = value.count()
        if not _comparable(value):
            continue
        kind = value.type()
        if few:
            measures[f"distinct {column}"] = value.nunique()
        elif not (kind.is_floating() or kind.is_timestamp()):  # of many amounts and instants it tells nothing
            measures[f"distinct {column}"] = value.approx_nunique()
        if column in shown and not (kind.is_string() or kind.is_boolean()):  # of truths there is no lowest
            measures[f"low {column}"], measures[f"high {column}"] = value.min(), value.max()
    found = _answers(rows, measures)
    frequent = _most_frequent(rows, [c for c in shown if _is_worth_a_look(rows[c], found.get(f"distinct {c}"))])
    made = []
    for column in rows.columns:
        here = int(found[f"filled {column}"])
        # An estimate may exceed what it estimates.
        distinct = min(int(found[f"distinct {column}"]), here) if f"distinct {column}" in found else None
        word, times = frequent.get(column, (None, 0))
        made.append(
            ColumnQuality(
                name=column,
                own=own.get(column, column),
                type=_type(rows[column]),
                missing=kept - int(here if filled is None else filled[column]),
                distinct=distinct,
                low=_plain(found.get(f"low {column}")),
                high=_plain(found.get(f"high {column}")),
                frequent=word,
                frequent_rows=times,
                repeats=_repeats(table.name, column, here, distinct, exact=few) if column in keys else None,
            )
        )
    return int(found["rows"]), made


def _repeats(table: str, column: str, rows: int, distinct: int | None, *, exact: bool) -> bool | None:
    if table in STANDARD and STANDARD[table].unique == column:
        return False  # checked before anything ran
    if distinct is None:
        return None
    if exact:
        return distinct < rows
    return True if distinct < 0.8 * rows else None  # an estimate is some per cent off


def _answers(rows: IbisTable, measures: Mapping[str, Value]) -> dict[str, Any]:
    """All measures in one query, by name."""
    if not measures:
        return {}
    # Engines differ in the names that they take for columns of a result: numbers are safe in all.
    found = rows.aggregate(**{f"m{number}": one for number, one in enumerate(measures.values())})
    return dict(zip(measures, row(found).values(), strict=True))


def _most_frequent(rows: IbisTable, columns: Sequence[str]) -> dict[str, tuple[str, int]]:
    """The most frequent value of each column as text, the first in order where several are, and its rows."""
    import ibis

    if not columns:
        return {}
    tops = []
    for number, column in enumerate(columns):
        values = rows.select(value=rows[column].cast("string")).drop_null("value")
        counted = values.group_by("value").aggregate(times=values.count())
        top = counted.order_by(ibis.desc("times"), "value").limit(1)
        tops.append(top.select(number=ibis.literal(number, "int64"), value="value", times="times"))
    found = ask(ibis.union(*tops)).to_pylist()
    return {columns[one["number"]]: (_cut(one["value"]), int(one["times"])) for one in found}


def _is_worth_a_look(value: Value, distinct: int | None) -> bool:
    kind = value.type()
    return (kind.is_string() or kind.is_boolean()) and distinct is not None and 0 < distinct <= MOST_DISTINCT


def _is_key(table: str, column: str) -> bool:
    rule = STANDARD[table].rule(column) if table in STANDARD else None
    return column.endswith("_id") if rule is None else rule.kind == "key"


def _tells(table: MappedTable, column: str) -> bool:
    """Whether a column's values could tell of a customer: free text, and whatever nobody said what it is."""
    if "customer_id" not in table.columns:
        return False
    rule = STANDARD[table.name].rule(column) if table.name in STANDARD else None
    return rule is None or rule.kind not in {"number", "integer", "timestamp"}


def _comparable(value: Value) -> bool:
    kind = value.type()
    return bool(kind.is_primitive() or kind.is_string() or kind.is_temporal() or kind.is_decimal())


def _type(value: Value) -> str:
    kind = value.type()
    return next((words for name, words in _TYPES if getattr(kind, f"is_{name}")()), str(kind))


def _plain(value: Any) -> float | int | str | bool | None:
    """A value that JSON can hold; nothing in place of one that is not finite."""
    if isinstance(value, datetime | date):
        return value.isoformat()
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, str):
        return _cut(value)
    try:
        number = float(value)
    except (TypeError, ValueError):
        return _cut(str(value))
    return number if abs(number) < float("inf") else None


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def frame(quality: Iterable[Quality]) -> pd.DataFrame:
    """Return every fact as a row of table, column, fact, value and, where it is a share of something, of what."""
    import pandas as pd

    facts = [(one.table, *fact) for one in quality for fact in _facts(one)]
    return pd.DataFrame(facts, columns=["table", "column", "fact", "value", "of"]).astype({"of": "Int64"})


def _facts(quality: Quality) -> Iterable[tuple[str, str, Any, int | None]]:
    yield "", "rows", quality.rows, None
    yield "", "kept", quality.kept, quality.rows
    for one in quality.dropped:
        yield "", f"dropped: {one.reason}", one.rows, one.of
    for change in quality.changed:
        yield change.column, f"changed: {change.rule}", change.values, change.of
    for note in quality.notes:
        yield "", "note", note, None
    yield "", "looked at", quality.looked_at, quality.kept
    for column in quality.columns:
        yield column.name, "own name", column.own, None
        yield column.name, "type", column.type, None
        yield column.name, "missing", column.missing, quality.kept
        about = "distinct (estimated)" if quality.estimated else "distinct"
        told = {about: column.distinct, "lowest": column.low, "highest": column.high, "repeats": column.repeats}
        for fact, value in told.items():
            if value is not None:
                yield column.name, fact, value, None
        if column.frequent is not None:
            yield column.name, "most frequent", column.frequent, None
            yield column.name, "rows of the most frequent", column.frequent_rows, quality.looked_at
