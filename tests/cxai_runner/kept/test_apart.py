"""A model apart answers with the code it was fitted with, and with nobody else's unless it is trusted."""

from __future__ import annotations

import importlib
import os
import shutil
import signal
import sys
import textwrap
import time
from pathlib import Path
from types import ModuleType

import numpy as np
import pandas as pd
import pytest
from sklearn.cluster import KMeans
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer

from cxai_runner.config.problems import UserError
from cxai_runner.kept.apart import ModelApart, ModelError
from cxai_runner.methods.ranks import QuantileRanks
from cxai_runner.task import SavedModel
from cxai_runner.tracking import seal
from cxai_runner.tracking.models import log_model, save
from cxai_runner.tracking.owner import owner_tags
from cxai_runner.tracking.store import Store

SHOP = """
    from sklearn.base import BaseEstimator, ClassifierMixin

    class Constant(ClassifierMixin, BaseEstimator):
        def fit(self, X, y=None):
            self.classes_ = [0, 1]
            return self

        def predict(self, X):
            return [{answer}] * len(X)
"""


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    rng = np.random.default_rng(3)
    return pd.DataFrame({"price": rng.normal(size=200), "visits": rng.integers(0, 9, 200)})


@pytest.fixture(scope="module")
def ranked(frame: pd.DataFrame) -> Pipeline:
    """A pipeline with a class of ours, which predicts one of three texts."""
    bought = np.random.default_rng(4).choice(["never", "now", "often"], 200)
    return make_pipeline(QuantileRanks(), LogisticRegression()).fit(frame, bought)


@pytest.fixture
def folder(ranked: Pipeline, frame: pd.DataFrame, tmp_path: Path) -> Path:
    save(SavedModel(ranked, frame.head(5), "predict_proba"), tmp_path / "model")
    return tmp_path / "model"


def written(folder: Path, answer: int) -> ModuleType:
    """The user's module of estimators, as it is after somebody wrote it."""
    folder.mkdir(exist_ok=True)
    (folder / "shop_apart.py").write_text(textwrap.dedent(SHOP).format(answer=answer))
    shutil.rmtree(folder / "__pycache__", ignore_errors=True)
    importlib.invalidate_caches()
    sys.modules.pop("shop_apart", None)
    return importlib.import_module("shop_apart")


def test_a_champion_predicts_as_it_did_when_its_estimator_changes(
    tmp_path: Path, frame: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store.open(f"sqlite:///{tmp_path}/mlruns/mlflow.db", tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path / "user"))
    old = written(tmp_path / "user", 7).Constant().fit(frame)
    run = store.client.create_run(store.experiment_id("models"), tags=owner_tags())
    log_model(store, run, "model", SavedModel(old, frame.head(3)), trusted=["shop_apart"])
    store.client.create_registered_model("shop")
    source = f"runs:/{run.info.run_id}/model"
    store.client.create_model_version("shop", source, run.info.run_id)
    store.client.set_registered_model_alias("shop", "champion", "1")

    new = written(tmp_path / "user", 8).Constant().fit(frame)
    assert list(new.predict(frame.head(2))) == [8, 8]
    with ModelApart.of("models:/shop@champion", store) as model:
        assert list(model.predict(frame.head(2))) == [7, 7]


def test_answers_are_those_of_this_process_to_the_last_bit(folder: Path, ranked: Pipeline, frame: pd.DataFrame) -> None:
    rows = frame.set_axis(range(1000, 1200), axis=0)
    with ModelApart.of(folder) as model:
        assert model.inputs == {"price": "double", "visits": "long"}
        found = model.predict(rows.assign(more="text"))
    expected = pd.DataFrame(ranked.predict_proba(frame), index=rows.index, columns=["never", "now", "often"])
    pd.testing.assert_frame_equal(found, expected, check_exact=True, check_column_type=False)


def test_answers_come_to_those_who_asked_in_whatever_order(folder: Path, ranked: Pipeline, frame: pd.DataFrame) -> None:
    with ModelApart.of(folder) as model:
        first, failing, last = (model.ask(rows) for rows in (frame.head(50), frame.assign(price=np.nan), frame.tail(7)))
        np.testing.assert_array_equal(last.result(), ranked.predict_proba(frame.tail(7)))
        np.testing.assert_array_equal(first.result(), ranked.predict_proba(frame.head(50)))
        with pytest.raises(ModelError, match="NaN"):
            failing.result()
        assert last.result().index.equals(frame.tail(7).index)


def changed(folder: Path, marker: Path) -> Path:
    """The same model, carrying code of ours that somebody changed."""
    path = folder / "code" / "cxai_runner" / "methods" / "ranks.py"
    path.write_text(path.read_text() + f"\nopen({str(marker)!r}, 'w').close()\nQuantileRanks.transform = None\n")
    return folder


def test_foreign_code_is_not_run_without_trust(folder: Path, frame: pd.DataFrame, tmp_path: Path) -> None:
    seal.put(folder)
    foreign, marker = changed(folder, tmp_path / "ran"), tmp_path / "ran"
    with pytest.raises(UserError) as refused, ModelApart.of(foreign):
        pass
    (problem,) = refused.value.problems
    assert "cxai_runner/methods/ranks.py" in problem.message
    assert "--trust" in problem.remedy
    assert not marker.exists()

    with ModelApart.of(foreign, trust=True) as model, pytest.raises(ModelError, match="NoneType"):
        model.predict(frame)
    assert marker.exists(), "with trust, the model's own code answers under our name"


def test_a_model_whose_numbers_were_changed_is_refused(folder: Path) -> None:
    seal.put(folder)
    with (folder / "MLmodel").open("a") as described:
        described.write("\n# another\n")
    with pytest.raises(UserError, match="was changed since you wrote it") as refused, ModelApart.of(folder):
        pass
    assert "--trust" in refused.value.problems[0].remedy


def test_code_that_is_kept_elsewhere_is_not_run_without_trust(folder: Path) -> None:
    text = (folder / "MLmodel").read_text()
    (folder / "code").rename(folder / "other")
    (folder / "MLmodel").write_text(text.replace("code: code", "code: other"))
    with pytest.raises(UserError, match="where no model of ours does"), ModelApart.of(folder):
        pass


def test_a_model_that_lacks_its_code_is_not_given_ours(folder: Path, frame: pd.DataFrame) -> None:
    shutil.rmtree(folder / "code")
    with ModelApart.of(folder, trust=True) as model, pytest.raises(ModelError, match="cxai_runner"):
        model.predict(frame)


def test_a_pickle_is_loaded_where_this_user_wrote_it(frame: pd.DataFrame, tmp_path: Path) -> None:
    fitted = make_pipeline(FunctionTransformer(lambda X: X[["price"]]), KMeans(2, n_init=1)).fit(frame)
    save(SavedModel(fitted, frame.head(3)), tmp_path / "model")
    with pytest.raises(UserError, match="pickle"), ModelApart.of(tmp_path / "model"):
        pass
    seal.put(tmp_path / "model")
    with ModelApart.of(tmp_path / "model") as model:
        found = model.predict(frame)
    np.testing.assert_array_equal(found, fitted.predict(frame))


def test_what_does_not_fit_is_told_at_once(folder: Path, frame: pd.DataFrame) -> None:
    with ModelApart.of(folder) as model:
        with pytest.raises(UserError) as refused:
            model.predict(pd.DataFrame({"a": [1], "b": [2]}))
        assert [problem.key for problem in refused.value.problems] == ["frame.price", "frame.visits"]
        with pytest.raises(UserError) as refused:
            model.predict(frame.astype(str))
        assert [problem.key for problem in refused.value.problems] == ["frame.price", "frame.visits"]
        with pytest.raises(ModelError, match="NaN"):
            model.predict(frame.assign(price=np.nan))
        assert len(model.predict(frame)) == len(frame), "a model that failed on some rows is asked again"


def test_a_process_that_is_killed_is_told(folder: Path, frame: pd.DataFrame) -> None:
    with ModelApart.of(folder) as model:
        os.kill(model._process.pid, signal.SIGKILL)
        with pytest.raises(ModelError, match="signal 9"):
            model.predict(frame)


def test_no_process_is_left(folder: Path) -> None:
    started = []

    def interrupted() -> None:
        with ModelApart.of(folder) as model:
            started.append(model._process)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert started[0].returncode is not None


def test_the_models_process_knows_no_secret(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_PASSWORD", "hunter2")
    with ModelApart.of(folder) as model:
        place = Path(f"/proc/{model._process.pid}/environ")
        deadline = time.monotonic() + 10
        while not (variables := place.read_bytes()) and time.monotonic() < deadline:
            time.sleep(0.01)  # it is empty while the process becomes another program
    assert b"OMP_NUM_THREADS=1" in variables
    assert b"hunter2" not in variables
