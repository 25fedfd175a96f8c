"""Row filters as configs declare them: ``where: {status: {not_in: [returned]}, quantity: {gt: 0}}``.

A filter becomes an Ibis expression, never SQL text, so that a value stays a value whatever it contains and the same
filter runs on every engine. A row without a value passes ``ne``, ``not_in`` and ``is_null`` and fails the others, as in
pandas.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cxai_runner.config.problems import Problem, did_you_mean
from cxai_runner.data.tables.instants import instant

if TYPE_CHECKING:
    from ibis.expr.types import BooleanValue, Value
    from ibis.expr.types import Table as IbisTable

Where = Mapping[str, Mapping[str, Any]]

_LISTS = ("in", "not_in", "between")
_FLAGS = ("is_null", "not_null")
OPERATORS = ("eq", "ne", *_LISTS, "gt", "ge", "lt", "le", *_FLAGS)


@dataclass(frozen=True, eq=False)
class Condition:
    """One condition: the expression that is true where a row stays, and what to call the rows that do not."""

    keep: BooleanValue
    reason: str


def problems(where: Any, table: IbisTable) -> Iterator[Problem]:
    """Yield what is wrong with ``where`` on ``table``, told from its schema; keys relative to the filter."""
    if not isinstance(where, Mapping):
        yield Problem("", "a mapping of columns to conditions", value=where, remedy="as in {quantity: {gt: 0}}")
        return
    for column, tests in where.items():
        if column not in table.columns:
            yield Problem(str(column), "no such column to filter by", remedy=did_you_mean(str(column), table.columns))
        elif not isinstance(tests, Mapping):
            yield Problem(column, "a condition is missing", value=tests, remedy=f"as in {column}: {{eq: {tests}}}")
        else:
            for operator, value in tests.items():
                yield from _misused(column, str(operator), value, table[column])


def conditions(where: Where, table: IbisTable) -> list[Condition]:
    """Return the conditions of ``where`` on ``table``, in the order given; `problems` must have found none."""
    return [
        Condition(_expression(operator, value, table[column]).fill_null(False), _reason(column, operator, value))
        for column, tests in where.items()
        for operator, value in tests.items()
    ]


def _misused(column: str, operator: str, value: Any, expression: Value) -> Iterator[Problem]:
    key = f"{column}.{operator}"
    if operator not in OPERATORS:
        yield Problem(key, "no such condition", remedy=did_you_mean(operator, OPERATORS))
        return
    if operator in _FLAGS:
        if value is not True:
            other = _FLAGS[1 - _FLAGS.index(operator)]
            yield Problem(key, "only `true` makes sense here", value=value, remedy=f"for the opposite: {other}: true")
        return
    if operator in _LISTS and (isinstance(value, str) or not isinstance(value, Sequence) or not value):
        yield Problem(key, "a list of values", value=value)
        return
    if operator == "between" and len(value) != 2:
        yield Problem(key, "two values, the lowest and the highest", value=value)
        return
    for one in value if operator in _LISTS else [value]:
        wrong = _mismatch(one, expression)
        if wrong:
            yield Problem(key, f"column `{column}` holds {wrong}", value=one)


def _mismatch(value: Any, column: Value) -> str:
    """What the column holds, where ``value`` cannot be compared with it."""
    kind = column.type()
    if kind.is_boolean():
        return "" if isinstance(value, bool) else "true and false"
    if kind.is_numeric():
        return "" if isinstance(value, int | float) and not isinstance(value, bool) else "numbers"
    if kind.is_temporal():
        return "" if instant(value) is not None else "dates, as in 2017-12-31"
    return "" if isinstance(value, str | int | float) else "text"


def _expression(operator: str, value: Any, column: Value) -> BooleanValue:  # noqa: PLR0911 - one line an operator
    import ibis

    def literal(one: Any) -> Value:
        return ibis.literal(str(one) if column.type().is_string() else one, type=_comparable(column))

    match operator:
        case "eq":
            return column == literal(value)
        case "ne":
            return (column != literal(value)) | column.isnull()
        case "in":
            return column.isin([literal(one) for one in value])
        case "not_in":
            return column.notin([literal(one) for one in value]) | column.isnull()
        case "gt":
            return column > literal(value)
        case "ge":
            return column >= literal(value)
        case "lt":
            return column < literal(value)
        case "le":
            return column <= literal(value)
        case "between":
            return column.between(literal(value[0]), literal(value[1]))
        case "is_null":
            return column.isnull()
        case _:
            return column.notnull()


def _comparable(column: Value) -> str | None:
    """The type a literal takes beside ``column``; numbers keep their own, so that 0.5 is not cut to a whole number."""
    kind = column.type()
    return "timestamp" if kind.is_temporal() else "string" if kind.is_string() else None


def _reason(column: str, operator: str, value: Any) -> str:
    """What a row that was dropped was like: the condition's opposite, in words."""
    listed = ", ".join(str(one) for one in value) if operator in _LISTS else value
    words = {
        "eq": f"{column} is not {value}",
        "ne": f"{column} is {value}",
        "in": f"{column} is none of {listed}",
        "not_in": f"{column} is {str(listed).replace(', ', ' or ')}",
        "gt": f"{column} is {value} or less",
        "ge": f"{column} is below {value}",
        "lt": f"{column} is {value} or more",
        "le": f"{column} is above {value}",
        "between": f"{column} is outside {str(listed).replace(', ', ' … ')}",
        "is_null": f"{column} has a value",
        "not_null": f"no {column}",
    }
    return words[operator]
