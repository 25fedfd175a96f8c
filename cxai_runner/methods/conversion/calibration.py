"""Probabilities brought in line with what came true on validation rows, where that helps.

Whether anything is done, and what, is decided by cross-validation within those rows: a map that only fits their noise
loses to none.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit
from sklearn.base import BaseEstimator
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression

Floats = NDArray[np.float64]
How = Literal["auto", "none", "platt", "isotonic"]

FEWEST = 30
"""Rows of either outcome below which validation rows say nothing of calibration."""
FOLDS = 5
_TINY = 1e-12


class Calibration(BaseEstimator):
    """A map from probabilities to probabilities, fitted on rows that the model was not.

    ``platt`` is expit(a + b · logit p), Platt (1999); ``isotonic`` the best rising step function, Zadrozny and Elkan
    (2002), here with straight lines between its steps.

    Parameters
    ----------
    how
        ``auto`` takes the one with the lowest log loss over five folds of the validation rows, ``none`` among them.

    Attributes
    ----------
    chosen_ : str
        Which it is.
    losses_ : dict of float
        Log loss over the folds by method; empty where nothing was compared.
    """

    def __init__(self, how: How = "auto") -> None:
        self.how = how

    def fit(self, probability: Floats, outcome: NDArray[np.int64], rng: np.random.Generator) -> Calibration:
        """Fit on validation rows.

        Parameters
        ----------
        probability, outcome
            Shape (n,).
        rng
            Divides the rows into folds.
        """
        self.losses_: dict[str, float] = {}
        rarer = min(int(outcome.sum()), int((1 - outcome).sum()))
        self.chosen_: str = self.how if self.how != "auto" else "none"
        if rarer < FEWEST:
            self.chosen_ = "none"
        elif self.how == "auto":
            folds = rng.permutation(len(outcome)) % FOLDS
            for name in ("none", "platt", "isotonic"):
                found = np.empty(len(outcome))
                for fold in range(FOLDS):
                    left = folds != fold
                    points = _fitted(name, probability[left], outcome[left])
                    found[~left] = _mapped(name, points, probability[~left])
                self.losses_[name] = _log_loss(found, outcome)
            self.chosen_ = min(self.losses_, key=self.losses_.__getitem__)
        self.points_ = _fitted(self.chosen_, probability, outcome)
        return self

    def transform(self, probability: Floats) -> Floats:
        """Return the probabilities that come true."""
        return _mapped(self.chosen_, self.points_, probability)


def _fitted(name: str, probability: Floats, outcome: NDArray[np.int64]) -> Floats:
    """The numbers of a map, shape (2, m): offset and slope, or the steps' places and heights."""
    if name == "platt":
        line = LogisticRegression(C=np.inf, tol=1e-10, solver="newton-cholesky", max_iter=200)
        line.fit(_logit(probability)[:, np.newaxis], outcome)
        return np.array([[float(line.intercept_[0])], [float(line.coef_[0, 0])]])
    if name == "isotonic":
        steps = IsotonicRegression(out_of_bounds="clip").fit(probability, outcome)
        least = 1 / (len(outcome) + 2)  # nothing is certain after so many rows
        return np.array([steps.X_thresholds_, np.clip(steps.y_thresholds_, least, 1 - least)])
    return np.zeros((2, 0))


def _mapped(name: str, points: Floats, probability: Floats) -> Floats:
    if name == "platt":
        return np.asarray(expit(points[0, 0] + points[1, 0] * _logit(probability)), dtype=np.float64)
    if name == "isotonic":
        return np.interp(probability, points[0], points[1])
    return probability


def _logit(probability: Floats) -> Floats:
    return np.asarray(logit(np.clip(probability, _TINY, 1 - _TINY)), dtype=np.float64)


def _log_loss(probability: Floats, outcome: NDArray[np.int64]) -> float:
    inside = np.clip(probability, _TINY, 1 - _TINY)
    return float(-np.where(outcome == 1, np.log(inside), np.log1p(-inside)).mean())
