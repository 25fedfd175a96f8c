"""The question of purchase quantity: which rows it needs, how it is fitted, scored and measured."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import numpy as np
import pandas as pd
from annotated_types import Ge
from sklearn.base import clone
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import has_fit_parameter

from cxai_runner.config.problems import Problem, UserError
from cxai_runner.data.dataset import Dataset
from cxai_runner.data.tables.needs import Needs
from cxai_runner.evaluation.clusters import few_clusters, one_cluster
from cxai_runner.evaluation.counts import count_metrics, count_statistics
from cxai_runner.evaluation.intervals import Statistic
from cxai_runner.evaluation.results import Content, Finding, Metric
from cxai_runner.features.asked import Asked, absent_groups, parts
from cxai_runner.features.missing import refuse_missing
from cxai_runner.features.seen import in_own_order, with_prices
from cxai_runner.methods.quantity import (
    ChosenTerms,
    EmpiricalCounts,
    Forecast,
    QuantityError,
    UnitsForecast,
    forecast,
    has_law,
)
from cxai_runner.methods.quantity.terms import BRAND, behind, of_chosen
from cxai_runner.methods.unnamed import takes_names, without_names
from cxai_runner.task import Context, Evidence, Minimise, Primary, SavedModel, Task
from tasks.purchase_quantity import price, report
from tasks.purchase_quantity.rows import unanswerable, unusable

PRICES = ("price", "log_price")
OUTCOMES = ("incidence", "quantity", "revenue")


@dataclass(frozen=True, eq=False)
class Fitted:
    """A fitted model of purchase quantity.

    Parameters
    ----------
    pipeline
        Takes the panel's columns, returns expected units.
    columns, terms
        The columns it takes, and its terms.
    training
        The distribution of the training quantities: what the baseline says of everyone.
    """

    pipeline: Pipeline
    columns: list[str]
    terms: tuple[str, ...]
    training: EmpiricalCounts


@dataclass(frozen=True, kw_only=True)
class PurchaseQuantity(Task):
    """How many units a customer buys on an occasion with a purchase, and how the price of the brand bought moves that.

    Parameters
    ----------
    terms
        What the model sees, as in `ChosenTerms`; ``auto`` is the price of the brand bought, its promotion where the
        panel has promotions, and what other models say of the customer.
    by
        Columns of the panel, such as a segment, by whose values the elasticity is told apart; by brand it always is.
    cluster
        Whether standard errors allow for the rows of a customer being alike.
    points
        Prices at which the elasticity is drawn.
    refits
        Refits on resampled customers behind the elasticity's interval, for models that have no standard errors.
    """

    terms: Sequence[str] | str = "auto"
    by: Sequence[str] = ()
    cluster: bool = True
    points: Annotated[int, Ge(3)] = 41
    refits: Annotated[int, Ge(2)] = 20

    title: ClassVar[str] = "How much does a customer buy once they buy, and how does price move that?"
    needs: ClassVar[Needs] = Needs(
        required={"panel": ("customer_id", "brand", "quantity", "price_*")},
        optional={"panel": ("occasion", "incidence", "promotion_*")},
    )
    evidence: ClassVar[Evidence] = Evidence.HELD_OUT
    primary_metric: ClassVar[Primary | None] = Minimise("log_loss")
    baseline_label: ClassVar[str] = "training distribution"
    model_kind: ClassVar[str | None] = "regressor"
    target: ClassVar[str | None] = "quantity"

    def problems(self, tables_columns: Iterable[str]) -> Iterator[Problem]:
        """Yield terms and columns to tell apart by that the panel has not."""
        columns, known = list(tables_columns), (*PRICES, "promotion", BRAND)
        asked = Asked(columns, OUTCOMES, "quantity", "at the purchase", behind, known, prefixes=("log_",))
        yield from asked.wrong_terms(self.terms, PRICES.__contains__, "price")
        yield from asked.wrong_groups(self.by)

    def inspect(self, data: Dataset) -> Iterator[Problem]:
        """Yield why these purchases cannot tell how price moves their quantity."""
        found = list(unusable(data))
        yield from found or unanswerable(data)
        allowed = with_prices(data, BRAND)
        yield from absent_groups(self.by, data.frame)
        yield from one_cluster(data.frame[data.roles.id]) if self.cluster else ()
        for part in parts(self._terms(data)):
            if not behind(part, allowed) and behind(part, data.frame.columns):
                remedy = f"name it among the inputs: features.columns=[price_*,promotion_*,{part}]"
                yield Problem(f"panel.{part}", "a term of the model, but no input of the features", remedy=remedy)

    def demand(self, data: Dataset) -> None:
        """Refuse data without a column that is needed, and rows that are no purchases of whole units.

        Raises
        ------
        UserError
            Naming each column, and what is wrong with its rows.
        """
        super().demand(data)
        problems = list(unusable(data))
        if problems:
            raise UserError(problems, "data")

    def fit(self, model: Any, train: Dataset, context: Context) -> Fitted:
        """Fit the model behind the panel's terms, with customers as groups where the model takes groups."""
        self.demand(train)
        terms, columns = self._terms(train), self._columns(train)
        steps = model.steps if isinstance(model, Pipeline) else [("model", model)]
        last, final = steps[-1]
        if not has_law(final):
            told = "a model that says how probable a quantity is"
            remedy = "take one of `cxai list models purchase_quantity`, or a regressor with a Poisson loss"
            raise UserError([Problem("model", told, type(final).__name__, remedy)])
        pipeline = Pipeline([("terms", ChosenTerms(terms)), *((name, clone(step)) for name, step in steps)])
        # A model tells what is wrong with a column by its name, where every transformer can hand names on.
        if not takes_names(final):
            pipeline = without_names(pipeline)
        elif all(hasattr(step, "set_output") for _, step in pipeline.steps[:-1]):
            pipeline[:-1].set_output(transform="pandas")
        frame = in_own_order(train.frame, [*columns, "quantity"])
        units = frame["quantity"].to_numpy(dtype=np.float64)
        grouped = {f"{last}__groups": frame[train.roles.id].to_numpy()}
        extra = grouped if self.cluster and has_fit_parameter(final, "groups") else {}
        try:
            refuse_missing(pipeline, frame[columns], frame["quantity"])
            pipeline.fit(frame[columns], units, **extra)
        except QuantityError as error:
            raise UserError([Problem("task.terms", error.message, list(terms), error.remedy)], "data") from error
        return Fitted(pipeline, columns, terms, EmpiricalCounts.of(units))

    def score(self, fitted: Fitted, data: Dataset, context: Context) -> pd.DataFrame:
        """Return customer, time, quantity, the law that the model gives it, and how the baseline does."""
        self.demand(data)
        refuse_missing(fitted.pipeline, data.frame[fitted.columns])
        kept = [data.roles.id, *([data.roles.time] if data.roles.time else []), "quantity"]
        scores = data.frame[kept].rename(columns={data.roles.id: "customer_id"}).reset_index(drop=True)
        return _with(scores, forecast(fitted.pipeline, data.frame[fitted.columns])).assign(
            baseline_expected=fitted.training.average,
            baseline_log_loss=-fitted.training.log_probability(scores["quantity"]),
            baseline_crps=fitted.training.crps(scores["quantity"]),
        )

    def predicted(self, scores: pd.DataFrame, predictions: pd.Series | pd.DataFrame) -> pd.DataFrame | None:
        """Put another model's laws in place; None for one that predicts a number alone."""
        other = Forecast.of(predictions) if isinstance(predictions, pd.DataFrame) else None
        return None if other is None else _with(scores, other)

    def statistics(self, scores: pd.DataFrame) -> Mapping[str, Statistic]:
        """Return the metrics of the model, for customers drawn anew."""
        law = _forecast(scores)
        loss, crps = -law.log_probability(scores["quantity"]), law.crps(scores["quantity"])
        return count_statistics(scores["quantity"], law.expected, loss, crps, scores["customer_id"])

    def measure(self, scores: pd.DataFrame, context: Context) -> tuple[Metric, ...]:
        """Measure log loss, CRPS, RMSE, absolute and calibration error beside those of the training distribution."""
        names = ("quantity", "baseline_expected", "baseline_log_loss", "baseline_crps", "customer_id")
        baseline = count_statistics(*(scores[name] for name in names))
        rng = context.rng("intervals")
        return count_metrics(self.statistics(scores), baseline, scores["customer_id"], context.resamples, rng)

    def report(
        self,
        fitted: Fitted,
        train: Dataset,
        scores: Mapping[str, pd.DataFrame],
        metrics: Mapping[str, Metric],
        context: Context,
    ) -> Iterator[Content]:
        """Yield verdict, price response, coefficients, fit, dispersion, distribution, calibration and caveats."""
        judged = scores.get("held_out", scores["train"])
        answers = price.Answers.of(self, fitted, train, context)
        yield from report.verdict(scores, metrics, answers.at_observed)
        yield from price.response(answers)
        yield from report.coefficients(fitted)
        yield from report.fit_statistics(fitted, scores["train"])
        yield from report.dispersion(fitted, train)
        yield from report.distribution(_forecast(judged), fitted.training, judged, context)
        yield from report.calibration(judged, context)
        yield from price.caveats(answers, fitted)
        if self.cluster:
            what = "standard errors that are clustered by customer, which are too small"
            yield from few_clusters(train.frame[train.roles.id], "purchases", what)
        if self.terms == "auto" and self._promoted(train) and _is_still(train.frame):
            told = (
                "The promotion of the brand bought is the same in all training rows: it tells nothing, and is no term."
            )
            yield Finding(told, "caveat")

    def models(self, fitted: Fitted, train: Dataset) -> Mapping[str, SavedModel]:
        """Keep the pipeline: it takes the panel's columns and the brand, and says how probable each quantity is."""
        example = train.frame[fitted.columns].head(5).reset_index(drop=True)
        return {"model": SavedModel(UnitsForecast.fitted(fitted.pipeline), example)}

    def _terms(self, data: Dataset) -> tuple[str, ...]:
        if not isinstance(self.terms, str):
            return tuple(dict.fromkeys(self.terms))
        promoted = ("promotion",) if self._promoted(data) and not _is_still(data.frame) else ()
        # What other models say of the customer, where rows are fed with it.
        return ("price", *promoted, *data.roles.fed)

    def _promoted(self, data: Dataset) -> bool:
        return bool(behind("promotion", with_prices(data, BRAND)))

    def _columns(self, data: Dataset) -> list[str]:
        """The panel's columns that the model sees: the brand, every price, and those behind its terms."""
        allowed = with_prices(data, BRAND)
        several = [behind(term, allowed) for term in ("price", *self._terms(data))]
        return list(dict.fromkeys([BRAND, *(name for names in several for name in names)]))


def _is_still(frame: pd.DataFrame) -> bool:
    """Whether the promotion of the brand bought never changes."""
    return len(np.unique(of_chosen(frame, "promotion"))) < 2


def _with(scores: pd.DataFrame, law: Forecast) -> pd.DataFrame:
    return scores.assign(law=law.law, location=law.location, shape=law.shape, expected=law.expected)


def _forecast(scores: pd.DataFrame) -> Forecast:
    numbers = (scores[name].to_numpy(dtype=np.float64) for name in ("location", "shape", "expected"))
    return Forecast(str(scores["law"].iloc[0]), *numbers)
