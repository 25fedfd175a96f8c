"""The recorder writes what a tracker in this process would, and a run cut off with it is never a finished one."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import psutil
import pytest
from sklearn.linear_model import LogisticRegression

from cxai_runner.config.problems import UserError
from cxai_runner.task import SavedModel
from cxai_runner.tracking.owner import PID, close_orphans
from cxai_runner.tracking.read import artifact
from cxai_runner.tracking.recorder import Recorder, RecorderError, wanted
from cxai_runner.tracking.run import Destination, Tracker
from cxai_runner.tracking.store import Store

Make = Callable[..., Any]
X = pd.DataFrame({"x": [0.0, 1.0, 2.0, 3.0]})


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    with Recorder() as one:
        yield one


def everything(store: Store, run_id: str) -> dict[str, Any]:
    """All that a run holds but what differs between any two runs."""
    run = store.client.get_run(run_id)
    folder = Path(run.info.artifact_uri.removeprefix("file://"))
    own = {"mlflow.runName", "mlflow.log-model.history"}
    return {
        "status": run.info.status,
        "params": run.data.params,
        "metrics": run.data.metrics,
        "tags": {key: value for key, value in run.data.tags.items() if key not in own},
        "files": {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*.*")},
        "datasets": [found.dataset.name for found in run.inputs.dataset_inputs],
        "models": len(run.outputs.model_outputs),
    }


def test_a_recorded_run_holds_what_a_tracked_one_does(
    store: Store, root: Path, minimal: Make, recorder: Recorder
) -> None:
    record = minimal(
        params={"a": 1},
        tags={"cxai.identity": "abc"},
        metrics={"m": 0.5},
        tables={"t": pd.DataFrame({"a": [1]})},
        scores={"held_out": X},
        models={"model": SavedModel(LogisticRegression().fit(X, [0, 0, 1, 1]), X)},
    )
    to = Destination(None, root, "demo")
    here, _ = Tracker.open(to)
    assert recorder.open(to) == []
    ids = []
    for tracker in (here, recorder):
        with tracker.start("one", {"kind": "demo"}) as run:
            assert store.client.get_run(run.run_id).info.status == "RUNNING"
            run.finish(record)
            assert run.status == "FINISHED"
        assert tracker.latest is run
        ids.append(run.run_id)
    tracked, recorded = (everything(store, run_id) for run_id in ids)
    assert recorded == tracked
    assert recorded["tags"][PID] == str(os.getpid()), "a recorder owns no run"
    assert recorded["models"] == 1


def test_a_store_that_cannot_be_opened_is_told_as_ever(root: Path, recorder: Recorder) -> None:
    with pytest.raises(UserError) as told:
        recorder.open(Destination("ftp://nowhere", root, "demo"))
    assert told.value.problems[0].key == "tracking.uri"


def test_what_fails_in_the_recorder_is_kept_with_both_tracebacks(
    store: Store, root: Path, minimal: Make, recorder: Recorder
) -> None:
    recorder.open(Destination(None, root, "demo"))
    refusal = pytest.raises(RecorderError, match=r"ValueError: a full run also holds report\.html")
    with refusal, recorder.start("a") as run:
        run.finish(minimal(html=None))
    kept = store.client.get_run(run.run_id)
    assert (kept.info.status, run.status) == ("FAILED", "FAILED")
    text = artifact(store, kept, "error/traceback.txt")
    assert "in finish" in text
    assert "test_recorder.py" in text


def test_a_recorder_that_dies_is_an_error_and_leaves_no_finished_run(
    store: Store, root: Path, minimal: Make, recorder: Recorder
) -> None:
    recorder.open(Destination(None, root, "demo"))
    run = recorder.start("a").__enter__()
    recorder._process.kill()
    with pytest.raises(RecorderError, match="ended with -9"):
        run.finish(minimal())
    assert store.client.get_run(run.run_id).info.status == "RUNNING", "nobody could close it; the next run will"


def test_it_is_not_wanted_where_mlflow_is_loaded_already() -> None:
    assert "mlflow" in sys.modules
    assert not wanted()


def test_the_working_process_never_imports_mlflow(root: Path, own_panel: list[str]) -> None:
    program = (
        "import sys; from cxai_runner.cli import exit_code; code = exit_code(['run', *sys.argv[1:]]); "
        "sys.exit(code or 10 * ('mlflow' in sys.modules) + 20 * ('skops' in sys.modules))"
    )
    environment = {key: value for key, value in os.environ.items() if not key.startswith("MLFLOW")}
    done = subprocess.run([sys.executable, "-c", program, *own_panel], cwd=root, env=environment, check=False)
    assert done.returncode == 0


SLOW = """
import sys, time
from pathlib import Path

import pandas as pd
from sklearn.linear_model import LogisticRegression


class Slow(LogisticRegression):
    def predict(self, X):
        Path("here").touch()
        time.sleep(60)
        return super().predict(X)
"""
OWNER = """
import sys
sys.path.insert(0, "")
from pathlib import Path
import pandas as pd
from slow import Slow
from cxai_runner.task import SavedModel
from cxai_runner.tracking.record import REQUIRED, Record
from cxai_runner.tracking.recorder import Recorder
from cxai_runner.tracking.run import Destination
from cxai_runner.tracking.signals import terminated_as_exception

X = pd.DataFrame({"x": [0.0, 1.0]})
with Recorder() as recorder:
    recorder.open(Destination(None, Path.cwd(), "demo"))
    with terminated_as_exception(), recorder.start("slow") as run:
        print(recorder._process.pid, flush=True)
        model = SavedModel(Slow().fit(X, [0, 1]), X, "predict")
        run.finish(Record(html="x", texts=dict.fromkeys(REQUIRED["child"], "x"), models={"model": model}))
"""


@pytest.fixture
def writing(store: Store, root: Path) -> Iterator[tuple[subprocess.Popen[str], psutil.Process]]:
    """A process whose recorder is in the middle of writing a run, and that recorder."""
    (root / "slow.py").write_text(SLOW)
    owner = subprocess.Popen([sys.executable, "-c", OWNER], cwd=root, stdout=subprocess.PIPE, text=True)
    assert owner.stdout is not None
    recorder = psutil.Process(int(owner.stdout.readline()))
    for _ in range(600):
        if (root / "here").exists():
            break
        time.sleep(0.05)
    else:
        pytest.fail("the recorder never got to the model")
    yield owner, recorder
    for process in (owner, recorder):
        try:
            process.kill()
        except psutil.NoSuchProcess:
            continue
    owner.communicate()


def only_run(store: Store) -> Any:
    (run,) = store.client.search_runs([store.experiment_id("demo")])
    return run


@pytest.mark.slow
@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, -signal.SIGINT)])
def test_a_signal_to_the_owner_stops_the_writing(
    writing: tuple[subprocess.Popen[str], psutil.Process], store: Store, number: int, code: int
) -> None:
    owner, recorder = writing
    owner.send_signal(number)
    owner.communicate(timeout=20)
    assert owner.returncode == code
    assert only_run(store).info.status == "KILLED"
    assert not psutil.wait_procs([recorder], timeout=10)[1]


@pytest.mark.slow
def test_a_recorder_ends_with_an_owner_that_was_killed(
    writing: tuple[subprocess.Popen[str], psutil.Process], store: Store
) -> None:
    owner, recorder = writing
    owner.kill()
    owner.wait()
    assert not psutil.wait_procs([recorder], timeout=10)[1]
    assert only_run(store).info.status == "RUNNING"
    assert close_orphans(store) == [only_run(store).info.run_id]
