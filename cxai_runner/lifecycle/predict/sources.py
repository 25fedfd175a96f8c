"""What is read is not written over: predictions in the place of the rows that they are of would be all that is left.

Two names of one file are one file, whatever links lead to it; a table is told by its database and its name.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from cxai_runner.config.problems import Problem, UserError
from cxai_runner.data.engines.urls import engine_of, file_of, redacted
from cxai_runner.lifecycle.predict.databases import is_url
from cxai_runner.lifecycle.predict.files import beside, path_of

if TYPE_CHECKING:
    from cxai_runner.data.sources import Source
    from cxai_runner.tracking.store import Store

_FILES: Final = ("sqlite", "duckdb")
_DEFAULT: Final = ("", "main", "public")
"""Schemas that a table is in which names none."""
_HERE: Final = ("", "localhost", "127.0.0.1", "::1")
_PORT: Final = 5432


def refuse_what_is_read(source: Source, store: Store, to: str | None, besides: Sequence[Path] = ()) -> None:
    """Refuse targets that are among what the rows come from, and the database that runs are kept in.

    Parameters
    ----------
    source
        Where the rows come from.
    store
        Where runs are kept.
    to
        A file or a table; rejected rows go beside it.
    besides
        Further files that are going to be written.

    Raises
    ------
    UserError
        With every target that is read.
    """
    read = list(source.places())
    problems = [
        Problem(key, told, redacted(target), "name another, which is read by nobody here")
        for key, target, told in _targets(to, besides)
        if target and any(_is_same(target, place) for place in read)
    ]
    if to is not None and is_url(to) and _is_same_database(to, store.uri):
        problems.append(Problem("--to", "is the database that runs are kept in", redacted(to), "name another"))
    if problems:
        raise UserError(problems)


def _targets(to: str | None, besides: Sequence[Path]) -> Iterator[tuple[str, str, str]]:
    """Each option, what it writes, and what is wrong where that is read."""
    if to is not None and (is_url(to) or Path(to).name):
        yield "--to", to, "is what the rows are read from"
        yield "--to", beside(to), "is where rejected rows go, and what the rows are read from"
    for path in besides:
        yield "--drift", str(path), "is what the rows are read from"


def _is_same(target: str, place: str) -> bool:
    if is_url(target) and is_url(place):
        return _is_same_database(target, place) and _table(target) == _table(place)
    return not is_url(target) and _is_same_file(path_of(target), _file(place))


def _is_same_database(one: str, other: str) -> bool:
    engines = {engine_of(url.partition("#")[0].partition("+")[0] + "://") for url in (one, other)}
    engine = engines.pop()
    if engines or engine is None:
        return False
    if engine in _FILES:
        return _is_same_file(_file(one), _file(other))
    try:
        return _server(one) == _server(other)
    except ValueError:  # no address at all, which whoever opens it says
        return False


def _server(url: str) -> tuple[str, int, str]:
    parts = urlsplit(url)
    host = "" if parts.hostname in (None, *_HERE) else str(parts.hostname)
    return host, parts.port or _PORT, parts.path


def _table(url: str) -> tuple[str, str]:
    schema, _, name = url.partition("#")[2].casefold().rpartition(".")
    return "" if schema in _DEFAULT else schema, name


def _file(place: str) -> Path:
    return file_of(place.partition("#")[0]) if is_url(place) else Path(place)


def _is_same_file(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except OSError:  # of two files one is not there
        return False
