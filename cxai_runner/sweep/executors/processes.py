"""Runs made by processes of this machine, which import everything once and stay warm.

Each place is a loky executor with one process: where several share an executor, one that dies takes the jobs of all
with it, and nobody knows whose fault it was. A job that takes too long or too much memory is ended with its process,
since no library that computes in C can be asked to stop.
"""

from __future__ import annotations

import contextlib
import faulthandler
import os
import signal
import sys
import tempfile
import threading
import time
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from cxai_runner.own_code import ours_first
from cxai_runner.sweep.executors import Executor, Lost
from cxai_runner.sweep.work import Job, Outcome, perform, warm
from cxai_runner.threads import environment

if TYPE_CHECKING:
    from loky import ProcessPoolExecutor

    from cxai_runner.sweep.executors.switchboard import Switchboard
    from cxai_runner.sweep.settings import Settings
    from cxai_runner.watch import Watch

_LOOK_SECONDS: Final = 0.25
"""How often a limit is looked after."""
_NO_LEAK: Final = {"LOKY_MAX_MEMORY_LEAK_SIZE": "1e15"}
"""What a worker remembers for its next job is no leak, for which loky would begin it anew, cold, between two jobs."""


@dataclass(eq=False)
class _Place:
    """A process, and the job that it has."""

    pool: ProcessPoolExecutor
    warm: Future[int]
    crash: Path
    job: Job | None = None
    future: Future[Outcome] | None = None
    begun: float | None = None
    ended_for: str = ""


class Processes(Executor):
    """As many places as processes.

    Parameters
    ----------
    settings
        The limits of a job.
    places
        How many.
    threads
        How many threads each is held to.
    """

    def __init__(self, settings: Settings, places: int, threads: int) -> None:
        self._settings = settings
        self._threads = threads
        self._switchboard: Switchboard | None = None
        self._crashes = tempfile.TemporaryDirectory(prefix="cxai-crashes-", ignore_cleanup_errors=True)
        self._opened_so_far = 0
        self._places = [self._opened() for _ in range(places)]

    def _opened(self) -> _Place:
        from loky import ProcessPoolExecutor

        env = environment(self._threads) | _NO_LEAK
        self._opened_so_far += 1
        crash = Path(self._crashes.name) / f"{self._opened_so_far}.txt"
        start = (os.getpid(), str(crash))
        sys.path[:] = ours_first(sys.path)  # a worker takes the path of this process
        pool = ProcessPoolExecutor(max_workers=1, timeout=None, env=env, initializer=_prepare, initargs=start)
        return _Place(pool, pool.submit(warm), crash)

    @property
    def places(self) -> int:
        """How many jobs it can make at once."""
        return len(self._places)

    @property
    def busy(self) -> dict[int, Job]:
        """The job at each place that has one."""
        return {number: place.job for number, place in enumerate(self._places) if place.job is not None}

    def submit(self, job: Job, watch: Watch | None = None) -> None:
        """Begin a job at a free place."""
        from loky.process_executor import BrokenProcessPool

        number = next(number for number, place in enumerate(self._places) if place.job is None)
        line = None if watch is None else self._line(job, watch)
        try:
            future = self._places[number].pool.submit(perform, job, line)
        except BrokenProcessPool:  # it died while it waited, which is nobody's fault here
            self._replace(number)
            future = self._places[number].pool.submit(perform, job, line)
        place = self._places[number]
        place.job, place.future, place.begun, place.ended_for = job, future, None, ""

    def ended(self, patience: float) -> list[Outcome | Lost]:
        """Return what ended, waiting for the first for ``patience`` seconds at most."""
        deadline = time.monotonic() + patience
        while True:
            futures: list[Future[Any]] = [one.future for one in self._places if one.future is not None]
            wait(
                futures, timeout=min(_LOOK_SECONDS, max(0.0, deadline - time.monotonic())), return_when=FIRST_COMPLETED
            )
            for place in self._places:
                self._hold_to_limits(place)
            found = [self._taken(number) for number, one in enumerate(self._places) if one.future and one.future.done()]
            if found or not futures or time.monotonic() >= deadline:
                return found

    def close(self) -> None:
        """End every process; what is not done is lost."""
        for place in self._places:
            place.pool.shutdown(wait=False, kill_workers=True)
        if self._switchboard is not None:
            self._switchboard.close()
        self._crashes.cleanup()

    def _line(self, job: Job, watch: Watch) -> Watch:
        from cxai_runner.sweep.executors.switchboard import Switchboard

        self._switchboard = self._switchboard or Switchboard()
        return self._switchboard.line(job.label, watch)

    def _taken(self, number: int) -> Outcome | Lost:
        """What the job at a place came to; a process that died is replaced."""
        from loky.process_executor import BrokenProcessPool

        place = self._places[number]
        job, future = place.job, place.future
        assert job is not None
        assert future is not None
        place.job = place.future = None
        if self._switchboard is not None:
            self._switchboard.hang_up(job.label)
        error = future.exception()  # looked at, never raised: what a job raises is not told to whoever coordinates
        if error is None:
            return future.result()
        if isinstance(error, BrokenProcessPool):
            self._replace(number)
            return Lost(job, place.ended_for or _worded(error), trace=_trace(place.crash))
        return Lost(job, f"{type(error).__name__}: {error}".removesuffix(": "))  # its outcome could not cross, say

    def _replace(self, number: int) -> None:
        self._places[number].pool.shutdown(wait=False, kill_workers=True)
        self._places[number] = self._opened()

    def _hold_to_limits(self, place: _Place) -> None:
        if place.future is None or place.future.done() or place.ended_for:
            return
        if not place.warm.done() or place.warm.exception() is not None:
            return
        process, settings = place.warm.result(), self._settings
        place.begun = place.begun or time.monotonic()  # what a process takes to get warm is no time of its job
        if settings.seconds is not None and time.monotonic() - place.begun > settings.seconds:
            place.ended_for = f"it took more than {settings.seconds:g} s (sweep.seconds)"
        elif settings.memory_mb is not None and _memory_mb(process) > settings.memory_mb:
            place.ended_for = f"it took more than {settings.memory_mb:,.0f} MB (sweep.memory_mb)"
        if place.ended_for:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)


def _prepare(owner: int, crash: str) -> None:
    """Leave Ctrl-C to whoever coordinates, who decides what becomes of the runs; end when that process is gone.

    What a model prints goes to standard error: the sweep's own output may be a document. Where a crash of compiled code
    struck goes to a file, from which its run has it.
    """
    os.dup2(2, 1)
    with contextlib.suppress(OSError):  # somebody cleared temporary files away: no run fails for that
        faulthandler.enable(Path(crash).open("w"))  # noqa: SIM115 - open for as long as the process lives
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_leave_with, args=(owner,), name="cxai-owner", daemon=True).start()


def _trace(crash: Path) -> str:
    """Where a process was when it crashed, without the list of every library it had; empty where it was ended."""
    try:
        return crash.read_text(errors="replace").partition("\nExtension modules:")[0].strip()
    except FileNotFoundError:  # it ended before it had begun
        return ""


def _leave_with(owner: int) -> None:
    while os.getppid() == owner:
        time.sleep(_LOOK_SECONDS)
    os._exit(1)


def _memory_mb(process: int) -> float:
    import psutil

    try:
        return float(psutil.Process(process).memory_info().rss) / 1e6
    except psutil.Error:
        return 0.0


def _worded(error: BaseException) -> str:
    """Why a process ended, in a line."""
    told = str(error)
    if "SIGKILL" in told:
        return "its process was killed (SIGKILL): often the machine had no memory left"
    signals = [name for name in ("SIGSEGV", "SIGABRT", "SIGTERM", "SIGBUS") if name in told]
    return f"its process ended ({signals[0]})" if signals else "its process ended"
