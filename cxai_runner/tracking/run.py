"""A tracked run, from the moment it starts to the moment all of it is kept.

What is logged, and when:

- at the start: the run as RUNNING, with its name, the tags given, who runs it and which process owns it;
- while it runs: on a shared store, its lease;
- at the end, by `TrackedRun.finish`, in this order: artifacts (``config.yaml`` and the other texts, ``report.html``,
  ``tables/*.csv``, ``figures/*.png``, ``scores/*.parquet``), dataset inputs, models, then params, tags, metrics and
  learning curves in as few batches as MLflow allows, and last of all the status FINISHED;
- when it fails: the config, ``error/traceback.txt``, params, the tag ``cxai.error``, and the status FAILED;
- when it is told to stop (Ctrl-C, SIGTERM): the status KILLED.

FINISHED comes after everything else, so a run that is killed between any two writes is never taken for a whole one.
Every text passes the masker first. Customer ids leave as keyed hashes where `Privacy` asks for them.
"""

from __future__ import annotations

import getpass
import sys
import tempfile
import traceback
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Final

from cxai_runner.tracking.artifacts import lay_out
from cxai_runner.tracking.batches import log_datasets, log_fed, log_values
from cxai_runner.tracking.masking import Masker
from cxai_runner.tracking.models import Logged, log_model
from cxai_runner.tracking.owner import Lease, close_orphans, owner_tags
from cxai_runner.tracking.pseudonyms import Privacy
from cxai_runner.tracking.record import (
    UNDEFINED,
    Level,
    Record,
    finite,
    param_texts,
    tag_texts,
)
from cxai_runner.tracking.signals import shielded, was_interrupted
from cxai_runner.tracking.store import Store

if TYPE_CHECKING:
    from mlflow.entities import Run as MlflowRun

ERROR_LENGTH: Final = 500
NOTE: Final = "mlflow.note.content"


@dataclass(frozen=True, eq=False)
class Destination:
    """Where the runs of one experiment go, and what is kept from there.

    Parameters
    ----------
    uri, root
        As `Store.open` takes them.
    experiment
        The name of the MLflow experiment; it is created if there is none.
    masker
        What every text passes on its way there.
    privacy
        Whether customer ids are kept from the store.
    trusted
        Further root packages whose classes are saved without a pickle.
    """

    uri: str | None
    root: Path
    experiment: str
    masker: Masker = field(default_factory=Masker)
    privacy: Privacy = field(default_factory=Privacy)
    trusted: tuple[str, ...] = ()


@dataclass(frozen=True)
class Ending:
    """How a run ended that did not finish: what to call it, why in a line, and the traceback if there is one."""

    status: str
    reason: str = ""
    traceback: str = ""

    @classmethod
    def of(cls, error: BaseException | None) -> Ending:
        """What ``error`` makes of a run: one told to stop was killed; one left without being finished has failed."""
        if error is None:
            return cls("FAILED", "the run was left without being finished", "the run was left without being finished\n")
        if was_interrupted(error):
            return cls("KILLED")
        return cls("FAILED", f"{type(error).__name__}: {error}", "".join(traceback.format_exception(error)))


class Tracker:
    """Starts runs of one experiment.

    Parameters
    ----------
    store
        Where runs are kept.
    masker, experiment, privacy, trusted
        As a `Destination` holds them.
    owner
        The process that owns the runs, by default this one.

    Attributes
    ----------
    latest
        The run that was started last; None before the first.
    """

    def __init__(
        self,
        store: Store,
        masker: Masker,
        experiment: str,
        privacy: Privacy | None = None,
        trusted: Iterable[str] = (),
        owner: int | None = None,
    ) -> None:
        self.store = store
        self.privacy = privacy or Privacy()
        self.masker = masker.also([self.privacy.key] if self.privacy.key else [])
        self.experiment = experiment
        self.trusted = tuple(trusted)
        self.owner = owner
        self.latest: TrackedRun | None = None

    @classmethod
    def open(cls, to: Destination, owner: int | None = None) -> tuple[Tracker, list[str]]:
        """Open the store, close the runs in it whose owner is dead, and return their ids beside the tracker.

        Raises
        ------
        UserError
            The store cannot be opened.
        """
        store = Store.open(to.uri, to.root)
        return cls(store, to.masker, to.experiment, to.privacy, to.trusted, owner), close_orphans(store)

    def start(
        self,
        name: str,
        tags: Mapping[str, str] | None = None,
        opening: Record | None = None,
        *,
        began: float | None = None,
        again: str | None = None,
    ) -> TrackedRun:
        """Return a run to enter with ``with``; it exists in the store from then on, as RUNNING.

        Parameters
        ----------
        name, tags
            What the run can be found by.
        opening
            What is known before anything ran: the config. A run that fails keeps it; one that finishes writes it with
            everything else.
        began
            When the work began, in seconds since the epoch, where that was before now.
        again
            The id of a run that was cut off, to be gone on with in place of a new one.
        """
        return TrackedRun(self, name, dict(tags or {}), opening or Record(), began, again)


class TrackedRun:
    """One run: a context manager that leaves no run open behind it.

    Attributes
    ----------
    run_id, artifact_uri
        Known once it is entered.
    status
        ``RUNNING``, then ``FINISHED``, ``FAILED`` or ``KILLED``.
    models
        The models that were logged.
    """

    def __init__(
        self,
        tracker: Tracker,
        name: str,
        tags: dict[str, str],
        opening: Record,
        began: float | None = None,
        again: str | None = None,
    ) -> None:
        self._tracker, self._store, self._masker = tracker, tracker.store, tracker.masker
        self._name, self._tags, self._opening = name, tags, opening
        self._began, self._again = began, again
        self._lease: Lease | None = None
        self.run_id = ""
        self.artifact_uri = ""
        self.status = "RUNNING"
        self.models: tuple[Logged, ...] = ()

    def __enter__(self) -> TrackedRun:
        store = self._store
        tags, _ = tag_texts(self._masker.mask_mapping(who() | self._tags))
        tags |= owner_tags(self._tracker.owner, lease=not store.is_local)
        experiment = store.experiment_id(self._tracker.experiment)
        try:
            with shielded():
                self._run = self._made(experiment, self._masker.mask(self._name), tags)
                self.run_id, self.artifact_uri = self._run.info.run_id, self._run.info.artifact_uri
        except (KeyboardInterrupt, SystemExit):  # told to stop while it was being made
            with shielded():
                self._close("KILLED")
            raise
        self._lease = None if store.is_local else Lease(store, self.run_id)
        self._tracker.latest = self
        return self

    def _made(self, experiment: str, name: str, tags: dict[str, str]) -> MlflowRun:
        """The run in the store: a new one, or the one that was cut off, RUNNING once more."""
        client, retry = self._store.client, self._store.retry
        if self._again is None:
            began = None if self._began is None else int(self._began * 1000)
            return retry(client.create_run, experiment, start_time=began, run_name=name, tags=tags)
        self.run_id = self._again
        self.say(tags=tags)
        retry(client.update_run, self._again, status="RUNNING")
        return retry(client.get_run, self._again)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end(Ending.of(error))

    def say(self, metrics: Mapping[str, float] | None = None, tags: Mapping[str, str] | None = None) -> None:
        """Write metrics and tags while the run goes on."""
        self._log({}, self._masker.mask_mapping(dict(tags or {})), metrics or {})

    def keep(self, record: Record) -> None:
        """Write artifacts while the run goes on; those of the same names are replaced."""
        with tempfile.TemporaryDirectory(prefix="cxai-run-") as folder:
            lay_out(Path(folder), record, {}, self._masker, self._tracker.privacy)
            self._store.retry(self._store.client.log_artifacts, self.run_id, folder)

    def end(self, ending: Ending) -> None:
        """Close the run as ``ending`` says, unless it is finished."""
        with shielded():
            if self._lease is not None:
                self._lease.end()
            if self.status == "RUNNING":
                self._keep(ending)

    def finish(self, record: Record, level: Level = "full", status: str = "FINISHED") -> None:
        """Write everything that the run holds; it has its ``status`` when this returns, and not before.

        Raises
        ------
        ValueError
            The record lacks what ``level`` names; nothing was written.
        """
        if missing := record.missing(level):
            raise ValueError(f"a {level} run also holds {', '.join(missing)}")
        metrics, undefined = finite(record.metrics)
        said = dict(record.tags)
        if undefined:
            said[UNDEFINED] = ", ".join(sorted(undefined))
        if record.note:
            said[NOTE] = record.note
        tags, long_tags = tag_texts(self._masker.mask_mapping(said))
        with tempfile.TemporaryDirectory(prefix="cxai-run-") as folder:
            lay_out(Path(folder), record, long_tags, self._masker, self._tracker.privacy)
            self._store.retry(self._store.client.log_artifacts, self.run_id, folder)
        log_datasets(self._store, self.run_id, record.datasets, self._masker)
        log_fed(self._store, self.run_id, record.fed)
        self.models = tuple(
            log_model(self._store, self._run, name, saved, self._tracker.privacy, self._tracker.trusted)
            for name, saved in record.models.items()
        )
        if pickled := [model.name for model in self.models if model.format == "pickle"]:
            tags["cxai.pickled"] = ", ".join(pickled)
        self._log(param_texts(self._masker.mask_mapping(record.params)), tags, metrics, record.steps)
        with shielded():
            self._close(status)

    def _log(
        self,
        params: Mapping[str, str],
        tags: Mapping[str, str],
        metrics: Mapping[str, float],
        steps: Iterable[tuple[str, float, int]] = (),
    ) -> None:
        log_values(self._store, self.run_id, params, tags, metrics, steps)

    def _keep(self, ending: Ending) -> None:
        """Close the run; one that failed keeps its config, the reason and the traceback."""
        client = self._store.client
        try:
            if ending.status == "FAILED":
                for path, content in {**self._opening.texts, "error/traceback.txt": ending.traceback}.items():
                    self._store.retry(client.log_text, self.run_id, self._masker.mask(content), path)
                params = param_texts(self._masker.mask_mapping(self._opening.params))
                self._log(params, {"cxai.error": self._masker.mask(ending.reason)[:ERROR_LENGTH]}, {})
        finally:
            self._close(ending.status)

    def _close(self, status: str) -> None:
        self._store.retry(self._store.client.set_terminated, self.run_id, status=status)
        self.status = status


def who() -> dict[str, str]:
    """What MLflow's own pages show of a run's origin."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a container's user may have no name
        user = "unknown"
    return {
        "mlflow.user": user,
        "mlflow.source.name": Path(sys.argv[0]).name or "python",
        "mlflow.source.type": "LOCAL",
    }
