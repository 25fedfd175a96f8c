"""Candidates that could have been exposed or not: what was done, what came, and what was known of each before.

A campaign chooses customers, so each customer is a cluster. A mailer is seen by all who shop at a store: its customers
are one cluster, and stores are compared that showed an item and that did not. An item that nearly all stores showed, or
nearly none, has nobody to compare with, and is left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import logit

from cxai_runner.features.exposures import EXPOSURES, MEMBERS
from cxai_runner.methods.offers import Exposed
from cxai_runner.methods.recommend import Interactions
from tasks.recommendation.offers_made import Learned

SURE: Final = 0.1
"""Share of customers by whose store an item was shown, or was not, below which nothing is learned of it (Crump et al.
(2009), Dealing with limited overlap in estimation of average treatment effects, Biometrika 96)."""

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Pairs:
    """Pairs of customer and item.

    Parameters
    ----------
    frame
        ``exposed``, ``offered``, ``bought``, and what was known before.
    clusters
        With which others each was decided, shape (n,).
    of
        What a cluster is: ``customers``, or ``stores``.
    items
        Of which item each is, from 0, shape (n,).
    certain
        How many pairs are left out, as nearly all stores showed the item or nearly none.
    """

    frame: pd.DataFrame
    clusters: Ints
    of: str
    items: Ints
    certain: int = 0

    @property
    def crossed(self) -> Ints | None:
        """What pairs of several clusters are alike in: what is particular to an item is so in every store."""
        return self.items if self.of == "stores" else None

    @property
    def measures(self) -> pd.DataFrame:
        """What was known of each before."""
        return self.frame.drop(columns=["exposed", "offered", "bought"])


def pairs(learned: Learned, customers: Any, logged: Mapping[str, pd.DataFrame]) -> Pairs:
    """Return the candidates of the day before that could have been exposed.

    Parameters
    ----------
    learned
        What would have been offered then.
    customers
        Who stood there then, a row of the candidates each.
    logged
        The frames `EXPOSURES` and `MEMBERS`; see `cxai_runner.features.exposures.Exposures.found`.
    """
    made = learned.made
    candidates, catalogue = made.candidates, made.model.catalogue
    by = next(str(name) for name in logged[MEMBERS] if name != "customer_id")
    stores = by == "store_id"
    log = Exposed.of(logged[EXPOSURES], logged[MEMBERS], by, customers, catalogue)
    reached, group = log.customers(), log.group()
    known = group >= 0 if stores else np.ones(len(group), dtype=bool)
    many = int(known.sum())
    met = candidates.possible & known[:, np.newaxis] & (np.append(reached, 0)[candidates.codes] > 0)
    could = met
    if stores:
        share = np.append(reached / max(many, 1), 0.0)[candidates.codes]
        could = met & (share >= SURE) & (share <= 1 - SURE)
    row, column = np.nonzero(could)
    items = candidates.codes[row, column].astype(np.int64)
    exposed = log.at(row, items)
    chance = np.clip(made.probability[row, column], 1e-6, 1 - 1e-6)
    frame = pd.DataFrame(
        {
            "exposed": exposed,
            "offered": made.choice.chosen[row, column],
            "bought": learned.bought[row, column],
            "chance": logit(chance),
            "repeat": candidates.repeat[row, column].astype(np.float64),
            "popularity": np.log1p(made.model.bought_by_[items]),
            "baskets": np.log1p(candidates.rate[row]),
            "recent_baskets": np.log1p(candidates.recent[row]),
            "idle": np.log1p(candidates.idle[row]),
            "others_exposed": _odds(reached[items] - exposed, many - 1),
        }
    )
    different, item = np.unique(items, return_inverse=True)
    if not stores:
        return Pairs(frame, row.astype(np.int64), "customers", item)
    frame["store_taste"] = _taste(learned, group, row, column)
    shown = log.shown[:, different]
    frame["store_shows"] = _odds(shown.sum(axis=1)[group[row]] - exposed, shown.shape[1] - 1)
    return Pairs(frame, pd.factorize(group[row])[0].astype(np.int64), "stores", item, int(met.sum() - could.sum()))


def _odds(counts: Any, of: int) -> Floats:
    """The log odds of a share, half a one added to each side."""
    return np.log((counts + 0.5) / (of - counts + 0.5))


def _taste(learned: Learned, store: Ints, row: Ints, column: Ints) -> Floats:
    """How much more of a store's other customers bought an item before than of all: log ratio, one added to each."""
    model, candidates = learned.made.model, learned.made.candidates
    items = candidates.codes[row, column].astype(np.int64)
    bought = Interactions.of(learned.past.frame, model.catalogue).bought
    who, what = bought.nonzero()
    met = store[who] >= 0
    keys, counts = np.unique(store[who[met]] * bought.shape[1] + what[met], return_counts=True)
    asked = store[row] * bought.shape[1] + items
    place = np.minimum(np.searchsorted(keys, asked), len(keys) - 1)
    buyers = np.where(keys[place] == asked, counts[place], 0) - candidates.repeat[row, column]
    others = np.bincount(store[store >= 0])[store[row]] - 1
    usual = model.bought_by_[items] / bought.shape[0]
    return np.log((buyers + 1) / (others * usual + 1))
