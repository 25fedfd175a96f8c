"""What a history holds: nothing at or after its date, everything once, and what is rare is counted."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cxai_runner.config.problems import UserError
from cxai_runner.data import OneFile, Tables
from cxai_runner.data.dataset import Dataset, Dropped
from cxai_runner.data.quality.contracts import broken, unmet
from cxai_runner.evaluation.split_rules import AllRows, CustomerHoldout, LastDays, TimeHoldout
from cxai_runner.evaluation.split_within import FixedParts, LeaveLastOut, RandomHoldout
from cxai_runner.evaluation.splits import Part, Split
from cxai_runner.features.histories import CustomerHistories
from cxai_runner.features.listed import significant

FIRST = datetime(2017, 1, 1)
LINES = st.lists(
    st.tuples(st.integers(1, 5), st.integers(0, 20), st.sampled_from(["tea", 'a"b', "ü,[1]", "7"])),
    min_size=8,
    max_size=80,
)
SPLITS: dict[str, Split] = {
    "time": LastDays(days=6),
    "time, skipped": LastDays(days=6, skip=3),
    "last": LeaveLastOut(),
    "last events": LeaveLastOut(last=2, of="event"),
    "random": RandomHoldout(test_size=0.4, of="event"),
    "customers": CustomerHoldout(test_size=0.4),
}


def tables(rows: list[tuple[int, int, str]], **more: Any) -> Tables:
    frame = pd.DataFrame(rows, columns=["customer_id", "day", "product_id"])
    times = FIRST + pd.to_timedelta(frame["day"], unit="D")
    frame = frame.drop(columns="day").assign(timestamp=times, revenue=1.0 + frame["day"], quantity=2.0)
    return Tables.of(transactions=frame, **more)


def built(source: Tables, features: CustomerHistories, split: Split) -> tuple[Dataset, Dataset | None]:
    (fold,) = split.plan(features.rows(source), 0)
    learned = features.learn(source, fold.train)
    train = features.build(source, fold.train, learned)
    return train, None if fold.held_out is None else features.build(source, fold.held_out, learned)


def listed(data: Dataset, name: str) -> dict[int, list[Any]]:
    return {row.customer_id: json.loads(getattr(row, name)) for row in data.frame.itertuples()}


@settings(max_examples=30, deadline=None)
@given(rows=LINES, name=st.sampled_from(sorted(SPLITS)))
def test_nothing_at_or_after_its_date_is_in_a_history_and_each_event_is_on_one_side(
    rows: list[tuple[int, int, str]], name: str
) -> None:
    source, split, features = tables(rows), SPLITS[name], CustomerHistories()
    if list(split.problems(features.rows(source))):
        return
    train, held_out = built(source, features, split)
    assert held_out is not None
    done = {(customer, item): 0 for customer, _, item in rows}
    for customer, _day, item in set(rows):
        done[customer, item] += 1
    end = max(day for _, day, _ in rows)
    items, days, bought = (listed(held_out, one) for one in ("items", "days", "bought"))
    known = listed(train, "items")
    for customer, things in bought.items():
        assert things == sorted(set(things))
        own = [day for who, day, _ in rows if who == customer]
        assert len(items[customer]) == len(days[customer])
        assert days[customer] == sorted(days[customer], reverse=True)
        if name.startswith("time"):
            late = [(d, i) for who, d, i in rows if who == customer and end - (9 if "," in name else 6) < d]
            late = [(d, i) for d, i in late if "," not in name or d <= end - 3]
            assert set(things) == {item for _, item in late}
            assert items[customer] == known.get(customer, []), "what is known of them is what was learned from"
        if name == "last":
            assert set(things) == {item for who, day, item in rows if who == customer and day == max(own)}
            assert all(one > 0 for one in days[customer])
            assert items[customer] == known[customer]
        if name == "customers":
            assert customer not in known
            assert set(things) == {item for who, day, item in rows if who == customer and day == max(own)}
        if name not in ("time, skipped", "time"):
            counts = [items[customer].count(item) for item in things]
            assert all(done[customer, item] > count for item, count in zip(things, counts, strict=True))
    every = sum(done.values())
    if name in ("last", "last events", "random"):
        out = every - sum(map(len, known.values()))
        money = sum(len(one) for one in bought.values())
        assert out >= money > 0
        assert all(items[customer] == known.get(customer, []) for customer in bought)


ROWS = [(1, 0, "a"), (1, 0, "a"), (1, 3, "b"), (2, 1, "a"), (2, 9, "c"), (3, 9, "a"), (3, 9, "rare")]


def test_what_is_rare_in_training_is_left_out_and_counted_and_what_was_bought_of_it_stays() -> None:
    train, held_out = built(tables(ROWS), CustomerHistories(fewest=2), LastDays(days=2))
    assert listed(train, "items") == {1: ["a"], 2: ["a"]}
    assert held_out is not None
    assert listed(held_out, "bought") == {2: ["c"], 3: ["a", "rare"]}
    assert listed(held_out, "items") == {2: ["a"], 3: []}, "who is new has an empty history"
    assert train.dropped == (
        Dropped("transactions", "the same item at the same time: counted as one event", 1, 4),
        Dropped("transactions", "of items that fewer than 2 customers bought in the training part", 1, 3),
    )
    assert held_out.dropped[-1] == Dropped("histories", "nothing bought in the held-out part", 1, 3)


def test_purchases_of_products_without_a_category_are_counted() -> None:
    products = pd.DataFrame({"product_id": ["a", "b", "x"], "category": ["tea", None, "jam"]})
    source = tables([(1, 0, "a"), (1, 1, "b"), (1, 2, "x"), (2, 0, "c"), (2, 1, "a")], products=products)
    train, _ = built(source, CustomerHistories(item="category"), AllRows())
    assert listed(train, "items") == {1: ["tea", "jam"], 2: ["tea"]}
    assert train.dropped == (Dropped("transactions", "of products without a category", 2, 5),)


def test_products_may_have_a_column_item_id_of_their_own() -> None:
    products = pd.DataFrame({"product_id": ["a", "b"], "item_id": ["x", "y"], "category": ["tea", "jam"]})
    source = tables([(1, 0, "a"), (1, 1, "b"), (2, 0, "a")], products=products)
    by_product, _ = built(source, CustomerHistories(), AllRows())
    known = by_product.others["items"].drop(columns="price")
    assert known.to_dict("list") == {"item_id": ["a", "b"], "category": ["tea", "jam"]}
    by_item, _ = built(source, CustomerHistories(item="item_id"), AllRows())
    assert listed(by_item, "items") == {1: ["x", "y"], 2: ["x"]}
    assert by_item.others["items"]["item_id"].tolist() == ["x", "y"]
    assert by_item.others["items"]["category"].tolist() == ["tea", "jam"]


def test_days_weights_and_money_are_those_of_the_events() -> None:
    features = CustomerHistories(weight="quantity")
    train, held_out = built(tables(ROWS), features, LastDays(days=2))
    assert listed(train, "weights") == {1: [4, 2], 2: [2]}
    # The first held-out event is of the tenth day.
    assert listed(train, "days") == {1: [9, 6], 2: [8]}
    assert held_out is not None
    assert listed(held_out, "bought_value") == {2: [10], 3: [10, 10]}
    assert listed(held_out, "bought_days") == {2: [0], 3: [0, 0]}
    items = train.others["items"].set_index("item_id")["price"]
    assert items.to_dict() == {"a": pytest.approx((1 + 1 + 2) / 6), "b": 4 / 2}, "nothing of the held-out part"
    pd.testing.assert_frame_equal(train.others["items"], held_out.others["items"])


@pytest.mark.parametrize(
    ("split", "days"),
    [
        (LastDays(days=8), 8),
        (LastDays(days=5, skip=3), 5),
        (TimeHoldout(cut="2017-01-04"), 8),
        (LeaveLastOut(), None),
        (CustomerHoldout(test_size=0.4), None),
    ],
)
def test_how_long_what_was_bought_is_known_for(split: Split, days: int | None) -> None:
    """Nobody bought anything on the third and fourth day: the held-out part begins with the third all the same."""
    rows = [*((one, one % 2, "a") for one in range(6)), (1, 5, "b"), (1, 8, "b"), (2, 4, "c"), (2, 9, "d"), (2, 6, "d")]
    train, held_out = built(tables(rows), CustomerHistories(), split)
    assert held_out is not None
    assert train.frame["held_out_days"].isna().all()
    if days is None:
        assert held_out.frame["held_out_days"].isna().all()
        return
    assert held_out.frame["held_out_days"].tolist() == [days, days]
    assert listed(held_out, "bought_days")[2] == [0, 2]


def test_only_so_many_days_are_kept() -> None:
    train, _ = built(tables(ROWS), CustomerHistories(history=8), LastDays(days=2))
    assert listed(train, "items") == {1: ["b"], 2: ["a"]}


def test_an_item_may_be_a_kind_of_product() -> None:
    products = pd.DataFrame(
        {
            "product_id": ["a", "b", "c", "rare"],
            "brand": ["x", "x", "y", None],
            "category": ["tea", "tea", "soap", "soap"],
        }
    )
    train, _ = built(tables(ROWS, products=products), CustomerHistories(item="brand"), AllRows())
    assert listed(train, "items") == {1: ["x", "x"], 2: ["x", "y"], 3: ["x"]}
    about = train.others["items"].set_index("item_id")
    assert about["category"].to_dict() == {"x": "tea", "y": "soap"}
    own, _ = built(tables(ROWS, products=products), CustomerHistories(), AllRows())
    assert set(own.others["items"]) == {"item_id", "price", "brand", "category"}


def test_to_predict_everybody_is_there_who_is_known() -> None:
    source = tables(ROWS, customers=pd.DataFrame({"customer_id": [1, 2, 9], "city": ["Rome", None, "Oslo"]}))
    trained = CustomerHistories()
    learned = trained.learn(source, Part("train", end=FIRST + timedelta(days=5)))
    new = trained.for_new_rows(["items"], FIRST + timedelta(days=5))
    part = Part("held_out", end=FIRST + timedelta(days=5))
    assert sorted(part.select(new.rows(source), None).execute()["customer_id"]) == [1, 2, 9]
    (made,) = new.stream(source, part, new.extended(source, part, learned), 100)
    assert listed(made, "items") == {1: ["a", "b"], 2: ["a"], 9: []}
    assert listed(made, "days")[1] == [5, 2]
    assert made.frame["city"].tolist()[::2] == ["Rome", "Oslo"]
    one_by_one = list(new.stream(source, part, new.extended(source, part, learned), 1))
    assert [list(one.frame["customer_id"]) for one in one_by_one] == [[1], [2], [9]]


def interactions(**columns: Any) -> Tables:
    frame = pd.DataFrame({"customer_id": ["u", "u", "v", "v"], "item_id": [1, 2, 1, 3], **columns})
    return Tables.of(interactions=frame)


def test_undated_events_are_all_of_one_day_and_cannot_be_divided_by_it() -> None:
    features, source = CustomerHistories(table="interactions"), interactions()
    train, held_out = built(source, features, RandomHoldout(test_size=0.5))
    assert held_out is not None
    assert {one for days in listed(train, "days").values() for one in days} == {0}
    assert sorted(len(one) for one in listed(held_out, "bought").values()) == [1, 1]
    with pytest.raises(UserError, match="have no dates, so the last order"):
        built(source, features, CustomerHoldout(test_size=0.5))
    (told,) = CustomerHistories(table="interactions", history=3).problems(source)
    assert (told.key, "no dates" in told.message) == ("history", True)


def test_parts_that_the_rows_say_are_kept() -> None:
    source = interactions(part=["train", "test", "train", "train"])
    train, held_out = built(source, CustomerHistories(table="interactions"), FixedParts())
    assert held_out is not None
    assert listed(train, "items") == {"u": ["1"], "v": ["1", "3"]}
    assert (listed(held_out, "items"), listed(held_out, "bought")) == ({"u": ["1"]}, {"u": ["2"]})


@pytest.mark.parametrize(
    ("weight", "told"), [([1.0, -1.0, 1, 1], "below 0, such as `-1.0`"), ([1.0, None, 1, 1], "have no value")]
)
def test_a_weight_below_zero_or_missing_is_refused(weight: list[float | None], told: str) -> None:
    features = CustomerHistories(table="interactions", weight="weight")
    (problem,) = broken(features.needs(), interactions(weight=weight))
    assert told in problem.message
    assert "where.weight" in problem.remedy
    assert next(iter(unmet(features.needs(), interactions()))).key.endswith("columns.weight")


def test_a_weight_that_models_cannot_add_up_is_refused() -> None:
    features = CustomerHistories(table="interactions", weight="weight")
    (problem,) = features.problems(interactions(weight=[1.0, 1e300, 2e12, 1e12]))
    assert problem.message == "2 of interactions have a weight above 1e+12, such as 1e+300"
    assert "data.where.weight={le: 1.0e+12}" in problem.remedy
    assert not list(features.problems(interactions(weight=[1.0, 1e12, 0, 1])))


def test_small_weights_keep_their_digits() -> None:
    source = interactions(weight=[1e-7, 2.5e-7, 0, 1.0], revenue=[1e-8, 2e-8, 0, 1])
    train, held_out = built(source, CustomerHistories(table="interactions", weight="weight"), AllRows())
    assert held_out is None
    assert listed(train, "weights") == {"u": [1e-7, 2.5e-7], "v": [0, 1]}
    numbers = np.array([0.1 + 0.2, 1 / 3, 0.0, 2 / 3 * 1e-9, 1e15 + 0.3, 1e-300, np.nan, 12.34])
    twelve = [float(f"{one:.11e}") for one in numbers]
    assert significant(numbers) == pytest.approx(twelve, rel=1e-15, abs=0, nan_ok=True)
    assert significant(numbers[:3]).tolist() == [0.3, 0.333333333333, 0.0]


def test_events_to_come_are_refused_unless_nothing_of_them_is_read() -> None:
    days = (datetime.now() - FIRST).days + 30
    source = tables([*ROWS, (1, days, "a")])
    (problem,) = CustomerHistories().problems(source)
    assert problem.message.startswith("1 of transactions is of days to come")
    assert "where.timestamp={lt: " in problem.remedy
    assert not list(CustomerHistories(as_of="2017-02-01").problems(source))


def test_a_remedy_names_the_key_as_the_source_has_it(tmp_path: Path) -> None:
    days = (datetime.now() - FIRST).days + 30
    rows = pd.DataFrame({"customer_id": [1, 1], "product_id": ["a", "b"], "timestamp": [FIRST, FIRST]})
    rows.loc[1, "timestamp"] += timedelta(days=days)
    rows.to_csv(tmp_path / "rows.csv", index=False)
    source = OneFile(path=str(tmp_path / "rows.csv"), table="transactions").open()
    (problem,) = CustomerHistories().problems(source)
    assert "data.where.timestamp={lt: " in problem.remedy


@pytest.mark.parametrize(
    ("features", "key", "told"),
    [
        (CustomerHistories(as_of="then"), "as_of", "a date"),
        (CustomerHistories(as_of="2016-01-01"), "as_of", "nobody bought before this date"),
    ],
)
def test_a_date_that_is_none_or_too_early_is_told(features: CustomerHistories, key: str, told: str) -> None:
    (problem,) = features.problems(tables(ROWS))
    assert problem.key == key
    assert told in problem.message


def test_one_item_is_no_choice_and_items_too_rare_leave_none() -> None:
    (problem,) = CustomerHistories().problems(tables([(1, 0, "a"), (2, 1, "a")]))
    assert "fewer than two items" in problem.message
    with pytest.raises(UserError, match="no item was bought by so many customers; the most are 3"):
        built(tables(ROWS), CustomerHistories(fewest=4), AllRows())


def test_what_is_known_of_customers_need_be_no_input() -> None:
    known = pd.DataFrame({"customer_id": [1, 2, 3], "city": ["Rome", None, "Oslo"], "zip_code": ["1", "2", "3"]})
    source = tables(ROWS, customers=known)
    train, _ = built(source, CustomerHistories(exclude=["zip*"]), AllRows())
    assert train.roles.inputs == ("items", "weights", "days", "city")
    assert train.roles.describe == ("zip_code",)
    assert train.frame["zip_code"].tolist() == ["1", "2", "3"]
    (problem,) = CustomerHistories(exclude=["zip_cod"]).problems(source)
    assert (problem.key, problem.remedy) == ("exclude", "did you mean `zip_code`?")


def test_interactions_name_their_items_themselves() -> None:
    events = pd.DataFrame({"customer_id": [1, 1, 2], "item_id": ["a", "b", "a"]})
    source = Tables.of(interactions=events)
    assert not list(CustomerHistories(table="interactions").problems(source))
    (problem,) = CustomerHistories(table="interactions", item="category").problems(source)
    assert (problem.key, problem.value) == ("item", "category")
