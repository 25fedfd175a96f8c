"""Panels become occasions × alternatives whatever their form, and what is wrong with them is said."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from cxai_runner.methods.choice import ChoiceData, ChoiceError


@pytest.fixture
def wide():
    return pd.DataFrame(
        {"price_1": [1.0, 2.0, 3.0], "price_2": [4.0, 5.0, 6.0], "there_1": [1, 1, 0], "there_2": [1, 0, 1],
         "income": [7.0, 8.0, 9.0], "brand": [2, 1, 2], "who": ["x", "y", "x"]}
    )  # fmt: skip


@pytest.fixture
def long():
    return pd.DataFrame(
        {"trip": [5, 5, 3, 9], "mode": ["car", "bus", "car", "bus"], "taken": [0, 1, 1, 1],
         "cost": [1.0, 4.0, 2.0, 6.0], "income": [7.0, 7.0, 8.0, 9.0], "who": ["x", "x", "y", "x"]}
    )  # fmt: skip


def test_a_wide_panel(wide):
    data = ChoiceData.from_wide(wide, [1, 2], choice="brand", availability="there", customers="who")
    assert data.alternatives == ("1", "2")
    assert set(data.attributes) == {"price"}
    assert set(data.characteristics) == {"income"}
    np.testing.assert_array_equal(data.attributes["price"], [[1, 4], [2, 5], [3, 6]])
    np.testing.assert_array_equal(data.available, [[True, True], [True, False], [False, True]])
    np.testing.assert_array_equal(data.chosen, [1, 0, 1])
    np.testing.assert_array_equal(data.customers, [0, 1, 0])
    assert len(data) == 3


def test_a_long_panel_keeps_the_order_of_occasions_and_misses_what_has_no_row(long):
    data = ChoiceData.from_long(long, occasion="trip", alternative="mode", choice="taken", customers="who")
    assert data.alternatives == ("car", "bus")
    assert set(data.attributes) == {"cost"}
    np.testing.assert_array_equal(data.available, [[True, True], [True, False], [False, True]])
    np.testing.assert_array_equal(data.attributes["cost"], [[1, 4], [2, 0], [0, 6]])
    np.testing.assert_array_equal(data.characteristics["income"], [7, 8, 9])
    np.testing.assert_array_equal(data.chosen, [1, 0, 1])
    np.testing.assert_array_equal(data.customers, [0, 1, 0])


def test_both_forms_of_one_panel_are_the_same(wide, long):
    columns = {"price_1": "cost_car", "price_2": "cost_bus", "there_1": "there_car", "there_2": "there_bus"}
    named = wide.rename(columns=columns).assign(brand=["bus", "car", "bus"])
    one = ChoiceData.from_wide(named, ["car", "bus"], choice="brand", availability="there", customers="who")
    other = ChoiceData.from_long(long.iloc[[1, 0, 2, 3]], occasion="trip", alternative="mode", choice="taken",
                                 customers="who", alternatives=["car", "bus"])  # fmt: skip
    np.testing.assert_array_equal(one.available, other.available)
    np.testing.assert_array_equal(one.chosen, other.chosen)
    np.testing.assert_array_equal(
        np.where(one.available, one.attributes["cost"], 0) != 0, other.attributes["cost"] != 0
    )


def test_arrays_lie_alternative_by_alternative(wide):
    assert ChoiceData.from_wide(wide, [1, 2], names=["price"]).attributes["price"].flags.f_contiguous


def test_only_some_alternatives_keeps_their_choices(wide):
    wider = wide.assign(price_3=[7.0, 8.0, 9.0], brand=[3, 1, 2])
    data = ChoiceData.from_wide(wider, [1, 2, 3], choice="brand").only(["3", "1"])
    assert data.alternatives == ("3", "1")
    np.testing.assert_array_equal(data.attributes["price"], [[7, 1], [8, 2]])
    np.testing.assert_array_equal(data.chosen, [0, 1])


def test_taking_rows(wide):
    data = ChoiceData.from_wide(wide, [1, 2], choice="brand", customers="who")
    np.testing.assert_array_equal(data.take([2, 0]).attributes["price"], [[3, 6], [1, 4]])
    np.testing.assert_array_equal(data.take([False, True, False]).chosen, [0])


@pytest.mark.parametrize(
    ("change", "arguments", "message"),
    [
        ({"price_2": [4, np.nan, 6]}, {}, "'price' of alternative '2' is missing or infinite at 1 occasions"),
        ({"income": [1, 2, np.inf]}, {}, "'income' is missing or infinite at 1 occasions; fill"),
        ({"brand": [1, 2, 3]}, {}, "chosen, but not among the alternatives: 3; name them as alternatives"),
        ({"brand": [1, np.nan, 2]}, {}, "1 occasions have no choice; leave them out"),
        ({}, {"names": ["cost"]}, r"'cost' has no column 'cost', nor one per alternative: cost_1, cost_2 missing"),
        ({"income": list("abc")}, {"names": ["income"]}, "'income' is not numeric .*; encode its values"),
        ({"there_2": 0}, {"availability": "there"}, "1 occasions have no alternative available, the first at pos.* 2"),
        ({"brand": [2, 2, 2]}, {"availability": "there"}, "1 occasions have a choice that was not available.* '2' at"),
        ({"there_2": [1, 0, np.nan]}, {"availability": "there"}, "was available is missing at 1 places; fill them"),
        ({"w": [1, 0, 2]}, {"weights": "w"}, "a weight is not a positive number"),
        ({}, {"customers": [1, 2]}, r"\(2,\) values for 3 occasions"),
        ({}, {"customers": "whom"}, "there is no column 'whom'; it has price_1"),
    ],
)
def test_what_is_wrong_with_a_wide_panel(wide, change, arguments, message):
    with pytest.raises(ChoiceError, match=message):
        ChoiceData.from_wide(wide.assign(**change), [1, 2], **{"choice": "brand", **arguments})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"taken": [0, 0, 1, 1]}, "1 occasions have no chosen alternative or several, the first 5 with 0"),
        ({"taken": [1, 1, 1, 1]}, "the first 5 with 2"),
        ({"trip": [5, 5, 3, 5]}, "occasion 5 has two rows of alternative 'bus'"),
        ({"taken": list("abcd")}, "'taken' is not numeric"),
    ],
)
def test_what_is_wrong_with_a_long_panel(long, change, message):
    with pytest.raises(ChoiceError, match=message):
        ChoiceData.from_long(long.assign(**change), occasion="trip", alternative="mode", choice="taken")


def test_a_missing_price_is_fine_where_the_brand_was_not_there(wide):
    data = ChoiceData.from_wide(wide.assign(price_1=[1, 2, np.nan]), [1, 2], choice="brand", availability="there")
    assert np.isnan(data.attributes["price"][2, 0])


def test_one_alternative_is_no_choice(wide):
    with pytest.raises(ChoiceError, match="fewer than two alternatives"):
        ChoiceData.from_wide(wide, [1])
