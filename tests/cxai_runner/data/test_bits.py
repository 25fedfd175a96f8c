"""Digests of frames: of what stands there, in its order, and whatever the order."""

from __future__ import annotations

import numpy as np
import pandas as pd

from cxai_runner.data.bits import bits

FRAME = pd.DataFrame(
    {
        "customer_id": ["a", "b", "c", "d"],
        "price": [1.0, 0.1 + 0.2, np.nan, 3.5],
        "visits": [1, 2, 2, 4],
        "day": pd.to_datetime(["2024-01-01", "2024-01-02", None, "2024-01-04"]),
    }
)


def test_the_same_frame_has_the_same_digests() -> None:
    assert bits(FRAME) == bits(FRAME.copy())
    assert bits(FRAME)["rows"] == 4
    assert list(bits(FRAME)["columns"]) == list(FRAME.columns)


def test_the_last_bit_counts() -> None:
    other = FRAME.assign(price=[1.0, 0.3, np.nan, 3.5])
    mine, theirs = bits(FRAME), bits(other)
    assert mine["ordered"] != theirs["ordered"]
    assert mine["unordered"] != theirs["unordered"]
    assert [name for name in FRAME if mine["columns"][name] != theirs["columns"][name]] == ["price"]


def test_order_is_told_from_content() -> None:
    mine, turned = bits(FRAME), bits(FRAME.iloc[::-1].reset_index(drop=True))
    assert mine["ordered"] != turned["ordered"]
    assert mine["unordered"] == turned["unordered"]


def test_values_that_change_places_between_rows_are_other_rows() -> None:
    swapped = FRAME.assign(visits=[2, 1, 2, 4])
    assert bits(FRAME)["unordered"] != bits(swapped)["unordered"]


def test_values_that_change_places_within_a_row_are_another_row() -> None:
    mine, swapped = pd.DataFrame({"x": [1.0, 5.0], "y": [2.0, 6.0]}), pd.DataFrame({"x": [2.0, 5.0], "y": [1.0, 6.0]})
    assert bits(mine)["unordered"] != bits(swapped)["unordered"]


def test_a_row_that_is_there_twice_counts_twice() -> None:
    twice = pd.concat([FRAME, FRAME.iloc[:1]], ignore_index=True)
    thrice = pd.concat([FRAME, FRAME.iloc[1:2]], ignore_index=True)
    assert bits(twice)["unordered"] != bits(thrice)["unordered"]


def test_types_and_named_indices_count_and_other_indices_do_not() -> None:
    assert bits(FRAME)["ordered"] != bits(FRAME.astype({"visits": "int32"}))["ordered"]
    assert bits(FRAME)["ordered"] == bits(FRAME.set_axis([9, 8, 7, 6]))["ordered"]
    assert bits(FRAME.set_index("customer_id"))["columns"] == bits(FRAME)["columns"]


def test_a_frame_without_rows_or_columns_has_digests_too() -> None:
    assert bits(FRAME.iloc[:0])["rows"] == 0
    assert bits(pd.DataFrame(index=range(3)))["columns"] == {}
