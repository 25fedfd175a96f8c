"""Nothing secret is ever written: every text passes through here on its way to the store, the terminal or a file.

Two nets. What is known to be secret (values of environment variables that the config refers to, passwords in URLs,
values under keys that say so) is masked wherever it turns up, also URL-quoted or escaped. What merely looks secret
(``password=…``, a bearer token, a private key) is masked by its shape, since an exception's message may hold a secret
that nobody declared.
"""

from __future__ import annotations

import html
import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, quote_plus, unquote

MASK: Final = "***"

_SECRET_NAME: Final = re.compile(
    r"(passwords?|passwd|passphrase|pwd|secrets?|token|api[_-]?key|access[_-]?key(_?id)?|secret[_-]?key|private[_-]?key"
    r"|auth[_-]?key|signing[_-]?key|encryption[_-]?key|credentials?|authorization|connection_?string)$",
    re.IGNORECASE,
)
_SECRET_VARIABLE: Final = re.compile(
    r"PASSWORD|PASSWD|PASSPHRASE|TOKEN|SECRET|API_?KEY|ACCESS_?KEY|PRIVATE_?KEY|CREDENTIAL|CONNECTION_?STRING",
    re.IGNORECASE,
)
_PLAIN: Final = re.compile(r"[-+]?[\d.,_]{1,9}|true|false|yes|no|on|off|none|null|auto|default", re.IGNORECASE)
_INTERPOLATION: Final = re.compile(r"\s*\$\{[^}]*\}\s*")
_URL_PASSWORD: Final = re.compile(r"://[^\s/:@\"'<>]*:([^\s/\"'<>]+)@")

_SHORT: Final = 4  # below this nothing is masked by its value: it would shred every text
_WORD: Final = 8  # below this a secret is masked only where it stands alone

_KEYS: Final = tuple(f"{kind}{mark}key" for kind in ("api", "access", "secret", "private") for mark in ("_", "-", ""))
_NAMES: Final = (
    "password",
    "passwd",
    "passphrase",
    "pwd",
    "secret",
    "token",
    "credential",
    "credentials",
    "authorization",
    *_KEYS,
)
_NAMED: Final = rf"(?i:{'|'.join(sorted(_NAMES, key=len, reverse=True))})[\"']?[ \t]*"
_NOT_A_VALUE: Final = (
    r"(?!\*\*\*|\$\{|(?:str|int|float|bool|bytes|None|null|True|False|Any|object|(?i:basic|bearer|digest))\b)"
)
_SHAPES: Final = (
    # What a secret's surroundings begin with, and their shape; its first group is the secret. Only where the beginning
    # is found, which is quick, the shape is tried: a report of a megabyte passes in milliseconds.
    (("-----begin",), r"-----BEGIN [A-Z ]*PRIVATE KEY-----(?!\s*\*\*\*)(.+?)(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)"),
    (("://",), r"://[^\s/:@\"'<>]*:(?!\*\*\*@)([^\s/\"'<>]+)@"),
    (
        ("authorization",),
        r"(?i)authorization[\"']?\s*[:=]\s*[\"']?(?:basic|bearer|digest)\s+(?!\*\*\*)([^\s\"',]+)",
    ),
    (("bearer",), r"(?i)\bbearer\s+(?!\*\*\*)([\w.~+/=-]{12,})"),
    (_NAMES, rf"{_NAMED}[=:]\s*\"{_NOT_A_VALUE}([^\"\n]+)\""),
    (_NAMES, rf"{_NAMED}[=:]\s*'{_NOT_A_VALUE}([^'\n]+)'"),
    # Unquoted: up to the next separator, and no call of a function.
    (
        _NAMES,
        rf"{_NAMED}(?:=[ \t]*|:[ \t]+){_NOT_A_VALUE}(?=[^\s\"'(]*[^\s\"'(*])([^\s,;&\"'(){{}}\[\]<>]++)(?!\()",
    ),
    (("akia", "asia"), r"\b((?:AKIA|ASIA)[0-9A-Z]{16})\b"),
    (
        ("ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "glpat-", "xox", "hf_", "sk-", "pypi-", "dapi"),
        r"\b((?:gh[pousr]_|github_pat_|glpat-|xox[abprs]-|hf_|sk-|pypi-|dapi)[\w-]{16,})",
    ),
    (("eyj",), r"\b(eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*)"),
)
_PATTERNS: Final = tuple((signs, re.compile(shape, re.DOTALL)) for signs, shape in _SHAPES)


def looks_secret(key: str) -> bool:
    """Whether a config key or column says that its value is secret: ``db_password``, ``api_key``."""
    return bool(_SECRET_NAME.search(key))


class Masker:
    """Replaces secrets by ``***``.

    Masking is idempotent, and text that holds no secret comes back unchanged.

    Parameters
    ----------
    secrets
        Values that are secret. Those shorter than 4 characters, numbers and booleans are dropped, as masking them
        would shred unrelated text; those shorter than 8 are masked only where they stand as a word of their own.
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._secrets = frozenset(map(str, secrets))
        known = {form for secret in self._secrets for form in _forms(secret)}
        usable = [form for form in known if _maskable(form)]
        self._patterns = [_literal(form) for form in sorted(usable, key=lambda form: (-len(form), form))]

    @classmethod
    def of(
        cls,
        config: Mapping[str, Any],
        variables: Iterable[str] = (),
        uris: Iterable[str] = (),
        environ: Mapping[str, str] | None = None,
    ) -> Masker:
        """Collect what is secret.

        Parameters
        ----------
        config
            The resolved config: values under keys that look secret, and passwords in URLs anywhere.
        variables
            Names of the environment variables that the config refers to with ``${oc.env:…}``. All their values are
            secret, but for existing paths.
        uris
            Further URLs that may hold a password, such as the tracking URI.
        environ
            The environment, by default this process's: variables whose names look secret, passwords in any URL.
        """
        env = os.environ if environ is None else environ
        referred = {name for name in variables if name in env and not _is_path(env[name])}
        named = {name for name in env if _SECRET_VARIABLE.search(name) and not _is_path(env[name])}
        found = [env[name] for name in referred | named]
        found += _secret_values(config)
        for text in (*uris, *env.values(), *_strings(config)):
            found += _URL_PASSWORD.findall(text)
        return cls(found)

    def also(self, secrets: Iterable[str]) -> Masker:
        """Return a masker of these secrets and ``secrets``."""
        return Masker({*self._secrets, *secrets})

    def mask(self, text: str) -> str:
        """Return ``text`` with every secret replaced by ``***``."""
        while spans := sorted([*self._known(text), *_shaped(text)]):
            # Ends: whatever is replaced leaves fewer characters that are not stars.
            text = _replaced(text, spans)
        return text

    def mask_mapping(self, mapping: Mapping[str, Any]) -> dict[str, Any]:
        """Return a copy of ``mapping``, nested as it is, with texts masked and values under secret keys replaced.

        An interpolation (``${oc.env:…}``) stays, as it names a secret without holding it.
        """
        return {key: self._mask_value(value, str(key)) for key, value in mapping.items()}

    def _mask_value(self, value: Any, key: str = "") -> Any:
        if isinstance(value, Mapping):
            return self.mask_mapping(value)
        if key and looks_secret(key) and _is_secret_value(value):
            return MASK
        if isinstance(value, str):
            return self.mask(value)
        if isinstance(value, list | tuple):
            return type(value)(self._mask_value(item, key) for item in value)
        return value

    def _known(self, text: str) -> Iterator[tuple[int, int]]:
        """Where a known secret stands."""
        for pattern in self._patterns:
            yield from (found.span() for found in _overlapping(pattern, text))


def _shaped(text: str) -> Iterator[tuple[int, int]]:
    """Where something stands that looks secret."""
    folded = text.lower()
    if len(folded) != len(text):  # one letter, İ, becomes two
        folded = "".join(letter.lower()[0] for letter in text)
    for signs, pattern in _PATTERNS:
        for sign in signs:
            start = folded.find(sign)
            while start >= 0:
                found = pattern.match(text, start)
                if found is not None:
                    yield found.span(1)
                start = folded.find(sign, start + 1)


def _replaced(text: str, spans: Iterable[tuple[int, int]]) -> str:
    """Replace sorted spans, those that overlap as one."""
    pieces, end = [], 0
    for start, stop in spans:
        if start >= end:
            pieces += [text[end:start], MASK]
        end = max(end, stop)
    return "".join([*pieces, text[end:]])


def _overlapping(pattern: re.Pattern[str], text: str) -> Iterator[re.Match[str]]:
    """Every occurrence, those that overlap the one before included."""
    found = pattern.search(text)
    while found is not None:
        yield found
        found = pattern.search(text, found.start() + 1)


def _literal(secret: str) -> re.Pattern[str]:
    pattern = re.escape(secret)
    return re.compile(rf"(?<!\w){pattern}(?!\w)" if len(secret) < _WORD else pattern)


def _maskable(secret: str) -> bool:
    return len(secret) >= _SHORT and not _PLAIN.fullmatch(secret) and bool(secret.strip("* \t\r\n"))


def _forms(secret: str) -> set[str]:
    """A secret as it may be spelt: quoted for a URL, escaped in JSON, Python, YAML or HTML, or line by line."""
    whole, secret = secret, secret.strip()  # with its blanks it may be long enough to be found within a word
    plain = {whole, secret, unquote(secret)}
    forms = set(plain)
    for form in plain:
        forms |= {quote(form, safe=""), quote(form), quote_plus(form), html.escape(form), repr(form)[1:-1]}
        forms |= {json.dumps(form)[1:-1], json.dumps(form, ensure_ascii=False)[1:-1], form.replace("'", "''")}
    if "\n" in secret:
        forms |= {line.strip() for line in secret.splitlines() if len(line.strip()) >= 16 and "-----" not in line}
    return forms


def _is_path(value: str) -> bool:
    """Whether a value is an existing path, or a pattern below one."""
    stem = re.split(r"[*?\[]", value, maxsplit=1)[0]
    if not stem or ("/" not in stem and "\\" not in stem):
        return False
    try:
        return Path(stem).exists() or (stem != value and Path(stem).parent.exists())
    except (OSError, ValueError):
        return False


def _is_secret_value(value: Any) -> bool:
    return isinstance(value, str | bytes | int) and not isinstance(value, bool) and not _is_empty(str(value))


def _is_empty(text: str) -> bool:
    return not text or text == MASK or bool(_INTERPOLATION.fullmatch(text))


def _secret_values(value: Any, key: str = "") -> Iterator[str]:
    """Texts under keys that look secret, at any depth."""
    if isinstance(value, Mapping):
        for name, item in value.items():
            yield from _secret_values(item, str(name))
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _secret_values(item, key)
    elif looks_secret(key) and isinstance(value, str) and not _is_empty(value):
        yield value


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _strings(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _strings(item)
