"""Tables of predictions are written in one transaction."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pytest

from cxai_runner.config.problems import UserError
from cxai_runner.lifecycle.predict.databases import open_table, quoted, resolved

ROWS = pd.DataFrame(
    {
        "customer_id": [1, 2],
        "time": pd.to_datetime(["2017-01-02 00:00", "2017-01-09 08:30"]).astype("datetime64[us]"),
        "probability": [1 / 3, 1e-17],
        "model": pd.Series(['it\'s "m"', "m"], dtype="str"),
        "model_version": pd.array([3, None], dtype="Int64"),
    }
)
BAD = pd.DataFrame({"customer_id": [3], "price": [np.nan], "reason": ["no value of price"]})


def query(kind: str, path: Path, sql: str) -> list[Any]:
    connection: Any = sqlite3.connect(path) if kind == "sqlite" else duckdb.connect(str(path))
    try:
        return list(connection.execute(sql).fetchall())
    finally:
        connection.close()


@pytest.fixture(params=["sqlite", "duckdb"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def place(kind: str, tmp_path: Path) -> Callable[..., Any]:
    return lambda table="scores", **options: open_table(
        f"{kind}:///{tmp_path}/s.db#{table}", **{"overwrite": False, **options}
    )


def test_all_rows_are_there_once_they_are_kept(kind: str, place: Callable[..., Any], tmp_path: Path) -> None:
    table = place()
    table.write(ROWS)
    table.reject(BAD)
    table.write(ROWS)
    table.keep()
    table.close()
    found = query(kind, tmp_path / "s.db", "SELECT * FROM scores")
    assert len(found) == 4
    assert found[0][0] == 1
    assert str(found[1][1]).startswith("2017-01-09 08:30:00")
    assert [row[2] for row in found] == [1 / 3, 1e-17] * 2
    assert found[0][3:] == ('it\'s "m"', 3)
    assert found[1][4] is None
    rejected = query(kind, tmp_path / "s.db", "SELECT * FROM scores_rejected")
    assert rejected == [(3, None, "no value of price")]


def test_nothing_is_there_where_they_are_not(kind: str, place: Callable[..., Any], tmp_path: Path) -> None:
    table = place()
    table.write(ROWS)
    table.close()
    names = "SELECT name FROM sqlite_master" if kind == "sqlite" else "SHOW TABLES"
    assert query(kind, tmp_path / "s.db", names) == []


def test_a_table_that_is_there_stays_until_it_is_replaced_whole(
    kind: str, place: Callable[..., Any], tmp_path: Path
) -> None:
    def count(name: str) -> int:
        return int(query(kind, tmp_path / "s.db", f"SELECT count(*) FROM {name}")[0][0])

    for keep in (True, False):
        table = place(overwrite=not keep)
        table.write(ROWS)
        table.reject(BAD)
        if keep:
            table.keep()
        table.close()
    with pytest.raises(UserError, match="already"):
        place()
    assert (count("scores"), count("scores_rejected")) == (2, 1)
    table = place(overwrite=True)
    table.write(pd.concat([ROWS, ROWS]))
    table.keep()
    table.close()
    assert count("scores") == 4
    with pytest.raises((sqlite3.Error, duckdb.Error)):
        count("scores_rejected")


def test_a_name_is_a_name_whatever_it_holds(kind: str, place: Callable[..., Any], tmp_path: Path) -> None:
    assert quoted('a"b.c') == '"a""b"."c"'
    name = 'x"; DROP TABLE y; --'
    table = place(name)
    table.write(ROWS.rename(columns={"model": 'm"; --'}))
    table.keep()
    table.close()
    assert len(query(kind, tmp_path / "s.db", f"SELECT * FROM {quoted(name)}")) == 2


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("mysql://host/shop#scores", "no database that can be written to"),
        ("spark://host:7077#scores", "no database that can be written to"),
        ("sqlite:///scores.db", "names no table"),
        ("sqlite:////none/of/this/scores.db#scores", "cannot be opened"),
        ("duckdb:////none/of/this/scores.db#scores", "cannot be opened"),
    ],
)
def test_what_is_no_table_is_told(url: str, told: str) -> None:
    with pytest.raises(UserError, match=told):
        open_table(url, overwrite=False)


@pytest.mark.parametrize("kind", ["sqlite", "duckdb"])
@pytest.mark.parametrize("overwrite", [False, True])
def test_a_file_that_is_no_database_is_told(kind: str, overwrite: bool, tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("customer_id,price\n" * 2000)
    with pytest.raises(UserError, match="cannot be opened: "):
        open_table(f"{kind}:///{tmp_path}/rows.csv#scores", overwrite=overwrite)


@pytest.mark.parametrize("kind", ["sqlite", "duckdb"])
def test_a_view_of_its_name_is_told(kind: str, tmp_path: Path) -> None:
    query(kind, tmp_path / "s.db", "CREATE VIEW scores AS SELECT 1")
    for overwrite in (False, True):
        with pytest.raises(
            UserError, match="has a scores that is no table" if overwrite else "has a table scores already"
        ):
            open_table(f"{kind}:///{tmp_path}/s.db#scores", overwrite=overwrite)


def test_a_password_comes_from_the_environment_and_is_never_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_PASSWORD", "hunter2222")
    url = resolved("postgresql://shop:${oc.env:SHOP_PASSWORD}@127.0.0.1:1/shop#scores")
    assert url == "postgresql://shop:hunter2222@127.0.0.1:1/shop#scores"
    with pytest.raises(UserError) as refused:
        open_table(url, overwrite=False)
    assert "cannot be opened" in str(refused.value)
    assert "hunter2222" not in str(refused.value)
    monkeypatch.delenv("SHOP_PASSWORD")
    with pytest.raises(UserError, match="SHOP_PASSWORD"):
        resolved("postgresql://shop:${oc.env:SHOP_PASSWORD}@127.0.0.1:1/shop#scores")


@pytest.mark.slow
def test_postgresql(fill: Callable[..., str]) -> None:
    psycopg = pytest.importorskip("psycopg")
    url = fill("postgresql", {"other": ROWS[["customer_id"]]})
    for keep, rows in ((True, ROWS), (False, BAD)):
        table = open_table(f"{url}#public.scores", overwrite=not keep)
        table.write(rows)
        if keep:
            table.reject(BAD)
            table.keep()
        table.close()
    with pytest.raises(UserError, match="already"):
        open_table(f"{url}#scores", overwrite=False)
    with psycopg.connect(url) as connection:
        found = connection.execute("SELECT * FROM scores ORDER BY 1").fetchall()
        rejected = connection.execute("SELECT * FROM scores_rejected").fetchall()
    assert [row[2] for row in found] == [1 / 3, 1e-17]
    assert str(found[1][1]) == "2017-01-09 08:30:00"
    assert found[0][3:] == ('it\'s "m"', 3)
    assert rejected == [(3, None, "no value of price")]
    assert os.environ.get("PGPASSWORD") is None
