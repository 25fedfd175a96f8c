"""From a command line to one config, with every mistake of it told at once.

Options of groups are chosen first and merged (once for each set of choices); then each value is set on its own, so
that one wrong key hides no other. Nothing is imported here that a config names: `targets` does that.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cxai_runner.config import interpolation, overrides
from cxai_runner.config.folders import Folders
from cxai_runner.config.layers import Layer, layers
from cxai_runner.config.overrides import COMMAND_LINE, CommandLine, Given
from cxai_runner.config.problems import Problem, UserError, did_you_mean, nearest
from cxai_runner.config.schema import SLOTS, defaults, own_leaves
from cxai_runner.config.settings import checked_settings

if TYPE_CHECKING:
    from omegaconf import DictConfig

_DECIDED_BY_TASK = ("task", "features", "model", "split")


@dataclass(frozen=True, eq=False)
class Composed:
    """One config, and where each of its keys came from.

    Parameters
    ----------
    config
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

    config: DictConfig
    overrides: tuple[str, ...]
    choices: Mapping[str, str]
    plain: dict[str, Any] = field(repr=False)
    folders: Folders
    unsettled: frozenset[str] = frozenset()
    given: tuple[str, ...] = ()
    """Keys that the command line set."""
    layers: tuple[Layer, ...] = field(default=(), repr=False)

    def resolved(self) -> dict[str, Any]:
        """Return the config as plain mappings, references resolved; a copy that may be changed."""
        return copy.deepcopy(self.plain)

    def origin(self, key: str) -> str:
        """Say who set ``key`` or its nearest ancestor: the command line, or a file and its line."""
        top = key.partition(".")[0]
        while key:
            if key in self.given:
                return COMMAND_LINE
            for layer in reversed(self.layers):
                inside = _below(key, layer.package)
                if inside is not None and inside in layer.document.lines:
                    return layer.document.origin(inside)
            if any(given.startswith(f"{key}.") for given in self.given):
                return COMMAND_LINE
            key = key.rpartition(".")[0]
        chosen = (line.lstrip("~").partition("=")[0] for line in self.overrides)
        return COMMAND_LINE if top in chosen else ""

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
        remedy = problem.remedy
        if not remedy.startswith("did you mean"):
            takers = [name for name in self.folders.options(slot) if self._takes(slot, name, key)]
            remedy = f"`{key}` is a key of {slot}={takers[0]}" if takers else remedy
        choice = self.choices.get(slot)
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
        from omegaconf import OmegaConf

        return interpolation.env_names(OmegaConf.to_container(self.config, resolve=False))


def compose(overrides: Sequence[str] = (), config_dirs: Sequence[Path] = ()) -> Composed:
    """Compose a config.

    Parameters
    ----------
    overrides
        In Hydra's grammar: ``task=segmentation``, ``features.category=YOGURT``.
    config_dirs
        The user's own config folders, searched after ours.

    Raises
    ------
    UserError
        With every mistake of the command line and the files, and, where there is one, with those of the components
        too, so that all are told at once.
    """
    composed, problems = examine(overrides, config_dirs)
    if composed is not None and not problems:
        return composed
    if composed is not None:
        from cxai_runner.config.targets import check

        problems = composed.located([*problems, *check(composed)])
    raise UserError(_as_typed(problems, overrides))


def examine(lines: Sequence[str], config_dirs: Sequence[Path] = ()) -> tuple[Composed | None, list[Problem]]:
    """Compose what can be composed, and say what is wrong with the rest.

    Returns
    -------
    composed, problems
        None where the files themselves cannot be put together.
    """
    folders = Folders.of(config_dirs)
    problems = list(folders.problems())
    folders = replace(folders, added=tuple(folder for folder in folders.added if folder.is_dir()))
    line = overrides.tell_apart(lines, folders)
    problems += line.problems
    wrong = dict(overrides.unknown_choices(line, folders))
    problems += wrong.values()
    try:
        base = layers(folders, [given for given in line.choices if given.key not in wrong])
    except UserError as error:
        return None, [*problems, *error.problems]
    config = copy.deepcopy(base.config)
    unsettled = _unsettled(wrong)
    problems += [problem for given in line.values if (problem := _set(config, given, unsettled))]
    plain, unresolved = interpolation.resolve(config)
    problems += [problem for problem in unresolved if problem.key.partition(".")[0] not in unsettled]
    problems += checked_settings(plain, config)
    composed = Composed(
        config=config,
        overrides=tuple(_canonical(line)),
        choices=base.choices,
        plain=plain,
        folders=folders,
        unsettled=unsettled,
        given=tuple(given.key for given in line.values),
        layers=base.layers,
    )
    return composed, _first_of_each(composed.located(problems))


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


def _set(config: DictConfig, given: Given, unsettled: frozenset[str]) -> Problem | None:
    """Set one value, or say why it cannot be set."""
    from omegaconf import OmegaConf
    from omegaconf.errors import OmegaConfBaseException

    top = given.key.partition(".")[0]
    if top not in defaults():
        return _said(given, "no such key", _meant(given.key, config))
    if given.parsed.is_delete():
        return None if top in unsettled else _delete(config, given)
    if not _reachable(config, given.key):
        return _said(given, "no such key", f"`{_scalar_above(config, given.key)}` has no keys below it")
    try:
        OmegaConf.update(config, given.key, given.parsed.value(), merge=True, force_add=True)
    except (OmegaConfBaseException, IndexError, TypeError, ValueError):
        return _said(given, "cannot be set here", "items of a list are set as a whole: key=[a,b]")
    return None


def _delete(config: DictConfig, given: Given) -> Problem | None:
    from omegaconf import OmegaConf

    parent, _, name = given.key.rpartition(".")
    above = OmegaConf.select(config, parent) if parent else config
    if not parent or given.key in own_leaves() or parent.partition(".")[0] not in SLOTS:
        return _said(given, "a key of the engine's own, which cannot be removed", "give it another value")
    if not hasattr(above, "keys") or name not in above:
        return _said(
            given, "nothing to remove", did_you_mean(name, [str(key) for key in getattr(above, "keys", list)()])
        )
    del above[name]
    return None


def _reachable(config: DictConfig, key: str) -> bool:
    return not _scalar_above(config, key)


def _scalar_above(config: DictConfig, key: str) -> str:
    """The ancestor of ``key`` that is a plain value, if any; its own keys could not be set."""
    from omegaconf import OmegaConf
    from omegaconf.errors import OmegaConfBaseException

    parts = key.split(".")
    for depth in range(1, len(parts)):
        above = ".".join(parts[:depth])
        try:
            value = OmegaConf.select(config, above, throw_on_missing=False)
        except OmegaConfBaseException:
            return ""  # a reference that fails is told by itself
        if isinstance(value, bool | int | float | str):
            return above
    return ""


def _meant(key: str, config: DictConfig) -> str:
    """Which key was meant: a near one at the top, or the same name further down."""
    top, _, rest = key.partition(".")
    close = nearest(top, defaults())
    if close is None:
        name = key.rpartition(".")[2]
        deeper = [f"{above}.{name}" for above in defaults() if name in (_keys_of(config, above))]
        return f"did you mean `{deeper[0]}`?" if deeper else "one of: " + ", ".join(defaults())
    return f"did you mean `{close}.{rest}`?" if rest else f"did you mean `{close}`?"


def _keys_of(config: DictConfig, key: str) -> list[str]:
    from omegaconf import OmegaConf

    node: Any = config._get_node(key)
    return [str(name) for name in node] if OmegaConf.is_dict(node) and not node._is_none() else []


def _said(given: Given, message: str, remedy: str) -> Problem:
    value = None if given.parsed.is_delete() else given.parsed.value()
    return Problem(given.key, message, value=value, remedy=remedy, origin=COMMAND_LINE, shown=given.typed)


def _below(key: str, package: str) -> str | None:
    """The rest of ``key`` below ``package``; None where it does not stand there."""
    if not package:
        return key
    return key.removeprefix(package).lstrip(".") if key == package or key.startswith(f"{package}.") else None


def _first_of_each(problems: Iterable[Problem]) -> list[Problem]:
    """One problem for each key and message; a wrong value given twice is wrong once."""
    return list({(problem.key, problem.message): problem for problem in problems}.values())
