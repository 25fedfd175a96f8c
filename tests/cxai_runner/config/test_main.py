"""`python -m cxai_runner`: Hydra's application and its sweeper, in a process and a folder of their own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

# The run itself is another's matter: it is replaced by one that says what it was asked for, and fails for seed 2.
STUB = """
import sys
import cxai_runner.cli.run as run
def execute(overrides, config_dirs, **_):
    print("RUN", *overrides, *(path.name for path in config_dirs), flush=True)
    if "seed=3" in overrides:
        raise RuntimeError("no more memory")
    return 1 if "seed=2" in overrides else 0
run.execute = execute
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


def test_a_sweep_runs_every_point_and_says_which_failed(hydra_app) -> None:
    done = hydra_app("-m", "model=logit,xgboost", "seed=range(1,4)")
    assert [line.split()[1:] for line in done.stdout.splitlines()] == [
        [f"model=purchase_incidence/{model}", f"seed={seed}"] for model in ("logit", "xgboost") for seed in (1, 2, 3)
    ]
    assert done.returncode == 1
    assert "4 of 6 points failed" in done.stderr
    assert "RuntimeError: no more memory" in done.stderr
    assert done.stderr.endswith("  model=purchase_incidence/xgboost seed=3\n")


def test_a_sweep_that_succeeds_exits_with_zero(hydra_app) -> None:
    done = hydra_app("-m", "split=glob(cust*)", "seed=1")
    assert done.returncode == 0
    assert done.stdout.split("\n")[:2] == ["RUN split=customer_folds seed=1", "RUN split=customers seed=1"]


def test_all_problems_of_a_sweep_are_told_before_the_first_point_runs(hydra_app) -> None:
    done = hydra_app("-m", "model=xgbost,logit", "features.brands=1,2", "split.test_size=0.2,2")
    assert done.returncode == 2
    assert done.stdout == ""
    assert "3 problems, nothing was run" in done.stderr
