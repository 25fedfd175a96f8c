"""Purchase quantity as a user meets it: a panel of one's own in a file, what is left out of it, what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from .conftest import make_purchases


def occasions():
    """The simulated purchases as somebody's file, every other occasion without one, integers for brands."""
    bought = make_purchases(customers=60, occasions=20).frame
    frame = bought.drop(columns=["segment"]).rename(columns={"customer_id": "client", "occasion": "day"})
    frame["day"] = frame["day"] * 2
    number = {"a": "1", "b": "2", "c": "3"}
    frame["brand"] = frame["brand"].map(number).astype(int)
    frame = frame.rename(columns={name: f"{name[:-1]}{number[name[-1]]}" for name in frame if name[-2] == "_"})
    nothing = frame.assign(day=frame["day"] + 1, brand=0, quantity=0)
    both = pd.concat([frame.assign(bought=1), nothing.assign(bought=0)], ignore_index=True)
    return both.assign(segment=np.where(both["client"] % 2 == 0, "even", "odd"))


def overrides(path, *more):
    return [
        "task=purchase_quantity",
        "data=csv",
        f"data.path={path}",
        "data.table=panel",
        "data.columns.customer_id=client",
        "data.columns.occasion=day",
        "data.columns.incidence=bought",
        "features=table",
        "features.table=panel",
        "features.transformers=[]",
        "evaluation.resamples=100",
        "task.points=5",
        *more,
    ]


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    folder = tmp_path_factory.mktemp("quantity")
    occasions().to_csv(folder / "rows.csv", index=False)
    return folder


@pytest.fixture(scope="module")
def ran(home, cxai):
    done = cxai("run", *overrides(home / "rows.csv", "task.by=[segment]"), cwd=home)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_run_says_what_it_learned_and_what_it_left_out(ran):
    said = " ".join(ran.split())
    assert "A purchase has " in said
    assert "the training distribution on rows it has not seen: log loss" in said
    assert "900 of 1,800 rows of panel (50.0 %): nothing was bought" in said
    assert "trained on 900 rows of 45 customers" in said
    assert "elasticity of quantity at the observed prices: −" in said


def test_the_kept_model_is_loaded_by_plain_mlflow_and_says_how_probable_a_quantity_is(ran, home):
    import mlflow.pyfunc
    from mlflow import MlflowClient

    from cxai_runner.methods.quantity import Forecast
    from cxai_runner.methods.quantity.terms import of_chosen

    client = MlflowClient(f"sqlite:///{home}/mlruns/mlflow.db")
    (model,) = client.search_logged_models([client.get_experiment_by_name("purchase_quantity").experiment_id])
    loaded = mlflow.pyfunc.load_model(str(model.artifact_location))
    rows = occasions().query("bought == 1").reset_index(drop=True)
    scores = pd.read_parquet(next(home.rglob(f"{model.source_run_id}/artifacts/scores/held_out.parquet")))
    mine = rows[rows["client"].isin(scores["customer_id"])].sort_values(["client", "day"], ignore_index=True)
    law = Forecast.of(loaded.predict(mine[[str(name) for name in loaded.metadata.get_input_schema().input_names()]]))
    np.testing.assert_allclose(law.expected, scores["expected"], rtol=1e-9)
    np.testing.assert_allclose(law.location, scores["location"], rtol=1e-9)
    assert np.isfinite(law.log_probability(mine["quantity"])).all()
    assert np.corrcoef(law.expected, of_chosen(mine, "price"))[0, 1] < -0.5


@pytest.mark.slow
def test_every_model_of_the_configs_runs(home, cxai):
    """Those that are not the default, on the features that the first run kept."""
    names = sorted(path.stem for path in Path("conf/model/purchase_quantity").glob("*.yaml"))
    assert len(names) == 7
    for name in set(names) - {"truncated_negative_binomial"}:
        more = (f"model={name}", "tracking.level=child", "task.refits=2")
        done = cxai("run", *overrides(home / "rows.csv", *more), "--json", cwd=home)
        assert done.returncode == 0, f"{name}: {done.stderr}"
        found = json.loads(done.stdout)
        assert np.isfinite(found["metrics"]["held_out"]["log_loss"]["value"]), name
        assert found["estimates"]["elasticity_at_observed_prices"]["value"] < 0, name


@pytest.mark.parametrize(
    ("change", "more", "told"),
    [
        (
            lambda f: f.assign(quantity=f["quantity"] * 0.5),
            [],
            ["rows are not of whole units, such as 0.5", "take a category sold by the piece"],
        ),
        (lambda f: f, ["features.purchases_only=false"], ["rows have no unit", "features.purchases_only=true"]),
        (
            lambda f: f.assign(quantity=f["quantity"].where(f.index > 1, 0)),
            [],
            ["incidence and quantity of panel contradict each other on 2 rows", "features.purchases_only"],
        ),
        (lambda f: f.drop(columns="price_3"), [], ["no column `price_3`", "name the price's column after the brand"]),
        (lambda f: f.assign(quantity=f["bought"]), [], ["one value only: nothing tells a large purchase"]),
        (lambda f: f.assign(price_1=2, price_2=2, price_3=2), [], ["one price only: no elasticity can be estimated"]),
        (lambda f: f.assign(price_1=-1.0), [], ["price", "0 or less"]),
        (
            lambda f: f.assign(price_1=1.0, price_2=2.0, price_3=3.0),
            ["task.terms=[price,brand]"],
            ["collinear columns, each a combination of the others: price, ", "leave one of them out"],
        ),
        (lambda f: f, ["task.terms=[price,prise]"], ["task.terms: prise", "did you mean `price`?"]),
        (
            lambda f: f,
            ["model._target_=sklearn.linear_model.Ridge"],
            ["Ridge", "a model that says how probable a quantity is"],
        ),
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
