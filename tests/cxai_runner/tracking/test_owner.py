from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from cxai_runner.tracking import owner
from cxai_runner.tracking.owner import (
    BOOT,
    CLOSED,
    HOST,
    LEASE,
    NAMESPACE,
    PID,
    STARTED,
    Lease,
    close_orphans,
    is_dead,
    orphans,
    owner_tags,
)
from cxai_runner.tracking.store import Store


@pytest.fixture
def alive() -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    yield process
    process.kill()
    process.wait()


@pytest.fixture
def dead_pid() -> int:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def of(pid: int, **changes: str) -> dict[str, str]:
    return owner_tags() | {PID: str(pid), STARTED: owner._started(pid) or "1"} | changes


def test_this_process_lives() -> None:
    assert is_dead(owner_tags()) is False


def test_a_live_process_is_not_dead(alive: subprocess.Popen[bytes]) -> None:
    assert is_dead(of(alive.pid)) is False


def test_a_process_that_ended_is_dead(dead_pid: int) -> None:
    assert is_dead(of(dead_pid)) is True


def test_a_zombie_is_dead() -> None:
    process = subprocess.Popen([sys.executable, "-c", ""])
    deadline = time.monotonic() + 10
    while not is_dead(of(process.pid)) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert is_dead(of(process.pid)) is True
    process.wait()


def test_a_reused_pid_is_not_the_owner(alive: subprocess.Popen[bytes]) -> None:
    assert is_dead(of(alive.pid, **{STARTED: "12345"})) is True


def test_the_boot_before_this_one_is_dead() -> None:
    assert is_dead(owner_tags() | {BOOT: "another-boot"}) is True


@pytest.mark.parametrize("elsewhere", [{HOST: "another-host"}, {NAMESPACE: "pid:[1]"}])
def test_another_host_or_container_cannot_be_told(dead_pid: int, elsewhere: dict[str, str]) -> None:
    assert is_dead(of(dead_pid, **elsewhere)) is None


@pytest.mark.parametrize("tags", [{}, {HOST: "here"}, {HOST: "here", PID: "many"}])
def test_no_owner_cannot_be_told(tags: dict[str, str]) -> None:
    assert is_dead(tags) is None


@pytest.mark.parametrize(("seconds_ago", "dead"), [(-60, None), (60, None), (owner.GRACE_SECONDS + 60, True)])
def test_elsewhere_a_lease_must_be_long_over(seconds_ago: float, dead: bool | None) -> None:
    tags = owner_tags() | {HOST: "another-host", LEASE: f"{time.time() - seconds_ago:.0f}"}
    assert is_dead(tags) is dead


def test_a_lease_that_is_over_does_not_kill_a_process_that_is_seen_to_live(alive: subprocess.Popen[bytes]) -> None:
    assert is_dead(of(alive.pid, **{LEASE: "0"})) is False


def test_with_a_lease_another_boot_alone_proves_nothing() -> None:
    tags = owner_tags(lease=True) | {BOOT: "another-boot"}
    assert is_dead(tags) is None


def test_only_runs_of_dead_owners_are_closed(store: Store, dead_pid: int, alive: subprocess.Popen[bytes]) -> None:
    experiment = store.experiment_id("demo")

    def begin(tags: dict[str, str]) -> str:
        return str(store.client.create_run(experiment, tags=tags).info.run_id)

    gone, living, mine = begin(of(dead_pid)), begin(of(alive.pid)), begin(owner_tags())
    foreign, elsewhere = begin({}), begin(of(dead_pid, **{HOST: "another-host"}))
    finished = begin(of(dead_pid))
    store.client.set_terminated(finished)

    assert [orphan.run_id for orphan in orphans(store)] == [gone]
    assert store.client.get_run(gone).info.status == "RUNNING", "looking changes nothing"
    assert close_orphans(store) == [gone]
    status = {run: store.client.get_run(run).info.status for run in (gone, living, mine, foreign, elsewhere, finished)}
    assert status == {
        gone: "KILLED",
        living: "RUNNING",
        mine: "RUNNING",
        foreign: "RUNNING",
        elsewhere: "RUNNING",
        finished: "FINISHED",
    }
    assert f"process {dead_pid}" in store.client.get_run(gone).data.tags[CLOSED]
    assert close_orphans(store) == []


def test_orphans_beyond_the_first_page_are_found(store: Store, dead_pid: int, monkeypatch: pytest.MonkeyPatch) -> None:
    experiment = store.experiment_id("demo")
    made = {store.client.create_run(experiment, tags=of(dead_pid)).info.run_id for _ in range(5)}
    search = store.client.search_runs
    monkeypatch.setattr(store.client, "search_runs", lambda *a, **k: search(*a, max_results=2, **k))
    assert {orphan.run_id for orphan in orphans(store)} == made


def test_a_lease_is_renewed_until_it_ends(store: Store) -> None:
    run = store.client.create_run(store.experiment_id("demo"), tags=owner_tags() | {LEASE: "0"})
    lease = Lease(store, run.info.run_id, every=0.05)
    deadline = time.monotonic() + 10
    while store.client.get_run(run.info.run_id).data.tags[LEASE] == "0" and time.monotonic() < deadline:
        time.sleep(0.05)
    lease.end()
    assert float(store.client.get_run(run.info.run_id).data.tags[LEASE]) > time.time()
    store.client.set_tag(run.info.run_id, LEASE, "0")
    time.sleep(0.2)
    assert store.client.get_run(run.info.run_id).data.tags[LEASE] == "0"
