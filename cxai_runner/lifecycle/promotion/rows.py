"""The rows that a run was judged on, built once more from what it kept, and told apart from those it was trained on.

A run keeps the scores of its held-out rows and not the rows: another model can be asked about them only once they are
built again, from the run's own config, its data and the feature cache.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from cxai_runner.config.problems import UserError
from cxai_runner.data.tables.instants import instant
from cxai_runner.experiment import held_out
from cxai_runner.identity import Keys, keys
from cxai_runner.kept.again import composed_again, learned
from cxai_runner.preflight import Ready, assemble, preflight
from cxai_runner.threads import held_to
from cxai_runner.tracking.pseudonyms import Privacy

if TYPE_CHECKING:
    import pandas as pd

    from cxai_runner.config.compose import Composed
    from cxai_runner.kept.run import Kept
    from cxai_runner.task import Context, Task

CUSTOMER = "customer_id"


class NotComparableError(Exception):
    """Two models cannot be compared on the same rows; the message says why, to stand behind a colon."""


@dataclass(frozen=True, eq=False)
class Rows:
    """A run's held-out rows, built again.

    Parameters
    ----------
    kept
        The run.
    ready
        Its experiment.
    keys
        Of its stages, as they are now.
    frame
        The rows under standard names, in the order of the run's held-out scores.
    id, time
        The columns of their customer and their time; None where they have no time.
    """

    kept: Kept
    ready: Ready
    keys: Keys
    frame: pd.DataFrame
    id: str
    time: str | None

    @classmethod
    def of(cls, kept: Kept) -> Rows:
        """Build them.

        Raises
        ------
        NotComparableError
            The data are not here any more, or are not those that the run was judged on.
        """
        import pandas as pd

        composed = _composed(kept)
        try:
            with held_to(int(composed.plain["threads"])):
                ready = preflight(assemble(composed))
                made_of = keys(ready)
                parts = held_out(ready, made_of)
        except UserError as error:
            raise NotComparableError(f"its rows cannot be built again, {_first(error)}") from None
        if not parts:
            raise NotComparableError("no rows were held out")
        frame = pd.concat([part.frame for part in parts], ignore_index=True)
        rows = cls(kept, ready, made_of, frame, parts[0].roles.id, parts[0].roles.time)
        rows._demand_same()
        return rows

    @property
    def task(self) -> Task:
        """The run's task."""
        return self.ready.experiment.task

    @property
    def context(self) -> Context:
        """What the task is lent while it measures."""
        return self.ready.experiment.context(lambda metric, value, number: None, lambda: False)

    @cached_property
    def scores(self) -> pd.DataFrame:
        """The run's own scores of these rows."""
        return self.kept.scores()["held_out"]

    @property
    def columns(self) -> list[str]:
        """What tells one row from another."""
        return [CUSTOMER, *([self.time] if self.time else [])]

    def known_as(self, privacy: Privacy) -> pd.DataFrame:
        """Who and when each row is, as a store with this privacy has it."""
        frame = self.frame.rename(columns={self.id: CUSTOMER})[self.columns]
        return privacy.frame(frame)

    def features_of(self, other: Kept) -> pd.DataFrame:
        """Build the same rows as another run's features make them, with what those learned when it was trained.

        Returns
        -------
        frame
            In the order of `frame`.

        Raises
        ------
        NotComparableError
            Its features cannot be built from these data, or do not give these rows.
        """
        import pandas as pd

        composed = _composed(other)
        theirs, ours = composed.plain["features"], self.ready.experiment.settings["features"]
        knew = learned(other)
        if theirs == ours and knew == learned(self.kept):
            return self.frame
        try:
            experiment = assemble(_on_data_of(composed, self.ready.experiment.composed))
            ready = preflight(experiment, self.ready.tables)
            parts = [
                experiment.features.build(ready.tables, fold.held_out, knew)
                for fold in self.ready.folds
                if fold.held_out is not None
            ]
        except UserError as error:
            raise NotComparableError(f"its features cannot be built from these data, {_first(error)}") from None
        return self._in_order(pd.concat([part.frame for part in parts], ignore_index=True))

    def trained(self, other: Kept, refit: str) -> pd.Series:
        """Whether another run's kept model was trained on each of these rows.

        Parameters
        ----------
        other
            The run.
        refit
            ``all`` where that was fitted on its held-out rows too.
        """
        import pandas as pd

        if self.time is None and refit != "all" and self._come_after(other):
            return pd.Series(False, index=self.frame.index)  # of the same customers, but not of what they did then
        scores = other.scores()
        seen = [scores["train"], *([scores["held_out"]] if refit == "all" and "held_out" in scores else [])]
        columns = [name for name in self.columns if all(name in one for one in seen)]
        known = {key for one in seen for key in _keys(one, columns)}
        mine = _keys(self.known_as(privacy_of(other)), columns)
        return pd.Series([key in known for key in mine], index=self.frame.index)

    def _come_after(self, other: Kept) -> bool:
        """Whether these rows tell of what came after all that another run's model was trained on."""
        starts = [instant(fold.held_out.start) for fold in self.ready.folds if fold.held_out is not None]
        seen = instant(assemble(_composed(other)).features.seen_until(learned(other)))
        return seen is not None and all(start is not None and seen <= start for start in starts)

    def _demand_same(self) -> None:
        """Refuse rows that are not those that the run scored."""
        then = str(self.kept.facts["tags"].get("cxai.key.features", ""))
        if then == self.keys.features:
            return
        now, told = self.known_as(privacy_of(self.kept)), self.scores
        target = self.task.target
        same = len(now) == len(told) and _keys(now, self.columns) == _keys(told, self.columns)
        if same and target is not None:
            same = bool((self.frame[target].to_numpy() == told[target].to_numpy()).all())
        if not same:
            raise NotComparableError("its data are not those that it was judged on any more")

    def _in_order(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Another frame of the same rows, in this order."""
        mine, theirs = (_keys(one.rename(columns={self.id: CUSTOMER}), self.columns) for one in (self.frame, frame))
        if mine == theirs:
            return frame
        place = {key: row for row, key in enumerate(theirs)}
        if len(place) < len(theirs) or len(set(mine)) < len(mine):
            raise NotComparableError("its features give other rows, and customer and time do not tell them apart")
        missing = sum(key not in place for key in mine)
        if missing:
            raise NotComparableError(f"its features give no row for {missing:,} of {len(mine):,}")
        return frame.iloc[[place[key] for key in mine]].reset_index(drop=True)


def privacy_of(kept: Kept) -> Privacy:
    """How a run kept its customers' ids."""
    return Privacy(**_composed(kept).plain["privacy"])


def _composed(kept: Kept) -> Composed:
    try:
        return composed_again(kept)
    except UserError as error:
        raise NotComparableError(f"its config cannot be put together again, {_first(error)}") from None


def _on_data_of(composed: Composed, other: Composed) -> Composed:
    """A config that reads another's data."""
    return replace(
        composed,
        raw={**composed.raw, "data": other.raw["data"]},
        plain={**composed.plain, "data": other.plain["data"]},
        choices={**composed.choices, "data": other.choices.get("data", "")},
    )


def _first(error: UserError) -> str:
    problem = error.problems[0]
    more = f" (and {len(error.problems) - 1} more)" if len(error.problems) > 1 else ""
    return f"{problem.key}: {problem.message}{more}"


def _keys(frame: pd.DataFrame, columns: Sequence[str]) -> list[tuple[str, ...]]:
    """Who and when each row is, as texts that do not depend on how a file kept them."""
    return list(zip(*(_texts(frame[name]) for name in columns), strict=True))


def _texts(column: pd.Series) -> Any:
    import pandas as pd

    if pd.api.types.is_datetime64_any_dtype(column):
        return column.astype("datetime64[us]").astype("str")
    if pd.api.types.is_float_dtype(column) and (column == column.round()).all():
        return column.astype("int64").astype("str")
    return column.astype("str")
