"""What the next best offer is asked with: what a purchase is worth, what an offer costs, and the rules of the house."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal

import numpy as np
import pandas as pd
from annotated_types import Ge, Gt

from cxai_runner.config.problems import Problem, did_you_mean
from cxai_runner.methods.recommend.fitted_choice import OFFERED, uplifts
from cxai_runner.methods.recommend.interactions import CHOICE, Catalogue

Money = Annotated[float, Ge(0)]
Count = Annotated[int, Ge(1)]

PRICE, CATEGORY = "price", "category"
AUTO: Final = "auto"


@dataclass(frozen=True, kw_only=True)
class Offers:
    """Which offers are made to whom: value, costs and rules.

    Parameters
    ----------
    horizon
        Days within which an offered item is to be bought. Probabilities are learned from the last days of the training
        part, so many of them; they are held against the first so many of the held-out part, if it has them.
    candidates
        Items of each customer's list, from the first on, that an offer is chosen among.
    calibration
        How scores become probabilities: ``platt``, ``isotonic``, ``none`` after a logistic model, or ``auto``.
    value
        What a purchase brings: a number, a column of the items, or ``auto``, the price where it is known and else 1.
    margin
        Share of the value that stays: a number or a column; all of it by default.
    uplift
        By what share an offer raises the probability of a purchase, to one at most: a number or a column; or
        ``offered``, what a fitted model of brand choice says of ``features.offered``. By default it is not known, and
        what is counted is the value of the purchase, not that of the offer.
    contact_cost
        What it costs to contact a customer, however many offers they get.
    offer_cost
        What each offer costs.
    per_customer
        Offers that a customer gets at most.
    per_category
        Of these, offers of one category at most; ``auto`` is 1 where categories are known; null for no limit.
    category
        The column of the items with their category; ``auto`` is ``category`` where there is one.
    owned
        Items that are not offered again: what was bought within so many days, or ``ever``; null for none.
    stock
        The column of the items with the units that are left: an item is offered to no more customers than that.
    per_item
        Customers to whom an item is offered at most.
    contacts
        Customers who are contacted at most.
    offers
        Offers that are made at most in all.
    budget
        What contacts and offers cost at most in all.
    method
        ``exact`` by mixed-integer programming, ``relaxed`` by prices with a stated gap; ``auto`` is the second, and the
        first after it where that is not proved best and candidates are few.
    explain
        How the reason of an offer is found: ``alone``, whose buyers are recommended it; ``without``, by leaving items
        out of the history in turn, slower; null for no reasons.
    exposure
        Whether the offers are judged by exposures that were logged, where the features bring them
        (``features.exposures``).
    """

    horizon: Annotated[float, Gt(0)] = 28
    candidates: Count = 50
    calibration: Literal["auto", "platt", "isotonic", "none"] = "auto"
    value: Money | str = AUTO
    margin: Money | str | None = None
    uplift: Money | str | None = None
    contact_cost: Money = 0.0
    offer_cost: Money = 0.0
    per_customer: Count = 3
    per_category: Count | Literal["auto"] | None = AUTO
    category: str = AUTO
    owned: Annotated[int, Ge(1)] | Literal["ever"] | None = None
    stock: str | None = None
    per_item: Count | None = None
    contacts: Count | None = None
    offers: Count | None = None
    budget: Money | None = None
    method: Literal["auto", "exact", "relaxed"] = "auto"
    explain: Literal["alone", "without"] | None = "alone"
    exposure: bool = True

    def inspect(self, items: pd.DataFrame | None, frame: pd.DataFrame) -> Iterator[Problem]:
        """Yield a budget that nothing is paid from, and columns that are not there or no numbers of 0 or more."""
        if self.uplift == OFFERED and not (CHOICE in frame and frame[CHOICE].str.contains(f'"{OFFERED}":').any()):
            told = "no model of brand choice says what an offer changes"
            remedy = f"write features.models.{CHOICE}=models:/NAME@champion and features.offered={{price: -10%}}"
            yield Problem("uplift", told, self.uplift, remedy)
        if self.budget is not None and not self.contact_cost and not self.offer_cost:
            told = "limits nothing, as neither contacts nor offers cost anything"
            yield Problem("budget", told, self.budget, "write task.offers.contact_cost or task.offers.offer_cost")
        have = [] if items is None else [str(name) for name in items]
        if self.category != AUTO and self.category not in have:
            yield Problem("category", "no such column of the items", self.category, did_you_mean(self.category, have))
        for key in ("value", "margin", "uplift", "stock"):
            name = getattr(self, key)
            if not isinstance(name, str) or name == AUTO or (key, name) == ("uplift", OFFERED):
                continue
            if items is None or name not in have:
                yield Problem(key, "no such column of the items", name, did_you_mean(name, have))
                continue
            numbers = pd.to_numeric(items[name], errors="coerce")
            texts = items[name][numbers.isna() & items[name].notna()]
            if len(texts):
                told = f"has to be numbers of 0 or more, and {len(texts):,} are none, as {str(texts.iloc[0])!r}"
                yield Problem(key, told, name, "mend the column, or name another")
            elif not numbers.notna().any() or (numbers < 0).any() or np.isinf(numbers).any():
                yield Problem(key, "has to be numbers of 0 or more", name, "mend the column, or name another")


@dataclass(frozen=True, eq=False)
class Worth:
    """What is known of the items of a catalogue, shape (m,) each.

    Parameters
    ----------
    value
        What a purchase brings, margin counted; NaN where it is not known.
    uplift
        By what share an offer raises the probability; of each customer, shape (n, m), where it differs; None where it
        is not known.
    categories
        A number for each category; of its own where it is not known.
    limit
        To how many customers it may be offered; infinite where there is no limit, NaN where its stock is not known.
    counts
        Whether each purchase counts 1, as no price is known.
    """

    value: np.ndarray
    uplift: np.ndarray | None
    categories: np.ndarray
    limit: np.ndarray
    counts: bool = False

    @property
    def unknown(self) -> Mapping[str, np.ndarray]:
        """Which items are not offered as something of them is not known, by what that is, shape (m,) each."""
        found = {"value": np.isnan(self.value), "stock": np.isnan(self.limit)}
        if self.uplift is not None and self.uplift.ndim == 1:
            found["uplift"] = np.isnan(self.uplift)
        return found

    def counted(self, codes: np.ndarray, probability: np.ndarray) -> np.ndarray:
        """Return what one purchase that is expected of each candidate counts, shape (n, K); 0 where it is not known.

        With an uplift u it is the share of the purchase that the offer adds, times its value. An offer can add what
        is left of a probability p at most: min(u, (1 − p) / p).
        """
        value = np.append(np.nan_to_num(self.value), 0.0)[codes]
        if self.uplift is None:
            return value
        left = (1 - probability) / np.maximum(probability, 1e-300)
        each = np.broadcast_to(np.nan_to_num(self.uplift), (len(codes), len(self.value)))
        uplift = np.where(codes >= 0, np.take_along_axis(each, np.maximum(codes, 0), axis=1), 0.0)
        return value * np.minimum(uplift, left)

    @classmethod
    def of(
        cls, settings: Offers, about: pd.DataFrame | None, catalogue: Catalogue, frame: pd.DataFrame | None = None
    ) -> Worth:
        """Look the items of a catalogue up; ``frame`` are the customers, where an uplift may be theirs."""
        items = list(catalogue.items)
        known = pd.DataFrame({"item_id": []}) if about is None else about
        known = known.assign(item_id=known["item_id"].astype(str)).drop_duplicates("item_id").set_index("item_id")
        known = known.reindex(items)

        def column(given: Any) -> np.ndarray:
            if isinstance(given, str):
                return pd.to_numeric(known[given], errors="coerce").to_numpy(dtype=np.float64)
            return np.full(len(items), float(given))

        value = settings.value
        if value == AUTO:
            value = PRICE if PRICE in known else 1.0
        counts = settings.value == AUTO and value != PRICE
        worth = column(value)
        if settings.margin is not None:
            worth = worth * column(settings.margin)
        kind = CATEGORY if settings.category == AUTO else settings.category
        codes = np.arange(len(items))
        if kind in known:
            named, _ = pd.factorize(known[kind])
            codes = np.where(named >= 0, named, named.max(initial=-1) + 1 + codes)
        limit = np.full(len(items), np.inf if settings.per_item is None else float(settings.per_item))
        if settings.stock is not None:
            limit = np.minimum(limit, np.floor(column(settings.stock)))
        uplift = None
        if settings.uplift == OFFERED:
            uplift = None if frame is None else uplifts(frame[CHOICE], catalogue)
        elif settings.uplift is not None:
            uplift = column(settings.uplift)
        return cls(worth, uplift, codes.astype(np.int64), limit, counts)
