"""What exposures that were logged say of the offers: coupons or mailers that some customers got and others did not."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

import numpy as np
import pandas as pd

from cxai_runner.evaluation.intervals import percentile
from cxai_runner.evaluation.results import Content, Finding, Interval, Table
from cxai_runner.evaluation.wording import counted, number, share, with_interval
from cxai_runner.methods.offers.off_policy import (
    PolicyValue,
    balance,
    outcomes,
    overlap,
    policy_values,
    propensities,
    stretch,
)
from cxai_runner.task import Context
from tasks.recommendation.exposed_pairs import SURE, Pairs, pairs
from tasks.recommendation.offers_config import Offers
from tasks.recommendation.offers_made import Learned

FEWEST: Final = 30
"""Exposed and unexposed pairs, exposed pairs that were offered, and stores, below which nothing is estimated."""
UNLIKE: Final = 0.1
"""Difference of means, in standard deviations, beyond which exposed pairs are not like others."""
MOST: Final = 0.2
"""Share of pairs with a propensity cut off above which nothing is concluded."""
_NAMES: Final = {
    "ips": "inverse propensity",
    "snips": "the same, self-normalised",
    "direct": "model of outcomes",
    "doubly_robust": "doubly robust",
}

_WIDER: Final = {"customers": "", "stores": ", and are wider by what stores share of an item"}
_DOUBTS: Final = {
    "customers": (
        "That rests on who was exposed being decided by nothing but what is measured here, which is doubtful: those "
        "who plan a campaign know more, and choose customers who would buy anyway. Where the difference is "
        "large, test it."
    ),
    "stores": (
        "That rests on what a store shows being decided by nothing but what is measured here, which is doubtful: a "
        "store shows what it sells well, and nothing that it does not stock. An item that is shown is often cheaper "
        "meanwhile; what is told is of both together, and of all who shop there, whether they saw it or not. Where "
        "the difference is large, test it."
    ),
}


def contents(
    settings: Offers, learned: Learned, customers: Any, logged: Mapping[str, pd.DataFrame], context: Context
) -> Iterator[Content]:
    """Yield what exposing customers to their offers would have brought in the days held back, by every estimator.

    Parameters
    ----------
    learned
        What would have been offered on the day before.
    customers
        Who stood there then, a row of the candidates each.
    logged
        Who was exposed to what in the days held back; see `pairs`.
    """
    several = pairs(learned, customers, logged)
    exposed, offered = several.frame["exposed"].to_numpy(), several.frame["offered"].to_numpy()
    fewest = min(int(exposed.sum()), int((~exposed).sum()), int((exposed & offered).sum()))
    unit = several.of.removesuffix("s")
    clusters = len(np.unique(several.clusters))
    if fewest < FEWEST or (unit == "store" and clusters < FEWEST):
        yield Finding(
            f"Logged exposures say nothing of the offers: of {counted(len(exposed), 'pair')} of customer and item that "
            f"could have been exposed or not, of {counted(clusters, unit)}, {int(exposed.sum()):,} were, and "
            f"{int((exposed & offered).sum()):,} of those that the list holds; fewer than {FEWEST} are too few."
            f"{_certain(several)}",
            "caveat",
        )
        return
    x = several.measures.to_numpy(dtype=np.float64)
    bought = several.frame["bought"].to_numpy(dtype=np.float64)
    propensity = propensities(x, exposed, several.clusters)
    expected = outcomes(x, exposed, bought, several.clusters)
    policies: dict[str, Any] = {"the offers": offered.astype(np.float64), "nobody": np.zeros(len(exposed))}
    found = {
        name: policy_values(
            exposed,
            bought,
            policy,
            propensity,
            expected,
            several.clusters,
            context.resamples,
            context.rng("off policy"),
            crossed=several.crossed,
        )
        for name, policy in policies.items()
    }
    table, best = _table(found, several)
    among = f"{counted(clusters, unit)} and {counted(int(several.items.max()) + 1, 'item')}"
    caption = (
        f"Share of {counted(len(exposed), 'pair')} of customer and item, among {among}, that is bought in "
        f"{settings.horizon:g} days: were exactly the {int(offered.sum()):,} on the list exposed, and were nobody. "
        f"What was observed, with {share(float(exposed.mean()))} exposed, is {number(float(bought.mean()), 4)}. 95 % "
        f"intervals resample {several.of}{_WIDER[several.of]}; models of exposure and of outcomes have not seen the "
        f"{unit}. The model of outcomes alone has none: its error is mostly its own.{_certain(several)}"
    )
    yield Table("off_policy", "What exposure would have brought", table, caption)
    unlike = yield from _diagnostics(several, policies, propensity)
    if unlike:
        yield Finding(f"Logged exposures do not tell what offers add: {unlike}.", "caveat")
        return
    per_offer = len(exposed) / max(int(offered.sum()), 1)
    adds = with_interval(_scaled(best, per_offer))
    yield Finding(
        f"By logged exposures, exposing customers to the offers on their list adds {adds} purchases per offer (doubly "
        f"robust), against exposing nobody.{_certain(several)}"
    )
    yield Finding(_DOUBTS[several.of], "caveat")


def _table(found: Mapping[str, Mapping[str, PolicyValue]], several: Pairs) -> tuple[pd.DataFrame, Interval]:
    """Each estimator's values of both policies and their difference, and the doubly robust difference."""
    rows: list[dict[str, Any]] = []
    gains = {}
    for key, label in _NAMES.items():
        with_offers, without = found["the offers"][key], found["nobody"][key]
        value, drawn = with_offers.value - without.value, with_offers.draws - without.draws
        if several.crossed is not None:
            wider = stretch(with_offers.influence - without.influence, several.clusters, several.crossed)
            drawn = value + wider * (drawn - value)
        gain = percentile(value, drawn)
        if np.isnan(with_offers.low):
            gain = Interval(gain.value, float("nan"), float("nan"))
        row: dict[str, Any] = {"estimator": label}
        for column, one in (("offered", with_offers), ("nobody", without), ("difference", gain)):
            row |= {column: one.value, f"{column}_low": one.low, f"{column}_high": one.high}
        rows.append(row)
        gains[key] = gain
    return pd.DataFrame(rows), gains["doubly_robust"]


def _certain(several: Pairs) -> str:
    """How many pairs nothing is learned of."""
    if not several.certain:
        return ""
    return (
        f" {counted(several.certain, 'more pair')} are left out: the item was shown by the stores of fewer than "
        f"{share(SURE)} of customers or of more than {share(1 - SURE)}, so that nobody can stand for the others."
    )


def _diagnostics(
    several: Pairs, policies: dict[str, np.ndarray], propensity: np.ndarray
) -> Generator[Content, None, str]:
    """Whether pairs that were treated alike can stand for all, and are like the others once counted; why not, if so."""
    exposed = several.frame["exposed"].to_numpy()
    rows: list[dict[str, Any]] = []
    for name, policy in policies.items():
        told = overlap(exposed, policy, propensity)
        rows.append(
            {
                "exposed": name,
                "pairs": len(exposed),
                "treated_so": told.followed,
                "effective": told.effective,
                "clipped": told.clipped,
                "largest_weight": told.largest,
            }
        )
    caption = (
        "`treated_so` is the share of pairs that were treated so, `effective` how many pairs, all counted alike, would "
        "tell as much (Kish), `clipped` the share with a propensity below 1 % or above 99 %, cut off there."
    )
    yield Table("off_policy_overlap", "Whether exposed pairs can stand for others", pd.DataFrame(rows), caption)
    table = balance(several.measures, exposed, propensity)
    yield Table(
        "off_policy_balance",
        "Whether exposed pairs are like the others",
        table,
        "Differences of means in standard deviations, before and after counting by propensity; beyond ± 0.1 they are "
        "not alike.",
    )
    off = table[table["after"].abs() > UNLIKE]
    if len(off):
        return f"counted by propensity, exposed pairs still differ from the others in {', '.join(off['measure'])}"
    clipped = max(float(row["clipped"]) for row in rows)
    return f"{share(clipped)} of the pairs were all but sure to be exposed, or not to be" if clipped > MOST else ""


def _scaled(interval: Any, by: float) -> Any:
    return replace(interval, value=interval.value * by, low=interval.low * by, high=interval.high * by)
