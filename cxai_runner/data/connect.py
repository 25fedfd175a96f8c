"""The embedded engine: DuckDB through Ibis, able to read the sources' folders and nothing else.

Paths and filters come from configs that people share. The connection is locked before the first of them is used, so
that even an expression that we got wrong could not read another folder, write a file or reach the network.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from ibis.backends.duckdb import Backend

_threads = 1
_MEMORY: Final = 5 * 2**30
"""Bytes that a connection holds of rows at most; what is more goes to the temporary directory. Two workers of a sweep
have one each, and pandas and the models want some too."""


def set_threads(threads: int) -> None:
    """Set how many threads connections opened from now on may use."""
    global _threads  # noqa: PLW0603 - an engine setting of the process, like BLAS's
    _threads = threads


def connect(folders: Iterable[Path]) -> Backend:
    """Return this process's connection that may read ``folders``, and locks everything else out.

    The same folders give the same connection. Frames in memory (``ibis.memtable``) can be joined on any of them.
    """
    return _open(tuple(sorted({str(folder.resolve()) for folder in folders})), _threads)


@cache
def _open(folders: tuple[str, ...], threads: int) -> Backend:
    return open_locked(folders, threads)


def open_locked(folders: Iterable[str], threads: int, database: Path | None = None) -> Backend:
    """Open a connection that may read ``folders``, and the file ``database`` where one is given, and nothing else."""
    import ibis

    settings = {} if database is None else {"read_only": True}
    connection = ibis.duckdb.connect(
        ":memory:" if database is None else str(database),
        threads=threads,
        memory_limit=f"{_memory() // 2**20}MiB",
        temp_directory=str(Path(tempfile.gettempdir()) / "cxai-duckdb"),
        autoinstall_known_extensions=False,
        autoload_known_extensions=False,
        **settings,
    )
    allowed = ", ".join("'" + folder.replace("'", "''") + "'" for folder in folders)
    for setting in (
        "SET TimeZone = 'UTC'",
        f"SET allowed_directories = [{allowed}]",
        "SET enable_external_access = false",
        "SET lock_configuration = true",
    ):
        connection.raw_sql(setting)
    return connection


def _memory() -> int:
    """What a connection may hold: at most half of what the machine has."""
    import psutil

    return min(_MEMORY, int(psutil.virtual_memory().total) // 2)


def threads() -> int:
    """How many threads connections opened from now on may use."""
    return _threads
