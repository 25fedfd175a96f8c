"""Casts that give null where a value does not parse, for engines whose own stop there or guess."""

from __future__ import annotations

from typing import Any

from cxai_runner.data.engines import written

_TRUTHS = ((written.TRUE, True), (written.FALSE, False))


class SafeCasts:
    """A part of a compiler: text is cast where it has the shape that `written` knows, and is null elsewhere."""

    __slots__ = ()

    def matches(self, text: Any, pattern: str) -> Any:
        """Return whether a text has the shape of a pattern."""
        raise NotImplementedError

    def sure(self, text: Any, to: Any) -> Any:
        """Cast a text that has the shape of its type."""
        raise NotImplementedError

    def whole(self, number: Any, to: Any) -> Any:
        """Return the nearest whole number, or null where 64 bits hold none."""
        raise NotImplementedError

    def decimal(self, text: Any) -> Any:
        """Cast a text that has the shape of a number, to all its digits."""
        raise NotImplementedError

    def visit_TryCast(self, op: Any, *, arg: Any, to: Any) -> Any:  # noqa: N802 - Ibis's name; a line a type
        """Compile a cast that gives null where a value does not parse; see Ibis."""
        import ibis.expr.datatypes as dt
        import sqlglot.expressions as sge

        compiler: Any = self
        have = op.arg.dtype
        if to.is_string() or have.is_integer() or (have.is_numeric() and to.is_floating()):
            return compiler.cast(arg, to)
        if have.is_numeric() and to.is_integer():
            return self.whole(arg, to)
        text = compiler.cast(arg, dt.string)
        if to.is_boolean():
            lowered = compiler.f.lower(text)
            found = [
                compiler.if_(lowered.isin(*map(sge.convert, words)), sge.convert(truth)) for words, truth in _TRUTHS
            ]
            return sge.Case(ifs=found)
        if to.is_floating():
            pattern, value = written.NUMBER, self.sure(text, to)
        elif to.is_integer():
            pattern, value = written.NUMBER, self.whole(self.decimal(text), to)
        elif to.is_timestamp():
            pattern, value = written.INSTANT, self.sure(text, to)
        else:
            return super().visit_TryCast(op, arg=arg, to=to)  # type: ignore[misc] # of the compiler beside it
        return sge.Case(ifs=[compiler.if_(self.matches(text, pattern), value)])
