"""A run that takes too much, or takes its process with it, fails alone and says why; the others finish."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cxai_runner.sweep.running import artifact, children, lay_out, parents, run, runs, store

pytestmark = pytest.mark.slow


@pytest.fixture
def sweep(tmp_path: Path, own_panel: list[str]) -> list[str]:
    return ["sweep", *lay_out(tmp_path, own_panel), "--jobs", "2"]


def statuses(home: Path) -> dict[str, str]:
    """By what the model did: how its run ended."""
    return {
        json.loads(one.data.tags["cxai.sweep.values"])["model.conduct"]: one.info.status
        for one in children(store(home))
    }


def reason(home: Path, conduct: str) -> str:
    found = [one for one in children(store(home)) if conduct in one.data.tags["cxai.sweep.values"]]
    return artifact(store(home), found[-1], "error/traceback.txt")


def test_a_run_that_dies_fails_alone(sweep: list[str], tmp_path: Path) -> None:
    code, out, told = run(
        [*sweep, "model.conduct=exits,raises,segfaults,prints,well,leaves,interrupts", "--json"], tmp_path
    )
    assert code == 1, told
    assert statuses(tmp_path) == {
        "exits": "FAILED",
        "raises": "FAILED",
        "segfaults": "FAILED",
        "prints": "FINISHED",
        "well": "FINISHED",
        "leaves": "FAILED",
        "interrupts": "FAILED",
    }
    said = json.loads(out)
    assert said["status"] == "FAILED"
    errors = {one["point"]: one["error"] for one in said["failed"]}
    assert errors == {
        "1": "its process ended",
        "2": "ArithmeticError: a sum that does not come out",
        "3": "its process ended (SIGSEGV)",
        "6": "SystemExit: the licence has run out",
        "7": "KeyboardInterrupt",
    }
    assert "in fit" in reason(tmp_path, "raises")
    assert "its process ended" in reason(tmp_path, "exits")
    assert "in fit" in reason(tmp_path, "segfaults")
    assert "Fatal Python error" not in told
    (parent,) = parents(store(tmp_path))
    assert parent.info.status == "FAILED"
    assert "RUNNING" not in {one.info.status for one in runs(store(tmp_path))}


def test_a_process_outlives_the_folder_for_its_crash(tmp_path: Path) -> None:
    from cxai_runner.sweep.executors.processes import Processes
    from cxai_runner.sweep.settings import Settings

    with Processes(Settings(), 1, 1) as places:
        places._crashes.cleanup()  # as a cleaner of temporary files does, in a sweep of many days
        places._replace(0)
        assert places._places[0].warm.result(timeout=120)


@pytest.mark.parametrize(
    ("conduct", "limit", "words"),
    [
        ("sleeps", "sweep.seconds=40", "it took more than 40 s (sweep.seconds)"),
        ("hoards", "sweep.memory_mb=800", "it took more than 800 MB (sweep.memory_mb)"),
    ],
)
def test_a_limit_ends_what_no_library_can_be_asked_to_end(
    conduct: str, limit: str, words: str, sweep: list[str], tmp_path: Path
) -> None:
    code, _, told = run([*sweep, f"model.conduct={conduct},well", "model.seconds=3600", limit], tmp_path)
    assert code == 1, told
    assert statuses(tmp_path) == {conduct: "FAILED", "well": "FINISHED"}
    assert words in told
    assert words in reason(tmp_path, conduct)


@pytest.mark.parametrize(("option", "failed"), [(["--fail-fast"], 1), (["--max-failures", "2"], 2), ([], 3)])
def test_no_more_runs_begin_once_so_many_failed(
    option: list[str], failed: int, sweep: list[str], tmp_path: Path
) -> None:
    arguments = [*sweep[:-1], "1", "model.conduct=raises", "model.C=1,2,3", *option]
    code, out, told = run([*arguments, "--json"], tmp_path)
    assert code == 1, told
    assert len(children(store(tmp_path))) == failed
    states = [point["status"] for point in json.loads(out)["points"]]
    assert states.count("failed") == failed


def test_what_failed_is_made_again_and_what_is_done_is_not(sweep: list[str], tmp_path: Path) -> None:
    wanted = [*sweep, "model.conduct=once,well", "model.C=1,2"]
    assert run(wanted, tmp_path)[0] == 1
    assert sorted(one.info.status for one in children(store(tmp_path))) == ["FAILED", "FAILED", "FINISHED", "FINISHED"]
    (tmp_path / "mended").touch()
    code, out, told = run([*wanted, "--failed-only", "--json"], tmp_path)
    assert code == 0, told
    assert json.loads(out)["made"] == 2
    code, out, _ = run([*wanted, "--json"], tmp_path)
    assert (code, json.loads(out)["made"]) == (0, 0)
    code, out, _ = run([*wanted, "--rerun", "--json"], tmp_path)
    assert (code, json.loads(out)["made"]) == (0, 4)
    assert len(parents(store(tmp_path))) == 2


def test_only_a_sweep_that_was_started_has_failed_points(sweep: list[str], tmp_path: Path) -> None:
    code, _, told = run([*sweep, "model.C=1,2", "--failed-only"], tmp_path)
    assert code == 2
    assert "this sweep was never started" in told
    assert "leave --failed-only out" in told
