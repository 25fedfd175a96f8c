"""Which points of a sweep are done.

MLflow is the only ledger: a point is done when a FINISHED run carries its identity, whoever made it. There is no file
beside it that could disagree after a crash. A run is FINISHED last of all, so one that was cut off between any two
writes is not done, and its point is run again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from cxai_runner.lifecycle.runs import POINT_OF, SWEEP

if TYPE_CHECKING:
    from mlflow.entities import Run

    from cxai_runner.tracking.store import Store

KEY: Final = SWEEP
"""Of a sweep's own run: what tells the sweep from any other."""
OF: Final = POINT_OF
POINT: Final = "cxai.sweep.point"
TRIAL: Final = "cxai.sweep.trial"
BEST: Final = "cxai.sweep.best"
"""Of a sweep's own run: the ids of the best; of each of those: ``true``."""
PRUNED: Final = "cxai.pruned"
WATCHED: Final = "cxai.sweep.watched"
"""Of a point's run that could have been given up: it keeps what was seen of it meanwhile."""
PARENT: Final = "mlflow.parentRunId"
_PAGE: Final = 1000


@dataclass(frozen=True, eq=False)
class Entry:
    """A run in the store, as far as a sweep has to know it.

    Parameters
    ----------
    run_id, status
        As MLflow has them.
    metrics, tags
        Its last values.
    began
        In milliseconds since the epoch.
    artifacts
        Where its files are.
    """

    run_id: str
    status: str
    metrics: Mapping[str, float]
    tags: Mapping[str, str]
    began: int
    artifacts: str = ""

    @classmethod
    def of(cls, run: Run) -> Entry:
        """Read one from MLflow's."""
        info, data = run.info, run.data
        return cls(info.run_id, info.status, data.metrics, data.tags, info.start_time, info.artifact_uri)

    @property
    def seconds(self) -> float:
        """What its stages took together, without what it waited for its turn to be written."""
        return sum(spent for name, spent in self.metrics.items() if name.startswith("seconds/"))


@dataclass(eq=False)
class Ledger:
    """The runs of one experiment.

    Parameters
    ----------
    store
        Where they are.
    experiment
        The id of the MLflow experiment.

    Attributes
    ----------
    finished
        The newest FINISHED run of each identity.
    """

    store: Store
    experiment: str
    finished: dict[str, Entry] = field(default_factory=dict)

    def read(self) -> None:
        """Read every finished run."""
        for run in self._search("attributes.status = 'FINISHED'"):
            self.add(Entry.of(run))

    def add(self, entry: Entry) -> None:
        """Take a run that has just finished."""
        identity = entry.tags.get("cxai.identity")
        if identity and entry.status == "FINISHED" and KEY not in entry.tags:
            self.finished.setdefault(identity, entry)

    def look_up(self, identity: str) -> Entry | None:
        """Return the finished run of an identity, as the store has it now: another sweep may have made it."""
        if identity not in self.finished:
            for run in self._search(f"attributes.status = 'FINISHED' and tags.`cxai.identity` = '{identity}'", 1):
                self.add(Entry.of(run))
        return self.finished.get(identity)

    def entry(self, run_id: str) -> Entry:
        """Return a run by its id."""
        return Entry.of(self.store.retry(self.store.client.get_run, run_id))

    def sweeps(self, key: str) -> list[Entry]:
        """Return the runs of the sweep with ``key`` itself, newest first."""
        return [Entry.of(run) for run in self._search(f"tags.`{KEY}` = '{key}'")]

    def children(self, sweep: str) -> list[Entry]:
        """Return the runs of a sweep's points, newest first."""
        return [Entry.of(run) for run in self._search(f"tags.`{OF}` = '{sweep}'")]

    def praised(self, run_id: str, but: str) -> bool:
        """Whether a sweep other than ``but`` names this run among its best."""
        named = self._search(f"tags.`{BEST}` LIKE '%{run_id}%'")
        return any(run.info.run_id != but for run in named)

    def _search(self, condition: str, limit: int | None = None) -> Iterator[Run]:
        client, token, newest = self.store.client, None, ["attributes.start_time DESC"]
        while True:
            page = self.store.retry(
                client.search_runs,
                [self.experiment],
                condition,
                max_results=limit or _PAGE,
                order_by=newest,
                page_token=token,
            )
            yield from page
            token = page.token
            if not token or limit is not None:
                return
