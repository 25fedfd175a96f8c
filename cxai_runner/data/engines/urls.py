"""URLs of databases: which engine is meant, which file, and how one is shown without its password."""

from __future__ import annotations

import re
from pathlib import Path

SCHEMES = {
    "postgresql": "postgres",
    "postgres": "postgres",
    "sqlite": "sqlite",
    "duckdb": "duckdb",
    "spark": "pyspark",
}
"""Scheme → Ibis's name of the engine. Spark's own masters (``local[2]``, ``yarn``, ``k8s://…``) are no URLs."""

_MASTER = re.compile(r"local(\[(\*|\d+)(,\s*\d+)?\])?|yarn|k8s://.+|spark://.+")
_PASSWORD = re.compile(r"(?<=://)([^/@:]*):(.*)@")
_OPTION = re.compile(r"(?i)([?&][^=&]*(?:password|token|secret|key)[^=&]*=)[^&]*")


def engine_of(url: str) -> str | None:
    """Return Ibis's name of the engine that ``url`` means; None where it means none."""
    if _MASTER.fullmatch(url):
        return "pyspark"
    scheme, separator, _ = url.partition("://")
    return SCHEMES.get(scheme) if separator else None


def redacted(url: str) -> str:
    """Return ``url`` with ``***`` for its password, however often an ``@`` stands in that."""
    return _OPTION.sub(r"\1***", _PASSWORD.sub(r"\1:***@", url))


def file_of(url: str) -> Path:
    """Return the file of ``sqlite:///shop.db``; a path from the root takes a fourth slash."""
    return Path(url.partition("://")[2].removeprefix("/")).expanduser()
