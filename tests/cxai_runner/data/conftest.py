"""A small made shop in every engine: its rows, and the servers and files that hold them."""

from __future__ import annotations

import datetime as dt
import glob
import os
import pwd
import shutil
import socket
import sqlite3
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
import pandas as pd
import pytest

ENGINES = ("duckdb", "sqlite", "postgresql", "spark")
PASSWORD = "p@ss/w:rd"

_KINDS = {
    "postgresql": {"int64": "bigint", "float64": "double precision", "str": "text", "datetime64[us]": "timestamp"},
    "sqlite": {"int64": "integer", "float64": "real", "str": "text", "datetime64[us]": "timestamp"},
    "duckdb": {"int64": "bigint", "float64": "double", "str": "text", "datetime64[us]": "timestamp"},
}
_DECLARED = {
    # What databases really declare: narrow numbers, decimals, instants with a zone, columns that may not be empty.
    "postgresql": {"client": "integer", "sold_at": "timestamptz", "sku": "smallint not null", "paid": "numeric(10,2)"},
    "sqlite": {"client": "int", "sold_at": "datetime", "sku": "integer not null", "paid": "numeric(10,2)"},
    "duckdb": {"client": "integer", "sold_at": "timestamptz", "sku": "smallint not null", "paid": "decimal(10,2)"},
}
Rows = Mapping[str, pd.DataFrame]
Fill = Callable[[str, Rows], str]


@pytest.fixture(scope="session")
def shop() -> Rows:
    """Four months of 60 customers in a shop of two categories, as its tables call things."""
    rng = np.random.default_rng(5)
    number = 3000
    seconds = rng.integers(0, 3600 * 24 * 120, number)
    orders = pd.DataFrame(
        {
            "client": rng.integers(1, 61, number),
            "ticket": rng.integers(1, 1200, number),
            "sold_at": pd.Timestamp("2017-01-02") + pd.to_timedelta(seconds, unit="s"),
            "sku": rng.integers(1, 25, number),
            "store": rng.integers(1, 4, number),
            "units": rng.integers(0, 5, number).astype(float),
            "paid": (rng.random(number) * 10).round(2),
            "saved": (rng.random(number) * (rng.random(number) < 0.3)).round(2),
            "status": pd.Series(rng.choice(["ok", "returned", None], number, p=[0.9, 0.06, 0.04]), dtype="str"),
        }
    )
    orders["sold_at"] = orders["sold_at"].astype("datetime64[us]")
    orders["week"] = (orders["sold_at"] - pd.Timestamp("2017-01-02")).dt.days // 7 + 1
    orders["client"] = orders["client"].astype("Int64").mask(rng.random(number) < 0.02)
    skus = np.arange(1, 25)
    catalogue = pd.DataFrame(
        {
            "sku": skus,
            "family": pd.Series(["SOFT DRINKS"] * 14 + ["YOGURT"] * 10, dtype="str"),
            "maker": pd.Series([f"Brand {sku % 5}" for sku in skus], dtype="str"),
        }
    )
    seen = [(sku, store, week) for sku in skus for store in (1, 2, 3) for week in range(1, 19) if rng.random() < 0.2]
    flyers = pd.DataFrame(seen, columns=["sku", "store", "week"])
    flyers["display"] = pd.Series(rng.choice(["0", "A", "5"], len(flyers)), dtype="str")
    flyers["mailer"] = pd.Series(rng.choice(["0", "A", None], len(flyers)), dtype="str")
    people = pd.DataFrame({"client": np.arange(1, 61), "age": rng.integers(18, 80, 60)})
    people["home"] = pd.Series(rng.choice(["own", "rent", None], 60), dtype="str")
    people["income"] = (rng.random(60) * 1e5).round(2)
    return {"orders": orders, "catalogue": catalogue, "flyers": flyers, "people": people}


@pytest.fixture(scope="session")
def fill(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Fill:
    """Put tables into a new database of an engine, and return its URL; on Spark, a folder of Parquet files."""
    number = iter(range(10_000))

    def into(engine: str, frames: Rows) -> str:
        home = tmp_path_factory.mktemp(f"{engine}-{next(number)}")
        if engine == "spark":
            request.getfixturevalue("spark")
            for name, frame in frames.items():
                frame.to_parquet(home / f"{name}.parquet")
            return str(home)
        if engine == "sqlite":
            _sqlite(home / "shop.db", frames)
            return f"sqlite:///{home / 'shop.db'}"
        if engine == "duckdb":
            _duckdb(home / "shop.duckdb", frames)
            return f"duckdb:///{home / 'shop.duckdb'}"
        server: str = request.getfixturevalue("postgresql")
        return _postgresql(server, f"shop{next(number)}", frames)

    return into


@pytest.fixture(scope="session")
def source() -> Callable[..., Any]:
    """Return the source of a database that `fill` made: ``source(engine, url, transactions={...})``."""
    from cxai_runner.data import DatabaseSource

    def of(engine: str, url: str, **tables: Mapping[str, Any]) -> Any:
        if engine != "spark":
            return DatabaseSource(url=url, tables=tables)  # type: ignore[arg-type]
        paths = {
            name: {
                **{key: value for key, value in one.items() if key != "table"},
                "path": f"{url}/{one['table']}.parquet",
            }
            for name, one in tables.items()
        }
        return DatabaseSource(url="local[2]", tables=paths)  # type: ignore[arg-type]

    return of


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    """A PostgreSQL server of our own; its URL, without a database at the end."""
    pytest.importorskip("psycopg", reason="psycopg is not installed")
    found = [shutil.which("initdb"), *sorted(glob.glob("/usr/lib/postgresql/*/bin/initdb"), reverse=True)]  # noqa: PTH207
    initdb = next((one for one in found if one), None)
    if initdb is None:
        pytest.skip("no PostgreSQL server here: apt-get install postgresql")
    bin_folder = Path(initdb).resolve().parent
    home = Path(tempfile.mkdtemp(prefix="cxai-postgresql-"))
    as_user: list[str] = []
    if os.getuid() == 0:  # a server refuses to run as root
        try:
            user = pwd.getpwnam("postgres")
        except KeyError:
            pytest.skip("PostgreSQL does not run as root, and there is no user `postgres`")
        os.chown(home, user.pw_uid, user.pw_gid)
        as_user = ["runuser", "-u", "postgres", "--"]
    secret = home / "secret"
    secret.write_text(PASSWORD)
    secret.chmod(0o644)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    data, log = str(home / "data"), str(home / "log")
    options = f"-p {port} -c listen_addresses=127.0.0.1 -c fsync=off -c unix_socket_directories={home}"
    control = [*as_user, str(bin_folder / "pg_ctl"), "-D", data]
    try:
        for command in (
            [*as_user, initdb, "-D", data, "-U", "cxai", "-A", "scram-sha-256", f"--pwfile={secret}", "-E", "UTF8"],
            [*control, "-o", options, "-l", log, "-w", "start"],
        ):
            # The server keeps what it inherits open: a pipe would never end.
            subprocess.run(command, check=True, cwd=home, stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
        yield f"postgresql://cxai:{quote(PASSWORD, safe='')}@127.0.0.1:{port}"
    finally:
        subprocess.run([*control, "-m", "immediate", "stop"], check=False, cwd="/", stdout=subprocess.DEVNULL)
        shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(scope="session")
def spark() -> Iterator[None]:
    """Spark on this machine, stopped at the end."""
    pytest.importorskip("pyspark", reason="pyspark is not installed: make test-slow installs it")
    if shutil.which("java") is None and "JAVA_HOME" not in os.environ:
        pytest.skip("Spark needs Java, and there is none")
    yield
    from pyspark.sql import SparkSession

    session = SparkSession.getActiveSession()
    if session is not None:
        session.stop()


def _definition(engine: str, frame: pd.DataFrame) -> str:
    declared, kinds = _DECLARED[engine], _KINDS[engine]
    return ", ".join(f'"{one}" {declared.get(one) or kinds[str(kind).lower()]}' for one, kind in frame.dtypes.items())


def _values(frame: pd.DataFrame, instant: Callable[[pd.Timestamp], Any]) -> list[tuple[Any, ...]]:
    def plain(value: Any) -> Any:
        if pd.isna(value):
            return None
        if isinstance(value, pd.Timestamp):
            return instant(value)
        return value.item() if hasattr(value, "item") else value

    return [tuple(plain(value) for value in row) for row in frame.itertuples(index=False)]


def _sqlite(path: Path, frames: Rows) -> None:
    with sqlite3.connect(path) as connection:
        for name, frame in frames.items():
            connection.execute(f'CREATE TABLE "{name}" ({_definition("sqlite", frame)})')
            marks = ", ".join("?" * len(frame.columns))
            connection.executemany(
                f'INSERT INTO "{name}" VALUES ({marks})', _values(frame, lambda one: one.isoformat(" "))
            )
    connection.close()


def _duckdb(path: Path, frames: Rows) -> None:
    import duckdb

    with duckdb.connect(str(path)) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        for name, frame in frames.items():
            connection.execute(f'CREATE TABLE "{name}" ({_definition("duckdb", frame)})')
            connection.register("rows", frame)
            connection.execute(f'INSERT INTO "{name}" SELECT * FROM rows')


def _postgresql(server: str, database: str, frames: Rows) -> str:
    import psycopg

    with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {database}")
    with psycopg.connect(f"{server}/{database}", autocommit=True) as connection:
        connection.execute("SET TimeZone = 'Europe/Berlin'")  # a zone of the server's must not show
        for name, frame in frames.items():
            connection.execute(f'CREATE TABLE "{name}" ({_definition("postgresql", frame)})')
            with connection.cursor().copy(f'COPY "{name}" FROM STDIN') as copy:
                for row in _values(frame, lambda one: one.to_pydatetime().replace(tzinfo=dt.UTC)):
                    copy.write_row(row)
    return f"{server}/{database}"
