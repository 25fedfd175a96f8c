"""Which prices moved together: where two always rise and fall at once, data tell little of what either does alone."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

TOGETHER = 0.95
"""Correlation of two brands' prices above which the data hardly tell them apart."""


def moved_together(prices: pd.DataFrame) -> Iterator[tuple[str, str, float]]:
    """Yield pairs of columns and their correlation, where it is above `TOGETHER`; a column that never moves has none.

    Parameters
    ----------
    prices
        A column for each brand; the later of a pair is named first.
    """
    values = prices.fillna(prices.mean()).to_numpy(dtype=np.float64)
    moving = np.flatnonzero(np.ptp(values, axis=0) > 0)
    correlation = np.atleast_2d(np.corrcoef(values[:, moving], rowvar=False))
    for place, i in enumerate(moving.tolist()):
        for before, j in enumerate(moving[:place].tolist()):
            if correlation[place, before] > TOGETHER:
                yield str(prices.columns[i]), str(prices.columns[j]), float(correlation[place, before])
