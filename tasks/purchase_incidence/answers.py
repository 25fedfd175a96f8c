"""A fitted model of purchase incidence that can be asked about price: by segment, by promotion, by brand.

Every curve that a report shows is made here, once; what is said about them is `price`'s.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cxai_runner.data.dataset import Dataset
from cxai_runner.evaluation.results import Interval
from cxai_runner.evaluation.wording import digits_of, number
from cxai_runner.methods.elasticity_curve import ElasticityCurve, Turn
from cxai_runner.methods.levels import divided, ranked
from cxai_runner.methods.names import BY
from cxai_runner.methods.price_refits import refitted
from cxai_runner.methods.purchase_response import PROMOTION, PurchaseResponse
from cxai_runner.methods.terms import is_category
from cxai_runner.task import Context

if TYPE_CHECKING:
    from tasks.purchase_incidence.task import Fitted, PurchaseIncidence

FEW_ROWS = 30
"""Occasions below which a segment has no curve of its own."""
FEW_CUSTOMERS = 5
"""Customers below which a standard error clustered by customer says nothing of a number that is theirs alone."""
MOST_GROUPS = 8
EVERYBODY = "all"
AS_OBSERVED = "observed"
PROMOTIONS: Mapping[str, float | None] = {AS_OBSERVED: None, "at 1": 1.0, "at 0": 0.0}


@dataclass(frozen=True)
class Group:
    """The occasions of one value of a column, or of all: a curve of their own.

    Parameters
    ----------
    column, value
        None and everybody for all.
    rows
        Shape (n,).
    """

    column: str | None
    value: str
    rows: NDArray[np.bool_]

    @property
    def label(self) -> str:
        """How a table calls it."""
        return self.value if self.column is None else f"{self.column} {self.value}"


@dataclass(frozen=True, eq=False)
class Answers:
    """A fitted model, and the training occasions to ask it about.

    Parameters
    ----------
    response
        What answers.
    named
        The group of every row by each column of ``by``.
    ranged, numbers
        Columns whose numbers were divided into ranges, and all whose values are numbers and no categories.
    promotions
        States of promotion by name; one alone for a model that does not see promotion.
    own
        The prices that the model tells apart, by alternative.
    points
        Of a curve.
    intervals
        ``delta``, ``bootstrap``, or ``both``: then the delta method's are shown, and the others beside them.
    customers
        The customer of every row where rows of one are taken for alike; else None.
    order
        The groups of each column in ``ranged``, by their numbers; those of the others stand by their rows.
    """

    response: PurchaseResponse
    named: Mapping[str, pd.Series]
    ranged: Sequence[str]
    numbers: Sequence[str]
    promotions: Mapping[str, float | None]
    own: Mapping[str, str]
    points: int
    intervals: str
    customers: pd.Series | None = None
    order: Mapping[str, Sequence[str]] = field(default_factory=dict)

    @classmethod
    def of(cls, task: PurchaseIncidence, fitted: Fitted, train: Dataset, context: Context) -> Answers:
        """Make the model of ``task`` ready to be asked."""
        X = train.frame[fitted.columns]
        response = PurchaseResponse(fitted.pipeline, X, fitted.prices, context.rng("elasticity"))
        intervals = task.intervals
        if intervals == "auto":
            intervals = "delta" if response.delta else "bootstrap"
        if intervals != "delta":
            outcome = train.frame["incidence"].astype(int)
            groups = train.frame[train.roles.id] if task.cluster else None
            if getattr(response.final, "needs_groups", False):
                groups = train.frame[train.roles.id]
            rng = context.rng("refits")
            response.refits = refitted(fitted.pipeline, X, outcome, groups, task.refits, rng)
        named, ranged = {}, []
        for column in task.by:
            named[column], was_divided = divided(train.frame[column], MOST_GROUPS)
            ranged += [column] if was_divided else []
        numbers = [column for column in task.by if not is_category(column, train.frame[column])]
        parts = {part for term in fitted.terms for part in term.split(BY)}
        own = {
            name.removeprefix("price_"): name
            for name in fitted.prices
            if ("price" in parts or name in parts) and X[name].nunique() > 1
        }
        promoted = any(name.startswith(PROMOTION) for name in fitted.columns)
        states = PROMOTIONS if promoted else {AS_OBSERVED: None}
        customers = train.frame[train.roles.id] if task.cluster else None
        order = {
            column: list(train.frame[column].groupby(named[column]).min().sort_values().index) for column in ranged
        }
        return cls(response, named, ranged, numbers, states, own, task.points, intervals, customers, order)

    @cached_property
    def overall(self) -> ElasticityCurve:
        """All occasions, promotion as observed."""
        return self.curves[AS_OBSERVED]

    @cached_property
    def curves(self) -> dict[str, ElasticityCurve]:
        """All occasions, by state of promotion."""
        return {state: self._curve(promotion=value) for state, value in self.promotions.items()}

    @cached_property
    def by_group(self) -> dict[tuple[str, str], ElasticityCurve]:
        """Each group over the prices that it met, promotion as observed, by column and value."""
        return {
            (group.column, group.value): self._curve(rows=group.rows, margin=0.0, points=max(self.points // 2, 3))
            for group in self.groups
            if group.column is not None
        }

    @cached_property
    def by_brand(self) -> dict[str, ElasticityCurve]:
        """Each alternative's own price over what was observed of it, the others as observed."""
        return {
            brand: self._curve(moved=column, margin=0.0, points=max(self.points // 2, 3))
            for brand, column in self.own.items()
        }

    @cached_property
    def groups(self) -> list[Group]:
        """All occasions, and the largest groups of each column that are large enough and met more than one price."""
        found = [Group(None, EVERYBODY, np.ones(len(self.response.X), dtype=bool))]
        for column in self.named:
            found += [group for group, why in self._groups(column) if not why]
        return found

    @cached_property
    def left_out(self) -> list[tuple[str, int, str]]:
        """Groups without a curve: label, occasions, and why."""
        return [
            (group.label, int(group.rows.sum()), why)
            for column in self.named
            for group, why in self._groups(column)
            if why
        ]

    def at_mean(self) -> pd.DataFrame:
        """Elasticity at the mean price of all and of each group, by state of promotion, and where it turns elastic."""
        rows = []
        for group in self.groups:
            for state, value in self.promotions.items():
                curve = self._of(group, state, value)
                price, elasticity, low, high = curve.at_mean
                rows.append(
                    {
                        "occasions": group.label,
                        "promotion": state,
                        "rows": int(group.rows.sum()),
                        "price": price,
                        "probability": curve.probability_at_mean,
                        "elasticity": elasticity,
                        "low": low,
                        "high": high,
                        "elastic_from": turns_elastic(curve),
                    }
                )
        return pd.DataFrame(rows)

    def compared(self) -> pd.DataFrame:
        """The delta method's interval beside the bootstrap's, of all and of each group, by state of promotion."""
        rows = []
        for group in self.groups:
            for state, value in self.promotions.items():
                curve = self._of(group, state, value)
                grid = [curve.at_mean[0]]
                delta, bootstrap = (
                    self.response.curve(rows=group.rows, promotion=value, grid=grid, by_refits=way)
                    for way in (False, True)
                )
                rows.append(
                    {
                        "occasions": group.label,
                        "promotion": state,
                        "elasticity": curve.at_mean[1],
                        "delta_low": float(delta.low[0]),
                        "delta_high": float(delta.high[0]),
                        "bootstrap_low": float(bootstrap.low[0]),
                        "bootstrap_high": float(bootstrap.high[0]),
                        "ratio_of_errors": float(bootstrap.standard_error[0] / delta.standard_error[0]),
                    }
                )
        return pd.DataFrame(rows)

    def _of(self, group: Group, state: str, value: float | None) -> ElasticityCurve:
        if group.column is None:
            return self.curves[state]
        if value is None:
            return self.by_group[group.column, group.value]
        return self._curve(rows=group.rows, promotion=value, margin=0.0, points=max(self.points // 2, 3))

    def _curve(self, **options: object) -> ElasticityCurve:
        asked = {"points": self.points, "by_refits": self.intervals == "bootstrap", **options}
        return self.response.curve(**asked)  # type: ignore[arg-type]

    def _groups(self, column: str) -> Iterator[tuple[Group, str]]:
        """Each value's rows, the most frequent first or ranges in order, and why they have no curve."""
        named = self.named[column].to_numpy()
        price = self.response.prices_of()
        kept = 0
        counts = ranked(self.named[column])
        order = list(self.order.get(column, counts.index))
        for value, rows in counts.reindex(order).items():
            mine = named == value
            why = ""
            if rows < FEW_ROWS:
                why = "too small"
            elif self.customers is not None and (few := self.customers[mine].nunique()) < FEW_CUSTOMERS:
                why = f"too few customers for a clustered error: {few}"
            elif np.ptp(price[mine]) <= 0:
                why = "one price only"
            elif kept == MOST_GROUPS:
                why = f"not among the {MOST_GROUPS} largest"
            kept += not why
            yield Group(column, str(value), mine), why


def turns_elastic(curve: ElasticityCurve) -> str:
    """Word the price from which demand is elastic, with its interval, or why there is none."""
    found = curve.turns()
    if found.kind == "falls":
        return "not told within the observed prices" if all(found.cut) else in_words(found)
    return {
        "below": "at every price observed",
        "above": "at no price observed",
        "several": "not at one price",
        "steps": "not told by steps",
    }.get(found.kind, "cannot be told")


def in_words(found: Turn) -> str:
    """Word where an elasticity falls through a level, with its interval, and on which side that was cut."""
    at = Interval(found.price, found.low, found.high)
    digits = digits_of(at)
    low, high = (number(one, digits) for one in (at.low, at.high))
    ends = low + " or less" * found.cut[0], high + " or more" * found.cut[1]
    return f"{number(at.value, digits)} [{', '.join(ends)}]"
