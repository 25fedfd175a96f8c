"""Conversion as a user meets it: a table of one's own in a file, the kept model on new rows, and what is refused."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.conftest import user_environment

from .conftest import make_converters


def rows():
    """The simulated customers as somebody's file: an outcome in words, holes, and names of their own."""
    frame = make_converters(600).frame
    told = frame["converted"].map({1: "Yes", 0: "No"})
    return frame.drop(columns="converted").assign(bought=told).rename(columns={"customer_id": "client"})


def overrides(path, *more):
    return [
        "task=conversion",
        "data=csv",
        f"data.path={path}",
        "data.table=customers",
        "data.columns.customer_id=client",
        "features=customer_table",
        *([] if any(one.startswith("task.outcome") for one in more) else ["task.outcome=bought"]),
        *([] if any(one.startswith("model=") for one in more) else ["model=logistic"]),
        "task.repeats=1",
        "evaluation.resamples=100",
        *more,
    ]


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    folder = tmp_path_factory.mktemp("conversion")
    rows().to_csv(folder / "rows.csv", index=False)
    return folder


@pytest.fixture(scope="module")
def ran(home, cxai):
    done = cxai("run", *overrides(home / "rows.csv"), cwd=home)
    assert done.returncode == 0, done.stderr
    return " ".join(done.stdout.split())


def test_a_run_sets_the_model_beside_the_others(ran):
    assert "By log loss on rows it has not seen, logistic regression (" in ran
    assert "gradient boosting (" in ran
    assert "trained on 450 rows of 450 customers" in ran
    assert "balanced accuracy" in ran


@pytest.mark.slow
def test_the_kept_model_predicts_new_rows_with_holes_and_unseen_levels(ran, home, cxai):
    assert cxai("promote", "last", "--model", "buys", cwd=home).returncode == 0
    new = rows().drop(columns="bought").head(20)
    new.loc[0, "region"], new.loc[1, "spend"], new.loc[2, "since"] = "east", np.nan, None
    new.to_csv(home / "new.csv", index=False)
    data = ["data=csv", "data.table=customers", "data.columns.customer_id=client"]
    ask = ["predict", "models:/buys@challenger", *data]
    done = cxai(*ask, f"data.path={home / 'new.csv'}", "--to", str(home / "chances.csv"), cwd=home)
    said = " ".join((done.stdout + done.stderr).split())
    assert done.returncode == 0, said
    assert "predicted 20 of 20 rows" in said
    assert "region has a value on 1 row that was never seen in training, such as east" in said
    found = pd.read_csv(home / "chances.csv").sort_values("customer_id", ignore_index=True)
    assert found["probability"].between(0, 1).all()
    held_out = pd.read_parquet(next(home.rglob("scores/held_out.parquet"))).merge(found, on="customer_id")
    same = held_out[held_out["customer_id"] > new["client"].iloc[2]]
    assert len(same) > 1
    np.testing.assert_allclose(same["probability_x"], same["probability_y"], rtol=1e-9)

    import mlflow.pyfunc
    from mlflow import MlflowClient

    client = MlflowClient(f"sqlite:///{home}/mlruns/mlflow.db")
    (model,) = client.search_logged_models([client.get_experiment_by_name("conversion").experiment_id])
    served = mlflow.pyfunc.load_model(str(model.artifact_location))
    asked = pd.read_csv(home / "new.csv", parse_dates=["since"])[served.metadata.get_input_schema().input_names()]
    asked = asked.astype({"visits": float, "member": float})  # as its signature has them: there may be gaps
    np.testing.assert_allclose(served.predict(asked)[:, 1], found["probability"], rtol=1e-9)

    new.drop(columns="visits").to_csv(home / "lacks.csv", index=False)
    done = cxai(*ask, f"data.path={home / 'lacks.csv'}", "--to", str(home / "none.csv"), cwd=home)
    assert done.returncode == 2
    assert "the model takes `visits`, and the file has no column of that name" in " ".join(done.stderr.split())


@pytest.mark.slow
def test_a_column_that_the_model_dropped_is_asked_for_no_more(home, tmp_path, cxai):
    odd = rows().assign(code=[f"c{i}" for i in range(600)])
    odd.to_csv(tmp_path / "rows.csv", index=False)
    done = cxai("run", *overrides(tmp_path / "rows.csv", "task.against=null"), cwd=tmp_path)
    assert "code has 360 values, each on fewer than 10" in next(tmp_path.rglob("report.json")).read_text("utf-8")
    new = odd.head(20).assign(code="new")
    for name, frame in {"with": new, "without": new.drop(columns="code")}.items():
        frame.to_csv(tmp_path / f"{name}.csv", index=False)
        ask = ["data=csv", "data.table=customers", "data.columns.customer_id=client", f"data.path={name}.csv"]
        done = cxai("predict", "last", *ask, "--to", str(tmp_path / f"{name}.out.csv"), cwd=tmp_path)
        said = " ".join((done.stdout + done.stderr).split())
        assert done.returncode == 0, said
        assert "predicted 20 of 20 rows" in said
        assert "code" not in said
    pd.testing.assert_frame_equal(*(pd.read_csv(tmp_path / f"{name}.out.csv") for name in ("with", "without")))


@pytest.mark.slow
def test_a_served_model_answers_gaps_and_levels_that_it_never_saw(ran, home, cxai, tmp_path):
    """As `cxai predict` does: null is a missing value in a whole number, a text, a date, and a yes or no."""
    import json
    import urllib.error
    import urllib.request

    new = rows().drop(columns=["bought"]).head(3)
    new = new.assign(**{name: new[name].astype(object) for name in ("visits", "member", "since")})
    new.loc[0, "region"] = "east"
    new.loc[1, ["visits", "spend", "region", "since", "member"]] = None
    new.to_csv(tmp_path / "new.csv", index=False)
    data = ["data=csv", "data.table=customers", "data.columns.customer_id=client", f"data.path={tmp_path / 'new.csv'}"]
    done = cxai("predict", "last", *data, "--to", str(tmp_path / "chances.csv"), cwd=home)
    assert done.returncode == 0, done.stderr
    told = pd.read_csv(tmp_path / "chances.csv").set_index("customer_id").loc[new["client"], "probability"]
    records = json.loads(new.drop(columns="client").to_json(orient="records", date_format="iso"))
    assert records[1]["visits"] is None
    (model,) = (path.parent for path in home.rglob("MLmodel"))
    with served(model, tmp_path) as address:

        def ask(several):
            body = json.dumps({"dataframe_records": several}).encode()
            asked = urllib.request.Request(f"{address}/invocations", body, {"Content-Type": "application/json"})
            with urllib.request.urlopen(asked, timeout=60) as answer:
                return np.asarray(json.load(answer)["predictions"])

        np.testing.assert_allclose(ask(records)[:, 1], told, rtol=1e-9)
        np.testing.assert_allclose(ask(records[1:2])[:, 1], told.iloc[[1]], rtol=1e-9)
        with pytest.raises(urllib.error.HTTPError, match="400"):
            ask([{**records[0], "visits": "many"}])


@contextlib.contextmanager
def served(model, folder):
    """MLflow's own server of a model, on a port of this machine alone."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    found = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    command = [sys.executable, "-m", "mlflow", "models", "serve", "-m", str(model), "--env-manager", "local"]
    command += ["--host", "127.0.0.1", "--port", str(port)]
    with (folder / "server.log").open("w") as log:
        child = subprocess.Popen(
            command, stdout=log, stderr=log, cwd=folder, env=user_environment({"PATH": found}), start_new_session=True
        )
        try:
            for _ in range(300):
                if child.poll() is not None:
                    break
                with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                    yield f"http://127.0.0.1:{port}"
                    return
                time.sleep(0.2)
            pytest.fail("the server does not answer: " + (folder / "server.log").read_text())
        finally:
            os.killpg(child.pid, signal.SIGTERM)
            child.wait(timeout=30)


def first(frame, column, value, many=4):
    return frame.assign(**{column: frame[column].astype(object).where(np.arange(len(frame)) >= many, value)})


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "more", "told"),
    [
        (lambda f: f.assign(bought="No"), [], ["one value only: nothing tells a conversion from none"]),
        (lambda f: first(f.assign(bought="No"), "bought", "Yes", 9), [], ["conversions among 450 training rows"]),
        (lambda f: f, ["task.outcome=bougt"], ["no column `bougt`", "did you mean `bought`?"]),
        (lambda f: f.assign(bought=f["bought"].str.upper() + "!"), [], ["0 or 1, yes or no", "task.positive="]),
        (lambda f: f, ["task.positive=maybe"], ["task.positive: maybe", "one of: No, Yes"]),
        (
            lambda f: first(f, "visits", "n/a"),
            [],
            ["values are no numbers, such as `n/a`", "features.exclude=[visits]"],
        ),
        (lambda f: first(f, "spend", np.inf), [], ["values are infinite", "features.exclude=[spend]"]),
        (lambda f: f.assign(paid=f["bought"] == "Yes"), [], ["paid", "the outcome under another name"]),
        (lambda f: f[["client", "bought"]].assign(same=1), [], ["no input can be learned from", "same has one value"]),
        (lambda f: f, ["task.value=5"], ["task.cost", "needed to weigh what a conversion is worth"]),
        (lambda f: f, ["model=network", "model.activation=relo"], ["model.activation: relo", "did you mean `relu`?"]),
        (
            lambda f: f,
            ["model._target_=sklearn.svm.LinearSVC"],
            ["LinearSVC", "a classifier that predicts probabilities"],
        ),
    ],
)
def test_bad_input_is_told_with_its_remedy(change, more, told, home, tmp_path, cxai):
    change(rows()).to_csv(tmp_path / "rows.csv", index=False)
    done = cxai("run", *overrides(tmp_path / "rows.csv", *more), cwd=home)
    said = " ".join((done.stdout + done.stderr).split())
    assert done.returncode == 2, said
    assert "Traceback" not in said
    for words in told:
        assert words in said


@pytest.mark.slow
def test_every_model_of_the_configs_runs_and_odd_columns_are_taken(home, tmp_path, cxai):
    """Ten thousand categories, a constant, a column without a value; no model is stopped by them."""
    frame = rows()
    odd = frame.assign(sku=[f"s{i}" for i in range(len(frame))], same=3, empty=np.nan)
    odd.to_csv(tmp_path / "rows.csv", index=False)
    names = sorted(path.stem for path in Path("conf/model/conversion").glob("*.yaml"))
    assert names == ["hist_gradient_boosting", "logistic", "mlp", "network", "xgboost"]
    for name in names:
        more = (f"model={name}", "tracking.level=child", "task.against=null")
        quick = ("model.epochs=3",) if name == "network" else ()
        done = cxai("run", *overrides(tmp_path / "rows.csv", *more, *quick), cwd=home)
        assert done.returncode == 0, f"{name}: {done.stderr}"
        said = " ".join(done.stdout.split())
        assert "log loss" in said, name


def test_the_models_to_beat_are_those_of_their_own_configs():
    import yaml

    against = yaml.safe_load(Path("conf/task/conversion.yaml").read_text(encoding="utf-8"))["task"]["against"]
    for name, given in against.items():
        assert given == yaml.safe_load(Path(f"conf/model/conversion/{name}.yaml").read_text(encoding="utf-8")), name
