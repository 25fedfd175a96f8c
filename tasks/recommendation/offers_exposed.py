"""What exposures that were logged say of the offers: coupons or mailers that some customers got and others did not."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import replace
from typing import Any, Final

import numpy as np
import pandas as pd
from scipy.special import logit

from cxai_runner.evaluation.intervals import percentile
from cxai_runner.evaluation.results import Content, Finding, Interval, Table
from cxai_runner.evaluation.wording import counted, number, share, with_interval
from cxai_runner.methods.offers.off_policy import balance, outcomes, overlap, policy_values, propensities
from cxai_runner.task import Context
from tasks.recommendation.offers_config import Offers
from tasks.recommendation.offers_made import Learned

FEWEST: Final = 30
"""Exposed and unexposed pairs, and exposed pairs that were offered, below which nothing is estimated."""
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


def contents(
    settings: Offers, learned: Learned, customers: Any, exposures: pd.DataFrame, context: Context
) -> Iterator[Content]:
    """Yield what exposing customers to their offers would have brought in the days held back, by every estimator.

    Parameters
    ----------
    learned
        What would have been offered on the day before.
    customers
        Who stood there then, a row of the candidates each.
    exposures
        ``customer_id`` and ``item_id`` of each pair that was exposed in the days held back; of these items, all other
        customers were not.
    """
    pairs = _pairs(learned, customers, exposures)
    exposed, offered = pairs["exposed"].to_numpy(), pairs["offered"].to_numpy()
    fewest = min(int(exposed.sum()), int((~exposed).sum()), int((exposed & offered).sum()))
    if fewest < FEWEST:
        yield Finding(
            f"Logged exposures say nothing of the offers: of {counted(len(pairs), 'pair')} of customer and item that "
            f"could have been exposed, {int(exposed.sum()):,} were, and {int((exposed & offered).sum()):,} of those "
            f"that the list holds; fewer than {FEWEST} are too few.",
            "caveat",
        )
        return
    measures = pairs.drop(columns=["customer", "exposed", "offered", "bought"])
    x, who = measures.to_numpy(dtype=np.float64), pairs["customer"].to_numpy()
    bought = pairs["bought"].to_numpy(dtype=np.float64)
    propensity = propensities(x, exposed, who)
    expected = outcomes(x, exposed, bought, who)
    policies: dict[str, Any] = {"the offers": offered.astype(np.float64), "nobody": np.zeros(len(pairs))}
    found = {
        name: policy_values(
            exposed, bought, policy, propensity, expected, who, context.resamples, context.rng("off policy")
        )
        for name, policy in policies.items()
    }
    rows: list[dict[str, Any]] = []
    for key, label in _NAMES.items():
        with_offers, without = found["the offers"][key], found["nobody"][key]
        gain = percentile(with_offers.value - without.value, with_offers.draws - without.draws)
        if np.isnan(with_offers.low):
            gain = Interval(gain.value, float("nan"), float("nan"))
        row: dict[str, Any] = {"estimator": label}
        for column, one in (("offered", with_offers), ("nobody", without), ("difference", gain)):
            row |= {column: one.value, f"{column}_low": one.low, f"{column}_high": one.high}
        rows.append(row)
        if key == "doubly_robust":
            best = gain
    caption = (
        f"Share of {counted(len(pairs), 'pair')} of customer and item that is bought in {settings.horizon:g} days: "
        f"were exactly the {int(offered.sum()):,} on the list exposed, and were nobody. What was observed, with "
        f"{share(float(exposed.mean()))} exposed, is {number(float(bought.mean()), 4)}. 95 % intervals resample "
        "customers; models of exposure and of outcomes have not seen the customer. The model of outcomes alone has "
        "none: its error is mostly its own."
    )
    yield Table("off_policy", "What exposure would have brought", pd.DataFrame(rows), caption)
    unlike = yield from _diagnostics(pairs, policies, propensity, measures)
    if unlike:
        yield Finding(f"Logged exposures do not tell what offers add: {unlike}.", "caveat")
        return
    per_offer = len(pairs) / max(int(offered.sum()), 1)
    adds = with_interval(_scaled(best, per_offer))
    yield Finding(
        f"By logged exposures, exposing customers to the offers on their list adds {adds} purchases per offer (doubly "
        "robust), against exposing nobody."
    )
    yield Finding(
        "That rests on who was exposed being decided by nothing but what is measured here, which is doubtful: those "
        "who plan a campaign know more, and choose customers who would buy anyway. Where the difference is "
        "large, test it.",
        "caveat",
    )


def _pairs(learned: Learned, customers: Any, exposures: pd.DataFrame) -> pd.DataFrame:
    """Candidates whose item was exposed to somebody: what was done, what came, and what was known before."""
    made = learned.made
    candidates, catalogue = made.candidates, made.model.catalogue
    many = len(catalogue)
    codes = catalogue.codes(exposures["item_id"].astype(str).tolist())
    rows = pd.Index(customers).get_indexer(exposures["customer_id"])
    known = (codes >= 0) & (rows >= 0)
    keys = np.unique(rows[known].astype(np.int64) * many + codes[known])
    could = np.isin(candidates.codes, np.unique(codes[codes >= 0])) & candidates.possible
    row, column = np.nonzero(could)
    items = candidates.codes[row, column]
    exposed = np.isin(row * many + items, keys)
    of_item = np.bincount(keys % many, minlength=many)[items] - exposed
    chance = np.clip(made.probability[row, column], 1e-6, 1 - 1e-6)
    return pd.DataFrame(
        {
            "customer": row,
            "exposed": exposed,
            "offered": made.choice.chosen[row, column],
            "bought": learned.bought[row, column],
            "chance": logit(chance),
            "repeat": candidates.repeat[row, column].astype(np.float64),
            "popularity": np.log1p(made.model.bought_by_[items]),
            "baskets": np.log1p(candidates.rate[row]),
            "recent_baskets": np.log1p(candidates.recent[row]),
            "idle": np.log1p(candidates.idle[row]),
            "others_exposed": np.log1p(of_item),
        }
    )


def _diagnostics(
    pairs: pd.DataFrame, policies: dict[str, np.ndarray], propensity: np.ndarray, measures: pd.DataFrame
) -> Generator[Content, None, str]:
    """Whether pairs that were treated alike can stand for all, and are like the others once counted; why not, if so."""
    exposed = pairs["exposed"].to_numpy()
    rows: list[dict[str, Any]] = []
    for name, policy in policies.items():
        told = overlap(exposed, policy, propensity)
        rows.append(
            {
                "exposed": name,
                "pairs": len(pairs),
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
    table = balance(measures, exposed, propensity)
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
