"""Text in the order of its code points, as DuckDB, SQLite and Spark have it: a database's own order must not show.

By the rules of a language `Süd` comes after `south`, by code points before: which of two comes first would be another.
"""

from __future__ import annotations

from typing import Any

_ORDERING = {
    "SortKey": "arg",
    "Min": "arg",
    "Max": "arg",
    "Less": "left",
    "LessEqual": "left",
    "Greater": "left",
    "GreaterEqual": "left",
    "Between": "arg",
}
"""Ibis's operations that ask which of two comes first → the part of them that says by which order."""


class CodePoints:
    """A part of a compiler: what orders text orders it by code points. Equal is what it was."""

    __slots__ = ()


def _ordering(operation: str, part: str) -> Any:
    def visit(self: Any, op: Any, **parts: Any) -> Any:
        import sqlglot as sg
        import sqlglot.expressions as sge

        if getattr(op, part).dtype.is_string():
            parts[part] = sge.Collate(this=parts[part], expression=sg.to_identifier("C", quoted=True))
        return getattr(super(CodePoints, self), f"visit_{operation}")(op, **parts)

    return visit


for _operation, _part in _ORDERING.items():
    setattr(CodePoints, f"visit_{_operation}", _ordering(_operation, _part))
