"""Which trial is best: by the part that carries the evidence, by the mean over seeds, by no other beating it."""

from __future__ import annotations

import math
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cxai_runner.sweep.objectives import Objective, costs, standings, unheard
from cxai_runner.sweep.points import Point, Trial

LOSS, AREA = Objective("log_loss", "lower"), Objective("roc_auc", "higher")


def trial(number: int, *runs: str) -> list[Point]:
    one = Trial(number, {"model.C": str(number)})
    return [Point(one, repeat, repeat if len(runs) > 1 else None, (), run_id=run) for repeat, run in enumerate(runs)]


def metrics(**of: float) -> dict[str, Mapping[str, float]]:
    return {run: {"held_out/log_loss": value, "train/log_loss": 0.0} for run, value in of.items()}


def test_the_held_out_value_counts_before_the_training_rows() -> None:
    assert LOSS.key({"train/log_loss": 1.0, "held_out/log_loss": 2.0}) == "held_out/log_loss"
    assert LOSS.key({"train/log_loss": 1.0}) == "train/log_loss"
    assert (
        Objective("train/log_loss", "lower").key({"train/log_loss": 1.0, "held_out/log_loss": 2.0}) == "train/log_loss"
    )
    assert LOSS.key({"other": 1.0}) is None


def test_lower_or_higher_is_better_as_the_objective_says() -> None:
    points = [*trial(1, "a"), *trial(2, "b")]
    of = {
        "a": {"held_out/log_loss": 1.0, "held_out/roc_auc": 0.6},
        "b": {"held_out/log_loss": 2.0, "held_out/roc_auc": 0.7},
    }
    assert [one.trial.number for one in standings(points, of, [LOSS])] == [1, 2]
    assert [one.trial.number for one in standings(points, of, [AREA])] == [2, 1]


def test_several_seeds_are_judged_by_their_mean_and_told_with_its_error() -> None:
    (one,) = standings(trial(1, "a", "b"), metrics(a=1.0, b=3.0), [LOSS])
    score = one.scores[0]
    assert score is not None
    error = math.sqrt(2) / math.sqrt(2)  # standard deviation of 1 and 3, over the root of two
    assert (score.value, score.low, score.high) == pytest.approx((2.0, 2 - 2 * error, 2 + 2 * error))


def test_a_trial_of_which_a_seed_is_missing_has_no_rank() -> None:
    found = standings([*trial(1, "a", ""), *trial(2, "b")], metrics(a=0.1, b=2.0), [LOSS])
    assert [(one.trial.number, one.rank, one.best) for one in found] == [(2, 1, True), (1, None, False)]


def test_with_several_objectives_those_are_best_that_no_other_beats() -> None:
    points = [point for number, run in enumerate("abc", 1) for point in trial(number, run)]
    of = {
        "a": {"held_out/log_loss": 1.0, "held_out/roc_auc": 0.6},
        "b": {"held_out/log_loss": 2.0, "held_out/roc_auc": 0.7},
        "c": {"held_out/log_loss": 2.0, "held_out/roc_auc": 0.6},
    }
    found = standings(points, of, [LOSS, AREA])
    assert {one.trial.number for one in found if one.best} == {1, 2}


def test_equal_trials_stand_in_the_order_of_the_search() -> None:
    found = standings([*trial(1, "a"), *trial(2, "b")], metrics(a=1.0, b=1.0), [LOSS])
    assert [(one.trial.number, one.best) for one in found] == [(1, True), (2, False)]


def test_what_a_search_is_told_is_lower_where_it_is_better() -> None:
    assert costs([{"held_out/roc_auc": 0.7}], [AREA]) == (-0.7,)
    assert costs([None], [AREA]) is None
    assert costs([{"other": 1.0}], [AREA]) is None


def test_what_came_to_nan_is_neither_best_nor_ranked() -> None:
    points = [*trial(1, "a"), *trial(2, "b"), *trial(3, "c")]
    found = standings(points, metrics(a=math.nan, b=2.0, c=1.0), [LOSS])
    assert [(one.trial.number, one.rank, one.best) for one in found] == [(3, 1, True), (2, 2, False), (1, None, False)]
    assert costs([{"held_out/log_loss": math.nan}], [LOSS]) is None


def test_a_metric_that_no_run_has_is_told_with_the_one_that_was_meant() -> None:
    runs = [{"held_out/roc_auc": 0.6, "held_out/brier": 0.2}, {"train/log_loss": 1.0}]
    assert unheard([LOSS, AREA], runs) == ""
    assert unheard([LOSS], runs[:1]) == "no run has a metric log_loss; one of: brier, roc_auc"
    assert unheard([Objective("roc_auk", "higher")], runs) == "no run has a metric roc_auk; did you mean `roc_auc`?"


@given(st.lists(st.tuples(st.floats(-5, 5), st.floats(-5, 5)), min_size=1, max_size=8))
def test_nothing_beats_what_is_best_and_everything_else_is_beaten(values: list[tuple[float, float]]) -> None:
    points = [point for number in range(len(values)) for point in trial(number + 1, str(number))]
    of = {str(number): {"held_out/a": x, "held_out/b": y} for number, (x, y) in enumerate(values)}
    found = standings(points, of, [Objective("a", "lower"), Objective("b", "lower")])
    best = {values[one.trial.number - 1] for one in found if one.best}
    for one in found:
        mine = values[one.trial.number - 1]
        beaten = any(x <= mine[0] and y <= mine[1] and (x, y) != mine for x, y in values)
        assert one.best is not beaten
    assert best
