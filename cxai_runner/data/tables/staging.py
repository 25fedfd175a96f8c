"""From a table's raw rows to a standard table: columns named, computed, typed and filtered, wherever the rows are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from cxai_runner.config.problems import Problem, did_you_mean
from cxai_runner.data import engines
from cxai_runner.data.tables import computed, filters, mapping
from cxai_runner.data.tables.casts import cast
from cxai_runner.data.tables.mapped import Cast, MappedTable, keyed, raw_name
from cxai_runner.data.tables.standard import STANDARD, may_be

if TYPE_CHECKING:
    from ibis.expr.types import Table as IbisTable
    from ibis.expr.types import Value

    from cxai_runner.data.tables.settings import TableSettings


@dataclass(frozen=True, eq=False)
class Raw:
    """A table as its source has it.

    Parameters
    ----------
    rows
        Its rows; of a text, all columns are text.
    types
        Type of each column: the source's own, or what a text's first rows look like.
    repeated
        Names that a header gives to several columns → what they are called here.
    notes
        What a reader should know of how it was read.
    unusable
        Columns of ours that count what makes a row unusable → how that is told.
    """

    rows: IbisTable
    types: Mapping[str, Any]
    repeated: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    unusable: Mapping[str, str] = field(default_factory=dict)


def staged(
    name: str, settings: TableSettings, raw: Raw, noun: str = "file"
) -> tuple[list[Problem], MappedTable | None]:
    """Map one table; nothing is returned in its place where that cannot be done.

    Parameters
    ----------
    name
        Its standard name.
    settings
        What the config says of it.
    noun
        What to call it in a message: a file, a table, a data frame.

    Returns
    -------
    Problems with keys relative to the table, and the mapped table where there are none.
    """
    own, rules = computed.told_apart(settings.columns)
    header = [one for one in raw.types if one not in raw.unusable]
    names, misfits = mapping.mapped(own, header, noun, repeated=raw.repeated)
    problems = [
        *misfits,
        *(
            Problem(f"types.{column}", "no such column", remedy=did_you_mean(column, names))
            for column in settings.types
            if column not in names
        ),
    ]
    mistyped = list(_mistyped(name, settings))
    if mistyped:
        return [*problems, *mistyped], None
    rows, casts = _typed(name, settings, raw, names)
    misruled = list(computed.problems(rules, rows, names, noun))
    problems += misruled
    if not misruled:
        rows = computed.added(rules, rows, names)
        problems += mapping.misfiltered(settings.where, rows, names, misfits)
    if problems:
        return problems, None
    unusable = (filters.Condition(rows[one] == 0, told) for one, told in raw.unusable.items())
    return [], MappedTable(
        name=name,
        staged=rows,
        columns=(*names, *rules),
        conditions=(*keyed(name, rows), *unusable, *filters.conditions(settings.where, rows)),
        casts=casts,
        spec=settings.spec(),
        notes=raw.notes,
    )


def _mistyped(name: str, settings: TableSettings) -> Iterator[Problem]:
    """Types by which a standard column would be none: a number as text, for example."""
    for column, kind in settings.types.items():
        rule = STANDARD[name].rule(column)
        if rule is not None and not may_be(rule, kind):
            flag = " or boolean" * may_be(rule, "boolean")
            remedy = "leave it out; what does not parse is told with an example"
            yield Problem(f"types.{column}", f"{column} of {name} is {rule.kind}{flag}, whoever reads it", kind, remedy)


def _typed(
    name: str, settings: TableSettings, raw: Raw, names: Mapping[str, str]
) -> tuple[IbisTable, tuple[Cast, ...]]:
    """All rows in standard columns, beside the raw values of each column that was cast."""
    expressions: dict[str, Any] = {}
    casts: list[Cast] = []
    for column, own in names.items():
        rule = STANDARD[name].rule(column)
        kind = settings.types.get(column) or (rule.kind if rule else "any")
        value, wanted = cast(raw.rows[own], raw.types[own], kind, settings.formats, **settings.marks)
        expressions[column] = _plain(value)
        if wanted:
            casts.append(Cast(column, raw_name(column), wanted))
            expressions[raw_name(column)] = engines.stored(raw.rows[own]).cast("string")
    return raw.rows.select(**expressions, **{one: raw.rows[one] for one in raw.unusable}), tuple(casts)


def _plain(value: Value) -> Value:
    """Return a value as the one type that stands for its kind, so that the same rows are the same table anywhere.

    Only numbers that no signed whole number of 64 bits may hold stay as they are.
    """
    kind = value.type()
    if kind.is_uint64():
        return value
    if kind.is_timestamp() or kind.is_date():
        return value.cast("timestamp")
    tests = {"is_boolean": "boolean", "is_integer": "int64", "is_numeric": "float64"}
    return value.cast(next((plain for test, plain in tests.items() if getattr(kind, test)()), "string"))
