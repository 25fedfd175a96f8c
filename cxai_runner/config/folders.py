"""The folders configs are read from: ours and the user's, as files with line numbers.

Hydra decides which files make up a config. This module knows where a file lies, what a group offers, and which line
set a key, because a mistake is told with the file and the line that made it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from cxai_runner.config.catalogue import CONF
from cxai_runner.config.problems import Problem

_YAML = ".yaml"


@dataclass(frozen=True, eq=False)
class Document:
    """One config file.

    Parameters
    ----------
    path
        The file.
    header
        Its ``# @package …`` header, where it has one.
    content
        What it says, without its defaults list.
    defaults
        Option by group, of its defaults list: ``{"model": "segmentation/kmeans"}``.
    lines
        The line of every key path in it, from 1; the empty path is the first line that says something.
    """

    path: Path
    header: str | None
    content: Mapping[str, Any]
    defaults: Mapping[str, str | None]
    lines: Mapping[str, int]

    def origin(self, key: str = "") -> str:
        """``conf/data/x.yaml:3``: the line that set ``key`` or its nearest ancestor."""
        while key and key not in self.lines:
            key = key.rpartition(".")[0]
        return f"{shown(self.path)}:{self.lines.get(key, 1)}"


@dataclass(frozen=True)
class Folders:
    """The search path: ours first, then the user's in the order given, as Hydra searches it."""

    added: tuple[Path, ...] = ()
    ours: Path = field(default_factory=lambda: CONF)

    @classmethod
    def of(cls, config_dirs: Sequence[Path]) -> Folders:
        """Make a search path with absolute folders."""
        return cls(tuple(Path(folder).absolute() for folder in config_dirs))

    @property
    def all(self) -> tuple[Path, ...]:
        """Every folder, in the order of search."""
        return (self.ours, *self.added)

    def problems(self) -> Iterator[Problem]:
        """Yield the folders that are not there."""
        for folder in self.added:
            if not folder.is_dir():
                what = "is a file, not a folder" if folder.exists() else "no such folder"
                yield Problem("--config-dir", what, value=shown(folder), origin="command line")

    def groups(self) -> tuple[str, ...]:
        """Every config group at the top level."""
        found = {
            entry.name
            for folder in self.all
            if folder.is_dir()
            for entry in folder.iterdir()
            if entry.is_dir() and not entry.name.startswith((".", "_"))
        }
        return tuple(sorted(found))

    def options(self, group: str) -> tuple[str, ...]:
        """Every option of a group, those in its sub-folders too: ``segmentation/kmeans``."""
        found = {
            path.relative_to(folder / group).with_suffix("").as_posix()
            for folder in self.all
            for path in (folder / group).rglob("*")
            if path.suffix == _YAML and not path.name.startswith(".")
        }
        return tuple(sorted(found))

    def files(self, name: str) -> tuple[Path, ...]:
        """Return the files of a config such as ``data/complete_journey``; Hydra reads the first alone."""
        return tuple(path for folder in self.all if (path := folder / f"{name}{_YAML}").is_file())

    def read(self, name: str) -> Document | None:
        """Read a config by its name.

        Raises
        ------
        yaml.YAMLError
            When the file is not YAML.
        """
        files = self.files(name)
        return read(files[0]) if files else None


def shown(path: Path) -> str:
    """Name a file as a reader knows it: relative to the working folder, or ``conf/…`` for ours."""
    for base, prefix in ((Path.cwd(), ""), (CONF, "conf/")):
        if path.is_relative_to(base):
            return prefix + path.relative_to(base).as_posix()
    return str(path)


def read(path: Path) -> Document:
    """Read one config file with its line numbers; again only when it has changed.

    Raises
    ------
    yaml.YAMLError
        When the file is not YAML.
    """
    status = path.stat()
    return _read(path, (status.st_mtime_ns, status.st_size))


@lru_cache(maxsize=1024)
def _read(path: Path, _stamp: tuple[int, int]) -> Document:
    import yaml
    from omegaconf import OmegaConf

    text = path.read_text(encoding="utf-8")
    content: Any = OmegaConf.to_container(OmegaConf.create(text)) if text.strip() else {}
    if not isinstance(content, dict):
        raise yaml.MarkedYAMLError(problem="not a mapping of keys to values")
    entries = content.pop("defaults", None) or []
    lines: dict[str, int] = {}
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    if root is not None:
        _mark(root, "", lines)
        lines[""] = root.start_mark.line + 1
    return Document(path, _header(text), content, dict(_defaults(entries)), lines)


def unreadable(path: Path, error: Exception) -> Problem:
    """Word what is wrong with a file that is not YAML, or whose references cannot be read."""
    from omegaconf.errors import OmegaConfBaseException

    if isinstance(error, OmegaConfBaseException):
        key = str(error.full_key or "")
        text = path.read_text(encoding="utf-8")
        name = key.rpartition(".")[2]
        line = next((n for n, told in enumerate(text.splitlines(), 1) if "${" in told and name in told), 1)
        remedy = "write ${KEY} or ${oc.env:NAME}"
        return Problem(key, "the reference cannot be read", remedy=remedy, origin=f"{shown(path)}:{line}")
    mark = getattr(error, "problem_mark", None)
    what = getattr(error, "problem", None) or str(error).splitlines()[0]
    line = mark.line + 1 if mark is not None else 1
    return Problem(shown(path), f"not valid YAML: {what}", origin=f"{shown(path)}:{line}")


def _header(text: str) -> str | None:
    for line in text.splitlines():
        stripped = line.strip()
        if stripped and not stripped.startswith("#"):
            return None
        words = stripped.lstrip("#").split()
        if words[:1] == ["@package"]:
            return words[1] if len(words) > 1 else ""
    return None


def _defaults(entries: Any) -> Iterator[tuple[str, str | None]]:
    for entry in entries if isinstance(entries, list) else ():
        if isinstance(entry, dict):
            for key, option in entry.items():
                group = str(key).removeprefix("override ").removeprefix("optional ").strip().lstrip("/")
                yield group.partition("@")[0], option


def _mark(node: Any, prefix: str, lines: dict[str, int]) -> None:
    import yaml

    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            path = f"{prefix}{key.value}"
            lines[path] = key.start_mark.line + 1
            _mark(value, f"{path}.", lines)
    elif isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            path = f"{prefix}{index}"
            lines[path] = item.start_mark.line + 1
            _mark(item, f"{path}.", lines)
