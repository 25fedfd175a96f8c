"""The question of exploration: it fits nothing and claims nothing, and says how sure it is of what it describes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import pandas as pd
from annotated_types import Ge

from cxai_runner.config.problems import Problem, did_you_mean
from cxai_runner.data.dataset import Dataset
from cxai_runner.data.tables.needs import Needs
from cxai_runner.evaluation.results import Content, Metric
from cxai_runner.features.seen import labels_of_models
from cxai_runner.task import Context, Evidence, Task
from tasks.explore import amounts, base, columns, seasons, segments
from tasks.explore.sums import drawn

MOST_SEGMENTS = 12
"""More than these cannot be told apart in a picture."""
UNKNOWN = "not known"
SCORED = ("revenue", "orders", "purchases")


@dataclass(frozen=True, kw_only=True)
class Explore(Task):
    """The first look at a customer base: size, concentration, amounts, seasons, comings and goings, and segments.

    Parameters
    ----------
    by
        A column of the customers whose values are segments, or the name of a model in ``features.models``.
    few
        Customers below which a segment is said to be small.
    """

    by: str | None = None
    few: Annotated[int, Ge(1)] = 30

    title: ClassVar[str] = "Who are the customers, and what do they bring, when, and of what?"
    needs: ClassVar[Needs] = Needs(required={"customer_base": ("customer_id",)}, optional={"customer_base": ("*",)})
    evidence: ClassVar[Evidence] = Evidence.NONE
    model_kind: ClassVar[str | None] = None

    def problems(self, tables_columns: Iterable[str]) -> Iterator[Problem]:
        """Yield a column to tell segments by that there is not."""
        have = [name for name in tables_columns if not name.endswith("*") and name != "customer_id"]
        if self.by is not None and self.by not in have:
            remedy = did_you_mean(self.by, have)
            yield Problem("by", "no such column of the customers", value=self.by, remedy=remedy)

    def inspect(self, data: Dataset) -> Iterator[Problem]:
        """Yield why these customers cannot be looked at, or not by these segments."""
        frame = data.frame
        twice = int(frame[data.roles.id].duplicated().sum())
        if twice:
            yield Problem(
                f"customer_base.{data.roles.id}",
                f"{twice:,} customers appear more than once",
                remedy="keep one row each",
            )
        if 0 < len(frame) < 2:
            yield Problem("customer_base", "one customer is no base", remedy="widen the filters, or bring more rows")
        if self.by is None or self.by not in frame:
            return
        many = frame[self.by].nunique()
        if many > MOST_SEGMENTS:
            few = [one for one in data.roles.describe if 2 <= frame[one].nunique() <= MOST_SEGMENTS]
            told = f"{many:,} different values: more than {MOST_SEGMENTS} segments cannot be told apart"
            other = f"choose a column of few values: {', '.join(few)}" if few else "choose a column of few values"
            yield Problem(f"customer_base.{self.by}", told, remedy=f"{other}; or cut it into classes before")
        elif many == 0:
            yield Problem(
                f"customer_base.{self.by}", "no customer has a value", remedy="choose another column: task.by=…"
            )

    def fit(self, model: Any, train: Dataset, context: Context) -> tuple[str, ...]:
        """Return which numbers of a customer are scores; there is nothing to fit."""
        self.demand(train)
        return tuple(name for name in SCORED if name in train.frame)

    def score(self, fitted: tuple[str, ...], data: Dataset, context: Context) -> pd.DataFrame:
        """Return what each customer brought; 0 where that is missing."""
        self.demand(data)
        ids = data.frame[data.roles.id].reset_index(drop=True).rename("customer_id")
        brought = data.frame[list(fitted)].astype(float).fillna(0.0).reset_index(drop=True)
        return pd.concat([ids, brought], axis=1)

    def measure(self, scores: pd.DataFrame, context: Context) -> tuple[Metric, ...]:
        """Measure nothing: what describes is neither right nor wrong."""
        return ()

    def report(
        self,
        fitted: tuple[str, ...],
        train: Dataset,
        scores: Mapping[str, pd.DataFrame],
        metrics: Mapping[str, Metric],
        context: Context,
    ) -> Iterator[Content]:
        """Yield the base, its amounts, its seasons, its segments, its columns, and what not to conclude."""
        frame = train.frame.sort_values(train.roles.id, key=lambda ids: ids.astype(str), ignore_index=True)
        looked = base.looked(frame, train)
        segment = None if self.by is None else segments.told_apart(frame[self.by], UNKNOWN)
        sums, spread = drawn(looked.numbers, segment, looked.concentrated, context)
        yield from base.said(looked, sums, spread)
        yield from amounts.said(looked, train.others)
        yield from seasons.said(train.others, looked.facts)
        if segment is not None:
            yield from segments.said(str(self.by), looked, sums, segment, self.few)
            if self.by in labels_of_models(train):
                yield segments.of_a_model(str(self.by), segment)
        yield from segments.brands(looked, sums)
        yield from columns.said(frame, train.roles.describe)
