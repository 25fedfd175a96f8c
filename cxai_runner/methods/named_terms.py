"""From a panel's columns to the terms of a model, found by name: what the models of a panel have in common.

A term is made of one part or is a product of several, ``price:segment``. A part is a column of categories, which
becomes a constant for each of its levels but the most frequent one (for each of them in a product whose other part no
other term holds), or whatever else the transformer knows to make of
the columns behind it. What was found is kept, so that a saved pipeline takes the panel as it is.
"""

from __future__ import annotations

import warnings
from abc import abstractmethod
from collections.abc import Callable, Iterable, Sequence
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted

from .levels import levels, never_met, ranked
from .names import BY
from .products import of_every_level

Floats = NDArray[np.float64]
Behind = Callable[[str, Sequence[str]], list[str]]
"""From a part and the columns there are to those that it is made of; none where it cannot be made."""


def columns_behind(term: str, columns: Iterable[str], behind: Behind) -> list[str]:
    """Return the columns that a term is made of, each once; none where one of its parts has none."""
    have = list(columns)
    several = [behind(part, have) for part in term.split(BY)]
    return list(dict.fromkeys(name for found in several for name in found)) if all(several) else []


def parts_of(terms: Iterable[str]) -> list[str]:
    """Return the parts of terms, each once."""
    return list(dict.fromkeys(part for term in terms for part in term.split(BY)))


class NamedTerms(TransformerMixin, BaseEstimator):
    """A transformer that finds terms by name; ``terms`` is its parameter.

    Attributes
    ----------
    columns_ : dict of str to list of str
        The columns behind every term.
    levels_ : dict of str to list of str
        The levels of every column of categories, the most frequent first: the others are compared with it.
    shares_ : dict of str to list of float
        How frequent these are.
    full_ : set of str
        The products that have a column for the most frequent level too.
    feature_names_in_ : ndarray of str
        The columns that are read; a frame may hold others, in any order.

    Raises
    ------
    TypeError
        The input is not a pandas frame: terms are found by name.
    """

    warning: ClassVar[type[Warning]]
    """How it warns of a level that was never met."""
    terms: Sequence[str]

    @staticmethod
    @abstractmethod
    def behind(part: str, columns: Sequence[str]) -> list[str]:
        """Return the columns that a part is made of."""

    @abstractmethod
    def named(self, part: str) -> list[str]:
        """Return what the columns are called that a part becomes, where it is none of categories."""

    @abstractmethod
    def made(self, X: pd.DataFrame, part: str) -> dict[str, Floats]:
        """Return the columns that a part becomes, where it is none of categories."""

    @staticmethod
    @abstractmethod
    def is_category(name: str, column: pd.Series) -> bool:
        """Say whether a column is one of categories."""

    @staticmethod
    @abstractmethod
    def refused(told: str, remedy: str, names: Sequence[str]) -> ValueError:
        """Return what is raised where a term or a column is not there."""

    def fit(self, X: pd.DataFrame, y: object = None) -> Any:
        """Find the columns of every term, and the levels of those of categories."""
        names = [str(name) for name in self._frame(X).columns]
        self.columns_ = {term: columns_behind(term, names, self.behind) for term in self.terms}
        for term, columns in self.columns_.items():
            if not columns:
                told = f"the term {term} has no column among {', '.join(names)}"
                raise self.refused(told, "name another term", (term,))
        read = list(dict.fromkeys(name for columns in self.columns_.values() for name in columns))
        self.feature_names_in_ = np.asarray(read, dtype=object)
        self.n_features_in_ = len(read)
        self.levels_: dict[str, list[str]] = {}
        self.shares_: dict[str, list[float]] = {}
        for part in parts_of(self.terms):
            if part in names and self.is_category(part, X[part]):
                count = ranked(levels(X[part]))
                self.levels_[part] = [str(one) for one in count.index]
                self.shares_[part] = [float(one) for one in count / count.sum()]
        self.full_ = of_every_level(self.terms, self.levels_.__contains__, lambda part: self.behind(part, names))
        return self

    def transform(self, X: pd.DataFrame) -> pd.DataFrame:
        """Return one column per term or level, index as given.

        A level that was not met in `fit` is given the shares of those that were, with a warning.
        """
        check_is_fitted(self)
        absent = [name for name in self.feature_names_in_ if name not in self._frame(X).columns]
        if absent:
            raise self.refused(f"columns missing: {', '.join(absent)}", "bring them", absent)
        parts = {
            part: self._constants(X[part], part) if part in self.levels_ else self.made(X, part)
            for part in parts_of(self.terms)
        }
        columns: dict[str, Floats] = {}
        for term in self.terms:
            first, *others = (
                {name: parts[part][name] for name in self._named(part, full=term in self.full_)}
                for part in term.split(BY)
            )
            product = first
            for other in others:
                product = {f"{a}{BY}{b}": one * two for a, one in product.items() for b, two in other.items()}
            columns.update(product)
        return pd.DataFrame(columns, index=X.index)

    def get_feature_names_out(self, input_features: object = None) -> NDArray[np.object_]:
        """Return the names of the terms."""
        check_is_fitted(self)
        names: list[str] = []
        for term in self.terms:
            first, *others = (self._named(part, full=term in self.full_) for part in term.split(BY))
            product = first
            for other in others:
                product = [f"{left}{BY}{right}" for left in product for right in other]
            names += product
        return np.asarray(list(dict.fromkeys(names)), dtype=object)

    def _named(self, part: str, *, full: bool) -> list[str]:
        if part in self.levels_:
            return [f"{part}[{one}]" for one in self.levels_[part][0 if full else 1 :]]
        return self.named(part)

    def _constants(self, column: pd.Series, part: str) -> dict[str, Floats]:
        named = levels(column).to_numpy()
        known = self.levels_[part]
        unknown = ~np.isin(named, known)
        if unknown.any():
            warnings.warn(never_met(part, named[unknown]), self.warning, stacklevel=2)
        return {
            f"{part}[{one}]": np.where(unknown, share, (named == one).astype(np.float64))
            for one, share in zip(known, self.shares_[part], strict=True)
        }

    def _frame(self, X: pd.DataFrame) -> pd.DataFrame:
        if not isinstance(X, pd.DataFrame):
            raise TypeError(f"{type(self).__name__} finds columns by name: pass a pandas frame, not {type(X).__name__}")
        return X

    def __sklearn_tags__(self) -> Tags:
        """Say that missing values and words are taken."""
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.string = True
        return tags
