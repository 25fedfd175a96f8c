"""What a model of brand choice says of the next occasion: of the right one, of an offer, and of nothing later."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd
import pytest

from cxai_runner.config.problems import UserError
from cxai_runner.data import Tables
from cxai_runner.evaluation.splits import Part
from cxai_runner.evaluation.within import RandomOfEach
from cxai_runner.features.choices import ChoiceFeed
from cxai_runner.features.fed import FedFeatures
from cxai_runner.features.histories import CustomerHistories
from cxai_runner.features.purchase_panel import PurchasePanel

WHEN, LEARNED = datetime(2024, 3, 11), datetime(2024, 2, 5)
TRAIN, HELD_OUT = Part("train", end=WHEN), Part("held_out", start=WHEN)
PRODUCTS = pd.DataFrame({"product_id": [1, 2, 3], "category": ["SODA"] * 3, "brand": ["Ä 1", "B", "C"]})


def shop(weeks: int = 12, customers: int = 15) -> pd.DataFrame:
    rng = np.random.default_rng(4)
    rows = [
        (customer, week + pd.Timedelta(hours=9), int(rng.choice([1, 2, 3], p=[0.5, 0.3, 0.2])), 2, rng.uniform(2, 4))
        for week in pd.date_range("2024-01-01", periods=weeks, freq="7D")
        for customer in range(customers)
        if rng.random() < 0.7 and (customer or week >= pd.Timestamp(WHEN))
    ]
    return pd.DataFrame(rows, columns=["customer_id", "timestamp", "product_id", "quantity", "revenue"])


ROWS = shop()
TABLES = Tables.of(transactions=ROWS, products=PRODUCTS)
PANEL = PurchasePanel(category="SODA", brands=2, columns=["price_*", "loyalty_*"], purchases_only=True)
KNEW = PANEL.learn(TABLES, Part("train", end=LEARNED))
NAMES = list(KNEW["present"])


def logit(rows: pd.DataFrame) -> pd.DataFrame:
    powers = np.exp([2 * rows[f"loyalty_{name}"] - rows[f"price_{name}"] for name in NAMES]).T
    return pd.DataFrame(powers / powers.sum(axis=1, keepdims=True), columns=NAMES, index=rows.index)


def fed(offered: Mapping[str, Any] | None = None, answer: Any = logit, **changed: Any) -> FedFeatures:
    feed = ChoiceFeed("choice", "brands v1", "models:/brands/1", "x", PANEL.per_customer(), KNEW, answer,
                      panel=PANEL, knew=KNEW, offered=offered or {}, earlier=28)  # fmt: skip
    return FedFeatures(of=CustomerHistories(item="brand"), feeds=(), choice=replace(feed, **changed))


def said(features: FedFeatures, part: Part = TRAIN, tables: Tables = TABLES) -> dict[Any, list[dict[str, Any]]]:
    made = features.build(tables, part, features.learn(tables, TRAIN))
    assert "choice" in made.roles.inputs
    assert "choice" in made.roles.lists
    return {who: json.loads(one) for who, one in zip(made.frame["customer_id"], made.frame["choice"], strict=True)}


OFFERED = {"price": {"Ä 1": 0.5, "B": "-20%"}}


@pytest.fixture(scope="module")
def found() -> dict[Any, list[dict[str, Any]]]:
    return said(fed(OFFERED))


def test_it_is_asked_of_the_occasion_that_comes_next_and_of_the_one_weeks_ago(found: Any) -> None:
    ahead = PANEL.per_customer()
    for name, when in (("now", WHEN), ("earlier", datetime(2024, 2, 12))):
        rows = ahead.build(TABLES, Part("held_out", end=when), KNEW).frame.set_index("customer_id")
        expected = logit(rows)
        dearer = logit(rows.assign(price_b=0.8 * rows["price_b"]))["b"]
        for who in list(found)[:5]:
            a, b, other = found[who]
            assert [one["item"] for one in (a, b, other)] == ["Ä 1", "B", ""]
            assert [one[name] for one in (a, b, other)] == pytest.approx(expected.loc[who].tolist(), abs=1e-6)
            offered = "offered" if name == "now" else "earlier_offered"
            assert b[offered] == pytest.approx(dearer[who], abs=1e-6), "though the other brand has an offer too"
            assert other[offered] == other[name]
            assert a["days"] == 28


def test_both_parts_are_asked_as_of_the_date_and_nothing_after_it_enters(found: Any) -> None:
    late = ROWS["timestamp"] >= pd.Timestamp(WHEN)
    changed = ROWS.assign(revenue=ROWS["revenue"].where(~late, 99.0), product_id=ROWS["product_id"].where(~late, 1))
    held_out = said(fed(OFFERED), HELD_OUT, Tables.of(transactions=changed, products=PRODUCTS))
    assert {who: found[who] for who in held_out if who} == {who: one for who, one in held_out.items() if who}
    assert 0 not in found
    assert held_out[0][0]["now"] > 0, "who never bought before is asked about too"


def test_a_model_that_learned_since_is_refused_or_not_asked_of_that_time() -> None:
    late = {**KNEW, "until": "2024-03-12T00:00:00"}
    with pytest.raises(UserError, match="brands v1 learned from what came after 2024-03-11, up to 2024-03-12"):
        said(fed(knew=late))
    between = said(fed(knew={**KNEW, "until": "2024-02-12T00:00:01"}))
    assert all(set(entry) == {"item", "now"} for one in between.values() for entry in one)


@pytest.mark.parametrize(
    "train",
    [
        Part("train", customers=pd.DataFrame({"customer_id": [1]}), keep=False),
        Part("train", within=RandomOfEach(0.2, 1)),
    ],
)
def test_customers_at_dates_of_their_own_are_refused(train: Part) -> None:
    with pytest.raises(UserError, match="this split does not hold out what came after one") as refused:
        fed().learn(TABLES, train)
    assert refused.value.problems[0].key == "split"


def test_new_rows_are_fed_alike_a_few_at_a_time() -> None:
    features = fed({"price": "-10%"})
    learned = features.learn(TABLES, TRAIN)
    new = features.for_new_rows(["items", "choice"], None)
    more = new.extended(TABLES, Part("held_out"), learned)
    whole = new.build(TABLES, Part("held_out"), more).frame
    parts = [part.frame for part in new.stream(TABLES, Part("held_out"), more, 8)]
    assert len(parts) > 1
    pd.testing.assert_frame_equal(pd.concat(parts, ignore_index=True), whole)
    assert "earlier" not in whole["choice"].iloc[0]
    assert more["choice"]["now"]["market"][0]["period"] == "2024-03-18"


def test_a_model_that_says_something_else_is_refused() -> None:
    with pytest.raises(UserError, match="brands v1 does not say how likely each of"):
        said(fed(answer=lambda rows: logit(rows).set_axis([0, 1, 2], axis=1)))
    with pytest.raises(UserError, match="changes nothing of what brands v1 says: none of price"):
        said(fed({"price": 1}, answer=lambda rows: logit(rows.assign(**{f"price_{name}": 1.0 for name in NAMES}))))


@pytest.mark.parametrize(
    ("features", "key", "told"),
    [
        (replace(fed(), of=CustomerHistories()), "item", "brands v1 says which `brand` of SODA is chosen"),
        (fed({"prise": "-10%"}), "offered", "knows no such attribute of a brand"),
        (fed({"price": {"Z": "-10%"}}), "offered.price.Z", "knows no such brand"),
        (fed({"price": {"B": "-100%"}}), "offered.price.B", "is no change that can be made"),
        (fed({"price": {"B": "cheap"}}), "offered.price.B", "is no change that can be made"),
    ],
)
def test_what_cannot_be_is_told_before_anything_is_built(features: FedFeatures, key: str, told: str) -> None:
    assert features.choice is not None
    (problem,) = features.choice.problems(features.of, TABLES)
    assert problem.key == key
    assert told in problem.message
    assert problem.remedy


def test_brands_of_other_categories_are_no_items() -> None:
    more = pd.concat([PRODUCTS, pd.DataFrame({"product_id": [4], "category": ["BREAD"], "brand": ["D"]})])
    (problem,) = fed().problems(Tables.of(transactions=ROWS, products=more))
    assert problem.key == "models.choice"
    assert "where={category: {eq: SODA}}" in problem.remedy
    assert not list(fed().problems(TABLES))
