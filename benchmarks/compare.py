"""What it costs to compare a thousand runs, against what MLflow takes to hand them over.

Runs of 80 params and 40 metrics with their tags, dataset inputs and scores of 4,000 rows, all in one experiment. Both
are measured in this process, after imports: reading them by MLflow's own paged search, and the whole of `cxai compare
--experiment`, which does that, folds, ranks, reads the scores of those it judges, and words it.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import psutil

from benchmarks.measure import Row, Spent

RUNS, PARAMS, METRICS, ROWS, REPEATS = 1000, 80, 40, 4000, 3
_PAGE = 1000
_CONFIG = """\
task: {_target_: tasks.purchase_incidence.PurchaseIncidence}
targets: {allow: []}
"""


def rows() -> list[Row]:
    """Make the runs, and measure both a few times."""
    from cxai_runner.cli.comparison import in_words
    from cxai_runner.lifecycle.compare import compare
    from cxai_runner.tracking.store import Store

    with tempfile.TemporaryDirectory() as folder:
        store = Store.open(None, Path(folder))
        experiment = _made(store)
        theirs = _fastest(lambda: _searched(store, experiment))
        ours = _fastest(lambda: in_words(compare(store, experiment="many")))
    peer = "MLflow's paged search of the same runs"
    return [Row("compare", f"compare {RUNS:,} runs, 55 pairs judged", peer, ours, theirs, target="≤ 8 s")]


def _searched(store: object, experiment: str) -> None:
    from cxai_runner.tracking.store import Store

    assert isinstance(store, Store)
    token = None
    while True:
        page = store.client.search_runs([experiment], "", max_results=_PAGE, page_token=token)
        token = page.token
        if not token:
            return


def _fastest(call: Callable[[], object]) -> Spent:
    spent = []
    for _ in range(REPEATS + 1):  # the first warms
        begun = time.perf_counter()
        call()
        spent.append(time.perf_counter() - begun)
    return Spent(min(spent[1:]), psutil.Process().memory_info().rss / 2**20)


def _made(store: object) -> str:
    """One experiment of runs as `cxai` leaves them, each a little worse than the one before."""
    import numpy as np
    import pandas as pd

    from cxai_runner.kept.run import local_path
    from cxai_runner.tracking.batches import log_datasets, log_values
    from cxai_runner.tracking.masking import Masker
    from cxai_runner.tracking.record import UNSEEDED, DatasetRecord
    from cxai_runner.tracking.store import Store

    assert isinstance(store, Store)
    experiment = store.experiment_id("many")
    rng = np.random.default_rng(0)
    chance = rng.uniform(0.1, 0.9, ROWS)
    truth = (rng.random(ROWS) < chance).astype(int)
    noise = rng.normal(size=ROWS)
    data = [DatasetRecord(f"shop.{name}", name * 4, "shop.csv", {"a": "int64"}, {name: ROWS}, name)
            for name in ("source", "train", "held_out")]  # fmt: skip
    for number in range(RUNS):
        run = store.client.create_run(experiment, run_name=f"run {number}")
        p = 1 / (1 + np.exp(-np.log(chance / (1 - chance)) - (0.2 + number / RUNS) * noise))
        loss = float(-np.log(np.where(truth == 1, p, 1 - p)).mean())
        metrics = {f"held_out/m{i}": rng.random() for i in range(METRICS - 6)}
        metrics |= {f"held_out/log_loss{end}": loss + gap for end, gap in (("", 0), ("_low", -0.01), ("_high", 0.01))}
        metrics |= {"baseline/log_loss": 0.69, "seconds/fit": 1.0, "seconds/log": 0.1}
        params = {f"model.p{i}": str(number if i < 2 else i) for i in range(PARAMS)}
        tags = {"cxai.task": "purchase_incidence", "cxai.primary_metric": "log_loss", "cxai.better": "lower",
                "cxai.model": "logit", "cxai.identity": f"{number}", UNSEEDED: f"{number}"}  # fmt: skip
        where = local_path(run.info.artifact_uri)
        assert where is not None
        (where / "scores").mkdir(parents=True)
        (where / "config.yaml").write_text(_CONFIG, encoding="utf-8")
        frame = {"customer_id": np.arange(ROWS) // 8, "incidence": truth, "probability": p, "baseline": 0.5}
        pd.DataFrame(frame).to_parquet(where / "scores" / "held_out.parquet")
        log_datasets(store, run.info.run_id, data, Masker())
        log_values(store, run.info.run_id, params, tags, metrics)
        store.client.set_terminated(run.info.run_id, status="FINISHED")
    return experiment
