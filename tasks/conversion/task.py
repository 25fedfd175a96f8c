"""The question of conversion: what is fitted, scored, measured and kept."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
import pandas as pd
from annotated_types import Ge, Gt, Lt
from numpy.typing import NDArray

from cxai_runner.config.problems import Problem, UserError, did_you_mean
from cxai_runner.data.dataset import Dataset
from cxai_runner.data.tables.needs import Needs
from cxai_runner.evaluation.intervals import Statistic
from cxai_runner.evaluation.metrics import (
    Named,
    classification_metrics,
    classification_statistics,
    codes_of,
    paired_metrics,
)
from cxai_runner.evaluation.paired import FOLD
from cxai_runner.evaluation.results import Content, Metric
from cxai_runner.evaluation.slices import Slices
from cxai_runner.evaluation.targeting import BalancedAccuracy
from cxai_runner.methods.conversion.leakage import ALONE, single_column_auc
from cxai_runner.methods.conversion.network import NetworkClassifier
from cxai_runner.methods.conversion.preparation import Preparation, plain_types
from cxai_runner.methods.conversion.training import INSTEAD
from cxai_runner.methods.deep import is_installed, remedy
from cxai_runner.task import Context, Evidence, Minimise, Primary, SavedModel, Task
from tasks.conversion import report
from tasks.conversion.fitting import (
    Recipe,
    Rows,
    Trained,
    classifier_of,
    divided,
    in_own_order,
    is_random,
    same,
    trained,
)
from tasks.conversion.outcome import as_zero_or_one, infinite, odd_texts, untold, unusable, unusable_inputs
from tasks.conversion.verdict import AGAINST, SEED, SLICE, WITHOUT


@dataclass(frozen=True, eq=False)
class Fitted:
    """The model, those beside it, and the rows that they were fitted on.

    Parameters
    ----------
    columns
        The inputs.
    rows
        The training rows.
    first
        The model that is kept.
    others
        The same model with other seeds.
    against
        Models that stand beside it, by name.
    threshold
        The probability from which on a conversion is predicted.
    without
        The same model without the inputs that are suspected to be known only afterwards, where there are such.
    slices
        What tells customers apart in the report.
    name
        Of the model, as a sentence has it.
    """

    columns: list[str]
    rows: Rows
    first: Trained
    others: Sequence[Trained]
    against: Mapping[str, Trained]
    without: Trained | None
    threshold: float
    slices: Slices
    name: str


@dataclass(frozen=True, kw_only=True)
class Conversion(Task):
    """Whether a customer converts: any outcome of two kinds, on a table of customers with columns of any type.

    Parameters
    ----------
    outcome
        The column of what is predicted: 0 and 1, yes and no, or two texts. It is never an input, and neither is the
        date of a row.
    positive
        The value that stands for a conversion, where it does not say so itself.
    preparation
        What makes columns of any type numbers, for every model alike.
    balance
        How conversions and the others are made to count alike in training: by ``weights``, by leaving rows out
        (``undersample``) or taking some again (``oversample``). Probabilities are corrected back to the real base rate;
        validation and held-out rows stay as they are.
    validation
        The share of the training customers that is set apart to stop a network early, to calibrate, and to tell which
        inputs matter. No model learns from them.
    calibration
        ``platt``, ``isotonic`` or ``none``; ``auto`` is the one that does best on validation rows.
    threshold
        The probability from which on a conversion is predicted; ``share`` is the share of conversions in training,
        ``profit`` the cost of a contact over the value of a conversion.
    value
        Of a conversion: an amount, or a column of amounts.
    cost
        Of contacting a customer.
    budget
        What contacts may cost together, on the rows that are judged.
    seeds
        How often a model with a random part is fitted, each time with another seed. The first is kept.
    against
        Models to stand beside, by name: fitted to the same rows with the same preparation, and compared row by row;
        null for none.
    suspected
        Inputs that may be known only after the outcome: the model is fitted once more without them, to tell what rests
        on them.
    slices
        Columns by whose values the model is judged apart; ``auto`` is those that only describe, without any that alone
        ranks customers with a ROC AUC of .85 or more: it may be known only after the outcome.
    repeats
        How often an input is shuffled to tell how much it matters.
    """

    outcome: str = "converted"
    positive: str | None = None
    preparation: Any = field(default_factory=Preparation, compare=False)
    balance: Literal["none", "weights", "undersample", "oversample"] = "none"
    validation: Annotated[float, Ge(0), Lt(1)] = 0.2
    calibration: Literal["auto", "none", "platt", "isotonic"] = "auto"
    threshold: Annotated[float, Gt(0), Lt(1)] | Literal["share", "profit"] = "share"
    value: Annotated[float, Gt(0)] | str | None = None
    cost: Annotated[float, Ge(0)] | None = None
    budget: Annotated[float, Gt(0)] | None = None
    seeds: Annotated[int, Ge(1)] = 1
    against: Mapping[str, Any] | None = field(default_factory=dict, compare=False)
    suspected: Sequence[str] = ()
    slices: Sequence[str] | Literal["auto"] = "auto"
    repeats: Annotated[int, Ge(1)] = 5

    title: ClassVar[str] = "Will this customer convert, and which model says it best?"
    needs: ClassVar[Needs] = Needs(required={"customers": ("customer_id", "converted")}, optional={"customers": ("*",)})
    evidence: ClassVar[Evidence] = Evidence.HELD_OUT
    primary_metric: ClassVar[Primary | None] = Minimise("log_loss")
    baseline_label: ClassVar[str] = "base rate"
    model_kind: ClassVar[str | None] = "classifier"
    target: ClassVar[str | None] = "converted"

    def __post_init__(self) -> None:
        needs = Needs(required={"customers": ("customer_id", self.outcome)}, optional={"customers": ("*",)})
        object.__setattr__(self, "needs", needs)  # what is predicted is asked for by its own name
        object.__setattr__(self, "target", self.outcome)

    def problems(self, tables_columns: Iterable[str]) -> Iterator[Problem]:
        """Yield columns that there are not, and amounts that lack their counterpart."""
        have = list(tables_columns)
        named = [("value", self.value)] if isinstance(self.value, str) else []
        named += [("suspected", name) for name in self.suspected]
        named += [("slices", name) for name in self.slices] if not isinstance(self.slices, str) else []
        for key, name in named:
            if name not in have:
                yield Problem(key, "no such column", name, did_you_mean(str(name), have))
        if self.value is None and (self.cost is not None or self.budget is not None or self.threshold == "profit"):
            yield Problem("value", "needed to weigh what a contact costs", None, "say what a conversion is worth")
        if self.cost is None and (self.value is not None or self.budget is not None or self.threshold == "profit"):
            yield Problem("cost", "needed to weigh what a conversion is worth", None, "say what a contact costs")
        if isinstance(self.value, float | int) and self.cost is not None and self.cost >= self.value:
            yield Problem("cost", "no less than the value of a conversion: no contact can pay", self.cost)
        if self.threshold == "profit" and isinstance(self.value, str):
            told = "a column has no one threshold: whom to contact depends on each value"
            yield Problem("threshold", told, "profit", "write task.threshold=share; the profit curve is drawn anyhow")

    def misused(self, model: Any, columns: Iterable[str]) -> Iterator[Problem]:
        """Yield that a network cannot be trained here."""
        if isinstance(classifier_of(model), NetworkClassifier) and not is_installed():
            yield Problem("", "a network needs TensorFlow, which is not installed", remedy=remedy(INSTEAD))

    def inspect(self, data: Dataset) -> Iterator[Problem]:
        """Yield why this outcome, or one of the inputs, cannot be learned from."""
        found = list(unusable(data.frame[self.outcome], self.positive, f"customers.{self.outcome}"))
        yield from found
        if not found:
            converted = as_zero_or_one(data.frame[self.outcome], self.positive)
            yield from unusable_inputs(data.frame, self._inputs(data), converted)
        if isinstance(self.value, str):
            worth = pd.to_numeric(data.frame[self.value], errors="coerce")
            if not np.isfinite(worth.astype(float)).all() or (worth < 0).any():
                yield Problem(f"customers.{self.value}", "the value of a conversion, of every row: zero or more")
        for name in (one for one in self.suspected if one not in self._inputs(data)):
            yield Problem("task.suspected", "is no input of the model", name, did_you_mean(name, self._inputs(data)))
        if self.suspected and not set(self._inputs(data)) - set(self.suspected):
            yield Problem("task.suspected", "every input is suspected: nothing is left to fit without them")
        if not self._inputs(data):
            yield Problem("features.columns", "no column is left as an input", remedy="name some, as in ['*']")

    def fit(self, model: Any, train: Dataset, context: Context) -> Fitted:
        """Fit the model with each seed, and those that stand beside it, to the same rows."""
        self.demand(train)
        columns = self._inputs(train)
        frame = in_own_order(train.frame, columns, self.outcome)
        converted = as_zero_or_one(frame[self.outcome], self.positive)
        customers = frame[train.roles.id].to_numpy()
        learned, held = divided(converted, customers, self.validation, context.rng("validation"))
        rows = Rows(frame[columns].reset_index(drop=True), converted, customers, learned, held)
        recipe = Recipe(self.preparation, self.balance, self.calibration)
        final = classifier_of(model)
        if not hasattr(final, "predict_proba"):
            told = "a classifier that predicts probabilities"
            raise UserError([Problem("model", told, type(final).__name__, "choose another model")])
        first = trained(model, rows, recipe, context, "", watched=True)
        times = self.seeds if is_random(final) and not context.should_stop() else 1
        others = [trained(model, rows, recipe, context, f"seed {number}") for number in range(2, times + 1)]
        against = {
            name: trained(one, rows, recipe, context, f"against {name}")
            for name, one in (self.against or {}).items()
            if one is not None and not same(one, final) and not context.should_stop()
        }
        without = None
        if others_than := [name for name in columns if name not in self.suspected]:
            bare = Rows(rows.frame[others_than], converted, customers, learned, held)
            without = trained(model, bare, recipe, context, "") if len(others_than) < len(columns) else None
        slices = Slices.of(train, self._sliced(train, columns))
        threshold = self._threshold(rows)
        return Fitted(columns, rows, first, others, against, without, threshold, slices, report.plain_name(final))

    def unlike(self, fitted: Fitted, data: Dataset) -> Iterator[Problem]:
        """Yield why rows cannot be judged that nothing was learned from, and that nobody looked at before."""
        yield from untold(data.frame[self.outcome], self.positive, f"customers.{self.outcome}")
        yield from infinite(data.frame, fitted.columns)
        yield from odd_texts(data.frame, fitted.rows.frame)

    def score(self, fitted: Fitted, data: Dataset, context: Context) -> pd.DataFrame:
        """Return customer, outcome, the probabilities of the model, of those beside it and of the base rate."""
        self.demand(data)
        if unlike := list(self.unlike(fitted, data)):
            raise UserError([one.under("data") for one in unlike], "data")
        inputs = data.frame[fitted.columns]
        kept = [data.roles.id, *([data.roles.time] if data.roles.time else []), self.outcome]
        scores = data.frame[kept].rename(columns={data.roles.id: "customer_id", data.roles.time: "time"})
        scores = scores.reset_index(drop=True)
        raw = fitted.first.model.uncalibrated(inputs)
        scores["probability"] = fitted.first.model.calibrated(raw)
        scores["uncalibrated"] = raw
        scores["threshold"] = fitted.threshold
        for number, one in enumerate(fitted.others, 2):
            scores[f"{SEED}{number}"] = one.model.probability(inputs)
        for name, one in fitted.against.items():
            scores[f"{AGAINST}{name}"] = one.model.probability(inputs)
        if fitted.without is not None:
            scores[WITHOUT] = fitted.without.model.probability(inputs)
        if isinstance(self.value, str):
            scores["value"] = data.frame[self.value].to_numpy(dtype=np.float64)
        for name, named in fitted.slices.named(data.frame).items():
            scores[f"{SLICE}{name}"] = named
        return scores.assign(baseline=fitted.rows.base_rate)

    def predicted(self, scores: pd.DataFrame, predictions: pd.Series | pd.DataFrame) -> pd.DataFrame | None:
        """Put another model's probabilities in place; None for one that predicts classes alone."""
        if not isinstance(predictions, pd.DataFrame) or predictions.shape[1] != 2:
            return None
        return scores.assign(probability=predictions.iloc[:, 1].to_numpy(dtype=np.float64))

    def measure(self, scores: pd.DataFrame, context: Context) -> tuple[Metric, ...]:
        """Measure log loss, ROC AUC, average precision, Brier score, calibration error and balanced accuracy."""
        converted, who = self.converted(scores), scores["customer_id"]
        rng = context.rng("intervals")
        told, base, folds = scores["probability"], scores["baseline"], scores.get(FOLD)
        several = classification_metrics(converted, told, base, who, context.resamples, rng, folds)
        chosen = [self._told(scores, name) for name in ("probability", "baseline")]
        named = [Named("balanced_accuracy", "balanced accuracy", "higher")]
        customers = codes_of(who)[1]
        rng = context.rng("intervals")  # the draws of the others: one number has one interval in a report
        return (*several, *paired_metrics(named, chosen[:1], chosen[1:], customers, context.resamples, rng))

    def statistics(self, scores: pd.DataFrame) -> Mapping[str, Statistic]:
        """Return the same metrics, for customers drawn anew."""
        truth, told = self.converted(scores), scores["probability"]
        found = classification_statistics(truth, told, scores["customer_id"], scores.get(FOLD))
        return found | {"balanced_accuracy": self._told(scores, "probability")}

    def report(
        self,
        fitted: Fitted,
        train: Dataset,
        scores: Mapping[str, pd.DataFrame],
        metrics: Mapping[str, Metric],
        context: Context,
    ) -> Iterator[Content]:
        """Yield the verdict, whom to contact, what it earns, calibration, slices, what matters, and what may leak."""
        yield from report.contents(self, fitted, scores, metrics, context)

    def models(self, fitted: Fitted, train: Dataset) -> Mapping[str, SavedModel]:
        """Keep the model with all that it needs, for the columns that it reads; unseen levels and holes it takes."""
        used = [one["name"] for one in fitted.first.model.preparation.columns_]
        example = plain_types(train.frame[used]).head(5).reset_index(drop=True)
        return {"model": SavedModel(fitted.first.model, example, "predict_proba")}

    def converted(self, scores: pd.DataFrame) -> NDArray[np.int64]:
        """Return whether each row converted, shape (n,)."""
        return as_zero_or_one(scores[self.outcome], self.positive)

    def _told(self, scores: pd.DataFrame, column: str) -> Statistic:
        codes, customers = codes_of(scores["customer_id"])
        chosen = scores[column].to_numpy() >= scores["threshold"].to_numpy()
        return BalancedAccuracy(self.converted(scores), chosen, codes, customers)

    def _inputs(self, data: Dataset) -> list[str]:
        """The inputs, without the outcome and the date of a row."""
        return [name for name in data.roles.inputs if name not in (self.outcome, data.roles.time)]

    def _threshold(self, rows: Rows) -> float:
        if self.threshold == "profit":
            assert self.cost is not None
            assert isinstance(self.value, float | int)
            return float(self.cost / self.value)
        return rows.base_rate if self.threshold == "share" else float(self.threshold)

    def _sliced(self, train: Dataset, columns: Sequence[str]) -> list[str]:
        """What customers are told apart by; of itself by nothing that tells the outcome."""
        if not isinstance(self.slices, str):
            return list(self.slices)
        out = {self.outcome, self.value, train.roles.time, *columns}
        converted = as_zero_or_one(train.frame[self.outcome], self.positive)
        named = [name for name in train.roles.describe if name not in out]
        return [name for name in named if not single_column_auc(train.frame[name], converted) >= ALONE]
