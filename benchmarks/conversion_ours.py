"""Our network on the same rows, with the same validation: the seconds of an epoch, the median of all but the first."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import numpy as np

from benchmarks.measure import peak
from cxai_runner.methods.conversion.network import NetworkClassifier


def main(folder: str, epochs: str) -> None:
    """Train, and write the seconds of an epoch."""
    home = Path(folder)
    rows, outcome = np.load(home / "rows.npy"), np.load(home / "outcome.npy")
    held = (np.load(home / "held_rows.npy"), np.load(home / "held_outcome.npy"))
    times: list[float] = []

    def told(metric: str, value: float, epoch: int) -> None:
        if metric == "log_loss":
            times.append(time.perf_counter())

    network = NetworkClassifier(epochs=int(epochs), patience=int(epochs), random_state=1, n_jobs=1)
    network.fit(rows, outcome, validation=held, step=told)
    spent = {"seconds": float(np.median(np.diff(times))), "memory_mb": peak()}
    (home / "ours.json").write_text(json.dumps(spent), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
