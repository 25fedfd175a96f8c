"""The engine's own settings in a composed config: every key known, every value of its type, secrets from outside."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from cxai_runner.config.interpolation import has_hole
from cxai_runner.config.problems import Problem, did_you_mean
from cxai_runner.config.schema import SLOTS, defaults, own_leaves

_SECRETS = ("privacy.key",)


def checked_settings(plain: dict[str, Any], raw: Mapping[str, Any]) -> list[Problem]:
    """Check the engine's own keys, and put each value into its type.

    Parameters
    ----------
    plain
        The config resolved; its settings are replaced by their typed values.
    raw
        The same config with its references, to tell a secret that is written down from one that is referred to.
    """
    problems = list(_unknown(plain))
    leaves = own_leaves()
    for key, annotation in leaves.items():
        problems += _leaf(plain, raw, key, annotation)
    problems += _secrets(raw)
    privacy = plain["privacy"]
    if privacy.get("pseudonymise") is True and not privacy.get("key"):
        problems.append(
            Problem("privacy.key", "pseudonyms need a key", remedy="set it: privacy.key=${oc.env:CXAI_PSEUDONYM_KEY}")
        )
    return problems


def _unknown(plain: dict[str, Any]) -> Iterator[Problem]:
    known = defaults()
    for name, value in plain.items():
        if name not in known:
            yield Problem(str(name), "no such key", value=value, remedy=did_you_mean(str(name), known))
        elif name not in SLOTS and isinstance(known[name], dict):
            if not isinstance(value, dict):
                yield Problem(name, "a mapping with the keys " + ", ".join(known[name]), value=value)
                plain[name] = known[name]
                continue
            for inner in value:
                if inner not in known[name]:
                    key = f"{name}.{inner}"
                    yield Problem(key, "no such key", value=value[inner], remedy=did_you_mean(str(inner), known[name]))


def _leaf(plain: dict[str, Any], raw: Mapping[str, Any], key: str, annotation: Any) -> list[Problem]:
    from cxai_runner.config.validate import checked

    parent, _, name = key.rpartition(".")
    holder = plain[parent] if parent else plain
    value = holder.get(name)
    if has_hole(value):
        return []
    if "${" in str(_written(raw, key)):
        value = _read(value, annotation)
    holder[name], problems = checked(annotation, value, key)
    return problems


def _written(raw: Mapping[str, Any], key: str) -> Any:
    parent, _, name = key.rpartition(".")
    holder = raw.get(parent) if parent else raw
    return holder.get(name) if isinstance(holder, Mapping) else None


def _read(value: Any, annotation: Any) -> Any:
    """Read what a reference came to as what is wanted: a variable's text as a number, a number as text."""
    import yaml

    from cxai_runner.config.validate import checked

    if not checked(annotation, value, "")[1]:
        return value
    try:
        return yaml.safe_load(value) if isinstance(value, str) else str(value)
    except yaml.YAMLError:
        return value


def _secrets(raw: Mapping[str, Any]) -> Iterator[Problem]:
    for key in _SECRETS:
        written = _written(raw, key)
        if written is not None and "${oc.env:" not in str(written):
            yield Problem(
                key, "a secret, which is never written down", value="…", remedy=f"set it: {key}=${{oc.env:NAME}}"
            )
