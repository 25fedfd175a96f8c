"""The table of coefficients: its columns by hand, and no interval where there is no standard error."""

from __future__ import annotations

import numpy as np
import pytest

from cxai_runner.methods.coefficients import coefficient_table


def test_a_row_is_a_coefficient_with_its_interval():
    table = coefficient_table(["price", "constant"], np.array([-2.0, 1.0]), np.array([0.5, np.nan]))
    assert list(table.index) == ["price", "constant"]
    row = table.loc["price"]
    assert row["z"] == -4
    assert row["p"] == pytest.approx(6.334e-5, rel=1e-3)
    assert (row["low"], row["high"]) == pytest.approx((-2.979982, -1.020018), abs=5e-7)
    assert table.loc["constant", ["standard_error", "z", "p", "low", "high"]].isna().all()
