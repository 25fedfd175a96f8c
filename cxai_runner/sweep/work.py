"""One run of a sweep, made wherever there is room for it.

A job is plain data: the overrides of its run. What comes back is plain data too: the run as it is to be written. The
process that makes it imports no MLflow, keeps what the next job can use, and never talks to the store.
"""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Final

from cxai_runner.config.problems import Problem, UserError
from cxai_runner.watch import GivenUpError, Watch

if TYPE_CHECKING:
    from cxai_runner.config.compose import Composed
    from cxai_runner.sweep.workshop import Workshop
    from cxai_runner.tracking.courier import Parcel


_EVERY_JOB_IMPORTS: Final = ("cxai_runner.experiment", "cxai_runner.request", "ibis", "pandas", "sklearn.pipeline")


@dataclass(frozen=True)
class Job:
    """One run to be made.

    Parameters
    ----------
    label
        What the sweep calls it.
    lines
        Its overrides.
    config_dirs
        The user's own config folders.
    folder
        The working folder: relative paths start from there.
    """

    label: str
    lines: tuple[str, ...]
    config_dirs: tuple[str, ...] = ()
    folder: str = "."


@dataclass(frozen=True, eq=False)
class Outcome:
    """What became of a job.

    Parameters
    ----------
    label
        Its job's.
    began, seconds
        When, in seconds since the epoch, and for how long.
    where
        The process that made it.
    parcel
        The run as it is to be written; None where there is nothing to write.
    problems
        The user's mistakes, where those kept it from a result.
    error
        Why it failed, in a line; empty where it did not.
    trace
        Where its process was when it was lost, where that is known; what a job raised is in its parcel.
    given_up
        Whether the watch gave it up.
    """

    label: str
    began: float
    seconds: float
    where: str
    parcel: Parcel | None = None
    problems: Sequence[Problem] = ()
    error: str = ""
    given_up: bool = False
    trace: str = ""


def perform(job: Job, watch: Watch | None = None) -> Outcome:
    """Make a run; whatever goes wrong with it comes back as its outcome."""
    from cxai_runner.experiment import run
    from cxai_runner.request import request
    from cxai_runner.tracking.courier import Courier
    from cxai_runner.tracking.signals import was_interrupted
    from cxai_runner.tracking.stages import Stages

    began, clock = time.time(), time.perf_counter()
    where = f"{platform.node()}:{os.getpid()}"
    courier: Courier | None = None
    problems: Sequence[Problem] = ()
    error, given_up = "", False
    os.chdir(job.folder)
    try:
        asked = request(job.lines, [Path(folder) for folder in job.config_dirs])
        courier = Courier(asked.privacy)
        stages = Stages()
        with stages.measure("load"):
            ready = _workshop().ready(_as_child(asked.composed))
            ready.folds  # noqa: B018 - planned here, so that what it costs counts as loading
        run(ready, courier, stages, watch)
    except GivenUpError:
        given_up = True
    except UserError as mistake:
        problems, error = mistake.problems, in_a_line(mistake)
    except (Exception, SystemExit) as failure:  # one run that fails must not take the others with it
        if was_interrupted(failure):
            raise
        error = f"{type(failure).__name__}: {failure}".removesuffix(": ")
    parcel = courier.parcel if courier is not None else None
    return Outcome(job.label, began, time.perf_counter() - clock, where, parcel, problems, error, given_up)


def in_a_line(mistake: UserError) -> str:
    """Return all that is wrong in one line, without the count that stands above it elsewhere."""
    return "; ".join(f"{one.key}: {one.message}" + f"; {one.remedy}" * bool(one.remedy) for one in mistake.problems)


def _as_child(composed: Composed) -> Composed:
    """The config with less to be written, unless somebody asked for more: a sweep has no use for a hundred reports."""
    if "tracking.level" not in composed.given:
        composed.plain["tracking"]["level"] = "child"
    return composed


@cache
def _workshop() -> Workshop:
    """Return the one of this process, for as long as it lives."""
    from cxai_runner.sweep.workshop import Workshop

    return Workshop()


def warm() -> int:
    """Import what every job needs, before there is one; returns the process's id."""
    for module in _EVERY_JOB_IMPORTS:
        import_module(module)
    return os.getpid()
