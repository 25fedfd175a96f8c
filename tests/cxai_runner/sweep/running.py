"""What the tests of sweeps share: how one is started, models that misbehave, and what is left in the store."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.conftest import user_environment

UNRULY = '''
"""A model that misbehaves as it is told."""
import ctypes
import os
import time

import numpy as np
from sklearn.linear_model import LogisticRegression


class Unruly(LogisticRegression):
    def __init__(self, conduct: str = "well", C: float = 1.0, seconds: float = 60.0):
        super().__init__(C=C, solver="newton-cholesky")
        self.conduct = conduct
        self.seconds = seconds

    def fit(self, X, y, sample_weight=None):
        if self.conduct == "raises":
            raise ArithmeticError("a sum that does not come out")
        if self.conduct == "exits":
            os._exit(3)
        if self.conduct == "leaves":
            raise SystemExit("the licence has run out")
        if self.conduct == "interrupts":
            raise KeyboardInterrupt
        if self.conduct == "segfaults":
            ctypes.string_at(0)
        if self.conduct == "sleeps":  # and lets no other thread of its process have a turn
            ctypes.PyDLL(None).sleep(int(self.seconds))
        if self.conduct == "hoards":
            self.hoard_ = np.ones(100_000_000)
            time.sleep(self.seconds)
        if self.conduct == "tarries":
            time.sleep(self.seconds)
        if self.conduct == "prints":
            print("a word from the model", flush=True)
        if self.conduct == "once":  # fails until somebody mends it
            if not os.path.exists("mended"):
                raise ArithmeticError("not yet")
        return super().fit(X, y, sample_weight)
'''


def lay_out(home: Path, own_panel: Sequence[str]) -> list[str]:
    """Put the model into ``home``, and return the overrides that every sweep of it needs."""
    (home / "unruly.py").write_text(UNRULY)
    folder = home / "conf" / "model" / "purchase_incidence"
    folder.mkdir(parents=True)
    (folder / "unruly.yaml").write_text("_target_: unruly.Unruly\nconduct: well\nC: 1.0\nseconds: 60.0\n")
    return [*own_panel, "--config-dir", "conf", "targets.allow=[unruly]", "model=unruly"]


def start(arguments: Sequence[str], home: Path, env: Mapping[str, str] | None = None) -> subprocess.Popen[str]:
    """Start ``cxai`` in ``home``, whose modules it finds."""
    path = {"PYTHONPATH": ":".join([str(home), *sys.path])}
    return subprocess.Popen(
        [sys.executable, "-m", "cxai_runner.cli", *arguments],
        cwd=home,
        env=user_environment(path | dict(env or {})),
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def run(arguments: Sequence[str], home: Path, env: Mapping[str, str] | None = None) -> tuple[int, str, str]:
    """Run ``cxai`` in ``home``; return its code, and what it wrote on each stream."""
    child = start(arguments, home, env)
    out, told = child.communicate(timeout=600)
    return child.returncode, out, told


def store(home: Path) -> str:
    """The store of ``home``."""
    return f"sqlite:///{home}/mlruns/mlflow.db"


def runs(uri: str) -> list[Any]:
    """Every run of a store, the oldest first."""
    from mlflow import MlflowClient

    client = MlflowClient(uri)
    found = client.search_runs([one.experiment_id for one in client.search_experiments()], max_results=1000)
    return sorted(found, key=lambda one: one.info.start_time)


def parents(uri: str) -> list[Any]:
    """Runs of sweeps themselves."""
    return [one for one in runs(uri) if "cxai.sweep.key" in one.data.tags]


def children(uri: str) -> list[Any]:
    """Runs of points."""
    return [one for one in runs(uri) if "cxai.sweep" in one.data.tags]


def artifact(uri: str, run: Any, path: str) -> str:
    """The text of an artifact."""
    from mlflow import MlflowClient

    return Path(MlflowClient(uri).download_artifacts(run.info.run_id, path)).read_text()


def results(uri: str) -> dict[str, tuple[dict[str, float], Any]]:
    """By point: metrics but what was spent, and the scores of held-out rows."""
    import pandas as pd
    from mlflow import MlflowClient

    client, found = MlflowClient(uri), {}
    for one in children(uri):
        assert one.info.status == "FINISHED"
        point = one.data.tags["cxai.sweep.point"]
        assert point not in found, "a point that was made twice"
        spent = ("seconds/", "peak_memory_mb/")
        metrics = {key: value for key, value in one.data.metrics.items() if not key.startswith(spent)}
        files = sorted(entry.path for entry in client.list_artifacts(one.info.run_id, "scores"))
        scores = [pd.read_parquet(client.download_artifacts(one.info.run_id, path)) for path in files]
        found[point] = metrics, scores
    return found
