"""What builders share: how rows are read a few at a time, how a frame is put in order and becomes a dataset."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd
    from ibis.expr.types import Table as IbisTable


def ordered(frame: pd.DataFrame, by: list[str]) -> pd.DataFrame:
    """Return ``frame`` sorted by ``by`` and then by every other column, index 0 … n−1.

    Rows that tie on all of ``by`` come in the same order whatever the order of the file, so that a seed means the same.
    """
    if frame.duplicated(by).any():
        by = [*by, *(column for column in frame.columns if column not in by)]
    return frame.sort_values(by, kind="stable", ignore_index=True)


def batches(rows: IbisTable, size: int) -> Iterator[pd.DataFrame]:
    """Read an expression about ``size`` rows at a time, in one pass, as ``execute`` would give them."""
    from ibis.formats.pandas import PandasData

    schema = rows.schema()
    for batch in rows.to_pyarrow_batches(chunk_size=size):
        yield PandasData.convert_table(batch.to_pandas(), schema)
