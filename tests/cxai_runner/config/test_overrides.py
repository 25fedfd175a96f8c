"""Overrides as Hydra is to see them, whichever entry they come through."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from cxai_runner.__main__ import for_hydra
from cxai_runner.config.folders import Folders
from cxai_runner.config.overrides import canonical, qualify


@pytest.mark.parametrize(
    ("typed", "written"),
    [
        (["model=forest"], ["model=question/forest"]),
        (["task=second", "model=kmeans"], ["task=second", "model=second/kmeans"]),
        (["model=kmeans", "task=second"], ["model=second/kmeans", "task=second"]),
        (["task=second", "model=forest"], ["task=second", "model=question/forest"]),
        (["model=second/kmeans"], ["model=second/kmeans"]),
        (["model=kmeans,forest"], ["model=question/kmeans,question/forest"]),
        (["model=choice(kmeans)"], ["model=choice(question/kmeans)"]),
        (["model=glob(*)"], ["model=question/forest,question/kmeans"]),
        (["model=glob(k*)"], ["model=choice(question/kmeans)"]),
        (["split=glob(*)"], ["split=customer,half"]),
        (["task=question,second", "model=kmeans"], ["task=question,second", "model=kmeans"]),
        (["model=nothing"], ["model=nothing"]),
        (["model=null"], ["~model"]),
        (["~model"], ["~model"]),
        (["+experiment=one"], ["experiment=one"]),
        (["features.brands=3,4"], ["++features.brands=3,4"]),
        (["+data.delimiter=x", "++split.x=1"], ["++data.delimiter=x", "++split.x=1"]),
        (
            ["seed=3", "tracking.uri=x", "not an override", "a=[1"],
            ["seed=3", "tracking.uri=x", "not an override", "a=[1"],
        ),
    ],
)
@pytest.mark.usefixtures("ours")
def test_overrides_are_written_out(typed: list[str], written: list[str]) -> None:
    assert qualify(typed, Folders()) == written


@pytest.mark.usefixtures("ours")
def test_a_task_of_the_users_shares_the_models_its_default_comes_from(user_dir: Callable[..., Path]) -> None:
    task = "# @package _global_\ndefaults:\n  - /model: second/kmeans\ntask: {_target_: madeup.Question}\n"
    mine = user_dir(task__third=task, experiment__e="# @package _global_\ndefaults:\n  - override /task: third\n")
    folders = Folders.of([mine])
    assert qualify(["task=third", "model=kmeans"], folders)[1] == "model=second/kmeans"
    assert qualify(["experiment=e", "model=kmeans"], folders)[1] == "model=second/kmeans"


@pytest.mark.usefixtures("ours")
def test_flags_of_hydras_are_left_as_they_are(user_dir: Callable[..., Path]) -> None:
    mine = str(user_dir(model__question__own="_target_: madeup.Own\n"))
    assert for_hydra(["--cfg", "job", "--config-dir", mine, "model=own"])[-1] == "model=question/own"
    assert for_hydra([f"--config-dir={mine}", "-m", "model=own,kmeans"]) == [
        f"--config-dir={mine}",
        "-m",
        "model=question/own,question/kmeans",
    ]


@pytest.mark.parametrize(
    ("line", "read"),
    [("++features.brands=3", "features.brands=3"), ("seed=1", "seed=1"), ("~model", "~model"), ("+x=1", "+x=1")],
)
def test_canonical_overrides_have_no_signs_of_hydras(line: str, read: str) -> None:
    assert canonical(line) == read
