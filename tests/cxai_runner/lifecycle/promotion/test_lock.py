"""Nobody decides while somebody else does; a lock whose owner died is taken over, and a live one is not."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest
from mlflow.entities import ViewType

from cxai_runner.config.problems import UserError
from cxai_runner.lifecycle.promotion.lock import alone
from cxai_runner.tracking import ticket as tickets
from cxai_runner.tracking.owner import LEASE, owner_tags
from cxai_runner.tracking.store import Store
from cxai_runner.tracking.ticket import OvertakenError

HOLDER = """
import sys, time
from types import SimpleNamespace
from cxai_runner.lifecycle.promotion.lock import alone
with alone(SimpleNamespace(uri=sys.argv[1], is_local=True), "m"):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def shared(store: Store) -> Store:
    """The same store as one that several machines write to."""
    return replace(store, is_local=False)


@pytest.fixture(params=["local", "shared"])
def either(request: pytest.FixtureRequest, store: Store, shared: Store) -> Store:
    return store if request.param == "local" else shared


def test_one_after_the_other(either: Store) -> None:
    inside, most, done = [], [], []

    def decide() -> None:
        with alone(either, "m") as holds:
            inside.append(1)
            most.append(len(inside))
            time.sleep(0.05)
            holds()
            inside.pop()
        done.append(1)

    several = [threading.Thread(target=decide) for _ in range(4)]
    for one in several:
        one.start()
    for one in several:
        one.join()
    assert (len(done), max(most)) == (4, 1)


def test_another_model_is_decided_about_meanwhile(either: Store) -> None:
    with alone(either, "my_model"), alone(either, "my-model", patience=0):
        pass


def test_who_waits_too_long_is_told(either: Store) -> None:
    busy = pytest.raises(UserError, match="somebody else decides about this model")
    with alone(either, "m"), busy, alone(either, "m", patience=0.2):
        pass
    with alone(either, "m", patience=0):
        pass


def test_a_killed_process_lets_go_of_a_local_lock(store: Store) -> None:
    child = subprocess.Popen([sys.executable, "-c", HOLDER, store.uri], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    assert child.stdout.readline() == "held\n"
    with pytest.raises(UserError), alone(store, "m", patience=0.2):
        pass
    os.kill(child.pid, signal.SIGKILL)
    child.communicate()
    with alone(store, "m", patience=5):
        pass


def ticket(store: Store, number: int, tags: dict[str, str]) -> str:
    return store.client.create_experiment(f"cxai-lock/m/{number:06}", tags=tags)


def test_a_dead_owners_ticket_is_taken_over(shared: Store, dead: int) -> None:
    old = ticket(shared, 3, owner_tags(lease=True) | {"cxai.owner.pid": str(dead), "cxai.owner.started": "1"})
    with alone(shared, "m", patience=5):
        assert shared.client.get_experiment(old).lifecycle_stage == "deleted"
        assert shared.client.get_experiment_by_name("cxai-lock/m/000004").lifecycle_stage == "active"
    names = [one.name for one in shared.client.search_experiments(view_type=ViewType.ACTIVE_ONLY)]
    assert not [name for name in names if name.startswith("cxai-lock")]


def test_another_machines_ticket_is_taken_over_once_its_lease_is_long_over(shared: Store) -> None:
    far = owner_tags() | {"cxai.owner.host": "elsewhere"}
    old = ticket(shared, 1, far | {LEASE: f"{time.time() - 60:.0f}"})
    with pytest.raises(UserError), alone(shared, "m", patience=0.3):
        pass
    shared.client.set_experiment_tag(old, LEASE, f"{time.time() - 3600:.0f}")
    with alone(shared, "m", patience=0.3):
        pass


def test_who_was_overtaken_hears_of_it_before_it_moves_anything(shared: Store) -> None:
    with alone(shared, "m") as holds:
        holds()
        ticket(shared, 2, owner_tags(lease=True))
        with pytest.raises(OvertakenError):
            holds()


def test_of_two_who_take_one_number_one_has_it(shared: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    stale = tickets._last(shared, "m")
    with alone(shared, "m"):
        monkeypatch.setattr(tickets, "_last", lambda store, name: stale)
        assert tickets._taken(shared, "m") is None


def test_the_lease_is_renewed_while_it_is_held(shared: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tickets._TicketLease.__init__, "__defaults__", (0.05,))
    with alone(shared, "m"):
        (one,) = shared.client.search_experiments(filter_string="name LIKE 'cxai-lock/m/%'")
        shared.client.set_experiment_tag(one.experiment_id, LEASE, "0")
        deadline = time.monotonic() + 5
        while time.monotonic() < deadline and shared.client.get_experiment(one.experiment_id).tags[LEASE] == "0":
            time.sleep(0.02)
        assert float(shared.client.get_experiment(one.experiment_id).tags[LEASE]) > time.time()


def test_the_lock_lies_beside_the_store(store: Store, home: Path) -> None:
    with alone(store, "m"):
        assert list((home / "mlruns").glob("mlflow.db.promotion-*.lock"))
