"""Rounding as DuckDB does it, to the bit: what is rounded on its way out must be the same number on every engine."""

from __future__ import annotations

from typing import Any

_WHOLE = 2**52
"""From here on a float has no fraction."""


class Rounding:
    """A part of a compiler: floats are rounded half away from zero, in binary."""

    __slots__ = ()

    def visit_Round(self, op: Any, *, arg: Any, digits: Any) -> Any:  # noqa: N802 - Ibis's name
        """Compile the rounding of a value to some digits; see Ibis."""
        import ibis.expr.datatypes as dt
        import sqlglot.expressions as sge
        from ibis.expr.operations import Literal

        compiler: Any = self
        if op.digits is None or not isinstance(op.digits, Literal) or not op.arg.dtype.is_floating():
            return super().visit_Round(op, arg=arg, digits=digits)  # type: ignore[misc] # of the compiler beside it
        scale = compiler.cast(sge.Literal.number(str(10**op.digits.value)), dt.float64)
        scaled = sge.paren(compiler.cast(arg, dt.float64) * scale)
        whole = compiler.f.floor(compiler.f.abs(scaled) + sge.Literal.number("0.5")) * compiler.f.sign(scaled)
        rounded = compiler.if_(compiler.f.abs(scaled) < sge.Literal.number(str(_WHOLE)), whole / scale, arg)
        return compiler.cast(rounded, op.dtype)
