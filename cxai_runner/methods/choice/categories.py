"""Columns of words and dates as numbers, so that a utility can hold a segment, a group of stores, a week, a habit.

A fixed effect of a choice is such a column with a coefficient for each alternative: what is the same for all of them
moves no choice. The levels are learned, and travel with the fitted model.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from pandas.api import types
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from cxai_runner.methods.products import of_every_level

from .errors import ChoiceError, ChoiceWarning
from .reading import labels, no_column
from .terms import ChoiceTerms

CALENDAR: Mapping[str, str] = {"week": "%G-W%V", "month": "%Y-%m", "quarter": "quarter"}
"""What a date is told by: ISO weeks, months, and quarters of a year."""

MISSING = "missing"


def is_category(frame: pd.DataFrame, name: str, time: str | None) -> bool:
    """Whether a name stands for a column of words, or for a part of the date."""
    if name in frame.columns:
        return not (types.is_numeric_dtype(frame[name]) or types.is_bool_dtype(frame[name]))
    return is_calendar(frame, name, time)


def is_calendar(frame: pd.DataFrame, name: str, time: str | None) -> bool:
    """Whether a name stands for a part of the date in the column ``time``."""
    dated = time is not None and time in frame.columns and types.is_datetime64_any_dtype(frame[time])
    return name in CALENDAR and name not in frame.columns and dated


def levels_of(frame: pd.DataFrame, name: str, time: str | None) -> pd.Series:
    """Return the level of each row as text, without the signs that a term is read by."""
    if name in frame.columns:
        values = frame[name].astype(object).where(frame[name].notna(), MISSING).map(str)
    elif name in CALENDAR and time is not None and time in frame.columns:
        dates = frame[time].dt
        form = CALENDAR[name]
        values = dates.year.map(str) + "-Q" + dates.quarter.map(str) if form == "quarter" else dates.strftime(form)
    else:
        raise no_column(name, frame)
    return values.str.replace(r"[:|+~]", ".", regex=True)


class PanelCategories(TransformerMixin, BaseEstimator):
    """Add a column of 0 and 1 for each level of some columns, ``<column>[<level>]``.

    Which of them a utility has, `expanded` says: each but the most frequent, which the others are compared with, and
    that one too in products with what no other term holds.

    Parameters
    ----------
    columns : sequence of str
        Columns of words, or ``week``, ``month`` and ``quarter`` of the date.
    time : str, optional
        The column of the date.

    Attributes
    ----------
    levels_ : dict of str to list of str
        The levels of every column, the most frequent first: the others are compared with it.
    """

    def __init__(self, columns: Sequence[str] = (), *, time: str | None = None) -> None:
        self.columns = columns
        self.time = time

    def fit(self, X: pd.DataFrame, y: object = None) -> PanelCategories:
        """Learn the levels.

        Raises
        ------
        ChoiceError
            A column that is absent, or that has one level only.
        """
        self.levels_: dict[str, list[str]] = {}
        for name in self.columns:
            count = levels_of(X, name, self.time).value_counts().sort_index()
            count = count.sort_values(ascending=False, kind="stable")
            if len(count) < 2:
                raise ChoiceError(f"{name!r} is {count.index[0]!r} on every row", "leave it out", (name,))
            self.levels_[name] = [str(level) for level in count.index]
        return self

    def transform(self, X: pd.DataFrame) -> pd.DataFrame:
        """Return the frame with the columns added; a level that `fit` did not meet counts as the most frequent."""
        check_is_fitted(self, "levels_")
        made: dict[str, pd.Series] = {}
        for name, levels in self.levels_.items():
            values = levels_of(X, name, self.time)
            strangers = ~values.isin(levels)
            if strangers.any():
                message = (
                    f"{name} is {values[strangers].iloc[0]} on {int(strangers.sum())} of {len(X)} rows, and never was "
                    f"in training: they count as {levels[0]}"
                )
                warnings.warn(message, ChoiceWarning, stacklevel=2)
            values = values.where(~strangers, levels[0])
            made |= {f"{name}[{level}]": (values == level).astype(np.float64) for level in levels}
        return X.assign(**made)

    def expanded(self, terms: ChoiceTerms) -> dict[str, object]:
        """Return terms, as a mapping, with each category in them replaced by the columns that stand for it."""
        found: dict[str, object] = {}
        behind = {
            word: factor.column
            for term in terms.terms
            for word, factor in zip(term.text.split(":"), term.factors, strict=True)
        }
        full = of_every_level(
            [term.text for term in terms.terms], lambda word: behind[word] in self.levels_, lambda word: [behind[word]]
        )
        for term in terms.terms:
            texts = [""]
            for word, factor in zip(term.text.split(":"), term.factors, strict=True):
                names = self.levels_.get(factor.column)
                first = 0 if term.text in full else 1
                words = [word] if names is None else [f"{factor.column}[{level}]" for level in names[first:]]
                texts = [f"{text}:{one}" if text else one for text in texts for one in words]
            found |= dict.fromkeys(texts, term.kind)
        return {**found, "constants": terms.constants}


class LastChoice(TransformerMixin, BaseEstimator):
    """Add whether an alternative was the one chosen before, as ``<name><separator><alternative>`` of 0 and 1 [1]_.

    Parameters
    ----------
    previous : str
        The column that holds the alternative chosen before; anything else where there is none.
    alternatives : sequence
        Their names.
    name, separator : str
        Of the columns that are made.

    References
    ----------
    .. [1] Guadagni and Little (1983), A logit model of brand choice calibrated on scanner data, Marketing Science 2(3).
    """

    def __init__(
        self,
        previous: str = "last_brand",
        *,
        alternatives: Sequence[object] = (),
        name: str = "repeat",
        separator: str = "_",
    ) -> None:
        self.previous = previous
        self.alternatives = alternatives
        self.name = name
        self.separator = separator

    def fit(self, X: pd.DataFrame, y: object = None) -> LastChoice:
        """Learn nothing; raises where the column is absent."""
        if self.previous not in X.columns:
            raise no_column(self.previous, X)
        self.fitted_ = True
        return self

    def transform(self, X: pd.DataFrame) -> pd.DataFrame:
        """Return the frame with the columns added."""
        check_is_fitted(self, "fitted_")
        codes, found = pd.factorize(X[self.previous])
        names = np.asarray([*(labels([value])[0] for value in found), ""], dtype=object)[codes]
        own = labels(self.alternatives)
        made = {f"{self.name}{self.separator}{one}": (names == one).astype(np.float64) for one in own}
        return X.assign(**made)
