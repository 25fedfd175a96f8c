"""What another model says of a customer: on the right rows, from before them, learned on the training part alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest

from cxai_runner.config.problems import UserError
from cxai_runner.data import Tables
from cxai_runner.data.dataset import Dataset, Dropped
from cxai_runner.evaluation.splits import Part
from cxai_runner.features.customer_profile import CustomerProfile
from cxai_runner.features.fed import FedFeatures, Feed
from cxai_runner.features.purchase_panel import PurchasePanel

TRAIN = Part("train")
SINCE = "2017-01-09"
PRODUCTS = pd.DataFrame({"product_id": [1, 2], "category": ["SODA", "SODA"], "brand": ["A", "B"]})
ROWS = pd.DataFrame(
    [
        # customer, when, product, quantity, revenue
        ("big", "2017-01-02 09:00", 1, 9.0, 90.0),
        ("small", "2017-01-03 09:00", 1, 1.0, 1.0),
        ("tiny", "2017-01-04 09:00", 2, 1.0, 1.0),
        ("big", "2017-01-09 09:00", 2, 1.0, 1.0),
        ("small", "2017-01-10 09:00", 1, 8.0, 80.0),
        ("new", "2017-01-11 09:00", 1, 7.0, 70.0),
        ("tiny", "2017-01-17 09:00", 2, 1.0, 2.0),
    ],
    columns=["customer_id", "timestamp", "product_id", "quantity", "revenue"],
).assign(timestamp=lambda rows: pd.to_datetime(rows["timestamp"]))


def tables(rows: pd.DataFrame = ROWS) -> Tables:
    return Tables.of(transactions=rows, products=PRODUCTS)


def by_revenue(rows: pd.DataFrame) -> Any:
    return (rows["revenue"] > 50).map({True: 7, False: 3}).to_numpy()


def chance(rows: pd.DataFrame) -> Any:
    return pd.DataFrame({0: 1 - rows["revenue"] / 100, 1: rows["revenue"] / 100}).to_numpy()


def fed(answer: Callable[[pd.DataFrame], Any] = by_revenue, of: Any = None, **learned: str) -> FedFeatures:
    panel = PurchasePanel(category="SODA", brands=2)
    maker = CustomerProfile()
    return FedFeatures(
        of=of or panel,
        feeds=[Feed("worth", "worth v1", "models:/worth/1", "x", maker, {"as_of": SINCE} | learned, answer)],
    )


def build(features: FedFeatures, source: Tables | None = None, part: Part = TRAIN, train: Part = TRAIN) -> Dataset:
    source = source or tables()
    return features.build(source, part, features.learn(source, train))


def test_each_customer_has_one_answer_and_the_most_frequent_needs_no_column() -> None:
    made = build(fed())
    assert made.frame.groupby("customer_id")["worth"].unique().map(list).to_dict() == {
        "big": ["7"], "small": ["3"], "tiny": ["3"], "new": ["none"],
    }  # fmt: skip
    assert made.frame.loc[made.frame["worth_7"] == 1, "customer_id"].unique().tolist() == ["big"]
    assert made.frame.loc[made.frame["worth_none"] == 1, "customer_id"].unique().tolist() == ["new"]
    assert made.roles.fed == ("worth_7", "worth_none")
    assert set(made.roles.fed) <= set(made.roles.inputs)
    assert "worth" in made.roles.describe
    assert "worth_3" not in made.frame


def test_rows_before_the_models_date_are_left_out_and_counted() -> None:
    made = build(fed())
    assert made.frame["time"].min() == pd.Timestamp(SINCE)
    assert Dropped("panel", "before 2017-01-09, up to when worth saw", 3, 7) in made.dropped
    whole = fed().of.build(tables(), TRAIN, fed().of.learn(tables(), TRAIN)).frame
    late = whole[whole["time"] >= SINCE].reset_index(drop=True)
    pd.testing.assert_frame_equal(made.frame[list(whole)], late)


def test_the_split_is_planned_on_the_rows_that_stay() -> None:
    assert fed().rows(tables()).execute()["time"].min() == pd.Timestamp(SINCE)


def test_what_happened_since_changes_no_answer() -> None:
    changed = ROWS.copy()
    late = changed["timestamp"] >= pd.Timestamp(SINCE)
    changed.loc[late, "revenue"] = [500.0, 1.0, 1.0, 900.0]
    for answer in (by_revenue, chance):
        own, other = (build(fed(answer), tables(rows)).frame["worth"] for rows in (ROWS, changed))
        pd.testing.assert_series_equal(own, other)


def test_labels_are_learned_on_the_training_part() -> None:
    """A label that nobody has in the training part is no input of the held-out part either."""
    everyone = pd.DataFrame({"customer_id": ["big"]})
    train, unseen = Part("train", customers=everyone, keep=False), Part("held_out", customers=everyone)
    features = fed()
    learned = features.learn(tables(), train)
    assert learned["labels"] == {"worth": ["3", "none"]}
    made = features.build(tables(), unseen, learned)
    assert made.frame["worth"].tolist() == ["7"]
    assert made.frame["worth_none"].tolist() == [0]
    assert made.roles.fed == ("worth_none",)


def test_a_probability_is_one_number() -> None:
    made = build(fed(chance))
    first = made.frame.groupby("customer_id")["worth"].first()
    assert first.to_dict() == pytest.approx({"big": 0.9, "small": 0.01, "tiny": 0.01})
    assert Dropped("panel", "worth v1 says nothing of the customer", 1, 4) in made.dropped
    assert made.roles.fed == ("worth",)


def test_undated_rows_may_not_be_told_what_came_later() -> None:
    of = CustomerProfile(as_of="2017-01-05")
    with pytest.raises(UserError, match="saw customers up to 2017-01-09") as refused:
        build(fed(of=of))
    assert refused.value.problems[0].key == "features.models.worth"
    assert build(fed(of=CustomerProfile(as_of="2017-01-10"))).frame["worth"].tolist() == ["7", "3", "3"]


def test_a_name_that_is_taken_is_refused() -> None:
    features = FedFeatures(
        of=CustomerProfile(),
        feeds=[Feed("recency", "worth v1", "models:/worth/1", "x", CustomerProfile(), {"as_of": SINCE}, chance)],
    )
    (problem,) = features.problems(tables())
    assert (problem.key, problem.message) == ("models.recency", "a column of this name is there already")


def test_it_asks_for_the_tables_of_both() -> None:
    needs = fed().needs()
    assert set(needs.required["transactions"]) >= {"quantity", "revenue", "timestamp"}
    assert "order_id" in needs.optional["transactions"]


def test_another_version_is_another_key() -> None:
    features = fed()
    assert features.inputs() == {"worth": "x"}
    assert PurchasePanel in features.kinds()
    assert CustomerProfile in features.kinds()


@pytest.mark.parametrize("answer", [by_revenue, chance])
def test_new_rows_are_fed_alike_a_few_at_a_time(answer: Callable[[pd.DataFrame], Any]) -> None:
    features, source = fed(answer), tables()
    learned = features.learn(source, TRAIN)
    inputs = features.build(source, TRAIN, learned).roles.inputs
    new = features.for_new_rows(inputs, None)
    more = new.extended(source, TRAIN, learned)
    parts = list(new.stream(source, TRAIN, more, 1))
    assert len(parts) > 1
    several = pd.concat([part.frame for part in parts]).sort_values(["customer_id", "time"], ignore_index=True)
    pd.testing.assert_frame_equal(several, new.build(source, TRAIN, more).frame)
    assert len(several) == new.rows(source).count().execute(), "whoever predicts counts every row"
    assert several["worth"].isna().sum() == (answer is chance)


def test_a_model_that_saw_more_than_all_rows_is_told_with_its_remedy() -> None:
    late = FedFeatures(
        of=PurchasePanel(category="SODA", brands=2),
        feeds=[Feed("worth", "worth v1", "models:/worth/1", "x", CustomerProfile(), {"as_of": "2018-01-01"}, chance)],
    )
    (problem,) = late.problems(tables())
    assert problem.key == "models.worth"
    assert problem.message == "worth v1 saw customers up to 2018-01-01, and every row is before that"
    assert "features.as_of" in problem.remedy
    assert not list(fed().problems(tables()))
