"""Scored customers: what each wanted, and the list that every model made for them.

A column of texts holds a list as JSON, as histories do. What happened is kept apart from what models said:

================  ==========================================================================================
bought            what the customer bought in the held-out part
wanted            those of it that are judged
wanted_again      those of `wanted` that the customer had bought before
unknown           how many of `bought` nobody had bought in training: no model can recommend them
history           how many items of the catalogue the customer had bought before; 0 is a cold customer
item_1 … item_k   the model's list, with ``score_1`` … ``score_k`` and ``fallback``
baseline          the list of what most customers bought
against_NAME      the list of a model that stands beside
listed_again      how many of the model's list the customer had bought before; −1 where that is not known. The same
                  of the others: ``listed_again_baseline``, ``listed_again_against_NAME``
slice_NAME        what kind of customer it is
================  ==========================================================================================

A customer who bought nothing, as in training, has no list: there is nothing to hold it against.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cxai_runner.evaluation.discrimination import Codes
from cxai_runner.evaluation.intervals import Statistic
from cxai_runner.evaluation.metrics import Named, codes_of
from cxai_runner.evaluation.ranking import (
    Hits,
    Ints,
    among,
    distinct,
    hits_of,
    many_wanted,
    mean_where,
    ranking_names,
    ranking_statistics,
    recall,
)
from cxai_runner.methods.recommend.interactions import Catalogue
from cxai_runner.methods.recommend.lists import Listed, parsed, text

MODEL: Final = "item_"
"""In front of a place: the model's own list, a column for each place."""
BASELINE: Final = "baseline"
AGAINST: Final = "against_"
"""In front of the name of a model that stands beside: the column of its lists."""
SLICE: Final = "slice_"
"""In front of a column that tells customers apart."""
LISTED_AGAIN: Final = "listed_again"
CAME: Final = ("bought_value", "bought_days", "held_out_days")
"""What the backtest of offers wants of the held-out part, beside `bought`."""
OBSERVED: Final = ("wanted", "wanted_again", "unknown", *CAME)
"""What happened, beside `bought`."""
NOT_KNOWN: Final = -1


@dataclass(frozen=True, eq=False)
class Happened:
    """What customers went on to buy, beside what they had bought before.

    Parameters
    ----------
    frame
        The columns ``wanted``, ``wanted_again``, ``unknown`` and ``history``.
    before
        What each had bought before: a number for each customer and item that was.
    numbers
        What was bought before, by number.
    """

    frame: pd.DataFrame
    before: Ints
    numbers: pd.Index

    @classmethod
    def of(cls, data: pd.DataFrame, catalogue: Catalogue, *, repeats: bool, missed: bool) -> Happened:
        """Read the lists of a dataset's frame.

        Parameters
        ----------
        data
            ``items`` and ``bought``, a row per customer.
        catalogue
            What was bought in training.
        repeats
            Whether what a customer had bought before is judged.
        missed
            Whether what is not in the catalogue is judged: as missed by every model.
        """
        begins, bought = parsed(data["bought"])
        owned = Listed.of(data["items"])
        numbers = pd.Index(owned.names, dtype=object)
        many, rows = max(len(numbers), 1), np.repeat(np.arange(len(data)), np.diff(begins))
        before = distinct(np.repeat(np.arange(len(data)), np.diff(owned.begins)) * many + owned.codes)
        codes, known = _codes(numbers, bought), catalogue.codes(bought) >= 0
        again = (codes >= 0) & among(rows * many + codes, before)
        judged = np.full(len(bought), True) if missed else known.copy()
        judged &= True if repeats else ~again
        named = catalogue.codes(owned.names) >= 0
        frame = pd.DataFrame(
            {
                "wanted": _texts(bought, rows, judged, len(data)),
                "wanted_again": _texts(bought, rows, judged & again, len(data)),
                "unknown": np.bincount(rows[~known], minlength=len(data)),
                "history": np.bincount(before[named[before % many]] // many, minlength=len(data)),
            }
        )
        return cls(frame, before, numbers)

    def listed_again(self, lists: NDArray[np.object_]) -> Ints:
        """Count the items of each list, shape (n, k), that the customer had bought before."""
        codes = _codes(self.numbers, lists.ravel().tolist()).reshape(lists.shape)
        keys = np.arange(len(lists))[:, np.newaxis] * max(len(self.numbers), 1) + codes
        return (among(keys, self.before) & (codes >= 0)).sum(axis=1).astype(np.int64)


@dataclass(frozen=True, eq=False)
class Judged:
    """Scored customers who wanted something, with all items by number.

    Parameters
    ----------
    scores
        Their rows.
    k
        Items on a list.
    items
        What each item is called, by number.
    begins, wanted
        Where each customer's items begin, shape (n + 1,), and these.
    again
        Of each of these whether the customer had bought it before.
    lists
        Of the model, those beside it and the baseline: items by number, shape (n, k), −1 where there is none.
    codes, customers
        The customer of each row, and how many there are.
    """

    scores: pd.DataFrame
    k: int
    items: NDArray[np.object_]
    begins: Ints
    wanted: Ints
    again: NDArray[np.bool_]
    lists: dict[str, Ints]
    codes: Codes
    customers: int

    @classmethod
    def of(cls, scores: pd.DataFrame, k: int, whose: Sequence[str] | None = None, *, every: bool = False) -> Judged:
        """Read the lists of scored rows.

        Parameters
        ----------
        scores
            As the task returns them.
        k
            Items on a list.
        whose
            Which lists are read: ``item_``, ``baseline``, ``against_NAME``; all by default.
        every
            Whether rows of customers who wanted nothing are kept.
        """
        if not every:
            scores = scores[scores["wanted"] != "[]"].reset_index(drop=True)
        if whose is None:
            beside = [str(name) for name in scores if str(name).startswith(AGAINST)]
            whose = [MODEL, *beside, BASELINE]
        begins, wanted = parsed(scores["wanted"])
        starts, again = parsed(scores["wanted_again"])
        named = {one: _names(scores, one, k) for one in whose}
        flat = [wanted, again, *(one.ravel().tolist() for one in named.values())]
        together = np.asarray([name for part in flat for name in part], dtype=object)
        numbers, items = pd.factorize(together)
        numbers = np.where(together == "", -1, numbers).astype(np.int64)
        parts = np.split(numbers, np.cumsum([len(part) for part in flat])[:-1])
        many = max(len(items), 1)
        rows, others = (np.repeat(np.arange(len(scores)), np.diff(one)) for one in (begins, starts))
        codes, customers = codes_of(scores["customer_id"])
        return cls(
            scores=scores,
            k=k,
            items=np.asarray(items, dtype=object),
            begins=begins,
            wanted=parts[0],
            again=among(rows * many + parts[0], distinct(others * many + parts[1])),
            lists={one: part.reshape(-1, k) for one, part in zip(named, parts[2:], strict=True)},
            codes=codes,
            customers=customers,
        )

    def __len__(self) -> int:
        return len(self.scores)

    def hits(self, whose: str = MODEL, chosen: NDArray[np.bool_] | None = None) -> tuple[Hits, Ints]:
        """Return which places of a model's lists hit, shape (n, k), and how many items were wanted, shape (n,).

        ``chosen`` tells which of `wanted` count; by default all do.
        """
        begins, wanted = self.begins, self.wanted
        if chosen is not None:
            rows = np.repeat(np.arange(len(self)), np.diff(begins))[chosen]
            begins = np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=len(self)))]).astype(np.int64)
            wanted = wanted[chosen]
        return hits_of(self.lists[whose], begins, wanted), many_wanted(begins, wanted)

    def listed_again(self, whose: str = MODEL) -> Ints | None:
        """How many of each list the customer had bought before, shape (n,); None where it is not known of all."""
        found = self.scores[again_of(whose)].to_numpy()
        return None if (found == NOT_KNOWN).any() else found

    def statistics(self, whose: str = MODEL) -> dict[str, Statistic]:
        """Return the metrics of a model by name, each as a function of how often a customer is drawn."""
        found = ranking_statistics(*self.hits(whose), self.codes, self.customers)
        for name, chosen in (("recall_again", self.again), ("recall_new", ~self.again)):
            if chosen.any():
                hits, wanted = self.hits(whose, chosen)
                found[name] = mean_where(recall(hits, wanted), wanted > 0, self.codes, self.customers)
        return found

    @property
    def named(self) -> list[Named]:
        """The metrics that `statistics` has."""
        found = list(ranking_names(self.k))
        if self.again.any():
            found.append(Named("recall_again", f"recall@{self.k} of items bought before", "higher"))
        if not self.again.all():
            found.append(Named("recall_new", f"recall@{self.k} of new items", "higher"))
        return found


def again_of(whose: str) -> str:
    """Name the column that counts what of a list had been bought before."""
    return LISTED_AGAIN if whose == MODEL else f"{LISTED_AGAIN}_{whose}"


def as_texts(lists: NDArray[np.object_]) -> list[str]:
    """Write lists, shape (n, k), as JSON; an empty text is no item."""
    return [text([one for one in row if one]) for row in lists]


def places(k: int, named: str = MODEL) -> list[str]:
    """Name the columns of a list of k."""
    return [f"{named}{place}" for place in range(1, k + 1)]


def _names(scores: pd.DataFrame, whose: str, k: int) -> NDArray[np.object_]:
    """The items of a model's lists, shape (n, k); an empty text where there is none."""
    if whose == MODEL:
        return scores[places(k)].astype(object).to_numpy()
    begins, items = parsed(scores[whose])
    found = np.full((len(scores), k), "", dtype=object)
    lengths = np.diff(begins)
    rows = np.repeat(np.arange(len(scores)), lengths)
    place = np.arange(len(items)) - np.repeat(begins[:-1], lengths)
    near = place < k
    found[rows[near], place[near]] = np.asarray(items, dtype=object)[near]
    return found


def _codes(numbers: pd.Index, names: Sequence[Any]) -> Ints:
    return numbers.get_indexer(pd.Index(names, dtype=object)).astype(np.int64)


def _texts(names: Sequence[str], rows: NDArray[Any], chosen: NDArray[np.bool_], n: int) -> list[str]:
    """The chosen names of each row, as a text."""
    where = np.flatnonzero(chosen)
    ends = np.cumsum(np.bincount(rows[where], minlength=n))
    kept = [names[one] for one in where.tolist()]
    return [
        text(part) for part in (kept[end - many : end] for end, many in zip(ends, np.diff([0, *ends]), strict=True))
    ]
