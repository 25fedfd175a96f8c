"""What the Ray executor keeps on the cluster: the workers, and the small actors beside them.

Nothing here imports Ray but inside functions, so that a machine of the cluster loads what it needs and no more.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cxai_runner.sweep.executors.switchboard import Question

if TYPE_CHECKING:
    from cxai_runner.sweep.work import Job, Outcome
    from cxai_runner.watch import Watch


class Worker:
    """A process of the cluster that makes one run after another."""

    def begin(self) -> tuple[str, int]:
        """Import what every run needs; returns the ids of the machine and of the process."""
        import ray

        from cxai_runner.sweep.work import warm

        return ray.get_runtime_context().get_node_id(), warm()

    def perform(self, job: Job, watch: Watch | None) -> Outcome:
        """Make a run."""
        from cxai_runner.sweep.work import perform

        return perform(job, watch)


class Warden:
    """Says how much memory processes of its machine take.

    Ray could be asked to give each worker its share, which it neither measures nor enforces; and a worker that computes
    in C need not let a second method of its own have a turn. So another process looks.
    """

    def memory_mb(self, processes: Sequence[int]) -> dict[int, float]:
        """Return the megabytes of each process that there is."""
        import psutil

        found = {}
        for process in processes:
            try:
                found[process] = psutil.Process(process).memory_info().rss / 1e6
            except psutil.Error:
                continue
        return found


class Desk:
    """Holds the questions of runs until whoever coordinates fetches them: an actor cannot call the driver."""

    def __init__(self) -> None:
        self._asked: asyncio.Queue[tuple[int, Question]] = asyncio.Queue()
        self._answers: dict[int, asyncio.Future[bool]] = {}
        self._count = 0

    async def ask(self, question: Question) -> bool:
        """Put a question and wait for its answer."""
        self._count += 1
        number = self._count
        self._answers[number] = asyncio.get_running_loop().create_future()
        self._asked.put_nowait((number, question))
        return await self._answers[number]

    async def next(self, patience: float) -> tuple[int, Question] | None:
        """Return a question that waits; None where none comes within ``patience`` seconds."""
        try:
            return await asyncio.wait_for(self._asked.get(), patience)
        except TimeoutError:
            return None

    async def answer(self, number: int, answer: bool) -> None:
        """Answer a question."""
        future = self._answers.pop(number)
        if not future.done():
            future.set_result(answer)


@dataclass(eq=False)
class DeskLine:
    """Puts questions by way of a desk."""

    desk: Any
    patience: float

    def __call__(self, question: Question) -> bool:
        """Put a question; raises one of Ray's errors where nobody answers."""
        import ray

        return bool(ray.get(self.desk.ask.remote(question), timeout=self.patience))
