"""Runs made by the process that asks for them, one after the other: to look at a failure with a debugger."""

from __future__ import annotations

from cxai_runner.sweep.executors import Executor, Lost
from cxai_runner.sweep.work import Job, Outcome, perform
from cxai_runner.watch import Watch


class InProcess(Executor):
    """One place: this process."""

    def __init__(self) -> None:
        self._waiting: tuple[Job, Watch | None] | None = None

    @property
    def places(self) -> int:
        """How many jobs it can make at once."""
        return 1

    @property
    def busy(self) -> dict[int, Job]:
        """The job at each place that has one."""
        return {} if self._waiting is None else {0: self._waiting[0]}

    def submit(self, job: Job, watch: Watch | None = None) -> None:
        """Take a job; it is made when somebody asks what ended."""
        self._waiting = (job, watch)

    def ended(self, patience: float) -> list[Outcome | Lost]:
        """Make the job that waits, however long it takes."""
        if self._waiting is None:
            return []
        job, watch = self._waiting
        self._waiting = None
        return [perform(job, watch)]

    def close(self) -> None:
        """Forget the job that waits."""
        self._waiting = None
