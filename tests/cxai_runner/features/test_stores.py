"""Prices and promotions of groups of stores: the worked example, the rules for small stores, and who shops where."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from cxai_runner.data import Tables
from cxai_runner.evaluation.splits import Part
from cxai_runner.features.purchase_panel import PurchasePanel

from .panels import PRODUCTS, PROMOTIONS, ROWS, TRAIN, built, tables

EXTRA = pd.DataFrame([("c2", pd.Timestamp("2017-01-03"), 1, 1.0, 1.5, 0.0, 0.0)], columns=ROWS.columns)
SOLD = pd.concat([ROWS, EXTRA], ignore_index=True).assign(store_id=[10, 10, 11, 10, 11, 11, 10, 11])
NUMBERED = SOLD.assign(week=[1, 1, 1, 2, 2, 3, 3, 1])
BY_STORE = {"store_groups": "store_id", "store_group_lines": 3}


def test_prices_of_the_worked_example_by_store() -> None:
    """Acme weighs product 1 with 5/6, product 2 with 1/6. Both stores sell three lines of soda: a group each.

    Week 1: product 1 costs 1.00 in store 10 and 1.50 in store 11; product 2 was never seen, and has its mean, 3.00.
    Week 2: it is sold in store 11 only, at 1.20, which stands for store 10; and in week 3 it keeps that.
    """
    frame = built(tables(SOLD), **BY_STORE).set_index(["customer_id", "occasion"])
    assert frame["store_group"].tolist() == ["10", "10", "10", "11", "11", "11"]
    expected = [5 / 6 * 1.0 + 0.5, 5 / 6 * 1.2 + 0.5, 5 / 6 * 1.2 + 0.5]
    np.testing.assert_allclose(frame.loc["c1", "price_acme"], expected)
    np.testing.assert_allclose(frame.loc["c2", "price_acme"], [5 / 6 * 1.5 + 0.5, *expected[1:]])


def test_small_stores_are_pooled_with_lines_that_have_no_store() -> None:
    rows = SOLD.assign(store_id=[10.0, 10.0, 11.0, 10.0, 12.0, np.nan, 10.0, 11.0])
    rows = rows.assign(store_id=rows["store_id"].astype("Int64").astype("string").astype(object))
    frame = built(tables(rows), **BY_STORE)
    assert frame["store_group"].tolist() == ["10", "10", "10", "rest", "rest", "rest"]
    assert frame.loc[frame["store_group"] == "rest", "price_acme"].iloc[0] == pytest.approx(5 / 6 * 1.5 + 0.5)


def test_groups_are_learned_from_the_training_part() -> None:
    train = Part("train", customers=pd.DataFrame({"customer_id": ["c1"]}), keep=True)
    features = PurchasePanel(category="SODA", brands=2, **BY_STORE)  # type: ignore[arg-type]
    assert features.learn(tables(SOLD), train)["groups"] == ["10"]
    assert features.learn(tables(SOLD), TRAIN)["groups"] == ["10", "11"]


def test_a_group_may_be_of_a_kind_of_stores() -> None:
    stores = pd.DataFrame({"store_id": [10, 11], "region": ["north", "south"]})
    source = Tables.of(transactions=NUMBERED, products=PRODUCTS, stores=stores, promotions=PROMOTIONS)
    by_region = built(source, store_groups="region", store_group_lines=3)
    by_store = built(tables(NUMBERED, promotions=PROMOTIONS), **BY_STORE)
    named = by_store["store_group"].map({"10": "north", "11": "south"})
    assert by_region["store_group"].tolist() == named.tolist()
    pd.testing.assert_frame_equal(by_region.drop(columns="store_group"), by_store.drop(columns="store_group"))


def test_a_household_met_the_prices_of_where_it_had_most_orders() -> None:
    """In week 1 c1 shops once in store 10 and once in 11, the first by name; then twice in 11, though soda is of 10."""
    more = [("c1", "2017-01-10", 9), ("c1", "2017-01-11", 9)]
    visits = pd.DataFrame(
        [(one, pd.Timestamp(when), product, 1.0, 1.0, 0.0, 0.0) for one, when, product in more], columns=ROWS.columns
    ).assign(store_id=11)
    rows = pd.concat([SOLD.assign(store_id=[10, 11, 11, 10, 11, 11, 10, 11]), visits], ignore_index=True)
    frame = built(tables(rows), store_groups="store_id", store_group_lines=2)
    assert frame.loc[frame["customer_id"] == "c1", "store_group"].tolist() == ["10", "11", "10"]


def test_promotions_by_store() -> None:
    """Week 1: product 1 (5/6) is promoted in store 10 alone, product 2 (1/6) in both."""
    frame = built(tables(NUMBERED, promotions=PROMOTIONS), **BY_STORE).set_index(["customer_id", "occasion"])
    np.testing.assert_allclose(frame.loc["c1", "promotion_acme"], [1.0, 0.0, 0.0])
    np.testing.assert_allclose(frame.loc["c2", "promotion_acme"], [1 / 6, 0.0, 0.0])
    np.testing.assert_allclose(frame.loc["c1", "display_acme"], [5 / 6, 0.0, 0.0])


def test_a_group_without_a_store_in_the_table_of_promotions_has_the_share_of_all_stores() -> None:
    promotions = PROMOTIONS[PROMOTIONS["store_id"] != 11]
    frame = built(tables(NUMBERED, promotions=promotions), **BY_STORE).set_index(["customer_id", "occasion"])
    np.testing.assert_allclose(frame.loc["c2", "promotion_acme"], frame.loc["c1", "promotion_acme"])


def test_discounts_by_store_are_those_of_all_stores_where_a_store_sold_none() -> None:
    """Product 4 is sold in week 3 in store 11 alone, at a discount."""
    frame = built(tables(SOLD), **BY_STORE).set_index(["customer_id", "occasion"])
    assert frame.loc["c1", "promotion_other"].tolist() == [0.0, 0.0, 1.0]
    assert frame.loc["c1", "promotion_acme"].tolist() == [1.0, 0.0, 0.0]
    assert frame.loc["c2", "promotion_acme"].tolist() == [0.0, 0.0, 0.0]


def test_one_group_of_all_stores_is_the_chain() -> None:
    one = SOLD.assign(region="all of them")
    chain = built(tables(SOLD))
    frame = built(tables(one), store_groups="region", store_group_lines=1)
    pd.testing.assert_frame_equal(frame.drop(columns="store_group"), chain)
