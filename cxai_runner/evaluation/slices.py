"""Customers told apart by a column, so that a model can be judged on each kind of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cxai_runner.data.dataset import Dataset
from cxai_runner.methods.conversion.preparation import is_date, is_number
from cxai_runner.methods.levels import MISSING, level, ranked

MOST = 8
OTHERS = "others"


@dataclass(frozen=True, eq=False)
class Slices:
    """Columns, each with its largest values or with the ends of four ranges, as training has them.

    Parameters
    ----------
    values
        By column: the values that are told apart.
    edges
        By column of many numbers: where its ranges end.
    """

    values: Mapping[str, Sequence[str]]
    edges: Mapping[str, NDArray[np.float64]]

    @classmethod
    def of(cls, train: Dataset, columns: Sequence[str]) -> Slices:
        """Learn how to tell training rows apart."""
        values: dict[str, Sequence[str]] = {}
        edges: dict[str, NDArray[np.float64]] = {}
        for name in columns:
            column = train.frame[name]
            if is_number(column) and column.nunique() > MOST and not name.endswith("_id"):
                known = column.to_numpy(dtype=np.float64, na_value=np.nan)
                edges[name] = np.unique(np.nanquantile(known[np.isfinite(known)], [0.25, 0.5, 0.75]))
            elif not is_date(column) and column.nunique() > 1:
                values[name] = [str(one) for one in ranked(column.map(level)).index[:MOST]]
        return cls(values, edges)

    def named(self, frame: pd.DataFrame) -> dict[str, NDArray[np.object_]]:
        """Name the slice of every row, by column; rows that lack the column altogether are told so."""
        found: dict[str, NDArray[np.object_]] = {}
        for name, kept in self.values.items():
            named = frame[name].map(level).astype(object) if name in frame else pd.Series(MISSING, frame.index)
            found[name] = named.where(named.isin([*kept, MISSING]), OTHERS).to_numpy(dtype=object)
        for name, edges in self.edges.items():
            column = frame[name] if name in frame else pd.Series(np.nan, frame.index)
            known = column.to_numpy(dtype=np.float64, na_value=np.nan)
            labels = np.asarray(_labels(edges), dtype=object)
            place = np.searchsorted(edges, np.nan_to_num(known), side="left")
            found[name] = np.where(np.isnan(known), MISSING, labels[place]).astype(object)
        return found


def _labels(edges: NDArray[np.float64]) -> list[str]:
    ends = [f"{edge:,.3g}" if abs(edge) < 1000 else f"{edge:,.0f}" for edge in edges]
    between = [f"above {low} to {high}" for low, high in pairwise(ends)]
    return [f"up to {ends[0]}", *between, f"above {ends[-1]}"]
