"""Values against what they are for: the arguments of a class against its signature, a setting against its type.

Our classes declare types and constraints in their annotations; scikit-learn's declare them in
``_parameter_constraints``. Either way every wrong value is told, in the words of `describe`, and a value that is right
comes back as the class wants it (a list as a tuple, a mapping as a dataclass).
"""

from __future__ import annotations

import builtins
import inspect
import json
import sys
import typing
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from functools import lru_cache
from types import SimpleNamespace
from typing import Any, get_args, get_origin

from cxai_runner.config.describe import describe, options, spell, unwrap
from cxai_runner.config.interpolation import has_hole
from cxai_runner.config.problems import Problem, did_you_mean, nearest

_MISSING = ("missing", "missing_argument", "missing_keyword_only_argument", "missing_positional_only_argument")
_UNKNOWN = ("unexpected_keyword_argument", "extra_forbidden", "unexpected_positional_argument")
_SAID = ("value_error", "assertion_error")


@dataclass(frozen=True)
class Parameter:
    """One argument of a class."""

    name: str
    annotation: Any
    required: bool
    constraints: tuple[Any, ...] | None = None
    """scikit-learn's own, where the class declares them."""
    default: Any = None


def arguments(cls: type, given: Mapping[str, Any], key: str) -> tuple[dict[str, Any], list[Problem]]:
    """Check arguments against the signature of ``cls``.

    Parameters
    ----------
    cls
        The class to be called.
    given
        Arguments by name: plain values, components that are built already, or holes.
    key
        The key path of the component, put in front of every problem's.

    Returns
    -------
    values, problems
        The arguments as the class wants them, and everything that is wrong with them.
    """
    wanted = parameters(cls)
    values: dict[str, Any] = {}
    problems = [
        Problem(name, f"not an argument of {cls.__name__}", value=value, remedy=did_you_mean(str(name), wanted))
        for name, value in given.items()
        if name not in wanted
    ]
    for name, parameter in wanted.items():
        if name not in given:
            if parameter.required:
                problems.append(Problem(name, f"has to be given: {describe(parameter.annotation)}"))
            continue
        value = given[name]
        if has_hole(value) or _is_built(value):
            values[name] = value
            continue
        if parameter.constraints is not None:
            from cxai_runner.config.constraints import constrained

            values[name], found = constrained(parameter.constraints, value, name)
        else:
            values[name], found = checked(parameter.annotation, value, name)
        problems += found
    whole = [problem.under(key) for problem in problems]
    return values, [
        _with_remedy(one, wanted[short.key]) if short.key in wanted else one
        for short, one in zip(problems, whole, strict=True)
    ]


def checked(annotation: Any, value: Any, key: str) -> tuple[Any, list[Problem]]:
    """Check one plain value against an annotation, strictly: ``"3"`` is no whole number, 1 is not true."""
    from pydantic import ValidationError

    try:
        return _model(annotation).model_validate_json(json.dumps({"value": value}, default=str)).value, []
    except ValidationError as error:
        return value, list(_worded(error.errors(include_url=False), annotation, value, key))


@lru_cache(maxsize=512)
def parameters(cls: type) -> dict[str, Parameter]:
    """Return the arguments that ``cls`` takes, by name; what ``**kwargs`` would swallow is not among them."""
    declared = getattr(cls, "_parameter_constraints", None)
    found: dict[str, Parameter] = {}
    for owner in cls.__mro__:
        constructor = owner.__dict__.get("__init__")
        if constructor is None or owner is object:
            continue
        signature = inspect.signature(constructor)
        named = [item for item in list(signature.parameters.values())[1:] if item.kind not in _VARIADIC]
        for item in named:
            constraints = declared.get(item.name) if isinstance(declared, dict) else None
            found.setdefault(
                item.name,
                Parameter(
                    item.name,
                    _annotation(owner, constructor, item),
                    item.default is inspect.Parameter.empty,
                    tuple(constraints) if isinstance(constraints, list) else None,
                    item.default,
                ),
            )
        if not any(item.kind is inspect.Parameter.VAR_KEYWORD for item in signature.parameters.values()):
            break
    return found


def _with_remedy(problem: Problem, parameter: Parameter) -> Problem:
    """How to write one text where a list is wanted, and what stands for nothing where null does not."""
    if problem.remedy or parameter.constraints is not None:
        return problem
    if isinstance(problem.value, str) and not checked(parameter.annotation, [problem.value], "")[1]:
        return replace(problem, remedy=f"write {problem.key}=[{problem.value}]")
    default = [] if parameter.default == () else parameter.default
    if problem.value is None and isinstance(default, str | int | float | list):
        return replace(problem, remedy=f"write {problem.key}={spell(default)}")
    return problem


_VARIADIC = (inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL)


class _Names(dict[str, Any]):
    """Names an annotation may use; one that exists for the type checker alone stands for anything."""

    def __init__(self, namespace: Mapping[str, Any]) -> None:
        self.namespace = namespace
        super().__init__()

    def __missing__(self, name: str) -> Any:
        if name in self.namespace:
            return self.namespace[name]
        return getattr(builtins, name, Any)


def _annotation(owner: type, constructor: Any, item: inspect.Parameter) -> Any:
    written = item.annotation
    if written is inspect.Parameter.empty:
        return Any
    if is_dataclass(owner):
        # A dataclass's __init__ repeats the annotations of its bases, which are written in their own modules.
        owner = next((base for base in owner.__mro__ if item.name in inspect.get_annotations(base)), owner)
    namespace = vars(sys.modules[owner.__module__]) if owner.__module__ in sys.modules else constructor.__globals__
    holder: Any = SimpleNamespace(__annotations__={"value": written})
    try:
        return typing.get_type_hints(holder, namespace, _Names(namespace), include_extras=True)["value"]
    except (AttributeError, NameError, SyntaxError, TypeError):
        return Any


@lru_cache(maxsize=1024)
def _model_of(annotation: Any) -> Any:
    from pydantic import ConfigDict, create_model
    from pydantic.errors import PydanticUserError
    from pydantic_core import SchemaError

    config = ConfigDict(arbitrary_types_allowed=True, extra="forbid", strict=True, allow_inf_nan=False)
    try:
        return create_model("Argument", __config__=config, value=(annotation, ...))
    except (PydanticUserError, SchemaError):
        # An annotation that only the type checker understands asks nothing of a value.
        return create_model("Argument", __config__=config, value=(Any, ...))


def _model(annotation: Any) -> Any:
    try:
        return _model_of(annotation)
    except TypeError:
        return _model_of.__wrapped__(annotation)


def _is_built(value: Any) -> bool:
    """Whether a value holds components rather than plain data."""
    if isinstance(value, dict):
        return any(_is_built(item) for item in value.values())
    if isinstance(value, list | tuple):
        return any(_is_built(item) for item in value)
    return not isinstance(value, str | int | float | bytes | None)


def _worded(errors: Sequence[Any], annotation: Any, value: Any, key: str) -> Iterator[Problem]:
    """Turn pydantic's errors into one problem for each key that is wrong."""
    at: dict[tuple[Any, ...], list[Any]] = {}
    for error in errors:
        at.setdefault(_path(error, value), []).append(error)
    for path, found in at.items():
        if any(len(other) > len(path) and other[: len(path)] == path for other in at):
            # Another arm of a union failed deeper inside: that arm was meant.
            continue
        yield _one(found, _inner(annotation, path, value), path, value, key)


def _one(found: Sequence[Any], annotation: Any, path: tuple[Any, ...], value: Any, key: str) -> Problem:
    where = ".".join([key, *(str(part) for part in path)])
    kinds = {error["type"] for error in found}
    if kinds & set(_UNKNOWN):
        siblings = _keys(_inner_parent(found, annotation))
        remedy = did_you_mean(str(path[-1]), siblings) or "one of: " * bool(siblings) + ", ".join(siblings)
        return Problem(where, "no such key", value=_at(value, path), remedy=remedy)
    if kinds & set(_MISSING) and path and not _has(value, path):
        return Problem(where, f"has to be given: {describe(annotation)}")
    wrong = _at(value, path)
    said = next((error for error in found if error["type"] in _SAID), None)
    if said is not None:
        return Problem(where, str(said["ctx"]["error"]).splitlines()[0].rstrip("."), value=wrong)
    choices = options(annotation)
    close = nearest(str(wrong), choices) if isinstance(wrong, str) else None
    remedy = f"did you mean `{close}`?" if close else ""
    return Problem(where, describe(annotation, wrong), value=wrong, remedy=remedy)


def _path(error: Any, value: Any) -> tuple[Any, ...]:
    """The part of an error's location that is a path in the value; pydantic puts the arms of unions between."""
    path: list[Any] = []
    location = error["loc"][1:]
    for index, part in enumerate(location):
        inside = (isinstance(value, dict) and part in value) or (
            isinstance(value, list) and isinstance(part, int) and part < len(value)
        )
        if inside:
            value = value[part]
            path.append(part)
        elif index == len(location) - 1 and error["type"] in _MISSING:
            path.append(part)
    return tuple(path)


def _inner(annotation: Any, path: tuple[Any, ...], value: Any) -> Any:
    """The annotation of what lies at ``path``; of its mapping where the last key is not a field."""
    for part in path:
        bare, _ = unwrap(annotation)
        arms = [arm for arm in get_args(bare) if arm is not type(None)] if _is_union(bare) else [bare]
        steps = [step for arm in arms if (step := _step(unwrap(arm)[0], part)) is not None]
        if not steps:
            return annotation
        annotation = steps[0]
    return annotation


def _inner_parent(found: Sequence[Any], annotation: Any) -> Any:
    bare, _ = unwrap(annotation)
    return next((arm for arm in get_args(bare) if is_dataclass(unwrap(arm)[0])), bare) if _is_union(bare) else bare


def _step(bare: Any, part: Any) -> Any:
    origin, inside = get_origin(bare), get_args(bare)
    if is_dataclass(bare) and isinstance(bare, type):
        return parameters(bare)[part].annotation if part in parameters(bare) else None
    if not isinstance(origin, type) or not inside:
        return None
    if issubclass(origin, Mapping):
        return inside[1]
    if origin is tuple and inside[-1] is not Ellipsis:
        return inside[part] if isinstance(part, int) and part < len(inside) else None
    return inside[0]


def _is_union(bare: Any) -> bool:
    import types

    return get_origin(bare) in (typing.Union, types.UnionType)


def _keys(annotation: Any) -> list[str]:
    bare, _ = unwrap(annotation)
    return [entry.name for entry in fields(bare) if entry.init] if is_dataclass(bare) else []


def _has(value: Any, path: tuple[Any, ...]) -> bool:
    try:
        _at(value, path)
    except (KeyError, IndexError, TypeError):
        return False
    return True


def _at(value: Any, path: tuple[Any, ...]) -> Any:
    for part in path:
        value = value[part]
    return value
