"""Which standard column is which of a table's own: names, patterns with a hole, and what is wrong with either."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from cxai_runner.config.problems import Problem, did_you_mean
from cxai_runner.data.tables import filters

if TYPE_CHECKING:
    from ibis.expr.types import Table as IbisTable

HOLE: Final = "{alternative}"
"""In a pattern, what the names of a panel's alternatives stand for."""

ROW: Final = "{row}"
"""In place of a file's column, the number of the row: for occasions that have nothing but their order."""

PART: Final = "{part}"
"""In place of a file's column, what the config calls the part that the file is."""

_NONE: Final[Mapping[str, tuple[str, ...]]] = {}


def mapped(
    columns: Mapping[str, str | None],
    header: Sequence[str],
    noun: str = "file",
    *,
    repeated: Mapping[str, tuple[str, ...]] = _NONE,
) -> tuple[dict[str, str], list[Problem]]:
    """Return standard name → the table's own for every column there will be, and what is wrong with the mapping.

    Parameters
    ----------
    columns
        As the config says; null keeps a name.
    header
        The table's own names.
    noun
        What to call the table in a message: a file, or a table of a database.
    repeated
        Names that a header gives to several columns → what those are called here. The first is ``name_1`` as well.
    """
    mapping: dict[str, str] = {}
    problems: list[Problem] = []
    for standard, own in columns.items():
        if own is None:
            continue
        found = _matches(standard, own, header, repeated)
        if own in repeated:
            which = " or ".join([f"{own}_1", *repeated[own][1:]])
            message = f"the header has `{own}` {'twice' if len(repeated[own]) == 2 else f'{len(repeated[own])} times'}"
            problems.append(Problem(f"columns.{standard}", message, value=own, remedy=f"say which: {which}"))
        elif not found:
            what = "no column matches this pattern" if HOLE in own else f"the {noun} has no such column"
            near = did_you_mean(own.replace(HOLE, ""), header)
            problems.append(Problem(f"columns.{standard}", what, value=own, remedy=near))
        for name, source in found.items():
            if name in mapping:
                problems.append(Problem(f"columns.{standard}", f"`{name}` is mapped twice", value=own))
            mapping[name] = source
    taken = set(mapping.values())
    folded = {name.casefold(): name for name in mapping}  # engines do not tell names by case
    for own in header:
        if own in taken:
            continue
        standard = folded.get(own.casefold(), "")
        if standard:
            message = f"the {noun} has a column `{own}` of its own"
            remedy = f"keep that one under another name: {own}_other: {own}"
            problems.append(Problem(f"columns.{standard}", message, value=mapping[standard], remedy=remedy))
        else:
            mapping[own] = own
    return mapping, problems


def _matches(standard: str, own: str, header: Sequence[str], repeated: Mapping[str, tuple[str, ...]]) -> dict[str, str]:
    """The columns that one entry of the mapping stands for, in the table's order."""
    if HOLE in own:
        before, _, after = own.partition(HOLE)
        shape = re.compile(re.escape(before) + "(.+)" + re.escape(after))
        found = ((shape.fullmatch(column), column) for column in header)
        return {f"{standard}_{match[1]}": column for match, column in found if match}
    if own in header:
        return {standard: own}
    first = own.removesuffix("_1")
    return {standard: first} if first != own and first in repeated else {}


def misfiltered(
    where: Mapping[str, Mapping[str, Any]], staged: IbisTable, mapping: Mapping[str, str], misfits: Sequence[Problem]
) -> list[Problem]:
    """Return what is wrong with a filter, but for columns that ``misfits`` tell of already; keys below ``where``."""
    told = {one.key.removeprefix("columns.") for one in misfits}
    found = filters.problems(where, staged)
    return [_by_new_name(one, mapping).under("where") for one in found if one.key not in told]


def _by_new_name(problem: Problem, mapping: Mapping[str, str]) -> Problem:
    """Tell somebody who filters by the table's name of a mapped column what it is called now."""
    for standard, source in mapping.items():
        if source == problem.key and standard != source:
            return replace(problem, message=f"mapped to `{standard}`", remedy=f"filter by that name: where.{standard}")
    return problem
