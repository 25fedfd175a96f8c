"""What a fitted model needs to run elsewhere: the packages, pinned, and the code that no package index has.

MLflow infers requirements by loading the model in a child process, which takes seconds and finds whatever happens to
be imported. A model says it itself: the classes it is made of, and what the modules that define them import. So a
K-means asks for no TensorFlow, and a model of ours travels with our code.
"""

from __future__ import annotations

import ast
import importlib.util
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any, Final

OURS: Final = frozenset({"cxai_runner", "tasks"})
"""Packages of this repository: always carried as code, as no requirement could name them."""
ALWAYS: Final = ("mlflow", "numpy", "pandas")
"""Every model is loaded by MLflow and takes a pandas frame."""
_DISTRIBUTIONS: Final = {"sklearn": "scikit-learn", "yaml": "pyyaml", "dateutil": "python-dateutil", "PIL": "pillow"}
_WITH: Final = {"sklearn": ("scipy",), "keras": ("tensorflow",)}
_PLAIN: Final = (str, bytes, int, float, complex, bool, type(None))


@dataclass(frozen=True)
class Needed:
    """What a model is made of.

    Parameters
    ----------
    packages
        Third-party root modules: ``sklearn``, ``xgboost``.
    code
        Root modules that no distribution provides, ours among them: they travel with the model.
    modules
        Of ours, the modules that the model can come to import: the others stay here.
    """

    packages: frozenset[str]
    code: frozenset[str]
    modules: frozenset[str]


def needed(model: Any) -> Needed:
    """Find what ``model`` is made of: its classes' packages, and what the modules of local classes import.

    Parameters
    ----------
    model
        A fitted estimator, or a pipeline of such.
    """
    defined_in = {kind.__module__ for kind in _classes(model)}
    modules = {name for name in defined_in if _root(name) not in sys.stdlib_module_names}
    imported = {name for name in modules if not is_local(_root(name))}
    local = {name for name in modules if is_local(_root(name))}
    seen: set[str] = set()
    todo = list(local)
    while todo:
        module = todo.pop()
        if module in seen:
            continue
        seen.add(module)
        for name in _imports(module, whole=module in local):
            if _root(name) in sys.stdlib_module_names:
                continue
            if is_local(_root(name)):
                todo.append(name)
            else:
                imported.add(name)
    return Needed(frozenset(map(_root, imported)), frozenset(map(_root, seen)) - {"__main__"}, _reached(local))


def _reached(local: Iterable[str]) -> frozenset[str]:
    """Every module of ours that can be imported on the way, also inside functions, but for what a package offers.

    A package's own functions that import lazily (`cxai_runner.run`) are asked for by people, not by models.
    """
    seen: set[str] = set()
    todo = [name for name in local if _root(name) in OURS]
    while todo:
        module = todo.pop()
        if module not in seen and (path := source_of(module)) is not None:
            seen.add(module)
            found = _imports(module, whole=path.name != "__init__.py")
            todo += [name for name in found if _root(name) in OURS]
    return frozenset(seen)


def requirements_for(model: Any, extra: Iterable[str] = ()) -> list[str]:
    """Return pinned pip requirements for ``model`` and nothing else.

    Parameters
    ----------
    model
        A fitted estimator, or a pipeline of such.
    extra
        Further root modules: the format it is saved in.

    Returns
    -------
    requirements
        ``name==version`` as installed here, sorted; MLflow, NumPy and pandas always.
    """
    roots = {*ALWAYS, *needed(model).packages, *extra}
    roots |= {other for root in roots for other in _WITH.get(root, ())}
    names = {distribution for root in roots if (distribution := _distribution(root)) is not None}
    return sorted(f"{name}=={metadata.version(name).split('+')[0]}" for name in names)


@cache
def is_local(root: str) -> bool:
    """Whether a root module is code that no distribution provides: ours, or a file of the user's."""
    if root in OURS or root == "__main__":
        return True
    path = source_of(root)
    return path is not None and not {"site-packages", "dist-packages"} & set(path.parts)


def source_of(module: str) -> Path | None:
    """The file that defines a module (a package's ``__init__.py``), or None if there is none to read."""
    known = getattr(sys.modules.get(module), "__file__", None)
    if known is None:
        try:
            spec = importlib.util.find_spec(module)
        except (ImportError, ValueError, AttributeError):
            return None
        known = spec.origin if spec is not None else None
    return Path(known) if known is not None and known.endswith(".py") else None


def _root(name: str) -> str:
    return name.partition(".")[0]


@cache
def _distribution(root: str) -> str | None:
    """The distribution that provides a root module; the full listing, which is slow, only where the name is no help."""
    for name in (_DISTRIBUTIONS.get(root, root), root.replace("_", "-")):
        try:
            return metadata.distribution(name).name
        except metadata.PackageNotFoundError:
            continue
    providers = metadata.packages_distributions().get(root)
    return providers[0] if providers else None


def _classes(value: Any, seen: set[int] | None = None) -> Iterator[Any]:
    """Every class, and every function, that a fitted object holds at any depth."""
    seen = set() if seen is None else seen
    if isinstance(value, _PLAIN) or id(value) in seen:
        return
    seen.add(id(value))
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _classes(key, seen)
            yield from _classes(item, seen)
    elif isinstance(value, list | tuple | set | frozenset):
        for item in value:
            yield from _classes(item, seen)
    elif isinstance(value, type) or hasattr(value, "__code__"):
        yield value
    elif isinstance(getattr(type(value), "__module__", None), str):
        yield from type(value).__mro__[:-1]
        if _root(type(value).__module__) not in {"numpy", "pandas", "builtins"}:
            yield from _classes(getattr(value, "__dict__", {}), seen)


@cache
def _imports(module: str, *, whole: bool) -> frozenset[str]:
    """Modules that a local module imports: when it is loaded, and if ``whole`` also inside its functions."""
    path = source_of(module)
    if path is None:
        return frozenset()
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    found = set(_parents(module))
    for statement in _statements(ast.parse(path.read_text(encoding="utf-8")), whole=whole):
        if isinstance(statement, ast.Import):
            found |= {alias.name for alias in statement.names}
        else:
            base = _absolute(statement, package)
            found.add(base)
            # ``from package import module`` imports a module too.
            found |= {name for alias in statement.names if source_of(name := f"{base}.{alias.name}") is not None}
    return frozenset(found)


def _statements(node: ast.AST, *, whole: bool) -> Iterator[ast.Import | ast.ImportFrom]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import | ast.ImportFrom):
            yield child
        elif isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            continue
        elif whole or not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            yield from _statements(child, whole=whole)


def _absolute(statement: ast.ImportFrom, package: str) -> str:
    if statement.level == 0:
        return statement.module or ""
    base = package.rsplit(".", statement.level - 1)[0]
    return f"{base}.{statement.module}" if statement.module else base


def _parents(module: str) -> Iterator[str]:
    while "." in module:
        module = module.rpartition(".")[0]
        yield module
