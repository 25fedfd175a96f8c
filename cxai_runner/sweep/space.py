"""The space of a sweep: which keys vary, over what, and under which condition.

Models differ in their parameters, so a key may belong to some points only. A file says so under ``when``; of the
command line it is found out: ``model=logit_penalised,xgboost model.C=0.1,1`` varies ``C`` where the model has one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from cxai_runner.config import overrides
from cxai_runner.config.folders import Folders
from cxai_runner.config.overrides import COMMAND_LINE
from cxai_runner.config.problems import Problem, UserError, did_you_mean
from cxai_runner.config.schema import SLOTS
from cxai_runner.sweep.axes import Axis, Choice, Interval
from cxai_runner.sweep.settings import key_of

if TYPE_CHECKING:
    from hydra.core.override_parser.types import Override

    from cxai_runner.sweep.settings import Asked

Values = Mapping[str, str]
"""Key → its value as an override writes it; in the order of the axes."""

_NEVER_VARIED = ("task", "experiment", "tracking", "cache", "privacy", "targets")
"""Runs that answer different questions, or lie in different stores, cannot be compared."""


@dataclass(frozen=True)
class Space:
    """What varies.

    Parameters
    ----------
    fixed
        Overrides that every point has.
    axes
        What varies; one that depends on another comes after it.
    """

    fixed: tuple[str, ...]
    axes: tuple[Axis, ...]

    def lines(self, values: Values) -> tuple[str, ...]:
        """Return the overrides of the point with ``values``."""
        return (*self.fixed, *(f"{key}={text}" for key, text in values.items()))

    def drawn(self, draw: Callable[[Axis], str]) -> dict[str, str]:
        """Return one point's values, asking ``draw`` for one of each axis that the point has."""
        values: dict[str, str] = {}
        for axis in self.axes:
            if self._has(axis, values):
                values[axis.key] = draw(axis)
        return values

    def of(self, values: Values) -> list[Axis]:
        """Return the axes that the point with ``values`` has."""
        return [axis for axis in self.axes if axis.key in values and self._has(axis, values)]

    def every(self) -> Iterator[dict[str, str]]:
        """Yield the values of every point of the grid, the last axis the fastest."""
        yield from self._from(0, {})

    def _from(self, number: int, values: dict[str, str]) -> Iterator[dict[str, str]]:
        if number == len(self.axes):
            yield values
            return
        axis = self.axes[number]
        if not self._has(axis, values):
            yield from self._from(number + 1, values)
        elif isinstance(axis, Choice):
            for text in axis.texts:
                yield from self._from(number + 1, {**values, axis.key: text})

    def _has(self, axis: Axis, values: Values) -> bool:
        """Whether a point with ``values`` so far has ``axis``: the nearest word on each of its conditions counts."""
        given = dict(line.lstrip("+").partition("=")[::2] for line in self.fixed) | dict(values)
        return all(given.get(key) in wanted for key, wanted in axis.when.items())


def space(asked: Asked, folders: Folders) -> Space:
    """Return the space of a sweep.

    Raises
    ------
    UserError
        With everything in it that cannot vary, or not as it is said.
    """
    problems: list[Problem] = []
    fixed: list[str] = []
    axes: list[Axis] = []
    for typed, line in zip(asked.lines, overrides.qualify(asked.lines, folders), strict=True):
        read = overrides.parse(line)
        if isinstance(read, Problem) or not read.is_sweep_override():
            fixed.append(typed)  # what is wrong with it is told with all else that is wrong with the points
            continue
        found = _axis(read, asked.settings.search)
        if isinstance(found, Problem):
            problems.append(replace(found, origin=found.origin or COMMAND_LINE, shown=found.shown or typed))
        else:
            axes.append(found)
    typed_keys = {key_of(word) for word in asked.words}
    for where, when, values in _said(asked):
        for key, value in values.items():
            if key in typed_keys:  # what is typed wins
                continue
            found = _written(str(key), value, when, fixed, asked, folders)
            if isinstance(found, Problem):
                origin = asked.origins.get(f"{where}.{key}", "")
                problems.append(replace(found, origin=origin))
            else:
                axes.append(found)
    named = _by_name(Space(tuple(fixed), tuple(axes)), asked, folders)
    met, never = _met(named, asked)
    problems += [*_repeated(axes, asked), *_contradicted(fixed, axes, asked), *never]
    if problems:
        raise UserError(problems)
    return met


def _said(asked: Asked) -> Iterator[tuple[str, Mapping[str, frozenset[str]], Mapping[str, Any]]]:
    """The parts of a file's space: where it is written, its condition, its keys."""
    yield "space", {}, asked.settings.space
    for condition, values in asked.settings.when.items():
        key, _, text = condition.partition("=")
        yield f"when.{condition}", {key: frozenset(part.strip() for part in text.split(","))}, values


def _written(
    key: str, value: Any, when: Mapping[str, frozenset[str]], fixed: Sequence[str], asked: Asked, folders: Folders
) -> Axis | Problem:
    """The axis that a file writes down for ``key``."""
    if value == []:
        return Problem(key, "no value", remedy="as in [0.1, 1]")
    text = _as_override(value)
    line = overrides.qualify([*fixed, f"{key}={text}"], folders)[-1]
    read = overrides.parse(line)
    if isinstance(read, Problem):
        return replace(read, key=key)
    if not read.is_sweep_override():
        found: Axis | Problem = _never_varied(key) or Choice(key, (text,))
    else:
        found = _axis(read, asked.settings.search)
    return found if isinstance(found, Problem) else replace(found, when=when)


def _as_override(value: Any) -> str:
    """A value of a file as the command line would have it: a list is one of several, a text is Hydra's grammar."""
    if not isinstance(value, Sequence) or isinstance(value, str):
        return _item(value) if not isinstance(value, str) else value
    return ",".join(_item(one) for one in value)  # Hydra takes the quotes off what stands in a choice(…)


def _item(value: Any) -> str:
    """One value in Hydra's grammar."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, Mapping):
        return "{" + ",".join(f"{key}:{_item(one)}" for key, one in value.items()) + "}"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "[" + ",".join(_item(one) for one in value) + "]"
    if isinstance(value, str) and not _is_plain(value):
        return "'" + value.replace("'", "\\'") + "'"
    return str(value)


def _is_plain(text: str) -> bool:
    """Whether Hydra reads a text as itself without quotes: no word of another language, no number, no ``true``."""
    if not text.isascii() or not all(letter.isalnum() or letter in "_-./" for letter in text):
        return False
    read = overrides.parse(f"key={text}")
    return bool(text) and not isinstance(read, Problem) and read.value() == text


def _axis(read: Override, search: str) -> Axis | Problem:
    """One override with several values."""
    from hydra.core.override_parser.types import IntervalSweep

    key, sweep = str(read.key_or_group), read.value()
    never = _never_varied(key)
    if never is not None:
        return never
    return _interval(key, sweep, search) if isinstance(sweep, IntervalSweep) else _choice(key, read)


def _choice(key: str, read: Override) -> Choice | Problem:
    from hydra.core.override_parser.types import Glob, RangeSweep

    sweep: Any = read.value()
    if read.is_delete():
        return Problem(key, "a key that is removed has no values", remedy=f"to vary it: {key}=…")
    if isinstance(sweep, Glob):
        return Problem(key, "no option matches this pattern", remedy="see: cxai list")
    if sweep.shuffle:
        remedy = "leave shuffle out; for a random order: sweep.search=random"
        return Problem(key, "shuffled values are others every time", remedy=remedy)
    if isinstance(sweep, RangeSweep) and not sweep.step:
        return Problem(key, "a range without a step never ends", remedy="as in range(1,10,2)")
    texts = tuple(dict.fromkeys(str(text) for text in read.sweep_string_iterator()))
    if not texts:
        return Problem(key, "no value", remedy="as in range(1,10), which stops before 10")
    return Choice(key, texts)


def _interval(key: str, sweep: Any, search: str) -> Axis | Problem:
    low, high, log = float(sweep.start), float(sweep.end), "log" in sweep.tags
    unknown = sorted(set(sweep.tags) - {"log"})
    if unknown:
        return Problem(key, f"no such tag: {unknown[0]}", remedy=did_you_mean(unknown[0], ["log"]))
    if search == "grid":
        remedy = f"name values, or draw some: sweep.search=random sweep.trials=20; range({sweep.start},{sweep.end})"
        return Problem(key, "an interval has no grid", remedy=remedy)
    if not low < high:
        return Problem(key, "the first end of an interval is the lower one", remedy=f"interval({high:g},{low:g})")
    if log and low <= 0:
        return Problem(key, "a logarithmic interval begins above zero", value=low)
    return Interval(key, low, high, log, whole=isinstance(sweep.start, int) and isinstance(sweep.end, int))


def _never_varied(key: str) -> Problem | None:
    top = key.partition(".")[0]
    if top not in _NEVER_VARIED:
        return None
    if top in ("task", "experiment") and "." in key:
        return None
    why = "answers to different questions" if top in ("task", "experiment") else "runs kept or checked differently"
    return Problem(key, f"one value: {why} cannot be compared", remedy="make a sweep of each")


def _by_name(varied: Space, asked: Asked, folders: Folders) -> Space:
    """The space with models by their names alone, where those mean the same: however they were typed, it is one."""

    def bare(text: str) -> str:
        name = text.rpartition("/")[2]
        return name if overrides.qualify([*asked.lines, f"model={name}"], folders)[-1] == f"model={text}" else text

    fixed = (f"model={bare(line[6:])}" if line.startswith("model=") else line for line in varied.fixed)
    axes = (
        replace(axis, texts=tuple(map(bare, axis.texts))) if axis.key == "model" and isinstance(axis, Choice) else axis
        for axis in varied.axes
    )
    return Space(tuple(fixed), tuple(axes))


def _met(varied: Space, asked: Asked) -> tuple[Space, list[Problem]]:
    """The space without axes whose condition no point meets, and what a file got wrong in them.

    It is no mistake where the condition's key was typed: a file's space is narrowed that way.
    """
    typed = {key_of(word) for word in asked.words}
    values = {key_of(line): {line.partition("=")[2]} for line in varied.fixed}
    for axis in varied.axes:
        values.setdefault(axis.key, set()).update(axis.texts if isinstance(axis, Choice) else ())
    problems: dict[str, Problem] = {}
    for condition in asked.settings.when:
        key, _, text = condition.partition("=")
        for wanted in (part.strip() for part in text.split(",")):
            if key not in typed and wanted not in values.get(key, ()):
                remedy = did_you_mean(wanted, sorted(values.get(key, ()))) or did_you_mean(key, sorted(values))
                origin = asked.origins.get(f"when.{condition}", "")
                problems[condition] = Problem(
                    f"when.{condition}", f"no point has {key}={wanted}", remedy=remedy, origin=origin
                )
    met = [axis for axis in varied.axes if all(wanted & values.get(key, set()) for key, wanted in axis.when.items())]
    return replace(varied, axes=tuple(met)), list(problems.values())


def _repeated(axes: Sequence[Axis], asked: Asked) -> Iterator[Problem]:
    """Keys that stand twice in one point."""
    twice: dict[str, None] = {}
    for number, axis in enumerate(axes):
        for other in axes[:number]:
            shared = axis.when.keys() & other.when.keys()
            if other.key == axis.key and all(axis.when[key] & other.when[key] for key in shared):
                twice[axis.key] = None
    for key in twice:
        written = [line for place, line in asked.origins.items() if place.endswith(f".{key}")]
        origin = written[-1] if written else COMMAND_LINE
        yield Problem(key, "varies twice", remedy="name all of its values once", origin=origin)


def _contradicted(fixed: Sequence[str], axes: Sequence[Axis], asked: Asked) -> Iterator[Problem]:
    """Keys that vary, and are set besides to one value: whichever of the two counted, somebody meant the other."""
    set_to = {key_of(line): line.partition("=")[2] for line in fixed}
    varied = dict.fromkeys(axis.key for axis in axes)
    for key in varied:
        if key in set_to:
            origin = asked.origins.get(f"space.{key}", COMMAND_LINE)
            remedy = f"leave {key}={set_to[key]} out, or its other values"
            yield Problem(key, f"varies, and is set to {set_to[key]} besides", remedy=remedy, origin=origin)
    if "seed" in varied and asked.settings.repeats > 1:
        remedy = "leave sweep.repeats out, or name the first seed alone"
        yield Problem("seed", "varies, and sweep.repeats sets it besides", remedy=remedy, origin=COMMAND_LINE)
    if not varied and asked.settings.search == "tpe":
        remedy = "such as model.C='tag(log,interval(0.01,10))'"
        yield Problem("sweep.search", "nothing varies that it could learn from", "tpe", remedy, COMMAND_LINE)


def conditioned(space: Space, takes: Callable[[Sequence[str], str], bool]) -> Space:
    """Return the space with each key of a component left to the options that have it.

    Parameters
    ----------
    space
        The space; a condition that is said stands.
    takes
        ``takes(lines, key)``: whether the config of these overrides has this key.
    """
    choices = {axis.key: axis for axis in space.axes if isinstance(axis, Choice) and axis.key in SLOTS}
    found: list[Axis] = []
    for axis in space.axes:
        slot = axis.key.partition(".")[0]
        if axis.when or axis.key == slot or slot not in choices:
            found.append(axis)
            continue
        value, texts = axis.examples[0], choices[slot].texts
        able = frozenset(
            text for text in texts if takes((*space.fixed, f"{slot}={text}", f"{axis.key}={value}"), axis.key)
        )
        found.append(replace(axis, when={slot: able}) if 0 < len(able) < len(texts) else axis)
    # An axis may stand before the choice that it depends on; a point decides on that first.
    return replace(space, axes=tuple(sorted(found, key=lambda axis: bool(axis.when))))
