"""How long each stage took, and how much memory it needed at its peak."""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_RESET = Path("/proc/self/clear_refs")
_STATUS = Path("/proc/self/status")


def _nobody(stage: str) -> None:
    """Tell nobody."""


@dataclass
class Stages:
    """Measures the stages of one run; a stage entered again adds its time to what it had.

    Parameters
    ----------
    tell
        Called with the stage's name as it begins, for a progress display.

    Attributes
    ----------
    seconds
        Wall time per stage.
    peak_memory_mb
        The process's peak resident memory while the stage ran, in MiB. Where the system cannot reset its high-water
        mark (anything but Linux), it is the peak so far.
    """

    tell: Callable[[str], None] = _nobody
    seconds: dict[str, float] = field(default_factory=dict)
    peak_memory_mb: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def measure(self, stage: str) -> Iterator[None]:
        """Time the block as ``stage``."""
        self.tell(stage)
        _reset_peak()
        begun = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[stage] = self.seconds.get(stage, 0.0) + time.perf_counter() - begun
            self.peak_memory_mb[stage] = max(self.peak_memory_mb.get(stage, 0.0), _peak_mb())

    def run(self, stage: str, work: Callable[..., Any], *arguments: Any) -> Any:
        """Return ``work(*arguments)``, timed as ``stage``."""
        with self.measure(stage):
            return work(*arguments)


def _reset_peak() -> None:
    try:
        _RESET.write_text("5")
    except OSError:
        # Not Linux, or a sandbox that forbids it: the peak then counts from the start of the process.
        return


def _peak_mb() -> float:
    try:
        for line in _STATUS.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    except OSError:
        pass
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 2**20 if sys.platform == "darwin" else peak / 1024
