"""A sweep end to end: planned, run, resumed, linked, with what failed told at the end."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from cxai_runner.lifecycle.runs import LINK
from cxai_runner.sweep.ledger import OF, PARENT, POINT

Cxai = Callable[..., Any]
POINTS = ["model=logit_penalised,logit", "model.C=0.1,10", "sweep.executor=in_process"]
"""Three: a logit without a penalty has no C."""


@pytest.fixture
def runs(tmp_path: Path) -> Callable[[], pd.DataFrame]:
    """Every run in the store of the working folder: name, status, tags, by begin."""

    def read() -> pd.DataFrame:
        from cxai_runner.tracking.read import list_runs
        from cxai_runner.tracking.store import Store

        store = Store.open(None, tmp_path, create=False)
        return pd.DataFrame(
            {"run": one.info.run_id, "name": one.info.run_name, "status": one.info.status, **one.data.tags}
            for one in reversed(list_runs(store, limit=1000))
        )

    return read


@pytest.fixture
def sweep(cxai: Cxai, own_panel: list[str], tmp_path: Path) -> Callable[..., dict[str, Any]]:
    """Run a sweep on the small panel, and return what it says as JSON."""

    def call(*words: str, code: int = 0) -> dict[str, Any]:
        done = cxai("sweep", *own_panel, *words, "--json", cwd=tmp_path)
        assert done.returncode == code, done.stderr + done.stdout
        said: dict[str, Any] = json.loads(done.stdout)
        return said

    return call


def scores(said: dict[str, Any]) -> list[tuple[str, float]]:
    return [(one["point"], one["log_loss"]) for one in said["points"]]


def test_every_point_is_a_run_below_the_one_of_the_sweep(sweep: Cxai, runs: Cxai) -> None:
    said = sweep(*POINTS)
    assert said["made"] == 3
    found = runs()
    parent = found[found["run"] == said["run_id"]].iloc[0]
    children = found[found[OF] == said["run_id"]]
    assert parent["status"] == "FINISHED"
    assert set(children[POINT]) == {"1", "2", "3"}
    assert set(children["status"]) == {"FINISHED"}
    assert set(children[PARENT]) == {said["run_id"]}
    assert children["cxai.identity"].is_unique
    assert set(children["name"]) == {"logit_penalised C=0.1", "logit_penalised C=10", "logit"}


def test_the_table_is_ranked_by_the_held_out_metric(sweep: Cxai) -> None:
    said = sweep(*POINTS)
    losses = [loss for _, loss in scores(said)]
    assert losses == sorted(losses)
    assert [one["rank"] for one in said["points"]] == [1, 2, 3]
    assert said["best"] == [next(one["model"] + (f" C={one['model.C']}" if one["model.C"] else "")
                                 for one in said["points"])]  # fmt: skip


def test_a_point_of_a_sweep_is_the_run_that_cxai_run_makes(sweep: Cxai, cxai: Cxai, own_panel: list[str],
                                                           tmp_path: Path) -> None:  # fmt: skip
    said = sweep("model=logit_penalised", "model.C=0.1,10", "sweep.executor=in_process")
    alone = cxai("run", *own_panel, "model=logit_penalised", "model.C=10", "--json", cwd=tmp_path)
    value = json.loads(alone.stdout)["metrics"]["held_out"]["log_loss"]["value"]
    assert value == dict(scores(said))["2"]


def test_the_same_command_again_runs_nothing(sweep: Cxai, runs: Cxai) -> None:
    first = sweep(*POINTS)
    before = runs()
    again = sweep(*POINTS)
    assert again["made"] == 0
    assert again["run_id"] == first["run_id"]
    assert scores(again) == scores(first)
    assert len(runs()) == len(before)


def test_points_of_an_earlier_sweep_or_run_are_linked(sweep: Cxai, runs: Cxai, cxai: Cxai, own_panel: list[str],
                                                      tmp_path: Path) -> None:  # fmt: skip
    cxai("run", *own_panel, "model=logit", cwd=tmp_path)
    sweep("model=logit_penalised", "model.C=0.1,10", "sweep.executor=in_process")
    said = sweep("model=logit_penalised,logit", "model.C=0.1,1,10", "sweep.executor=in_process")
    assert said["made"] == 1
    assert {one["status"] for one in said["points"]} == {"linked", "finished"}
    own = runs().set_index("run").loc[said["run_id"]]
    links = {tag.removeprefix(LINK): json.loads(text)["run"] for tag, text in own.items()
             if str(tag).startswith(LINK) and isinstance(text, str)}  # fmt: skip
    assert links == {one["point"]: one["run"] for one in said["points"] if one["status"] == "linked"}


def test_rerun_runs_every_point_again_with_the_same_result(sweep: Cxai) -> None:
    first = sweep(*POINTS)
    again = sweep(*POINTS, "--rerun")
    assert again["made"] == 3
    assert again["run_id"] != first["run_id"]
    assert scores(again) == scores(first)


def test_points_that_come_to_the_same_are_run_once(sweep: Cxai) -> None:
    said = sweep("model=logit_penalised,purchase_incidence/logit_penalised", "sweep.executor=in_process")
    assert said["made"] == 1
    assert len({one["run"] for one in said["points"]}) == 1


def test_repeats_vary_the_seed_and_are_judged_by_their_mean(sweep: Cxai) -> None:
    said = sweep("model=logit_penalised", "model.C=0.1,10", "sweep.repeats=2", "seed=5", "sweep.executor=in_process")
    assert sorted((one["point"], one["seed"]) for one in said["points"]) == [
        ("1.1", 5), ("1.2", 6), ("2.1", 5), ("2.2", 6),
    ]  # fmt: skip
    mean = pd.DataFrame(said["points"]).groupby("model.C")["log_loss"].mean()
    assert said["best"] == [f"C={mean.idxmin()}"]


def test_every_mistake_of_every_point_is_told_before_the_first_runs(cxai: Cxai, own_panel: list[str],
                                                                    tmp_path: Path) -> None:  # fmt: skip
    told = cxai("sweep", *own_panel, "model=logit,xgbost", "split.test_size=0.2,1.7", "seed=1,-1", cwd=tmp_path)
    assert told.returncode == 2
    assert "did you mean" in told.stderr
    assert "xgboost" in told.stderr
    assert "split.test_size: 1.7" in told.stderr
    assert "seed: -1" in told.stderr
    assert not (tmp_path / "mlruns" / "mlflow.db").exists()


@pytest.fixture
def fickle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A model of the user's that fails with C = 2 for as long as a file is there."""
    import sys

    (tmp_path / "own_models.py").write_text(
        "from pathlib import Path\n"
        "from sklearn.linear_model import LogisticRegression\n"
        "class Fickle(LogisticRegression):\n"
        "    def fit(self, X, y, sample_weight=None):\n"
        f"        if self.C == 2 and Path({str(tmp_path / 'broken')!r}).exists():\n"
        "            raise ArithmeticError('C = 2 is not my number')\n"
        "        return super().fit(X, y, sample_weight)\n"
    )
    (tmp_path / "broken").touch()
    monkeypatch.syspath_prepend(str(tmp_path))
    yield tmp_path / "broken"
    sys.modules.pop("own_models", None)


FICKLE = [
    "model._target_=own_models.Fickle",
    "targets.allow=[own_models]",
    "model.C=1,2,3",
    "sweep.executor=in_process",
]


def test_a_point_that_fails_stops_no_other_and_is_run_again_by_the_same_command(
    sweep: Cxai, runs: Cxai, fickle: Path
) -> None:
    said = sweep(*FICKLE, code=1)
    assert said["status"] == "FAILED"
    assert said["made"] == 2
    ((failed,)) = said["failed"]
    assert failed["point"] == "2"
    assert "C = 2 is not my number" in failed["error"]
    found = runs().set_index("run")
    assert found.loc[failed["run"], "status"] == "FAILED"
    assert found.loc[said["run_id"], "status"] == "FAILED"
    fickle.unlink()
    again = sweep(*FICKLE)
    assert again["run_id"] == said["run_id"]
    assert (again["made"], again["status"]) == (1, "FINISHED")
    assert sorted(runs()["status"]) == ["FAILED", "FINISHED", "FINISHED", "FINISHED", "FINISHED"]


def test_the_traceback_of_a_point_is_kept_with_its_run(sweep: Cxai, fickle: Path, tmp_path: Path) -> None:
    from cxai_runner.kept.run import kept

    said = sweep(*FICKLE, code=1)
    assert "ArithmeticError" in kept(None, said["failed"][0]["run"], tmp_path).text("error/traceback.txt")


def test_a_model_that_leaves_the_process_fails_alone(sweep: Cxai, runs: Cxai, tmp_path: Path,
                                                     monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    (tmp_path / "leaving.py").write_text(
        "from sklearn.linear_model import LogisticRegression\n"
        "class Leaving(LogisticRegression):\n"
        "    def fit(self, X, y, sample_weight=None):\n"
        "        if self.C == 1:\n"
        "            raise SystemExit('the licence has run out')\n"
        "        return super().fit(X, y, sample_weight)\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    own = ["model._target_=leaving.Leaving", "targets.allow=[leaving]", "model.C=1,2", "sweep.executor=in_process"]
    said = sweep(*own, code=1)
    assert [one["error"] for one in said["failed"]] == ["SystemExit: the licence has run out"]
    assert (said["made"], said["best"]) == (1, ["C=2"])
    assert sorted(runs()["status"]) == ["FAILED", "FAILED", "FINISHED"]


def test_a_metric_that_no_run_has_stops_the_sweep_after_the_first(sweep: Cxai) -> None:
    misspelt = sweep(*POINTS, "sweep.metrics={roc_auk: higher}", code=1)
    assert misspelt["stopped"] == "no run has a metric roc_auk; did you mean `roc_auc`?"
    assert misspelt["headline"].endswith(f"none with a result that can be ranked: {misspelt['stopped']}")
    assert (misspelt["made"], misspelt["status"]) == (1, "FAILED")
    assert [one["status"] for one in misspelt["points"]] == ["finished", "not run", "not run"]
    right = sweep(*POINTS, "sweep.metrics={roc_auc: higher}")
    assert (right["made"], right["stopped"]) == (2, "")  # what the first came to is not lost


def test_no_more_is_begun_after_so_many_failures(sweep: Cxai, fickle: Path) -> None:
    said = sweep(*FICKLE, "model.fit_intercept=true,false", "--fail-fast", code=1)
    assert len(said["failed"]) == 1
    assert said["made"] == 2
    assert [one["status"] for one in said["points"]] == ["finished", "finished", "failed", *["not run"] * 3]


def test_only_what_failed_is_run_again_where_that_is_asked_for(sweep: Cxai, cxai: Cxai, own_panel: list[str],
                                                               fickle: Path, tmp_path: Path) -> None:  # fmt: skip
    never = cxai("sweep", *own_panel, *FICKLE, "--failed-only", cwd=tmp_path)
    assert never.returncode == 2
    assert "this sweep was never started" in never.stderr
    sweep(*FICKLE, "model.fit_intercept=true,false", "--fail-fast", code=1)
    ahead = sweep(*FICKLE, "model.fit_intercept=true,false", "--failed-only", "--plan")
    assert [(one["point"], one["state"]) for one in ahead["plan"]] == [("3", "to run")]
    both = cxai("sweep", *own_panel, *FICKLE, "--failed-only", "--rerun", cwd=tmp_path)
    assert both.returncode == 2
    assert "leave one of them out" in both.stderr
    fickle.unlink()
    said = sweep(*FICKLE, "model.fit_intercept=true,false", "--failed-only", code=1)
    assert said["made"] == 1
    assert [one["point"] for one in said["points"] if one["status"] == "not run"] == ["4", "5", "6"]


def test_a_plan_says_what_is_done_and_what_is_left(cxai: Cxai, own_panel: list[str], tmp_path: Path) -> None:
    def plan(*words: str) -> dict[str, Any]:
        done = cxai("sweep", *own_panel, *words, "--plan", "--json", cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        said: dict[str, Any] = json.loads(done.stdout)
        return said

    before = plan(*POINTS)
    assert (before["points"], before["done"], before["to_run"], before["seconds"]) == (3, 0, 3, None)
    assert (before["features"], before["features_built"]) == (1, 0)
    assert not (tmp_path / "mlruns" / "mlflow.db").exists()
    cxai("sweep", *own_panel, *POINTS, cwd=tmp_path)
    again = plan(*POINTS, "--rerun")
    assert (again["done"], again["to_run"], {one["state"] for one in again["plan"]}) == (0, 3, {"to run"})
    after = plan(*POINTS, "split.test_size=0.25,0.4")
    assert (after["points"], after["done"], after["to_run"]) == (6, 3, 3)
    assert (after["features"], after["features_built"]) == (1, 0)  # the other half of them: another split
    assert after["seconds"] > 0
    states = {one["split.test_size"]: set() for one in after["plan"]}  # type: ignore[var-annotated]
    for one in after["plan"]:
        states[one["split.test_size"]].add(one["state"])
    assert states == {"0.25": {"done"}, "0.4": {"to run"}}


def test_the_plain_hydra_entry_makes_the_same_sweep(sweep: Cxai, own_panel: list[str], tmp_path: Path) -> None:
    import subprocess
    import sys

    command = [sys.executable, "-m", "cxai_runner", "-m", *own_panel, *POINTS]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "3 points: 3 run now" in done.stdout
    assert sweep(*POINTS)["made"] == 0


def test_a_search_that_learns_is_gone_on_with(sweep: Cxai, runs: Cxai) -> None:
    learned = ["model=logit_penalised", "model.C=tag(log,interval(0.01,100))", "sweep.search=tpe",
               "sweep.executor=in_process"]  # fmt: skip
    whole = sweep(*learned, "sweep.trials=4")
    assert [one["point"] for one in sorted(whole["points"], key=lambda one: one["point"])] == ["1", "2", "3", "4"]
    again = sweep(*learned, "sweep.trials=4")
    assert again["made"] == 0
    assert {one["status"] for one in again["points"]} == {"linked"}
    more = sweep(*learned, "sweep.trials=6")
    assert more["made"] == 2  # the first four are drawn again, and are done
    assert len(runs()) == 4 + 2 + 2


def test_several_objectives_have_several_best(sweep: Cxai) -> None:
    said = sweep(*POINTS, "sweep.metrics={log_loss: lower, seconds/fit: lower}")
    assert 1 <= len(said["best"]) <= 3
    assert all("seconds/fit" in one for one in said["points"])


def test_the_same_sweep_that_is_running_is_not_started_twice(sweep: Cxai, cxai: Cxai, own_panel: list[str],
                                                             tmp_path: Path) -> None:  # fmt: skip
    from cxai_runner.tracking.owner import owner_tags
    from cxai_runner.tracking.store import Store

    said = sweep(*POINTS)
    store = Store.open(None, tmp_path)
    store.client.update_run(said["run_id"], status="RUNNING")
    for key, value in owner_tags().items():
        store.client.set_tag(said["run_id"], key, value)
    told = cxai("sweep", *own_panel, *POINTS, cwd=tmp_path)
    assert told.returncode == 2
    assert "the same sweep is running" in told.stderr
    assert "wait for it" in told.stderr
