"""Which point comes next: every point of a grid, or draws from a space.

A search is asked for trials one by one and told what they came to. The list of a grid or of random draws is known
beforehand; a search that learns has none.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from cxai_runner.config.problems import Problem, UserError
from cxai_runner.sweep.axes import Axis, Choice
from cxai_runner.sweep.points import Trial
from cxai_runner.sweep.space import Space

if TYPE_CHECKING:
    from cxai_runner.sweep.objectives import Objective
    from cxai_runner.sweep.settings import Settings
    from cxai_runner.watch import Watch

MOST: Final = 100_000
"""Points that one sweep may have."""
_ATTEMPTS: Final = 200
"""How often a draw that was drawn before is drawn again."""


class Search(ABC):
    """A search of a space."""

    @abstractmethod
    def listed(self) -> Sequence[Trial]:
        """Return every trial, where they are known beforehand; none where they are not."""

    @abstractmethod
    def next(self) -> Trial | None:
        """Return the next trial; None where there is no more, or none before another has ended."""

    def claim(self, trial: Trial) -> None:
        """Take a trial of an earlier start of this sweep for drawn: it is not asked for again."""
        raise NotImplementedError

    def told(  # noqa: B027
        self, trial: Trial, costs: Sequence[float] | None, *, given_up: bool = False, course: str = ""
    ) -> None:
        """Hear what a trial came to; a list of trials learns nothing from it.

        Parameters
        ----------
        trial
            The trial.
        costs
            By objective, lower is better; None where it has none.
        given_up
            Whether it was given up.
        course
            What `course` said of it, where it was run by an earlier start of this sweep.
        """

    def course(self, trial: Trial) -> str:
        """Return what was seen of a trial while it ran, to be kept with it; empty where nobody looked on."""
        return ""

    def watch(self, trial: Trial) -> Watch | None:
        """Return who looks on while a trial is run; nobody where no trial is given up."""
        return None


class Listed(Search):
    """A search whose trials are all known."""

    def __init__(self, trials: Sequence[Trial]) -> None:
        self._trials = trials
        self._waiting = iter(trials)

    def listed(self) -> Sequence[Trial]:
        """Return every trial."""
        return self._trials

    def next(self) -> Trial | None:
        """Return the next trial."""
        return next(self._waiting, None)


def listed(space: Space, settings: Settings) -> list[Trial] | None:
    """Return every trial of a grid or of random draws; None where they are not known beforehand.

    Raises
    ------
    UserError
        The space is too large for a grid.
    """
    if settings.search == "grid":
        return [Trial(number, values) for number, values in enumerate(_grid(space), 1)]
    if settings.search == "random":
        return _drawn(space, settings.trials or 0, settings.seed)
    return None


def search(
    space: Space, settings: Settings, goals: Sequence[Objective], jobs: int, trials: Sequence[Trial] | None
) -> Search:
    """Return the search that a sweep names.

    Parameters
    ----------
    space
        What varies.
    settings
        The sweep's own.
    goals
        What is to be best.
    jobs
        How many trials are run at once.
    trials
        As `listed` returned them.

    Raises
    ------
    UserError
        Nothing says which trial is better.
    """
    if trials is not None:
        return Listed(trials)
    if not goals:
        remedy = "name a metric: sweep.metrics={NAME: higher}, or sweep.search=random"
        raise UserError([Problem("sweep.search", "the task has no primary metric to learn from", "tpe", remedy)])
    from cxai_runner.sweep.tpe import Learning

    return Learning(space, settings, goals, jobs)


def _grid(space: Space) -> list[dict[str, str]]:
    found = []
    for values in space.every():
        found.append(values)
        if len(found) > MOST:
            size = math.prod(axis.size for axis in space.axes)
            remedy = "draw some: sweep.search=random sweep.trials=100"
            raise UserError([Problem("sweep.search", f"a grid of {size:,.0f} points", "grid", remedy)])
    return found


def _drawn(space: Space, trials: int, seed: int) -> list[Trial]:
    """Draw trials that differ; fewer where the space has no more."""
    import numpy as np

    seen: set[tuple[tuple[str, str], ...]] = set()
    found: list[Trial] = []
    for number in range(1, trials + 1):
        generator = np.random.default_rng([seed, number])

        def draw(axis: Axis, generator: np.random.Generator = generator) -> str:
            share = float(generator.random())
            return axis.texts[int(share * len(axis.texts))] if isinstance(axis, Choice) else axis.at(share)

        for _ in range(_ATTEMPTS):
            values = space.drawn(draw)
            if tuple(values.items()) not in seen:
                seen.add(tuple(values.items()))
                found.append(Trial(len(found) + 1, values))
                break
    return found
