"""Terms without their names, for models that refuse some.

A term is called what it is: ``segment[18-25]``, ``mean_price:segment[<18]``. Other libraries have rules of their own
for names (XGBoost takes no bracket), and none of them needs any: they are handed numbers, in the order of the terms.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.pipeline import Pipeline
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted

from .logit_model import LogitModel
from .quantity.model import QuantityModel


def takes_names(model: Any) -> bool:
    """Whether a model reads the names of its columns: ours do, to tell which one is wrong or is a price."""
    return isinstance(model, LogitModel | QuantityModel) or getattr(model, "needs_names", False)


def seen_by(model: Any, terms: pd.DataFrame) -> pd.DataFrame | NDArray[Any]:
    """Return terms as ``model`` takes them: by name, or as numbers alone."""
    return terms if takes_names(model) else terms.to_numpy()


def without_names(pipeline: Pipeline) -> Pipeline:
    """Return a pipeline whose model is given numbers alone, whatever its steps hand on."""
    return Pipeline([*pipeline.steps[:-1], ("unnamed", Unnamed()), pipeline.steps[-1]])


class Unnamed(TransformerMixin, BaseEstimator):
    """Hand columns on as they are, without names.

    Attributes
    ----------
    names_ : ndarray of str
        What they are called.
    """

    def fit(self, X: Any, y: object = None) -> Unnamed:
        """Keep the names."""
        self.n_features_in_ = X.shape[1]
        named = getattr(X, "columns", [f"x{j}" for j in range(self.n_features_in_)])
        self.names_ = np.asarray([str(name) for name in named], dtype=object)
        return self

    def transform(self, X: Any) -> Any:
        """Return the values of a frame; of anything else, itself."""
        check_is_fitted(self)
        return X.to_numpy() if isinstance(X, pd.DataFrame) else X

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:
        """Return the names that came in."""
        check_is_fitted(self)
        return self.names_ if input_features is None else np.asarray(input_features, dtype=object)

    def __sklearn_tags__(self) -> Tags:
        """Say that missing values are taken, and sparse columns."""
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.sparse = True
        return tags
