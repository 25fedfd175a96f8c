"""How the units of a purchase answer to price: as observed, over a range, by promotion, brand and segment."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.pipeline import Pipeline

from cxai_runner.data.dataset import Dataset
from cxai_runner.evaluation.results import Content, Estimate, Figure, Finding, Interval, Table
from cxai_runner.evaluation.wording import number, with_interval
from cxai_runner.methods.levels import levels
from cxai_runner.methods.quantity import PriceResponse, QuantityModel, Response
from cxai_runner.methods.quantity.terms import BRAND, of_chosen
from cxai_runner.task import Context

if TYPE_CHECKING:
    from tasks.purchase_quantity.task import Fitted, PurchaseQuantity

Floats = NDArray[np.float64]

FEW_PRICES = 10
FEW_ROWS = 30
MOST_GROUPS = 8
BEYOND = 0.25
"""How far a curve goes on beyond the observed range, in ranges; the curve of a model of steps stops there."""
PRICE_LABEL = "price of the brand bought"
AS_OBSERVED = "as observed"
EVERYBODY = "all purchases"
PROMOTIONS: Mapping[str, float | None] = {AS_OBSERVED: None, "promotion 1": 1.0, "promotion 0": 0.0}


@dataclass(frozen=True, eq=False)
class Answers:
    """A fitted model that can be asked about price, and the purchases to ask about.

    Parameters
    ----------
    response
        What answers.
    rows, groups
        The training purchases as the model takes them, and the columns that tell them apart: brand and those of
        ``by``.
    paid
        The price of the brand bought, shape (n,).
    promotions
        States of promotion by name; one alone for a model that does not see promotion.
    points
        Of a curve.
    at_observed
        The elasticity at the observed prices with its 95 % interval.
    """

    response: PriceResponse
    rows: pd.DataFrame
    groups: pd.DataFrame
    paid: Floats
    promotions: Mapping[str, float | None]
    points: int
    at_observed: Interval

    @classmethod
    def of(cls, task: PurchaseQuantity, fitted: Fitted, train: Dataset, context: Context) -> Answers:
        """Make the model of ``task`` ready to be asked."""
        rows = train.frame[fitted.columns]
        smooth = isinstance(fitted.pipeline[-1], QuantityModel)
        refits = [] if smooth else _refits(fitted.pipeline, train, fitted.columns, task.refits, context)
        response = PriceResponse(fitted.pipeline, context.rng("price response"), refits)
        promoted = any("promotion" in term.split(":") for term in fitted.terms)
        groups = pd.DataFrame({name: levels(train.frame[name]) for name in (BRAND, *task.by)})
        return cls(
            response,
            rows,
            groups,
            of_chosen(rows, "price"),
            PROMOTIONS if promoted else {AS_OBSERVED: None},
            task.points,
            _elasticity(response.at_observed(rows)),
        )

    @property
    def observed(self) -> tuple[float, float]:
        """Lowest and highest price paid."""
        return float(self.paid.min()), float(self.paid.max())

    def grid(self) -> Floats:
        """The prices of a curve."""
        low, high = self.observed
        beyond = BEYOND * (high - low) if self.response.smooth else 0.0
        return np.linspace(max(low - beyond, low / 2), high + beyond, self.points)

    def table(self) -> pd.DataFrame:
        """Units and elasticity at the observed prices: of all, and of each group, by state of promotion."""
        parts = []
        for label, mine in self.parts():
            for state, promotion in self.promotions.items():
                found = self.response.at_observed(self.rows[mine], promotion).frame()
                rows, price = int(mine.sum()), float(self.paid[mine].mean())
                parts.append(found.assign(purchases=label, promotion=state, rows=rows, mean_price=price))
        table = pd.concat(parts, ignore_index=True)
        first = ["purchases", "promotion", "rows", "mean_price", "elasticity", "low", "high"]
        return table[[*first, "units", "units_low", "units_high"]]

    def parts(self) -> Iterator[tuple[str, NDArray[np.bool_]]]:
        """All purchases, and those of each group, the largest first, by name."""
        yield EVERYBODY, np.ones(len(self.rows), dtype=bool)
        for column in map(str, self.groups):
            if self.groups[column].nunique() > 1:
                for value in self.groups[column].value_counts().index[:MOST_GROUPS]:
                    yield f"{column} {value}", (self.groups[column] == value).to_numpy()

    def curves(self) -> pd.DataFrame:
        """Units and elasticity over the prices, by state of promotion."""
        grid = self.grid()
        inside = (grid >= self.observed[0]) & (grid <= self.observed[1])
        several = [
            self.response.over(self.rows, grid, promotion).frame().assign(promotion=state, price=grid, observed=inside)
            for state, promotion in self.promotions.items()
        ]
        return pd.concat(several, ignore_index=True)

    def by_group(self, column: str) -> pd.DataFrame:
        """Units and elasticity of the largest groups, each over the prices that it paid, promotion as observed."""
        several = []
        for value in self.groups[column].value_counts().index[:MOST_GROUPS]:
            mine = (self.groups[column] == value).to_numpy()
            low, high = self.paid[mine].min(), self.paid[mine].max()
            if low < high:
                grid = np.linspace(low, high, max(self.points // 2, 3))
                found = self.response.over(self.rows[mine], grid).frame()
                several.append(found.assign(**{column: value, "price": grid}))
        return pd.concat(several, ignore_index=True) if several else pd.DataFrame()


def response(answers: Answers) -> Iterator[Content]:
    """The price elasticity of quantity, and the units themselves."""
    name = "elasticity_at_observed_prices"
    yield Estimate(name, "elasticity of quantity at the observed prices", answers.at_observed)
    how = answers.response.uncertainty
    table = answers.table()
    caption = (
        f"Prices 1 % higher go with so many % more units. 95 % intervals: {how}. All prices move by the same share; "
        "each purchase weighs by its expected units."
    )
    yield Table("price_elasticity", "Price elasticity of quantity at the observed prices", table, caption, len(table))
    curves = answers.curves()
    several = len(answers.promotions) > 1
    states = " With promotion of the brand bought set to 1, to 0, and as observed." if several else ""
    beyond = "" if answers.response.smooth else " An arc elasticity, between prices a quarter of the range apart."
    by = "promotion" if several else None
    yield Figure(
        "elasticity",
        "Price elasticity of quantity",
        curves,
        "line",
        "price",
        "elasticity",
        f"Shaded is what was paid for any brand; outside it the model extrapolates.{states} Band: 95 %, {how}.{beyond}",
        by=by,
        low="low",
        high="high",
        x_label=PRICE_LABEL,
        y_label="elasticity",
        shade=answers.observed,
        reference={"y": -1.0},
    )
    yield Figure(
        "units_by_price",
        "Units of a purchase by price",
        curves,
        "line",
        "price",
        "units",
        f"Mean expected units of the training purchases; outside the shade it extrapolates.{states} Band: 95 %.",
        by=by,
        low="units_low",
        high="units_high",
        x_label=PRICE_LABEL,
        y_label="expected units",
        shade=answers.observed,
    )
    columns = ["promotion", "price", "observed", *curves.columns[:6]]
    told = "Outside `observed` it extrapolates."
    yield Table("elasticity_curve", "Price elasticity of quantity by price", curves[columns], told)
    yield from _by_group(answers)


def _by_group(answers: Answers) -> Iterator[Content]:
    for column in map(str, answers.groups):
        if answers.groups[column].nunique() < 2:
            continue
        data = answers.by_group(column)
        if data.empty:
            continue
        name = "".join(letter if letter.isalnum() else "_" for letter in column.lower())
        yield Figure(
            f"elasticity_by_{name}"[:60],
            f"Price elasticity of quantity by {column}",
            data,
            "line",
            "price",
            "elasticity",
            f"Each over the prices that it paid, promotion as observed. Band: 95 %, {answers.response.uncertainty}.",
            by=column,
            low="low",
            high="high",
            x_label=PRICE_LABEL,
            y_label="elasticity",
            reference={"y": -1.0},
        )


def caveats(answers: Answers, fitted: Fitted) -> Iterator[Content]:
    """What not to conclude."""
    yield Finding(
        "The effect of price is causal only if price was set without regard to demand, given what else the model sees. "
        "If prices rise when demand does, it is understated; promotions that go with low prices lend it some of their "
        "effect, unless they are among the terms.",
        "caveat",
    )
    yield Finding(
        "It is the effect on the quantity of those who buy. Who buys, and which brand, answers to price too, so that "
        "prices move who is among these rows.",
        "caveat",
    )
    parts = {part for term in fitted.terms for part in term.split(":")}
    if BRAND not in parts and answers.groups[BRAND].nunique() > 1:
        yield Finding(
            "Without a constant for each brand, differences between dear and cheap brands count as an effect of price: "
            f"add them with task.terms=[{','.join((*fitted.terms, BRAND))}].",
            "caveat",
        )
    prices = len(np.unique(answers.paid.round(6)))
    low, high = (number(end, 2) for end in answers.observed)
    few = ": few to draw a curve through" if prices < FEW_PRICES else ""
    yield Finding(
        f"The price of the brand bought took {prices:,} different values between {low} and {high}{few}. Outside that "
        "range a curve is the model's extrapolation.",
        "caveat",
    )
    rare = [f"{label} ({int(mine.sum())})" for label, mine in answers.parts() if mine.sum() < FEW_ROWS]
    if rare:
        yield Finding(f"Fewer than {FEW_ROWS} purchases tell of: {', '.join(rare)}.", "caveat")
    if answers.at_observed.high > 0 > answers.at_observed.low:
        yield Finding(
            "The data do not tell whether quantity falls when prices rise: the interval holds zero.", "caveat"
        )
    elif answers.at_observed.low >= 0:
        yield Finding(
            "Higher prices go with larger purchases here, which no price effect explains: look for what moves both.",
            "caveat",
        )
    if not answers.response.smooth:
        yield Finding(
            "The elasticity is an arc's, because the model has steps; read its level, not its wiggles.", "caveat"
        )


def _refits(pipeline: Pipeline, train: Dataset, columns: list[str], times: int, context: Context) -> list[Pipeline]:
    """The pipeline, fitted to customers drawn with replacement."""
    rng = context.rng("refits")
    codes, ids = pd.factorize(train.frame[train.roles.id])
    members = np.split(np.argsort(codes, kind="stable"), np.cumsum(np.bincount(codes))[:-1])
    units = train.frame["quantity"].to_numpy(dtype=np.float64)
    refits = []
    for _ in range(times):
        index = np.concatenate([members[one] for one in rng.integers(len(ids), size=len(ids))])
        refits.append(clone(pipeline).fit(train.frame[columns].iloc[index], units[index]))
    return refits


def _elasticity(found: Response) -> Interval:
    row = found.frame().iloc[0]
    return Interval(float(row["elasticity"]), float(row["low"]), float(row["high"]))


def sentence(at_observed: Interval) -> str:
    """Say the elasticity at the observed prices."""
    return f"prices 1 % higher go with a change of {with_interval(at_observed)} % in its units"
