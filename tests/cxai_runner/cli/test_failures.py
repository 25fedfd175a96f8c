"""Whatever ends a command badly is told in words, and as one JSON document where that was asked for."""

from __future__ import annotations

import errno
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from tests.conftest import user_environment

Call = Callable[..., "subprocess.CompletedProcess[str]"]
UNFITTABLE = ["model=logit_penalised", "model.solver=newton-cholesky", "model.l1_ratio=1"]
"""Of an estimator that is another's: only its own fit knows that these two do not go together."""


def test_a_database_that_is_none_is_told_with_its_path(cxai: Call, own_panel: list[str], tmp_path: Path) -> None:
    (tmp_path / "mlruns").mkdir()
    (tmp_path / "mlruns" / "mlflow.db").write_text("no database at all, but long enough to be taken for one")
    for command in (["run", *own_panel], ["list", "runs"], ["doctor"]):
        done = cxai(*command, cwd=tmp_path)
        assert done.returncode == 2, command
        assert "runs cannot be kept here" in done.stderr
        assert "move it away" in done.stderr
        assert "Traceback" not in done.stderr


def test_a_file_in_place_of_the_folder_is_told(cxai: Call, own_panel: list[str], tmp_path: Path) -> None:
    (tmp_path / "mlruns").write_text("in the way")
    done = cxai("run", *own_panel, "cache.enabled=false", "--json", cwd=tmp_path)
    assert done.returncode == 2
    assert json.loads(done.stdout)["status"] == "refused"


def test_a_cache_that_cannot_be_written_costs_no_run(cxai: Call, own_panel: list[str], tmp_path: Path) -> None:
    (tmp_path / "blocked").write_text("in the way")
    with pytest.warns(RuntimeWarning, match="cache"):
        done = cxai("run", *own_panel, "cache.dir=blocked/cache", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["status"] == "FINISHED"


def test_a_failed_fit_is_json_too_and_keeps_its_config(cxai: Call, own_panel: list[str], tmp_path: Path) -> None:
    done = cxai("run", *own_panel, *UNFITTABLE, "--json", cwd=tmp_path)
    assert done.returncode == 1
    told = json.loads(done.stdout)
    assert told["status"] == "FAILED"
    assert "Solver newton-cholesky" in told["error"]
    shown = json.loads(cxai("show", told["run_id"], "--json", cwd=tmp_path).stdout)
    assert shown["params"]["model.solver"] == "newton-cholesky"
    (folder,) = tmp_path.glob(f"mlruns/artifacts/*/{told['run_id']}/artifacts")
    assert (folder / "config.yaml").is_file()


@pytest.mark.parametrize("arguments", [["list", "nosuch"], ["nosuch"], ["show"]], ids=" ".join)
def test_a_usage_error_is_json_too(arguments: list[str], cxai: Call, tmp_path: Path) -> None:
    done = cxai(*arguments, "--json", cwd=tmp_path)
    assert done.returncode == 2
    assert json.loads(done.stdout)["status"] == "failed"


def test_a_password_in_a_path_is_not_repeated(cxai: Call, tmp_path: Path) -> None:
    done = cxai(
        "run", "task=segmentation", "features=table", "data=csv", "data.table=customers",
        "data.path=https://ann:hunter2secret@shop.example/x.csv", "--json", cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 2
    assert "hunter2secret" not in done.stdout + done.stderr


def test_an_interrupt_exits_130_wherever_it_struck(tmp_path: Path) -> None:
    """In code that was executed from a string too: CPython remembers it, and would die of SIGINT at its end."""
    (tmp_path / "struck.py").write_text(
        "import click, cxai_runner.cli as cli\n"
        "command = click.command()(lambda: exec('raise KeyboardInterrupt'))\n"
        "cli.cxai.get_command = lambda context, name: command\n"
        "cli.main(['run'])\n"
    )
    asked = [sys.executable, "-m", "struck"]
    done = subprocess.run(asked, cwd=tmp_path, env=user_environment(), capture_output=True, check=False)
    assert (done.returncode, done.stderr.split()) == (130, [b"interrupted"])


@pytest.mark.parametrize("odd", ["inf", "N/A"])
def test_one_odd_value_costs_no_input_without_a_word(odd: str, cxai: Call, tmp_path: Path) -> None:
    rows = pd.DataFrame({"customer_id": range(200), "age": range(20, 220), "income": [f"{n}" for n in range(200)]})
    rows.loc[7, "income"] = odd
    rows.to_csv(tmp_path / "customers.csv", index=False, na_rep="")
    mine = ["run", "task=segmentation", "features=table", "data=csv", "data.table=customers", "data.path=customers.csv"]
    done = cxai(*mine, cwd=tmp_path)
    assert done.returncode == 2
    assert f"income cannot be an input: 1 of its 200 values are no numbers, such as `{odd}`" in done.stderr
    assert "features.exclude=[income]" in done.stderr


def test_the_inputs_are_named_in_the_summary(cxai: Call, tmp_path: Path) -> None:
    rows = pd.DataFrame({"customer_id": range(60), "age": range(60), "town": ["x", "y"] * 30})
    rows.to_csv(tmp_path / "customers.csv", index=False)
    mine = ["run", "task=segmentation", "features=table", "data=csv", "data.table=customers", "data.path=customers.csv"]
    done = cxai(*mine, "model.n_clusters=2", "evaluation.resamples=100", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "inputs      age" in done.stdout


@pytest.mark.parametrize(("place", "told"), [("/runs/mlruns", "the disk of /runs/mlruns"), (None, "a disk that is")])
def test_a_full_disk_is_told_with_its_place_where_that_is_known(
    place: str | None, told: str, cxai: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", place)

    monkeypatch.setattr("cxai_runner.lifecycle.runs.recent", full)
    done = cxai("list", "runs", cwd=tmp_path)
    assert done.returncode == 1
    assert f"no space is left on {told}" in done.stderr
    assert "make room" in done.stderr
