"""From a panel's columns to the terms of a quantity model: what the brand that was bought cost, and what else is asked.

A panel has a column per alternative for price, promotion and the like; what moves the quantity of a purchase is that
of the brand chosen. This transformer finds it, row by row, and travels with the fitted model, so that the saved
pipeline takes the panel as it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.api import types

from cxai_runner.methods.levels import level, levels
from cxai_runner.methods.named_terms import NamedTerms, columns_behind

from .errors import QuantityError, QuantityWarning

Floats = NDArray[np.float64]

BRAND = "brand"
LOGGED = "log_"


def behind(term: str, columns: Iterable[str]) -> list[str]:
    """Return the columns that a term is made of; none where one of its parts has no column."""
    return columns_behind(term, columns, _columns)


def _columns(part: str, columns: Sequence[str]) -> list[str]:
    if part in columns:
        return [part]
    stem = part.removeprefix(LOGGED)
    if stem in columns:
        return [stem]
    found = [name for name in columns if name.startswith(f"{stem}_")]
    return [*found, BRAND] if found else []


def of_chosen(frame: pd.DataFrame, prefix: str) -> Floats:
    """Return what ``prefix_<alternative>`` says of the brand of each row, shape (n,); NaN where it says nothing."""
    brands = levels(frame[BRAND]).to_numpy()
    values = np.full(len(frame), np.nan)
    for name in frame.columns:
        if str(name).startswith(f"{prefix}_"):
            mine = brands == str(name).removeprefix(f"{prefix}_")
            if mine.any():
                values[mine] = _numbers(frame[name])[mine]
    return values


def with_chosen(frame: pd.DataFrame, prefix: str, values: Floats | float) -> pd.DataFrame:
    """Return the frame with ``prefix_<alternative>`` of each row's own brand set to ``values``."""
    brands = levels(frame[BRAND]).to_numpy()
    given = np.broadcast_to(np.asarray(values, dtype=np.float64), len(frame))
    changed = {}
    for name in frame.columns:
        if str(name).startswith(f"{prefix}_"):
            mine = brands == str(name).removeprefix(f"{prefix}_")
            if mine.any():
                changed[name] = np.where(mine, given, _numbers(frame[name]))
    return frame.assign(**changed)


class ChosenTerms(NamedTerms):
    """Build the terms of a quantity model from the columns of a panel; `NamedTerms` says what is kept of them.

    Parameters
    ----------
    terms : sequence of str
        ``price``, ``promotion``, ``loyalty`` …: where columns ``price_<alternative>`` are, that of the brand bought.
        ``log_price``: its logarithm. ``brand``, or any other column of categories: a constant for each level but the
        most frequent one. ``price:segment``: their products, a slope more for each level; a slope for each where no
        other term holds the price. Anything else: the numeric column of that name, whose missing values are left to
        the next step.

    Raises
    ------
    QuantityError
        A term that has no column, a column that is absent, or a brand without a price.
    """

    warning: ClassVar[type[Warning]] = QuantityWarning

    def __init__(self, terms: Sequence[str] = ("price", "promotion")) -> None:
        self.terms = terms

    behind = staticmethod(_columns)

    @staticmethod
    def is_category(name: str, column: pd.Series) -> bool:
        """Say whether a column is that of the brand, or one of words."""
        return name == BRAND or not (types.is_numeric_dtype(column) or types.is_bool_dtype(column))

    @staticmethod
    def refused(told: str, remedy: str, names: Sequence[str]) -> ValueError:
        """Return an error with its parts."""
        return QuantityError(told, remedy, tuple(names))

    def named(self, part: str) -> list[str]:
        """Return the part itself."""
        return [part]

    def made(self, X: pd.DataFrame, part: str) -> dict[str, Floats]:
        """Return what the column says, or those of the alternatives of the brand bought, or its logarithm."""
        if part in self.feature_names_in_:
            return {part: _numbers(X[part])}
        stem = part.removeprefix(LOGGED)
        whose = stem in self.feature_names_in_
        values = _numbers(X[stem]) if whose else of_chosen(X[list(self.feature_names_in_)], stem)
        if not whose and np.isnan(values).any():
            brand = level(X[BRAND].to_numpy()[np.isnan(values)][0])
            told = f"no {stem} of the brand {brand} on {int(np.isnan(values).sum())} rows"
            raise QuantityError(told, f"give each brand a column {stem}_<brand>, filled on every row", (stem,))
        if not part.startswith(LOGGED):
            return {part: values}
        if not (values > 0).all():
            raise QuantityError(f"a {stem} of zero or less has no logarithm", f"use the term {stem}", (part,))
        return {part: np.log(values)}


def _numbers(column: pd.Series) -> Floats:
    return column.to_numpy(dtype=np.float64, na_value=np.nan)
