"""What a sweep is asked to do: a file in ``conf/sweep/``, what the command line sets of it, and the points' overrides.

A sweep is said apart from the runs that it makes. ``sweep=NAME`` chooses a file and ``sweep.trials=40`` sets one of its
keys; every other word of the command line is an override of the runs, with one value or with several.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Annotated, Any, Literal, get_type_hints

from annotated_types import Ge, Gt, MinLen

from cxai_runner.config.folders import Document, Folders, unreadable
from cxai_runner.config.overrides import COMMAND_LINE, parse
from cxai_runner.config.problems import Problem, UserError, did_you_mean

_GROUP = "sweep"

ROUND_HYDRA: list[str] = []
"""What ``python -m cxai_runner -m`` was told of the sweep itself: Hydra knows no such keys, so they wait here for the
sweeper, whose module Hydra loads anew."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """A sweep's own keys.

    Parameters
    ----------
    search
        ``grid``: every combination; ``random``: draws from the space; ``tpe``: each draw learns from those before it.
    trials
        How many points ``random`` and ``tpe`` draw.
    seed
        What the draws derive from.
    metrics
        What is to be best, and which way: ``{roc_auc: higher}``. The task's primary metric where none is named; with
        several, a trial is best that no other beats in all of them.
    prune
        Give up runs that do worse than the others did at the same step: ``median``, or the worse ``half`` at a time
        (successive halving).
    repeats
        How many seeds each point is run with; it is judged by their mean.
    executor
        Where runs are made: ``processes`` of this machine, ``in_process`` one after the other, or ``ray``.
    address
        Of the Ray cluster; ``auto`` finds the one that this machine belongs to.
    memory_mb
        Megabytes above which a run is ended.
    seconds
        Seconds after which a run is ended.
    retries
        How often a run is made again whose machine was lost.
    overrides
        Of every point.
    space
        Key → its values: a list, or Hydra's grammar as text: ``range(2, 8)``, ``interval(0.1, 10)``,
        ``tag(log, interval(0.001, 1))``, ``glob(*)``.
    when
        ``KEY=VALUE`` → what the space has besides, where a point has that value.
    """

    search: Literal["grid", "random", "tpe"] = "grid"
    trials: Annotated[int, Ge(1)] | None = None
    seed: Annotated[int, Ge(0)] = 0
    metrics: Mapping[str, Literal["lower", "higher"]] = field(default_factory=dict)
    prune: Literal["median", "half"] | None = None
    repeats: Annotated[int, Ge(1)] = 1
    executor: Literal["processes", "in_process", "ray"] = "processes"
    address: Annotated[str, MinLen(1)] | None = None
    memory_mb: Annotated[float, Gt(0)] | None = None
    seconds: Annotated[float, Gt(0)] | None = None
    retries: Annotated[int, Ge(0)] = 2
    overrides: Sequence[str] = ()
    space: Mapping[str, Any] = field(default_factory=dict)
    when: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Asked:
    """A sweep as somebody asked for it.

    Parameters
    ----------
    settings
        Its keys.
    lines
        Overrides of its runs: the file's, but for keys that are typed as well, then those of the command line.
    words
        The command line.
    name
        The file's; empty where there is none.
    origins
        Key of the file → its line.
    """

    settings: Settings
    lines: tuple[str, ...]
    words: tuple[str, ...] = ()
    name: str = ""
    origins: Mapping[str, str] = field(default_factory=dict)


def asked(words: Sequence[str], config_dirs: Sequence[Path] = ()) -> Asked:
    """Tell a sweep's own keys from the overrides of its runs.

    Raises
    ------
    UserError
        With everything that is wrong with the sweep's keys; those of the runs are not looked at.
    """
    folders = Folders.of(config_dirs)
    folders = replace(folders, added=tuple(folder for folder in folders.added if folder.is_dir()))
    own = [word for word in words if is_own(word)]
    problems: list[Problem] = []
    document: Document | None = None
    given: dict[str, Any] = {}
    origins: dict[str, str] = {}
    for word in own:
        read = parse(word.lstrip("+"))
        if isinstance(read, Problem):
            problems.append(read)
            continue
        key, value = str(read.key_or_group), read.value()
        if read.is_sweep_override():
            problems.append(_said(word, key, None, "one value: a sweep is not swept itself"))
        elif key == _GROUP:
            document, found = _file(str(value), word, folders)
            problems += found
        elif (metric := key.removeprefix(f"{_GROUP}.metrics.")) != key:
            given["metrics"] = {**given.get("metrics", {}), metric: value}
        else:
            given[key.partition(".")[2]] = value
    values = dict(document.content) if document is not None else {}
    if document is not None:
        origins = {key: document.origin(key) for key in document.lines}
    for key in given:
        origins[key] = COMMAND_LINE
    settings, found = _settings(values | given, origins)
    problems += found
    if problems:
        raise UserError(problems)
    typed = tuple(word for word in words if not is_own(word))
    written = (word for word in settings.overrides if key_of(word) not in map(key_of, typed))
    lines = (*written, *typed)
    return Asked(settings, lines, tuple(words), "" if document is None else document.path.stem, origins)


def key_of(word: str) -> str:
    """Return the key or group that an override is of."""
    return word.lstrip("+~").partition("=")[0]


def is_own(word: str) -> bool:
    """Whether a word of the command line is of the sweep itself, not of its runs."""
    key = key_of(word)
    return key == _GROUP or key.startswith(f"{_GROUP}.")


def _file(name: str, word: str, folders: Folders) -> tuple[Document | None, list[Problem]]:
    import yaml
    from omegaconf.errors import OmegaConfBaseException

    try:
        document = folders.read(f"{_GROUP}/{name}")
    except (yaml.YAMLError, UnicodeDecodeError, OmegaConfBaseException) as error:
        return None, [unreadable(folders.files(f"{_GROUP}/{name}")[0], error)]
    if document is not None:
        return document, []
    every = folders.options(_GROUP)
    remedy = did_you_mean(name, every) or "put one into sweep/ of a --config-dir"
    return None, [_said(word, _GROUP, name, "no such sweep", remedy)]


def _settings(values: Mapping[str, Any], origins: Mapping[str, str]) -> tuple[Settings, list[Problem]]:
    from cxai_runner.config.validate import checked

    hints = get_type_hints(Settings, include_extras=True)
    known = [one.name for one in fields(Settings)]
    problems: list[Problem] = []
    right: dict[str, Any] = {}
    for key, value in values.items():
        if key not in known:
            remedy = did_you_mean(str(key), known)
            problems.append(Problem(f"{_GROUP}.{key}", "no such key", value=value, remedy=remedy))
            continue
        right[key], found = checked(hints[key], value, f"{_GROUP}.{key}")
        problems += found
    if not problems:
        problems += _contradictions(Settings(**right))
    located = [
        replace(one, origin=one.origin or _origin(one.key, origins) or _origin("search", origins)) for one in problems
    ]
    return Settings() if problems else Settings(**right), located


def _contradictions(settings: Settings) -> Iterator[Problem]:
    """Keys that say nothing together."""
    if settings.search == "grid" and settings.trials is not None:
        remedy = "leave it out, or draw: sweep.search=random"
        yield Problem("sweep.trials", "a grid has as many points as it has", value=settings.trials, remedy=remedy)
    if settings.search != "grid" and settings.trials is None:
        remedy = "such as sweep.trials=30"
        yield Problem("sweep.trials", f"has to be given: how many points {settings.search} draws", remedy=remedy)
    if settings.prune is not None and len(settings.metrics) > 1:
        remedy = "name one metric, or leave it out"
        yield Problem("sweep.prune", "runs are given up by one metric, not by several", remedy=remedy)
    if settings.prune is not None and settings.repeats > 1:
        yield Problem("sweep.prune", "a trial of several seeds has several curves", remedy="leave it out, or repeats")
    if settings.prune is not None and settings.search != "tpe":
        yield Problem("sweep.prune", "only a search that learns gives runs up", remedy="sweep.search=tpe")
    if settings.executor == "in_process":
        for key in ("memory_mb", "seconds"):
            if getattr(settings, key) is not None:
                remedy = "sweep.executor=processes"
                yield Problem(f"sweep.{key}", "only a process of its own can be ended", remedy=remedy)
    if settings.executor != "ray" and settings.address is not None:
        yield Problem("sweep.address", "only Ray has one", value=settings.address, remedy="sweep.executor=ray")


def _origin(key: str, origins: Mapping[str, str]) -> str:
    key = key.removeprefix(f"{_GROUP}.")
    while key and key not in origins:
        key = key.rpartition(".")[0]
    return origins.get(key, "")


def _said(word: str, key: str, value: Any, message: str, remedy: str = "") -> Problem:
    return Problem(key, message, value=value, remedy=remedy, origin=COMMAND_LINE, shown=word)
