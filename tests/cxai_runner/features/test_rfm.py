"""Every date's measures are those of a profile as of that date, in one pass, and nothing of later is read."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from cxai_runner.data import Tables
from cxai_runner.evaluation.splits import Part
from cxai_runner.features.customer_profile import CustomerProfile
from cxai_runner.features.periods import Periods
from cxai_runner.features.rfm import MEASURES, RfmAtDates

TRAIN = Part("train")
ROWS = pd.DataFrame(
    [
        # customer, order, when, revenue
        (1, "a", "2017-01-01 10:00", 2.0),
        (1, "a", "2017-01-31 23:59", 4.0),  # the order goes on, before either date
        (1, "b", "2017-02-01 00:00", 8.0),
        (2, "c", "2017-01-31 23:59", 1.0),
        (2, "c", "2017-02-01 00:00", 3.0),  # half of this order is of either side
        (3, "d", "2017-02-28 12:00", 0.0),
    ],
    columns=["customer_id", "order_id", "timestamp", "revenue"],
).assign(timestamp=lambda rows: pd.to_datetime(rows["timestamp"]))
DATES = ["2017-02-01", "2017-03-01"]


def built(rows: pd.DataFrame = ROWS, part: Part = TRAIN, **settings: Any) -> pd.DataFrame:
    features, source = RfmAtDates(**{"dates": DATES, "horizon": 28, **settings}), Tables.of(transactions=rows)
    assert not list(features.problems(source))
    return features.build(source, part, features.learn(source, part)).frame


def many(seed: int, customers: int = 40, lines: int = 400) -> pd.DataFrame:
    """Lines of a hundred days, some at midnight; a third of the orders go on for days."""
    rng = np.random.default_rng(seed)
    hours = rng.integers(0, 2400, lines)
    hours = np.where(rng.random(lines) < 0.2, hours // 24 * 24, hours)
    return pd.DataFrame(
        {
            "customer_id": rng.integers(0, customers, lines),
            "order_id": rng.integers(0, lines // 3, lines),
            "timestamp": pd.Timestamp("2020-01-01") + pd.to_timedelta(hours, unit="h"),
            "revenue": rng.integers(0, 5000, lines) / 100,
        }
    )


def test_each_measure_by_hand() -> None:
    frame = built().set_index(["time", "customer_id"])
    first, second = (frame.loc[pd.Timestamp(one)] for one in DATES)
    assert first[[*MEASURES]].to_numpy().tolist() == [[1, 1, 6.0, 6.0, 31], [1, 1, 1.0, 1.0, 1]]
    assert second[[*MEASURES]].to_numpy().tolist() == [
        [28, 2, 7.0, 14.0, 59],
        [28, 1, 4.0, 4.0, 29],
        [1, 1, 0.0, 0.0, 1],
    ]
    assert first["recent_revenue"].tolist() == [4.0, 1.0]
    assert first["next_revenue"].tolist() == [8.0, 3.0]
    assert second["recent_revenue"].tolist() == [8.0, 3.0, 0.0]
    assert second["next_revenue"].isna().all()
    assert frame["next_known"].tolist() == [True, False, True, False, False]


def test_lines_can_be_purchases_of_their_own() -> None:
    assert built(purchase="line")["frequency"].tolist() == [2, 3, 1, 2, 1]
    assert built(ROWS.drop(columns="order_id"))["frequency"].tolist() == [2, 3, 1, 2, 1]
    alike = pd.concat([ROWS, ROWS.iloc[[0]]], ignore_index=True)
    assert built(alike.drop(columns="order_id"))["frequency"].tolist() == [2, 3, 1, 2, 1]
    assert built(alike, purchase="line")["frequency"].tolist() == [3, 4, 1, 2, 1]


@pytest.mark.parametrize("purchase", ["order", "line"])
@pytest.mark.parametrize("named", [True, False])
def test_every_date_is_the_profile_of_that_date(purchase: Any, named: bool) -> None:
    rows = many(1) if named else many(1).drop(columns="order_id")
    found = built(rows, dates=6, every=17, horizon=11, purchase=purchase)
    assert found["time"].nunique() == 6
    for time, mine in found.groupby("time"):
        source = Tables.of(transactions=rows)
        profile = CustomerProfile(as_of=time.to_pydatetime(), columns=MEASURES, purchase=purchase)
        frame = profile.build(source, TRAIN, profile.learn(source, TRAIN)).frame
        names = ["customer_id", *MEASURES]
        pd.testing.assert_frame_equal(mine[names].reset_index(drop=True), frame[names], check_exact=True)


def test_what_came_before_and_after_is_the_revenue_of_those_days() -> None:
    rows = many(2)
    found = built(rows, dates=5, every=9, horizon=13)
    for one in found.itertuples():
        own, days = rows[rows["customer_id"] == one.customer_id], timedelta(days=13)
        before = own["timestamp"].between(one.time - days, one.time, inclusive="left")
        after = own["timestamp"].between(one.time, one.time + days, inclusive="left")
        assert one.recent_revenue == pytest.approx(own.loc[before, "revenue"].sum(), abs=1e-6)
        assert one.next_known == (one.time + days <= found["time"].max())
        if one.next_known:
            assert one.next_revenue == pytest.approx(own.loc[after, "revenue"].sum(), abs=1e-6)


@settings(max_examples=4, deadline=None, phases=[Phase.generate])
@given(st.integers(0, 10**6), st.integers(1, 4))
def test_shuffling_the_future_changes_nothing(seed: int, place: int) -> None:
    """Whatever is at or after a date may be anything: amounts, orders, customers, or not be at all."""
    rows, rng = many(seed), np.random.default_rng(seed + 1)
    dates = [datetime(2020, 1, 20) + timedelta(days=19 * number) for number in range(5)]
    cut = pd.Timestamp(dates[place])
    later = rows[rows["timestamp"] >= cut]
    late = later.assign(**{name: rng.permutation(later[name]) for name in rows}).sample(frac=0.7, random_state=seed)
    last = pd.DataFrame([rows.loc[rows["timestamp"].idxmax()]])  # so that the data end on the same day
    other = pd.concat([rows[rows["timestamp"] < cut], late, last], ignore_index=True)
    asked = {"dates": dates, "horizon": 25}
    known = [*MEASURES, "recent_revenue"]
    mine, theirs = (built(one, **asked) for one in (rows, other))
    mine, theirs = (
        one.loc[one["time"] <= cut, ["customer_id", "time", *known]].reset_index(drop=True) for one in (mine, theirs)
    )
    pd.testing.assert_frame_equal(mine, theirs, check_exact=True)
    # The training part that ends there knows of no revenue after it either.
    part = Part("train", end=cut.to_pydatetime())
    pd.testing.assert_frame_equal(built(rows, part, **asked), built(other, part, **asked), check_exact=True)


def test_a_part_has_the_dates_of_its_window() -> None:
    rows, asked = many(3), {"dates": 6, "every": 15, "horizon": 30}
    whole = built(rows, **asked)
    cut = sorted(whole["time"].unique())[3]
    train, held_out = built(rows, Part("train", end=cut), **asked), built(rows, Part("held_out", start=cut), **asked)
    assert len(train) + len(held_out) == len(whole)
    assert not (train["time"] + timedelta(days=30) > cut)[train["next_known"]].any()
    assert held_out["next_known"].any()
    some = pd.DataFrame({"customer_id": [1, 2]})
    assert set(built(rows, Part("train", customers=some), **asked)["customer_id"]) == {1, 2}
    assert not set(built(rows, Part("train", customers=some, keep=False), **asked)["customer_id"]) & {1, 2}


def test_the_rows_that_a_split_divides_are_those_that_are_built() -> None:
    features, source = RfmAtDates(dates=5, every=20), Tables.of(transactions=many(4))
    rows = features.rows(source).execute().sort_values(["customer_id", "time"], ignore_index=True)
    pd.testing.assert_frame_equal(built(many(4), dates=5, every=20)[["customer_id", "time"]], rows)


def test_new_rows_are_one_date_and_the_same_measures() -> None:
    source, features = Tables.of(transactions=many(5)), RfmAtDates(dates=3, every=10, purchase="line")
    new = features.for_new_rows(list(MEASURES), datetime(2020, 3, 1))
    part = Part("held_out")
    rows = pd.concat([one.frame for one in new.stream(source, part, new.extended(source, part, {}), 1000)])
    assert "time" not in new.rows(source).columns
    frame = built(many(5), dates=["2020-02-01", "2020-03-01"], purchase="line")
    frame = frame[frame["time"] == pd.Timestamp("2020-03-01")]
    pd.testing.assert_frame_equal(
        rows.sort_values("customer_id", ignore_index=True)[[*MEASURES]], frame[[*MEASURES]].reset_index(drop=True)
    )


@pytest.mark.parametrize(
    ("asked", "key", "message", "remedy"),
    [
        ({"dates": 12}, "dates", "nobody had bought before 2016-12-07", "features.dates=3, or a smaller"),
        ({"dates": 2, "every": 900}, "dates", "nobody had bought", "leave out the dates before"),
        ({"dates": ["2016-01-01", "2017-02-01"]}, "dates", "nobody had bought before 2016-01-01", "leave out"),
        (
            {"dates": ["2017-02-01", "2018-01-01"]},
            "dates",
            "the last transaction is of 2017-02-28",
            "at most 2017-03-01",
        ),
        (
            {"as_of": "2018-01-01", "dates": 2, "every": 340},
            "as_of",
            "what 2018-01-01 looks back on",
            "at most 2017-03-01",
        ),
        ({"as_of": "soon"}, "as_of", "a date, as in", ""),
        ({"dates": ["2017-02-01", "soon"]}, "dates", "a date, as in", ""),
        ({"dates": ["2017-02-01"]}, "dates", "two dates at least", ""),
        ({"as_of": "2017-02-10", "dates": DATES}, "as_of", "told twice", "leave it out"),
    ],
)
def test_dates_that_cannot_be_are_told(asked: Any, key: str, message: str, remedy: str) -> None:
    found = list(RfmAtDates(**asked).problems(Tables.of(transactions=ROWS)))
    assert any(one.key == key and message in one.message and remedy in one.remedy for one in found), found


def test_what_is_no_bound_is_not_asked_about() -> None:
    lines = Tables.of(transactions=ROWS)["transactions"]
    with pytest.raises(ValueError, match="no bound"):
        Periods.of(lines, [datetime(2017, 2, 1)]).between(None, datetime(2017, 2, 2))
