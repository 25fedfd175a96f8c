"""Whether the tables are what the parts of an experiment rely on: told from schemas, then by bounded queries.

One query per table answers every rule at once, where the rows live; each answer is a count and one example.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cxai_runner.config.problems import UNSET, Problem, did_you_mean
from cxai_runner.data.answers import ask, row, value
from cxai_runner.data.engines import errors
from cxai_runner.data.tables.casts import TRIMMED
from cxai_runner.data.tables.standard import STANDARD, Column, availability, may_be

if TYPE_CHECKING:
    from ibis.expr.types import BooleanValue, IntegerScalar, Scalar, Value

    from cxai_runner.data.tables.mapped import MappedTable
    from cxai_runner.data.tables.needs import Needs
    from cxai_runner.data.tables.opened import Tables


_NO_NUMBERS = "do not hold numbers"

_TIMES = ("1900-01-01", "2200-01-01")
"""When anything that is analysed here may have happened."""

_EVER = ("0001-01-01", "9999-12-31 23:59:59.999999")
"""What a frame can hold of dates: a column of its own may say 9999-12-31 for `never`, and not `infinity`."""


def unmet(needs: Needs, tables: Tables) -> Iterator[Problem]:
    """Yield the tables and columns that are needed and not there, without reading a row; full key paths."""
    for name in needs.required:
        if name not in tables:
            have = ", ".join(tables) or "none"
            yield Problem(
                f"data.tables.{name}",
                f"a table `{name}` is needed ({STANDARD[name].about}); the source has {have}",
                remedy=f"map one to it under data.tables.{name}, or choose other data: data=…",
            )
            continue
        columns = tables.columns(name)
        for want in needs.missing(name, columns):
            yield Problem(
                _path(tables.mapped[name], f"columns.{want.removesuffix('_*')}"),
                f"column `{want}` of {name} is needed, and the {tables.mapped[name].noun} has none of that name",
                remedy=did_you_mean(want, columns) or f"name the {tables.mapped[name].noun}'s own column here",
            )


def broken(needs: Needs, tables: Tables, *, gaps: bool = False) -> Iterator[Problem]:
    """Yield what the rows break of the rules for the columns that are needed; full key paths.

    With ``gaps`` a column that is neither a key nor a date may lack values, or hold infinite ones: whoever reads the
    rows says what becomes of them.
    """
    found = list(_broken(needs, tables, gaps=gaps))
    yield from found
    if not found:
        yield from _strangers(needs, tables)


def _broken(needs: Needs, tables: Tables, *, gaps: bool) -> Iterator[Problem]:
    for name in needs.tables():
        if name not in tables:
            continue
        table = tables.mapped[name]
        columns = needs.wanted(name, tables.columns(name))
        try:
            yield from _check(table, columns, gaps=gaps)
        except errors(table.staged) as error:
            # The engine found a line that is no row of this table: too many values, a broken encoding.
            yield _unread(error, table)


def _strangers(needs: Needs, tables: Tables) -> Iterator[Problem]:
    """Tables of which no row meets the one that describes its ids: what is 17 in one is 0017 in the other."""
    read = {name: needs.wanted(name, tables.columns(name)) for name in needs.tables() if name in tables}
    described = [(name, STANDARD[name].unique) for name in read]
    for name, key in described:
        for other, columns in read.items():
            if other == name or key is None or key not in columns or key not in tables.columns(name):
                continue
            here, there = tables[other], tables[name]
            if here[key].type().is_string() != there[key].type().is_string():
                continue  # which the source has told
            if ask(here.semi_join(there, key).select(key).limit(1)).num_rows:
                continue
            yield Problem(
                _path(tables.mapped[other], f"columns.{key}"),
                f"no `{key}` of {other} is one of {name}, so the two never meet: "
                f"`{value(here[key].min())}` in {other}, `{value(there[key].min())}` in {name}",
                remedy=f"write them alike, or map the column of {other} that holds the ids of {name}",
            )


@dataclass(frozen=True, eq=False)
class _Question:
    """How many of a column's rows are bad, with an example, and what to say of them."""

    column: str
    rows: IntegerScalar
    example: Scalar | None
    message: str
    remedy: str


def _check(table: MappedTable, columns: list[str], *, gaps: bool) -> Iterator[Problem]:
    staged, keep = table.staged, table.keep
    rule = STANDARD[table.name]
    questions = [*_unparsed(table, columns), *_rules(table, columns, gaps=gaps)]
    measures: dict[str, Any] = {"all": staged.count(), "kept": staged.count(where=keep)}
    for number, one in enumerate(questions):
        measures[f"rows {number}"] = one.rows
        if one.example is not None:
            measures[f"example {number}"] = one.example
    for column in _both(table.name, columns):
        measures[f"low {column}"] = staged[column].min(where=keep)
        measures[f"high {column}"] = staged[column].max(where=keep)
    if rule.unique in columns:
        # A value that is missing, or is not of its type, repeats none; it is told as what it is.
        measures["named"] = staged[rule.unique].count(where=keep)
        measures["distinct"] = staged[rule.unique].nunique(where=keep)
    found = row(staged.aggregate(**measures))

    if not found["all"]:
        told = "has a header and no rows" if table.noun == "file" else "has no rows"
        yield Problem(_origin(table), told, value=_name_of(table))
        return
    for number, one in enumerate(questions):
        bad = found[f"rows {number}"]
        if bad:
            example = found.get(f"example {number}")
            like = "" if example is None else f", such as `{example}`"
            remedy = _of_money(str(example)) or one.remedy if one.message == _NO_NUMBERS else one.remedy
            yield Problem(
                _path(table, f"columns.{one.column}"),
                f"{bad:,} of {found['all']:,} rows {one.message}{like}",
                remedy=remedy,
            )
    if not found["kept"]:
        yield _nothing_left(table, found["all"])
        return
    for column in _both(table.name, columns):
        if found[f"low {column}"] == found[f"high {column}"] and found[f"low {column}"] in {0, 1}:
            yield Problem(
                _path(table, f"columns.{column}"),
                f"`{column}` is {found[f'low {column}']} in all {found['kept']:,} rows: there is nothing to tell apart",
                remedy="map the column that says whether it happened",
            )
    if rule.unique in columns and found["distinct"] < found["named"]:
        yield _repeated(table, str(rule.unique), found["named"] - found["distinct"])


def _unparsed(table: MappedTable, columns: list[str]) -> Iterator[_Question]:
    """Values that are not of their column's type, in all rows: what a filter leaves out could depend on them."""
    for cast in table.casts:
        if cast.column not in columns or cast.wanted == TRIMMED:  # which no value can fail
            continue
        raw, value = table.staged[cast.raw], table.staged[cast.column]
        remedy = f"if other text stands for a missing value: data.{_below(table, 'nulls')}=[…]"
        if table.noun == "table":
            remedy = "mend them in the database, or map a view that leaves them out or makes them null"
        if cast.wanted.startswith("dates"):
            remedy = f"say how they are written, as in data.{_below(table, 'dates')}='%d/%m/%Y'"
        elif cast.wanted == "whole numbers":
            remedy = _other_type(table, cast.column) or remedy
        missing = raw.isnull() | raw.lower().isin(["", "nan"])
        bad = ~missing & value.isnull()
        yield _Question(
            cast.column, table.staged.count(where=bad), raw.min(where=bad), f"do not hold {cast.wanted}", remedy
        )


def _other_type(table: MappedTable, column: str) -> str:
    """The type that values which are no whole numbers may have; nothing where the standard leaves no other."""
    rule, key = STANDARD[table.name].rule(column), f"data.{_below(table, f'types.{column}')}"
    if rule is not None and (rule.low, rule.high) == (0, 1):
        return f"recode them as 0 and 1; true and false are read so: {key}=boolean"
    return f"if they are names: {key}=text" if may_be(rule, "text") else ""


def _of_money(text: str) -> str:
    """What to do about an amount that is written for people; nothing where it is none."""
    if not re.search(r"\d", text):
        return ""
    if re.search(r"\d[\u00a0\u202f]\d{3}", text):
        return "blanks between digits are read with thousands=' '; the file must hold nothing else around its numbers"
    if re.search(r"[€$£¥]|\b[A-Z]{3}\b", text):
        return "take the currency out of the column: amounts of several would be added up"
    if re.fullmatch(r"\s*(\(.*\)|.*-)\s*", text):
        return "write amounts below zero with the minus in front: -5.00"
    return ""


def _rules(table: MappedTable, columns: list[str], *, gaps: bool) -> Iterator[_Question]:
    """What the standard table says of its columns, in the rows that stay."""
    raw = {one.column: one.raw for one in table.casts if one.wanted != TRIMMED}
    staged, keep = table.staged, table.keep
    for column in columns:
        rule, value = STANDARD[table.name].rule(column), staged[column]
        if rule is None:
            if value.type().is_temporal():
                yield _outside(table, column, *_endless(value))
            continue
        open_to_gaps = gaps and rule.kind not in {"key", "timestamp"}
        if rule.required and not open_to_gaps:
            # Counting values, not nulls, lets the engine answer from a file's statistics. A value that did not
            # parse is told once, as what it is: hence the raw one.
            asked, stated = keep, availability(column, staged.columns)
            if stated is not None:
                asked = staged[stated] == 1 if keep is None else (staged[stated] == 1) & keep
            empty = staged.count(where=asked) - staged[raw.get(column, column)].count(where=asked)
            drop = f"to leave them out: data.{_below(table, f'where.{column}')}={{not_null: true}}"
            yield _Question(column, empty, None, "have no value", drop)
        bound = _bound(rule, value)
        if bound is not None:
            outside, words, filtered = bound
            yield _outside(table, column, outside & ~_infinite(value) if open_to_gaps else outside, words, filtered)
        if value.type().is_floating() and not open_to_gaps:
            endless = value.isinf() if keep is None else value.isinf() & keep
            drop = f"to leave them out: data.{_below(table, f'where.{column}')}={{lt: 1.0e+12}}"
            yield _Question(column, staged.count(where=endless), None, "are infinite", drop)


def _infinite(value: Value) -> BooleanValue:
    import ibis

    return value.isinf() if value.type().is_floating() else ibis.literal(False)


def _outside(table: MappedTable, column: str, outside: BooleanValue, words: str, filtered: str) -> _Question:
    """How many of the rows that stay are out of bounds, as `_bound` says them."""
    bad = outside if table.keep is None else outside & table.keep
    value = table.staged[column]
    like = value.cast("string").min(where=bad) if value.type().is_temporal() else value.min(where=bad)
    drop = f"to leave them out: data.{_below(table, f'where.{column}')}={filtered}"
    return _Question(column, table.staged.count(where=bad), like, f"are {words}", drop)


def _bound(rule: Column, value: Value) -> tuple[BooleanValue, str, str] | None:
    """Where a value is impossible, in words, and the filter that leaves such rows out."""
    if rule.kind == "timestamp" and value.type().is_temporal():
        return _out_of_time(value)
    if rule.low is None:
        return None
    low = f"{rule.low:g}"
    if rule.high is not None:
        return (
            (value < rule.low) | (value > rule.high),
            f"outside {low} … {rule.high:g}",
            f"{{between: [{low}, {rule.high:g}]}}",
        )
    if rule.strict:
        return value <= rule.low, f"{low} or less", f"{{gt: {low}}}"
    return value < rule.low, f"below {low}", f"{{ge: {low}}}"


def _out_of_time(value: Value) -> tuple[BooleanValue, str, str]:
    """Dates that stand for none (9999-12-31, infinity), and two-digit years that were read as the first century's."""
    import ibis

    first, last = (ibis.literal(day, type="timestamp") for day in _TIMES)
    words = f"outside {_TIMES[0][:4]} … {_TIMES[1][:4]}, which no purchase is"
    return (value < first) | (value > last), words, "{between: [" + ", ".join(_TIMES) + "]}"


def _endless(value: Value) -> tuple[BooleanValue, str, str]:
    """Dates that a database has and no frame can hold: PostgreSQL's infinity, years before the first."""
    import ibis

    first, last = (ibis.literal(day, type="timestamp") for day in _EVER)
    return (value < first) | (value > last), "no dates of the years 1 … 9999", "{between: [" + ", ".join(_TIMES) + "]}"


def _both(name: str, columns: list[str]) -> list[str]:
    rules = ((column, STANDARD[name].rule(column)) for column in columns)
    return [column for column, rule in rules if rule is not None and rule.both]


def _nothing_left(table: MappedTable, rows: int) -> Problem:
    reasons = ", ".join(one.reason for one in table.conditions)
    return Problem(
        _path(table, "where"),
        f"none of the {rows:,} rows of {table.name} is left ({reasons})",
        remedy="loosen the filter, or check the column it looks at",
    )


def _repeated(table: MappedTable, key: str, extra: int) -> Problem:
    """Rows that repeat the key of a table which must have one row per key."""
    kept = table.rows
    often = kept.group_by(key).aggregate(rows=kept.count()).filter(lambda t: t[key].notnull() & (t.rows > 1))
    example = value(often[key].min())
    rows = "1 row repeats" if extra == 1 else f"{extra:,} rows repeat"
    return Problem(
        _path(table, f"columns.{key}"),
        f"{rows} a `{key}`, such as `{example}`; {table.name} must have {STANDARD[table.name].about}",
        remedy="remove the repeats, or map the column that tells the rows apart",
    )


def _below(table: MappedTable, key: str) -> str:
    return f"{table.key}.{key}" if table.key else key


def _path(table: MappedTable, key: str) -> str:
    return f"data.{_below(table, key)}"


def _unread(error: Exception, table: MappedTable) -> Problem:
    """What is wrong with a table that cannot be read to its end."""
    if table.noun == "file" and table.files:
        from cxai_runner.data.files.malformed import unreadable

        return unreadable(error, table)
    first = str(error).strip().splitlines()[0]
    return Problem(_origin(table), f"cannot be read to its end: {first}", value=_name_of(table))


def _origin(table: MappedTable) -> str:
    """The key that says which file or table it is."""
    return _path(table, "path" if table.noun == "file" else "table")


def _name_of(table: MappedTable) -> Any:
    if table.place:
        return table.place
    return table.files[0].name if table.files else UNSET
