"""Models of recommendation fitted to the same customers, seeded and held to the threads of the run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd
from sklearn.base import clone
from sklearn.pipeline import Pipeline

from cxai_runner.config.problems import Problem, UserError
from cxai_runner.evaluation.slices import Slices
from cxai_runner.methods.recommend import MalformedHistoryError, Popularity, Recommender, UnlearnableError
from cxai_runner.task import Context

_NAMES = {
    "Popularity": "popularity",
    "PersonalFrequency": "personal frequency",
    "ItemKNN": "item-kNN",
    "UserKNN": "user-kNN",
    "IALS": "iALS",
    "NextBasket": "next basket",
    "Hybrid": "the hybrid",
    "FeatureFactorisation": "factorisation with features",
    "ChoiceRecommender": "brand loyalty",
    "FittedChoice": "the fitted brand choice model",
    "TwoTower": "the two-tower model",
    "SelfAttentive": "the self-attentive model",
}


@dataclass(frozen=True, eq=False)
class Fitted:
    """The model and those that it is held against, fitted to the same customers.

    Parameters
    ----------
    model, baseline
        The model, and what most customers bought.
    against
        Models that stand beside, by name.
    columns
        The inputs.
    slices
        What tells customers apart in the report.
    customers
        How many there were in training.
    items
        What is known of items.
    is_against
        The names of the models that would stand beside, were they not the model itself.
    """

    model: Recommender
    baseline: Popularity
    against: Mapping[str, Recommender]
    columns: list[str]
    slices: Slices
    customers: int
    items: pd.DataFrame | None
    is_against: tuple[str, ...] = ()

    @property
    def is_baseline(self) -> bool:
        """Whether the model is the baseline itself."""
        return same(self.model, self.baseline)

    @property
    def name(self) -> str:
        """What the model is called in a sentence."""
        return plain_name(self.model)


def plain_name(model: Any) -> str:
    """What a model is called in a sentence."""
    kind = type(model).__name__
    return _NAMES.get(kind, kind)


def recommender_of(model: Any) -> Any:
    """The recommender itself, where it comes in a pipeline."""
    return model.steps[-1][1] if isinstance(model, Pipeline) else model


def same(one: Any, other: Any) -> bool:
    """Whether two models are of one class with the same parameters, but for what the run sets in all."""
    ignored = ("random_state", "n_jobs", "k", "repeats")

    def told(model: Any) -> Mapping[str, str]:
        return {key: repr(value) for key, value in model.get_params().items() if key not in ignored}

    return type(one) is type(other) and told(one) == told(other)


def trained(
    model: Any,
    frame: pd.DataFrame,
    items: pd.DataFrame | None,
    context: Context,
    given: Mapping[str, Any],
    *,
    key: str = "model",
    purpose: str = "",
    watched: bool = False,
) -> Recommender:
    """Fit one model.

    Parameters
    ----------
    model
        Unfitted; a ``random_state`` or a number of threads that it leaves open is set from the context.
    frame, items
        Customers as its ``fit`` takes them, and what is known of items.
    context
        Seeds it.
    given
        Parameters that all models share.
    key
        Where the config has it, for what is told of its parameters.
    purpose
        What is drawn for it: two purposes are two seeds.
    watched
        Whether its learning curve is told to the context, and the context asked whether to go on.

    Raises
    ------
    UserError
        A history that is no list, a parameter that cannot be, histories that teach the model nothing, or a catalogue
        that does not fit into memory.
    """
    final: Any = clone(model)
    known = final.get_params()
    own: dict[str, Any] = dict(given)
    own |= {name: context.threads for name in known if name.rpartition("__")[2] == "n_jobs" and known[name] is None}
    for name in (one for one in known if one.rpartition("__")[2] == "random_state"):
        if purpose or known[name] is None:
            own[name] = context.integer_seed(f"model {purpose} {name}")
    final.set_params(**own)
    if watched and hasattr(final, "watched"):  # it learns by epochs
        final.watched(context.step, context.should_stop)
    try:
        fitted: Recommender = final.fit(frame, items=items)
    except MalformedHistoryError as error:
        raise UserError([malformed(error)], "data") from error
    except UnlearnableError as error:
        raise UserError([Problem(key, str(error), type(final).__name__)]) from error
    except ValueError as error:
        parameter, _, told = str(error).partition(": ")
        if parameter not in known:
            raise
        raise UserError([Problem(f"{key}.{parameter}", told, known[parameter])]) from error
    return fitted


def malformed(error: MalformedHistoryError) -> Problem:
    """A history that is no list, as it is told."""
    return Problem("histories", f"a history has to be {error}", remedy="lists as JSON texts: items, weights and days")
