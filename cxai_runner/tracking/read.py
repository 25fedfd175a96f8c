"""Runs read back: found by the start of their id, listed, and summed up as plain data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from cxai_runner.config.problems import Problem, UserError, did_you_mean
from cxai_runner.tracking.owner import is_dead
from cxai_runner.tracking.quiet import import_mlflow

if TYPE_CHECKING:
    from mlflow.entities import Run

    from cxai_runner.tracking.store import Store

ID_LENGTH: Final = 32
RECENT: Final = 1000
SHORT_ID: Final = 8
_PARENT: Final = "mlflow.parentRunId"
_REPRODUCES: Final = "cxai.reproduces"
DECISIONS: Final = "cxai-promotions"
"""The experiment whose runs are decisions about models: listed where it is named, and never meant by ``last``."""


def find(store: Store, prefix: str) -> Run:
    """Return the run whose id starts with ``prefix``, or whose name it is.

    ``last`` is the newest that somebody started: a sweep, not one of its points.

    Raises
    ------
    UserError
        No run is meant, or more than one; the problem names the nearest.
    """
    return find_all(store, [prefix])[0]


def find_all(store: Store, prefixes: Sequence[str]) -> list[Run]:
    """Return a run for each of several prefixes, as `find` does; raises `UserError` with all that is wrong."""
    found: list[Run] = []
    problems: list[Problem] = []
    recent: list[Run] | None = None
    for prefix in prefixes:
        wanted = prefix.strip()
        if wanted == "last" and (newest := list_runs(store, limit=1, points=False)):
            found.append(newest[0])
            continue
        meant = _exactly(store, wanted.casefold()) if len(wanted) == ID_LENGTH else []
        if not meant:
            recent = list_runs(store, limit=RECENT) if recent is None else recent
            meant = _meant(recent, wanted)
        if len(meant) == 1:
            found += meant
        else:
            problems.append(_unclear(prefix, meant, recent or []))
    if problems:
        raise UserError(problems)
    return found


def _meant(runs: Sequence[Run], wanted: str) -> list[Run]:
    named = [run for run in runs if wanted and wanted in (run.info.run_id, run.info.run_name)]
    # A name means the run, not the one that reproduces it.
    first = [run for run in named if _REPRODUCES not in run.data.tags]
    if len(named) > 1 and len(first) == 1:
        return first
    return named or [run for run in runs if wanted and run.info.run_id.startswith(wanted.casefold())]


def _unclear(prefix: str, meant: Sequence[Run], runs: Sequence[Run]) -> Problem:
    if meant:
        ids = ", ".join(f"{run.info.run_id[:SHORT_ID]} ({run.info.run_name})" for run in meant[:5])
        return Problem("RUN", f"{len(meant)} runs are meant: {ids}", prefix, "give more of the id")
    names = [run.info.run_id[:SHORT_ID] for run in runs] + [run.info.run_name for run in runs]
    return Problem("RUN", "no such run", prefix, did_you_mean(prefix.strip(), names) or "see `cxai list runs`")


def list_runs(store: Store, experiment: str | None = None, limit: int = 50, *, points: bool = True) -> list[Run]:
    """Return the most recent runs, newest first, of one experiment or of all; with or without the points of sweeps."""
    client = store.client
    if experiment is None:
        found = store.retry(client.search_experiments)
        ids = [one.experiment_id for one in found if one.name != DECISIONS]
    else:
        known = store.retry(client.get_experiment_by_name, experiment)
        if known is None:
            names = [found.name for found in store.retry(client.search_experiments)]
            remedy = did_you_mean(experiment, names)
            raise UserError([Problem("EXPERIMENT", "no such experiment", experiment, remedy)])
        ids = [known.experiment_id]
    if not ids:
        return []
    newest_first = ["attributes.start_time DESC"]
    which = "" if points else f"tags.`{_PARENT}` IS NULL"
    return list(store.retry(client.search_runs, ids, which, max_results=limit, order_by=newest_first))


def summary(run: Run) -> dict[str, Any]:
    """Sum a run up as plain JSON values.

    Returns
    -------
    summary
        ``run_id``, ``name``, ``status`` (as stored), ``orphan`` (RUNNING, but its owner is dead), ``started`` (ISO
        8601), ``seconds``, ``identity``, ``metrics``, ``params``, ``tags`` (MLflow's own left out), ``datasets``,
        ``models``, ``artifact_uri``, ``note``.
    """
    info, data = run.info, run.data
    ended = info.end_time
    inputs = run.inputs.dataset_inputs if run.inputs else []
    outputs = run.outputs.model_outputs if run.outputs else []
    return {
        "run_id": info.run_id,
        "name": info.run_name,
        "experiment_id": info.experiment_id,
        "status": info.status,
        "orphan": info.status == "RUNNING" and bool(is_dead(data.tags)),
        "started": _moment(info.start_time),
        "seconds": None if ended is None else (ended - info.start_time) / 1000,
        "identity": data.tags.get("cxai.identity"),
        "metrics": dict(sorted(data.metrics.items())),
        "params": dict(sorted(data.params.items())),
        "tags": _own(data.tags),
        "datasets": [{"name": i.dataset.name, "digest": i.dataset.digest} for i in inputs],
        "models": [output.model_id for output in outputs],
        "artifact_uri": info.artifact_uri,
        "note": data.tags.get("mlflow.note.content", ""),
    }


def artifact(store: Store, run: Run, path: str) -> str:
    """Return a text artifact of a run.

    Raises
    ------
    UserError
        The run holds no such artifact.
    """
    import tempfile

    import_mlflow()
    from mlflow.exceptions import MlflowException

    with tempfile.TemporaryDirectory(prefix="cxai-read-") as folder:
        try:
            local = store.retry(store.client.download_artifacts, run.info.run_id, path, folder)
            return Path(local).read_text(encoding="utf-8")
        except (MlflowException, OSError):
            remedy = f"its status is {run.info.status}; only a FINISHED run holds everything"
            short = run.info.run_id[:SHORT_ID]
            raise UserError([Problem("RUN", f"this run holds no {path}", short, remedy)]) from None


def _exactly(store: Store, run_id: str) -> list[Run]:
    import_mlflow()
    from mlflow.exceptions import MlflowException

    try:
        return [store.retry(store.client.get_run, run_id)]
    except MlflowException:  # no such run
        return []


def _own(tags: Mapping[str, str]) -> dict[str, str]:
    return {key: value for key, value in sorted(tags.items()) if not key.startswith("mlflow.")}


def _moment(milliseconds: int) -> str:
    from datetime import UTC, datetime

    return datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat(timespec="seconds")
