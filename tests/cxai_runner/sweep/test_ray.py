"""The same sweep on three machines as on one, one of which is lost; runs are kept by a server on PostgreSQL."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from cxai_runner.config.problems import UserError
from cxai_runner.sweep.executors.ray import OnRay
from cxai_runner.sweep.settings import Settings
from tests.conftest import user_environment
from tests.cxai_runner.sweep.running import children, lay_out, parents, results, run, runs, start, store

POINTS = 12


def test_without_ray_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(UserError, match="Ray is not installed") as raised:
        OnRay(Settings(executor="ray"), 1, 1)
    assert "pip install 'cxai[ray]'" in str(raised.value)


@pytest.fixture
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """MLflow's tracking server, with its runs in a PostgreSQL of our own."""
    import psycopg

    database: str = request.getfixturevalue("postgresql")
    with psycopg.connect(f"{database}/postgres", autocommit=True) as connection:
        connection.execute("CREATE DATABASE tracking")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    command += ["--backend-store-uri", database.replace("postgresql:", "postgresql+psycopg:") + "/tracking"]
    command += ["--artifacts-destination", (tmp_path / "artifacts").as_uri()]
    with (tmp_path / "server.log").open("w") as log:
        child = subprocess.Popen(command, stdout=log, stderr=log, env=user_environment())
        try:
            _wait_for(address, child, tmp_path / "server.log")
            yield address
        finally:
            child.terminate()
            child.wait(timeout=30)


def _wait_for(address: str, child: subprocess.Popen[Any], log: Path) -> None:
    import requests

    for _ in range(600):
        if child.poll() is not None:
            pytest.fail(log.read_text())
        try:
            if requests.get(f"{address}/health", timeout=5).ok:
                return
        except requests.RequestException:
            time.sleep(0.2)
    pytest.fail("the server does not answer: " + log.read_text())


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Three nodes of one processor, the first of which the sweep is started on."""
    pytest.importorskip("ray", reason="Ray is not installed: make test-slow installs it")
    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    from ray.cluster_utils import Cluster

    made = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    try:
        yield made
    finally:
        made.shutdown()


def wait_for_finished(uri: str, number: int, child: subprocess.Popen[str]) -> None:
    for _ in range(3000):
        if child.poll() is not None:
            pytest.fail(f"the sweep ended before: {child.communicate()[1]}")
        if sum(one.info.status == "FINISHED" for one in children(uri)) >= number:
            return
        time.sleep(0.1)
    pytest.fail("no run was finished")


def assert_same(have: dict[str, Any], want: dict[str, Any]) -> None:
    assert have.keys() == want.keys()
    for point, (metrics, scores) in want.items():
        assert have[point][0] == metrics
        for mine, theirs in zip(have[point][1], scores, strict=True):
            pd.testing.assert_frame_equal(mine, theirs, check_exact=True)


def several(home: Path, own_panel: list[str]) -> list[str]:
    values = ",".join(str(2.0**n) for n in range(POINTS))
    settings = ["model.conduct=tarries", "model.seconds=0.1", f"model.C={values}", "--json"]
    return ["sweep", *lay_out(home, own_panel), *settings]


@pytest.mark.slow
def test_a_sweep_outlives_a_machine_and_comes_to_the_same(
    cluster: Any, server: str, own_panel: list[str], tmp_path: Path
) -> None:
    home = tmp_path / "cluster"
    home.mkdir()
    lost = cluster.add_node(num_cpus=1)
    cluster.add_node(num_cpus=1)
    wanted = several(home, own_panel)
    on_ray = [*wanted, "sweep.executor=ray", f"sweep.address={cluster.address}", f"tracking.uri={server}"]
    child = start(on_ray, home)
    wait_for_finished(server, 3, child)
    cluster.remove_node(lost, allow_graceful=False)
    out, told = child.communicate(timeout=300)
    assert child.returncode == 0, told
    assert json.loads(out)["made"] == POINTS
    assert [one.info.status for one in parents(server)] == ["FINISHED"]
    assert [one.info.status for one in children(server)] == ["FINISHED"] * POINTS
    have = results(server)
    assert len(have) == POINTS
    for executor in ("processes", "in_process"):
        place = tmp_path / executor
        place.mkdir()
        code, _, told = run(
            [*several(place, own_panel), f"sweep.executor={executor}", "model.seconds=0", "--jobs", "2"], place
        )
        assert code == 0, told
        assert_same(results(store(place)), have)


@pytest.mark.slow
def test_a_run_that_dies_on_a_cluster_of_our_own_fails_alone(own_panel: list[str], tmp_path: Path) -> None:
    pytest.importorskip("ray", reason="Ray is not installed: make test-slow installs it")
    wanted = ["sweep", *lay_out(tmp_path, own_panel), "sweep.executor=ray", "--jobs", "2", "--json"]
    conducts = "exits,raises,segfaults,sleeps,hoards,prints,well"
    limits = ["model.seconds=3600", "sweep.seconds=40", "sweep.memory_mb=900"]
    code, out, told = run([*wanted, f"model.conduct={conducts}", *limits], tmp_path)
    assert code == 1, told
    assert {one["point"]: one["error"] for one in json.loads(out)["failed"]} == {
        "1": "its process ended",
        "2": "ArithmeticError: a sum that does not come out",
        "3": "its process ended",
        "4": "it took more than 40 s (sweep.seconds)",
        "5": "it took more than 900 MB (sweep.memory_mb)",
    }
    assert sorted(one.info.status for one in children(store(tmp_path))) == ["FAILED"] * 5 + ["FINISHED"] * 2
    assert "RUNNING" not in {one.info.status for one in runs(store(tmp_path))}


@pytest.mark.slow
def test_a_cluster_that_is_not_there_is_told(own_panel: list[str], tmp_path: Path) -> None:
    pytest.importorskip("ray", reason="Ray is not installed: make test-slow installs it")
    wanted = ["sweep", *own_panel, "model=logit_penalised", "model.C=1,2", "sweep.executor=ray", "sweep.address=auto"]
    code, _, told = run(wanted, tmp_path, {"RAY_TMPDIR": str(tmp_path)} if os.name == "posix" else {})
    assert code == 2, told
    assert "no Ray cluster can be joined" in told
    assert "ray start --head" in told
