"""A sweep before it begins: every point composed, checked and known by its identity.

All points are checked before the first one runs, so that a mistake in the last is told now and not tomorrow morning.
Where the points are not known beforehand, every value of every axis is checked in a point of its own.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from cxai_runner.config.folders import Folders
from cxai_runner.config.problems import Problem, Stage, UserError
from cxai_runner.experiment import is_built
from cxai_runner.identity import keys
from cxai_runner.sweep.axes import Axis, Choice, Interval
from cxai_runner.sweep.objectives import Objective, objectives
from cxai_runner.sweep.points import Point, Trial, points
from cxai_runner.sweep.search import Search, listed, search
from cxai_runner.sweep.settings import Asked, asked
from cxai_runner.sweep.space import Space, conditioned, space
from cxai_runner.sweep.workshop import Workshop

if TYPE_CHECKING:
    from cxai_runner.preflight import Ready
    from cxai_runner.request import Request
    from cxai_runner.tracking.run import Destination


@dataclass(eq=False)
class Plan:
    """A sweep that was checked.

    Parameters
    ----------
    asked
        What was asked for.
    config_dirs
        The user's own config folders.
    space
        What varies.
    goals
        What is to be best.
    search
        Which trial comes next.
    points
        Those that are known beforehand.
    key
        What tells this sweep from any other: the same points, data and code.
    base
        The first run that was checked, to know what all have in common.
    to
        Where the runs go.
    threads
        The most that a run uses.
    built
        Key of each distinct set of features → whether it is kept from an earlier run.
    workshop
        Where points that come later are made ready.
    """

    asked: Asked
    config_dirs: tuple[Path, ...]
    space: Space
    goals: tuple[Objective, ...]
    search: Search
    points: list[Point]
    key: str
    base: Ready
    to: Destination
    threads: int
    built: Mapping[str, bool]
    workshop: Workshop = field(repr=False)

    def of(self, trial: Trial) -> list[Point]:
        """Return the runs of a trial; those that were known beforehand are the ones that were planned."""
        known = [point for point in self.points if point.trial.number == trial.number] if self.points else []
        return known or points(trial, self.space, self.asked.settings.repeats, self.base.experiment.settings["seed"])

    def identify(self, point: Point) -> None:
        """Find out the identity of a point that was not known beforehand; raises `UserError` where it is wrong."""
        if point.keys is None:
            point.keys = keys(_made(point.lines, self.config_dirs, self.workshop)[1])


def plan(words: Sequence[str], config_dirs: Sequence[Path] = (), jobs: int = 1) -> Plan:
    """Plan a sweep.

    Parameters
    ----------
    words
        Overrides, with one value or several, and the sweep's own keys.
    config_dirs
        The user's own config folders.
    jobs
        How many runs are made at once.

    Raises
    ------
    UserError
        With everything that is wrong with any point.
    """
    wanted = asked(words, config_dirs)
    varied = conditioned(_space(wanted, config_dirs), lambda lines, key: _takes(lines, key, config_dirs))
    checked = _Checked(wanted, varied, tuple(config_dirs))
    trials = listed(varied, wanted.settings)
    seed = _seed(varied, config_dirs)
    for trial in trials if trials is not None else _examples(varied):
        for point in points(trial, varied, wanted.settings.repeats, seed):
            checked.take(point)
    request, ready = checked.first()
    goals = objectives(wanted.settings.metrics, ready.experiment.task)
    return Plan(
        asked=wanted,
        config_dirs=checked.config_dirs,
        space=varied,
        goals=goals,
        search=search(varied, wanted.settings, goals, jobs, trials),
        points=checked.points if trials is not None else [],
        key=_key(wanted, varied, goals, checked.points),
        base=ready,
        to=request.destination(ready),
        threads=checked.threads,
        built=checked.built,
        workshop=checked.workshop,
    )


@dataclass(eq=False)
class _Checked:
    """The points that were checked so far, and what is wrong with any of them."""

    asked: Asked
    space: Space
    config_dirs: tuple[Path, ...]
    workshop: Workshop = field(default_factory=Workshop)
    points: list[Point] = field(default_factory=list)
    built: dict[str, bool] = field(default_factory=dict)
    threads: int = 1
    _problems: dict[tuple[str, str, str], Problem] = field(default_factory=dict)
    _stage: Stage = "config"
    _first: tuple[Request, Ready] | None = None

    def take(self, point: Point) -> None:
        """Compose and check a point."""
        try:
            request, ready = _made(point.lines, self.config_dirs, self.workshop)
        except UserError as error:
            self._stage = error.stage
            for one in error.problems:
                value = "" if one.message.startswith("not a key of") else str(one.value)
                self._problems.setdefault((one.key, value, one.message), self._located(one))
            return
        self._first = self._first or (request, ready)
        self.threads = max(self.threads, request.threads)
        point.keys = keys(ready)
        if point.keys.features not in self.built:
            self.built[point.keys.features] = is_built(ready, point.keys)
        self.points.append(point)

    def first(self) -> tuple[Request, Ready]:
        """Return the first point; raises `UserError` with all that is wrong with any of them."""
        if self._problems or self._first is None:
            raise UserError(_lacking(self.space, list(self._problems.values())), self._stage)
        return self._first

    def _located(self, problem: Problem) -> Problem:
        """Point to the line where the sweep's file says what is wrong; say how whole numbers are drawn."""
        for axis in self.space.axes:
            if isinstance(axis, Interval) and axis.key == problem.key and "whole number" in problem.message:
                problem = replace(problem, remedy=f"for whole ones: int(interval({axis.low:g},{axis.high:g}))")
        written = {f"space.{key}": key for key in self.asked.settings.space}
        written |= {f"when.{case}.{key}": key for case, keys in self.asked.settings.when.items() for key in keys}
        for place, key in written.items():
            if problem.key == key or problem.key.startswith(f"{key}."):
                return replace(problem, origin=self.asked.origins.get(place, problem.origin))
        return problem


def _lacking(varied: Space, problems: Sequence[Problem]) -> list[Problem]:
    """Tell of a key that none of several options has once, with how it varies where one has it."""
    told = list(problems)
    for axis in varied.axes:
        slot = axis.key.partition(".")[0]
        choice = next((one for one in varied.axes if one.key == slot and isinstance(one, Choice)), None)
        alike = [one for one in told if one.key == axis.key and one.message.startswith("not a key of")]
        if choice is None or len(alike) < 2:
            continue
        names = ",".join(choice.texts)
        able = re.fullmatch(rf"`.+` is a key of {re.escape(slot)}=(?:.+/)?(?P<name>.+)", alike[0].remedy)
        remedy = alike[0].remedy
        if able is not None:
            remedy = (
                f"`{slot}={able['name']}` has it: {slot}={able['name']},{names} varies it there alone, "
                f"as in a file `when: {{{slot}={able['name']}: {{{axis.key}: …}}}}`"
            )
        first = replace(alike[0], message=f"no {slot} of {names} has it", remedy=remedy, shown=f"{axis.key}=…")
        told = [first if one is alike[0] else one for one in told if one not in alike[1:]]
    return told


def _made(lines: Sequence[str], config_dirs: Sequence[Path], workshop: Workshop) -> tuple[Request, Ready]:
    from cxai_runner.request import request

    composed = request(lines, config_dirs)
    return composed, workshop.ready(composed.composed)


def _space(wanted: Asked, config_dirs: Sequence[Path]) -> Space:
    folders = Folders.of(config_dirs)
    return space(wanted, replace(folders, added=tuple(one for one in folders.added if one.is_dir())))


def _takes(lines: Sequence[str], key: str, config_dirs: Sequence[Path]) -> bool:
    """Whether the component that ``key`` belongs to has it, in the config of ``lines``."""
    from cxai_runner.config.compose import examine
    from cxai_runner.config.targets import check

    composed, _ = examine(lines, config_dirs)
    return composed is None or not any(
        one.key == key and one.message.startswith("not a key of") for one in check(composed)
    )


def _seed(varied: Space, config_dirs: Sequence[Path]) -> int:
    """The seed that the first of several repeats has."""
    from cxai_runner.config.compose import examine

    composed, _ = examine(varied.fixed, config_dirs)
    seed = 0 if composed is None else composed.plain["seed"]
    return seed if isinstance(seed, int) else 0


def _examples(varied: Space) -> Iterator[Trial]:
    """Yield trials in which every listed value, and each end of every interval, stands once."""
    seen: set[tuple[tuple[str, str], ...]] = set()
    for wanted in varied.axes:
        for text in wanted.examples:

            def draw(axis: Axis, wanted: Axis = wanted, text: str = text) -> str:
                if axis is wanted:
                    return text
                needed = wanted.when.get(axis.key)
                return min(needed) if needed else axis.examples[0]

            values = varied.drawn(draw)
            if tuple(values.items()) not in seen:
                seen.add(tuple(values.items()))
                yield Trial(len(seen), values)


def _key(wanted: Asked, varied: Space, goals: Sequence[Objective], found: Iterable[Point]) -> str:
    settings = wanted.settings
    how = [settings.search, settings.trials, settings.seed, settings.repeats, settings.prune]
    what = [str(varied.axes) if settings.search == "tpe" else "", [str(goal) for goal in goals]]
    which = [point.keys.identity for point in found if point.keys is not None]
    return hashlib.sha256(json.dumps([how, what, which]).encode()).hexdigest()[:32]
