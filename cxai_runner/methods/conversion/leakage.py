"""Columns that may be known only after the outcome: what one column alone tells too well, and what names hint at.

No rule can know when a value was written. A column that alone ranks customers nearly as well as all of them together,
or nearly perfectly, has to be explained by whoever knows the data, and so has one whose name speaks of what follows.
"""

from __future__ import annotations

import re
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import rankdata

from cxai_runner.methods.conversion.preparation import as_numbers, is_date, is_number

ALONE: Final = 0.85
"""ROC AUC of one column alone that asks for an explanation."""
HINTS: Final = (
    "after", "cancel", "churn", "closed", "complet", "convert", "ended", "exit", "outcome", "refund", "resolved",
    "respon", "result", "returned", "terminat",
)  # fmt: skip
"""Parts of names of what is often written once an outcome is known."""


def single_column_auc(column: pd.Series, outcome: NDArray[np.int64]) -> float:
    """Return how well one column alone ranks conversions above others, from .5 to 1.

    Numbers and dates rank by their values or their reverse, missing ones apart by whether they are; texts by the share
    of conversions of their level in the other half of the rows, so that a level of one row tells nothing.

    Parameters
    ----------
    column, outcome
        Shape (n,).
    """
    if is_number(column) or is_date(column):
        numbers = as_numbers(column)
        missing = np.isnan(numbers)
        found = [_auc(missing.astype(float), outcome)]
        there = ~missing
        if 0 < outcome[there].sum() < there.sum():
            found.append(_auc(numbers[there], outcome[there]))
        return max(max(one, 1 - one) for one in found)
    codes, values = pd.factorize(column, use_na_sentinel=False)
    half, share = np.arange(len(codes)) % 2 == 0, outcome.mean()
    found = []
    for mine in (half, ~half):
        rows, ones = (np.bincount(codes[~mine], weights, len(values)) for weights in (None, outcome[~mine]))
        found.append(_auc(((ones + share) / (rows + 1))[codes[mine]], outcome[mine]))
    return max(0.5, float(np.mean(found)))


def hinted(name: str) -> str:
    """Return the part of a column's name that speaks of what follows an outcome; empty where none does."""
    plain = re.sub(r"[^a-z0-9]+", "_", re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower())
    return next((hint.strip("_") for hint in HINTS if hint in plain), "")


def suspects(inputs: pd.DataFrame, outcome: NDArray[np.int64]) -> pd.DataFrame:
    """Return every column with what it tells alone, the highest first.

    Returns
    -------
    DataFrame
        ``column``, ``roc_auc``, ``copy`` (whether its values and the outcome are one and the same), ``hint``.
    """
    rows = [
        {
            "column": str(name),
            "roc_auc": single_column_auc(inputs[name], outcome),
            "copy": is_copy(inputs[name], outcome),
            "hint": hinted(str(name)),
        }
        for name in inputs
    ]
    return pd.DataFrame(rows).sort_values("roc_auc", ascending=False, kind="stable", ignore_index=True)


def is_copy(column: pd.Series, outcome: NDArray[np.int64]) -> bool:
    """Whether a column has one value for every conversion and another for all else."""
    codes, values = pd.factorize(column, use_na_sentinel=False)
    return len(values) == 2 and len(np.unique(codes[outcome == 1])) == len(np.unique(codes[outcome == 0])) == 1


def _auc(score: NDArray[np.float64], outcome: NDArray[np.int64]) -> float:
    ones = int(outcome.sum())
    zeros = len(outcome) - ones
    if not ones or not zeros:
        return 0.5
    ranks = rankdata(score)
    return float((ranks[outcome == 1].sum() - ones * (ones + 1) / 2) / (ones * zeros))
