"""What is known of customers and items beside who bought what, as the numbers that a network takes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator

from cxai_runner.methods.conversion.preparation import Preparation


class Known(BaseEstimator):
    """Numbers standardised and texts as indicators, which a layer of a network turns into vectors of their levels.

    A column that is not there, or has no value, counts as missing. Where there is none that can be used, there are no
    numbers.

    Parameters
    ----------
    rare
        Rows below which a level is counted among ``other``.

    Attributes
    ----------
    columns_ : list of str
        What was there.
    preparation_ : Preparation or None
        What was learned.
    """

    def __init__(self, rare: int = 10) -> None:
        self.rare = rare

    def fit(self, frame: pd.DataFrame | None, y: object = None) -> Known:
        """Learn from the rows of training."""
        self.columns_ = [] if frame is None else [str(one) for one in frame.columns]
        self.preparation_: Preparation | None = None
        self.width_ = 0
        if frame is not None and len(self.columns_):
            try:
                self.preparation_ = Preparation(rare=self.rare).fit(frame)
            except ValueError:  # no column can be used
                return self
            self.width_ = len(self.preparation_.get_feature_names_out())
        return self

    def transform(self, frame: pd.DataFrame | None, rows: int | None = None) -> NDArray[np.float64]:
        """Return the numbers, shape (n, width)."""
        many = len(frame) if frame is not None else int(rows or 0)
        if self.preparation_ is None:
            return np.zeros((many, 0))
        given: Any = frame if frame is not None else pd.DataFrame(index=range(many))
        return self.preparation_.transform(given.reindex(columns=self.columns_))
