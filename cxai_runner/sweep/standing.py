"""A sweep as it stands: its points, what they came to, and which is best."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from cxai_runner.sweep.objectives import Standing, standings

if TYPE_CHECKING:
    import pandas as pd

    from cxai_runner.report.document import Document
    from cxai_runner.sweep.ledger import Entry
    from cxai_runner.sweep.plan import Plan
    from cxai_runner.sweep.points import Point

_LINE: Final = 200
"""Letters of a reason that a line on a terminal shows."""
_CELL: Final = 500
_COUNT: Final = re.compile(r"(\w+: )?\d+ problems?\b.*")


@dataclass(frozen=True)
class Failure:
    """A point without a result.

    Parameters
    ----------
    point
        The point.
    reason
        Why, in the words of who failed.
    run_id
        Its FAILED run, which keeps the traceback; empty where there is none.
    """

    point: Point
    reason: str
    run_id: str = ""

    @property
    def line(self) -> str:
        """The reason as a terminal shows it: its first line that says one, cut where nobody reads on."""
        lines = [" ".join(line.split()) for line in self.reason.splitlines() if line.strip()]
        if len(lines) > 1 and _COUNT.fullmatch(lines[0]):  # which counts the problems that are told below it
            lines = lines[1:]
        return _cut(lines[0] if lines else "", _LINE)

    @property
    def brief(self) -> str:
        """The reason as a table shows it: in one line, which is cut where the traceback of the run says more."""
        return _cut(" ".join(self.reason.split()), _CELL)


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


@dataclass(eq=False)
class Sweep:
    """What a sweep came to so far.

    Parameters
    ----------
    plan
        What it set out to do.
    run_id
        Its own run.
    points
        All that were asked for up to now.
    entries
        Run of each finished point, by its id.
    failures
        Points without a result.
    given_up
        Labels of points that were given up.
    stopped
        Why no more runs were begun, where it was no fault of theirs; empty where that is not so.
    made, seconds
        Runs of this start, and how long it took.
    artifacts
        Where the files of its own run are.
    document
        What its report says; None before its end.
    """

    plan: Plan
    run_id: str = ""
    points: list[Point] = field(default_factory=list)
    entries: dict[str, Entry] = field(default_factory=dict)
    failures: list[Failure] = field(default_factory=list)
    given_up: set[str] = field(default_factory=set)
    stopped: str = ""
    made: int = 0
    seconds: float = 0.0
    artifacts: str = ""
    document: Document | None = None

    @property
    def is_whole(self) -> bool:
        """Whether every point is a finished run, or was given up, and can be ranked."""
        return not (self.failures or self.stopped) and all(
            point.run_id or point.label in self.given_up for point in self.points
        )

    def standings(self) -> list[Standing]:
        """Rank the trials."""
        metrics: Mapping[str, Mapping[str, float]] = {run_id: entry.metrics for run_id, entry in self.entries.items()}
        return standings(self.points, metrics, self.plan.goals)

    def best(self) -> list[Standing]:
        """Return the trial that no other beats, or those where there are several objectives."""
        return [one for one in self.standings() if one.best]

    def table(self) -> pd.DataFrame:
        """Return one row per run, by rank: what varies, each objective with its interval, seconds, status and run."""
        import pandas as pd

        reasons = {failure.point.label: failure for failure in self.failures}
        rows = []
        for standing in self.standings():
            for point in standing.points:
                entry = self.entries.get(point.run_id)
                row: dict[str, object] = {"rank": standing.rank, "point": point.label, **standing.trial.values}
                if point.seed is not None:
                    row["seed"] = point.seed
                for goal in self.plan.goals:
                    found = goal.read(entry.metrics) if entry is not None else None
                    ends = (found.value, found.low, found.high) if found is not None else (None, None, None)
                    row |= dict(zip((goal.name, f"{goal.name}_low", f"{goal.name}_high"), ends, strict=True))
                row["seconds"] = None if entry is None else entry.metrics.get("seconds/fit")
                row["status"] = self._status(point, reasons)
                failure = reasons.get(point.label)
                row["run"] = point.run_id or (failure.run_id if failure is not None else "")
                rows.append(row)
        keys = [axis.key for axis in self.plan.space.axes]
        table = pd.DataFrame(rows)
        order = ["rank", "point", *dict.fromkeys(keys)]
        return table[[*(one for one in order if one in table), *(one for one in table if one not in order)]].astype(
            {"rank": "Int64"} if "rank" in table else {}
        )

    def _status(self, point: Point, reasons: Mapping[str, Failure]) -> str:
        if point.label in reasons:
            return "failed"
        if point.label in self.given_up:
            return "given up"
        if not point.run_id:
            return "not run"
        return "linked" if point.is_linked else "finished"
