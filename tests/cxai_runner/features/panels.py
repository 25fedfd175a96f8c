"""A few purchases, worked out by hand in the docs, and the panel that is made of them."""

from __future__ import annotations

from typing import Any

import pandas as pd

from cxai_runner.data import Tables
from cxai_runner.evaluation.splits import Part
from cxai_runner.features.purchase_panel import PurchasePanel

TRAIN = Part("train")
PRODUCTS = pd.DataFrame(
    {
        "product_id": [1, 2, 3, 4, 9],
        "category": ["SODA", "SODA", "SODA", "SODA", "BREAD"],
        "brand": ["Acme", "Acme", "Best Cola", "Cheap", "Acme"],
    }
)
ROWS = pd.DataFrame(
    [
        # customer, when, product, quantity, revenue, coupon match, retail discount
        ("c1", "2017-01-02 09:00", 1, 2.0, 2.00, 0.0, 0.5),
        ("c1", "2017-01-05 18:00", 3, 1.0, 2.00, 0.0, 0.0),
        ("c2", "2017-01-08 23:59", 9, 1.0, 1.00, 0.0, 0.0),
        ("c1", "2017-01-09 00:00", 2, 1.0, 3.00, 0.0, 0.0),
        ("c2", "2017-01-10 12:00", 1, 2.0, 2.00, 0.4, 0.0),
        ("c2", "2017-01-16 12:00", 4, 1.0, 0.50, 0.0, 0.1),
        ("c1", "2017-01-17 12:00", 9, 1.0, 1.00, 0.0, 0.0),
    ],
    columns=[
        "customer_id",
        "timestamp",
        "product_id",
        "quantity",
        "revenue",
        "coupon_match_discount",
        "retail_discount",
    ],
).assign(timestamp=lambda rows: pd.to_datetime(rows["timestamp"]))
WEEKS = pd.to_datetime(["2017-01-02", "2017-01-09", "2017-01-16"])
PROMOTIONS = pd.DataFrame(
    [
        (1, 10, 1, "5", "0"),
        (1, 10, 1, "0", "A"),
        (2, 10, 1, "0", "A"),
        (2, 11, 1, None, "H"),
        (3, 11, 1, "0", "0"),
        (9, 11, 2, "0", "A"),
        (9, 12, 2, "0", "A"),
        (1, 10, 3, "0", "0"),
    ],
    columns=["product_id", "store_id", "week", "display", "mailer"],
)
NUMBERED = ROWS.assign(week=[1, 1, 1, 2, 2, 3, 3])


def tables(rows: pd.DataFrame = ROWS, **more: pd.DataFrame) -> Tables:
    return Tables.of(transactions=rows, products=PRODUCTS, **more)


def built(source: Tables, part: Part = TRAIN, train: Part = TRAIN, **settings: Any) -> pd.DataFrame:
    features = PurchasePanel(**{"category": "SODA", "brands": 2, **settings})
    return features.build(source, part, features.learn(source, train)).frame


def by_customer() -> tuple[Part, Part]:
    ids = pd.DataFrame({"customer_id": ["c2"]})
    return Part("train", customers=ids, keep=False), Part("held_out", customers=ids, keep=True)


def by_time() -> tuple[Part, Part]:
    cut = pd.Timestamp("2017-01-16").to_pydatetime()
    return Part("train", end=cut), Part("held_out", start=cut)
