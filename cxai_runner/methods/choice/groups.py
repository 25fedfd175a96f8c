"""Groups of customers that can have coefficients of their own for every alternative.

Where nobody of a group ever chose an alternative, its coefficient has no estimate; where hardly anybody did, it has
one that says nothing, and resamples of the customers have none. Ten choices for a coefficient are an old rule of
thumb [1]_.

References
----------
.. [1] Peduzzi, Concato, Kemper, Holford and Feinstein (1996), A simulation study of the number of events per variable
   in logistic regression analysis, Journal of Clinical Epidemiology 49(12).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

EVENTS = 10
"""Choices of each alternative that a group has to have made."""


def is_told_apart(column: pd.Series, chosen: ArrayLike, alternatives: Sequence[str]) -> bool:
    """Say whether a column can have a coefficient for each alternative.

    Parameters
    ----------
    column
        0 and 1: who is in a group. Of any other column it is enough that it changes.
    chosen
        The alternative chosen on each row, as ``alternatives`` spell it.
    """
    values = column.to_numpy(dtype=np.float64)
    seen = np.unique(values)
    if len(seen) < 2 or not set(seen) <= {0.0, 1.0}:
        return len(seen) > 1
    names = pd.Series(np.asarray(chosen, dtype=object)[values == 1])
    return bool((names.value_counts().reindex(list(alternatives), fill_value=0) >= EVENTS).all())
