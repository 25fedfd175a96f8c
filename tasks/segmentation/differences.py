"""Which columns differ between segments, by how much, and what a test of that is worth."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cxai_runner.evaluation.results import Content, Table
from cxai_runner.evaluation.wording import number
from cxai_runner.methods.profile_tests import corrected, difference


def tested(
    frame: pd.DataFrame, inputs: Sequence[str], describe: Sequence[str], segment: NDArray[np.intp]
) -> Iterator[Content]:
    """The test of every column, the largest effect first, those that segments were made of apart.

    Parameters
    ----------
    frame
        The customers.
    inputs, describe
        Columns that segments were made of, and others.
    segment
        Shape (n,); who is in none is left out.
    """
    own = segment >= 0
    if len(np.unique(segment[own])) < 2:
        return
    inside, rows = segment[own], frame[own]
    made = [(name, True) for name in inputs] + [(name, False) for name in describe]
    found = [difference(rows[name], inside) for name, _ in made]
    table = pd.DataFrame(
        {
            "column": [one.column for one in found],
            "made of it": [used for _, used in made],
            "effect": [one.size for one in found],
            "measured by": [one.effect for one in found],
            "test": [one.test for one in found],
            "statistic": [one.statistic for one in found],
            "freedom": [one.freedom for one in found],
            "p": [_p(one) for one in corrected([one.p for one in found])],
            "customers": [one.customers for one in found],
        }
    )
    table = table.sort_values(["made of it", "effect"], ascending=[True, False], kind="stable", ignore_index=True)
    caption = (
        f"η² is the share of a number's variance that lies between segments, Cramér's V the association of a code with "
        f"them, 0 to 1. p is corrected for {len(found)} tests (Holm). Of a column that segments were made of it says "
        "nothing: they were made so as to differ in it."
    )
    yield Table("differences", "Which columns differ", table, caption)


def _p(value: float) -> str:
    if not np.isfinite(value):
        return "–"
    return "< 0.001" if value < 0.001 else number(value)
