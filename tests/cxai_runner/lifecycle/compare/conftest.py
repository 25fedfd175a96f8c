"""A store of runs as `cxai` leaves them, made without fitting anything."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cxai_runner.evaluation.results import Interval, Metric
from cxai_runner.kept.run import local_path
from cxai_runner.report.document import Document
from cxai_runner.tracking.batches import log_datasets, log_values
from cxai_runner.tracking.masking import Masker
from cxai_runner.tracking.record import UNSEEDED, DatasetRecord
from cxai_runner.tracking.store import Store

CONFIG = """\
task: {_target_: tasks.purchase_incidence.PurchaseIncidence}
targets: {allow: []}
data: {root: "${oc.env:NOBODY_SET_THIS}"}
"""
ROWS = 400


def scored(shift: float, seed: int = 0, customers: int = 100) -> pd.DataFrame:
    """Scores of a model whose log odds are off by a normal number of so much; the seed decides who is held out."""
    rng = np.random.default_rng(seed)
    ids = np.sort(rng.choice(4 * customers, customers, replace=False)).repeat(ROWS // customers)
    chance = rng.uniform(0.1, 0.9, ROWS)
    truth = (rng.random(ROWS) < chance).astype(int)
    odds = np.log(chance / (1 - chance)) + shift * np.random.default_rng(seed + 100).normal(size=ROWS)
    return pd.DataFrame(
        {"customer_id": ids, "incidence": truth, "probability": 1 / (1 + np.exp(-odds)), "baseline": truth.mean()}
    )


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return Store.open(f"sqlite:///{tmp_path_factory.mktemp('kept')}/mlflow.db", Path("/"))


@pytest.fixture(scope="module")
def keep(store: Store) -> Callable[..., str]:
    """Keep a run, and return its id."""

    def make(
        scores: pd.DataFrame | None,
        params: Mapping[str, object],
        *,
        experiment: str = "incidence",
        status: str = "FINISHED",
        part: str = "held_out",
        digest: str = "d1",
        tags: Mapping[str, str] | None = None,
        name: str = "logit",
    ) -> str:
        run = store.client.create_run(store.experiment_id(experiment), run_name=name)
        metrics = {"seconds/fit": 2.0, "seconds/load": 1.0}
        if scores is not None:
            where = local_path(run.info.artifact_uri)
            assert where is not None
            (where / "scores").mkdir(parents=True)
            (where / "config.yaml").write_text(CONFIG, encoding="utf-8")
            (where / "report.json").write_text(_document(part).to_json(), encoding="utf-8")
            scores.to_parquet(where / "scores" / f"{part}.parquet")
            loss = _loss(scores, "probability")
            metrics |= {
                f"{part}/log_loss": loss,
                f"{part}/log_loss_low": loss - 0.02,
                f"{part}/log_loss_high": loss + 0.02,
            }
            metrics |= {"baseline/log_loss": _loss(scores, "baseline"), f"{part}/brier": loss / 3}
        said = {str(key): str(value) for key, value in params.items()}
        unseeded = "/".join([experiment, digest, *(f"{key}={value}" for key, value in said.items() if key != "seed")])
        found = {"cxai.task": "purchase_incidence", "cxai.primary_metric": "log_loss", "cxai.better": "lower"}
        found |= {UNSEEDED: unseeded, **(tags or {})}
        rows = ROWS if scores is None else len(scores)
        log_datasets(
            store,
            run.info.run_id,
            [
                DatasetRecord("shop.panel", digest, "panel.csv", {"a": "int64"}, {"panel": 4 * rows}, "source"),
                DatasetRecord("shop.train", digest, "panel.csv", {"a": "int64"}, {"train": 3 * rows}, "train"),
                DatasetRecord("shop.held_out", digest, "panel.csv", {"a": "int64"}, {"held_out": rows}, "held_out"),
            ],
            Masker(),
        )
        log_values(store, run.info.run_id, said, found, metrics)
        store.client.set_terminated(run.info.run_id, status=status)
        return str(run.info.run_id)

    return make


def _document(part: str) -> Document:
    """The report of a run, as far as it says which way is better."""
    nothing = Interval(0.0, 0.0, 0.0)
    return Document("purchase_incidence", "", "", metrics={part: (Metric("brier", "Brier score", nothing, "lower"),)})


def _loss(scores: pd.DataFrame, column: str) -> float:
    p = scores[column]
    return float(-np.log(np.where(scores["incidence"] == 1, p, 1 - p)).mean())
