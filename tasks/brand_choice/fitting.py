"""From a specification and an unfitted model to a pipeline that takes a panel's columns, and what it is fitted to."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import has_fit_parameter

from cxai_runner.config.problems import Problem, UserError
from cxai_runner.data.dataset import Dataset
from cxai_runner.features.missing import refuse_missing
from cxai_runner.methods.choice import (
    ChoiceError,
    ConditionalLogit,
    LastChoice,
    LatentClassLogit,
    MarketShares,
    NestedLogit,
    PanelCategories,
    PriceControl,
    TransitionShares,
    select_classes,
)
from cxai_runner.methods.choice.categories import CALENDAR
from cxai_runner.methods.choice.model import ChoiceModel
from tasks.brand_choice.specification import BRAND, REPEAT, SEPARATOR, Specification, brands

if TYPE_CHECKING:
    from tasks.brand_choice.task import BrandChoice

Floats = NDArray[np.float64]

OTHER = "other"
"""What the purchase panel calls the brands that it pools."""
BY_TASK = ("terms", "alternatives", "reference", "availability", "separator")
"""Parameters of a model of choice that the task's own keys say, for all models alike."""


@dataclass(frozen=True, eq=False)
class Fitted:
    """A fitted model of brand choice.

    Parameters
    ----------
    pipeline
        Takes the panel's columns, returns the probability of each alternative.
    specification
        The utility.
    shares
        The baseline: market shares of the training rows.
    transitions
        Shares given the brand bought last; None where the panel does not know it.
    classes
        The comparison of numbers of classes, where one was asked for.
    nested
        Whether the nests are the task's, because the config names none.
    """

    pipeline: Pipeline
    specification: Specification
    shares: MarketShares
    transitions: TransitionShares | None
    classes: pd.DataFrame | None = None
    nested: bool = False

    @property
    def final(self) -> Any:
        """The model itself."""
        return self.pipeline[-1]

    def seen(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return rows as a model of choice takes them, or a classifier's pipeline does."""
        columns = frame[list(self.specification.columns)]
        before = len(self.pipeline) > 1 and isinstance(self.final, ChoiceModel)
        return self.pipeline[:-1].transform(columns) if before else columns

    def probabilities(self, frame: pd.DataFrame) -> Floats:
        """Return the probability of each alternative, shape (n, J), in the specification's order."""
        P = self.pipeline.predict_proba(frame[list(self.specification.columns)])
        known = [str(name) for name in self.pipeline.classes_]
        return np.asarray(P[:, [known.index(name) for name in self.specification.alternatives]], dtype=np.float64)


def fitted(task: BrandChoice, model: Any, train: Dataset) -> Fitted:
    """Fit the model behind the panel's columns, and the baselines."""
    spec = Specification.of(task, train)
    steps = list(model.steps) if isinstance(model, Pipeline) else [("model", model)]
    last, final = steps[-1]
    final = clone(final)
    if task.classes and not isinstance(final, LatentClassLogit):
        told_ = f"{type(final).__name__} has no classes whose number could be compared"
        problem = Problem("task.classes", told_, list(task.classes), "take model=latent_class, or task.classes=[]")
        raise UserError([problem], "config")
    frame = in_order(train.frame, [*spec.columns, BRAND], train.roles.id)
    y = brands(frame[BRAND]).to_numpy(dtype=object)
    weights = None if task.weights is None else frame[task.weights].to_numpy(dtype=np.float64)
    before = [(name, clone(step)) for name, step in steps[:-1]]
    chosen, selection, nested = final, None, False
    with told(final):
        if isinstance(final, ChoiceModel):
            _refuse_said_twice(final, before)
            before, nested = _before(spec, train.roles.time), _nests(final, spec)
            seen = Pipeline(before).fit_transform(frame[list(spec.columns)]) if before else frame[list(spec.columns)]
            final.set_params(
                terms=_terms(spec, before),
                alternatives=list(spec.alternatives),
                reference=spec.reference,
                separator=SEPARATOR,
                availability=spec.availability,
            )
            # Classes and random coefficients are those of customers; standard errors are so where the config asks.
            grouped = task.cluster or not isinstance(final, ConditionalLogit | NestedLogit)
            groups = frame[train.roles.id].to_numpy() if grouped else None
            if isinstance(final, LatentClassLogit) and task.classes:
                numbers = list(task.classes)
                chosen, selection = select_classes(
                    final, seen, y, classes=numbers, groups=groups, sample_weight=weights
                )
            else:
                final.fit(seen, y, groups=groups, sample_weight=weights)
            pipeline = Pipeline([*before, (last, chosen)])
        else:
            pipeline = _classifier(spec, before, (last, final), frame, y, weights)
    rest: dict[str, Any] = {"alternatives": list(spec.alternatives), "availability": spec.availability}
    shares = MarketShares(**rest).fit(frame, y, sample_weight=weights)
    transitions = None
    if task.last_brand is not None and task.last_brand in frame:
        transitions = TransitionShares(task.last_brand, **rest).fit(frame, y, sample_weight=weights)
    return Fitted(pipeline, spec, shares, transitions, selection, nested)


def in_order(frame: pd.DataFrame, columns: Sequence[str], customer: str) -> pd.DataFrame:
    """Return rows in an order of their own content, customer by customer.

    Random starts and draws are dealt to customers in turn: then who gets which depends neither on the order of a
    file's rows nor on what customers are called.
    """
    content = frame[list(columns)].assign(**{BRAND: brands(frame[BRAND]).map(str)})
    row = pd.util.hash_pandas_object(content, index=False)
    whole = row.groupby(frame[customer]).sum()
    order = pd.DataFrame({"whole": frame[customer].map(whole), "row": row}).sort_values(["whole", "row"], kind="stable")
    return frame.loc[order.index]


def _before(spec: Specification, time: str | None) -> list[tuple[str, Any]]:
    """Steps that make columns which the panel has not: repeats, categories, and the residual of a control function."""
    steps: list[tuple[str, Any]] = []
    if spec.repeats is not None:
        repeats = LastChoice(spec.repeats, alternatives=list(spec.alternatives), name=REPEAT, separator=SEPARATOR)
        steps.append(("repeats", repeats))
    if spec.categories:
        steps.append(("categories", PanelCategories(list(spec.categories), time=time)))
    if spec.instruments:
        control = PriceControl(
            spec.price,
            instruments=list(spec.instruments),
            controls=[name for name in spec.attributes if name != spec.price],
            alternatives=list(spec.alternatives),
            separator=SEPARATOR,
            availability=spec.availability,
        )
        steps.append(("control", control))
    return steps


def _terms(spec: Specification, before: list[tuple[str, Any]]) -> dict[str, object]:
    categories = next((step for _, step in before if isinstance(step, PanelCategories)), None)
    terms: dict[str, object] = {term.text: term.kind for term in spec.terms.terms}
    terms = {**terms, "constants": spec.terms.constants} if categories is None else categories.expanded(spec.terms)
    return {**terms, f"{spec.price}_residual": "generic"} if spec.instruments else terms


def _nests(final: ChoiceModel, spec: Specification) -> bool:
    """Put the named brands into one nest, apart from the pooled rest, where a nested logit has no nests."""
    if not isinstance(final, NestedLogit) or final.nests:
        return False
    named = [name for name in spec.alternatives if name != OTHER]
    if len(named) == len(spec.alternatives) or len(named) < 2:
        told_ = "no nest is named, and there is no pooled rest to set the others apart from"
        remedy = f"name two alternatives or more of a kind: model.nests={{a: [{', '.join(named[:2])}]}}"
        raise UserError([Problem("model.nests", told_, remedy=remedy)], "data")
    final.set_params(nests={"named": named})
    return True


def _refuse_said_twice(final: ChoiceModel, before: list[tuple[str, Any]]) -> None:
    usual = type(final)().get_params()
    problems = [
        Problem(f"model.{name}", "is said for all models by the task", value, f"write task.{name}=… instead")
        for name, value in final.get_params(deep=False).items()
        if name in BY_TASK and value != usual[name]
    ]
    if before:
        names = ", ".join(type(step).__name__ for _, step in before)
        said = f"{type(final).__name__} finds prices by their columns' names, which {names} takes away"
        problems.append(Problem("features.transformers", said, remedy="set it to []"))
    if problems:
        raise UserError(problems, "config")


def _classifier(
    spec: Specification,
    before: list[tuple[str, Any]],
    named: tuple[str, Any],
    frame: pd.DataFrame,
    y: NDArray[Any],
    weights: Floats | None,
) -> Pipeline:
    """Fit a classifier on all columns of all alternatives side by side: the multinomial form."""
    last, final = named
    kind = type(final).__name__
    problems = []
    if not (hasattr(final, "predict_proba") and hasattr(final, "decision_function")):
        told_ = "a model of choice, or a multinomial logit: whoever asks for elasticities needs its utilities"
        problems.append(Problem("model", told_, kind, "see: cxai list models brand_choice"))
    if spec.availability is not None and not spec.present(frame).all():
        told_ = f"{kind} cannot leave out what was not available"
        problems.append(Problem("model", told_, remedy="take conditional_logit, or task.availability=null"))
    if spec.repeats is not None:
        told_ = f"{kind} takes a panel's columns as they are, and no {REPEAT}"
        problems.append(Problem("task.terms", told_, remedy="leave it out, or take conditional_logit"))
    if spec.categories:
        told_ = f"{kind} takes numbers alone, and no {', '.join(spec.categories)}"
        problems.append(Problem("task.terms", told_, remedy="leave them out, or take conditional_logit"))
    if spec.instruments:
        told_ = f"a control function needs a model of choice, not {kind}"
        problems.append(Problem("task.instruments", told_, remedy="take conditional_logit"))
    if problems:
        raise UserError(problems, "data")
    pipeline = Pipeline([*before, (last, final)])
    columns = list(spec.columns)
    refuse_missing(pipeline, frame[columns], pd.Series(y, index=frame.index))
    extra = {} if weights is None or not has_fit_parameter(final, "sample_weight") else {"sample_weight": weights}
    pipeline.fit(frame[columns], y, **{f"{last}__{name}": value for name, value in extra.items()})
    return pipeline


@contextmanager
def told(final: Any) -> Iterator[None]:
    """Tell what a model of choice refuses as a mistake of the config, with the key that it is about."""
    try:
        yield
    except ChoiceError as error:
        key = "task.terms"
        for kind, word, other in _KEYS.get(type(final).__name__, ()):
            if word in error.message:
                key = f"{kind}.{other}"
        remedy = _hint(error)
        if "customers are given" in error.message or "one customer only" in error.message:
            key, remedy = "task.cluster", "take standard errors that are not clustered: task.cluster=false"
        raise UserError([Problem(key, _short(error.message), remedy=remedy)], "data") from error


def _short(message: str) -> str:
    """Name a category once where each of its levels is named for each alternative."""
    once = re.sub(r"\b(\w+)\[[^\]]+\]\[[^\]]+\]", r"\1", message)
    return re.sub(r"\b(\w+)(, \1\b)+", r"\1", once)


def _hint(error: ChoiceError) -> str:
    dated = next((name for name in CALENDAR if any(one.startswith(f"{name}[") for one in error.columns)), None)
    if dated is None or not error.message.startswith("collinear"):
        return error.remedy
    return (
        f"where all customers meet the same prices, a coefficient for each brand and {dated} leaves nothing of them: "
        "take a longer period, or prices by place (features.store_groups=store_id)"
    )


_KEYS: Mapping[str, Sequence[tuple[str, str, str]]] = {
    "NestedLogit": [("model", "nest", "nests")],
    "MixedLogit": [("model", "random", "random"), ("model", "distribution", "random")],
    "LatentClassLogit": [("model", "classes", "n_classes"), ("model", "class ", "n_classes")],
}
