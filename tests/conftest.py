"""What every test shares, and the rule that published numbers are not skipped where their files are."""

from __future__ import annotations

import contextlib
import io
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"

NOT_HERE = "published data not here"

APART = ("tests/tasks/test_reproducible.py",)
"""Files of few tests that take minutes each and share nothing: on one worker they would be what all wait for."""

_skipped_references: list[str] = []


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Give each worker a file at a time, those of most tests first, and of the files in `APART` one test."""
    if config.getoption("dist") != "loadfile":
        return None
    from xdist.scheduler import LoadFileScheduling

    class ByFile(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            scope = super()._split_scope(nodeid)
            return nodeid if scope in APART else scope

    return ByFile(config, log)


def pytest_configure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):  # models are sealed with a key of the tests' own, which workers share
        state = tempfile.TemporaryDirectory(prefix="cxai-state-")
        config.add_cleanup(state.cleanup)
        os.environ["XDG_STATE_HOME"] = state.name
    # A shell lets a job that it starts in the background ignore Ctrl-C, and so would every process that a test starts.
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def path_as_it_was() -> Iterator[None]:
    """What a model adds to the path when it is loaded here is of no concern to later tests, and what they start."""
    before = list(sys.path)
    yield
    sys.path[:] = before


@pytest.fixture(autouse=True)
def _forgetful() -> Iterator[None]:
    """Where answers are remembered and where MLflow keeps runs is said for a whole process: no test leaves either."""
    from cxai_runner.data import answers

    store = {key: value for key, value in os.environ.items() if key == "MLFLOW_TRACKING_URI"}
    yield
    answers.remember_in(None)
    os.environ.pop("MLFLOW_TRACKING_URI", None)
    os.environ.update(store)


@pytest.fixture
def memory(tmp_path: Path) -> Path:
    """A folder in which answers about files are remembered while the test runs."""
    from cxai_runner.data import answers

    answers.remember_in(tmp_path / "cache")
    return tmp_path / "cache"


@pytest.fixture(scope="session")
def shared_data() -> Callable[[str], Path]:
    """Return the folder of a published data set, or skip and name it."""

    def folder(name: str) -> Path:
        path = SHARED / name
        if not path.is_dir():
            pytest.skip(f"{NOT_HERE}: shared/data/{name}")
        return path

    return folder


@pytest.fixture(scope="session")
def panel_csv(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small made-up panel of one's own: 60 customers, 30 occasions each, two brands; price −2, promotion +1."""
    import numpy as np
    import pandas as pd

    rng = np.random.default_rng(7)
    customers, occasions = np.arange(1, 61), np.arange(1, 31)
    frame = pd.DataFrame([(client, day) for client in customers for day in occasions], columns=["client", "day"])
    for brand in ("a", "b"):
        frame[f"Price_{brand}"] = rng.uniform(1, 3, len(occasions)).round(2)[frame["day"] - 1]
        frame[f"Promo_{brand}"] = rng.integers(0, 2, len(occasions))[frame["day"] - 1]
    price, promotion = frame[["Price_a", "Price_b"]].mean(axis=1), frame[["Promo_a", "Promo_b"]].mean(axis=1)
    taste = rng.normal(0, 0.5, len(customers))[frame["client"] - 1]
    chance = 1 / (1 + np.exp(-(3 - 2 * price + promotion + taste)))
    frame["bought"] = (rng.random(len(frame)) < chance).astype(int)
    path = tmp_path_factory.mktemp("own") / "panel.csv"
    frame.to_csv(path, index=False)
    return path


@pytest.fixture(scope="session")
def own_panel(panel_csv: Path) -> list[str]:
    """The overrides with which `purchase_incidence` runs on that panel, quickly."""
    return [
        "task=purchase_incidence",
        "data=csv",
        f"data.path={panel_csv}",
        "data.table=panel",
        "data.columns.customer_id=client",
        "data.columns.occasion=day",
        "data.columns.incidence=bought",
        "data.columns.price='Price_{alternative}'",
        "data.columns.promotion='Promo_{alternative}'",
        "features=table",
        "features.table=panel",
        "features.transformers=[]",
        "evaluation.resamples=100",
    ]


@pytest.fixture(scope="session")
def cxai() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run `cxai` in this process, in a folder of its own: what a user sees, without importing everything anew."""

    def call(*arguments: str, cwd: Path, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        from cxai_runner.cli import exit_code

        out, told = io.StringIO(), io.StringIO()
        with (
            contextlib.chdir(cwd),
            mock.patch.dict(os.environ, user_environment(env), clear=True),
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(told),
        ):
            code = exit_code(list(arguments))
        return subprocess.CompletedProcess(arguments, code, out.getvalue(), told.getvalue())

    return call


@pytest.fixture(scope="session")
def cxai_process() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run `cxai` in a process of its own, as a shell does."""

    def call(*arguments: str, cwd: Path, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "cxai_runner.cli", *arguments]
        return subprocess.run(command, cwd=cwd, env=user_environment(env), capture_output=True, text=True, check=False)

    return call


def user_environment(more: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment without what a developer may have set for MLflow."""
    return {key: value for key, value in os.environ.items() if not key.startswith("MLFLOW")} | dict(more or {})


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    # Not those that need a package which has no release for this Python: they say so in other words.
    if report.skipped and "reference" in report.keywords and NOT_HERE in str(report.longrepr):
        _skipped_references.append(report.nodeid)


def pytest_sessionfinish(session: pytest.Session) -> None:
    if SHARED.is_dir() and _skipped_references and session.exitstatus == 0:
        session.exitstatus = 1


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if SHARED.is_dir() and _skipped_references:
        terminalreporter.write_line("Published data are here, and yet these reference tests were skipped:", red=True)
        for nodeid in _skipped_references:
            terminalreporter.write_line(f"  {nodeid}")
