"""A fitted model of brand choice as a recommender: what it says that each customer takes next comes with the customer.

A column ``choice`` has it, a JSON list with an entry for each alternative of the model:
``[{"item":"pepsi","now":0.4,"offered":0.5},{"item":"","now":0.6}]``. ``now`` is the probability that it is chosen at
the prices of today, ``offered`` that at the price it would be offered at. An empty ``item`` are all others together.
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cxai_runner.methods.recommend.errors import UnlearnableError
from cxai_runner.methods.recommend.interactions import CHOICE, Catalogue, Interactions
from cxai_runner.methods.recommend.lists import MalformedHistoryError
from cxai_runner.methods.recommend.recommender import Recommender

Floats = NDArray[np.float64]

NOW, OFFERED = "now", "offered"


class FittedChoice(Recommender):
    """Recommend by how probable each brand is on the next occasion, as a model of brand choice fitted elsewhere has it.

    Nothing is fitted here. Where the model pools the brands that it does not name, each of them gets a part of their
    probability, in proportion to how many customers bought it; where it has no such alternative they come last.

    Parameters
    ----------
    k
        Items on a list.
    repeats
        Whether what a customer bought before may be on their list.
    offered
        Whether each brand is ranked by its probability where it alone is offered, rather than at the prices of today.
    """

    def __init__(self, k: int = 10, repeats: bool = True, offered: bool = False) -> None:
        self.k = k
        self.repeats = repeats
        self.offered = offered

    @property
    def takes_choice(self) -> bool:
        """It does."""
        return True

    def _learn(self, several: Interactions, items: pd.DataFrame | None) -> None:
        if several.choice is None:
            raise UnlearnableError(
                f"no column `{CHOICE}` says what a fitted model expects: name one of task=brand_choice, "
                "features.models.choice=models:/NAME@champion"
            )
        if self._unknown(several).all():
            raise UnlearnableError("the model of brand choice says nothing of any customer")
        now, offered = probabilities(several.choice, self.catalogue)
        if self.offered and offered is None:
            raise UnlearnableError("nothing says what an offer changes: write features.offered={price: -10%}")
        if not np.nan_to_num(now).any():
            raise UnlearnableError(
                "the model of brand choice knows none of these items: are they brands of its category?"
            )

    def _score(self, several: Interactions) -> NDArray[np.float32]:
        if several.choice is None:  # what goes with an item, a brand that is chosen does not tell
            return np.zeros((len(several), several.items), dtype=np.float32)
        now, offered = probabilities(several.choice, self.catalogue)
        return np.nan_to_num(now if offered is None or not self.offered else offered).astype(np.float32)

    def _unknown(self, several: Interactions) -> NDArray[np.bool_]:
        """Whether the model says nothing of a customer; of one without a history it does."""
        if several.choice is None:
            return np.ones(len(several), dtype=np.bool_)
        return np.array([not _entries(one) for one in several.choice], dtype=np.bool_)


def probabilities(choice: pd.Series, catalogue: Catalogue) -> tuple[Floats, Floats | None]:
    """Return the probability of each item of a catalogue as it is, and where it is offered, shape (n, m) each.

    Parameters
    ----------
    choice
        What a model of brand choice says of each customer, JSON lists.
    catalogue
        The items; the brands that the model does not name share what it gives them together as customers bought them.

    Returns
    -------
    now, offered
        NaN for a customer of whom it says nothing. ``offered`` is None where it says of none what an offer changes.

    Raises
    ------
    MalformedHistoryError
        What is no JSON list of such entries.
    """
    read = [_entries(one) for one in choice]
    named = dict.fromkeys(entry["item"] for entries in read for entry in entries)
    codes = dict(zip(named, catalogue.codes(list(named)).tolist(), strict=True))
    others = np.ones(len(catalogue), dtype=np.bool_)
    others[[code for code in codes.values() if code >= 0]] = False
    share = np.where(others, catalogue.customers, 0) / max(int(catalogue.customers[others].sum()), 1)
    now, offered = (np.full((len(read), len(catalogue)), np.nan) for _ in range(2))
    is_offered = False
    for row, entries in enumerate(read):
        if entries:
            now[row] = offered[row] = 0
        for entry in entries:
            value, code = float(entry[NOW]), codes[entry["item"]]
            is_offered |= OFFERED in entry
            if entry["item"] == "":
                now[row] += value * share
                offered[row] += value * share
            elif code >= 0:
                now[row, code], offered[row, code] = value, float(entry.get(OFFERED, value))
    return now, offered if is_offered else None


def uplifts(choice: pd.Series, catalogue: Catalogue) -> Floats:
    """Return by what share an offer raises the probability of each item, shape (n, m); 0 where that is not known."""
    now, offered = probabilities(choice, catalogue)
    if offered is None:
        return np.zeros_like(now)
    return np.nan_to_num(np.divide(offered, now, out=np.ones_like(now), where=now > 0) - 1)


def as_of_earlier(choice: pd.Series, days: float) -> pd.Series:
    """Return what the model said of each customer so many days ago; an empty list where that is not known."""

    def earlier(text: Any) -> str:
        entries = [one for one in _entries(text) if "earlier" in one and one["days"] == days]
        names = ((NOW, "earlier"), (OFFERED, "earlier_offered"))
        told = [{"item": one["item"], **{a: one[b] for a, b in names if b in one}} for one in entries]
        return json.dumps(told, ensure_ascii=False, separators=(",", ":"))

    return choice.map(earlier)


def _entries(text: Any) -> list[dict[str, Any]]:
    """What one text holds; a missing one is an empty list."""
    if not isinstance(text, str | list) and pd.isna(text):
        return []
    try:
        found = json.loads(text) if isinstance(text, str) else text
        if all(isinstance(one["item"], str) and np.isfinite(float(one[NOW])) for one in found):
            return list(found)
    except (ValueError, TypeError, KeyError):
        pass
    raise MalformedHistoryError(f'{CHOICE}: a JSON list, as in [{{"item":"pepsi","now":0.4}}], not {str(text)[:60]!r}')
