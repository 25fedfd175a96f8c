"""cxai: declarative experiments for customer analytics.

``cxai_runner.run`` runs one from Python, ``cxai_runner.load`` returns one that was run, ``cxai_runner.predict`` scores
new rows with its model; importing the package costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cxai_runner.api import load, predict, run
    from cxai_runner.config.problems import UserError
    from cxai_runner.runs import Run, SweepRun

__version__ = "0.1.0"
__all__ = ["Run", "SweepRun", "UserError", "__version__", "load", "predict", "run"]

_HOMES = {
    "Run": "cxai_runner.runs",
    "SweepRun": "cxai_runner.runs",
    "load": "cxai_runner.api",
    "predict": "cxai_runner.api",
    "run": "cxai_runner.api",
    "UserError": "cxai_runner.config.problems",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
