"""Price response as a user meets it: a panel of one's own in a file, a model that predicts units, what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from .conftest import make_occasions


def rows():
    """The simulated occasions as somebody's file, integers for brands, 0 for none."""
    frame = make_occasions(customers=60).frame.rename(columns={"customer_id": "client", "occasion": "day"})
    number = {"a": "1", "b": "2", "c": "3"}
    frame["brand"] = frame["brand"].map(number).fillna("0").astype(int)
    return frame.rename(columns={name: f"{name[:-1]}{number[name[-1]]}" for name in frame if name[-2] == "_"})


def overrides(path, *more, model="poisson"):
    return [
        "task=price_response",
        "data=csv",
        f"data.path={path}",
        "data.table=panel",
        "data.columns.customer_id=client",
        "data.columns.occasion=day",
        "features=table",
        "features.table=panel",
        "features.transformers=[]",
        "evaluation.resamples=100",
        f"model=price_response/{model}",
        "task.points=5",
        "task.refits=10",
        *more,
    ]


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    folder = tmp_path_factory.mktemp("response")
    rows().to_csv(folder / "rows.csv", index=False)
    return folder


@pytest.fixture(scope="module")
def ran(home, cxai):
    done = cxai("run", *overrides(home / "rows.csv", "task.brand=2", "task.by=[segment]", "task.cost=45%"), cwd=home)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_run_says_what_it_learned(ran):
    said = " ".join(ran.split())
    assert "A price of brand 2 that is 1 % higher goes with a change of −" in said
    assert "Its margin is highest at a price of 1." in said
    assert said.index("Its margin") < said.index("trained on")
    assert "elasticity of the units of brand 2 to its price, observed prices: −" in said
    assert "of it by brand choice: −" in said
    assert "price of brand 2 that maximises its margin: 1." in said
    assert "trained on 1,125 rows of 45 customers" in said


@pytest.mark.slow
def test_the_kept_model_expects_units_and_revenue_of_new_occasions(ran, home, cxai):
    new = rows().head(20).drop(columns=["incidence", "brand", "quantity"])
    new.to_csv(home / "new.csv", index=False)
    more = ["data=csv", f"data.path={home / 'new.csv'}", "data.table=panel"]
    more += ["data.columns.customer_id=client", "data.columns.occasion=day"]
    done = cxai("predict", "last", *more, "--to", str(home / "units.csv"), "--overwrite", cwd=home)
    assert done.returncode == 0, done.stdout + done.stderr
    found = pd.read_csv(home / "units.csv")
    assert len(found) == 20
    units = found[["units_1", "units_2", "units_3"]]
    np.testing.assert_allclose(units.sum(axis=1), found["units"])
    assert "purchase_probability" in found
    cheap = (found["revenue_2"] / found["units_2"]).to_numpy()
    assert np.isin(cheap.round(6), new["price_2"].round(6)).all()


@pytest.mark.slow
def test_every_model_of_the_configs_runs_and_two_are_compared(home, ran, cxai):
    names = sorted(path.stem for path in Path("conf/model/price_response").glob("*.yaml"))
    assert "inclusive_value" in names
    assert len(names) == 3
    for name in names:
        more = ("tracking.level=child", "task.competitors=matched")
        done = cxai("run", *overrides(home / "rows.csv", *more, model=name), "--json", cwd=home)
        assert done.returncode == 0, f"{name}: {done.stderr}"
        found = json.loads(done.stdout)
        assert np.isfinite(found["metrics"]["held_out"]["log_loss"]["value"]), name
        assert found["estimates"]["elasticity_at_observed_prices"]["value"] < 0, name
    done = cxai("compare", "default", "inclusive_value", cwd=home)
    assert done.returncode == 0, done.stderr
    done = cxai("sweep", *overrides(home / "rows.csv", "task.brand=1,2,3"), cwd=home)
    assert done.returncode == 0, done.stderr
    assert "3 points" in done.stdout


@pytest.mark.parametrize(
    ("change", "more", "told"),
    [
        (lambda f: f, ["task.brand=4"], ["no such brand in the panel", "task.brand"]),
        (lambda f: f, ["task.cost=cheap"], ["task.cost: cheap", "an amount such as 0.8"]),
        (lambda f: f, ["model.choice.terms=[prise]"], ["model.choice", "prise"]),
        (lambda f: f.assign(price_1=2.0, price_2=2.0, price_3=2.0), [], ["one price only for every brand"]),
        (lambda f: f.assign(price_1=-1.0), [], ["price", "0 or less"]),
        (lambda f: f.assign(price_4=f["price_1"], promotion_4=0), [], ["never bought in the training part", "price_4"]),
        (lambda f: f.assign(quantity=f["quantity"] * 0.5), [], ["purchases are not of whole units, such as 1.5"]),
        (lambda f: f.assign(quantity=f["incidence"]), [], ["model.quantity", "every quantity is 1"]),
        (
            lambda f: f.assign(tells=f["incidence"] * 1.0),
            ["features.columns=[price_*,promotion_*,tells]", "model.incidence_terms=[mean_price,tells]"],
            ["model.incidence", "perfectly separated by tells"],
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
