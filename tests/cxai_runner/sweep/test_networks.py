"""Networks in a sweep: a worker imports TensorFlow once, and only where there is a network to train."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.tasks.conftest import make_converters

pytestmark = pytest.mark.slow

NOTES = """
import os
import sys


def _heard(event, told):
    if event == "import" and told[0] == "tensorflow":
        with open(os.environ["NOTES"], "a") as notes:
            notes.write(f"{os.getpid()} ")


sys.addaudithook(_heard)
"""
"""Writes down which process imports TensorFlow, as often as one does: Python tells of it where it is not there yet."""


@pytest.mark.parametrize(
    ("model", "varies", "expected"),
    [("network", "model.layers=[4],[6],[8]", 1), ("logistic", "model.C=0.1,1,10", 0)],
)
def test_a_worker_imports_tensorflow_once_and_for_networks_alone(
    model: str, varies: str, expected: int, cxai_process: Callable[..., Any], tmp_path: Path
) -> None:
    make_converters(300).frame.to_csv(tmp_path / "rows.csv", index=False)
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "sitecustomize.py").write_text(NOTES)
    heard = tmp_path / "imported.txt"
    path = os.pathsep.join([str(tmp_path / "notes"), *filter(None, [os.environ.get("PYTHONPATH")])])
    done = cxai_process(
        "sweep", "task=conversion", "data=csv", "data.path=rows.csv", "data.table=customers", "features=customer_table",
        "task.outcome=converted", "task.against=null", "task.repeats=1", "evaluation.resamples=100", f"model={model}",
        *(["model.epochs=2"] if model == "network" else []), varies, "--jobs", "1", "--json",
        cwd=tmp_path, env={"PYTHONPATH": path, "NOTES": str(heard)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["made"] == 3
    assert len(heard.read_text().split() if heard.exists() else []) == expected
