"""The search spaces that come with the installation: listed, offered by the shell, and right in every point."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import click
import pytest

from cxai_runner.cli.completion import complete_override
from cxai_runner.cli.sweep import _grid, command
from cxai_runner.config.catalogue import catalogue
from cxai_runner.sweep.plan import plan

Cxai = Callable[..., subprocess.CompletedProcess[str]]
NAMES = [entry.name for entry in catalogue("sweep")]


def offered(program: str, start: str) -> list[str]:
    context = click.Context(command, info_name=program)
    context.params = {"overrides": (), "config_dirs": ()}
    return [item.value for item in complete_override(context, command.params[0], start)]


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_every_point_of_a_named_space_is_right(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    found = plan([f"sweep={name}"])
    assert found.goals
    assert len(found.space.axes) >= 1


def test_they_are_listed_with_what_they_ask(cxai: Cxai, tmp_path: Path) -> None:
    told = cxai("list", "sweeps", cwd=tmp_path).stdout
    assert all(entry.about and entry.about in told for entry in catalogue("sweep"))


def test_the_shell_offers_them_and_a_sweeps_keys_where_a_sweep_is_typed() -> None:
    assert offered("sweep", "sweep=") == [f"sweep={name}" for name in NAMES]
    assert "sweep.trials=" in offered("sweep", "sweep.")
    assert "sweep=" in offered("sweep", "sw")
    assert offered("run", "sw") == []


def test_one_run_takes_no_sweep(cxai: Cxai, tmp_path: Path) -> None:
    done = cxai("run", "sweep=segments", "sweep.trials=3", cwd=tmp_path)
    assert done.returncode == 2
    assert "of a sweep, not of one run; for many: cxai sweep sweep=segments" in done.stderr
    assert "for many: cxai sweep sweep.trials=3" in done.stderr


def test_several_values_in_one_run_lead_to_a_sweep(cxai: Cxai, tmp_path: Path) -> None:
    done = cxai("run", "model.C=1,2", cwd=tmp_path)
    assert done.returncode == 2
    assert "several values, which make a sweep; for one list: model.C=[1,2]; to sweep: cxai sweep" in done.stderr


def test_a_plan_shows_what_varies_before_what_is_done_whichever_point_comes_first() -> None:
    rows = [
        {"point": "1", "model": "xgboost", "state": "to run", "run": ""},
        {"point": "2", "model": "logit", "model.C": "1", "state": "done", "run": "0123456789"},
    ]
    head, _, last = _grid(rows, ["model", "model.C"]).splitlines()
    assert head.split() == ["point", "model", "model.C", "state", "run"]
    assert last.split() == ["2", "logit", "1", "done", "01234567"]
