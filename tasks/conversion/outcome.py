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


def untold(outcome: pd.Series, positive: str | None, key: str) -> Iterator[Problem]:
    """Yield why it is not known of every row whether it converted, of any part: a row of which it is not is no 0."""
    missing = int(outcome.isna().sum())
    if missing:
        yield Problem(key, f"{missing:,} missing values", remedy="drop these rows, or fill them")
        return
    named = sorted(level(value) for value in pd.unique(outcome))
    odd = [name for name in named if name.lower() not in (*_YES, *_NO)]
    if positive is None and odd:
        remedy = f"name the value that stands for a conversion, as in task.positive={odd[0]}"
        yield Problem(key, "0 or 1, yes or no, true or false", odd[0], remedy)


def unusable(outcome: pd.Series, positive: str | None, key: str) -> Iterator[Problem]:
    """Yield why an outcome tells no two classes apart, or too few of one."""
    found = list(untold(outcome, positive, key))
    if found:
        yield from found
        return
    named = [level(value) for value in pd.unique(outcome)]
    if positive is not None and positive not in named:
        yield Problem("task.positive", f"no value of {key}", positive, f"one of: {', '.join(sorted(named)[:12])}")
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
    yield from infinite(frame, inputs)
    for name in inputs:
        column = frame[name]
        leave_out = _leave_out(name)
        if not is_number(column) and not is_date(column):
            yield from _numbers_but_for_a_few(column, leave_out)
        if is_copy(column, converted):
            told = "says exactly what the outcome says: it is the outcome under another name"
            yield Problem(f"customers.{name}", told, remedy=leave_out)


def infinite(frame: pd.DataFrame, inputs: Sequence[str]) -> Iterator[Problem]:
    """Yield numbers that are infinite, of any part."""
    for name in (one for one in inputs if is_number(frame[one])):
        many = int(np.isinf(frame[name].to_numpy(dtype=np.float64, na_value=np.nan)).sum())
        if many:
            told = f"{many:,} of its {len(frame):,} values are infinite"
            yield Problem(f"customers.{name}", told, remedy=f"make them missing in the source, or {_leave_out(name)}")


def odd_texts(frame: pd.DataFrame, learned: pd.DataFrame) -> Iterator[Problem]:
    """Yield columns of ``frame`` that are numbers but for a few texts, where training had numbers alone."""
    for name in learned:
        if types.is_string_dtype(frame[name]) and types.is_string_dtype(learned[name]) and _all_numbers(learned[name]):
            yield from _numbers_but_for_a_few(frame[name], _leave_out(str(name)))


def _all_numbers(column: pd.Series) -> bool:
    return bool(pd.to_numeric(column.dropna(), errors="coerce").notna().all())


def _leave_out(name: str) -> str:
    return f"leave it out: features.exclude=[{name}]"


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
