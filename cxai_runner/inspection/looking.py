"""One look: what there is, how it is written, what it holds, what it may be."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from cxai_runner.config.problems import Problem, UserError, did_you_mean
from cxai_runner.data.connect import threads
from cxai_runner.data.engines.frames import OddValueError
from cxai_runner.data.engines.urls import engine_of, file_of, redacted
from cxai_runner.inspection import sample
from cxai_runner.inspection.describe import begins_below, copies, describe, shared, together
from cxai_runner.inspection.facts import Facts
from cxai_runner.inspection.names import is_measure
from cxai_runner.inspection.places import MOST, Place, find, shown
from cxai_runner.inspection.roles import Guess, Seen, guess

if TYPE_CHECKING:
    from ibis.expr.types import Table as IbisTable

    from cxai_runner.data.engines import Opened
    from cxai_runner.inspection.sample import Sample


@dataclass(frozen=True, eq=False)
class Looked:
    """A table that was looked at.

    Parameters
    ----------
    place
        Where it is.
    sample
        The rows that were looked at, and how they are written.
    facts
        Of each column, in the table's order.
    pairs
        How many distinct pairs of values two columns have, of those that could be parts of a key.
    guess
        What it may be.
    copies
        Rows that equal an earlier one in every column.
    """

    place: Place
    sample: Sample
    facts: tuple[Facts, ...]
    pairs: dict[frozenset[str], int]
    guess: Guess
    copies: int = 0

    @property
    def keys(self) -> tuple[tuple[str, ...], ...]:
        """What identifies a row: single columns, or pairs where no single one does."""
        could = [one for one in self.facts if one.unique and not one.fractions and not one.personal]
        single = tuple((one.name,) for one in could if not (one.numeric and is_measure(one.name)))
        if single or not self.sample.looked:
            return single
        order = {one.name: place for place, one in enumerate(self.facts)}
        found = [sorted(pair, key=order.__getitem__) for pair, many in self.pairs.items() if many == self.sample.looked]
        return tuple(tuple(pair) for pair in sorted(found, key=lambda pair: [order[one] for one in pair]))

    def facts_of(self, column: str) -> Facts:
        """The facts of one column."""
        return next(one for one in self.facts if one.name == column)


@dataclass(frozen=True, eq=False)
class Inspection:
    """All that was looked at in one place.

    Parameters
    ----------
    location
        As it was given.
    tables
        What was looked at.
    left_out
        What was not, and why.
    apart
        Tables whose customers are not each other's: their places, by pairs.
    """

    location: str
    tables: tuple[Looked, ...]
    left_out: tuple[str, ...] = ()
    apart: tuple[tuple[Looked, Looked], ...] = ()

    @property
    def shown(self) -> str:
        """The location as it may be printed."""
        return redacted(self.location) if self.is_database else shown(self.location)

    @property
    def is_database(self) -> bool:
        """Whether the tables are those of a database."""
        return engine_of(self.location) is not None


def look(location: str, rows: int = sample.ROWS, tables: Sequence[str] = ()) -> Inspection:
    """Look at the tables at ``location``: a file, a folder, a pattern, an address or a database.

    Parameters
    ----------
    rows
        How many rows of each are looked at.
    tables
        Those of a database; all where none are named.

    Raises
    ------
    UserError
        Where there is no table that can be read.
    """
    if engine_of(location) is not None:
        return _database(location, rows, tables)
    if tables:
        raise UserError([Problem("--table", "only a database has tables to choose from", shown(location))])
    places, left_out = find(location)
    looked: list[Looked] = []
    problems: list[Problem] = []
    for place in places:
        try:
            looked.append(_looked(place, _sampled(place, rows)))
        except UserError as error:
            problems += [replace(one, key=one.key or place.shown) for one in error.problems]
    if not looked:
        raise UserError(problems)
    left_out += [f"{one.key}: {one.message}" for one in problems]
    return Inspection(location, tuple(looked), tuple(left_out), tuple(_apart(looked)))


def look_at_table(table: IbisTable, name: str = "table", rows: int = sample.ROWS) -> Looked:
    """Look at any Ibis table, of a database or of memory: its first rows are fetched, and nothing else is asked."""
    return _looked(Place("", name), sample.of_table(table, rows))


def _database(url: str, rows: int, wanted: Sequence[str]) -> Inspection:
    """Look at tables of a database: all of them, or those that are wanted."""
    opened = _opened(url)
    unknown = [name for name in wanted if name not in opened.tables]
    if unknown or not opened.tables:
        remedy = did_you_mean(unknown[0], opened.tables) if unknown else "name another database or schema"
        raise UserError([Problem("--table", "no such table", ", ".join(unknown) or redacted(url), remedy)])
    names = list(wanted or opened.tables)
    left_out = [f"{name}: this user may not read it" for name in names if name in opened.unreadable]
    left_out += [f"{len(names) - MOST:,} more tables: name them with --table"] if len(names) > MOST else []
    looked = []
    for name in [one for one in names if one not in opened.unreadable][:MOST]:
        try:
            table = opened.backend.table(name, database=opened.schema)
            looked.append(_looked(Place("", name), sample.of_table(table, rows)))
        except OddValueError as error:
            left_out.append(f"{name}: {error}")
        except Exception as error:  # drivers and Ibis between them raise what they like of a view that is broken
            left_out.append(f"{name}: cannot be read ({type(error).__name__})")
    if not looked:
        raise UserError([Problem("LOCATION", "no table can be read", redacted(url), "; ".join(left_out[:3]))])
    return Inspection(url, tuple(looked), tuple(left_out), tuple(_apart(looked)))


def _opened(url: str) -> Opened:
    """Open a database to be read.

    Raises
    ------
    UserError
        Where it cannot be reached, or its driver is not installed.
    """
    from cxai_runner.data.engines import UnreachableError, open_database

    engine = str(engine_of(url))
    if engine in {"sqlite", "duckdb"} and not file_of(url).is_file():
        remedy = "a file of this folder is written as in sqlite:///shop.db"
        raise UserError([Problem("LOCATION", "no such file", redacted(url), remedy)])
    try:
        return open_database(url, None, threads())
    except UnreachableError as error:
        raise UserError([replace(error.problem, key="LOCATION")]) from None
    except ImportError as error:
        raise UserError([Problem("LOCATION", f"needs the package `{error.name}`", redacted(url))]) from None


def _sampled(place: Place, rows: int) -> Sample:
    with closing(place.open()) as stream:
        if place.is_parquet:
            taken = sample.of_parquet(stream, place.size, rows)
        else:
            taken = sample.of_text(stream, place.size, rows)
    names = taken.written.names
    if not names:
        raise UserError([Problem("", "has no columns")])
    if not taken.looked:
        told = "has a header and no rows" if taken.written.header else "has no rows"
        raise UserError([Problem("", told, remedy="its columns are " + ", ".join(names[:12]))])
    if len(names) == 1:
        remedy = "a table has two columns at least: who or what, and something of it"
        raise UserError([Problem("", "has one column only: no character separates values on its lines", remedy=remedy)])
    if len(place.files) > 1:  # the others were not looked at
        taken = replace(taken, of=_of_all(place) if place.is_parquet else None, ranges={})
    return taken


def _of_all(place: Place) -> int:
    """Rows of all files of a table in Parquet, which each of them knows."""
    import pyarrow.parquet as pq

    return sum(int(pq.read_metadata(one).num_rows) for one in place.files)


def _looked(place: Place, taken: Sample) -> Looked:
    facts = describe(taken.table, taken.ranges)
    pairs = together(taken.table, facts)

    def overlap(one: str, other: str) -> float:
        return shared(taken.table, one, taken.table, other)

    def below(one: str, start: str, number: str) -> int:
        return begins_below(taken.table, one, start, number)

    seen = Seen(
        {one.name: one for one in facts},
        pairs,
        named=taken.written.header,
        overlap=overlap,
        below=below,
        copies=copies(taken.table),
    )
    return Looked(place, taken, facts, pairs, guess(seen), seen.copies)


def _apart(tables: Sequence[Looked]) -> list[tuple[Looked, Looked]]:
    """Tables of customers that have none in common."""
    known = [(one, _customer(one)) for one in tables if one.guess.table]
    found = []
    for place, (one, mine) in enumerate(known):
        for other, theirs in known[place + 1 :]:
            if one.guess.table == other.guess.table or not mine or not theirs:
                continue
            if not shared(one.sample.table, mine, other.sample.table, theirs):
                found.append((one, other))
    return found


def _customer(one: Looked) -> Any:
    return next((name for name, role in one.guess.roles.items() if role.name == "customer_id"), None)
