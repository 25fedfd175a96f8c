"""What a model gave, under the names that everybody reads it by."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import pandas as pd

SEGMENT: Final = "segment"
PROBABILITY: Final = "probability"
PREDICTION: Final = "prediction"
ITEM: Final = "item"
"""Of lists: ``item_1`` is the first of each row, with its ``score_1``."""
_LATER: Final = re.compile(r"(item|score)_(?!1$)\d+")
_YES_OR_NO: Final = ({0, 1}, {False, True})


def predicted(found: pd.Series | pd.DataFrame, kind: str | None) -> pd.DataFrame:
    """Return predictions under their names.

    Parameters
    ----------
    found
        What a model gave: one value per row, or a column per class.
    kind
        The task's kind of model.

    Returns
    -------
    predictions
        ``segment`` of a clusterer; ``probability`` of yes where the classes are no and yes, and
        ``probability_<class>`` of each where they are others; else ``prediction``. What is no classifier's and has
        names of its own keeps them. On the same index.
    """
    import pandas as pd

    if isinstance(found, pd.Series):
        return found.to_frame(SEGMENT if kind == "clusterer" else PREDICTION)
    classes: Sequence[Any] = list(found.columns)
    if kind not in (None, "classifier") and all(isinstance(one, str) for one in classes):
        return found
    if len(classes) == 2 and set(classes) in _YES_OR_NO:
        return found.iloc[:, [1]].set_axis([PROBABILITY], axis=1)
    return found.set_axis([f"{PROBABILITY}_{one}" for one in classes], axis=1)


def of_an_estimator(estimator: Any, method: str, rows: pd.DataFrame, kind: str | None) -> pd.DataFrame:
    """Return what a fitted estimator gives for ``rows``, under its names."""
    import numpy as np
    import pandas as pd

    given = getattr(estimator, method)(rows)
    if isinstance(given, pd.DataFrame) and kind != "classifier":
        return predicted(given.set_axis(rows.index), kind)
    found = np.asarray(given)
    if found.ndim == 1:
        return predicted(pd.Series(found, index=rows.index), kind)
    classes = list(getattr(estimator, "classes_", range(found.shape[1])))
    return predicted(pd.DataFrame(found, index=rows.index).set_axis(classes, axis=1), kind)


def counted(predictions: pd.DataFrame) -> pd.DataFrame:
    """Return predictions as they are counted in bins: a segment's number is a name, and a list is what is first on it.

    Of lists (``item_1``, ``score_1``, ``item_2`` …) the later places would say the same again.
    """
    later = [one for one in predictions if _LATER.fullmatch(str(one))] if f"{ITEM}_1" in predictions else []
    first = predictions.drop(columns=later)
    return first.astype({name: "str" for name in first if name == SEGMENT})
