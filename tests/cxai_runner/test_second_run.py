"""A second run on unchanged files reads none of their rows: whatever was asked of them is remembered."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

pytestmark = pytest.mark.slow

Call = Callable[..., "subprocess.CompletedProcess[str]"]
HEAD = 2**16
"""Bytes at the start of a text that are looked at to know how it is written."""


def spoil(path: Path, first: int, last: int) -> None:
    """Overwrite bytes of a file such that neither its size nor its times tell."""
    state = path.stat()
    with path.open("r+b") as file:
        file.seek(first)
        file.write(b"\0" * (last - first))
    os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))


def metrics(done: subprocess.CompletedProcess[str]) -> dict[str, object]:
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    return {"identity": found["identity"], "metrics": found["metrics"]}


@pytest.fixture
def orders() -> pd.DataFrame:
    rng = np.random.default_rng(3)
    days = pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 300, 6000), unit="D")
    return pd.DataFrame(
        {
            "customer_id": rng.integers(1, 400, 6000),
            "order_id": np.arange(6000),
            "timestamp": days,
            "revenue": rng.gamma(2.0, 10.0, 6000).round(2),
            **{name: rng.choice(["much", "little"], 6000) for name in ("town", "channel", "payment", "label")},
        }
    )


def test_of_parquet(orders: pd.DataFrame, tmp_path: Path, cxai_process: Call) -> None:
    path = tmp_path / "orders.parquet"
    orders.to_parquet(path)
    run = ["run", "task=segmentation", "data=parquet", f"data.path={path}", "data.table=transactions"]
    run += ["model.n_clusters=3", "task.resamples=5", "--json"]
    first = metrics(cxai_process(*run, cwd=tmp_path, env={"PYTHONHASHSEED": "1"}))
    footer = int.from_bytes(path.read_bytes()[-8:-4], "little") + 8
    spoil(path, 4, path.stat().st_size - footer)
    # In another order of sets, as each process has its own: no question may be put by it.
    assert metrics(cxai_process(*run, cwd=tmp_path, env={"PYTHONHASHSEED": "2"})) == first
    other = cxai_process(*run, "data.where={revenue:{gt:10}}", cwd=tmp_path)
    assert other.returncode != 0, "another question has to read the rows, and they are gone"


def test_of_text(orders: pd.DataFrame, tmp_path: Path, cxai_process: Call) -> None:
    path = tmp_path / "orders.csv"
    orders.to_csv(path, index=False)
    assert path.stat().st_size > 2 * HEAD
    run = ["run", "task=segmentation", "data=csv", f"data.path={path}", "data.table=transactions"]
    run += ["model.n_clusters=3", "task.resamples=5", "--json"]
    first = metrics(cxai_process(*run, cwd=tmp_path))
    spoil(path, HEAD + 1024, path.stat().st_size)
    assert metrics(cxai_process(*run, cwd=tmp_path)) == first
    other = cxai_process(*run, "data.where={revenue:{gt:10}}", cwd=tmp_path)
    assert other.returncode != 0
