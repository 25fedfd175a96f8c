"""Managerial segments of the 18,417 customers of ten years of orders: the published sizes, to the customer.

As of 2016-01-01, a year being 365 days: inactive above three years, cold two to three, warm one to two, active up to
one; new where the first purchase lies within the band, before high and low; high where the mean of all purchases is at
least 100.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

import cxai_runner
from cxai_runner.data import FileSource
from cxai_runner.evaluation.splits import Part
from cxai_runner.features.rfm import RfmAtDates
from cxai_runner.methods.managerial import RuleSegments, moves, transitions

pytestmark = pytest.mark.reference
ROOT = Path(cxai_runner.__file__).parents[1]
PUBLISHED = {
    "inactive": 9158,
    "cold": 1903,
    "warm_high": 119,
    "warm_low": 901,
    "new_warm": 938,
    "active_high": 573,
    "active_low": 3313,
    "new_active": 1512,
}


def settings(path: str) -> dict:
    return yaml.safe_load((ROOT / path).read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def made(shared_data):
    """The rows, and rules as the example's config has them."""
    experiment = settings("examples/retail_orders/experiment/retail_orders_managerial.yaml")
    data = settings("examples/retail_orders/data/retail_orders.yaml")
    tables = FileSource(root=str(shared_data("retail_orders")), tables=data["tables"]).open()
    features = RfmAtDates(**experiment["features"])
    expression = features.at_dates(tables, Part("train"), features.learn(tables, Part("train")))
    rules = settings("conf/model/managerial_segments/eight_segments.yaml")["rules"]
    return expression, RuleSegments(rules, experiment["model"]["thresholds"])


@pytest.fixture(scope="module")
def history(made):
    expression, model = made
    frame = expression.execute()
    return frame.assign(segment=model.fit_predict(frame))


def test_sizes(history):
    """Every published figure."""
    today = history[history["time"] == "2016-01-01"]
    assert today["segment"].value_counts().to_dict() == PUBLISHED
    assert len(today) == 18_417


def test_sizes_where_the_rows_live(made):
    """The same of an expression: only eight numbers a date come back."""
    expression, model = made
    rows = expression.filter(expression["time"] == pd.Timestamp("2016-01-01"))
    fitted = model.fit(rows.head(10).execute())
    sizes = rows.group_by(segment=fitted.expression(rows)).aggregate(customers=rows.count()).execute()
    assert dict(zip(sizes["segment"], sizes["customers"], strict=True)) == PUBLISHED


def test_revenue_of_the_last_year_is_the_files(history, shared_data):
    """What the segments of a year before brought, and those who came since, is all that was paid in 2015."""
    orders = pd.read_csv(
        shared_data("retail_orders") / "purchases.txt", sep="\t", header=None, names=["customer", "paid", "day"]
    )
    orders["day"] = pd.to_datetime(orders["day"], format="%m/%d/%Y")
    paid = orders[orders["day"] >= "2015-01-01"]
    before = history[history["time"] == "2015-01-01"].set_index("customer_id")
    assert before["next_known"].all()
    own = paid[paid["customer"].isin(before.index)].groupby("customer")["paid"].sum()
    np.testing.assert_allclose(before["next_revenue"], own.reindex(before.index).fillna(0), atol=1e-6)
    today = history[(history["time"] == "2016-01-01") & (history["tenure"] <= 365)]
    assert before["next_revenue"].sum() + today["recent_revenue"].sum() == pytest.approx(paid["paid"].sum())


def test_moves_of_the_last_year(history):
    """Who was in a segment is in another or still there; who is new was not there."""
    order = list(PUBLISHED)
    last = transitions(moves(history, order), order)
    last = last[last["time"] == "2016-01-01"]
    assert last.groupby("to")["customers"].sum().to_dict() == PUBLISHED
    before = history[history["time"] == "2015-01-01"]["segment"].value_counts()
    left = last[last["from"].isin(order)].groupby("from")["customers"].sum()
    assert left.to_dict() == before.to_dict()
    assert last.set_index(["from", "to"]).loc[("cold", "inactive"), "customers"] == 1931
