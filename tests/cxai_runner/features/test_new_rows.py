"""Rows made a few at a time are the rows that are made at once, with what was learned from others."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pandas as pd
import pytest

from cxai_runner.data.dataset import Dataset
from cxai_runner.evaluation.splits import Part
from cxai_runner.features.base import Features
from cxai_runner.features.churn import Churn
from cxai_runner.features.coupon_redemption import CouponRedemption
from cxai_runner.features.customer_profile import CustomerProfile
from cxai_runner.features.histories import CustomerHistories
from cxai_runner.features.purchase_panel import PurchasePanel
from cxai_runner.features.table import Table
from tests.cxai_runner.features.test_engines import NAMED, NUMBERED, PANEL

MARCH = datetime(2017, 3, 1)
LATER = Part("held_out", start=MARCH)
ALL = Part("held_out")
CASES: dict[str, tuple[Any, Features, Part]] = {
    "panel": (NUMBERED, PurchasePanel(category="SOFT DRINKS", brands=3), LATER),
    "panel, baskets": (NUMBERED, PurchasePanel(category="SOFT DRINKS", brands=2, occasion="basket"), LATER),
    "panel, stores": (
        NAMED,
        PurchasePanel(category="SOFT DRINKS", brands=2, store_groups="store_id", store_group_lines=1),
        LATER,
    ),
    "profile": (NUMBERED, CustomerProfile(), ALL),
    "table": (PANEL, Table(table="panel", missing="keep"), ALL),
    "churn": (NUMBERED, Churn(dates=1, open=True), ALL),
    "coupons": (NUMBERED, CouponRedemption(open=True), LATER),
    "histories": (NUMBERED, CustomerHistories(open=True, fewest=10), ALL),
}
AT_ONCE = {"table": 100, "churn": 20, "coupons": 20, "histories": 20}


SLOW = [pytest.param(engine, marks=pytest.mark.slow) for engine in ("sqlite", "duckdb", "postgresql")]


@pytest.fixture(scope="module", params=["parquet", *SLOW])
def opened(request: pytest.FixtureRequest, fill: Callable[..., str], source: Callable[..., Any], shop: Any) -> Any:
    url = fill(request.param, shop)
    return lambda mapped: source(request.param, url, **mapped).open()


def sorted_rows(datasets: list[Dataset]) -> pd.DataFrame:
    frame = pd.concat([one.frame for one in datasets], ignore_index=True)
    return frame.sort_values(list(frame.columns), ignore_index=True)


@pytest.mark.parametrize("case", CASES)
def test_a_stream_is_the_same_rows(case: str, opened: Any) -> None:
    mapped, features, part = CASES[case]
    tables = opened(mapped)
    learned = features.learn(tables, Part("train", end=MARCH))
    whole = features.build(tables, part, features.extended(tables, part, learned))
    chunks = list(features.stream(tables, part, features.extended(tables, part, learned), AT_ONCE.get(case, 300)))
    assert len(chunks) > 1 or case == "profile"
    columns = list(chunks[0].frame.columns)
    expected = whole.frame[columns].sort_values(columns, ignore_index=True)
    pd.testing.assert_frame_equal(sorted_rows(chunks), expected, check_exact=True, check_dtype=case != "table")
    assert chunks[0].roles.inputs == whole.roles.inputs
    if case.startswith("panel"):
        once = [set(chunk.frame["customer_id"]) for chunk in chunks]
        assert sum(map(len, once)) == len(set.union(*once)), "a customer's rows are never apart"
        assert whole.frame["time"].min() >= pd.Timestamp(MARCH)


def test_weeks_that_training_had_not_are_priced_by_all_customers(opened: Any) -> None:
    mapped, features, part = CASES["panel"]
    tables = opened(mapped)
    learned = features.learn(tables, Part("train", end=MARCH))
    extended = features.extended(tables, part, learned)
    before = {row["period"]: row for row in learned["market"]}
    after = {row["period"]: row for row in extended["market"]}
    assert set(after) > set(before)
    assert all(after[week] == before[week] for week in before), "what was learned stays"
    # One customer alone would be priced otherwise by what they bought themselves.
    frame = features.build(tables, part, extended).frame
    prices = [name for name in frame if name.startswith("price_")]
    assert (frame.groupby("time")[prices].nunique() == 1).all(axis=None)


def test_a_profile_is_seen_as_of_the_day_after_the_last_order_or_a_given_one(opened: Any) -> None:
    tables = opened(NUMBERED)
    trained = CustomerProfile(as_of="2017-02-01")
    learned = trained.learn(tables, ALL)
    assert learned["as_of"].startswith("2017-02-01")
    now = trained.for_new_rows([], None)
    assert now.extended(tables, ALL, learned)["as_of"] > "2017-04"
    then = trained.for_new_rows([], MARCH)
    part = Part("held_out", end=MARCH)
    assert then.extended(tables, part, learned)["as_of"].startswith("2017-03-01")
    (found,) = then.stream(tables, part, then.extended(tables, part, learned), 1000)
    expected = CustomerProfile(as_of="2017-03-01")
    built = expected.build(tables, ALL, expected.learn(tables, ALL)).frame
    pd.testing.assert_frame_equal(sorted_rows([found]), built.sort_values(list(built.columns), ignore_index=True))


def test_a_table_takes_the_inputs_and_leaves_no_row_out(opened: Any) -> None:
    tables = opened(PANEL)
    trained = Table(table="panel", columns=["price_*"])
    inputs = [name for name in tables.columns("panel") if name.startswith("price_")]
    new = trained.for_new_rows(inputs[:1], None)
    assert trained.wants_all()
    assert sum(len(one.frame) for one in new.stream(tables, ALL, {}, 50)) == tables.rows("panel")
    assert next(iter(new.stream(tables, ALL, {}, 50))).roles.inputs == (inputs[0],)
