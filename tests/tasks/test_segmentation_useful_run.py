"""Whether a segmentation is useful, as a user meets it: the embedded households, a table of one's own, a sweep."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

pytestmark = pytest.mark.slow

FEW = ("evaluation.resamples=200", "task.resamples=4")


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return tmp_path_factory.mktemp("useful")


@pytest.fixture(scope="module")
def ran(home, cxai):
    done = cxai("run", "task=segmentation", "model.n_clusters=4", *FEW, "--json", cwd=home)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_five_of_six_are_judged_on_the_embedded_households(ran, home):
    tables = {path.stem: pd.read_csv(path) for path in home.rglob("artifacts/tables/*.csv")}
    useful = tables["useful"].set_index("test")["verdict"]
    assert useful["actionable"] == "not judged"
    assert not (useful.drop("actionable") == "not judged").any()
    rules = tables["rules"]
    assert (rules["right"] * rules["customers"]).sum() / rules["customers"].sum() > 0.7
    assert tables["response"]["customers"].sum() > 2000
    assert not tables["differences"].isna().any(axis=None)
    assert {"moves", "shares_over_time"} <= set(tables)
    figures = {path.stem for path in home.rglob("artifacts/figures/*.png")}
    assert {"useful", "rule_tree", "response", "moves", "shares_over_time"} <= figures


def test_new_customers_are_told_with_the_shares_of_training(ran, home, cxai):
    asked = ("predict", ran["run_id"], "--as-of", "2017-10-01", "--to", "then.parquet", "--json")
    done = cxai(*asked, cwd=home)
    assert done.returncode == 0, done.stderr
    shares = json.loads(done.stdout)["shares"]
    assert [one["label"] for one in shares] == ["0", "1", "2", "3"]
    assert sum(one["rows"] for one in shares) == len(pd.read_parquet(home / "then.parquet"))
    assert all(one["now"]["low"] < one["now"]["value"] < one["now"]["high"] for one in shares)


def test_a_sweep_says_how_its_solutions_agree(ran, home, cxai):
    done = cxai("sweep", "task=segmentation", "model.n_clusters=2,3", *FEW, "--json", cwd=home)
    assert done.returncode == 0, done.stderr
    compared = cxai("compare", "--sweep", "last", "--html", "all.html", cwd=home)
    assert compared.returncode == 0, compared.stderr
    assert "How the segmentations agree" in compared.stdout
    page = (home / "all.html").read_text()
    assert "From the segments of" in page
    reports = [path.read_text() for path in home.rglob("artifacts/report.html")]
    assert any("n_clusters=2 and n_clusters=3 agree most" in text for text in reports)


def test_an_offer_in_a_table_of_ones_own_is_judged(home, cxai):
    rng = np.random.default_rng(0)
    group = rng.integers(0, 3, 900)
    mail = rng.choice(["mail", "none"], 900)
    rows = pd.DataFrame(
        {
            "id": np.arange(900),
            "x": rng.normal(size=900) + 6 * (group == 1),
            "y": rng.normal(size=900) + 6 * (group == 2),
            "offer": mail,
            "visit": (rng.random(900) < 0.2 + 0.5 * ((group == 2) & (mail == "mail"))).astype(int),
        }
    )
    rows.to_csv(home / "rows.csv", index=False)
    asked = (
        "run",
        "task=segmentation",
        "data=csv",
        "data.path=rows.csv",
        "data.table=customers",
        "data.columns.customer_id=id",
        "features=table",
        "model.n_clusters=3",
        *FEW,
    )
    refused = cxai(*asked, "task.useful.response=visit", "task.useful.offer=ofer", cwd=home)
    assert refused.returncode == 2
    assert "did you mean `offer`?" in refused.stderr
    among = cxai(*asked, "task.useful.response=visit", cwd=home)
    assert among.returncode == 2
    assert "segments are made of it" in among.stderr
    told = ("features.exclude=[visit]", "task.useful.response=visit", "task.useful.offer=offer")
    done = cxai(*asked, *told, "--json", cwd=home)
    assert done.returncode == 0, done.stderr
    run = json.loads(done.stdout)["run_id"]
    folder = next(home.rglob(run))
    table = pd.read_csv(folder / "artifacts" / "tables" / "useful.csv").set_index("test")
    assert table.loc["actionable", "verdict"] == "yes"
    effects = pd.read_csv(folder / "artifacts" / "tables" / "offer_effects.csv")
    assert effects["effect"].max() == pytest.approx(0.5, abs=0.15)
