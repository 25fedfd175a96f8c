"""Values of a database are numbers, dates and truths by the same rules on every engine."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from cxai_runner.data import DatabaseSource
from cxai_runner.data.dataset import Dropped
from cxai_runner.data.quality.changes import changes
from cxai_runner.data.quality.contracts import broken
from cxai_runner.data.tables.needs import Needs

SLOW = {"postgresql", "spark"}
ALL = [pytest.param(one, marks=pytest.mark.slow if one in SLOW else ()) for one in ("duckdb", "sqlite", *sorted(SLOW))]
OTHERS = ALL[1:]


Fill = Callable[..., str]


TEXTS = {
    # As text → as a number, a whole number, true or false, an instant; what is none of it is no value.
    "12": (12.0, 12, None, None),
    "-7.0": (-7.0, -7, None, None),
    "12.7": (12.7, None, None, None),
    "1e3": (1000.0, 1000, None, None),
    ".5": (0.5, None, None, None),
    "1,5": (None, None, None, None),
    "1_000": (None, None, None, None),
    "twelve": (None, None, None, None),
    "0x1F": (None, None, None, None),
    "12d": (None, None, None, None),
    "": (None, None, None, None),
    "1": (1.0, 1, True, None),
    "0": (0.0, 0, False, None),
    "TRUE": (None, None, True, None),
    "no": (None, None, False, None),
    "2017-12-31": (None, None, None, "2017-12-31"),
    "2017-1-2": (None, None, None, "2017-01-02"),
    "2017-12-31 18:30": (None, None, None, "2017-12-31 18:30:00"),
    "2017-12-31T18:30:15Z": (None, None, None, "2017-12-31 18:30:15"),
    "2017-12-31 18:30:15.25": (None, None, None, "2017-12-31 18:30:15.250"),
    "2016-02-29": (None, None, None, "2016-02-29"),
    "2017-02-29": (None, None, None, None),
    "2017-04-31": (None, None, None, None),
    "2017-13-01": (None, None, None, None),
    "20171231": (20171231.0, 20171231, None, None),
    "12:30": (None, None, None, None),
    "today": (None, None, None, None),
    "2017-12-31 25:00": (None, None, None, None),
    "2017-12-31 24:00": (None, None, None, "2018-01-01"),
    "2016-02-29T24:00:00": (None, None, None, "2016-03-01"),
    "2017-02-30 24:00": (None, None, None, None),
    "2017-12-31 24:00:01": (None, None, None, None),
    "2017-12-31T18": (None, None, None, None),
    "2017-12-31 18": (None, None, None, None),
    "epoch": (None, None, None, None),
    " 2017-12-31 ": (None, None, None, "2017-12-31"),
    "2017-12-31\t": (None, None, None, "2017-12-31"),
    " 7 ": (7.0, 7, None, None),
}


@pytest.mark.parametrize("engine", ALL)
def test_text_is_a_number_or_a_date_on_every_engine_or_on_none(
    engine: str, fill: Fill, source: Callable[..., Any]
) -> None:
    texts = list(TEXTS)
    columns = {"number": "number", "whole": "integer", "truth": "boolean", "instant": "timestamp"}
    frame = pd.DataFrame({"client": range(len(texts)), **{name: pd.Series(texts, dtype="str") for name in columns}})
    tables = source(
        engine,
        fill(engine, {"odd": frame}),
        customers={"table": "odd", "columns": {"customer_id": "client"}, "types": columns},
    ).open()
    found = tables["customers"].order_by("customer_id").to_pyarrow().to_pydict()
    for number, text in enumerate(texts):
        *plain, instant = TEXTS[text]
        want = [*plain, None if instant is None else pd.Timestamp(instant)]
        assert [found[name][number] for name in columns] == want, text
    (problem,) = [one for one in broken(Needs({"customers": ("number",)}), tables) if one.key.endswith("number")]
    wrong = sum(TEXTS[text][0] is None and text != "" for text in texts)
    assert problem.message.startswith(f"{wrong} of {len(texts)} rows do not hold numbers, such as `")
    assert problem.remedy == "mend them in the database, or map a view that leaves them out or makes them null"


DATES = [
    "31/12/2017",
    "1/2/2018 9:05",
    "29/02/2017",
    "12.31.17",
    "Dec 31, 2017",
    "31-12-2017 11:59 PM",
    "x",
    "31/12/2017x",
]


@pytest.mark.parametrize("engine", ALL)
def test_dates_are_read_as_config_says_they_are_written(engine: str, fill: Fill, source: Callable[..., Any]) -> None:
    frame = pd.DataFrame({"client": range(len(DATES)), "since": pd.Series(DATES, dtype="str")})
    forms = ["%d/%m/%Y", "%d/%m/%Y %H:%M", "%m.%d.%y", "%b %d, %Y", "%d-%m-%Y %I:%M %p"]
    table = {"table": "d", "columns": {"customer_id": "client"}, "types": {"since": "timestamp"}, "dates": forms}
    tables = source(engine, fill(engine, {"d": frame}), customers=table).open()
    found = tables["customers"].order_by("customer_id").to_pyarrow()["since"].to_pylist()
    last = pd.Timestamp("2017-12-31")
    assert found == [
        last,
        pd.Timestamp("2018-02-01 09:05"),
        None,
        last,
        last,
        pd.Timestamp("2017-12-31 23:59"),
        None,
        None,
    ]


def test_sqlite_is_taken_by_what_it_holds_and_not_by_what_it_declares(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "s.db") as connection:
        connection.execute("CREATE TABLE t (client INTEGER, sold_at TIMESTAMP, paid NUMERIC, units)")
        rows = [
            (1, "2017-01-01", 3, 2),
            (2, "2017-01-01T10:00:00.5+02:00", "4.5", "2"),
            ("A3", 1483228800, "about 5", 2.5),
            (4, "2017-02-30", None, None),
        ]
        connection.executemany("INSERT INTO t VALUES (?, ?, ?, ?)", rows)
    connection.close()
    columns = {"customer_id": "client", "timestamp": "sold_at", "revenue": "paid", "quantity": "units"}
    table = {"table": "t", "columns": columns}
    source = DatabaseSource(url=f"sqlite:///{tmp_path / 's.db'}", tables={"transactions": table})  # type: ignore[dict-item]
    tables = source.open()
    staged = tables.mapped["transactions"].staged.select(*columns).to_pyarrow().to_pydict()
    assert staged["customer_id"] == [1, 2, None, 4]
    assert staged["timestamp"] == [pd.Timestamp("2017-01-01"), pd.Timestamp("2017-01-01 08:00:00.5"), None, None]
    assert staged["revenue"] == [3.0, 4.5, None, None]
    assert staged["quantity"] == [2.0, 2.0, 2.5, None]
    told = {one.key: one.message for one in broken(Needs({"transactions": tuple(columns)}), tables)}
    here = "data.tables.transactions.columns"
    assert told[f"{here}.customer_id"] == "1 of 4 rows do not hold whole numbers, such as `A3`"
    assert told[f"{here}.timestamp"].startswith("2 of 4 rows do not hold dates")
    assert told[f"{here}.revenue"] in {
        "1 of 4 rows do not hold numbers, such as `about 5`",
        "1 of 4 rows have no value",
    }


def test_an_odd_value_is_named_with_its_column_and_a_remedy(tmp_path: Path) -> None:
    """A column of SQLite holds anything; whoever reads one as it is declared is told what is in the way."""
    from cxai_runner.data.engines import open_database
    from cxai_runner.data.engines.frames import OddValueError

    with sqlite3.connect(tmp_path / "s.db") as connection:
        connection.execute("CREATE TABLE t (client INTEGER, paid REAL, seen TIMESTAMP, name TEXT)")
        rows = [(1, 2.5, "2017-01-01", "a"), ("A3", "about 5", 5, b"b")]
        connection.executemany("INSERT INTO t VALUES (?, ?, ?, ?)", rows)
    connection.close()
    table = open_database(f"sqlite:///{tmp_path / 's.db'}", None, 1).backend.table("t")
    held = {"client": "`A3`, which is not a whole number", "paid": "`about 5`, which is not a number"}
    for column, told in held.items():
        with pytest.raises(OddValueError) as caught:
            table.select(column).to_pyarrow()
        assert str(caught.value) == (
            f'column `{column}` holds {told}; mend it in the database, or read a view with CAST("{column}" AS TEXT)'
        )


@pytest.mark.slow
def test_dates_without_end_are_counted_before_they_are_read(postgresql: str, fill: Fill) -> None:
    import psycopg

    url = fill("postgresql", {"people": pd.DataFrame({"client": [1]})})
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE TABLE sales (client int, sold_at timestamptz, since date, until timestamp)")
        connection.execute(
            "INSERT INTO sales VALUES (1, '2017-01-01', '2017-01-01', '2017-01-01'),"
            "(2, 'infinity', '-infinity', 'infinity'), (3, '-infinity', 'infinity', '2017-01-01')"
        )
    table = {"table": "sales", "columns": {"customer_id": "client", "timestamp": "sold_at"}}
    tables = DatabaseSource(url=url, tables={"transactions": table}).open()  # type: ignore[dict-item]
    needs = Needs({"transactions": ("customer_id", "timestamp")}, {"transactions": ("since", "until")})
    told = {one.key.rpartition(".")[2]: (one.message, one.remedy) for one in broken(needs, tables)}
    drop = "to leave them out: data.tables.transactions.where.{}={{between: [1900-01-01, 2200-01-01]}}"
    outside = "of 3 rows are outside 1900 … 2200, which no purchase is, such as `{}`"
    endless = "of 3 rows are no dates of the years 1 … 9999, such as"
    assert told == {
        "timestamp": ("2 " + outside.format("-infinity"), drop.format("timestamp")),
        "since": (f"2 {endless} `-infinity`", drop.format("since")),
        "until": (f"1 {endless} `infinity`", drop.format("until")),
    }


@pytest.mark.parametrize("engine", ALL)
def test_names_that_differ_by_blanks_alone_are_one_and_counted(
    engine: str, fill: Fill, source: Callable[..., Any]
) -> None:
    clients = ["anna", "anna ", "\tbo", " ", None]
    frame = pd.DataFrame({"member": pd.Series(clients, dtype="str"), "home": pd.Series(["a "] * 5, dtype="str")})
    table = {"table": "t", "columns": {"customer_id": "member", "other": "home"}}
    tables = source(engine, fill(engine, {"t": frame}), transactions=table).open()
    assert tables.dropped == (Dropped("transactions", "no customer", 2, 5),)
    found = tables["transactions"].order_by("customer_id").to_pyarrow().to_pydict()
    assert found == {"customer_id": ["anna", "anna", "bo"], "other": ["a "] * 3}
    told = [(one.column, one.rule, one.values, one.of) for one in changes(tables.mapped["transactions"])]
    assert told == [("customer_id", "blanks around them taken away", 2, 5)]
    assert list(broken(Needs({"transactions": ("customer_id",)}), tables)) == []
