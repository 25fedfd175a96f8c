"""Columns of any type as the numbers that every model of conversion takes, learned on the training rows alone.

Numbers are filled, straightened where they are skewed, and scaled; dates become days; texts and codes become levels.
What new rows bring that training never had has a stated place: an unseen level counts as rare ones do, or as the
average of all levels where there were none; a missing value is the training median.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.api import types
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from cxai_runner.methods.levels import MISSING, level

Floats = NDArray[np.float64]

OTHER = "other"
"""The level that rare values share, and unseen ones with them."""
SKEWED = 1.0
"""Skewness above which a number is straightened."""
_DAY = 86_400_000_000_000
_NUMBERS = ("boolean", "integer", "floating", "mixed-integer-float", "decimal")
_DATES = ("date", "datetime", "datetime64")


class Preparation(TransformerMixin, BaseEstimator):
    """Make columns of a data frame numbers.

    Parameters
    ----------
    skewed
        What becomes of a number whose skewness is above 1 and falls by it: ``log`` is sign(x) · log(1 + |x| / m), m
        being the median of the sizes other than zero, so that the unit does not matter; ``keep`` leaves it.
    rare
        Rows below which a level is counted among ``other``, and below which that a value is missing is no column.
    levels
        The most levels that a column keeps, the most frequent ones.
    encode
        ``one_hot``: a column for each level. ``codes``: one column with the number of the level, 0 for ``other``,
        behind all others; for models that learn embeddings.

    Attributes
    ----------
    columns_ : list of dict
        What was learned of each column that is used, in plain values.
    dropped_ : dict
        Why each other column is not used.
    cardinalities_ : list of int
        With ``codes``: how many codes each of the last columns has.
    """

    def __init__(
        self,
        skewed: Literal["log", "keep"] = "log",
        rare: int = 10,
        levels: int = 50,
        encode: Literal["one_hot", "codes"] = "one_hot",
    ) -> None:
        self.skewed = skewed
        self.rare = rare
        self.levels = levels
        self.encode = encode

    def fit(self, X: pd.DataFrame, y: object = None) -> Preparation:
        """Learn from training rows; raises `ValueError` where no column can be used."""
        self.columns_: list[dict[str, Any]] = []
        self.dropped_: dict[str, str] = {}
        for name in X.columns:
            found = self._learned(X[name])
            if isinstance(found, str):
                self.dropped_[str(name)] = found
            else:
                self.columns_.append({"name": str(name), **found})
        if not self.columns_:
            why = "; ".join(f"{name} {reason}" for name, reason in self.dropped_.items())
            raise ValueError(f"no column can be used: {why}")
        self.feature_names_in_ = np.asarray([str(name) for name in X.columns], dtype=object)
        self.n_features_in_ = X.shape[1]
        coded = [one for one in self.columns_ if one["kind"] == "levels"] if self.encode == "codes" else []
        self.cardinalities_ = [len(one["levels"]) + 1 for one in coded]
        return self

    def transform(self, X: pd.DataFrame) -> Floats:
        """Return the numbers of new rows, shape (n, columns)."""
        check_is_fitted(self)
        absent = [one["name"] for one in self.columns_ if one["name"] not in X.columns]
        if absent:
            raise ValueError(f"columns are missing that the model takes: {', '.join(absent)}")
        parts: list[Floats] = []
        last: list[Floats] = []
        for one in self.columns_:
            if one["kind"] == "levels":
                codes = _codes(X[one["name"]], one["levels"])
                if self.encode == "codes":
                    last.append(codes[:, np.newaxis].astype(np.float64))
                else:
                    parts.append(_one_hot(codes, one))
            else:
                parts.append(_scaled(X[one["name"]], one))
        return np.hstack([*parts, *last])

    def get_feature_names_out(self, input_features: object = None) -> NDArray[np.object_]:
        """Return the names of the numbers: ``spend``, ``spend missing``, ``region[north]``."""
        check_is_fitted(self)
        names: list[str] = []
        coded: list[str] = []
        for one in self.columns_:
            name = one["name"]
            if one["kind"] != "levels":
                names += [name, f"{name} {MISSING}"] if one["tells_missing"] else [name]
            elif self.encode == "codes":
                coded.append(name)
            else:
                names += [f"{name}[{value}]" for value in ([OTHER] if one["pooled"] else []) + one["levels"]]
        return np.asarray([*names, *coded], dtype=object)

    def said(self) -> pd.DataFrame:
        """Return what is done with each column, one row each, to be read."""
        check_is_fitted(self)
        rows = [{"column": one["name"], "taken_as": _taken_as(one), "missing": _missing(one)} for one in self.columns_]
        rows += [{"column": name, "taken_as": f"not used: {why}", "missing": ""} for name, why in self.dropped_.items()]
        return pd.DataFrame(rows)

    def _learned(self, column: pd.Series) -> dict[str, Any] | str:
        """What is to be known of a column; as text, why it cannot be used."""
        known = column.dropna()
        if known.empty:
            return "has no value in training"
        if not is_number(column) and not is_date(column):
            return self._levels(column)
        kind = "date" if is_date(column) else "number"
        values = _numbers(column, kind)
        there = np.isfinite(values)
        missing = int((~there).sum())
        tells_missing = missing >= self.rare
        if np.ptp(values[there]) == 0 and not tells_missing:
            return "has one value in training"
        found: dict[str, Any] = {"kind": kind, "fill": float(np.median(values[there])), "missing": missing, "unit": 0.0}
        filled = np.where(there, values, found["fill"])
        if self.skewed == "log" and kind == "number" and abs(before := _skewness(filled)) > SKEWED:
            sizes = np.abs(filled[filled != 0])
            unit = float(np.median(sizes)) if sizes.size else 0.0
            if unit > 0 and abs(_skewness(_straight(filled, unit))) < abs(before):
                found["unit"] = unit
                filled = _straight(filled, unit)
        spread = float(filled.std())
        return found | {
            "mean": float(filled.mean()),
            "spread": spread if spread > 0 else 1.0,
            "tells_missing": bool(tells_missing),
        }

    def _levels(self, column: pd.Series) -> dict[str, Any] | str:
        named = _named(column)
        counts = named.value_counts()
        if len(counts) < 2:
            return "has one value in training"
        order = sorted(counts.index, key=lambda name: (-int(counts[name]), name))
        kept = [name for name in order if counts[name] >= self.rare][: self.levels]
        if not kept:
            return f"has {len(counts):,} values, each on fewer than {self.rare} rows: no levels to learn from"
        rows = int(counts.drop(kept).sum())
        if len(kept) == 1 and rows == 0:
            return "has one value in training"
        shares = np.asarray([rows, *(int(counts[name]) for name in kept)], dtype=np.float64) / len(named)
        return {
            "kind": "levels",
            "levels": kept,
            "values": len(counts),
            "pooled": rows > 0,
            "shares": shares,
            "missing": int((named == MISSING).sum()),
        }


def is_number(column: pd.Series) -> bool:
    """Whether a column is taken for numbers: yes and no are 1 and 0."""
    if is_date(column):
        return False
    plain = types.is_numeric_dtype(column) or types.is_bool_dtype(column)
    return bool(plain or (column.dtype == object and types.infer_dtype(column, skipna=True) in _NUMBERS))


def is_date(column: pd.Series) -> bool:
    """Whether a column is taken for dates."""
    plain = types.is_datetime64_any_dtype(column)
    return bool(plain or (column.dtype == object and types.infer_dtype(column, skipna=True) in _DATES))


def plain_types(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a frame of dates, texts and doubles: types that any reader knows, and that all have room for a gap.

    A signature with whole numbers, or with yes and no, refuses a missing one, or takes it for a no.
    """
    found: dict[str, Any] = {}
    for name in map(str, frame):
        if is_date(frame[name]):
            found[name] = pd.to_datetime(frame[name])
        elif is_number(frame[name]):
            found[name] = frame[name].astype("float64")
    return frame.assign(**found)


def as_numbers(column: pd.Series) -> Floats:
    """The values of a column of numbers or dates, dates as days since 1970; NaN is missing."""
    return _numbers(column, "date" if is_date(column) else "number")


def _numbers(column: pd.Series, kind: str) -> Floats:
    """The values as numbers, dates as days since 1970; NaN is missing."""
    absent = column.isna().to_numpy()
    if absent.all():
        return np.full(len(column), np.nan)
    if kind == "date":
        try:
            instants = pd.to_datetime(column, utc=True).dt.tz_localize(None).astype("datetime64[ns]")
        except (ValueError, TypeError) as error:
            raise ValueError(f"{column.name} holds values that are no dates, and held dates in training") from error
        return np.where(absent, np.nan, instants.to_numpy().astype(np.int64) / _DAY)
    if not is_number(column):
        raise ValueError(f"{column.name} holds texts or dates, and held numbers in training")
    values = column.to_numpy(dtype=np.float64, na_value=np.nan)
    if np.isinf(values).any():
        raise ValueError(f"{column.name} holds infinite values")
    return values


def _straight(values: Floats, unit: float) -> Floats:
    return np.sign(values) * np.log1p(np.abs(values) / unit)


def _skewness(values: Floats) -> float:
    spread = values.std()
    return 0.0 if spread == 0 else float((((values - values.mean()) / spread) ** 3).mean())


def _scaled(column: pd.Series, one: Mapping[str, Any]) -> Floats:
    values = _numbers(column, one["kind"])
    absent = ~np.isfinite(values)
    filled = np.where(absent, one["fill"], values)
    if one["unit"] > 0:
        filled = _straight(filled, one["unit"])
    scaled = (filled - one["mean"]) / one["spread"]
    return np.column_stack([scaled, absent]) if one["tells_missing"] else scaled[:, np.newaxis]


def _named(column: pd.Series) -> pd.Series:
    """The level of each row by name."""
    codes, values = pd.factorize(column, use_na_sentinel=False)
    return pd.Series(np.asarray([level(value) for value in values], dtype=object)[codes], index=column.index)


def _codes(column: pd.Series, levels: list[str]) -> NDArray[np.intp]:
    """The number of each row's level: 0 for one that is not kept."""
    place = {name: number for number, name in enumerate(levels, 1)}
    codes, values = pd.factorize(column, use_na_sentinel=False)
    return np.asarray([place.get(level(value), 0) for value in values], dtype=np.intp)[codes]


def _one_hot(codes: NDArray[np.intp], one: Mapping[str, Any]) -> Floats:
    """A column per level; what training never had is the average of its levels where no rare ones were pooled."""
    width = len(one["levels"]) + 1
    table = np.eye(width)
    if not one["pooled"]:
        table[0] = one["shares"]
        table = table[:, 1:]
    return np.asarray(table[codes], dtype=np.float64)


def _taken_as(one: Mapping[str, Any]) -> str:
    if one["kind"] == "levels":
        kept, rest = len(one["levels"]), one["values"] - len(one["levels"])
        pooled = f", {rest:,} rare {'value' if rest == 1 else 'values'} as {OTHER}" if one["pooled"] else ""
        return f"{kept} level{'s' * (kept != 1)}{pooled}"
    return {"date": "date, in days", "number": "number"}[one["kind"]] + (", on a log scale" if one["unit"] > 0 else "")


def _missing(one: Mapping[str, Any]) -> str:
    if not one["missing"]:
        return "none"
    if one["kind"] == "levels":
        return f"{one['missing']:,} rows, a level" if MISSING in one["levels"] else f"{one['missing']:,} rows, {OTHER}"
    told = ", and told by a column" if one["tells_missing"] else ""
    return f"{one['missing']:,} rows, filled with the median{told}"
