"""How much of each brand was on display, in a mailer, or either, as the table of promotions says."""

from __future__ import annotations

import operator
from collections.abc import Mapping, Sequence
from functools import reduce
from typing import TYPE_CHECKING, Any

from cxai_runner.features import market, stores

if TYPE_CHECKING:
    import pandas as pd
    from ibis.expr.types import Table as IbisTable

    from cxai_runner.data.tables.opened import Tables

KINDS = ("display", "mailer")
_SILENT = ("", "0", "no", "none", "false", "n")
"""What `display` and `mailer` say of a product that is neither displayed nor advertised."""


_DIGITS = 9


def made(columns: Sequence[str]) -> tuple[str, ...]:
    """Which measures a table of promotions with these columns gives."""
    return ("promotion", *(kind for kind in KINDS if kind in columns))


def said(kind: Any) -> Any:
    """Whether a column of displays or mailers says that there was one."""
    return kind.fill_null("").lower().notin(_SILENT)


def shares(
    tables: Tables,
    period_of: Mapping[int, Any],
    fixed: market.Basket,
    groups: Sequence[str] | None,
    by: str | None,
) -> pd.DataFrame:
    """Return ``promotion_…``, ``display_…`` and ``mailer_…`` of each alternative by period and group of stores.

    A product's share is the number of stores that promoted it, of all stores of the group that the table has in that
    week; products weigh what they weigh in the price. A group of which the table has no store gets the share of all
    stores. Without stores a product is promoted or it is not.

    Parameters
    ----------
    tables
        With `promotions`: ``product_id``, ``week``, and ``store_id``, ``display`` and ``mailer`` where there are such.
        Where there is neither display nor mailer, a row says that the product was promoted.
    period_of
        Number of the week → its first day, for the weeks that are wanted.
    fixed
        The basket.
    groups, by
        The groups of stores, and the column they are made from; None where stores are not told apart.
    """
    import pandas as pd

    promotions = tables["promotions"]
    kinds = made(promotions.columns)
    wanted = promotions.filter(promotions["week"].isin(list(period_of)))
    unit = next((name for name in ("store_id", by) if name in promotions.columns), None)
    shops = _shops(wanted, unit, tables, groups, by)
    every = stores.every(groups)
    if shops is None:
        # The table does not say where: a product is promoted everywhere, and there is one count of one.
        of = pd.DataFrame(float("nan"), index=list(period_of), columns=every)
    else:
        totals = shops.group_by("week", "store_group").aggregate(of=shops[unit].nunique()).execute()
        of = totals.set_index(["week", "store_group"])["of"].unstack("store_group").astype(float)
        of = of.reindex(index=list(period_of), columns=every)
    sums = _sums(wanted, shops if groups is not None else None, unit, fixed)
    found = [_by_group(sums, kind, of, period_of, fixed).add_prefix(f"{kind}_") for kind in kinds]
    return pd.concat(found, axis=1)


def _shops(
    wanted: IbisTable, unit: str | None, tables: Tables, groups: Sequence[str] | None, by: str | None
) -> IbisTable | None:
    """The stores that the table has in each week, with their group; they are few, and its rows are many."""
    if unit is None:
        return None
    places = [by] if by is not None and by in wanted.columns and by != unit else []
    seen = wanted.select("week", unit, *places).distinct()
    seen = stores.grouped(stores.located(seen, tables, by), groups)
    return seen.group_by("week", unit).aggregate(store_group=seen["store_group"].min())


def _sums(wanted: IbisTable, shops: IbisTable | None, unit: str | None, fixed: market.Basket) -> pd.DataFrame:
    """Weighted number of stores with each kind of promotion, by group of stores, week and alternative.

    A store counts once for a product. Sums are rounded, so that the order an engine adds in never shows.
    """
    import ibis

    products = fixed.products.assign(weight=fixed.weights())[["alternative", "weight"]].reset_index()
    active = wanted.join(ibis.memtable(products), "product_id")
    each_said = {kind: said(active[kind]) for kind in KINDS if kind in active.columns}
    flags: dict[str, Any] = {kind: one.ifelse(1, 0).max() for kind, one in each_said.items()}
    either = reduce(operator.or_, each_said.values()) if each_said else active["product_id"].notnull()
    each = active.group_by("week", "product_id", *([unit] if unit is not None else [])).aggregate(
        **flags,
        promotion=either.ifelse(1, 0).max(),
        alternative=active["alternative"].max(),
        weight=active["weight"].max(),
    )
    if shops is None:
        each = each.mutate(store_group=ibis.literal(stores.CHAIN))
    else:
        each = each.join(shops, ["week", str(unit)])
    sums = each.group_by("store_group", "week", "alternative").aggregate(
        **{kind: (each[kind] * each["weight"]).sum().round(_DIGITS) for kind in ("promotion", *each_said)}
    )
    return sums.order_by("store_group", "week", "alternative").execute()


def _by_group(
    sums: pd.DataFrame, kind: str, of: pd.DataFrame, period_of: Mapping[int, Any], fixed: market.Basket
) -> pd.DataFrame:
    """Each alternative's share of stores × products with one kind of promotion, by period and group of stores."""

    def table(rows: pd.DataFrame) -> pd.DataFrame:
        wide = rows.astype({kind: float}).pivot_table(index="week", columns="alternative", values=kind, aggfunc="sum")
        return wide.reindex(index=of.index, columns=list(fixed.alternatives)).fillna(0.0)

    anywhere = table(sums).div(of.sum(axis=1).clip(lower=1.0), axis=0)
    found = {}
    for group in of.columns:
        here = table(sums[sums["store_group"] == group]).div(of[group].where(of[group] > 0), axis=0)
        found[str(group)] = here.fillna(anywhere).set_axis(list(period_of.values()), axis=0)
    return market.by_period(found)
