"""Customers put into segments: rows of a frame here, or an expression that is computed where the rows live.

Both read the same boxes, so that a model that was saved and a query on a warehouse say the same of a customer.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from cxai_runner.methods.managerial.boxes import Box
from cxai_runner.methods.managerial.rules import SCORE, Segment
from cxai_runner.methods.managerial.scores import LOW_IS_BEST, scored

if TYPE_CHECKING:
    from ibis.expr.types import StringValue
    from ibis.expr.types import Table as IbisTable

Edges = Mapping[str, ArrayLike]
"""The edges of the scores, by measure."""


def assigned(frame: pd.DataFrame, segments: Sequence[Segment], edges: Edges | None = None) -> NDArray[np.object_]:
    """Return the segment of each row, shape (n,).

    Parameters
    ----------
    frame
        The measures that the rules ask for, one row per customer; no value is missing.
    segments
        Which take everybody, and nobody twice.
    edges
        Of the scores that the rules ask for.
    """
    values = {str(name): frame[name].to_numpy(dtype=np.float64) for name in frame}
    for name, at in (edges or {}).items():
        values[f"{name}{SCORE}"] = scored(values[name], at, low_is_best=name in LOW_IS_BEST).astype(np.float64)
    found = np.zeros(len(frame), dtype=np.intp)
    for number, segment in enumerate(segments):
        for box in segment.boxes:
            found[_inside(values, box, len(frame))] = number
    return np.array([segment.name for segment in segments], dtype=object)[found]


def expression(table: IbisTable, segments: Sequence[Segment], edges: Edges | None = None) -> StringValue:
    """Return the segment of each row of ``table``, as an expression of its columns.

    Parameters
    ----------
    table
        With a column for each measure that the rules ask for.
    segments, edges
        As in `assigned`.
    """
    import ibis

    columns = {name: table[name] for name in table.columns}
    for name, at in (edges or {}).items():
        above: Any = sum((table[name] > float(edge)).cast("int64") for edge in np.asarray(at))
        columns[f"{name}{SCORE}"] = 1 + (len(np.asarray(at)) - above if name in LOW_IS_BEST else above)
    cases = [(_condition(columns, box), segment.name) for segment in segments for box in segment.boxes]
    # One of them holds for everyone, so that what is asked last need not be asked.
    found: StringValue = ibis.cases(*cases[:-1], else_=cases[-1][1]) if len(cases) > 1 else ibis.literal(cases[0][1])
    return found


def _inside(values: Mapping[str, NDArray[np.float64]], box: Box, rows: int) -> NDArray[np.bool_]:
    inside = np.ones(rows, dtype=bool)
    for name, interval in box.items():
        own = values[name]
        inside &= own > interval.low if interval.low_open else own >= interval.low
        inside &= own < interval.high if interval.high_open else own <= interval.high
    return inside


def _condition(columns: Mapping[str, Any], box: Box) -> Any:
    import ibis

    held = []
    for name, interval in box.items():
        own = columns[name]
        if math.isfinite(interval.low):
            held.append(own > interval.low if interval.low_open else own >= interval.low)
        if math.isfinite(interval.high):
            held.append(own < interval.high if interval.high_open else own <= interval.high)
    return ibis.and_(*held) if held else ibis.literal(True)
