"""Managerial segments as a user meets them: orders of one's own in a file, rules of one's own, what is refused."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest


def orders(customers=80, seed=2):
    """Two years of orders; half of the customers stop after some months."""
    rng = np.random.default_rng(seed)
    rows = []
    for customer in range(customers):
        ends = 730 if customer % 2 else rng.integers(100, 600)
        days = np.flatnonzero(rng.uniform(size=730) < 0.03)
        for day in days[days < ends]:
            rows.append((customer, pd.Timestamp("2020-01-01") + pd.Timedelta(days=int(day)), rng.integers(5, 90)))
    return pd.DataFrame(rows, columns=["client", "day", "paid"])


def overrides(path, *more):
    return [
        "task=managerial_segments",
        "data=csv",
        f"data.path={path}",
        "data.table=transactions",
        "data.columns.customer_id=client",
        "data.columns.timestamp=day",
        "data.columns.revenue=paid",
        "evaluation.resamples=100",
        *more,
    ]


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    folder = tmp_path_factory.mktemp("managerial")
    orders().to_csv(folder / "rows.csv", index=False)
    return folder


@pytest.fixture(scope="module")
def ran(home, cxai):
    done = cxai("run", *overrides(home / "rows.csv"), cwd=home)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_run_says_who_they_are_and_who_moves(ran):
    said = " ".join(ran.split())
    assert "80 customers as of 20" in said
    assert "moved down and" in said
    assert "RMSE of next revenue" in said
    assert "share of the customers of " in said
    assert "occasions from 20" in said


def test_what_is_kept_can_be_acted_on(ran, home):
    tables = {path.stem: pd.read_csv(path) for path in home.rglob("artifacts/tables/*.csv")}
    expected = {"segments", "segments_over_time", "transitions", "transition_probabilities", "moved_down", "movements"}
    assert expected | {"next_revenue", "next_revenue_over_time", "rfm_grid"} <= set(tables)
    assert list(tables["movements"])[:4] == ["customer_id", "from", "to", "direction"]
    assert tables["segments_over_time"]["time"].nunique() == 10
    assert {path.stem for path in home.rglob("artifacts/figures/*.png")} >= {"flow", "customers_over_time", "rfm_grid"}
    scores = pd.read_parquet(next(home.rglob("scores/held_out.parquet")))
    assert not scores.isna().any().any()


def test_new_customers_are_put_into_segments_by_the_kept_model(ran, home, cxai):
    new = orders(30, seed=9).assign(day=lambda rows: rows["day"] + pd.Timedelta(days=400))
    new.to_csv(home / "new.csv", index=False)
    found = cxai("predict", "last", f"data.path={home}/new.csv", "--to", str(home / "segments.csv"), cwd=home)
    assert found.returncode == 0, found.stderr
    rows = pd.read_csv(home / "segments.csv").set_index("customer_id")["segment"]
    assert len(rows) == new["client"].nunique()
    last = new.groupby("client")["day"].max()
    days = ((new["day"].max() + pd.Timedelta(days=1)) - last).dt.days
    assert list(rows == "inactive") == list(days.loc[rows.index] > 56)


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (
            ["model.rules.cold={recency: {gt: warm, le: 50}}"],
            ["no rule takes a customer with recency 51", "widen a rule"],
        ),
        (
            ["model.rules.cold={recency: {gt: active, le: cold}}"],
            ["takes customers of warm_high too, such as one with"],
        ),
        (["model.thresholds.warm=10"], ["recency more than 14 (active) and at most 10 (warm)", "thresholds in order"]),
        (["+model.rules.Warm_Low={recency: {gt: 999}}"], ["a segment of this name is there already: warm_low"]),
        (["model.rules.cold={recent_revenue: {gt: 1}}"], ["model.rules.cold.recent_revenue", "no such measure"]),
        (["features.as_of=2019-12-01"], ["nobody had bought before", "the first transaction is of 2020-01-0"]),
        (["features.as_of=2024-01-01"], ["the last transaction is of 2021-12-", "at most 202"]),
        (["features.as_of=soon"], ["a date, as in 2017-12-31"]),
        (["features.every=200"], ["nobody had bought before", "features.dates=4"]),
        (["features.horizon=600", "features.every=40"], ["nothing is left to learn from", "split.days"]),
        (["features.horizon=200"], ["of no date of the training part is the next revenue known", "features.horizon"]),
        (["split.days=20"], ["of none of the rows to be judged by is the next revenue known", "features.horizon"]),
        (["data.where={revenue: {gt: 1000}}"], ["none of the 1,318 rows of transactions is left"]),
        (["features=customer_profile", "split.days=30"], ["gives no column `time`, which the task needs"]),
        (["model=segmentation/kmeans", "model.n_clusters=0"], ["model.n_clusters"]),
    ],
)
def test_mistakes_are_told_in_words(ran, home, cxai, more, told):
    done = cxai("run", *overrides(home / "rows.csv", *more), cwd=home)
    said = " ".join((done.stdout + done.stderr).split())
    assert done.returncode == 2, said
    assert "Traceback" not in said
    for words in told:
        assert words in said


def test_returns_are_refused_with_the_way_to_leave_them_out(ran, home, cxai):
    orders().assign(paid=lambda rows: rows["paid"].where(rows.index > 3, -5)).to_csv(home / "bad.csv", index=False)
    done = cxai("run", *overrides(home / "bad.csv"), cwd=home)
    said = " ".join((done.stdout + done.stderr).split())
    assert done.returncode == 2, said
    assert "less than 0" in said or "below 0" in said, said


def test_two_sets_of_rules_are_compared_on_the_same_customers(ran, home, cxai):
    done = cxai("run", *overrides(home / "rows.csv", "model=quintiles", "tracking.level=child"), "--json", cwd=home)
    assert done.returncode == 0, done.stderr
    compared = cxai("compare", "last", json.loads(done.stdout)["run_id"], "--json", cwd=home)
    assert compared.returncode == 0, compared.stderr
