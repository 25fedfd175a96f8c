"""What is known of customers beyond what they buy: every column that describes them, what is missing, what is odd."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd

from cxai_runner.evaluation.results import Content, Figure, Finding, Table
from cxai_runner.evaluation.wording import share

_MOST_VALUES = 12
_FAR = 3.0


def said(frame: pd.DataFrame, described: Sequence[str]) -> Iterator[Content]:
    """Yield a summary of numbers and of texts, how numbers go together, and what is missing or odd."""
    columns = [name for name in described if name in frame]
    if not columns:
        return
    numbers = [
        name
        for name in columns
        if pd.api.types.is_numeric_dtype(frame[name]) and not pd.api.types.is_bool_dtype(frame[name])
    ]
    if numbers:
        yield Table(
            "numbers",
            "Columns that are numbers",
            _numbers(frame[numbers]),
            "`far` counts values more than three quartile ranges outside the quartiles.",
        )
    values = _values(frame, columns)
    if len(values):
        yield Table(
            "values", "Columns of few values", values, "Customers by value; what is missing is counted too.", 60
        )
    varied = [name for name in numbers if frame[name].nunique() > 1]
    if len(varied) > 2:
        related = frame[varied].corr(method="spearman").rename_axis("row").reset_index()
        long = related.melt("row", var_name="column", value_name="correlation")
        yield Figure(
            "correlations",
            "How the columns go together",
            long,
            "heatmap",
            "column",
            "row",
            "Rank correlations (Spearman).",
            fill="correlation",
            x_label=" ",
            y_label=" ",
        )
    yield from _odd(frame, columns, numbers)


def _numbers(frame: pd.DataFrame) -> pd.DataFrame:
    low, middle, high = (frame.quantile(at) for at in (0.25, 0.5, 0.75))
    far = _FAR * (high - low)
    return pd.DataFrame(
        {
            "column": frame.columns,
            "missing": frame.isna().sum().to_numpy(),
            "values": frame.nunique().to_numpy(),
            "least": frame.min().to_numpy(dtype=float),
            "25_%": low.to_numpy(dtype=float),
            "median": middle.to_numpy(dtype=float),
            "mean": frame.mean().to_numpy(dtype=float),
            "75_%": high.to_numpy(dtype=float),
            "most": frame.max().to_numpy(dtype=float),
            "far": ((frame < low - far) | (frame > high + far)).sum().to_numpy() * (far > 0).to_numpy(),
        }
    )


def _values(frame: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
    rows = []
    for name in columns:
        if frame[name].nunique() > _MOST_VALUES:
            continue
        counts = frame[name].astype(object).where(frame[name].notna(), "missing").astype(str).value_counts()
        for value in sorted(counts.index, key=lambda one: (one == "missing", -counts[one], one)):
            rows.append((name, value, int(counts[value]), counts[value] / len(frame)))
    return pd.DataFrame(rows, columns=["column", "value", "customers", "share"])


def _odd(frame: pd.DataFrame, columns: Sequence[str], numbers: Sequence[str]) -> Iterator[Content]:
    gone = frame[columns].isna().mean()
    lacking = gone[gone > 0].sort_values(ascending=False)
    if len(lacking):
        worst = ", ".join(f"{name} ({share(float(part))})" for name, part in lacking.head(3).items())
        yield Finding(f"{len(lacking)} of {len(columns)} columns lack values, most of all {worst}.")
    one = [name for name in columns if frame[name].nunique() <= 1]
    if one:
        yield Finding(f"The same for all customers, and so of no use: {', '.join(one)}.")
    infinite = [name for name in numbers if np.isinf(frame[name].astype(float)).any()]
    if infinite:
        yield Finding(f"Infinite values in {', '.join(infinite)}.")
