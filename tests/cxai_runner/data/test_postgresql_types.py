"""Whatever PostgreSQL has for a type is read as one of a few, or told in words."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from cxai_runner.data import DatabaseSource, Tables
from cxai_runner.data.quality.contracts import broken
from cxai_runner.data.tables.needs import Needs

pytestmark = pytest.mark.slow

Call = Callable[..., "subprocess.CompletedProcess[str]"]

DEFINED = """
    CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy');
    CREATE DOMAIN euros AS numeric(12, 2) CHECK (VALUE >= 0);
    CREATE TYPE pair AS (number int, word text)
"""
COLUMNS: Mapping[str, tuple[str, str, Any]] = {
    # Name → how it is declared, a value as SQL, and what is read of it.
    "id": ("uuid", "'0b3e8f5e-0d2c-4b7e-9a57-0a1b2c3d4e5f'", "0b3e8f5e-0d2c-4b7e-9a57-0a1b2c3d4e5f"),
    "padded": ("char(8)", "'ab'", "ab"),
    "short": ("varchar(5)", "'ab '", "ab "),
    "small": ("smallint", "-3", -3),
    "large": ("bigint", "9007199254740993", 9007199254740993),
    "single": ("real", "1.5", 1.5),
    "exact": ("numeric", "1 / 3.0", 0.3333333333333333),
    "scaled": ("numeric(10, 2)", "12.34", 12.34),
    "vast": ("numeric(30, 0)", "1e22", 1e22),
    "price": ("euros", "9.99", 9.99),
    "truth": ("boolean", "true", True),
    "day": ("date", "'2017-12-31'", pd.Timestamp("2017-12-31")),
    "local": ("timestamp", "'2017-12-31 23:59:59.123456'", pd.Timestamp("2017-12-31 23:59:59.123456")),
    "instant": ("timestamptz", "'2017-12-31 23:30:00-05'", pd.Timestamp("2018-01-01 04:30:00")),
    "hour": ("time", "'10:30'", "10:30:00"),
    "mood": ("mood", "'happy'", "happy"),
    "words": ("text[]", "ARRAY['a', 'b']", "{a,b}"),
    "document": ("jsonb", """'{"a": [1, 2]}'""", '{"a": [1, 2]}'),
    "text": ("json", """'{"a":1}'""", '{"a":1}'),
    "money": ("money", "12.5", "$12.50"),
    "span": ("interval", "'3 days'", "3 days"),
    "address": ("inet", "'10.0.0.1'", "10.0.0.1/32"),
    "network": ("cidr", "'10.0.0.0/8'", "10.0.0.0/8"),
    "numbers": ("int4range", "'[1,5)'", "[1,5)"),
    "place": ("point", "'(1,2)'", "(1,2)"),
    "mask": ("bit(4)", "b'1010'", "1010"),
    "both": ("pair", "ROW(1, 'x')::pair", "(1,x)"),
    "gap": ("text", "NULL", None),
}


@pytest.fixture(scope="module")
def ask(postgresql: str) -> Callable[..., Any]:
    """Run SQL on a database of our own."""
    import psycopg

    with psycopg.connect(f"{postgresql}/postgres", autocommit=True) as connection:
        connection.execute("CREATE DATABASE kinds")
        connection.execute("ALTER DATABASE kinds SET lc_monetary = 'C'")

    def run(*statements: str) -> None:
        with psycopg.connect(f"{postgresql}/kinds", autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement)

    return run


@pytest.fixture(scope="module")
def url(postgresql: str, ask: Callable[..., Any]) -> str:
    """A database with a table of a hundred rows of every type, and one of instants without an end."""
    columns = ", ".join(f'"{name}" {kind}' for name, (kind, _, _) in COLUMNS.items())
    values = ", ".join(value for _, value, _ in COLUMNS.values())
    ask(
        DEFINED,
        f"CREATE TABLE visits (client char(6) NOT NULL, visit uuid, sold_at timestamptz, paid numeric, {columns})",
        f"""
        INSERT INTO visits SELECT 'c' || n % 20, md5(n::text)::uuid, '2017-01-01'::timestamptz + n * n * interval '9 h',
            round(n % 37 / 7.0, 3), {values} FROM generate_series(1, 100) n
        """,
        "UPDATE visits SET mood = 'sad' WHERE right(client::text, 1) = '7'",
        "CREATE TABLE members (client int, since timestamp, until date, seen timestamptz, score numeric)",
        """
        INSERT INTO members VALUES (1, 'infinity', '0044-03-15 BC', '-infinity', 'NaN'),
            (2, '2017-01-01', 'infinity', '2017-01-01 00:00+01', 3)
        """,
    )
    return f"{postgresql}/kinds"


def opened(url: str, name: str, **table: Any) -> Tables:
    return DatabaseSource(url=url, tables={name: table}).open()


def test_every_type_is_read_as_one_of_a_few(url: str) -> None:
    visits = opened(url, "transactions", table="visits")["transactions"]
    row = visits.limit(1).execute().iloc[0]
    for name, (kind, _, want) in COLUMNS.items():
        assert pd.isna(row[name]) if want is None else row[name] == want, kind
    assert {str(visits[name].type()) for name in COLUMNS} == {"boolean", "float64", "int64", "string", "timestamp"}


def test_every_type_can_be_asked(url: str) -> None:
    """Grouped, compared, ordered, summed up and digested: an enumeration or a document has no way of its own to it."""
    tables = opened(url, "transactions", table="visits", where={"mood": {"ge": "happy"}})
    visits = tables["transactions"]
    measures = {name: visits[name].nunique() for name in COLUMNS} | {
        f"min {name}": visits[name].min() for name in COLUMNS
    }
    found = visits.aggregate(**measures).execute().iloc[0]
    for name, (kind, _, want) in COLUMNS.items():
        assert found[name] == (0 if want is None else 1 + (name == "mood")), kind
    assert tables.digest("transactions", list(COLUMNS)).split(":")[1] == "100"
    none = opened(url, "transactions", table="visits", where={"mood": {"in": ["glad"]}})
    assert none.rows("transactions") == 0


def test_money_is_told(url: str) -> None:
    tables = opened(url, "transactions", table="visits", columns={"revenue": "money"})
    (problem,) = broken(Needs({"transactions": ("revenue",)}), tables)
    assert problem.key == "data.tables.transactions.columns.revenue"
    assert problem.message == "100 of 100 rows do not hold numbers, such as `$12.50`"
    assert problem.remedy == "take the currency out of the column: amounts of several would be added up"


def test_instants_without_an_end_are_the_last_and_the_first(url: str) -> None:
    members = opened(url, "customers", table="members", columns={"customer_id": "client"})["customers"]
    first, second = members.order_by("customer_id").to_pyarrow().to_pylist()
    assert (first["since"].year, first["until"].year, first["seen"].year, first["score"]) == (9999, 1, 1, None)
    assert (second["until"].year, second["seen"], second["score"]) == (9999, pd.Timestamp("2016-12-31 23:00"), 3.0)


def test_inspect_looks_at_every_type(url: str, cxai: Call, tmp_path: Path) -> None:
    done = cxai("inspect", url, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "cannot be read" not in done.stdout
    looked = {line.split()[0]: " ".join(line.split()[1:]) for line in done.stdout.splitlines() if line.startswith("  ")}
    for name in ("small", "large"):
        assert looked[name].startswith("whole numbers"), name
    for name in ("exact", "scaled", "price", "single"):
        assert looked[name].startswith("numbers"), name
    for name in ("day", "local", "instant", "since", "until", "seen"):
        assert looked[name].startswith("dates"), name
    for name in ("id", "mood", "money", "span", "address", "numbers", "place", "document"):
        assert looked[name].startswith("text"), name
    assert looked["truth"].startswith("true/false")


def test_a_run_over_such_a_table(url: str, cxai: Call, tmp_path: Path) -> None:
    done = cxai(
        "run",
        "task=segmentation",
        "data=postgresql",
        "data.tables.transactions.table=visits",
        "data.tables.transactions.columns={customer_id: client, order_id: visit, timestamp: sold_at, revenue: paid}",
        "data.tables.transactions.where.mood.ne=sad",
        "features.columns=[recency,revenue,monetary]",
        "model.n_clusters=2",
        "task.resamples=2",
        cwd=tmp_path,
        env={"DATABASE_URL": url},
    )
    assert done.returncode == 0, done.stderr
    assert "18 rows of 18 customers" in done.stdout
    assert "10 of 100 rows of transactions (10.0 %): mood is sad" in done.stdout
