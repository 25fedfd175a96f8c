"""What a published model of brand choice says of each customer's next occasion, at the prices of now and of an offer.

A purchase panel has a row where somebody shopped, and the model is asked about one that has not come yet: the builder
of its own rows makes it as of a date (`PurchasePanel.ahead`), so that the model's own inputs come out of what the
customer did before and of the prices that were last seen. What it says is one text for each customer, a JSON list with
an entry for each alternative:

===================  ==========================================================================================
``item``             the brand as the data call it; empty for those that the model pools
``now``              the probability that it is chosen, given that one is
``offered``          the same where this brand alone is offered as the config says, and every other one as it is
``days``             how many days ago ``earlier`` and ``earlier_offered`` were true
===================  ==========================================================================================

Nothing after the date enters, and the model itself must have learned from nothing after it.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from cxai_runner.config.problems import Problem, UserError, did_you_mean
from cxai_runner.data.answers import value
from cxai_runner.evaluation.splits import Part
from cxai_runner.features.base import Features
from cxai_runner.features.fed import Feed
from cxai_runner.features.histories import CustomerHistories
from cxai_runner.features.panel_problems import config_of
from cxai_runner.features.purchase_panel import PurchasePanel

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from cxai_runner.data.tables.opened import Tables

    Floats = NDArray[np.float64]

COLUMN: Final = "choice"
"""What the column is called, so that recommenders know it."""
KEY: Final = f"features.models.{COLUMN}"
_POOLED: Final = ""
_DIGITS: Final = 6
_PRICE: Final = "price"
_REMEDY: Final = "a new value such as 1.99, or a change such as -10% or +10%"


@dataclass(frozen=True, eq=False, kw_only=True)
class ChoiceFeed(Feed):
    """A published model of brand choice.

    Parameters
    ----------
    panel, knew
        What makes its occasions, and what that learned when the model was trained.
    offered
        What an offer of a brand changes, by attribute and brand: ``{"price": {"69": "-10%"}}``.
    earlier
        Days before the date for which it is asked too.
    """

    panel: PurchasePanel
    knew: Mapping[str, Any]
    offered: Mapping[str, Any]
    earlier: int

    @property
    def until(self) -> datetime:
        """The instant before which everything lies that the model learned from."""
        return datetime.fromisoformat(self.panel.learned_until(self.knew))

    @property
    def items(self) -> dict[str, str]:
        """The brand that each alternative is."""
        brands = {alternative: brand for brand, alternative in self.knew["names"].items()}
        return {name: brands.get(name, _POOLED) for name in self.knew["present"]}

    def problems(self, of: Features, tables: Tables) -> Iterator[Problem]:
        """Yield why the histories' items are not the model's brands, and offers that cannot be; keys of features."""
        assert isinstance(of, CustomerHistories)  # no other rows are fed with it
        if of.table == "transactions" and of.item != self.panel.brand_by:
            told = f"{self.name} says which `{self.panel.brand_by}` of {self.panel.category} is chosen"
            yield Problem("item", told, of.item, f"write features.item={self.panel.brand_by}")
        elif "products" in tables:
            products, category = tables["products"], self.panel.category
            others = products.filter(products["category"].isnull() | (products["category"] != category))
            if of.table == "transactions" and value(others.count()):
                told = f"{self.name} knows brands of {category}, and there are products of other categories here"
                remedy = f"leave them out: '{config_of(tables, 'products')}.where={{category: {{eq: {category}}}}}'"
                yield Problem(f"models.{COLUMN}", told, remedy=remedy)
        yield from self._wrong_offers()

    def refuse_undated(self, train: Part, until: Any) -> None:
        """Refuse a split that holds out something else than what came after one date.

        Raises
        ------
        UserError
            Customers are asked about at dates of their own, which the model learned past, or at none.
        """
        if train.within is not None or train.customers is not None or until is None:
            told = f"{self.name} is asked as of one date, and this split does not hold out what came after one"
            raise UserError([Problem("split", told, remedy="hold out the future: split=last_four_weeks")], "data")

    def learn(self, tables: Tables, when: datetime) -> dict[str, Any]:
        """Learn the market as of a date, and as of some days before where the model had learned nothing since.

        Raises
        ------
        UserError
            The model learned from what came after the date.
        """
        if self.until > when:
            told = f"{self.name} learned from what came after {when:%Y-%m-%d}, up to {self.until:%Y-%m-%d}"
            remedy = "name one that learned from nothing later: task=brand_choice with more held out (split=last_days)"
            raise UserError([Problem(KEY, told, remedy=remedy)], "data")
        before = when - timedelta(days=self.earlier)
        earlier = self._market(tables, before) if self.until <= before else None
        return {"now": self._market(tables, when), "earlier": earlier}

    def said(
        self, tables: Tables, customers: pd.Series, when: datetime, known: Mapping[str, Any], *, back: bool
    ) -> pd.Series:
        """Return what the model says of each customer, a text; an empty list where it says nothing.

        Parameters
        ----------
        tables
            The source's.
        customers
            Their ids, each once.
        when
            The date.
        known
            From `learn`.
        back
            Whether it is asked as of some days before too, where it may be.
        """
        import pandas as pd

        asked = [("now", "offered", when)]
        if back and known["earlier"] is not None:
            asked.append(("earlier", "earlier_offered", when - timedelta(days=self.earlier)))
        columns: dict[str, pd.DataFrame] = {}
        for name, offered, date in asked:
            plain, changed = self._probabilities(tables, customers, date, known[name])
            columns[name] = plain
            if changed is not None:
                columns[offered] = changed
        values = {name: one.reindex(customers).to_numpy().round(_DIGITS).tolist() for name, one in columns.items()}
        texts = []
        for row in range(len(customers)):
            told = [{name: one[row][place] for name, one in values.items()} for place in range(len(self.items))]
            entries = [
                {"item": item, **{name: one for name, one in entry.items() if not math.isnan(one)}}
                for item, entry in zip(self.items.values(), told, strict=True)
            ]
            entries = [{**one, "days": self.earlier} if "earlier" in one else one for one in entries if "now" in one]
            texts.append(json.dumps(entries, ensure_ascii=False, separators=(",", ":")))
        return pd.Series(texts, index=customers, name=self.column, dtype="str")

    def _market(self, tables: Tables, when: datetime) -> dict[str, Any]:
        """What has to be known of a date beside what the model's own run learned."""
        extended = self.features.extended(tables, Part("held_out", end=when), self.learned)
        return {name: one for name, one in extended.items() if self.learned.get(name) != one}

    def _probabilities(
        self, tables: Tables, customers: pd.Series, when: datetime, known: Mapping[str, Any]
    ) -> tuple[pd.DataFrame, pd.DataFrame | None]:
        """The probability of each alternative by customer, as it is and where it is offered, None without offers.

        Raises
        ------
        UserError
            The model says something else, or no offer changes what it says.
        """
        part = Part("held_out", end=when, customers=customers.rename("customer_id").to_frame(), keep=True)
        made = self.features.build(tables, part, {**self.learned, **known})
        rows = made.frame[made.frame[list(made.roles.inputs)].notna().all(axis=1)].set_index(made.roles.id, drop=False)
        plain = self._answers(rows)
        changed = plain.copy()
        for name, changes in self._changes().items():
            offered = rows.assign(**{one: _changed(rows[one], change) for one, change in changes.items()})
            changed[name] = self._answers(offered)[name]
        if not self.offered:
            return plain, None
        if len(rows) and changed.equals(plain):
            told = f"changes nothing of what {self.name} says: none of {', '.join(self.offered)} is among its terms"
            raise UserError([Problem("features.offered", told, remedy="offer something that it knows")], "data")
        return plain, changed

    def _answers(self, rows: pd.DataFrame) -> pd.DataFrame:
        """The model's probabilities, a column for each alternative."""
        import numpy as np
        import pandas as pd

        names = list(self.items)
        if not len(rows):
            return pd.DataFrame(columns=names, index=rows.index, dtype=float)
        found = self.answer(rows)
        labels = [str(one) for one in found.columns] if isinstance(found, pd.DataFrame) else []
        if sorted(labels) != sorted(names):
            told = f"{self.name} does not say how likely each of {', '.join(names)} is chosen"
            raise UserError([Problem(KEY, told, self.uri, "name a model of task=brand_choice")], "data")
        P = found.to_numpy(dtype=np.float64)[:, [labels.index(name) for name in names]]
        return pd.DataFrame(P, columns=names, index=rows.index)

    def _changes(self) -> dict[str, dict[str, Any]]:
        """The columns that an offer changes, and how, by the alternative that is offered."""
        alternatives = {brand: name for name, brand in self.items.items() if brand != _POOLED}
        found: dict[str, dict[str, Any]] = {}
        for attribute, changes in self.offered.items():
            each = changes if isinstance(changes, Mapping) else dict.fromkeys(alternatives, changes)
            for brand, change in each.items():
                name = alternatives.get(str(brand), str(brand))
                found.setdefault(name, {})[f"{attribute}_{name}"] = change
        return found

    def _wrong_offers(self) -> Iterator[Problem]:
        """Yield attributes and brands that are none, and changes that cannot be read."""
        market = self.knew["market"][0]
        names = [name for name, brand in self.items.items() if brand != _POOLED]
        suffix = f"_{names[0]}"
        attributes = sorted(key.removesuffix(suffix) for key in market if key.endswith(suffix))
        known = {*self.items.values(), *names} - {_POOLED}
        for attribute, changes in self.offered.items():
            if attribute not in attributes:
                remedy = did_you_mean(str(attribute), attributes)
                yield Problem("offered", f"{self.name} knows no such attribute of a brand", attribute, remedy)
                continue
            each = changes if isinstance(changes, Mapping) else {"": changes}
            for brand, change in each.items():
                key = f"offered.{attribute}.{brand}".rstrip(".")
                factor = _factor(change)
                if brand != "" and str(brand) not in known:
                    remedy = did_you_mean(str(brand), sorted(known))
                    yield Problem(key, f"{self.name} knows no such brand", brand, remedy)
                elif factor is None or factor < 0 or (factor == 0 and attribute == _PRICE):
                    yield Problem(key, "is no change that can be made", change, _REMEDY)
                elif attribute != _PRICE and not isinstance(change, str) and factor > 1:
                    yield Problem(key, f"{attribute} is a share", change, "a number between 0 and 1")


def _changed(values: pd.Series, change: Any) -> Any:
    factor = _factor(change)
    assert factor is not None  # what cannot be read is told before
    return values * factor if isinstance(change, str) else factor


def _factor(change: Any) -> float | None:
    """A new value, or what a change in per cent multiplies by; None for neither."""
    if isinstance(change, str) and change.endswith("%"):
        try:
            found = 1 + float(change[:-1]) / 100
        except ValueError:
            return None
        return found if math.isfinite(found) else None
    is_number = isinstance(change, int | float) and not isinstance(change, bool) and math.isfinite(change)
    return float(change) if is_number else None
