"""Promotions that meet: counted, not timed.

- Twenty promotions of twenty runs from eight processes at once: one champion, every decision kept and numbered without
  a gap, and each that moved the champion names the one that the decision before it had left.
- ``kill -9`` at random instants of promotions: whatever the next command finds, history and alias agree afterwards.

``python -m benchmarks.promote race 1``, ``… kills 20``: what is said is what was found.
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
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks.killed import panel

RUNS, PROCESSES = 20, 8
MODEL = "raced"
GATES = (
    "promotion.reproduction=any", "promotion.report=false", "promotion.baseline=any", "promotion.calibration=null",
    "promotion.fewest=1000", "promotion.not_comparable=pass",
)  # fmt: skip
"""Gates that nobody is refused by, and that need no model's process: what is raced is the lock and the history."""
_WORKER = """
import sys
from cxai_runner.lifecycle.promotion.promote import promote
model, gates, runs = sys.argv[1], sys.argv[2].split(), sys.argv[3:]
print("ready", flush=True)
sys.stdin.readline()
for run in runs:
    print(promote(run, model, champion=True, overrides=gates).verdict, flush=True)
"""


def made(home: Path, runs: int) -> list[str]:
    """Make runs that differ in one key, in a store of their own, and return their ids."""
    grid = ",".join(str(number / 10) for number in range(1, runs + 1))
    words = [*panel(home / "panel.csv"), f"model.C={grid}", "--json"]
    done = subprocess.run(
        [sys.executable, "-m", "cxai_runner.cli", "sweep", *words],
        cwd=home, env=_environment(), capture_output=True, text=True, check=True,
    )  # fmt: skip
    return [str(point["run"]) for point in json.loads(done.stdout)["points"]]


def raced(home: Path, runs: Sequence[str], processes: int = PROCESSES) -> list[str]:
    """Promote runs from several processes that begin at one instant, and return what each promotion said."""
    shares = [runs[first::processes] for first in range(processes)]
    workers = [worker(home, share) for share in shares if share]
    for one in workers:
        assert one.stdout is not None
        one.stdout.readline()
    for one in workers:
        assert one.stdin is not None
        one.stdin.write("go\n")
        one.stdin.flush()
    said: list[str] = []
    for one in workers:
        out, told = one.communicate()
        if one.returncode:
            raise AssertionError(told)
        said += out.split()
    return said


def worker(home: Path, runs: Sequence[str]) -> subprocess.Popen[str]:
    """A process that promotes runs one after the other once it is told to go."""
    return subprocess.Popen(
        [sys.executable, "-c", _WORKER, MODEL, " ".join(GATES), *runs],
        cwd=home, env=_environment(), text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def faults(home: Path, decisions: int | None = None) -> list[str]:
    """Look into the store: what of a history is not whole, or does not agree with the alias.

    Parameters
    ----------
    home
        The folder of the store.
    decisions
        How many there have to be, where that is known.
    """
    from cxai_runner.lifecycle.promotion import history
    from cxai_runner.lifecycle.promotion.registry import Registry
    from cxai_runner.tracking.store import Store

    store = Store.open(f"sqlite:///{home}/mlruns/mlflow.db", home, create=False)
    found, registry = history.decisions(store, MODEL), Registry(store, MODEL)
    wrong = []
    if decisions is not None and len(found) != decisions:
        wrong.append(f"{len(found)} decisions instead of {decisions}")
    if [one.number for one in found] != list(range(1, len(found) + 1)):
        wrong.append(f"numbered {[one.number for one in found]}")
    charge = ""
    for one in found:
        if one.moved and one.previous != charge:
            wrong.append(f"decision {one.number} replaced {one.previous or 'nobody'}, and {charge} was in charge")
        charge = one.version if one.moved else charge
    champion = registry.champion
    if (champion.number if champion else "") != charge:
        wrong.append(f"history says v{charge}, the alias {champion}")
    promoted = [one.run_id for one in registry.versions()]
    if len(promoted) != len(set(promoted)):
        wrong.append(f"{len(promoted)} versions of {len(set(promoted))} runs")
    experiment = store.client.get_experiment_by_name("cxai-promotions")
    runs = store.client.search_runs([experiment.experiment_id], max_results=1000) if experiment else []
    left = [run.info.run_id for run in runs if run.info.status == "RUNNING"]
    return wrong + [f"{len(left)} decisions RUNNING"] * bool(left)


def race(rounds: int) -> list[str]:
    """Race twenty promotions from eight processes; return what was found wrong."""
    wrong: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        for number in range(rounds):
            home = Path(folder) / str(number)
            home.mkdir()
            runs = made(home, RUNS)
            begun = time.perf_counter()
            said = raced(home, runs)
            took = time.perf_counter() - begun
            found = faults(home, RUNS)
            counts = {verdict: said.count(verdict) for verdict in sorted(set(said))}
            print(f"round {number + 1}: {counts} in {took:.0f} s; {'; '.join(found) or 'nothing wrong'}", flush=True)
            wrong += found
    return wrong


def kills(rounds: int, seed: int = 0) -> list[str]:
    """Kill promotions at random instants; return what was found wrong once the next command had run."""
    chance = random.Random(seed)
    wrong: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        runs = made(home, 4)
        begun = time.perf_counter()
        raced(home, runs[:1], 1)
        long = time.perf_counter() - begun
        for number in range(rounds):
            one = worker(home, [runs[number % 3 + 1], runs[number % 3]])
            assert one.stdout is not None
            assert one.stdin is not None
            one.stdout.readline()
            one.stdin.write("go\n")
            one.stdin.flush()
            instant = chance.uniform(0, long)
            time.sleep(instant)
            os.kill(one.pid, signal.SIGKILL)
            one.communicate()
            raced(home, [runs[(number + 1) % 4]], 1)
            found = faults(home)
            print(
                f"round {number + 1}: killed after {instant:.1f} s; {'; '.join(found) or 'nothing wrong'}", flush=True
            )
            wrong += [f"round {number + 1}: {fault}" for fault in found]
    return wrong


def _environment() -> dict[str, str]:
    root = str(Path(__file__).resolve().parents[1])
    return {key: value for key, value in os.environ.items() if not key.startswith("MLFLOW")} | {"PYTHONPATH": root}


GROUPS: dict[str, Callable[[int], list[str]]] = {"race": race, "kills": kills}

if __name__ == "__main__":
    found_wrong = GROUPS[sys.argv[1]](int(sys.argv[2]))
    print("\n".join(found_wrong) or "nothing was wrong")
    sys.exit(bool(found_wrong))
