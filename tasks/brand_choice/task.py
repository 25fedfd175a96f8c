"""The question of brand choice: which rows it needs, how it is fitted, scored and measured."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar

import numpy as np
import pandas as pd
from annotated_types import Ge
from numpy.typing import NDArray

from cxai_runner.config.problems import Problem, UserError
from cxai_runner.data.dataset import Dataset
from cxai_runner.data.tables.needs import Needs
from cxai_runner.evaluation.choices import choice_metrics
from cxai_runner.evaluation.intervals import Statistic
from cxai_runner.evaluation.results import Content, Metric
from cxai_runner.features.missing import refuse_missing
from cxai_runner.methods.choice.model import ChoiceModel
from cxai_runner.task import Context, Evidence, Minimise, Primary, SavedModel, Task
from tasks.brand_choice import caveats, config, curves, fitting, heterogeneity, price, report, rows, switching
from tasks.brand_choice.answers import Answers
from tasks.brand_choice.fitting import Fitted
from tasks.brand_choice.scored import LAST, MODEL, SHARES, WEIGHT, alternatives_of, statistics_of
from tasks.brand_choice.specification import BRAND, labels_of, own


@dataclass(frozen=True, kw_only=True)
class BrandChoice(Task):
    """Which of several brands a customer buys, and how the price of each moves the shares of all.

    Parameters
    ----------
    terms
        The utility, as in `ChoiceTerms`: a formula ``price + promotion | income``, a list of generic terms, or a
        mapping ``{price: generic, income: alternative, constants: true}``. ``auto`` is a constant for each alternative
        and one coefficient for each attribute among the inputs. A column of words, and ``week``, ``month`` or
        ``quarter`` of a dated panel, has a coefficient for each level.
    alternatives
        The brands; those of the panel where none are named.
    reference
        The one whose constant is zero; the first where none is named.
    price
        The attribute whose elasticities are asked for.
    promotions
        Attributes that are set to 1 and to 0 together to tell elasticities with promotion from those without.
    last_brand
        The column that holds the brand bought before, for the second baseline; left out where the panel has it not.
    availability
        Prefix of the columns that say whether a brand could be chosen, where the panel has them.
    weights
        The column that says how often a row counts.
    instruments
        What moves prices and is no term: makes a control function of them.
    by
        Columns of the panel, such as a segment, by whose values elasticities are told apart.
    scenario
        Prices, or other attributes, under which shares are told: ``{price: {pepsi: -10%, coke: 1.99}}``, or as a list
        ``[{attribute: price, of: pepsi, to: -10%}]``. A number is the new value, ``-10%`` and ``+10%`` (or ``10%``)
        change the observed one.
    classes
        Numbers of classes that a latent-class logit compares by BIC; it then has the number that is best. Other models
        have no classes, and are refused.
    cluster
        Whether standard errors allow for the rows of a customer being alike.
    points
        Prices at which a curve is drawn.
    refits
        Refits on resampled customers behind standard errors, for models that have none.
    """

    terms: str | int | Sequence[str] | Mapping[str, str | bool] = "auto"
    alternatives: Sequence[str | int] | None = None
    reference: str | int | None = None
    price: str = "price"
    promotions: Sequence[str] = ("promotion", "display", "mailer", "feature")
    last_brand: str | None = "last_brand"
    availability: str | None = "available"
    weights: str | None = None
    instruments: Sequence[str] = ()
    by: Sequence[str] = ()
    scenario: Mapping[str, Any] | Sequence[Mapping[str, Any]] = field(default_factory=dict)
    classes: Sequence[Annotated[int, Ge(1)]] = ()
    cluster: bool = True
    points: Annotated[int, Ge(3)] = 15
    refits: Annotated[int, Ge(2)] = 50

    title: ClassVar[str] = "Which brand does a customer buy, and how do the prices of all brands move that?"
    needs: ClassVar[Needs] = Needs(
        required={"panel": ("customer_id", "brand")},
        optional={"panel": ("occasion", "price_*", "promotion_*", "available_*")},
    )
    evidence: ClassVar[Evidence] = Evidence.HELD_OUT
    primary_metric: ClassVar[Primary | None] = Minimise("log_loss")
    baseline_label: ClassVar[str] = "market shares"
    model_kind: ClassVar[str | None] = "classifier"
    target: ClassVar[str | None] = "brand"

    def problems(self, tables_columns: Iterable[str]) -> Iterator[Problem]:
        """Yield what the config says and the panel, or the rest of the config, cannot mean."""
        return config.problems(self, list(tables_columns))

    def inspect(self, data: Dataset) -> Iterator[Problem]:
        """Yield why these choices cannot tell how prices move shares."""
        for check in (rows.unusable, rows.unfed, rows.unanswerable):
            found = list(check(self, data))
            yield from found
            if found:
                return

    def demand(self, data: Dataset) -> None:
        """Refuse data without a column that is needed, and rows that are no choices among the alternatives.

        Raises
        ------
        UserError
            Naming each column, and what is wrong with its rows.
        """
        super().demand(data)
        problems = [*rows.unusable(self, data)] or [*rows.unfed(self, data)]
        if problems:
            raise UserError(problems, "data")

    def fit(self, model: Any, train: Dataset, context: Context) -> Fitted:
        """Fit the model behind the panel's columns, with customers as groups where the model takes groups."""
        self.demand(train)
        return fitting.fitted(self, model, train)

    def score(self, fitted: Fitted, data: Dataset, context: Context) -> pd.DataFrame:
        """Return customer, time, brand, and the probability that model and baselines give each alternative."""
        self.demand(data)
        names = fitted.specification.alternatives
        frame = data.frame
        if not isinstance(fitted.final, ChoiceModel):
            refuse_missing(fitted.pipeline, frame[list(fitted.specification.columns)])
        with fitting.told(fitted.final):
            several: dict[str, NDArray[np.float64]] = {
                MODEL: fitted.probabilities(frame),
                SHARES: fitted.shares.predict_proba(frame),
            }
            if fitted.transitions is not None:
                several[LAST] = fitted.transitions.predict_proba(frame)
        kept = [data.roles.id, *([data.roles.time] if data.roles.time else []), BRAND]
        scores = frame[kept].rename(columns={data.roles.id: "customer_id"}).reset_index(drop=True)
        if self.weights is not None:
            scores[WEIGHT] = frame[self.weights].to_numpy(dtype=np.float64)
        parts = [pd.DataFrame(P, columns=own(prefix, names)) for prefix, P in several.items()]
        return pd.concat([scores, *parts], axis=1)

    def predicted(self, scores: pd.DataFrame, predictions: pd.Series | pd.DataFrame) -> pd.DataFrame | None:
        """Put another model's probabilities in place; None for one of other alternatives, or of classes alone."""
        names = alternatives_of(scores)
        if not isinstance(predictions, pd.DataFrame) or predictions.shape[1] != len(names):
            return None
        given = [label.removeprefix(f"{MODEL}_") for label in labels_of(predictions.columns)]
        if given == [str(place) for place in range(len(names))]:
            given = list(names)  # columns without names are in the model's own order
        if sorted(given) != sorted(names):
            return None
        P = predictions.to_numpy(dtype=np.float64)[:, [given.index(name) for name in names]]
        return scores.assign(**dict(zip(own(MODEL, names), P.T, strict=True)))

    def statistics(self, scores: pd.DataFrame) -> Mapping[str, Statistic]:
        """Return the metrics of the model, for customers drawn anew."""
        return statistics_of(scores, MODEL)

    def measure(self, scores: pd.DataFrame, context: Context) -> tuple[Metric, ...]:
        """Measure log loss, hit rate, Brier score and calibration error beside those of market shares."""
        baseline = statistics_of(scores, SHARES)
        rng = context.rng("intervals")
        return choice_metrics(self.statistics(scores), baseline, scores["customer_id"], context.resamples, rng)

    def report(
        self,
        fitted: Fitted,
        train: Dataset,
        scores: Mapping[str, pd.DataFrame],
        metrics: Mapping[str, Metric],
        context: Context,
    ) -> Iterator[Content]:
        """Yield verdict, elasticities, switching, coefficients, fit, baselines, calibration and caveats."""
        judged = scores.get("held_out", scores["train"])
        answers = Answers.of(self, fitted, train, context)
        yield from report.verdict(scores, metrics, answers)
        yield from price.elasticities(answers)
        yield from curves.of_prices(answers)
        yield from switching.clout(answers)
        yield from switching.scenario(answers)
        yield from switching.substitution(answers, train)
        yield from report.coefficients(answers)
        yield from heterogeneity.of_customers(answers, train)
        yield from report.fit_statistics(answers, scores["train"])
        yield from report.baselines(judged, context)
        yield from report.calibration(judged, context)
        yield from caveats.of_brands(answers, train)

    def models(self, fitted: Fitted, train: Dataset) -> Mapping[str, SavedModel]:
        """Keep the pipeline: it takes the panel's columns, and says how probable each alternative is."""
        example = train.frame[list(fitted.specification.columns)].head(5).reset_index(drop=True)
        return {"model": SavedModel(fitted.pipeline, example, "predict_proba")}
