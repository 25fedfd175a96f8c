"""How problems are shown: as aligned lines to a person, as plain data to a program."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cxai_runner.config.describe import spell
from cxai_runner.config.problems import UNSET, Problem, Stage

_SUBJECT, _MESSAGE = 44, 76
"""The widest a column gets in characters; what is longer pushes the rest of its own line only."""

_GAP = "   "


def render(problems: Sequence[Problem], stage: Stage = "config", undone: str = "fitted") -> str:
    """Lay problems out: how many, then one line each of subject, what is right, and who set it.

    Parameters
    ----------
    problems
        All that was found at this stage.
    stage
        ``config``: nothing was run; ``data``: nothing was fitted.
    undone
        What was not done for what is wrong in the data, where that is not a fit: ``scored``.
    """
    count = f"{len(problems)} problem{'s' if len(problems) != 1 else ''}"
    head = f"{count}, nothing was run" if stage == "config" else f"{count} in the data, nothing was {undone}"
    rows = [(_subject(problem), _text(problem), problem.origin) for problem in problems]
    wide = [
        min(limit, max((len(row[column]) for row in rows), default=0))
        for column, limit in ((0, _SUBJECT), (1, _MESSAGE))
    ]
    lines = []
    for subject, text, origin in rows:
        told = f"({origin})" if origin else ""
        lines.append(f"  {subject:<{wide[0]}}{_GAP}{text:<{wide[1]}}{_GAP}{told}".rstrip())
    return "\n".join([head, "", *lines])


def as_json(problems: Sequence[Problem]) -> list[dict[str, Any]]:
    """Return problems as plain data: ``key``, ``message``, ``remedy``, ``origin``, and ``value`` where there is one."""
    documents = []
    for problem in problems:
        document: dict[str, Any] = {
            "key": problem.key,
            "message": problem.message,
            "remedy": problem.remedy,
            "origin": problem.origin,
        }
        if problem.value is not UNSET:
            plain = isinstance(problem.value, str | int | float | bool | None)
            document["value"] = problem.value if plain else spell(problem.value)
        documents.append(document)
    return documents


def _subject(problem: Problem) -> str:
    if problem.shown:
        return problem.shown
    return problem.key if problem.value is UNSET else f"{problem.key}: {spell(problem.value)}"


def _text(problem: Problem) -> str:
    return "; ".join(part for part in (problem.message, problem.remedy) if part)
