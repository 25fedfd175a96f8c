"""What any fitted pipeline says of a purchase's units: their expectation, and the law of counts around it.

The forms of this package say it themselves. A regressor fitted to the Poisson's likelihood (boosted trees with that
loss, say) stands for the Poisson with the mean that it predicts. Any other predicts a number and no probability.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, RegressorMixin, clone
from sklearn.pipeline import Pipeline
from sklearn.utils import Tags, get_tags

from . import laws
from .model import QuantityModel

Floats = NDArray[np.float64]

LOCATION, SHAPE, EXPECTED = "_location", "_shape", "expected_units"


@dataclass(frozen=True, eq=False)
class Forecast:
    """The law of each row's units, and their expectation.

    Parameters
    ----------
    law
        One of `laws.LAWS`.
    location, shape, expected
        Shape (n,).
    """

    law: str
    location: Floats
    shape: Floats
    expected: Floats

    def log_probability(self, q: ArrayLike) -> Floats:
        """Return log P(Q = q | Q ≥ 1), shape (n,)."""
        return laws.log_probability(self.law, q, self.location, self.shape)

    def crps(self, q: ArrayLike) -> Floats:
        """Return the continuous ranked probability score of each count, shape (n,)."""
        return laws.crps(self.law, q, self.location, self.shape)

    def probabilities(self, most: int) -> Floats:
        """Return the mean probability of 1, 2, … ``most`` units over the rows, shape (most,)."""
        rows, times = np.unique(np.column_stack([self.location, self.shape]), axis=0, return_counts=True)
        counts = np.arange(1, most + 1, dtype=np.float64)
        each = laws.log_probability(self.law, counts, rows[:, :1], rows[:, 1:])
        return np.asarray(times @ np.exp(each) / times.sum())

    def frame(self) -> pd.DataFrame:
        """Return three columns: location and shape, named after the law, and the expected units."""
        return pd.DataFrame(
            {f"{self.law}{LOCATION}": self.location, f"{self.law}{SHAPE}": self.shape, EXPECTED: self.expected}
        )

    @classmethod
    def of(cls, frame: pd.DataFrame) -> Forecast | None:
        """Read what `frame` returns; None for any other frame."""
        for law in laws.LAWS:
            names = [f"{law}{LOCATION}", f"{law}{SHAPE}", EXPECTED]
            if set(names) <= set(frame.columns):
                return cls(law, *(frame[name].to_numpy(dtype=np.float64) for name in names))
        return None


def has_law(regressor: Any) -> bool:
    """Whether a regressor says how probable a count is."""
    if isinstance(regressor, QuantityModel):
        return True
    fitted_to = {getattr(regressor, name, None) for name in ("loss", "objective", "criterion")}
    return bool(fitted_to & {"poisson", "count:poisson"})


def forecast(pipeline: Pipeline, X: pd.DataFrame) -> Forecast:
    """Return what a fitted pipeline says of each row of ``X``; its last step is one that `has_law`."""
    final = pipeline[-1]
    seen = pipeline[:-1].transform(X)
    if isinstance(final, QuantityModel):
        location = final.location(seen)
        shape = np.full(len(X), final.shape_)
        return Forecast(final.law, location, shape, final.mean(location, final.shape_))
    mean = np.asarray(final.predict(seen), dtype=np.float64)
    return Forecast("poisson", mean, np.zeros(len(X)), mean)


class UnitsForecast(RegressorMixin, BaseEstimator):
    """A pipeline whose prediction is the law of a purchase's units, as a frame; what is kept of a fit.

    Parameters
    ----------
    pipeline : Pipeline
        Its last step is one that `has_law`.

    Attributes
    ----------
    pipeline_ : Pipeline
        Fitted.
    """

    def __init__(self, pipeline: Pipeline) -> None:
        self.pipeline = pipeline

    @classmethod
    def fitted(cls, pipeline: Pipeline) -> UnitsForecast:
        """Return the forecast of a pipeline that is fitted already."""
        made = cls(clone(pipeline))
        made.pipeline_ = pipeline
        return made

    def fit(self, X: pd.DataFrame, y: ArrayLike) -> UnitsForecast:
        """Fit the pipeline to purchases and their units, shape (n,)."""
        self.pipeline_ = clone(self.pipeline).fit(X, y)
        return self

    def predict(self, X: pd.DataFrame) -> pd.DataFrame:
        """Return location and shape of each row's law, and its expected units, as `Forecast.frame`."""
        return forecast(self.pipeline_, X).frame().set_axis(X.index)

    def __sklearn_tags__(self) -> Tags:
        """Take what the pipeline takes."""
        tags = super().__sklearn_tags__()
        tags.input_tags = get_tags(self.pipeline).input_tags
        return tags
