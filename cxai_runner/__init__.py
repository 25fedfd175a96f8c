"""cxai: declarative experiments for customer analytics.

``cxai_runner.run`` runs one from Python, ``cxai_runner.load`` returns one that was run; ``compare``, ``reproduce``,
``promote``, ``predict`` … do with runs what the commands of those names do. Importing the package costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cxai_runner.api import compare, history, load, predict, promote, reproduce, rollback, run
    from cxai_runner.config.problems import UserError
    from cxai_runner.lifecycle.predict import Predictions
    from cxai_runner.lifecycle.reproduce import Reproduction
    from cxai_runner.runs import Run, SweepRun

__version__ = "0.1.0"
__all__ = [
    "Predictions",
    "Reproduction",
    "Run",
    "SweepRun",
    "UserError",
    "__version__",
    "compare",
    "history",
    "load",
    "predict",
    "promote",
    "reproduce",
    "rollback",
    "run",
]

_HOMES = {
    "Predictions": "cxai_runner.lifecycle.predict",
    "Reproduction": "cxai_runner.lifecycle.reproduce",
    "Run": "cxai_runner.runs",
    "SweepRun": "cxai_runner.runs",
    "UserError": "cxai_runner.config.problems",
    **dict.fromkeys(
        ("compare", "history", "load", "predict", "promote", "reproduce", "rollback", "run"), "cxai_runner.api"
    ),
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
