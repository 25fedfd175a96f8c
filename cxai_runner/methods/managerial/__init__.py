"""Segments that a manager writes down: rules that are proved to hold together, scores, and moves over time.

Rules that are an expression of a warehouse need no estimator: scikit-learn is loaded with `RuleSegments` alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cxai_runner.methods.managerial.assign import assigned, expression
from cxai_runner.methods.managerial.errors import Fault, RuleError
from cxai_runner.methods.managerial.moves import NOBODY, moves, transitions
from cxai_runner.methods.managerial.rules import segments
from cxai_runner.methods.managerial.scores import edges, scored

if TYPE_CHECKING:
    from cxai_runner.methods.managerial.model import RuleSegments

__all__ = [
    "NOBODY",
    "Fault",
    "RuleError",
    "RuleSegments",
    "assigned",
    "edges",
    "expression",
    "moves",
    "scored",
    "segments",
    "transitions",
]


def __getattr__(name: str) -> Any:
    if name != "RuleSegments":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from cxai_runner.methods.managerial.model import RuleSegments

    return RuleSegments
