"""MLflow in a process of its own, so that nobody waits for it.

Importing MLflow takes seconds, as does what saving a model needs. The recorder does it while the data are read, and the
process that works never imports MLflow at all. It owns no run: the run carries the working process as its owner, and
a recorder whose owner died stops where it is, so that what `kill -9` cut off stays cut off.

It speaks a small language over a pair of sockets, one request and one answer at a time: ``open`` a destination,
``enter`` a run, ``finish`` or ``end`` it. Objects cross as pickles: both ends are this program.
"""

from __future__ import annotations

import json
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Mapping
from importlib import import_module
from multiprocessing.connection import Connection, Pipe
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final

from cxai_runner.config.problems import UserError
from cxai_runner.own_code import ours_first
from cxai_runner.tracking.record import Level, Record
from cxai_runner.tracking.run import Destination, Ending, TrackedRun, Tracker, who
from cxai_runner.tracking.signals import shielded

if TYPE_CHECKING:
    from cxai_runner.tracking.pseudonyms import Privacy

AHEAD: Final = (
    "mlflow.store.tracking.sqlalchemy_store",
    "scipy.stats",
    "pandas",
    "sklearn.pipeline",
    "pyarrow.parquet",
    "sklearn.linear_model",
    "sklearn.ensemble",
    "skops.io",
)
"""Imported while nothing is asked: what opening a store needs, then what logging a run does, in steps of at most half a
second, since a request waits until the step is done."""
_WATCH_SECONDS: Final = 0.5
_PROGRAM: Final = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); "
    "from cxai_runner.tracking.recorder import serve; serve(int(sys.argv[2]))"
)


class RecorderError(Exception):
    """The recorder could not do what it was asked; its own traceback is the cause."""


class _ElsewhereError(Exception):
    """Shows the traceback of another process below that of this one."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __str__(self) -> str:
        return f"\n{self.text}"


def wanted() -> bool:
    """Whether a recorder saves time here: not where MLflow is loaded already, nor where sockets cannot be inherited."""
    return "mlflow" not in sys.modules and os.name == "posix"


class Recorder:
    """A `Tracker` at the other end of a socket; a context manager that ends its process.

    Attributes
    ----------
    privacy
        Whether customer ids are kept from the store; known once it is opened.
    latest
        The run that was started last; None before the first.
    """

    def __init__(self) -> None:
        ours, theirs = Pipe()
        # A session of its own: the terminal's Ctrl-C goes to the owner, who decides what becomes of the run.
        self._process = subprocess.Popen(
            [sys.executable, "-c", _PROGRAM, json.dumps(ours_first(sys.path)), str(theirs.fileno())],
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            stdout=2,  # standard output belongs to the owner's summary
            start_new_session=True,
        )
        theirs.close()
        self._socket = ours
        self._opened = False
        self.privacy: Privacy
        self.latest: RecordedRun | None = None

    def __enter__(self) -> Recorder:
        return self

    def __exit__(self, *_: object) -> None:
        """Hang up, whereupon the process closes its store and ends by itself; nobody waits for that."""
        self._socket.close()
        if not self._opened:
            self._process.kill()

    def open(self, to: Destination) -> list[str]:
        """Do as `Tracker.open` does, and return the ids of the runs that were closed."""
        self.privacy, self._opened = to.privacy, True
        return list(self.ask("open", to))

    def start(self, name: str, tags: Mapping[str, str] | None = None, opening: Record | None = None) -> RecordedRun:
        """Return a run to enter with ``with``, as `Tracker.start` does."""
        return RecordedRun(self, name, dict(tags or {}), opening or Record())

    def ask(self, request: str, *arguments: Any) -> Any:
        """Send a request and return its answer.

        Told to stop meanwhile, it tells the recorder so, and waits for its answer before the signal goes on: what was
        being written is then either whole or left.

        Raises
        ------
        UserError
            As the recorder raised it.
        RecorderError
            It raised anything else, or is gone.
        """
        import cloudpickle

        message = cloudpickle.dumps((request, arguments))
        try:
            with shielded():  # half a message would be taken for the beginning of the next
                self._socket.send_bytes(message)
            self._socket.poll(None)
        except (KeyboardInterrupt, SystemExit):
            with shielded():
                self._process.send_signal(signal.SIGINT)
                self._answer()
            raise
        except OSError:
            pass  # it is gone, as reading its answer will show
        with shielded():
            failure, answer = self._answer()
        if failure is not None:
            error, text = failure
            raise error from _ElsewhereError(text)
        return answer

    def _answer(self) -> tuple[tuple[Exception, str] | None, Any]:
        try:
            failure, answer = pickle.loads(self._socket.recv_bytes())  # noqa: S301 - written by our own process
        except (EOFError, OSError):
            code = self._process.wait()
            return (RecorderError(f"the process that writes the run ended with {code}"), ""), None
        return failure, answer


class RecordedRun:
    """A `TrackedRun` at the other end of a socket: entered, finished and left in the same way."""

    def __init__(self, recorder: Recorder, name: str, tags: dict[str, str], opening: Record) -> None:
        self._recorder = recorder
        self._begin = (name, who() | tags, opening)
        self.run_id = ""
        self.artifact_uri = ""
        self.status = "RUNNING"

    def __enter__(self) -> RecordedRun:
        try:
            with shielded():
                self.run_id, self.artifact_uri = self._recorder.ask("enter", *self._begin)
        except (KeyboardInterrupt, SystemExit) as stop:  # told to stop while it was being made
            self._end(stop)
            raise
        self._recorder.latest = self
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.status == "RUNNING":
            self._end(error)

    def finish(self, record: Record, level: Level = "full") -> None:
        """Write everything that the run holds, as `TrackedRun.finish` does."""
        self.status = self._recorder.ask("finish", record, level)

    def _end(self, error: BaseException | None) -> None:
        with shielded():
            self.status = self._recorder.ask("end", Ending.of(error))


class _Served:
    """The recorder's own side: one tracker, one run at a time."""

    def __init__(self, owner: int) -> None:
        self._owner = owner
        self._tracker: Tracker
        self._run: TrackedRun | None = None

    def open(self, to: Destination) -> list[str]:
        self._tracker, closed = Tracker.open(to, self._owner)
        return closed

    def enter(self, name: str, tags: Mapping[str, str], opening: Record) -> tuple[str, str]:
        self._run = self._tracker.start(name, tags, opening).__enter__()
        return self._run.run_id, self._run.artifact_uri

    def finish(self, record: Record, level: Level) -> str:
        run = self._run
        if run is None:
            raise RuntimeError("no run was entered")
        signal.signal(signal.SIGINT, signal.default_int_handler)  # the owner may still be told to stop
        try:
            run.finish(record, level)
        finally:
            signal.signal(signal.SIGINT, signal.SIG_IGN)
        return run.status

    def end(self, ending: Ending) -> str:
        if self._run is None:
            return ending.status
        self._run.end(ending)
        return self._run.status


def serve(descriptor: int) -> None:
    """Answer requests until the owner hangs up or dies; this is all that a recorder's process does."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    owner = os.getppid()
    threading.Thread(target=_leave_with, args=(owner,), name="cxai-owner", daemon=True).start()
    served, socket, ahead = _Served(owner), Connection(descriptor), iter(AHEAD)
    while True:
        for module in ahead:
            _import_quietly(module)
            if socket.poll(0):
                break
        try:
            socket.send_bytes(pickle.dumps(_answered(served, socket.recv_bytes())))
        except (EOFError, OSError):
            break
    # Whoever reads what the owner said need not wait until the store is closed and Python gone.
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    os.dup2(1, 2)


def _answered(served: _Served, message: bytes) -> tuple[tuple[Exception, str] | None, Any]:
    """The result of a request, or its failure in a form that can cross."""
    try:
        request, arguments = pickle.loads(message)  # noqa: S301 - written by our own process
        return None, getattr(served, request)(*arguments)
    except UserError as error:
        return (error, traceback.format_exc()), None
    except BaseException as error:
        return (RecorderError(f"{type(error).__name__}: {error}"), traceback.format_exc()), None


def _import_quietly(module: str) -> None:
    from cxai_runner.tracking.quiet import import_mlflow

    import_mlflow()
    import_module(module)


def _leave_with(owner: int) -> None:
    """End this process when its owner is no longer its parent."""
    while os.getppid() == owner:
        time.sleep(_WATCH_SECONDS)
    os._exit(1)
