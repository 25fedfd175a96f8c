"""Every task comes to the same to the bit on one machine: run alone, in a sweep of any number of jobs, and again.

A task is held to it by having a config; none is named here.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cxai_runner.kept.run import Kept, kept
from cxai_runner.lifecycle.reproduce.verdict import judged
from cxai_runner.tracking.read import list_runs
from cxai_runner.tracking.store import Store

Call = Callable[..., "subprocess.CompletedProcess[str]"]
TASKS = sorted(path.stem for path in (Path(__file__).resolve().parents[2] / "conf" / "task").glob("*.yaml"))
WAYS = {
    "in one process": ["sweep.executor=in_process"],
    "one job": ["sweep.executor=processes", "--jobs", "1"],
    "two jobs": ["sweep.executor=processes", "--jobs", "2"],
}
SEEDS = "seed=0,1"
FEW = ["evaluation.resamples=100", "cache.enabled=false"]


def by_seed(home: Path) -> dict[str, Kept]:
    """The runs of a sweep, by their seed."""
    uri = f"sqlite:///{home}/mlruns/mlflow.db"
    runs = list_runs(Store.open(uri, home, create=False))
    found = [kept(uri, run.info.run_id) for run in runs if "cxai.sweep" in run.data.tags]
    return {one.facts["params"]["seed"]: one for one in found}


@pytest.mark.slow
@pytest.mark.parametrize("task", TASKS)
def test_a_task_comes_to_the_same_to_the_bit(task: str, cxai_process: Call, tmp_path: Path) -> None:
    swept: dict[str, dict[str, Kept]] = {}
    for number, (way, how) in enumerate(WAYS.items()):
        home = tmp_path / str(number)
        home.mkdir()
        done = cxai_process("sweep", f"task={task}", SEEDS, *FEW, *how, cwd=home)
        assert done.returncode == 0, done.stdout + done.stderr
        swept[way] = by_seed(home)
        assert sorted(swept[way]) == ["0", "1"]

    def same(one: Kept, other: Kept, how: str) -> None:
        found = judged(one, other)
        assert (how, found.verdict, found.causes) == (how, "identical", ())
        assert [stage.same_result for stage in found.stages] == [True] * len(found.stages)

    for way, runs in swept.items():
        for seed, run in runs.items():
            same(swept["in one process"][seed], run, f"{way}, seed {seed}")
    # The seeds are told apart, or it would show nothing that they agree.
    assert judged(swept["two jobs"]["0"], swept["two jobs"]["1"]).verdict == "different"

    home = tmp_path / "2"
    done = cxai_process("reproduce", swept["two jobs"]["1"].run_id, "--json", cwd=home)
    assert done.returncode == 0, done.stdout + done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    assert found["verdict"] == "identical"
    assert all(stage["same_result"] for stage in found["stages"])
