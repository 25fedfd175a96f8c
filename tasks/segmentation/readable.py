"""Customers with columns of text as numbers, so that whatever compares means can compare shares as well."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import pandas as pd
from pandas.api import types

from cxai_runner.data.dataset import Dataset

MOST: Final = 12
"""So many values of a column, the most frequent, have an indicator."""


def readable(data: Dataset) -> Dataset:
    """Return customers whose inputs of text are indicators, 0 or 1: ``region = north``."""
    frame, inputs = data.frame, list(data.roles.inputs)
    texts = [name for name in inputs if not types.is_numeric_dtype(frame[name])]
    if not texts:
        return data
    made: dict[str, pd.Series] = {}
    for name in inputs:
        if name not in texts:
            continue
        for value in frame[name].value_counts().index[:MOST]:
            made[f"{name} = {value}"] = (frame[name] == value).astype("float64")
    kept = [name for name in inputs if name not in texts]
    frame = pd.concat([frame.drop(columns=texts), pd.DataFrame(made, index=frame.index)], axis=1)
    return replace(data, frame=frame, roles=replace(data.roles, inputs=(*kept, *made)))
