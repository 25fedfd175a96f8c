"""Sweeps that are cut off, and stores that many write to: counted, not timed.

- ``kill -9`` at random instants of a sweep, each followed by the same command: the table has to be the one of a sweep
  that nobody disturbed, with no point twice, none lost, and no run left RUNNING.
- Sixteen workers on a store that does not exist yet.
- Two sweeps on one store, one of them killed: the other loses nothing.

``python -m benchmarks.killed kills 25``, ``… store 5``, ``… two 1``: what is said is what was found.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

CUSTOMERS, OCCASIONS = 60, 30
JOBS, WORKERS, STORE_JOBS = 40, 16, 200


@dataclass(frozen=True)
class Found:
    """What a store holds of one sweep: statuses of all runs, and how often each identity is FINISHED."""

    statuses: Counter[str]
    identities: Counter[str]


def panel(path: Path) -> list[str]:
    """Write a small panel, and return the overrides of a run on it."""
    rng = np.random.default_rng(7)
    grid = [(client, day) for client in range(CUSTOMERS) for day in range(OCCASIONS)]
    frame = pd.DataFrame(grid, columns=["client", "day"])
    for brand in "ab":
        frame[f"Price_{brand}"] = rng.uniform(1, 3, OCCASIONS).round(2)[frame["day"]]
    frame["bought"] = (rng.random(len(frame)) < 1 / (1 + np.exp(2 * frame["Price_a"] - 4))).astype(int)
    frame.to_csv(path, index=False)
    return [
        "task=purchase_incidence", "data=csv", f"data.path={path}", "data.table=panel", "features=table",
        "data.columns.customer_id=client", "data.columns.occasion=day", "data.columns.incidence=bought",
        "data.columns.price='Price_{alternative}'", "features.table=panel", "features.transformers=[]",
        "evaluation.resamples=100", "model=logit_penalised",
    ]  # fmt: skip


def sweep(home: Path, words: Sequence[str]) -> dict[str, Any]:
    """Run a sweep to its end, and return what it says."""
    done = subprocess.run(
        command(words), cwd=home, env=_environment(), capture_output=True, text=True, check=False
    )  # fmt: skip
    if done.returncode != 0:
        raise AssertionError(f"exit {done.returncode}: {done.stderr}{done.stdout}")
    said: dict[str, Any] = json.loads(done.stdout)
    return said


def command(words: Sequence[str]) -> list[str]:
    """What a user types."""
    return [sys.executable, "-m", "cxai_runner.cli", "sweep", *words, "--json"]


def table(said: dict[str, Any]) -> list[tuple[Any, ...]]:
    """What has to be the same: every point, what varies in it, its metric with both ends."""
    ends = ("log_loss", "log_loss_low", "log_loss_high")
    return sorted((one["point"], one["model.C"], *(one[end] for end in ends)) for one in said["points"])


def found(home: Path) -> Found:
    """Look into the store."""
    from cxai_runner.tracking.store import Store

    store = Store.open(None, home, create=False)
    ids = [one.experiment_id for one in store.client.search_experiments()]
    runs, token = [], None
    while True:
        page = store.client.search_runs(ids, max_results=1000, page_token=token)
        runs += page
        token = page.token
        if not token:
            break
    done = [one for one in runs if one.info.status == "FINISHED" and "cxai.identity" in one.data.tags]
    return Found(
        Counter(one.info.status for one in runs), Counter(one.data.tags["cxai.identity"] for one in done)
    )  # fmt: skip


def cut_off(home: Path, words: Sequence[str], seconds: float) -> bool:
    """Start a sweep and kill it after so many seconds; return whether it was still running."""
    child = subprocess.Popen(
        command(words), cwd=home, env=_environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )  # fmt: skip
    try:
        child.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        os.kill(child.pid, signal.SIGKILL)
        child.wait()
        return True
    return False


def kills(rounds: int, jobs: int = JOBS, workers: int = 2, seed: int = 0) -> list[str]:
    """Cut a sweep off at random instants, each in a store of its own; return what was found wrong."""
    chance = random.Random(seed)
    wrong: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        grid = ",".join(str(number / 10) for number in range(1, jobs + 1))
        words = [*panel(home / "panel.csv"), f"model.C={grid}", "--jobs", str(workers)]
        (home / "whole").mkdir()
        begun = time.perf_counter()
        whole = table(sweep(home / "whole", words))
        long = time.perf_counter() - begun
        for number in range(rounds):
            place = home / str(number)
            place.mkdir()
            instant = chance.uniform(0, long)
            was_running = cut_off(place, words, instant)
            again = table(sweep(place, words))
            there = found(place)
            state = "running" if was_running else "at its end"
            told = f"round {number + 1}: killed after {instant:.1f} of {long:.1f} s ({state})"
            faults = []
            if again != whole:
                faults.append("another table")
            if there.statuses["RUNNING"]:
                faults.append(f"{there.statuses['RUNNING']} runs RUNNING")
            if len(there.identities) != jobs or set(there.identities.values()) != {1}:
                faults.append(f"{len(there.identities)} points, {max(there.identities.values())} times at most")
            print(f"{told}: {', '.join(faults) or 'the same table'}; {dict(there.statuses)}", flush=True)
            wrong += [f"{told}: {fault}" for fault in faults]
    return wrong


def store(rounds: int, jobs: int = STORE_JOBS, workers: int = WORKERS) -> list[str]:
    """Let many workers make many runs on a store that does not exist yet; return what was found wrong."""
    wrong: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        grid = ",".join(str(number / 10) for number in range(1, jobs + 1))
        words = [*panel(home / "panel.csv"), f"model.C={grid}", "--jobs", str(workers)]
        for number in range(rounds):
            place = home / str(number)
            place.mkdir()
            sweep(place, words)
            there = found(place)
            good = there.statuses == Counter(FINISHED=jobs + 1) and set(there.identities.values()) == {1}
            print(f"round {number + 1}: {dict(there.statuses)}, {len(there.identities)} points", flush=True)
            wrong += [] if good else [f"round {number + 1}: {there}"]
    return wrong


def two(rounds: int, jobs: int = JOBS) -> list[str]:
    """Run two sweeps on one store at once and kill one; return what the other lost."""
    wrong: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        base = panel(home / "panel.csv")
        one, other = ([*base, f"model.C={','.join(str(start + n / 10) for n in range(jobs))}"] for start in (1, 100))
        for number in range(rounds):
            place = home / str(number)
            place.mkdir()
            killed = subprocess.Popen(
                command(one), cwd=place, env=_environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            )  # fmt: skip
            kept = subprocess.Popen(
                command(other), cwd=place, env=_environment(), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
            )  # fmt: skip
            time.sleep(12)
            os.kill(killed.pid, signal.SIGKILL)
            killed.wait()
            said = json.loads(kept.communicate()[0])
            done = sum(point["status"] in ("finished", "linked") for point in said["points"])
            again = sweep(place, one)
            left = sum(point["status"] in ("finished", "linked") for point in again["points"])
            there = found(place)
            print(f"round {number + 1}: {done} and {left} of {jobs} done; {dict(there.statuses)}", flush=True)
            if (done, left) != (jobs, jobs) or there.statuses["RUNNING"] or set(there.identities.values()) != {1}:
                wrong.append(f"round {number + 1}: {done} and {left} of {jobs}; {there.statuses}")
    return wrong


def _environment() -> dict[str, str]:
    root = str(Path(__file__).resolve().parents[1])
    return {key: value for key, value in os.environ.items() if not key.startswith("MLFLOW")} | {"PYTHONPATH": root}


GROUPS: dict[str, Callable[[int], list[str]]] = {"kills": kills, "store": store, "two": two}

if __name__ == "__main__":
    faults = GROUPS[sys.argv[1]](int(sys.argv[2]))
    print("\n".join(faults) or "nothing was wrong")
    sys.exit(bool(faults))
