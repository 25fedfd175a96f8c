"""What a fitted chain answers about the price of a brand: as observed and over a range, by promotion and by group."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cxai_runner.config.problems import Problem, UserError
from cxai_runner.data.dataset import Dataset
from cxai_runner.evaluation.results import Interval
from cxai_runner.methods.levels import divided, ranked
from cxai_runner.methods.response import (
    NAMES,
    Draw,
    Occasions,
    Optimum,
    Response,
    Scenario,
    interval,
    optimum,
    refits,
    respond,
)
from cxai_runner.methods.response.answers import smooth
from cxai_runner.methods.response.chain import PRICE, PROMOTION
from cxai_runner.task import Context
from tasks.price_response.costs import cost_of
from tasks.price_response.rows import outcome, unheeded

if TYPE_CHECKING:
    from tasks.price_response.task import Fitted, PriceResponse

Floats = NDArray[np.float64]

AS_OBSERVED = "as observed"
PROMOTIONS: Mapping[str, float | None] = {AS_OBSERVED: None, "promotion 1": 1.0, "promotion 0": 0.0}
MOST_GROUPS = 8
MOST_ASKED = 150_000_000
"""Answers about a brand on an occasion that the curves may ask for; where all would be more, occasions are drawn."""
SEEING = 28
"""To build what a chain sees of an occasion takes about as long as to ask so many chains about it."""
BEYOND = 0.2
"""How far a curve goes on beyond the observed range, in ranges; the curve of a model of steps stops there."""


@dataclass(frozen=True, eq=False)
class Answers:
    """The answers to what a report asks.

    Parameters
    ----------
    brand, competitors
        Whose price, and what the others' do.
    cost
        Of a unit of the brand; None where it is not said.
    prices
        The prices of the brand that were observed, shape (n,).
    asked, left_out
        Refits on resampled customers: how many were asked for, and how many had no estimate.
    smooth
        Whether incidence and quantity answer smoothly.
    observed, curves
        By state of promotion: at the observed prices (by group), and over `grid` (all occasions).
    alone
        At the observed prices, competitors' prices as they are whatever `competitors` says.
    grid
        Prices of the curves.
    rows
        Occasions in each group, by name.
    averaged
        The curves at the observed prices: over the same occasions as they are.
    counted
        Over how many occasions the curves are averaged, over how many their resamples, and of how many.
    ranged
        Columns of ``by`` whose numbers were divided into ranges.
    unheeded
        Occasions without a purchase that name units or a brand, by what they name.
    """

    brand: str
    competitors: str
    cost: float | None
    prices: Floats
    asked: int
    left_out: int
    smooth: tuple[bool, bool]
    observed: Mapping[str, Response]
    curves: Mapping[str, Response]
    alone: Response
    grid: Floats
    rows: Mapping[str, int]
    averaged: Response
    counted: tuple[int, int, int]
    ranged: Sequence[str]
    unheeded: Mapping[str, int]

    @classmethod
    def of(cls, task: PriceResponse, fitted: Fitted, train: Dataset, columns: list[str], context: Context) -> Answers:
        """Refit the chain to resampled customers, and ask all of them.

        Raises
        ------
        UserError
            When fewer than half of the resamples have an estimate.
        """
        chain, brand, frame = fitted.chain, fitted.brand, train.frame
        draws = _draws(task, fitted, train, columns, context)
        divisions = {name: divided(frame[name], MOST_GROUPS) for name in task.by}
        masks = {
            f"{name} {value}": (groups == value).to_numpy()
            for name, (groups, was_divided) in divisions.items()
            for value in (_ranges(frame[name], groups) if was_divided else ranked(groups).index[:MOST_GROUPS])
        }
        occasions = Occasions.of(frame, list(chain.feature_names_in_), masks)
        price = frame[f"{PRICE}{brand}"].to_numpy(dtype=np.float64)
        is_smooth = smooth(chain)
        grid = _grid(price, task.points, BEYOND if all(is_smooth) else 0.0)
        seen = f"{PROMOTION}{brand}" in chain.feature_names_in_
        states = PROMOTIONS if seen else {AS_OBSERVED: None}
        scenarios = {name: Scenario(brand, task.competitors, value) for name, value in states.items()}
        asked = MOST_ASKED // (len(grid) * len(scenarios) * len(chain.alternatives_))
        rng, everyone = context.rng("rows of the curves"), occasions.together()
        whole = everyone.sampled(rng, asked // (SEEING + 1))
        fewer = everyone.sampled(rng, asked // (SEEING + len(draws)))
        return cls(
            brand,
            task.competitors,
            cost_of(task.cost, brand, float(price.mean())),
            price,
            task.refits,
            task.refits + 1 - len(draws),
            is_smooth,
            {name: respond(draws, occasions, one) for name, one in scenarios.items()},
            {name: _curve(draws, whole, fewer, one, grid) for name, one in scenarios.items()},
            respond(draws, occasions, Scenario(brand)),
            grid,
            {name: int(mask.sum()) for name, mask in occasions.groups.items()},
            respond(draws[:1], whole, scenarios[AS_OBSERVED]),
            (whole.count, fewer.count, occasions.count),
            [name for name, (_, was_divided) in divisions.items() if was_divided],
            unheeded(frame),
        )

    @property
    def usable(self) -> int:
        """Refits that had an estimate."""
        return self.asked - self.left_out

    @property
    def label(self) -> str:
        """The brand as a sentence names it."""
        return f"brand {self.brand}"

    @property
    def range(self) -> tuple[float, float]:
        """Lowest and highest price of the brand that was observed."""
        return float(self.prices.min()), float(self.prices.max())

    @property
    def inside(self) -> NDArray[np.bool_]:
        """Which prices of the curves are within what was observed."""
        slack = 1e-9 * self.range[1]
        return (self.grid >= self.range[0] - slack) & (self.grid <= self.range[1] + slack)

    def at_observed(self, brand: str | None) -> dict[str, Interval]:
        """Elasticity of a brand's units, or of all brands', and its parts, at the observed prices."""
        return _named(self.observed[AS_OBSERVED].elasticity(brand)[:, 0, 0])

    def of_alone(self, brand: str | None) -> dict[str, Interval]:
        """The same with the competitors' prices as they are."""
        return _named(self.alone.elasticity(brand)[:, 0, 0])

    def table(self) -> pd.DataFrame:
        """Elasticity and parts at the observed prices: of all occasions and each group, by state of promotion."""
        parts = []
        for state, response in self.observed.items():
            value, low, high = interval(response.elasticity(self.brand)[:, 0])
            names = list(response.groups)
            columns: dict[str, Any] = {
                "occasions": names,
                "promotion": state,
                "rows": [self.rows[name] for name in names],
            }
            columns |= {"elasticity": value[:, 0], "low": low[:, 0], "high": high[:, 0]}
            columns |= {name: value[:, i] for i, name in enumerate(NAMES) if i}
            columns["units"] = response.units[0, 0, :, response.own]
            parts.append(pd.DataFrame(columns))
        table = pd.concat(parts, ignore_index=True)
        # A group that a resample may have no occasion of still has its estimate.
        return table.assign(place=table["occasions"].map(list(self.rows).index)).sort_values(
            "place", kind="stable", ignore_index=True
        )[list(table.columns)]

    def money(self, response: Response) -> dict[str, Floats]:
        """What can be maximised, by name, each of shape (D, A): revenue, margin, and revenue of all brands."""
        own = response.revenue[:, :, 0, response.own]
        found = {"revenue": own}
        if self.cost is not None:
            found["margin"] = own - self.cost * response.units[:, :, 0, response.own]
        return {**found, "revenue of all brands": response.revenue[:, :, 0].sum(axis=-1)}

    def curve(self) -> pd.DataFrame:
        """Units, revenue, margin and elasticity over the prices, each with its interval, by state of promotion."""
        several = []
        for state, response in self.curves.items():
            numbers = {"units": response.units[:, :, 0, response.own], **self.money(response)}
            numbers |= {"elasticity": response.elasticity(self.brand)[:, :, 0, 0]}
            columns: dict[str, object] = {"promotion": state, "price": self.grid, "observed": self.inside}
            for name, values in numbers.items():
                key = name.replace(" ", "_")
                columns[key], columns[f"{key}_low"], columns[f"{key}_high"] = interval(values)
            several.append(pd.DataFrame(columns))
        return pd.concat(several, ignore_index=True)

    def parts_over_price(self) -> pd.DataFrame:
        """The three parts of the elasticity at each price within the observed range, promotion as observed."""
        value = self.curves[AS_OBSERVED].elasticity(self.brand)[0, :, 0]
        rows = [
            pd.DataFrame({"part": name, "price": self.grid[self.inside], "elasticity": value[self.inside, i]})
            for i, name in enumerate(NAMES)
            if i
        ]
        return pd.concat(rows, ignore_index=True)

    def best(self) -> dict[str, dict[str, Optimum]]:
        """The best prices within the observed range: by state of promotion and by what is maximised."""
        return {
            state: {
                name: optimum(self.grid[self.inside], values[:, self.inside])
                for name, values in self.money(response).items()
            }
            for state, response in self.curves.items()
        }


def _curve(draws: list[Draw], whole: Occasions, fewer: Occasions, scenario: Scenario, grid: Floats) -> Response:
    """The estimate over one set of occasions, and how the resamples deviate from it, where need be over fewer."""
    if fewer is whole:
        return respond(draws, whole, scenario, grid)
    return respond(draws[:1], whole, scenario, grid).spread_as(respond(draws, fewer, scenario, grid))


def _named(values: Floats) -> dict[str, Interval]:
    value, low, high = interval(values)
    return {name: Interval(float(value[i]), float(low[i]), float(high[i])) for i, name in enumerate(NAMES)}


def _ranges(column: pd.Series, named: pd.Series) -> pd.Index:
    """The groups of a column of numbers, the lowest first, what is missing last."""
    return column.groupby(named).min().sort_values().index


def _draws(task: PriceResponse, fitted: Fitted, train: Dataset, columns: list[str], context: Context) -> list[Draw]:
    def done(number: int) -> bool:
        context.step("refits/done", number / task.refits, number)
        return True

    frame, ids = train.frame, train.frame[train.roles.id].to_numpy()
    rng = context.rng("refits")
    happened = outcome(frame)
    draws = refits(fitted.chain, frame[columns], happened, ids, task.refits, rng, threads=context.threads, done=done)
    if 2 * (len(draws) - 1) < task.refits:
        told = f"only {len(draws) - 1} of {task.refits} resamples of the customers have an estimate"
        remedy = "take fewer terms or brands, or a longer window: the data hardly identify the models"
        raise UserError([Problem("model", told, remedy=remedy)], "data")
    return draws


def _grid(price: Floats, points: int, beyond: float) -> Floats:
    """Prices from the lowest to the highest observed, and at the same distance from each other beyond."""
    low, high = float(price.min()), float(price.max())
    step = (high - low) / (points - 1)
    more = np.arange(1, round(beyond * (points - 1)) + 1) * step
    below = (low - more)[::-1]
    return np.concatenate([below[below > low / 2], np.linspace(low, high, points), high + more])
