"""How a value has to be spelled on a command line: quotes where Hydra's grammar needs them, and none where not.

Words of letters, digits and ``_`` stand bare; a name with an umlaut, an apostrophe or a comma stands in quotes, but
never as the key of a mapping, where that grammar knows no quotes. So a mapping of such names is offered as the list of
its leaves where its key takes one, and else has to stand in a file.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

_BARE: Final = re.compile(r"[A-Za-z_][\w.*-]*|[+-]?\d+(\.\d+)?%", re.ASCII)
_WORDS: Final = re.compile(r"null|true|false|nan|[+-]?inf", re.IGNORECASE)
_KEY: Final = re.compile(r"[\w%*.+-]+( [\w%*.+-]+)*", re.ASCII)
_COLON: Final = re.compile(r""""[^"]*"|'[^']*'|:(?=\S)""")
_AS_LIST: Final = {"task.scenario": ("attribute", "of", "to")}
"""Mappings that may be a list too, and what their levels are called there."""


def spelled(value: Any) -> str | None:
    """Return a value as Hydra's grammar reads it; None where a mapping has a key that it cannot read."""
    if isinstance(value, Mapping):
        if not all(_KEY.fullmatch(str(key)) for key in value):
            return None
        parts = {str(key): spelled(one) for key, one in value.items()}
        return None if None in parts.values() else f"{{{', '.join(f'{key}: {one}' for key, one in parts.items())}}}"
    if isinstance(value, Sequence) and not isinstance(value, str):
        items = [spelled(one) for one in value]
        return None if None in items else f"[{','.join(map(str, items))}]"
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if not isinstance(value, str) or (_BARE.fullmatch(value) and not _WORDS.fullmatch(value)):
        return str(value)
    ends = re.sub(r'(\\*)("|$)', lambda found: found[1] * 2 + ("\\" + found[2] if found[2] else ""), value)
    return f'"{ends}"'


def override(key: str, value: Any) -> str:
    """Return an override as it is typed in a shell; or what to write into a file where none can be typed."""
    said = spelled(value)
    if said is None and key in _AS_LIST:
        said = spelled(list(_leaves(value, _AS_LIST[key])))
    if said is None:
        group, _, rest = key.partition(".")
        return f"{group}: {{{rest}: …}} in the file of an experiment, whose keys may have quotes: experiment=NAME"
    line = f"{key}={said}"
    return line if re.fullmatch(r"[\w.=,\[\]-]+", line, re.ASCII) else shlex.quote(line)


def meant(text: str) -> Any:
    """Return the list or mapping that somebody meant who wrote names without quotes; None where that is not clear."""
    import yaml

    if text[:1] not in "[{":
        return None
    for form in (text, _COLON.sub(lambda found: ": " if found[0] == ":" else found[0], text)):
        try:
            found = yaml.safe_load(form)
        except yaml.YAMLError:
            continue
        if isinstance(found, list | dict) and not _has_holes(found):
            return found
    return None


def _has_holes(value: Any) -> bool:
    """Whether a key stands there without a value: its colon was read as part of a name."""
    if isinstance(value, dict):
        return any(one is None or _has_holes(one) for one in value.values())
    return isinstance(value, list) and any(_has_holes(one) for one in value)


def _leaves(value: Mapping[str, Any], levels: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Yield a mapping's leaves, each with the name of every level above it."""
    first, *rest = levels
    for key, one in value.items():
        if not isinstance(one, Mapping):
            yield {first: key, levels[-1]: one}
        else:
            yield from ({first: key, **leaf} for leaf in _leaves(one, rest))
