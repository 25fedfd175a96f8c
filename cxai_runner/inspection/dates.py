"""How the dates of a column of text are written: in one way, in several, or in ways that could be either.

One way that reads every value is best. Where none does, ways are added as long as they read what the others left, as
a config with several ``dates`` would. Days and months that could be swapped are looked for a value that proves which is
which: 31/12/2015 has the day in front.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

from cxai_runner.inspection import values
from cxai_runner.inspection.names import many

if TYPE_CHECKING:
    from cxai_runner.inspection.facts import Facts

_MOSTLY: Final = 0.95
_SEVERAL: Final = 6
"""In how many ways one column is written at most; in more it is text."""

_BEGINNING = """
CREATE OR REPLACE TEMP TABLE tried AS
SELECT value, often FROM cleaned WHERE value IS NOT NULL ORDER BY hash(value), value LIMIT 1000
"""
_LEFT = "CREATE OR REPLACE TEMP TABLE unread AS SELECT value, often FROM cleaned WHERE value IS NOT NULL"
_READ_AS = "coalesce(sum(often) FILTER (year(try_strptime(value, ?)) BETWEEN 1900 AND 2100), 0)"
_TAKE_OFF = """
DELETE FROM unread WHERE coalesce(year(try_strptime(value, $written)) BETWEEN 1900 AND 2100, false)
"""
_EITHER = """
SELECT coalesce(sum(often) FILTER (one IS NOT NULL AND other IS NOT NULL AND one <> other), 0),
       min(value) FILTER (one IS NOT NULL AND other IS NULL), min(value) FILTER (one IS NULL AND other IS NOT NULL)
FROM (SELECT value, often, try_strptime(value, $one) AS one, try_strptime(value, $other) AS other FROM cleaned)
"""


@dataclass(frozen=True)
class Swapped:
    """Two ways to write a date that differ in which of day and month comes first.

    Parameters
    ----------
    one, other
        The formats, the one that is proposed first.
    either
        Rows that both read, as different days.
    proof, against
        A value that only the one reads, and one that only the other does; empty where there is none.
    """

    one: str
    other: str
    either: int
    proof: str = ""
    against: str = ""

    @property
    def open(self) -> bool:
        """Whether a person has to say which: rows could be either, and nothing proves one of them alone."""
        return self.either > 0 and bool(self.proof) == bool(self.against)


@dataclass(frozen=True)
class Dates:
    """How dates are written.

    Parameters
    ----------
    same
        Formats that each read as many values as the best; the others than the first are alternatives.
    several
        Formats that are needed together, in the order in which they are to be tried, and how many rows each reads;
        nothing where one suffices.
    swapped
        Pairs that could be either way round.
    """

    same: tuple[str, ...] = ()
    several: tuple[tuple[str, int], ...] = ()
    swapped: tuple[Swapped, ...] = ()

    @property
    def tried(self) -> list[str]:
        """What a config says: the formats in the order in which they are tried."""
        return [one for one, _ in self.several] or list(self.same[:1])


def find(engine: Any, given: int, *, whole: bool, iso: int = 0) -> Dates | None:
    """Return how the values of the table ``cleaned`` are written as dates; None where they are none.

    Parameters
    ----------
    engine
        A DuckDB connection with that table: ``value`` and how ``often`` it occurs.
    given
        Rows with a value.
    whole
        Whether they are whole numbers, which are dates only if all of them are.
    iso
        How many are ISO 8601, which needs no format.
    """
    engine.execute(_BEGINNING)
    engine.execute(_LEFT)
    could = [one for one, rows in _counts(engine, "tried", (*values.DATES, *values.ISO_DATES)).items() if rows]
    counts = _counts(engine, "unread", could)
    best = max(counts.values(), default=0)
    if best == given:
        same = tuple(one for one in could if counts[one] == best)
        return Dates(same, swapped=tuple(_swapped(engine, same[:1])))
    if whole or not best:
        return None
    several = _several(engine, could)
    read = sum(rows for _, rows in several)
    if read <= max(iso, best) or len(several) < 2:
        # The rest is read in no way: one format, and values that are no dates.
        found = tuple(one for one in could if counts[one] == best) if best >= _MOSTLY * given and best > iso else ()
        return Dates(found, swapped=tuple(_swapped(engine, found[:1]))) if found else None
    if read < _MOSTLY * given:
        return None
    ordered = sorted(several, key=lambda one: ("%Y" in one[0], -one[1]))  # as %Y, 15 would be the year 15
    return Dates((), tuple(ordered), tuple(_swapped(engine, [one for one, _ in ordered])))


def words(dates: Dates) -> str:
    """Return how many rows are written in which way."""
    return " and ".join(f"{many(rows)} as {one}" for one, rows in dates.several)


def decisions(time: Facts) -> Iterator[str]:
    """Yield what a person has to decide of how a column's dates are written."""
    dates = time.written
    for pair in dates.swapped:
        if not pair.open:
            continue
        if pair.proof:
            told = f"{pair.proof} can only be {pair.one} and {pair.against} only {pair.other}"
            yield f"how {time.name} is written: {told}; {many(pair.either)} could be either, and are read as the former"
        else:
            told = f"can be read as {pair.one} and as {pair.other}, and none proves which"
            yield f"how {time.name} is written: {many(pair.either)} {told}; they are read as the former"
    others = [one for one in dates.same[1:] if not dates.swapped or one != dates.swapped[0].other]
    if others:
        yield f"how {time.name} is written: all its values can be read as " + " and as ".join(
            [dates.same[0], *others][:3]
        )


def notes(time: Facts) -> Iterator[str]:
    """Yield what proves how a column's dates are written, where days and months could be swapped."""
    if time.written.several:
        yield f"{time.name} is written in {len(time.written.several)} ways: {words(time.written)}"
    for pair in time.written.swapped:
        if pair.either and pair.proof and not pair.against:
            yield f"{time.name} is written as {pair.one} and not as {pair.other}: {pair.proof} proves it"


def _several(engine: Any, could: Sequence[str]) -> list[tuple[str, int]]:
    """Formats that together read most: each time the one that reads most of what is left."""
    found: list[tuple[str, int]] = []
    while len(found) < _SEVERAL:
        counts = _counts(engine, "unread", could)
        one = max(counts, key=counts.__getitem__, default="")
        if not counts.get(one):
            break
        engine.execute(_TAKE_OFF, {"written": one})
        found.append((one, counts[one]))
    return found


def _swapped(engine: Any, formats: Sequence[str]) -> Iterator[Swapped]:
    """Yield the pairs of ways that could be swapped, once each."""
    seen: set[str] = set()
    for one in formats:
        if not re.match(r"%d[^%a-zA-Z]%m|%m[^%a-zA-Z]%d", one) or one in seen:
            continue
        other = one.replace("%d", "\0").replace("%m", "%d").replace("\0", "%m")
        seen.add(other)
        either, proof, against = engine.execute(_EITHER, {"one": one, "other": other}).fetchone()
        if other not in values.DATES and not against:
            continue  # 31.12.2015 is never the month first
        yield Swapped(one, other, int(either), proof or "", against or "")


def _counts(engine: Any, table: Literal["tried", "unread"], formats: Sequence[str]) -> dict[str, int]:
    """Return how many rows each format reads, asked at once: the question repeats, the formats are its parameters."""
    if not formats:
        return {}
    question = f"SELECT {', '.join([_READ_AS] * len(formats))} FROM {table}"  # noqa: S608 - a name of ours
    (row,) = engine.execute(question, list(formats)).fetchall()
    return dict(zip(formats, map(int, row), strict=True))
