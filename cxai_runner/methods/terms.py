"""From a panel's columns to the terms of a model.

A panel has one price and one promotion column per alternative. Whether a customer buys at all depends on their average
more often than on each: this transformer says which, by name, and travels with the fitted model, so that the
saved pipeline takes the panel as it is.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Collection, Iterable, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.api import types
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted

from .errors import IncidenceWarning
from .levels import levels, never_met, ranked
from .names import BY, is_price
from .products import of_every_level

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
    have = list(columns)
    found: list[str] = []
    for part in term.split(BY):
        mine = _behind(part, have)
        if not mine:
            return []
        found += mine
    return list(dict.fromkeys(found))


def _behind(part: str, have: Sequence[str]) -> list[str]:
    if part in have:
        return [part]
    if part == SEASON:
        return [WEEK] if WEEK in have else []
    if part.startswith(ANY) and part.removeprefix(ANY) in have:
        return [part.removeprefix(ANY)]
    return [name for name in have if name.startswith(f"{part.removeprefix(MEAN)}_")]


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


class PanelTerms(TransformerMixin, BaseEstimator):
    """Build the terms of a model from the columns of a panel.

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

    Attributes
    ----------
    columns_ : dict of str to list of str
        The columns behind every term.
    levels_ : dict of str to list of str
        The levels of every column of categories, the most frequent first: the others are compared with it.
    full_ : set of str
        The products that have a column for the most frequent level too.
    feature_names_in_ : ndarray of str
        The columns that are read; a frame may hold others, in any order.

    Raises
    ------
    TypeError
        The input is not a pandas frame: terms are found by name.
    ValueError
        A term that has no column, a column that is absent or not numeric, or a missing price or promotion.
    """

    def __init__(self, terms: Sequence[str] = ("mean_price", "mean_promotion")) -> None:
        self.terms = terms

    def fit(self, X: pd.DataFrame, y: object = None) -> PanelTerms:
        """Find the columns of every term, and the levels of those of categories."""
        names = [str(name) for name in _frame(X).columns]
        self.columns_ = {term: columns_of(term, names) for term in self.terms}
        for term, columns in self.columns_.items():
            if not columns:
                raise ValueError(f"term {term!r} has no column among {', '.join(map(str, names))}")
        read = dict.fromkeys(name for columns in self.columns_.values() for name in columns)
        self.feature_names_in_ = np.asarray(list(read), dtype=object)
        self.n_features_in_ = len(read)
        self.levels_, self.shares_ = {}, {}
        for part in dict.fromkeys(part for term in self.terms for part in term.split(BY)):
            if part in names and is_category(part, X[part]):
                count = ranked(levels(X[part]))
                self.levels_[part] = [str(one) for one in count.index]
                self.shares_[part] = [float(one) for one in count / count.sum()]
        self.full_ = of_every_level(self.terms, self.levels_.__contains__, lambda part: _behind(part, names))
        return self

    def transform(self, X: pd.DataFrame) -> pd.DataFrame:
        """Return one column per term or level, index as given.

        A level that was not met in `fit` is given the shares of those that were, with a warning.
        """
        check_is_fitted(self)
        absent = [name for name in self.feature_names_in_ if name not in _frame(X).columns]
        if absent:
            raise ValueError(f"columns missing: {', '.join(absent)}")
        parts = {part: self._part(X, part) for part in self._parts()}
        made: dict[str, Floats] = {}
        for term in self.terms:
            product: dict[str, Floats] = {}
            for part in term.split(BY):
                mine = {name: parts[part][name] for name in self._named(part, full=term in self.full_)}
                product = _times(product, mine) if product else mine
            made.update(product)
        return pd.DataFrame(made, index=X.index)

    def get_feature_names_out(self, input_features: object = None) -> NDArray[np.object_]:
        """Return the names of the terms."""
        check_is_fitted(self)
        names: list[str] = []
        for term in self.terms:
            product = [""]
            for part in term.split(BY):
                mine = self._named(part, full=term in self.full_)
                product = [f"{left}{BY}{right}" if left else right for left in product for right in mine]
            names += product
        return np.asarray(list(dict.fromkeys(names)), dtype=object)

    def _parts(self) -> list[str]:
        return list(dict.fromkeys(part for term in self.terms for part in term.split(BY)))

    def _named(self, part: str, *, full: bool = False) -> list[str]:
        """What the columns are called that a factor of a term becomes."""
        if part in self.levels_:
            return [f"{part}[{one}]" for one in self.levels_[part][0 if full else 1 :]]
        columns = _behind(part, list(self.feature_names_in_))
        if part == SEASON and columns == [WEEK]:
            return [f"{SEASON}[{wave} {k}]" for k in range(1, HARMONICS + 1) for wave in ("sin", "cos")]
        if part in columns or part.startswith((MEAN, ANY)):
            return [part]
        return columns[1:] if part == SHARES else columns

    def _part(self, X: pd.DataFrame, part: str) -> dict[str, Floats]:
        if part in self.levels_:
            return self._constants(X[part], part)
        columns = _behind(part, list(self.feature_names_in_))
        values = {name: _numbers(X[name]) for name in columns}
        for name, column in values.items():
            if name.startswith(FILLED) and np.isnan(column).any():
                raise ValueError(f"column {name!r} has {int(np.isnan(column).sum())} missing values")
        names = self._named(part)
        if part == SEASON and columns == [WEEK]:
            return dict(zip(names, _waves(values[WEEK]), strict=True))
        if part not in columns and part.startswith(ANY):
            (column,) = values.values()
            return {part: np.where(np.isnan(column), np.nan, column > 0)}
        if part not in columns and part.startswith(MEAN):
            return {part: np.mean(list(values.values()), axis=0)}
        return {name: values[name] for name in names}

    def _constants(self, column: pd.Series, part: str) -> dict[str, Floats]:
        named = levels(column).to_numpy()
        known = self.levels_[part]
        unknown = ~np.isin(named, known)
        if unknown.any():
            warnings.warn(never_met(part, named[unknown]), IncidenceWarning, stacklevel=2)
        return {
            f"{part}[{one}]": np.where(unknown, share, (named == one).astype(np.float64))
            for one, share in zip(known, self.shares_[part], strict=True)
        }

    def __sklearn_tags__(self) -> Tags:
        """Say that missing values and words are taken."""
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.string = True
        return tags


def _times(left: dict[str, Floats], right: dict[str, Floats]) -> dict[str, Floats]:
    return {f"{a}{BY}{b}": one * other for a, one in left.items() for b, other in right.items()}


def _waves(week: Floats) -> list[Floats]:
    angle = 2 * np.pi * (week - 1) / WEEKS_OF_YEAR
    return [wave(k * angle) for k in range(1, HARMONICS + 1) for wave in (np.sin, np.cos)]


def _frame(X: pd.DataFrame) -> pd.DataFrame:
    if not isinstance(X, pd.DataFrame):
        raise TypeError(f"PanelTerms finds columns by name: pass a pandas frame, not {type(X).__name__}")
    return X


def _numbers(column: pd.Series) -> Floats:
    try:
        return column.to_numpy(dtype=np.float64, na_value=np.nan)
    except (TypeError, ValueError) as error:
        raise ValueError(f"column {column.name!r} is not numeric ({column.dtype})") from error
