"""The laws of dividing what one customer did: each event is on one side, and only what may decide does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import ibis
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cxai_runner.config.compose import compose
from cxai_runner.config.problems import UserError
from cxai_runner.evaluation.split_rules import LastDays
from cxai_runner.evaluation.split_within import FixedParts, LeaveLastOut, RandomHoldout
from cxai_runner.evaluation.splits import Split
from cxai_runner.evaluation.within import LastOfEach, RandomOfEach, SaidSo
from cxai_runner.preflight import assemble, preflight

EVENTS = st.lists(st.tuples(st.integers(0, 5), st.integers(1, 6), st.sampled_from("abcdef")), min_size=1, max_size=60)


def events(rows: list[tuple[int, int, str]]) -> pd.DataFrame:
    """Events as a builder hands them over: each once, sorted."""
    frame = pd.DataFrame(sorted(set(rows)), columns=["customer_id", "day", "item_id"])
    return frame.assign(time=pd.Timestamp(2017, 1, 1) + pd.to_timedelta(frame["day"], unit="D"))


@settings(max_examples=30, deadline=None)
@given(rows=EVENTS, last=st.integers(1, 3))
def test_the_last_orders_are_later_than_all_that_is_left(rows: list[tuple[int, int, str]], last: int) -> None:
    frame = events(rows)
    frame["out"] = LastOfEach(last).held_out(frame)
    for _, own in frame.groupby("customer_id"):
        orders, out = own["day"].nunique(), own[own["out"]]["day"].nunique()
        assert out == min(last, orders - 1)
        assert not own[own["out"]]["day"].isin(own[~own["out"]]["day"]).any(), "an order is on one side"
        if out:
            assert own[~own["out"]]["day"].max() < own[own["out"]]["day"].min()


def test_the_last_events_are_counted_one_by_one_and_the_first_stays() -> None:
    frame = events([(1, 1, "a"), (1, 2, "b"), (1, 2, "c"), (2, 1, "a"), (3, 1, "a"), (3, 1, "b")])
    assert LastOfEach(2, "event").held_out(frame).tolist() == [False, True, True, False, False, True]
    assert LastOfEach(1, least=0).held_out(frame).tolist() == [False, True, True, True, True, True]


@settings(max_examples=30, deadline=None)
@given(rows=EVENTS, seed=st.integers(0, 3), share=st.floats(0.1, 0.9))
def test_a_random_share_is_of_each_customer_and_keeps_items_together(
    rows: list[tuple[int, int, str]], seed: int, share: float
) -> None:
    frame = events(rows)
    frame["out"] = RandomOfEach(share, seed).held_out(frame)
    for _, own in frame.groupby("customer_id"):
        sides = own.groupby("item_id")["out"].nunique()
        assert (sides == 1).all()
        items = own["item_id"].nunique()
        assert own[own["out"]]["item_id"].nunique() == min(np.rint(share * items), items - 1)
    single = RandomOfEach(share, seed, "event").held_out(frame)
    counts = frame.assign(out=single).groupby("customer_id")["out"].agg(["sum", "count"])
    assert (counts["sum"] == np.minimum(np.rint(share * counts["count"]), counts["count"] - 1)).all()


@settings(max_examples=30, deadline=None)
@given(rows=EVENTS, seed=st.integers(0, 3))
def test_nobody_else_decides_what_is_drawn_of_a_customer(rows: list[tuple[int, int, str]], seed: int) -> None:
    frame, rule = events(rows), RandomOfEach(0.4, seed)
    everybody = rule.held_out(frame)
    for customer in frame["customer_id"].unique():
        own = frame["customer_id"] == customer
        assert rule.held_out(frame[own].reset_index(drop=True)).tolist() == everybody[own].tolist()


def test_the_seed_decides_what_is_drawn() -> None:
    frame = events([(customer, 1, item) for customer in range(30) for item in "abcdef"])
    drawn = {tuple(RandomOfEach(0.5, seed).held_out(frame)) for seed in range(4)}
    assert len(drawn) == 4
    often = np.mean([RandomOfEach(0.5, seed).held_out(frame) for seed in range(40)], axis=0)
    assert abs(often.mean() - 0.5) < 1e-12
    assert 0.2 < often.min() < often.max() < 0.8, "every event is held out by half of the seeds or so"


def test_the_rows_may_say_it_themselves() -> None:
    frame = pd.DataFrame({"customer_id": [1, 1, 2], "item_id": ["a", "b", "a"], "part": ["train", "test", None]})
    assert SaidSo(("test",)).held_out(frame).tolist() == [False, True, False]


def rows(**columns: Any) -> Any:
    return ibis.memtable(pd.DataFrame({"customer_id": [1, 1, 2], "item_id": ["a", "b", "a"], **columns}))


AGAIN = ibis.memtable(pd.DataFrame({"customer_id": [1, 1, 2] * 10, "item_id": ["a", "b", "a"] * 10}))
"""Nobody has more than two items, ten times each."""
DAYS = pd.to_datetime(["2017-01-01", "2017-01-09", "2017-01-29"])


@pytest.mark.parametrize(
    ("split", "table", "key", "message", "remedy"),
    [
        (LeaveLastOut(), rows(), "", "have no dates", "split=random_holdout"),
        (LeaveLastOut(), rows(time=DAYS[[0, 0, 1]]), "of", "nobody has more than one order", "a longer history"),
        (RandomHoldout(test_size=0.1), rows(), "test_size", "nobody has more than 2 items", "a larger share"),
        (RandomHoldout(), AGAIN, "test_size", "nobody has more than 2 items", "a larger share"),
        (RandomHoldout(of="event"), AGAIN, "test_size", "nobody has more than 2 events", "a larger share"),
        (FixedParts(), rows(), "", "do not say which part", "columns.part"),
        (FixedParts(), rows(part=["a", "b", None]), "held_out", "no row is of part test", "parts are: a, b"),
        (
            FixedParts(held_out=["a", "c"]),
            rows(part=["a", "b", None]),
            "held_out",
            "no row is of part c",
            "parts are: a, b",
        ),
        (FixedParts(), rows(part=["test"] * 3), "held_out", "nothing is left", "parts are: test"),
        (LastDays(days=5, skip=8), rows(time=DAYS), "days", "nothing is held out", "more days"),
    ],
)
def test_what_cannot_be_divided_is_told(split: Split, table: Any, key: str, message: str, remedy: str) -> None:
    (problem,) = split.problems(table)
    assert problem.key == key
    assert message in problem.message
    assert remedy in problem.remedy


def test_last_days_may_be_left_for_later() -> None:
    table = rows(time=DAYS)
    split = LastDays(days=15, skip=10)
    assert not list(split.problems(table))
    (fold,) = split.plan(table, 0)
    assert fold.held_out is not None
    assert fold.train.select(table).execute()["time"].tolist() == [DAYS[0]]
    assert fold.held_out.select(table).execute()["time"].tolist() == [DAYS[1]]
    assert fold.label == "occasions from 2017-01-09 on, before 2017-01-20"


@pytest.mark.parametrize("here", ["data.", "data.tables.interactions."])
def test_where_rows_say_no_part_the_key_is_that_of_their_source(tmp_path: Path, here: str) -> None:
    path = tmp_path / "events.csv"
    pd.DataFrame({"customer_id": [1, 1, 2], "item_id": ["a", "b", "a"]}).to_csv(path, index=False)
    shop = f"_target_: cxai_runner.data.FileSource\ntables:\n  interactions:\n    path: {path}\n"
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "shop.yaml").write_text(f"# A shop\n{shop}")
    data = ["data=shop"] if "tables" in here else ["data=csv", f"data.path={path}", "data.table=interactions"]
    chosen = ["task=recommendation", "features.table=interactions", "features.fewest=1", "split=fixed"]
    with pytest.raises(UserError) as refused:
        preflight(assemble(compose([*chosen, "cache.enabled=false", *data], config_dirs=[tmp_path])))
    (problem,) = refused.value.problems
    assert f"{here}columns.part=…" in problem.remedy
    assert f"{here}path={{train: …" in problem.remedy


def test_a_builder_that_cannot_divide_refuses() -> None:
    composed = compose(["task=segmentation", "split=leave_last_out"])
    with pytest.raises(UserError) as refused:
        preflight(assemble(composed))
    (problem,) = refused.value.problems
    assert problem.key == "split"
    assert "divides what one customer did" in problem.message
    assert "split=customers" in problem.remedy
