"""The best against the second: paired where that can be had, plain about it where it cannot."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from cxai_runner.sweep.axes import Choice
from cxai_runner.sweep.noise import verdict
from cxai_runner.task import Context
from tasks.purchase_incidence import PurchaseIncidence
from tests.cxai_runner.sweep.conftest import made

C = (Choice("model.C", ("0.1", "1", "10")),)


def loss(value: float, half: float = 0.01) -> dict[str, float]:
    name = "held_out/log_loss"
    return {name: value, f"{name}_low": value - half, f"{name}_high": value + half}


def scored(shift: float, rows: int = 400) -> pd.DataFrame:
    """Scores of a model whose probabilities are ``shift`` off the truth's."""
    rng = np.random.default_rng(3)
    chance = rng.uniform(0.2, 0.8, rows)
    return pd.DataFrame(
        {
            "customer_id": np.arange(rows) // 4,
            "incidence": (rng.random(rows) < chance).astype(int),
            "probability": np.clip(chance + shift, 0.01, 0.99),
            "baseline": 0.5,
        }
    )


def test_a_difference_on_the_same_rows_is_told_from_noise(nothing_scored: Callable[..., None]) -> None:
    frames = {"1": scored(0.0), "2": scored(0.35)}
    sweep = made(C, [({"model.C": "0.1"}, loss(0.60)), ({"model.C": "1"}, loss(0.61))], task=PurchaseIncidence())
    sweep.plan.base.experiment.context = lambda step, stop: Context(resamples=200)  # type: ignore[method-assign]
    found = verdict(sweep, lambda run, part: frames[str(int(run[:4]))] if part == "held_out" else None)
    assert found is not None
    assert found.metric.verdict == "better"
    assert found.metric.difference is not None
    assert found.metric.difference.high < 0
    assert found.lead == "better than the second, C=1, by more than noise"
    assert "on the same rows, pair by pair" in found.grounds
    # The intervals alone overlap: without the pairs there would be nothing to tell.
    unpaired = verdict(sweep, nothing_scored)
    assert unpaired is not None
    assert unpaired.lead == "which cannot be told from the second, C=1"
    assert unpaired.grounds.endswith("Their 95 % intervals overlap.")
    assert unpaired.metric.difference is None


def test_intervals_that_lie_apart_are_told(nothing_scored: Callable[..., None]) -> None:
    sweep = made(C, [({"model.C": "0.1"}, loss(0.70)), ({"model.C": "1"}, loss(0.60))])
    found = verdict(sweep, nothing_scored)
    assert found is not None
    assert found.lead == "better than the second, C=0.1, by more than noise"
    assert found.grounds.endswith("Their 95 % intervals do not overlap.")


def test_without_intervals_nothing_can_be_told(nothing_scored: Callable[..., None]) -> None:
    sweep = made(C, [({"model.C": "0.1"}, {"log_loss": 0.7}), ({"model.C": "1"}, {"log_loss": 0.6})])
    found = verdict(sweep, nothing_scored)
    assert found is not None
    assert found.lead == "and whether it is better than the second, C=0.1, cannot be told"


def test_the_same_numbers_are_no_lead(nothing_scored: Callable[..., None]) -> None:
    sweep = made(C, [({"model.C": "0.1"}, loss(0.6)), ({"model.C": "1"}, loss(0.6))])
    found = verdict(sweep, nothing_scored)
    assert found is not None
    assert found.lead == "and C=1 does exactly as well"


@pytest.mark.parametrize(("gaps", "told"), [((0.10, 0.11, 0.10), "better"), ((0.10, -0.08, 0.02), "cannot tell")])
def test_several_seeds_are_compared_seed_by_seed(
    gaps: tuple[float, ...], told: str, nothing_scored: Callable[..., None]
) -> None:
    first = [loss(value) for value in (0.50, 0.60, 0.70)]
    second = [loss(value + gap) for value, gap in zip((0.50, 0.60, 0.70), gaps, strict=True)]
    sweep = made(C, [({"model.C": "0.1"}, first), ({"model.C": "1"}, second)])
    found = verdict(sweep, nothing_scored)
    assert found is not None
    assert found.metric.verdict == told
    assert "3 seeds, seed by seed" in found.grounds
    assert found.metric.difference is not None
    assert found.metric.difference.value == pytest.approx(-np.mean(gaps))


def test_seeds_that_share_training_rows_are_no_independent_evidence(nothing_scored: Callable[..., None]) -> None:
    """Three seeds of a quarter held out: the error is √(1/3 + 1/3) · s and not √(1/3) · s."""
    gaps = (0.10, 0.11, 0.15)
    first = [loss(value) for value in (0.50, 0.60, 0.70)]
    second = [loss(value + gap) for value, gap in zip((0.50, 0.60, 0.70), gaps, strict=True)]
    sweep = made(C, [({"model.C": "0.1"}, first), ({"model.C": "1"}, second)])
    plain = verdict(sweep, nothing_scored)
    rows = {"train": scored(0.0, 300), "held_out": scored(0.0, 100)}
    corrected = verdict(sweep, lambda run, part: rows[part])
    assert plain is not None
    assert corrected is not None
    reaches = [found.metric.difference.high - found.metric.difference.value for found in (plain, corrected)]  # type: ignore[union-attr]
    assert reaches[0] == pytest.approx(4.302653 * np.std(gaps, ddof=1) / np.sqrt(3))
    assert reaches[1] == pytest.approx(reaches[0] * np.sqrt(2))


def test_one_result_has_no_second(nothing_scored: Callable[..., None]) -> None:
    assert verdict(made(C, [({"model.C": "0.1"}, loss(0.6)), ({"model.C": "1"}, None)]), nothing_scored) is None
