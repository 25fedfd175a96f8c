"""Overrides in a file: read with their lines, and told with them when they are wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from cxai_runner.config.problems import Problem, UserError
from cxai_runner.config.written import Written, read
from cxai_runner.preflight import assemble
from cxai_runner.request import request


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def problems(file: Path, *typed: str) -> list[Problem]:
    with pytest.raises(UserError) as told:
        assemble(request(typed, config=file).composed)
    return list(told.value.problems)


def best(here: Path, *lines: str) -> Path:
    file = here / "best.yaml"
    file.write_text("# the best\noverrides:\n" + "".join(f'- "{line}"\n' for line in lines), encoding="utf-8")
    return file


def test_what_a_file_says_is_said(here: Path) -> None:
    file = best(here, "task=segmentation", "model.n_clusters=4")
    composed = request([], config=file).composed
    assert composed.choices["task"] == "segmentation"
    assert composed.plain["model"]["n_clusters"] == 4
    assert composed.origin("model.n_clusters") == "best.yaml:4"


def test_what_is_typed_wins_over_the_file(here: Path) -> None:
    file = best(here, "task=segmentation", "model.n_clusters=4", "seed=3")
    composed = request(["model.n_clusters=5", "task=segmentation"], config=file).composed
    assert composed.plain["model"]["n_clusters"] == 5
    assert composed.plain["seed"] == 3
    assert composed.origin("model.n_clusters") == "command line"


def test_the_later_of_two_lines_wins() -> None:
    written = Written(("model=logit", "seed=1", "model=xgboost"), ("f:1", "f:2", "f:3"))
    assert written.without([]) == Written(("seed=1", "model=xgboost"), ("f:2", "f:3"))
    assert written.without(["~model"]) == Written(("seed=1",), ("f:2",))


def test_a_group_typed_twice_is_still_a_mistake(here: Path) -> None:
    (found,) = problems(best(here, "task=segmentation"), "split=all", "split=time")
    assert (found.message, found.origin) == ("chosen twice", "command line")


def test_mistakes_name_the_file_and_the_line(here: Path) -> None:
    found = {
        one.key: one for one in problems(best(here, "task=segmentation", "modl=x", "model.n_clusters=none", "seed"))
    }
    assert found["modl"].origin == "best.yaml:4"
    assert found["modl"].remedy == "did you mean `model`?"
    assert found["model.n_clusters"].origin == "best.yaml:5"
    assert found["seed"].origin == "best.yaml:6"
    assert found["seed"].remedy == "write seed=VALUE"


def test_a_key_of_the_files_model_that_another_model_has_not(here: Path) -> None:
    file = best(here, "task=purchase_incidence", "model=logit_penalised", "model.C=0.1")
    (found,) = problems(file, "model=xgboost")
    assert (found.key, found.origin) == ("model.C", "best.yaml:5")
    assert found.message == "not a key of model `purchase_incidence/xgboost`"


@pytest.mark.parametrize(
    ("text", "key", "message", "remedy", "line"),
    [
        ("override: []\n", "override", "not a key of such a file", "did you mean `overrides`?", 1),
        ("overrides: []\nseed: 1\n", "seed", "not a key of such a file", 'as one of its overrides: - "seed=VALUE"', 2),
        ("overrides: seed=1\n", "overrides", "a list", '- "seed=1"', 1),
        ("overrides:\n- seed: 1\n", "overrides.0", "an override as text", '- "seed=1"', 2),
        ("# nothing\n", "overrides", "not there", "begin with overrides:", 1),
        ("overrides: [\n", "best.yaml", "not valid YAML", "", 2),
    ],
)
def test_a_file_that_is_none(here: Path, text: str, key: str, message: str, remedy: str, line: int) -> None:
    file = here / "best.yaml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(UserError) as told:
        read(file)
    (found,) = told.value.problems
    assert found.key == key
    assert message in found.message
    assert remedy in found.remedy
    assert found.origin == f"best.yaml:{line}"


def test_a_file_that_is_not_there(here: Path) -> None:
    best(here, "seed=1")
    with pytest.raises(UserError) as told:
        read(Path("bst.yaml"))
    (found,) = told.value.problems
    assert (found.message, found.remedy) == ("no such file", "did you mean `best.yaml`?")
