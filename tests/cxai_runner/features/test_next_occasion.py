"""The occasion that comes next: what a panel will say of it once it is there, and nothing of what comes after."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd
import pytest

from cxai_runner.data import Tables
from cxai_runner.evaluation.splits import Part
from cxai_runner.features.purchase_panel import PurchasePanel

WHEN = datetime(2024, 3, 4)
"""A Monday: the first instant of a week."""
PRODUCTS = pd.DataFrame({"product_id": [1, 2, 3, 9], "category": ["SODA"] * 3 + ["BREAD"], "brand": list("ABCD")})
TRAIN = Part("train", end=datetime(2024, 2, 12))
KNOWN = ["last_brand", "last_quantity", "weeks_since_purchase", "previous_purchase", "week_of_year", "occasion"]


def shop(weeks: int = 11, customers: int = 40) -> pd.DataFrame:
    """Customers who shop on Mondays, most weeks, and buy a soda on most occasions."""
    rng = np.random.default_rng(4)
    rows = []
    for week in pd.date_range("2024-01-01", periods=weeks, freq="7D"):
        for customer in range(customers):
            if rng.random() < 0.8:
                product = int(rng.choice([1, 2, 3, 9], p=[0.3, 0.3, 0.2, 0.2]))
                units = int(rng.integers(1, 4))
                price = round(rng.uniform(1, 2), 2)
                rows.append((customer, week + pd.Timedelta(hours=9), product, units, round(units * price, 2)))
    columns = ["customer_id", "timestamp", "product_id", "quantity", "revenue"]
    return pd.DataFrame(rows, columns=columns).assign(retail_discount=0.0)


ROWS = shop()


@dataclass(frozen=True)
class Known:
    """A panel, what it learned weeks before, and what it says of the occasions since."""

    own: PurchasePanel
    tables: Tables
    learned: Mapping[str, Any]
    later: pd.DataFrame

    @classmethod
    def of(cls, **options: Any) -> Known:
        own = PurchasePanel(category="SODA", brands=2, columns=["price_*", "loyalty_*"], **options)
        tables = Tables.of(transactions=ROWS, products=PRODUCTS)
        learned = own.learn(tables, TRAIN)
        return cls(own, tables, learned, own.build(tables, Part("held_out", start=TRAIN.end), learned).frame)

    def ahead(self, when: datetime = WHEN, rows: pd.DataFrame | None = None) -> pd.DataFrame:
        """The next occasions as of a date."""
        tables = self.tables if rows is None else Tables.of(transactions=rows, products=PRODUCTS)
        return self.own.per_customer().build(tables, Part("held_out", end=when), self.learned).frame


@pytest.fixture(scope="module")
def weekly() -> Known:
    return Known.of()


@pytest.mark.parametrize("options", [{}, {"occasion": "basket", "loyalty_carry_over": 0.7}])
def test_it_is_what_the_panel_says_of_that_occasion_later(options: dict[str, Any], weekly: Known) -> None:
    known = Known.of(**options) if options else weekly
    then = known.later[known.later["time"].dt.floor("D") == pd.Timestamp(WHEN)].set_index("customer_id")
    assert len(then) > 20
    found = known.ahead().set_index("customer_id").loc[then.index]
    columns = [*KNOWN, *(name for name in then if name.startswith("loyalty_"))]
    pd.testing.assert_frame_equal(found[columns], then[columns], check_dtype=False)


def test_prices_are_those_of_the_last_week(weekly: Known) -> None:
    last = weekly.later[weekly.later["time"] == pd.Timestamp("2024-02-26")].iloc[0]
    found = weekly.ahead()
    for name in ("price_a", "price_b", "price_other"):
        assert (found[name] == last[name]).all(), name


def test_nothing_of_that_instant_or_later_is_read(weekly: Known) -> None:
    """Not even the rest of a week that had begun."""
    when = datetime(2024, 3, 4, 9, 0, 1)
    changed = ROWS.copy()
    changed.loc[changed["timestamp"] > when, ["revenue", "quantity", "product_id"]] = [900.0, 7, 3]
    changed = pd.concat([changed, ROWS[ROWS["timestamp"] < when].tail(5).assign(timestamp=when, revenue=500.0)])
    found = weekly.ahead(when)
    pd.testing.assert_frame_equal(found, weekly.ahead(when, changed))
    apart = found.set_index("customer_id")["occasion"] - weekly.ahead().set_index("customer_id")["occasion"]
    assert apart.max() == 1, "what was bought that morning is known by then"


def test_of_whom_nothing_is_known_there_is_a_row_too(weekly: Known) -> None:
    part = Part("held_out", end=WHEN, customers=pd.DataFrame({"customer_id": [3, 900]}))
    ahead = weekly.own.per_customer()
    made = ahead.build(weekly.tables, part, ahead.extended(weekly.tables, part, weekly.learned)).frame
    assert made["customer_id"].tolist() == [3, 900]
    new = made.iloc[1]
    assert (new["occasion"], new["last_brand"], new["last_quantity"]) == (1, "none", 0)
    assert [new[f"loyalty_{name}"] for name in weekly.learned["present"]] == [*weekly.learned["loyalty"].values()]
    assert new["price_a"] == made["price_a"].iloc[0]


def test_how_far_it_learned_is_its_last_purchase(weekly: Known) -> None:
    assert weekly.own.learned_until(weekly.learned) == "2024-02-05T09:00:00.000001"
    old = {name: one for name, one in weekly.learned.items() if name != "until"}
    assert weekly.own.learned_until(old) == "2024-02-12T00:00:00"
