"""Prices that moved together are named in pairs, the same whatever else never moved."""

from __future__ import annotations

import numpy as np
import pandas as pd

from cxai_runner.methods.together import moved_together


def test_pairs_that_moved_together_are_named():
    rng = np.random.default_rng(0)
    a, c = rng.uniform(1, 2, 200), rng.uniform(1, 2, 200)
    prices = pd.DataFrame({"a": a, "still": 1.5, "b": 2 * a, "c": c, "d": -c})
    assert [(one, other, round(r, 6)) for one, other, r in moved_together(prices)] == [("b", "a", 1.0)]


def test_one_price_that_moves_has_no_pair():
    prices = pd.DataFrame({"a": [1.0, 2.0, 3.0], "b": 1.0})
    assert list(moved_together(prices)) == []
