"""Whoever is told to stop in the middle of a query was told to stop, and did not fail."""

from __future__ import annotations

import pytest

from cxai_runner.tracking.run import Ending
from cxai_runner.tracking.signals import was_interrupted


def caused(error: Exception, cause: BaseException) -> Exception:
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (KeyboardInterrupt(), True),
        (SystemExit(143), True),
        (SystemExit("the licence has run out"), False),
        (RuntimeError("Query interrupted"), True),
        (caused(RuntimeError("run 61dd failed"), RuntimeError("Query interrupted")), True),
        (RuntimeError("Query interrupted by a colleague"), False),
        (ValueError("Query interrupted"), False),
    ],
)
def test_an_interrupted_query_is_an_interrupt(error: BaseException, told: bool) -> None:
    assert was_interrupted(error) is told
    assert (Ending.of(error).status == "KILLED") is told
