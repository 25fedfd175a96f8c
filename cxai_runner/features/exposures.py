"""Which customers had a coupon for which items in the last days of the training part: offers that were really made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated

from annotated_types import Ge

if TYPE_CHECKING:
    import pandas as pd

    from cxai_runner.data.tables.opened import Tables


@dataclass(frozen=True, kw_only=True)
class Exposures:
    """Coupons of campaigns that were mailed to customers and ran within some days.

    Parameters
    ----------
    days
        The last days of the training part; as many as ``task.offers.horizon``.
    types
        Campaigns to take, by ``campaign_type``; all by default. Leave out those of which a customer gets some coupons
        only, chosen for them: who was exposed to what is then not known.
    """

    days: Annotated[int, Ge(1)] = 28
    types: Sequence[str] | None = None

    def needs(self) -> dict[str, tuple[str, ...]]:
        """The columns of each table that have to be there."""
        kind = () if self.types is None else ("campaign_type",)
        return {
            "campaigns": ("campaign_id", "start", "end", *kind),
            "mailings": ("customer_id", "campaign_id"),
            "coupons": ("campaign_id", "product_id"),
        }

    def found(self, tables: Tables, item: str, items: Sequence[str], end: datetime) -> pd.DataFrame:
        """Return ``customer_id`` and ``item_id`` of each pair that was exposed, once.

        Of an item that is in it, all other customers were not exposed; of an item that is not, nobody was.

        Parameters
        ----------
        tables
            The source's.
        item
            ``product_id``, or a column of `products`.
        items
            Those that may be recommended; others are left out.
        end
            Up to when coupons are looked at.
        """
        import ibis
        import pandas as pd

        campaigns = tables["campaigns"]
        begin = ibis.literal(end - timedelta(days=self.days), type="timestamp")
        until = ibis.literal(end, type="timestamp")
        ran = (campaigns["start"].cast("timestamp") < until) & (campaigns["end"].cast("timestamp") >= begin)
        if self.types is not None:
            ran &= campaigns["campaign_type"].isin(list(self.types))
        running = campaigns.filter(ran).select("campaign_id").distinct()
        coupons = tables["coupons"].select("campaign_id", "product_id").semi_join(running, "campaign_id")
        if item != "product_id":
            coupons = coupons.inner_join(tables["products"].select("product_id", item_id=item), "product_id")
        else:
            coupons = coupons.mutate(item_id=coupons["product_id"])
        coupons = coupons.select("campaign_id", item_id=coupons["item_id"].cast("string")).distinct()
        known = ibis.memtable(pd.DataFrame({"item_id": pd.Series(list(items), dtype="str")}))
        coupons = coupons.semi_join(known, "item_id")
        sent = tables["mailings"].select("customer_id", "campaign_id").distinct()
        pairs = sent.inner_join(coupons, "campaign_id").select("customer_id", "item_id").distinct()
        return pairs.order_by("customer_id", "item_id").execute()
