"""What a table may be and what its columns may be for: guesses, each with its reason in a few words.

A guess rests on what a column is called and on what it holds, and never goes against the latter. What names and values
leave open is told as a decision for a person. Nothing depends on the order of rows or columns.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from cxai_runner.inspection.facts import Facts
from cxai_runner.inspection.names import identifies, says, strength


@dataclass(frozen=True)
class Role:
    """What a column may be for.

    Parameters
    ----------
    name
        A standard column, or a plain word for what no standard table has.
    why
        The reason, in a few words.
    standard
        Whether ``name`` is a standard column.
    """

    name: str
    why: str
    standard: bool = True


@dataclass(frozen=True)
class Guess:
    """What a table may be.

    Parameters
    ----------
    kind
        In a word or two: ``transactions``, ``campaign`` …
    about
        What makes it look like that, as a sentence without its full stop.
    table
        The standard table it would be; empty where there is none for it.
    roles
        By column.
    patterns
        Standard name → pattern over alternatives, such as ``Price_{alternative}``.
    long
        Column of the alternative and of whether it was chosen, of a panel with one row for each alternative.
    also
        Standard column → column that has another role already.
    numbered
        Standard columns that no column is, for which the row's number stands, and why.
    computed
        Standard columns that follow from others, as a source's config writes it.
    where
        Filters by standard name, for rows that a standard table cannot have.
    outcomes
        Columns that say what became of a customer: no inputs of a description.
    notes
        What is good to know.
    decide
        What a person has to decide.
    missing
        Of a table that looks like nothing: what was looked for, and what came of it.
    """

    kind: str
    about: str
    table: str = ""
    roles: Mapping[str, Role] = field(default_factory=dict)
    patterns: Mapping[str, str] = field(default_factory=dict)
    long: Mapping[str, str] = field(default_factory=dict)
    also: Mapping[str, str] = field(default_factory=dict)
    numbered: Mapping[str, str] = field(default_factory=dict)
    computed: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    where: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    outcomes: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    decide: tuple[str, ...] = ()
    missing: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, eq=False)
class Seen:
    """The facts of a table, as the rules of `kinds` ask for them.

    Parameters
    ----------
    columns
        Facts by column.
    pairs
        How many distinct pairs of values two columns have.
    named
        Whether the file names its columns.
    overlap
        Gives the share of values that two columns have in common.
    below
        Gives how many rows whose text in a column begins with some letters have a number below 0 in another.
    copies
        Rows that equal an earlier one in every column.
    """

    columns: Mapping[str, Facts]
    pairs: Mapping[frozenset[str], int]
    named: bool = True
    overlap: Callable[[str, str], float] = lambda one, other: 0.0
    below: Callable[[str, str, str], int] = lambda one, start, number: 0
    copies: int = 0

    @cached_property
    def rows(self) -> int:
        """Rows looked at."""
        return max((one.rows for one in self.columns.values()), default=0)

    @cached_property
    def keys(self) -> tuple[Facts, ...]:
        """Columns that could tell rows apart: whole numbers and text, neither fractions nor dates nor yes and no."""
        found = (
            one
            for one in self.columns.values()
            if one.distinct > 1 and not one.binary and not one.mails and not one.epoch
            and (one.type == "text" or (one.numeric and one.whole and one.below == 0))
        )  # fmt: skip
        return tuple(sorted(found, key=lambda one: _natural(one.name)))

    @cached_property
    def dates(self) -> tuple[Facts, ...]:
        """Columns of dates, the likeliest date of what happened first."""
        found = [one for one in self.columns.values() if one.type == "dates"]
        unlikely = ("birth", "birthday", "dob", "updated", "modified", "shipped", "delivered", "expiry", "expires")
        return tuple(
            sorted(
                found,
                key=lambda one: (
                    any(word in one.name.lower() for word in unlikely),
                    one.missing,
                    -strength(one.name, "order", "time"),
                    _natural(one.name),
                ),
            )
        )

    @cached_property
    def numbers(self) -> tuple[Facts, ...]:
        """Columns of numbers."""
        found = (one for one in self.columns.values() if one.numeric)
        return tuple(sorted(found, key=lambda one: _natural(one.name)))

    def together(self, one: Facts, other: Facts) -> int:
        """Distinct pairs of two columns; 0 where they were not counted."""
        return self.pairs.get(frozenset((one.name, other.name)), 0)

    def tell_apart(self, one: Facts, other: Facts) -> bool:
        """Whether two columns together identify a row."""
        return self.together(one, other) == self.rows > 0

    def key_of(self, meaning: str, among: Iterable[Facts] | None = None) -> Facts | None:
        """The column that is called the key of ``meaning``, if there is one; the clearest name, then most values."""
        found = [(identifies(one.name, meaning), one) for one in (self.keys if among is None else among)]
        found = [(clear, one) for clear, one in found if clear and not one.personal]
        return min(found, key=lambda f: (-f[0], -f[1].distinct, _natural(f[1].name)))[1] if found else None

    def named_for(self, *meanings: str, among: Iterable[Facts], never: tuple[str, ...] = ()) -> Facts | None:
        """The column whose name says any of ``meanings`` most clearly and none of ``never``."""
        return named_for(list(among), *meanings, never=never)

    def full_grid(self, unit: Facts, time: Facts) -> bool:
        """Whether every unit has one row at every time, but for a few."""
        return self.tell_apart(unit, time) and self.rows >= 0.9 * unit.distinct * time.distinct


def guess(seen: Seen) -> Guess:
    """Return what the table may be: the first kind whose signs are all there."""
    from cxai_runner.inspection.kinds import KINDS

    for rule in KINDS:
        found = rule(seen)
        if found is not None:
            return found
    from cxai_runner.inspection.missing import reasons

    return Guess("unknown", "nothing that cxai knows of", missing=reasons(seen))


def named_for(among: list[Facts], *meanings: str, never: tuple[str, ...] = ()) -> Facts | None:
    """Return the column whose name says any of ``meanings`` most clearly and none of ``never``."""
    found = [(strength(one.name, *meanings), one) for one in among]
    found = [(clear, one) for clear, one in found if clear and not (never and says(one.name, *never))]
    return min(found, key=lambda f: (-f[0], len(f[1].name), _natural(f[1].name)))[1] if found else None


def often(one: Facts) -> str:
    """How often the values of a column come, in words."""
    if one.unique:
        return "another in every row"
    times = (one.rows - one.missing) / max(1, one.distinct)
    return f"{one.distinct:,} values, each {times:,.1f} times"


def _natural(name: str) -> tuple[Any, ...]:
    """Order names so that column_2 comes before column_10."""
    return tuple((0, int(part), "") if part.isdigit() else (1, 0, part) for part in re.split(r"(\d+)", name))
