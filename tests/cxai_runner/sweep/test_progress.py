"""What is told while a sweep runs: a line per run that is being made, and plain lines where nobody watches."""

from __future__ import annotations

import io

import pytest
from rich.console import Console
from rich.progress import Progress

from cxai_runner.sweep.progress import Live, Plain, teller


def test_a_terminal_has_a_line_for_all_and_one_for_each_run_that_is_being_made() -> None:
    screen = io.StringIO()
    progress = Progress(console=Console(file=screen, force_terminal=True))
    told = Live(progress)
    told.begin(3, 1, 2)
    told.started("2", "C=1")
    told.started("3", "C=10")
    assert [one.description for one in progress.tasks] == ["2 at once", "  C=1", "  C=10"]
    assert [one.fields["count"] for one in progress.tasks] == ["1/3", "", ""]
    told.ended("2", "C=1", "log_loss 0.5", 1.25)
    assert progress.tasks[0].fields["count"] == "2/3"
    assert [(one.description, one.completed) for one in progress.tasks] == [("2 at once", 2), ("  C=10", 0)]
    assert "C=1  log_loss 0.5  1.2 s" in screen.getvalue()


def test_elsewhere_every_run_is_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    told = Plain()
    told.begin(2, 0, 1)
    told.started("1", "C=1")
    told.ended("1", "C=1", "log_loss 0.5", 1.0)
    told.ended("2", "C=[1]", "failed: no", 2.0)
    assert capsys.readouterr().err.splitlines() == ["[1/2] C=1  log_loss 0.5  1.0 s", "[2/2] C=[1]  failed: no  2.0 s"]


def test_a_machine_is_told_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with teller(quiet=True) as told:
        told.begin(1, 0, 1)
        told.started("1", "C=1")
        told.ended("1", "C=1", "done", 1.0)
        told.note("a word")
    assert capsys.readouterr() == ("", "")
