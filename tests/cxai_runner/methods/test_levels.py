"""Names of categories, and numbers divided into ranges."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from cxai_runner.methods.levels import divided, level, levels, never_met, ranked


def test_three_is_three_however_it_is_written():
    assert [level(value) for value in (3, 3.0, "3", None, np.nan, 2.5)] == ["3", "3", "3", "missing", "missing", "2.5"]
    assert list(levels(pd.Series([1.0, np.nan, 1.0]))) == ["1", "missing", "1"]


def test_the_most_frequent_is_first_and_ties_go_by_name():
    assert list(ranked(pd.Series(["b", "a", "c", "c"])).index) == ["c", "a", "b"]


def test_few_values_are_groups_as_they_are():
    named, was_divided = divided(pd.Series([1, 2, 2, 5]), 8)
    assert (list(named), was_divided) == (["1", "2", "2", "5"], False)


def test_many_numbers_are_divided_at_their_quartiles():
    column = pd.Series([*np.arange(100.0), np.nan])
    named, was_divided = divided(column, 8)
    assert was_divided
    counts = named.value_counts()
    assert counts["missing"] == 1
    assert counts.drop("missing").tolist() == [25, 25, 25, 25]
    assert named[0] == "from 0 to 24.8"
    assert named[99] == "above 74.2 to 99"


@pytest.mark.parametrize(
    ("column", "first", "last"),
    [
        (np.arange(0.0, 120_000, 100), "from 0 to 29,975", "above 89,925 to 119,900"),
        (2016 + np.arange(100) / 100, "from 2,016 to 2,016.2", "above 2,016.7 to 2,017"),
        (np.arange(101) / 1e4, "from 0 to 0.0025", "above 0.0075 to 0.01"),
        (-np.arange(100.0), "from -99 to -74.2", "above -24.8 to 0"),
    ],
)
def test_the_ends_of_ranges_are_told_apart_and_without_powers_of_ten(column, first, last):
    named, _ = divided(pd.Series(column), 8)
    assert named.nunique() == 4
    assert {first, last} <= set(named)


def test_numbers_that_are_mostly_one_are_divided_by_their_values():
    named, _ = divided(pd.Series([0.0] * 80 + list(range(1, 21))), 8)
    assert named.value_counts().tolist() == [85, 5, 5, 5]


def test_levels_never_met_are_counted():
    one = never_met("town", np.asarray(["Lier"], dtype=object))
    assert one.startswith("town is Lier on 1 row, and never was in training")
    several = never_met("town", np.asarray(["Lier", "Mol", "Lier"], dtype=object))
    assert several.startswith("town has 2 values on 3 rows, such as Lier, that never were in training")
