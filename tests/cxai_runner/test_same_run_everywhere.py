"""The same command on the same rows comes to the same run, wherever the rows live: metrics, estimates, every score."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pandas as pd
import pytest
import yaml

from tests.cxai_runner.conftest import FOLDERS, PASSWORD

pytestmark = pytest.mark.slow

MEASURE = "parquet"
OTHERS = ("csv", "duckdb", "sqlite", "postgresql", "spark")
QUICK = ["model=logistic", "task.repeats=1", "evaluation.resamples=100"]
TASKS = {
    "brand_choice": ["features.brands=3", "evaluation.resamples=100", "task.points=5"],
    "churn": ["features.dates=6", "features.horizon=3", *QUICK],
    "conversion": ["features.history=5", "task.against=null", *QUICK],
    "explore": ["features.brands=3", "task.by=card", "evaluation.resamples=100"],
    "managerial_segments": ["features.dates=4", "features.every=14", "features.horizon=14"],
    "segmentation": ["model.n_clusters=3", "task.resamples=3"],
    "purchase_incidence": ["features.brands=3", "evaluation.resamples=100"],
    "purchase_quantity": ["features.brands=3", "evaluation.resamples=100", "task.points=5"],
    "price_response": ["features.brands=3", "evaluation.resamples=100", "task.points=5", "task.refits=10"],
    "recommendation": ["features.fewest=1", "task.k=3", "split.days=7", "evaluation.resamples=100"],
}
ROWS_ALONE = ("churn", "conversion", "recommendation")
"""A run on Spark takes a minute. Of these the rows that it makes are held to those of the others by `test_engines`, and
nothing of a run but its rows is of the engine."""
HOLDS_NOTHING_OUT = ("explore", "segmentation")
READ = {
    "brand_choice": {"transactions", "products", "promotions"},
    "churn": {"transactions", "customers"},
    "conversion": {"transactions", "campaigns", "mailings", "coupons", "redemptions", "customers"},
    "explore": {"transactions", "products", "customers"},
    "managerial_segments": {"transactions"},
    "segmentation": {"transactions", "products", "customers"},
    "purchase_incidence": {"transactions", "products", "promotions"},
    "purchase_quantity": {"transactions", "products", "promotions"},
    "price_response": {"transactions", "products", "promotions"},
    "recommendation": {"transactions", "products", "customers"},
}
TABLES: Mapping[str, Mapping[str, Any]] = {
    "transactions": {
        "table": "orders",
        "columns": {
            "customer_id": "member",
            "order_id": "ticket",
            "timestamp": "sold_at",
            "product_id": "sku",
            "store_id": "store",
            "quantity": "units",
            "revenue": "paid",
            "retail_discount": "saved",
            "coupon_discount": "coupon",
            "coupon_match_discount": "matched",
        },
        "where": {"quantity": {"gt": 0}, "status": {"not_in": ["returned"]}},
    },
    "products": {"table": "catalogue", "columns": {"product_id": "sku", "category": "family", "brand": "maker"}},
    "promotions": {"table": "flyers", "columns": {"product_id": "sku", "store_id": "store"}},
    "customers": {"table": "people", "columns": {"customer_id": "member"}},
    "campaigns": {
        "table": "actions",
        "columns": {"campaign_id": "action", "campaign_type": "kind", "start": "begins", "end": "ends"},
    },
    "mailings": {"table": "letters", "columns": {"customer_id": "member", "campaign_id": "action"}},
    "coupons": {"table": "vouchers", "columns": {"campaign_id": "action", "coupon_id": "voucher", "product_id": "sku"}},
    "redemptions": {
        "table": "used",
        "columns": {"customer_id": "member", "campaign_id": "action", "coupon_id": "voucher", "timestamp": "used_at"},
    },
}


def config(engine: str, url: str) -> dict[str, Any]:
    """The config that a user would write for what `fill` made."""
    if engine not in FOLDERS:
        return {"_target_": "cxai_runner.data.DatabaseSource", "url": "${oc.env:SHOP_URL}", "tables": dict(TABLES)}
    tables = {}
    for name, one in TABLES.items():
        path = f"{url}/{one['table']}.{FOLDERS[engine]}"
        tables[name] = {"path": path, **{key: value for key, value in one.items() if key != "table"}}
    if engine == "spark":
        return {"_target_": "cxai_runner.data.DatabaseSource", "url": "local", "tables": tables}
    return {"_target_": "cxai_runner.data.FileSource", "tables": tables}


@pytest.fixture(scope="module")
def ran(
    fill: Callable[..., str],
    shop: Mapping[str, pd.DataFrame],
    cxai: Callable[..., Any],
    tmp_path_factory: pytest.TempPathFactory,
) -> Callable[[str, str], tuple[dict[str, Any], Path]]:
    """What ``cxai run --json`` says of a task where the shop is, and the folder that it ran in; run once."""
    urls: dict[str, str] = {}
    found: dict[tuple[str, str], tuple[dict[str, Any], Path]] = {}

    def of(engine: str, task: str) -> tuple[dict[str, Any], Path]:
        if engine not in urls:
            urls[engine] = fill(engine, shop)
        if (engine, task) not in found:
            home = tmp_path_factory.mktemp(f"{task}-{engine}")
            (home / "data").mkdir()
            text = "# My shop\n" + yaml.safe_dump(config(engine, urls[engine]), allow_unicode=True)
            (home / "data" / "my_shop.yaml").write_text(text, encoding="utf-8")
            command = ["run", f"task={task}", "--config-dir", str(home), "data=my_shop", *TASKS[task], "--json"]
            done = cxai(*command, cwd=home, env={"SHOP_URL": urls[engine]})
            assert done.returncode == 0, done.stdout + done.stderr
            for secret in (PASSWORD, quote(PASSWORD, safe="")):
                assert secret not in done.stdout + done.stderr
            found[engine, task] = json.loads(done.stdout), home
        return found[engine, task]

    return of


def runs(*engines: str) -> list[Any]:
    """Every task on each engine, by name."""
    pairs = [(engine, task) for engine in engines for task in TASKS]
    return [
        pytest.param(engine, task, id=f"{engine}-{task}")
        for engine, task in pairs
        if engine != "spark" or task not in ROWS_ALONE
    ]


@pytest.mark.parametrize(("engine", "task"), runs(*OTHERS))
def test_a_run_is_the_same_run_everywhere(engine: str, task: str, ran: Callable[..., Any]) -> None:
    (want, at), (have, here) = ran(MEASURE, task), ran(engine, task)
    assert want["status"] == have["status"] == "FINISHED"
    for said in ("headline", "metrics", "baseline", "estimates"):
        assert have[said] == want[said]
    assert have["metrics"] or have["estimates"]
    scores = sorted(path.name for path in (at / artifacts(want)).glob("scores/*.parquet"))
    assert scores == (["train.parquet"] if task in HOLDS_NOTHING_OUT else ["held_out.parquet", "train.parquet"])
    for kept in [f"scores/{one}" for one in scores]:
        frames = [pd.read_parquet(root / artifacts(run) / kept) for root, run in ((here, have), (at, want))]
        pd.testing.assert_frame_equal(*frames, check_exact=True)


@pytest.mark.parametrize(("engine", "task"), runs(MEASURE, *OTHERS))
def test_what_was_read_is_named_and_no_password_is_kept(engine: str, task: str, ran: Callable[..., Any]) -> None:
    run, home = ran(engine, task)
    inputs = datasets(home / "mlruns" / "mlflow.db")
    read = {name.partition(".")[2]: uri for name, context, uri in inputs if context == "source"}
    assert set(read) == READ[task]
    for name, uri in read.items():
        table = str(TABLES[name]["table"])
        if engine == "postgresql":
            assert uri.startswith("postgresql://127.0.0.1:")
            assert "@" not in uri
            assert uri.endswith(f" {table}")
        elif engine == "spark":
            assert uri.startswith("spark /")
            assert uri.endswith(f"/{table}.parquet")
        elif engine in FOLDERS:
            assert uri.endswith(f"/{table}.{FOLDERS[engine]}")
        else:
            assert uri.endswith(f"shop.{'db' if engine == 'sqlite' else 'duckdb'} {table}")
    assert (home / artifacts(run)).is_dir()
    secrets = [one.encode() for one in (PASSWORD, quote(PASSWORD, safe=""))]
    kept = [path for path in (home / "mlruns").rglob("*") if path.is_file()]
    assert [path for path in kept if any(secret in path.read_bytes() for secret in secrets)] == []


def artifacts(run: Mapping[str, Any]) -> Path:
    """The folder of a run's artifacts, from the folder that it ran in."""
    return Path(str(run["artifact_uri"]).removeprefix("file://"))


def datasets(store: Path) -> list[tuple[str, str, str]]:
    """Name, context and source of each input of the only run of a store."""
    asked = """
        SELECT d.name, t.value, json_extract(d.dataset_source, '$.uri')
        FROM datasets d JOIN inputs i ON i.source_id = d.dataset_uuid JOIN input_tags t ON t.input_uuid = i.input_uuid
        WHERE t.name = 'mlflow.data.context'
    """
    with sqlite3.connect(store) as connection:
        found = connection.execute(asked).fetchall()
    connection.close()
    return found
