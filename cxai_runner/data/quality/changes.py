"""Values that are not what their source says: read as another type, parsed by a format, taken as missing.

What a source was told to do to its values (its config, kept as text in `MappedTable.spec`) and the raw values beside
those that were cast say how often each rule met one. A rule that met none is not told.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from cxai_runner.data import engines
from cxai_runner.data.answers import row
from cxai_runner.data.tables import computed
from cxai_runner.data.tables.casts import TRIMMED
from cxai_runner.data.tables.standard import is_key

if TYPE_CHECKING:
    from ibis.expr.types import BooleanValue, StringValue, Value

    from cxai_runner.data.tables.mapped import Cast, MappedTable

_HOLE: Final = "{alternative}"


@dataclass(frozen=True)
class Change:
    """Values of a column that one rule changed.

    Parameters
    ----------
    column
        By its standard name.
    rule
        What was done, in words that follow "values": ``read as dates written %d/%m/%Y``.
    values, of
        How many, of how many rows of the source.
    plain
        Whether it is what reading such a file means (a number that a CSV wrote as text), and worth no mention.
    """

    column: str
    rule: str
    values: int
    of: int
    plain: bool = False


def changes(table: MappedTable) -> Iterator[Change]:
    """Yield what was done to the values of ``table``, counted over all its rows: in one query, and one for nulls."""
    yield from _taken_as_missing(table)
    rules = [(cast.column, *rule) for cast in table.casts for rule in _rules(table, cast)]
    if not rules:
        return
    staged = table.staged
    measures: dict[str, Value] = {f"m{number}": staged.count(where=met) for number, (_, _, met, _) in enumerate(rules)}
    found = row(staged.aggregate(rows=staged.count(), **measures))
    for number, (column, words, _, plain) in enumerate(rules):
        values = int(found[f"m{number}"])
        if values:
            yield Change(column, words, values, int(found["rows"]), plain)


def own_names(table: MappedTable) -> dict[str, str]:
    """What the source calls the columns of ``table``, by standard name; those that keep their own are left out."""
    found = {}
    for standard, own in _settings(table).get("columns", {}).items():
        if isinstance(own, Mapping):
            found[standard] = computed.words(own)
        elif own is not None and _HOLE in own:
            ends = (name.removeprefix(f"{standard}_") for name in table.columns if name.startswith(f"{standard}_"))
            found |= {f"{standard}_{end}": own.replace(_HOLE, end) for end in ends}
        elif own is not None:
            found[standard] = own
    return found


def _rules(table: MappedTable, cast: Cast) -> Iterator[tuple[str, BooleanValue, bool]]:
    """What may have been done to the values of a column that was cast: in words, where it was, whether it is plain."""
    settings = _settings(table)
    raw, value = table.staged[cast.raw], table.staged[cast.column]
    read = value.notnull()
    if is_key(table.name, cast.column) or cast.wanted == TRIMMED:
        yield "blanks around them taken away", read & (raw != engines.trimmed(raw)), False
    if cast.wanted == TRIMMED:
        yield "“NaN” taken as missing", value.isnull() & (engines.trimmed(raw) == "NaN"), False
        return
    if cast.wanted.startswith("dates"):
        yield from _dates(raw, read, _listed(settings.get("dates")), plain=not _is_typed(table, settings))
    else:
        for key, sign in (("thousands", settings.get("thousands")), ("decimal", settings.get("decimal"))):
            if cast.wanted.endswith("numbers") and sign and (key, sign) != ("decimal", "."):
                yield f"written with “{sign}” as {key} sign, read as numbers", read & raw.contains(sign), False
        yield f"read as {cast.wanted}", read, not _is_typed(table, settings)
    if not (_is_typed(table, settings) and table.files):  # those are counted where they are numbers
        yield "“NaN” taken as missing", value.isnull() & (raw.lower() == "nan"), False


def _taken_as_missing(table: MappedTable) -> Iterator[Change]:
    """How often each text that stands for a missing value does, and NaN: asked of the files with both in place."""
    settings = _settings(table)
    typed = _is_typed(table, settings)
    if not table.files or table.place or not (typed or settings.get("nulls")):
        return
    from cxai_runner.data.files.reading import read
    from cxai_runner.data.files.schema import TableFile

    kind = "parquet" if typed else settings.get("format")
    file = TableFile(path="", **(settings | {"nulls": (), "format": kind}))
    rows = read(file, table.files, table.staged.get_backend()).rows
    standard = {own: name for name, own in own_names(table).items()}
    met: list[tuple[str, str, BooleanValue]] = []
    for own, have in rows.schema().items():
        name = standard.get(own, own)
        if name not in table.columns:
            continue
        if typed:
            met += [(name, "NaN", rows[own].isnan())] if have.is_floating() else []
        else:
            met += [(name, text, rows[own] == text) for text in settings["nulls"]]
    if not met:
        return
    measures = {f"m{number}": rows.count(where=test) for number, (_, _, test) in enumerate(met)}
    found = row(rows.aggregate(rows=rows.count(), **measures))
    for number, (name, text, _) in enumerate(met):
        if found[f"m{number}"]:
            yield Change(name, f"“{text}” taken as missing", int(found[f"m{number}"]), int(found["rows"]))


def _dates(
    raw: StringValue, read: BooleanValue, formats: list[str], *, plain: bool
) -> Iterator[tuple[str, BooleanValue, bool]]:
    """The first format that a value is written in is the one it was read by."""
    from cxai_runner.data.tables.casts import parse_dates

    if not formats:
        yield "read as dates", read, plain
    elif len(formats) == 1:
        yield f"read as dates written {formats[0]}", read, False
    else:
        left, twice = read, None
        for written in formats:
            fits = parse_dates(raw, [written]).notnull()
            yield f"read as dates written {written}", left & fits, False
            again = read & ~left & fits
            twice = again if twice is None else twice | again
            left = left & ~fits
        yield "fit several ways of writing dates, the first of which was taken", twice, False


def _listed(dates: Any) -> list[str]:
    return [dates] if isinstance(dates, str) and dates else list(dates or ())


def _is_typed(table: MappedTable, settings: Mapping[str, Any]) -> bool:
    """Whether the source has types of its own, so that another one is worth a mention."""
    endings = {path.suffix.lower() for path in table.files}
    return bool(table.place) or settings.get("format") == "parquet" or bool(endings & {".parquet", ".pq"})


def _settings(table: MappedTable) -> dict[str, Any]:
    try:
        found = json.loads(table.spec or "{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
