"""Which stores share their prices: groups of stores that are large enough to have prices of their own.

A store sells few products of a category in a week, and a price that nobody paid is not known. So a group has a price of
its own only where it sells enough; all smaller ones are pooled.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ibis.expr.types import Table as IbisTable

    from cxai_runner.data.tables.opened import Tables

CHAIN = "all"
"""The one group where stores are not told apart."""
REST = "rest"
"""The stores that are too small for a group of their own, and lines without a store."""


def columns(by: str | None) -> tuple[str, ...]:
    """Columns of the transactions that say where a line was bought."""
    return () if by is None else tuple(dict.fromkeys((by, "store_id")))


def located(rows: IbisTable, tables: Tables, by: str | None) -> IbisTable:
    """Return ``rows`` with ``place``, the value of ``by`` as text: a column of their own, or of the table `stores`.

    Where neither has it, as promotions may not, the place is null.
    """
    import ibis

    if by is None:
        return rows
    if by in rows.columns:
        return rows.mutate(place=rows[by].cast("string"))
    if "store_id" in rows.columns and by in tables.columns("stores"):
        stores = tables["stores"]
        found = rows.left_join(stores.select("store_id", place=stores[by].cast("string")), "store_id")
        return found.drop("store_id_right")
    return rows.mutate(place=ibis.null("string"))


def large(purchases: IbisTable, at_least: int) -> list[str]:
    """Return the places with at least so many lines among ``purchases``, by name."""
    counts = purchases.group_by("place").aggregate(lines=purchases.count())
    enough = counts.filter(counts["lines"] >= at_least, counts["place"].notnull(), counts["place"] != REST)
    return sorted(enough.select("place").to_pyarrow()["place"].to_pylist())


def grouped(rows: IbisTable, groups: Sequence[str] | None) -> IbisTable:
    """Return ``rows`` with ``store_group``: their place where it is one of ``groups``, else the pooled rest."""
    import ibis

    if groups is None:
        return rows.mutate(store_group=ibis.literal(CHAIN))
    if not groups:
        return rows.mutate(store_group=ibis.literal(REST))
    own = rows["place"].isin(list(groups)).fill_null(False)
    return rows.mutate(store_group=own.ifelse(rows["place"], REST))


def every(groups: Sequence[str] | None) -> list[str]:
    """Return the names of all groups."""
    return [CHAIN] if groups is None else [*groups, REST]


def visited(rows: IbisTable, by: Sequence[str]) -> IbisTable:
    """Return the ``store_group`` of each occasion: where it has most orders, and the first by name of several.

    Parameters
    ----------
    rows
        `grouped` lines of anything, not of a category alone: where somebody bought it must not decide what it cost.
    by
        The keys of an occasion.
    """
    import ibis

    order = "order_id" if "order_id" in rows.columns else "timestamp"
    counts = rows.group_by([*by, "store_group"]).aggregate(orders=rows[order].nunique())
    ranks = ibis.row_number().over(
        ibis.window(group_by=list(by), order_by=[ibis.desc("orders"), ibis.asc("store_group")])
    )
    return counts.mutate(rank=ranks).filter(ibis._.rank == 0).select(*by, "store_group")
