"""Recommendation as a user meets it: orders of one's own in a file, a model in charge, and what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from omegaconf import OmegaConf


def orders(customers: int = 120, seed: int = 2) -> pd.DataFrame:
    """Half a year of orders: everybody has four favourites among thirty items; a tenth of the orders is of others."""
    rng = np.random.default_rng(seed)
    popular = 1 / np.arange(1, 31)
    rows = []
    for customer in range(customers):
        favourites = rng.choice(30, 4, replace=False)
        for day in np.flatnonzero(rng.uniform(size=180) < 0.15):
            item = rng.choice(favourites) if rng.uniform() < 0.9 else rng.choice(30, p=popular / popular.sum())
            rows.append((customer, pd.Timestamp("2020-01-01") + pd.Timedelta(days=int(day)), f"sku {item}"))
    return pd.DataFrame(rows, columns=["client", "day", "sku"])


def overrides(path, *more):
    return [
        "task=recommendation",
        "data=csv",
        f"data.path={path}",
        "data.table=transactions",
        "data.columns.customer_id=client",
        "data.columns.timestamp=day",
        "data.columns.product_id=sku",
        "task.k=4",
        "evaluation.resamples=100",
        *more,
    ]


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    folder = tmp_path_factory.mktemp("recommendation")
    orders().to_csv(folder / "rows.csv", index=False)
    return folder


@pytest.fixture(scope="module")
def ran(home, cxai):
    done = cxai("run", *overrides(home / "rows.csv", "model=popularity"), cwd=home)
    assert done.returncode == 0, done.stderr
    return " ".join(done.stdout.split())


def test_a_run_says_whether_the_model_beats_what_customers_buy_often(ran):
    assert "By NDCG@4 over the whole catalogue, what most customers bought (" in ran
    assert "does worse than personal frequency (" in ran
    assert "recall@4 of new items" in ran


@pytest.mark.parametrize("kind", ["csv", "parquet", "fixed"])
def test_a_file_of_interactions_is_mapped_as_any_other(kind):
    written = OmegaConf.load(Path(__file__).parents[2] / "conf" / "data" / f"{kind}.yaml")
    assert {"customer_id", "item_id", "timestamp", "weight", "part"} <= set(written.columns)


def test_a_list_longer_than_the_catalogue_is_refused(home, cxai):
    done = cxai("run", *overrides(home / "rows.csv", "task.k=31"), cwd=home)
    assert done.returncode == 2
    told = " ".join(done.stderr.split())
    assert "task.k: 31 a list is longer than the catalogue, which has 30 items" in told
    assert "Traceback" not in told


@pytest.mark.slow
def test_a_model_in_charge_is_challenged_on_what_came_after_all_that_it_knows(ran, home, cxai):
    charge = ("promote", "last", "--model", "lists", "--champion", "promotion.reproduction=any")
    done = cxai("run", *overrides(home / "rows.csv"), cwd=home)
    assert done.returncode == 0, done.stderr
    assert "promoted: lists v1 is champion" in cxai(*charge, cwd=home).stdout
    done = cxai("run", *overrides(home / "rows.csv", "model=item_knn"), cwd=home)
    assert done.returncode == 0, done.stderr
    told = " ".join(cxai(*charge, cwd=home).stdout.split())
    assert "against v1 on the same 120 rows of 120 customers" in told
    done = cxai("compare", "--experiment", "recommendation", cwd=home)
    assert done.returncode == 0, done.stderr
    told = " ".join(done.stdout.split())
    assert "better than 2 of 2 others by more than noise" in told
    assert "What several lists share" in told
