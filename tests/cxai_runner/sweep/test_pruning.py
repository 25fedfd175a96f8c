"""Runs that do worse than the others are given up, wherever they are made, and are no failures."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cxai_runner.sweep.running import children, parents, run, store

pytestmark = pytest.mark.slow

EXECUTORS = ["in_process", "processes", "ray"]


def searched(own_panel: list[str], executor: str) -> list[str]:
    return [
        "sweep",
        *own_panel,
        "model=xgboost",
        "split=customer_folds",
        "model.n_estimators=int(interval(1,60))",
        "model.learning_rate=tag(log,interval(0.001,1))",
        "sweep.search=tpe",
        "sweep.trials=14",
        "sweep.prune=median",
        f"sweep.executor={executor}",
        "--jobs",
        "1",
        "--json",
    ]


def made(home: Path) -> dict[str, tuple[str, str, float | None]]:
    """By point: what was drawn, how it ended, and its score."""
    return {
        one.data.tags["cxai.sweep.point"]: (
            one.data.tags["cxai.sweep.values"],
            one.info.status,
            one.data.metrics.get("held_out/log_loss") if one.info.status == "FINISHED" else None,
        )
        for one in children(store(home))
    }


@pytest.fixture(scope="module")
def in_process(own_panel: list[str], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    home = tmp_path_factory.mktemp("in_process")
    code, out, told = run(searched(own_panel, "in_process"), home)
    assert code == 0, told
    return {"home": home, "said": json.loads(out), "made": made(home)}


def test_some_are_given_up_and_counted(in_process: dict[str, Any], own_panel: list[str]) -> None:
    home: Path = in_process["home"]
    pruned = [one for one in children(store(home)) if one.data.tags.get("cxai.pruned") == "true"]
    assert 0 < len(pruned) < 14
    assert {one.info.status for one in pruned} == {"KILLED"}
    (parent,) = parents(store(home))
    assert parent.info.status == "FINISHED"
    assert parent.data.metrics["points_given_up"] == len(pruned)
    states = [point["status"] for point in in_process["said"]["points"]]
    assert states.count("given up") == len(pruned)
    assert states.count("finished") == 14 - len(pruned)


def test_what_was_given_up_is_not_made_again(in_process: dict[str, Any], own_panel: list[str]) -> None:
    code, out, told = run(searched(own_panel, "in_process"), in_process["home"])
    assert code == 0, told
    assert json.loads(out)["made"] == 0
    assert len(children(store(in_process["home"]))) == 14


@pytest.mark.parametrize("executor", EXECUTORS[1:])
def test_the_same_are_given_up_wherever_runs_are_made(
    executor: str, in_process: dict[str, Any], own_panel: list[str], tmp_path: Path
) -> None:
    if executor == "ray":
        pytest.importorskip("ray", reason="Ray is not installed: make test-slow installs it")
    code, _, told = run(searched(own_panel, executor), tmp_path)
    assert code == 0, told
    assert made(tmp_path) == in_process["made"]
