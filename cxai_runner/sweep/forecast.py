"""How much a sweep has left to do, and how long that may take: from runs of the same models in the store."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from cxai_runner.sweep.ledger import Entry, Ledger
    from cxai_runner.sweep.plan import Plan

_STAGES: Final = ("digest", "fit", "evaluate", "report", "log")
"""What every run does; its features are built once for all that share them."""
_HISTORY: Final = 50
_BUILDS: Final = 0.5
"""Seconds from which on features were built, and not found."""


@dataclass(frozen=True)
class Forecast:
    """What is left.

    Parameters
    ----------
    points
        How many there are.
    done
        How many of them are finished runs.
    features, built
        How many distinct sets of features there are, and how many of those are kept from earlier runs.
    seconds
        Until all is done; None where no run of these models is known.
    """

    points: int
    done: int
    features: int
    built: int
    seconds: float | None

    @property
    def left(self) -> int:
        """How many points are to be run."""
        return self.points - self.done


def forecast(plan: Plan, ledger: Ledger | None, jobs: int, *, rerun: bool = False) -> Forecast:
    """Say what is left of a sweep.

    Parameters
    ----------
    plan
        The sweep.
    ledger
        The runs there are; None where there is no store yet.
    jobs
        How many runs are made at once.
    rerun
        Whether what is done is made again.
    """
    known: Mapping[str, Entry] = {} if ledger is None else ledger.finished
    finished: Mapping[str, Entry] = {} if rerun else known
    settings = plan.asked.settings
    identities = [point.keys.identity for point in plan.points if point.keys is not None]
    left = [point for point in plan.points if point.keys is not None and point.keys.identity not in finished]
    needed = {point.keys.features for point in left if point.keys is not None} if plan.points else set(plan.built)
    to_build = sum(not plan.built[key] for key in needed)
    total = len(plan.points) or (settings.trials or 0) * settings.repeats
    runs = total - sum(identity in finished for identity in identities)
    each, build = _seconds(known.values(), plan)
    seconds = None if each is None else (runs * each + to_build * build) / max(1, min(jobs, runs))
    return Forecast(total, total - runs, len(needed), len(needed) - to_build, seconds)


def _seconds(entries: Iterable[Entry], plan: Plan) -> tuple[float | None, float]:
    """The usual seconds of one run, and of building features; None where nothing like it was run."""
    task = plan.base.experiment.composed.choices.get("task", "")
    models = {axis.key: axis.examples for axis in plan.space.axes}.get("model")
    wanted = set(models or [plan.base.experiment.composed.choices.get("model", "").rpartition("/")[2]])
    alike = sorted(
        (one for one in entries if one.tags.get("cxai.task") == task and one.tags.get("cxai.model") in wanted),
        key=lambda one: one.began,
    )[-_HISTORY:]
    if not alike:
        return None, 0.0
    each = median(sum(one.metrics.get(f"seconds/{stage}", 0.0) for stage in _STAGES) for one in alike)
    builds = [spent for one in alike if (spent := one.metrics.get("seconds/features", 0.0)) > _BUILDS]
    return each, median(builds) if builds else 0.0
