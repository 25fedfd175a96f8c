"""A small made shop in files and in every engine: its rows, and the servers and files that hold them."""

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

PASSWORD = "p@ss/w:rd"

# Text is declared with an order of its own, by a language or without regard to case, which must not show.
_PLAIN = {"str": "text", "datetime64[us]": "timestamp", "bool": "boolean"}
_KINDS = {
    "postgresql": {**_PLAIN, "str": 'text COLLATE "en-x-icu"', "int64": "bigint", "float64": "double precision"},
    "sqlite": {**_PLAIN, "str": "text COLLATE NOCASE", "int64": "integer", "float64": "real"},
    "duckdb": {**_PLAIN, "int64": "bigint", "float64": "double"},
}
_DECLARED = {
    # What databases really declare: narrow numbers, decimals, instants with a zone, columns that may not be empty.
    "postgresql": {"client": "integer", "sold_at": "timestamptz", "sku": "smallint not null", "paid": "numeric(10,2)"},
    "sqlite": {"client": "int", "sold_at": "datetime", "sku": "integer not null", "paid": "numeric(10,2)"},
    "duckdb": {"client": "integer", "sold_at": "timestamptz", "sku": "smallint not null", "paid": "decimal(10,2)"},
}
FOLDERS = {"parquet": "parquet", "csv": "csv", "spark": "parquet"}
"""What reads files of a folder, and which."""
Rows = Mapping[str, pd.DataFrame]
Fill = Callable[[str, Rows], str]


@pytest.fixture(scope="session")
def shop() -> Rows:
    """Four months of 60 customers in a shop of a few categories, as its tables call things, with all that is awkward.

    Ids are numbers and, beside them, names that differ in case alone; there are orders at the last instant of a month
    and the first of the next, lines without a unit, a customer or a product of the catalogue, lines that are there
    twice, brands that sell alike, and a gap wherever one may be.
    """
    rng = np.random.default_rng(5)
    number = 3000
    seconds = rng.integers(0, 3600 * 24 * 120, number)
    orders = pd.DataFrame(
        {
            "client": rng.integers(1, 61, number),
            "ticket": rng.integers(1, 1200, number),
            "sold_at": pd.Timestamp("2017-01-02") + pd.to_timedelta(seconds, unit="s"),
            "sku": rng.integers(1, 26, number),
            "store": rng.integers(1, 5, number),
            "units": rng.integers(0, 5, number).astype(float),
            "paid": (rng.random(number) * 10).round(2),
            "saved": (rng.random(number) * (rng.random(number) < 0.3)).round(2),
            "coupon": (rng.random(number) * (rng.random(number) < 0.1)).round(2),
            "status": pd.Series(rng.choice(["ok", "returned", None], number, p=[0.9, 0.06, 0.04]), dtype="str"),
        }
    )
    turns = ["2017-01-31 23:59:59.999999", "2017-02-01", "2017-02-28 23:59:59", "2017-03-01", "2017-04-30"]
    orders["sold_at"] = orders["sold_at"].astype("datetime64[us]")
    orders.loc[::60, "sold_at"] = pd.to_datetime([turns[row % 5] for row in range(50)], format="ISO8601").as_unit("us")
    # Every so often a line is there twice, and a third is of another brand, which sells alike on the same ticket.
    alike, copied = orders.index[7::100], np.arange(number)
    orders.loc[alike, ["units", "paid", "status"]] = [2.0, 3.0, "ok"]
    copied[alike + 1] = copied[alike + 2] = alike
    orders = orders.iloc[copied].reset_index(drop=True)
    orders.loc[alike + 2, "sku"] = orders.loc[alike, "sku"].to_numpy() % 24 + 1
    orders["week"] = (orders["sold_at"] - pd.Timestamp("2017-01-02")).dt.days // 7 + 1
    orders["matched"] = (orders["coupon"] / 2).where(orders.index % 3 > 0, 0.0)
    orders["member"] = orders["client"].map(_named).astype("str").mask(rng.random(number) < 0.02)
    orders["client"] = orders["client"].astype("Int64").mask(orders["member"].isna())
    orders["article"] = orders["sku"].map(_named).astype("str")
    skus = np.arange(1, 25)
    makers = ["Müller", "MÜLLER", "O'Hara & Søn", "cola", "Cola"]
    catalogue = pd.DataFrame(
        {
            "sku": skus,
            "article": pd.Series([_named(sku) for sku in skus], dtype="str"),
            "family": pd.Series(["SOFT DRINKS"] * 14 + ["CAFÉ"] * 7 + ["TEA", "JAM", "SALT"], dtype="str"),
            "maker": pd.Series([makers[sku % 5] if sku != 9 else None for sku in skus], dtype="str"),
            "label": pd.Series(["private" if sku % 3 else "national" for sku in skus], dtype="str"),
        }
    )
    places = (1, 2, 3, 4)
    seen = [(sku, store, week) for sku in skus for store in places for week in range(1, 19) if rng.random() < 0.2]
    flyers = pd.DataFrame(seen, columns=["sku", "store", "week"])
    flyers["display"] = pd.Series(rng.choice(["0", "No", "A", "5", ""], len(flyers)), dtype="str")
    flyers["mailer"] = pd.Series(rng.choice(["0", "A", None], len(flyers)), dtype="str")
    places = pd.DataFrame({"store": [1, 2, 3], "region": pd.Series(["south", "Süd", "Nord"], dtype="str")})
    people = pd.DataFrame({"client": np.arange(1, 61), "age": rng.integers(18, 80, 60)})
    people["member"] = people["client"].map(_named).astype("str")
    people["home"] = pd.Series(rng.choice(["Eigentum ½", "rent", None], 60), dtype="str")
    people["income"] = (rng.random(60) * 1e5).round(2)
    people["income"] = people["income"].mask(people.index % 7 == 3)
    people["card"] = people.index % 3 == 0
    choices = pd.DataFrame({"client": np.repeat(np.arange(1, 41), 6), "day": np.tile(np.arange(1, 7), 40)})
    choices["bought"] = (rng.random(240) < 0.4).astype("int64")
    for name in "ab":
        choices[f"price_{name}"] = (1 + rng.random(240)).round(2)
        choices[f"promo_{name}"] = rng.integers(0, 2, 240).astype(float)
        choices[f"there_{name}"] = (choices.index % 11 != "ab".index(name)).astype("int64")
    choices["price_b"] = choices["price_b"].mask(choices["there_b"] == 0)
    tables = {"orders": orders, "catalogue": catalogue, "flyers": flyers, "places": places}
    return {**tables, "people": people, "choices": choices, **_campaigns(np.random.default_rng(6))}


def _campaigns(rng: np.random.Generator) -> dict[str, pd.DataFrame]:
    """Five campaigns of the shop: to whom they were sent, their vouchers, and who used one, not always in time."""
    day = pd.Timestamp("2017-01-02")
    actions = pd.DataFrame({"action": np.arange(1, 6), "kind": pd.Series([*"ABBA", None], dtype="str")})
    actions["begins"] = (day + pd.to_timedelta([10, 40, 58, 58, 80], unit="D")).astype("datetime64[us]")
    actions["ends"] = (day + pd.to_timedelta([30, 70, 75, 100, 150], unit="D")).astype("datetime64[us]")
    sent = [(client, action) for client in range(1, 61) for action in range(1, 6) if rng.random() < 0.6]
    letters = pd.DataFrame(sent, columns=["client", "action"])
    vouchers = pd.DataFrame({"action": rng.integers(1, 6, 30), "voucher": rng.integers(1, 12, 30)})
    vouchers["sku"] = rng.integers(1, 26, 30)
    used = pd.DataFrame({"client": rng.integers(1, 61, 150), "action": rng.integers(1, 6, 150)})
    used["voucher"] = rng.integers(1, 12, 150)
    seconds = pd.to_timedelta(rng.integers(0, 3600 * 24 * 120, 150), unit="s")
    used["used_at"] = (day + seconds).astype("datetime64[us]")
    used.loc[::15, "used_at"] = pd.Timestamp("2017-02-11")  # the first moment of a campaign
    for frame in (letters, used):
        frame["member"] = frame["client"].map(_named).astype("str")
    vouchers["article"] = vouchers["sku"].map(_named).astype("str")
    return {"actions": actions, "letters": letters, "vouchers": vouchers, "used": used}


def _named(number: int) -> str:
    """A name for a number; two numbers may have names that differ in case alone."""
    stem = f"Ñ-{(number + 1) // 2:02} ß"
    return stem if number % 2 else stem.lower()


@pytest.fixture(scope="session")
def fill(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Fill:
    """Put tables into a new database of an engine, and return its URL; where it reads files, their folder."""
    number = iter(range(10_000))

    def into(engine: str, frames: Rows) -> str:
        home = tmp_path_factory.mktemp(f"{engine}-{next(number)}")
        if engine in FOLDERS:
            if engine == "spark":
                request.getfixturevalue("spark")
            for name, frame in frames.items():
                frame.to_csv(home / f"{name}.csv", index=False)
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
    """Return the source of what `fill` made: ``source(engine, url, transactions={"table": "orders", …})``."""
    from cxai_runner.data import DatabaseSource, FileSource

    def of(engine: str, url: str, **tables: Mapping[str, Any]) -> Any:
        if engine not in FOLDERS:
            return DatabaseSource(url=url, tables=tables)  # type: ignore[arg-type]
        ending = FOLDERS[engine]
        paths = {
            name: {
                **{key: value for key, value in one.items() if key != "table"},
                "path": f"{url}/{one['table']}.{ending}",
            }
            for name, one in tables.items()
        }
        if engine == "spark":
            return DatabaseSource(url="local[2]", tables=paths)  # type: ignore[arg-type]
        return FileSource(tables=paths)  # type: ignore[arg-type]

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
