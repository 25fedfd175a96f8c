"""A run that is told to stop closes itself.

SIGTERM kills a Python process where it stands: nothing is closed, nothing is written. Here it becomes an exception
like Ctrl-C, so that the run is closed as KILLED on the way out. While it is being closed further signals wait, since an
impatient second Ctrl-C must not leave a run half closed. `kill -9` cannot be caught: the next start closes that run.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final, NoReturn

EXIT_TERMINATED: Final = 143
EXIT_INTERRUPTED: Final = 130
_WATCHED: Final = (signal.SIGINT, signal.SIGTERM)


class Terminated(SystemExit):
    """The process was told to stop by SIGTERM; it exits with 143 unless somebody catches this."""

    def __init__(self) -> None:
        super().__init__(EXIT_TERMINATED)


def was_interrupted(error: BaseException) -> bool:
    """Whether somebody told the work to stop; DuckDB says so with an error of its own when it struck in a query.

    A library that calls ``sys.exit`` was not told to stop: it failed.
    """
    cause: BaseException | None = error
    while cause is not None:
        failed = isinstance(cause, SystemExit) and cause.code != EXIT_TERMINATED
        if not (isinstance(cause, Exception) or failed):
            return True
        if type(cause) is RuntimeError and str(cause) == "Query interrupted":
            return True
        cause = cause.__cause__
    return False


@contextmanager
def terminated_as_exception() -> Iterator[None]:
    """Raise `Terminated` in the main thread on SIGTERM while the block runs; does nothing in another thread."""
    if not _in_main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, _raise)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def shielded() -> Iterator[None]:
    """Let Ctrl-C and SIGTERM wait until the block is done, then act on the first of them."""
    if not _in_main_thread():
        yield
        return
    arrived: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        arrived.append(number)

    before = {number: signal.signal(number, note) for number in _WATCHED}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        if arrived:
            signal.raise_signal(arrived[0])


def _raise(number: int, frame: FrameType | None) -> NoReturn:
    raise Terminated


def _in_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()
