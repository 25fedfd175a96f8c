"""What builders share: how a frame is put in order and becomes a dataset."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd


def ordered(frame: pd.DataFrame, by: list[str]) -> pd.DataFrame:
    """Return ``frame`` sorted by ``by`` and then by every other column, index 0 … n−1.

    Rows that tie on all of ``by`` come in the same order whatever the order of the file, so that a seed means the same.
    """
    if frame.duplicated(by).any():
        by = [*by, *(column for column in frame.columns if column not in by)]
    return frame.sort_values(by, kind="stable", ignore_index=True)
