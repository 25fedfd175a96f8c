"""Tests of columns: SciPy's and textbook numbers, and Holm's correction."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import kruskal

from cxai_runner.methods.profile_tests import corrected, difference

SEGMENT = np.array([0, 0, 0, 1, 1, 1])


def test_numbers_are_compared_by_ranks_and_variance() -> None:
    values = pd.Series([1.0, 2.0, 3.0, 7.0, 8.0, 9.0], name="spent")
    found = difference(values, SEGMENT)
    assert (found.test, found.effect, found.freedom, found.customers) == ("Kruskal-Wallis", "η²", 1, 6)
    assert found.statistic == pytest.approx(kruskal([1, 2, 3], [7, 8, 9]).statistic)
    # Means 2 and 8 about 5: 6 · 9 of 58 squared.
    assert found.size == pytest.approx(54 / 58)


def test_codes_are_compared_by_counts() -> None:
    found = difference(pd.Series(list("aabbbb"), name="region"), SEGMENT)
    assert (found.test, found.effect) == ("chi-square", "Cramér's V")
    # Counts 2 1 and 0 3: χ² = 6 (2·3 − 1·0)² / (3 · 3 · 2 · 4).
    assert found.statistic == pytest.approx(6 * 36 / 72)
    assert found.size == pytest.approx(np.sqrt(3 / 6))
    assert difference(pd.Series([1, 1, 2, 2, 3, 3]), SEGMENT, codes=True).test == "chi-square"


def test_what_is_missing_is_left_out_and_what_is_alike_tells_nothing() -> None:
    found = difference(pd.Series([1.0, np.nan, 3.0, 7.0, 8.0, np.nan]), SEGMENT)
    assert found.customers == 4
    for same in (pd.Series(["x"] * 6), pd.Series([2.0] * 6)):
        nothing = difference(same, SEGMENT)
        assert np.isnan(nothing.p)
        assert nothing.size == 0.0


def test_holm() -> None:
    np.testing.assert_allclose(corrected([0.01, 0.04, 0.03, np.nan]), [0.03, 0.06, 0.06, np.nan])


def test_rare_codes_are_one() -> None:
    rng = np.random.default_rng(0)
    codes = pd.Series([f"zip {number}" for number in rng.integers(0, 500, 2000)])
    found = difference(codes, rng.integers(0, 2, 2000))
    assert found.freedom == 20
    assert found.size < 0.2
