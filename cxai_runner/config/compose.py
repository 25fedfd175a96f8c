"""From a command line to one config, with every mistake of it told at once.

Options of groups are chosen first and merged (once for each set of choices); then each value is set on its own, so
that one wrong key hides no other. Nothing is imported here that a config names: `targets` does that.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cxai_runner.config import interpolation, overrides
from cxai_runner.config.assign import assign
from cxai_runner.config.folders import Folders
from cxai_runner.config.layers import Layer, layers
from cxai_runner.config.overrides import COMMAND_LINE, CommandLine, Given
from cxai_runner.config.problems import Problem, UserError
from cxai_runner.config.schema import SLOTS
from cxai_runner.config.settings import checked_settings

if TYPE_CHECKING:
    from omegaconf import DictConfig

_DECIDED_BY_TASK = ("task", "features", "model", "split")


@dataclass(frozen=True, eq=False)
class Composed:
    """One config, and where each of its keys came from.

    Parameters
    ----------
    raw
        References unresolved: fit to be kept, since secrets are references.
    overrides
        What was given on the command line, models written in full.
    choices
        The option by group.
    plain
        The config resolved, with a hole where a value cannot be had.
    unsettled
        Slots whose choice was wrong, so that nothing can be said of what stands there.
    """

    raw: Mapping[str, Any] = field(repr=False)
    overrides: tuple[str, ...]
    choices: Mapping[str, str]
    plain: dict[str, Any] = field(repr=False)
    folders: Folders
    unsettled: frozenset[str] = frozenset()
    given: Mapping[str, str] = field(default_factory=dict)
    """Keys that overrides set, and where those stand: the command line, or a file and its line."""
    chosen: Mapping[str, str] = field(default_factory=dict)
    """Groups that overrides chose an option of, and where those stand."""
    layers: tuple[Layer, ...] = field(default=(), repr=False)

    @cached_property
    def config(self) -> DictConfig:
        """The config as OmegaConf has it, references unresolved."""
        from omegaconf import OmegaConf

        return OmegaConf.create(dict(self.raw))

    def resolved(self) -> dict[str, Any]:
        """Return the config as plain mappings, references resolved; a copy that may be changed."""
        return copy.deepcopy(self.plain)

    def origin(self, key: str) -> str:
        """Say who set ``key`` or its nearest ancestor: the command line, or a file and its line."""
        top = key.partition(".")[0]
        while key:
            if key in self.given:
                return self.given[key]
            for layer in reversed(self.layers):
                inside = _below(key, layer.package)
                if inside is not None and inside in layer.document.lines:
                    return layer.document.origin(inside)
            below = [origin for given, origin in self.given.items() if given.startswith(f"{key}.")]
            if below:
                return below[-1]
            key = key.rpartition(".")[0]
        return self.chosen.get(top, "")

    def raw_env_names(self) -> tuple[str, ...]:
        """Return the environment variables that the config refers to."""
        return self._env_names

    def located(self, problems: Iterable[Problem]) -> list[Problem]:
        """Return problems with their origins, and without the values of environment variables."""
        told = []
        for problem in problems:
            origin = problem.origin or self.origin(problem.key)
            told.append(interpolation.masked(replace(problem, origin=origin), self._env_names))
        return told

    def unknown_key(self, problem: Problem, slot: str) -> Problem:
        """Word a key that the component in ``slot`` does not take, and who takes it."""
        key = problem.key.rpartition(".")[2]
        remedy, choice = problem.remedy, self.choices.get(slot)
        if not remedy.startswith("did you mean"):
            # Options in a folder of their own are a task's: those of another are named where there is none of it.
            own = f"{choice.rpartition('/')[0]}/" if choice and "/" in choice else ""
            takers = [name for name in self.folders.options(slot) if self._takes(slot, name, key)]
            takers.sort(key=lambda name: not name.startswith(own))
            remedy = f"`{key}` is a key of {slot}={takers[0]}" if takers else remedy
        owner = f"{slot} `{choice}`" if choice else f"`{slot}`"
        return replace(problem, message=f"not a key of {owner}", remedy=remedy)

    def _takes(self, slot: str, name: str, key: str) -> bool:
        import yaml
        from omegaconf.errors import OmegaConfBaseException

        try:
            document = self.folders.read(f"{slot}/{name}")
        except (yaml.YAMLError, OmegaConfBaseException, UnicodeDecodeError):
            return False  # another option's broken file is no matter of this run's
        return document is not None and key in document.content

    @cached_property
    def _env_names(self) -> tuple[str, ...]:
        return interpolation.env_names(self.raw)


def compose(
    overrides: Sequence[str] = (),
    config_dirs: Sequence[Path] = (),
    further: Callable[[Composed, Sequence[Problem]], Iterable[Problem]] | None = None,
    origins: Sequence[str] = (),
) -> Composed:
    """Compose a config.

    Parameters
    ----------
    overrides
        In Hydra's grammar: ``task=segmentation``, ``features.category=YOGURT``.
    config_dirs
        The user's own config folders, searched after ours.
    further
        What else can be said of a config that is wrong already, given what was found; told along with it.
    origins
        Where each override stands, if not all on the command line.

    Raises
    ------
    UserError
        With every mistake of the command line and the files, and, where there is one, with those of the components
        too, so that all are told at once.
    """
    composed, problems = examine(overrides, config_dirs, origins)
    if composed is not None and not problems:
        return composed
    if composed is not None:
        from cxai_runner.config.targets import check

        problems = composed.located([*problems, *check(composed)])
        problems += composed.located(further(composed, problems) if further is not None else ())
    raise UserError(_as_typed(problems, overrides))


def examine(
    lines: Sequence[str], config_dirs: Sequence[Path] = (), origins: Sequence[str] = ()
) -> tuple[Composed | None, list[Problem]]:
    """Compose what can be composed, and say what is wrong with the rest.

    Returns
    -------
    composed, problems
        None where the files themselves cannot be put together.
    """
    folders = Folders.of(config_dirs)
    problems = list(folders.problems())
    folders = replace(folders, added=tuple(folder for folder in folders.added if folder.is_dir()))
    line = overrides.tell_apart(lines, folders, origins)
    problems += line.problems
    wrong = dict(overrides.unknown_choices(line, folders))
    problems += wrong.values()
    try:
        base = layers(folders, [given for given in line.choices if given.key not in wrong])
    except UserError as error:
        return None, [*problems, *error.problems]
    raw = copy.deepcopy(base.raw)
    other = _make_room(raw, line.values)
    unsettled = _unsettled(wrong)
    plain, found = _with_values(raw, line.values)
    problems += [problem for problem in found if problem.key.partition(".")[0] not in unsettled]
    composed = Composed(
        raw=raw,
        overrides=tuple(_canonical(line)),
        choices={**base.choices, **other},
        plain=plain,
        folders=folders,
        unsettled=unsettled,
        given={given.key: given.origin for given in line.values},
        chosen={given.key: given.origin for given in line.choices},
        layers=base.layers,
    )
    return composed, _first_of_each(composed.located(problems))


def _with_values(raw: dict[str, Any], values: Sequence[Given]) -> tuple[dict[str, Any], list[Problem]]:
    """Set the values of the command line in ``raw``, and return it resolved, with all that is wrong with it."""
    problems = [problem for given in values if (problem := assign(raw, given))]
    plain, unresolved = interpolation.resolve(raw)
    return plain, [*problems, *unresolved, *checked_settings(plain, raw)]


def _make_room(raw: dict[str, Any], values: Sequence[Given]) -> dict[str, str]:
    """Empty a component whose class is another one now: what stands there are the old one's arguments.

    Returns
    -------
    The name of the class, by slot: the option's name would be a lie.
    """
    other = {}
    for given in values:
        slot, _, name = given.key.rpartition(".")
        if slot not in SLOTS or name != "_target_" or given.parsed.is_delete() or not isinstance(raw[slot], dict):
            continue
        if raw[slot].get("_target_") != given.parsed.value():
            raw[slot] = {}
            other[slot] = str(given.parsed.value()).rpartition(".")[2]
    return other


def _as_typed(problems: Sequence[Problem], lines: Sequence[str]) -> list[Problem]:
    """Problems of the command line in its order, then those of the files."""
    keys = [line.partition("=")[0].lstrip("+~") for line in lines]

    def place(problem: Problem) -> int:
        if problem.origin != COMMAND_LINE:
            return len(keys)
        return next((i for i, key in enumerate(keys) if f"{problem.key}.".startswith(f"{key}.")), len(keys))

    return sorted(problems, key=place)


def _canonical(line: CommandLine) -> list[str]:
    return [overrides.canonical(given.line) for given in (*line.choices, *line.values)]


def _unsettled(wrong: Iterable[str]) -> frozenset[str]:
    """The slots that a wrong choice leaves open: a task decides on its features, model and split."""
    found: set[str] = set()
    for group in wrong:
        found |= set(SLOTS) if group == "experiment" else set(_DECIDED_BY_TASK if group == "task" else (group,))
    return frozenset(found)


def _below(key: str, package: str) -> str | None:
    """The rest of ``key`` below ``package``; None where it does not stand there."""
    if not package:
        return key
    return key.removeprefix(package).lstrip(".") if key == package or key.startswith(f"{package}.") else None


def _first_of_each(problems: Iterable[Problem]) -> list[Problem]:
    """One problem for each key and message; a wrong value given twice is wrong once."""
    return list({(problem.key, problem.message): problem for problem in problems}.values())
