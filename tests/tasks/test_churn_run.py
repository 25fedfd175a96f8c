"""Churn as a user meets it: orders of one's own in a file, from labels to a list of those at risk, and to today's."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

pytestmark = pytest.mark.slow


def orders(customers: int = 150, seed: int = 2) -> pd.DataFrame:
    """A year of orders; two of three customers stop on some day."""
    rng = np.random.default_rng(seed)
    rows = []
    for customer in range(customers):
        ends = 365 if customer % 3 == 0 else rng.integers(60, 365)
        often = rng.choice([0.05, 0.15])
        days = np.flatnonzero(rng.uniform(size=365) < often)
        for day in days[days < ends]:
            rows.append((customer, pd.Timestamp("2020-01-01") + pd.Timedelta(days=int(day)), rng.integers(5, 90)))
    return pd.DataFrame(rows, columns=["client", "day", "paid"])


def overrides(path, *more):
    return [
        "task=churn",
        "data=csv",
        f"data.path={path}",
        "data.table=transactions",
        "data.columns.customer_id=client",
        "data.columns.timestamp=day",
        "data.columns.revenue=paid",
        "model=logistic",
        "evaluation.resamples=100",
        *more,
    ]


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    folder = tmp_path_factory.mktemp("churn")
    orders().to_csv(folder / "rows.csv", index=False)
    return folder


@pytest.fixture(scope="module")
def ran(home, cxai):
    done = cxai("run", *overrides(home / "rows.csv", "features.gap=7"), cwd=home)
    assert done.returncode == 0, done.stderr
    return " ".join(done.stdout.split())


def test_a_run_says_who_is_at_risk_and_how_long_they_stay(ran, home):
    assert "mean days until a customer lapsed" in ran
    assert "gone already" in ran
    tables = {path.stem: pd.read_csv(path) for path in home.rglob("artifacts/tables/*.csv")}
    listed = tables["at_risk"]
    assert listed["time"].nunique() == 1
    assert not tables["survival"].isna().any().any()
    figures = {path.stem for path in home.rglob("artifacts/figures/*.png")}
    assert {"survival", "hazard", "likely_lost"} <= figures
    rows = orders()
    date = pd.Timestamp(listed["time"].iloc[0])
    late = rows[rows["day"].between(date + pd.Timedelta(days=7), date + pd.Timedelta(days=35), inclusive="left")]
    assert (listed["churned"] == ~listed["customer_id"].isin(late["client"])).all()


def test_todays_customers_are_predicted_as_of_the_last_day(ran, home, cxai):
    found = cxai("predict", "last", "--to", str(home / "today.csv"), cwd=home)
    assert found.returncode == 0, found.stderr
    today, rows = pd.read_csv(home / "today.csv"), orders()
    last = rows["day"].max() + pd.Timedelta(days=1)
    active = rows[rows["day"] >= last - pd.Timedelta(days=28)]["client"].unique()
    assert set(today["customer_id"]) == set(active)
    earlier = cxai("predict", "last", "--as-of", "2020-06-01", "--to", str(home / "june.csv"), cwd=home)
    assert earlier.returncode == 0, earlier.stderr
    june = rows[rows["day"].between("2020-05-04", "2020-06-01", inclusive="left")]["client"].unique()
    assert set(pd.read_csv(home / "june.csv")["customer_id"]) == set(june)


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (["features.as_of=2020-12-20"], ["who churned after 2020-12-20 is known on", "at most 2020-12-"]),
        (["features.dates=30"], ["nobody had bought before", "fewer dates"]),
        (["features.every=10", "features.dates=2"], ["of no date of the train part is it known", "28 days apart"]),
        (
            ["features.horizon=300", "features.dates=1", "split=customers"],
            ["customers.churned", "customers who left among", "at least 10 are needed to learn from"],
        ),
        (["features.gap=-1"], ["features.gap"]),
        (["features.columns=[churned]"], ["known only afterwards"]),
        (["task.tenure=tenur"], ["task.tenure", "did you mean `tenure`"]),
        (["data.where={revenue: {gt: 1000}}"], ["none of the"]),
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
    assert done.returncode == 2
    assert "4 of" in done.stdout + done.stderr
    assert "where.revenue" in done.stdout + done.stderr
