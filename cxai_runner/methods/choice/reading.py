"""Names and numbers of a panel's columns."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from .errors import ChoiceError


def labels(values: Iterable[object]) -> tuple[str, ...]:
    """Return alternatives as the columns spell them: whole numbers without a point."""
    names = tuple(
        str(int(value)) if isinstance(value, float | np.floating) and value == int(value) else str(value)
        for value in values
    )
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        raise ChoiceError(f"named twice among the alternatives: {', '.join(sorted(twice))}", "name each once")
    return names


def no_column(name: str, frame: pd.DataFrame) -> ChoiceError:
    """Return the error of a column that is absent."""
    return ChoiceError(f"there is no column {name!r}", f"it has {', '.join(map(str, frame.columns))}", (name,))


def numbers(frame: pd.DataFrame, name: str) -> NDArray[np.float64]:
    """Return a column as numbers, missing ones as NaN."""
    if name not in frame.columns:
        raise no_column(name, frame)
    try:
        return frame[name].to_numpy(dtype=np.float64, na_value=np.nan)
    except (TypeError, ValueError) as error:
        remedy = "encode its values as numbers, a column of 0 and 1 for each but one"
        raise ChoiceError(f"column {name!r} is not numeric ({frame[name].dtype})", remedy, (name,)) from error


def stems(frame: pd.DataFrame, suffixes: Sequence[str], skip: Iterable[str] = ()) -> list[str]:
    """Return the attributes that have a column for every alternative, and the numeric columns that belong to none."""
    numeric = [str(name) for name in frame.select_dtypes(["number", "bool"]).columns if name not in skip]
    first = [name.removesuffix(suffixes[0]) for name in numeric if name.endswith(suffixes[0])]
    attributes = [stem for stem in first if all(f"{stem}{suffix}" in numeric for suffix in suffixes)]
    belong = {f"{stem}{suffix}" for stem in attributes for suffix in suffixes}
    return [*attributes, *(name for name in numeric if name not in belong)]
