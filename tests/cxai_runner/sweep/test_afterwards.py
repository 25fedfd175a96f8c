"""A sweep after its end, as somebody sees it who was not there: found, shown, loaded, its best run again."""

from __future__ import annotations

import contextlib
import json
import shlex
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import cxai_runner
from cxai_runner.kept.run import Kept, kept

Cxai = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("swept")


@pytest.fixture(scope="module")
def words(own_panel: list[str]) -> list[str]:
    """Two points."""
    return [*own_panel, "model=logit_penalised", "model.C=0.1,1", "sweep.executor=in_process"]


@pytest.fixture(scope="module")
def swept(cxai: Cxai, here: Path, words: list[str]) -> subprocess.CompletedProcess[str]:
    return cxai("sweep", *words, cwd=here)


@pytest.fixture
def inside(here: Path, swept: object, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.chdir(here)
    return here  # type: ignore[return-value]


def next_step(out: str) -> list[str]:
    steps = out.splitlines()[-1].removeprefix("next: ").split("    ·    ")
    return shlex.split(next(step for step in steps if step.startswith("cxai run --config")))


def test_the_end_names_the_report_and_the_best_config_by_their_paths(
    cxai: Cxai, inside: Path, swept: subprocess.CompletedProcess[str]
) -> None:
    assert swept.returncode == 0, swept.stderr
    (report,) = (line.split()[1] for line in swept.stdout.splitlines() if line.startswith("  report "))
    assert (inside / report).read_text(encoding="utf-8").startswith("<!doctype html>")
    done = cxai(*next_step(swept.stdout)[1:], "--dry-run", "--json", cwd=inside)
    assert done.returncode == 0, done.stderr
    plan = json.loads(done.stdout)
    (best,) = cxai_runner.load("last").best_overrides[-1:]  # type: ignore[attr-defined]
    assert best in plan["overrides"]


def test_show_tells_the_headline_and_the_points(cxai: Cxai, inside: Path) -> None:
    shown = cxai("show", "last", cwd=inside)
    assert shown.returncode == 0, shown.stderr
    assert "sweep of purchase_incidence" in shown.stdout
    assert "is the best of 2: log loss" in " ".join(shown.stdout.split())
    assert "points  2 of 2 finished" in shown.stdout
    assert "next: cxai sweep task=purchase_incidence" in shown.stdout


def test_a_sweep_is_one_row_of_the_list_and_its_points_are_asked_for(cxai: Cxai, inside: Path) -> None:
    (row,) = json.loads(cxai("list", "runs", "--json", cwd=inside).stdout)
    assert row["model"] == "sweep of 2"
    assert row["metric"].startswith("log_loss 0.")
    every = json.loads(cxai("list", "runs", "--points", "--json", cwd=inside).stdout)
    assert sorted(one["model"] for one in every) == ["logit_penalised", "logit_penalised", "sweep of 2"]


def test_the_best_has_its_report_in_full_and_the_others_have_none(inside: Path) -> None:
    sweep = cxai_runner.load("last")
    assert isinstance(sweep, cxai_runner.SweepRun)
    (best,) = sweep.best
    assert best.tags["cxai.sweep.best"] == "true"
    assert best.report is not None
    assert sorted(path.stem for path in (best.report.parent / "figures").glob("*.png")) == sorted(best.figures)
    (other,) = set(sweep.table["run"]) - {best.run_id}
    plain = cxai_runner.load(other)
    assert plain.report is None
    assert "cxai.sweep.best" not in plain.tags


def test_report_makes_what_a_point_was_kept_without(cxai: Cxai, inside: Path) -> None:
    sweep = cxai_runner.load("last")
    assert isinstance(sweep, cxai_runner.SweepRun)
    again = cxai("report", sweep.run_id, "--to", "sweep.html", cwd=inside)
    assert again.returncode == 0, again.stderr
    assert "is the best of 2" in (inside / "sweep.html").read_text(encoding="utf-8")


def test_a_sweep_from_python(inside: Path) -> None:
    sweep = cxai_runner.load("last")
    assert isinstance(sweep, cxai_runner.SweepRun)
    assert list(sweep.table["rank"]) == [1, 2]
    assert sweep.table["log_loss"].is_monotonic_increasing
    assert sweep.config["space"] == {"model.C": "0.1,1"}
    assert "is the best of 2" in sweep.headline
    assert "is the best of 2" in " ".join(repr(sweep).split())
    assert "<svg" in sweep._repr_html_()
    assert set(sweep.tables) == {"table"}


def test_the_best_is_run_again_from_python_and_comes_to_the_same(inside: Path) -> None:
    sweep = cxai_runner.load("last")
    assert isinstance(sweep, cxai_runner.SweepRun)
    again = cxai_runner.run(
        "tracking.uri=sqlite:///elsewhere/again.db",
        config=Path(sweep.artifact_uri.removeprefix("file://")) / "best.yaml",
    )
    assert again.identity == sweep.best[0].identity
    assert again.metrics.equals(sweep.best[0].metrics)


def test_the_same_command_again_says_the_same(cxai: Cxai, inside: Path, words: list[str]) -> None:
    again = cxai("sweep", *words, "--json", cwd=inside)
    said = json.loads(again.stdout)
    assert said["made"] == 0
    assert said["headline"] == cxai_runner.load("last").headline
    assert (inside / said["best_config"]).is_file()


def test_a_better_one_takes_the_tag(cxai: Cxai, inside: Path, words: list[str]) -> None:
    first = cxai_runner.load("last")
    assert isinstance(first, cxai_runner.SweepRun)
    (former,) = first.best
    wider = [word.replace("model.C=0.1,1", "model.C=0.1,1,100") for word in words]
    reversed_ = [*wider, "sweep.metrics={log_loss: higher}"]
    done = cxai("sweep", *reversed_, cwd=inside)
    assert done.returncode == 0, done.stderr
    # Another sweep still names it among its best, so it keeps the tag; the new best has it too.
    second = cxai_runner.load("last")
    assert isinstance(second, cxai_runner.SweepRun)
    (best,) = second.best
    assert best.run_id != former.run_id
    assert best.tags["cxai.sweep.best"] == "true"
    assert Kept(kept(None, former.run_id).store, former.run_id).facts["tags"]["cxai.sweep.best"] == "true"


def test_a_sweep_of_which_a_point_failed_says_what_it_came_to(
    cxai: Cxai, inside: Path, own_panel: list[str], tmp_path: Path
) -> None:
    # The solver has no such penalty, which it finds out when it is fitted.
    varied = ["model=logit_penalised", "model.l1_ratio=0,1", "sweep.executor=in_process"]
    done = cxai("sweep", *own_panel, *varied, cwd=tmp_path)
    assert done.returncode == 1
    assert "failed: l1_ratio=1: ValueError" in done.stdout
    shown = cxai("show", "last", cwd=tmp_path)
    assert shown.returncode == 0, shown.stderr
    assert "(FAILED)" in shown.stdout
    assert "points  1 of 2 finished, 1 failed" in shown.stdout
    assert "What failed:" in shown.stdout
    (row,) = json.loads(cxai("list", "runs", "--json", cwd=tmp_path).stdout)
    assert (row["model"], row["status"]) == ("sweep of 2, 1 failed", "FAILED")
    with contextlib.chdir(tmp_path):
        sweep = cxai_runner.load("last")
        assert "there is nothing to compare it with" in sweep._repr_html_()
