"""Where runs are kept, and how it is opened.

By default that is a SQLite database with its artifacts beside it, in the working folder; any MLflow tracking URI will
do instead. Whoever holds a `Store` can write at once: it exists, its schema is current, and a database that is locked
by another writer is tried again instead of failing a run that took an hour.
"""

from __future__ import annotations

import os
import random
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final, ParamSpec, TypeVar
from urllib.parse import unquote, urlsplit

from cxai_runner.config.problems import Problem, UserError
from cxai_runner.tracking import sqlite
from cxai_runner.tracking.masking import Masker
from cxai_runner.tracking.quiet import import_mlflow

if TYPE_CHECKING:
    from mlflow import MlflowClient

P = ParamSpec("P")
T = TypeVar("T")

PATIENCE: Final = 60.0
"""Seconds for which a locked database is tried again."""
_LOCKED: Final = ("database is locked", "database table is locked", "SQLITE_BUSY", "database schema is locked")
_LOST: Final = {
    "no such table": "was removed or replaced while it was in use",
    "unable to open database file": "cannot be opened any more",
    "readonly database": "may not be written",
    "database or disk is full": "cannot be written: the disk is full",
    "disk I/O error": "cannot be read or written: the disk fails",
    "disk image is malformed": "is damaged",
}
"""What SQLite says of a database that no second try brings back, and what that means."""
_SERVERS: Final = ("http", "https", "databricks", "uc")
_DATABASES: Final = ("postgresql", "mysql", "mssql")


@dataclass(frozen=True, eq=False)
class Store:
    """An opened tracking store; make it with `Store.open`.

    Parameters
    ----------
    uri
        MLflow's tracking URI. It may hold a password: mask it before it is shown.
    client
        The MLflow client that talks to it.
    artifacts
        Folder or URI under which experiments keep their artifacts; None where the server decides.
    is_local
        True for a SQLite file: nobody writes to it from another machine.
    """

    uri: str
    client: MlflowClient
    artifacts: str | None
    is_local: bool
    _experiments: dict[str, str] = field(default_factory=dict, repr=False)

    @classmethod
    def open(cls, uri: str | None, root: Path, artifacts: str | None = None, *, create: bool = True) -> Store:
        """Open a store, and create or upgrade it where it is a SQLite file.

        Parameters
        ----------
        uri
            As the config names it; None falls back on ``MLFLOW_TRACKING_URI``, then on
            ``<root>/mlruns/mlflow.db`` with its artifacts in ``<root>/mlruns/artifacts``.
        root
            What relative paths are relative to: the working folder.
        artifacts
            Where new experiments keep their artifacts, if not beside the database or where the server says.
        create
            False for commands that only read: a SQLite file that does not exist is then a mistake.

        Raises
        ------
        UserError
            The URI names no store that MLflow can open.
        """
        where, key = _resolve(uri, root)
        path = _sqlite_path(where, root)
        if path is not None:
            if not create and not path.exists():
                raise UserError([Problem(key, "no runs are kept here yet", str(path), "start one: cxai run")])
            where = f"sqlite:///{path}"
            _ensure(path, key)
            place: str | None = artifacts or (path.parent / "artifacts").as_uri()
        else:
            _check(where, key)
            served = _scheme(where) in _SERVERS
            place = artifacts or (None if served else (root / "mlruns/artifacts").resolve().as_uri())
        client = import_mlflow().MlflowClient(where)
        return cls(uri=where, client=client, artifacts=place, is_local=path is not None)

    def experiment_id(self, name: str) -> str:
        """Return the id of experiment ``name``, which is created if there is none; safe when several processes do.

        Raises
        ------
        UserError
            The experiment was deleted; MLflow keeps its name reserved.
        """
        if name in self._experiments:
            return self._experiments[name]
        experiment = self.retry(self.client.get_experiment_by_name, name)
        if experiment is None:
            identifier = self._create_experiment(name)
        elif experiment.lifecycle_stage != "active":
            remedy = f"restore it with `mlflow experiments restore -x {experiment.experiment_id}`, or name another"
            raise UserError([Problem("tracking.experiment", "this experiment was deleted", name, remedy)])
        else:
            identifier = experiment.experiment_id
        self._experiments[name] = identifier
        return identifier

    def retry(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call, and call again while another writer holds the database's lock, for up to `PATIENCE` seconds.

        Raises
        ------
        UserError
            The database is gone, full or damaged.
        """
        import_mlflow()
        from mlflow.exceptions import MlflowException

        deadline = time.monotonic() + PATIENCE
        pause = 0.01
        while True:
            try:
                return call(*args, **kwargs)
            except MlflowException as error:
                self._refuse_lost(error)
                if not any(sign in str(error) for sign in _LOCKED) or time.monotonic() > deadline:
                    raise
            time.sleep(pause * random.uniform(0.5, 1.5))  # noqa: S311 - spreads writers, hides nothing
            pause = min(2 * pause, 1.0)

    def _refuse_lost(self, error: Exception) -> None:
        words = next((words for sign, words in _LOST.items() if sign in str(error)), None)
        if words is not None:
            remedy = "see to it, then type the same command again: what is finished there is not run again"
            where = Masker.of({}, uris=[self.uri]).mask(self.uri)
            raise UserError([Problem("tracking.uri", f"the store of runs {words}: {where}", remedy=remedy)]) from error

    def _create_experiment(self, name: str) -> str:
        from mlflow.exceptions import MlflowException

        place = None
        if self.artifacts is not None:
            place = self.artifacts.rstrip("/") + "/" + (re.sub(r"[^\w.-]+", "_", name).strip("._") or "experiment")
        try:
            return str(self.retry(self.client.create_experiment, name, artifact_location=place))
        except MlflowException:
            # Another process was first; what it made is as good. Any other failure leaves no such experiment.
            experiment = self.retry(self.client.get_experiment_by_name, name)
            if experiment is None:
                raise
            return str(experiment.experiment_id)


def _resolve(uri: str | None, root: Path) -> tuple[str, str]:
    """The URI to open, and the key or variable that named it."""
    if uri:
        return uri, "tracking.uri"
    if from_environment := os.environ.get("MLFLOW_TRACKING_URI"):
        return from_environment, "MLFLOW_TRACKING_URI"
    return f"sqlite:///{root.resolve() / 'mlruns' / 'mlflow.db'}", "tracking.uri"


def _scheme(uri: str) -> str:
    return urlsplit(uri).scheme.split("+")[0].casefold()


def _sqlite_path(uri: str, root: Path) -> Path | None:
    """The absolute path of a SQLite URI; None for any other."""
    if _scheme(uri) != "sqlite":
        return None
    name = uri.split(":///", 1)[1] if ":///" in uri else ""
    name = unquote(name.split("?", 1)[0])
    if name in {"", ":memory:"}:
        raise UserError([Problem("tracking.uri", "a database in memory keeps nothing", uri, "name a file")])
    return (root / name).resolve()


def _ensure(path: Path, key: str) -> None:
    """Create or upgrade the database; whatever keeps it from being one is told in words."""
    import sqlite3

    remedy = "move it away, or name another place: tracking.uri=sqlite:///runs/mlflow.db"
    try:
        sqlite.ensure(path, path.parent / "artifacts")
    except (sqlite3.Error, OSError) as error:
        raise UserError([Problem(key, f"runs cannot be kept here: {error}", str(path), remedy)]) from None


def _check(uri: str, key: str) -> None:
    """Refuse a store that cannot be opened, in words instead of a traceback from deep inside."""
    masker = Masker.of({}, uris=[uri])
    scheme = _scheme(uri)
    if scheme not in (*_SERVERS, *_DATABASES):
        remedy = "use sqlite:///mlruns/mlflow.db, a database, or the address of an MLflow server"
        raise UserError([Problem(key, "not a place where MLflow keeps runs", masker.mask(uri), remedy)])
    if scheme in _DATABASES:
        import sqlalchemy

        try:
            engine = sqlalchemy.create_engine(uri, connect_args={})
            with engine.connect():
                pass
            engine.dispose()
        except (sqlalchemy.exc.SQLAlchemyError, ImportError) as error:
            reason = masker.mask(str(error).splitlines()[0])
            raise UserError([Problem(key, f"cannot be opened: {reason}", masker.mask(uri))]) from None
    elif scheme in {"http", "https"}:
        import requests

        try:
            requests.get(uri.rstrip("/") + "/health", timeout=10)
        except requests.RequestException as error:
            reason = masker.mask(type(error).__name__)
            remedy = "start it, or leave the key out to keep runs in ./mlruns"
            raise UserError([Problem(key, f"no server answers ({reason})", masker.mask(uri), remedy)]) from None
