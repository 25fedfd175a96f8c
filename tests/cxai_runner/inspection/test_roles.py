"""Guesses rest on what columns are called and hold, never go against the latter, and need no order."""

from __future__ import annotations

import gc
import random

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cxai_runner.inspection import look_at_table, sample
from cxai_runner.inspection.looking import Looked
from cxai_runner.inspection.names import identifies, is_personal, says, words
from cxai_runner.inspection.panels import patterns

RANDOM = random.Random(3)
N = 60
CUSTOMERS = [f"c{RANDOM.randint(1, 12)}" for _ in range(N)]
DAYS = [f"2015-{1 + n % 12:02d}-{1 + n % 27:02d}" for n in range(N)]
MONEY = [round(RANDOM.uniform(1, 50), 2) for _ in range(N)]

TABLES: dict[str, dict[str, list[object]]] = {
    "transactions": {
        "Customer ID": CUSTOMERS, "InvoiceNo": [n // 2 for n in range(N)], "InvoiceDate": DAYS,
        "StockCode": [f"p{n % 9}" for n in range(N)], "Quantity": [n % 5 - 1 for n in range(N)], "Amount": MONEY,
    },
    "interactions": {
        "user_id": [n % 10 for n in range(N)], "item_id": [n // 10 + 100 for n in range(N)],
        "rating": [1 + n % 5 for n in range(N)],
    },
    "panel": {
        "hid": [n // 6 for n in range(N)], "visit": [n % 6 for n in range(N)],
        "choice": ["ab"[n % 2] for n in range(N)], "price.a": MONEY, "price.b": MONEY[::-1],
    },
    "long panel": {
        "case": [n // 3 for n in range(N)], "alt": ["abc"[n % 3] for n in range(N)],
        "choice": [int(n % 3 == n // 3 % 3) for n in range(N)], "cost": MONEY,
    },
    "customers": {"ID": list(range(N)), "age": [20 + n % 40 for n in range(N)], "city": ["Rome", "Oslo", "Bern"] * 20},
    "products": {"sku": list(range(N)), "category": ["soap", "tea"] * 30, "maker": ["x", "y", "z"] * 20},
    "edges of a network": {
        "source": [n % 10 for n in range(N)], "target": [(n % 10 + 1 + n // 10) % 11 for n in range(N)],
    },
    "campaign": {
        "segment": ["e-mail", "No e-mail"] * 30, "age": [20 + n % 40 for n in range(N)],
        "visit": [int(n % 7 == 0) for n in range(N)],
    },
    "media": {
        "week": [f"2015-{1 + n // 4:02d}-{1 + 7 * (n % 4):02d}" for n in range(40)],
        "tv_spend": [n * 3 for n in range(40)], "radio_spend": [n * 2 for n in range(40)],
        "revenue": [n * 9 for n in range(40)],
    },
    "promotions": {
        "product_id": [n % 20 for n in range(N)], "store_id": [n % 3 for n in range(N)],
        "week": [1 + n // 20 for n in range(N)],
        "display": ["0", "A", "5"] * 20,
    },
    "places over time": {
        "city": ["Rome", "Oslo", "Bern"] * 20, "sold": [5 + n % 17 for n in range(N)],
        "day": [f"2015-01-{1 + n // 3:02d}" for n in range(N)],
    },
}  # fmt: skip


def looked(columns: dict[str, list[object]]) -> Looked:
    import ibis

    return look_at_table(ibis.memtable(pa.table(columns)))


def roles(found: Looked) -> dict[str, str]:
    return {name: role.name for name, role in sorted(found.guess.roles.items())}


@pytest.mark.parametrize("kind", TABLES)
def test_each_kind_is_known_by_its_signs(kind: str) -> None:
    assert looked(TABLES[kind]).guess.kind == kind


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(kind=st.sampled_from(sorted(TABLES)), seed=st.integers(0, 10**6))
def test_neither_the_order_of_columns_nor_of_rows_matters(kind: str, seed: int) -> None:
    mixed = random.Random(seed)
    names = list(TABLES[kind])
    rows = list(range(len(TABLES[kind][names[0]])))
    mixed.shuffle(names)
    mixed.shuffle(rows)
    before, after = looked(TABLES[kind]), looked({name: [TABLES[kind][name][row] for row in rows] for name in names})
    assert roles(after) == roles(before)
    assert after.guess.kind == before.guess.kind
    assert (after.guess.where, after.guess.decide) == (before.guess.where, before.guess.decide)


def test_the_roles_of_purchases() -> None:
    found = looked(TABLES["transactions"])
    assert roles(found) == {
        "Amount": "revenue",
        "Customer ID": "customer_id",
        "InvoiceDate": "timestamp",
        "InvoiceNo": "order_id",
        "Quantity": "quantity",
        "StockCode": "product_id",
    }
    assert found.guess.where == {"quantity": {"gt": 0}}
    assert any("returns" in note for note in found.guess.notes)


def test_an_id_that_is_another_in_every_purchase_is_the_order_and_no_customer() -> None:
    found = looked({"id": list(range(N)), "day": DAYS, "sku": [n % 9 for n in range(N)], "amount": MONEY})
    assert roles(found)["id"] == "order_id"
    assert "customer_id" not in roles(found).values()
    assert any("which column is the customer" in what for what in found.guess.decide)


def test_revenue_that_follows_from_price_and_units_is_computed() -> None:
    found = looked({"client": CUSTOMERS, "day": DAYS, "units": [1 + n % 3 for n in range(N)], "unit price": MONEY})
    assert found.guess.computed == {"revenue": {"product_of": ["units", "unit price"]}}
    assert "revenue" not in roles(found).values()


def test_what_names_leave_open_is_left_to_a_person() -> None:
    columns = dict(TABLES["panel"])
    columns |= {"cost.a": MONEY, "cost.b": MONEY}
    found = looked(columns)
    assert "price" not in found.guess.patterns
    assert any(
        what.startswith("which of cost.{alternative}, price.{alternative} is the price") for what in found.guess.decide
    )


def test_days_that_could_be_months_are_left_to_a_person() -> None:
    written = [f"{1 + n % 9:02d}/{1 + n % 7:02d}/2015" for n in range(N)]
    found = looked({"client": CUSTOMERS, "day": written, "amount": MONEY})
    (what,) = found.guess.decide
    assert what == (
        "how day is written: 53 rows can be read as %d/%m/%Y and as %m/%d/%Y, and none proves which; "
        "they are read as the former"
    )


def test_a_table_of_nothing_known_is_unknown() -> None:
    assert looked({"x": [1.5, 2.5], "y": [0.5, 0.25]}).guess.kind == "unknown"


def test_patterns_over_the_same_alternatives_belong_together() -> None:
    (first, *_) = patterns(["price_1", "price_2", "promo_1", "promo_2", "id"])
    assert [one.written for one in first] == ["price_{alternative}", "promo_{alternative}"]
    assert patterns(["id", "age"]) == []


@pytest.mark.parametrize(
    ("name", "thing", "clear"),
    [
        ("CustomerID", "customer", 3), ("custid", "customer", 3), ("user_id:token", "customer", 3),
        ("client", "customer", 3),
        ("customer_age", "customer", 0), ("StockCode", "product", 3), ("Invoice", "order", 3),
        ("invoice date", "order", 0),
        ("loyal_customer_id", "customer", 2),
    ],
)  # fmt: skip
def test_names_of_keys(name: str, thing: str, clear: int) -> None:
    assert identifies(name, thing) == clear


def test_words_and_what_they_say() -> None:
    assert words("retailDiscount_2") == ("retail", "discount", "2")
    assert says("totalamount", "revenue")
    assert is_personal("customer_name")
    assert not is_personal("product_name")


def test_a_sample_that_nobody_holds_is_forgotten() -> None:
    from cxai_runner.data.connect import connect

    table = sample.in_memory(pa.table({"a": [1]}))
    name = table.get_name()
    assert name in connect(()).con.sql("SHOW TABLES").fetchall().__str__()
    del table
    gc.collect()
    assert name not in connect(()).con.sql("SHOW TABLES").fetchall().__str__()
