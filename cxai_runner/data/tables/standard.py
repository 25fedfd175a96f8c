"""The standard tables: what every source is mapped to, and what must hold of each column.

Whoever reads a table relies on these rules and never checks them again; `contracts` checks them where the rows live.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["key", "name", "text", "number", "integer", "timestamp", "boolean", "any"]


@dataclass(frozen=True)
class Column:
    """What must hold of a column wherever it is used.

    Parameters
    ----------
    kind
        Its type. A ``key`` is text or a whole number, a ``name`` text without blanks around it; ``any`` keeps the type
        that the source gives it.
    required
        Whether every row must have a value.
    low, strict, high
        The range of possible values; ``strict`` leaves ``low`` itself out.
    both
        Whether it is 0 or 1, and both occur.
    """

    kind: Kind
    required: bool = True
    low: float | None = None
    strict: bool = False
    high: float | None = None
    both: bool = False


@dataclass(frozen=True)
class StandardTable:
    """A standard table.

    Parameters
    ----------
    about
        What a row is.
    columns
        Rules by column; ``price_*`` stands for one column per alternative. Other columns have no rules.
    unique
        The column with one row per value, if any.
    optional_key
        A column whose missing value makes a row worthless but not wrong: such rows are dropped and counted.
    """

    about: str
    columns: Mapping[str, Column] = field(default_factory=dict)
    unique: str | None = None
    optional_key: str | None = None

    def rule(self, column: str) -> Column | None:
        """Return the rule for ``column``, if it has one."""
        for pattern, rule in self.columns.items():
            if fnmatch.fnmatchcase(column, pattern):
                return rule
        return None


_NUMBERS = frozenset({"number", "integer"})


def may_be(rule: Column | None, kind: str) -> bool:
    """Whether a config may say that a column is of another kind: a number stays one, and what is 0 or 1 may be a flag.

    Whatever reads a standard column counts on its type.
    """
    if rule is None or rule.kind not in {*_NUMBERS, "timestamp"}:
        return True
    if kind == "boolean":
        return (rule.low, rule.high) == (0, 1)
    return kind == rule.kind or {kind, rule.kind} <= _NUMBERS


def availability(column: str, columns: Iterable[str]) -> str | None:
    """Return the column that says whether the alternative of ``column`` could be chosen, where there is one.

    What an alternative costs may be missing where nobody could choose it.
    """
    found = f"available_{column.partition('_')[2]}"
    return found if found != column and found in columns else None


_KEY = Column("key")
_NAME = Column("name", required=False)
_LABEL = Column("text", required=False)
_MONEY = Column("number", low=0)
_SHARE = Column("number", low=0, high=1)

STANDARD: Mapping[str, StandardTable] = {
    "customers": StandardTable("one row per customer", {"customer_id": _KEY}, unique="customer_id"),
    "customer_base": StandardTable(
        "one row per customer, with sums of what they bought",
        {
            "customer_id": _KEY,
            "first": Column("timestamp", required=False),
            "last": Column("timestamp", required=False),
        },
        unique="customer_id",
    ),
    "transactions": StandardTable(
        "one row per product on a receipt",
        {
            "customer_id": _KEY,
            "order_id": _KEY,
            "timestamp": Column("timestamp"),
            "product_id": _KEY,
            "store_id": _KEY,
            "quantity": Column("number", low=0, strict=True),
            "revenue": _MONEY,
            "retail_discount": _MONEY,
            "coupon_discount": _MONEY,
            "coupon_match_discount": _MONEY,
            "week": Column("integer"),
            "part": _LABEL,
        },
        optional_key="customer_id",  # walk-in customers: a real shop has them
    ),
    "interactions": StandardTable(
        "one row per customer and item that they bought, rated or watched, each time",
        {
            "customer_id": _KEY,
            "item_id": _KEY,
            "order_id": _KEY,
            "timestamp": Column("timestamp"),
            "weight": _MONEY,
            "quantity": Column("number", low=0, strict=True),
            "revenue": _MONEY,
            "part": _LABEL,
        },
        optional_key="customer_id",
    ),
    "histories": StandardTable(
        "one row per customer, with lists of what they bought",
        {
            "customer_id": _KEY,
            "items": Column("text"),
            "weights": Column("text"),
            "days": Column("text"),
            "bought": Column("text"),
            "bought_value": Column("text"),
            "bought_days": Column("text"),
            "held_out_days": Column("number", required=False, low=0),
        },
        unique="customer_id",
    ),
    "products": StandardTable(
        "one row per product", {"product_id": _KEY, "category": _NAME, "brand": _NAME}, unique="product_id"
    ),
    "promotions": StandardTable(
        "one row per product, store and week on promotion",
        {
            "product_id": _KEY,
            "store_id": _KEY,
            "week": Column("integer"),
            "display": _LABEL,
            "mailer": _LABEL,
        },
    ),
    "panel": StandardTable(
        "one row per customer and shopping occasion",
        {
            "customer_id": _KEY,
            "time": Column("timestamp"),
            "occasion": Column("any"),
            "incidence": Column("integer", low=0, high=1, both=True),
            "brand": Column("any", required=False),
            "quantity": _MONEY,
            "revenue": _MONEY,
            "price_*": Column("number", low=0, strict=True),
            "promotion_*": _SHARE,
            "display_*": _SHARE,
            "feature_*": _SHARE,
            "mailer_*": _SHARE,
            "available_*": Column("integer", low=0, high=1),
            "last_brand": Column("any", required=False),
            "last_quantity": Column("number", required=False, low=0),
            "weeks_since_purchase": Column("number", required=False, low=0),
            "previous_purchase": Column("integer", required=False, low=0, high=1),
            "week_of_year": Column("integer", required=False, low=1, high=53),
            "loyalty_*": Column("number", required=False, low=0, high=1),
        },
    ),
    "stores": StandardTable("one row per store", {"store_id": _KEY}, unique="store_id"),
    "campaigns": StandardTable(
        "one row per campaign, with its first and its last day",
        {
            "campaign_id": _KEY,
            "start": Column("timestamp"),
            "end": Column("timestamp"),
            "campaign_type": _LABEL,
        },
        unique="campaign_id",
    ),
    "mailings": StandardTable(
        "one row per campaign and customer to whom it was sent", {"customer_id": _KEY, "campaign_id": _KEY}
    ),
    "coupons": StandardTable(
        "one row per coupon of a campaign and product for which it is good",
        {"campaign_id": _KEY, "coupon_id": _KEY, "product_id": _KEY},
    ),
    "redemptions": StandardTable(
        "one row per coupon that was redeemed",
        {"customer_id": _KEY, "campaign_id": _KEY, "coupon_id": _KEY, "timestamp": Column("timestamp")},
    ),
}


def is_key(table: str, column: str) -> bool:
    """Whether a column of a standard table names something; one without a rule does by its own name."""
    rule = STANDARD[table].rule(column) if table in STANDARD else None
    return column.endswith("_id") if rule is None else rule.kind == "key"
