"""Segments that a manager writes down: rules that are proved to hold together, scores, and moves over time."""

from cxai_runner.methods.managerial.errors import Fault, RuleError
from cxai_runner.methods.managerial.model import RuleSegments
from cxai_runner.methods.managerial.moves import NOBODY, moves, transitions
from cxai_runner.methods.managerial.scores import edges, scored

__all__ = ["NOBODY", "Fault", "RuleError", "RuleSegments", "edges", "moves", "scored", "transitions"]
