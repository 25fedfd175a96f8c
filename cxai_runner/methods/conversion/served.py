"""A model of conversion as it is kept: from a customer's columns to a calibrated probability, in one piece."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin

from cxai_runner.methods.conversion.balance import corrected
from cxai_runner.methods.conversion.calibration import Calibration
from cxai_runner.methods.conversion.preparation import Preparation

Floats = NDArray[np.float64]


class ConversionModel(ClassifierMixin, BaseEstimator):
    """Preparation, classifier, correction to the real base rate, and calibration; all of them fitted.

    Parameters
    ----------
    preparation
        Makes columns numbers.
    classifier
        Takes those numbers.
    shown, real
        The share of conversions that the classifier was shown, and the real one.
    calibration
        What its probabilities go through at last.
    transformers
        Further steps between preparation and classifier.
    """

    def __init__(
        self,
        preparation: Preparation,
        classifier: Any,
        shown: float,
        real: float,
        calibration: Calibration | None = None,
        transformers: Sequence[Any] = (),
    ) -> None:
        self.preparation = preparation
        self.classifier = classifier
        self.shown = shown
        self.real = real
        self.calibration = calibration
        self.transformers = transformers

    @property
    def classes_(self) -> NDArray[np.int64]:
        """No and yes."""
        return np.array([0, 1])

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def fit(self, X: object, y: object = None) -> ConversionModel:
        """Return itself: its parts are fitted."""
        return self

    def numbers(self, X: pd.DataFrame) -> Floats:
        """Return what the classifier takes, shape (n, columns)."""
        values = self.preparation.transform(X)
        for step in self.transformers:
            values = step.transform(values)
        return np.asarray(values, dtype=np.float64)

    def uncalibrated(self, X: pd.DataFrame) -> Floats:
        """Return probabilities at the real base rate, before calibration, shape (n,)."""
        found = np.asarray(self.classifier.predict_proba(self.numbers(X)), dtype=np.float64)[:, 1]
        return corrected(found, self.shown, self.real)

    def calibrated(self, probability: Floats) -> Floats:
        """Return what calibration makes of probabilities, shape (n,)."""
        return probability if self.calibration is None else self.calibration.transform(probability)

    def probability(self, X: pd.DataFrame) -> Floats:
        """Return the probability of a conversion, shape (n,)."""
        return self.calibrated(self.uncalibrated(X))

    def predict_proba(self, X: pd.DataFrame) -> Floats:
        """Return the probabilities of no and yes, shape (n, 2)."""
        yes = self.probability(X)
        return np.column_stack([1 - yes, yes])

    def predict(self, X: pd.DataFrame) -> NDArray[np.int64]:
        """Return whether a conversion is likelier than none, shape (n,)."""
        return (self.probability(X) > 0.5).astype(np.int64)
