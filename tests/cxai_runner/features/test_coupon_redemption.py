"""Who redeemed is told by hand; and whatever happens from a campaign's first day on changes no input of it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from cxai_runner.data import Tables
from cxai_runner.evaluation.split_rules import CustomerHoldout, TimeHoldout
from cxai_runner.evaluation.splits import Part
from cxai_runner.features.campaign_history import MEASURES
from cxai_runner.features.coupon_redemption import CouponRedemption

TRAIN = Part("train")


def dated(rows: list[tuple[Any, ...]], columns: list[str]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=columns)
    times = [one for one in columns if one in ("timestamp", "start", "end")]
    return frame.assign(**{one: pd.to_datetime(frame[one], format="ISO8601") for one in times})


BOUGHT = ["customer_id", "order_id", "timestamp", "product_id", "revenue", "retail_discount", "coupon_discount"]
SHOP = {
    "transactions": dated(
        [
            (1, 1, "2017-01-01 09:00", 10, 2.0, 0.0, 0.0),
            (1, 2, "2017-02-10 09:00", 10, 4.0, 1.0, 0.0),
            (1, 2, "2017-02-10 09:00", 11, 6.0, 0.0, 0.5),
            (1, 3, "2017-02-28 23:59", 12, 8.0, 0.0, 0.0),
            (1, 4, "2017-03-01 00:00", 10, 99.0, 9.0, 9.0),  # the campaign's first moment
            (2, 5, "2017-03-05 10:00", 10, 5.0, 0.0, 0.0),  # nothing before it
            (3, 6, "2017-06-30 10:00", 10, 5.0, 0.0, 0.0),
        ],
        BOUGHT,
    ),
    "campaigns": dated(
        [
            ("early", "A", "2017-01-10", "2017-01-20"),  # nine days after transactions begin
            ("spring", "B", "2017-03-01", "2017-03-31"),
            ("same_day", "C", "2017-03-01", "2017-03-10"),
            ("running", "A", "2017-06-01", "2017-07-01"),  # the data end on the day before its last
        ],
        ["campaign_id", "campaign_type", "start", "end"],
    ),
    "mailings": pd.DataFrame(
        [
            (who, what)
            for who, sent in {1: ["early", "spring", "running"], 2: ["spring"], 3: ["spring", "same_day"]}.items()
            for what in sent
        ],
        columns=["customer_id", "campaign_id"],
    ),
    "coupons": pd.DataFrame(
        [("spring", 100, 10), ("spring", 100, 12), ("spring", 101, 10), ("same_day", 102, 11), ("early", 103, 10)],
        columns=["campaign_id", "coupon_id", "product_id"],
    ),
    "redemptions": dated(
        [
            (1, "early", 103, "2017-01-12"),
            (1, "early", 103, "2017-01-19"),
            (1, "spring", 100, "2017-03-31 20:00"),  # the evening of its last day
            (2, "spring", 100, "2017-04-01"),  # a day too late
            (3, "same_day", 102, "2017-03-01"),  # the first moment; and a coupon of another campaign than spring's
            (3, "spring", 101, "2017-02-28"),  # before it began
        ],
        ["customer_id", "campaign_id", "coupon_id", "timestamp"],
    ),
    "customers": pd.DataFrame({"customer_id": [1, 3], "age": ["45-54", "65+"]}),
}


def dataset(shop: dict[str, pd.DataFrame] = SHOP, part: Part = TRAIN, **options: Any) -> Any:
    features, source = CouponRedemption(**options), Tables.of(**shop)
    assert not list(features.problems(source))
    return features.build(source, part, features.learn(source, part))


def many(seed: int) -> dict[str, pd.DataFrame]:
    """A shop of half a year: 25 customers, five campaigns, everything drawn."""
    rng = np.random.default_rng(seed)
    begin = pd.Timestamp("2020-01-01")
    number, tickets = 600, rng.integers(1, 250, 600)
    starts = pd.to_timedelta(np.array([10, 40, 70, 70, 110]), unit="D")

    def times(count: int) -> pd.Series:
        return begin + pd.to_timedelta(pd.Series(rng.integers(0, 182 * 24, count)), unit="h")

    transactions = pd.DataFrame(
        {
            "customer_id": rng.integers(0, 25, number),
            "order_id": tickets,
            "timestamp": times(number),
            "product_id": rng.integers(0, 30, number),
            "revenue": rng.integers(0, 900, number) / 100,
            "retail_discount": rng.integers(0, 3, number) / 2,
            "coupon_discount": rng.integers(0, 2, number) / 2,
        }
    )
    campaigns = pd.DataFrame({"campaign_id": range(5), "start": begin + starts, "campaign_type": list("AABBC")})
    campaigns["end"] = campaigns["start"] + pd.to_timedelta([20, 40, 30, 60, 50], unit="D")
    mailings = pd.DataFrame([(who, what) for who in range(25) for what in range(5) if rng.random() < 0.7])
    redeemed = pd.DataFrame({"customer_id": rng.integers(0, 25, 80), "campaign_id": rng.integers(0, 5, 80)})
    return {
        "transactions": transactions,
        "campaigns": campaigns,
        "mailings": mailings.set_axis(["customer_id", "campaign_id"], axis=1),
        "coupons": pd.DataFrame({"campaign_id": rng.integers(0, 5, 40), "coupon_id": range(40)}).assign(
            product_id=rng.integers(0, 30, 40)
        ),
        "redemptions": redeemed.assign(coupon_id=rng.integers(0, 40, 80), timestamp=times(80)),
    }


def test_who_redeemed_and_which_campaigns_are_there() -> None:
    found = dataset()
    redeemed = found.frame.set_index(["customer_id", "campaign_id"])["redeemed"]
    assert redeemed.to_dict() == {(1, "spring"): 1, (2, "spring"): 0, (3, "spring"): 0, (3, "same_day"): 1}
    assert [(one.rows, one.of, one.reason.partition(" than")[0]) for one in found.dropped] == [
        (1, 6, "the campaign began less"),
        (1, 6, "the campaign was not over before 2017-07-01: who redeems is not known"),
    ]
    rows = CouponRedemption().rows(Tables.of(**SHOP)).execute()
    assert len(rows) == len(found.frame)


def test_each_measure_by_hand() -> None:
    frame = dataset().frame.set_index(["customer_id", "campaign_id"])
    wanted = {
        "campaign_type": "B",
        "campaign_days": 31,
        "campaign_coupons": 2,
        "campaign_products": 2,
        "recency": 1,
        "tenure": 59,
        "frequency": 3,
        "revenue": 20.0,
        "monetary": 20 / 3,
        "recent_orders": 2,
        "recent_revenue": 18.0,
        "promotion_share": 4 / 20,
        "coupon_orders": 1,
        "offered_revenue": 14.0,
        "offered_share": 0.7,
        "campaigns_received": 1,
        "campaigns_redeemed": 1,
        "redemptions": 2,
        "since_redemption": 41,
        "age": "45-54",
    }
    one = frame.loc[(1, "spring")]
    assert one[list(wanted)].to_dict() == pytest.approx(wanted)
    assert set(wanted) == {*MEASURES, "age"}
    nothing = frame.loc[(2, "spring")]
    counts = ["frequency", "revenue", "recent_orders", "offered_share", "campaigns_received", "redemptions"]
    assert nothing[counts].tolist() == [0] * 6
    assert nothing[["recency", "tenure", "monetary", "since_redemption", "age"]].isna().all()
    third = frame.loc[(3, "same_day")]
    assert third["campaigns_received"] == 0, "what began on the same day is not earlier"
    assert third["redemptions"] == 1


@settings(max_examples=3, deadline=None, phases=[Phase.generate])
@given(st.integers(0, 10**6), st.integers(0, 1))
def test_altering_everything_from_the_start_on_changes_no_input(seed: int, place: int) -> None:
    shop, rng = many(seed), np.random.default_rng(seed + 1)
    last = shop["transactions"].loc[[shop["transactions"]["timestamp"].idxmax()]]
    mine = dataset(shop).frame
    start = sorted(mine["time"].unique())[1 + place]
    own, other = mine[mine["time"] == start], dict(shop)
    for name in ("transactions", "redemptions"):
        later = shop[name][shop[name]["timestamp"] >= start]
        late = later.assign(**{one: rng.permutation(later[one]) for one in later}).sample(frac=0.6, random_state=2)
        kept = [shop[name][shop[name]["timestamp"] < start], late, *([last] if name == "transactions" else [])]
        other[name] = pd.concat(kept, ignore_index=True)
    campaigns = shop["campaigns"]
    after = campaigns.loc[campaigns["start"] > start, "campaign_id"]
    other["mailings"] = shop["mailings"][~shop["mailings"]["campaign_id"].isin(after)]
    found = dataset(other).frame
    found = found[found["time"] == start].reset_index(drop=True)
    known = [one for one in own if one != "redeemed"]
    assert len(own) > 5
    pd.testing.assert_frame_equal(found[known], own[known].reset_index(drop=True), check_exact=True)


def test_a_household_is_on_one_side_and_a_campaign_on_one_side_of_time() -> None:
    shop = many(2)
    source, features = Tables.of(**shop), CouponRedemption()
    (fold,) = CustomerHoldout().plan(features.rows(source), 1)
    learned = features.learn(source, fold.train)
    train, held_out = (features.build(source, part, learned).frame for part in (fold.train, fold.held_out))
    assert not set(train["customer_id"]) & set(held_out["customer_id"])
    assert len(train) + len(held_out) == len(dataset(shop).frame)
    (fold,) = TimeHoldout(cut="2020-04-20").plan(features.rows(source), 1)
    train, held_out = (features.build(source, part, learned) for part in (fold.train, fold.held_out))
    assert set(train.frame["campaign_id"]) == {1, 2}, "the fourth began before, and was not over"
    assert set(held_out.frame["campaign_id"]) == {4}
    later = shop["redemptions"]["timestamp"] >= "2020-04-20"
    none = {**shop, "redemptions": shop["redemptions"][~later]}
    blind = dataset(none, fold.train).frame
    pd.testing.assert_frame_equal(train.frame, blind, check_exact=True)


def test_new_campaigns_may_still_run_and_may_be_early() -> None:
    source, trained = Tables.of(**SHOP), CouponRedemption()
    fresh = trained.for_new_rows(["recency", "age"], None)
    part = Part("held_out", start=datetime(2017, 6, 1))
    frame = fresh.build(source, part, fresh.extended(source, part, trained.learn(source, TRAIN))).frame
    assert frame["campaign_id"].tolist() == ["running"]
    assert frame["redeemed"].isna().all()
    assert frame["campaigns_received"].tolist() == [2]
    every = fresh.build(source, Part("held_out"), trained.learn(source, TRAIN)).frame
    assert len(every) == len(SHOP["mailings"])


def test_what_the_source_has_not_is_left_out() -> None:
    least = {
        "transactions": SHOP["transactions"][["customer_id", "timestamp", "revenue"]],
        "campaigns": SHOP["campaigns"].drop(columns="campaign_type"),
        "mailings": SHOP["mailings"],
        "redemptions": SHOP["redemptions"].drop(columns="coupon_id"),
    }
    found, full = dataset(least), dataset()
    absent = {"campaign_type", "campaign_coupons", "campaign_products", "promotion_share", "coupon_orders"}
    absent |= {"offered_revenue", "offered_share"}
    assert set(found.roles.inputs) == set(MEASURES) - absent
    both = [one for one in found.frame if one in full.frame]
    pd.testing.assert_frame_equal(found.frame[both], full.frame[both])


@pytest.mark.parametrize(
    ("options", "key", "told"),
    [
        ({"columns": ["redeemed"]}, "columns", "is what is predicted"),
        ({"columns": ["recincy"]}, "columns", "no such column"),
        ({"columns": []}, "columns", "nothing is left"),
        ({"history": 170}, "history", "no campaign began 170 days after transactions begin (2017-01-01)"),
    ],
)
def test_mistakes_are_told(options: dict[str, Any], key: str, told: str) -> None:
    (found,) = CouponRedemption(**options).problems(Tables.of(**SHOP))
    assert found.key == key
    assert told in found.message


def test_a_campaign_that_ends_before_it_begins_is_told() -> None:
    campaigns = SHOP["campaigns"].rename(columns={"start": "end", "end": "start"})
    (found,) = CouponRedemption().problems(Tables.of(**{**SHOP, "campaigns": campaigns}))
    assert "4 campaigns end before they begin" in found.message
