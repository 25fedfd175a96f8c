"""A customer profile of 100 million rows, and a digest of 20 million: what the engine adds to one query by hand.

The rows are made here: 33 million orders of 5 million customers in one Parquet file of 1.2 GB. Both sides use the same
engine, threads and file, and come to the same profile, which is held before a row of the table is printed.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.measure import Row, Spent, spend

ROWS, CUSTOMERS, THREADS = 100_000_000, 5_000_000, 2
DIGESTED = 20_000_000
AS_OF = "2025-01-01"
MEASURES = ("recency", "frequency", "monetary", "revenue", "tenure", "basket_size")


def rows() -> list[Row]:
    """Make the file, build the profile both ways, take a digest twice."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        path = _made(home / "transactions.parquet", ROWS)
        ours, theirs = (_spent(side, path, home) for side in ("ours", "by_hand"))
        if json.loads((home / "ours.json").read_text()) != json.loads((home / "by_hand.json").read_text()):
            raise SystemExit("the two profiles differ")
        path.unlink()
        small = _made(home / "digested.parquet", DIGESTED)
        first, again, read = (_spent(side, small, home) for side in ("digest", "digest", "read"))
        return [
            Row("scale", "profile of 100 million rows", "one DuckDB query", ours, theirs, "≤ 1.2, ≤ 8,192 MiB"),
            Row("scale", "digest of 20 million rows", "sum of every column", _told(home, first, 0), read, "≤ 2 s"),
            Row("scale", "… the second time", "sum of every column", _told(home, again, 1), read, "free"),
        ]


def _spent(side: str, path: Path, home: Path) -> Spent:
    return spend([sys.executable, "-m", "benchmarks.scale", side, str(path), str(home)])


def _told(home: Path, spent: Spent, number: int) -> Spent:
    """What the digest itself took, without what the process needed to start."""
    told = (home / "digest.txt").read_text().splitlines()
    return Spent(float(told[number].split()[0]), spent.memory_mb)


def _made(path: Path, rows: int) -> Path:
    import duckdb

    engine = duckdb.connect()
    engine.execute(f"SET threads = {THREADS}; SET preserve_insertion_order = false")
    engine.execute(
        f"""
        COPY (
          SELECT (hash(i // 3) % {CUSTOMERS})::INTEGER AS customer_id,
                 (i // 3)::BIGINT AS order_id,
                 TIMESTAMP '2023-01-01' + to_seconds((hash(i // 3 + 7) % 63072000)::BIGINT) AS timestamp,
                 (hash(i) % 50000)::INTEGER AS product_id,
                 1 + (hash(i + 1) % 4)::INTEGER AS quantity,
                 (hash(i + 2) % 2000) / 100.0 AS revenue
          FROM range({rows}) made(i)
        ) TO '{path}' (FORMAT parquet)
        """
    )
    return path


def ours(path: Path, home: Path) -> None:
    """Build the profile as a run does, from source to frame."""
    from cxai_runner.data import FileSource
    from cxai_runner.data.connect import set_threads
    from cxai_runner.evaluation.splits import Part
    from cxai_runner.features.customer_profile import CustomerProfile

    set_threads(THREADS)
    tables = FileSource(tables={"transactions": {"path": str(path)}}).open()
    profile, part = CustomerProfile(as_of=AS_OF), Part("train")
    _keep(profile.build(tables, part, profile.learn(tables, part)).frame, home / "ours.json")


def by_hand(path: Path, home: Path) -> None:
    """Build it with the query that an analyst would write."""
    import duckdb

    engine = duckdb.connect()
    engine.execute(f"SET threads = {THREADS}")
    frame = engine.execute(
        f"""
        SELECT customer_id,
               date_diff('day', max(timestamp)::DATE, DATE '{AS_OF}') AS recency,
               count(DISTINCT order_id) AS frequency,
               round(sum(revenue), 6) / count(DISTINCT order_id) AS monetary,
               round(sum(revenue), 6) AS revenue,
               date_diff('day', min(timestamp)::DATE, DATE '{AS_OF}') AS tenure,
               count(*) / count(DISTINCT order_id) AS basket_size
        FROM '{path}'
        WHERE timestamp < TIMESTAMP '{AS_OF}'
        GROUP BY customer_id ORDER BY customer_id
        """
    ).df()
    _keep(frame, home / "by_hand.json")


def digest(path: Path, home: Path) -> None:
    """Take the digest, and write down how long that took."""
    from cxai_runner.data import FileSource
    from cxai_runner.data.answers import remember_in
    from cxai_runner.data.connect import set_threads

    set_threads(THREADS)
    remember_in(home / "cache")
    tables = FileSource(tables={"transactions": {"path": str(path)}}).open()
    begun = time.perf_counter()
    found = tables.digest("transactions", tables.columns("transactions"))
    with (home / "digest.txt").open("a") as file:
        file.write(f"{time.perf_counter() - begun} {found}\n")


def read(path: Path, home: Path) -> None:
    """Read every value once."""
    import duckdb

    engine = duckdb.connect()
    engine.execute(f"SET threads = {THREADS}")
    columns = ("customer_id", "order_id", "product_id", "quantity", "revenue")
    engine.execute(f"SELECT {', '.join(f'sum({one})' for one in columns)}, max(timestamp) FROM '{path}'").fetchall()


def _keep(frame: Any, path: Path) -> None:
    """Write down what tells one profile from another: size, order, and the sum of every measure."""
    told = {name: round(float(frame[name].sum()), 3) for name in MEASURES}
    first = {name: round(float(frame[name].iloc[1000]), 6) for name in MEASURES}
    path.write_text(json.dumps([len(frame), int(frame["customer_id"].iloc[1000]), told, first]))


if __name__ == "__main__":
    {"ours": ours, "by_hand": by_hand, "digest": digest, "read": read}[sys.argv[1]](*map(Path, sys.argv[2:4]))
