"""Panels in long form, one row per occasion *and alternative*, as the wide panel that the standard table is.

The reshaping happens where the rows live. What the columns of the result are called depends on the rows: which
alternatives there are, and which columns differ between them. One bounded question tells both.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from cxai_runner.config.problems import Problem, did_you_mean
from cxai_runner.data.answers import ask, made_of, row
from cxai_runner.data.files.held import held
from cxai_runner.data.tables.staging import Raw

if TYPE_CHECKING:
    from ibis.expr.types import BooleanValue, StringValue
    from ibis.expr.types import Table as IbisTable

KEYS: Final = ("alternative", "chosen")

_MOST: Final = 200
"""Alternatives above which a column is taken for something else."""

_TOLD: Final = ("an alternative", "is chosen", "is odd")
"""Columns of ours beside a long panel's own."""

_YES: Final = ("1", "1.0", "true", "t", "yes", "y")
_NO: Final = ("0", "0.0", "false", "f", "no", "n", "")

REASONS: Final = {
    "rows without alternative": "a row names no alternative",
    "repeated alternatives": "an alternative stands twice",
    "chosen none": "no alternative is chosen",
    "chosen several": "several alternatives are chosen",
}
"""Column of the wide panel that counts what makes an occasion unusable → how it is told."""


@dataclass(frozen=True, eq=False)
class Wide:
    """A panel in wide form.

    Parameters
    ----------
    raw
        One row per occasion, its columns under names of ours, beside the counts of `REASONS`.
    columns
        Standard name → the column of ``raw``.
    """

    raw: Raw
    columns: Mapping[str, str | None]


def widened(
    raw: Raw, long: Mapping[str, str], columns: Mapping[str, str | None], files: Sequence[Path]
) -> tuple[list[Problem], Wide | None]:
    """Turn one row per occasion and alternative into one row per occasion.

    A column that differs between the alternatives of any occasion becomes one column per alternative
    (``price_<alternative>``), any other stays as it is. ``available_<alternative>`` is 1 where the occasion has a row
    for it, or what a column mapped to ``available`` says; ``brand`` is the chosen alternative.

    Parameters
    ----------
    raw
        The rows.
    long
        ``alternative`` → the column that names it, ``chosen`` → the column that is 1 (yes, true) where it was chosen.
    columns
        Standard name → the file's own, as the config says.
    files
        What the rows are read from.

    Returns
    -------
    Problems with keys relative to the table, and the panel where there are none.
    """
    problems, keys = _misnamed(raw, long, columns)
    if problems:
        return problems, None
    rows = _chosen(raw, long)
    alternatives, differing, problems = _asked(rows, long, keys)
    if problems:
        return problems, None
    own = {one: name for name, one in columns.items() if one is not None and one not in keys and one in differing}
    same = [one for one in raw.rows.columns if one not in {*keys, *differing, *long.values()}]
    if "brand" in same or any(name == "brand" and one in same for name, one in columns.items()):
        message = "a long panel's brand is the chosen alternative"
        return [Problem("columns.brand", message, remedy="map the file's own to another name")], None
    measures: dict[str, Any] = {one: rows[one].max() for one in same}
    types = {one: raw.types[one] for one in (*keys, *same)}
    names: dict[str, str | None] = {name: one for name, one in columns.items() if one in (*keys, *same)}
    for one in differing:
        for alternative in alternatives:
            made, standard = f"{one} of {alternative}", f"{own.get(one, one)}_{alternative}"
            value = rows[one].max(where=rows["an alternative"] == alternative)
            measures[made] = value.fill_null("0") if own.get(one) == "available" and value.type().is_string() else value
            types[made], names[standard] = raw.types[one], made
    measures |= _counted(rows, alternatives, stated="available" in own.values())
    wide = rows.group_by(keys).aggregate(**measures)
    types |= {name: kind for name, kind in wide.schema().items() if name not in types}
    return [], Wide(Raw(_kept(wide, rows, files), types, notes=raw.notes, unusable=REASONS), names)


def _kept(wide: IbisTable, rows: IbisTable, files: Sequence[Path]) -> IbisTable:
    """The panel as a table in the engine's memory where its rows are one, and an expression where they are not."""
    import ibis
    import ibis.expr.operations as ops

    if not all(table.name.startswith("held_") for table in rows.op().find(ops.DatabaseTable)):
        return wide
    name = "wide_" + hashlib.blake2b(str(ibis.to_sql(wide)).encode(), digest_size=16).hexdigest()
    table = held(wide.get_backend(), name, wide)
    made_of(table, files)
    return table


def _misnamed(raw: Raw, long: Mapping[str, str], columns: Mapping[str, str | None]) -> tuple[list[Problem], list[str]]:
    """What is wrong with the names in a config, and the columns that tell occasions apart."""
    header = raw.rows.columns
    problems = [
        Problem(f"long.{key}", "no such key of a long panel", remedy=did_you_mean(key, KEYS))
        for key in long
        if key not in KEYS
    ]
    for key in KEYS:
        if key not in long:
            remedy = f"name the file's column: {{here}}long.{key}=…"
            problems.append(Problem(f"long.{key}", "is missing", remedy=remedy))
        elif long[key] not in header:
            remedy = did_you_mean(long[key], header)
            problems.append(Problem(f"long.{key}", "the file has no such column", value=long[key], remedy=remedy))
    keys: dict[str, str] = {}
    for name in ("customer_id", "occasion"):
        own = columns.get(name) or name
        if own in header:
            keys[name] = own
        elif columns.get(name):
            near = did_you_mean(own, header)
            problems.append(Problem(f"columns.{name}", "the file has no such column", value=own, remedy=near))
    if "occasion" not in keys and not columns.get("occasion"):
        remedy = "name the column that numbers them: {here}columns.occasion=…"
        problems.append(Problem("columns.occasion", "which rows are one occasion is not said", remedy=remedy))
    elif "customer_id" not in keys and not columns.get("customer_id"):
        remedy = f"where each is somebody else's: {{here}}columns.customer_id={keys.get('occasion', '…')}"
        problems.append(Problem("columns.customer_id", "whose occasion it is is not said", remedy=remedy))
    for standard, other in columns.items():
        if other is not None and other not in header and standard not in {"customer_id", "occasion"}:
            told = "the file has no such column"
            problems.append(Problem(f"columns.{standard}", told, value=other, remedy=did_you_mean(other, header)))
    return problems, list(dict.fromkeys(keys.values()))


def _chosen(raw: Raw, long: Mapping[str, str]) -> IbisTable:
    """The rows, with the alternative's name as text and whether it was chosen."""
    name: StringValue = raw.rows[long["alternative"]].cast("string").strip()
    word: StringValue = raw.rows[long["chosen"]].cast("string").strip().lower().fill_null("")
    told = {"is chosen": word.isin(_YES), "is odd": ~word.isin([*_YES, *_NO])}
    return raw.rows.mutate(**{"an alternative": name.nullif("")}, **told)


def _asked(rows: IbisTable, long: Mapping[str, str], keys: list[str]) -> tuple[list[str], list[str], list[Problem]]:
    """The alternatives, the columns that differ between them, and what the rows have that no panel has."""
    name = rows["an alternative"]
    found = ask(rows.filter(name.notnull()).select(name=name).distinct().order_by("name").limit(_MOST + 1))
    alternatives = [str(one) for one in found["name"].to_pylist()]
    problems = []
    if len(alternatives) > _MOST:
        message = f"more than {_MOST} alternatives, such as `{alternatives[0]}` and `{alternatives[1]}`"
        remedy = "name the column that names the alternatives"
        problems.append(Problem("long.alternative", message, value=long["alternative"], remedy=remedy))
    problems += _alike(alternatives, long)
    others = [one for one in rows.columns if one not in {*keys, *long.values(), *_TOLD}]
    odd = rows["is odd"]
    within: dict[str, Any] = {"odd": odd.sum(), "like": rows[long["chosen"]].cast("string").min(where=odd)}
    for number, one in enumerate(others):
        filled = rows[one].count()
        within[f"differs {number}"] = (rows[one].nunique() > 1) | ((filled > 0) & (filled < rows.count()))
    each = rows.group_by(keys).aggregate(**within)
    whole = {"odd": each["odd"].sum(), "like": each["like"].min()}
    told = row(each.aggregate(**whole, **{f"differs {n}": each[f"differs {n}"].any() for n in range(len(others))}))
    if told["odd"]:
        message = f"{told['odd']:,} rows hold neither 0 nor 1, such as `{told['like']}`"
        remedy = "name the column that is 1 where the alternative was chosen, and 0 where not"
        problems.append(Problem("long.chosen", message, value=long["chosen"], remedy=remedy))
    return alternatives, [one for number, one in enumerate(others) if told[f"differs {number}"]], problems


def _alike(alternatives: list[str], long: Mapping[str, str]) -> Iterator[Problem]:
    """Alternatives that differ by case alone: their columns would have one name, and most often they are one thing."""
    seen: dict[str, str] = {}
    for one in alternatives:
        first = seen.setdefault(one.casefold(), one)
        if first != one:
            message = f"`{first}` and `{one}` differ by case alone, which names of columns cannot"
            remedy = "write them alike in the file, or name the column that tells them apart"
            yield Problem("long.alternative", message, value=long["alternative"], remedy=remedy)


def _counted(rows: IbisTable, alternatives: list[str], *, stated: bool) -> dict[str, Any]:
    """What was chosen, what could have been, and what makes an occasion unusable."""
    name: Any = rows["an alternative"]
    chosen: BooleanValue = rows["is chosen"]
    measures: dict[str, Any] = {"brand": name.max(where=chosen)}
    if not stated:
        measures |= {f"available_{one}": (rows.count(where=name == one) > 0).cast("int64") for one in alternatives}
    count = rows.count(where=chosen)
    return measures | {
        "rows without alternative": rows.count() - name.count(),
        "repeated alternatives": name.count() - name.nunique(),
        "chosen none": (count == 0).cast("int64"),
        "chosen several": (count > 1).cast("int64"),
    }
