"""How values are spelled on a command line: what is offered is fed back to Hydra's parser, and means the same."""

from __future__ import annotations

import shlex

import pytest

from cxai_runner.config.overrides import parse
from cxai_runner.config.problems import Problem
from cxai_runner.config.spelling import meant, override

NAMES = ["Müller Brot", 'A "x"', "7", "rest", "O'Neil, x", "null", "a{b}", "back\\", "12%", "A b", "x: y", "$y"]


@pytest.mark.parametrize("name", NAMES)
def test_a_name_comes_back_as_it_was(name):
    (line,) = shlex.split(override("task.alternatives", [name, "b"]))
    assert parse(line).value() == [name, "b"]
    (line,) = shlex.split(override("task.scenario", [{"of": name, "to": "-10%"}]))
    assert parse(line).value() == [{"of": name, "to": "-10%"}]


@pytest.mark.parametrize(
    ("typed", "value"),
    [
        ("task.alternatives=[Müller Brot,b,price]", ["Müller Brot", "b", "price"]),
        (
            "task.scenario={price:{Müller Brot:-10%}}",
            [{"attribute": "price", "of": "Müller Brot", "to": "-10%"}],
        ),
        (
            "task.scenario={price: {'Müller Brot': '-10%', b: 1.99}}",
            [
                {"attribute": "price", "of": "Müller Brot", "to": "-10%"},
                {"attribute": "price", "of": "b", "to": 1.99},
            ],
        ),
        ('task.scenario={price:{"O\'Neil, x":-10%}}', [{"attribute": "price", "of": "O'Neil, x", "to": "-10%"}]),
        ("data.tables.panel.where={brand: {in: [Müller, 'x']}}", {"brand": {"in": ["Müller", "x"]}}),
        ("features.category=R&D's", "R&D's"),
        ("features.category=café", "café"),
    ],
)
def test_what_is_offered_can_be_typed(typed, value):
    problem = parse(typed)
    assert isinstance(problem, Problem)
    assert problem.message == "the value cannot be read"
    (line,) = shlex.split(problem.remedy.partition(": ")[2])
    assert parse(line).value() == value


def test_a_mapping_that_no_command_line_can_hold_goes_into_a_file():
    problem = parse("model.nests={ä: [a, b]}")
    assert "model: {nests: …} in the file of an experiment" in problem.remedy


@pytest.mark.parametrize("text", ["[1,2", "café", "", "{a b}"])
def test_what_is_no_list_and_no_mapping_is_left_alone(text):
    assert meant(text) is None
