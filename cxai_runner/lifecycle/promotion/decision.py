"""One decision about who is in charge, as it is told and as it is kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from textwrap import fill
from typing import Any, Final

from cxai_runner.lifecycle.promotion.gate import Gate

MOVED: Final = ("promoted", "overridden", "rolled back")
"""Verdicts after which somebody else is in charge."""
_WIDTH: Final = 110


@dataclass(frozen=True)
class Decision:
    """A decision, made or refused.

    Parameters
    ----------
    model
        The registered model.
    verdict
        ``promoted``, ``refused``, ``overridden`` (refused, and moved all the same), ``rolled back``, ``registered`` (as
        a challenger), ``unchanged`` (it is in charge already; nothing was recorded), ``cut off`` (whoever decided died
        before anything was moved), or ``unfinished`` (that, or it is being made).
    version
        The number of the version that was decided about.
    previous
        The number of the version in charge before; empty where there was none.
    run
        The run that made ``version``.
    gates
        What each gate said; empty where none was asked.
    reason
        Why the gates were overridden, or the model taken back.
    schema_change
        Why the model takes or gives something else than the one before.
    by, at
        Who, and when (ISO 8601).
    asked
        The name of the gates.
    number
        Of the decisions about this model: 1, 2, 3 …
    decision_id
        The run in ``cxai-promotions`` that keeps it; empty where nothing was recorded.
    notes
        What else there is to know.
    """

    model: str
    verdict: str
    version: str
    previous: str = ""
    run: str = ""
    gates: tuple[Gate, ...] = ()
    reason: str = ""
    schema_change: str = ""
    by: str = ""
    at: str = ""
    asked: str = ""
    number: int = 0
    decision_id: str = ""
    notes: tuple[str, ...] = field(default=())

    @property
    def refused(self) -> tuple[Gate, ...]:
        """The gates that did not let it through."""
        return tuple(gate for gate in self.gates if not gate.passed)

    @property
    def moved(self) -> bool:
        """Whether somebody else is in charge since."""
        return self.verdict in MOVED

    def as_json(self) -> dict[str, Any]:
        """Return it as plain values."""
        return {
            "model": self.model,
            "decision": self.verdict,
            "version": self.version,
            "previous": self.previous,
            "run": self.run,
            "by": self.by,
            "at": self.at,
            "reason": self.reason,
            "schema_change": self.schema_change,
            "gates": [
                {"gate": one.name, "passed": one.passed, "words": one.words, "figures": dict(one.figures)}
                for one in self.gates
            ],
            "asked": self.asked,
            "number": self.number,
            "decision_id": self.decision_id,
            "notes": list(self.notes),
        }

    def __str__(self) -> str:
        lines = [self._headline()]
        wide = max((len(one.name) for one in self.gates), default=0)
        for one in sorted(self.gates, key=lambda gate: gate.passed):
            head = f"  {'✓' if one.passed else '✗'} {one.name:<{wide}}  "
            lines.append(fill(one.words, _WIDTH, initial_indent=head, subsequent_indent=" " * len(head)))
        said = {"reason": self.reason, "schema change": self.schema_change}
        lines += [f"  {label}: {words}" for label, words in said.items() if words]
        lines += [f"  {note}" for note in self.notes]
        return "\n".join(lines)

    __repr__ = __str__

    def _headline(self) -> str:
        which = f"{self.model} v{self.version}"
        instead = f" in place of v{self.previous}" if self.previous else ""
        failed = f"{len(self.refused)} of {len(self.gates)} gates"
        told: Mapping[str, str] = {
            "promoted": f"promoted: {which} is champion{instead}",
            "overridden": f"overridden: {which} is champion{instead}, against {failed}",
            "refused": f"refused: {failed}; {which} is challenger",
            "rolled back": f"rolled back: {which} is champion{instead}",
            "registered": f"registered: {which} is challenger",
            "unchanged": f"unchanged: {which} is champion already",
            "unfinished": f"unfinished: {which} is being decided about, or whoever did was cut off",
            "cut off": f"cut off: nothing was decided about {which}",
        }
        return told[self.verdict]
