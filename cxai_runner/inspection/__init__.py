"""A look at a table that nobody has described yet: how it is written, what its columns hold, what they may be.

Every answer is a guess with its reason. What is looked at is bounded, so that a file of any size answers in seconds,
and what was not looked at is said. Importing the package costs nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cxai_runner.inspection.looking import Inspection, Looked, look, look_at_table

__all__ = ["Inspection", "Looked", "look", "look_at_table"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.looking"), name)
