"""A run as it lies in the tracking store, read piece by piece when somebody asks for it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cxai_runner.config.problems import Problem, UserError

if TYPE_CHECKING:
    import pandas as pd
    from mlflow.entities import Run as StoredRun

    from cxai_runner.report.document import Document
    from cxai_runner.tracking.store import Store


def local_path(address: str) -> Path | None:
    """The path of an artifact on this machine; None for one that lies elsewhere."""
    from urllib.parse import unquote, urlsplit

    parts = urlsplit(address)
    return Path(unquote(parts.path)) if parts.scheme in {"", "file"} else None


@dataclass(frozen=True, eq=False)
class Kept:
    """A run in a store; make one with `kept`, or of the store and the id of a run that just ended.

    Parameters
    ----------
    store
        Where it is.
    run_id
        Its full id.
    """

    store: Store = field(repr=False)
    run_id: str

    @cached_property
    def run(self) -> StoredRun:
        """The run as MLflow has it."""
        return self.store.retry(self.store.client.get_run, self.run_id)

    @cached_property
    def facts(self) -> dict[str, Any]:
        """Status, metrics, params and tags as plain values."""
        from cxai_runner.tracking.read import summary

        return summary(self.run)

    @cached_property
    def experiment(self) -> str:
        """The name of its experiment."""
        found = self.store.retry(self.store.client.get_experiment, self.run.info.experiment_id)
        return str(found.name)

    @cached_property
    def document(self) -> Document:
        """What the run says.

        Raises
        ------
        UserError
            The run did not finish.
        """
        from cxai_runner.report.document import Document

        return Document.from_json(self.text("report.json"))

    def text(self, path: str) -> str:
        """Return a text artifact; raises `UserError` where the run holds none of that name."""
        from cxai_runner.tracking.read import artifact

        return artifact(self.store, self.run, path)

    def scores(self) -> dict[str, pd.DataFrame]:
        """Return the score of every row, by part: ``train``, and ``held_out`` where something was."""
        import pandas as pd

        with self.folder("scores") as found:
            return {path.stem: pd.read_parquet(path) for path in sorted(found.glob("*.parquet"))}

    def table(self, name: str) -> pd.DataFrame:
        """Return all rows of a table, its columns typed as the document says."""
        import pandas as pd

        short = next(one.frame for one in self.document.tables if one.name == name)
        times = [str(column) for column in short if pd.api.types.is_datetime64_any_dtype(short[column])]
        types = {column: short[column].dtype for column in short if column not in times}
        with self.folder(f"tables/{name}.csv") as found:
            return pd.read_csv(found, dtype=types, parse_dates=times)

    @contextmanager
    def folder(self, path: str) -> Iterator[Path]:
        """Lend an artifact, a file or a folder, as it lies here or as a copy that is removed afterwards.

        Raises
        ------
        UserError
            The run holds no such artifact.
        """
        import tempfile

        from cxai_runner.tracking.quiet import import_mlflow

        import_mlflow()
        from mlflow.exceptions import MlflowException

        here = local_path(f"{self.run.info.artifact_uri}/{path}")
        if here is not None and here.exists():
            yield here
            return
        with tempfile.TemporaryDirectory(prefix="cxai-read-") as folder:
            try:
                local = self.store.retry(self.store.client.download_artifacts, self.run_id, path, folder)
            except (MlflowException, OSError):
                remedy = f"its status is {self.run.info.status}; only a FINISHED run holds everything"
                raise UserError([Problem("RUN", f"this run holds no {path}", self.run_id[:8], remedy)]) from None
            yield Path(local)


def kept(uri: str | None, run: str, root: Path | None = None) -> Kept:
    """Find a run by its id, the beginning of it, its name, or ``last``.

    Parameters
    ----------
    uri
        The tracking store; by default ``MLFLOW_TRACKING_URI``, or the one of the working folder.
    run
        Which run.
    root
        What relative paths start from; the working folder.

    Raises
    ------
    UserError
        There is no store, no such run, or more than one that is meant.
    """
    from cxai_runner.tracking.read import find
    from cxai_runner.tracking.store import Store

    store = Store.open(uri, root or Path.cwd(), create=False)
    return Kept(store, str(find(store, run).info.run_id))
