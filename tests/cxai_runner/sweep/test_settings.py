"""A sweep's own keys: from a file and the command line, each mistake with its key, its line and a remedy."""

from __future__ import annotations

from pathlib import Path

import pytest

from cxai_runner.config.problems import UserError
from cxai_runner.sweep.settings import Settings, asked


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "sweep").mkdir()
    (tmp_path / "sweep" / "mine.yaml").write_text(
        "# Two models\n"
        "search: random\n"
        "trials: 5\n"
        "overrides: [task=segmentation]\n"
        "space:\n"
        "  model.n_clusters: range(2, 6)\n"
    )
    return tmp_path


def test_words_of_the_sweep_are_told_from_those_of_its_runs() -> None:
    found = asked(["task=segmentation", "sweep.search=random", "model.n_clusters=2,3", "sweep.trials=2"])
    assert found.lines == ("task=segmentation", "model.n_clusters=2,3")
    assert (found.settings.search, found.settings.trials) == ("random", 2)


def test_the_command_line_wins_over_the_file_and_the_files_overrides_come_first(folder: Path) -> None:
    found = asked(["sweep=mine", "sweep.trials=7", "seed=3"], [folder])
    assert found.name == "mine"
    assert found.settings.trials == 7
    assert found.lines == ("task=segmentation", "seed=3")
    assert found.settings.space == {"model.n_clusters": "range(2, 6)"}


@pytest.mark.parametrize(
    ("word", "key", "message", "remedy"),
    [
        ("sweep.trils=3", "sweep.trils", "no such key", "did you mean `trials`?"),
        ("sweep.search=gird", "sweep.search", "one of: grid, random, tpe", "did you mean `grid`?"),
        ("sweep.trials=0", "sweep.trials", "a whole number of at least 1", ""),
        ("sweep.repeats=1,2", "sweep.repeats", "one value: a sweep is not swept itself", ""),
        ("sweep=nowhere", "sweep", "no such sweep", "one of: choice_models, conversion_models, "),
        ("sweep.trials=3", "sweep.trials", "a grid has as many points as it has", "draw: sweep.search=random"),
        ("sweep.search=tpe", "sweep.trials", "has to be given: how many points tpe draws", "sweep.trials=30"),
        ("sweep.prune=median", "sweep.prune", "only a search that learns gives runs up", "sweep.search=tpe"),
        ("sweep.address=auto", "sweep.address", "only Ray has one", "sweep.executor=ray"),
        ("sweep.metrics={auc:up}", "sweep.metrics.auc", "lower", ""),
    ],
)
def test_a_mistake_is_told_with_its_remedy(word: str, key: str, message: str, remedy: str) -> None:
    with pytest.raises(UserError) as told:
        asked(["task=segmentation", word])
    (problem,) = told.value.problems
    assert problem.key == key
    assert message in problem.message
    assert remedy in problem.remedy
    assert problem.origin == "command line"


def test_a_metric_is_named_as_a_key_or_in_a_mapping() -> None:
    found = asked(["sweep.metrics.roc_auc=higher", "sweep.metrics.log_loss=lower"])
    assert found.settings.metrics == {"roc_auc": "higher", "log_loss": "lower"}
    with pytest.raises(UserError) as told:
        asked(["sweep.metrics.roc_auc=up"])
    (problem,) = told.value.problems
    assert (problem.key, problem.message) == ("sweep.metrics.roc_auc", "one of: lower, higher")


def test_a_limit_needs_a_process_that_can_be_ended() -> None:
    with pytest.raises(UserError) as told:
        asked(["sweep.executor=in_process", "sweep.seconds=3", "sweep.memory_mb=100"])
    assert [one.key for one in told.value.problems] == ["sweep.memory_mb", "sweep.seconds"]
    assert {one.remedy for one in told.value.problems} == {"sweep.executor=processes"}


def test_a_mistake_in_a_file_is_told_with_its_line(folder: Path) -> None:
    (folder / "sweep" / "mine.yaml").write_text("search: random\ntrails: 5\n")
    with pytest.raises(UserError) as told:
        asked(["sweep=mine"], [folder])
    (unknown,) = [one for one in told.value.problems if one.key == "sweep.trails"]
    assert unknown.remedy == "did you mean `trials`?"
    assert unknown.origin.endswith("sweep/mine.yaml:2")


def test_a_file_that_is_no_yaml_is_told_with_its_line(folder: Path) -> None:
    (folder / "sweep" / "mine.yaml").write_text("search: [random\n")
    with pytest.raises(UserError) as told:
        asked(["sweep=mine"], [folder])
    assert "not valid YAML" in told.value.problems[0].message


def test_what_nobody_says_is_a_grid_in_processes() -> None:
    assert (Settings().search, Settings().executor, Settings().repeats) == ("grid", "processes", 1)
