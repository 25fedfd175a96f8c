"""A registered segmentation as a column of another run: which version answered, what it saw, and who was told."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml

pytestmark = pytest.mark.slow

Call = Callable[..., "subprocess.CompletedProcess[str]"]
FED = "features.models.segment=models:/segments@champion"
SINCE = "2024-04-01"
QUICK = ["evaluation.resamples=100", "tracking.level=child"]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a shop of two kinds of customers: half of them buy soda nearly always, half hardly ever."""
    rng, more = np.random.default_rng(11), np.random.default_rng(12)
    home = tmp_path_factory.mktemp("fed")
    weeks = pd.date_range("2024-01-01", periods=26, freq="7D")
    rows: list[dict[str, Any]] = []
    for customer in range(120):
        keen = customer % 2 == 0
        for number, week in enumerate(weeks):
            ticket = {"customer_id": customer, "order_id": f"{customer}-{number}", "timestamp": week}
            rows.append(ticket | {"product_id": 9, "quantity": 1, "revenue": 40.0 + rng.normal() if keen else 2.0})
            if rng.random() < (0.85 if keen else 0.1):
                product, price = int(rng.integers(1, 3)), rng.uniform(1, 2)
                units = 1 + int(more.poisson(0.8 if keen else 0.3))
                bought = {"product_id": product, "quantity": units, "revenue": round(price * units, 2)}
                rows.append(ticket | bought)
    pd.DataFrame(rows).to_csv(home / "orders.csv", index=False)
    pd.DataFrame({"product_id": [1, 2, 9], "category": ["SODA", "SODA", "BREAD"], "brand": ["A", "B", "C"]}).to_csv(
        home / "products.csv", index=False
    )
    tables = {"transactions": {"path": "orders.csv"}, "products": {"path": "products.csv"}}
    (home / "my" / "data").mkdir(parents=True)
    (home / "my" / "data" / "shop.yaml").write_text(
        yaml.safe_dump({"_target_": "cxai_runner.data.FileSource", "tables": tables})
    )
    return home


@pytest.fixture(scope="module")
def run(cxai: Call, home: Path) -> Callable[..., dict[str, Any]]:
    """Run on that shop, and return what it says as JSON."""

    def of(*overrides: str) -> dict[str, Any]:
        done = cxai("run", "--config-dir", "my", "data=shop", *QUICK, *overrides, "--json", cwd=home)
        assert done.returncode == 0, done.stderr
        return dict(json.loads(done.stdout))

    return of


def _alias(home: Path, alias: str, version: str) -> None:
    from mlflow import MlflowClient

    uri = f"sqlite:///{home}/mlruns/mlflow.db"
    MlflowClient(uri, uri).set_registered_model_alias("segments", alias, version)


@pytest.fixture(scope="module")
def segments(cxai: Call, run: Callable[..., dict[str, Any]], home: Path) -> str:
    """The run of a segmentation as of April, registered as ``segments`` and its champion."""
    made = run("task=segmentation", f"features.as_of={SINCE}", "features.columns=[monetary,revenue]",
               "model.n_clusters=2", "task.resamples=2")  # fmt: skip
    _register(cxai, home, made["run_id"])
    return str(made["run_id"])


def _register(cxai: Call, home: Path, run_id: str) -> None:
    """Make a run the champion of ``segments``, whatever it is worth."""
    done = cxai("promote", run_id, "--model", "segments", "--json", cwd=home)
    assert done.returncode == 0, done.stderr
    _alias(home, "champion", json.loads(done.stdout)["version"])


INCIDENCE = ("task=purchase_incidence", "features.category=SODA", "features.brands=2")


def test_it_tells_who_buys_and_both_runs_say_so(run: Callable[..., dict[str, Any]], segments: str, home: Path) -> None:
    from mlflow import MlflowClient

    alone, fed = run(*INCIDENCE), run(*INCIDENCE, FED)
    assert fed["metrics"]["held_out"]["roc_auc"]["value"] > 0.8
    assert alone["metrics"]["held_out"]["roc_auc"]["value"] < 0.65
    client = MlflowClient(f"sqlite:///{home}/mlruns/mlflow.db")
    reader, maker = client.get_run(fed["run_id"]), client.get_run(segments)
    assert reader.data.tags["cxai.fed.segment"] == f"models:/segments/1, run {segments}"
    assert [one.model_id for one in reader.inputs.model_inputs] == [maker.outputs.model_outputs[0].model_id]
    assert maker.data.tags[f"cxai.feeds.{fed['run_id'][:8]}"] == f"segment of run {fed['run_id']}"


def test_no_row_is_from_before_the_segments_were_seen(run: Callable[..., dict[str, Any]], segments: str) -> None:
    from urllib.parse import urlsplit

    fed = run(*INCIDENCE, FED)
    folder = Path(urlsplit(fed["artifact_uri"]).path) / "scores"
    first = min(pd.read_parquet(folder / f"{part}.parquet")["time"].min() for part in ("train", "held_out"))
    assert first == pd.Timestamp(SINCE)


def test_another_version_is_another_run_and_is_looked_up_anew(
    cxai: Call, run: Callable[..., dict[str, Any]], segments: str, home: Path
) -> None:
    before = run(*INCIDENCE, FED)
    other = run("task=segmentation", "features.as_of=2024-05-06", "features.columns=[monetary,revenue]",
                "model.n_clusters=2", "task.resamples=2")  # fmt: skip
    _register(cxai, home, other["run_id"])
    after = run(*INCIDENCE, FED)
    pinned = run(*INCIDENCE, "features.models.segment=models:/segments/1")
    assert after["identity"] != before["identity"]
    assert pinned["identity"] == before["identity"]
    assert pinned["metrics"] == before["metrics"]


def test_rules_at_dates_answer_as_of_the_last_of_them(
    cxai: Call, run: Callable[..., dict[str, Any]], home: Path
) -> None:
    """A model that was made of many dates is asked about one: each customer as of the last."""
    from urllib.parse import urlsplit

    dates = ("features.dates=4", "features.every=14", "features.horizon=14")
    rules = {"keen": {"monetary": {"ge": 20}}, "others": {"monetary": {"lt": 20}}}
    (home / "my" / "model" / "managerial_segments").mkdir(parents=True)
    (home / "my" / "model" / "managerial_segments" / "two.yaml").write_text(
        yaml.safe_dump({"_target_": "cxai_runner.methods.managerial.RuleSegments", "rules": rules})
    )
    made = run("task=managerial_segments", f"features.as_of={SINCE}", *dates, "model=two")
    done = cxai("promote", made["run_id"], "--model", "rules", cwd=home)
    assert done.returncode == 0, done.stderr
    fed = run(*INCIDENCE, "features.models.kind=models:/rules@challenger")
    assert fed["metrics"]["held_out"]["roc_auc"]["value"] > 0.8
    folder = Path(urlsplit(fed["artifact_uri"]).path) / "scores"
    first = min(pd.read_parquet(folder / f"{part}.parquet")["time"].min() for part in ("train", "held_out"))
    assert first == pd.Timestamp(SINCE)


ASKED = {
    "purchase_incidence": ("elasticity_at_mean", "occasions"),
    "brand_choice": ("own_elasticities", "occasions"),
    "purchase_quantity": ("price_elasticity", "purchases"),
    "price_response": ("price_elasticity", "occasions"),
}


@pytest.mark.parametrize("task", ASKED)
def test_every_task_of_a_panel_takes_segments_as_terms_and_to_tell_apart(
    task: str, run: Callable[..., dict[str, Any]], segments: str
) -> None:
    from urllib.parse import urlsplit

    asked = ["features.models.segment=models:/segments/1", "task.by=[segment]"]
    if task == "brand_choice":
        asked += ["features.columns=[price_*,loyalty_*]"]  # nothing is promoted in this shop
    if task == "price_response":
        asked += ["task.refits=10"]
    made = run(f"task={task}", *INCIDENCE[1:], *asked)
    folder = Path(urlsplit(made["artifact_uri"]).path)
    name, column = ASKED[task]
    told = set(pd.read_csv(folder / "tables" / f"{name}.csv")[column])
    assert {"segment 0", "segment 1"} <= told
    coefficients = pd.read_csv(folder / "tables" / "coefficients.csv")
    assert coefficients["term"].str.contains("segment_1").any()
    if task == "price_response":
        mine = coefficients[coefficients["term"].str.contains("segment_1")]
        assert set(mine["part"]) == {"incidence", "choice", "quantity"}
    first = min(pd.read_parquet(folder / "scores" / f"{part}.parquet")["time"].min() for part in ("train", "held_out"))
    assert first == pd.Timestamp(SINCE)


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("models:/segmens@champion", "did you mean `segments`?"),
        ("models:/segments@champio", "did you mean `champion`?"),
        ("models:/segments/99", "no such version"),
        ("models:/segments", "models:/NAME@champion or models:/NAME/3"),
    ],
)
def test_a_model_that_is_not_there_is_told_with_its_key(
    value: str, told: str, cxai: Call, segments: str, home: Path
) -> None:
    asked = f"features.models.segment={value}"
    done = cxai("run", "--config-dir", "my", "data=shop", *INCIDENCE, asked, "--dry-run", cwd=home)
    assert done.returncode == 2
    assert f"features.models.segment: {value}" in done.stderr
    assert told in done.stderr


def test_a_model_of_panels_is_no_column_of_customers(
    cxai: Call, run: Callable[..., dict[str, Any]], segments: str, home: Path
) -> None:
    panel = run(*INCIDENCE)
    asked = f"features.models.chance=runs:/{panel['run_id']}/model"
    done = cxai("run", "--config-dir", "my", "data=shop", *INCIDENCE, asked, "--dry-run", cwd=home)
    assert done.returncode == 2
    assert "answers for a panel, not for each customer" in done.stderr
    asked = f"features.models.choice=runs:/{panel['run_id']}/model"
    done = cxai("run", "--config-dir", "my", "data=shop", *BRANDS, asked, "--dry-run", cwd=home)
    assert done.returncode == 2
    assert "does not say which brand is chosen" in done.stderr


def test_new_rows_are_predicted_with_the_same_column(
    cxai: Call, run: Callable[..., dict[str, Any]], segments: str, home: Path
) -> None:
    from urllib.parse import urlsplit

    fed = run(*INCIDENCE, FED)
    done = cxai("predict", fed["run_id"], "--to", "scores.parquet", cwd=home)
    assert done.returncode == 0, done.stderr
    unseen = pd.read_parquet(Path(urlsplit(fed["artifact_uri"]).path) / "scores" / "held_out.parquet")
    again = pd.read_parquet(home / "scores.parquet").merge(unseen, on=["customer_id", "time"])
    assert len(again) == len(unseen)
    assert again["probability_x"].tolist() == pytest.approx(again["probability_y"].tolist(), abs=1e-12)


def test_a_run_is_predicted_with_its_version_wherever_the_alias_went(
    cxai: Call, run: Callable[..., dict[str, Any]], segments: str, home: Path
) -> None:
    other = run("task=segmentation", "features.as_of=2024-05-06", "features.columns=[monetary,revenue]",
                "model.n_clusters=2", "task.resamples=2")  # fmt: skip
    _register(cxai, home, other["run_id"])
    _alias(home, "first", "1")
    fed = run(*INCIDENCE, "features.models.segment=models:/segments/1")
    by_alias = run(*INCIDENCE, "features.models.segment=models:/segments@first")
    assert by_alias["identity"] == fed["identity"]
    _alias(home, "first", "2")
    again = {}
    for name, one in (("pinned", fed), ("alias", by_alias)):
        done = cxai("predict", one["run_id"], "--to", f"{name}.parquet", cwd=home)
        assert done.returncode == 0, done.stderr
        again[name] = pd.read_parquet(home / f"{name}.parquet")["probability"].tolist()
    assert again["alias"] == again["pinned"]


CHOICE = (
    "task=brand_choice",
    *INCIDENCE[1:],
    "features.columns=[price_*,loyalty_*]",
    "split=last_days",
    "task.points=3",
)
BRANDS = ("task=recommendation", "features.item=brand", "model=brand_choice", "task.k=2", "task.against=null",
          "data.tables.products.where={category: {eq: SODA}}")  # fmt: skip


def test_a_model_of_brand_choice_says_which_brand_each_customer_takes_next(
    cxai: Call, run: Callable[..., dict[str, Any]], home: Path
) -> None:
    """The lists are the probabilities that the kept model gives for the rows that its own features make of the day."""
    from urllib.parse import urlsplit

    from cxai_runner.data import Tables
    from cxai_runner.evaluation.splits import Part
    from cxai_runner.features.purchase_panel import PurchasePanel
    from cxai_runner.kept.apart import ModelApart
    from cxai_runner.tracking.store import Store

    choice = run(*CHOICE, "split.days=56")
    fed = run(*BRANDS, f"features.models.choice=runs:/{choice['run_id']}/model")
    folder, own = (Path(urlsplit(one["artifact_uri"]).path) for one in (fed, choice))
    orders = pd.read_csv(home / "orders.csv", parse_dates=["timestamp"])
    tables = Tables.of(transactions=orders, products=pd.read_csv(home / "products.csv"))
    panel = PurchasePanel(category="SODA", brands=2, columns=["price_*", "loyalty_*"], purchases_only=True, ahead=True)
    as_of = pd.Timestamp(json.loads((folder / "learned.json").read_text())["rows"]["as_of"]).to_pydatetime()
    rows = panel.build(tables, Part("train", end=as_of), json.loads((own / "learned.json").read_text())).frame
    with ModelApart.of(
        f"runs:/{choice['run_id']}/model", Store.open(f"sqlite:///{home}/mlruns/mlflow.db", home)
    ) as model:
        P = model.predict(rows).rename(columns=str.upper).set_index(rows["customer_id"])
    scores = pd.read_parquet(folder / "scores" / "held_out.parquet").set_index("customer_id")
    assert len(scores) > 30
    assert scores["item_1"].tolist() == P.loc[scores.index].idxmax(axis=1).tolist()
    assert scores["score_1"].to_numpy() == pytest.approx(P.loc[scores.index].max(axis=1).to_numpy(), abs=1e-6)
    assert fed["metrics"]["held_out"]["ndcg"]["value"] > 0.5
    done = cxai("predict", fed["run_id"], "--to", "brands.parquet", cwd=home)
    assert done.returncode == 0, done.stderr
    sodas = orders[orders["product_id"] != 9]
    assert len(pd.read_parquet(home / "brands.parquet")) == sodas["customer_id"].nunique()
