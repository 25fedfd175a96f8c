"""What came of the offers in the held-out part, where none was made: whether chances came true, and what was spent."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from cxai_runner.evaluation.intervals import FEW_CUSTOMERS, bootstrap, percentile, percentile_of
from cxai_runner.evaluation.metrics import MeanOf, calibration_table
from cxai_runner.evaluation.paired import FOLD
from cxai_runner.evaluation.results import Content, Estimate, Figure, Finding, Interval, Table
from cxai_runner.evaluation.wording import number, with_interval
from cxai_runner.methods.recommend.lists import numbers, parsed
from cxai_runner.task import Context
from tasks.recommendation.offers_config import Offers
from tasks.recommendation.offers_made import Floats, Made


def contents(
    settings: Offers,
    made: Made,
    beside: Made,
    customers: Any,
    held_out: pd.DataFrame,
    context: Context,
) -> Iterator[Content]:
    """Yield calibration and what customers really spent, beside popularity's list.

    Parameters
    ----------
    made, beside
        The offers, and those of popularity, to the same customers.
    customers
        Who they are.
    held_out
        ``customer_id``, ``bought`` and what `CAME` names; who is not there bought nothing.
    """
    if why := _not_known(settings, customers, held_out):
        yield Finding(f"What came of the offers is not known: {why}.", "caveat")
        return
    spent, theirs = (_spent(settings, one, customers, held_out) for one in (made, beside))
    longer = _window(held_out) > settings.horizon
    when = f"first {settings.horizon:g} days of the held-out part" if longer else "held-out part"
    yield from _calibration(settings, made, spent, customers, when, context)
    yield from _realised(made, beside, spent, theirs, when, longer, context)


def thinned(customers: Any, held_out: pd.DataFrame) -> bool:
    """Whether purchases of those who are offered something are held out of their own histories, whenever they were."""
    if FOLD in held_out or "held_out_days" not in held_out or np.isfinite(_window(held_out)):
        return False
    return bool(np.isin(customers, held_out["customer_id"].to_numpy()).any())


def _window(held_out: pd.DataFrame) -> float:
    """Days that the held-out part is known for; NaN where it is none of days."""
    return float(held_out["held_out_days"].min())


def _not_known(settings: Offers, customers: Any, held_out: pd.DataFrame) -> str | None:
    """Why the held-out part cannot tell what came of the offers; None where it can."""
    remedy = f"hold out the last days, split=last_days split.days={math.ceil(settings.horizon)}"
    if not {"bought_days", "held_out_days"} <= set(held_out):
        return (
            "the features do not say when each thing was bought and for how long this is known "
            "(`bought_days`, `held_out_days`)"
        )
    # Of several folds the last model makes the offers, which has seen what the others hold out.
    if FOLD in held_out or np.isnan(_window(held_out)) or not len(held_out):
        return f"what is held out is not the days that follow the offers; {remedy}"
    if (days := _window(held_out)) < settings.horizon:
        return (
            f"the held-out part has {days:.3g} days (those just before it on which nobody bought counted), and an "
            f"offer has {settings.horizon:g}; {remedy}, or have task.offers.horizon={max(int(days), 1)}"
        )
    if not np.isin(customers, held_out["customer_id"].to_numpy()).any():
        return f"nobody who is offered something is in the held-out part; {remedy}"
    return None


def _spent(settings: Offers, made: Made, customers: Any, held_out: pd.DataFrame) -> Floats:
    """What each customer spent on each candidate, shape (n, K); how often it was bought where money is not known.

    NaN where it was not bought within the horizon.
    """
    place = pd.Index(customers).get_indexer(held_out["customer_id"])
    begins, names = parsed(held_out["bought"])
    money = numbers(held_out["bought_value"])[1] if "bought_value" in held_out else np.ones(len(names))
    rows, codes = np.repeat(place, np.diff(begins)), made.model.catalogue.codes(names)
    known = (rows >= 0) & (codes >= 0) & (numbers(held_out["bought_days"])[1] < settings.horizon)
    many = len(made.model.items_)
    bought = pd.Series(money[known]).groupby(rows[known] * many + codes[known]).sum()
    keys = np.arange(len(customers))[:, np.newaxis] * many + made.candidates.codes
    found = bought.reindex(keys.ravel()).to_numpy(dtype=np.float64).reshape(keys.shape)
    return np.where(made.candidates.possible, found, np.nan)


def _calibration(
    settings: Offers, made: Made, spent: Floats, customers: Any, when: str, context: Context
) -> Iterator[Content]:
    """Whether chances came true, of all candidates and of those that were offered."""
    who = np.broadcast_to(np.asarray(customers)[:, np.newaxis], spent.shape)
    bought = ~np.isnan(spent)
    tables = []
    for name, part in (("all candidates", made.candidates.possible), ("offered", made.choice.chosen)):
        if part.sum() < 2:
            continue
        rng = context.rng(f"offers calibration {name}")
        told = calibration_table(bought[part], made.probability[part], who[part], context.resamples, rng)
        told.insert(0, "of", name)
        tables.append(told)
    if not tables:
        return
    table = pd.concat(tables, ignore_index=True)
    caption = (
        "Tenths of the pairs of customer and item by the probability told from the training part alone, and the share "
        f"that was bought in the {when}; on the diagonal it came true. 95 % intervals resample customers."
    )
    yield Table("offer_calibration", "Whether the probabilities came true", table, caption, len(table))
    yield Figure(
        "offer_calibration",
        "Whether the probabilities came true",
        table,
        "point",
        "predicted",
        "observed",
        caption,
        by="of",
        low="low",
        high="high",
        x_label=f"predicted probability of a purchase within {settings.horizon:g} days",
        y_label="share that was bought",
        reference="diagonal",
    )


def _realised(
    made: Made, beside: Made, spent: Floats, theirs: Floats, when: str, longer: bool, context: Context
) -> Iterator[Content]:
    """What was bought of the offers, by both lists, and what was spent on them where no day is beyond the horizon."""
    many = len(spent)
    whole = np.arange(many)
    lists = {"model": (made, spent), "popularity": (beside, theirs)}
    sums: dict[str, Floats] = {}
    for name, (one, money) in lists.items():
        taken = one.choice.chosen & ~np.isnan(money)
        sums[f"{name} bought"] = taken.sum(axis=1).astype(np.float64)
        sums[f"{name} value"] = np.where(taken, one.value, 0).sum(axis=1)
        sums[f"{name} spent"] = np.where(taken, np.nan_to_num(money), 0).sum(axis=1)
    several = [MeanOf(value, whole, many) for value in sums.values()]
    drawn = dict(zip(sums, bootstrap(several, many, context.resamples, context.rng("realised")), strict=True))

    def total(name: str) -> Interval:
        value, draws = drawn[name]
        return percentile_of(many)(many * value[0], many * draws[0])

    rows = []
    for name, (one, _) in lists.items():
        row: dict[str, Any] = {"list": name, "offers": int(one.choice.chosen.sum())}
        row["expected"] = float((one.probability * one.value)[one.choice.chosen].sum())
        for key in ("bought", "value") if longer else ("bought", "value", "spent"):
            found = total(f"{name} {key}")
            row |= {key: found.value, f"{key}_low": found.low, f"{key}_high": found.high}
        rows.append(row)
    told_spent = "" if longer else "; `spent` is the money they spent on it, however many they bought"
    caption = (
        f"What customers bought of what they would have been offered, in the {when}: `value` counts each item "
        f"bought once at its value, as `expected` does{told_spent}. Nobody was made these offers: it would have been "
        "bought anyway. 95 % intervals resample customers."
    )
    yield Table("offer_backtest", "What came of the offers", pd.DataFrame(rows), caption)
    value_of, money_of = total("model value"), total("model spent")
    yield Estimate("realised_revenue", f"value of the offered items bought in the {when}", value_of)
    told = number((made.probability * made.value)[made.choice.chosen].sum(), 0)
    spending = "" if made.worth.counts or longer else f"; all they spent on them was {with_interval(money_of, 0)}"
    rivals = bool(beside.choice.chosen.any())
    theirs_came = f"came to {with_interval(total('popularity value'), 0)}"
    if not rivals:
        theirs_came = "makes no offer: by the share of all customers who buy it, no item brings what its offer costs"
    yield Finding(
        f"Customers bought offered items for {with_interval(value_of, 0)} in the {when}, each counted once, "
        f"where {told} was expected of these purchases{spending}. "
        f"Popularity's list, under the same rules, {theirs_came}."
    )
    gain = percentile(
        float(many * (drawn["model value"][0][0] - drawn["popularity value"][0][0])),
        many * (drawn["model value"][1][0] - drawn["popularity value"][1][0]),
    )
    if rivals and many >= FEW_CUSTOMERS:
        verdict = "more" if gain.low > 0 else ("less" if gain.high < 0 else "neither clearly more nor less")
        yield Finding(f"That is {verdict} than popularity's list: the difference is {with_interval(gain, 0)}.")
    yield Finding(
        "In the held-out part no offer was made: these purchases would have happened anyway. A list that finds them is "
        "a list of what customers want; whether offers add to it takes a test with customers who get none.",
        "caveat",
    )
