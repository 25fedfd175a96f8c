"""The config reference is complete: every option, every key, and what each key means."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

from annotated_types import Ge

from cxai_runner.config import reference
from cxai_runner.config.catalogue import catalogue
from cxai_runner.config.folders import read
from cxai_runner.config.schema import own_leaves

PAGE = reference.reference()


def section(heading: str) -> str:
    return PAGE.partition(f"\n{heading}\n")[2].partition("\n#")[0]


def test_every_option_of_every_group_has_a_section() -> None:
    for group in reference.GROUPS:
        for entry in catalogue(group):
            assert entry.about in section(f"### {group}={entry.name}")


def test_every_setting_of_the_engine_is_told_with_its_constraint_and_meaning() -> None:
    rows = [
        line.strip("| ").split(" | ") for line in section("## The top level").splitlines() if line.startswith("| `")
    ]
    told = {row[0].strip("`"): row[1:] for row in rows}
    assert own_leaves().keys() <= told.keys()
    assert told["evaluation.resamples"][:2] == ["a whole number of at least 100", "`1000`"]
    assert all(len(row) == 3 and row[2] for key, row in told.items() if key in own_leaves())


def test_no_key_of_ours_is_without_a_meaning() -> None:
    silent = [line for line in PAGE.splitlines() if line.startswith("| `") and line.endswith("|  |")]
    assert silent == []


def test_what_a_file_sets_prevails_over_the_default_of_the_class() -> None:
    kmeans = section("### model=segmentation/kmeans")
    assert "| `n_clusters` | one of: auto or a whole number of at least 2 | `auto` |" in kmeans
    assert "| `path` | text or a mapping; each value: text | has to be given |" in section("### data=csv")
    assert "`features=customer_profile`, `model=segmentation/kmeans`, `split=all`" in section("### task=segmentation")


def test_an_option_without_a_class_says_what_it_sets() -> None:
    assert "Sets `uri: null`, `level: full`." in section("### tracking=local")


def test_an_option_that_starts_from_another_says_so(tmp_path: Path) -> None:
    path = tmp_path / "yogurt.yaml"
    path.write_text("# Yogurt\ndefaults:\n  - panel\n  - _self_\n\ncategory: YOGURT\n", encoding="utf-8")
    told = reference._option("features", "yogurt", "Yogurt", read(path), {})
    assert told.endswith("As `features=panel`, with `category: YOGURT`.\n")


def test_classes_of_others_are_listed_as_far_as_a_file_sets_them() -> None:
    forest = section("### model=purchase_incidence/random_forest")
    assert "| `n_estimators` | a whole number of at least 1 | `100` |" in forest
    assert "criterion" not in forest
    assert "sklearn tells" in forest


@dataclass
class Base:
    """A base.

    Parameters
    ----------
    note
        What is inherited.
    """

    note: str = ""


@dataclass
class Own(Base):
    """A component.

    More about it, no : entry.

    Parameters
    ----------
    first, second : int
        What both mean,
        in two lines.
    rest
        With a pipe | in it.

    Raises
    ------
    ValueError
        Never a key.
    """

    first: Annotated[int, Ge(1)] = 1
    second: int = 2
    rest: list[str] = field(default_factory=lambda: ["a"])


def test_docstrings_are_read_as_numpy_writes_them() -> None:
    Own.__module__ = Base.__module__ = "tasks.made_up"
    assert reference.meanings(Own) == {
        "note": "What is inherited.",
        "first": "What both mean, in two lines.",
        "second": "What both mean, in two lines.",
        "rest": "With a pipe | in it.",
    }


def test_a_row_of_the_table_stays_one_row() -> None:
    row = reference.Row("rest", "a list", "`[a]`", "With a pipe | in it [1]_.")
    assert reference._laid_out([row]).splitlines()[-1] == r"| `rest` | a list | `[a]` | With a pipe \| in it. |"
