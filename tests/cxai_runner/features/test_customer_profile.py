"""Profiles against numbers worked out by hand; nothing at or after the as-of date is ever read."""

from __future__ import annotations

from datetime import date
from typing import Any

import pandas as pd
import pytest

from cxai_runner.data import Tables
from cxai_runner.data.dataset import Dataset
from cxai_runner.evaluation.splits import Part
from cxai_runner.features.customer_profile import CustomerProfile

TRAIN = Part("train")
ROWS = pd.DataFrame(
    [
        # customer, order, when, product, quantity, revenue, retail discount
        (1, "a", "2017-01-01 10:00", 1, 1.0, 2.0, 0.5),
        (1, "a", "2017-01-01 10:00", 2, 3.0, 4.0, 0.0),
        (1, "b", "2017-01-20 20:00", 1, 1.0, 2.0, 0.0),
        (2, "c", "2017-01-31 23:59", 3, 5.0, 10.0, 1.0),
        (2, "d", "2017-02-01 00:00", 1, 1.0, 2.0, 0.0),
        (3, "e", "2017-03-01 00:00", 1, 1.0, 0.0, 0.0),
    ],
    columns=["customer_id", "order_id", "timestamp", "product_id", "quantity", "revenue", "retail_discount"],
).assign(timestamp=lambda rows: pd.to_datetime(rows["timestamp"]))
PRODUCTS = pd.DataFrame({"product_id": [1, 2, 3], "category": ["X", "Y", None]})
CUSTOMERS = pd.DataFrame({"customer_id": [1, 3], "age": ["35-44", "65+"]})


def tables(rows: pd.DataFrame = ROWS) -> Tables:
    return Tables.of(transactions=rows, products=PRODUCTS, customers=CUSTOMERS)


def build(source: Tables, part: Part = TRAIN, **settings: Any) -> Dataset:
    features = CustomerProfile(**settings)
    return features.build(source, part, features.learn(source, part))


@pytest.mark.parametrize(
    ("column", "values"),
    [
        ("recency", [12, 1]),
        ("frequency", [2, 1]),
        ("monetary", [4.0, 10.0]),
        ("revenue", [8.0, 10.0]),
        ("tenure", [31, 1]),
        ("basket_size", [1.5, 1.0]),
        ("promotion_share", [0.25, 1.0]),
        ("category_spread", [2, 0]),
    ],
)
def test_each_measure_by_hand(column: str, values: list[float]) -> None:
    frame = build(tables(), as_of=date(2017, 2, 1)).frame
    assert frame["customer_id"].tolist() == [1, 2]
    assert frame[column].tolist() == values


def test_without_a_date_the_day_after_the_last_order_is_meant() -> None:
    frame = build(tables()).frame
    assert frame["recency"].tolist() == [41, 29, 1]
    assert frame["promotion_share"].tolist()[2] == 0.0


def test_nothing_at_or_after_the_date_is_read() -> None:
    changed = ROWS.copy()
    late = changed["timestamp"] >= pd.Timestamp("2017-02-01")
    changed.loc[late, ["customer_id", "revenue", "product_id"]] = [1, 1e6, 2]
    for settings, part in (
        ({"as_of": "2017-02-01"}, TRAIN),
        ({}, Part("train", end=pd.Timestamp("2017-02-01").to_pydatetime())),
    ):
        pd.testing.assert_frame_equal(
            build(tables(changed), part, **settings).frame, build(tables(), part, **settings).frame
        )


def test_both_parts_are_seen_from_the_same_day() -> None:
    ids = pd.DataFrame({"customer_id": [3]})
    train, held_out = Part("train", customers=ids, keep=False), Part("held_out", customers=ids)
    features = CustomerProfile()
    learned = features.learn(tables(), train)
    assert learned == {"as_of": "2017-02-02T00:00:00"}
    assert features.build(tables(), held_out, learned).frame.empty


def test_the_order_of_rows_does_not_count() -> None:
    shuffled = ROWS.sample(frac=1, random_state=1, ignore_index=True)
    pd.testing.assert_frame_equal(build(tables(shuffled)).frame, build(tables()).frame)


def test_demographics_describe_and_are_no_inputs() -> None:
    data = build(tables())
    assert data.frame["age"].fillna("unknown").tolist() == ["35-44", "unknown", "65+"]
    assert data.roles.describe == ("age",)
    assert "age" not in data.roles.inputs
    assert data.roles.time is None


def test_chosen_measures_are_inputs_and_the_others_describe() -> None:
    data = build(tables(), columns=["recency", "monetary"])
    assert data.roles.inputs == ("recency", "monetary")
    assert "frequency" in data.roles.describe


def test_a_source_with_little_gives_what_it_can() -> None:
    source = Tables.of(transactions=ROWS[["customer_id", "timestamp", "revenue"]])
    features = CustomerProfile()
    assert features.provides(source) == ("customer_id", "recency", "frequency", "monetary", "revenue", "tenure")
    assert build(source).frame["frequency"].tolist() == [2, 2, 1]
    (problem,) = CustomerProfile(columns=["category_spread"]).problems(source)
    assert problem.remedy == "map transactions.product_id and products.product_id and products.category"


@pytest.mark.parametrize(
    ("settings", "key", "message", "remedy"),
    [
        ({"columns": ["recncy"]}, "columns", "no such measure", "did you mean `recency`?"),
        (
            {"columns": []},
            "columns",
            "no measure is left as an input",
            "one of: recency, frequency, monetary, revenue, tenure, basket_size, promotion_share, category_spread",
        ),
        ({"as_of": "last week"}, "as_of", "a date, as in 2017-12-31", ""),
        ({"as_of": "2017-01-01"}, "as_of", "nobody bought before this date", "the first order is of 2017-01-01"),
    ],
)
def test_a_mistake_is_told(settings: dict[str, Any], key: str, message: str, remedy: str) -> None:
    (problem,) = CustomerProfile(**settings).problems(tables())
    assert (problem.key, problem.message, problem.remedy) == (key, message, remedy)


def test_rows_are_the_customers_there_will_be() -> None:
    features = CustomerProfile(as_of="2017-02-01")
    rows = features.rows(tables()).execute()
    assert list(rows.columns) == ["customer_id"]
    assert sorted(rows["customer_id"]) == [1, 2]


def test_customers_are_seen_once_more_from_an_earlier_date() -> None:
    data = build(tables(), as_of="2017-02-01", horizon=15)
    earlier = data.others["earlier"]
    assert earlier["customer_id"].tolist() == [1]
    # Of customer 1 order a is before 2017-01-17, order b after.
    assert earlier[["recency", "frequency", "revenue", "next_revenue"]].iloc[0].tolist() == [16, 1, 6.0, 2.0]
    assert earlier.loc[0, "time"] == pd.Timestamp("2017-01-17")
    assert earlier.loc[0, "until"] == pd.Timestamp("2017-02-01")
    assert "next_revenue" not in data.frame
    pd.testing.assert_frame_equal(data.frame, build(tables(), as_of="2017-02-01").frame)


def test_what_comes_after_the_earlier_date_changes_none_of_its_measures() -> None:
    changed = ROWS.copy()
    late = changed["timestamp"] >= pd.Timestamp("2017-01-17")
    changed.loc[late, ["order_id", "revenue", "product_id", "retail_discount"]] = ["z", 1e6, 2, 9.0]
    after = changed["timestamp"] >= pd.Timestamp("2017-02-01")
    changed.loc[after, "customer_id"] = 1
    one, other = (build(tables(rows), as_of="2017-02-01", horizon=15).others["earlier"] for rows in (ROWS, changed))
    pd.testing.assert_frame_equal(one.drop(columns="next_revenue"), other.drop(columns="next_revenue"))
    # What was bought from the as-of date on is not what came next either.
    assert other["next_revenue"].tolist() == [1e6]


def test_an_earlier_date_before_the_first_order_is_left_out() -> None:
    assert build(tables(), as_of="2017-02-01", horizon=400).others == {}
    assert build(tables(), as_of="2017-02-01").others == {}


def test_new_customers_are_seen_from_one_date() -> None:
    features = CustomerProfile(horizon=84)
    assert features.for_new_rows(["recency"], None) == CustomerProfile()
    assert features.per_customer() == CustomerProfile()
