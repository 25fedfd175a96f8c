from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from cxai_runner.config.problems import UserError
from cxai_runner.tracking import sqlite
from cxai_runner.tracking.store import Store

START = """
import sys
from pathlib import Path
from cxai_runner.tracking.store import Store
store = Store.open(None, Path(sys.argv[1]))
experiment = store.experiment_id("same name")
run = store.retry(store.client.create_run, experiment)
store.retry(store.client.set_terminated, run.info.run_id)
print(experiment)
"""


def test_processes_that_start_at_once_on_no_store_all_succeed(tmp_path: Path) -> None:
    environment = {key: value for key, value in os.environ.items() if key != "MLFLOW_TRACKING_URI"}
    command = [sys.executable, "-c", START, str(tmp_path)]
    running = [
        subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(8)
    ]
    told = [process.communicate(timeout=300) for process in running]
    assert [process.returncode for process in running] == [0] * 8, told
    assert len({out for out, _ in told}) == 1, "one experiment, whoever made it"
    assert [err for _, err in told] == [""] * 8, "MLflow and alembic are silent"
    store = Store.open(None, tmp_path)
    assert len(store.client.search_runs([store.experiment_id("same name")])) == 8
    assert not list((tmp_path / "mlruns").glob(".*building*"))


def test_a_file_without_a_byte_is_no_database_and_what_was_cut_off_is_cleared_away(tmp_path: Path) -> None:
    folder = tmp_path / "mlruns"
    folder.mkdir()
    (folder / "mlflow.db").touch()  # as `sqlite3 mlflow.db` leaves it, typed before the first run was begun
    (folder / ".mlflow.db.building").write_bytes(b"half")
    store = Store.open(None, tmp_path)
    store.client.create_run(store.experiment_id("there"))
    assert not [path.name for path in folder.iterdir() if "building" in path.name or "backup" in path.name]


def test_a_store_that_vanishes_is_told_with_its_place(migrated: Path, tmp_path: Path) -> None:
    shutil.copytree(migrated / "mlruns", tmp_path / "mlruns")
    store = Store.open(None, tmp_path)
    experiment = store.experiment_id("there")
    store.retry(store.client.create_run, experiment)
    for path in (tmp_path / "mlruns").glob("mlflow.db*"):
        path.unlink()
    store.client._tracking_client.store.engine.dispose()  # the open file outlives its name
    with pytest.raises(UserError, match="was removed or replaced while it was in use") as told:
        store.retry(store.client.create_run, experiment)
    assert str(tmp_path) in str(told.value)


def test_local_store_is_in_write_ahead_mode(store: Store, root: Path) -> None:
    assert store.is_local
    with closing(sqlite3.connect(root / "mlruns" / "mlflow.db")) as database:
        assert database.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_artifacts_lie_beside_the_database(store: Store, root: Path) -> None:
    run = store.client.create_run(store.experiment_id("my: shop/2017"))
    assert run.info.artifact_uri.startswith((root / "mlruns" / "artifacts" / "my_shop_2017").as_uri())


def test_config_goes_before_environment_goes_before_default(
    migrated: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("mlruns", "named", "environment"):
        shutil.copytree(migrated / "mlruns", tmp_path / name)
    assert Store.open(None, tmp_path).uri == f"sqlite:///{tmp_path}/mlruns/mlflow.db"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/environment/mlflow.db")
    assert Store.open(None, tmp_path).uri == f"sqlite:///{tmp_path}/environment/mlflow.db"
    assert Store.open("sqlite:///named/mlflow.db", tmp_path).uri == f"sqlite:///{tmp_path}/named/mlflow.db"


def test_an_outdated_schema_is_backed_up_and_upgraded(root: Path) -> None:
    import_alembic = pytest.importorskip("alembic.command")
    path = root / "mlruns" / "mlflow.db"
    from mlflow.store.db import utils

    config = utils._get_alembic_config(f"sqlite:///{path}")
    head = utils._get_latest_schema_revision()
    import_alembic.downgrade(config, "-1")
    with closing(sqlite3.connect(path)) as database:
        (old,) = database.execute("SELECT version_num FROM alembic_version").fetchone()
    assert old != head
    store = Store.open(None, root)
    assert store.client.search_experiments()
    with closing(sqlite3.connect(path)) as database:
        assert database.execute("SELECT version_num FROM alembic_version").fetchone() == (head,)
    with closing(sqlite3.connect(path.with_name(f"mlflow.db.{old}.backup"))) as backup:
        assert backup.execute("SELECT version_num FROM alembic_version").fetchone() == (old,)


def test_a_creation_that_was_killed_leaves_nothing_in_the_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "mlflow.db"
    with monkeypatch.context() as patch:
        patch.setattr(sqlite, "_write_ahead", lambda _: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            sqlite.ensure(path, tmp_path / "artifacts")
    assert not path.exists()
    sqlite.ensure(path, tmp_path / "artifacts")
    assert path.exists()


def test_a_locked_database_is_tried_again(store: Store) -> None:
    from mlflow.exceptions import MlflowException

    left = [MlflowException("(sqlite3.OperationalError) database is locked")] * 3

    def call() -> str:
        if left:
            raise left.pop()
        return "done"

    assert store.retry(call) == "done"
    with pytest.raises(MlflowException, match="no such column"):
        store.retry(lambda: (_ for _ in ()).throw(MlflowException("no such column")))


def test_a_deleted_experiment_is_named_with_its_remedy(store: Store, root: Path) -> None:
    identifier = store.experiment_id("gone")
    store.client.delete_experiment(identifier)
    with pytest.raises(UserError) as told:
        Store.open(None, root).experiment_id("gone")
    (problem,) = told.value.problems
    assert (problem.key, problem.value) == ("tracking.experiment", "gone")
    assert f"mlflow experiments restore -x {identifier}" in problem.remedy


@pytest.mark.parametrize(
    ("uri", "message", "remedy"),
    [
        ("mlruns", "not a place where MLflow keeps runs", "sqlite:///mlruns/mlflow.db"),
        ("file:///tmp/mlruns", "not a place where MLflow keeps runs", "sqlite:///mlruns/mlflow.db"),
        ("sqlite:///:memory:", "a database in memory keeps nothing", "name a file"),
        ("http://127.0.0.1:9", "no server answers", "start it"),
    ],
)
def test_a_store_that_cannot_be_opened_is_told_in_words(tmp_path: Path, uri: str, message: str, remedy: str) -> None:
    with pytest.raises(UserError) as told:
        Store.open(uri, tmp_path)
    (problem,) = told.value.problems
    assert problem.key == "tracking.uri"
    assert message in problem.message
    assert remedy in problem.remedy


def test_a_password_in_the_uri_is_not_told(tmp_path: Path) -> None:
    with pytest.raises(UserError) as told:
        Store.open("http://ann:hunter2@127.0.0.1:9", tmp_path)
    assert "hunter2" not in repr(told.value.problems)
    assert told.value.problems[0].value == "http://ann:***@127.0.0.1:9"


def test_a_command_that_only_reads_makes_no_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    with pytest.raises(UserError) as told:
        Store.open(None, tmp_path, create=False)
    (problem,) = told.value.problems
    assert problem.message == "no runs are kept here yet"
    assert problem.remedy == "start one: cxai run"
    assert list(tmp_path.iterdir()) == []
