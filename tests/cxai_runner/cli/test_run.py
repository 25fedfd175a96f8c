"""`cxai run` as a user meets it: what it prints, what it leaves, and what it says of mistakes."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

Call = Callable[..., "subprocess.CompletedProcess[str]"]
UNFITTABLE = ["model=logit_penalised", "model.solver=newton-cholesky", "model.l1_ratio=1"]
"""Of an estimator that is another's: only its own fit knows that these two do not go together."""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def first(cxai: Call, own_panel: list[str], home: Path) -> dict[str, object]:
    done = cxai("run", *own_panel, "--json", cwd=home)
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


def test_json_names_the_run_its_metrics_and_its_baseline(first: dict) -> None:
    assert first["status"] == "FINISHED"
    assert first["experiment"] == "purchase_incidence"
    assert len(first["run_id"]) == 32
    assert len(first["identity"]) >= 32
    held_out, baseline = first["metrics"]["held_out"]["log_loss"], first["baseline"]["held_out"]["log_loss"]
    assert held_out["low"] < held_out["value"] < held_out["high"]
    assert held_out["value"] < baseline["value"]
    assert {"load", "features", "fit", "evaluate", "report", "log"} <= set(first["seconds"])
    assert first["estimates"]["elasticity_at_mean_price"]["high"] < 0


def test_the_run_holds_all_that_a_tracked_run_holds(first: dict, home: Path) -> None:
    from mlflow import MlflowClient

    client = MlflowClient(f"sqlite:///{home}/mlruns/mlflow.db")
    run = client.get_run(first["run_id"])
    names = {entry.path for entry in client.list_artifacts(first["run_id"])}
    assert {
        "config.yaml", "overrides.yaml", "origins.json", "environment.txt", "report.html", "report.json", "tables",
        "figures", "scores",
    } <= names  # fmt: skip
    assert run.info.status == "FINISHED"
    assert {"cxai.identity", "cxai.key.features", "cxai.key.fit", "cxai.key.evaluate"} <= set(run.data.tags)
    assert run.data.params["model._target_"] == "cxai_runner.methods.logit.BinomialLogit"
    assert {"seed", "threads", "split.test_size"} <= set(run.data.params)
    for key in ("held_out/log_loss", "held_out/log_loss_low", "baseline/log_loss", "train/log_loss", "seconds/fit"):
        assert key in run.data.metrics
    assert run.data.metrics["peak_memory_mb/fit"] > 0
    contexts = {tag.value for entry in run.inputs.dataset_inputs for tag in entry.tags}
    assert contexts == {"source", "train", "held_out"}
    assert run.outputs.model_outputs


def test_the_same_command_again_has_the_same_identity_and_numbers(
    first: dict, cxai: Call, own_panel: list[str], home: Path
) -> None:
    again = json.loads(cxai("run", *own_panel, "--json", cwd=home).stdout)
    assert again["run_id"] != first["run_id"]
    for part in ("identity", "metrics", "baseline", "estimates"):
        assert again[part] == first[part]


@pytest.mark.parametrize(
    "change", ["seed=1", "threads=2", "split.test_size=0.3", "model.max_iter=99", "task.cluster=false"]
)
def test_whatever_can_move_a_number_is_part_of_the_identity(
    change: str, first: dict, own_panel: list[str], monkeypatch: pytest.MonkeyPatch, home: Path
) -> None:
    from cxai_runner.config.compose import compose
    from cxai_runner.experiment import prepare
    from cxai_runner.identity import keys

    monkeypatch.chdir(home)
    assert keys(prepare(compose(own_panel))).identity == first["identity"]
    assert keys(prepare(compose([*own_panel, change]))).identity != first["identity"]


@pytest.mark.parametrize(
    "change", ["name=other", "tracking.level=child", "tracking.experiment=x", "cache.enabled=false"]
)
def test_what_only_keeps_or_tells_is_no_part_of_the_identity(
    change: str, first: dict, own_panel: list[str], monkeypatch: pytest.MonkeyPatch, home: Path
) -> None:
    from cxai_runner.config.compose import compose
    from cxai_runner.experiment import prepare
    from cxai_runner.identity import keys

    monkeypatch.chdir(home)
    assert keys(prepare(compose([*own_panel, change]))).identity == first["identity"]


def test_show_and_report_come_from_what_was_logged(first: dict, cxai: Call, home: Path, tmp_path: Path) -> None:
    shown = cxai("show", str(first["run_id"])[:6], cwd=home)
    assert shown.returncode == 0
    assert str(first["headline"])[:40] in shown.stdout
    target = tmp_path / "again.html"
    assert cxai("report", str(first["run_id"]), "--to", str(target), cwd=home).returncode == 0
    original = home / "mlruns" / "artifacts" / "purchase_incidence" / str(first["run_id"]) / "artifacts" / "report.html"
    assert target.read_text(encoding="utf-8") == original.read_text(encoding="utf-8")


def test_list_runs_as_json_has_the_run(first: dict, cxai: Call, home: Path) -> None:
    listed = json.loads(cxai("list", "runs", "--json", cwd=home).stdout)
    assert first["run_id"] in {row["run_id"] for row in listed}


def test_an_unknown_run_is_a_mistake_with_a_remedy(first: dict, cxai: Call, home: Path) -> None:
    done = cxai("show", "zzzzzz", cwd=home)
    assert done.returncode == 2
    assert "no such run" in done.stderr
    assert "Traceback" not in done.stderr


def test_all_mistakes_at_once_exit_2_and_nothing_written(cxai: Call, own_panel: list[str], tmp_path: Path) -> None:
    done = cxai("run", *own_panel, "modl=xgboost", "split.test_size=1.7", "evaluation.resamples=3", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stdout == ""
    for word in ("3 problems", "did you mean `model`?", "split.test_size", "evaluation.resamples", "command line"):
        assert word in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "mlruns" / "mlflow.db").exists()


def test_mistakes_as_json(cxai: Call, tmp_path: Path) -> None:
    done = cxai("run", "task=segmentatoin", "--json", cwd=tmp_path)
    assert done.returncode == 2
    told = json.loads(done.stdout)
    assert told["status"] == "refused"
    assert told["problems"][0]["key"] == "task"
    assert "segmentation" in told["problems"][0]["remedy"]


def test_a_dry_run_checks_and_leaves_nothing(cxai: Call, own_panel: list[str], tmp_path: Path) -> None:
    done = cxai("run", *own_panel, "--dry-run", "--json", cwd=tmp_path)
    assert done.returncode == 0
    plan = json.loads(done.stdout)
    assert plan["status"] == "ready"
    assert plan["tables"] == {"panel": 1800}
    assert not (tmp_path / "mlruns" / "mlflow.db").exists()


def test_a_dry_run_tells_what_to_know_of_a_file(
    cxai: Call, panel_csv: Path, own_panel: list[str], tmp_path: Path
) -> None:
    header, _, rest = panel_csv.read_text().partition("\n")
    (tmp_path / "twice.csv").write_text(f"{header},day\n" + rest.replace("\n", ",1\n"))
    mapped = [one.replace("columns.occasion=day", "columns.occasion=day_1") for one in own_panel]
    overrides = [one for one in mapped if not one.startswith("data.path=")]
    note = "the header has `day` twice; the second is `day_2`"
    done = cxai("run", *overrides, "data.path=twice.csv", "--dry-run", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert f"note on panel  {note}" in done.stdout
    done = cxai("run", *overrides, "data.path=twice.csv", "--dry-run", "--json", cwd=tmp_path)
    assert json.loads(done.stdout)["notes"] == {"panel": [note]}


def test_a_failed_fit_exits_1_and_keeps_its_traceback(cxai: Call, own_panel: list[str], tmp_path: Path) -> None:
    done = cxai("run", *own_panel, *UNFITTABLE, cwd=tmp_path)
    assert done.returncode == 1
    assert "Solver newton-cholesky" in done.stderr
    assert "Traceback" not in done.stderr
    (kept,) = tmp_path.glob("mlruns/artifacts/*/*/artifacts/error/traceback.txt")
    assert "Traceback" in kept.read_text(encoding="utf-8")


def test_the_plain_hydra_application_composes_and_runs_the_same(
    cxai: Call, own_panel: list[str], first: dict, home: Path
) -> None:
    import sys

    from tests.conftest import user_environment

    plain = [sys.executable, "-m", "cxai_runner"]
    shown = subprocess.run(
        [*plain, "--cfg", "job", "task=segmentation", "model=kmeans"],
        cwd=home, env=user_environment(), capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert "KMeansSegments" in shown.stdout
    ran = subprocess.run(
        [*plain, *own_panel], cwd=home, env=user_environment(), capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    latest = json.loads(cxai("list", "runs", "--json", "--limit", "1", cwd=home).stdout)[0]
    detail = json.loads(cxai("show", latest["run_id"], "--json", cwd=home).stdout)
    assert detail["identity"] == first["identity"]
