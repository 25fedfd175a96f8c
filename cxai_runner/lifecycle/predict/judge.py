"""Which rows a model can be asked about, and why the others cannot.

A row that lacks an input, or has a text that no training row had, is predicted where the model takes such rows and
rejected where it does not. Which of the two it is, the model is asked itself, once for each input: with a row of its
own input example that is spoilt in the same way.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from cxai_runner.evaluation.population import Spread, is_number
from cxai_runner.evaluation.wording import counted

if TYPE_CHECKING:
    import pandas as pd

    Predict = Callable[[pd.DataFrame], Any]


@dataclass(eq=False)
class Judge:
    """Tells rows that can be predicted from those that cannot, and counts the reasons.

    Parameters
    ----------
    predict
        Asks the model.
    failure
        What it raises where the model fails.
    complete
        Whether a row must have every input, as the rows had that the model was trained on.
    seen
        How the inputs were spread in training, by column.
    example
        A row as the model takes it.
    hide
        Turns a column into what was kept of it in training.
    """

    predict: Predict
    failure: type[Exception]
    complete: bool
    seen: Mapping[str, Spread]
    example: pd.DataFrame | None
    hide: Callable[[pd.Series], pd.Series]
    reasons: Counter[str] = field(default_factory=Counter)
    _taken: dict[tuple[str, str], bool] = field(default_factory=dict)
    _unseen: dict[str, tuple[int, str]] = field(default_factory=dict)

    def told(self) -> list[str]:
        """Of which values that no training row had the model was asked, and on how many rows."""
        return [
            f"{name} has a value on {counted(rows, 'row')} that was never seen in training, such as {like}: the model "
            "knows nothing of it, and predicts all the same"
            for name, (rows, like) in self._unseen.items()
        ]

    def before(self, rows: pd.DataFrame) -> pd.Series:
        """Return why each row cannot be predicted; empty where it can."""
        why = _nothing(rows)
        for name in rows:
            column = rows[name]
            missing = column.isna()
            if missing.any() and (self.complete or not self._takes("missing", str(name), rows, missing)):
                _add(why, missing, f"no value of {name}")
            if is_number(column):
                _add(why, column.astype(float).abs() == np.inf, f"{name} is not finite")
                continue
            if (spread := self.seen.get(str(name))) is None or spread.listed:  # no list is expected twice
                continue
            known = self.hide(column)
            new = spread.unseen(known)
            if new.any() and not self._takes("unseen", str(name), rows, new):
                _add(why, new, f"{name} has a value that was never seen in training")
            elif new.any():
                before, like = self._unseen.get(str(name), (0, str(known[new].iloc[0])))
                self._unseen[str(name)] = before + int(new.sum()), like
        return self._counted(why)

    def after(self, predictions: pd.DataFrame) -> pd.Series:
        """Return why each prediction is none; empty where it is one."""
        why = _nothing(predictions)
        for name in predictions:
            if is_number(predictions[name]):
                _add(why, ~(predictions[name].astype(float).abs() < np.inf), f"the model gave no finite {name}")
        return self._counted(why)

    def _takes(self, kind: str, name: str, rows: pd.DataFrame, spoilt: pd.Series) -> bool:
        """Whether the model takes rows that are spoilt so; asked once, with one such row."""
        if (kind, name) not in self._taken:
            like = rows[spoilt].head(1)
            if self.example is not None:  # nothing else may be wrong with the row
                one = self.example.head(1).drop(columns=name).assign(**{name: like[name].to_numpy()})
                like = one[list(rows.columns)].set_axis(like.index, axis=0)
                like[name] = like[name].astype(rows[name].dtype)
            try:
                self.predict(like)
            except self.failure:
                self._taken[kind, name] = False
            else:
                self._taken[kind, name] = True
        return self._taken[kind, name]

    def _counted(self, why: pd.Series) -> pd.Series:
        """Count each row under its first reason."""
        self.reasons.update(reason.partition("; ")[0] for reason in why[why != ""])
        return why


def _nothing(rows: pd.DataFrame) -> pd.Series:
    import pandas as pd

    return pd.Series("", index=rows.index, dtype=object)


def _add(why: pd.Series, bad: pd.Series, reason: str) -> None:
    """Add a reason to the rows that have it."""
    if bad.any():
        why[bad] = [f"{before}; {reason}" if before else reason for before in why[bad]]
