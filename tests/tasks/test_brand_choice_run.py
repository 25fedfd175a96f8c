"""Brand choice as a user meets it: a wide and a long panel in files, what is kept, compared, predicted and refused."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from .conftest import make_choices


def wide():
    """The simulated choices as somebody's file, integers for brands, and rows without a purchase."""
    number = {"acme": "1", "best": "2", "cola": "3"}
    frame = make_choices(customers=60, occasions=10).frame.drop(columns="segment")
    frame = frame.rename(columns={c: f"{c[:-4]}{number[c[-4:]]}" for c in frame if c[-4:] in number})
    frame = frame.rename(columns={"customer_id": "client", "occasion": "day"})
    frame["brand"], frame["last_brand"] = (frame[c].map(number).fillna(0).astype(int) for c in ("brand", "last_brand"))
    frame["day"] = 2 * frame["day"]
    nothing = frame.assign(day=frame["day"] + 1, brand=0)
    both = pd.concat([frame.assign(bought=1), nothing.assign(bought=0)], ignore_index=True)
    return both.assign(segment=np.where(both["client"] % 2 == 0, "even", "odd"))


def long():
    """Two of the brands, and the third at every other occasion, with a row each."""
    frame = make_choices(customers=60, occasions=10).frame
    frame["case"] = np.arange(len(frame))
    rows = []
    for name in ("acme", "best", "cola"):
        one = frame[["customer_id", "case"]].assign(what=name, taken=(frame["brand"] == name).astype(int))
        rows.append(one.assign(fare=frame[f"price_{name}"]))
    every = pd.concat(rows).sort_values(["case", "what"], ignore_index=True)
    return every[(every["what"] != "cola") | (every["case"] % 2 == 0) | (every["taken"] == 1)]


def overrides(path, *more):
    return [
        "task=brand_choice",
        "data=csv",
        f"data.path={path}",
        "data.table=panel",
        "data.columns.customer_id=client",
        "data.columns.occasion=day",
        "data.columns.incidence=bought",
        "features=table",
        "features.table=panel",
        "features.columns=[price_*,promotion_*]",
        "features.transformers=[]",
        "evaluation.resamples=100",
        "task.points=5",
        "task.refits=5",
        *more,
    ]


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    folder = tmp_path_factory.mktemp("choice")
    wide().to_csv(folder / "wide.csv", index=False)
    long().to_csv(folder / "long.csv", index=False)
    return folder


@pytest.fixture(scope="module")
def ran(home, cxai):
    more = ("task.by=[segment]", "task.scenario={price:{1:-10%,3:1.99}}", "task.terms=price + promotion + repeat")
    done = cxai("run", *overrides(home / "wide.csv", *more), cwd=home)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_run_says_what_it_learned_and_what_it_left_out(ran):
    said = " ".join(ran.split())
    assert "The model predicts brands better than market shares on rows it has not seen: log loss" in said
    assert "450 of 900 rows of panel (50.0 %): nothing was bought" in said
    assert "own-price elasticity of 1: −" in said
    assert "market shares" in said


def test_the_kept_model_is_loaded_by_plain_mlflow_and_predicts_what_was_scored(ran, home):
    import mlflow.pyfunc
    from mlflow import MlflowClient

    client = MlflowClient(f"sqlite:///{home}/mlruns/mlflow.db")
    (model,) = client.search_logged_models([client.get_experiment_by_name("brand_choice").experiment_id])
    assert model.tags["cxai.format"] == "skops"
    loaded = mlflow.pyfunc.load_model(str(model.artifact_location))
    scores = pd.read_parquet(next(home.rglob(f"{model.source_run_id}/artifacts/scores/held_out.parquet")))
    rows = wide().query("bought == 1")
    mine = rows[rows["client"].isin(scores["customer_id"])].sort_values(["client", "day"], ignore_index=True)
    names = [str(name) for name in loaded.metadata.get_input_schema().input_names()]
    assert {"price_1", "promotion_3", "last_brand"} <= set(names)
    np.testing.assert_allclose(loaded.predict(mine[names]), scores[[f"probability_{j}" for j in (1, 2, 3)]], rtol=1e-9)


def test_new_rows_are_scored(ran, home, cxai):
    done = cxai("predict", "last", "--to", str(home / "scored.csv"), cwd=home)
    assert done.returncode == 0, done.stderr
    scored = pd.read_csv(home / "scored.csv")
    np.testing.assert_allclose(scored[[f"probability_{j}" for j in (1, 2, 3)]].sum(axis=1), 1)


def test_a_long_panel_knows_what_was_not_available(home, cxai):
    more = [
        "task=brand_choice",
        "data=csv",
        f"data.path={home / 'long.csv'}",
        "data.table=panel",
        "data.long={alternative: what, chosen: taken}",
        "data.columns={customer_id: customer_id, occasion: case, price: fare}",
        "features=table",
        "features.table=panel",
        "features.columns=[price_*]",
        "features.missing=keep",
        "features.transformers=[]",
        "evaluation.resamples=100",
        "task.points=5",
        "tracking.level=child",
    ]
    done = cxai("run", *more, "--json", cwd=home)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["estimates"]["own_price_elasticity_cola"]["value"] < 0
    scores = pd.read_parquet(next(home.rglob(f"{found['run_id']}/artifacts/scores/held_out.parquet")))
    assert 0 < (scores["probability_cola"] == 0).mean() < 0.5


@pytest.mark.slow
def test_every_model_of_the_configs_runs_and_is_compared(home, cxai):
    names = sorted(path.stem for path in Path("conf/model/brand_choice").glob("*.yaml"))
    assert names == ["conditional_logit", "latent_class", "mixed_logit", "multinomial_penalised", "nested_logit"]
    for name in names:
        more = [f"model={name}", *(["model.nests={a: [1, 2]}"] if name == "nested_logit" else [])]
        more += ["model.n_draws=30"] if name == "mixed_logit" else []
        done = cxai("run", *overrides(home / "wide.csv", *more), "--json", cwd=home)
        assert done.returncode == 0, f"{name}: {done.stderr}"
        found = json.loads(done.stdout)
        assert np.isfinite(found["metrics"]["held_out"]["log_loss"]["value"]), name
        assert found["estimates"]["own_price_elasticity_1"]["value"] < 0, name
    done = cxai("sweep", *overrides(home / "wide.csv", "model=conditional_logit,latent_class"), "--jobs", "1", cwd=home)
    assert done.returncode == 0, done.stderr
    done = cxai("compare", "--sweep", "last", cwd=home)
    assert done.returncode == 0, done.stderr
    assert "by paired bootstrap over 15 customers" in " ".join(done.stdout.split())


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (["features.purchases_only=false"], "have no purchase, and so no choice"),
        (["task.alternatives=[1,2]"], "task.alternatives does not name it"),
        (["task.terms=price + displai", "task.scenario={price:{4:-10%}}"], "2 problems"),
        (["features.transformers=[{_target_: sklearn.preprocessing.StandardScaler}]"], "set it to []"),
        (["model=nested_logit"], "no nest is named"),
        (["task.scenario={promotion:{1:5}}"], "the change makes 5 of it"),
        (['task.scenario=[{of: "1", to: "-100%"}]'], "makes a price of zero or less"),
    ],
)
def test_mistakes_are_told_without_a_traceback(home, cxai, more, told):
    done = cxai("run", *overrides(home / "wide.csv", *more), cwd=home)
    assert done.returncode == 2, done.stdout + done.stderr
    assert told in " ".join((done.stdout + done.stderr).split())
    assert "data.task" not in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
