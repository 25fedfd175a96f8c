"""What a sweep costs beyond its fits, against what people write without a runner.

- The plan of 1,000 points, all composed and checked, against Hydra's multirun of jobs that do nothing.
- One more job of a sweep beyond its fit, evaluation and report, against MLflow's own calls by hand with the same
  payload; and the whole job of a plain Hydra script that logs it, beside it.
- Two workers against one.
- Sixty-four models on one panel, against as many runs that each begin cold and build their features.
"""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.measure import Row, Spent, spend
from benchmarks.overhead import _panel

PLANNED, NOTHING, FEW, MANY, LOGGED, COLD = 1000, 40, 12, 52, 30, 4
_GRID = "model.C=tag(log,interval(0.001,100))"


def rows() -> list[Row]:
    """Measure everything once; each figure is of many jobs."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        panel = _words(_panel(home / "panel.csv"))
        return [*_plan(home, panel), *_job(home, panel), _workers(home, panel), _cold(home)]


def _words(panel: Path) -> list[str]:
    return [
        "task=purchase_incidence", "data=csv", f"data.path={panel}", "data.table=panel", "features=table",
        "data.columns.customer_id=client", "data.columns.occasion=day", "data.columns.incidence=bought",
        "data.columns.price='Price_{alternative}'", "data.columns.promotion='Promo_{alternative}'",
        "features.table=panel", "features.transformers=[]", "model=logit_penalised", _GRID, "sweep.search=random",
    ]  # fmt: skip


def _plan(home: Path, panel: Sequence[str]) -> list[Row]:
    """Less what starting and importing takes: a plan of one point, and a multirun of one job."""
    for points in (2, PLANNED):  # the second time the digests are known
        _ours(home, "sweep", *panel, f"sweep.trials={points}", "--plan", "--json")
    one = _ours(home, "sweep", *panel, "sweep.trials=1", "--plan", "--json")
    all_of = _ours(home, "sweep", *panel, f"sweep.trials={PLANNED}", "--plan", "--json")
    ours = Spent(all_of.seconds - one.seconds, all_of.memory_mb)
    script = [sys.executable, "-m", "benchmarks.hydra_script", "-m", f"hydra.sweep.dir={home}/multirun"]
    start, jobs = (spend([*script, f"n=range(0,{count})"]) for count in (1, 1 + NOTHING))
    each = (jobs.seconds - start.seconds) / NOTHING
    theirs = Spent(PLANNED * each, jobs.memory_mb)
    peer = f"Hydra multirun, {NOTHING} no-op jobs, scaled"
    return [Row("sweep", f"plan of {PLANNED:,} points", peer, ours, theirs, target="≤ 3 s")]


def _job(home: Path, panel: Sequence[str]) -> list[Row]:
    few, many = (_swept(home / str(count), panel, count, 1) for count in (FEW, MANY))
    work = sum(many[1]) / len(many[1])
    ours = Spent((many[0].seconds - few[0].seconds) / (MANY - FEW) - work, many[0].memory_mb)
    payload = home / "payload.pickle"
    payload.write_bytes(_payload(panel))
    script = [sys.executable, "-m", "benchmarks.bare_logging", str(payload), f"sqlite:///{home}/bare.db", str(LOGGED)]
    told = subprocess.run(script, capture_output=True, text=True, check=True, cwd=home, env=_environment())
    bare = Spent(float(told.stdout.split()[-1]), 0.0)
    hydra = [sys.executable, "-m", "benchmarks.hydra_script", "-m", f"hydra.sweep.dir={home}/multirun2",
             f"payload={payload}", f"uri='sqlite:///{home}/hydra.db'"]  # fmt: skip
    start, jobs = (
        spend([*hydra, f"n=range(0,{count})"], cwd=str(home), environment=_environment()) for count in (1, 1 + LOGGED)
    )
    plain = Spent((jobs.seconds - start.seconds) / LOGGED, jobs.memory_mb)
    what = "one more job, less fit, evaluation and report"
    return [
        Row("sweep", what, "bare MLflow calls, same payload", ours, bare, target="≤ 1.5 ×"),
        Row("sweep", what, "plain Hydra and MLflow script", ours, plain),
    ]


def _workers(home: Path, panel: Sequence[str]) -> Row:
    """Time of the jobs beyond the first few, while all workers are warm."""
    spent = {}
    for workers in (1, 2):
        few, many = (_swept(home / f"{workers} workers {count}", panel, count, workers)[0] for count in (FEW, MANY))
        spent[workers] = Spent(many.seconds - few.seconds, many.memory_mb)
    return Row("sweep", f"{MANY - FEW} jobs, two workers", "one worker", spent[2], spent[1], target="≤ 0.59 ×")


def _cold(home: Path) -> Row:
    """Sixty-four models on the panel of Complete Journey; the cold runs are a few, scaled."""
    from benchmarks import overhead  # noqa: F401 - the same way of measuring

    grid = ["task=purchase_incidence", "model=logit_penalised", _GRID, "sweep.search=random"]
    warm = _ours(home / "warm", "sweep", *grid, "sweep.trials=64", "--json")
    begun = time.perf_counter()
    for number in range(COLD):
        _ours(home / "cold", "run", *grid[:2], f"model.C={number + 1}", "cache.enabled=false", "tracking.level=child")
    cold = Spent(64 / COLD * (time.perf_counter() - begun), 0.0)
    return Row(
        "sweep", "64 models on Complete Journey, two workers", f"{COLD} cold runs, scaled", warm, cold, "≤ 0.2 ×"
    )


def _swept(home: Path, panel: Sequence[str], count: int, workers: int) -> tuple[Spent, list[float]]:
    """One sweep on a store of its own: what it took, and the seconds of fit, evaluation and report of each run."""
    spent = _ours(home, "sweep", *panel, f"sweep.trials={count}", "--jobs", str(workers), "--json")
    shown = subprocess.run(
        [sys.executable, "-m", "cxai_runner.cli", "list", "runs", "--points", "--limit", str(count + 1), "--json"],
        capture_output=True, text=True, check=True, cwd=home, env=_environment(),
    )  # fmt: skip
    from cxai_runner.tracking.quiet import import_mlflow

    client = import_mlflow().MlflowClient(f"sqlite:///{home}/mlruns/mlflow.db")
    worked: list[float] = []
    for row in json.loads(shown.stdout):
        metrics = client.get_run(row["run_id"]).data.metrics
        if "seconds/fit" in metrics:
            worked.append(sum(metrics.get(f"seconds/{stage}", 0.0) for stage in ("fit", "evaluate", "report")))
    return spent, worked


def _payload(panel: Sequence[str]) -> bytes:
    """What one run of the sweep holds, as its worker hands it over."""
    import cloudpickle

    from cxai_runner.sweep.work import Job, perform

    lines = tuple(word for word in panel if not word.startswith(("model.C", "sweep.")))
    outcome: Any = perform(Job("1", (*lines, "model.C=1", "cache.enabled=false")))
    return bytes(cloudpickle.dumps(pickle.loads(cloudpickle.dumps(outcome.parcel))))


def _ours(home: Path, *words: str) -> Spent:
    home.mkdir(exist_ok=True)
    return spend([sys.executable, "-m", "cxai_runner.cli", *words], cwd=str(home), environment=_environment())


def _environment() -> dict[str, str]:
    import os

    root = str(Path(__file__).resolve().parents[1])
    return dict(os.environ) | {"PYTHONPATH": root}
