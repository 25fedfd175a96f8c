"""What of a panel a model sees: which columns, and the rows in an order of their own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

    from cxai_runner.data.dataset import Dataset

PRICE, PROMOTION = "price_", "promotion_"


def inputs_of(data: Dataset) -> list[str]:
    """Return the inputs; where none are named every price and promotion."""
    inputs = list(data.roles.inputs)
    return inputs or [str(name) for name in data.frame.columns if str(name).startswith((PRICE, PROMOTION))]


def labels_of_models(data: Dataset) -> list[str]:
    """Return the columns of text that say in which segment another model puts a row's customer."""
    return [name for name in data.roles.describe if any(one.startswith(f"{name}_") for one in data.roles.fed)]


def with_prices(data: Dataset, *first: str, prefix: str = PRICE) -> list[str]:
    """Return ``first``, every price, input or not, the inputs, and the segments of models; each once."""
    prices = [str(name) for name in data.frame.columns if str(name).startswith(prefix)]
    return list(dict.fromkeys([*first, *prices, *inputs_of(data), *labels_of_models(data)]))


def in_own_order(frame: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
    """Return rows sorted by what is in them, so that a fit with a random part depends on no order of the file."""
    return frame.sort_values(list(columns), kind="stable", key=_sortable)


def _sortable(column: pd.Series) -> pd.Series:
    """Words and numbers of one column cannot be compared, but their texts can."""
    return column.map(str) if column.dtype == object else column
