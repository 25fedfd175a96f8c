"""What is known of a table's quality, as plain facts: what a run keeps, a report shows, and a reader can count."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cxai_runner.data.dataset import Dropped
from cxai_runner.data.quality.changes import Change

if TYPE_CHECKING:
    import pandas as pd


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
