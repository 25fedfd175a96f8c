"""From a fitted model to offers: chances learned from days held back, what each offer is worth, and who gets which."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import clone

from cxai_runner.methods.offers import (
    Assignment,
    Candidates,
    HeldBack,
    PurchaseLikelihood,
    Rules,
    assign,
    candidates_of,
    held_back,
)
from cxai_runner.methods.offers import Offers as Choices
from cxai_runner.methods.recommend import Recommender
from cxai_runner.methods.recommend.fitted_choice import OFFERED
from cxai_runner.methods.recommend.interactions import CHOICE
from cxai_runner.methods.recommend.lists import parsed
from cxai_runner.task import Context
from tasks.recommendation.fitting import Fitted, trained
from tasks.recommendation.offers_config import AUTO, Offers, Worth

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

EMPTY = "[]"
"""Of whom a model of brand choice says nothing."""


@dataclass(frozen=True, eq=False)
class Made:
    """Offers for some customers, as of one day.

    Parameters
    ----------
    model
        What ranked the candidates.
    candidates, probability
        What might be offered, and the chance that it is bought within the horizon, shape (n, K).
    worth
        What is known of the items.
    choice
        What is offered, shape (n, K).
    """

    model: Recommender
    candidates: Candidates
    probability: Floats
    worth: Worth
    choice: Assignment

    @property
    def value(self) -> Floats:
        """What a purchase of each candidate brings, shape (n, K); 0 where it is not known."""
        return np.append(np.nan_to_num(self.worth.value), 0.0)[self.candidates.codes]

    @property
    def counted(self) -> Floats:
        """What one purchase that is expected of each candidate counts, shape (n, K); see `Worth.counted`."""
        return self.worth.counted(self.candidates.codes, self.probability)

    @property
    def expected(self) -> Floats:
        """What each candidate is expected to bring, before costs, shape (n, K)."""
        return self.probability * self.counted


@dataclass(frozen=True, eq=False)
class Learned:
    """What the days held back taught.

    Parameters
    ----------
    past
        The customers as they stood then, and what they bought in these days.
    made
        What they would have been offered then, by the model as it would have been then.
    bought
        Which of these candidates they bought.
    likelihood
        From a candidate to its probability.
    """

    past: HeldBack
    made: Made
    bought: Bools
    likelihood: PurchaseLikelihood

    @property
    def rates(self) -> pd.Series:
        """The share of customers who bought each item in the days held back."""
        names = pd.Series(parsed(self.past.bought)[1], dtype=object)
        return names.value_counts() / len(self.past.bought)


def learn(settings: Offers, fitted: Fitted, frame: pd.DataFrame, context: Context) -> Learned:
    """Learn chances from the last days of the histories, which the model is fitted anew without.

    Parameters
    ----------
    settings
        How many days, and how.
    fitted
        The model as it is now: its parameters are taken, not what it learned.
    frame
        The training part's inputs.
    context
        Draws folds.

    Raises
    ------
    ValueError
        Histories are too short, or too little was bought, to learn from.
    """
    past = held_back(frame, settings.horizon)
    if (fitted.model.takes_choice or settings.uplift == OFFERED) and (past.frame[CHOICE] == EMPTY).all():
        raise ValueError(
            f"what the model of brand choice said then is not known: `features.earlier` has to be "
            f"{settings.horizon:g}, and the model must have learned from nothing since"
        )
    ordered = past.frame.sort_values(fitted.columns, kind="stable", key=lambda one: one.map(str))
    earlier = trained(clone(fitted.model), ordered.reset_index(drop=True), fitted.items, context, {})
    before = candidates_of(earlier, past.frame, settings.candidates, settings.horizon)
    bought = before.among(earlier.catalogue, past.bought)
    known = about(settings, earlier, fitted.items, len(past.frame))
    likelihood = PurchaseLikelihood(settings.calibration).fit(before, bought, context.rng("offers"), known)
    made = decided(settings, earlier, before, likelihood.predict(before, known), fitted.items, past.frame)
    return Learned(past, made, bought, likelihood)


def about(settings: Offers, model: Recommender, items: pd.DataFrame | None, customers: int) -> Floats:
    """What a chance is told from beside the score: what an item is worth, and what share of customers bought it."""
    value = np.log1p(np.nan_to_num(Worth.of(settings, items, model.catalogue).value))
    return np.column_stack([value, np.log(np.asarray(model.bought_by_) / customers)])


def decided(
    settings: Offers,
    model: Recommender,
    candidates: Candidates,
    probability: Floats,
    items: pd.DataFrame | None,
    frame: pd.DataFrame,
) -> Made:
    """Choose the offers to the customers of a frame that bring the most under the rules."""
    worth = Worth.of(settings, items, model.catalogue, frame)
    codes = np.where(_free(settings, candidates), candidates.codes, -1).astype(np.int64)
    brings = probability * worth.counted(codes, probability) - settings.offer_cost
    choices = Choices(codes, brings, worth.categories, settings.contact_cost, settings.offer_cost)
    limit = np.nan_to_num(worth.limit, posinf=np.inf)
    rules = Rules(
        per_customer=settings.per_customer,
        per_category=1 if settings.per_category == AUTO else settings.per_category,
        per_item=limit if np.isfinite(limit).any() else None,
        contacts=settings.contacts,
        offers=settings.offers,
        budget=settings.budget,
    )
    return Made(model, candidates, probability, worth, assign(choices, rules, settings.method))


def by_popularity(settings: Offers, fitted: Fitted, frame: pd.DataFrame, learned: Learned) -> Made:
    """Offer everybody what most customers bought in the days held back, under the same rules: the list to beat."""
    model = fitted.baseline
    candidates = candidates_of(model, frame, settings.candidates, settings.horizon)
    rates = learned.rates.reindex(model.items_).fillna(0).to_numpy(dtype=np.float64)
    return decided(settings, model, candidates, np.append(rates, 0.0)[candidates.codes], fitted.items, frame)


def table(settings: Offers, made: Made, customers: Any) -> pd.DataFrame:
    """The offers, a row each: of every customer in the order of what they are expected to bring."""
    row, column = np.nonzero(made.choice.chosen)
    listed = pd.DataFrame(
        {
            "row": row,
            "column": column,
            "customer_id": np.asarray(customers)[row],
            "item": np.asarray([*made.model.items_, ""], dtype=object)[made.candidates.codes[row, column]],
            "probability": made.probability[row, column],
            "value": made.value[row, column],
            "expected": made.expected[row, column],
        }
    )
    listed = listed.sort_values(["row", "expected", "column"], ascending=[True, False, True], ignore_index=True)
    listed.insert(3, "place", listed.groupby("row").cumcount() + 1)
    return listed


def _free(settings: Offers, candidates: Candidates) -> Bools:
    """Which candidates a customer does not own already."""
    if settings.owned is None:
        return candidates.possible
    if settings.owned == "ever":
        return candidates.possible & ~candidates.repeat
    return candidates.possible & ~(candidates.repeat & (candidates.since <= settings.owned))
