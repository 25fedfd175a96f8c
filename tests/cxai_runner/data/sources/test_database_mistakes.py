"""Every mistake about a database is told in words, before a row is read, and no message shows a password."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cxai_runner.config.problems import UserError
from cxai_runner.data import DatabaseSource
from cxai_runner.data.engines.urls import engine_of, redacted
from cxai_runner.data.quality.contracts import broken
from cxai_runner.data.tables.needs import Needs
from cxai_runner.data.tables.standard import STANDARD

Fill = Callable[..., str]


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


@pytest.mark.slow
@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize("line", ["901,5", "901,5,6,7"])
def test_spark_neither_cuts_nor_fills_a_line(
    spark: None, tmp_path: Path, line: str, late: bool, capfd: pytest.CaptureFixture[str]
) -> None:
    """A broken line is told by a query of one column too, which Spark could answer without looking at the others."""
    lines = [f"{number},{number % 7},1" for number in range(1200 if late else 9)]
    (tmp_path / "people.csv").write_text("\n".join(["customer_id,a,b", *lines, line, "902,1,1\n"]))
    source = DatabaseSource(url="local[2]", tables={"customers": {"path": str(tmp_path / "people.csv")}})  # type: ignore[dict-item]
    needs = Needs({"customers": ("customer_id",)})
    (problem,) = broken(needs, source.open()) if late else source.problems()
    told = f"a line of people.csv has another number of values than the header: `{line}`"
    assert problem.message == f"cannot be read{' to its end' if late else ''}: {told}"
    assert "Exception" not in capfd.readouterr().err
