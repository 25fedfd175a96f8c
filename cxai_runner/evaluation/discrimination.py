"""How well scores rank the rows of one class above those of the other.

As every metric these take how often each customer is drawn for weights. With each drawn once, the values are
scikit-learn's.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cxai_runner.evaluation.intervals import Floats, Statistic

Codes = NDArray[np.intp]


class Ranking:
    """ROC AUC and average precision of scores, ties counted as scikit-learn does.

    ROC AUC is the chance that a random one scores above a random zero, a tie counting half (Hanley and McNeil, 1982,
    Radiology 143); average precision is Σ (Rₖ − Rₖ₋₁) · Pₖ over the distinct scores, highest first.

    Parameters
    ----------
    outcome, score
        Shape (n,): 0 or 1, and what ranks the rows.
    codes, customers
        The customer of each row, and how many there are.
    """

    def __init__(self, outcome: ArrayLike, score: ArrayLike, codes: Codes, customers: int) -> None:
        positive = np.asarray(outcome) == 1
        rank = np.unique(-np.asarray(score, dtype=np.float64), return_inverse=True)[1]
        self.positives = _Cells(rank[positive], codes[positive], customers)
        self.negatives = _Cells(rank[~positive], codes[~positive], customers)
        levels, self.first = np.unique(self.positives.rank, return_index=True)
        self.above = np.searchsorted(self.negatives.rank, levels, side="left")
        self.to_here = np.searchsorted(self.negatives.rank, levels, side="right")

    def __call__(self, counts: Floats) -> Floats:
        """Return ROC AUC and average precision for every resample, shape (2, b); NaN where one class is absent."""
        if len(self.first) == 0:
            return np.full((2, counts.shape[1]), np.nan)
        passed = np.zeros((len(self.negatives.rank) + 1, counts.shape[1]))
        np.cumsum(self.negatives.weights(counts), axis=0, out=passed[1:])
        negatives = passed[-1]
        hits = np.add.reduceat(self.positives.weights(counts), self.first, axis=0)
        found = np.cumsum(hits, axis=0)
        positives = found[-1]
        up_to = passed[self.to_here]
        with np.errstate(invalid="ignore", divide="ignore"):
            precision = np.where(hits > 0, found / (found + up_to), 0.0)
            average_precision = np.einsum("tb,tb->b", hits, precision) / positives
            outranked = np.einsum("tb,tb->b", hits, up_to + passed[self.above]) / 2
            auc = 1 - outranked / (positives * negatives)
        return np.stack([auc, np.where(negatives > 0, average_precision, np.nan)])


class RankingInFolds:
    """ROC AUC and average precision where rows were scored by the models of several folds: the mean over folds.

    Scores of two models are on two scales, and the rows of a fold are those that its model did not learn from: where a
    fold holds more ones, its model saw fewer. Ranked all together, a constant would rank worse than chance, and a model
    with it; so rows are ranked within their fold. Folds count by their rows, those without one of the classes not at
    all. See Forman and Scholz (2010), Apples-to-apples in cross-validation studies, SIGKDD Explorations 12.

    Parameters
    ----------
    outcome, score, codes, customers
        As in `Ranking`.
    folds
        Which fold's model scored each row, shape (n,).
    """

    def __init__(self, outcome: ArrayLike, score: ArrayLike, codes: Codes, customers: int, folds: ArrayLike) -> None:
        truth, scores, fold = np.asarray(outcome), np.asarray(score, dtype=np.float64), np.asarray(folds)
        parts = [fold == one for one in np.unique(fold)]
        self.rankings = [Ranking(truth[mine], scores[mine], codes[mine], customers) for mine in parts]
        self.rows = np.array([np.bincount(codes[mine], minlength=customers) for mine in parts], dtype=np.float64)

    def __call__(self, counts: Floats) -> Floats:
        """Return ROC AUC and average precision for every resample, shape (2, b); NaN where no fold has them."""
        several = np.stack([ranking(counts) for ranking in self.rankings], axis=1)
        weights = np.where(np.isfinite(several), self.rows @ counts, 0.0)
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray((np.nan_to_num(several) * weights).sum(axis=1) / weights.sum(axis=1))


def ranking_of(
    outcome: ArrayLike, score: ArrayLike, codes: Codes, customers: int, folds: ArrayLike | None = None
) -> Ranking | RankingInFolds:
    """Return how scores rank rows, within their fold where there are several; parameters as in `RankingInFolds`."""
    if folds is None:
        return Ranking(outcome, score, codes, customers)
    return RankingInFolds(outcome, score, codes, customers, folds)


class OneOf:
    """One number of a statistic that has several.

    Parameters
    ----------
    statistic, row
        The statistic, and which of its numbers.
    """

    def __init__(self, statistic: Statistic, row: int) -> None:
        self.statistic, self.row = statistic, row

    def __call__(self, counts: Floats) -> Floats:
        """Return the number for every resample, shape (1, b)."""
        return self.statistic(counts)[self.row : self.row + 1]


class _Cells:
    """Rows of one class, those of the same customer and rank counted together, best rank first."""

    def __init__(self, rank: NDArray[Any], codes: Codes, customers: int) -> None:
        cell, times = np.unique(rank.astype(np.int64) * customers + codes, return_counts=True)
        self.rank, self.code = np.divmod(cell, customers)
        self.times = times.astype(np.float64)[:, np.newaxis]

    def weights(self, counts: Floats) -> Floats:
        taken: Floats = counts[self.code]
        return taken if (self.times == 1).all() else taken * self.times
