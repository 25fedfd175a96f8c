"""What was found, as lines for a person and as plain data for a program, with no value that could be a person's.

Values are shown where they are few and come back; ids, names and addresses never, whatever their columns are called.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from cxai_runner.inspection.facts import Facts
from cxai_runner.inspection.feeds import Feed
from cxai_runner.inspection.looking import Looked
from cxai_runner.inspection.names import generic, identifies, is_measure, many
from cxai_runner.inspection.panels import Pattern, patterns
from cxai_runner.inspection.propose import Proposal

_SIGNS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars", " ": "blanks"}
_LONGEST = 24
_THINGS = ("customer", "order", "product", "store")

Row = tuple[str, ...]
COLUMNS: Row = ("column", "type", "missing", "distinct", "values", "may be")


def heading(one: Looked) -> str:
    """Return what a table is, in one line."""
    return f"{one.place.shown} · {one.guess.kind} · {_rows(one)}"


def facts_of_file(one: Looked) -> list[str]:
    """Return how a table is written, what it looks like and what identifies a row, a line each."""
    keys = one.keys
    if keys:
        told = "a row is identified by " + " or by ".join(" with ".join(key) for key in keys[:3])
    else:
        told = "no column or pair of columns identifies a row"
    if not one.sample.whole:
        told += ", in the rows looked at"
    again = [f"copies of another row in every column: {many(one.copies)}"] if one.copies else []
    return [_written(one), one.guess.about, told, *again, *one.sample.odd]


def rows(one: Looked) -> list[Row]:
    """Return one row of text for each column, those of a pattern over alternatives together."""
    taken: dict[str, str] = {}
    groups: dict[str, list[Facts]] = {}
    for pattern in _over_alternatives(one):
        taken |= dict.fromkeys(pattern.columns.values(), pattern.written)
    for facts in one.facts:
        groups.setdefault(taken.get(facts.name, facts.name), []).append(facts)
    return [_row(one, name, some) for name, some in groups.items()]


def _over_alternatives(one: Looked) -> tuple[Pattern, ...]:
    """The patterns of a wide panel: those over the same alternatives as its prices, or the largest set of them."""
    if one.guess.table != "panel" or one.guess.long:
        return ()
    sets = patterns([facts.name for facts in one.facts if facts.numeric or facts.type == "true/false"])
    known = {own for own, role in one.guess.roles.items() if role.name.endswith("_…")}
    for some in sets:
        if not known or any(known & set(pattern.columns.values()) for pattern in some):
            return some
    return ()


def _row(one: Looked, name: str, some: Sequence[Facts]) -> Row:
    first = some[0]
    role = one.guess.roles.get(first.name)
    numbers = [facts for facts in some if facts.low is not None]
    span = values(first, one) if len(some) == 1 else ""
    if len(some) > 1 and numbers:
        span = f"{_short(min(f.low for f in numbers))} … {_short(max(f.high for f in numbers))}"
    missing = sum(facts.missing for facts in some)
    few, many = min(facts.distinct for facts in some), max(facts.distinct for facts in some)
    kinds = list(dict.fromkeys(facts.type for facts in some))
    return (
        _cut(name if len(some) == 1 else f"{name} × {len(some)}", 32),
        kind(first) if len(kinds) == 1 else "numbers",
        _share(missing, first.rows * len(some)),
        f"{few:,}" if few == many else f"{few:,} … {many:,}",
        span,
        f"{role.name} — {role.why}" if role is not None else "",
    )


def kind(facts: Facts) -> str:
    """Return what the values are: their type, and what of it is not of that type."""
    if facts.starts:
        share = facts.numbers / max(1, facts.numbers + sum(often for _, often in facts.starts))
        start, often = facts.starts[0]
        return f"text: {100 * share:.1f} % whole numbers, {often:,} begin with {start}"
    return f"{facts.type}, {facts.odd:,} others" if facts.odd else facts.type


def values(facts: Facts, one: Looked) -> str:
    """Return what may be shown of a column's values: few that come back, or from where to where."""
    if hidden(facts, one):
        return "not shown"
    if facts.type == "dates":
        span = f"{_day(facts.low)} … {_day(facts.high)}"
        ways = facts.written.tried
        return (
            span if not ways else f"{span} as {ways[0]}" if len(ways) == 1 else f"{span}, written in {len(ways)} ways"
        )
    if facts.values and all(often > 1 for _, often in facts.values) and len(facts.values) <= 6:
        total = sum(often for _, often in facts.values)
        told = [f"{_cut(_short(value), _LONGEST)} {often / total:.0%}" for value, often in facts.values[:3]]
        return ", ".join(told) + (", …" if len(facts.values) > 3 else "")
    if facts.low is not None:
        return f"{_short(facts.low)} … {_short(facts.high)}"
    return f"up to {facts.longest} characters" if facts.longest else ""


def hidden(facts: Facts, one: Looked) -> bool:
    """Whether the values of a column may be ids of people or things, or say who somebody is."""
    role = one.guess.roles.get(facts.name)
    if facts.personal or (role is not None and role.name.removesuffix(", again") in _KEYS):
        return True
    if facts.type == "text" and (facts.unique or facts.distinct > 0.5 * max(1, facts.rows - facts.missing)):
        return facts.distinct > 1
    could = facts.type == "text" or facts.whole
    called = generic(facts.name) or any(identifies(facts.name, thing) >= 2 for thing in _THINGS)
    return could and not facts.binary and (called or (facts.unique and not is_measure(facts.name)))


_KEYS = {"customer_id", "order_id", "product_id", "store_id", "customer", "from", "to"}


def about_tasks(tried: Sequence[Feed], name: str, config_dir: str) -> tuple[list[Row], list[Row]]:
    """Return the tasks that can be fed, with the command, and the others, with what is missing."""
    can: list[Row] = [
        (feed.task, command(feed, name, config_dir), "a dry run passes" if feed.checked else "by its columns")
        for feed in tried
        if feed.ready
    ]
    return can, [(feed.task, "; ".join(feed.lacks)) for feed in tried if not feed.ready]


def command(feed: Feed, name: str, config_dir: str) -> str:
    """Return the command that runs a task on a config."""
    words = ["--config-dir", config_dir, f"data={name}", f"task={feed.task}", *feed.overrides]
    return "cxai run " + " ".join(shlex.quote(word) if not _plain_word(word) else word for word in words)


def no_table(one: Looked) -> str:
    """Return why nothing is proposed of a table."""
    if one.guess.kind == "unknown":
        return f"{one.place.shown} looks like nothing that a standard table is for"
    told = "there is no standard table for such, so no task works on it yet"
    return f"{one.place.shown} looks like {one.guess.kind}: {told}"


def as_data(one: Looked) -> dict[str, Any]:
    """Return all that is known of a table, as plain data."""
    written = asdict(one.sample.written)
    return {
        "path": one.place.shown,
        "kind": one.guess.kind,
        "about": one.guess.about,
        "table": one.guess.table or None,
        "rows": one.sample.of,
        "looked_at": one.sample.looked,
        "all": one.sample.whole,
        "bytes": one.sample.size,
        "written": {key: written[key] for key in written if key != "names"},
        "keys": [list(key) for key in one.keys],
        "columns": [_as_data(facts, one) for facts in one.facts],
        "notes": [*one.guess.notes, *one.sample.odd],
        "decide": list(one.guess.decide),
        "looked_for": dict(one.guess.missing),
        "copies": one.copies,
    }


def proposal_as_data(proposal: Proposal, tried: Sequence[Feed], name: str, config_dir: str) -> dict[str, Any]:
    """Return a proposal and what becomes of the tasks, as plain data."""
    return {
        "name": name,
        "yaml": proposal.text,
        "tables": {standard: one.place.shown for standard, one in proposal.tables.items()},
        "notes": list(proposal.notes),
        "decide": list(proposal.decide),
        "feeds": [
            {"task": one.task, "command": command(one, name, config_dir), "checked": one.checked}
            for one in tried
            if one.ready
        ],
        "missing": [{"task": one.task, "lacks": list(one.lacks)} for one in tried if not one.ready],
    }


def _as_data(facts: Facts, one: Looked) -> dict[str, Any]:
    secret = hidden(facts, one)
    role = one.guess.roles.get(facts.name)
    shown = not secret and all(often > 1 for _, often in facts.values)
    return {
        "name": facts.name,
        "type": facts.type,
        "missing": facts.missing,
        "distinct": facts.distinct,
        "odd": facts.odd,
        "low": None if secret else _json(facts.low),
        "high": None if secret else _json(facts.high),
        "below_zero": facts.below,
        "zeros": facts.zeros,
        "dates": list(facts.dates),
        "dates_in_several_ways": [{"format": way, "rows": rows} for way, rows in facts.written.several],
        "begin_with": [{"letters": start, "rows": often} for start, often in facts.starts],
        "nulls": list(facts.nulls),
        "decimal": facts.decimal or None,
        "thousands": facts.thousands or None,
        "role": role.name if role else None,
        "why": role.why if role else None,
        "values": [{"value": _json(value), "rows": often} for value, often in facts.values] if shown else [],
    }


def _written(one: Looked) -> str:
    how, taken = one.sample.written, one.sample
    if how.format == "parquet":
        words = ["Parquet"]
    elif how.format == "table":
        words = ["a table of a database"]
    else:
        apart = f"separated by {_SIGNS.get(how.delimiter or '', repr(how.delimiter))}"
        words = ["text in fixed columns" if how.format == "fixed" else f"text {apart}"]
        words.append("a header" if how.header else "no header")
        words += (
            [f"{how.skip} lines before it" if how.header else f"{how.skip} lines before the table"] if how.skip else []
        )
        words += [how.encoding + (" with a byte order mark" if how.mark else ""), f"{how.line_ends} line ends"]
        words += ["compressed by gzip"] if how.compressed else []
        commas = [facts for facts in one.facts if facts.decimal]
        words += ["decimal commas"] if commas else []
    words += [_bytes(taken.size)] if taken.size else []
    if not taken.whole:
        words.append(f"the first {taken.looked:,} rows were looked at")
    return ", ".join(words)


def _rows(one: Looked) -> str:
    return f"more than {one.sample.looked:,} rows" if one.sample.of is None else f"{one.sample.of:,} rows"


def _bytes(size: int) -> str:
    number = float(size)
    for unit in ("bytes", "kB", "MB", "GB", "TB"):
        if number < 1000 or unit == "TB":
            return f"{number:.0f} {unit}" if unit == "bytes" or number >= 100 else f"{number:.1f} {unit}"
        number /= 1000
    return ""


def _share(many: int, of: int) -> str:
    if not many or not of:
        return ""
    share = 100 * many / of
    return f"{share:.1f} %" if share >= 0.1 else f"{many:,}"


def _short(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:,.4g}" if abs(value) < 1e4 else f"{value:,.0f}"
    return f"{value:,}" if isinstance(value, int) and abs(value) >= 1e5 else str(value)


def _day(value: Any) -> str:
    if isinstance(value, datetime):
        return (
            f"{value:%Y-%m-%d}" if (value.hour, value.minute, value.second) == (0, 0, 0) else f"{value:%Y-%m-%d %H:%M}"
        )
    return str(value)


def _json(value: Any) -> Any:
    return value if isinstance(value, bool | int | float | str | None) else _day(value)


def _cut(text: str, width: int) -> str:
    text = " ".join(text.split())
    return text if len(text) <= width else text[: width - 1] + "…"


def _plain_word(word: str) -> bool:
    return re.fullmatch(r"[\w@%+=:,./-]+|features\.\w+=\[[\w,]*\]", word, re.ASCII) is not None
