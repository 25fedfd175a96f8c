"""The runs that are to be compared, as far as a comparison has to know them."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from cxai_runner.config.problems import Problem, UserError, did_you_mean
from cxai_runner.evaluation.results import Interval
from cxai_runner.lifecycle.runs import LINK, POINT_OF, SWEEP
from cxai_runner.tracking.read import find_all

if TYPE_CHECKING:
    from mlflow.entities import Run

    from cxai_runner.tracking.store import Store

_PAGE: Final = 1000
_CONTEXT: Final = "mlflow.data.context"
_STAGE: Final = "seconds/"


@dataclass(frozen=True, eq=False)
class Entry:
    """One run.

    Parameters
    ----------
    run_id, name, status
        As MLflow has them.
    params, metrics, tags
        Their last values.
    took
        Seconds of all its stages, or from its begin to its end; None while nobody knows.
    read
        Digest of each table that was read, by name.
    rows
        How many rows there are of each part.
    """

    run_id: str
    name: str
    status: str
    params: Mapping[str, str]
    metrics: Mapping[str, float]
    tags: Mapping[str, str]
    took: float | None
    read: Mapping[str, str]
    rows: Mapping[str, int]

    @classmethod
    def of(cls, run: Run) -> Entry:
        """Read one from MLflow's."""
        info, data = run.info, run.data
        inputs = [(one.dataset, _context(one.tags)) for one in (run.inputs.dataset_inputs if run.inputs else [])]
        return cls(
            run_id=info.run_id,
            name=info.run_name,
            status=info.status,
            params=data.params,
            metrics=data.metrics,
            tags=data.tags,
            took=_took(run),
            read={dataset.name: dataset.digest for dataset, context in inputs if context == "source"},
            rows={context: rows for dataset, context in inputs if (rows := _rows(dataset.profile)) is not None},
        )

    @property
    def short(self) -> str:
        """The beginning of its id."""
        return self.run_id[:8]

    @property
    def seed(self) -> str:
        """Its seed; empty where it kept none."""
        return self.params.get("seed", "")

    def interval(self, key: str) -> Interval | None:
        """Return a metric with its interval where it has one; None where it has no such metric."""
        if key not in self.metrics:
            return None
        ends = (self.metrics.get(f"{key}_{end}", math.nan) for end in ("low", "high"))
        return Interval(self.metrics[key], *ends)


def named(store: Store, runs: Sequence[str]) -> list[Entry]:
    """Return the runs that are named; of a sweep, its points. Raises `UserError` with every name that is wrong."""
    found: dict[str, Entry] = {}
    for run in find_all(store, runs):
        several = _points(store, run) if SWEEP in run.data.tags else [run]
        found |= {one.info.run_id: Entry.of(one) for one in several}
    return list(found.values())


def of_experiment(store: Store, name: str) -> list[Entry]:
    """Return the runs of an experiment, newest first, without the sweeps themselves."""
    known = store.retry(store.client.get_experiment_by_name, name)
    if known is None:
        names = [found.name for found in store.retry(store.client.search_experiments)]
        raise UserError([Problem("--experiment", "no such experiment", name, did_you_mean(name, names))])
    runs = _search(store, [known.experiment_id], "")
    return [Entry.of(run) for run in runs if SWEEP not in run.data.tags]


def of_sweep(store: Store, sweep: str) -> list[Entry]:
    """Return the points of a sweep, those that an earlier one had finished too."""
    (run,) = find_all(store, [sweep])
    if SWEEP not in run.data.tags:
        told = f"{run.info.run_name} is a run, not a sweep"
        raise UserError([Problem("--sweep", told, sweep, "see `cxai list runs`")])
    return [Entry.of(one) for one in _points(store, run)]


def _points(store: Store, sweep: Run) -> list[Run]:
    where = f"tags.`{POINT_OF}` = '{sweep.info.run_id}'"  # an id that the store made: letters and digits
    own = list(_search(store, [sweep.info.experiment_id], where))
    linked = [json.loads(text)["run"] for tag, text in sweep.data.tags.items() if tag.startswith(LINK)]
    known = {run.info.run_id for run in own}
    return [*own, *(store.retry(store.client.get_run, run_id) for run_id in linked if run_id not in known)]


def _search(store: Store, experiments: list[str], where: str) -> Iterator[Run]:
    token: str | None = None
    while True:
        page: Any = store.retry(
            store.client.search_runs, experiments, where, max_results=_PAGE, page_token=token,
            order_by=["attributes.start_time DESC"],
        )  # fmt: skip
        yield from page
        token = page.token
        if not token:
            return


def _took(run: Run) -> float | None:
    stages = [value for key, value in run.data.metrics.items() if key.startswith(_STAGE)]
    if stages:
        return math.fsum(stages)
    return None if run.info.end_time is None else (run.info.end_time - run.info.start_time) / 1000


def _context(tags: Sequence[Any]) -> str:
    return next((tag.value for tag in tags if tag.key == _CONTEXT), "")


def _rows(profile: str | None) -> int | None:
    """The rows of a dataset, as `cxai_runner.tracking.batches` writes them into its profile."""
    try:
        found = json.loads(profile or "null")
    except ValueError:  # somebody else's dataset
        return None
    rows = found.get("num_rows") if isinstance(found, dict) else None
    return rows if isinstance(rows, int) else None
