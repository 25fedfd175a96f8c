"""What the values of a column of categories are called, and how a column is divided where it has too many."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.api import types

MISSING = "missing"


def level(value: object) -> str:
    """Name a brand or another category: 3, 3.0 and ``"3"`` are one."""
    if value is None or value is pd.NA or (isinstance(value, float) and np.isnan(value)):
        return MISSING
    if isinstance(value, float | np.floating) and float(value).is_integer():
        return str(int(value))
    return str(value)


def levels(column: pd.Series) -> pd.Series:
    """Name the category of every row."""
    codes, values = pd.factorize(column, use_na_sentinel=False)
    return pd.Series(np.asarray([level(value) for value in values], dtype=object)[codes], index=column.index)


def never_met(name: str, values: NDArray[np.object_]) -> str:
    """Say which levels of a column training never had, and on how many rows they are."""
    met, rows = pd.unique(values), "1 row" if len(values) == 1 else f"{len(values):,} rows"
    if len(met) == 1:
        return f"{name} is {met[0]} on {rows}, and never was in training: they are given the average of its levels"
    told = f"{name} has {len(met):,} values on {rows}, such as {met[0]}, that never were in training"
    return f"{told}: they are given the average of its levels"


def ranked(named: pd.Series) -> pd.Series:
    """Count the rows of every category, the most frequent first, by name where there are as many."""
    count = named.value_counts()
    return count.sort_index(key=lambda index: index.map(str)).sort_values(ascending=False, kind="stable")


def divided(column: pd.Series, most: int) -> tuple[pd.Series, bool]:
    """Name the group of every row, and say whether numbers were divided into ranges.

    Numbers of more than ``most`` different values are divided at their quartiles, or where most rows have one value at
    those of the different values; what is missing is a group.
    """
    numeric = types.is_numeric_dtype(column) and not types.is_bool_dtype(column)
    if not numeric or column.nunique() <= most:
        return levels(column), False
    values = column.astype("float64")
    quarters = [0, 0.25, 0.5, 0.75, 1]
    edges = np.unique(np.nanquantile(values, quarters))
    if len(edges) < len(quarters) - 1:  # most rows have one value: divide the values, not the rows
        edges = np.unique(np.nanquantile(values.unique(), quarters))
    ends = _told_apart(edges)
    labels = [f"{'from' if i == 0 else 'above'} {low} to {high}" for i, (low, high) in enumerate(pairwise(ends))]
    place = np.clip(np.searchsorted(edges, values.to_numpy()) - 1, 0, len(labels) - 1)
    named = pd.Series(np.asarray(labels, dtype=object)[place], index=column.index)
    return named.where(column.notna(), MISSING), True


def _told_apart(edges: NDArray[np.float64]) -> list[str]:
    """Write the ends of ranges in three digits, or in as many as tell them from each other."""
    for digits in range(3, 17):
        texts = [_short(float(edge), digits) for edge in edges]
        if len(set(texts)) == len(texts):
            break
    return texts


def _short(value: float, digits: int) -> str:
    """All digits before the point, and after it as many as are left."""
    before = math.floor(math.log10(abs(value))) + 1 if value else 1
    text = f"{value:,.{max(digits - before, 0)}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
