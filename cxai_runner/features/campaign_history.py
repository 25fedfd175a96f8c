"""What is known of a customer, and of a campaign, on the day before the campaign begins.

Each piece is one query where the rows live: its rows are the pairs of campaign and customer, and everything that it
sums up lies strictly before the campaign's first day.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from ibis.expr.types import Table as IbisTable

    from cxai_runner.data.tables.opened import Tables

KEYS: Final = ("customer_id", "campaign_id")
_OF_CAMPAIGN: Final = ("campaign_type", "campaign_days", "campaign_coupons", "campaign_products")
_BOUGHT: Final = ("recency", "tenure", "frequency", "revenue", "monetary", "recent_orders", "recent_revenue")
_REDEEMED: Final = ("campaigns_received", "campaigns_redeemed", "redemptions", "since_redemption")
MEASURES: Final = (
    *_OF_CAMPAIGN,
    *_BOUGHT,
    *("promotion_share", "coupon_orders", "offered_revenue", "offered_share"),
    *_REDEEMED,
)


def measures(tables: Tables) -> tuple[str, ...]:
    """Return the measures for which the source has the columns."""
    lines, coupons = tables.columns("transactions"), tables.columns("coupons")
    absent = {
        "campaign_type": "campaign_type" not in tables.columns("campaigns"),
        "campaign_coupons": not {"campaign_id", "coupon_id"} <= set(coupons),
        "campaign_products": not {"campaign_id", "product_id"} <= set(coupons),
        "promotion_share": "retail_discount" not in lines,
        "coupon_orders": "coupon_discount" not in lines,
    }
    absent["offered_revenue"] = absent["offered_share"] = absent["campaign_products"] or "product_id" not in lines
    return tuple(name for name in MEASURES if not absent.get(name, False))


def sent(tables: Tables) -> IbisTable:
    """Return one row per campaign and customer to whom it was sent: ``time`` and ``last``, and what the campaign is.

    ``time`` is the first instant of its first day, ``last`` that of its last.
    """
    campaigns = tables["campaigns"]
    first, last = (campaigns[one].truncate("D").cast("timestamp") for one in ("start", "end"))
    told: dict[str, Any] = {
        "time": first,
        "last": last,
        "campaign_days": campaigns["end"].date().delta(campaigns["start"].date(), unit="day") + 1,
    }
    if "campaign_type" in campaigns.columns:
        told["campaign_type"] = campaigns["campaign_type"]
    pairs = tables["mailings"].select(*KEYS).distinct()
    return pairs.inner_join(campaigns.select("campaign_id", **told), "campaign_id").select(*KEYS, *told)


def found(tables: Tables, pairs: IbisTable, recent: int) -> Iterator[tuple[str, IbisTable]]:
    """Yield tables with a row for each of the pairs that there is something to say of, and a name for each table.

    Parameters
    ----------
    tables
        The source.
    pairs
        As `sent` returns them.
    recent
        Days before a campaign that count as recent.
    """
    made = set(measures(tables))
    keyed = pairs.select(*KEYS, "time")
    yield "bought", _bought(tables, keyed, recent, made)
    if "offered_revenue" in made:
        yield "offered", _offered(tables, keyed)
    if made & {"campaign_coupons", "campaign_products"}:
        yield "coupons", _coupons(tables, keyed, made)
    yield "received", _received(tables, keyed)
    yield "redeemed", _redeemed(tables, keyed)


def finished(frame: IbisTable, tables: Tables) -> IbisTable:
    """Return the rows with counts of nothing as 0, and what is made of several pieces."""
    made = set(measures(tables))
    counts = ["frequency", "recent_orders", "campaigns_received", "campaigns_redeemed", "redemptions"]
    counts += [one for one in ("coupon_orders", "campaign_coupons", "campaign_products") if one in made]
    sums = ["revenue", "recent_revenue", *(["offered_revenue"] if "offered_revenue" in made else [])]
    frame = frame.mutate(
        **{name: frame[name].fill_null(0).cast("int64") for name in counts},
        **{name: frame[name].round(6).fill_null(0.0) for name in sums},
    )
    ratios: dict[str, Any] = {"monetary": frame["revenue"] / frame["frequency"].nullif(0)}
    if "offered_share" in made:
        ratios["offered_share"] = (frame["offered_revenue"] / frame["revenue"].nullif(0)).fill_null(0.0)
    if "promotion_share" in made:
        ratios["promotion_share"] = (frame["discounted"].round(6) / frame["revenue"].nullif(0)).fill_null(0.0)
    return frame.mutate(**ratios)


def _bought(tables: Tables, keyed: IbisTable, recent: int, made: set[str]) -> IbisTable:
    """What was bought before: when, how often, for how much."""
    lines = tables["transactions"]
    order = "order_id" if "order_id" in lines.columns else "timestamp"
    own = list(dict.fromkeys(["customer_id", order, "timestamp"]))
    sums: dict[str, Any] = {"spent": lines["revenue"].sum()}
    if "promotion_share" in made:
        sums["reduced"] = lines["revenue"].sum(where=lines["retail_discount"] > 0)
    if "coupon_orders" in made:
        sums["coupon"] = lines["coupon_discount"].max()
    orders = lines.group_by(own).aggregate(
        **sums
    )  # a tenth of the rows, before each meets all campaigns of its customer
    met = keyed.inner_join(orders, "customer_id")
    met = met.filter(met["timestamp"] < met["time"])
    met = met.mutate(ago=met["time"].date().delta(met["timestamp"].date(), unit="day"))
    lately = met["ago"] <= recent
    measured: dict[str, Any] = {
        "recency": met["ago"].min(),
        "tenure": met["ago"].max(),
        "frequency": met[order].nunique(),
        "revenue": met["spent"].sum(),
        "recent_orders": met[order].nunique(where=lately),
        "recent_revenue": met["spent"].sum(where=lately),
    }
    if "promotion_share" in made:
        measured["discounted"] = met["reduced"].sum()
    if "coupon_orders" in made:
        measured["coupon_orders"] = met[order].nunique(where=met["coupon"] > 0)
    return met.group_by(KEYS).aggregate(**measured)


def _offered(tables: Tables, keyed: IbisTable) -> IbisTable:
    """What was spent before on products for which the campaign has coupons."""
    products = tables["coupons"].select("campaign_id", "product_id").distinct()
    lines = tables["transactions"]
    wanted = lines.select("customer_id", "timestamp", "product_id", "revenue").semi_join(products, "product_id")
    met = keyed.inner_join(wanted, "customer_id")
    met = met.filter(met["timestamp"] < met["time"]).semi_join(products, ["campaign_id", "product_id"])
    return met.group_by(KEYS).aggregate(offered_revenue=met["revenue"].sum())


def _coupons(tables: Tables, keyed: IbisTable, made: set[str]) -> IbisTable:
    """How many coupons a campaign has, for how many products."""
    coupons = tables["coupons"]
    counted = {
        name: coupons[column].nunique()
        for name, column in (("campaign_coupons", "coupon_id"), ("campaign_products", "product_id"))
        if name in made
    }
    of_each = coupons.group_by("campaign_id").aggregate(**counted)
    return keyed.inner_join(of_each, "campaign_id").select(*KEYS, *counted)


def _received(tables: Tables, keyed: IbisTable) -> IbisTable:
    """How many campaigns were sent to the customer that began before."""
    earlier = sent(tables).select("customer_id", earlier="campaign_id", began="time")
    met = keyed.inner_join(earlier, "customer_id")
    met = met.filter(met["began"] < met["time"])
    return met.group_by(KEYS).aggregate(campaigns_received=met["earlier"].nunique())


def _redeemed(tables: Tables, keyed: IbisTable) -> IbisTable:
    """What the customer had redeemed before."""
    earlier = tables["redemptions"].select("customer_id", earlier="campaign_id", at="timestamp")
    met = keyed.inner_join(earlier, "customer_id")
    met = met.filter(met["at"] < met["time"])
    met = met.mutate(ago=met["time"].date().delta(met["at"].date(), unit="day"))
    return met.group_by(KEYS).aggregate(
        campaigns_redeemed=met["earlier"].nunique(),
        redemptions=met.count(),
        since_redemption=met["ago"].min(),
    )
