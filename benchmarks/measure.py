"""Wall time and peak memory of commands, and the row that a benchmark prints."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Spent:
    """Seconds of wall time, and peak resident memory in MiB."""

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
    _, status, usage = os.wait4(child.pid, 0)
    seconds = time.perf_counter() - begun
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode != 0:
        raise SystemExit(f"{' '.join(command)} ended with {child.returncode}")
    return Spent(seconds, usage.ru_maxrss / 1024)


def fastest(
    command: Sequence[str], *, repeat: int, environment: Mapping[str, str] | None = None, cwd: str | None = None
) -> Spent:
    """The fastest of several runs after one that warms the file cache."""
    spend(command, environment, cwd)
    return min((spend(command, environment, cwd) for _ in range(repeat)), key=lambda spent: spent.seconds)
