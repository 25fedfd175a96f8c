"""What a config's references come to, told apart leaf by leaf.

OmegaConf stops at the first reference that cannot be resolved. Here each is looked up alone: what fails becomes a
problem that names the key and the variable, and a hole, so that everything else can still be checked.
"""

from __future__ import annotations

import copy
import os
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from cxai_runner.config.problems import Problem, did_you_mean


class _Hole:
    """The value of a key that has none that could be checked; its problem is told already."""

    def __repr__(self) -> str:
        return "HOLE"

    def __reduce__(self) -> str:
        # A copy of a hole is the hole.
        return "HOLE"


HOLE: Any = _Hole()

_RESOLVERS = ("oc.env", "oc.decode", "oc.select", "oc.create", "oc.dict.keys", "oc.dict.values")
_ENV = re.compile(r"\$\{\s*oc\.env\s*:\s*['\"]?([A-Za-z_]\w*)")


def env_names(raw: Any) -> tuple[str, ...]:
    """Return the environment variables that a raw config refers to."""
    return tuple(dict.fromkeys(name for text in _texts(raw) for name in _ENV.findall(text)))


def has_hole(value: Any) -> bool:
    """Whether any part of ``value`` could not be resolved."""
    if isinstance(value, dict):
        return any(has_hole(item) for item in value.values())
    return any(has_hole(item) for item in value) if isinstance(value, list) else value is HOLE


def resolve(raw: dict[str, Any]) -> tuple[dict[str, Any], list[Problem]]:
    """Resolve every reference.

    Parameters
    ----------
    raw
        A config as it is written, in plain mappings and lists.

    Returns
    -------
    plain, problems
        The config as plain mappings and lists, with `HOLE` for what has no value, and why it has none.
    """
    if not _refers(raw):
        return copy.deepcopy(raw), []
    from omegaconf import OmegaConf

    problems: list[Problem] = []
    return _plain(OmegaConf.create(raw), raw, "", problems), problems


def masked(problem: Problem, names: tuple[str, ...]) -> Problem:
    """Return the problem without the values of the environment variables ``names``."""
    secrets = {name: os.environ[name] for name in names if len(os.environ.get(name, "")) >= 4}

    def mask(text: Any) -> Any:
        if isinstance(text, str):
            for name, secret in secrets.items():
                text = text.replace(secret, f"${{{name}}}")
        return text

    return replace(
        problem,
        message=mask(problem.message),
        remedy=mask(problem.remedy),
        value=mask(problem.value),
        shown=mask(problem.shown),
    )


def _plain(node: Any, raw: Any, prefix: str, problems: list[Problem]) -> Any:
    """Resolve the mapping or list ``node``, which ``raw`` is as it was written."""
    if not _refers(raw):
        return copy.deepcopy(raw)
    if isinstance(raw, dict):
        return {key: _value(node, raw[key], key, f"{prefix}{key}", problems) for key in raw}
    return [_value(node, written, index, f"{prefix}{index}", problems) for index, written in enumerate(raw)]


def _value(  # noqa: PLR0911 - one way out for each thing a leaf can be
    node: Any, written: Any, key: Any, path: str, problems: list[Problem]
) -> Any:
    from omegaconf import OmegaConf
    from omegaconf.errors import OmegaConfBaseException

    if not isinstance(written, str):
        return _plain(node[key], written, f"{path}.", problems) if isinstance(written, dict | list) else written
    if written == "???":
        problems.append(Problem(path, "has to be given", remedy=f"set it: {path}=…"))
        return HOLE
    if "${" not in written:
        return written
    if key == "_target_":
        problems.append(
            Problem(path, "a class is named in full, not by a reference", value=written, remedy="write its dotted path")
        )
        return HOLE
    try:
        found = node[key]
        if not OmegaConf.is_config(found):
            return found
        return _plain(found, OmegaConf.to_container(found, resolve=False), f"{path}.", problems)
    except OmegaConfBaseException as error:
        problems.append(_unresolved(path, written, error, node._get_root()))
        return HOLE


def _unresolved(path: str, written: str, error: Exception, root: Any) -> Problem:
    from omegaconf import OmegaConf

    text: str = str(error).splitlines()[0]
    variable = re.search(r"Environment variable '([^']+)' not found", text)
    if variable:
        name = str(variable[1])
        return Problem(
            path,
            f"needs the environment variable `{name}`, which is not set",
            value=written,
            remedy=f"export {name}=…",
        )
    absent = re.search(r"Interpolation key '([^']+)' not found", text)
    if absent:
        near = did_you_mean(absent[1], _paths(OmegaConf.to_container(root, resolve=False)))
        return Problem(path, f"refers to `{absent[1]}`, which is no key", value=written, remedy=near)
    if "Recursive interpolation" in text:
        return Problem(path, "refers to itself in a circle", value=written, remedy="give one of the keys a value")
    if "MissingMandatoryValue" in text:
        return Problem(path, "refers to a key that has no value yet", value=written, remedy="set that key")
    unknown = re.search(r"Unsupported interpolation type (\S+)", text)
    if unknown:
        near = did_you_mean(unknown[1], _RESOLVERS)
        return Problem(path, f"no resolver `{unknown[1]}`", value=written, remedy=near)
    return Problem(path, "cannot be resolved", value=written, remedy="check the expression between ${ and }")


def _paths(raw: Any, prefix: str = "") -> Iterator[str]:
    for key, value in raw.items() if isinstance(raw, dict) else ():
        yield f"{prefix}{key}"
        yield from _paths(value, f"{prefix}{key}.")


def _refers(raw: Any) -> bool:
    return any("${" in text or text == "???" for text in _texts(raw))


def _texts(raw: Any) -> Iterator[str]:
    if isinstance(raw, dict):
        for value in raw.values():
            yield from _texts(value)
    elif isinstance(raw, list):
        for value in raw:
            yield from _texts(value)
    elif isinstance(raw, str):
        yield raw
