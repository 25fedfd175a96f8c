"""The points of a sweep: what varies between its runs, and one run each.

A trial is one setting of everything that varies. It is run once, or with several seeds: each of those is a point.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from cxai_runner.identity import Keys
    from cxai_runner.sweep.space import Space


_LONG: Final = 8


@dataclass(frozen=True)
class Trial:
    """One setting of what varies.

    Parameters
    ----------
    number
        From 1, in the order of the search.
    values
        Key → its value as an override writes it.
    """

    number: int
    values: Mapping[str, str]

    @property
    def name(self) -> str:
        """The trial in a few words: ``xgboost max_depth=3``."""
        texts = {key: short(text) for key, text in self.values.items()}
        words = [text if _is_group(key) else f"{key.rpartition('.')[2]}={text}" for key, text in texts.items()]
        return " ".join(words) or "as it is"


@dataclass(eq=False)
class Point:
    """One run of a sweep.

    Parameters
    ----------
    trial
        What varies.
    repeat
        Which of the trial's runs, from 0.
    seed
        Its seed; None where it is not the sweep's to set.
    lines
        Its overrides, all of them.
    keys
        Of its stages; None before it was planned.
    run_id
        The finished run that it is; empty where there is none yet.
    is_linked
        Whether that run was made before this sweep, or for another of its points.
    """

    trial: Trial
    repeat: int
    seed: int | None
    lines: tuple[str, ...]
    keys: Keys | None = field(default=None, repr=False)
    run_id: str = ""
    is_linked: bool = False

    @property
    def label(self) -> str:
        """What to call it: ``7``, or ``7.2`` for the second of several seeds."""
        return str(self.trial.number) + ("" if self.seed is None else f".{self.repeat + 1}")

    @property
    def name(self) -> str:
        """The name of its run."""
        return self.trial.name + ("" if self.seed is None else f" seed={self.seed}")


def short(text: str) -> str:
    """Return a value as a reader wants it: a number of many digits, which was drawn, with three, and no escapes."""
    text = re.sub(r"\\(.)", r"\1", text)
    if len(text) <= _LONG or not text.lstrip("-")[:1].isdecimal():
        return text
    try:
        return f"{float(text):.3g}"
    except ValueError:
        return text


def points(trial: Trial, space: Space, repeats: int, seed: int) -> list[Point]:
    """Return the runs of a trial: one, or as many as ``repeats``, with seeds from ``seed`` on."""
    lines = space.lines(trial.values)
    if repeats == 1:
        return [Point(trial, 0, None, lines)]
    return [Point(trial, n, seed + n, (*lines, f"seed={seed + n}")) for n in range(repeats)]


def _is_group(key: str) -> bool:
    return "." not in key and key not in ("seed", "threads", "name")
