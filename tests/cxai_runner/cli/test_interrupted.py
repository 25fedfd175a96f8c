"""A run that is cut off, at whatever moment, is never taken for a whole one, and the next run clears up after it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import user_environment

pytestmark = pytest.mark.slow

Call = Callable[..., "subprocess.CompletedProcess[str]"]
WHOLE = {
    "config.yaml",
    "overrides.yaml",
    "environment.txt",
    "report.html",
    "report.json",
    "scores",
    "tables",
    "figures",
}


def start(overrides: list[str], home: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "cxai_runner.cli", "run", *overrides]
    return subprocess.Popen(
        command, cwd=home, env=user_environment(), text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )


def runs(home: Path) -> list[dict]:
    from mlflow import MlflowClient

    client = MlflowClient(f"sqlite:///{home}/mlruns/mlflow.db")
    experiments = [found.experiment_id for found in client.search_experiments()]
    return [
        {
            "id": run.info.run_id,
            "status": run.info.status,
            "artifacts": {entry.path for entry in client.list_artifacts(run.info.run_id)},
            "metrics": set(run.data.metrics),
        }
        for run in client.search_runs(experiments)
    ]


def wait_for_running(home: Path, child: subprocess.Popen[str]) -> None:
    """Until the run of ``child`` is in the store as RUNNING."""
    for _ in range(600):
        if child.poll() is not None:
            pytest.fail(f"the run ended before it was cut off: {child.communicate()[1]}")
        if (home / "mlruns" / "mlflow.db").is_file() and any(run["status"] == "RUNNING" for run in runs(home)):
            return
        time.sleep(0.02)
    pytest.fail("no run was started")


@pytest.fixture
def home(cxai: Call, own_panel: list[str], tmp_path: Path) -> Path:
    """A folder with a store and one finished run."""
    done = cxai("run", *own_panel, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    return tmp_path


# Long enough to be cut off while it works.
LONG = "evaluation.resamples=200000"


@pytest.mark.parametrize(("sent", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_run_told_to_stop_closes_itself_as_killed(sent: int, code: int, home: Path, own_panel: list[str]) -> None:
    child = start([*own_panel, LONG], home)
    wait_for_running(home, child)
    child.send_signal(sent)
    _, told = child.communicate(timeout=60)
    assert child.returncode == code, told
    assert "Traceback" not in told
    assert sorted(run["status"] for run in runs(home)) == ["FINISHED", "KILLED"]


def test_the_next_run_closes_what_kill_9_left_behind(home: Path, own_panel: list[str], cxai: Call) -> None:
    child = start([*own_panel, LONG], home)
    wait_for_running(home, child)
    child.kill()
    child.communicate()
    assert "RUNNING" in {run["status"] for run in runs(home)}
    listed = json.loads(cxai("list", "runs", "--json", cwd=home).stdout)
    assert "cut off" in {row["status"] for row in listed}
    assert "RUNNING" in {run["status"] for run in runs(home)}, "a command that only reads changes nothing"
    after = cxai("run", *own_panel, cwd=home)
    assert "had been cut off" in after.stderr
    assert sorted(run["status"] for run in runs(home)) == ["FINISHED", "FINISHED", "KILLED"]


def test_a_live_run_in_another_terminal_is_left_alone(home: Path, own_panel: list[str], cxai: Call) -> None:
    child = start([*own_panel, LONG], home)
    wait_for_running(home, child)
    beside = cxai("run", *own_panel, cwd=home)
    assert beside.returncode == 0
    assert "cut off" not in beside.stderr
    assert child.poll() is None
    assert [run["status"] for run in runs(home)].count("RUNNING") == 1
    child.send_signal(signal.SIGTERM)
    child.communicate(timeout=60)


@pytest.mark.parametrize("share", [0.3, 0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 0.94, 0.97])
def test_kill_9_at_any_moment_leaves_no_half_run_finished(
    share: float, home: Path, own_panel: list[str], cxai: Call
) -> None:
    begun = time.perf_counter()
    assert cxai("run", *own_panel, cwd=home).returncode == 0
    whole = time.perf_counter() - begun
    child = start(own_panel, home)
    time.sleep(share * whole)
    os.kill(child.pid, signal.SIGKILL)
    child.communicate()
    for run in runs(home):
        if run["status"] == "FINISHED":
            assert run["artifacts"] >= WHOLE
            assert "held_out/log_loss" in run["metrics"]
    assert cxai("run", *own_panel, cwd=home).returncode == 0
    assert "RUNNING" not in {run["status"] for run in runs(home)}
