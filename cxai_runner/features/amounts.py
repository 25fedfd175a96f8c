"""Classes of amounts: narrow where amounts are small, wide where they are large, and few whatever the range.

Amounts of baskets and prices run over several powers of ten. Six classes to each, with round ends, show all of them;
the engine counts them by comparisons alone, and they are as many for a thousand rows as for a billion.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import pandas as pd
    from ibis.expr.types import IntegerValue, NumericValue

STEPS: Final = (1.0, 1.5, 2.0, 3.0, 5.0, 7.0)
MOST_POWERS: Final = 6
"""Powers of ten below the largest amount that are told apart; what is smaller is one class."""


def edges(low: float | None, high: float | None) -> list[float]:
    """Return the ends of classes that cover amounts above 0 from ``low`` to ``high``; none where there are none."""
    if low is None or high is None or not 0 < low <= high < math.inf:
        return []
    last = math.floor(math.log10(high))
    first = max(math.floor(math.log10(low)), last - MOST_POWERS)
    every = [round(step * 10.0**power, 12 - power) for power in range(first, last + 2) for step in STEPS]
    begin = max((i for i, edge in enumerate(every) if edge <= low), default=0)
    end = next(i for i, edge in enumerate(every) if edge > high)
    return every[begin : end + 1]


def numbered(amount: NumericValue, ends: Sequence[float]) -> IntegerValue:
    """Number each amount by its class: 0 is below the first end, k from end k−1 on and below end k."""
    import ibis

    branches: list[tuple[Any, Any]] = [(amount < end, number) for number, end in enumerate(ends)]
    return ibis.cases(*branches, else_=len(ends)).cast("int64")


def named(numbers: pd.Series, ends: Sequence[float]) -> pd.DataFrame:
    """Return ``low`` and ``high`` of each numbered class; the first begins at 0."""
    import pandas as pd

    lows = [0.0, *ends]
    highs = [*ends, math.inf]
    return pd.DataFrame(
        {"low": [lows[number] for number in numbers], "high": [highs[number] for number in numbers]},
        index=numbers.index,
    )
