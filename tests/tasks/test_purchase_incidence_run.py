"""Purchase incidence as a user meets it: a panel of one's own in a file, segments in its report, what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from .conftest import make_panel


def occasions():
    """The simulated panel as somebody's file, with a segment, one of ten rows, and the brand bought last."""
    frame = make_panel(customers=60, occasions=20).frame.rename(columns={"customer_id": "client", "occasion": "day"})
    segment = np.where(frame["client"] % 2 == 0, "even", "odd").astype(object)
    segment[100:110] = "rare"
    last = frame.groupby("client")["incidence"].shift(1).fillna(0).astype(int) * (1 + frame["day"] % 3)
    return frame.assign(segment=segment, last_brand=last)


def overrides(path, *more):
    return [
        "task=purchase_incidence",
        "data=csv",
        f"data.path={path}",
        "data.table=panel",
        "data.columns.customer_id=client",
        "data.columns.occasion=day",
        "features=table",
        "features.table=panel",
        "features.columns=[price_*,promotion_*,segment,last_brand]",
        "evaluation.resamples=100",
        "task.points=5",
        "task.refits=2",
        *more,
    ]


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    folder = tmp_path_factory.mktemp("incidence")
    occasions().to_csv(folder / "rows.csv", index=False)
    return folder


TERMS = "task.terms=[price,mean_promotion,mean_price:segment,last_brand]"


@pytest.fixture(scope="module")
def ran(home, cxai):
    more = (TERMS, "task.by=[segment]", "model=purchase_incidence/logit_random_intercept")
    done = cxai("run", *overrides(home / "rows.csv", *more), cwd=home)
    assert done.returncode == 0, done.stderr
    return done.stdout


def artifact(home, name):
    return next(home.rglob(f"artifacts/{name}"))


def test_a_run_says_what_it_learned(ran):
    said = " ".join(ran.split())
    assert "the base rate on rows it has not seen: log loss" in said
    assert "trained on 900 rows of 45 customers" in said
    assert "elasticity of purchase probability at the mean price: −" in said


def test_the_report_has_the_segments_and_names_the_small_one(ran, home):
    table = pd.read_csv(artifact(home, "tables/elasticity_at_mean.csv"))
    assert set(table["occasions"]) == {"all", "segment even", "segment odd"}
    assert not table.isna().any(axis=None)
    assert "segment rare (10 occasions: too small)" in artifact(home, "report.html").read_text(encoding="utf-8")


def test_the_kept_model_takes_words_and_is_loaded_by_plain_mlflow(ran, home):
    import mlflow.pyfunc
    from mlflow import MlflowClient

    client = MlflowClient(f"sqlite:///{home}/mlruns/mlflow.db")
    (model,) = client.search_logged_models([client.get_experiment_by_name("purchase_incidence").experiment_id])
    loaded = mlflow.pyfunc.load_model(str(model.artifact_location))
    scores = pd.read_parquet(artifact(home, "scores/held_out.parquet"))
    rows = occasions()
    mine = rows[rows["client"].isin(scores["customer_id"])].sort_values(["client", "day"], ignore_index=True)
    found = loaded.predict(mine[[str(name) for name in loaded.metadata.get_input_schema().input_names()]])
    np.testing.assert_allclose(np.asarray(found)[:, 1], scores["probability"], rtol=1e-9)


@pytest.mark.slow
def test_every_model_of_the_configs_runs(home, cxai):
    """Those that are not fitted above, on the features that the first run kept."""
    names = sorted(path.stem for path in Path("conf/model/purchase_incidence").glob("*.yaml"))
    assert len(names) == 9
    for name in set(names) - {"logit_random_intercept"}:
        more = (TERMS, f"model={name}", "tracking.level=child")
        done = cxai("run", *overrides(home / "rows.csv", *more), "--json", cwd=home)
        assert done.returncode == 0, f"{name}: {done.stderr}"
        found = json.loads(done.stdout)
        assert np.isfinite(found["metrics"]["held_out"]["log_loss"]["value"]), name
        assert found["estimates"]["elasticity_at_mean_price"]["value"] < 0, name


@pytest.mark.parametrize(
    ("change", "more", "told"),
    [
        (
            lambda f: f.assign(promotion_a=f["incidence"]),
            ["task.terms=[mean_price,promotion]"],
            ["the outcomes are perfectly separated by", "promotion_a", "or use a penalised logit"],
        ),
        (
            lambda f: f.assign(price_b=f["price_a"], price_c=f["price_a"]),
            ["task.terms=[price]", "model=logit_mundlak"],
            ["collinear columns, each a combination of the others: price_a, price_b, price_c", "leave one of them out"],
        ),
        (lambda f: f.assign(price_a=2, price_b=2, price_c=2), [], ["one mean price only", "no elasticity"]),
        (lambda f: f.assign(price_a=-1.0), [], ["price", "0 or less"]),
        (
            lambda f: f,
            ["task.terms=[mean_price,mean_prise:segmant]", "task.by=[segmen]"],
            ["task.terms: mean_prise", "did you mean `mean_price`?", "task.terms: segmant", "task.by: segmen"],
        ),
        (lambda f: f, ["task.intervals=both", "model=random_forest"], ["RandomForestClassifier has none"]),
        (lambda f: f, ["task.intervals=jackknife"], ["task.intervals: jackknife", "bootstrap"]),
    ],
)
def test_bad_input_is_told_with_its_remedy(change, more, told, home, tmp_path, cxai):
    change(occasions()).to_csv(tmp_path / "rows.csv", index=False)
    done = cxai("run", *overrides(tmp_path / "rows.csv", *more), cwd=home)
    said = " ".join((done.stdout + done.stderr).split())
    assert done.returncode == 2, said
    assert "Traceback" not in said
    for words in told:
        assert words in said
