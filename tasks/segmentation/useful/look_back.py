"""The segments of an earlier date: made again from what was known then, and held to what came after.

Nothing of today enters them but their number. So they say what a segmentation of that day would have been worth, and
how many customers of today would still be where they were.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import clone

from cxai_runner.data.dataset import Dataset
from cxai_runner.features.customer_profile import EARLIER
from cxai_runner.methods.agreement import matched

FEW = 50
NEXT = "next_revenue"


@dataclass(frozen=True, eq=False)
class LookBack:
    """Customers as of an earlier date, in the segments that the same model found then.

    Parameters
    ----------
    time, until
        That date, and the one up to which it is known what came.
    frame
        One row per customer of then, with ``next_revenue`` where it is known.
    segment
        Their segments then, called as those of today that share most with them, shape (n,).
    today
        Their segments of today, shape (n,); −2 for who is no customer today.
    applied
        The segments that the model of then puts the customers of today into, shape (customers of today,).
    """

    time: pd.Timestamp
    until: pd.Timestamp
    frame: pd.DataFrame
    segment: NDArray[np.intp]
    today: NDArray[np.intp]
    applied: NDArray[np.intp]

    @property
    def days(self) -> str:
        """The days of which it is known what came, in words."""
        return f"{(self.until - self.time).days} days"

    @property
    def both(self) -> NDArray[np.bool_]:
        """Which of them are customers of both dates."""
        return self.today != GONE


GONE = -2


def look_back(model: Any, train: Dataset, segment: NDArray[np.intp], inputs: Sequence[str]) -> LookBack | str:
    """Divide the customers of an earlier date by the same model.

    Parameters
    ----------
    model
        The pipeline, with the number of segments of today; a clone of it is fitted.
    train
        Today's customers, with the earlier date's beside them.
    segment
        Their segments, shape (n,).
    inputs
        The columns that segments are made of.

    Returns
    -------
    look_back
        Or why there is none, in words.
    """
    earlier = train.others.get(EARLIER)
    columns = list(inputs)
    if earlier is None or not set(columns) <= set(earlier):
        return "the data are of one date"
    whole = train.frame[columns].notna().all(axis=None)
    frame = earlier.dropna(subset=columns) if whole else earlier
    many = max(FEW, 10 * len(np.unique(segment)))
    if len(frame) < many:
        return f"{len(frame):,} customers had bought before the earlier date, which are too few"
    if (frame[columns].nunique() < 2).any():
        return "before the earlier date a column was the same for every customer"
    # An order of the rows' own, as in the fit of today.
    frame = frame.sort_values(columns, kind="stable", ignore_index=True)
    try:
        fitted = clone(model).fit(frame[columns])
    except ValueError as error:
        return f"the model could not be fitted to the customers of then ({str(error).splitlines()[0].rstrip('.')})"
    then = np.asarray(fitted.predict(frame[columns])).astype(np.intp)
    now = pd.Series(segment, index=train.frame[train.roles.id])
    today = frame["customer_id"].map(now).fillna(GONE).to_numpy().astype(np.intp)
    both = today != GONE
    names = matched(then[both], today[both])
    applied = np.asarray(fitted.predict(train.frame[columns])).astype(np.intp)
    for k in np.unique([*then, *applied]).tolist():
        names.setdefault(k, max(*names.values(), 0) + 1)
    renamed = np.vectorize(lambda k: names[int(k)], otypes=[np.intp])
    time, until = (pd.Timestamp(frame[name].iloc[0]) for name in ("time", "until"))
    return LookBack(time, until, frame, renamed(then), today, renamed(applied))
