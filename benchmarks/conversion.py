"""An epoch of our network beside a bare Keras script, and a million customers scored by it beside XGBoost.

The epoch is of equal rows, layers, steps and validation rows in processes of their own; its time is the median of all
epochs but the first, in which TensorFlow builds its graph. Memory is the peak of the whole process with TensorFlow,
as the system counts it for that process alone.
Scoring is `cxai predict` from a Parquet file to another, with models that were trained on the same rows.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.measure import Row, Spent, spend

TRAINED, HELD, COLUMNS = 100_000, 20_000, 20
EPOCHS = 9
CUSTOMERS = 1_000_000
CHUNK = 100_000
CHANNELS = ("phone", "web", "shop", "app")


def rows() -> list[Row]:
    """Measure both."""
    with tempfile.TemporaryDirectory(prefix="cxai-bench-") as folder:
        home = Path(folder)
        package = {"PYTHONPATH": os.pathsep.join([str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH", "")])}
        return [_epoch(home, package), _scored(home, package)]


def _epoch(home: Path, package: dict[str, str]) -> Row:
    rng = np.random.default_rng(1)
    for name, count in (("", TRAINED), ("held_", HELD)):
        numbers = rng.normal(size=(count, COLUMNS))
        chance = 1 / (1 + np.exp(2 - numbers[:, 0] * numbers[:, 1]))
        np.save(home / f"{name}rows.npy", numbers)
        np.save(home / f"{name}outcome.npy", (rng.random(count) < chance).astype(np.int64))
    spent: dict[str, Spent] = {}
    for side in ("bare", "ours"):
        command = [sys.executable, "-m", f"benchmarks.conversion_{side}", str(home), str(EPOCHS)]
        spend(command, package, str(home))
        spent[side] = Spent(**json.loads((home / f"{side}.json").read_text(encoding="utf-8")))
    what = f"an epoch of {TRAINED:,} rows, {COLUMNS} columns"
    return Row("conversion", what, "a bare Keras script", spent["ours"], spent["bare"], "at most 1.1")


def _scored(home: Path, package: dict[str, str]) -> Row:
    _written(home / "train.parquet", CHUNK // 2, outcome=True)
    _written(home / "new.parquet", CUSTOMERS, outcome=False)
    cxai = [sys.executable, "-m", "cxai_runner.cli"]
    asked = ["task=conversion", "data=parquet", "data.table=customers", "features=customer_table"]
    asked += ["features.exclude=[converted]", "task.outcome=converted", "~task.against"]
    spent: dict[str, Spent] = {}
    for model in ("network", "xgboost"):
        spend([*cxai, "run", *asked, f"model={model}", f"data.path={home}/train.parquet"], package, str(home))
        score = [*cxai, "predict", "last", f"data.path={home}/new.parquet", "--to", f"{model}.parquet"]
        spent[model] = spend(score, package, str(home))
    what = f"score {CUSTOMERS / 1e6:g} million customers by the network"
    return Row("conversion", what, "by XGBoost", spent["network"], spent["xgboost"])


def _written(path: Path, count: int, *, outcome: bool) -> None:
    """Customers with twenty numbers and a channel."""
    rng = np.random.default_rng(2)
    writer = None
    for begin in range(0, count, CHUNK):
        number = np.arange(begin, min(begin + CHUNK, count))
        frame = pd.DataFrame(rng.normal(size=(len(number), COLUMNS)).round(3)).add_prefix("measure_")
        frame.insert(0, "customer_id", number)
        frame["channel"] = rng.choice(CHANNELS, len(number))
        if outcome:
            chance = 1 / (1 + np.exp(2 - frame["measure_0"] - (frame["channel"] == "web")))
            frame["converted"] = (rng.random(len(number)) < chance).astype(int)
        table = pa.Table.from_pandas(frame, preserve_index=False)
        writer = writer or pq.ParquetWriter(path, table.schema)
        writer.write_table(table)
    if writer is not None:
        writer.close()
