from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.cluster import KMeans
from sklearn.compose import make_column_transformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

from cxai_runner.task import SavedModel
from cxai_runner.tracking.models import format_of, log_model, save
from cxai_runner.tracking.owner import owner_tags
from cxai_runner.tracking.pseudonyms import Privacy
from cxai_runner.tracking.requirements import needed, requirements_for
from cxai_runner.tracking.store import Store

CHILD = """
import json, sys
import mlflow
import numpy as np
import pandas as pd
frame = pd.read_json(sys.argv[3], orient="table")
mlflow.set_tracking_uri(sys.argv[1])
model = mlflow.pyfunc.load_model(sys.argv[2])
answer = model.predict(frame)
mine = {"cxai_runner", "shop_models"}
ours = [m.__file__ for name, m in sys.modules.items() if name.split(".")[0] in mine and m.__file__]
print(json.dumps({"answer": np.asarray(answer).tolist(), "ours": ours}))
"""


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "price": rng.normal(size=200),
            "visits": rng.integers(0, 9, 200),
            "segment": rng.choice(["new", "loyal"], 200),
        }
    )


@pytest.fixture(scope="module")
def bought(frame: pd.DataFrame) -> np.ndarray[Any, Any]:
    return (frame["price"] + np.random.default_rng(1).normal(size=200) < 0).astype(int).to_numpy()


def mixed(model: Any) -> Pipeline:
    prepare = make_column_transformer((StandardScaler(), ["price", "visits"]), (OneHotEncoder(), ["segment"]))
    return make_pipeline(prepare, model)


def elsewhere(tmp_path: Path, uri: str, model_uri: str, frame: pd.DataFrame) -> dict[str, Any]:
    """Predict in another folder, in a process that finds no code of ours but the model's own."""
    frame.to_json(tmp_path / "frame.json", orient="table", index=False)
    script = tmp_path / "child.py"
    # The checkout is installed in editable mode: take its way onto the path out.
    hide = """
        import sys
        sys.meta_path[:] = [f for f in sys.meta_path if "editable" not in repr(f).lower()]
        sys.path[:] = [p for p in sys.path if not __import__("os").path.isdir(p + "/cxai_runner")]
        try:
            import cxai_runner
        except ImportError:
            pass
        else:
            raise SystemExit("cxai_runner is still on the path")
    """
    script.write_text(textwrap.dedent(hide) + CHILD)
    away = tmp_path / "away"
    away.mkdir()
    environment = {k: v for k, v in os.environ.items() if k not in {"PYTHONPATH", "MLFLOW_TRACKING_URI"}}
    environment |= {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_LOGGING_LEVEL": "ERROR"}
    command = [sys.executable, "-I", str(script), uri, model_uri, str(tmp_path / "frame.json")]
    done = subprocess.run(command, cwd=away, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout.splitlines()[-1]))


def logged(store: Store, saved: SavedModel, **options: Any) -> tuple[Any, Any]:
    run = store.client.create_run(store.experiment_id("models"), tags=owner_tags())
    return run, log_model(store, run, "model", saved, **options)


def test_a_pipeline_predicts_elsewhere_and_is_on_its_runs_page(
    store: Store, frame: pd.DataFrame, bought: np.ndarray[Any, Any], tmp_path: Path
) -> None:
    fitted = mixed(LogisticRegression()).fit(frame, bought)
    run, model = logged(store, SavedModel(fitted, frame.head(5), "predict_proba"))
    assert model.format == "skops"
    told = elsewhere(tmp_path, store.uri, model.uri, frame)
    np.testing.assert_allclose(told["answer"], fitted.predict_proba(frame))
    assert told["ours"] == [], "nothing of ours is needed"

    read = store.client.get_run(run.info.run_id)
    assert [output.model_id for output in read.outputs.model_outputs] == [model.model_id]
    kept = store.client.get_logged_model(model.model_id)
    assert (kept.name, str(kept.status), kept.source_run_id) == ("model", "READY", run.info.run_id)


def test_a_model_registers_from_its_run(
    store: Store, frame: pd.DataFrame, bought: np.ndarray[Any, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    import mlflow

    _, model = logged(store, SavedModel(mixed(LogisticRegression()).fit(frame, bought), frame.head(5)))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", store.uri)
    before = mlflow.get_tracking_uri()
    mlflow.set_tracking_uri(store.uri)
    try:
        version = mlflow.register_model(model.uri, "incidence")
    finally:
        mlflow.set_tracking_uri(before)
    assert version.version == 1


def test_a_class_of_ours_travels_with_its_code(store: Store, tmp_path: Path) -> None:
    logit = pytest.importorskip("cxai_runner.methods.logit")
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"price": rng.normal(size=300), "promotion": rng.integers(0, 2, 300).astype(float)})
    y = (rng.random(300) < 1 / (1 + np.exp(X["price"]))).astype(int)
    kind = next(
        value
        for value in vars(logit).values()
        if isinstance(value, type) and issubclass(value, ClassifierMixin) and value.__module__ == logit.__name__
    )
    fitted = make_pipeline(StandardScaler(), kind()).fit(X, y)
    _, model = logged(store, SavedModel(fitted, X.head(5), "predict_proba"))
    assert model.format == "skops"
    told = elsewhere(tmp_path, store.uri, model.uri, X)
    np.testing.assert_allclose(told["answer"], fitted.predict_proba(X))
    assert told["ours"], "the model's own code answered"
    assert all("/code/cxai_runner/" in path for path in told["ours"])
    carried = {
        path.relative_to(place).as_posix()
        for place in tmp_path.rglob("code/cxai_runner")
        for path in place.rglob("*.py")
    }
    assert {"__init__.py", "methods/__init__.py"} < carried
    assert not any(path.startswith(("cli/", "tracking/", "sweep/")) for path in carried), (
        "nothing that it cannot import"
    )


def test_a_users_class_travels_with_its_module(
    store: Store, frame: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = tmp_path / "user" / "shop_models.py"
    module.parent.mkdir()
    module.write_text(
        textwrap.dedent("""
        import scipy
        from sklearn.base import BaseEstimator, ClassifierMixin

        class Always(ClassifierMixin, BaseEstimator):
            def fit(self, X, y):
                self.classes_ = [0, 1]
                return self

            def predict(self, X):
                return [7] * len(X)
        """)
    )
    monkeypatch.syspath_prepend(str(module.parent))
    import shop_models  # type: ignore[import-not-found]

    saved = SavedModel(shop_models.Always().fit(frame, None), frame.head(3))
    assert needed(saved.estimator).code == {"shop_models"}
    assert format_of(saved).name == "pickle", "a package that nobody declared trusted"
    _, model = logged(store, saved, trusted=["shop_models"])
    assert model.format == "skops"
    told = elsewhere(tmp_path, store.uri, model.uri, frame.head(4))
    assert told["answer"] == [7] * 4
    assert [Path(path).name for path in told["ours"]] == ["shop_models.py"]


@pytest.mark.parametrize(("method", "flavour"), [("predict", "xgboost"), ("predict_proba", "skops")])
def test_xgboost(store: Store, frame: pd.DataFrame, tmp_path: Path, method: str, flavour: str) -> None:
    from xgboost import XGBClassifier

    numbers = frame[["price", "visits"]]
    fitted = XGBClassifier(n_estimators=5, n_jobs=1).fit(numbers, frame["segment"] == "new")
    _, model = logged(store, SavedModel(fitted, numbers.head(5), method))
    assert model.format == flavour
    told = elsewhere(tmp_path, store.uri, model.uri, numbers)
    np.testing.assert_allclose(told["answer"], getattr(fitted, method)(numbers), rtol=1e-6)


@pytest.mark.parametrize("model", [RandomForestClassifier(n_estimators=3), KMeans(2, n_init=1)])
def test_trees_and_clusters_need_no_pickle(frame: pd.DataFrame, bought: np.ndarray[Any, Any], model: Any) -> None:
    fitted = mixed(model).fit(frame, bought)
    assert format_of(SavedModel(fitted, frame.head(3))).name == "skops"


class Local(ClassifierMixin, BaseEstimator):
    def predict(self, X: Any) -> Any:
        return np.zeros(len(X))


def test_what_skops_cannot_hold_is_pickled(store: Store, frame: pd.DataFrame) -> None:
    fitted = make_pipeline(FunctionTransformer(lambda X: X[["price"]]), KMeans(2, n_init=1)).fit(frame)
    _, model = logged(store, SavedModel(fitted, frame.head(3)))
    assert model.format == "pickle"
    assert store.client.get_logged_model(model.model_id).tags["cxai.format"] == "pickle"


def test_a_function_of_a_trusted_package_is_not_trusted(frame: pd.DataFrame) -> None:
    dangerous = make_pipeline(FunctionTransformer(np.load), KMeans(2))
    assert format_of(SavedModel(dangerous, frame.head(3))).name == "pickle"


def test_a_model_asks_for_what_it_needs_and_nothing_else(frame: pd.DataFrame, bought: np.ndarray[Any, Any]) -> None:
    def names(model: Any) -> set[str]:
        found = requirements_for(model)
        assert all("==" in line for line in found)
        return {line.split("==")[0] for line in found}

    plain = {"mlflow", "numpy", "pandas", "scikit-learn", "scipy"}
    assert names(mixed(KMeans(2, n_init=1)).fit(frame)) == plain
    from xgboost import XGBClassifier

    assert names(mixed(XGBClassifier(n_estimators=1)).fit(frame, bought)) == plain | {"xgboost"}


def test_an_input_example_holds_no_real_row_where_ids_are_pseudonyms(
    frame: pd.DataFrame, bought: np.ndarray[Any, Any], tmp_path: Path
) -> None:
    fitted = mixed(LogisticRegression()).fit(frame, bought)
    save(SavedModel(fitted, frame.head(5)), tmp_path / "open")
    save(SavedModel(fitted, frame.head(5)), tmp_path / "closed", privacy=Privacy(True, "a long enough key"))
    real = repr(float(frame["price"].iloc[0]))[:8]
    assert real in (tmp_path / "open" / "input_example.json").read_text()
    assert real not in (tmp_path / "closed" / "input_example.json").read_text()
    kept = json.loads((tmp_path / "closed" / "input_example.json").read_text())
    assert kept["columns"] == ["price", "visits", "segment"]


def test_a_failed_save_leaves_a_failed_model(store: Store, frame: pd.DataFrame) -> None:
    with pytest.raises(AttributeError):
        logged(store, SavedModel(KMeans(2), frame.head(3), "predict_proba"))
    (kept,) = store.client.search_logged_models([store.experiment_id("models")])
    assert str(kept.status) == "FAILED"


def test_saving_is_quick(store: Store, frame: pd.DataFrame, bought: np.ndarray[Any, Any]) -> None:
    saved = SavedModel(mixed(LogisticRegression()).fit(frame, bought), frame.head(5))
    logged(store, saved)
    times = []
    for _ in range(3):
        begun = time.perf_counter()
        logged(store, saved)
        times.append(time.perf_counter() - begun)
    assert min(times) < 1.0, "inferring requirements alone would take seconds"


@pytest.mark.slow
def test_mlflow_models_predict_answers_from_the_command_line(
    store: Store, frame: pd.DataFrame, bought: np.ndarray[Any, Any], tmp_path: Path
) -> None:
    fitted = mixed(LogisticRegression()).fit(frame, bought)
    _, model = logged(store, SavedModel(fitted, frame.head(5), "predict_proba"))
    frame.to_csv(tmp_path / "frame.csv", index=False)
    command = [sys.executable, "-m", "mlflow", "models", "predict", "--env-manager", "local", "-m", model.uri]
    command += ["-i", str(tmp_path / "frame.csv"), "-t", "csv", "-o", str(tmp_path / "answer.json")]
    environment = os.environ | {"MLFLOW_TRACKING_URI": store.uri, "MLFLOW_DISABLE_TELEMETRY": "true"}
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        command,
        cwd=tmp_path,
        env=environment | {"PATH": path},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    answer = json.loads((tmp_path / "answer.json").read_text())["predictions"]
    np.testing.assert_allclose(
        [list(row.values()) if isinstance(row, dict) else row for row in answer], fitted.predict_proba(frame)
    )
