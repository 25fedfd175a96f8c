"""Who churned is told by hand on a tiny table, at every edge; nothing of later than a date is read for its inputs."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from cxai_runner.config.problems import UserError
from cxai_runner.data import Tables
from cxai_runner.evaluation.split_rules import LastDays
from cxai_runner.evaluation.splits import Part
from cxai_runner.features.churn import LIFETIMES, MEASURES, Churn
from cxai_runner.features.lifetimes import lifetimes

TRAIN = Part("train")
ROWS = pd.DataFrame(
    [
        # customer, order, when, revenue; the date is 2017-03-01, the gap 5 days, the horizon 10: 6 to 15 March
        ("gap_only", "a", "2017-02-20 10:00", 2.0),
        ("gap_only", "b", "2017-03-05 23:59", 4.0),  # the last moment of the gap
        ("first_moment", "c", "2017-02-25 10:00", 1.0),
        ("first_moment", "d", "2017-03-06 00:00", 1.0),
        ("last_moment", "e", "2017-02-25 10:00", 1.0),
        ("last_moment", "f", "2017-03-15 23:59", 1.0),
        ("too_late", "g", "2017-02-28 23:59", 1.0),
        ("too_late", "h", "2017-03-16 00:00", 1.0),
        ("never", "i", "2017-02-10 10:00", 5.0),
        ("never", "j", "2017-02-20 10:00", 3.0),
        ("never", "j", "2017-02-20 10:00", 1.0),  # two lines, one order
        ("born_later", "k", "2017-03-01 00:00", 9.0),  # on the date: nobody's customer before it
        ("gone", "l", "2017-01-05 10:00", 7.0),
        ("free", "m", "2017-02-25 10:00", 1.0),
        ("free", "n", "2017-03-10 10:00", 0.0),  # something was taken home, for nothing
        ("stays", "o", "2017-02-25 10:00", 1.0),
        ("stays", "p", "2017-03-07 10:00", 1.0),
        ("stays", "q", "2017-03-20 10:00", 1.0),
    ],
    columns=["customer_id", "order_id", "timestamp", "revenue"],
).assign(timestamp=lambda rows: pd.to_datetime(rows["timestamp"]))
ASKED = {"as_of": "2017-03-01", "dates": 1, "gap": 5, "horizon": 10}


def dataset(rows: pd.DataFrame = ROWS, part: Part = TRAIN, **options: Any) -> Any:
    features, source = Churn(**{**ASKED, **options}), Tables.of(transactions=rows)
    assert not list(features.problems(source))
    return features.build(source, part, features.learn(source, part))


def built(rows: pd.DataFrame = ROWS, part: Part = TRAIN, **options: Any) -> pd.DataFrame:
    frame: pd.DataFrame = dataset(rows, part, **options).frame
    return frame


def many(seed: int, customers: int = 30, lines: int = 300) -> pd.DataFrame:
    """Lines of a hundred days, a fifth of them at midnight; an order may go on for days."""
    rng = np.random.default_rng(seed)
    hours = rng.integers(0, 2400, lines)
    hours = np.where(rng.random(lines) < 0.2, hours // 24 * 24, hours)
    return pd.DataFrame(
        {
            "customer_id": rng.integers(0, customers, lines),
            "order_id": rng.integers(0, lines // 2, lines),
            "timestamp": pd.Timestamp("2020-01-01") + pd.to_timedelta(hours, unit="h"),
            "revenue": rng.integers(0, 5000, lines) / 100,
        }
    )


def test_who_churned_at_every_edge() -> None:
    churned = built().set_index("customer_id")["churned"]
    assert churned.to_dict() == {
        "gap_only": 1,
        "first_moment": 0,
        "last_moment": 0,
        "too_late": 1,
        "never": 1,
        "gone": 1,
        "free": 0,
        "stays": 0,
    }


def test_without_a_gap_the_horizon_begins_on_the_date() -> None:
    churned = built(gap=0).set_index("customer_id")["churned"]
    assert churned["gap_only"] == churned["first_moment"] == 0
    assert churned["last_moment"] == churned["too_late"] == 1


def test_a_return_is_no_purchase_once_it_is_left_out() -> None:
    returned = pd.DataFrame([("never", "r", pd.Timestamp("2017-03-08"), -3.0)], columns=list(ROWS))
    rows = pd.concat([ROWS, returned], ignore_index=True)
    kept = rows[rows["revenue"] >= 0].reset_index(drop=True)  # as `where: {revenue: {ge: 0}}` leaves them
    pd.testing.assert_frame_equal(built(kept), built())
    assert built(rows).set_index("customer_id")["churned"]["never"] == 0, "which is why a source may not have them"


def test_each_measure_by_hand() -> None:
    one = built().set_index("customer_id").loc["never"]
    wanted = {"recency": 9, "frequency": 2, "monetary": 4.5, "revenue": 9.0, "tenure": 19, "recent_purchases": 1}
    wanted |= {"recent_revenue": 4.0, "earlier_purchases": 1, "purchase_gap": 10.0, "overdue": 0.9, "value": 4.0}
    assert one[list(wanted)].to_dict() == wanted
    single = built().set_index("customer_id").loc["too_late"]
    assert single["recency"] == single["tenure"] == single["frequency"] == 1
    assert np.isnan(single["purchase_gap"])
    assert np.isnan(single["overdue"])


def test_whoever_is_gone_already_is_left_out_and_counted() -> None:
    found = dataset(active_within=10)
    assert "gone" not in set(found.frame["customer_id"])
    assert "never" in set(found.frame["customer_id"]), "ten days before, to the day"
    assert [(one.rows, one.of) for one in found.dropped] == [(1, 8)]
    assert "gone already" in found.dropped[0].reason
    features = Churn(**ASKED, active_within=10)
    rows = features.rows(Tables.of(transactions=ROWS)).execute()
    assert set(rows["customer_id"]) == set(found.frame["customer_id"])
    assert list(rows) == ["customer_id"], "one date: a row each, undated"


def test_the_last_date_is_the_last_whose_days_to_come_are_over() -> None:
    source = Tables.of(transactions=ROWS)  # which end on the twentieth of March
    assert not list(Churn(**{**ASKED, "as_of": "2017-03-06"}).problems(source))
    (problem,) = Churn(**{**ASKED, "as_of": "2017-03-07"}).problems(source)
    assert (problem.key, problem.remedy) == ("as_of", "at most 2017-03-06")
    assert Churn(**{**ASKED, "as_of": None}).learn(source, TRAIN)["dates"] == ["2017-03-06T00:00:00"]


def test_training_labels_are_over_before_the_date_that_is_judged() -> None:
    rows = many(3, lines=600)
    features = Churn(dates=3, gap=3, horizon=12, every=None)
    source = Tables.of(transactions=rows)
    (fold,) = LastDays(days=1).plan(features.rows(source), 1)
    learned = features.learn(source, fold.train)
    train, held_out = (features.build(source, part, learned) for part in (fold.train, fold.held_out))
    dates = [datetime.fromisoformat(one) for one in learned["dates"]]
    assert sorted(set(train.frame["time"])) == dates[:2]
    assert set(held_out.frame["time"]) == set(dates[2:])
    assert dates[1] + timedelta(days=15) <= dates[2]
    # One day less between the dates, and nobody knows of the middle one; then nothing is left of two.
    near = Churn(dates=3, gap=3, horizon=12, every=14)
    (fold,) = LastDays(days=1).plan(near.rows(source), 1)
    train = near.build(source, fold.train, near.learn(source, fold.train))
    assert train.frame["time"].nunique() == 1
    assert "is not known before" in train.dropped[-1].reason
    two = Churn(dates=2, gap=3, horizon=12, every=14)
    (fold,) = LastDays(days=1).plan(two.rows(source), 1)
    with pytest.raises(UserError, match="dates at least 15 days apart"):
        two.build(source, fold.train, two.learn(source, fold.train))


@settings(max_examples=4, deadline=None, phases=[Phase.generate])
@given(st.integers(0, 10**6))
def test_shuffling_the_future_changes_no_input(seed: int) -> None:
    """Whatever is at or after a date may be anything; and past the horizon it changes no label either."""
    rows, rng = many(seed), np.random.default_rng(seed + 1)
    last = pd.DataFrame([rows.loc[rows["timestamp"].idxmax()]])  # so that the data end on the same day

    def with_other(cut: pd.Timestamp) -> pd.DataFrame:
        later = rows[rows["timestamp"] >= cut]
        late = later.assign(**{name: rng.permutation(later[name]) for name in rows}).sample(frac=0.7, random_state=1)
        return pd.concat([rows[rows["timestamp"] < cut], late, last], ignore_index=True)

    asked = {"as_of": "2020-02-20", "gap": 4, "horizon": 9}
    mine = built(rows, **asked)
    other = built(with_other(pd.Timestamp("2020-02-20")), **asked)
    known = ["customer_id", "time", "value", *MEASURES]
    pd.testing.assert_frame_equal(mine[known], other[known], check_exact=True)
    pd.testing.assert_frame_equal(mine, built(with_other(pd.Timestamp("2020-03-04")), **asked), check_exact=True)


def test_a_training_part_is_blind_to_what_it_is_judged_on() -> None:
    rows, end = many(5), datetime(2020, 3, 1)
    asked = {"as_of": None, "dates": ["2020-02-01", "2020-03-01"], "gap": 4, "horizon": 20}
    other = rows.assign(revenue=rows["revenue"].where(rows["timestamp"] < pd.Timestamp(end), 1e6))
    moved = rows["timestamp"].where(rows["timestamp"] < pd.Timestamp(end), rows["timestamp"].max())
    mine, altered = (dataset(one, Part("train", end=end), **asked) for one in (rows, other.assign(timestamp=moved)))
    assert len(mine.frame) > 10
    pd.testing.assert_frame_equal(mine.frame, altered.frame, check_exact=True)
    pd.testing.assert_frame_equal(mine.others[LIFETIMES], altered.others[LIFETIMES], check_exact=True)


def test_new_customers_have_no_label_yet_and_are_seen_to_the_last_day() -> None:
    source = Tables.of(transactions=ROWS)
    trained = Churn(**ASKED)
    fresh = trained.for_new_rows(["recency", "overdue"], None)
    assert not list(fresh.problems(source))
    learned = fresh.extended(source, Part("held_out"), trained.learn(source, TRAIN))
    frame = fresh.build(source, Part("held_out"), learned).frame.set_index("customer_id")
    assert len(frame) == ROWS["customer_id"].nunique()
    assert frame["churned"].isna().all()
    assert frame.loc["stays", "recency"] == 1
    as_of = trained.for_new_rows(["recency"], datetime(2017, 3, 1))
    part = Part("held_out", end=datetime(2017, 3, 1))
    frame = as_of.build(source, part, as_of.extended(source, part, {})).frame
    pd.testing.assert_series_equal(frame["recency"], built()["recency"])


@pytest.mark.parametrize(
    ("options", "key", "told"),
    [
        ({"as_of": "soon"}, "as_of", "a date"),
        ({"dates": ["2017-03-01", "later"], "as_of": None}, "dates", "a date"),
        ({"dates": ["2017-03-01"]}, "as_of", "told twice"),
        ({"dates": [], "as_of": None}, "dates", "at least one date"),
        ({"as_of": "2017-01-05"}, "dates", "nobody had bought before"),
        ({"as_of": "2018-01-05"}, "as_of", "transactions end 2017-03-21"),
        ({"columns": ["churned"]}, "columns", "known only afterwards"),
        ({"columns": ["recincy"]}, "columns", "no such column"),
        ({"columns": []}, "columns", "nothing is left"),
    ],
)
def test_mistakes_are_told(options: dict[str, Any], key: str, told: str) -> None:
    found = list(Churn(**{**ASKED, **options}).problems(Tables.of(transactions=ROWS)))
    assert [one.key for one in found] == [key]
    assert told in found[0].message


def test_how_long_customers_bought_by_hand() -> None:
    """Lapsed after 10 days; the data end on 20 March, so everything is known up to the tenth."""
    days = {
        "stopped": ["03-01", "03-05"],  # day 5 of theirs, and no more
        "back_again": ["03-01", "03-02", "03-18"],  # a gap of 16 days: the first time they lapsed counts
        "to_the_day": ["03-01", "03-11", "03-20"],  # ten days, and no more: never lapsed
        "unknown": ["03-05", "03-12"],  # lapsed on the twelfth or not: nobody knows
        "last_known": ["03-08", "03-10"],
        "too_new": ["03-11"],
    }
    rows = pd.DataFrame([(who, f"2017-{day} 12:00") for who, all_days in days.items() for day in all_days])
    rows = rows.set_axis(["customer_id", "timestamp"], axis=1)
    source = Tables.of(transactions=rows.assign(timestamp=pd.to_datetime(rows["timestamp"])))
    found = lifetimes(source["transactions"], datetime(2017, 3, 21), 10).execute().set_index("customer_id")
    assert {who: tuple(row) for who, row in zip(found.index, found.to_numpy().tolist(), strict=True)} == {
        "stopped": (5, 1),
        "back_again": (2, 1),
        "to_the_day": (10, 0),
        "unknown": (6, 0),
        "last_known": (3, 1),
    }
