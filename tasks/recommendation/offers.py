"""The next best offer for each customer: the list to send, why, what it is expected to bring, and what came of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

import numpy as np
import pandas as pd

from cxai_runner.data.dataset import Dataset
from cxai_runner.evaluation.intervals import bootstrap, percentile, too_few
from cxai_runner.evaluation.results import Content, Estimate, Finding, Interval, Table
from cxai_runner.evaluation.wording import counted, number, share, with_interval
from cxai_runner.features.exposures import EXPOSURES
from cxai_runner.methods.offers import Assignment, candidates_of, reasons
from cxai_runner.methods.recommend import Interactions
from cxai_runner.methods.recommend.fitted_choice import OFFERED
from cxai_runner.task import Context
from tasks.recommendation import offers_backtest, offers_exposed
from tasks.recommendation.fitting import Fitted
from tasks.recommendation.names import About
from tasks.recommendation.offers_config import Offers
from tasks.recommendation.offers_made import Learned, Made, about, by_popularity, decided, learn, table

LONG: Final = 7
"""Horizons that histories have to go back; of shorter ones, what was learned a horizon ago is told too low."""


def contents(
    settings: Offers, fitted: Fitted, train: Dataset, scores: Mapping[str, pd.DataFrame], context: Context
) -> Iterator[Content]:
    """Everything of the offers: the list, its expected revenue, the backtest, and what exposures say of it."""
    frame = train.frame[fitted.columns].reset_index(drop=True)
    customers = train.frame[train.roles.id].to_numpy()
    try:
        learned = learn(settings, fitted, frame, context)
    except ValueError as error:
        yield Finding(
            f"No offers were made: how likely a purchase is cannot be learned from the last {settings.horizon:g} days "
            f"of the training part ({error}).",
            "caveat",
        )
        return
    now = _now(settings, fitted, frame, learned)
    listed = table(settings, now, customers)
    yield from _list(settings, fitted, now, frame, listed)
    yield from _not_known(settings, now)
    held_out = scores.get("held_out")
    thinned = held_out is not None and offers_backtest.thinned(customers, held_out)
    expected = None if thinned else expected_revenue(now, learned, context)
    yield from _expected(settings, now, listed, expected)
    if held_out is not None and len(listed):
        beside = by_popularity(settings, fitted, frame, learned)
        yield from offers_backtest.contents(settings, now, beside, customers, held_out, context)
    elif len(listed):
        yield Finding(
            "Offers are as of the end of the data: this is the list to send; what comes of it is not known yet."
        )
    if settings.exposure and EXPOSURES in train.others:
        past = train.frame[train.roles.id].loc[learned.past.frame.index.map(train.frame.index.__getitem__)].to_numpy()
        yield from offers_exposed.contents(settings, learned, past, train.others, context)


def expected_revenue(made: Made, learned: Learned, context: Context) -> Interval:
    """What the list is expected to bring, before costs, with its 95 % interval.

    The interval is that of how much came true, in the days held back, of what was expected of the list that would have
    been made then: its customers are drawn again. Where few would have been offered anything, there is none.
    """
    value = float(made.expected[made.choice.chosen].sum())
    then = learned.made
    chosen = then.choice.chosen
    told = np.where(chosen, then.expected, 0).sum(axis=1)
    came = np.where(chosen & learned.bought, then.counted, 0).sum(axis=1)
    if too_few(int(chosen.any(axis=1).sum())) or not told.sum():
        return Interval(value, float("nan"), float("nan"))
    ratio = lambda drawn: np.atleast_2d((came @ drawn) / np.maximum(told @ drawn, 1e-300))  # noqa: E731
    ((_, draws),) = bootstrap([ratio], len(told), context.resamples, context.rng("expected revenue"))
    return percentile(value, value * draws[0])


def _now(settings: Offers, fitted: Fitted, frame: pd.DataFrame, learned: Learned) -> Made:
    """The offers as of the end of the training part."""
    now = candidates_of(fitted.model, frame, settings.candidates, settings.horizon)
    known = about(settings, fitted.model, fitted.items, len(frame))
    return decided(settings, fitted.model, now, learned.likelihood.predict(now, known), fitted.items, frame)


def _list(settings: Offers, fitted: Fitted, made: Made, frame: pd.DataFrame, listed: pd.DataFrame) -> Iterator[Content]:
    """The table to send."""
    if not len(listed):
        brings = np.where(made.candidates.possible, made.expected - settings.offer_cost, 0)
        why = "No offer is worth making: none is expected to bring what it costs."
        if (brings.sum(axis=1, where=brings > 0) > settings.contact_cost).any():
            why = "The rules allow no offer that is expected to bring what it costs: see `task.offers`."
        yield Finding(why, "caveat")
        return
    names = About(fitted.items)
    told = listed.drop(columns=["row", "column"])
    for at, (name, values) in enumerate(names.columns(listed["item"].tolist()).items(), 3):
        told.insert(at, name, values)
    if settings.explain is not None:
        told = told.assign(**_why(settings, made, frame, listed, names))
    caption = (
        f"`probability` is that of a purchase within {settings.horizon:g} days, `value` what it brings, `expected` "
        f"what {'the purchase' if settings.uplift is None else 'the offer'} is expected to bring, before costs."
    )
    yield Table("offers", "The next best offers", told, caption)


def _why(
    settings: Offers, made: Made, frame: pd.DataFrame, listed: pd.DataFrame, called: About
) -> dict[str, np.ndarray]:
    """The reason of each offer: an item that the customer bought, and a sentence."""
    model, rows, columns = made.model, listed["row"].to_numpy(), listed["column"].to_numpy()
    codes = made.candidates.codes[rows, columns].astype(np.int64)
    several = Interactions.of(frame, model.catalogue)
    found = reasons(model, several, rows, codes, settings.explain or "alone")
    names = np.asarray([*model.items_, ""], dtype=object)
    because = names[found.codes]
    words = called.columns(because.tolist()).get("about", because)
    said = []
    for q, code in enumerate(codes):
        times, since = made.candidates.times[rows[q], columns[q]], made.candidates.since[rows[q], columns[q]]
        again = (
            f"bought {counted(int(times), 'time')} before, the last {counted(round(float(since)), 'day')} ago"
            if times
            else ""
        )
        if found.codes[q] >= 0 and found.codes[q] != code:
            said.append(f"because they bought {words[q] or because[q]}" + (f"; {again}" if again else ""))
        else:
            said.append(again or f"{counted(int(model.bought_by_[code]), 'customer')} bought it")
    return {"because": because, "why": np.asarray(said, dtype=object)}


def _expected(settings: Offers, made: Made, listed: pd.DataFrame, expected: Interval | None) -> Iterator[Content]:
    """What the list is expected to bring, what it costs, and how near it is to the best."""
    if not len(listed):
        return
    what = "offers" if settings.uplift is not None else "purchases of what is offered"
    if expected is not None:
        label = f"expected from the {what} within {settings.horizon:g} days{_beyond(expected)}"
        yield Estimate("expected_revenue", label, expected)
    contacted, many = int(listed["customer_id"].nunique()), len(listed)
    cost = settings.contact_cost * contacted + settings.offer_cost * many
    costs = f", for a cost of {number(cost, 2)}" if cost else ""
    made_to = f"{counted(many, 'offer')} to {counted(contacted, 'customer')}, of {len(made.candidates.codes):,}, are "
    if expected is None:
        yield Finding(
            f"{made_to}made{costs}. What they bring is not told: purchases of these customers are held out, whenever "
            "they were, so that chances learned from the others are not those of the days to come. For a list to send "
            "hold out nothing, split=all; to know what comes of one, the last days, split=last_days.",
            "caveat",
        )
    else:
        yield Finding(
            f"{made_to}expected to bring {with_interval(expected)} within {settings.horizon:g} days"
            f"{_beyond(expected)}{costs}."
        )
    yield Finding(nearness(made.choice))
    if made.worth.counts:
        yield Finding(
            "No price of any item is known: each purchase counts 1, so that all values are numbers of purchases, not "
            "money. Write `task.offers.value` where they differ.",
            "caveat",
        )
    if made.candidates.horizons < LONG:
        days = made.candidates.horizons * settings.horizon
        yield Finding(
            f"Histories go back {days:.0f} days only. Probabilities were learned as of {settings.horizon:g} days ago, "
            "from histories shorter by as much: now that more is known they are rather too low. Have a shorter "
            "`task.offers.horizon`, or more of the past.",
            "caveat",
        )
    if settings.uplift is None:
        yield Finding(
            "How much an offer raises the chance of a purchase is not known: what is counted is the value of "
            "purchases, which customers would in part have made anyway, not that of the offers. Write "
            "`task.offers.uplift` where a test has told it.",
            "caveat",
        )
    if settings.uplift == OFFERED:
        yield Finding(
            "What an offer adds is what the model of brand choice says: it moves which brand is taken by whoever buys "
            "one, and not whether they buy. What a lower price costs on purchases that come anyway is not counted: "
            "write `task.offers.offer_cost` or `task.offers.margin`.",
            "caveat",
        )


def _beyond(expected: Interval) -> str:
    """What an interval says that does not hold its figure, as it is made of what came true in the days held back."""
    if not np.isfinite(expected.low) or expected.low <= expected.value <= expected.high:
        return ""
    than = "more" if expected.value > expected.high else "less"
    return f" ({than} than came of such a list in the days held back, which the interval is made of)"


def _not_known(settings: Offers, made: Made) -> Iterator[Content]:
    """How many items are not offered as something of them is not known, and a rule on categories that are not."""
    apart = len(np.unique(made.worth.categories)) == len(made.worth.categories)
    if isinstance(settings.per_category, int) and settings.per_category < settings.per_customer and apart:
        yield Finding(
            "No two items are known to be of one category: `task.offers.per_category` limits nothing. Name the column "
            "of the items that says it, `task.offers.category`.",
            "caveat",
        )
    among = np.unique(made.candidates.codes[made.candidates.possible])
    for what, missing in made.worth.unknown.items():
        if many := int(missing[among].sum()):
            have, are = ("has", "is") if many == 1 else ("have", "are")
            yield Finding(
                f"{counted(many, 'item')} among the candidates {have} no known {what}, and {are} not offered.", "caveat"
            )


def nearness(choice: Assignment) -> str:
    """How near a choice is to the best one, after costs."""
    if not choice.gap:
        return "No choice that keeps the rules is expected to bring more."
    if choice.value <= 0:
        return "How near this is to the best choice that keeps the rules is not known."
    above = max(choice.bound / choice.value - 1, 0.001)
    return (
        f"No choice that keeps the rules can be expected to bring more than {share(above)} above it, costs taken off."
    )
