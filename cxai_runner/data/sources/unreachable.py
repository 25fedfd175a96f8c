"""What keeps a database from being opened at all, told from its URL without trying."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from pathlib import Path

from cxai_runner.config.problems import Problem, did_you_mean
from cxai_runner.data.engines.urls import engine_of, file_of, redacted

_KNOWN = "it begins with postgresql://, sqlite:///, duckdb:///, spark:// or local"

_DRIVERS = {"postgres": ("psycopg", "postgresql"), "pyspark": ("pyspark", "spark")}
"""Engine → the package that it takes, and the extra that installs it."""


def of_the_url(url: str) -> Iterator[Problem]:
    """Yield what is wrong with a URL, or with what it takes to open it; keys relative to ``data``."""
    engine, shown = engine_of(url), redacted(url)
    if engine is None:
        yield Problem("url", "no URL of a database that can be read", value=shown, remedy=_KNOWN)
        return
    package, extra = _DRIVERS.get(engine, ("ibis", ""))
    if importlib.util.find_spec(package) is None:
        told = f"needs the package `{package}`, which is not installed"
        yield Problem("url", told, value=shown, remedy=f"python -m pip install 'cxai[{extra}]'")
    if engine in {"sqlite", "duckdb"}:
        yield from _no_file(url)


def _no_file(url: str) -> Iterator[Problem]:
    path, shown = file_of(url), redacted(url)
    if path.is_file():
        return
    if path.is_dir():
        yield Problem("url", "a folder, not a file", value=shown, remedy="name the database file in it")
        return
    rooted = Path("/") / path
    scheme = url.partition("://")[0]
    if rooted.is_file():
        remedy = f"a path from the root has four slashes: {scheme}:///{rooted}"
    else:
        folder = path.absolute().parent
        beside = [one.name for one in folder.iterdir()] if folder.is_dir() else []
        remedy = (
            did_you_mean(path.name, beside) if did_you_mean(path.name, beside)[:3] == "did" else f"looked in {folder}"
        )
    yield Problem("url", "no such file", value=shown, remedy=remedy)
