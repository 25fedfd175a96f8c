"""From a panel's columns to the terms of a model.

A panel has one price and one promotion column per alternative. Whether a customer buys at all depends on their average
more often than on each: this transformer says which, by name, and travels with the fitted model, so that the
saved pipeline takes the panel as it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted

# Each shorthand stands for columns of the panel: their mean, or each of them.
MEANS = {"mean_price": "price_", "mean_promotion": "promotion_"}
EACH = {"price": "price_", "promotion": "promotion_"}


def columns_of(term: str, columns: Iterable[str]) -> list[str]:
    """The panel's columns that ``term`` is made of; empty where there are none."""
    prefix = MEANS.get(term) or EACH.get(term)
    return [name for name in columns if (name.startswith(prefix) if prefix else name == term)]


class PanelTerms(TransformerMixin, BaseEstimator):
    """Build the terms of a model from the columns of a panel.

    Parameters
    ----------
    terms : sequence of str
        ``mean_price`` and ``mean_promotion``: the mean over alternatives; ``price`` and ``promotion``: one term per
        alternative; anything else: the numeric column of that name, whose missing values are left to the next step.

    Attributes
    ----------
    columns_ : dict of str to list of str
        The columns behind every term.
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
        """Find the columns of every term."""
        names = list(_frame(X).columns)
        self.columns_ = {term: columns_of(term, names) for term in self.terms}
        for term, columns in self.columns_.items():
            if not columns:
                raise ValueError(f"term {term!r} has no column among {', '.join(map(str, names))}")
        read = dict.fromkeys(name for columns in self.columns_.values() for name in columns)
        self.feature_names_in_ = np.asarray(list(read), dtype=object)
        self.n_features_in_ = len(read)
        return self

    def transform(self, X: pd.DataFrame) -> pd.DataFrame:
        """Return one column per term, index as given."""
        check_is_fitted(self)
        absent = [name for name in self.feature_names_in_ if name not in _frame(X).columns]
        if absent:
            raise ValueError(f"columns missing: {', '.join(absent)}")
        values = {name: _numbers(X[name]) for name in self.feature_names_in_}
        for name in (name for term, names in self.columns_.items() if term in {*MEANS, *EACH} for name in names):
            if np.isnan(values[name]).any():
                raise ValueError(f"column {name!r} has {int(np.isnan(values[name]).sum())} missing values")
        terms: dict[str, NDArray[np.float64]] = {}
        for term, columns in self.columns_.items():
            if term in MEANS:
                terms[term] = np.mean([values[name] for name in columns], axis=0)
            else:
                terms.update({name: values[name] for name in columns})
        return pd.DataFrame(terms, index=X.index)

    def __sklearn_tags__(self) -> Tags:
        """Say that missing values are taken."""
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags

    def get_feature_names_out(self, input_features: object = None) -> NDArray[np.object_]:
        """Return the names of the terms."""
        check_is_fitted(self)
        names = [[term] if term in MEANS else columns for term, columns in self.columns_.items()]
        return np.asarray([name for group in names for name in group], dtype=object)


def _frame(X: pd.DataFrame) -> pd.DataFrame:
    if not isinstance(X, pd.DataFrame):
        raise TypeError(f"PanelTerms finds columns by name: pass a pandas frame, not {type(X).__name__}")
    return X


def _numbers(column: pd.Series) -> NDArray[np.float64]:
    try:
        return column.to_numpy(dtype=np.float64, na_value=np.nan)
    except (TypeError, ValueError) as error:
        raise ValueError(f"column {column.name!r} is not numeric ({column.dtype})") from error
