"""Columns made ready for distances: codes as indicators, long tails drawn in, amounts in logs or ranks, one scale.

One transformer, so that a line of a config says all of it, and what was learned is saved with the model.
"""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatch
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

import numpy as np
from annotated_types import Ge, Lt
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.preprocessing import QuantileTransformer
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted, validate_data

from .ranks import QuantileRanks

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]

SKEWED = 1.0
"""Skewness from which ``log="auto"`` takes logs."""


class Preparation(TransformerMixin, BaseEstimator):
    """Indicators of codes, and numbers drawn in, in logs or ranks, and on one scale, in that order.

    Columns are named as they are or by pattern (``revenue*``). Text and truth values are codes whether they are named
    or not. A missing number stays missing; a missing code, or one that the fit has not seen, has no indicator.

    Parameters
    ----------
    codes : list of str
        Numbers that are codes: each value becomes a column of its own, 0 or 1.
    log : list of str or "auto"
        Amounts that become log(1 + x), of a negative x −log(1 − x). ``auto``: numbers whose skewness is above 1.
    ranks : list of str
        Numbers that become ranks between 0 and 1.
    winsorise : float
        Share of the values at either end that are drawn in to the quantile there; 0 for none.
    scale : bool
        Whether numbers and indicators end with mean 0 and standard deviation 1, that of the population.

    Attributes
    ----------
    drawn_in_ : dict of str to int
        Values of each number that lay beyond the quantiles.
    logged_, ranked_ : list of str
        The columns in logs, and in ranks.
    categories_ : dict of str to list
        The codes of each column of such.
    """

    takes_categories: ClassVar[bool] = True

    def __init__(
        self,
        *,
        codes: Sequence[str] = (),
        log: Literal["auto"] | Sequence[str] = (),
        ranks: Sequence[str] = (),
        winsorise: Annotated[float, Ge(0), Lt(0.5)] = 0.0,
        scale: bool = True,
    ) -> None:
        self.codes = codes
        self.log = log
        self.ranks = ranks
        self.winsorise = winsorise
        self.scale = scale

    def fit(self, X: ArrayLike, y: object = None) -> Preparation:
        """Learn codes, quantiles and scale from ``X``, shape (n, n_features)."""
        frame = self._frame(X, first=True)
        self._refuse_unknown([str(name) for name in frame.columns])
        self.categories_: dict[str, list[Any]] = {}
        self.low_: dict[str, float] = {}
        self.high_: dict[str, float] = {}
        self.drawn_in_: dict[str, int] = {}
        self.logged_: list[str] = []
        self.ranks_: dict[str, QuantileTransformer] = {}
        for name, column in _columns(frame):
            if _is_text(column) or _named(name, self.codes):
                self.categories_[name] = sorted(set(_plain(column.dropna())))
            else:
                self._learn(name, np.asarray(column.astype("float64")))
        self.ranked_ = list(self.ranks_)
        self.centre_, self.scale_ = np.zeros(0), np.ones(0)
        made = self._made(frame)
        spread = np.nanstd(made, axis=0)
        self.centre_ = np.nanmean(made, axis=0) if self.scale else np.zeros(made.shape[1])
        self.scale_ = np.where(spread > 0, spread, 1.0) if self.scale else np.ones(made.shape[1])
        return self

    def transform(self, X: ArrayLike) -> Floats:
        """Return the prepared columns, shape (n, columns)."""
        check_is_fitted(self)
        return np.asarray((self._made(self._frame(X)) - self.centre_) / self.scale_)

    def get_feature_names_out(self, input_features: object = None) -> NDArray[np.object_]:
        """Return the names of the prepared columns: ``occupation=2`` of a code."""
        check_is_fitted(self)
        names: list[str] = []
        for name in self._names():
            known = self.categories_.get(name)
            names += [name] if known is None else [f"{name}={_text(value)}" for value in known]
        return np.array(names, dtype=object)

    def _learn(self, name: str, values: Floats) -> None:
        known = values[~np.isnan(values)]
        if np.isinf(known).any():
            raise ValueError(f"Input X contains infinity or a value too large, in column {name}")
        if self.winsorise > 0 and len(known):
            low, high = np.quantile(known, [self.winsorise, 1 - self.winsorise])
            self.low_[name], self.high_[name] = float(low), float(high)
            self.drawn_in_[name] = int(((known < low) | (known > high)).sum())
            known = known.clip(low, high)
        if _skewness(known) > SKEWED if self.log == "auto" else _named(name, self.log):
            self.logged_.append(name)
            known = _signed_log(known)
        if _named(name, self.ranks):
            self.ranks_[name] = QuantileRanks(n_quantiles=100).fit(known[:, np.newaxis])

    def _made(self, frame: pd.DataFrame) -> Floats:
        parts: list[Floats] = []
        for name, column in _columns(frame):
            if name in self.categories_:
                values = np.array(_plain(column), dtype=object)
                there = np.asarray(column.notna())
                parts += [(there & (values == one)).astype(np.float64) for one in self.categories_[name]]
                continue
            number = np.asarray(column.astype("float64"))
            if name in self.low_:
                number = number.clip(self.low_[name], self.high_[name])
            if name in self.logged_:
                number = _signed_log(number)
            if name in self.ranks_:
                number = self.ranks_[name].transform(number[:, np.newaxis])[:, 0]
            parts.append(number)
        return np.stack(parts, axis=1) if parts else np.empty((len(frame), 0))

    def _names(self) -> list[str]:
        known = getattr(self, "feature_names_in_", None)
        return [f"x{j}" for j in range(self.n_features_in_)] if known is None else [str(name) for name in known]

    def _refuse_unknown(self, names: list[str]) -> None:
        logs: Sequence[str] = () if isinstance(self.log, str) else self.log
        unknown = [one for one in (*self.codes, *logs, *self.ranks) if not any(fnmatch(name, one) for name in names)]
        if unknown:
            raise ValueError(f"Preparation names {', '.join(unknown)}, and there are {', '.join(names)}")

    def _frame(self, X: Any, first: bool = False) -> pd.DataFrame:
        import pandas as pd

        if isinstance(X, pd.DataFrame):
            validate_data(self, X, skip_check_array=True, reset=first)
            return X
        checked = validate_data(self, X, dtype=None, ensure_all_finite="allow-nan", reset=first)
        frame = pd.DataFrame(checked).infer_objects()
        frame.columns = pd.Index([f"x{j}" for j in range(frame.shape[1])])
        return frame

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = tags.input_tags.categorical = tags.input_tags.string = True
        return tags


def _columns(frame: pd.DataFrame) -> list[tuple[str, pd.Series]]:
    return [(str(name), frame.iloc[:, j]) for j, name in enumerate(frame.columns)]


def _is_text(column: pd.Series) -> bool:
    from pandas.api import types

    return bool(types.is_bool_dtype(column)) or not types.is_numeric_dtype(column)


def _plain(column: pd.Series) -> list[Any]:
    return [str(value) for value in column] if _is_text(column) else [float(value) for value in column]


def _text(value: Any) -> str:
    return value if isinstance(value, str) else f"{value:g}"


def _named(name: str, wanted: Sequence[str]) -> bool:
    return any(fnmatch(name, one) for one in wanted)


def _signed_log(values: Floats) -> Floats:
    return np.asarray(np.sign(values) * np.log1p(np.abs(values)))


def _skewness(values: Floats) -> float:
    away = values - values.mean() if len(values) else values
    spread = float(np.sqrt((away**2).mean())) if len(values) else 0.0
    return float((away**3).mean() / spread**3) if spread > 0 else 0.0
