"""What every test shares, and the rule that published numbers are not skipped where their files are."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"

_skipped_references: list[str] = []


@pytest.fixture(scope="session")
def shared_data() -> Callable[[str], Path]:
    """Return the folder of a published data set, or skip and name it."""

    def folder(name: str) -> Path:
        path = SHARED / name
        if not path.is_dir():
            pytest.skip(f"published data not here: shared/data/{name}")
        return path

    return folder


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.skipped and "reference" in report.keywords:
        _skipped_references.append(report.nodeid)


def pytest_sessionfinish(session: pytest.Session) -> None:
    if SHARED.is_dir() and _skipped_references and session.exitstatus == 0:
        session.exitstatus = 1


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if SHARED.is_dir() and _skipped_references:
        terminalreporter.write_line("Published data are here, and yet these reference tests were skipped:", red=True)
        for nodeid in _skipped_references:
            terminalreporter.write_line(f"  {nodeid}")
