"""Where the runs of a sweep are made: each executor has places, takes a job for each that is free, and says what ended.

All of them run the same function on the same data, so that the same sweep has the same metrics on each.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cxai_runner.sweep.settings import Settings
    from cxai_runner.sweep.work import Job, Outcome
    from cxai_runner.watch import Watch


@dataclass(frozen=True)
class Lost:
    """A job whose process ended before it did.

    Parameters
    ----------
    job
        The job.
    reason
        Why, as far as is known.
    again
        Whether it is no fault of the job's, so that it is worth another try: its machine went away.
    trace
        Where its process was at that moment, where that is known.
    """

    job: Job
    reason: str
    again: bool = False
    trace: str = ""


class Executor(ABC):
    """Makes runs; a context manager that leaves no process behind."""

    @property
    @abstractmethod
    def places(self) -> int:
        """How many jobs it can make at once."""

    @property
    @abstractmethod
    def busy(self) -> dict[int, Job]:
        """The job at each place that has one."""

    @abstractmethod
    def submit(self, job: Job, watch: Watch | None = None) -> None:
        """Begin a job at a free place."""

    @abstractmethod
    def ended(self, patience: float) -> list[Outcome | Lost]:
        """Return what ended, waiting for the first for ``patience`` seconds at most."""

    @abstractmethod
    def close(self) -> None:
        """End every process; what is not done is lost."""

    def __enter__(self) -> Executor:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def executor(settings: Settings, places: int | None, threads: int) -> Executor:
    """Return the executor that a sweep names.

    Parameters
    ----------
    settings
        The sweep's own.
    places
        How many jobs are made at once; None for as many as there is room for.
    threads
        How many threads each is held to.

    Raises
    ------
    UserError
        It cannot be had here.
    """
    if settings.executor == "in_process":
        from cxai_runner.sweep.executors.in_process import InProcess

        return InProcess()
    if settings.executor == "ray":
        from cxai_runner.sweep.executors.ray import OnRay

        return OnRay(settings, places, threads)
    from cxai_runner.sweep.executors.processes import Processes

    return Processes(settings, places or 1, threads)
