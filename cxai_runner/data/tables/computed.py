"""Columns that no file holds but follow from those it does: revenue as quantity × price.

Declared where the other columns are, as a rule and the source's own names:

    columns: {revenue: {product_of: [Quantity, Price]}, cancelled: {starts_with: {Invoice: C}}}

A rule becomes an Ibis expression over the columns as they were typed, so that a text that is no number is known and
counted there, and the same rule runs on every engine. There is no formula to write, hence none to parse or to fear.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import reduce
from typing import TYPE_CHECKING, Any, Final

from cxai_runner.config.problems import Problem, did_you_mean

if TYPE_CHECKING:
    from ibis.expr.types import Table as IbisTable
    from ibis.expr.types import Value

Rule = Mapping[str, Any]

_ARITHMETIC: Final[Mapping[str, tuple[Callable[[Any, Any], Any], str]]] = {
    "product_of": (operator.mul, "×"),
    "sum_of": (operator.add, "+"),
    "difference_of": (operator.sub, "−"),
}
RULES: Final = (*_ARITHMETIC, "starts_with")


def told_apart(columns: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Rule]]:
    """Divide what a config says of columns into those that the source holds, and those that are computed."""
    computed = {name: rule for name, rule in columns.items() if isinstance(rule, Mapping)}
    return {name: own for name, own in columns.items() if name not in computed}, computed


def words(rule: Rule) -> str:
    """Return a rule as a reader sees it: ``Quantity × Price``."""
    ((name, what),) = rule.items()
    if name in _ARITHMETIC:
        return f" {_ARITHMETIC[name][1]} ".join(map(str, what))
    return ", ".join(f"{column} starts with {start}" for column, start in what.items())


def problems(
    computed: Mapping[str, Rule], staged: IbisTable, mapping: Mapping[str, str], noun: str = "file"
) -> Iterator[Problem]:
    """Yield what is wrong with rules, told from the schema; keys relative to the table.

    Parameters
    ----------
    computed
        Rule by the name of the column that it makes.
    staged
        The typed rows under standard names.
    mapping
        Standard name → the source's own, of every column there is.
    noun
        What to call the source in a message: a file, a table, a data frame.
    """
    for name, rule in computed.items():
        key = f"columns.{name}"
        if name in mapping:
            own = mapping[name]
            remedy = f"keep that one under another name: {name}_other: {own}"
            yield Problem(key, f"computed here, and the {noun} has a column `{own}` of its own", remedy=remedy)
        if len(rule) != 1:
            yield Problem(key, "one rule", value=dict(rule), remedy="as in {product_of: [Quantity, Price]}")
            continue
        ((kind, what),) = rule.items()
        if kind not in RULES:
            remedy = did_you_mean(str(kind), RULES) or "one of: " + ", ".join(RULES)
            yield Problem(f"{key}.{kind}", "no such rule for a column", remedy=remedy)
        elif not _well_formed(kind, what):
            like = "{Invoice: C}" if kind == "starts_with" else "[Quantity, Price]"
            yield Problem(
                f"{key}.{kind}",
                _SHAPES[kind == "starts_with"].format(noun=noun),
                value=what,
                remedy=f"as in {kind}: {like}",
            )
        else:
            for own in what:
                yield from _unusable(f"{key}.{kind}", kind, str(own), staged, mapping, noun)


def added(computed: Mapping[str, Rule], staged: IbisTable, mapping: Mapping[str, str]) -> IbisTable:
    """Return ``staged`` with the columns that are computed; `problems` must have found none."""
    if not computed:
        return staged
    return staged.mutate(**{name: _expression(rule, staged, mapping) for name, rule in computed.items()})


_SHAPES: Final = ("two columns or more, by the {noun}'s own names", "one column by the {noun}'s own name, and a text")


def _well_formed(kind: str, what: Any) -> bool:
    if kind == "starts_with":
        return isinstance(what, Mapping) and len(what) == 1 and all(str(start) for start in what.values())
    return isinstance(what, Sequence) and not isinstance(what, str) and len(what) > 1


def _unusable(
    key: str, kind: str, own: str, staged: IbisTable, mapping: Mapping[str, str], noun: str
) -> Iterator[Problem]:
    standard = _standard(own, mapping)
    if standard is None:
        remedy = did_you_mean(own, mapping.values())
        if own in mapping:
            remedy = f"by the {noun}'s own name: {mapping[own]}"
        yield Problem(key, f"the {noun} has no such column", value=own, remedy=remedy)
        return
    have = staged[standard].type()
    if kind != "starts_with" and not have.is_numeric():
        yield Problem(key, "not a column of numbers", value=own, remedy=f"say so: types.{standard}=number")
    if kind == "starts_with" and not have.is_string():
        yield Problem(key, "not a column of texts", value=own, remedy=f"say so: types.{standard}=text")


def _expression(rule: Rule, staged: IbisTable, mapping: Mapping[str, str]) -> Value:
    ((kind, what),) = rule.items()
    operands = [staged[_standard(str(own), mapping)] for own in what]
    if kind in _ARITHMETIC:
        return reduce(_ARITHMETIC[kind][0], operands)
    (start,) = what.values()
    return operands[0].startswith(str(start))


def _standard(own: str, mapping: Mapping[str, str]) -> str | None:
    return next((standard for standard, name in mapping.items() if name == own), None)
