"""The same rows are kept and dropped wherever they live."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pandas as pd
import pytest

from cxai_runner.config.problems import UserError
from cxai_runner.data import Tables
from cxai_runner.data.dataset import Dropped

SLOW = {"postgresql", "spark"}
ALL = [pytest.param(one, marks=pytest.mark.slow if one in SLOW else ()) for one in ("duckdb", "sqlite", *sorted(SLOW))]

ORDERS = {
    "table": "orders",
    "columns": {
        "customer_id": "client",
        "order_id": "ticket",
        "timestamp": "sold_at",
        "product_id": "sku",
        "store_id": "store",
        "quantity": "units",
        "revenue": "paid",
        "retail_discount": "saved",
    },
    "where": {"quantity": {"gt": 0}, "status": {"not_in": ["returned"]}},
}
SHOP: Mapping[str, Mapping[str, Any]] = {
    "transactions": ORDERS,
    "products": {"table": "catalogue", "columns": {"product_id": "sku", "category": "family", "brand": "maker"}},
    "promotions": {"table": "flyers", "columns": {"product_id": "sku", "store_id": "store"}},
    "customers": {"table": "people", "columns": {"customer_id": "client"}},
}
Fill = Callable[..., str]


@pytest.fixture(scope="module")
def made(fill: Fill, source: Callable[..., Any], shop: Mapping[str, pd.DataFrame]) -> Callable[..., Tables]:
    """The shop's tables in an engine, filled once."""
    urls: dict[str, str] = {}

    def of(engine: str, tables: Mapping[str, Any] = SHOP) -> Tables:
        if engine not in urls:
            urls[engine] = fill(engine, shop)
        opened: Tables = source(engine, urls[engine], **tables).open()
        return opened

    return of


@pytest.mark.parametrize("engine", ALL)
def test_rows_left_out_are_counted(engine: str, made: Callable[..., Tables], shop: Mapping[str, pd.DataFrame]) -> None:
    orders = shop["orders"]
    nobody = orders["client"].isna()
    none = ~nobody & (orders["units"] <= 0)
    returned = ~nobody & ~none & (orders["status"] == "returned").fillna(False)
    reasons = ("no customer", "quantity is 0 or less", "status is returned")
    found = zip(reasons, (nobody, none, returned), strict=True)
    assert made(engine).dropped == tuple(Dropped("transactions", why, int(which.sum()), 3000) for why, which in found)


@pytest.mark.parametrize("engine", ALL)
@pytest.mark.parametrize(
    "where",
    [
        {"revenue": {"between": [1.5, 3]}},
        {"timestamp": {"ge": "2017-02-01", "lt": "2017-03-01 12:30:00"}},
        {"timestamp": {"gt": "2017-02-01"}},
        {"status": {"ne": "ok"}},
        {"status": {"in": ["ok", "it's"]}},
        {"article": {"ge": "ñ"}},
        {"article": {"between": ["n", "Ñ-05"]}},
        {"status": {"is_null": True}},
        {"customer_id": {"not_in": [1, 2, 3]}},
    ],
    ids=str,
)
def test_a_filter_keeps_the_same_rows(
    engine: str, where: Any, made: Callable[..., Tables], shop: Mapping[str, pd.DataFrame]
) -> None:
    tables = made(engine, {"transactions": {**ORDERS, "where": where}})
    want = made("duckdb", {"transactions": {**ORDERS, "where": where}})
    by = ["customer_id", "order_id", "timestamp", "product_id", "revenue"]
    frames = [one["transactions"].execute().sort_values(by, ignore_index=True) for one in (tables, want)]
    assert 0 < len(frames[1]) < 3000
    pd.testing.assert_frame_equal(*frames, check_exact=True)


@pytest.mark.parametrize("engine", ALL)
def test_columns_are_computed_as_in_files(
    engine: str, made: Callable[..., Tables], shop: Mapping[str, pd.DataFrame]
) -> None:
    columns = {
        "customer_id": "client",
        "revenue": {"product_of": ["units", "paid"]},
        "net": {"difference_of": ["paid", "saved"]},
        "gross": {"sum_of": ["paid", "saved"]},
        "back": {"starts_with": {"status": "ret"}},
    }
    tables = made(engine, {"transactions": {"table": "orders", "columns": columns, "where": {"back": {"ne": True}}}})
    orders = shop["orders"]
    back = orders["status"].str.startswith("ret").fillna(False)
    nobody = orders["client"].isna()
    assert tables.dropped == (
        Dropped("transactions", "no customer", int(nobody.sum()), 3000),
        Dropped("transactions", "back is True", int((back & ~nobody).sum()), 3000),
    )
    kept = orders[~nobody & ~back]
    want = pd.DataFrame(
        {
            "revenue": kept["units"] * kept["paid"],
            "net": kept["paid"] - kept["saved"],
            "gross": kept["paid"] + kept["saved"],
        }
    ).sort_values(["revenue", "net", "gross"], ignore_index=True)
    have = tables["transactions"].select("revenue", "net", "gross").execute()
    pd.testing.assert_frame_equal(have.sort_values(list(have), ignore_index=True), want)


def test_a_mistake_in_a_rule_names_a_table(made: Callable[..., Tables]) -> None:
    columns = {"customer_id": "client", "revenue": {"product_of": ["units", "payed"]}}
    with pytest.raises(UserError) as caught:
        made("sqlite", {"transactions": {"table": "orders", "columns": columns}})
    (problem,) = caught.value.problems
    assert problem.key == "data.tables.transactions.columns.revenue.product_of"
    assert (problem.message, problem.remedy) == ("the table has no such column", "did you mean `paid`?")
