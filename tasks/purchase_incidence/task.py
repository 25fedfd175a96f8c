"""The question of purchase incidence: which rows it needs, how it is fitted, scored and measured."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
import pandas as pd
from annotated_types import Ge
from sklearn.base import clone
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import has_fit_parameter

from cxai_runner.config.problems import Problem, UserError, did_you_mean
from cxai_runner.data.dataset import Dataset
from cxai_runner.data.tables.needs import Needs
from cxai_runner.evaluation.clusters import one_cluster
from cxai_runner.evaluation.intervals import Statistic
from cxai_runner.evaluation.metrics import classification_metrics, classification_statistics
from cxai_runner.evaluation.paired import FOLD
from cxai_runner.evaluation.results import Content, Finding, Metric
from cxai_runner.features.asked import Asked, absent_groups, parts
from cxai_runner.features.missing import refuse_missing
from cxai_runner.features.seen import in_own_order, inputs_of
from cxai_runner.methods.errors import LogitError
from cxai_runner.methods.logit_model import LogitModel
from cxai_runner.methods.mundlak import MundlakLogit
from cxai_runner.methods.names import is_price
from cxai_runner.methods.terms import ANY, KNOWN, SEASON, WEEK, PanelTerms, columns_of, instead, is_made
from cxai_runner.methods.unnamed import takes_names, without_names
from cxai_runner.task import Context, Evidence, Minimise, Primary, SavedModel, Task
from tasks.purchase_incidence import price, report
from tasks.purchase_incidence.answers import Answers

OUTCOMES = ("incidence", "brand", "quantity", "revenue")
"""What happens on the occasion itself, and is not known before."""


@dataclass(frozen=True, eq=False)
class Fitted:
    """A fitted model of purchase incidence.

    Parameters
    ----------
    pipeline
        Takes the panel's columns, returns probabilities.
    columns, prices, terms
        The columns it takes, those of them that are prices, and its terms.
    base_rate
        The share of training rows with a purchase: what the baseline predicts for everyone.
    """

    pipeline: Pipeline
    columns: list[str]
    prices: list[str]
    terms: tuple[str, ...]
    base_rate: float


@dataclass(frozen=True, kw_only=True)
class PurchaseIncidence(Task):
    """Whether a customer buys from the category on a shopping occasion, and how price moves that.

    Parameters
    ----------
    terms
        What the model sees, as in `PanelTerms`; ``auto`` is the mean price, the mean promotion where the panel has
        promotions that change, and what other models say of the customer (``features.models``).
    by
        Columns of the panel, such as a segment, by whose values the elasticity is told apart.
    intervals
        Of the elasticity: by the ``delta`` method, which takes a model with standard errors; by the ``bootstrap``,
        refits on resampled customers; or ``both``, side by side. ``auto`` is the delta method where it can be had.
    cluster
        Whether standard errors allow for the rows of a customer being alike.
    points
        Prices at which the elasticity is drawn.
    refits
        Refits on resampled customers behind the bootstrap's interval.
    """

    terms: Sequence[str] | str = "auto"
    by: Sequence[str] = ()
    intervals: Literal["auto", "delta", "bootstrap", "both"] = "auto"
    cluster: bool = True
    points: Annotated[int, Ge(3)] = 41
    refits: Annotated[int, Ge(2)] = 20

    title: ClassVar[str] = "Will a customer buy from the category on a shopping occasion, and how does price move that?"
    needs: ClassVar[Needs] = Needs(
        required={"panel": ("customer_id", "incidence", "price_*")}, optional={"panel": ("occasion", "promotion_*")}
    )
    evidence: ClassVar[Evidence] = Evidence.HELD_OUT
    primary_metric: ClassVar[Primary | None] = Minimise("log_loss")
    baseline_label: ClassVar[str] = "base rate"
    model_kind: ClassVar[str | None] = "classifier"
    target: ClassVar[str | None] = "incidence"

    def problems(self, tables_columns: Iterable[str]) -> Iterator[Problem]:
        """Yield terms, and columns to tell apart by, that the panel has not."""
        asked = Asked(
            list(tables_columns), OUTCOMES, behind=columns_of, known=KNOWN, takes=((SEASON, WEEK),), prefixes=(ANY,)
        )
        yield from asked.wrong_terms(self.terms, is_price, "mean_price")
        yield from asked.wrong_groups(self.by)

    def misused(self, model: Any, columns: Iterable[str]) -> Iterator[Problem]:
        """Yield names of terms whose means a Mundlak logit is to add, and that are no terms."""
        steps = [step for _, step in model.steps] if isinstance(model, Pipeline) else [model]
        if isinstance(steps[-1], MundlakLogit) and len(steps) == 1:  # transformers make names of their own
            have = list(columns)
            terms = ("mean_price", "mean_promotion", *have) if isinstance(self.terms, str) else self.terms
            for name in steps[-1].between or ():
                if not is_made(name, terms, have):
                    yield Problem("between", "the model has no such term", name, did_you_mean(name, terms))

    def inspect(self, data: Dataset) -> Iterator[Problem]:
        """Yield why this panel cannot tell how price moves purchases."""
        outcome = data.frame["incidence"]
        other = sorted(set(outcome.dropna().unique()) - {0, 1})
        if outcome.isna().any():
            yield Problem("panel.incidence", f"{int(outcome.isna().sum())} missing values", remedy="drop these rows")
        if other:
            yield Problem("panel.incidence", "0 (no purchase) or 1 (a purchase)", other[0], "recode the column")
        elif outcome.nunique() == 1:
            remedy = "take a longer window, or a category that is sometimes bought and sometimes not"
            yield Problem(
                "panel.incidence", "one value only: nothing tells buying from not buying", outcome.iloc[0], remedy
            )
        prices = data.frame[columns_of("price", data.frame.columns)]
        mean = prices.mean(axis=1)
        if mean.nunique() < 2:
            remedy = "take a longer window, or a category whose prices changed"
            yield Problem("panel.price_*", "one mean price only: no elasticity can be estimated", remedy=remedy)
        if (prices <= 0).any(axis=None):
            yield Problem(
                "panel.price_*", "a price of zero or less", float(prices.min().min()), "filter these rows out"
            )
        allowed = inputs_of(data)
        for part in parts(self._terms(data)):
            if not columns_of(part, allowed):
                column = next(iter(columns_of(part, data.frame.columns)), part)
                remedy = f"name it among the inputs: features.columns=[price_*,promotion_*,{column}]"
                yield Problem(f"panel.{part}", "a term of the model, but no input of the features", remedy=remedy)
        yield from absent_groups(self.by, data.frame)
        yield from one_cluster(data.frame[data.roles.id]) if self.cluster else ()
        for name in self._columns(data):
            # What else is missing is the model's to use, or a transformer's to fill.
            if name.startswith(("price_", "promotion_")) and data.frame[name].isna().any():
                rows = int(data.frame[name].isna().sum())
                yield Problem(f"panel.{name}", f"{rows} missing values", remedy="fill them, or drop these rows")

    def fit(self, model: Any, train: Dataset, context: Context) -> Fitted:
        """Fit the model behind the panel's terms, with customers as groups where the model takes groups."""
        self.demand(train)
        columns = self._columns(train)
        if not columns_of("price", columns):
            remedy = f"add them: features.columns=[price_*,{','.join(columns)}]"
            told = "no price among them: no elasticity can be estimated"
            raise UserError([Problem("features.columns", told, list(train.roles.inputs), remedy)], "data")
        steps = model.steps if isinstance(model, Pipeline) else [("model", model)]
        last, final = steps[-1]
        if not hasattr(final, "predict_proba"):
            name = type(final).__name__
            raise UserError(
                [Problem("model", "a classifier that predicts probabilities", name, "choose another model")]
            )
        if self.intervals in ("delta", "both") and not isinstance(final, LogitModel):
            told = "the delta method takes a model with standard errors"
            remedy = "write task.intervals=bootstrap, or choose model=logit"
            raise UserError(
                [Problem("task.intervals", f"{told}, and {type(final).__name__} has none", self.intervals, remedy)]
            )
        terms = self._terms(train)
        pipeline = Pipeline([("terms", PanelTerms(terms)), *((name, clone(step)) for name, step in steps)])
        if "covariance" in final.get_params() and not self.cluster:
            pipeline.set_params(**{f"{last}__covariance": "classical"})
        # A logit tells what is wrong with a column by its name, where every transformer can hand names on.
        named = isinstance(final, LogitModel) and all(hasattr(step, "set_output") for _, step in pipeline.steps[:-1])
        if named or getattr(final, "needs_names", False):
            pipeline[:-1].set_output(transform="pandas")
        elif not takes_names(final):
            pipeline = without_names(pipeline)
        frame = in_own_order(train.frame, [*columns, "incidence"])
        refuse_missing(pipeline, frame[columns], frame["incidence"])
        grouped = {f"{last}__groups": frame[train.roles.id].to_numpy()}
        wanted = has_fit_parameter(final, "groups") and (self.cluster or getattr(final, "needs_groups", False))
        try:
            pipeline.fit(frame[columns], frame["incidence"].astype(int), **(grouped if wanted else {}))
        except LogitError as error:
            key, value = ("task.terms", list(terms)) if error.columns else ("model", type(final).__name__)
            left = [] if error.spared is None else instead(terms, error.columns[error.spared :], columns)
            spelled = " or ".join(f"task.terms=[{','.join(one)}]" for one in left)
            remedy = f"{error.remedy}: {spelled}" if spelled else error.remedy
            raise UserError([Problem(key, error.message, value, remedy)], "data") from error
        return Fitted(pipeline, columns, columns_of("price", columns), terms, float(frame["incidence"].mean()))

    def score(self, fitted: Fitted, data: Dataset, context: Context) -> pd.DataFrame:
        """Return customer, time, incidence, and the probability that model and base rate give it."""
        self.demand(data)
        refuse_missing(fitted.pipeline, data.frame[fitted.columns])
        kept = [data.roles.id, *([data.roles.time] if data.roles.time else []), "incidence"]
        return (
            data.frame[kept]
            .rename(columns={data.roles.id: "customer_id"})
            .assign(
                probability=fitted.pipeline.predict_proba(data.frame[fitted.columns])[:, 1].astype(np.float64),
                baseline=fitted.base_rate,
            )
            .reset_index(drop=True)
        )

    def predicted(self, scores: pd.DataFrame, predictions: pd.Series | pd.DataFrame) -> pd.DataFrame | None:
        """Put another model's probabilities of a purchase in place; None for one that predicts classes alone."""
        if not isinstance(predictions, pd.DataFrame) or predictions.shape[1] != 2:
            return None
        return scores.assign(probability=predictions.iloc[:, 1].to_numpy(dtype=np.float64))

    def measure(self, scores: pd.DataFrame, context: Context) -> tuple[Metric, ...]:
        """Measure log loss, ROC AUC, average precision, Brier score and calibration error beside the base rate's."""
        return classification_metrics(
            scores["incidence"],
            scores["probability"],
            scores["baseline"],
            scores["customer_id"],
            context.resamples,
            context.rng("intervals"),
            scores.get(FOLD),
        )

    def statistics(self, scores: pd.DataFrame) -> Mapping[str, Statistic]:
        """Return the same metrics, for customers drawn anew."""
        truth, told = scores["incidence"], scores["probability"]
        return classification_statistics(truth, told, scores["customer_id"], scores.get(FOLD))

    def report(
        self,
        fitted: Fitted,
        train: Dataset,
        scores: Mapping[str, pd.DataFrame],
        metrics: Mapping[str, Metric],
        context: Context,
    ) -> Iterator[Content]:
        """Yield verdict, answer to price, how customers differ, coefficients, fit, calibration and caveats."""
        answers = Answers.of(self, fitted, train, context)
        yield from report.verdict(scores, metrics)
        yield from price.response(answers)
        yield from report.customers(fitted, scores["train"])
        yield from report.coefficients(fitted, answers)
        yield from report.fit_statistics(fitted, scores["train"])
        yield from report.calibration(scores.get("held_out", scores["train"]), context)
        yield from price.caveats(answers, fitted.terms)
        promotions = columns_of("promotion", inputs_of(train))
        if self.terms == "auto" and promotions and _is_still(train.frame[promotions]):
            told = "The mean promotion is the same on all training rows: it tells nothing, and is no term of the model."
            yield Finding(told, "caveat")

    def models(self, fitted: Fitted, train: Dataset) -> Mapping[str, SavedModel]:
        """Keep the pipeline: it takes the panel's price and promotion columns as they are."""
        example = train.frame[fitted.columns].head(5).reset_index(drop=True)
        return {"model": SavedModel(fitted.pipeline, example, "predict_proba")}

    def _terms(self, data: Dataset) -> tuple[str, ...]:
        if not isinstance(self.terms, str):
            return tuple(dict.fromkeys(self.terms))
        promotions = columns_of("promotion", inputs_of(data))
        promoted = promotions and not _is_still(data.frame[promotions])
        return ("mean_price", *(["mean_promotion"] if promoted else []), *data.roles.fed)

    def _columns(self, data: Dataset) -> list[str]:
        """The panel's columns that the model sees: those behind its terms, and every price."""
        allowed = inputs_of(data)
        behind = [columns_of(term, allowed) for term in ("price", *self._terms(data))]
        return list(dict.fromkeys(name for names in behind for name in names))


def _is_still(promotions: pd.DataFrame) -> bool:
    """Whether the mean over alternatives never changes."""
    return bool(promotions.mean(axis=1).round(9).nunique() < 2)
