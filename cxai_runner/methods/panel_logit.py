"""What logits of repeat customers have in common: they are fitted to customers with several rows each."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.utils.validation import validate_data

from .errors import LogitError
from .logit_model import Covariance, Floats, LogitModel


class PanelLogit(LogitModel):
    """A logit that needs the customer of each row, with a covariance that is clustered by customer or classical."""

    needs_groups: ClassVar[bool] = True
    covariance: Covariance

    def _panel(self, X: ArrayLike, y: ArrayLike, groups: ArrayLike | None) -> tuple[Floats, Floats, NDArray[np.intp]]:
        """Return columns, outcomes of 0 and 1, and the number of each row's customer.

        Raises
        ------
        ValueError
            A missing or infinite value, one class only, more than two classes, no groups, or an unknown option.
        LogitError
            There is one customer, or none has two rows.
        """
        if self.covariance not in ("clustered", "classical"):
            raise ValueError(f"covariance must be 'clustered' or 'classical', not {self.covariance!r}")
        values, outcome = validate_data(self, X, y, dtype=np.float64, ensure_min_samples=2)
        codes = _customers(groups, len(values), self.form)
        return values, self._outcome(outcome), codes


def _customers(groups: ArrayLike | None, rows: int, form: str) -> NDArray[np.intp]:
    if groups is None:
        raise ValueError(f"a {form} needs `groups`: the customer of each row")
    codes, ids = pd.factorize(np.asarray(groups))
    if len(codes) != rows:
        raise ValueError(f"groups has {len(codes)} values for {rows} rows")
    if len(ids) < 2:
        raise LogitError("there is one customer only", f"a {form} needs several")
    if len(ids) == rows:
        raise LogitError("no customer has two rows", "take a plain logit: customers cannot be told apart")
    return codes.astype(np.intp)
