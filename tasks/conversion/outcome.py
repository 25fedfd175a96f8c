"""The outcome as 0 and 1, whatever it is written as, and what keeps rows from being learned from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.api import types

from cxai_runner.config.problems import Problem
from cxai_runner.methods.conversion.leakage import is_copy
from cxai_runner.methods.conversion.preparation import is_date, is_number
from cxai_runner.methods.levels import level

FEWEST: Final = 10
"""Rows of either outcome below which nothing is learned."""
_YES: Final = ("1", "yes", "y", "true", "t", "converted")
_NO: Final = ("0", "no", "n", "false", "f", "not converted")
_FEW: Final = 0.05
"""The share of odd values up to which a column of texts is one of numbers that somebody has to mend."""


def as_zero_or_one(outcome: pd.Series, positive: str | None) -> NDArray[np.int64]:
    """Return whether each row converted, shape (n,); what cannot be told counts as not.

    Parameters
    ----------
    outcome
        Numbers, texts, or yes and no.
    positive
        The value that stands for a conversion; None where it says so itself.
    """
    codes, values = pd.factorize(outcome, use_na_sentinel=False)
    yes = [_is_yes(value, positive) for value in values]
    return np.asarray(yes, dtype=np.int64)[codes]


def unusable(outcome: pd.Series, positive: str | None, key: str) -> Iterator[Problem]:
    """Yield why an outcome tells no two classes apart, or too few of one."""
    missing = int(outcome.isna().sum())
    if missing:
        yield Problem(key, f"{missing:,} missing values", remedy="drop these rows, or fill them")
        return
    named = [level(value) for value in pd.unique(outcome)]
    if positive is not None and positive not in named:
        yield Problem("task.positive", f"no value of {key}", positive, f"one of: {', '.join(sorted(named)[:12])}")
        return
    if positive is None and not all(name.lower() in (*_YES, *_NO) for name in named):
        odd = next(name for name in sorted(named) if name.lower() not in (*_YES, *_NO))
        remedy = f"name the value that stands for a conversion, as in task.positive={odd}"
        yield Problem(key, "0 or 1, yes or no, true or false", odd, remedy)
        return
    converted = as_zero_or_one(outcome, positive)
    ones, zeros = int(converted.sum()), int((1 - converted).sum())
    if not ones or not zeros:
        remedy = "take a longer window, or other customers: both kinds are needed"
        yield Problem(key, "one value only: nothing tells a conversion from none", named[0], remedy)
    elif min(ones, zeros) < FEWEST:
        rare = f"{ones:,} conversions" if ones < zeros else f"{zeros:,} customers without a conversion"
        told = f"only {rare} among {len(outcome):,} training rows: at least {FEWEST} are needed to learn from"
        yield Problem(key, told, remedy="take a longer window, or more customers")


def unusable_inputs(frame: pd.DataFrame, inputs: Sequence[str], converted: NDArray[np.int64]) -> Iterator[Problem]:
    """Yield inputs that cannot be what they seem: infinite, numbers but for a few texts, or the outcome again."""
    for name in inputs:
        column = frame[name]
        leave_out = f"leave it out: features.exclude=[{name}]"
        if is_number(column):
            infinite = int(np.isinf(column.to_numpy(dtype=np.float64, na_value=np.nan)).sum())
            if infinite:
                told = f"{infinite:,} of its {len(column):,} values are infinite"
                yield Problem(f"customers.{name}", told, remedy=f"make them missing in the source, or {leave_out}")
        elif not is_date(column):
            yield from _numbers_but_for_a_few(column, leave_out)
        if is_copy(column, converted):
            told = "says exactly what the outcome says: it is the outcome under another name"
            yield Problem(f"customers.{name}", told, remedy=leave_out)


def _numbers_but_for_a_few(column: pd.Series, leave_out: str) -> Iterator[Problem]:
    known = column.dropna()
    if known.empty or not types.is_string_dtype(known.astype(object).map(str)):
        return
    texts = known.astype(str)
    odd = texts[pd.to_numeric(texts, errors="coerce").isna()]
    if 0 < len(odd) <= _FEW * len(known):
        told = f"{len(odd):,} of its {len(known):,} values are no numbers, such as `{odd.iloc[0]}`, and all others are"
        remedy = f"say in data what stands for a missing value (nulls), mend the rows, or {leave_out}"
        yield Problem(f"customers.{column.name}", told, remedy=remedy)


def _is_yes(value: object, positive: str | None) -> bool:
    name = level(value)
    return name == positive if positive is not None else name.lower() in _YES
