"""Scores: one row for each row, from that row's own inputs, to the same bits every time."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from cxai_runner.task import Evidence
from cxai_runner.task_checks._case import Case, check, close, identical, predictions, with_frame

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray


@check()
def one_row_of_scores_per_row(case: Case) -> None:
    """In the order of the data, the customer first."""
    scores = case.score()
    held_out = case.held_out
    assert len(scores) == len(held_out.frame), f"{len(scores)} scores for {len(held_out.frame)} rows"
    assert scores.columns[0] == "customer_id", f"customer_id comes first, not {scores.columns[0]!r}"
    assert list(scores.index) == list(range(len(scores))), "the index of scores is 0 … n−1"
    same = list(scores["customer_id"]) == list(held_out.frame[held_out.roles.id])
    assert same, "scores are in the order of the data"


@check()
def scores_are_complete(case: Case) -> None:
    """No missing and no infinite value."""
    import numpy as np

    for part, scores in case.scores.items():
        holes = [name for name in scores.columns if scores[name].isna().any()]
        assert not holes, f"scores of {part} have missing values in {holes}"
        assert np.isfinite(scores.select_dtypes("number").to_numpy(dtype=float)).all(), f"scores of {part} are finite"


@check()
def same_seed_same_bits(case: Case) -> None:
    """Fitted and measured twice, everything agrees to the last bit."""
    once, twice = case.score(fitted=case.fit()), case.score(fitted=case.fit())
    identical(once, twice, "the same seed gives the same scores")
    context = case.context
    assert case.task.measure(once, context()) == case.task.measure(twice, context()), "and the same metrics"
    challenged = [case.task.challenge(case.fit(), case.train, context()) for _ in range(2)]
    assert challenged[0] == challenged[1], "and the same challenge"


@check()
def order_of_calls_changes_nothing(case: Case) -> None:
    """What is drawn for one purpose does not depend on what else was asked before."""
    task, fitted = case.task, case.fit()
    first = task.measure(case.score(fitted=fitted), case.context())
    task.challenge(fitted, case.train, case.context())
    tuple(task.report(fitted, case.train, case.scores, case.metrics, case.context()))
    identical(case.score(fitted=fitted), case.score(), "scores do not depend on what was asked before")
    assert task.measure(case.score(fitted=fitted), case.context()) == first, "nor do metrics"


@check()
def text_ids_give_the_same(case: Case) -> None:
    """Customers known by a text instead of a number."""
    _same_under(case, lambda one: f"customer {one}")


@check()
def pseudonyms_give_the_same(case: Case) -> None:
    """Customers known by a hash."""
    _same_under(case, lambda one: hashlib.blake2b(str(one).encode(), digest_size=8).hexdigest())


@check()
def order_of_rows_changes_nothing(case: Case) -> None:
    """The rows of both parts shuffled: each row's prediction stays, but for the last bits of sums."""
    import numpy as np
    from pandas.testing import assert_frame_equal

    rng = np.random.default_rng(case.seed)
    train, held_out = (rng.permutation(len(part.frame)) for part in case.parts)
    fitted = case.fit(with_frame(case.train, case.train.frame.iloc[train]))
    shuffled = case.score(with_frame(case.held_out, case.held_out.frame.iloc[held_out]), fitted)
    expected = predictions(case.score(), case.task).iloc[held_out].reset_index(drop=True)
    try:
        assert_frame_equal(predictions(shuffled, case.task), expected, rtol=1e-6, atol=1e-9)
    except AssertionError as error:
        raise AssertionError(f"a prediction does not depend on the order of rows: {error}") from error


@check()
def other_customers_change_no_row(case: Case) -> None:
    """A customer scored alone gets what it gets among others."""
    frame, key = case.held_out.frame, case.held_out.roles.id
    alone = (frame[key] == frame[key].iloc[-1]).to_numpy()
    scored = predictions(case.score(with_frame(case.held_out, frame[alone])), case.task)
    among = predictions(case.score(), case.task)[alone].reset_index(drop=True)
    close(scored, among, "a row's prediction does not depend on other customers")


@check(Evidence.HELD_OUT, Evidence.BACKTEST)
def the_future_changes_no_row(case: Case) -> None:
    """Early rows scored without the later ones get what they get among them."""
    frame, time = case.held_out.frame, case.held_out.roles.time
    if time is None:
        return
    early = (frame[time] <= frame[time].sort_values().iloc[len(frame) // 2]).to_numpy()
    scored = predictions(case.score(with_frame(case.held_out, frame[early])), case.task)
    among = predictions(case.score(), case.task)[early].reset_index(drop=True)
    close(scored, among, "a row's prediction does not depend on later rows")


@check(target=True)
def the_target_does_not_leak(case: Case) -> None:
    """The held-out rows' targets altered: no prediction changes."""
    target = case.task.target
    altered = case.held_out.frame.assign(**{str(target): case.held_out.frame[target].to_numpy()[::-1]})
    other = predictions(case.score(with_frame(case.held_out, altered)), case.task)
    identical(other, predictions(case.score(), case.task), f"a prediction does not depend on the row's own {target}")


@check()
def columns_that_are_no_inputs_are_not_seen(case: Case) -> None:
    """A column more in both parts, equal to the target where there is one: no score changes."""
    parts = [with_frame(part, part.frame.assign(leak=_leak(case, part.frame))) for part in case.parts]
    scored = case.score(parts[1], case.fit(parts[0]))
    identical(scored, case.score(fitted=case.fit()), "a column outside roles.inputs is not seen")


def _leak(case: Case, frame: pd.DataFrame) -> NDArray[np.float64]:
    import numpy as np
    import pandas as pd

    if case.task.target is not None:
        target = frame[case.task.target]
        # A target of words enters as the place of each among them.
        return np.asarray(
            target if pd.api.types.is_numeric_dtype(target) else pd.factorize(target, sort=True)[0], float
        )
    return np.arange(len(frame), dtype=float)


def _same_under(case: Case, rename: Callable[[Any], str]) -> None:
    key = case.train.roles.id
    parts = [with_frame(part, part.frame.assign(**{key: part.frame[key].map(rename)})) for part in case.parts]
    other, usual = case.score(parts[1], case.fit(parts[0])), case.score()
    assert list(other["customer_id"]) == list(parts[1].frame[key]), "ids come back as they were given"
    identical(other.drop(columns="customer_id"), usual.drop(columns="customer_id"), "ids are names, not numbers")
    same = case.task.measure(other, case.context()) == case.task.measure(usual, case.context())
    assert same, "metrics do not depend on what customers are called"
