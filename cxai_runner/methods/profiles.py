"""What sets segments apart, in numbers and in a few words.

Works on the columns as they were before any transformation, because that is what a reader knows.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

# A column sets a segment apart when their means differ by at least so many standard deviations.
APART = 0.5


def profile(frame: pd.DataFrame, segment: pd.Series) -> pd.DataFrame:
    """Return the mean of every column per segment.

    Parameters
    ----------
    frame
        Numeric columns, one row per customer; missing values are left out of the means.
    segment
        Their segments, in the same order.

    Returns
    -------
    DataFrame
        ``segment``, ``column``, ``mean``, ``overall_mean`` and ``standardised``: the difference of the two in standard
        deviations of all customers.
    """
    values = frame.astype(np.float64).reset_index(drop=True)
    means = values.groupby(segment.to_numpy()).mean()
    overall, spread = values.mean(), values.std(ddof=0)
    long = means.rename_axis("segment").reset_index().melt("segment", var_name="column", value_name="mean")
    long["overall_mean"] = long["column"].map(overall)
    long["standardised"] = (long["mean"] - long["overall_mean"]) / long["column"].map(spread)
    return long.sort_values("segment", kind="stable", ignore_index=True)


def segment_names(table: pd.DataFrame, most: int = 2) -> dict[int, str]:
    """Name every segment of a `profile` by the columns that set it furthest apart: ``high frequency, low recency``.

    Names are unique: where two would be equal, further columns are named, then the number.
    """
    ranked = {int(k): _parts(table[table["segment"] == k]) for k in table["segment"].unique()}
    named: dict[int, str] = {}
    for k, parts in ranked.items():
        length = most
        name = ", ".join(parts[:length]) or "close to the average"
        while name in named.values() and length < len(parts):
            length += 1
            name = ", ".join(parts[:length])
        named[k] = f"{name} ({k})" if name in named.values() else name
    return named


def _parts(rows: pd.DataFrame) -> list[str]:
    apart = rows[rows["standardised"].abs() >= APART]
    ordered = apart.reindex(apart["standardised"].abs().sort_values(ascending=False, kind="stable").index)
    return [
        f"{'high' if value > 0 else 'low'} {str(column).replace('_', ' ').lower()}"
        for column, value in zip(ordered["column"], ordered["standardised"], strict=True)
    ]


def compose(frame: pd.DataFrame, segment: pd.Series, most: int = 12) -> pd.DataFrame:
    """Return how the customers of every segment divide by the values of each column; missing values are a value.

    Parameters
    ----------
    frame
        Any columns; numbers of more than ``most`` different values are divided at their quartiles, and of other
        columns the ``most`` most frequent values are kept, the rest counted together.
    segment
        The segments of the rows, in the same order.

    Returns
    -------
    DataFrame
        ``column``, ``value``, ``segment``, ``customers``, and ``share`` of the segment's customers.
    """
    parts = []
    for column in frame.columns:
        value = _values(frame[column].reset_index(drop=True), most)
        counts = pd.crosstab(value, segment.to_numpy()).rename_axis("value").reset_index()
        long = counts.melt("value", var_name="segment", value_name="customers")
        long["share"] = long["customers"] / long.groupby("segment")["customers"].transform("sum")
        long.insert(0, "column", column)
        parts.append(long)
    return pd.concat(parts, ignore_index=True)


def _values(column: pd.Series, most: int) -> pd.Series:
    if column.nunique() > most and pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column):
        endless = column.isin([float("inf"), float("-inf")])
        text = pd.qcut(column.mask(endless), 4, duplicates="drop").astype("object").mask(endless, "(infinite)")
    else:
        frequent = column.value_counts().index[:most]
        text = column.astype("object").where(column.isin(frequent) | column.isna(), "(other)")
    return text.where(column.notna(), "(missing)").map(str)
