"""What the engine costs beyond a bare script that does the same work by hand.

Both are whole processes, from nothing to a finished run on a panel of 58,000 rows in a CSV file. The report and the
first digest of the data have no counterpart in the script, and their time is told by the run itself and taken off.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd

import cxai_runner
from benchmarks.measure import Row, Spent, fastest, spend

CUSTOMERS, OCCASIONS, REPEAT = 500, 116, 5


def rows() -> list[Row]:
    """Measure both, each `REPEAT` times after a warm-up, and keep the fastest."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        panel = _panel(home / "panel.csv")
        engine = str(Path(cxai_runner.__file__).parent)
        script = [sys.executable, "-m", "benchmarks.bare_incidence", str(panel), f"sqlite:///{home}/bare.db", engine]
        theirs = fastest(script, repeat=REPEAT)
        ours = [_run(panel, home) for _ in range(REPEAT + 1)][1:]
        best = min(ours, key=lambda pair: pair[0].seconds - pair[1])
        net = Spent(best[0].seconds - best[1], best[0].memory_mb)
        return [
            Row("overhead", "cxai run, all of it", "bare script", best[0], theirs),
            Row(
                "overhead",
                f"… less report and digest: {net.seconds - theirs.seconds:+.2f} s",
                "bare script",
                net,
                theirs,
                target="≤ +0.5 s",
            ),
        ]


def _run(panel: Path, home: Path) -> tuple[Spent, float]:
    """One `cxai run`: what it took, and the seconds of its report and digest."""
    overrides = [
        "task=purchase_incidence", "data=csv", f"data.path={panel}", "data.table=panel", "features=table",
        "data.columns.customer_id=client", "data.columns.occasion=day", "data.columns.incidence=bought",
        "data.columns.price='Price_{alternative}'", "data.columns.promotion='Promo_{alternative}'",
        "features.table=panel", "features.transformers=[]",
        "cache.enabled=false",  # the script reads its file every time
    ]  # fmt: skip
    command = [sys.executable, "-m", "cxai_runner.cli", "run", *overrides]
    spent = spend(command, cwd=str(home))
    shown = subprocess.run(
        [sys.executable, "-m", "cxai_runner.cli", "show", "last", "--json"],
        cwd=home,
        capture_output=True,
        text=True,
        check=True,
    )
    metrics = json.loads(shown.stdout)["metrics"]
    return spent, metrics["seconds/report"] + metrics["seconds/digest"]


def _panel(path: Path) -> Path:
    rng = np.random.default_rng(1)
    frame = pd.DataFrame(
        {"client": np.repeat(np.arange(CUSTOMERS), OCCASIONS), "day": np.tile(np.arange(OCCASIONS), CUSTOMERS)}
    )
    for brand in "abcde":
        frame[f"Price_{brand}"] = rng.uniform(1, 3, OCCASIONS).round(2)[frame["day"]]
        frame[f"Promo_{brand}"] = rng.integers(0, 2, OCCASIONS)[frame["day"]]
    price = frame.filter(like="Price").mean(axis=1)
    frame["bought"] = (rng.random(len(frame)) < 1 / (1 + np.exp(2 * price - 3))).astype(int)
    frame.to_csv(path, index=False)
    return path
