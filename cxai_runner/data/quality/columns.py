"""What the columns of a table hold: missing, distinct, lowest, highest and most frequent values, by a few questions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Final

from cxai_runner.data.answers import ask, row
from cxai_runner.data.quality.changes import own_names
from cxai_runner.data.quality.facts import ColumnQuality
from cxai_runner.data.tables.standard import STANDARD, is_key

if TYPE_CHECKING:
    from ibis.expr.types import Table as IbisTable
    from ibis.expr.types import Value

    from cxai_runner.data.tables.mapped import MappedTable

FEW_ROWS: Final = 100_000
"""Up to this, distinct values are counted; above, the engine estimates them where it can."""
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


def describe(
    table: MappedTable,
    rows: IbisTable,
    kept: int,
    filled: Mapping[str, int] | None,
    *,
    private: bool,
) -> tuple[int, list[ColumnQuality]]:
    """What ``rows``, all that were kept or a sample of them, hold; and how many they are."""
    own = own_names(table)
    keys = {column for column in rows.columns if is_key(table.name, column)}
    # In the table's order: a set's is another in every process, and the question would not be known again.
    shown = [column for column in rows.columns if column not in keys and not (private and _tells(table, column))]
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
    found = answers(rows, measures)
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


def answers(rows: IbisTable, measures: Mapping[str, Value]) -> dict[str, Any]:
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
