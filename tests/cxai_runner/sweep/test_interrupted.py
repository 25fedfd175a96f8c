"""A sweep that is told to stop closes itself as KILLED, leaves no process behind, and the same command goes on."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from pathlib import Path

import psutil
import pytest

from tests.cxai_runner.sweep.running import children, lay_out, parents, run, runs, start, store

pytestmark = pytest.mark.slow


def wait_for_first(home: Path, child: subprocess.Popen[str]) -> None:
    """Until the first point is finished."""
    for _ in range(1200):
        if child.poll() is not None:
            pytest.fail(f"the sweep ended before it was told to: {child.communicate()[1]}")
        if (home / "mlruns" / "mlflow.db").is_file() and any(
            one.info.status == "FINISHED" for one in runs(store(home))
        ):
            return
        time.sleep(0.1)
    pytest.fail("no run was finished")


@pytest.mark.parametrize("executor", ["processes", "in_process"])
@pytest.mark.parametrize(("sent", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_sweep_told_to_stop(executor: str, sent: int, code: int, own_panel: list[str], tmp_path: Path) -> None:
    wanted = ["sweep", *lay_out(tmp_path, own_panel), "model.conduct=tarries", "model.seconds=0.2", "model.C=1,2,3,4"]
    wanted += [f"sweep.executor={executor}", "--jobs", "2"]
    child = start(wanted, tmp_path)
    wait_for_first(tmp_path, child)
    family = psutil.Process(child.pid).children(recursive=True)
    child.send_signal(sent)
    _, told = child.communicate(timeout=60)
    assert child.returncode == code, told
    assert "Traceback" not in told
    (parent,) = parents(store(tmp_path))
    assert parent.info.status == "KILLED"
    _, alive = psutil.wait_procs(family, timeout=20)
    assert not alive
    done = [one for one in children(store(tmp_path)) if one.info.status == "FINISHED"]
    assert 1 <= len(done) < 4
    code, out, told = run([*wanted, "--json"], tmp_path)
    assert code == 0, told
    assert json.loads(out)["made"] == 4 - len(done)
    assert json.loads(out)["run_id"] == parent.info.run_id
    assert "RUNNING" not in {one.info.status for one in runs(store(tmp_path))}


def test_kill_9_takes_the_workers_along(own_panel: list[str], tmp_path: Path) -> None:
    wanted = ["sweep", *lay_out(tmp_path, own_panel), "model.conduct=tarries", "model.seconds=0.2", "model.C=1,2,3,4"]
    wanted += ["--jobs", "2"]
    child = start(wanted, tmp_path)
    wait_for_first(tmp_path, child)
    family = psutil.Process(child.pid).children(recursive=True)
    child.kill()
    _, alive = psutil.wait_procs(family, timeout=20)
    assert not alive
    child.communicate()
    done = [one for one in children(store(tmp_path)) if one.info.status == "FINISHED"]
    code, out, told = run([*wanted, "--json"], tmp_path)
    assert code == 0, told
    assert json.loads(out)["made"] == 4 - len(done)
    assert "RUNNING" not in {one.info.status for one in runs(store(tmp_path))}
