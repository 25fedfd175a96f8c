"""The laws that keep the held-out part of a panel unseen: its customers, and what comes later."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from cxai_runner.features.purchase_panel import PurchasePanel

from .panels import ROWS, built, by_customer, by_time, tables


def test_held_out_customers_change_nothing_that_is_learned() -> None:
    train, _ = by_customer()
    features = PurchasePanel(category="SODA", brands=2)
    changed = ROWS.copy()
    changed.loc[changed["customer_id"] == "c2", ["quantity", "revenue", "retail_discount"]] = [50.0, 999.0, 9.0]
    before, after = tables(), tables(changed)
    assert features.learn(after, train) == features.learn(before, train)
    pd.testing.assert_frame_equal(built(after, train, train), built(before, train, train))


def test_held_out_customers_meet_the_prices_of_the_training_part() -> None:
    train, held_out = by_customer()
    learned = built(tables(), train, train).set_index("time")
    met = built(tables(), held_out, train).set_index("time")
    assert met["price_acme"].tolist() == learned["price_acme"].tolist()


def test_nothing_at_or_after_the_end_is_read() -> None:
    train, _ = by_time()
    changed = ROWS.copy()
    late = changed["timestamp"] >= train.end
    changed.loc[late, ["product_id", "quantity", "revenue"]] = [1, 77.0, 1.0]
    features = PurchasePanel(category="SODA", brands=2)
    assert features.learn(tables(changed), train) == features.learn(tables(), train)
    pd.testing.assert_frame_equal(built(tables(changed), train, train), built(tables(), train, train))


def test_a_week_after_the_training_part_is_priced_from_its_own_purchases() -> None:
    """Product 1 is sold at 1.50; product 2 is not, and keeps the 3.00 it was last seen at: 0.8 · 1.5 + 0.2 · 3."""
    train, held_out = by_time()
    extra = pd.DataFrame([("c3", pd.Timestamp("2017-01-18"), 1, 2.0, 3.0, 0.0, 0.0)], columns=ROWS.columns)
    frame = built(tables(pd.concat([ROWS, extra], ignore_index=True)), held_out, train)
    assert frame["time"].unique().tolist() == [pd.Timestamp("2017-01-16")]
    assert frame["price_acme"].unique().tolist() == pytest.approx([1.8])
    assert frame["brand"].tolist() == ["none", "other", "acme"]


def sold_alike(*rows: tuple[str, str, int, float]) -> pd.DataFrame:
    """Rows of one unit each: customer, day, product, price."""
    frame = pd.DataFrame(list(rows), columns=["customer_id", "timestamp", "product_id", "revenue"])
    return frame.assign(timestamp=pd.to_datetime(frame["timestamp"]), quantity=1.0)


def test_a_week_without_a_training_household_knows_no_later_price() -> None:
    """Product 1 costs 1.00 until the rise to 5.00 of 23 January: in the weeks before, in which only the held-out
    household shopped, it is what it was last seen at, and before it was seen at all its training mean, 7/3.
    """
    rows = sold_alike(
        ("c2", "2017-01-02", 9, 1.0),
        ("c1", "2017-01-09", 1, 1.0),
        ("c1", "2017-01-09", 3, 2.0),
        ("c1", "2017-01-16", 1, 1.0),
        ("c2", "2017-01-16", 9, 1.0),
        ("c2", "2017-01-18", 3, 9.0),
        ("c2", "2017-01-23", 3, 4.0),
        ("c1", "2017-01-30", 1, 5.0),
        ("c2", "2017-02-06", 9, 1.0),
    )
    train, held_out = by_customer()
    frame = built(tables(rows), held_out, train).set_index("time")
    assert frame["price_acme"].tolist() == pytest.approx([7 / 3, 1.0, 1.0, 5.0])
    # What the held-out household paid itself is public in a week of its own alone.
    assert frame["price_best_cola"].tolist() == pytest.approx([2.0, 2.0, 4.0, 4.0])


def test_no_later_purchase_changes_a_price_of_the_held_out() -> None:
    """The law of it: whatever is paid from a day on, prices before that day are the same."""
    rng = np.random.default_rng(2)
    days = pd.Timestamp("2017-01-02") + pd.to_timedelta(np.sort(rng.integers(0, 140, 90)), unit="D")
    rows = pd.DataFrame(
        {
            "customer_id": rng.choice(["c1", "c2", "c3"], 90),
            "timestamp": days,
            "product_id": rng.choice([3, 4, 9], 90),
            "quantity": 1.0,
            "revenue": rng.integers(1, 9, 90).astype(float),
        }
    )
    # Product 1 is seen before anything else, and its mean is kept when the late ones change: they swap prices.
    rows = pd.concat([sold_alike(("c1", "2017-01-01", 1, 2.0)), rows], ignore_index=True)
    late = sold_alike(("c1", "2017-05-23", 1, 3.0), ("c1", "2017-05-30", 1, 7.0))
    other = late.assign(revenue=[7.0, 3.0])
    train, held_out = by_customer()
    one, two = (
        built(tables(pd.concat([rows, end], ignore_index=True)), held_out, train, brands=3) for end in (late, other)
    )
    before = one["time"] < "2017-05-22"
    assert before.sum() > 5
    pd.testing.assert_frame_equal(one[before], two[before])
    assert one.loc[before, "price_acme"].unique().tolist() == [2.0]
