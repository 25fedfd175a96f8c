"""What a database holds: digests of rows, stated versions, files that change or are replaced, and nothing written."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from cxai_runner.data import DatabaseSource, Tables, answers

SLOW = {"postgresql", "spark"}
ALL = [pytest.param(one, marks=pytest.mark.slow if one in SLOW else ()) for one in ("duckdb", "sqlite", *sorted(SLOW))]
OTHERS = ALL[1:]

PEOPLE: Mapping[str, Any] = {"table": "people", "columns": {"customer_id": "client"}}

Fill = Callable[..., str]


@pytest.mark.parametrize("engine", ALL)
def test_a_digest_is_of_the_rows_and_not_of_their_order(engine: str, fill: Fill, source: Callable[..., Any]) -> None:
    rows = [(1, "a", 0.5), (2, None, 0.1), (2, None, 0.1), (3, "", 7.0)]

    def digest(rows: list[tuple[Any, ...]]) -> str:
        frame = pd.DataFrame(rows, columns=["client", "home", "income"]).astype({"home": "str"})
        tables = source(engine, fill(engine, {"people": frame}), customers=PEOPLE).open()
        return str(tables.digest("customers", ["customer_id", "home", "income"]))

    found = digest(rows)
    assert digest(rows[::-1]) == found
    assert found.startswith(f"rowsum-{engine}-")
    assert found.split(":")[1] == "4"
    others = [
        [*rows, rows[0]],
        [*rows, rows[1]],
        rows[:3],
        [(1, "a", 0.5), (2, None, 0.1), (2, "", 0.1), (3, "", 7.0)],
        [(1, "a", 0.5), (2, None, 0.1), (2, None, 0.1), (3, "", 7.5)],
        [(1, None, 0.5), (2, "a", 0.1), (2, None, 0.1), (3, "", 7.0)],
    ]
    digests = [digest(other) for other in others]
    assert len({found, *digests}) == len(others) + 1


def test_a_stated_version_stands_for_the_rows(
    fill: Fill, shop: Mapping[str, pd.DataFrame], monkeypatch: pytest.MonkeyPatch
) -> None:
    url = fill("sqlite", {"people": shop["people"]})

    def stated(version: Any, **changed: Any) -> str:
        tables = {"customers": {**PEOPLE, "version": version, **changed}}
        return DatabaseSource(url=url, tables=tables).open().digest("customers", ["customer_id", "age"])

    from cxai_runner.data import fingerprint

    monkeypatch.setattr(fingerprint, "fingerprint", lambda *_: pytest.fail("the rows were read"))
    assert stated("2024-07-01") == stated("2024-07-01")
    assert stated("2024-07-01").startswith("stated-2024-07-01:")
    different = {stated("2024-07-01"), stated("2024-07-02"), stated("2024-07-01", where={"age": {"gt": 30}}), stated(3)}
    assert len(different) == 4


def test_the_digest_of_a_file_is_remembered_until_it_changes(
    fill: Fill, shop: Mapping[str, pd.DataFrame], memory: Path
) -> None:
    url = fill("sqlite", {"people": shop["people"]})

    def ask() -> str:
        opened = DatabaseSource(url=url, tables={"customers": PEOPLE}).open()  # type: ignore[dict-item]
        return opened.digest("customers", ["age"])

    first = ask()
    assert ask() == first
    assert list(memory.rglob("*.arrow"))
    with sqlite3.connect(url.removeprefix("sqlite:///")) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("UPDATE people SET age = age + 1")
        connection.commit()
        assert ask() != first, "what is written is in a file beside the database at first"
    connection.close()


@pytest.mark.parametrize("engine", [one for one in ALL if one.values != ("spark",)])
def test_nothing_can_be_written(engine: str, fill: Fill, source: Callable[..., Any], shop: Any) -> None:
    url = fill(engine, {"people": shop["people"]})
    tables = source(engine, url, customers=PEOPLE).open()
    connection = tables["customers"]._find_backends()[0][0].con
    for statement in ("DELETE FROM people", "CREATE TABLE x (a integer)", "UPDATE people SET age = 1"):
        with pytest.raises(Exception, match=r"(?i)read.?only"):
            connection.execute(statement)
    # What is sent along does not count as writing.
    ids = pd.DataFrame(
        {"customer_id": [1, 2], "day": [pd.Timestamp("2017-01-01"), pd.Timestamp("2017-01-02 03:04:05.678")]}
    )
    import ibis

    joined = tables["customers"].inner_join(ibis.memtable(ids), "customer_id").select("customer_id", "day").execute()
    assert joined.sort_values("customer_id")["day"].tolist() == ids["day"].tolist()


@pytest.mark.parametrize("engine", ["duckdb", "sqlite"])
def test_a_file_that_was_replaced_is_another(
    engine: str, fill: Fill, shop: Mapping[str, pd.DataFrame], tmp_path: Path, memory: Path
) -> None:
    url = fill(engine, {"people": shop["people"]})
    path = Path(url.partition(":///")[2])
    other = Path(fill(engine, {"people": shop["people"].head(7)}).partition(":///")[2])

    def opened() -> Tables:
        return DatabaseSource(url=url, tables={"customers": PEOPLE}).open()  # type: ignore[dict-item]

    before = opened()
    first = before.digest("customers", ["age"])
    other.replace(path)
    assert before.digest("customers", ["age"]) == first, "what is open is what it was, and is not remembered as new"
    after = opened()
    assert after.digest("customers", ["age"]) != first
    assert after.rows("customers") == 7
    if engine == "sqlite":  # whose connection goes on reading the file that was there
        assert before.rows("customers") == 60
        assert before["customers"].age.count().to_pyarrow().as_py() == 60
        before.digest("customers", ["home"])
        answers.remember_in(memory / "nothing")
        truth = opened().digest("customers", ["home"])
        answers.remember_in(memory)
        assert opened().digest("customers", ["home"]) == truth, "what the old file held is not told of the new"


@pytest.mark.parametrize("engine", ["duckdb", "sqlite"])
def test_answers_about_a_view_are_not_remembered(engine: str, tmp_path: Path, memory: Path) -> None:
    """What a view holds may depend on the clock."""
    import duckdb

    path = tmp_path / f"shop.{engine}"
    connection = duckdb.connect(str(path)) if engine == "duckdb" else sqlite3.connect(path)
    connection.execute("CREATE TABLE people (customer_id INTEGER, age INTEGER)")
    connection.execute("INSERT INTO people VALUES (1, 30)")
    connection.execute("CREATE VIEW young AS SELECT * FROM people WHERE age < 40")
    connection.commit()
    connection.close()
    for table, kept in (("young", False), ("people", True)):
        source = DatabaseSource(url=f"{engine}:///{path}", tables={"customers": {"table": table}})  # type: ignore[dict-item]
        source.open().digest("customers", ["age"])
        assert any(memory.rglob("*.arrow")) is kept
