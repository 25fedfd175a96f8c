"""From a checked config to the objects that it names.

A component is a mapping with a ``_target_``; its other keys are the arguments of that class, and components may stand
within components where their place allows it. Checking and building are one walk, so that what was checked is what
is built.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cxai_runner.config.classes import Kind, RefusedError, find, never_trusted, trusted
from cxai_runner.config.interpolation import HOLE, has_hole
from cxai_runner.config.problems import Problem, UserError
from cxai_runner.config.schema import SLOTS

if TYPE_CHECKING:
    from cxai_runner.config.compose import Composed

ESTIMATOR = Kind("a scikit-learn estimator", ("sklearn.base.BaseEstimator",), ("fit",))
TRANSFORMER = Kind("a scikit-learn transformer", ("sklearn.base.BaseEstimator",), ("fit", "transform"))
TASK = Kind("a task", ("cxai_runner.task.Task",))


@dataclass(frozen=True)
class Place:
    """A place in a config where a component may stand.

    Parameters
    ----------
    kinds
        What may stand there.
    within
        What may stand within it: the key (``*`` for any) and the kinds.
    """

    kinds: tuple[Kind, ...]
    within: Mapping[str, tuple[Kind, ...]]

    def inner(self, argument: str) -> Place | None:
        """The place that an argument is, where components may stand in it."""
        kinds = self.within.get(argument, self.within.get("*"))
        return None if kinds is None else Place(kinds, {"*": kinds if TASK in kinds else (ESTIMATOR,)})


PLACES = {
    "data": Place((Kind("a data source", ("cxai_runner.data.sources.base.Source",)),), {}),
    "features": Place(
        (Kind("a feature builder", ("cxai_runner.features.base.Features",)),), {"transformers": (TRANSFORMER,)}
    ),
    "task": Place((TASK,), {"*": (TASK, ESTIMATOR)}),
    "model": Place((ESTIMATOR,), {"*": (ESTIMATOR,)}),
    "split": Place((Kind("a split", ("cxai_runner.evaluation.splits.Split",)),), {}),
}

READS_PICKLES = ("memory",)
"""Arguments of scikit-learn's that name a folder of pickles: whoever can write there could run code."""


def check(composed: Composed, slots: Sequence[str] = SLOTS) -> list[Problem]:
    """Check every component of a config: its class, and its arguments against that class.

    Parameters
    ----------
    composed
        The config.
    slots
        Where to look, for whoever has checked the rest.

    Returns
    -------
    list of Problem
        All that is wrong, keys in full, origins left out; what the command line left unsettled is not judged.
    """
    plain = composed.plain
    problems = never_trusted(plain["targets"]["allow"])
    builder = _Builder(composed)
    for slot in slots:
        if slot in composed.unsettled or plain[slot] is HOLE:
            continue
        if plain[slot] is None:
            if slot != "model":
                problems.append(Problem(slot, "has to be chosen", remedy=f"such as {slot}=NAME; see cxai list"))
            continue
        problems += builder.component(plain[slot], slot, PLACES[slot])[1]
    return problems


def build(node: Any, key: str, composed: Composed) -> Any:
    """Build the component at ``key``.

    Parameters
    ----------
    node
        The component's config, resolved; None for none.
    key
        The slot it stands in: ``data``, ``features``, ``task``, ``model`` or ``split``.
    composed
        The config it is part of.

    Raises
    ------
    UserError
        With every target, argument or value that is wrong.
    """
    if node is None:
        return None
    built, problems = _Builder(composed).component(node, key, PLACES[key])
    if problems:
        raise UserError(composed.located(problems))
    return built


class _Builder:
    """Builds components of one config, collecting problems instead of stopping at the first."""

    def __init__(self, composed: Composed) -> None:
        self.composed = composed
        allowed = composed.plain["targets"]["allow"]
        self.roots = trusted(name for name in allowed if isinstance(name, str))

    def component(self, node: Any, key: str, place: Place) -> tuple[Any, list[Problem]]:
        """Return the object and what is wrong with its config; without problems and holes the object is whole."""
        from cxai_runner.config.validate import arguments

        if not isinstance(node, dict) or "_target_" not in node:
            noun = " or ".join(kind.noun for kind in place.kinds)
            return HOLE, [Problem(key, f"{noun}, as a mapping with a `_target_`", value=node)]
        if node["_target_"] is HOLE:
            return HOLE, []
        try:
            cls = find(node["_target_"], place.kinds, self.roots, f"{key}._target_")
        except RefusedError as refused:
            return HOLE, [refused.problem]
        given, problems = self._arguments(node, cls, key, place)
        values, wrong = arguments(cls, given, key)
        problems += [self._worded(problem, key) for problem in wrong]
        if problems or has_hole(values):
            return HOLE, problems
        return _made(cls, values, key)

    def _arguments(
        self, node: dict[str, Any], cls: type, key: str, place: Place
    ) -> tuple[dict[str, Any], list[Problem]]:
        given: dict[str, Any] = {}
        problems: list[Problem] = []
        for name, value in node.items():
            path = f"{key}.{name}"
            if name == "_target_":
                continue
            if str(name).startswith("_"):
                problems.append(Problem(path, "a word of Hydra's that components do not take", remedy="remove it"))
            elif name in READS_PICKLES and "sklearn." in f"{cls.__module__}." and value is not None:
                problems.append(
                    Problem(path, "a folder of pickles, which run code when read", value=value, remedy="remove it")
                )
            else:
                given[name], found = self._argument(value, path, place.inner(str(name)), str(name))
                problems += found
        return given, problems

    def _argument(self, value: Any, key: str, place: Place | None, argument: str) -> tuple[Any, list[Problem]]:
        """Build whatever components stand within a value."""
        if isinstance(value, dict) and "_target_" in value:
            if place is None:
                return HOLE, [Problem(f"{key}._target_", "no component can stand here", value=value["_target_"])]
            return self.component(value, key, place)
        if isinstance(value, dict):
            parts = {name: self._argument(item, f"{key}.{name}", place, argument) for name, item in value.items()}
            return {name: part for name, (part, _) in parts.items()}, [p for _, found in parts.values() for p in found]
        if isinstance(value, list):
            if place is not None and TRANSFORMER in place.kinds:
                items = [self.component(item, f"{key}.{index}", place) for index, item in enumerate(value)]
            else:
                items = [self._argument(item, f"{key}.{index}", place, argument) for index, item in enumerate(value)]
            return [item for item, _ in items], [problem for _, found in items for problem in found]
        return value, []

    def _worded(self, problem: Problem, key: str) -> Problem:
        """Say of an unknown argument which component lacks it, and which other option of its group has it."""
        if key not in SLOTS or not problem.message.startswith("not an argument of "):
            return problem
        return self.composed.unknown_key(problem, key)


def _made(cls: type, values: dict[str, Any], key: str) -> tuple[Any, list[Problem]]:
    try:
        return cls(**values), []
    except UserError as error:
        return HOLE, [problem.under(key) for problem in error.problems]
    except Exception as error:  # a component's own checks may raise what they like; the user sees what they say
        said = (str(error).splitlines() or [type(error).__name__])[0]
        return HOLE, [Problem(key, said.rstrip("."))]
