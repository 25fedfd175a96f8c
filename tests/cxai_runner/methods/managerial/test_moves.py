"""Moves between segments, by hand and as a matrix whose rows add up."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from cxai_runner.methods.managerial import NOBODY, moves, transitions

ORDER = ["high", "low", "gone"]
TIMES = pd.to_datetime(["2020-01-01", "2021-01-01", "2022-01-01"])


def history():
    rows = [
        ("b", 0, "high"),
        ("b", 1, "low"),
        ("b", 2, "low"),
        ("a", 1, "gone"),
        ("a", 2, "high"),
        ("c", 2, "low"),
    ]
    return pd.DataFrame([{"customer_id": who, "time": TIMES[at], "segment": name} for who, at, name in rows])


def test_moves_by_hand():
    found = moves(history(), ORDER)
    assert found[["customer_id", "from", "to", "direction"]].to_numpy().tolist() == [
        ["b", "high", "low", "down"],
        ["b", "low", "low", "stayed"],
        ["a", NOBODY, "gone", "new"],
        ["a", "gone", "high", "up"],
        ["c", NOBODY, "low", "new"],
    ]
    assert list(found["since"]) == [TIMES[0], TIMES[1], TIMES[0], TIMES[1], TIMES[1]]
    assert (found["time"] > found["since"]).all()


def test_the_order_of_rows_changes_nothing():
    shuffled = history().sample(frac=1, random_state=3)
    by = ["customer_id", "time"]
    pd.testing.assert_frame_equal(
        moves(shuffled, ORDER).sort_values(by, ignore_index=True),
        moves(history(), ORDER).sort_values(by, ignore_index=True),
    )


def test_transitions_count_moves_and_their_share():
    found = transitions(moves(history(), ORDER), ORDER).set_index(["time", "from", "to"])
    assert found.loc[(TIMES[1], "high", "low"), "probability"] == 1
    assert found.loc[(TIMES[2], NOBODY, "low"), "customers"] == 1
    assert (TIMES[1], "low", "low") not in found.index, "nobody was there"
    assert NOBODY not in found.index.get_level_values("to")


def test_probabilities_of_all_dates_together_add_up():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {"customer_id": np.repeat(np.arange(50), 3), "time": np.tile(TIMES, 50), "segment": rng.choice(ORDER, 150)}
    )
    moved = moves(frame, ORDER)
    found = transitions(moved, ORDER, by=())
    assert found.groupby("from")["probability"].sum().to_numpy() == pytest.approx(1)
    assert found["customers"].sum() == len(moved) == 100
    assert len(found) == 9


def test_one_date_has_no_moves():
    found = moves(history().query("time == @TIMES[0]"), ORDER)
    assert found.empty
    assert transitions(found, ORDER).empty
