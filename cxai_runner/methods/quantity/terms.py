"""From a panel's columns to the terms of a quantity model: what the brand that was bought cost, and what else is asked.

A panel has a column per alternative for price, promotion and the like; what moves the quantity of a purchase is that
of the brand chosen. This transformer finds it, row by row, and travels with the fitted model, so that the saved
pipeline takes the panel as it is.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.api import types
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted

from cxai_runner.methods.levels import level, levels, never_met
from cxai_runner.methods.products import of_every_level

from .errors import QuantityError, QuantityWarning

Floats = NDArray[np.float64]

BRAND = "brand"
LOGGED = "log_"
BY = ":"


def behind(term: str, columns: Iterable[str]) -> list[str]:
    """Return the columns that a term is made of; none where one of its parts has no column."""
    have = list(columns)
    found: list[str] = []
    for part in term.split(BY):
        mine = _columns(part, have)
        if not mine:
            return []
        found += mine
    return list(dict.fromkeys(found))


def _columns(part: str, have: Sequence[str]) -> list[str]:
    if part in have:
        return [part]
    stem = part.removeprefix(LOGGED)
    if stem in have:
        return [stem]
    found = [name for name in have if name.startswith(f"{stem}_")]
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


class ChosenTerms(TransformerMixin, BaseEstimator):
    """Build the terms of a quantity model from the columns of a panel.

    Parameters
    ----------
    terms : sequence of str
        ``price``, ``promotion``, ``loyalty`` …: where columns ``price_<alternative>`` are, that of the brand bought.
        ``log_price``: its logarithm. ``brand``, or any other column of categories: a constant for each level but the
        most frequent one. ``price:segment``: their products, a slope more for each level; a slope for each where no
        other term holds the price. Anything else: the numeric column of that name, whose missing values are left to
        the next step.

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
    QuantityError
        A term that has no column, a column that is absent, or a brand without a price.
    """

    def __init__(self, terms: Sequence[str] = ("price", "promotion")) -> None:
        self.terms = terms

    def fit(self, X: pd.DataFrame, y: object = None) -> ChosenTerms:
        """Find the columns of every term, and the levels of those of categories."""
        names = [str(name) for name in _frame(X).columns]
        self.columns_ = {term: behind(term, names) for term in self.terms}
        for term, columns in self.columns_.items():
            if not columns:
                raise QuantityError(
                    f"the term {term} has no column among {', '.join(names)}", "name another term", (term,)
                )
        read = list(dict.fromkeys(name for columns in self.columns_.values() for name in columns))
        self.levels_, self.shares_ = {}, {}
        for part in dict.fromkeys(part for term in self.terms for part in term.split(BY)):
            if part in names and (part == BRAND or not _numeric(X[part])):
                count = levels(X[part]).value_counts()
                count = count.sort_index(key=lambda index: index.map(str)).sort_values(ascending=False, kind="stable")
                self.levels_[part] = [str(one) for one in count.index]
                self.shares_[part] = [float(one) for one in count / count.sum()]
        self.full_ = of_every_level(self.terms, self.levels_.__contains__, lambda part: _columns(part, names))
        self.feature_names_in_ = np.asarray(read, dtype=object)
        self.n_features_in_ = len(read)
        return self

    def transform(self, X: pd.DataFrame) -> pd.DataFrame:
        """Return one column per term or level, index as given.

        A level that was not met in `fit` is given the shares of those that were, with a warning.
        """
        check_is_fitted(self)
        absent = [name for name in self.feature_names_in_ if name not in _frame(X).columns]
        if absent:
            raise QuantityError(f"columns missing: {', '.join(absent)}", "bring them", tuple(absent))
        made: dict[str, Floats] = {}
        for term in self.terms:
            product: dict[str, Floats] = {"": np.ones(len(X))}
            for part in term.split(BY):
                mine = self._part(X, part, full=term in self.full_)
                product = {
                    f"{left}{BY}{right}" if left else right: one * other
                    for left, one in product.items()
                    for right, other in mine.items()
                }
            made.update(product)
        return pd.DataFrame(made, index=X.index)

    def _part(self, X: pd.DataFrame, part: str, *, full: bool) -> dict[str, Floats]:
        if part in self.levels_:
            return self._constants(X[part], part, 0 if full else 1)
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

    def _constants(self, column: pd.Series, part: str, first: int) -> dict[str, Floats]:
        named = levels(column).to_numpy()
        known = self.levels_[part]
        unknown = ~np.isin(named, known)
        if unknown.any():
            warnings.warn(never_met(part, named[unknown]), QuantityWarning, stacklevel=2)
        return {
            f"{part}[{one}]": np.where(unknown, share, (named == one).astype(np.float64))
            for one, share in zip(known[first:], self.shares_[part][first:], strict=True)
        }

    def __sklearn_tags__(self) -> Tags:
        """Say that missing values and words are taken."""
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.string = True
        return tags

    def get_feature_names_out(self, input_features: object = None) -> NDArray[np.object_]:
        """Return the names of the terms."""
        check_is_fitted(self)
        names: list[str] = []
        for term in self.terms:
            product = [""]
            for part in term.split(BY):
                known = self.levels_.get(part, [])[0 if term in self.full_ else 1 :]
                mine = [f"{part}[{one}]" for one in known] if part in self.levels_ else [part]
                product = [f"{left}{BY}{right}" if left else right for left in product for right in mine]
            names += product
        return np.asarray(names, dtype=object)


def _frame(X: pd.DataFrame) -> pd.DataFrame:
    if not isinstance(X, pd.DataFrame):
        raise TypeError(f"ChosenTerms finds columns by name: pass a pandas frame, not {type(X).__name__}")
    return X


def _numeric(column: pd.Series) -> bool:
    return bool(types.is_numeric_dtype(column) or types.is_bool_dtype(column))


def _numbers(column: pd.Series) -> Floats:
    return column.to_numpy(dtype=np.float64, na_value=np.nan)
