"""What breaks no rule and is odd is told with a count and a remedy; what is as it should be is not."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from cxai_runner.data import DatabaseSource, FileSource, Tables
from cxai_runner.data.quality import remarks as module
from cxai_runner.data.quality.assessment import assess
from cxai_runner.data.quality.remarks import remarks

DAY = pd.Timestamp("2024-01-01")


def told(tables: Tables, name: str = "transactions") -> tuple[str, ...]:
    return remarks(tables, name, tables.columns(name))


def read(folder: Path, text: str, name: str = "transactions", **keys: Any) -> Tables:
    (folder / "t.csv").write_text(text)
    return FileSource(root=str(folder), tables={name: {"path": "t.csv", **keys}}).open()  # type: ignore[dict-item]


def test_nothing_is_told_of_rows_as_they_should_be(tmp_path: Path) -> None:
    text = "customer_id,order_id,timestamp,product_id\nanna,1,2024-01-01,a\nanna,1,2024-01-01,b\nbo,1,2024-01-02,a\n"
    assert told(read(tmp_path, text)) == ()


def test_order_numbers_that_are_used_again(tmp_path: Path) -> None:
    text = "customer_id,order_id,timestamp\n1,1,2024-01-01\n1,1,2024-02-01\n2,2,2024-03-01\n2,1,2024-03-01\n"
    (sentence,) = told(read(tmp_path, text))
    assert sentence.startswith("1 order spans more than one day; an order_id that a customer has again")
    assert sentence.endswith("add the date to its numbers")
    assert remarks(read(tmp_path, text), "transactions", ["customer_id", "timestamp"]) == (), "no order is read"


def test_occasions_of_a_panel_that_are_there_twice(tmp_path: Path) -> None:
    rows = "1,1,0\n1,2,1\n2,1,1\n2,2,0\n"
    head = "customer_id,occasion,incidence\n"
    assert told(read(tmp_path, head + rows, "panel"), "panel") == ()
    (sentence,) = told(read(tmp_path, head + 2 * rows, "panel"), "panel")
    assert sentence.startswith("4 rows repeat the customer and the occasion of another one, such as at occasion 1,")
    (sentence,) = told(read(tmp_path, head + rows + "2,2,1\n", "panel"), "panel")
    assert sentence.startswith("1 row repeats the customer and the occasion of another one, such as at occasion 2,")
    without = read(tmp_path, (head + 2 * rows).replace("occasion", "visit"), "panel")
    assert told(without, "panel") == ()


def test_dates_of_the_future(tmp_path: Path) -> None:
    coming = (datetime.now(UTC) + timedelta(days=400)).date()
    today = datetime.now(UTC).date()
    text = f"customer_id,timestamp\n1,{today}\n1,2024-01-01\n2,{coming}\n"
    (sentence,) = told(read(tmp_path, text))
    assert sentence.startswith(f"1 row has a timestamp in the future, up to {coming}")
    tables = read(tmp_path, text, where={"timestamp": {"lt": str(today + timedelta(days=2))}})
    assert f"`data.tables.transactions.where.timestamp={{lt: {today + timedelta(days=2)}}}`" in sentence
    assert told(tables) == ()


@pytest.mark.parametrize("word", ["NA", "NULL", "null", "?"])
def test_a_word_for_nobody_that_is_a_customer(tmp_path: Path, word: str) -> None:
    text = f"customer_id,timestamp\n{word},2024-01-01\n{word},2024-01-02\nanna,2024-01-03\n"
    (sentence,) = told(read(tmp_path, text))
    assert sentence.startswith(f"`{word}` is the customer_id of 2 rows (67 %), as if it were one")
    assert f"`data.tables.transactions.nulls=['{word}']`" in sentence
    assert told(read(tmp_path, text, nulls=[word])) == ()


def test_a_word_for_nobody_in_a_database_is_filtered(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "shop.db")) as shop:
        shop.execute("CREATE TABLE t (customer_id TEXT, timestamp TIMESTAMP)")
        shop.executemany("INSERT INTO t VALUES (?, '2024-01-01 10:00:00')", [("NA",), ("NaN",), ("anna ",)])
        shop.commit()
    table: dict[str, Any] = {"table": "t"}
    url = f"sqlite:///{tmp_path / 'shop.db'}"
    tables = DatabaseSource(url=url, tables={"transactions": table}).open()  # type: ignore[dict-item]
    (sentence,) = told(tables)
    assert "`NA` is the customer_id of 1 row (50 %)" in sentence, "NaN is always nobody"
    assert "`data.tables.transactions.where.customer_id={not_in: ['NA']}`" in sentence
    table["where"] = {"customer_id": {"not_in": ["NA"]}}
    assert told(DatabaseSource(url=url, tables={"transactions": table}).open()) == ()  # type: ignore[dict-item]


def test_a_rare_word_for_nobody_may_be_somebody() -> None:
    names = ["anna"] * 3 + ["None"] + [f"c{number}" for number in range(200)]
    frame = pd.DataFrame({"customer_id": names, "timestamp": DAY, "product_id": range(len(names))})
    assert told(Tables.of(transactions=frame)) == ()


def test_nan_is_no_customer_and_makes_no_text_of_numbers(tmp_path: Path) -> None:
    tables = read(tmp_path, "customer_id,timestamp\n7,2024-01-01\nNaN,2024-01-02\n")
    assert tables.schema("transactions")["customer_id"] == "int64"
    assert [(one.reason, one.rows) for one in tables.dropped] == [("no customer", 1)]
    tables = read(tmp_path, "customer_id,timestamp\nanna,2024-01-01\nNaN,2024-01-02\n")
    assert tables["transactions"].execute()["customer_id"].tolist() == ["anna"]
    (quality,) = assess(tables, {"transactions": tables.columns("transactions")})
    assert ("customer_id", "“NaN” taken as missing", 1) in [(c.column, c.rule, c.values) for c in quality.changed]


def test_names_that_look_alike(tmp_path: Path) -> None:
    brands = ["Jos\u00e9", "Jose\u0301", "Acme", "Acme\u00a0", " Acme", "Ac\u200bme"]
    text = "\n".join(["product_id,category,brand", *(f"{number},x,{brand}" for number, brand in enumerate(brands))])
    tables = read(tmp_path, text, name="products")
    assert sorted(set(tables["products"].execute()["brand"]))[:2] == ["Acme", "Ac\u200bme"], "blanks are taken away"
    (sentence,) = told(tables, "products")
    assert sentence.startswith("2 values of brand differ from another one in nothing that can be seen")
    assert r"such as 'Acme' and 'Ac\u200bme'" in sentence


def test_of_customers_that_look_alike_no_name_is_told(tmp_path: Path) -> None:
    text = "customer_id,timestamp\nJos\u00e9,2024-01-01\nJose\u0301,2024-01-02\n"
    (sentence,) = told(read(tmp_path, text))
    assert sentence.startswith("1 value of customer_id differs from another one")
    assert "such as" not in sentence


def test_rows_that_are_there_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    frame = pd.DataFrame({"customer_id": range(100), "timestamp": DAY, "revenue": 1.0})
    twice = pd.concat([frame, frame.head(1)])
    assert told(Tables.of(transactions=twice)) == (), "one in a hundred and one is common"
    twice = pd.concat([frame, frame.head(50)])
    (sentence,) = told(Tables.of(transactions=twice))
    assert sentence.startswith("50 rows (33 %) repeat another one in every column")
    monkeypatch.setattr(module, "MANY_ROWS", 100)
    assert told(Tables.of(transactions=twice)) == ()
