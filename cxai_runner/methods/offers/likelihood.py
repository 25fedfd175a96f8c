"""How likely a customer is to buy an item within so many days, learned from days that were held back.

A score ranks; it is no probability. A logistic model takes it, the place on the list and what the customer's history
says of the item to a probability, and steps bring that in line with what came true, where that helps.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, ndtri
from sklearn.base import BaseEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.utils.validation import check_is_fitted

from cxai_runner.methods.conversion.calibration import FEWEST, Calibration, How
from cxai_runner.methods.offers.candidates import Bools, Candidates, Floats

POINTS = 201
"""Quantiles by which scores of any unit are brought to one scale."""
_EDGE = 1e-3
BLOCK = 20_000
"""Customers whose probabilities are told at a time: it bounds what is in memory."""


class PurchaseLikelihood(BaseEstimator):
    """The probability that a customer buys a candidate within the horizon.

    Parameters
    ----------
    how
        What follows the logistic model: ``platt``, ``isotonic``, ``none``, or ``auto``, the one with the lowest log
        loss over folds of the rows.

    Attributes
    ----------
    coef_, intercept_ : ndarray, float
        Of the logistic model, of measures with mean 0 and deviation 1.
    calibration_ : Calibration
        What follows it.
    rate_ : float
        The share of candidates that were bought.
    """

    def __init__(self, how: How = "auto") -> None:
        self.how = how

    def fit(
        self, candidates: Candidates, bought: Bools, rng: np.random.Generator, about: Floats | None = None
    ) -> PurchaseLikelihood:
        """Learn from candidates as they were before the days held back.

        Parameters
        ----------
        candidates, bought
            What might have been offered, and whether it was bought, shape (n, K).
        rng
            Divides rows into folds.
        about
            Numbers that are known of each item of the catalogue, shape (m, q). Where offers are chosen by what they are
            worth, that belongs here: else dear items, which are bought less often than others of like score, look
            better than they are.

        Raises
        ------
        ValueError
            Fewer than `FEWEST` candidates were bought, or not bought: nothing can be learned.
        """
        there = candidates.possible
        truth = bought[there].astype(np.int64)
        rarer = int(min(truth.sum(), len(truth) - truth.sum()))
        if rarer < FEWEST:
            raise ValueError(f"of {len(truth):,} candidates {rarer:,} were bought or not: fewer than {FEWEST}")
        self.points_ = np.unique(np.quantile(candidates.scores[there], np.linspace(0, 1, POINTS)))
        measures = self._measures(candidates, slice(None), about)[there]
        self.mean_, deviation = measures.mean(axis=0), measures.std(axis=0)
        self.deviation_ = np.where(deviation > 0, deviation, 1)
        line = LogisticRegression(C=1.0, solver="newton-cholesky", tol=1e-8, max_iter=200)
        line.fit((measures - self.mean_) / self.deviation_, truth)
        self.coef_, self.intercept_ = line.coef_[0], float(line.intercept_[0])
        self.rate_ = float(truth.mean())
        self.calibration_ = Calibration(self.how).fit(self._line(measures), truth, rng)
        return self

    def predict(self, candidates: Candidates, about: Floats | None = None) -> Floats:
        """Return the probability of each, shape (n, K); 0 where there is no item. ``about`` is as in `fit`."""
        check_is_fitted(self, "calibration_")
        found = np.zeros(candidates.codes.shape)
        for begin in range(0, len(found), BLOCK):
            part = slice(begin, begin + BLOCK)
            there = candidates.possible[part]
            told = self.calibration_.transform(self._line(self._measures(candidates, part, about)[there]))
            found[part][there] = told
        return found

    def _line(self, measures: Floats) -> Floats:
        return expit(((measures - self.mean_) / self.deviation_) @ self.coef_ + self.intercept_)

    def _measures(self, candidates: Candidates, part: slice, about: Floats | None) -> NDArray[np.float64]:
        """What a probability is told from, shape (n, K, p)."""
        scores = candidates.scores[part]
        level = np.interp(scores, self.points_, np.linspace(0, 1, len(self.points_)))
        score = ndtri(np.clip(level, _EDGE, 1 - _EDGE))
        place = np.broadcast_to(np.log(np.arange(1, scores.shape[1] + 1)), scores.shape)
        often = np.log((candidates.times[part] + 0.5) / candidates.horizons)
        since = np.log1p(candidates.since[part])
        repeat = candidates.repeat[part].astype(np.float64)
        of_customer = [
            np.broadcast_to(np.log1p(one[part])[:, np.newaxis], scores.shape)
            for one in (candidates.rate, candidates.recent, candidates.idle)
        ]
        several = [score, place, repeat, repeat * score, repeat * place, often, repeat * since, *of_customer]
        if about is not None:
            several += [column[candidates.codes[part]] for column in about.T]
        return np.stack(several, axis=-1)
