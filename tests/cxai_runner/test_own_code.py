"""A model loaded into this process brings a part of the package: what is begun afterwards still finds the whole."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from cxai_runner.own_code import ours_first
from cxai_runner.sweep.executors.processes import Processes
from cxai_runner.sweep.settings import Settings
from cxai_runner.tracking.recorder import Recorder
from cxai_runner.tracking.run import Destination

HOME = str(Path(__file__).resolve().parents[2])


@pytest.fixture
def carried(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A model's code, first on the path as MLflow puts it."""
    package = tmp_path / "code" / "cxai_runner"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("", encoding="utf-8")
    monkeypatch.setattr(sys, "path", [str(package.parent), *sys.path])
    return str(package.parent)


def test_another_copy_stands_behind_ours_and_nothing_is_lost(carried: str) -> None:
    found = ours_first([carried, "elsewhere", HOME])
    assert found == [HOME, carried, "elsewhere", HOME]
    assert ours_first(found) == found


@pytest.mark.parametrize("path", [[HOME, "elsewhere"], ["elsewhere", HOME], ["", "elsewhere"], []])
def test_a_path_without_another_copy_stays(path: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert ours_first(path) == path


def test_a_run_is_still_written_by_a_process_of_its_own(carried: str, tmp_path: Path) -> None:
    assert sys.path[0] == carried
    with Recorder() as recorder:
        assert recorder.open(Destination(None, tmp_path, "demo")) == []


def test_workers_of_a_sweep_still_begin(carried: str) -> None:
    assert sys.path[0] == carried
    with Processes(Settings(), 1, 1) as places:
        assert places._places[0].warm.result(timeout=120) > 0
