"""Wall time and peak memory of commands, and the row that a benchmark prints."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

_POLL_SECONDS = 0.02


@dataclass(frozen=True)
class Spent:
    """Seconds of wall time, and peak resident memory of the process and all that it started together, in MiB."""

    seconds: float
    memory_mb: float


@dataclass(frozen=True)
class Row:
    """One comparison: ours against a named peer, measured in the same run."""

    group: str
    what: str
    peer: str
    ours: Spent
    theirs: Spent
    target: str = ""

    @property
    def ratio(self) -> float:
        """Our seconds over theirs."""
        return self.ours.seconds / self.theirs.seconds


def spend(command: Sequence[str], environment: Mapping[str, str] | None = None, cwd: str | None = None) -> Spent:
    """Run a command once, with one thread, and measure it."""
    quiet = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", **(environment or {})}
    begun = time.perf_counter()
    child = subprocess.Popen(
        command, env={**os.environ, **quiet}, cwd=cwd, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    tree = _Tree(child.pid)
    _, status, _ = os.wait4(child.pid, 0)
    seconds = time.perf_counter() - begun
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode != 0:
        raise SystemExit(f"{' '.join(command)} ended with {child.returncode}")
    # Not the peak that the system counts: a child begins with that of the process that forked it.
    return Spent(seconds, tree.peak())


def peak() -> float:
    """Return the most resident memory that this process has held since it began, in MiB; on Linux alone."""
    (line,) = (one for one in Path("/proc/self/status").read_text().splitlines() if one.startswith("VmHWM:"))
    return int(line.split()[1]) / 1024


class _Tree:
    """Watches what a process and its children hold together; a page that two of them share counts twice."""

    def __init__(self, pid: int) -> None:
        self._root, self._peak, self._over = psutil.Process(pid), 0.0, threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def peak(self) -> float:
        """Stop watching, and return the peak in MiB."""
        self._over.set()
        self._thread.join()
        return self._peak / 2**20

    def _watch(self) -> None:
        while not self._over.wait(_POLL_SECONDS):
            with suppress(psutil.Error):
                held = [self._root, *self._root.children(recursive=True)]
                self._peak = max(self._peak, sum(process.memory_info().rss for process in held))


def fastest(
    command: Sequence[str], *, repeat: int, environment: Mapping[str, str] | None = None, cwd: str | None = None
) -> Spent:
    """The fastest of several runs after one that warms the file cache."""
    spend(command, environment, cwd)
    return min((spend(command, environment, cwd) for _ in range(repeat)), key=lambda spent: spent.seconds)
