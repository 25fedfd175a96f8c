"""Whose run it is, and whether its owner is dead.

A run that was killed cannot say so: it stays RUNNING until somebody closes it. Closing a run that is alive in another
terminal would be worse, so a run carries who owns it, and only an owner that is provably gone is declared dead: a
process of this host that no longer exists (a process id that now belongs to another one does not count), or, on a store
that several machines share, a lease that was not renewed for long. Where neither can be told, nothing is touched.
"""

from __future__ import annotations

import os
import platform
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from cxai_runner.tracking.quiet import import_mlflow

if TYPE_CHECKING:
    from mlflow.entities import Run

    from cxai_runner.tracking.store import Store

HOST: Final = "cxai.owner.host"
BOOT: Final = "cxai.owner.boot"
NAMESPACE: Final = "cxai.owner.pid_namespace"
PID: Final = "cxai.owner.pid"
STARTED: Final = "cxai.owner.started"
LEASE: Final = "cxai.owner.lease"
CLOSED: Final = "cxai.closed"

LEASE_SECONDS: Final = 300.0
RENEW_SECONDS: Final = 60.0
GRACE_SECONDS: Final = 900.0
"""How long a lease must be over before its run is closed; clocks of two machines may differ by minutes."""


@dataclass(frozen=True)
class Orphan:
    """A RUNNING run whose owner is dead."""

    run_id: str
    name: str
    experiment_id: str
    reason: str


def owner_tags(pid: int | None = None, *, lease: bool = False) -> dict[str, str]:
    """Return the tags that say that a process (by default this one) owns a run, with a fresh lease if asked."""
    owner = os.getpid() if pid is None else pid
    tags = {
        HOST: platform.node(),
        BOOT: _boot(),
        NAMESPACE: _namespace(),
        PID: str(owner),
        STARTED: _started(owner) or "",
    }
    return tags | ({LEASE: _lease()} if lease else {})


def is_dead(tags: Mapping[str, str]) -> bool | None:
    """Whether the owner that ``tags`` name is dead.

    Returns
    -------
    dead
        True if it provably is, False if it lives, None where that cannot be told from here (no owner, another
        host or container whose lease is not long over, a process that may not be looked at).
    """
    if HOST not in tags or not tags.get(PID, "").isdigit():
        return None
    if tags[HOST] == platform.node() and tags.get(BOOT) == _boot() and tags.get(NAMESPACE) == _namespace():
        return _process_is_dead(int(tags[PID]), tags.get(STARTED, ""))
    if LEASE in tags:
        return True if _seconds_over(tags[LEASE]) > GRACE_SECONDS else None
    if tags[HOST] == platform.node() and tags.get(BOOT) and tags[BOOT] != _boot():
        return True  # this host was started again since
    return None


def orphans(store: Store) -> list[Orphan]:
    """List the runs whose owner is dead; changes nothing, for commands that only read."""
    client = store.client
    experiments = [e.experiment_id for e in store.retry(client.search_experiments)]
    found: list[Orphan] = []
    token: str | None = None
    while experiments:
        page = store.retry(client.search_runs, experiments, "attributes.status = 'RUNNING'", page_token=token)
        found += [_orphan(run) for run in page if is_dead(run.data.tags)]
        token = page.token
        if not token:
            break
    return found


def close_orphans(store: Store) -> list[str]:
    """Close as KILLED every RUNNING run whose owner is dead.

    Logged: the status, and the tag ``cxai.closed`` with the reason. A run that ended meanwhile is left alone.

    Returns
    -------
    run_ids
        The runs that were closed.
    """
    closed = []
    for orphan in orphans(store):
        run = store.retry(store.client.get_run, orphan.run_id)
        if run.info.status != "RUNNING" or not is_dead(run.data.tags):
            continue
        store.retry(store.client.set_tag, orphan.run_id, CLOSED, orphan.reason)
        store.retry(store.client.set_terminated, orphan.run_id, status="KILLED")
        closed.append(orphan.run_id)
    return closed


class Lease:
    """Keeps a run's lease fresh from a daemon thread while its process lives."""

    def __init__(self, store: Store, run_id: str, every: float = RENEW_SECONDS) -> None:
        self._store, self._run_id, self._every = store, run_id, every
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._renew, name="cxai-lease", daemon=True)
        self._thread.start()

    def end(self) -> None:
        """Stop renewing."""
        self._over.set()
        self._thread.join(timeout=1)

    def _write(self, until: str) -> None:
        self._store.client.set_tag(self._run_id, LEASE, until)

    def _renew(self) -> None:
        import_mlflow()
        from mlflow.exceptions import MlflowException

        while not self._over.wait(self._every):
            try:
                self._write(_lease())
            except (MlflowException, OSError):
                continue  # a server that is away for a minute costs nothing: the next round renews


def _orphan(run: Run) -> Orphan:
    tags = run.data.tags
    reason = f"owner is gone: process {tags[PID]} on {tags[HOST]}"
    return Orphan(run.info.run_id, run.info.run_name, run.info.experiment_id, reason)


def _lease() -> str:
    return f"{time.time() + LEASE_SECONDS:.0f}"


def _seconds_over(lease: str) -> float:
    try:
        return time.time() - float(lease)
    except ValueError:
        return 0.0


@cache
def _boot() -> str:
    """What tells this start of the machine from the last; empty where start times of processes are absolute."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""


@cache
def _namespace() -> str:
    """The namespace in which a process id means something: a container has its own."""
    try:
        return str(Path("/proc/self/ns/pid").readlink())
    except OSError:
        return ""


def _started(pid: int) -> str | None:
    """When a process started, exactly comparable within one boot; None if there is no such process.

    Linux counts clock ticks since boot. A wall-clock time, as psutil derives it, moves when the clock is set.
    """
    import psutil

    if _boot():
        try:
            stat = Path(f"/proc/{pid}/stat").read_text()
        except OSError:
            return None
        return stat.rpartition(")")[2].split()[19]
    try:
        return f"{psutil.Process(pid).create_time():.2f}"
    except psutil.NoSuchProcess:
        return None


def _process_is_dead(pid: int, started: str) -> bool | None:
    import psutil

    now = _started(pid)
    if now is None:
        return not psutil.pid_exists(pid) or None
    if started and now != started:
        return True  # the id was given to another process
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True
    except psutil.AccessDenied:
        return None
