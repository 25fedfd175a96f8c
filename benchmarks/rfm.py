"""Rules of eight segments at twelve dates, on ten million transactions: what the engine adds to one query by hand.

Orders of three lines are made here, into one Parquet file. Both sides use the same engine, threads and file, put every
customer of every date into a segment, and come to the same customers and revenue by date and segment, which is held
before a row of the table is printed. The query by hand is that of an analyst who thinks of it: lines are added up to
orders before these meet the dates.
"""

from __future__ import annotations

import json
import math
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.measure import Row, spend

ROWS, THREADS = 10_000_000, 2
LINES_OF_A_CUSTOMER = 20
AS_OF, DATES, EVERY, HORIZON = "2025-01-01", 12, 30, 90
RULES = Path(__file__).resolve().parents[1] / "conf" / "model" / "managerial_segments" / "eight_segments.yaml"


def rows() -> list[Row]:
    """Compare the two on ten million transactions."""
    return [compared(ROWS, "10 million", "≤ 1.2")]


def compared(lines: int, words: str, target: str) -> Row:
    """Make a file of so many lines, and work on it both ways."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        path = _made(home / "transactions.parquet", lines)
        spent = {
            side: spend([sys.executable, "-m", "benchmarks.rfm", side, str(path), str(home)])
            for side in ("ours", "by_hand")
        }
        mine, theirs = (json.loads((home / f"{side}.json").read_text()) for side in ("ours", "by_hand"))
        if len(mine) != len(theirs) or not all(map(_same, mine, theirs)):
            raise SystemExit("the two come to different segments")
    what = f"rules at {DATES} dates, {words} transactions"
    return Row("rfm", what, "one DuckDB query", spent["ours"], spent["by_hand"], target)


def _made(path: Path, lines: int) -> Path:
    import duckdb

    engine = duckdb.connect()
    engine.execute(f"SET threads = {THREADS}; SET preserve_insertion_order = false")
    engine.execute(
        f"""
        COPY (
          SELECT (hash(i // 3) % {lines // LINES_OF_A_CUSTOMER})::INTEGER AS customer_id,
                 (i // 3)::BIGINT AS order_id,
                 TIMESTAMP '2023-01-01' + to_seconds((hash(i // 3 + 7) % 63072000)::BIGINT) AS timestamp,
                 (hash(i + 2) % 2000) / 100.0 AS revenue
          FROM range({lines}) made(i)
        ) TO '{path}' (FORMAT parquet)
        """
    )
    return path


def ours(path: Path, home: Path) -> None:
    """Let the builder make the dates and the rules the segments, where the rows live."""
    import yaml

    from cxai_runner.data import FileSource
    from cxai_runner.data.connect import set_threads
    from cxai_runner.evaluation.splits import Part
    from cxai_runner.features.rfm import RfmAtDates
    from cxai_runner.methods.managerial import expression, segments

    set_threads(THREADS)
    config = yaml.safe_load(RULES.read_text(encoding="utf-8"))
    rules = segments(config["rules"], config["thresholds"])
    tables = FileSource(tables={"transactions": {"path": str(path)}}).open()
    features, part = RfmAtDates(as_of=AS_OF, dates=DATES, every=EVERY, horizon=HORIZON), Part("train")
    found = features.at_dates(tables, part, features.learn(tables, part))
    sizes = found.group_by("time", segment=expression(found, rules)).aggregate(
        customers=found.count(), recent=found["recent_revenue"].sum(), next=found["next_revenue"].sum()
    )
    _keep(sizes.execute(), home / "ours.json")


def by_hand(path: Path, home: Path) -> None:
    """Do the same with a query of one's own."""
    import duckdb

    engine = duckdb.connect()
    engine.execute(f"SET threads = {THREADS}")
    frame = engine.execute(
        f"""
        WITH dates AS (
          SELECT TIMESTAMP '{AS_OF}' - to_days((i * {EVERY})::INTEGER) AS time FROM range({DATES}) d(i)
        ), orders AS (
          SELECT customer_id, order_id, min(timestamp) AS bought, sum(revenue) AS revenue
          FROM '{path}' WHERE timestamp < TIMESTAMP '{AS_OF}' GROUP BY customer_id, order_id
        ), measures AS (
          SELECT customer_id, time,
                 date_diff('day', (max(bought) FILTER (bought < time))::DATE, time::DATE) AS recency,
                 date_diff('day', min(bought)::DATE, time::DATE) AS tenure,
                 round(sum(revenue) FILTER (bought < time), 6) / count(*) FILTER (bought < time) AS monetary,
                 sum(revenue) FILTER (bought < time AND bought >= time - INTERVAL {HORIZON} DAY) AS recent,
                 sum(revenue) FILTER (bought >= time) AS next
          FROM orders JOIN dates ON bought < time + INTERVAL {HORIZON} DAY
          GROUP BY customer_id, time HAVING min(bought) < time
        )
        SELECT time,
               CASE WHEN recency <= 14 AND tenure > 14 AND monetary >= 40 THEN 'active_high'
                    WHEN recency <= 14 AND tenure > 14 THEN 'active_low'
                    WHEN recency <= 14 THEN 'new_active'
                    WHEN recency <= 28 AND tenure > 28 AND monetary >= 40 THEN 'warm_high'
                    WHEN recency <= 28 AND tenure > 28 THEN 'warm_low'
                    WHEN recency <= 28 THEN 'new_warm'
                    WHEN recency <= 56 THEN 'cold'
                    ELSE 'inactive' END AS segment,
               count(*) AS customers, sum(recent) AS recent, sum(next) AS next
        FROM measures GROUP BY ALL
        """
    ).df()
    last = frame["time"].max()
    frame.loc[(last - frame["time"]).dt.days < HORIZON, "next"] = None  # days that are not over yet
    _keep(frame, home / "by_hand.json")


def _same(one: list[Any], other: list[Any]) -> bool:
    """Whether two rows say the same of one date and segment, but for the last bits of sums."""
    near = (x == y or (x and y and math.isclose(x, y, rel_tol=1e-9)) for x, y in zip(one[3:], other[3:], strict=True))
    return one[:3] == other[:3] and all(near)


def _keep(frame: Any, path: Path) -> None:
    """Write down what tells one answer from another."""
    rows = frame.sort_values(["time", "segment"]).assign(time=frame["time"].astype(str))
    plain = rows[["time", "segment", "customers", "recent", "next"]].astype(object)
    path.write_text(json.dumps(plain.where(plain.notna(), None).to_numpy().tolist()))


if __name__ == "__main__":
    {"ours": ours, "by_hand": by_hand}[sys.argv[1]](*map(Path, sys.argv[2:4]))
