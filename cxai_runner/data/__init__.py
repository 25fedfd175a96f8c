"""Where rows are: sources, standard tables and their contracts, fingerprints, and the content-keyed cache.

What a config names as ``cxai_runner.data.FileSource`` is found here on first use; importing the package costs nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cxai_runner.data.cache import FeatureCache
    from cxai_runner.data.files.schema import TableFile
    from cxai_runner.data.sources.base import Source
    from cxai_runner.data.sources.databases import DatabaseSource, DatabaseTable
    from cxai_runner.data.sources.files import FileSource, OneFile, PackagedSource
    from cxai_runner.data.sources.frames import FrameSource
    from cxai_runner.data.tables.opened import Tables

__all__ = [
    "DatabaseSource",
    "DatabaseTable",
    "FeatureCache",
    "FileSource",
    "FrameSource",
    "OneFile",
    "PackagedSource",
    "Source",
    "TableFile",
    "Tables",
]

_HOMES = {
    "DatabaseSource": "sources.databases",
    "DatabaseTable": "sources.databases",
    "FeatureCache": "cache",
    "FileSource": "sources.files",
    "FrameSource": "sources.frames",
    "OneFile": "sources.files",
    "PackagedSource": "sources.files",
    "Source": "sources.base",
    "TableFile": "files.schema",
    "Tables": "tables.opened",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
