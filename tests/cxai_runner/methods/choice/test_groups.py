"""Groups that can have coefficients of their own: each brand chosen ten times at least."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from cxai_runner.methods.choice import is_told_apart


@pytest.mark.parametrize(("times", "told"), [(10, True), (9, False), (0, False)])
def test_a_group_needs_ten_choices_of_each_alternative(times: int, told: bool) -> None:
    chosen = np.array(["a"] * 100 + ["b"] * (50 + times), dtype=object)
    group = pd.Series(([1.0] * 20 + [0.0] * 80) + ([1.0] * times + [0.0] * 50))
    assert is_told_apart(group, chosen, ["a", "b"]) is told


def test_a_number_needs_to_change() -> None:
    chosen = np.array(["a", "b", "b"], dtype=object)
    assert is_told_apart(pd.Series([0.2, 0.3, 0.2]), chosen, ["a", "b"])
    assert not is_told_apart(pd.Series([0.2, 0.2, 0.2]), chosen, ["a", "b"])
    assert not is_told_apart(pd.Series([1, 1, 1]), chosen, ["a", "b"])
