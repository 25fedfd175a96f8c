"""What each customer bought up to a date, and what they went on to buy: a row per customer, with lists."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Final, Literal

from annotated_types import Ge

from cxai_runner.data.dataset import Dataset, Dropped, Roles
from cxai_runner.data.tables.instants import instant
from cxai_runner.data.tables.needs import Needs
from cxai_runner.features.base import Features

if TYPE_CHECKING:
    import pandas as pd
    from ibis.expr.types import Table as IbisTable

    from cxai_runner.data.tables.opened import Tables
    from cxai_runner.evaluation.splits import Part

ROW: Final = ("customer_id", "items", "weights", "days", "bought", "bought_value")


@dataclass(frozen=True, kw_only=True)
class CustomerHistories(Features):
    """One row per customer: what they bought before a date, and what they bought from it on.

    With t the first instant of the held-out part, or the end of the data where nothing is held out:

    ================  ===================================================================================
    items             what was bought before t, the oldest first, once for each order
    weights           how much each counts
    days              days from each purchase to t; what has the same is one basket
    bought            held out: the different items bought from t on; in training none
    bought_value      the money spent on each of these; 1 where none is known
    ================  ===================================================================================

    All five are JSON lists. Nothing at or after t is read for the first three. Columns of a table `customers` are
    joined; what is known of items (category, brand, price) is the frame ``items`` beside it.

    Parameters
    ----------
    table
        Where the events are: ``transactions``, or ``interactions``, whose items are ``item_id``.
    item
        What is recommended: ``product_id``, or a column of `products` such as ``category``.
    weight
        ``count``, or a number of each event: ``quantity``, ``revenue``, ``weight``.
    fewest
        Customers that must have bought an item before t; others are left out and counted.
    """

    makes: ClassVar[str] = "histories"

    table: Literal["transactions", "interactions"] = "transactions"
    item: str = "product_id"
    weight: Literal["count", "quantity", "revenue", "weight"] = "count"
    fewest: Annotated[int, Ge(1)] = 1

    def needs(self) -> Needs:
        """Events with their items, and what is known of items and customers."""
        item = () if self._of_products else (self._item,)
        extra = () if self.weight == "count" else (self.weight,)
        required: dict[str, tuple[str, ...]] = {
            self.table: ("customer_id", "timestamp", *item, *(("product_id",) if not item else ()), *extra)
        }
        if self._of_products:
            required["products"] = ("product_id", self.item)
        optional = {self.table: ("order_id", "revenue"), "products": ("*",), "customers": ("*",)}
        return Needs(required, optional)

    def provides(self, tables: Tables) -> tuple[str, ...]:
        """The lists, and what is known of customers."""
        return (*ROW, *self._known(tables))

    def rows(self, tables: Tables) -> IbisTable:
        """Every event, with its date."""
        return self._events(tables).select("customer_id", time="timestamp")

    def learn(self, tables: Tables, train: Part) -> Mapping[str, Any]:
        """Learn which items enough customers bought, and up to when the training part is known."""
        events = train.select(self._events(tables), "timestamp")
        counts = events.group_by("item_id").aggregate(customers=events["customer_id"].nunique())
        kept = counts.filter(counts["customers"] >= self.fewest).select("item_id").to_pyarrow()
        end = instant(train.end) or self._end(tables)
        return {"as_of": end.isoformat(), "items": sorted(kept["item_id"].to_pylist()) if self.fewest > 1 else None}

    def seen_until(self, learned: Mapping[str, Any]) -> Any:
        """The end of the training part."""
        return learned["as_of"]

    def build(self, tables: Tables, part: Part, learned: Mapping[str, Any]) -> Dataset:
        """Build one part; of the held-out one, the customers who bought something in it."""
        import pandas as pd

        end = instant(part.start) or instant(part.end) or self._end(tables)
        events = self._events(tables).execute()
        events = events.sort_values(["customer_id", "timestamp", "item_id"], kind="stable", ignore_index=True)
        before, after = events[events["timestamp"] < end], events[events["timestamp"] >= end]
        histories = self._lists(before, end)
        dropped: list[Dropped] = []
        if part.start is not None:
            came = after.groupby(["customer_id", "item_id"], sort=True)["value"].sum().reset_index()
            came = came.groupby("customer_id").agg(bought=("item_id", _text), bought_value=("value", _text))
            frame = came.join(histories, how="left").reset_index()
            every = events["customer_id"].nunique()
            dropped.append(Dropped(self.makes, "nothing bought in the held-out part", every - len(frame), every))
        else:
            frame = histories.reset_index().assign(bought="[]", bought_value="[]")
        for name in ("items", "weights", "days"):
            frame[name] = frame[name].fillna("[]")
        known = self._known(tables)
        if known:
            about = tables["customers"].select("customer_id", *known).execute()
            frame = frame.merge(about, on="customer_id", how="left")
        frame = frame[[*ROW, *known]].sort_values("customer_id", ignore_index=True)
        roles = Roles(inputs=("items", "weights", "days", *known))
        return Dataset(self.makes, frame, roles, tuple(dropped), others={"items": self._about_items(tables, pd)})

    @property
    def _item(self) -> str:
        return "item_id" if self.table == "interactions" else self.item

    @property
    def _of_products(self) -> bool:
        return self.table == "transactions" and self.item != "product_id"

    def _events(self, tables: Tables) -> IbisTable:
        import ibis

        events = tables[self.table]
        if self._of_products:
            about = tables["products"].select("product_id", item_id=self.item)
            events = events.inner_join(about, "product_id").filter(lambda t: t["item_id"].notnull())
        else:
            events = events.mutate(item_id=events[self._item])
        weight = ibis.literal(1.0) if self.weight == "count" else events[self.weight].cast("float64")
        value = events["revenue"].cast("float64") if "revenue" in events.columns else ibis.literal(1.0)
        events = events.mutate(weight=weight, value=value, item_id=events["item_id"].cast("string"))
        grouped = events.group_by(["customer_id", "timestamp", "item_id"])
        return grouped.aggregate(
            weight=events["weight"].max() if self.weight == "count" else events["weight"].sum(),
            value=events["value"].sum(),
        )

    def _lists(self, before: pd.DataFrame, end: datetime) -> pd.DataFrame:
        days = ((end - before["timestamp"]).dt.total_seconds() / 86_400).round(4)
        grouped = before.assign(days=days).groupby("customer_id", sort=True)
        return grouped.agg(items=("item_id", _text), weights=("weight", _text), days=("days", _text))

    def _about_items(self, tables: Tables, pd: Any) -> pd.DataFrame:
        if "products" not in tables.mapped or self._of_products:
            return pd.DataFrame({"item_id": []})
        about = tables["products"]
        return about.rename(item_id="product_id").execute().assign(item_id=lambda f: f["item_id"].astype(str))

    def _known(self, tables: Tables) -> tuple[str, ...]:
        return tuple(one for one in tables.columns("customers") if one not in ROW)

    def _end(self, tables: Tables) -> datetime:
        from datetime import timedelta

        from cxai_runner.data import answers

        last = instant(answers.value(tables[self.table]["timestamp"].max()))
        assert last is not None
        return datetime(last.year, last.month, last.day) + timedelta(days=1)


def _text(values: pd.Series) -> str:
    import json

    return json.dumps(values.tolist(), separators=(",", ":"), ensure_ascii=False)
