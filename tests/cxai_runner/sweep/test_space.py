"""The space of a sweep: Hydra's grammar, conditions, and what cannot vary."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cxai_runner.config.folders import Folders
from cxai_runner.config.problems import UserError
from cxai_runner.sweep.axes import Choice, Interval
from cxai_runner.sweep.plan import plan
from cxai_runner.sweep.settings import asked
from cxai_runner.sweep.space import Space, conditioned, space


def made(*words: str, folder: Path | None = None) -> Space:
    folders = [folder] if folder else []
    return space(asked(words, folders), Folders.of(folders))


def names(varied: Space) -> list[tuple[str, ...]]:
    return [tuple(f"{key}={text}" for key, text in values.items()) for values in varied.every()]


def test_the_last_axis_is_the_fastest() -> None:
    varied = made("task=segmentation", "seed=1,2", "model.n_clusters=range(3,6,2)")
    assert varied.fixed == ("task=segmentation",)
    assert names(varied) == [
        ("seed=1", "model.n_clusters=3"),
        ("seed=1", "model.n_clusters=5"),
        ("seed=2", "model.n_clusters=3"),
        ("seed=2", "model.n_clusters=5"),
    ]


def test_a_pattern_of_models_is_those_of_the_task() -> None:
    (axis,) = made("task=segmentation", "model=glob(k*)").axes
    assert isinstance(axis, Choice)
    assert "kmeans" in axis.texts
    assert all(name.startswith("k") for name in axis.texts)


def test_a_value_that_is_a_list_stays_one() -> None:
    (axis,) = made("features.columns=[a,b],[c]").axes
    assert axis == Choice("features.columns", ("[a,b]", "[c]"))


@pytest.mark.parametrize(
    ("word", "key", "message", "remedy"),
    [
        ("task=segmentation,purchase_incidence", "task", "different questions", "make a sweep of each"),
        ("tracking.level=full,child", "tracking.level", "cannot be compared", "make a sweep of each"),
        ("model.C=interval(1,2)", "model.C", "an interval has no grid", "sweep.search=random sweep.trials=20"),
        ("model.C=shuffle(1,2)", "model.C", "shuffled values", "sweep.search=random"),
        ("model.C=range(3,3)", "model.C", "no value", "stops before 10"),
        ("model=glob(nothing*)", "model", "no option matches this pattern", "cxai list"),
    ],
)
def test_what_cannot_vary_is_told(word: str, key: str, message: str, remedy: str) -> None:
    with pytest.raises(UserError) as told:
        made(word)
    (problem,) = told.value.problems
    assert problem.key == key
    assert message in problem.message
    assert remedy in problem.remedy
    assert problem.shown == word


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("interval(5,1)", "the first end of an interval is the lower one"),
        ("tag(log,interval(0,1))", "a logarithmic interval begins above zero"),
        ("tag(lgo,interval(1,2))", "no such tag: lgo"),
    ],
)
def test_an_interval_that_is_none_is_told(text: str, message: str) -> None:
    with pytest.raises(UserError) as told:
        made(f"model.C={text}", "sweep.search=random", "sweep.trials=3")
    assert told.value.problems[0].message == message


def test_a_key_that_varies_twice_is_told() -> None:
    with pytest.raises(UserError) as told:
        made("seed=1,2", "seed=3,4")
    assert (told.value.problems[0].key, told.value.problems[0].message) == ("seed", "varies twice")


@pytest.mark.parametrize(
    ("words", "key", "message"),
    [
        (["model.C=0.1,1", "model.C=2"], "model.C", "varies, and is set to 2 besides"),
        (["model.C=2", "model.C=0.1,1"], "model.C", "varies, and is set to 2 besides"),
        (["seed=1,2", "sweep.repeats=2"], "seed", "varies, and sweep.repeats sets it besides"),
        (["model.C=1", "sweep.search=tpe", "sweep.trials=3"], "sweep.search", "nothing varies"),
    ],
)
def test_what_contradicts_itself_is_told(words: list[str], key: str, message: str) -> None:
    with pytest.raises(UserError) as told:
        made(*words)
    (problem,) = told.value.problems
    assert problem.key == key
    assert message in problem.message
    assert problem.remedy


def test_a_file_that_sets_what_it_varies_is_told_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "sweep").mkdir()
    (tmp_path / "sweep" / "mine.yaml").write_text("overrides: [model.C=2]\nspace:\n  model.C: [0.1, 1]\n")
    with pytest.raises(UserError) as told:
        made("sweep=mine", folder=tmp_path)
    (problem,) = told.value.problems
    assert problem.message == "varies, and is set to 2 besides"
    assert "mine.yaml" in problem.origin


def test_values_of_a_file_are_any_text_but_not_none_at_all(tmp_path: Path) -> None:
    (tmp_path / "sweep").mkdir()
    mine = tmp_path / "sweep" / "mine.yaml"
    mine.write_text("space:\n  features.category: [café, x y, plain, '1', 'true', it's]\n")
    (axis,) = made("sweep=mine", folder=tmp_path).axes
    assert isinstance(axis, Choice)
    assert axis.texts == ("'café'", "'x y'", "plain", "'1'", "'true'", "'it\\'s'")
    mine.write_text("space:\n  features.category: [café]\n")
    assert made("sweep=mine", folder=tmp_path).axes == (Choice("features.category", ("'café'",)),)
    mine.write_text("space:\n  seed: []\n")
    with pytest.raises(UserError) as told:
        made("sweep=mine", folder=tmp_path)
    assert [(one.key, one.message) for one in told.value.problems] == [("seed", "no value")]


def test_a_key_that_a_file_varies_twice_is_told_once_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "sweep").mkdir()
    (tmp_path / "sweep" / "mine.yaml").write_text(
        "space:\n  model: [logit, xgboost]\n  model.C: [1]\n"
        "when:\n  model=logit: {model.C: [2]}\n  model=logit,xgboost: {model.C: [3]}\n"
    )
    with pytest.raises(UserError) as told:
        made("sweep=mine", folder=tmp_path)
    (problem,) = told.value.problems
    assert (problem.key, problem.message) == ("model.C", "varies twice")
    assert "mine.yaml:" in problem.origin


def test_a_file_says_under_which_condition_a_key_varies(tmp_path: Path) -> None:
    (tmp_path / "sweep").mkdir()
    (tmp_path / "sweep" / "models.yaml").write_text(
        "overrides: [task=purchase_incidence]\n"
        "space:\n"
        "  model: [logit_penalised, xgboost]\n"
        "  seed: [1]\n"
        "when:\n"
        "  model=logit_penalised:\n"
        "    model.C: [0.1, 1]\n"
        "  model=xgboost:\n"
        "    model.max_depth: range(2, 4)\n"
    )
    assert names(made("sweep=models", folder=tmp_path)) == [
        ("model=logit_penalised", "seed=1", "model.C=0.1"),
        ("model=logit_penalised", "seed=1", "model.C=1"),
        ("model=xgboost", "seed=1", "model.max_depth=2"),
        ("model=xgboost", "seed=1", "model.max_depth=3"),
    ]


def test_what_is_typed_wins_over_what_a_file_varies_or_sets(tmp_path: Path) -> None:
    (tmp_path / "sweep").mkdir()
    (tmp_path / "sweep" / "mine.yaml").write_text(
        "overrides: [task=segmentation, seed=1]\nspace: {model.n_clusters: [2, 3], model.n_init: [1]}\n"
    )
    varied = made("sweep=mine", "model.n_clusters=4,5", "model.n_init=7", "seed=2", folder=tmp_path)
    assert varied.fixed == ("task=segmentation", "model.n_init=7", "seed=2")
    assert names(varied) == [("model.n_clusters=4",), ("model.n_clusters=5",)]


def test_one_key_may_vary_differently_for_two_models(tmp_path: Path) -> None:
    (tmp_path / "sweep").mkdir()
    (tmp_path / "sweep" / "models.yaml").write_text(
        "space: {model: [a, b]}\nwhen:\n  model=a: {model.C: [1]}\n  model=b: {model.C: [2, 3]}\n"
    )
    assert [values["model.C"] for values in made("sweep=models", folder=tmp_path).every()] == ["1", "2", "3"]


def test_a_key_of_a_file_that_cannot_be_read_is_told_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "sweep").mkdir()
    (tmp_path / "sweep" / "models.yaml").write_text("space:\n  seed: [1]\n  tracking.uri: [a, b]\n")
    with pytest.raises(UserError) as told:
        made("sweep=models", folder=tmp_path)
    assert told.value.problems[0].origin.endswith("sweep/models.yaml:3")


def test_a_key_is_left_to_the_options_that_have_it() -> None:
    varied = made("model.C=0.1,1", "model=logit_penalised,xgboost")
    found = conditioned(varied, lambda lines, key: "model=logit_penalised" in lines)
    assert names(found) == [
        ("model=logit_penalised", "model.C=0.1"),
        ("model=logit_penalised", "model.C=1"),
        ("model=xgboost",),
    ]


def test_a_key_that_no_option_has_is_left_where_it_is_to_be_told_as_a_mistake() -> None:
    varied = made("model=a,b", "model.C=1,2")
    assert conditioned(varied, lambda lines, key: False).axes == varied.axes


@given(st.floats(1e-6, 1e6), st.floats(1e-6, 1e6), st.floats(0, 1, exclude_max=True), st.booleans())
def test_a_draw_lies_within_its_interval(one: float, other: float, share: float, log: bool) -> None:
    low, high = sorted((one, other))
    drawn = float(Interval("model.C", low, high, log=log).at(share))
    assert low <= drawn <= high or math.isclose(drawn, high, rel_tol=1e-12) or math.isclose(drawn, low, rel_tol=1e-12)


@given(st.integers(1, 50), st.integers(1, 50), st.floats(0, 1, exclude_max=True), st.booleans())
def test_a_whole_draw_is_whole_and_within(one: int, other: int, share: float, log: bool) -> None:
    low, high = sorted((one, other))
    text = Interval("model.max_depth", low, high, log=log, whole=True).at(share)
    assert text == str(int(text))
    assert low <= int(text) <= high


def test_every_whole_number_is_drawn_equally_often() -> None:
    axis = Interval("model.max_depth", 2, 5, whole=True)
    drawn = [axis.at((number + 0.5) / 400) for number in range(400)]
    assert {text: drawn.count(text) for text in set(drawn)} == {"2": 100, "3": 100, "4": 100, "5": 100}


@given(st.lists(st.tuples(st.sampled_from("abc"), st.lists(st.integers(0, 9), min_size=1, max_size=4, unique=True)),
                min_size=1, max_size=3, unique_by=lambda axis: axis[0]))  # fmt: skip
def test_a_grid_is_the_product_of_its_axes(axes: Sequence[tuple[str, list[Any]]]) -> None:
    varied = Space((), tuple(Choice(f"model.{key}", tuple(map(str, values))) for key, values in axes))
    points = names(varied)
    assert len(points) == len(set(points)) == math.prod(len(values) for _, values in axes)


def test_a_model_has_one_name_however_it_was_typed() -> None:
    long = "model=purchase_incidence/logit_penalised,purchase_incidence/xgboost"
    assert made("task=purchase_incidence", long) == made("task=purchase_incidence", "model=logit_penalised,xgboost")
    assert made("task=purchase_incidence", "model=purchase_incidence/xgboost").fixed[-1] == "model=xgboost"
    assert made("task=segmentation", long).axes[0].examples[0] == "purchase_incidence/logit_penalised"


def test_a_key_that_is_removed_does_not_vary() -> None:
    with pytest.raises(UserError) as told:
        made("~model.C=1,2")
    assert told.value.problems[0].message == "a key that is removed has no values"


@pytest.mark.parametrize(
    ("condition", "message", "remedy"),
    [
        ("model=xgbost", "no point has model=xgbost", "did you mean `xgboost`?"),
        ("model=logit, xgbost", "no point has model=xgbost", "did you mean `xgboost`?"),
        ("modle=xgboost", "no point has modle=xgboost", "did you mean `model`?"),
    ],
)
def test_a_condition_that_no_point_meets_is_told(condition: str, message: str, remedy: str, tmp_path: Path) -> None:
    (tmp_path / "sweep").mkdir()
    (tmp_path / "sweep" / "mine.yaml").write_text(
        f"space:\n  model: [logit, xgboost]\nwhen:\n  {condition}:\n    model.max_depth: [2, 3]\n"
    )
    with pytest.raises(UserError) as told:
        made("sweep=mine", folder=tmp_path)
    (problem,) = told.value.problems
    assert (problem.message, problem.remedy) == (message, remedy)
    assert problem.origin.endswith("sweep/mine.yaml:4")


def test_what_is_typed_narrows_a_files_conditions(tmp_path: Path) -> None:
    (tmp_path / "sweep").mkdir()
    (tmp_path / "sweep" / "mine.yaml").write_text(
        "space: {model: [a, b]}\nwhen:\n  model=a: {model.C: [1, 2]}\n  model=b: {model.D: [1, 2]}\n"
    )
    assert [axis.key for axis in made("sweep=mine", "model=b", folder=tmp_path).axes] == ["model.D"]


def test_a_key_that_no_model_has_is_told_once_with_how_it_varies_where_one_has_it(own_panel: list[str]) -> None:
    with pytest.raises(UserError) as refused:
        plan([*own_panel, "model=logit,xgboost", "model.C=0.1,1,10"])
    (problem,) = refused.value.problems
    assert (problem.key, problem.message) == ("model.C", "no model of logit,xgboost has it")
    assert "model=logit_penalised,logit,xgboost varies it there alone" in problem.remedy
    assert "when: {model=logit_penalised: {model.C: …}}" in problem.remedy
    able = plan([*own_panel, "model=logit_penalised,logit,xgboost", "model.C=0.1,1,10"])
    assert len(able.points) == 5
    with pytest.raises(UserError) as refused:
        plan([*own_panel, "model=logit_penalised,random_forest", "model.max_iterr=10,20"])
    (problem,) = refused.value.problems
    assert "did you mean" in problem.remedy
