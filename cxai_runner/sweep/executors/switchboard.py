"""A line from a run in another process to the watch that looks on from here.

A pruner knows all trials, so it stays with whoever coordinates. The run gets a `Distant` watch, which passes on what it
hears and asks whether to stop. A line that is lost never stops a run: it is then merely not given up.
"""

from __future__ import annotations

import contextlib
import secrets
import shutil
import socket
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing import AuthenticationError
from multiprocessing.connection import Client, Connection, Listener
from pathlib import Path
from typing import Any, Final, NamedTuple

from cxai_runner.watch import Watch

PATIENCE: Final = 60.0
"""Seconds after which a run that asked goes on without an answer."""


class Question(NamedTuple):
    """What a run says or asks.

    Parameters
    ----------
    label
        The run's.
    step
        A point of a learning curve; None asks whether the run is given up.
    """

    label: str
    step: tuple[str, float, int] | None = None


class Distant(Watch):
    """A watch that is somewhere else.

    Parameters
    ----------
    label
        The run's.
    judges
        As the watch itself has it.
    ask
        Puts a question and returns the answer; whatever it raises means that the line is lost.
    """

    def __init__(self, label: str, judges: bool, ask: Callable[[Question], bool]) -> None:
        self.label, self.judges, self._ask = label, judges, ask
        self._lost = False

    def step(self, metric: str, value: float, number: int) -> None:
        """Pass a point of a learning curve on."""
        self._put(Question(self.label, (metric, float(value), int(number))))

    def should_stop(self) -> bool:
        """Ask whether the run is given up."""
        return self._put(Question(self.label))

    def _put(self, question: Question) -> bool:
        if self._lost:
            return False
        try:
            return self._ask(question)
        except Exception:  # whatever became of the line, it is no fault of the run's
            self._lost = True
            return False


class Board:
    """The watches of the runs that are being made, by the runs' labels."""

    def __init__(self) -> None:
        self._watches: dict[str, Watch] = {}

    def take_up(self, label: str, watch: Watch) -> None:
        """Answer for a run from now on."""
        self._watches[label] = watch

    def hang_up(self, label: str) -> None:
        """Answer no more for a run: what still comes from it counts for nothing."""
        self._watches.pop(label, None)

    def answer(self, question: Question) -> bool:
        """Hear a step, or say whether a run is given up."""
        watch = self._watches.get(question.label)
        if watch is None:
            return False
        if question.step is None:
            return watch.should_stop()
        watch.step(*question.step)
        return False


@dataclass(eq=False)
class Caller:
    """Puts questions through a socket; it connects when it has the first one."""

    address: Any
    family: str
    key: bytes = field(repr=False)
    _connection: Connection | None = field(default=None, repr=False)

    def __call__(self, question: Question) -> bool:
        """Put a question; raises `OSError` or `EOFError` where nobody answers."""
        if self._connection is None:
            self._connection = Client(self.address, self.family, authkey=self.key)
        self._connection.send(question)
        if not self._connection.poll(PATIENCE):
            raise TimeoutError
        return bool(self._connection.recv())


class Switchboard(Board):
    """A board that processes of this machine can call; threads of this process answer.

    It listens on a socket in a folder that nobody else may enter, or on the loopback address where the system has no
    such sockets; a caller has to know a random key besides.
    """

    def __init__(self) -> None:
        super().__init__()
        self._folder = Path(tempfile.mkdtemp(prefix="cxai-"))
        self._key = secrets.token_bytes(32)
        self._family = "AF_UNIX" if hasattr(socket, "AF_UNIX") else "AF_INET"
        where: Any = str(self._folder / "line") if self._family == "AF_UNIX" else ("127.0.0.1", 0)
        self._listener = Listener(where, self._family, backlog=64, authkey=self._key)
        self._closed = False
        threading.Thread(target=self._listen, name="cxai-switchboard", daemon=True).start()

    def line(self, label: str, watch: Watch) -> Distant:
        """Return what a run can be given in place of its watch."""
        self.take_up(label, watch)
        return Distant(label, watch.judges, Caller(self._listener.address, self._family, self._key))

    def close(self) -> None:
        """Answer nobody any more."""
        if self._closed:
            return
        self._closed = True
        with contextlib.suppress(OSError, EOFError, AuthenticationError):
            Client(self._listener.address, self._family).close()  # wakes the thread that listens
        self._listener.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _listen(self) -> None:
        while not self._closed:
            try:
                connection = self._listener.accept()
            except (OSError, EOFError, AuthenticationError):  # a caller that went away, or does not know the key
                time.sleep(0.01)
                continue
            threading.Thread(target=self._serve, args=(connection,), name="cxai-line", daemon=True).start()

    def _serve(self, connection: Connection) -> None:
        with connection, contextlib.suppress(OSError, EOFError):
            while True:
                connection.send(self.answer(connection.recv()))
