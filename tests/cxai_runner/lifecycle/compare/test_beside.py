"""Runs that no metric decides between: what they found, and what their task says of them, side by side."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cxai_runner.cli.comparison import in_words
from cxai_runner.config.problems import UserError
from cxai_runner.kept.run import local_path
from cxai_runner.lifecycle.compare import compare
from cxai_runner.lifecycle.compare.page import page
from cxai_runner.report.document import Document
from cxai_runner.tracking.store import Store
from tests.cxai_runner.lifecycle.compare.conftest import scored

Keep = Callable[..., str]
DESCRIBES = {"cxai.task": "explore", "cxai.primary_metric": "", "cxai.better": ""}


@pytest.fixture(scope="module")
def looks(store: Store, keep: Keep) -> list[str]:
    """Two runs that describe, each with what it found."""
    made = []
    for gini, where in ((0.61, "2017"), (0.55, "2018")):
        run = keep(None, {"features.as_of": where}, experiment="looks", tags=DESCRIBES)
        for name, value in (("gini", gini), ("gini_low", gini - 0.02), ("gini_high", gini + 0.02)):
            store.client.log_metric(run, f"estimate/{name}", value)
        folder = local_path(store.client.get_run(run).info.artifact_uri)
        assert folder is not None
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "report.json").write_text(Document("explore", "", "").to_json(), encoding="utf-8")
        made.append(run)
    return made


@pytest.fixture(scope="module")
def solutions(store: Store, keep: Keep) -> list[str]:
    """Two segmentations of the same customers."""
    made = []
    for many, silhouette in ((2, 0.5), (3, 0.4)):
        tags = {"cxai.task": "segmentation", "cxai.primary_metric": "silhouette", "cxai.better": "higher"}
        run = keep(scored(0.0), {"model.n_clusters": many}, experiment="solutions", part="train", tags=tags)
        folder = local_path(store.client.get_run(run).info.artifact_uri)
        assert folder is not None
        (folder / "config.yaml").write_text("task: {_target_: tasks.segmentation.Segmentation}\ntargets: {allow: []}\n")
        rows = pd.DataFrame({"customer_id": np.arange(90), "segment": np.arange(90) % many, "silhouette": silhouette})
        rows = rows.assign(
            distance=1.0, spread=2.0, baseline_silhouette=0.1, baseline_distance=1.0, baseline_spread=1.5
        )
        rows.to_parquet(folder / "scores" / "train.parquet")
        store.client.log_metric(run, "train/silhouette", silhouette)
        made.append(run)
    return made


def test_runs_that_describe_are_set_side_by_side(store: Store, looks: list[str]) -> None:
    found = compare(store, looks)
    said = " ".join(in_words(found).split())
    assert "explore · described" in said
    assert "These runs describe and measure nothing" in said
    assert "as_of" in said
    assert "gini 0.610 [0.590, 0.630] 0.550 [0.530, 0.570]" in said
    assert "verdict" not in said
    (table,) = found.tables()
    assert list(table.frame.columns) == ["quantity", *(run[:8] for run in looks)]
    told = json.loads(json.dumps(found.plain()))
    assert told["metric"] is None
    assert told["tables"]["estimates"][0]["quantity"] == "gini"
    assert found.frame()["gini"].tolist() == [0.61, 0.55]
    html = page(found)
    assert "none: they describe" in html
    assert "What each run found" in html
    assert "2 rows which only describe" in repr(found)


def test_a_metric_of_those_is_told_to_be_left_out(store: Store, looks: list[str]) -> None:
    with pytest.raises(UserError, match="they measure nothing: leave --metric out"):
        compare(store, looks, metric="gini")


def test_segmentations_are_told_to_agree_or_not(store: Store, solutions: list[str], tmp_path: Path) -> None:
    found = compare(store, solutions)
    assert found.goal is not None
    said = " ".join(in_words(found).split())
    assert "How the segmentations agree" in said
    assert f"{solutions[0][:8]} and {solutions[1][:8]} agree most" in said
    html = page(found)
    assert html.count("<figure") >= 4
    assert f"From the segments of {solutions[0][:8]} to those of {solutions[1][:8]}" in html
