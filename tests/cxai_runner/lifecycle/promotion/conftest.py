"""A store that holds nothing yet, and finished runs in it that cost a tenth of a second each."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

from cxai_runner.evaluation.results import Interval, Metric
from cxai_runner.kept.run import Kept
from cxai_runner.lifecycle.promotion.candidate import Candidate, candidate
from cxai_runner.report.document import Document
from cxai_runner.task import SavedModel
from cxai_runner.tracking.masking import Masker
from cxai_runner.tracking.record import Record
from cxai_runner.tracking.run import Tracker
from cxai_runner.tracking.store import Store


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a store that holds nothing yet: migrating takes seconds, copying none."""
    from cxai_runner.tracking import sqlite

    folder = tmp_path_factory.mktemp("registry")
    sqlite.ensure(folder / "mlruns" / "mlflow.db", folder / "mlruns" / "artifacts")
    return folder


@pytest.fixture
def home(empty_store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with such a store, in which the test runs."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    shutil.copytree(empty_store, tmp_path / "home")
    monkeypatch.chdir(tmp_path / "home")
    return tmp_path / "home"


@pytest.fixture
def store(home: Path) -> Store:
    return Store.open(None, home)


def metric(
    value: float = 0.5, gap: tuple[float, float, float] = (-0.1, -0.12, -0.08), name: str = "log_loss"
) -> Metric:
    """A metric of which less is better, beside a baseline."""
    around = Interval(value, value - 0.01, value + 0.01)
    base = Interval(value - gap[0], value - gap[0] - 0.01, value - gap[0] + 0.01)
    return Metric(name, name.replace("_", " "), around, "lower", base, Interval(*gap))


@pytest.fixture
def finished(store: Store) -> Callable[..., Candidate]:
    """Leave a finished run with a model, and return it as a candidate."""

    def make(
        *metrics: Metric,
        inputs: tuple[str, ...] = ("price",),
        tags: dict[str, str] | None = None,
        html: str | None = "<p>",
    ) -> Candidate:
        return candidate(Kept(store, _run(store, metrics or (metric(),), inputs, tags or {}, html)))

    return make


def _run(
    store: Store, metrics: tuple[Metric, ...], inputs: tuple[str, ...], tags: dict[str, str], html: str | None
) -> str:
    frame = pd.DataFrame(np.random.default_rng(1).normal(size=(20, len(inputs))), columns=list(inputs))
    model = LogisticRegression().fit(frame, [0, 1] * 10)
    said = {"cxai.task": "purchase_incidence", "cxai.primary_metric": "log_loss", "cxai.better": "lower"} | tags
    document = Document(
        "purchase_incidence", "Will they buy?", "They will.", metrics={"held_out": metrics}, command="cxai run"
    )
    texts = {
        "config.yaml": "seed: 0\n",
        "overrides.yaml": "[]\n",
        "environment.txt": "",
        "report.json": document.to_json(),
    }
    record = Record(texts=texts, html=html, models={"model": SavedModel(model, frame.head(3), "predict_proba")})
    with Tracker(store, Masker(), "purchase_incidence").start("logit", said) as run:
        run.finish(record, "full" if html else "child")
    return run.run_id


@pytest.fixture
def dead() -> int:
    """The id of a process that has ended."""
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)
    return child
