from __future__ import annotations

import json
import math
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

from cxai_runner.task import SavedModel
from cxai_runner.tracking.lineage import code_of
from cxai_runner.tracking.masking import Masker
from cxai_runner.tracking.owner import LEASE, PID, close_orphans
from cxai_runner.tracking.pseudonyms import Privacy
from cxai_runner.tracking.read import artifact
from cxai_runner.tracking.record import DatasetRecord
from cxai_runner.tracking.run import Tracker
from cxai_runner.tracking.signals import Terminated, shielded, terminated_as_exception
from cxai_runner.tracking.store import Store

Make = Callable[..., Any]


def files(run: Any) -> set[str]:
    folder = Path(run.info.artifact_uri.removeprefix("file://"))
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_a_run_is_running_until_all_of_it_is_kept(store: Store, minimal: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []
    client = store.client
    for name in ("log_artifacts", "log_inputs", "log_batch", "set_terminated"):
        original = getattr(client, name)

        def watched(run_id: str, *rest: Any, _name: str = name, _original: Any = original, **options: Any) -> Any:
            seen.append(f"{_name} while {client.get_run(run_id).info.status}")
            return _original(run_id, *rest, **options)

        monkeypatch.setattr(client, name, watched)
    with Tracker(store, Masker(), "demo").start("first", {"kind": "demo"}) as run:
        begun = client.get_run(run.run_id)
        assert (begun.info.status, begun.info.run_name) == ("RUNNING", "first")
        assert begun.data.tags["kind"] == "demo"
        assert begun.data.tags[PID] == str(os.getpid())
        assert LEASE not in begun.data.tags, "nobody on another machine writes to a local store"
        dataset = DatasetRecord(
            "shop", "sum-blake2b:" + "ab" * 32, "orders.csv", {"price": "double"}, {"train": 3}, "train"
        )
        run.finish(
            minimal(
                params={"task.name": "demo"},
                tags={"cxai.identity": "abc"},
                metrics={"held_out/log_loss": 0.5, "held_out/auc": math.nan},
                steps=[("loss", 0.9, 0), ("loss", 0.5, 1)],
                datasets=[dataset],
                tables={"sizes": pd.DataFrame({"segment": ["a"], "n": [3]})},
                scores={"held_out": pd.DataFrame({"customer_id": [1, 2], "y": [0.0, 1.0]})},
                figures={"curve": b"\x89PNG"},
                note="**It works.**",
            )
        )
        assert run.status == "FINISHED"
    assert seen == [
        "log_artifacts while RUNNING",
        "log_inputs while RUNNING",
        "log_batch while RUNNING",
        "set_terminated while RUNNING",
    ]
    kept = client.get_run(run.run_id)
    assert kept.info.status == "FINISHED"
    assert kept.data.metrics == {"held_out/log_loss": 0.5, "loss": 0.5}
    assert [point.value for point in client.get_metric_history(run.run_id, "loss")] == [0.9, 0.5]
    assert kept.data.params == {"task.name": "demo"}
    assert kept.data.tags["cxai.undefined_metrics"] == "held_out/auc"
    assert kept.data.tags["mlflow.note.content"] == "**It works.**"
    (dataset_input,) = kept.inputs.dataset_inputs
    assert dataset_input.dataset.name == "shop"
    assert json.loads(dataset_input.dataset.profile)["digest"] == "sum-blake2b:" + "ab" * 32
    assert dataset_input.tags[0].value == "train"
    assert files(kept) == {
        "config.yaml",
        "overrides.yaml",
        "environment.txt",
        "report.json",
        "report.html",
        "tables/sizes.csv",
        "scores/held_out.parquet",
        "figures/curve.png",
    }
    scores = Path(kept.info.artifact_uri.removeprefix("file://")) / "scores" / "held_out.parquet"
    assert pd.read_parquet(scores)["y"].tolist() == [0.0, 1.0]


def test_a_record_that_lacks_something_is_not_finished(store: Store, minimal: Make) -> None:
    record = minimal(html=None)
    with (
        pytest.raises(ValueError, match=r"a full run also holds report.html"),
        Tracker(store, Masker(), "x").start("a") as run,
    ):
        run.finish(record)
    assert store.client.get_run(run.run_id).info.status == "FAILED"
    with Tracker(store, Masker(), "x").start("b") as run:
        run.finish(record, level="child")
    assert store.client.get_run(run.run_id).info.status == "FINISHED"


def test_more_than_a_batch_of_everything(store: Store, minimal: Make) -> None:
    params = {f"p{i}": i for i in range(250)}
    metrics = {f"m{i}": float(i) for i in range(1500)}
    with Tracker(store, Masker(), "demo").start("many") as run:
        run.finish(minimal(params=params, metrics=metrics, tags={f"t{i}": str(i) for i in range(150)}))
    kept = store.client.get_run(run.run_id).data
    assert kept.params == {key: str(value) for key, value in params.items()}
    assert kept.metrics == metrics
    assert kept.tags["t149"] == "149"


def test_long_params_stay_apart_and_are_in_the_config(store: Store, minimal: Make) -> None:
    with Tracker(store, Masker(), "demo").start("long") as run:
        run.finish(minimal(params={"where": "x" * 7000}, tags={"long": "y" * 9000}))
    kept = store.client.get_run(run.run_id)
    assert kept.data.params["where"].endswith("(see config.yaml)")
    assert json.loads(artifact(store, kept, "long_tags.json")) == {"long": "y" * 9000}


def test_a_failed_run_keeps_its_masked_traceback(store: Store) -> None:
    tracker = Tracker(store, Masker(["very-secret-value"]), "demo")
    with pytest.raises(RuntimeError), tracker.start("failing") as run:
        raise RuntimeError("no route with very-secret-value and password=hunter2")
    kept = store.client.get_run(run.run_id)
    assert (kept.info.status, run.status) == ("FAILED", "FAILED")
    text = artifact(store, kept, "error/traceback.txt")
    assert "Traceback (most recent call last)" in text
    assert "RuntimeError: no route with *** and password=***" in text
    assert "very-secret-value" not in text
    assert kept.data.tags["cxai.error"] == "RuntimeError: no route with *** and password=***"


def test_a_block_left_without_finish_has_failed(store: Store) -> None:
    with Tracker(store, Masker(), "demo").start("forgotten") as run:
        pass
    assert store.client.get_run(run.run_id).info.status == "FAILED"


@pytest.mark.parametrize("stop", [KeyboardInterrupt, Terminated])
def test_a_run_that_is_told_to_stop_is_killed(store: Store, stop: type[BaseException]) -> None:
    with pytest.raises(stop), Tracker(store, Masker(), "demo").start("stopped") as run:
        raise stop
    assert store.client.get_run(run.run_id).info.status == "KILLED"


def test_ids_reach_the_store_as_pseudonyms_only(store: Store, minimal: Make, root: Path) -> None:
    ids = [f"customer-{i:04d}-of-the-shop" for i in range(50)]
    frame = pd.DataFrame({"customer_id": ids, "y": np.arange(50.0)})
    privacy = Privacy(True, "a-key-nobody-knows")
    model = LogisticRegression().fit(frame[["y"]], frame["y"] > 10)
    with Tracker(store, Masker(), "demo", privacy).start("private") as run:
        run.finish(
            minimal(
                tables={"top": frame.head(5)},
                scores={"train": frame},
                models={"model": SavedModel(model, frame[["y"]].head())},
                params={"privacy.note": "a-key-nobody-knows"},
            )
        )
    folder = Path(run.artifact_uri.removeprefix("file://"))
    assert pd.read_parquet(folder / "scores" / "train.parquet")["customer_id"].tolist() == list(
        map(privacy.pseudonym, ids)
    )
    assert pd.read_csv(folder / "tables" / "top.csv")["customer_id"].iloc[0] == privacy.pseudonym(ids[0])
    assert_nowhere(root, ["of-the-shop", "a-key-nobody-knows"])


def test_planted_secrets_are_nowhere_in_the_store(store: Store, minimal: Make, root: Path, tmp_path: Path) -> None:
    in_url, in_env, in_config = "url-S3cret/one", "env-S3cret two", "config-S3cret'three"
    in_message, in_diff, in_uri = "message-S3cret-four", "diff-S3cret-five", "uri-S3cret-six"
    repository = tmp_path / "repository"
    repository.mkdir()
    for arguments in (["init", "-q"], ["config", "user.name", "a"], ["config", "user.email", "a@b.test"]):
        subprocess.run(["git", "-C", repository, *arguments], check=True)
    (repository / "settings.yaml").write_text("threads: 1\n")
    subprocess.run(["git", "-C", repository, "add", "."], check=True)
    subprocess.run(["git", "-C", repository, "commit", "-qm", "x"], check=True)
    (repository / "settings.yaml").write_text(f"threads: 1\ndb_password: {in_diff}\nuser: {in_env}\n")
    (code,) = code_of([repository])

    config = {
        "data": {"uri": f"postgresql://ann:{in_url.replace('/', '%2F')}@db/shop"},
        "mail": {"password": in_config},
    }
    masker = Masker.of(config, ["SHOP_USER"], [f"http://x:{in_uri}@mlflow"], {"SHOP_USER": in_env})
    dirty = f"{in_url} {in_env} {in_config} {json.dumps(in_config)} {in_uri}"
    planted = [in_url, in_url.replace("/", "%2F"), in_env, in_config, in_message, in_diff, in_uri, "S3cret"]

    X = pd.DataFrame({"x": [0.0, 1.0, 2.0, 3.0]})
    model = LogisticRegression().fit(X, [0, 0, 1, 1])
    tracker = Tracker(store, masker, "demo")
    with tracker.start(f"run {dirty}", {"source": dirty}) as run:
        run.finish(
            minimal(
                params={"data.uri": config["data"]["uri"], "mail.password": in_config, "other": dirty},
                tags={"long": dirty * 300, "short": dirty},
                datasets=[DatasetRecord("shop", "d", config["data"]["uri"], {"x": "double"}, {"train": 4}, "train")],
                texts={"config.yaml": str(config), "overrides.yaml": dirty, "uncommitted.diff": code.diff},
                tables={"t": pd.DataFrame({"a": [dirty]})},
                models={"model": SavedModel(model, X)},
                html=f"<p>{dirty}</p>",
                note=dirty,
            )
        )
    with pytest.raises(RuntimeError), tracker.start("failing"):
        raise RuntimeError(f"{dirty}; could not connect: password={in_message} host=db")
    assert "db_password: ***" in artifact(store, store.client.get_run(run.run_id), "uncommitted.diff")
    assert_nowhere(root, planted)


def assert_nowhere(root: Path, secrets: list[str]) -> None:
    """Search every file below the store, the database and its log included."""
    import gzip
    import sqlite3
    import zipfile

    def contents(path: Path) -> bytes:
        data = path.read_bytes()
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                data += b"".join(archive.read(name) for name in archive.namelist())
        return gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data

    with sqlite3.connect(root / "mlruns" / "mlflow.db") as database:
        everything = "\n".join(database.iterdump()).encode()
    searched = [path for path in root.rglob("*") if path.is_file()]
    assert len(searched) > 5
    for secret in secrets:
        assert secret.encode() not in everything, f"{secret} is in the database"
        for path in searched:
            assert secret.encode() not in contents(path), f"{secret} is in {path}"


CHILD = """
import sys, time
from pathlib import Path
from cxai_runner.tracking.masking import Masker
from cxai_runner.tracking.record import REQUIRED, Record
from cxai_runner.tracking.run import Tracker
from cxai_runner.tracking.signals import terminated_as_exception
from cxai_runner.tracking.store import Store

where = sys.argv[2]
store = Store.open(None, Path(sys.argv[1]))

def pause(name):
    original = getattr(store.client, name)
    def paused(*arguments, **options):
        if where == "before " + name:
            print("here", flush=True)
            time.sleep(60)
        answer = original(*arguments, **options)
        if where == "after " + name:
            print("here", flush=True)
            time.sleep(60)
        return answer
    setattr(store.client, name, paused)

for name in ("log_artifacts", "log_batch", "set_terminated"):
    pause(name)
with terminated_as_exception(), Tracker(store, Masker(), "demo").start("child") as run:
    if where == "work":
        print("here", flush=True)
        time.sleep(60)
    run.finish(Record(html="x", texts=dict.fromkeys(REQUIRED["child"], "x"), params={"a": 1}, metrics={"m": 1.0}))
"""


def child(root: Path, where: str) -> subprocess.Popen[str]:
    environment = {key: value for key, value in os.environ.items() if key != "MLFLOW_TRACKING_URI"}
    command = [sys.executable, "-c", CHILD, str(root), where]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "here\n"
    return process


def only_run(store: Store) -> Any:
    (run,) = store.client.search_runs([store.experiment_id("demo")])
    return run


@pytest.mark.parametrize("where", ["work", "before log_artifacts", "after log_batch", "before set_terminated"])
@pytest.mark.slow
def test_kill_9_anywhere_is_never_a_finished_run(store: Store, root: Path, where: str) -> None:
    process = child(root, where)
    assert close_orphans(store) == [], "while it lives nobody touches it"
    process.kill()
    process.communicate()
    run = only_run(store)
    assert run.info.status == "RUNNING"
    assert close_orphans(store) == [run.info.run_id]
    assert only_run(store).info.status == "KILLED"


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, -signal.SIGINT)])
@pytest.mark.parametrize("where", ["work", "after log_artifacts"])
@pytest.mark.slow
def test_a_signal_closes_the_run(store: Store, root: Path, where: str, number: int, code: int) -> None:
    process = child(root, where)
    process.send_signal(number)
    process.communicate(timeout=30)
    assert process.returncode == code
    assert only_run(store).info.status == "KILLED"


@pytest.mark.slow
def test_an_impatient_second_ctrl_c_changes_nothing(store: Store, root: Path) -> None:
    process = child(root, "work")
    for _ in range(4):
        process.send_signal(signal.SIGINT)
        time.sleep(0.01)
    process.communicate(timeout=30)
    assert only_run(store).info.status == "KILLED"


def test_sigterm_becomes_an_exception_and_the_old_handler_returns() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(Terminated) as stopped, terminated_as_exception():
        signal.raise_signal(signal.SIGTERM)
    assert stopped.value.code == 143
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_shield_lets_signals_wait() -> None:
    done: list[str] = []

    def shielded_work() -> None:
        with shielded():
            signal.raise_signal(signal.SIGINT)
            signal.raise_signal(signal.SIGINT)
            done.append("whole")

    with pytest.raises(KeyboardInterrupt):
        shielded_work()
    assert done == ["whole"]


def test_ctrl_c_while_a_run_is_made_leaves_none_running(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    create = store.client.create_run

    def interrupted(*arguments: Any, **options: Any) -> Any:
        made = create(*arguments, **options)
        signal.raise_signal(signal.SIGINT)
        return made

    monkeypatch.setattr(store.client, "create_run", interrupted)
    with pytest.raises(KeyboardInterrupt), Tracker(store, Masker(), "demo").start("early"):
        pytest.fail("the block must not run")
    assert only_run(store).info.status == "KILLED"


def test_signals_are_left_alone_in_a_thread() -> None:
    import threading

    before = signal.getsignal(signal.SIGTERM)
    seen = []

    def work() -> None:
        with terminated_as_exception(), shielded():
            seen.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [before]


def test_an_artifact_stays_in_its_run(store: Store, minimal: Make) -> None:
    with pytest.raises(ValueError, match="outside its run"), Tracker(store, Masker(), "demo").start("escape") as run:
        run.finish(minimal(texts={"../../escaped.txt": "x"}))
    assert run.status == "FAILED"


def test_on_a_shared_store_a_run_holds_a_lease(store: Store, minimal: Make) -> None:
    from dataclasses import replace

    shared = replace(store, is_local=False)
    with Tracker(shared, Masker(), "demo").start("leased") as run:
        assert float(store.client.get_run(run.run_id).data.tags[LEASE]) > time.time()
        run.finish(minimal())
    assert run.status == "FINISHED"
