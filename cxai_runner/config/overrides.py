"""What stands on the command line: parsed one by one, so that every mistake of it can be told at once.

Hydra's grammar, and three courtesies that both entries share: ``model=xgboost`` means the task's own ``xgboost``, a
component's key may be set whether or not its file names it, and ``group=null`` chooses nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from cxai_runner.config import spelling
from cxai_runner.config.folders import Folders
from cxai_runner.config.problems import Problem, did_you_mean, nearest
from cxai_runner.config.schema import SLOTS

if TYPE_CHECKING:
    from hydra.core.override_parser.types import Override

COMMAND_LINE = "command line"
_ELSEWHERE = {
    "sweep": ("of a sweep, not of one run", "for many: cxai sweep {}"),
    "promotion": ("of a promotion, not of a run", "once it has run: cxai promote last --model NAME {}"),
}
APART = tuple(_ELSEWHERE)
"""Folders of what is said apart from a run's config: how many runs are made of one, and what one has to show."""


@dataclass(frozen=True, eq=False)
class Given:
    """One override: as typed, as Hydra is to see it, and parsed; and where it was typed."""

    typed: str
    line: str
    parsed: Override
    origin: str = COMMAND_LINE

    @property
    def key(self) -> str:
        """The config key or group that it sets."""
        return str(self.parsed.key_or_group)


@dataclass(frozen=True, eq=False)
class CommandLine:
    """All overrides, told apart.

    Parameters
    ----------
    choices
        Those that choose an option of a group.
    values
        Those that set a value.
    problems
        Those that are neither.
    """

    choices: tuple[Given, ...]
    values: tuple[Given, ...]
    problems: tuple[Problem, ...]
    task: str | None
    """The task that the command line leads to."""


@lru_cache(maxsize=4096)
def parse(line: str) -> Override | Problem:
    """Parse one override, or say why it cannot be read."""
    from hydra.errors import HydraException

    try:
        parsed = _parser().parse_override(line)
    except HydraException:
        return _unreadable(line)
    return parsed if parsed.key_or_group else _unreadable(line)


@lru_cache(maxsize=1)
def _parser() -> Any:
    from hydra.core.override_parser.overrides_parser import OverridesParser

    return OverridesParser.create()


def groups(folders: Folders) -> tuple[str, ...]:
    """Every config group: the folders there are, and what the main config leaves room for."""
    main = folders.read("config")
    named = main.defaults if main is not None else {}
    return tuple(sorted({*folders.groups(), *named} - {"hydra", *APART}))


def qualify(lines: Sequence[str], folders: Folders) -> list[str]:
    """Write overrides as Hydra wants them; what cannot be read is left as it is."""
    known = groups(folders)
    parsed = [parse(line) for line in lines]
    readable = [item for item in parsed if not isinstance(item, Problem)]
    task = _task(readable, folders)
    return [
        line
        if isinstance(item, Problem) or item.package is not None or item.is_delete()
        else _qualified(line, item, known, task, folders)
        for line, item in zip(lines, parsed, strict=True)
    ]


def canonical(line: str) -> str:
    """Write a qualified override as a person would."""
    bare = line.lstrip("+")
    return bare if bare.partition("=")[0].partition(".")[0] in SLOTS else line


def tell_apart(lines: Sequence[str], folders: Folders, origins: Sequence[str] = ()) -> CommandLine:
    """Tell choices from values, and collect what is neither; ``origins`` say which lines stand in a file."""
    known = groups(folders)
    choices: dict[str, Given] = {}
    values: list[Given] = []
    problems: list[Problem] = []
    where = origins or (COMMAND_LINE,) * len(lines)
    for typed, line, origin in zip(lines, qualify(lines, folders), where, strict=True):
        # Only a choice reads differently once it is written out.
        parsed = parse(typed if "." in typed.partition("=")[0] else line)
        if isinstance(parsed, Problem):
            problems.append(replace(parsed, origin=origin))
            continue
        given = Given(typed, line, parsed, origin)
        problem = _not_here(given, known)
        if problem is not None:
            problems.append(problem)
        elif given.key not in known:
            values.append(given)
        elif given.key in choices:
            problems.append(_problem(given, "chosen twice", "name one option"))
        else:
            choices[given.key] = given
    task = _task([given.parsed for given in choices.values()], folders)
    return CommandLine(tuple(choices.values()), tuple(values), tuple(problems), task)


def unknown_choices(line: CommandLine, folders: Folders) -> Iterator[tuple[str, Problem]]:
    """Yield the group and the problem of every choice that is not there."""
    for given in line.choices:
        if given.parsed.is_delete():
            continue
        name = given.parsed.value()
        if not isinstance(name, str) or not name:
            yield given.key, _problem(given, f"the name of one option of {given.key}", _options(given.key, folders))
        elif not folders.files(f"{given.key}/{name}"):
            yield given.key, _problem(given, f"no such {given.key}", closest(name, given.key, folders, line.task))


def closest(name: str, group: str, folders: Folders, task: str | None = None) -> str:
    """Word which option of ``group`` was most likely meant; a bare name finds one in a sub-folder too."""
    every = folders.options(group)
    if group == "model":
        own = [
            o.removeprefix(f"{folder}/")
            for folder in _model_folders(task, folders)
            for o in every
            if o.startswith(f"{folder}/")
        ]
        if own and ("/" not in name or nearest(name, own)):
            return did_you_mean(name, own)
    bare = {option.rpartition("/")[2]: option for option in every}
    found = nearest(name, every) or bare.get(nearest(name.rpartition("/")[2], bare) or "")
    return f"did you mean `{found}`?" if found else _options(group, folders)


def _options(group: str, folders: Folders) -> str:
    every = folders.options(group)
    return "one of: " + ", ".join(every) if every else f"there is none yet: put one into {group}/ of a --config-dir"


def _unreadable(line: str) -> Problem:
    key, equals, value = line.partition("=")
    if line.startswith("-"):
        return _said(line, line, "not an option of this command", f"for a key: {line.lstrip('-')}")
    if not equals:
        return _said(line, line, "neither chooses nor sets anything", f"write {line}=VALUE")
    if not key.strip("+~ "):
        return _said(line, line, "no key before the equals sign", "write KEY=VALUE")
    if not all(part.isidentifier() for part in key.lstrip("+~").replace("/", ".").replace("@", ".").split(".")):
        return _said(key, line, "not the name of a key", "letters, digits and _ between dots, no spaces")
    several = spelling.meant(value)
    if several is not None:
        remedy = f"put names that are not plain words in quotes: {spelling.override(key.lstrip('+~'), several)}"
        return _said(key.lstrip("+~"), line, "the value cannot be read", remedy)
    quoted = spelling.override(key, value.strip("\"'"))
    return _said(key.lstrip("+~"), line, "the value cannot be read", f"put it in quotes: {quoted}")


def _not_here(given: Given, known: Sequence[str]) -> Problem | None:
    """What is well formed but means nothing in one run."""
    top = given.key.split("/")[0].split(".")[0]
    if top in APART:
        return _problem(given, *(word.format(given.typed) for word in _ELSEWHERE[top]))
    if top == "hydra":
        return _problem(given, "a setting of Hydra's", "use the plain Hydra application: python -m cxai_runner")
    if given.parsed.is_sweep_override():
        listed = given.typed.partition("=")[2]
        return _problem(
            given, "several values, which make a sweep", f"for one list: {given.key}=[{listed}]; to sweep: cxai sweep"
        )
    if "/" in given.key or given.parsed.package is not None:
        group, _, folder = given.key.partition("/")
        if group in known and folder:
            return _problem(given, "not a group of its own", f"write {group}={folder}/{given.parsed.value()}")
        return _problem(given, "no such group", did_you_mean(group, known))
    return None


def _problem(given: Given, message: str, remedy: str) -> Problem:
    value = None if given.parsed.is_sweep_override() else given.parsed.value()
    return Problem(given.key, message, value=value, remedy=remedy, origin=given.origin, shown=given.typed)


def _said(key: str, line: str, message: str, remedy: str) -> Problem:
    return Problem(key, message, value=line.partition("=")[2], remedy=remedy, origin=COMMAND_LINE, shown=line)


def _qualified(line: str, parsed: Override, known: Sequence[str], task: str | None, folders: Folders) -> str:
    key = str(parsed.key_or_group)
    if "." in key and key.partition(".")[0] in SLOTS:
        return "++" + line.lstrip("+")
    if key not in known:
        return line
    if parsed.is_sweep_override():
        return _qualified_sweep(line, parsed, task, folders)
    value = parsed.value()
    if key == "model" and isinstance(value, str):
        return f"{key}={_own_model(value, task, folders)}"
    return f"~{key}" if value is None else line.lstrip("+")


def _qualified_sweep(line: str, parsed: Override, task: str | None, folders: Folders) -> str:
    """Qualify each of several models; a pattern becomes the list of what it matches."""
    from hydra.core.override_parser.types import ChoiceSweep, Glob

    key, sweep = str(parsed.key_or_group), parsed.value()
    if isinstance(sweep, Glob):
        every = folders.options(key)
        own = [option.removeprefix(f"{task}/") for option in every if option.startswith(f"{task}/")]
        names = own if key == "model" and own else every
        matched = sweep.filter(names)
    elif isinstance(sweep, ChoiceSweep) and key == "model":
        matched = [item for item in sweep.list if isinstance(item, str)]
        if len(matched) != len(sweep.list):
            return line
    else:
        return line
    chosen = [_own_model(name, task, folders) if key == "model" else name for name in matched]
    return f"{key}=" + (",".join(chosen) if len(chosen) != 1 else f"choice({chosen[0]})") if chosen else line


def _own_model(name: str, task: str | None, folders: Folders) -> str:
    """``<task>/name`` where there is such a model; otherwise the name as it is."""
    for folder in _model_folders(task, folders):
        if folders.files(f"model/{folder}/{name}"):
            return f"{folder}/{name}"
    return name


def _model_folders(task: str | None, folders: Folders) -> Iterator[str]:
    """The task's own folder, then the one that its default model comes from (a task of the user's may share ours)."""
    if task is None:
        return
    yield task
    model = _named(f"task/{task}", "model", folders)
    if model is not None and "/" in model:
        yield model.rpartition("/")[0]


def _task(parsed: Iterable[Override], folders: Folders) -> str | None:
    """The task that will be chosen: on the command line, by the experiment, or by the main config."""
    chosen: dict[str, Any] = {
        item.key_or_group: item.value() for item in parsed if not item.is_sweep_override() and not item.is_delete()
    }
    if isinstance(chosen.get("task"), str):
        return str(chosen["task"])
    if any(item.key_or_group == "task" for item in parsed):
        return None
    experiment = chosen.get("experiment")
    by_experiment = _named(f"experiment/{experiment}", "task", folders) if isinstance(experiment, str) else None
    return by_experiment or _named("config", "task", folders)


def _named(config: str, group: str, folders: Folders) -> str | None:
    """Return what a defaults list names for ``group``; None where the file cannot be read: that is told elsewhere."""
    import yaml

    try:
        document = folders.read(config)
    except yaml.YAMLError:
        return None
    option = document.defaults.get(group) if document is not None else None
    return option if isinstance(option, str) else None
