"""Keys of stages: what a stage's result depends on, hashed.

Two stages with one key have one result, so a key holds all of it: the config, the keys of the inputs, and the code. The
code is the source of every module that can be reached by imports from the classes a config names, as far as it is ours
or the user's, and the versions of the third-party packages those modules import. It is read, never run.
"""

from __future__ import annotations

import ast
import hashlib
import importlib.util
import json
import sys
import sysconfig
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

_OURS = ("cxai_runner", "tasks")
_TELLING = (
    "cxai_runner.report",
    "cxai_runner.tracking",
    "cxai_runner.cli",
    "cxai_runner.kept",
    "cxai_runner.lifecycle",
    "cxai_runner.sweep",
)
"""What only tells or keeps a result, and cannot change it."""
_DISTRIBUTIONS = {"sklearn": "scikit-learn", "ibis": "ibis-framework", "yaml": "pyyaml", "omegaconf": "omegaconf"}
"""Packages that are installed under another name; asking for all names takes longer than all the rest."""


@dataclass(frozen=True)
class SourceKey:
    """What the code behind some classes is.

    Parameters
    ----------
    digest
        Of sources and versions.
    unreadable
        Classes and modules whose source could not be found: nothing that depends on them may be cached.
    sources, versions
        What the digest is of: the digest of each module's source, and the version of each package.
    """

    digest: str
    unreadable: tuple[str, ...] = ()
    sources: Mapping[str, str] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)


def stage_key(name: str, settings: Any, inputs: Mapping[str, str], source: SourceKey | None) -> str:
    """Return the key of a stage.

    Parameters
    ----------
    name
        The stage.
    settings
        Its config as plain containers. A data config never enters: its digests do, in ``inputs``. So neither a path
        nor a secret does.
    inputs
        Keys or digests of what it reads, by name.
    source
        The code behind it, where it has any of its own.
    """
    return settings_digest([name, settings, dict(inputs), source.digest if source is not None else None])


def settings_digest(settings: Any) -> str:
    """Return the digest of plain containers, whatever the order of their keys."""
    return _hash(json.dumps(settings, sort_keys=True, default=str))


def source_key(classes: Sequence[type]) -> SourceKey:
    """Return what the code behind ``classes`` is, and what of it could not be found."""
    sources: dict[str, str] = {}
    versions: dict[str, str] = {}
    unreadable: list[str] = []
    waiting: list[str] = []
    for one in classes:
        if _is_readable(one.__module__):
            waiting.append(one.__module__)
        else:
            unreadable.append(f"{one.__module__}.{one.__qualname__}")
    while waiting:
        module = waiting.pop()
        if module in sources or _is_standard(module):
            continue
        path = _file(module)
        if path is None or not _is_read(path, module):
            root = module.partition(".")[0]
            versions[root] = _version(root)
            continue
        sources[module], imported = _read(path, path.stat().st_mtime_ns, module)
        waiting += [name for name in imported if not name.startswith(_TELLING)]
    names = sorted({one.__module__ + "." + one.__qualname__ for one in classes})
    facts = [names, sorted(sources.items()), sorted(versions.items())]
    return SourceKey(_hash(json.dumps(facts)), tuple(unreadable), sources, versions)


def changed_sources(sources: Mapping[str, str]) -> list[str]:
    """Return the modules of a `SourceKey` whose source is another one here, or that are not here."""
    here = {name: _file(name) for name in sources}
    now = {name: _read(path, path.stat().st_mtime_ns, name)[0] for name, path in here.items() if path is not None}
    return sorted(name for name, digest in sources.items() if now.get(name) != digest)


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _is_readable(module: str) -> bool:
    """Whether a class's module has a source file, or is third party and known by its version."""
    if _is_standard(module):
        return module != "builtins"
    path = _file(module)
    return path is not None and (path.suffix == ".py" or not _is_read(path, module))


def _is_standard(module: str) -> bool:
    return module.partition(".")[0] in sys.stdlib_module_names


@cache
def _installed() -> tuple[str, ...]:
    """Folders of installed packages: this environment's, and those that it shares or was given on the path."""
    paths = sysconfig.get_paths()
    shared = [path for path in sys.path if Path(path).name in {"site-packages", "dist-packages"}]
    return tuple(
        {str(Path(path).resolve()) for path in (*map(paths.get, ("purelib", "platlib", "stdlib")), *shared) if path}
    )


def _is_read(path: Path, module: str) -> bool:
    """Whether a module is ours or the user's, so that its source counts and not its version."""
    if module.partition(".")[0] in _OURS:
        return True
    return path.suffix == ".py" and not str(path.resolve()).startswith(_installed())


@cache
def _version(root: str) -> str:
    """Version of an installed package; of one without a version, nothing."""
    from importlib.metadata import PackageNotFoundError, packages_distributions, version

    try:
        return version(_DISTRIBUTIONS.get(root, root))
    except PackageNotFoundError:
        return ",".join(f"{name} {version(name)}" for name in sorted(packages_distributions().get(root, ())))


@cache
def _file(module: str) -> Path | None:
    """The file of a module, found without importing anything."""
    loaded = sys.modules.get(module)
    file = getattr(loaded, "__file__", None)
    if file is not None:
        return Path(file)
    root, *rest = module.split(".")
    try:
        spec = importlib.util.find_spec(root)
    except (ValueError, ImportError):
        return None
    if spec is None:
        return None
    if not rest:
        return Path(spec.origin) if spec.origin and spec.has_location else None
    for place in spec.submodule_search_locations or ():
        found = Path(place).joinpath(*rest)
        for candidate in (found.with_suffix(".py"), found / "__init__.py"):
            if candidate.is_file():
                return candidate
    return None


@cache
def _read(path: Path, modified: int, module: str) -> tuple[str, tuple[str, ...]]:
    """Return the digest of a module's source, and the modules that it imports; remembered until the file changes."""
    text = path.read_text(encoding="utf-8")
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    return _hash(text), tuple(dict.fromkeys(_imports(ast.parse(text), package)))


def _imports(tree: ast.AST, package: str) -> Iterator[str]:
    """Modules that a source imports when it runs; a package itself only where a name is taken from it."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            for other in node.orelse:
                yield from _imports(ast.Module([other], []), package)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = _absolute(node, package)
            for alias in node.names:
                below = f"{base}.{alias.name}"
                yield below if _file(below) is not None else base
        else:
            yield from _imports(node, package)


def _absolute(node: ast.ImportFrom, package: str) -> str:
    if not node.level:
        return node.module or ""
    parents = package.split(".")
    base = parents[: len(parents) - node.level + 1]
    return ".".join([*base, *([node.module] if node.module else [])])
