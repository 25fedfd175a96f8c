"""Runs made again: restored as they were, refused in words where that cannot be, linked, and judged."""

from __future__ import annotations

import hashlib
import json
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import cxai_runner
from cxai_runner.config.problems import UserError
from cxai_runner.lifecycle.kept import Kept, kept

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


@pytest.fixture
def mine(own_panel: list[str]) -> list[str]:
    """The overrides of a run on that panel, by a relative path."""
    return [line if not line.startswith("data.path=") else "data.path=panel.csv" for line in own_panel]


def test_the_same_to_the_bit_and_both_are_linked(cxai: Call, home: Path, mine: list[str]) -> None:
    original = ran(cxai, home, *mine, "seed=3")
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
    assert taken["stages"][1]["differs"][0].startswith("fold 1, train: columns price_a")


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
    assert kept(store(home), original.run_id).facts["tags"]["cxai.reproduced"].startswith("different, ")


def test_data_that_are_elsewhere_are_missed_and_can_be_named(cxai: Call, home: Path, mine: list[str]) -> None:
    original = ran(cxai, home, *mine)
    elsewhere = home / "elsewhere"
    elsewhere.mkdir()
    refused = again(cxai, elsewhere, original.run_id, "--uri", store(home), code=2)
    assert [problem["key"] for problem in refused["problems"]] == ["data.path"]
    assert "relative paths begin here, in elsewhere/" in refused["problems"][0]["remedy"]
    named = again(cxai, elsewhere, original.run_id, "data.path=../panel.csv", "--uri", store(home))
    assert named["verdict"] == "identical"


def test_only_where_things_lie_can_be_changed(cxai: Call, home: Path, mine: list[str]) -> None:
    ran(cxai, home, *mine)
    refused = again(cxai, home, "last", "seed=4", "model.C=2", code=2)
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
    assert found["deviation"]["relative"] > 1e-9
    # With the source changed, in a word that changes nothing, the code is what is blamed.
    module.write_text(RESTLESS.replace("never comes", "hardly comes"))
    found = again(cxai, home, original.run_id, code=1)
    assert [(cause["kind"], cause["said"]) for cause in found["causes"]] == [("code", "module restless changed")]
    assert "1 of the" in found["told"]
    assert "restless" in found["told"]


def test_another_library_is_named_by_what_the_run_kept(cxai: Call, home: Path, mine: list[str]) -> None:
    original = ran(cxai, home, *mine)
    path = Path(str(original.run.info.artifact_uri).removeprefix("file://")) / "keys.json"
    keys = json.loads(path.read_text())
    keys["stages"]["fit"]["packages"]["sklearn"] = "0.1"
    keys["stages"]["fit"]["key"] = "other"
    path.write_text(json.dumps(keys))
    found = again(cxai, home, original.run_id)
    assert (found["verdict"], found["first"]) == ("identical", "fit")
    (cause,) = found["causes"]
    assert (cause["stage"], cause["kind"]) == ("fit", "library")
    assert cause["said"].startswith("sklearn 0.1 then, ")


def test_what_did_not_finish_is_refused_in_words(cxai: Call, home: Path, mine: list[str]) -> None:
    from mlflow import MlflowClient

    original = ran(cxai, home, *mine)
    client = MlflowClient(store(home))
    for status, told in (("FAILED", "failed, and left no"), ("KILLED", "was stopped"), ("RUNNING", "has not ended")):
        client.update_run(original.run_id, status=status)
        (problem,) = again(cxai, home, original.run_id, code=2)["problems"]
        assert told in problem["message"]
    client.update_run(original.run_id, status="FINISHED")
    client.set_tag(original.run_id, "cxai.sweep.key", "k")
    client.set_tag(original.run_id, "cxai.sweep.best", "b" * 32)
    (problem,) = again(cxai, home, original.run_id, code=2)["problems"]
    assert "is a sweep" in problem["message"]
    assert problem["remedy"] == "its best: cxai reproduce bbbbbbbb"


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


def test_it_reads_well(cxai: Call, home: Path, mine: list[str]) -> None:
    original = ran(cxai, home, *mine)
    done = cxai("reproduce", "last", cwd=home)
    lines = [" ".join(line.split()) for line in done.stdout.splitlines()]
    assert lines[0].endswith(f"reproduces {original.run_id[:8]}: identical to the bit")
    assert lines[2:] == [
        "stage key result",
        "data same same",
        "features same same",
        "fit same same",
        "evaluate same same",
        "report – same",
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
