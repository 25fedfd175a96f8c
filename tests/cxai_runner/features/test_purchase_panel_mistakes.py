"""What is wrong with a panel's config or its tables: told by key with a remedy, or counted where rows are left out."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from cxai_runner.config.problems import UserError
from cxai_runner.data import Tables
from cxai_runner.data.dataset import Dropped
from cxai_runner.evaluation.splits import Part
from cxai_runner.features.history import KNOWN
from cxai_runner.features.purchase_panel import PurchasePanel

from .panels import NUMBERED, PRODUCTS, PROMOTIONS, ROWS, TRAIN, tables

POSSIBLE = [*KNOWN, "price_*", "promotion_*", "loyalty_*"]


@pytest.mark.parametrize(
    ("settings", "key", "message", "remedy"),
    [
        ({"category": "SODAS"}, "category", "not among the 2 categories sold; nearest: SODA", ""),
        ({"category": "WINE"}, "category", "not among the 2 categories sold", "one of: BREAD, SODA"),
        ({"brands": 4}, "brands", "only 3 brands of SODA are sold", "at most 3"),
        ({"brand_by": "brands"}, "brand_by", "products has no such column", "did you mean `brand`?"),
        (
            {"store_groups": "customer"},
            "store_groups",
            "transactions have no such column, nor a store of that kind",
            "did you mean `customer_id`?",
        ),
        (
            {"store_groups": "product_id", "store_group_lines": 3},
            "store_group_lines",
            "no product_id has so many lines of SODA",
            "at most 2",
        ),
        (
            {"put_back": ["coupon_match"]},
            "put_back",
            "transactions has no such column",
            "did you mean `coupon_match_discount`?",
        ),
        ({"put_back": ["customer_id"]}, "put_back", "holds no numbers, and cannot be money", ""),
        (
            {"columns": ["brand"]},
            "columns",
            "nothing that the panel knows before the occasion",
            "did you mean `last_brand`?",
        ),
        ({"columns": []}, "columns", "no column is left as an input", "one of: " + ", ".join(POSSIBLE)),
    ],
)
def test_a_mistake_is_told(settings: dict[str, Any], key: str, message: str, remedy: str) -> None:
    features = PurchasePanel(**{"category": "SODA", "brands": 2, **settings})
    (problem,) = features.problems(tables())
    assert (problem.key, problem.message, problem.remedy) == (key, message, remedy)


def test_stores_of_a_kind_need_the_store_of_a_line() -> None:
    stores = pd.DataFrame({"store_id": [10, 11], "region": ["north", "south"]})
    (problem,) = PurchasePanel(category="SODA", brands=2, store_groups="region").problems(tables(stores=stores))
    assert problem.remedy == "map their store: data.tables.transactions.columns.store_id=…"


def test_numbers_of_weeks_that_start_again_are_told() -> None:
    again = ROWS.assign(timestamp=ROWS["timestamp"] + pd.Timedelta(days=364))
    rows = pd.concat([NUMBERED, again.assign(week=NUMBERED["week"])], ignore_index=True)
    (problem,) = PurchasePanel(category="SODA", brands=2).problems(tables(rows))
    assert problem.message == "week 1 of transactions runs from 2017-01-02 to 2018-01-07: its number is used again"
    assert problem.remedy.startswith("number the weeks through")


@pytest.mark.parametrize("day", ["2017-01-02", "2017-01-01"])
def test_a_line_that_lets_a_week_start_too_early_is_told(day: str) -> None:
    """One back-dated line of week 2: the week would start with week 1, or before it."""
    rows = NUMBERED.copy()
    rows.loc[3, "timestamp"] = pd.Timestamp(day)
    (problem,) = PurchasePanel(category="SODA", brands=2).problems(tables(rows))
    assert problem.message == (
        f"week 2 of transactions has a line of {day}, and week 1 starts on 2017-01-02: "
        "weeks must start one after the other, as they are numbered"
    )
    assert problem.remedy == (
        f"mend the date or the week of the line of {day}, "
        "or leave the column out of the source: then weeks start on Mondays"
    )


def test_weeks_that_are_numbered_against_time_are_told() -> None:
    rows = ROWS.assign(week=[52, 52, 52, 1, 1, 2, 2])
    (problem,) = PurchasePanel(category="SODA", brands=2).problems(tables(rows))
    assert problem.message.startswith(
        "week 52 of transactions has a line of 2017-01-02, and week 2 starts on 2017-01-16"
    )


def test_products_that_the_catalogue_has_not_are_counted() -> None:
    rows = ROWS.assign(product_id=[1, 3, 77, 2, 1, 4, 78])
    source = tables(rows)
    features = PurchasePanel(category="SODA", brands=2)
    data = features.build(source, TRAIN, features.learn(source, TRAIN))
    assert data.dropped == (Dropped("transactions", "product is not in products, so of no category", 2, 7),)
    assert len(data.frame) == 6, "a line of an unknown product is still an occasion"


def test_promotions_that_meet_no_purchase_are_counted() -> None:
    more = PROMOTIONS.assign(product_id=[1, 1, 2, 2, 3, 77, 77, 1], week=[1, 1, 1, 1, 1, 99, 2, 99])
    source = tables(NUMBERED, promotions=more)
    features = PurchasePanel(category="SODA", brands=2)
    data = features.build(source, TRAIN, features.learn(source, TRAIN))
    assert data.dropped == (
        Dropped("promotions", "product was never bought", 2, 8),
        Dropped("promotions", "nobody shopped that week", 1, 8),
    )


def test_ids_that_never_meet_are_told_with_one_of_each_side() -> None:
    source = Tables.of(transactions=ROWS, products=PRODUCTS.assign(product_id=PRODUCTS["product_id"] + 1000))
    (problem,) = PurchasePanel(category="SODA", brands=2).problems(source)
    assert problem.message == "no product_id of transactions is in products: `1` here, and `1001` there"
    assert problem.remedy == "map the same ids in both: data.tables.products.columns.product_id=…"


@pytest.mark.parametrize("key", ["product_id", "week"])
def test_promotions_that_never_meet_a_purchase_are_told(key: str) -> None:
    promotions = PROMOTIONS.assign(**{key: PROMOTIONS[key] + 1000})
    (problem,) = PurchasePanel(category="SODA", brands=2).problems(tables(NUMBERED, promotions=promotions))
    assert problem.message == f"no {key} of transactions is in promotions: `1` here, and `1001` there"
    assert problem.remedy == f"map the same ids in both: data.tables.promotions.columns.{key}=…"


def test_a_category_that_was_never_promoted_is_told_unless_promotions_are_no_input() -> None:
    source = tables(NUMBERED, promotions=PROMOTIONS[PROMOTIONS["product_id"] == 9])
    (problem,) = PurchasePanel(category="SODA", brands=2).problems(source)
    assert (problem.key, problem.message) == (
        "columns",
        "promotions has no product of SODA in any week of transactions",
    )
    assert problem.remedy == "leave promotions out of the inputs: features.columns=[price_*]"
    assert not list(PurchasePanel(category="SODA", brands=2, columns=["price_*"]).problems(source))


def test_promotions_that_cannot_be_dated_are_told() -> None:
    promotions = pd.DataFrame({"product_id": [1], "week": [1]})
    (problem,) = PurchasePanel(category="SODA", brands=2).problems(tables(promotions=promotions))
    assert problem.message == "promotions go by week, and transactions has no column `week`"
    assert problem.remedy == "map it: data.tables.transactions.columns.week=…"


def test_a_training_part_without_a_purchase_is_the_users_to_mend() -> None:
    nobody = Part("train", end=pd.Timestamp("2017-01-01").to_pydatetime())
    with pytest.raises(UserError) as caught:
        PurchasePanel(category="SODA", brands=2).learn(tables(), nobody)
    (problem,) = caught.value.problems
    assert problem.key == "features.category"
    assert problem.remedy == "choose a larger category, or hold out less"
