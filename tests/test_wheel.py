"""The wheel holds all that an installed `cxai` needs, away from any checkout."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out), str(ROOT)],
        check=True,
        capture_output=True,
    )
    (built,) = out.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh environment with the wheel in it; what it depends on is borrowed from this one."""
    home = tmp_path_factory.mktemp("installed")
    venv.create(home, with_pip=False)
    version = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    # A path in a .pth file is searched, but the .pth files in it are not read: our checkout stays out of sight.
    (home / "lib" / version / "site-packages" / "borrowed.pth").write_text(sysconfig.get_path("purelib") + "\n")
    subprocess.run(
        [
            sys.executable,
            "-m",
            "pip",
            "--python",
            str(home / "bin" / "python"),
            "install",
            "--no-deps",
            "--no-index",
            str(wheel),
        ],
        check=True,
        capture_output=True,
    )
    return home / "bin" / "cxai"


def test_the_wheel_holds_engine_tasks_configs_and_plugin(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {
        "cxai_runner/experiment.py",
        "tasks/__init__.py",
        "conf/config.yaml",
        "hydra_plugins/cxai_sweeper.py",
    } <= names
    assert "cxai_runner/report/template.html" in names
    assert not [name for name in names if name.startswith(("tests/", "mlruns/", "benchmarks/"))]


def test_an_installed_cxai_runs_a_task_from_any_folder(installed: Path, tmp_path: Path) -> None:
    outside = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "MLFLOW"))}
    done = subprocess.run(
        [installed, "run", "task=segmentation", "model.n_clusters=3", "--json"],
        cwd=tmp_path,
        env=outside,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result["status"] == "FINISHED"
    assert (tmp_path / "mlruns" / "mlflow.db").is_file()
    where = subprocess.run(
        [installed, "doctor", "--json"], cwd=tmp_path, env=outside, capture_output=True, text=True, check=False
    )
    assert str(ROOT) not in json.dumps(
        [check for check in json.loads(where.stdout) if check["what"] in {"configs", "tasks"}]
    )
