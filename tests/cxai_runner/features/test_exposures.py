"""Who was exposed to what, in the last days of the training part and no later."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pandas as pd
import pytest

from cxai_runner.data import Tables
from cxai_runner.evaluation.splits import Part
from cxai_runner.features.exposures import EXPOSURES, MEMBERS, Exposures
from cxai_runner.features.histories import CustomerHistories

END = datetime(2024, 3, 1)


@pytest.fixture
def tables() -> Tables:
    dates = pd.to_datetime
    return Tables.of(
        campaigns=pd.DataFrame(
            {
                "campaign_id": [1, 2, 3, 4],
                "campaign_type": ["B", "B", "A", "B"],
                "start": dates(["2024-02-20", "2024-01-01", "2024-02-10", "2024-03-01"]),
                "end": dates(["2024-03-10", "2024-01-20", "2024-02-29", "2024-03-20"]),
            }
        ),
        mailings=pd.DataFrame({"customer_id": [1, 2, 1, 3, 2], "campaign_id": [1, 1, 2, 3, 4]}),
        coupons=pd.DataFrame({"campaign_id": [1, 1, 2, 3, 4, 1], "product_id": [10, 11, 12, 12, 13, 99]}),
        transactions=pd.DataFrame(
            {
                "customer_id": [1, 2, 3, 1],
                "timestamp": dates(["2024-01-05", "2024-02-01", "2024-02-02", "2024-03-05"]),
                "product_id": [10, 11, 12, 10],
            }
        ),
        products=pd.DataFrame({"product_id": [10, 11, 12, 13], "category": ["milk", "milk", "tea", None]}),
    )


def pairs(found: dict[str, pd.DataFrame]) -> list[tuple[Any, str]]:
    """Customers and what they were exposed to, as a join tells it."""
    both = found[MEMBERS].merge(found[EXPOSURES])[["customer_id", "item_id"]].drop_duplicates()
    return sorted(both.itertuples(index=False, name=None))


def test_coupons_of_campaigns_that_ran_in_the_last_days(tables: Tables) -> None:
    found = Exposures(days=28).found(tables, "product_id", ["10", "11", "12", "13"], END)
    # Campaign 2 was over, 4 had not begun; product 99 is nothing that may be recommended.
    assert pairs(found) == [(1, "10"), (1, "11"), (2, "10"), (2, "11"), (3, "12")]
    assert pairs(Exposures(days=60).found(tables, "product_id", ["12"], END)) == [(1, "12"), (3, "12")]


def test_campaigns_of_some_types(tables: Tables) -> None:
    found = Exposures(types=["A"]).found(tables, "product_id", ["10", "12"], END)
    assert pairs(found) == [(3, "12")]


def test_kinds_of_products_are_exposed_once(tables: Tables) -> None:
    found = Exposures().found(tables, "category", ["milk", "tea"], END)
    assert pairs(found) == [(1, "milk"), (2, "milk"), (3, "tea")]
    assert not found[EXPOSURES].duplicated().any()


def test_customers_are_not_multiplied_by_items() -> None:
    """A large campaign with many coupons is as many rows as it has of both, not their product."""
    many = 3000
    tables = Tables.of(
        campaigns=pd.DataFrame({"campaign_id": [1], "start": [pd.Timestamp("2024-02-20")], "end": [END]}),
        mailings=pd.DataFrame({"customer_id": range(many), "campaign_id": 1}),
        coupons=pd.DataFrame({"campaign_id": 1, "product_id": range(many)}),
    )
    found = Exposures().found(tables, "product_id", [str(one) for one in range(many)], END)
    assert {name: len(frame) for name, frame in found.items()} == {EXPOSURES: many, MEMBERS: many}


@pytest.fixture
def stores() -> Tables:
    """Weeks begin on Mondays: 5 is that of 2024-01-29, of which most is too early, 9 that in which the end is."""
    lines = [
        # Customer 1 is of store 7, whatever they did in the last days; 2 of 8; 3 of 9, of which no flyer tells.
        (1, "2024-01-05", 7),
        (1, "2024-01-12", 7),
        (1, "2024-01-13", 8),
        *[(1, f"2024-02-{day}", 8) for day in range(12, 20)],
        (2, "2024-01-20", 8),
        (2, "2024-01-29", 8),
        (3, "2024-01-20", 9),
        (4, "2024-02-20", 7),  # who was nobody's before
        (5, "2024-01-20", None),
        (1, "2024-02-26", 8),
        (1, "2024-03-04", 8),
    ]
    bought = pd.DataFrame(lines, columns=["customer_id", "timestamp", "store_id"]).astype({"store_id": "Int64"})
    bought["timestamp"] = pd.to_datetime(bought["timestamp"])
    bought["week"] = bought["timestamp"].dt.isocalendar().week.astype("int64")
    bought["product_id"] = 10
    flyers = [
        (10, 7, 7, "A", "0"),
        (11, 7, 8, "0", "5"),
        (12, 8, 9, "a", "0"),
        (13, 8, 5, "A", "5"),
        (12, 7, 10, "A", "5"),
        (11, 8, 7, None, ""),
        (14, 7, 7, "A", "0"),
        (10, 5, 7, "A", "0"),  # where nobody shops
    ]
    return Tables.of(
        transactions=bought,
        promotions=pd.DataFrame(flyers, columns=["product_id", "store_id", "week", "mailer", "display"]),
        products=pd.DataFrame({"product_id": [10, 11, 12, 13], "category": ["milk", "milk", "tea", None]}),
    )


def test_what_the_mailer_of_their_store_had_in_the_weeks_of_the_last_days(stores: Tables) -> None:
    found = Exposures(of="mailers").found(stores, "product_id", ["10", "11", "12", "13"], END)
    assert list(found[MEMBERS].itertuples(index=False, name=None)) == [(1, "7"), (2, "8")]
    assert list(found[EXPOSURES].itertuples(index=False, name=None)) == [("7", "10"), ("8", "12")]
    shown = Exposures(of="displays").found(stores, "category", ["milk", "tea"], END)
    assert pairs(shown) == [(1, "milk")]


def test_nothing_of_the_days_to_come_is_told(stores: Tables) -> None:
    asked = CustomerHistories(exposures=Exposures(of="mailers"))
    train, later = Part("train", end=END), stores["transactions"]
    learned = asked.learn(stores, train)
    told = asked.build(stores, train, learned).others
    cut = {name: stores[name].execute() for name in stores}
    cut["transactions"] = later.filter(later["timestamp"] < END).execute()
    cut["promotions"] = cut["promotions"][cut["promotions"]["week"] < 10]
    known = asked.build(Tables.of(**cut), train, learned).others
    for name in (EXPOSURES, MEMBERS):
        pd.testing.assert_frame_equal(told[name], known[name])


def test_what_mailers_cannot_be_asked(stores: Tables) -> None:
    wrong = {one.key: one.message for one in Exposures(of="mailers", types=["A"]).problems(stores)}
    assert wrong == {"types": "mailers are of no campaign"}
    cut = {name: stores[name].execute() for name in stores}
    cut["promotions"]["store_id"] += 100
    asked = CustomerHistories(exposures=Exposures(of="mailers"))
    told = {one.key: one.message for one in asked.problems(Tables.of(**cut))}
    assert told["exposures.of"] == "no store of promotions is one of transactions"
    again = cut["transactions"].assign(week=5)
    cut = {name: stores[name].execute() for name in stores}
    told = [one.message for one in Exposures(of="displays").problems(Tables.of(**{**cut, "transactions": again}))]
    assert "its number is used again" in told[0]


def test_histories_need_what_exposures_need() -> None:
    plain, asked = CustomerHistories(), CustomerHistories(exposures=Exposures(types=["A"]))
    assert "mailings" not in plain.needs().required
    assert asked.needs().required["campaigns"] == ("campaign_id", "start", "end", "campaign_type")
    assert "coupons" in asked.needs().required
    by_store = CustomerHistories(exposures=Exposures(of="displays")).needs()
    assert set(by_store.required["transactions"]) == {"customer_id", "product_id", "timestamp", "store_id", "week"}
    assert by_store.required["promotions"] == ("product_id", "store_id", "week", "display")


def test_they_are_beside_the_training_part_alone(tables: Tables) -> None:
    features = CustomerHistories(exposures=Exposures())
    train, held_out = Part("train", end=END), Part("held_out", start=END)
    learned = features.learn(tables, train)
    told = features.build(tables, train, learned).others
    assert pairs(told) == [(1, "10"), (1, "11"), (2, "10"), (2, "11"), (3, "12")]
    assert EXPOSURES not in features.build(tables, held_out, learned).others
    assert EXPOSURES not in CustomerHistories().build(tables, train, learned).others
