"""On a store that several machines share, the same sweep is begun once, however many begin it at one instant."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from mlflow.entities import ViewType

from cxai_runner.config.problems import UserError
from cxai_runner.sweep import parent
from cxai_runner.tracking import sqlite
from cxai_runner.tracking.store import Store
from tests.conftest import user_environment
from tests.cxai_runner.sweep.running import children, lay_out, parents

LATE = """
import sys, time
from cxai_runner.tracking.run import Tracker
start = Tracker.start
def late(self, name, tags=None, *words, **more):
    if "cxai.sweep.key" in (tags or {}):
        time.sleep(4)  # between the look at who runs it and the run that says so
    return start(self, name, tags, *words, **more)
Tracker.start = late
from cxai_runner.cli import main
main()
"""


@pytest.fixture
def shared(tmp_path: Path) -> Store:
    """A store that several machines write to, as far as anybody can tell."""
    sqlite.ensure(tmp_path / "mlflow.db", tmp_path / "artifacts")
    return replace(Store.open(f"sqlite:///{tmp_path}/mlflow.db", tmp_path), is_local=False)


def test_who_comes_second_waits_and_another_sweep_does_not(shared: Store) -> None:
    inside, most = [], []

    def begin() -> None:
        with parent.alone(shared, "abc") as holds:
            inside.append(1)
            most.append(len(inside))
            time.sleep(0.2)
            holds()
            inside.pop()

    several = [threading.Thread(target=begin) for _ in range(2)]
    for one in several:
        one.start()
    for one in several:
        one.join()
    assert most == [1, 1]
    with parent.alone(shared, "abc"), parent.alone(shared, "abd"):
        pass
    kept = shared.client.search_experiments(view_type=ViewType.ACTIVE_ONLY)
    assert [one.name for one in kept] == ["Default"]


def test_who_waits_too_long_is_told(shared: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parent, "_PATIENCE", 0.2)
    busy = pytest.raises(UserError, match="is being started by somebody else")
    with parent.alone(shared, "abc"), busy, parent.alone(shared, "abc"):
        pass


@pytest.mark.slow
def test_two_machines_that_begin_one_sweep_make_it_once(
    own_panel: Sequence[str], postgresql: str, tmp_path: Path
) -> None:
    """Two processes with nothing in common but a PostgreSQL: each has a folder and a home of its own."""
    import psycopg

    with psycopg.connect(f"{postgresql}/postgres", autocommit=True) as connection:
        connection.execute("CREATE DATABASE swept")
    uri = postgresql.replace("postgresql:", "postgresql+psycopg:") + "/swept"
    Store.open(uri, tmp_path, artifacts=(tmp_path / "artifacts").as_uri()).experiment_id("purchase_incidence")
    machines = []
    for name in ("one", "other"):
        home = tmp_path / name
        home.mkdir()
        words = [*lay_out(home, own_panel), "model.conduct=tarries", "model.seconds=3", "model.C=0.5,1"]
        path = {"PYTHONPATH": ":".join([str(home), *sys.path]), "XDG_STATE_HOME": str(home / "state")}
        path |= {"MLFLOW_TRACKING_URI": uri}
        machines.append(
            subprocess.Popen(
                [sys.executable, "-c", LATE, "sweep", *words, "--jobs", "1"],
                cwd=home,
                env=user_environment() | path,
                text=True,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
            )
        )
    told = [machine.communicate(timeout=300) for machine in machines]
    codes = [machine.returncode for machine in machines]
    assert sorted(codes) == [0, 2], told
    assert "the same sweep is running: process" in told[codes.index(2)][1]
    assert len(parents(uri)) == 1
    assert [one.info.status for one in children(uri)] == ["FINISHED"] * 2
