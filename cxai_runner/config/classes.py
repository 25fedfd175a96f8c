"""Which class a ``_target_`` may name.

A config is data from somewhere, and naming a class runs code. So the root of the dotted path has to be trusted before
anything is imported; the path has to be a module and one public class of it, never an attribute of an attribute; the
class has to be defined below the root that was trusted (`pandas` imported by a trusted module is not trusted with
it); and it has to be of the kind that its place asks for. Kinds are told by the dotted names of a class's bases, so
that this layer imports nothing above it.
"""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import pkgutil
import re
import sys
import traceback
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from cxai_runner.config.folders import shown
from cxai_runner.config.problems import Problem, did_you_mean

TRUSTED = ("cxai_runner", "tasks", "sklearn", "xgboost")
"""Package roots that need no word of the user's."""

ENTRY_POINTS = "cxai.targets"
"""Installed packages name their root here to be trusted."""

_PATH = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)+", re.ASCII)
_HOME = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Kind:
    """What a place in a config takes.

    Parameters
    ----------
    noun
        As a message names it: ``a task``.
    bases
        Dotted names, one of which must be among the class's bases.
    methods
        What the class must have beyond that.
    """

    noun: str
    bases: tuple[str, ...]
    methods: tuple[str, ...] = ()


class RefusedError(Exception):
    """A ``_target_`` that may not be used, with the problem that says why."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        super().__init__(problem.message)


def trusted(allowed: Iterable[str] = ()) -> frozenset[str]:
    """Return every trusted root: ours, what the user allows, and what installed packages declare."""
    return frozenset({*TRUSTED, *_declared(tuple(sys.path)), *allowed})


@lru_cache(maxsize=8)
def _declared(_path: tuple[str, ...]) -> frozenset[str]:
    """Roots that installed packages declare; looked up once for each import path, since it reads every package."""
    from importlib.metadata import entry_points

    return frozenset(point.value.partition(":")[0].partition(".")[0] for point in entry_points(group=ENTRY_POINTS))


def never_trusted(allowed: Iterable[Any]) -> list[Problem]:
    """Say which of ``targets.allow`` cannot be trusted: what is no package name, and Python's own library."""
    problems = []
    for index, root in enumerate(allowed):
        if not isinstance(root, str) or not root.isidentifier():
            problems.append(Problem(f"targets.allow.{index}", "the name of one package, without dots", value=root))
        elif root in sys.stdlib_module_names:
            problems.append(Problem(f"targets.allow.{index}", "Python's own library holds no components", value=root))
    return problems


def find(target: Any, kinds: Collection[Kind], roots: frozenset[str], key: str) -> type:
    """Return the class that ``target`` names.

    Parameters
    ----------
    target
        What stands after ``_target_``.
    kinds
        What its place takes: one of these.
    roots
        Trusted package roots.
    key
        The key path of the ``_target_``.

    Raises
    ------
    RefusedError
        With the one thing that is wrong with it.
    """
    if not isinstance(target, str) or not _PATH.fullmatch(target):
        raise _refused(key, target, "the dotted path of a class", "such as sklearn.cluster.KMeans")
    module_name, _, name = target.rpartition(".")
    root = target.partition(".")[0]
    if name.startswith("_") or any(part.startswith("__") for part in target.split(".")):
        raise _refused(key, target, "only public classes can be named")
    if root not in roots:
        remedy = f"if you trust it: targets.allow=[{root}]"
        if _near(root, roots):
            remedy = f"{did_you_mean(root, roots)} Or {remedy}"
        if root in sys.stdlib_module_names:
            remedy = "name a class of a library"
        raise _refused(key, target, f"package `{root}` is not among the trusted ones", remedy)
    module = _module(module_name, target, key)
    found = getattr(module, name, None)
    if found is None:
        raise _refused(key, target, f"`{module_name}` has no class `{name}`", did_you_mean(name, _public(module)))
    if not inspect.isclass(found):
        raise _refused(key, target, f"a {_sort(found)}; only classes can be named")
    if str(found.__module__).partition(".")[0] != root:
        raise _refused(key, target, f"belongs to {found.__module__}, not to {root}", "name it where it is defined")
    _check_kind(found, kinds, key, target)
    return found


def shadowed() -> Problem | None:
    """Say when `tasks` would be imported from somewhere else: a ``tasks.py`` in the working folder, say."""
    loaded = sys.modules.get("tasks")
    spec = loaded.__spec__ if loaded is not None else importlib.util.find_spec("tasks")
    origin = getattr(loaded, "__file__", None) or (spec.origin if spec is not None else None)
    if origin is not None and Path(origin).resolve() == _HOME / "tasks" / "__init__.py":
        return None
    folders = list(spec.submodule_search_locations or []) if spec is not None else []
    where = shown(Path(origin or (folders[0] if folders else "tasks")).resolve())
    return Problem(
        "tasks", f"Python finds {where} where it should find ours", remedy="rename it, or run from another folder"
    )


def _module(name: str, target: str, key: str) -> Any:
    if name.partition(".")[0] == "tasks":
        problem = shadowed()
        if problem is not None:
            raise _refused(key, target, problem.message, problem.remedy)
    try:
        module = importlib.import_module(name)
    except ModuleNotFoundError as error:
        missing = str(error.name)
        if name != missing and not name.startswith(f"{missing}."):
            raise _refused(key, target, f"needs the package `{missing}`, which is not installed") from error
        parent, _, last = missing.rpartition(".")
        remedy = did_you_mean(last, _submodules(parent)) if parent else "install it, or check its name"
        raise _refused(key, target, f"there is no module `{missing}`", remedy) from error
    except (Exception, SystemExit) as error:  # a user's module may do anything while it is imported
        raise _refused(
            key, target, f"its module fails: {type(error).__name__}: {_first_line(error)}", _where(error)
        ) from error
    if module.__name__ != name:
        raise _refused(key, target, f"`{name}` stands for `{module.__name__}`", "name it where it is defined")
    return module


def _check_kind(found: type, kinds: Collection[Kind], key: str, target: str) -> None:
    bases = {f"{base.__module__}.{base.__qualname__}" for base in found.__mro__}
    fitting = [kind for kind in kinds if bases.intersection(kind.bases)]
    if not fitting:
        raise _refused(key, target, "not " + " or ".join(kind.noun for kind in kinds))
    if inspect.isabstract(found):
        raise _refused(key, target, "only a base of others", "name one of its subclasses")
    lacking = [method for method in fitting[0].methods if not hasattr(found, method)]
    if lacking:
        raise _refused(key, target, f"not {fitting[0].noun}: it has no {' and no '.join(lacking)}")


def _refused(key: str, target: Any, message: str, remedy: str = "") -> RefusedError:
    return RefusedError(Problem(key, message, value=target, remedy=remedy))


def _near(root: str, roots: Iterable[str]) -> bool:
    return did_you_mean(root, roots).startswith("did you mean")


def _public(module: Any) -> list[str]:
    """The classes of a module, and whatever it loads when asked for."""
    root = module.__name__.partition(".")[0]
    own = [name for name, value in vars(module).items() if inspect.isclass(value) and value.__module__.startswith(root)]
    return sorted({name for name in (*own, *getattr(module, "__all__", ())) if not name.startswith("_")})


def _submodules(package: str) -> list[str]:
    module = sys.modules.get(package)
    return [found.name for found in pkgutil.iter_modules(getattr(module, "__path__", []))]


def _sort(value: Any) -> str:
    if inspect.ismodule(value):
        return "module"
    return "function" if callable(value) else "value"


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [""])[0]


def _where(error: BaseException) -> str:
    """The line of the user's module that failed."""
    if isinstance(error, SyntaxError) and error.filename:
        return f"see {shown(Path(error.filename))}:{error.lineno}"
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if not frame.filename.startswith("<")]
    return f"see {shown(Path(frames[-1].filename))}:{frames[-1].lineno}" if frames else ""
