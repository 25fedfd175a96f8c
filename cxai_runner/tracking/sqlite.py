"""The local store's database: made once, whole, before anyone writes.

MLflow migrates a fresh database in the first process that opens it, and processes that start at once trip over each
other's migrations. So a database is built beside its place under a file lock and moved there in one step: it exists
whole or not at all, even after a `kill -9`. Write-ahead logging is switched on in the same breath, since readers and
writers block each other without it.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Final

from cxai_runner.tracking.quiet import import_mlflow

if TYPE_CHECKING:
    from collections.abc import Iterator

LOCK_SECONDS: Final = 300
"""How long to wait for another process that creates or upgrades the database."""
BUSY_SECONDS: Final = 60


def ensure(path: Path, artifacts: Path) -> None:
    """Create the database if it is missing, and upgrade it if an older MLflow made it.

    Parameters
    ----------
    path
        The SQLite file; its folder is created.
    artifacts
        Where experiments that name no place of their own keep their artifacts.
    """
    from filelock import FileLock

    if _revision(path) == _head() and _journal(path) == "wal":
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{path}.lock", timeout=LOCK_SECONDS):
        if _is_nothing(path):
            _create(path, artifacts)
        elif (revision := _revision(path)) != _head():
            _upgrade(path, revision)
        if _journal(path) != "wal":
            _write_ahead(path)


def _create(path: Path, artifacts: Path) -> None:
    import_mlflow()
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

    building = path.with_name(f".{path.name}.building")  # one name for all: whoever builds holds the lock
    for leftover in _files(building):
        leftover.unlink(missing_ok=True)
    SqlAlchemyStore(f"sqlite:///{building}", artifacts.as_uri()).engine.dispose()
    _write_ahead(building)
    building.replace(path)


def _upgrade(path: Path, revision: str | None) -> None:
    """Upgrade in place, as another process may hold the file open; a copy of what was stays beside it."""
    import_mlflow()
    import sqlalchemy
    from mlflow.store.db.utils import _upgrade_db

    backup = path.with_name(f"{path.name}.{revision or 'empty'}.backup")
    with closing(_connect(path)) as source, closing(sqlite3.connect(backup)) as copy:
        source.backup(copy)
    engine = sqlalchemy.create_engine(f"sqlite:///{path}")
    try:
        _upgrade_db(engine)
    finally:
        engine.dispose()


def _head() -> str:
    import_mlflow()
    from mlflow.store.db.utils import _get_latest_schema_revision

    return str(_get_latest_schema_revision())


def _is_nothing(path: Path) -> bool:
    """Whether there is no database: no file, or one without a byte, as SQLite leaves it for who only looks."""
    return not path.exists() or path.stat().st_size == 0


def _revision(path: Path) -> str | None:
    """The schema's revision, or None where there is no database or no schema yet."""
    if not path.exists():
        return None
    with closing(_connect(path)) as database:
        try:
            row = database.execute("SELECT version_num FROM alembic_version").fetchone()
        except sqlite3.OperationalError:  # no such table
            return None
    return str(row[0]) if row else None


def _journal(path: Path) -> str:
    if not path.exists():
        return ""
    with closing(_connect(path)) as database:
        return str(database.execute("PRAGMA journal_mode").fetchone()[0])


def _write_ahead(path: Path) -> None:
    with closing(_connect(path)) as database:
        database.execute("PRAGMA journal_mode = WAL")


def _connect(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(path, timeout=BUSY_SECONDS)


def _files(path: Path) -> Iterator[Path]:
    """A database and the files SQLite keeps beside it."""
    yield path
    for suffix in ("-wal", "-shm", "-journal"):
        yield path.with_name(path.name + suffix)
