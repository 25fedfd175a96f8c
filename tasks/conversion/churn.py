"""The question of churn: conversion turned round, with who is at risk, with what, and how long customers stay."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Final

import numpy as np
import pandas as pd

from cxai_runner.config.problems import Problem, did_you_mean
from cxai_runner.data.dataset import Dataset
from cxai_runner.evaluation.results import Content, Finding, Metric
from cxai_runner.methods.levels import level
from cxai_runner.methods.survival import Survival
from cxai_runner.task import Context
from tasks.conversion.at_risk import at_risk
from tasks.conversion.leaving import mistake_of_leaving, of_leaving
from tasks.conversion.outcome import as_zero_or_one
from tasks.conversion.survival import FEW, lifetimes
from tasks.conversion.task import Conversion, Fitted

LIFETIMES: Final = "lifetimes"
"""The frame beside the rows that says how long customers bought: ``duration`` and ``event``."""
VALUE: Final = "value"
"""The column that says what customers are worth, in rows that are made of transactions."""
MOST: Final = 5
"""Groups of customers that survival tells apart."""


@dataclass(frozen=True, kw_only=True)
class Churn(Conversion):
    """Whether a customer leaves, what goes with them, and how long customers stay; `Conversion` has the other keys.

    Parameters
    ----------
    at_stake
        The column that says what is lost with a customer; ``auto`` is ``value``, where the rows have it, as those that
        are made of transactions do.
    tenure
        The column that says how long a customer has been one, of a table that is ready made: whoever left did so then.
        Rows that are made of transactions bring lifetimes of their own.
    unit
        Of these times.
    survival_by
        A column by whose values survival is told apart.
    """

    outcome: str = "churned"
    at_stake: str | None = "auto"
    tenure: str | None = None
    unit: str = "days"
    survival_by: str | None = None

    title: ClassVar[str] = "Which customers are about to leave, what goes with them, and how long do customers stay?"

    def problems(self, tables_columns: Iterable[str]) -> Iterator[Problem]:
        """Yield columns that there are not, too."""
        have = list(tables_columns)
        yield from map(mistake_of_leaving, super().problems(have))
        for key, name in (("at_stake", self._stake(have)), ("tenure", self.tenure), ("survival_by", self.survival_by)):
            if name is not None and name not in have:
                yield Problem(key, "no such column", name, did_you_mean(name, have))
        if self.survival_by is not None and self.tenure is None:
            told = "survival is told apart where the rows say how long customers have been there"
            yield Problem("survival_by", told, self.survival_by, "name task.tenure, or leave it out")

    def inspect(self, data: Dataset) -> Iterator[Problem]:
        """Yield times and amounts that are none, too."""
        yield from map(mistake_of_leaving, super().inspect(data))
        for key, name in (("at_stake", self._stake(map(str, data.frame.columns))), ("tenure", self.tenure)):
            if name is None:
                continue
            values = pd.to_numeric(data.frame[name], errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
            bad = int((~np.isfinite(values)).sum() + (values < 0).sum())
            if bad:
                told = f"{bad:,} of its {len(values):,} values are missing, below 0 or no numbers"
                yield Problem(f"customers.{name}", told, remedy=f"mend them, or write task.{key}=null")

    def unlike(self, fitted: Fitted, data: Dataset) -> Iterator[Problem]:
        """Yield what `Conversion` does, in words of customers who leave."""
        yield from map(mistake_of_leaving, super().unlike(fitted, data))

    def score(self, fitted: Fitted, data: Dataset, context: Context) -> pd.DataFrame:
        """Return the scores of `Conversion`, and what is at stake with each customer."""
        scores = super().score(fitted, data, context)
        stake = self._stake(map(str, data.frame.columns))
        return scores if stake is None else scores.assign(at_stake=data.frame[stake].to_numpy(dtype=np.float64))

    def report(
        self,
        fitted: Fitted,
        train: Dataset,
        scores: Mapping[str, pd.DataFrame],
        metrics: Mapping[str, Metric],
        context: Context,
    ) -> Iterator[Content]:
        """Yield what `Conversion` does, the list of customers at risk, and how long customers stay."""
        yield from map(of_leaving, super().report(fitted, train, scores, metrics, context))
        if self.value is not None and self.cost is not None:
            yield Finding(
                "What contacting customers earned takes everybody who was about to leave, and is contacted, for kept: "
                "it is the most that it can be. Multiply `task.value` by the share whom a contact keeps.",
                "caveat",
            )
        if "held_out" in scores:
            yield from at_risk(scores["held_out"], self.outcome)
        yield from self._stay(train)

    def _stake(self, columns: Iterable[str]) -> str | None:
        """The column that says what is lost with a customer."""
        if self.at_stake != "auto":
            return self.at_stake
        return VALUE if VALUE in columns else None

    def _stay(self, train: Dataset) -> Iterator[Content]:
        """How long customers stay, where it is known."""
        if self.tenure is not None:
            times = train.frame[self.tenure].to_numpy(dtype=np.float64)
            ended = as_zero_or_one(train.frame[self.outcome], self.positive)
            yield from lifetimes(Survival(times, ended), self._groups(train.frame, times, ended), self.unit, "left")
            yield Finding(
                f"Whoever left is taken to have left after the {self.unit} that `{self.tenure}` says, and everybody "
                "else to have been there for as long: the table shows one moment, and customers who left before it are "
                "not in it.",
                "caveat",
            )
        elif LIFETIMES in train.others and len(train.others[LIFETIMES]):
            lives = train.others[LIFETIMES]
            yield from lifetimes(Survival(lives["duration"], lives["event"]), {}, self.unit, "lapsed")
            begins = train.learned.get("begins")
            days = int(train.learned.get("gap", 0)) + int(train.learned.get("horizon", 0))
            yield Finding(
                f"A customer has lapsed once {days} days went by without a purchase, and counts as lapsed then even if "
                f"they bought again later. Transactions begin on {begins}: whoever bought before counts as new at the "
                "first purchase seen.",
                "caveat",
            )

    def _groups(self, frame: pd.DataFrame, times: Any, ended: Any) -> dict[str, Survival]:
        """Survival by the largest groups."""
        if self.survival_by is None:
            return {}
        named = frame[self.survival_by].map(level).to_numpy(dtype=object)
        often = pd.Series(named).value_counts()
        largest = sorted(map(str, often[often >= FEW].index[:MOST]))
        return {one: Survival(times[named == one], ended[named == one]) for one in largest}
