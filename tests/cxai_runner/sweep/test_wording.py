"""How a sweep says what a point is and why it failed."""

from __future__ import annotations

import pytest

from cxai_runner.sweep.points import Point, Trial, short
from cxai_runner.sweep.standing import Failure


@pytest.mark.parametrize(
    ("error", "line"),
    [
        ("1 problem in the data, nothing was fitted\n\n  model.n_classes   try  fewer\n", "model.n_classes try fewer"),
        ("UserError: 2 problems, nothing was run\n\n  a   wrong\n  b   wrong", "a wrong"),
        ("ValueError: no\nmore of it", "ValueError: no"),
        ("2 problems of ours", "2 problems of ours"),
        ("", ""),
    ],
)
def test_a_failure_in_a_line_says_what_was_wrong(error: str, line: str) -> None:
    assert Failure(Point(Trial(0, {}), 0, None, ()), error).line == line


def test_a_value_has_no_escapes_of_the_command_line() -> None:
    assert short(r"price\ +\ promotion") == "price + promotion"
