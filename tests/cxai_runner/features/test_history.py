"""What a customer had bought before: the worked example, the laws, and a plain loop that does the same."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cxai_runner.data import Tables
from cxai_runner.evaluation.splits import Part
from cxai_runner.features.history import KNOWN, past
from cxai_runner.features.purchase_panel import PurchasePanel

from .panels import PRODUCTS, ROWS, TRAIN, built, by_customer, by_time, tables

LOYALTY = ["loyalty_acme", "loyalty_best_cola", "loyalty_other"]


def test_last_purchase_of_the_worked_example() -> None:
    frame = built(tables())
    assert frame["last_brand"].tolist() == ["none", "acme", "acme", "none", "none", "acme"]
    assert frame["last_quantity"].tolist() == [0.0, 3.0, 1.0, 0.0, 0.0, 2.0]
    np.testing.assert_array_equal(frame["weeks_since_purchase"], [np.nan, 1.0, 1.0, np.nan, np.nan, 1.0])


def test_the_occasion_before_is_the_last_one_with_a_purchase_or_without() -> None:
    """c1 bought in weeks 1 and 2, c2 in 2 and 3; in week 1 c2 bought bread alone."""
    frame = built(tables())
    assert list(zip(frame["customer_id"], frame["occasion"], strict=True)) == [
        ("c1", 1), ("c1", 2), ("c1", 3), ("c2", 1), ("c2", 2), ("c2", 3)
    ]  # fmt: skip
    assert frame["previous_purchase"].tolist() == [0, 1, 1, 0, 0, 1]
    assert frame["week_of_year"].tolist() == [1, 2, 3, 1, 2, 3]
    assert built(tables(BASKETS), occasion="basket")["previous_purchase"].tolist() == [0, 1, 1, 0]


def test_the_occasion_before_lies_beyond_the_cut_of_a_held_out_week() -> None:
    train, held_out = by_time()
    assert built(tables(), held_out, train)["previous_purchase"].tolist() == [1, 1]


def test_loyalty_of_the_worked_example() -> None:
    """Acme sold 5 of 7 units, the others one each. c1 bought Acme twice and Best Cola in week 1, Acme in week 2."""
    start = [5 / 7, 1 / 7, 1 / 7]
    expected = [start, [2 / 3, 1 / 3, 0], [3 / 4, 1 / 4, 0], start, start, [1, 0, 0]]
    np.testing.assert_allclose(built(tables())[LOYALTY], expected)


def test_smoothed_loyalty_of_the_worked_example() -> None:
    """The carry-over 0.8 keeps four fifths of what was; the brand of the occasion gets the fifth."""
    once = [0.8 * 5 / 7 + 0.2, 0.8 / 7, 0.8 / 7]
    twice = [0.8 * once[0] + 0.2, 0.8 * once[1], 0.8 * once[2]]
    start = [5 / 7, 1 / 7, 1 / 7]
    expected = [start, once, twice, start, start, once]
    np.testing.assert_allclose(built(tables(), loyalty_carry_over=0.8)[LOYALTY], expected)


def test_weeks_are_counted_by_their_number_where_they_have_one() -> None:
    """Week 8 has its first purchase on its last day, and week 9 on its first: a day apart, and a week."""
    days = pd.to_datetime(["2017-01-02", "2017-01-05", "2017-01-15", "2017-01-15", "2017-01-15", "2017-01-16"])
    rows = ROWS.assign(timestamp=[*days, pd.Timestamp("2017-02-13")], week=[7, 7, 8, 8, 8, 9, 13])
    frame = built(tables(rows))
    np.testing.assert_array_equal(frame["weeks_since_purchase"], [np.nan, 1.0, 5.0, np.nan, 1.0])


@pytest.mark.parametrize("number", [lambda day: day.year * 100 + day.week, lambda day: int(f"{day:%Y%m%d}")])
def test_numbers_that_jump_at_the_turn_of_the_year_count_no_more_weeks(number: Callable[[pd.Timestamp], int]) -> None:
    days = pd.to_datetime(["2023-12-18", "2023-12-25", "2024-01-01", "2024-01-08", "2024-01-29"])
    rows = pd.DataFrame(
        {"customer_id": "c1", "timestamp": days, "product_id": [1, 3, 9, 1, 9], "quantity": 1.0, "revenue": 1.0}
    )
    frame = built(tables(rows.assign(week=[number(day) for day in days])))
    np.testing.assert_array_equal(frame["weeks_since_purchase"], [np.nan, 1.0, 1.0, 2.0, 3.0])


@pytest.mark.parametrize("name", ["brand", "time", "quantity", "weeks", "customer_id", "row", "then", "", "-", "?"])
def test_a_brand_may_be_called_what_a_column_is(name: str) -> None:
    products = PRODUCTS.assign(brand=[name, name, "Best Cola", "Cheap", "x"])
    known = Tables.of(transactions=ROWS, products=products)
    frame, plain = built(known), built(tables())
    called = (set(frame) - set(plain)) & {f"loyalty_{name or 'brand'}", "loyalty_brand"}
    assert len(called) == 1
    np.testing.assert_array_equal(frame[called.pop()], plain["loyalty_acme"])


BASKETS = pd.DataFrame(
    [
        ("c1", "a", "2017-01-02 09:00", 1, 2.0, 2.00),
        ("c1", "a", "2017-01-02 09:01", 3, 1.0, 2.00),
        ("c1", "b", "2017-01-02 18:00", 3, 1.0, 2.00),
        ("c1", "c", "2017-01-04 18:00", 9, 1.0, 1.00),
        ("c1", "d", "2017-01-11 08:00", 1, 1.0, 1.10),
    ],
    columns=["customer_id", "order_id", "timestamp", "product_id", "quantity", "revenue"],
).assign(timestamp=lambda rows: pd.to_datetime(rows["timestamp"]))


def test_an_occasion_may_be_a_basket() -> None:
    """The evening's basket knows the morning's as the last, and loyalty as of the day before: nothing yet."""
    frame = built(tables(BASKETS), occasion="basket")
    assert frame["time"].tolist() == list(BASKETS["timestamp"].iloc[[0, 2, 3, 4]])
    assert frame["occasion"].tolist() == [1, 2, 3, 4]
    assert frame["brand"].tolist() == ["acme", "best_cola", "none", "acme"]
    assert frame["quantity"].tolist() == [3.0, 1.0, 0.0, 1.0]
    assert frame["last_brand"].tolist() == ["none", "acme", "best_cola", "best_cola"]
    np.testing.assert_allclose(frame["weeks_since_purchase"], [np.nan, 0, 2 / 7, 9 / 7])
    np.testing.assert_allclose(frame["loyalty_acme"], [3 / 5, 3 / 5, 2 / 4, 2 / 4])
    np.testing.assert_allclose(frame["price_acme"], [1.0, 1.0, 1.0, 1.1])


def test_without_an_order_id_what_is_bought_at_one_instant_is_a_basket() -> None:
    frame = built(tables(BASKETS.drop(columns="order_id")), occasion="basket")
    assert frame["brand"].tolist() == ["acme", "best_cola", "best_cola", "none", "acme"]


@pytest.mark.parametrize("occasion", ["week", "basket"])
@pytest.mark.parametrize("carry_over", [None, 0.8])
def test_what_happens_later_changes_nothing(occasion: str, carry_over: float | None) -> None:
    """Rows up to a week are the same whatever is bought after it; the past of that week's, whatever is bought in it."""
    columns = [*KNOWN, *LOYALTY]
    features = PurchasePanel(
        category="SODA",
        brands=2,
        occasion=occasion,  # type: ignore[arg-type]
        loyalty_carry_over=carry_over,
    )
    learned = features.learn(tables(), TRAIN)
    before = features.build(tables(), TRAIN, learned).frame
    changed = ROWS.copy()
    cut = pd.Timestamp("2017-01-16")
    late = changed["timestamp"] >= cut
    changed.loc[late, ["product_id", "quantity", "revenue"]] = [3, 50.0, 99.0]
    after = features.build(tables(changed), TRAIN, learned).frame
    assert not after["quantity"].equals(before["quantity"])
    pd.testing.assert_frame_equal(after[after["time"] < cut], before[before["time"] < cut])
    pd.testing.assert_frame_equal(after[columns], before[columns])


def test_held_out_weeks_look_back_beyond_the_cut() -> None:
    train, held_out = by_time()
    frame = built(tables(), held_out, train)
    assert frame["last_brand"].tolist() == ["acme", "acme"]
    assert frame["last_quantity"].tolist() == [1.0, 2.0]
    assert frame["weeks_since_purchase"].tolist() == [1.0, 1.0]
    np.testing.assert_allclose(frame[["loyalty_acme", "loyalty_best_cola"]], [[3 / 4, 1 / 4], [1, 0]])


def test_a_held_out_customer_has_a_past_of_their_own_and_starts_as_the_training_part_does() -> None:
    train, held_out = by_customer()
    frame = built(tables(), held_out, train)
    assert frame["last_brand"].tolist() == ["none", "none", "acme"]
    np.testing.assert_allclose(frame[["loyalty_acme", "loyalty_best_cola"]], [[3 / 4, 1 / 4], [3 / 4, 1 / 4], [1, 0]])


def test_somebody_who_never_buys_the_category_has_no_past_in_it() -> None:
    extra = pd.DataFrame([("c9", pd.Timestamp("2017-01-03"), 9, 1.0, 1.0, 0.0, 0.0)], columns=ROWS.columns)
    ids = pd.DataFrame({"customer_id": ["c9"]})
    source = tables(pd.concat([ROWS, extra], ignore_index=True))
    frame = built(source, Part("held_out", customers=ids), Part("train", customers=ids, keep=False))
    found = frame[["incidence", "brand", "last_brand", "last_quantity"]].to_numpy().tolist()
    assert found == [[0, "none", "none", 0.0]]
    assert frame["weeks_since_purchase"].isna().all()
    np.testing.assert_allclose(frame[LOYALTY], [[5 / 7, 1 / 7, 1 / 7]])


def test_a_part_without_rows_is_a_frame_without_rows() -> None:
    late = Part("held_out", start=pd.Timestamp("2018-01-01").to_pydatetime())
    assert built(tables(), late).columns.equals(built(tables()).columns)
    assert built(tables(), late).empty


def test_the_past_of_others_does_not_enter() -> None:
    alone = Part("train", customers=pd.DataFrame({"customer_id": ["c1"]}), keep=True)
    features = PurchasePanel(category="SODA", brands=2)
    learned = features.learn(tables(), TRAIN)
    every = features.build(tables(), TRAIN, learned).frame
    mine = features.build(tables(), alone, learned).frame
    pd.testing.assert_frame_equal(mine, every[every["customer_id"] == "c1"].reset_index(drop=True))


NAMES = ["a", "b", "c"]
UNITS = st.lists(st.integers(0, 3), min_size=3, max_size=3)
EVENTS = st.lists(
    st.tuples(st.integers(1, 3), st.integers(0, 20), st.integers(0, 2), UNITS),
    min_size=1,
    max_size=25,
    unique_by=lambda event: event[:3],
)


def as_frames(events: list[Any]) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Occasions, those of them with a purchase, and units; each event is (customer, day, hour, units)."""
    rows = sorted(events)
    frame = pd.DataFrame({"customer_id": [row[0] for row in rows]})
    days = pd.to_timedelta([row[1] for row in rows], "D") + pd.to_timedelta([row[2] for row in rows], "h")
    frame["time"] = (pd.Timestamp("2017-01-01") + days).astype("datetime64[us]")
    frame["weeks"] = [row[1] / 7 for row in rows]
    units = pd.DataFrame([row[3] for row in rows], columns=NAMES, dtype=float)
    bought = units.sum(axis=1) > 0
    chosen = frame[bought].assign(brand=units[bought].idxmax(axis=1), quantity=units[bought].sum(axis=1))
    return frame, chosen.reset_index(drop=True), units[bought].reset_index(drop=True)


START = {"a": 0.5, "b": 0.3, "c": 0.2}


@settings(max_examples=60, deadline=None)
@given(events=EVENTS, carry_over=st.sampled_from([None, 0.0, 0.75]))
def test_it_is_what_a_plain_loop_gives(events: list[Any], carry_over: float | None) -> None:
    frame, bought, units = as_frames(events)
    if bought.empty:
        return
    found = past(frame, bought, units, START, carry_over)
    for row, (customer, time, weeks) in enumerate(
        zip(frame["customer_id"], frame["time"], frame["weeks"], strict=True)
    ):
        mine = bought[bought["customer_id"] == customer]
        earlier = mine[mine["time"] < time]
        assert found["last_brand"].iloc[row] == (earlier["brand"].iloc[-1] if len(earlier) else "none")
        assert found["last_quantity"].iloc[row] == (earlier["quantity"].iloc[-1] if len(earlier) else 0)
        since = weeks - earlier["weeks"].iloc[-1] if len(earlier) else np.nan
        np.testing.assert_allclose(found["weeks_since_purchase"].iloc[row], since)
        known = dict(START)
        yesterday = mine[mine["time"] < time.floor("D")]
        if carry_over is None and len(yesterday):
            totals = units.loc[yesterday.index].sum()
            known = (totals / totals.sum()).to_dict()
        for brand in yesterday["brand"] if carry_over is not None else ():
            known = {name: carry_over * old + (1 - carry_over) * (name == brand) for name, old in known.items()}
        loyalty = found[[f"loyalty_{name}" for name in NAMES]].iloc[row]
        np.testing.assert_allclose(loyalty, list(known.values()), atol=1e-12)
        assert loyalty.sum() == pytest.approx(1.0)
