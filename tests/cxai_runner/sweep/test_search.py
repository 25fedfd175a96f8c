"""Which trial comes next: lists that can be made again, and a search that learns and can be gone on with."""

from __future__ import annotations

import math
from typing import Any

import pytest

from cxai_runner.config.problems import UserError
from cxai_runner.sweep.axes import Choice, Interval
from cxai_runner.sweep.objectives import Objective
from cxai_runner.sweep.points import Trial
from cxai_runner.sweep.search import Search, listed, search
from cxai_runner.sweep.settings import Settings
from cxai_runner.sweep.space import Space

LOSS = (Objective("log_loss", "lower"),)
SPACE = Space(
    (),
    (
        Choice("model", ("a", "b")),
        Interval("model.x", -5, 5),
        Interval("model.n", 1, 8, whole=True, when={"model": frozenset({"b"})}),
    ),
)


def tpe(trials: int = 25, seed: int = 0, jobs: int = 1, prune: Any = None) -> Search:
    return search(SPACE, Settings(search="tpe", trials=trials, seed=seed, prune=prune), LOSS, jobs, None)


def cost(trial: Trial) -> float:
    """Best at model b, x = 2."""
    return (float(trial.values["model.x"]) - 2) ** 2 + (10 if trial.values["model"] == "a" else 0)


def run_out(wanted: Search, upto: int | None = None) -> list[tuple[Trial, float]]:
    made: list[tuple[Trial, float]] = []
    while upto is None or len(made) < upto:
        trial = wanted.next()
        if trial is None:
            break
        made.append((trial, cost(trial)))
        wanted.told(trial, [cost(trial)])
    return made


def test_random_draws_are_the_same_again_and_others_with_another_seed() -> None:
    first = listed(SPACE, Settings(search="random", trials=20, seed=1))
    assert first == listed(SPACE, Settings(search="random", trials=20, seed=1))
    assert first != listed(SPACE, Settings(search="random", trials=20, seed=2))
    assert first is not None
    assert [one.number for one in first] == list(range(1, 21))


def test_more_random_trials_begin_with_those_of_fewer() -> None:
    fewer, more = (listed(SPACE, Settings(search="random", trials=trials)) for trials in (5, 9))
    assert fewer is not None
    assert more is not None
    assert more[:5] == fewer


def test_random_draws_of_a_small_space_end_when_all_of_it_is_drawn() -> None:
    small = Space((), (Choice("model.C", ("1", "2", "3")),))
    found = listed(small, Settings(search="random", trials=50))
    assert found is not None
    assert sorted(one.values["model.C"] for one in found) == ["1", "2", "3"]


def test_a_conditional_axis_is_drawn_where_its_condition_holds() -> None:
    found = listed(SPACE, Settings(search="random", trials=40))
    assert found is not None
    assert {("model.n" in one.values) == (one.values["model"] == "b") for one in found} == {True}
    assert {one.values["model"] for one in found} == {"a", "b"}


def test_a_grid_that_is_too_large_is_refused_with_its_size() -> None:
    large = Space((), tuple(Choice(f"model.{name}", tuple(map(str, range(50)))) for name in "abcd"))
    with pytest.raises(UserError) as told:
        listed(large, Settings())
    assert told.value.problems[0].message == "a grid of 6,250,000 points"
    assert "sweep.search=random" in told.value.problems[0].remedy


def test_a_search_that_learns_needs_something_to_learn_from() -> None:
    with pytest.raises(UserError) as told:
        search(SPACE, Settings(search="tpe", trials=3), (), 1, None)
    assert "sweep.metrics={NAME: higher}" in told.value.problems[0].remedy


def test_tpe_finds_what_is_best_where_random_draws_do_not() -> None:
    learned = run_out(tpe(trials=60))
    drawn = listed(SPACE, Settings(search="random", trials=60))
    assert drawn is not None
    late = [found for _, found in learned[30:]]
    assert sum(late) / len(late) < 0.5 * sum(map(cost, drawn)) / len(drawn)
    assert min(found for _, found in learned) < 0.1


def test_tpe_draws_the_same_again_with_one_job() -> None:
    assert run_out(tpe()) == run_out(tpe())
    assert run_out(tpe()) != run_out(tpe(seed=1))


@pytest.mark.parametrize("cut", [1, 7, 14, 24])
def test_tpe_goes_on_as_if_it_had_not_been_cut_off(cut: int) -> None:
    whole = run_out(tpe())
    before = run_out(tpe(), upto=cut)
    again = tpe()
    for trial, found in before:
        again.claim(trial)
        again.told(trial, [found])
    assert before + run_out(again) == whole


def watched(wanted: Search, upto: int | None = None) -> list[tuple[Trial, float, bool, str]]:
    """Let trials report how they come nearer to what they come to, and be given up as the search says."""
    found = []
    for trial in iter(wanted.next, None):
        watch, end, given_up = wanted.watch(trial), cost(trial), False
        assert watch is not None
        for number in range(1, 300):
            watch.step("held_out/log_loss", end + 100 / number, number)
            given_up = watch.should_stop()
            if given_up:
                break
        found.append((trial, end, given_up, wanted.course(trial)))
        wanted.told(trial, None if given_up else [end], given_up=given_up)
        if len(found) == upto:
            break
    return found


@pytest.mark.parametrize("prune", ["median", "half"])
@pytest.mark.parametrize("cut", [1, 9, 14, 24])
def test_what_a_pruner_saw_is_remembered_by_a_search_that_goes_on(prune: str, cut: int) -> None:
    whole = watched(tpe(prune=prune))
    assert 0 < sum(given_up for *_, given_up, _ in whole) < len(whole)
    before = watched(tpe(prune=prune), upto=cut)
    again = tpe(prune=prune)
    for trial, end, given_up, course in before:
        again.claim(trial)
        again.told(trial, None if given_up else [end], given_up=given_up, course=course)
    assert before + watched(again) == whole


def test_tpe_gives_each_number_once_however_many_run_at_once() -> None:
    wanted = tpe(trials=12, jobs=4)
    first = [wanted.next() for _ in range(4)]
    wanted.told(first[2], None)  # type: ignore[arg-type]
    rest = list(iter(wanted.next, None))
    assert [one.number for one in [*first, *rest] if one is not None] == list(range(1, 13))


def test_several_objectives_are_learned_from_at_once() -> None:
    goals = (Objective("log_loss", "lower"), Objective("roc_auc", "higher"))
    wanted = search(SPACE, Settings(search="tpe", trials=12, metrics={"log_loss": "lower", "roc_auc": "higher"}),
                    goals, 1, None)  # fmt: skip
    for trial in iter(wanted.next, None):
        wanted.told(trial, [cost(trial), -math.sqrt(cost(trial))])
