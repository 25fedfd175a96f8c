"""From a panel's columns to the terms of a model.

A panel has one price and one promotion column per alternative. Whether a customer buys at all depends on their average
more often than on each: this transformer says which, by name, and travels with the fitted model, so that the
saved pipeline takes the panel as it is.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from typing import ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.api import types

from .errors import IncidenceWarning
from .named_terms import NamedTerms, columns_behind
from .names import BY, is_price

Floats = NDArray[np.float64]

MEAN, ANY = "mean_", "any_"
SEASON, WEEK = "season", "week_of_year"
SHARES = "loyalty"
"""Shares sum to one: the first is what the others are compared with."""
FILLED = ("price_", "promotion_")
"""What every row has: a missing one is a mistake, and no step's to fill."""
HARMONICS = 2
WEEKS_OF_YEAR = 365.25 / 7
_LEVEL = re.compile(r"\[.*?\](?=:|$)")
KNOWN = ("mean_price", "mean_promotion", "price", "promotion", SHARES, SEASON)


def columns_of(term: str, columns: Iterable[str]) -> list[str]:
    """The panel's columns that ``term`` is made of; empty where there are none, or none for one of its factors."""
    return columns_behind(term, columns, _behind)


def _behind(part: str, columns: Sequence[str]) -> list[str]:
    if part in columns:
        return [part]
    if part == SEASON:
        return [WEEK] if WEEK in columns else []
    if part.startswith(ANY) and part.removeprefix(ANY) in columns:
        return [part.removeprefix(ANY)]
    return [name for name in columns if name.startswith(f"{part.removeprefix(MEAN)}_")]


def is_made(name: str, terms: Iterable[str], columns: Iterable[str]) -> bool:
    """Whether one of ``terms`` could be, or become, a column of this name: ``price_acme``, ``segment[north]``."""
    have, factors = list(columns), _LEVEL.sub("", name).split(BY)
    return any(
        len(parts := term.split(BY)) == len(factors)
        and all(mine == one or _becomes(one, mine, have) for one, mine in zip(parts, factors, strict=True))
        for term in terms
    )


def _becomes(part: str, name: str, have: Sequence[str]) -> bool:
    """Whether a factor of several columns has one of this name."""
    if part in have or part.startswith((MEAN, ANY)):
        return False
    return name in _behind(part, have) or (f"{part}_*" in have and name.startswith(f"{part}_"))


def instead(terms: Iterable[str], without: Collection[str], columns: Iterable[str]) -> list[list[str]]:
    """Return terms that do not become the columns ``without``: written out, and as means; each with a price at least.

    A term of several columns is written as those of them that stay, or as their mean. Any other one goes as a whole.
    """
    have = list(columns)
    found: list[list[str]] = []
    for as_means in (False, True):
        kept: list[str] = []
        for term in terms:
            if not any(is_made(one, [term], have) for one in without):
                kept.append(term)
            elif BY not in term and term not in have and not term.startswith((MEAN, ANY)) and term != SEASON:
                means = as_means and term != SHARES
                kept += [f"{MEAN}{term}"] if means else [one for one in _behind(term, have) if one not in without]
        kept = list(dict.fromkeys(kept))
        if any(is_price(term) for term in kept) and kept not in found:
            found.append(kept)
    return found


def is_category(name: str, column: pd.Series) -> bool:
    """Whether a column is one of categories: words, truth values, or the codes of brands."""
    return name.lower().endswith("brand") or types.is_bool_dtype(column) or not types.is_numeric_dtype(column)


class PanelTerms(NamedTerms):
    """Build the terms of a model from the columns of a panel; `NamedTerms` says what is kept of them.

    Parameters
    ----------
    terms : sequence of str
        ``mean_price``, ``mean_promotion`` …: the mean over alternatives of columns ``price_<alternative>`` …
        ``price``, ``promotion``, ``display``, ``segment`` …: one term per such column. ``loyalty``: the same but for
        the first, because shares sum to one.
        ``season``: the first two pairs of sine and cosine of the year, from ``week_of_year``: a smooth swing, which
        prices that change weekly still stand out from, as they would not from a constant per week.
        ``any_<column>``: 1 where the column is above 0.
        A column of words, or of a brand's codes: a constant for each level but the most frequent one.
        ``mean_price:segment``: their products, for each level where no other term holds the mean price. Anything else:
        the numeric column of that name, whose missing values are left to the next step.

    Raises
    ------
    ValueError
        A term that has no column, a column that is absent or not numeric, or a missing price or promotion.
    """

    warning: ClassVar[type[Warning]] = IncidenceWarning

    def __init__(self, terms: Sequence[str] = ("mean_price", "mean_promotion")) -> None:
        self.terms = terms

    behind = staticmethod(_behind)
    is_category = staticmethod(is_category)

    @staticmethod
    def refused(told: str, remedy: str, names: Sequence[str]) -> ValueError:
        """Return a plain error."""
        return ValueError(f"{told}; {remedy}")

    def named(self, part: str) -> list[str]:
        """Return the columns of an attribute of alternatives, the waves of a season, or the part itself."""
        columns = _behind(part, list(self.feature_names_in_))
        if part == SEASON and columns == [WEEK]:
            return [f"{SEASON}[{wave} {k}]" for k in range(1, HARMONICS + 1) for wave in ("sin", "cos")]
        if part in columns or part.startswith((MEAN, ANY)):
            return [part]
        return columns[1:] if part == SHARES else columns

    def made(self, X: pd.DataFrame, part: str) -> dict[str, Floats]:
        """Return them."""
        columns = _behind(part, list(self.feature_names_in_))
        values = {name: _numbers(X[name]) for name in columns}
        for name, column in values.items():
            if name.startswith(FILLED) and np.isnan(column).any():
                raise ValueError(f"column {name!r} has {int(np.isnan(column).sum())} missing values")
        names = self.named(part)
        if part == SEASON and columns == [WEEK]:
            return dict(zip(names, _waves(values[WEEK]), strict=True))
        if part not in columns and part.startswith(ANY):
            (column,) = values.values()
            return {part: np.where(np.isnan(column), np.nan, column > 0)}
        if part not in columns and part.startswith(MEAN):
            return {part: np.mean(list(values.values()), axis=0)}
        return {name: values[name] for name in names}


def _waves(week: Floats) -> list[Floats]:
    angle = 2 * np.pi * (week - 1) / WEEKS_OF_YEAR
    return [wave(k * angle) for k in range(1, HARMONICS + 1) for wave in (np.sin, np.cos)]


def _numbers(column: pd.Series) -> Floats:
    try:
        return column.to_numpy(dtype=np.float64, na_value=np.nan)
    except (TypeError, ValueError) as error:
        raise ValueError(f"column {column.name!r} is not numeric ({column.dtype})") from error
