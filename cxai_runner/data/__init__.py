"""Where rows are: sources, table contracts, fingerprints, and the content-keyed cache.

What a config names as ``cxai_runner.data.FileSource`` is found here on first use; importing the package costs nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cxai_runner.data.cache import FeatureCache
    from cxai_runner.data.databases import DatabaseSource, DatabaseTable
    from cxai_runner.data.files import TableFile
    from cxai_runner.data.sources import FileSource, OneFile, PackagedSource, Source
    from cxai_runner.data.tables import Tables

__all__ = [
    "DatabaseSource",
    "DatabaseTable",
    "FeatureCache",
    "FileSource",
    "OneFile",
    "PackagedSource",
    "Source",
    "TableFile",
    "Tables",
]

_HOMES = {
    "DatabaseSource": "databases",
    "DatabaseTable": "databases",
    "FeatureCache": "cache",
    "FileSource": "sources",
    "OneFile": "sources",
    "PackagedSource": "sources",
    "Source": "sources",
    "TableFile": "files",
    "Tables": "tables",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
