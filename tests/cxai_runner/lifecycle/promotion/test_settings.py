"""Gates are typed: what a file or a command says of them is checked, and all mistakes are told at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from cxai_runner.config.catalogue import catalogue
from cxai_runner.config.problems import UserError
from cxai_runner.lifecycle.promotion.names import problems_of
from cxai_runner.lifecycle.promotion.settings import Gates, asked


def test_every_file_of_ours_says_gates() -> None:
    names = [entry.name for entry in catalogue("promotion")]
    assert {"default", "segments"} <= set(names)
    assert [asked(name).name for name in names] == names


def test_the_default_file_says_what_the_defaults_are() -> None:
    assert asked().gates == Gates(slices=[])


def test_what_is_typed_wins_over_the_file_key_by_key() -> None:
    found = asked("segments", ["promotion.floors.stability=0.7", "promotion.margin=0.01", "promotion.slices=[region]"])
    assert found.gates.floors == {"stability": 0.7, "structure": 0.0}
    assert (found.gates.margin, list(found.gates.slices)) == (0.01, ["region"])
    assert found.gates.not_comparable == "pass"


def test_all_mistakes_are_told_at_once_with_who_made_them(tmp_path: Path) -> None:
    (tmp_path / "promotion").mkdir()
    (tmp_path / "promotion" / "mine.yaml").write_text("# mine\nmargn: 0.1\nproof: both\n")
    words = [
        "promotion.margin=-1",
        "margin=2",
        "promotion.report=[1,2",
        "promotion.fewest=1,2",
        "promotion.floors.auc=x",
    ]
    with pytest.raises(UserError) as refused:
        asked("mine", words, [tmp_path])
    told = {problem.key: problem for problem in refused.value.problems}
    assert told["promotion.margn"].remedy == "did you mean `margin`?"
    assert told["promotion.margn"].origin.endswith("mine.yaml:2")
    assert told["promotion.proof"].origin.endswith("mine.yaml:3")
    assert told["promotion.margin"].message == "a number of at least 0"
    assert told["promotion.margin"].origin == "command line"
    assert told["margin"].remedy == "did you mean `promotion.margin`?"
    assert told["promotion.fewest"].message == "one value"
    assert told["promotion.floors.auc"].message == "a number"
    assert "promotion.report" in told
    assert len(told) == 7


def test_a_name_that_no_file_has() -> None:
    with pytest.raises(UserError, match="no such gates") as refused:
        asked("segmnts")
    assert refused.value.problems[0].remedy == "did you mean `segments`?"


def test_floors_of_slices_without_slices_say_nothing() -> None:
    with pytest.raises(UserError) as refused:
        asked(words=["promotion.slice_floors.log_loss=0.7"])
    assert refused.value.problems[0].remedy == "name them: promotion.slices=[segment]"


@pytest.mark.parametrize("name", ["purchase_incidence", "Käufer 2.0 – Süd", "a.b-c_d", "x" * 200])
def test_names_that_an_address_can_hold(name: str) -> None:
    assert not list(problems_of(name))


@pytest.mark.parametrize(
    "name", ["", "  ", "a/b", "a:b", "a@champion", "it's", 'say "so"', "50%", "a\nb", "..", " a", "x" * 201]
)
def test_names_that_no_address_can_hold(name: str) -> None:
    (problem,) = problems_of(name)
    assert problem.key == "--model"
    assert problem.remedy


def test_a_refused_name_comes_with_one_that_is_taken() -> None:
    (problem,) = problems_of("choice/soft drinks@2")
    assert problem.remedy == "such as choice_soft_drinks_2"
