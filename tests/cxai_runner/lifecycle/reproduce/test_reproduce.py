"""Runs made again: restored as they were, refused in words where that cannot be, linked, and judged."""

from __future__ import annotations

import hashlib
import json
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import cxai_runner
from cxai_runner.cli.reproduce import in_words
from cxai_runner.config.problems import UserError
from cxai_runner.kept.held import Exported
from cxai_runner.kept.run import Kept, kept
from cxai_runner.lifecycle.export import export
from cxai_runner.lifecycle.reproduce import Original, Stage
from cxai_runner.lifecycle.reproduce.deviation import Deviation
from cxai_runner.lifecycle.reproduce.parts import Cause
from cxai_runner.lifecycle.reproduce.verdict import judged
from cxai_runner.tracking.read import list_runs

Call = Callable[..., "subprocess.CompletedProcess[str]"]

RESTLESS = '''
"""A model that never comes to the same twice."""
import os

from sklearn.linear_model import LogisticRegression


class Restless(LogisticRegression):
    def __init__(self, C: float = 1.0):
        super().__init__(C=C)

    def fit(self, X, y, sample_weight=None):
        super().fit(X, y, sample_weight)
        self.coef_ = self.coef_ * (1 + int.from_bytes(os.urandom(2), "big") / 2**17)
        return self
'''


def store(home: Path) -> str:
    return f"sqlite:///{home}/mlruns/mlflow.db"


def ran(cxai: Call, home: Path, *overrides: str, env: dict[str, str] | None = None) -> Kept:
    done = cxai("run", *overrides, "--json", cwd=home, env=env)
    assert done.returncode == 0, done.stderr
    return kept(store(home), json.loads(done.stdout)["run_id"])


def again(cxai: Call, home: Path, *arguments: str, code: int = 0, **more: Any) -> dict[str, Any]:
    done = cxai("reproduce", *arguments, "--json", cwd=home, **more)
    assert done.returncode == code, done.stdout + done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found | {"told": done.stderr}


@pytest.fixture
def home(tmp_path: Path, panel_csv: Path) -> Path:
    """A folder with the panel in it."""
    (tmp_path / "panel.csv").write_bytes(panel_csv.read_bytes())
    return tmp_path


@pytest.fixture(scope="module")
def mine(own_panel: list[str]) -> list[str]:
    """The overrides of a run on that panel, by a relative path."""
    return [line if not line.startswith("data.path=") else "data.path=panel.csv" for line in own_panel]


@pytest.fixture(scope="module")
def original(cxai: Call, panel_csv: Path, mine: list[str], tmp_path_factory: pytest.TempPathFactory) -> Kept:
    """A run in a folder of its own, which is made again and otherwise left as it is."""
    home = tmp_path_factory.mktemp("original")
    (home / "panel.csv").write_bytes(panel_csv.read_bytes())
    return ran(cxai, home, *mine, "seed=3")


def home_of(run: Kept) -> Path:
    return Path(run.store.uri.removeprefix("sqlite:///")).parents[1]


def test_the_same_to_the_bit_and_both_are_linked(cxai: Call, original: Kept) -> None:
    home = home_of(original)
    found = again(cxai, home, "last")
    assert found["verdict"] == "identical"
    assert found["original"] == original.run_id
    assert [stage["same_result"] for stage in found["stages"]] == [True] * 5
    assert found["deviation"]["relative"] == 0
    new, before = kept(store(home), found["run_id"]), kept(store(home), original.run_id)
    assert new.facts["status"] == "FINISHED"
    assert new.facts["params"]["seed"] == "3"
    assert new.facts["tags"]["cxai.reproduces"] == original.run_id
    assert new.facts["tags"]["cxai.reproduced"] == "identical"
    assert before.facts["tags"]["cxai.reproduced"] == f"identical, {new.run_id}"
    assert new.facts["identity"] == original.facts["identity"]
    assert new.experiment == original.experiment


def test_features_are_not_taken_from_the_cache_unless_asked(cxai: Call, home: Path, mine: list[str]) -> None:
    """What is kept under the key is made to be something else: whoever takes it comes to something else."""
    ran(cxai, home, *mine)
    frames = list((home / "mlruns" / "cache").rglob("*.parquet"))
    assert frames
    for path in frames:
        frame = pd.read_parquet(path)
        frame["price_a"] = frame["price_a"] * 1.5
        frame.to_parquet(path)
        about = path.parent / "dataset.json"
        said = json.loads(about.read_text())
        said["frames"]["frame"]["sha256"] = hashlib.sha256(path.read_bytes()).hexdigest()
        about.write_text(json.dumps(said))
    assert again(cxai, home, "last")["verdict"] == "identical"
    original = kept(store(home), "last").facts["tags"]["cxai.reproduces"]
    taken = again(cxai, home, original, "--cached", code=1)
    assert taken["verdict"] == "different"
    assert taken["stages"][1]["differs"][0].startswith("fold 1, train: column price_a")


def test_data_that_changed_are_told_before_anything_runs(cxai: Call, home: Path, mine: list[str]) -> None:
    original = ran(cxai, home, *mine)
    lines = (home / "panel.csv").read_text().splitlines(keepends=True)
    client, day, *rest = lines[5].split(",")
    lines[5] = ",".join([client, day, "9.99", *rest[1:]])
    (home / "panel.csv").write_text("".join(lines))
    refused = again(cxai, home, original.run_id, code=2)
    (problem,) = refused["problems"]
    assert problem["message"].startswith("table panel: 1,800 rows then as now; digest …")
    assert "--anyway" in problem["remedy"]
    assert len(runs(home)) == 1
    found = again(cxai, home, original.run_id, "--anyway", code=1)
    assert found["verdict"] == "different"
    assert found["first"] == "data"
    assert found["causes"][0]["kind"] == "data"
    assert "table panel" in found["told"]
    assert kept(store(home), found["run_id"]).facts["tags"]["cxai.reproduced"] == "different"
    assert "cxai.reproduced" not in kept(store(home), original.run_id).facts["tags"]


def test_data_that_are_elsewhere_are_missed_and_can_be_named(cxai: Call, original: Kept, home: Path) -> None:
    where = ["--uri", original.store.uri]
    elsewhere = home / "elsewhere"
    elsewhere.mkdir()
    refused = again(cxai, elsewhere, original.run_id, *where, code=2)
    assert [problem["key"] for problem in refused["problems"]] == ["data.path"]
    assert "relative paths begin here, in elsewhere/" in refused["problems"][0]["remedy"]
    named = again(cxai, elsewhere, original.run_id, "data.path=../panel.csv", *where)
    assert named["verdict"] == "identical"


def test_only_where_things_lie_can_be_changed(cxai: Call, original: Kept) -> None:
    refused = again(cxai, home_of(original), original.run_id, "seed=4", "model.C=2", code=2)
    assert [problem["key"] for problem in refused["problems"]] == ["seed", "model.C"]
    assert "it would be another run" in refused["problems"][0]["message"]


def test_what_is_not_deterministic_is_said_to_be(
    cxai: Call, home: Path, mine: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    module = home / "restless.py"
    module.write_text(RESTLESS)
    monkeypatch.syspath_prepend(str(home))
    original = ran(cxai, home, *mine, "model._target_=restless.Restless", "targets.allow=[restless]")
    found = again(cxai, home, original.run_id, code=1)
    assert found["first"] == "fit"
    assert found["causes"][0]["kind"] == "chance"
    assert found["verdict"] == "different"
    # With the source changed, in a word that changes nothing, the code is what is blamed.
    module.write_text(RESTLESS.replace("never comes", "hardly comes"))
    found = again(cxai, home, original.run_id, code=1)
    assert [(cause["kind"], cause["said"]) for cause in found["causes"]] == [("code", "module restless changed")]
    assert "1 of the" in found["told"]
    assert "restless" in found["told"]


def test_another_library_is_named_by_what_the_run_kept(original: Kept, tmp_path: Path) -> None:
    folder = tmp_path / "sent"
    export(original, folder)
    keys = json.loads((folder / "keys.json").read_text())
    keys["stages"]["fit"]["packages"]["sklearn"] = "0.1"
    keys["stages"]["fit"]["key"] = "other"
    (folder / "keys.json").write_text(json.dumps(keys))
    found = judged(Exported(folder), original)
    assert found.verdict == "identical"
    assert found.first is not None
    assert found.first.name == "fit"
    (cause,) = found.causes
    assert (cause.stage, cause.kind) == ("fit", "library")
    assert cause.said.startswith("sklearn 0.1 then, ")


@pytest.mark.parametrize(
    ("status", "tags", "told", "remedy"),
    [
        ("FAILED", {}, "failed, and left no numbers", "overrides.yaml"),
        ("KILLED", {}, "was stopped, and left no numbers", "cxai run"),
        ("RUNNING", {}, "has not ended", "wait for its end"),
        ("FINISHED", {"cxai.sweep.key": "k", "cxai.sweep.best": "b" * 32}, "is a sweep", "cxai reproduce bbbbbbbb"),
        ("FINISHED", {"cxai.sweep.key": "k"}, "is a sweep", "cxai list runs"),
        ("FINISHED", {}, "is no run of an experiment", "cxai list runs"),
    ],
)
def test_what_cannot_be_made_again_is_refused_in_words(
    status: str, tags: dict[str, str], told: str, remedy: str, tmp_path: Path
) -> None:
    nowhere: Any = None
    facts = {"run_id": "a" * 32, "status": status, "tags": tags, "metrics": {}, "params": {}, "identity": None}
    (tmp_path / "run.json").write_text(json.dumps(facts))
    with pytest.raises(UserError) as refused:
        Original(Exported(tmp_path), nowhere)
    (problem,) = refused.value.problems
    assert told in problem.message
    assert remedy in problem.remedy


def test_a_run_on_data_frames_wants_them_again(
    home: Path, own_panel: list[str], panel_csv: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(home)
    frame = pd.read_csv(panel_csv)
    columns = {"customer_id": "client", "occasion": "day", "incidence": "bought"}
    columns |= {"price": "Price_{alternative}", "promotion": "Promo_{alternative}"}
    mine = [line for line in own_panel if not line.startswith("data")]
    run = cxai_runner.run(*mine, tables={"panel": frame}, columns={"panel": columns})
    with pytest.raises(UserError, match=r"not this one") as refused:
        cxai_runner.reproduce(run.run_id)
    assert 'tables={"panel": frame}' in refused.value.problems[0].remedy
    found = cxai_runner.reproduce(run.run_id, tables={"panel": frame.sample(frac=1, random_state=1)})
    assert found.verdict == "identical"
    assert repr(found) == f"<Reproduction {found.run_id[:8]} of {run.run_id[:8]}: identical>"
    with pytest.raises(UserError, match="rows then"):
        cxai_runner.reproduce(run.run_id, tables={"panel": frame.head(900)})


def test_it_reads_well(original: Kept) -> None:
    lines = [" ".join(line.split()) for line in in_words(judged(original, original)).splitlines()]
    assert lines[0] == f"run {original.run_id[:8]} reproduces {original.run_id[:8]}: identical to the bit"
    assert lines[2:] == [
        "stage key result",
        "data same same",
        "features same same",
        "fit same same",
        "evaluate same same",
        "report – same",
    ]
    near = replace(
        judged(original, original),
        verdict="within tolerance",
        deviation=Deviation(2e-12, "held_out/log_loss", "0.5", "0.6"),
        causes=(Cause("fit", "threads", "1 then, 2 now"), Cause("fit", "code", "module shop changed")),
        stages=(Stage("fit", same_key=False, same_result=False, differs=("train: column p", "held out: column p")),),
    )
    assert [" ".join(line.split()) for line in in_words(near).splitlines()[2:]] == [
        "stage key result",
        "fit other other (train: column p, and 1 more)",
        "",
        "largest deviation held_out/log_loss: 0.5 then, 0.6 now (2.0e-12 relative); allowed 1e-09",
        "differs first fit",
        "because threads of fit: 1 then, 2 now",
        "code of fit: module shop changed",
    ]


@pytest.mark.slow
def test_threads_are_restored_and_blamed_where_they_are_others(cxai_process: Call, home: Path, mine: list[str]) -> None:
    """On a machine with other work to do two threads wait for each other, which is slow."""
    done = cxai_process("run", *mine, "threads=2", "--json", cwd=home)
    original = json.loads(done.stdout)["run_id"]
    found = again(cxai_process, home, original)
    assert found["verdict"] == "identical"
    assert kept(store(home), found["run_id"]).facts["params"]["threads"] == "2"
    other = json.loads(cxai_process("reproduce", original, "threads=1", "--json", cwd=home).stdout)
    assert other["first"] == "fit"
    assert [(cause["kind"], cause["said"]) for cause in other["causes"]] == [("threads", "2 then, 1 now")]


def runs(home: Path) -> Sequence[Any]:
    from mlflow import MlflowClient

    client = MlflowClient(store(home))
    return client.search_runs([one.experiment_id for one in client.search_experiments()])


@pytest.mark.parametrize("tolerance", ["nan", "inf", "-1"])
def test_a_tolerance_that_nothing_can_be_held_against_is_refused(cxai: Call, original: Kept, tolerance: str) -> None:
    before = len(list_runs(original.store))
    refused = cxai("reproduce", "last", f"--tolerance={tolerance}", cwd=home_of(original))
    assert refused.returncode == 2
    assert "--tolerance" in refused.stderr
    with pytest.raises(UserError, match="a number of at least 0"):
        cxai_runner.reproduce(original.run_id, uri=original.store.uri, tolerance=float(tolerance))
    assert len(list_runs(original.store)) == before


def test_a_folder_hides_no_run(original: Kept, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    uri, short = original.store.uri, original.run_id[:8]
    Path(short).mkdir()
    assert Original.named(short, uri).run.run_id == original.run_id
    with pytest.raises(UserError, match="no exported run"):
        Original.named(f"{short}/", uri)
    Path("nobody").mkdir()
    with pytest.raises(UserError, match="no such run") as refused:
        Original.named("nobody", uri)
    assert "no exported run" in str(refused.value)
    export(original, Path("sent"))
    assert isinstance(Original.named("sent", uri).run, Exported)
    Path(short).rmdir()
    Path("sent").rename(short)
    with pytest.raises(UserError, match="and so is a folder") as refused:
        Original.named(short, uri)
    assert f"./{short}" in refused.value.problems[0].remedy
    by_path = Original.named(f"./{short}", uri)
    assert isinstance(by_path.run, Exported)
    assert by_path.given == str(tmp_path / short)
