"""The layout of problems."""

from __future__ import annotations

from cxai_runner.config.problems import Problem
from cxai_runner.config.wording import as_json, render

PROBLEMS = [
    Problem(
        "modl",
        "no such key",
        value="xgboost",
        remedy="did you mean `model`?",
        origin="command line",
        shown="modl=xgboost",
    ),
    Problem("features.brands", "a whole number of at least 2", value=-2, origin="command line"),
    Problem("data.path", "has to be given", remedy="set it: data.path=…", origin="conf/data/csv.yaml:4"),
]


def test_problems_are_laid_out_in_columns() -> None:
    assert render(PROBLEMS) == (
        "3 problems, nothing was run\n"
        "\n"
        "  modl=xgboost          no such key; did you mean `model`?     (command line)\n"
        "  features.brands: -2   a whole number of at least 2           (command line)\n"
        "  data.path             has to be given; set it: data.path=…   (conf/data/csv.yaml:4)"
    )


def test_problems_of_the_data_say_that_nothing_was_fitted() -> None:
    problem = Problem("features.category", "not among the 302 categories sold", value="SOFTDRINKS")
    assert render([problem], "data") == (
        "1 problem in the data, nothing was fitted\n"
        "\n"
        "  features.category: SOFTDRINKS   not among the 302 categories sold"
    )


def test_a_long_problem_pushes_its_own_line_only() -> None:
    long = Problem("data.note", "x" * 100, origin="conf/data/csv.yaml:9")
    first, second = render([PROBLEMS[1], long]).splitlines()[2:]
    assert first.endswith("   (command line)")
    assert first.index("(") == len("  features.brands: -2   ") + 76 + 3
    assert second.endswith("x   (conf/data/csv.yaml:9)")


def test_problems_are_plain_data_to_a_program() -> None:
    assert as_json(PROBLEMS)[1] == {
        "key": "features.brands",
        "message": "a whole number of at least 2",
        "remedy": "",
        "origin": "command line",
        "value": -2,
    }
    assert "value" not in as_json(PROBLEMS)[2]
    assert as_json([Problem("k", "m", value=["a", object])])[0]["value"].startswith("[a, <class")
