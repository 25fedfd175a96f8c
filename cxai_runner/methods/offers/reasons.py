"""Because of what a customer is offered an item: the one in their history without which they would be offered it least.

A model that takes a customer's history in is asked what it recommends to whom bought one item alone. For a linear one
these scores add up to the customer's own, so that the largest part is the reason. For others they are what goes with
what; or the model is asked again without each of the likeliest reasons (``without``), which is exact, and slower.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cxai_runner.methods.recommend import Interactions, Recommender
from cxai_runner.methods.recommend.lists import text

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]
How = Literal["alone", "without"]

LIKELIEST = 5
"""Items of a history that are left out in turn."""
NEAR = 1e-6
"""Differences between scores, as a share of their size, that say nothing."""


@dataclass(frozen=True, eq=False)
class Reasons:
    """Why each of some offers is made.

    Parameters
    ----------
    codes
        The item of the history that counts most, −1 where none does more than others: everybody is offered it.
    strength
        How much more it counts than the mean item of the history, in the model's own unit; 0 where there is none.
    """

    codes: Codes
    strength: Floats


def reasons(model: Recommender, several: Interactions, rows: Codes, offered: Codes, how: How = "alone") -> Reasons:
    """Return the reason of each offer.

    Parameters
    ----------
    model
        Fitted.
    several
        The customers' histories.
    rows, offered
        The customer and the item of each offer, shape (q,).
    how
        ``alone``: the item whose buyers are recommended the offer most; ``without``: the item whose absence costs the
        offer most, among the `LIKELIEST` of these.
    """
    bought = several.bought
    counts = np.diff(bought.indptr)[rows]
    offer = np.repeat(np.arange(len(rows)), counts)
    within = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    history = bought.indices[np.repeat(bought.indptr[rows], counts) + within].astype(np.int64)
    parts = _of_one_alone(model, history, offered[offer])
    if how == "without" and len(offer):
        return _without(model, several, rows, offered, offer, history, parts)
    return _most(len(rows), offer, history, parts)


def _of_one_alone(model: Recommender, history: Codes, offered: Codes) -> Floats:
    """The score of an offer for whom bought one item alone, of each pair; a block of such customers at a time."""
    found = np.zeros(len(history))
    needed = np.unique(history)
    if not len(needed):
        return found
    order = np.argsort(history, kind="stable")
    begins = np.searchsorted(history[order], needed)
    ends = np.append(begins[1:], len(order))
    alone = Interactions.of(pd.DataFrame({"items": [[model.items_[code]] for code in needed]}), model.catalogue)
    seen = 0
    for block, scores in model.scored(alone):
        for row in range(len(block)):
            pairs = order[begins[seen + row] : ends[seen + row]]
            found[pairs] = scores[row, offered[pairs]]
        seen += len(block)
    return found


def _most(offers: int, offer: Codes, history: Codes, parts: Floats) -> Reasons:
    """The largest part of each offer, where it is larger than others."""
    codes, strength = np.full(offers, -1, dtype=np.int64), np.zeros(offers)
    if not len(offer):
        return Reasons(codes, strength)
    order = np.lexsort((history, -parts, offer))
    first = np.ones(len(order), dtype=bool)
    first[1:] = np.diff(offer[order]) != 0
    top = order[first]
    mean = np.bincount(offer, parts, offers) / np.maximum(np.bincount(offer, minlength=offers), 1)
    above = parts[top] - mean[offer[top]]
    clear = above > NEAR * np.maximum(np.abs(parts[top]), 1e-12)
    # Of a history of one item there is nothing to compare: that item is the reason.
    clear |= np.bincount(offer, minlength=offers)[offer[top]] == 1
    codes[offer[top][clear]] = history[top][clear]
    strength[offer[top][clear]] = np.maximum(above[clear], 0)
    return Reasons(codes, strength)


def _without(
    model: Recommender,
    several: Interactions,
    rows: Codes,
    offered: Codes,
    offer: Codes,
    history: Codes,
    parts: Floats,
) -> Reasons:
    """The item without which an offer's score falls most."""
    order = np.lexsort((history, -parts, offer))
    begins = np.searchsorted(offer[order], offer[order])
    likeliest = order[np.arange(len(order)) - begins < LIKELIEST]
    asked = several.customers.iloc[rows[offer[likeliest]]].reset_index(drop=True)
    lists: dict[str, list[str]] = {"items": [], "weights": [], "days": []}
    names = np.asarray(model.items_, dtype=object)
    for pair in likeliest:
        row = rows[offer[pair]]
        span = slice(several.begins[row], several.begins[row + 1])
        left = several.codes[span] != history[pair]
        lists["items"].append(text(names[several.codes[span][left]].tolist()))
        lists["weights"].append(text(several.weights[span][left].tolist()))
        lists["days"].append(text(several.days[span][left].tolist()))
    less = _scores(model, Interactions.of(asked.assign(**lists), model.catalogue), offered[offer[likeliest]])
    involved = np.unique(rows)
    frame = _frame(several, involved, names)
    place = np.searchsorted(involved, rows)
    whole = _scores(model, Interactions.of(frame.iloc[place].reset_index(drop=True), model.catalogue), offered)
    falls = whole[offer[likeliest]] - less
    found = _most(len(rows), offer[likeliest], history[likeliest], falls)
    top = np.full(len(rows), -np.inf)
    np.maximum.at(top, offer[likeliest], falls)
    alone = (
        np.bincount(offer, minlength=len(rows)) == 1
    )  # without it nothing is known, and everybody's score is no answer
    some = (found.codes >= 0) & ((top > NEAR * np.abs(whole)) | alone)
    return Reasons(np.where(some, found.codes, -1), np.where(some, np.maximum(top, 0), 0))


def _frame(several: Interactions, rows: Codes, names: NDArray[np.object_]) -> pd.DataFrame:
    """The histories of some customers as a frame."""
    spans = [slice(several.begins[row], several.begins[row + 1]) for row in rows]
    return (
        several.customers.iloc[rows]
        .reset_index(drop=True)
        .assign(
            items=[text(names[several.codes[one]].tolist()) for one in spans],
            weights=[text(several.weights[one].tolist()) for one in spans],
            days=[text(several.days[one].tolist()) for one in spans],
        )
    )


def _scores(model: Recommender, several: Interactions, offered: Codes) -> Floats:
    """The score of one item for each customer."""
    found, begin = np.empty(len(offered)), 0
    for block, scores in model.scored(several):
        end = begin + len(block)
        found[begin:end] = scores[np.arange(len(block)), offered[begin:end]]
        begin = end
    return found
