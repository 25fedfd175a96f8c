"""Rules as a model like any other: it is fitted, saved, promoted, and puts new customers into segments.

There is nothing to learn but the edges of scores, where rules ask for any.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClusterMixin
from sklearn.utils.validation import check_is_fitted

from cxai_runner.methods.managerial import assign
from cxai_runner.methods.managerial.errors import Fault, RuleError
from cxai_runner.methods.managerial.rules import SCORE, Segment, columns, faults, measures, segments
from cxai_runner.methods.managerial.scores import edges

if TYPE_CHECKING:
    from ibis.expr.types import StringValue
    from ibis.expr.types import Table as IbisTable


class RuleSegments(ClusterMixin, BaseEstimator):
    """Segments that somebody has written down, on the measures of `RfmAtDates`.

    Parameters
    ----------
    rules
        By segment, the best first: for each measure what it has to be (``gt``, ``ge``, ``lt``, ``le``, ``eq``), as in
        ``{active: {recency: {le: 365}}, gone: {recency: {gt: 365}}}``. A list of such mappings takes whoever meets one
        of them. ``recency_score`` is the score of recency. Every customer there can be must be in one segment.
    thresholds
        Numbers by name, which conditions may name.
    scores
        How many scores a measure has, where rules ask for scores: 5 are quintiles.

    Attributes
    ----------
    columns_
        The columns that the rules read.
    edges_
        The edges of the scores, by measure; of the rows that were learned from.
    """

    def __init__(
        self, rules: Mapping[str, Any], thresholds: Mapping[str, float] | None = None, scores: int = 5
    ) -> None:
        self.rules = rules
        self.thresholds = thresholds
        self.scores = scores

    def faults(self, known: Sequence[str] | None = None) -> list[Fault]:
        """Return what is wrong with the rules: gaps and overlaps with an example of a customer each.

        Parameters
        ----------
        known
            The measures there are; any name will do where this is not known yet.
        """
        if self.scores < 2:
            return [Fault("scores", "at least two, or they tell nobody apart")]
        return list(faults(self.rules, self.thresholds, self.scores, known))

    def fit(self, X: pd.DataFrame, y: object = None) -> RuleSegments:
        """Read the rules, and learn the edges of the scores from the rows of ``X``.

        Raises
        ------
        RuleError
            With everything that is wrong with the rules, or the columns that ``X`` lacks.
        """
        wrong = self.faults()
        if wrong:
            raise RuleError(wrong)
        self.columns_ = list(columns(self.rules))
        asked = [name.removesuffix(SCORE) for name in measures(self.rules) if name.endswith(SCORE)]
        rows = self._checked(X)
        self.edges_ = {name: edges(rows[name], self.scores) for name in asked}
        self.feature_names_in_ = np.array([str(name) for name in X.columns], dtype=object)
        self.n_features_in_ = X.shape[1]
        return self

    def fit_predict(self, X: pd.DataFrame, y: object = None, **options: Any) -> NDArray[np.object_]:
        """Return the segment of each row of ``X``; nothing of the rows themselves is kept."""
        return self.fit(X).predict(X)

    def predict(self, X: pd.DataFrame) -> NDArray[np.object_]:
        """Return the segment of each row of ``X``, shape (n,)."""
        check_is_fitted(self)
        return assign.assigned(self._checked(X), self._segments(), self.edges_)

    def expression(self, table: IbisTable) -> StringValue:
        """Return the same as an expression of the columns of ``table``, computed where its rows live."""
        check_is_fitted(self)
        return assign.expression(table, self._segments(), self.edges_)

    @property
    def names(self) -> list[str]:
        """The segments, the best first."""
        return [str(name) for name in self.rules]

    def _segments(self) -> tuple[Segment, ...]:
        return segments(self.rules, self.thresholds, self.scores)

    def _checked(self, X: pd.DataFrame) -> pd.DataFrame:
        if not isinstance(X, pd.DataFrame):
            raise TypeError("rules name measures: a data frame with a column for each is needed")
        absent = [name for name in self.columns_ if name not in X.columns]
        if absent:
            raise RuleError([Fault("rules", "no such column: " + ", ".join(absent))])
        rows = X[list(self.columns_)]
        holes = [str(name) for name in rows if rows[name].isna().any()]
        if holes:
            raise RuleError([Fault("rules", "values are missing in " + ", ".join(holes))])
        return rows
