"""The question of a price's total effect: which occasions it needs, how it is fitted, scored and measured."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import numpy as np
import pandas as pd
from annotated_types import Ge
from sklearn.base import clone
from sklearn.pipeline import Pipeline

from cxai_runner.config.problems import Problem, UserError, did_you_mean
from cxai_runner.data.dataset import Dataset
from cxai_runner.data.tables.needs import Needs
from cxai_runner.evaluation.clusters import few_clusters, one_cluster
from cxai_runner.evaluation.counts import RootOf
from cxai_runner.evaluation.intervals import Floats, Statistic
from cxai_runner.evaluation.metrics import CalibrationError, MeanOf, Named, codes_of, paired_metrics
from cxai_runner.evaluation.results import Content, Finding, Metric
from cxai_runner.features.alternatives import OTHER
from cxai_runner.features.asked import Asked, absent_groups
from cxai_runner.features.seen import in_own_order, with_prices
from cxai_runner.methods.choice.baselines import MarketShares
from cxai_runner.methods.quantity import EmpiricalCounts
from cxai_runner.methods.quantity.terms import BRAND
from cxai_runner.methods.response import Competitors, OccasionForecast, PurchaseChain, ResponseError
from cxai_runner.methods.response.chain import PRICE, PROMOTION, is_promoted
from cxai_runner.methods.response.forecast import PARTS
from cxai_runner.task import Context, Evidence, Minimise, Primary, SavedModel, Task
from tasks.price_response import costs, report
from tasks.price_response.caveats import caveats, together
from tasks.price_response.costs import Cost
from tasks.price_response.prices import Answers
from tasks.price_response.rows import alternatives, flags, outcome, unanswerable, unusable

OUTCOMES = ("incidence", BRAND, "quantity", "revenue")
METRICS = (
    Named("log_loss", "log loss", "lower"),
    *(Named(f"log_loss_{part}", f"log loss, {part}", "lower") for part in PARTS),
    Named("rmse", "RMSE of units", "lower"),
    Named("calibration_error", "calibration error of units", "lower", raised_by_noise=True),
)


@dataclass(frozen=True, eq=False)
class Fitted:
    """A fitted chain of purchase models.

    Parameters
    ----------
    chain
        Takes the panel's columns.
    brand
        Whose price is asked about.
    base_rate, shares, counts, units
        What the baseline says of every occasion: the share with a purchase, each brand's share of the purchases among
        those that are there, the distribution of the quantities, and the mean units per purchase of the brand.
    """

    chain: PurchaseChain
    brand: str
    base_rate: float
    shares: MarketShares
    counts: EmpiricalCounts
    units: float


@dataclass(frozen=True, kw_only=True)
class PriceResponse(Task):
    """What the price of a brand does to its units, revenue and margin, by way of purchases, choice and quantity.

    Parameters
    ----------
    brand
        Whose price; the brand with the highest revenue where it is null.
    competitors
        Their prices stay as observed (``fixed``), or move by the same share (``matched``).
    cost
        Of a unit: an amount, a share of the mean observed price such as 60%, or either by brand; null for no margin.
    by
        Columns of the panel, such as a segment, by whose values the elasticity is told apart.
    availability
        Prefix of the columns that say whether a brand could be chosen, where the panel has them.
    cluster
        Whether the models' own standard errors allow for the rows of a customer being alike.
    points
        Prices within the observed range at which curves are drawn.
    refits
        Refits of all three models on resampled customers, behind every interval.
    """

    brand: str | int | None = None
    competitors: Competitors = "fixed"
    cost: Cost = None
    by: Sequence[str] = ()
    availability: str | None = "available"
    cluster: bool = True
    points: Annotated[int, Ge(5)] = 31
    refits: Annotated[int, Ge(10)] = 100

    title: ClassVar[str] = "What does a price do altogether: to purchases, brand choice, units, revenue and margin?"
    needs: ClassVar[Needs] = Needs(
        required={"panel": ("customer_id", "incidence", "brand", "quantity", "price_*")},
        optional={"panel": ("occasion", "promotion_*", "available_*")},
    )
    evidence: ClassVar[Evidence] = Evidence.HELD_OUT
    primary_metric: ClassVar[Primary | None] = Minimise("log_loss")
    baseline_label: ClassVar[str] = "base rate × shares"
    model_kind: ClassVar[str | None] = "estimator"

    def problems(self, tables_columns: Iterable[str]) -> Iterator[Problem]:
        """Yield a brand, costs and columns to tell apart by that the panel has not."""
        columns = list(tables_columns)
        known = [name.removeprefix(PRICE) for name in columns if name.startswith(PRICE) and not name.endswith("*")]
        if known and self.brand is not None and str(self.brand) not in known:
            yield Problem("brand", "no such brand in the panel", self.brand, did_you_mean(str(self.brand), known))
        yield from costs.problems(self.cost, known or None)
        yield from Asked(columns, OUTCOMES).wrong_groups(self.by)

    def inspect(self, data: Dataset) -> Iterator[Problem]:
        """Yield why these occasions cannot tell what the price does."""
        found = list(unusable(data, self.availability))
        yield from found or unanswerable(data)
        yield from absent_groups(self.by, data.frame)
        yield from one_cluster(data.frame[data.roles.id], resampled=True)

    def demand(self, data: Dataset) -> None:
        """Refuse data without a column that is needed, and rows that are no occasions with prices.

        Raises
        ------
        UserError
            Naming each column, and what is wrong with its rows.
        """
        super().demand(data)
        problems = list(unusable(data, self.availability))
        if problems:
            raise UserError(problems, "data")

    def fit(self, model: Any, train: Dataset, context: Context) -> Fitted:
        """Fit the three models, with customers as groups."""
        self.demand(train)
        chain = self._chain(model, train)
        brand = self._brand(train.frame)
        self._refuse_unaskable(brand, train.frame)
        columns = self._columns(train)
        frame = train.frame[columns].join(outcome(train.frame).add_prefix("_"))
        order = in_own_order(frame, list(frame.columns)).index
        rows, happened = train.frame.loc[order, columns], outcome(train.frame).loc[order]
        groups = train.frame.loc[order, train.roles.id].to_numpy() if self.cluster else None
        try:
            chain.fit(rows, happened, groups=groups)
        except ResponseError as error:
            raise UserError([_told(error, rows)], "data") from error
        bought = happened[happened["incidence"] == 1]
        return Fitted(
            chain,
            brand,
            float(happened["incidence"].mean()),
            self._shares(rows, bought),
            EmpiricalCounts.of(bought["quantity"]),
            float(bought.loc[bought[BRAND] == brand, "quantity"].mean()),
        )

    def score(self, fitted: Fitted, data: Dataset, context: Context) -> pd.DataFrame:
        """Return customer, time, what happened, how probable the models call everything, and how the baseline does."""
        self.demand(data)
        kept = [data.roles.id, *([data.roles.time] if data.roles.time else [])]
        happened = outcome(data.frame).reset_index(drop=True)
        scores = data.frame[kept].rename(columns={data.roles.id: "customer_id"}).reset_index(drop=True)
        mine = (happened[BRAND] == fitted.brand) & (happened["incidence"] == 1)
        scores = scores.assign(
            **{str(name): happened[name] for name in happened},
            of_brand=fitted.brand,
            brand_price=data.frame[f"{PRICE}{fitted.brand}"].to_numpy(dtype=np.float64),
            brand_units=happened["quantity"].where(mine, 0.0),
        )
        shares = fitted.shares.predict_proba(data.frame)
        base = _baseline(fitted, happened, shares)
        baseline = {f"baseline_log_loss_{part}": base[:, i] for i, part in enumerate(PARTS)}
        of_brand = shares[:, list(fitted.shares.alternatives_).index(fitted.brand)]
        expected = fitted.base_rate * of_brand * fitted.units
        return _with(scores, self._forecast(fitted, data)).assign(**baseline, baseline_expected=expected)

    def predicted(self, scores: pd.DataFrame, predictions: pd.Series | pd.DataFrame) -> pd.DataFrame | None:
        """Put another chain's laws in place; None for a model of other brands, or that predicts a number alone."""
        other = OccasionForecast.of(predictions) if isinstance(predictions, pd.DataFrame) else None
        mine = OccasionForecast.of(scores)
        if other is None or mine is None or set(other.alternatives) != set(mine.alternatives):
            return None
        names = list(scores.columns)
        first = names[: names.index("brand_units") + 1]
        last = [name for name in names if name.startswith("baseline")]
        return pd.concat([_with(scores[first], other), scores[last]], axis=1)

    def statistics(self, scores: pd.DataFrame) -> Mapping[str, Statistic]:
        """Return the metrics of the model, for customers drawn anew."""
        law = OccasionForecast.of(scores)
        assert law is not None
        return _statistics(scores, -law.log_probability(scores[list(OUTCOMES[:3])]), scores["expected"])

    def measure(self, scores: pd.DataFrame, context: Context) -> tuple[Metric, ...]:
        """Measure log loss of the whole outcome and of its parts, and the brand's units, beside the baseline."""
        parts = scores[[f"baseline_log_loss_{part}" for part in PARTS]].to_numpy(dtype=np.float64)
        baseline = _statistics(scores, parts, scores["baseline_expected"])
        ours = self.statistics(scores)
        codes, count = codes_of(scores["customer_id"])
        model, base = ([group[one.name] for one in METRICS] for group in (ours, baseline))
        rng = context.rng("intervals")
        return paired_metrics(METRICS, model, base, count, context.resamples, rng, rows=len(codes))

    def report(
        self,
        fitted: Fitted,
        train: Dataset,
        scores: Mapping[str, pd.DataFrame],
        metrics: Mapping[str, Metric],
        context: Context,
    ) -> Iterator[Content]:
        """Yield verdict, elasticity and its parts, curves, best prices, who gains, the models, evidence and caveats."""
        judged = scores.get("held_out", scores["train"])
        answers = Answers.of(self, fitted, train, self._columns(train), context)
        yield from report.verdict(answers, scores, metrics)
        yield from report.decomposition(answers)
        yield from report.curves(answers)
        yield from report.best_prices(answers)
        yield from report.who_gains(answers)
        yield from report.coefficients(fitted.chain)
        yield from report.how_well(metrics, judged, context)
        yield from caveats(answers)
        yield from together(fitted.brand, train.frame, self.competitors)
        what = "intervals of resampled customers, which are too narrow"
        yield from few_clusters(train.frame[train.roles.id], "occasions", what)
        names = alternatives(train.frame)
        if f"{PROMOTION}{names[0]}" in self._columns(train) and not is_promoted(train.frame, names):
            told = "Promotion is the same everywhere in the training rows: it tells nothing, and is no term of a model."
            yield Finding(told, "caveat")

    def models(self, fitted: Fitted, train: Dataset) -> Mapping[str, SavedModel]:
        """Keep the chain: it takes the panel's columns, and expects units and revenue of each brand."""
        example = train.frame[list(fitted.chain.feature_names_in_)].head(5).reset_index(drop=True)
        return {"model": SavedModel(fitted.chain, example)}

    def _chain(self, model: Any, train: Dataset) -> PurchaseChain:
        steps = model.steps if isinstance(model, Pipeline) else [("model", model)]
        final = steps[-1][1]
        if not isinstance(final, PurchaseChain):
            remedy = "take one of `cxai list models price_response`"
            told = "a chain of three models: incidence, choice and quantity"
            raise UserError([Problem("model", told, type(final).__name__, remedy)])
        if len(steps) > 1:
            told = "a chain finds prices by name and leaves them as they are: it takes no transformers"
            names = ", ".join(type(step).__name__ for _, step in steps[:-1])
            raise UserError([Problem("features.transformers", told, names, "write features.transformers=[]")])
        chain: PurchaseChain = clone(final)
        if flags(train.frame, self.availability) and getattr(chain.choice, "availability", "") is None:
            chain.choice.set_params(availability=self.availability)
        # What other models say of the customer, where rows are fed with it.
        if train.roles.fed and not chain.customer_terms:
            chain.set_params(customer_terms=train.roles.fed)
        return chain

    def _brand(self, frame: pd.DataFrame) -> str:
        """The brand that is asked about: the one named, or the one with the highest revenue."""
        names = alternatives(frame)
        if self.brand is not None:
            if str(self.brand) not in names:
                told = "no such brand in the panel"
                raise UserError([Problem("task.brand", told, self.brand, did_you_mean(str(self.brand), names))], "data")
            return str(self.brand)
        happened = outcome(frame)
        revenue = {
            name: float((frame[f"{PRICE}{name}"] * happened["quantity"])[happened[BRAND] == name].sum())
            for name in names
        }
        own = [name for name in names if name != OTHER] or names
        return max(own, key=lambda name: round(revenue[name], 6))

    def _refuse_unaskable(self, brand: str, frame: pd.DataFrame) -> None:
        price = frame[f"{PRICE}{brand}"]
        problems = [one.under("task") for one in costs.problems(self.cost, alternatives(frame))]
        if price.nunique() < 2:
            remedy = "ask about a brand whose price changed, with task.brand, or take a longer window"
            told = f"the price of {brand} is {price.iloc[0]:g} on all occasions: nothing tells what another would do"
            problems.append(Problem("task.brand", told, self.brand, remedy))
        cost = None if problems else costs.cost_of(self.cost, brand, float(price.mean()))
        if cost is not None and cost >= price.max():
            dear, most = costs.money(cost), costs.money(price.max())
            told = f"a unit of {brand} costs {dear}, and was never sold above {most}: no price has a margin"
            problems.append(Problem("task.cost", told, str(self.cost), costs.REMEDY))
        if problems:
            raise UserError(problems, "data")

    def _shares(self, rows: pd.DataFrame, bought: pd.DataFrame) -> MarketShares:
        """The baseline's shares of the purchases; a brand that was not there has none, as in the chain."""
        flagged = self.availability if flags(rows, self.availability) else None
        return MarketShares(alternatives=alternatives(rows), availability=flagged).fit(
            rows.loc[bought.index], bought[BRAND]
        )

    def _columns(self, data: Dataset) -> list[str]:
        """The panel's columns that the models may see."""
        return list(dict.fromkeys([*with_prices(data), *flags(data.frame, self.availability)]))

    @staticmethod
    def _forecast(fitted: Fitted, data: Dataset) -> OccasionForecast:
        try:
            return fitted.chain.forecast(data.frame)
        except ValueError as error:
            raise UserError(
                [Problem("panel", str(error), remedy="bring the columns as in training")], "data"
            ) from error


def _with(scores: pd.DataFrame, law: OccasionForecast) -> pd.DataFrame:
    """What happened, and beside it what was expected; last the units of the brand that is asked about."""
    both = pd.concat([scores, law.frame()], axis=1)
    return both.assign(expected=both[f"units_{scores['of_brand'].iloc[0]}"])


def _baseline(fitted: Fitted, happened: pd.DataFrame, shares: Floats) -> Floats:
    """Log losses of the baseline by part, shape (n, 3); ``shares`` of each occasion, a column per brand."""
    bought = happened["incidence"].to_numpy() == 1
    found: Floats = np.zeros((len(happened), 3))
    found[:, 0] = np.where(bought, np.log(fitted.base_rate), np.log1p(-fitted.base_rate))
    chosen = pd.Index(fitted.shares.alternatives_).get_indexer(happened.loc[bought, BRAND])
    found[bought, 1] = np.log(np.where(chosen >= 0, shares[bought, chosen], np.nan))
    found[bought, 2] = fitted.counts.log_probability(happened.loc[bought, "quantity"])
    return -found


def _statistics(scores: pd.DataFrame, losses: Floats, expected: pd.Series) -> dict[str, Statistic]:
    """The metrics of one forecast, each as a function of how often a customer is drawn; ``losses`` by part, (n, 3)."""
    codes, count = codes_of(scores["customer_id"])
    truth, mean = scores["brand_units"].to_numpy(np.float64), expected.to_numpy(np.float64)
    whole: dict[str, Statistic] = {"log_loss": MeanOf(losses.sum(axis=1), codes, count)}
    parts = {f"log_loss_{part}": MeanOf(losses[:, i], codes, count) for i, part in enumerate(PARTS)}
    errors: dict[str, Statistic] = {
        "rmse": RootOf((truth - mean) ** 2, codes, count),
        "calibration_error": CalibrationError(truth, mean, codes, count),
    }
    return {**whole, **parts, **errors}


def _told(error: ResponseError, rows: pd.DataFrame) -> Problem:
    """What one of the models refused, with the inputs that have missing values where there are such."""
    key = f"model.{error.part}" if error.part else "panel.brand"
    holes = [str(name) for name, missing in rows.isna().any().items() if missing]
    if holes:
        remedy = f"fill them, or leave them out of the terms; missing in {', '.join(holes)}"
        return Problem(key, error.message, remedy=remedy)
    return Problem(key, error.message, remedy=error.remedy)
