"""Orders whose numbers have letters in front, which is how shops mark those that were cancelled: C489449.

What the letters mean no file says. That nearly all of such rows are below 0 does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from cxai_runner.inspection.facts import Facts
from cxai_runner.inspection.names import many
from cxai_runner.inspection.roles import Seen

_MOSTLY = 0.9
_LIKELY = {"C", "CN", "CR", "R", "RE", "RET", "S", "ST", "G", "GS"}
"""Cancelled, credit note, credit, return, storno, Gutschrift."""


@dataclass(frozen=True)
class Cancelled:
    """What a config says of cancelled orders, and what is told of them."""

    computed: dict[str, Any]
    where: dict[str, dict[str, Any]]
    notes: tuple[str, ...] = ()
    decide: tuple[str, ...] = ()

    @classmethod
    def of(cls, seen: Seen, order: Facts | None, units: Facts | None) -> Cancelled:
        """Look at the letters in front of the numbers of orders, and at what came in below 0."""
        if order is None or not order.starts:
            return cls({}, {})
        start, rows = order.starts[0]
        below = seen.below(order.name, start, units.name) if units is not None else 0
        told = f"{order.name} begins with {start} in {many(rows)}"
        others = [_what(order, one, often) for one, often in order.starts[1:]]
        if units is None or below < _MOSTLY * rows:
            told += ": those are cancelled orders, as a rule" if start.upper() in _LIKELY else ""
            return cls({}, {}, (told,), (_what(order, start, rows), *others))
        told += f", and of these {below:,} have a {units.name} below 0: cancelled, it seems; they are left out"
        rule = {"cancelled": {"starts_with": {order.name: start}}}
        return cls(rule, {"cancelled": {"ne": True}}, (told,), tuple(others))


def _what(order: Facts, start: str, rows: int) -> str:
    return f"what it means that {order.name} begins with {start} ({many(rows)})"
