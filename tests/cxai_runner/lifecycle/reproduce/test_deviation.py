"""How far two runs are apart: relative to what is measured, and infinite where no number says it."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from cxai_runner.lifecycle.reproduce.deviation import of_metrics, of_scores


def test_what_was_spent_does_not_count() -> None:
    found = of_metrics({"held_out/auc": 0.7, "seconds/fit": 1.0}, {"held_out/auc": 0.7, "seconds/fit": 9.0})
    assert found.relative == 0
    assert str(found) == "none"


def test_a_difference_is_as_exact_as_what_it_is_a_difference_of() -> None:
    then = {"held_out/log_loss": 0.5, "baseline/log_loss": 0.5, "difference/log_loss": 0.0}
    found = of_metrics(then, then | {"difference/log_loss": 1e-12})
    assert found.relative == pytest.approx(2e-12)
    assert found.where == "difference/log_loss"


def test_a_metric_that_is_not_there_cannot_be_measured() -> None:
    found = of_metrics({"held_out/auc": 0.7}, {"held_out/auc": 0.7, "held_out/brier": 0.2})
    assert math.isinf(found.relative)
    assert str(found) == "held_out/brier: nothing then, 0.20000000000000001 now (not to be measured)"


def scores(**columns: object) -> dict[str, pd.DataFrame]:
    return {"held_out": pd.DataFrame({"customer_id": ["a", "b", "c"], **columns})}


def test_scores_deviate_relative_to_their_column() -> None:
    then, now = scores(p=[0.1, 0.8, np.nan]), scores(p=[0.1 + 1e-9, 0.8, np.nan])
    found = of_scores(then, now)
    assert found.relative == pytest.approx(1.25e-9)
    assert found.where == "scores of held out rows, p"
    assert of_scores(then, then).relative == 0


@pytest.mark.parametrize(
    ("now", "told"),
    [
        (scores(p=[0.1, 0.8, 0.2]), "p"),
        (scores(p=[0.1, 0.8, np.nan], segment=[1, 2, 3]), "segment"),
        (scores(), "p"),
        ({}, "scores of held out rows"),
        ({"held_out": scores(p=[0.1, 0.8, np.nan])["held_out"].head(2)}, "3 rows then, 2 rows now"),
    ],
    ids=["a number for none", "a new column", "a column less", "no scores", "rows less"],
)
def test_what_is_no_deviation_of_numbers_is_infinite(now: dict[str, pd.DataFrame], told: str) -> None:
    found = of_scores(scores(p=[0.1, 0.8, np.nan]), now)
    assert math.isinf(found.relative)
    assert told in str(found)


def test_no_customer_is_named() -> None:
    then, now = scores(), {"held_out": pd.DataFrame({"customer_id": ["a", "b", "secret"]})}
    found = of_scores(then, now)
    assert math.isinf(found.relative)
    assert "secret" not in str(found)
    assert "1 of them others" in str(found)
