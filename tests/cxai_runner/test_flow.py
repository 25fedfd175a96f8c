"""The flow carries tasks that it has never heard of: without a model, with several, of other kinds of evidence."""

from __future__ import annotations

import json
import shlex
import sqlite3
import subprocess
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

Call = Callable[..., "subprocess.CompletedProcess[str]"]

SHOP_TASKS = '''
"""Tasks of a user's own package."""

from dataclasses import dataclass

import pandas as pd
from sklearn.base import clone
from sklearn.linear_model import LinearRegression

from cxai_runner.data.tables.needs import Needs
from cxai_runner.evaluation.results import Finding, Interval, Metric, Table
from cxai_runner.task import Evidence, Maximise, SavedModel, Task


@dataclass(frozen=True, kw_only=True)
class Overview(Task):
    """How many customers there are: describes, fits nothing."""

    title = "How many customers are there?"
    needs = Needs(required={"panel": ("customer_id",)})
    evidence = Evidence.NONE
    model_kind = None

    def fit(self, model, train, context):
        assert model is None
        return int(train.frame["customer_id"].nunique())

    def score(self, fitted, data, context):
        return data.frame[["customer_id"]].copy()

    def measure(self, scores, context):
        return ()

    def report(self, fitted, train, scores, metrics, context):
        yield Finding(f"There are {fitted} customers.", "headline")
        yield Table("counts", "Counts", pd.DataFrame({"customers": [fitted]}))


@dataclass(frozen=True, kw_only=True)
class TwoModels(Task):
    """One model per outcome; both are kept."""

    title = "Do two models fit into one task?"
    needs = Needs(required={"panel": ("customer_id", "incidence", "price_*")})
    evidence = Evidence.HELD_OUT
    primary_metric = Maximise("r2")
    model_kind = "regressor"

    def fit(self, model, train, context):
        columns = [name for name in train.frame if name.startswith("price_")]
        context.step("loss", 0.5, 0)
        context.step("loss", 0.25, 1)
        return {
            name: clone(model).fit(train.frame[columns], train.frame["incidence"] * factor)
            for name, factor in (("model", 1.0), ("double", 2.0))
        }

    def score(self, fitted, data, context):
        columns = list(fitted["model"].feature_names_in_)
        return data.frame[["customer_id", "incidence"]].assign(
            prediction=fitted["model"].predict(data.frame[columns]), baseline=0.5
        )

    def measure(self, scores, context):
        value = float(((scores["incidence"] - scores["prediction"]) ** 2).mean())
        return (Metric("r2", "R2", Interval(value, value, value), "higher"),)

    def report(self, fitted, train, scores, metrics, context):
        yield Finding("Two models fit.", "headline")

    def models(self, fitted, train):
        columns = list(fitted["model"].feature_names_in_)
        return {name: SavedModel(model, train.frame[columns].head(3)) for name, model in fitted.items()}
'''

CONFIG = """# @package _global_
# {about}
defaults:
  - /features: table
  - /model: {model}
  - /split: {split}

task: {{_target_: shop_tasks.{task}}}
"""


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A user's own package and configs."""
    home = tmp_path_factory.mktemp("shop")
    (home / "package").mkdir()
    (home / "package" / "shop_tasks.py").write_text(SHOP_TASKS)
    (home / "conf" / "task").mkdir(parents=True)
    (home / "conf" / "model" / "two").mkdir(parents=True)
    overview = CONFIG.format(about="How many customers?", task="Overview", split="all", model="null")
    (home / "conf" / "task" / "overview.yaml").write_text(overview)
    two = CONFIG.format(about="Two models", task="TwoModels", split="customers", model="two/linear")
    (home / "conf" / "task" / "two.yaml").write_text(two)
    linear = "# Least squares\n_target_: sklearn.linear_model.LinearRegression\n"
    (home / "conf" / "model" / "two" / "linear.yaml").write_text(linear)
    return home


def run(cxai_process: Call, own: Path, panel: list[str], *more: str) -> dict:
    rest = [one for one in panel if not one.startswith("task=") and one != "features=table"]
    done = cxai_process(
        "run", "--config-dir", str(own / "conf"), *more, *rest, "targets.allow=[shop_tasks]", "--json",
        cwd=own, env={"PYTHONPATH": str(own / "package")},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


def test_a_task_without_a_model_describes(cxai_process: Call, own: Path, own_panel: list[str]) -> None:
    result = run(cxai_process, own, own_panel, "task=overview")
    assert result["headline"] == "There are 60 customers."
    assert result["metrics"] == {"train": {}}
    told = json.loads((Path(result["artifact_uri"].removeprefix("file://")) / "report.json").read_text())
    again = shlex.split(told["command"])
    assert again[:4] == ["cxai", "run", "--config-dir", str(own / "conf")], "without it the task would not be found"


def test_a_task_of_several_models_keeps_them_all_and_its_learning_curve(
    cxai_process: Call, own: Path, own_panel: list[str]
) -> None:
    from mlflow import MlflowClient

    result = run(cxai_process, own, own_panel, "task=two")
    client = MlflowClient(f"sqlite:///{own}/mlruns/mlflow.db")
    run_ = client.get_run(result["run_id"])
    names = {client.get_logged_model(one.model_id).name for one in run_.outputs.model_outputs}
    assert names == {"model", "double"}
    assert [point.value for point in client.get_metric_history(result["run_id"], "loss")] == [0.5, 0.25]


def test_a_package_that_is_not_allowed_is_refused(cxai: Call, own: Path, own_panel: list[str]) -> None:
    done = cxai("run", "--config-dir", str(own / "conf"), "task=overview", "--dry-run", cwd=own)
    assert done.returncode == 2
    assert "targets.allow" in done.stderr
    assert "shop_tasks" in done.stderr


def scores(home: Path, run_id: str, part: str) -> pd.DataFrame:
    (path,) = home.glob(f"mlruns/artifacts/*/{run_id}/artifacts/scores/{part}.parquet")
    return pd.read_parquet(path)


def test_a_time_split_holds_out_what_came_after(cxai: Call, own_panel: list[str], tmp_path: Path) -> None:
    done = json.loads(cxai("run", *own_panel, "split=time", "split.cut=21", "--json", cwd=tmp_path).stdout)
    train, held_out = (scores(tmp_path, done["run_id"], part) for part in ("train", "held_out"))
    assert train["occasion"].max() == 20
    assert held_out["occasion"].min() == 21
    assert len(train) == 1200
    assert len(held_out) == 600


def test_folds_hold_out_every_customer_once_and_keep_a_model_of_all(
    cxai: Call, own_panel: list[str], tmp_path: Path
) -> None:
    done = json.loads(cxai("run", *own_panel, "split=customer_folds", "split.folds=3", "--json", cwd=tmp_path).stdout)
    train, held_out = (scores(tmp_path, done["run_id"], part) for part in ("train", "held_out"))
    assert len(train) == 1800
    assert len(held_out) == 1800
    assert (held_out.groupby("customer_id").size() == 30).all()
    # Each fold's baseline is the base rate of its own training part.
    assert held_out["baseline"].nunique() == 3
    assert (held_out.groupby("fold")["baseline"].nunique() == 1).all()
    assert sorted(held_out["fold"].unique()) == [0, 1, 2]
    assert "fold" not in train


def test_customers_reach_the_store_as_hashes_only(
    cxai: Call, panel_csv: Path, own_panel: list[str], tmp_path: Path
) -> None:
    frame = pd.read_csv(panel_csv)
    frame["client"] = "customer-" + frame["client"].astype(str).str.zfill(4)
    named = tmp_path / "named.csv"
    frame.to_csv(named, index=False)
    hidden = ["privacy.pseudonymise=true", "privacy.key=${oc.env:CXAI_PRIVACY_KEY}", "cache.enabled=false"]
    done = cxai(
        "run", *own_panel, f"data.path={named}", *hidden, "--json", cwd=tmp_path,
        env={"CXAI_PRIVACY_KEY": "correct horse battery"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    kept = scores(tmp_path, json.loads(done.stdout)["run_id"], "held_out")
    assert kept["customer_id"].str.fullmatch("[0-9a-f]{32}").all()
    for path in (tmp_path / "mlruns").rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert b"customer-00" not in content, path
            assert b"correct horse" not in content, path


def test_secrets_reach_nothing_that_is_kept_or_shown(cxai_process: Call, own_panel: list[str], tmp_path: Path) -> None:
    planted = {"SHOP_TOKEN": "tok-5ecret-value-1", "SHOP_URL": "https://ann:pa55-in-url@shop.example/x"}
    (tmp_path / "conf" / "experiment").mkdir(parents=True)
    (tmp_path / "conf" / "experiment" / "planted.yaml").write_text(
        "# @package _global_\n# Secrets where they do not belong\nname: ${oc.env:SHOP_TOKEN}\n"
        "data: {note: 'from ${oc.env:SHOP_URL}'}\n"
    )
    done = cxai_process(
        "run", "--config-dir", "conf", "experiment=planted", *own_panel, cwd=tmp_path, env=planted
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    told = (done.stdout + done.stderr).encode()
    kept = {path: path.read_bytes() for path in (tmp_path / "mlruns").rglob("*") if path.is_file()}
    for secret in (b"tok-5ecret-value-1", b"pa55-in-url"):
        assert secret not in told
        assert not [path for path, content in kept.items() if secret in content]


def test_the_cache_serves_the_second_run_and_nothing_stale(
    cxai: Call, panel_csv: Path, own_panel: list[str], tmp_path: Path
) -> None:
    copy = tmp_path / "panel.csv"
    copy.write_bytes(panel_csv.read_bytes())
    mine = [*own_panel, f"data.path={copy}"]
    first = json.loads(cxai("run", *mine, "--json", cwd=tmp_path).stdout)
    entries = json.loads(cxai("cache", "--json", cwd=tmp_path).stdout)["entries"]
    assert len(entries) == 2
    again = json.loads(cxai("run", *mine, "model=logit_penalised", "--json", cwd=tmp_path).stdout)
    assert again["identity"] != first["identity"]
    assert len(json.loads(cxai("cache", "--json", cwd=tmp_path).stdout)["entries"]) == 2
    frame = pd.read_csv(copy)
    frame.loc[0, "bought"] = 1 - frame.loc[0, "bought"]
    frame.to_csv(copy, index=False)
    changed = json.loads(cxai("run", *mine, "--json", cwd=tmp_path).stdout)
    assert changed["identity"] != first["identity"]
    assert len(json.loads(cxai("cache", "--json", cwd=tmp_path).stdout)["entries"]) == 4


def _changing(monkeypatch: pytest.MonkeyPatch, change: Callable[[], object]) -> None:
    """Let somebody change the files between the digest and the first rows that are read for features."""
    from cxai_runner.features.table import Table

    build, left = Table.build, [change]

    def changed(self: Table, *arguments: object) -> object:
        if left:
            left.pop()()
        return build(self, *arguments)

    monkeypatch.setattr(Table, "build", changed)


def test_a_file_that_is_replaced_under_a_run_fails_it_and_stays_out_of_the_cache(
    cxai: Call, panel_csv: Path, own_panel: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy, other = tmp_path / "panel.csv", tmp_path / "other.csv"
    frame = pd.read_csv(panel_csv)
    frame.to_csv(copy, index=False)
    frame.assign(Price_a=frame["Price_a"] + 1).to_csv(other, index=False)
    mine = [*own_panel, f"data.path={copy}"]
    _changing(monkeypatch, lambda: other.replace(copy))
    done = cxai("run", *mine, "--json", cwd=tmp_path)
    assert done.returncode == 2
    assert f"{copy} changed while the run read it" in done.stderr
    assert "run again once nobody writes to it" in done.stderr
    assert json.loads(cxai("cache", "--json", cwd=tmp_path).stdout)["entries"] == []
    again = cxai("run", *mine, "--json", cwd=tmp_path)
    assert again.returncode == 0, again.stderr


def _in_sqlite(frame: pd.DataFrame, path: Path) -> list[str]:
    """Put a panel into a database that logs its writes ahead, and return how a run is told of it."""
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        frame.to_sql("panel", connection, index=False)
    connection.close()
    return ["data=sqlite", f"data.url=sqlite:///{path}", "data.tables.panel.table=panel"]


def _to_sqlite(own_panel: list[str], placed: list[str]) -> list[str]:
    moved = [one.replace("data.columns", "data.tables.panel.columns") for one in own_panel]
    return [one for one in moved if not one.startswith(("data=", "data.path", "data.table="))] + placed


def test_a_database_that_is_written_to_under_a_run_fails_it(
    cxai: Call, panel_csv: Path, own_panel: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was written stands in the log beside the database, which itself is as it was."""
    path = tmp_path / "shop.db"
    mine = _to_sqlite(own_panel, _in_sqlite(pd.read_csv(panel_csv), path))
    writer = sqlite3.connect(path)

    def write() -> None:
        writer.execute("UPDATE panel SET Price_a = Price_a + 1")
        writer.commit()

    _changing(monkeypatch, write)
    done = cxai("run", *mine, cwd=tmp_path)
    writer.close()
    assert done.returncode == 2
    assert f"{path}-wal changed while the run read it" in done.stderr
    assert json.loads(cxai("cache", "--json", cwd=tmp_path).stdout)["entries"] == []


def test_a_database_that_is_read_by_another_under_a_run_is_unchanged(
    cxai: Call, panel_csv: Path, own_panel: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "shop.db"
    mine = _to_sqlite(own_panel, _in_sqlite(pd.read_csv(panel_csv), path))

    def read() -> None:
        reader = sqlite3.connect(path)
        reader.execute("SELECT count(*) FROM panel").fetchall()
        reader.close()

    _changing(monkeypatch, read)
    done = cxai("run", *mine, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
