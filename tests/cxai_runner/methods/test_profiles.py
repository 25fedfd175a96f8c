"""Profiles: means per segment, names from what sets segments apart, and who is in them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from cxai_runner.methods.profiles import compose, profile, segment_names


@pytest.fixture
def customers():
    return pd.DataFrame({"order_count": [1, 1, 9, 9, 5, 5], "recency": [90.0, 80.0, 5.0, 5.0, 45.0, 45.0]}), pd.Series(
        [0, 0, 1, 1, 2, 2]
    )


def test_means_and_standardised_means(customers):
    table = profile(*customers).set_index(["segment", "column"])
    assert table.loc[(0, "order_count"), "mean"] == 1
    assert table.loc[(0, "order_count"), "overall_mean"] == 5
    spread = np.std([1, 1, 9, 9, 5, 5])
    assert table.loc[(0, "order_count"), "standardised"] == pytest.approx(-4 / spread)
    assert table["standardised"].groupby("column").mean().abs().max() < 1e-12


def test_names_say_what_sets_apart(customers):
    named = segment_names(profile(*customers))
    assert named == {
        0: "low order count, high recency",
        1: "high order count, low recency",
        2: "close to the average",
    }


def test_names_are_unique():
    X = pd.DataFrame({"a": [5, 5, 4, 4, 0, 0, 0, 0], "b": [0, 0, 0, 0, 1, 1, 1, 1]})
    named = segment_names(profile(X, pd.Series([0, 0, 1, 1, 2, 2, 3, 3])))
    assert len(set(named.values())) == 4


def test_missing_values_are_counted():
    table = compose(pd.DataFrame({"region": ["north", None, "south", None]}), pd.Series([0, 0, 1, 1]))
    missing = table[table["value"] == "(missing)"].set_index("segment")
    assert list(missing["customers"]) == [1, 1]
    assert list(missing["share"]) == [0.5, 0.5]
    assert table.groupby("segment")["share"].sum().to_numpy() == pytest.approx([1.0, 1.0])


def test_many_numbers_are_divided_at_quartiles():
    table = compose(pd.DataFrame({"age": np.arange(100)}), pd.Series(np.zeros(100, dtype=int)))
    assert len(table) == 4
    assert list(table["customers"]) == [25, 25, 25, 25]


def test_rare_values_are_counted_together():
    values = [f"v{i:02d}" for i in range(14) for _ in range(15 - i)]
    table = compose(pd.DataFrame({"shop": values}), pd.Series(np.zeros(len(values), dtype=int)), most=12)
    assert table.loc[table["value"] == "(other)", "customers"].item() == 3 + 2


def test_numbers_without_an_end_are_counted_apart():
    score = [*np.arange(40.0), np.inf, -np.inf, np.nan]
    table = compose(pd.DataFrame({"score": score}), pd.Series(np.zeros(43, dtype=int))).set_index("value")
    assert len(table) == 4 + 2
    assert table.loc[["(infinite)", "(missing)"], "customers"].tolist() == [2, 1]
