"""A config as commented YAML, as a person would write it; every text in it comes back as it was.

A value that YAML, or OmegaConf after it, would take for something else is quoted and escaped.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_PLAIN = re.compile(r"[A-Za-z_](?:[\w./-]| (?=[\w./-]))*", re.ASCII)
_WORDS = re.compile(r"(?i:true|false|yes|no|on|off|null|none|nan|inf|infinity|y|n|e\d+|[0-9a-fox_.]*)")


@dataclass(frozen=True)
class Entry:
    """One key.

    Parameters
    ----------
    key
        Its name.
    value
        A plain value, list or mapping, written in one line; or entries of its own, in as many.
    comment
        What stands behind it.
    """

    key: str
    value: Any
    comment: str = ""


class Reference(str):
    """A reference of OmegaConf's, which is to stay one."""


def write(entries: Sequence[Entry], depth: int = 0) -> str:
    """Return ``entries`` as YAML."""
    lines = []
    for one in entries:
        start = "  " * depth + _key(one.key) + ":"
        comment = f"  # {_one_line(one.comment)}" if one.comment else ""
        if _nested(one.value):
            lines.append(f"{start}{comment}\n{write(one.value, depth + 1)}")
        else:
            lines.append(f"{start} {value(one.value)}{comment}\n")
    return "".join(lines)


def plain(entries: Sequence[Entry]) -> dict[str, Any]:
    """Return ``entries`` as plain mappings, without comments."""
    return {one.key: plain(one.value) if _nested(one.value) else one.value for one in entries}


def value(one: Any) -> str:
    """Return a value in one line."""
    if isinstance(one, Mapping):
        return "{" + ", ".join(f"{_key(str(key))}: {value(item)}" for key, item in one.items()) + "}"
    if isinstance(one, list | tuple):
        return "[" + ", ".join(value(item) for item in one) + "]"
    if isinstance(one, Reference):
        return str(one)
    if isinstance(one, str):
        return one if _PLAIN.fullmatch(one) and not _WORDS.fullmatch(one) else _quoted(one)
    return json.dumps(one)


def _nested(one: Any) -> bool:
    return isinstance(one, tuple) and bool(one) and all(isinstance(item, Entry) for item in one)


def _key(name: str) -> str:
    return name if _PLAIN.fullmatch(name) and not _WORDS.fullmatch(name) else _escaped(name)


def _quoted(text: str) -> str:
    """Double-quoted; what OmegaConf would take for a reference stays the text it is. In keys it looks for none."""
    return _escaped(re.sub(r"(\\*)\$\{", lambda found: found[1] * 2 + r"\${", text))


def _escaped(text: str) -> str:
    """Double-quoted, what cannot be printed as its number."""
    signs = []
    for sign in text:
        number = ord(sign)
        if sign in '"\\':
            signs.append("\\" + sign)
        elif number < 32 or 0x7F <= number <= 0xA0 or number in {0x2028, 0x2029, 0xFEFF} or 0xD800 <= number <= 0xDFFF:
            signs.append({9: "\\t", 10: "\\n", 13: "\\r"}.get(number, f"\\u{number:04x}"))
        elif number > 0xFFFF:
            signs.append(f"\\U{number:08x}")
        else:
            signs.append(sign)
    return '"' + "".join(signs) + '"'


def _one_line(text: str) -> str:
    return " ".join(text.split())
