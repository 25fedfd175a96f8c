"""Who had a coupon for what, in the last days of the training part and no later."""

from __future__ import annotations

from datetime import datetime

import pandas as pd
import pytest

from cxai_runner.data import Tables
from cxai_runner.evaluation.splits import Part
from cxai_runner.features.exposures import Exposures
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


def pairs(found: pd.DataFrame) -> list[tuple[int, str]]:
    return list(found.itertuples(index=False, name=None))


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


def test_histories_need_what_exposures_need() -> None:
    plain, asked = CustomerHistories(), CustomerHistories(exposures=Exposures(types=["A"]))
    assert "mailings" not in plain.needs().required
    assert asked.needs().required["campaigns"] == ("campaign_id", "start", "end", "campaign_type")
    assert "coupons" in asked.needs().required


def test_they_are_beside_the_training_part_alone(tables: Tables) -> None:
    features = CustomerHistories(exposures=Exposures())
    train, held_out = Part("train", end=END), Part("held_out", start=END)
    learned = features.learn(tables, train)
    told = features.build(tables, train, learned).others["exposures"]
    assert pairs(told) == [(1, "10"), (1, "11"), (2, "10"), (2, "11"), (3, "12")]
    assert "exposures" not in features.build(tables, held_out, learned).others
    assert "exposures" not in CustomerHistories().build(tables, train, learned).others
