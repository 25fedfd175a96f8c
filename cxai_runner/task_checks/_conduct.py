"""Conduct: a task says what it is, takes what is good, refuses what is not, and changes nothing that it was lent."""

from __future__ import annotations

import copy
import dataclasses
import fnmatch
import pickle
from collections.abc import Callable
from functools import partial

from cxai_runner.config.problems import UserError
from cxai_runner.task_checks._case import Case, check, with_frame


@check()
def describes_its_question(case: Case) -> None:
    """The title is a question, and exactly one table is required."""
    task = case.task
    assert task.title.endswith("?"), f"the title is a question, and ends with a question mark: {task.title!r}"
    assert len(task.needs.required) == 1, "a task works on exactly one required table"
    assert task.baseline_label, "the baseline has a name"


@check()
def is_frozen_and_travels(case: Case) -> None:
    """Its fields are its config, cannot be set later, and survive a trip to another process."""
    task = case.task
    fields = [field.name for field in dataclasses.fields(task)]
    for name in fields[:1]:
        try:
            setattr(task, name, getattr(task, name))
        except dataclasses.FrozenInstanceError:
            continue
        raise AssertionError("a task is a frozen dataclass: its fields cannot be set")
    assert pickle.loads(pickle.dumps(task)) == task, "a task survives pickling"  # noqa: S301 - our own bytes


@check()
def takes_data_that_it_can_answer(case: Case) -> None:
    """Good data give no problem."""
    found = [*case.task.problems(list(case.train.frame.columns)), *case.task.inspect(case.train)]
    assert not found, f"problems with good data: {[f'{one.key}: {one.message}' for one in found]}"


@check()
def refuses_an_empty_frame_by_name(case: Case) -> None:
    """No rows to fit on: an error for the user that names the table."""
    empty = with_frame(case.train, case.train.frame.iloc[:0])
    _refused(lambda: case.fit(empty), _table(case), "empty")


@check()
def refuses_to_score_an_empty_frame(case: Case) -> None:
    """No rows to score: an error for the user that names the table."""
    empty = with_frame(case.held_out, case.held_out.frame.iloc[:0])
    _refused(lambda: case.score(empty), _table(case), "empty")


@check()
def refuses_a_missing_column_by_name(case: Case) -> None:
    """Each column that is required, left out in turn: an error for the user that names it."""
    frame = case.train.frame
    for column in case.task.needs.required[_table(case)]:
        without = frame.drop(columns=fnmatch.filter([str(name) for name in frame.columns], column))
        _refused(partial(case.fit, with_frame(case.train, without)), _table(case), column)


@check()
def leaves_its_input_alone(case: Case) -> None:
    """Fit, score, measure and report change no frame that they are given."""
    train, held_out = case.train.frame.copy(deep=True), case.held_out.frame.copy(deep=True)
    fitted = case.fit()
    scores = {"train": case.score(case.train, fitted), "held_out": case.score(fitted=fitted)}
    before = {name: frame.copy(deep=True) for name, frame in scores.items()}
    measured = {one.name: one for one in case.task.measure(scores["held_out"], case.context())}
    measured |= {one.name: one for one in case.task.challenge(fitted, case.train, case.context())}
    for _ in case.task.report(fitted, case.train, scores, measured, case.context()):
        pass
    assert case.train.frame.equals(train), "the training frame is not changed"
    assert list(case.train.frame.columns) == list(train.columns), "no column is added to the training frame"
    assert case.held_out.frame.equals(held_out), "the held-out frame is not changed"
    assert all(scores[name].equals(before[name]) for name in scores), "scores are not changed once returned"


@check(model=True)
def leaves_the_model_unfitted(case: Case) -> None:
    """The model is cloned, not fitted in place."""
    before = _state(case.model)
    case.fit()
    assert _state(case.model) == before, "the model is fitted in place: clone it"


@check()
def leaves_itself_alone(case: Case) -> None:
    """A task keeps nothing between calls."""
    before = copy.deepcopy(vars(case.task)) if hasattr(case.task, "__dict__") else {}
    case.fit()
    after = vars(case.task) if hasattr(case.task, "__dict__") else {}
    assert repr(after) == repr(before), "the task keeps something of a fit: return it from fit instead"


@check()
def leaves_the_global_random_state_alone(case: Case) -> None:
    """All chance comes from the context."""
    import random

    import numpy as np

    state, plain = pickle.dumps(np.random.get_state()), random.getstate()
    fitted = case.fit()
    case.task.measure(case.score(fitted=fitted), case.context())
    case.task.challenge(fitted, case.train, case.context())
    assert pickle.dumps(np.random.get_state()) == state, "numpy's global generator was used: draw from context.rng"
    assert random.getstate() == plain, "Python's global generator was used: draw from context.rng"


@check()
def takes_steps_and_a_stop(case: Case) -> None:
    """A fit that is watched, or given up, ends without an error."""
    import math

    seen: list[tuple[str, float, int]] = []
    case.fit(context=case.context(step=lambda name, value, n: seen.append((name, value, n)), should_stop=lambda: True))
    assert all(math.isfinite(value) for _, value, _ in seen), "a learning curve has numbers"


def _refused(call: Callable[[], object], *words: str) -> None:
    said = None
    try:
        call()
    except UserError as error:
        said = str(error)
    assert said is not None, f"{' '.join(words)}: refused with a UserError, not worked on"
    for word in words:
        assert word in said, f"the error names {word!r}: {said}"


def _table(case: Case) -> str:
    return next(iter(case.task.needs.required))


def _state(model: object) -> str:
    """Parameters and attributes of a model and its parts; a fit adds attributes."""
    steps = [step for _, step in getattr(model, "steps", [])] or [model]
    return repr([(type(step).__name__, sorted(vars(step))) for step in steps]) + repr(model)
