"""From chosen options to one config, its files remembered.

Hydra works out which files make up a config and in which order (its defaults list); they are merged here, so that
each file is read once, every line keeps its origin, and the many points of a sweep with the same choices share one
merge. The result is the one that Hydra's own application composes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cxai_runner.config import schema
from cxai_runner.config.folders import Document, Folders, read, shown, unreadable
from cxai_runner.config.overrides import Given, closest, groups
from cxai_runner.config.problems import Problem, UserError, did_you_mean


@dataclass(frozen=True, eq=False)
class Layer:
    """One file and the key below which its content stands; the empty key is the top level."""

    document: Document
    package: str
    name: str


@dataclass(frozen=True, eq=False)
class Layers:
    """The merged files, before any value of the command line.

    Parameters
    ----------
    raw
        References unresolved; copy it before changing it.
    layers
        The files in the order of merging.
    choices
        The option by group.
    """

    raw: dict[str, Any]
    layers: tuple[Layer, ...]
    choices: Mapping[str, str]


_known: dict[tuple[Folders, tuple[str, ...]], Layers] = {}


def layers(folders: Folders, choices: Sequence[Given]) -> Layers:
    """Merge what ``choices`` choose; remembered until one of the files changes.

    Raises
    ------
    UserError
        When a file is broken, or names what does not exist.
    """
    key = (folders, tuple(given.line for given in choices))
    if key not in _known or not _current(_known[key], folders):
        _known[key] = _merge(folders, choices)
    return _known[key]


def _current(known: Layers, folders: Folders) -> bool:
    """Whether every file still says what it said: a changed one is read into a new document."""
    import yaml
    from omegaconf.errors import OmegaConfBaseException

    try:
        return all(folders.read(layer.name) is layer.document for layer in known.layers)
    except (yaml.YAMLError, UnicodeDecodeError, OmegaConfBaseException):
        return False


def _merge(folders: Folders, choices: Sequence[Given]) -> Layers:
    from omegaconf import OmegaConf

    found = tuple(_ordered(folders, choices))
    problems = [problem for layer in found for problem in _misplaced(layer, folders)]
    if problems:
        raise UserError(problems)
    config = OmegaConf.create(schema.defaults())
    for layer in found:
        content = OmegaConf.create(dict(layer.document.content))
        if layer.package:
            below = content
            content = OmegaConf.create()
            OmegaConf.update(content, layer.package, below, merge=False, force_add=True)
        config.merge_with(content)
    raw: Any = OmegaConf.to_container(config)
    raw.pop("hydra", None)
    chosen = {layer.name.partition("/")[0]: layer.name.partition("/")[2] for layer in found if "/" in layer.name}
    return Layers(raw, found, chosen)


def _ordered(folders: Folders, choices: Sequence[Given]) -> Iterator[Layer]:
    """Yield the files that make up the config, in Hydra's order."""
    import yaml
    from hydra import initialize_config_dir
    from hydra.core.global_hydra import GlobalHydra
    from hydra.errors import HydraException
    from hydra.types import RunMode
    from omegaconf.errors import OmegaConfBaseException

    schema.register()
    searched = ",".join(f'"file://{folder.as_posix()}"' for folder in folders.added)
    lines = [given.line for given in choices] + ([f"hydra.searchpath=[{searched}]"] if searched else [])
    running = GlobalHydra.instance().hydra
    GlobalHydra.instance().clear()
    try:
        with initialize_config_dir(str(folders.ours), job_name="cxai", version_base="1.3"):
            loader = GlobalHydra.instance().config_loader()
            entries = loader.compute_defaults_list("config", lines, RunMode.RUN).defaults
        for entry in entries:
            document = folders.read(entry.config_path)
            if document is not None:
                yield Layer(document, entry.package or "", entry.config_path)
    except (yaml.YAMLError, HydraException, OmegaConfBaseException, ValueError) as error:
        # What a config folder can hold is anybody's; whatever Hydra finds wrong with it is told as a problem.
        raise UserError(_told(error, folders, choices)) from error
    finally:
        GlobalHydra.instance().hydra = running


def _misplaced(layer: Layer, folders: Folders) -> Iterator[Problem]:
    """What is wrong with where a file's content would stand."""
    document, group = layer.document, layer.name.partition("/")[0]
    if group == "hydra":
        return
    where = shown(document.path)
    at_first_line = f"{where}:1"
    twice = folders.files(layer.name)[1:]
    if twice:
        yield Problem(
            layer.name,
            f"there are two of this name, and {shown(twice[0])} would never be read",
            remedy="give yours a name of its own",
            origin=f"{shown(twice[0])}:1",
        )
    if document.header == "":
        yield _headless(layer.name, document)
    elif "/" in layer.name and group in ("task", "experiment") and layer.package:
        yield Problem(
            layer.name,
            f"a config of {group} sets keys of the top level",
            remedy="begin it with: # @package _global_",
            origin=at_first_line,
        )
    elif layer.package not in ("", group):
        yield Problem(
            layer.name,
            f"its keys would stand below `{layer.package}`",
            remedy=f"write # @package {group}, or no header" if document.header else f"choose it as /{group}",
            origin=at_first_line,
        )


def _told(error: Exception, folders: Folders, choices: Iterable[Given]) -> list[Problem]:
    """Word why the files cannot be put together: every broken one, or else what Hydra stopped at."""
    found = list(_walk(folders, choices))
    broken = [problem for _, problem in found if isinstance(problem, Problem)]
    return broken or [_worded(error, folders, [document for _, document in found if isinstance(document, Document)])]


def _walk(folders: Folders, choices: Iterable[Given]) -> Iterator[tuple[str, Document | Problem]]:
    """Yield every file that the choices lead to, or what makes it unreadable."""
    import yaml
    from omegaconf.errors import OmegaConfBaseException

    chosen = [f"{given.key}/{given.parsed.value()}" for given in choices if given.parsed.value()]
    waiting = [*chosen, "config"]
    done: set[str] = set()
    while waiting:
        name = waiting.pop(0)
        files = folders.files(name)
        if name in done or not files:
            continue
        done.add(name)
        try:
            document = read(files[0])
        except (yaml.YAMLError, UnicodeDecodeError, OmegaConfBaseException) as error:
            yield name, unreadable(files[0], error)
            continue
        yield name, _headless(name, document) if document.header == "" else document
        waiting += [f"{group}/{option}" for group, option in document.defaults.items() if isinstance(option, str)]


def _headless(name: str, document: Document) -> Problem:
    where = f"{shown(document.path)}:1"
    return Problem(name, "its header names no package", remedy="write # @package _global_", origin=where)


def _worded(error: Exception, folders: Folders, documents: Sequence[Document]) -> Problem:
    """Word what Hydra stopped at."""
    first = (str(error).splitlines() or [type(error).__name__])[0].strip().rstrip(".")
    missing = re.search(r"Could not (?:find|load) '([^']+)'", first)
    if missing:
        group, _, option = missing[1].partition("/")
        remedy, origin = closest(option, group, folders), _naming(documents, group, option)
        return Problem(group, f"no such {group}: `{option}`", value=option, remedy=remedy, origin=origin)
    override = re.search(r"Could not (?:override|delete) '([^']+)'", first)
    if override:
        remedy, origin = did_you_mean(override[1], groups(folders)), _naming(documents, override[1])
        return Problem(override[1], "no defaults list chooses this", remedy=remedy, origin=origin)
    said = re.sub(r"^In '[^']+': ", "", first)
    return Problem("defaults", said[:1].lower() + said[1:])


def _naming(documents: Sequence[Document], group: str, option: str | None = None) -> str:
    """The line of the defaults list that names ``group``, and ``option`` where that is known."""
    for document in documents:
        if group in document.defaults and option in (None, document.defaults[group]):
            keys = [key for key in document.lines if key.startswith("defaults.") and key.endswith(group)]
            return document.origin(keys[0] if keys else "defaults")
    return ""
