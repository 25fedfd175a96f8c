"""The command line answers at once: what only talks loads nothing heavy."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

HEAVY = (
    "hydra",
    "omegaconf",
    "mlflow",
    "pandas",
    "numpy",
    "sklearn",
    "tensorflow",
    "xgboost",
    "ibis",
    "duckdb",
    "matplotlib",
)
LOADED = f"""
import sys
from cxai_runner.cli import cxai
try:
    cxai.main(args=sys.argv[1:], standalone_mode=False)
except SystemExit:
    pass
print("heavy:", [name for name in {HEAVY!r} if name in sys.modules], file=sys.stderr)
"""
COMPLETED = f"""
import sys
from cxai_runner.cli import cxai
try:
    cxai.main(prog_name="cxai")
finally:
    print([name for name in {HEAVY!r} if name in sys.modules], file=sys.stderr)
"""


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"], ["--version"], ["list", "tasks"], ["list", "models", "segmentation"], ["list", "data"],
        ["run", "--help"], ["inspect", "--help"], ["completion", "bash"],
    ],
    ids=" ".join,
)  # fmt: skip
def test_talking_loads_nothing_heavy(arguments: list[str]) -> None:
    done = subprocess.run([sys.executable, "-c", LOADED, *arguments], capture_output=True, text=True, check=True)
    assert done.stderr.strip().splitlines()[-1] == "heavy: []"


def complete(*words: str, at: int | None = None) -> list[str]:
    """What bash is offered after ``words``."""
    environment = {
        **os.environ,
        "_CXAI_COMPLETE": "bash_complete",
        "COMP_WORDS": " ".join(words),
        "COMP_CWORD": str(len(words) - 1 if at is None else at),
    }
    done = subprocess.run(
        [sys.executable, "-c", COMPLETED], env=environment, capture_output=True, text=True, check=False
    )
    assert done.stderr.strip() == "[]"
    return [line.partition(",")[2] for line in done.stdout.splitlines()]


def test_completion_offers_groups_options_and_keys() -> None:
    assert "task=" in complete("cxai", "run", "ta")
    assert complete("cxai", "run", "task=seg") == ["task=segmentation"]
    assert complete("cxai", "run", "task", "=", "seg") == ["segmentation"]
    assert "kmeans" in complete("cxai", "run", "task=segmentation", "model", "=", "k")
    assert "features.category=" in complete("cxai", "run", "task=purchase_incidence", "features.c")
    assert "segmentation" not in complete("cxai", "run", "task=purchase_incidence", "model", "=", "k")


def test_list_tasks_shows_the_question_of_each() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "cxai_runner.cli", "list", "tasks"], capture_output=True, text=True, check=True
    )
    assert "brand_choice         Which brand does a customer buy" in done.stdout
    assert "churn                Which customers are about to leave" in done.stdout
    assert "conversion           Will this customer convert" in done.stdout
    assert "managerial_segments  Which customers are active" in done.stdout
    assert "price_response       What does a price do altogether" in done.stdout
    assert "purchase_incidence   Will a customer buy" in done.stdout
    assert "purchase_quantity    How much does a customer buy once they buy" in done.stdout
    assert "segmentation" in done.stdout


def test_a_mistyped_command_is_corrected() -> None:
    done = subprocess.run([sys.executable, "-m", "cxai_runner.cli", "lst"], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "did you mean `list`?" in done.stderr
