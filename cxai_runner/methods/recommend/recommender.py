"""What a model of recommendation is: it learns from what customers bought, and ranks all items for any customer.

A customer is what they bought: one who was there in training and one who was not are ranked alike, by the history that
comes with the question. So a list is as fresh as the history, without fitting anew. Of whom nothing is known gets what
most customers bought.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from cxai_runner.methods.recommend.errors import UnlearnableError, UnrankableError
from cxai_runner.methods.recommend.interactions import Catalogue, Floats, Interactions
from cxai_runner.methods.recommend.lists import Listed
from cxai_runner.methods.recommend.ranking import NONE, Ranked, best, block_size


class Recommender(BaseEstimator, ABC):
    """Base of all models of recommendation; each has ``k`` and ``repeats`` among its parameters.

    Attributes
    ----------
    items_ : list of str
        The catalogue, the item that most customers bought first.
    bought_by_ : ndarray of shape (m,)
        How many customers bought each.
    """

    k: int
    repeats: bool

    @property
    def takes_choice(self) -> bool:
        """Whether it ranks by what a fitted model of brand choice says of customers, their column ``choice``."""
        return False

    def fit(self, X: pd.DataFrame, y: object = None, *, items: pd.DataFrame | None = None) -> Self:
        """Learn from what customers bought.

        Parameters
        ----------
        X
            A row per customer: ``items`` and, where they are known, ``weights``, ``days`` and further columns; see
            `cxai_runner.methods.recommend.interactions`.
        y
            Not used.
        items
            What is known of items: ``item_id``, a text, and further columns.
        """
        if int(self.k) != self.k or self.k < 1:
            raise ValueError(f"k: a whole number from 1 on, not {self.k!r}")
        read = Listed.of(X["items"])
        bought = Catalogue.of(read)
        if not len(bought):
            raise UnlearnableError("nobody bought anything: there is nothing to recommend")
        catalogue = self._catalogue(bought, items)
        self.items_ = list(catalogue.items)
        self.bought_by_ = catalogue.customers
        known = None
        if items is not None:
            named = items.assign(item_id=items["item_id"].astype(str)).drop_duplicates("item_id")
            known = named.set_index("item_id", drop=False).reindex(self.items_)
        self._learn(Interactions.of(X, catalogue, read), known)
        return self

    def predict(self, X: pd.DataFrame) -> pd.DataFrame:
        """Return each customer's list, a row per customer.

        Returns
        -------
        lists
            ``item_1`` … ``item_k``, the best first and an empty text where there is no further item, ``score_1`` …
            ``score_k`` in the model's own unit, and ``fallback``: 1 for customers of whom nothing is known.
        """
        ranked = self.ranked(X)
        named = ranked.named(self.catalogue)
        places = range(1, self.k + 1)
        lists = pd.DataFrame(named, columns=[f"item_{place}" for place in places]).astype("str")
        scores = pd.DataFrame(ranked.scores.astype(np.float64), columns=[f"score_{place}" for place in places])
        return pd.concat([lists, scores], axis=1).assign(fallback=ranked.fallback.astype(np.int64)).set_axis(X.index)

    def ranked(self, X: pd.DataFrame | Interactions, k: int | None = None, repeats: bool | None = None) -> Ranked:
        """Return the best ``k`` items for each customer, out of all; in memory that does not grow with the catalogue.

        Parameters
        ----------
        X
            As in `fit`.
        k, repeats
            Instead of the model's own.

        Raises
        ------
        UnrankableError
            A score that is no number, or endless.
        """
        check_is_fitted(self)
        several = X if isinstance(X, Interactions) else Interactions.of(X, self.catalogue)
        k = self.k if k is None else k
        parts = []
        for block, scores in self.scored(several):
            if scores.size and not scores.max() < np.inf:  # of NaN and another the largest is NaN
                raise UnrankableError("scores are not finite: some of its numbers grew beyond all bounds")
            if not (self.repeats if repeats is None else repeats):
                seen = block.bought
                scores[np.repeat(np.arange(len(block)), np.diff(seen.indptr)), seen.indices] = -np.inf
            parts.append(best(scores, k))
        codes = np.concatenate([one for one, _ in parts]) if parts else np.full((0, k), NONE, dtype=np.int32)
        values = np.concatenate([one for _, one in parts]) if parts else np.zeros((0, k), dtype=np.float32)
        return Ranked(codes, values, self._unknown(several))

    def scored(self, several: Interactions) -> Iterator[tuple[Interactions, Floats]]:
        """Yield customers with the scores of all items, shape (b, m), a block of customers at a time."""
        size = block_size(several.items)
        for begin in range(0, len(several), size):
            block = several.between(begin, min(begin + size, len(several)))
            scores = np.require(self._score(block), dtype=np.float32, requirements=["C", "W"])
            unknown = self._unknown(block)
            if unknown.any():
                scores[unknown] = self._fallback()
            yield block, scores

    def similar_items(self, items: Sequence[str] | str, k: int = 10) -> pd.DataFrame:
        """Return for each item those that go with it: what the model recommends to whom bought that one alone.

        Parameters
        ----------
        items
            Their names, or one name.
        k
            How many for each.

        Returns
        -------
        similar
            ``item``, ``rank``, ``similar``, ``score``: up to k rows for each.

        Raises
        ------
        KeyError
            An item that is not in the catalogue.
        """
        items = [items] if isinstance(items, str) else items
        known = set(self.items_)
        unknown = [one for one in items if str(one) not in known]
        if unknown:
            raise KeyError(f"not in the catalogue: {', '.join(map(str, unknown))}")
        alone = pd.DataFrame({"items": [[str(one)] for one in items]})
        ranked = self.ranked(alone, k, repeats=False)
        named = ranked.named(self.catalogue)
        rows = [
            (str(one), place + 1, named[row, place], float(ranked.scores[row, place]))
            for row, one in enumerate(items)
            for place in range(k)
            if ranked.codes[row, place] != NONE
        ]
        return pd.DataFrame(rows, columns=["item", "rank", "similar", "score"])

    @property
    def catalogue(self) -> Catalogue:
        """The items that can be recommended."""
        return Catalogue(tuple(self.items_), np.asarray(self.bought_by_))

    def _catalogue(self, bought: Catalogue, items: pd.DataFrame | None) -> Catalogue:
        """The items that can be recommended: those that were bought, and after them what a model knows beside."""
        return bought

    @abstractmethod
    def _learn(self, several: Interactions, items: pd.DataFrame | None) -> None:
        """Learn from all customers; what is known of items has a row for each of the catalogue."""

    @abstractmethod
    def _score(self, several: Interactions) -> Any:
        """Return the score of every item for a block of customers, shape (b, m); of an unknown one it is not read.

        An array of its own, which is written to. A customer's scores do not depend on who else is in the block.
        """

    def _unknown(self, several: Interactions) -> NDArray[np.bool_]:
        """Whether nothing is known of a customer, shape (b,)."""
        return several.empty

    def _fallback(self) -> Floats:
        """The scores of whom nothing is known, shape (m,): shares of customers who bought each item."""
        return (np.asarray(self.bought_by_) / max(int(np.max(self.bought_by_)), 1)).astype(np.float32)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.estimator_type = "recommender"
        return tags
