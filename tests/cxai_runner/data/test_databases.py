"""The same rows make the same frames wherever they live, and every mistake about a database is told in words."""

from __future__ import annotations

import importlib.util
import sqlite3
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cxai_runner.config.problems import UserError
from cxai_runner.data import DatabaseSource, Tables
from cxai_runner.data.contracts import broken
from cxai_runner.data.dataset import Dropped
from cxai_runner.data.engines.urls import engine_of, redacted
from cxai_runner.data.needs import Needs
from cxai_runner.data.standard import STANDARD

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
def test_a_digest_is_of_the_rows_and_not_of_their_order(engine: str, fill: Fill, source: Callable[..., Any]) -> None:
    rows = [(1, "a", 0.5), (2, None, 0.1), (2, None, 0.1), (3, "", 7.0)]

    def digest(rows: list[tuple[Any, ...]]) -> str:
        frame = pd.DataFrame(rows, columns=["client", "home", "income"]).astype({"home": "str"})
        tables = source(engine, fill(engine, {"people": frame}), customers=SHOP["customers"]).open()
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


def test_a_stated_version_stands_for_the_rows(made: Callable[..., Tables], monkeypatch: pytest.MonkeyPatch) -> None:
    def stated(version: Any, **changed: Any) -> str:
        tables = made("sqlite", {"customers": {**SHOP["customers"], "version": version, **changed}})
        return tables.digest("customers", ["customer_id", "age"])

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
        opened = DatabaseSource(url=url, tables={"customers": SHOP["customers"]}).open()  # type: ignore[dict-item]
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
    tables = source(engine, url, customers=SHOP["customers"]).open()
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
}
# DuckDB is less strict with these three: it takes 0x1F for 31, 1_000 for 1000.
LENIENT = {"duckdb": {"0x1F", "1_000"}}


@pytest.mark.parametrize("engine", ALL)
def test_text_is_a_number_or_a_date_on_every_engine_or_on_none(
    engine: str, fill: Fill, source: Callable[..., Any]
) -> None:
    texts = [text for text in TEXTS if text not in LENIENT.get(engine, ())]
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


def told(source: DatabaseSource) -> list[tuple[str, str, Any, str]]:
    return [(one.key, one.message, one.value, one.remedy) for one in source.problems()]


@pytest.fixture
def shop_db(fill: Fill, shop: Mapping[str, pd.DataFrame], monkeypatch: pytest.MonkeyPatch) -> str:
    """A SQLite file `shop.db` in the working folder."""
    path = Path(fill("sqlite", {"people": shop["people"], "orders": shop["orders"]}).removeprefix("sqlite:///"))
    monkeypatch.chdir(path.parent)
    return "sqlite:///shop.db"


PEOPLE: Mapping[str, Any] = {"customers": {"table": "people", "columns": {"customer_id": "client"}}}


def test_a_path_is_relative_or_has_four_slashes(shop_db: str) -> None:
    here = Path.cwd()
    assert told(DatabaseSource(url=shop_db, tables=PEOPLE)) == []
    assert told(DatabaseSource(url=f"sqlite:///{here}/shop.db", tables=PEOPLE)) == []
    (one,) = told(DatabaseSource(url=f"sqlite://{here}/shop.db", tables=PEOPLE))
    rooted = f"sqlite://{here}/shop.db"
    assert one[1:] == ("no such file", rooted, f"a path from the root has four slashes: sqlite:///{here}/shop.db")


@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        ({"url": "sqlite:///shp.db"}, ("url", "no such file", "sqlite:///shp.db", "did you mean `shop.db`?")),
        ({"url": "sqlite:///."}, ("url", "a folder, not a file", "sqlite:///.", "name the database file in it")),
        (
            {"url": "oracle://u:secret@h/d"},
            (
                "url",
                "no URL of a database that can be read",
                "oracle://u:***@h/d",
                "it begins with postgresql://, sqlite:///, duckdb:///, spark:// or local",
            ),
        ),
        ({"schema": "main"}, ("schema", "SQLite has no schemas", "main", "remove it")),
        (
            {"tables": {}},
            ("tables", "no table is given", ..., "one of: " + ", ".join(STANDARD)),
        ),
        ({"tables": {"customer": {}}}, ("tables.customer", "no such standard table", ..., "did you mean `customers`?")),
        (
            {"tables": {"customers": {"table": "peopel"}}},
            ("tables.customers.table", "no such table", "peopel", "did you mean `people`?"),
        ),
        (
            {"tables": {"customers": {**PEOPLE["customers"], "path": "x.parquet"}}},
            (
                "tables.customers.path",
                "only Spark reads files here",
                "x.parquet",
                "remove it, or read files as files: data=csv, data=parquet",
            ),
        ),
        (
            {"tables": {"customers": {"table": "people", "columns": {"customer_id": "cleint"}}}},
            (
                "tables.customers.columns.customer_id",
                "the table has no such column",
                "cleint",
                "did you mean `client`?",
            ),
        ),
        (
            {"tables": {"customers": {**PEOPLE["customers"], "types": {"aeg": "text"}}}},
            ("tables.customers.types.aeg", "no such column", ..., "did you mean `age`?"),
        ),
        (
            {"tables": {"customers": {**PEOPLE["customers"], "where": {"client": {"gt": 3}}}}},
            ("tables.customers.where.client", "mapped to `customer_id`", ..., "filter by that name: where.customer_id"),
        ),
        (
            {"tables": {"customers": {**PEOPLE["customers"], "dates": "%Q"}}},
            (
                "tables.customers.dates",
                "not a date format: %Q is not known to this engine",
                "%Q",
                "as in %Y-%m-%d or %d/%m/%Y %H:%M",
            ),
        ),
    ],
    ids=lambda value: str(value)[:60],
)
def test_a_mistake_is_told_before_a_row_is_read(shop_db: str, changed: Any, problem: tuple[Any, ...]) -> None:
    from cxai_runner.config.problems import UNSET

    want = tuple(UNSET if part is ... else part for part in problem)
    source = DatabaseSource(**{"url": shop_db, "tables": PEOPLE, **changed})
    assert told(source) == [want]
    with pytest.raises(UserError) as caught:
        source.open()
    assert caught.value.problems[0].key == f"data.{want[0]}"


def test_an_unknown_key_of_a_table_is_a_problem() -> None:
    with pytest.raises(UserError) as caught:
        DatabaseSource(url="local", tables={"customers": {"tabel": "x"}})  # type: ignore[dict-item]
    (problem,) = caught.value.problems
    assert (problem.key, problem.remedy) == ("data.tables.customers.tabel", "did you mean `table`?")


@pytest.mark.parametrize("scheme", ["sqlite", "duckdb"])
def test_a_file_that_is_no_database(scheme: str, tmp_path: Path) -> None:
    (tmp_path / "x.db").write_text("customer_id\n1\n" * 1000)
    (problem,) = DatabaseSource(url=f"{scheme}:///{tmp_path / 'x.db'}", tables=PEOPLE).problems()
    assert problem.key == "url"
    assert "read" in problem.message
    assert "Traceback" not in f"{problem.message} {problem.remedy}"


def test_a_schema_of_duckdb_that_is_not_there(fill: Fill, shop: Mapping[str, pd.DataFrame]) -> None:
    url = fill("duckdb", {"people": shop["people"]})
    assert told(DatabaseSource(url=url, schema="mian", tables=PEOPLE)) == [
        ("schema", "no such schema", "mian", "did you mean `main`?")
    ]


@pytest.mark.parametrize(
    ("url", "package", "extra"),
    [("postgresql://u:secret@h/d", "psycopg", "postgresql"), ("local", "pyspark", "spark")],
)
def test_a_driver_that_is_missing_is_named_with_its_extra(
    url: str, package: str, extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *more: None if name == package else original(name))
    assert told(DatabaseSource(url=url, tables=PEOPLE)) == [
        (
            "url",
            f"needs the package `{package}`, which is not installed",
            url.replace("secret", "***"),
            f"python -m pip install 'cxai[{extra}]'",
        )
    ]


@given(password=st.text(st.characters(codec="ascii", categories=("L", "N", "P", "S")), min_size=4))
def test_a_password_is_never_shown(password: str) -> None:
    shown = redacted(f"postgresql://cxai:{password}@db.example:5432/shop")
    assert shown == "postgresql://cxai:***@db.example:5432/shop"
    assert redacted(f"postgresql://db/shop?user=u&password={password.replace('&', '')}").endswith("&password=***")


@pytest.mark.parametrize(
    ("url", "engine"),
    [
        ("postgres://h/d", "postgres"),
        ("local", "pyspark"),
        ("local[2]", "pyspark"),
        ("local[*]", "pyspark"),
        ("spark://h:7077", "pyspark"),
        ("yarn", "pyspark"),
        ("locally", None),
        ("shop.db", None),
        ("mysql://h/d", None),
    ],
)
def test_a_url_says_which_engine_is_meant(url: str, engine: str | None) -> None:
    assert engine_of(url) == engine


@pytest.mark.slow
def test_what_keeps_a_server_from_being_read_is_told(
    postgresql: str, fill: Fill, shop: Mapping[str, pd.DataFrame], monkeypatch: pytest.MonkeyPatch
) -> None:
    import psycopg

    url = fill("postgresql", {"people": shop["people"]})
    server, _, database = url.rpartition("/")
    host = server.rpartition("@")[2]
    port = host.rpartition(":")[2]
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE ROLE guest LOGIN PASSWORD 'guest-secret'")
        connection.execute("CREATE VIEW young AS SELECT * FROM people WHERE age < 30")
        connection.execute("GRANT SELECT ON young TO guest")

    def shown(what: str, end: str = database) -> str:
        return f"postgresql://{what}:***@{host}/{end}"

    guest = f"postgresql://guest:guest-secret@{host}/{database}"
    refused = "check the variable that the URL comes from; a character such as @ or / is written %40 or %2F in it"
    nobody = "postgresql://cxai:wrong-one@127.0.0.1"
    example = "as in postgresql://user:password@host:5432/database"
    cases: list[tuple[dict[str, Any], tuple[Any, ...]]] = [
        (
            {"url": f"{server}/{database}x"},
            ("url", f"no database `{database}x` there", shown("cxai", f"{database}x"), f"did you mean `{database}`?"),
        ),
        (
            {"url": f"postgresql://cxai:wrong-one@{host}/{database}"},
            ("url", "the server refuses the password", shown("cxai"), refused),
        ),
        (
            {"url": f"postgresql://cxai@{host}/{database}"},
            (
                "url",
                "the server asks for a password, and the URL has none",
                f"postgresql://cxai@{host}/{database}",
                refused,
            ),
        ),
        (
            {"url": f"{nobody}:1/shop"},
            (
                "url",
                "no server answers at 127.0.0.1:1",
                f"{redacted(nobody)}:1/shop",
                "check host and port, or start it",
            ),
        ),
        (
            {"url": f"{nobody}:port/shop"},
            ("url", "no URL of a PostgreSQL database", f"{redacted(nobody)}:port/shop", example),
        ),
        (
            {"url": f"{url}?sslmode=require"},
            (
                "url",
                "the server knows no SSL, and the URL requires it",
                f"{shown('cxai')}?sslmode=require",
                "?sslmode=prefer",
            ),
        ),
        ({"schema": "pubic"}, ("schema", "no such schema", "pubic", "did you mean `public`?")),
        (
            {"tables": {"customers": {"table": "peple"}}},
            ("tables.customers.table", "no such table", "peple", "did you mean `people`?"),
        ),
        (
            {"url": guest},
            ("tables.customers.table", "this user may not read it", "people", "GRANT SELECT ON people TO …"),
        ),
    ]
    monkeypatch.delenv("PGPASSWORD", raising=False)
    for changed, problem in cases:
        source = DatabaseSource(**{"url": url, "tables": PEOPLE, **changed})
        assert told(source) == [problem]
        with pytest.raises(UserError) as caught:
            source.open()
        for secret in ("wrong-one", "guest-secret", "p@ss", "p%40ss"):
            assert secret not in repr(caught.value.problems)
    young = {"customers": {"table": "young", "columns": {"customer_id": "client"}}}
    tables = DatabaseSource(url=guest, tables=young).open()  # type: ignore[arg-type]
    assert tables.rows("customers") == int((shop["people"]["age"] < 30).sum())
    assert tables.describe("customers") == f"postgresql://127.0.0.1:{port}/{database} young"


@pytest.mark.slow
def test_spark_takes_a_folder_for_parquet_and_tells_of_nanoseconds(spark: None, tmp_path: Path) -> None:
    people = pd.DataFrame({"customer_id": [1, 2], "since": pd.to_datetime(["2017-01-01", "2017-02-01"]).as_unit("ns")})
    (tmp_path / "people").mkdir()
    people.astype({"since": "datetime64[us]"}).to_parquet(tmp_path / "people" / "part.parquet")
    people.to_parquet(tmp_path / "fine.parquet")
    source = DatabaseSource(url="local[2]", tables={"customers": {"path": str(tmp_path / "people")}})  # type: ignore[dict-item]
    assert source.open()["customers"].execute()["since"].tolist() == people["since"].tolist()
    fine = str(tmp_path / "fine.parquet")
    (found,) = told(DatabaseSource(url="local[2]", tables={"customers": {"path": fine}}))  # type: ignore[dict-item]
    assert found[0] == "tables.customers.path"
    assert "TIMESTAMP(NANOS" in found[1]
    assert found[2:] == (fine, "Spark reads instants to the microsecond: write them so")


@pytest.mark.parametrize("engine", ["duckdb", "sqlite"])
def test_a_file_that_was_replaced_is_another(
    engine: str, fill: Fill, shop: Mapping[str, pd.DataFrame], tmp_path: Path, memory: Path
) -> None:
    url = fill(engine, {"people": shop["people"]})
    path = Path(url.partition(":///")[2])
    other = Path(fill(engine, {"people": shop["people"].head(7)}).partition(":///")[2])

    def opened() -> Tables:
        return DatabaseSource(url=url, tables={"customers": SHOP["customers"]}).open()  # type: ignore[dict-item]

    before = opened()
    first = before.digest("customers", ["age"])
    other.replace(path)
    assert before.digest("customers", ["age"]) == first, "what is open is what it was, and is not remembered as new"
    after = opened()
    assert after.digest("customers", ["age"]) != first
    assert after.rows("customers") == 7


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
