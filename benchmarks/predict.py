"""Ten million rows scored by `cxai predict`, beside `mlflow.pyfunc` in a loop over chunks of the same file.

Both sides are whole processes that read one Parquet file a hundred thousand rows at a time, score it with the same
logged model and write Parquet; the scores are then compared, row by row, and a difference ends the benchmark. Ours also
checks every row, counts drift, and stamps the model on each. Memory is that of all processes of a side together.
"""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.measure import Row, spend

ROWS = 10_000_000
CHUNK = 100_000
BRANDS = ("a", "b", "c", "d", "e")
_TARGET = "10 million rows within 4 GB"


def rows() -> list[Row]:
    """Train once on a sample, score the whole file on both sides, and compare what they wrote."""
    with tempfile.TemporaryDirectory(prefix="cxai-bench-") as folder, contextlib.chdir(folder):
        home = Path(folder)
        _written(home / "train.parquet", CHUNK, outcome=True)
        _written(home / "new.parquet", ROWS, outcome=False)
        package = {"PYTHONPATH": os.pathsep.join([str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH", "")])}
        cxai = [sys.executable, "-m", "cxai_runner.cli"]
        panel = ["data=parquet", "data.table=panel", "features=table", "features.table=panel"]
        spend([*cxai, "run", "task=purchase_incidence", *panel, f"data.path={home}/train.parquet"], package, folder)
        ours = spend(
            [*cxai, "predict", "last", f"data.path={home}/new.parquet", "--to", "ours.parquet"], package, folder
        )
        plain = [sys.executable, "-m", "benchmarks.predict_plain", "new.parquet", "plain.parquet"]
        theirs = spend(plain, package, folder)
        _compared(home / "ours.parquet", home / "plain.parquet")
    what = f"predict {ROWS / 1e6:g} million rows, scores equal"
    return [Row("predict", what, "mlflow.pyfunc in a loop", ours=ours, theirs=theirs, target=_TARGET)]


def _written(path: Path, count: int, *, outcome: bool) -> None:
    """A panel of as many rows, a hundred occasions a customer."""
    rng = np.random.default_rng(1)
    writer = None
    for begin in range(0, count, CHUNK):
        number = np.arange(begin, min(begin + CHUNK, count))
        frame = pd.DataFrame({"customer_id": number // 100, "occasion": number % 100})
        for brand in BRANDS:
            frame[f"price_{brand}"] = rng.uniform(1, 3, len(frame)).round(2)
        for brand in BRANDS:
            frame[f"promotion_{brand}"] = rng.integers(0, 2, len(frame))
        if outcome:
            price = frame[[f"price_{brand}" for brand in BRANDS]].mean(axis=1)
            frame["incidence"] = (rng.random(len(frame)) < 1 / (1 + np.exp(2 * price - 4))).astype(int)
        table = pa.Table.from_pandas(frame, preserve_index=False)
        writer = writer or pq.ParquetWriter(path, table.schema)
        writer.write_table(table)
    if writer is not None:
        writer.close()


def _compared(ours: Path, plain: Path) -> None:
    pairs = zip(pq.ParquetFile(ours).iter_batches(CHUNK), pq.ParquetFile(plain).iter_batches(CHUNK), strict=True)
    for one, other in pairs:
        for column in ("customer_id", "occasion", "probability"):
            if not one[column].equals(other[column]):
                raise SystemExit(f"{column} differs")
