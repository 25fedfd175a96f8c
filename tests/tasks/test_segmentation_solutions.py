"""Several segmentations beside each other: how they agree, and where customers go."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import adjusted_rand_score

from cxai_runner.evaluation.results import Figure, Finding, Table
from tasks.segmentation import Segmentation


def solution(segment, first: int = 0) -> pd.DataFrame:
    return pd.DataFrame({"customer_id": np.arange(len(segment)) + first, "segment": segment})


RNG = np.random.default_rng(0)
THREE = RNG.integers(0, 3, 200)
FOUR = np.where(RNG.random(200) < 0.8, THREE, 3)


def test_agreement_is_a_matrix_of_what_scikit_learn_says():
    scores = {"k=3": solution(THREE), "k=4": solution(FOUR), "renamed": solution((THREE + 1) % 3)}
    contents = list(Segmentation().beside(scores))
    (table,) = (one.frame for one in contents if isinstance(one, Table))
    assert list(table.columns) == ["solution", "k=3", "k=4", "renamed"]
    assert table.loc[0, "k=4"] == table.loc[1, "k=3"] == pytest.approx(adjusted_rand_score(THREE, FOUR))
    assert table.loc[2, "k=3"] == pytest.approx(1.0)
    (told,) = (one.text for one in contents if isinstance(one, Finding))
    assert told.startswith("k=3 and renamed agree most (adjusted Rand index 1.00)")
    marks = [one.mark for one in contents if isinstance(one, Figure)]
    assert marks == ["heatmap", "flow", "flow"]
    flow = next(one for one in contents if isinstance(one, Figure) and one.mark == "flow")
    assert flow.data["customers"].sum() == 200
    assert set(flow.data["one"]) == {"A0", "A1", "A2"}


def test_only_customers_of_both_are_compared_and_none_is_said():
    half = list(Segmentation().beside({"a": solution(THREE), "b": solution(THREE[50:], 50)}))
    assert next(one for one in half if isinstance(one, Figure) and one.mark == "flow").data["customers"].sum() == 150
    (nothing,) = Segmentation().beside({"a": solution(THREE), "b": solution(THREE, 1000)})
    assert "share no customers" in nothing.text
    assert list(Segmentation().beside({"a": solution(THREE)})) == []
