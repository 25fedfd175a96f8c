"""A migrated store to copy: migrating takes seconds, copying none."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from cxai_runner.tracking.store import Store


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a store that holds nothing yet."""
    from cxai_runner.tracking import sqlite

    folder = tmp_path_factory.mktemp("migrated")
    sqlite.ensure(folder / "mlruns" / "mlflow.db", folder / "mlruns" / "artifacts")
    return folder


@pytest.fixture
def root(migrated: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with a migrated store in it."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    shutil.copytree(migrated, tmp_path / "work")
    return tmp_path / "work"


@pytest.fixture
def store(root: Path) -> Store:
    return Store.open(None, root)


@pytest.fixture
def minimal() -> Callable[..., object]:
    """Make a record that holds just what a full run must hold, and what is asked for."""
    from cxai_runner.tracking.record import REQUIRED, Record

    def make(**more: object) -> Record:
        texts = dict.fromkeys(REQUIRED["child"], "text") | dict(more.pop("texts", {}))  # type: ignore[call-overload]
        return Record(**({"html": "<p>report</p>", "texts": texts} | more))  # type: ignore[arg-type]

    return make
