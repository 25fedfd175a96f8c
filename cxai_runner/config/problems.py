"""What is wrong, where it was set, and what to do: the one form in which a user's mistakes are told.

Every check yields `Problem`s instead of raising at the first, so that all problems of a stage are told at once. A
component knows only its own keys (`category`); whoever called it puts the path in front (`features.category`).
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Literal

Stage = Literal["config", "data"]


class _Unset:
    """The value of a problem whose key has none (a missing table, say)."""

    def __repr__(self) -> str:
        return "UNSET"

    def __reduce__(self) -> str:
        return "UNSET"  # one object in every process


UNSET: Any = _Unset()


@dataclass(frozen=True)
class Problem:
    """One mistake of the user's.

    Parameters
    ----------
    key
        The key path in the config that has to change, such as ``features.brands``.
    message
        What is wrong or what would be right, in a few words; no full stop.
    value
        The value that was given, shown beside the key.
    remedy
        What to do about it, in the imperative, where the message alone does not say so.
    origin
        Who set the key: ``command line``, or a file and its line.
    shown
        How to show the mistake where ``key: value`` is not how it was written: an override as it was typed.
    """

    key: str
    message: str
    value: Any = UNSET
    remedy: str = ""
    origin: str = ""
    shown: str = ""

    def under(self, prefix: str) -> Problem:
        """Return the same problem with its key below ``prefix``."""
        return replace(self, key=f"{prefix}.{self.key}" if self.key else prefix)


class UserError(Exception):
    """One or more mistakes of the user's: told in full, without a traceback, exit code 2.

    As text it reads as the command line tells it; a notebook shows those lines and nothing else.

    Parameters
    ----------
    problems
        All that was found at this stage.
    stage
        ``config`` when no row was read yet; ``data`` when bounded queries found it.
    """

    def __init__(self, problems: Iterable[Problem], stage: Stage = "config") -> None:
        self.problems = tuple(problems)
        self.stage: Stage = stage
        super().__init__("; ".join(f"{p.key}: {p.message}" for p in self.problems))

    def __str__(self) -> str:
        from cxai_runner.config.wording import render

        return render(self.problems, self.stage)

    def _render_traceback_(self) -> list[str]:
        """What IPython shows in place of a traceback."""
        return str(self).splitlines()

    def __reduce__(self) -> tuple[Any, ...]:
        """Cross from one process to another with all that was found, not with the message alone."""
        return type(self), (self.problems, self.stage)


def under(prefix: str, problems: Iterable[Problem]) -> Iterator[Problem]:
    """Yield ``problems`` with their keys below ``prefix``."""
    for problem in problems:
        yield problem.under(prefix)


def nearest(name: str, candidates: Iterable[str]) -> str | None:
    """Return the candidate that ``name`` was most likely meant to be, or None when none is near."""
    pool = [str(candidate) for candidate in candidates]
    folded = {candidate.casefold().replace("_", " "): candidate for candidate in pool}
    probe = name.casefold().replace("_", " ")
    for cutoff_probe in (probe, probe.replace(" ", "")):
        close = difflib.get_close_matches(cutoff_probe, folded, n=1, cutoff=0.6)
        if close:
            return folded[close[0]]
    return None


def did_you_mean(name: str, candidates: Iterable[str]) -> str:
    """Word the nearest candidate as a remedy, or list the few there are."""
    pool = sorted({str(candidate) for candidate in candidates})
    found = nearest(name, pool)
    if found is not None:
        return f"did you mean `{found}`?"
    if 0 < len(pool) <= 12:
        return "one of: " + ", ".join(pool)
    return ""
