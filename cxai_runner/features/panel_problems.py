"""What can be wrong with a purchase panel's config, told by bounded queries before anything is built."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from cxai_runner.config.problems import Problem, did_you_mean, nearest
from cxai_runner.data.answers import ask, value
from cxai_runner.features import history, stores

if TYPE_CHECKING:
    from ibis.expr.types import Table as IbisTable

    from cxai_runner.data.tables.opened import Tables
    from cxai_runner.features.purchase_panel import PurchasePanel

_LONGEST_WEEK = 13
"""Days. Shops close weeks early or late around holidays; numbers that start again each year make them far longer."""
_MONDAYS = "leave the column out of the source: then weeks start on Mondays"


def names(panel: PurchasePanel, tables: Tables, provided: Sequence[str]) -> Iterator[Problem]:
    """Yield columns that a config names and no table, or no panel, has."""
    products, transactions = tables.columns("products"), tables.columns("transactions")
    if panel.brand_by not in products:
        remedy = did_you_mean(panel.brand_by, products)
        yield Problem("brand_by", "products has no such column", value=panel.brand_by, remedy=remedy)
    by, shops = panel.store_groups, tables.columns("stores")
    joined = by in shops and "store_id" in transactions
    if by is not None and by not in transactions and not joined:
        remedy = did_you_mean(by, [*transactions, *shops])
        if by in shops:
            remedy = f"map their store: {config_of(tables, 'transactions')}.columns.store_id=…"
        yield Problem("store_groups", "transactions have no such column, nor a store of that kind", by, remedy)
    for column in panel.put_back or ():
        if column not in transactions:
            remedy = did_you_mean(column, transactions)
            yield Problem("put_back", "transactions has no such column", value=column, remedy=remedy)
        elif not tables["transactions"][column].type().is_numeric():
            yield Problem("put_back", "holds no numbers, and cannot be money", value=column)
    possible = [one for one in provided if one.endswith("_*") or one in history.KNOWN]
    for want in panel.columns or ():
        if not any(fnmatch.fnmatch(want, one) or fnmatch.fnmatch(one, want) for one in possible):
            remedy = did_you_mean(want, possible) or "one of: " + ", ".join(possible)
            yield Problem("columns", "nothing that the panel knows before the occasion", value=want, remedy=remedy)
    if panel.columns is not None and not panel.columns:
        yield Problem("columns", "no column is left as an input", remedy="one of: " + ", ".join(possible))


def weeks(tables: Tables) -> Iterator[Problem]:
    """Yield promotions that cannot be dated, and numbers of weeks that mean several weeks."""
    if "promotions" in tables:
        for name in ("transactions", "promotions"):
            if "week" not in tables.columns(name):
                remedy = f"map it: {config_of(tables, name)}.columns.week=…"
                yield Problem("", f"promotions go by week, and {name} has no column `week`", remedy=remedy)
    if "week" not in tables.columns("transactions"):
        return
    rows = tables["transactions"]
    spans = rows.group_by("week").aggregate(first=rows["timestamp"].min(), last=rows["timestamp"].max())
    frame = ask(spans.order_by("week")).to_pandas()
    long = frame[(frame["last"] - frame["first"]).dt.days > _LONGEST_WEEK]
    if not long.empty:
        week, first, last = long.iloc[0][["week", "first", "last"]]
        yield Problem(
            "",
            f"week {week} of transactions runs from {first:%Y-%m-%d} to {last:%Y-%m-%d}: its number is used again",
            remedy=f"number the weeks through, or {_MONDAYS}",
        )
        return
    # Every week has a first day, and a date that is none is a problem of the table's own.
    days = frame["first"].dt.floor("D")
    early = frame[days.diff() <= np.timedelta64(0, "D")]
    if not early.empty:
        place = int(early.index[0])
        (before, earlier), (week, first) = frame.loc[[place - 1, place], ["week", "first"]].itertuples(index=False)
        yield Problem(
            "",
            f"week {week} of transactions has a line of {first:%Y-%m-%d}, and week {before} starts on "
            f"{earlier:%Y-%m-%d}: weeks must start one after the other, as they are numbered",
            remedy=f"mend the date or the week of the line of {first:%Y-%m-%d}, or {_MONDAYS}",
        )


def category(panel: PurchasePanel, tables: Tables) -> Iterator[Problem]:
    """Yield a category that is not sold, too few brands of it, and stores that all sell too little of it."""
    bought = tables["transactions"].select("product_id").distinct()
    on_sale = tables["products"].semi_join(bought, "product_id")
    categories = ask(on_sale.select("category").distinct().drop_null())["category"].to_pylist()
    if not categories and not value(on_sale.count()):
        yield _strangers("product_id", tables, "products")
        return
    if panel.category not in categories:
        near = nearest(panel.category, categories)
        told = f"not among the {len(categories)} categories sold"
        remedy = "" if near else did_you_mean(panel.category, categories)
        yield Problem("category", f"{told}; nearest: {near}" if near else told, value=panel.category, remedy=remedy)
        return
    if panel.brand_by not in on_sale.columns:
        return
    of_it = on_sale.filter(on_sale["category"] == panel.category)
    there = value(of_it[panel.brand_by].nunique())
    if there < panel.brands:
        yield Problem(
            "brands", f"only {there} brands of {panel.category} are sold", value=panel.brands, remedy=f"at most {there}"
        )
    if panel.store_groups is not None:
        yield from _too_small(panel, tables)
    if "promotions" in tables and "week" in tables["promotions"].columns and "week" in tables["transactions"].columns:
        yield from _never_promoted(panel, tables)


def nothing_bought(category: str) -> Problem:
    """Return the problem that the training part has nothing of a category."""
    told, remedy = "nobody bought it in the training part", "choose a larger category, or hold out less"
    return Problem("features.category", told, value=category, remedy=remedy)


def _never_promoted(panel: PurchasePanel, tables: Tables) -> Iterator[Problem]:
    """Yield promotions that meet no purchase, or none of the category: a promotion that never varies tells nothing."""
    promotions, transactions, products = tables["promotions"], tables["transactions"], tables["products"]

    def none(rows: IbisTable) -> bool:
        return not value(rows.limit(1).count())

    for key in ("product_id", "week"):
        if none(promotions.semi_join(transactions.select(key).distinct(), key)):
            yield _strangers(key, tables, "promotions")
            return
    asked = panel.columns is None or any(
        fnmatch.fnmatch("promotion_", want.rstrip("*") + "*") for want in panel.columns
    )
    of_it = products.filter(products["category"] == panel.category).select("product_id")
    then = promotions.semi_join(transactions.select("week").distinct(), "week")
    if asked and none(then.semi_join(of_it, "product_id")):
        told = f"promotions has no product of {panel.category} in any week of transactions"
        yield Problem("columns", told, remedy="leave promotions out of the inputs: features.columns=[price_*]")


def _strangers(key: str, tables: Tables, other: str) -> Problem:
    """The problem that no line of the transactions has a key that another table has."""
    here, there = (value(tables[name][key].cast("string").min()) for name in ("transactions", other))
    return Problem(
        "",
        f"no {key} of transactions is in {other}: `{here}` here, and `{there}` there",
        remedy=f"map the same ids in both: {config_of(tables, other)}.columns.{key}=…",
    )


def _too_small(panel: PurchasePanel, tables: Tables) -> Iterator[Problem]:
    """Yield that no group of stores would have prices of its own."""
    products = tables["products"]
    of_it = products.filter(products["category"] == panel.category).select("product_id")
    bought = stores.located(tables["transactions"], tables, panel.store_groups).semi_join(of_it, "product_id")
    somewhere = bought.filter(bought["place"].notnull())
    counts = somewhere.group_by("place").aggregate(lines=somewhere.count())
    most = value(counts["lines"].max()) or 0
    if 0 < most < panel.store_group_lines:
        told = f"no {panel.store_groups} has so many lines of {panel.category}"
        yield Problem("store_group_lines", told, value=panel.store_group_lines, remedy=f"at most {most:,}")


def config_of(tables: Tables, name: str) -> str:
    """Where the config of a table is."""
    return f"data.{tables.mapped[name].key or 'tables.' + name}"
