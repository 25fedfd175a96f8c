"""Runs made on the machines of a Ray cluster.

Each place is an actor: a process that imports everything once and stays warm, with as many processors as a run has
threads. Jobs wait here, not at an actor, until one is free: an actor that the cluster has no room for yet holds none
up. A job whose machine went away is made again elsewhere; one that took its process with it is not.
"""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import sys
import threading
import time
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from cxai_runner.config.problems import Problem, UserError
from cxai_runner.sweep.executors import Executor, Lost
from cxai_runner.sweep.executors.ray_actors import Desk, DeskLine, Warden, Worker
from cxai_runner.sweep.executors.switchboard import PATIENCE, Board, Distant
from cxai_runner.threads import environment

if TYPE_CHECKING:
    from cxai_runner.sweep.settings import Settings
    from cxai_runner.sweep.work import Job, Outcome
    from cxai_runner.watch import Watch

_LOOK_SECONDS: Final = 0.25
_OBJECTS: Final = 256 * 2**20
"""Bytes for what workers hand over, where the cluster is our own."""
_OURS: Final = {
    "RAY_AUTH_MODE": "token",
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
}
"""Of a cluster of our own: the second has it listen on the loopback address alone, as on macOS and Windows."""


@dataclass(eq=False)
class _Place:
    """An actor, and the job that it has."""

    actor: Any
    ready: Any
    node: str = ""
    process: int = 0
    job: Job | None = None
    result: Any = None
    begun: float = 0.0
    ended_for: str = ""


class OnRay(Executor):
    """As many places as were asked for, or as the cluster has processors for.

    Parameters
    ----------
    settings
        The address of the cluster, and the limits of a job.
    places
        How many; None for as many as there is room for, which may change while the sweep runs.
    threads
        How many threads each is held to.

    Raises
    ------
    UserError
        Ray is not installed, the cluster does not answer, or none of its machines has so many processors.
    """

    def __init__(self, settings: Settings, places: int | None, threads: int) -> None:
        self._settings, self._asked_for, self._threads = settings, places, threads
        self._closing = contextlib.ExitStack()
        self._ray = self._closing.enter_context(_joined(settings.address, (places or 0) * threads or None))
        self._places: list[_Place] = []
        self._waiting: deque[tuple[Job, Watch | None]] = deque()
        self._wardens: dict[str, tuple[Any, Any]] = {}
        self._lines: _Lines | None = None
        if not places and not self._room():
            self._closing.close()
            remedy = f"threads=1, a machine that has them, or --jobs N to wait for one: {threads} processors for each"
            raise UserError([Problem("sweep.executor", "no machine of the cluster has room for a run", "ray", remedy)])

    @property
    def places(self) -> int:
        """How many jobs it can make at once."""
        return self._asked_for or max(1, self._room())

    @property
    def busy(self) -> dict[int, Job]:
        """The jobs that are being made, and those that wait for a free actor."""
        made = [place.job for place in self._places if place.job is not None]
        return dict(enumerate([*made, *(job for job, _ in self._waiting)]))

    def submit(self, job: Job, watch: Watch | None = None) -> None:
        """Begin a job as soon as an actor is free."""
        if watch is not None:
            self._lines = self._lines or _Lines(self._ray)
            watch = self._lines.line(job.label, watch)
        self._waiting.append((job, watch))
        self._hand_out()

    def ended(self, patience: float) -> list[Outcome | Lost]:
        """Return what ended, waiting for the first for ``patience`` seconds at most."""
        deadline = time.monotonic() + patience
        while True:
            self._hand_out()
            results = {place.result: place for place in self._places if place.result is not None}
            pending = [place.ready for place in self._places if not place.process]
            if not results and not pending:
                return []
            left = min(_LOOK_SECONDS, max(0.0, deadline - time.monotonic()))
            self._ray.wait([*results, *pending], num_returns=1, timeout=left, fetch_local=False)
            done, _ = self._ray.wait(list(results), num_returns=len(results), timeout=0) if results else ([], [])
            for place in results.values():
                self._hold_to_time(place)
            if self._settings.memory_mb is not None:
                self._hold_to_memory(self._settings.memory_mb)
            if done or time.monotonic() >= deadline:
                return [self._taken(results[one]) for one in done]

    def close(self) -> None:
        """End every actor; what is not done is lost."""
        if self._lines is not None:
            self._lines.close()
        for actor in [*(place.actor for place in self._places), *(warden for warden, _ in self._wardens.values())]:
            self._end(actor)
        self._closing.close()

    def _room(self) -> int:
        """How many runs the machines of the cluster have processors for, whoever uses them now."""
        machines = [one["Resources"].get("CPU", 0.0) for one in self._ray.nodes() if one["Alive"]]
        return sum(int(processors // self._threads) for processors in machines)

    def _hand_out(self) -> None:
        """Give jobs that wait to actors that are free, and have as many actors as there is use for."""
        for place in [one for one in self._places if not one.process]:
            self._look_whether_ready(place)
        free = [place for place in self._places if place.process and place.job is None]
        while self._waiting and free:
            place, (job, watch) = free.pop(), self._waiting.popleft()
            place.job, place.begun, place.ended_for = job, time.monotonic(), ""
            place.result = place.actor.perform.remote(job, watch)
        coming = sum(not place.process for place in self._places)
        for _ in range(len(self._waiting) - coming):
            self._places.append(self._opened())

    def _opened(self) -> _Place:
        options = {"num_cpus": self._threads, "runtime_env": {"env_vars": environment(self._threads)}}
        actor = self._ray.remote(Worker).options(max_restarts=0, max_task_retries=0, **options).remote()
        return _Place(actor, actor.begin.remote())

    def _look_whether_ready(self, place: _Place) -> None:
        done, _ = self._ray.wait([place.ready], timeout=0)
        if not done:
            return
        try:
            place.node, place.process = self._ray.get(place.ready)
        except self._ray.exceptions.RayError as error:
            self._places.remove(place)
            if not _went_away(self._ray, error):
                remedy = "install the same cxai, Ray and Python on every machine of the cluster"
                raise UserError(
                    [Problem("sweep.executor", f"a worker does not start: {_told(error)}", "ray", remedy)]
                ) from None

    def _taken(self, place: _Place) -> Outcome | Lost:
        """What the job at a place came to; an actor that died is forgotten."""
        errors, job, result = self._ray.exceptions, place.job, place.result
        assert job is not None
        place.job = place.result = None
        if self._lines is not None:
            self._lines.hang_up(job.label)
        try:
            return self._ray.get(result)
        except errors.RayActorError as error:
            self._places.remove(place)
            self._end(place.actor)  # one that merely does not answer may still be there
            if place.ended_for:
                return Lost(job, place.ended_for)
            if _went_away(self._ray, error, place.node):
                return Lost(job, "its machine was lost", again=True)
            return Lost(job, _why(error))
        except errors.ObjectLostError:  # it was done, and its machine took it away
            return Lost(job, "its machine was lost", again=True)
        except Exception as error:  # its outcome could not cross, say
            cause = getattr(error, "cause", None) or error
            return Lost(job, f"{type(cause).__name__}: {_told(cause)}")

    def _hold_to_time(self, place: _Place) -> None:
        most = self._settings.seconds
        if most is not None and time.monotonic() - place.begun > most and not place.ended_for:
            place.ended_for = f"it took more than {most:g} s (sweep.seconds)"
            self._end(place.actor)

    def _hold_to_memory(self, most: float) -> None:
        """Ask the warden of each machine, and act on what it said when it was asked before."""
        for node in {place.node for place in self._places if place.job is not None}:
            mine = {place.process: place for place in self._places if place.node == node and place.job is not None}
            if node not in self._wardens:
                warden = self._warden(node)
                self._wardens[node] = warden, warden.memory_mb.remote(list(mine))
            warden, answer = self._wardens[node]
            done, _ = self._ray.wait([answer], timeout=0)
            if not done:
                continue
            self._wardens[node] = warden, warden.memory_mb.remote(list(mine))
            with contextlib.suppress(self._ray.exceptions.RayError):  # its machine was lost, which others will tell
                for process, taken in self._ray.get(answer).items():
                    if taken > most and process in mine and not mine[process].ended_for:
                        mine[process].ended_for = f"it took more than {most:,.0f} MB (sweep.memory_mb)"
                        self._end(mine[process].actor)

    def _warden(self, node: str) -> Any:
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        there = NodeAffinitySchedulingStrategy(node, soft=False)
        return self._ray.remote(Warden).options(num_cpus=0, scheduling_strategy=there).remote()

    def _end(self, actor: Any) -> None:
        with contextlib.suppress(self._ray.exceptions.RayError, ValueError):
            self._ray.kill(actor)


class _Lines(Board):
    """A board that runs anywhere on the cluster can call, by way of a desk; a thread of this process answers."""

    def __init__(self, ray: Any) -> None:
        super().__init__()
        self._ray = ray
        self._desk = ray.remote(Desk).options(num_cpus=0, max_concurrency=1000).remote()
        self._closed = False
        threading.Thread(target=self._serve, name="cxai-desk", daemon=True).start()

    def line(self, label: str, watch: Watch) -> Distant:
        """Return what a run can be given in place of its watch."""
        self.take_up(label, watch)
        return Distant(label, watch.judges, DeskLine(self._desk, PATIENCE))

    def close(self) -> None:
        """Answer nobody any more."""
        self._closed = True
        with contextlib.suppress(self._ray.exceptions.RayError, ValueError):
            self._ray.kill(self._desk)

    def _serve(self) -> None:
        with contextlib.suppress(Exception):  # the desk is gone, and so is every line
            while not self._closed:
                found = self._ray.get(self._desk.next.remote(1.0))
                if found is not None:
                    number, question = found
                    self._desk.answer.remote(number, self.answer(question))


@contextlib.contextmanager
def _joined(address: str | None, processors: int | None) -> Iterator[Any]:
    """Yield Ray, joined to a cluster or with one of our own; who had joined one before stays in it."""
    logging.getLogger("ray").setLevel(logging.ERROR)
    with _environment({} if address else _OURS):
        ray = _imported()
        if ray.is_initialized():
            yield ray
            return
        own: dict[str, Any] = {"num_cpus": processors, "include_dashboard": False, "object_store_memory": _OBJECTS}
        before = signal.getsignal(signal.SIGTERM)
        # What Ray says of its workers goes to standard output, which belongs to the sweep's own.
        with contextlib.redirect_stdout(sys.stderr):
            try:
                ray.init(
                    address or "local",
                    logging_level=logging.ERROR,
                    log_to_driver=False,
                    **({} if address else own),
                )
            except Exception as error:  # a dozen kinds, by what is wrong with the address
                remedy = "start one on this machine: ray start --head; or join it to one: ray start --address=HOST:6379"
                told = f"no Ray cluster can be joined: {_told(error)}"
                raise UserError([Problem("sweep.address", told, address, remedy)]) from None
            finally:
                if threading.current_thread() is threading.main_thread():
                    signal.signal(signal.SIGTERM, before)
            try:
                yield ray
            finally:
                ray.shutdown()


@contextlib.contextmanager
def _environment(settings: Mapping[str, str]) -> Iterator[None]:
    """Set variables that nobody has set, which Ray reads when it is imported, and take them away afterwards."""
    mine = {name: value for name, value in settings.items() if name not in os.environ}
    os.environ.update(mine)
    try:
        yield
    finally:
        for name in mine:
            os.environ.pop(name, None)


def _imported() -> Any:
    try:
        import ray
    except ImportError as error:
        if error.name is None or not error.name.startswith("ray"):
            raise
        remedy = "pip install 'cxai[ray]'"
        raise UserError([Problem("sweep.executor", "Ray is not installed", "ray", remedy)]) from None
    return ray


def _went_away(ray: Any, error: Exception, node: str = "") -> bool:
    """Whether an actor ended with its machine, or cannot be reached there."""
    if isinstance(error, ray.exceptions.ActorUnavailableError):
        return True
    alive = {one["NodeID"] for one in ray.nodes() if one["Alive"]}
    return (bool(node) and node not in alive) or "node has died" in str(error)


def _why(error: Exception) -> str:
    """Why a worker ended, in a line."""
    told = str(error)
    if "memory" in told and "Some common causes" not in told:
        return "its process was ended by Ray: the machine had no memory left"
    return "its process ended"


def _told(error: Exception) -> str:
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
