"""`python -m cxai_runner`: Hydra's application and our sweeper, in a process and a folder of their own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

# Runs and sweeps are another's matter: they are replaced by what says what it was asked for, and fails for seed 2.
STUB = """
import cxai_runner.cli
import cxai_runner.cli.run as run
def execute(overrides, config_dirs, **_):
    print("RUN", *overrides, *(path.name for path in config_dirs), flush=True)
    return 1 if "seed=2" in overrides else 0
def exit_code(arguments):
    print(arguments[0].upper(), *arguments[1:], flush=True)
    return 1 if "seed=2,3" in arguments else 0
run.execute, cxai_runner.cli.exit_code = execute, exit_code
from cxai_runner.__main__ import main
main()
"""


@pytest.fixture
def hydra_app(tmp_path: Path):
    (tmp_path / "app.py").write_text(STUB)

    def call(*arguments: str) -> subprocess.CompletedProcess[str]:
        before = sorted(tmp_path.iterdir())
        command = [sys.executable, str(tmp_path / "app.py"), *arguments]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert sorted(tmp_path.iterdir()) == before, "Hydra left files behind"
        assert "Traceback" not in done.stderr
        return done

    return call


def test_a_run_is_handed_over_with_its_overrides_and_folders(hydra_app, tmp_path: Path) -> None:
    mine = tmp_path / "mine" / "model" / "purchase_incidence"
    mine.mkdir(parents=True)
    (mine / "deep.yaml").write_text("_target_: sklearn.neural_network.MLPClassifier\n")
    done = hydra_app("--config-dir", "mine", "model=deep", "model.alpha=0.5", "seed=1")
    assert done.stdout.split() == ["RUN", "model=purchase_incidence/deep", "++model.alpha=0.5", "seed=1", "mine"]
    assert done.returncode == 0


def test_the_runs_exit_code_is_kept(hydra_app) -> None:
    assert hydra_app("seed=2").returncode == 1


def test_cfg_job_is_hydras(hydra_app) -> None:
    done = hydra_app("--cfg", "job", "model=xgboost", "model.max_leaves=5")
    assert done.returncode == 0
    assert "_target_: xgboost.XGBClassifier" in done.stdout
    assert "max_leaves: 5" in done.stdout
    assert "RUN" not in done.stdout


def test_mistakes_are_told_in_our_words(hydra_app) -> None:
    done = hydra_app("modl=xgboost", "seed=-1")
    assert done.returncode == 2
    assert "2 problems, nothing was run" in done.stderr
    assert "did you mean `model`?" in done.stderr
    assert done.stdout == ""


def test_a_sweep_is_handed_over_as_it_was_typed(hydra_app, tmp_path: Path) -> None:
    mine = tmp_path / "mine" / "sweep"
    mine.mkdir(parents=True)
    (mine / "own.yaml").write_text("search: random\ntrials: 2\n")
    done = hydra_app(
        "-m", "--config-dir", "mine", "model=logit,xgboost", "sweep=own", "seed=range(1,4)", "sweep.trials=3"
    )
    words = done.stdout.split()
    assert words[:2] == ["SWEEP", "--config-dir"]
    assert words[2].endswith("mine")
    models = "purchase_incidence/logit,purchase_incidence/xgboost"
    assert words[3:] == ["--", f"model={models}", "seed=range(1,4)", "sweep=own", "sweep.trials=3"]
    assert done.returncode == 0


def test_a_pattern_is_spelt_out_before_it_is_handed_over(hydra_app) -> None:
    assert hydra_app("-m", "split=glob(cust*)").stdout.split() == ["SWEEP", "--", "split=customer_folds,customers"]


def test_the_sweeps_exit_code_is_kept(hydra_app) -> None:
    assert hydra_app("-m", "seed=2,3").returncode == 1
