"""Who was exposed to which items in the last days of the training part, by what was logged: offers really made.

Nobody was exposed one by one. A campaign went to some customers, a mailer to all who shop at a store: what is told is
which campaign or store had which items, and which customers were of it. Customers times items would be many more rows,
nearly all of which nobody asks for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

from annotated_types import Ge

from cxai_runner.config.problems import Problem
from cxai_runner.data.answers import ask, value
from cxai_runner.data.tables.casts import as_text
from cxai_runner.data.tables.needs import Needs
from cxai_runner.features import panel_problems, promotions, stores

if TYPE_CHECKING:
    import pandas as pd
    from ibis.expr.types import Table as IbisTable

    from cxai_runner.data.tables.opened import Tables

EXPOSURES: Final = "exposures"
"""The frame of what each campaign or store exposed its customers to."""
MEMBERS: Final = "exposed_customers"
"""The frame of which customers are of which campaign or store."""

_COLUMNS: Final[Mapping[str, str]] = {"mailers": "mailer", "displays": "display"}
_MIDDLE: Final = timedelta(days=3, hours=12)
"""From the first instant of a week to its middle."""


@dataclass(frozen=True, kw_only=True)
class Exposures:
    """Coupons of campaigns that were mailed to customers, or what the mailers or displays of their store showed.

    The store of a customer is the one of most of their orders before these days, so that it was not chosen for what its
    mailer had. Customers of a store of which nothing is known in these days are left out.

    Parameters
    ----------
    of
        ``coupons`` of `campaigns`; ``mailers`` or ``displays`` of `promotions`, by store.
    days
        The last days of the training part; as many as ``task.offers.horizon``. Campaigns count that ran within them,
        and weeks most of whose days are within them.
    types
        Campaigns to take, by ``campaign_type``; all by default. Leave out those of which a customer gets some coupons
        only, chosen for them: who was exposed to what is then not known.
    """

    of: Literal["coupons", "mailers", "displays"] = "coupons"
    days: Annotated[int, Ge(1)] = 28
    types: Sequence[str] | None = None

    def needs(self) -> Needs:
        """The columns of each table that have to be there."""
        if self.of == "coupons":
            kind = () if self.types is None else ("campaign_type",)
            return Needs(
                {
                    "campaigns": ("campaign_id", "start", "end", *kind),
                    "mailings": ("customer_id", "campaign_id"),
                    "coupons": ("campaign_id", "product_id"),
                }
            )
        return Needs(
            {
                "promotions": ("product_id", "store_id", "week", _COLUMNS[self.of]),
                "transactions": ("customer_id", "timestamp", "store_id", "week"),
            },
            {"transactions": ("order_id",)},
        )

    def problems(self, tables: Tables) -> Iterator[Problem]:
        """Yield types of campaigns where there are none, weeks that cannot be told apart, and stores of other names."""
        if self.of == "coupons":
            return
        if self.types is not None:
            yield Problem("types", f"{self.of} are of no campaign", list(self.types), "leave it out, or of=coupons")
        yield from panel_problems.weeks(tables)
        visited = _text(tables["transactions"], "store_id").select("store_id").distinct()
        if not value(_text(tables["promotions"], "store_id").semi_join(visited, "store_id").limit(1).count()):
            yield Problem("of", "no store of promotions is one of transactions", self.of, "map the same names of both")

    def found(self, tables: Tables, item: str, items: Sequence[str], end: datetime) -> dict[str, pd.DataFrame]:
        """Return what was exposed to whom, by ``campaign_id`` or ``store_id``.

        Parameters
        ----------
        tables
            The source's.
        item
            ``product_id``, or a column of `products`.
        items
            Those that may be recommended; others are left out.
        end
            Up to when exposures are looked at.

        Returns
        -------
        frames
            `EXPOSURES`, with ``item_id`` of each campaign or store, and `MEMBERS`, with ``customer_id``. Who is of no
            campaign was not exposed; of who is of no store it is not known.
        """
        begin = end - timedelta(days=self.days)
        if self.of == "coupons":
            by = "campaign_id"
            shown, members = self._coupons(tables, begin, end)
        else:
            by = "store_id"
            shown, members = self._by_store(tables, begin, end)
        shown = shown.semi_join(members.select(by).distinct(), by)
        return {
            EXPOSURES: _sorted(_of_items(shown, tables, item, items).select(by, "item_id"), by, "item_id"),
            MEMBERS: _sorted(members.select("customer_id", by), "customer_id", by),
        }

    def _coupons(self, tables: Tables, begin: datetime, end: datetime) -> tuple[IbisTable, IbisTable]:
        """The products of campaigns that ran within some days, and whom these went to."""
        import ibis

        campaigns = tables["campaigns"]
        first, last = (ibis.literal(one, type="timestamp") for one in (begin, end))
        ran = (campaigns["start"].cast("timestamp") < last) & (campaigns["end"].cast("timestamp") >= first)
        if self.types is not None:
            ran &= campaigns["campaign_type"].isin(list(self.types))
        running = campaigns.filter(ran).select("campaign_id").distinct()
        return (
            tables["coupons"].select("campaign_id", "product_id").semi_join(running, "campaign_id"),
            tables["mailings"].select("customer_id", "campaign_id").semi_join(running, "campaign_id"),
        )

    def _by_store(self, tables: Tables, begin: datetime, end: datetime) -> tuple[IbisTable, IbisTable]:
        """The products that stores showed in the weeks of some days, and whose store each of these is."""
        rows = _text(tables["promotions"], "store_id")
        rows = rows.filter(rows["week"].isin(_weeks(tables, begin, end)))
        lines = tables["transactions"]
        before = lines.filter(lines["timestamp"] < _at(begin, lines), lines["store_id"].notnull())
        home = stores.visited(before.mutate(store_group=as_text(before["store_id"])), ["customer_id"])
        home = home.select("customer_id", store_id="store_group")
        shown = rows.filter(promotions.said(rows[_COLUMNS[self.of]]))
        return shown.select("store_id", "product_id"), home.semi_join(rows.select("store_id").distinct(), "store_id")


def _weeks(tables: Tables, begin: datetime, end: datetime) -> list[int]:
    """The weeks most of whose days are within some days. When one began is known from the lines until then alone."""
    lines = tables["transactions"].filter(
        lambda one: one["timestamp"] < _at(end, one), lambda one: one["week"].notnull()
    )
    firsts = ask(lines.group_by("week").aggregate(first=lines["timestamp"].min()).order_by("week")).to_pandas()
    middle = firsts["first"].dt.floor("D") + _MIDDLE
    return [int(week) for week in firsts.loc[(middle >= begin) & (middle < end), "week"]]


def _of_items(shown: IbisTable, tables: Tables, item: str, items: Sequence[str]) -> IbisTable:
    """What is recommended of each product that was shown, of those that may be."""
    import ibis
    import pandas as pd

    if item == "product_id":
        shown = shown.mutate(item_id=shown["product_id"])
    else:
        shown = shown.inner_join(tables["products"].select("product_id", item_id=item), "product_id")
    known = ibis.memtable(pd.DataFrame({"item_id": pd.Series(list(items), dtype="str")}))
    return _text(shown, "item_id").semi_join(known, "item_id")


def _sorted(rows: IbisTable, *by: str) -> pd.DataFrame:
    return rows.distinct().order_by(*by).execute()


def _text(rows: IbisTable, column: str) -> IbisTable:
    return rows.mutate(**{column: as_text(rows[column])})


def _at(instant: datetime, lines: IbisTable) -> Any:
    import ibis

    return ibis.literal(instant, type=lines["timestamp"].type())
