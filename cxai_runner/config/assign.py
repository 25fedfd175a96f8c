"""Setting the values of the command line in a composed config, one by one.

The config is plain mappings and lists here: a component takes whatever keys its class takes, whether or not its file
names them, so only what cannot be a key at all is refused, and the class judges the rest.
"""

from __future__ import annotations

import copy
from typing import Any

from cxai_runner.config.overrides import Given
from cxai_runner.config.problems import Problem, did_you_mean, nearest
from cxai_runner.config.schema import SLOTS, defaults


def assign(config: dict[str, Any], given: Given) -> Problem | None:
    """Set (or remove) one value in ``config``, or say why that cannot be done."""
    if given.key.partition(".")[0] not in defaults():
        return _said(given, "no such key", _meant(given.key, config))
    if given.parsed.is_delete():
        return _remove(config, given)
    value = given.parsed.value()
    if not _readable(value):
        return _said(given, "the reference cannot be read", "write ${KEY} or ${oc.env:NAME}")
    parts = given.key.split(".")
    holder: Any = config
    for depth, part in enumerate(parts[:-1], 1):
        below = _child(holder, part)
        if below is None and isinstance(holder, dict):
            below = holder[part] = {}
        if not isinstance(below, dict | list):
            above = ".".join(parts[:depth])
            remedy = f"there is no item `{above}`" if below is None else f"`{above}` has no keys below it"
            return _said(given, "no such key", remedy)
        holder = below
    return _put(holder, parts[-1], value, given)


def _put(holder: Any, name: str, value: Any, given: Given) -> Problem | None:
    if isinstance(holder, list):
        if not (name.isdecimal() and int(name) < len(holder)):
            return _said(given, "no such item", f"there are {len(holder)}; the whole list is set as key=[a,b]")
        holder[int(name)] = value
    elif isinstance(value, dict) and isinstance(holder.get(name), dict):
        holder[name] = _merged(holder[name], value)
    else:
        holder[name] = copy.deepcopy(value)
    return None


def _merged(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    """A mapping that is set adds to the one that is there, as Hydra has it."""
    merged = dict(old)
    for key, value in new.items():
        both = isinstance(value, dict) and isinstance(old.get(key), dict)
        merged[key] = _merged(old[key], value) if both else copy.deepcopy(value)
    return merged


def _remove(config: dict[str, Any], given: Given) -> Problem | None:
    *above, name = given.key.split(".")
    if not above or above[0] not in SLOTS:
        return _said(given, "a key of the engine's own, which cannot be removed", "give it another value")
    holder: Any = config
    for part in above:
        holder = _child(holder, part)
    if not isinstance(holder, dict) or name not in holder:
        return _said(given, "nothing to remove", did_you_mean(name, holder if isinstance(holder, dict) else ()))
    del holder[name]
    return None


def _child(holder: Any, part: str) -> Any:
    if isinstance(holder, list):
        return holder[int(part)] if part.isdecimal() and int(part) < len(holder) else None
    return holder.get(part) if isinstance(holder, dict) else None


def _readable(value: Any) -> bool:
    """Whether OmegaConf can read the references in a value; Hydra's grammar lets any quoted text through."""
    if "${" not in str(value):
        return True
    from omegaconf import OmegaConf
    from omegaconf.errors import GrammarParseError

    try:
        OmegaConf.create({"value": value})
    except GrammarParseError:
        return False
    return True


def _meant(key: str, config: dict[str, Any]) -> str:
    """Which key was meant: a near one at the top, or the same name further down."""
    top, _, rest = key.partition(".")
    close = nearest(top, defaults())
    if close is not None:
        return f"did you mean `{close}.{rest}`?" if rest else f"did you mean `{close}`?"
    name = key.rpartition(".")[2]
    deeper = [f"{above}.{name}" for above, node in config.items() if isinstance(node, dict) and name in node]
    return f"did you mean `{deeper[0]}`?" if deeper else "one of: " + ", ".join(defaults())


def _said(given: Given, message: str, remedy: str) -> Problem:
    value = None if given.parsed.is_delete() else given.parsed.value()
    return Problem(given.key, message, value=value, remedy=remedy, origin=given.origin, shown=given.typed)
