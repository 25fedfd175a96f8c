"""Experiments made one after another, with whatever they share made once.

A sweep has many experiments that differ in one or two keys. Opening tables, checking rows and reading digests costs a
hundred times what a model's arguments do, so it is done once for all that agree in it. A planner has one workshop, and
so has each worker for as long as it lives.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cxai_runner.config.compose import Composed
    from cxai_runner.data import Tables
    from cxai_runner.preflight import Ready

_OWN = ("model", "seed", "name", "tracking", "threads", "evaluation", "privacy")
"""What experiments may differ in, and still share tables and checks."""


class Workshop:
    """Makes experiments ready, and remembers what the next may use."""

    def __init__(self) -> None:
        self._tables: dict[str, Tables] = {}
        self._checked: dict[str, Ready] = {}

    def ready(self, composed: Composed) -> Ready:
        """Return an experiment that passed preflight.

        Raises
        ------
        UserError
            With all that is wrong with it.
        """
        from cxai_runner.preflight import assemble, preflight, refit

        shared = _text({key: value for key, value in composed.plain.items() if key not in _OWN})
        if shared in self._checked:
            known = self._checked[shared]
            return refit(assemble(composed, known.experiment), known)
        experiment = assemble(composed)
        data = _text({key: composed.plain[key] for key in ("data", "cache")})
        ready = preflight(experiment, self._tables.get(data))
        self._tables[data] = ready.tables
        self._checked[shared] = ready
        return ready


def _text(settings: Mapping[str, Any]) -> str:
    return json.dumps(settings, sort_keys=True, default=str)
