"""What the tests of usefulness are asked with: columns that segments are held to, and thresholds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated

import pandas as pd
from annotated_types import Ge, Le

from cxai_runner.config.problems import Problem, did_you_mean
from cxai_runner.data.dataset import Dataset

Share = Annotated[float, Ge(0), Le(1)]

REVENUE = "revenue"
MOST_OFFERS = 12


@dataclass(frozen=True, kw_only=True)
class Useful:
    """Columns and thresholds of the six tests.

    Parameters
    ----------
    depth
        Questions that the rules ask at most.
    targeting
        Columns by which customers can be reached; by default those that only describe, demographics say, without
        response, offer and revenue.
    response
        A column that says how customers responded, and that no segment was made of; by default what they spent after
        the earlier date, where the features have one (``features.horizon``).
    offer
        A column that says who was given which offer.
    revenue
        What each customer brought; where there is no such column the smallest segment is judged by customers alone.
    identifiable
        Share of customers that rules have to put right.
    substantial, substantial_revenue
        Share of customers, and of revenue, that the smallest segment has to have.
    accessible
        How much larger the share of customers has to be that the targeting columns put right than the largest segment.
    stable, stable_over_time
        Adjusted Rand index that has to be reached when customers are drawn again, and between two dates.
    differentiable
        Share of the response's variance that segments have to explain on customers held out.
    actionable
        Level at which the effect of the offer has to differ between segments.
    """

    depth: Annotated[int, Ge(1), Le(8)] = 3
    targeting: Sequence[str] | None = None
    response: str | None = None
    offer: str | None = None
    revenue: str = REVENUE
    identifiable: Share = 0.8
    substantial: Share = 0.05
    substantial_revenue: Share = 0.02
    accessible: Share = 0.05
    stable: Share = 0.75
    stable_over_time: Share = 0.5
    differentiable: Share = 0.05
    actionable: Share = 0.05

    def problems(self, columns: Iterable[str]) -> Iterator[Problem]:
        """Yield columns that there are not, keys relative to ``useful``."""
        have = [name for name in columns if name != "customer_id"]
        for key, name in self._named():
            if name not in have and not (key == "revenue" and name == REVENUE):
                yield Problem(key, "no such column of the customers", name, did_you_mean(name, have))
        if self.offer is not None and self.response is None:
            told = "says who was given what, and nothing says how they responded"
            yield Problem("offer", told, self.offer, "name the response too: task.useful.response=…")
        if self.offer is not None and self.offer == self.response:
            yield Problem("offer", "is the response", self.offer, "name another column")

    def inspect(self, data: Dataset) -> Iterator[Problem]:
        """Yield columns that these customers cannot be held to."""
        inputs = data.roles.inputs
        for key, name in self._named():
            if name in inputs and key != "revenue":
                told = "segments are made of it, so that they differ by it whatever they are"
                remedy = f"let it be no input: features.exclude=[{name}], or features.columns without it"
                yield Problem(f"task.useful.{key}", told, name, remedy)
        frame = data.frame
        numbers: tuple[tuple[str, str | None], ...] = (("response", self.response), ("revenue", self.revenue))
        for key, one in numbers:
            if one in frame and not pd.api.types.is_numeric_dtype(frame[one]):
                told = f"not a number but {frame[one].dtype}"
                yield Problem(f"task.useful.{key}", told, one, "name another column")
        if self.offer in frame:
            many = frame[self.offer].nunique()
            if not 2 <= many <= MOST_OFFERS:
                told = f"{many:,} different values: two offers at least, and {MOST_OFFERS} at most, can be compared"
                yield Problem("task.useful.offer", told, self.offer, "name the column that says who was given what")

    def reached_by(self, data: Dataset) -> list[str]:
        """The columns by which customers can be reached."""
        if self.targeting is not None:
            return [name for name in self.targeting if name in data.frame]
        return [name for name in data.roles.describe if name not in (self.response, self.offer, self.revenue)]

    def _named(self) -> Iterator[tuple[str, str]]:
        for name in self.targeting or ():
            yield "targeting", name
        for key, one in (("response", self.response), ("offer", self.offer), ("revenue", self.revenue)):
            if one is not None:
                yield key, one
