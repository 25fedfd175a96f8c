"""What a model gave, under its names."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.cluster import KMeans
from sklearn.linear_model import LinearRegression, LogisticRegression

from cxai_runner.evaluation.predicted import counted, of_an_estimator, predicted

ROWS = pd.DataFrame({"x": [0.0, 1.0, 2.0, 3.0]}, index=[7, 8, 9, 10])


@pytest.mark.parametrize("classes", [[0, 1], [False, True]])
def test_yes_or_no_is_the_probability_of_yes(classes: list[int]) -> None:
    fitted = LogisticRegression().fit(ROWS, [classes[0], classes[0], classes[1], classes[1]])
    found = of_an_estimator(fitted, "predict_proba", ROWS, "classifier")
    assert list(found) == ["probability"]
    np.testing.assert_array_equal(found["probability"], fitted.predict_proba(ROWS)[:, 1])
    assert list(found.index) == [7, 8, 9, 10]


def test_other_classes_each_have_theirs() -> None:
    fitted = LogisticRegression().fit(ROWS, ["a", "b", "c", "c"])
    found = of_an_estimator(fitted, "predict_proba", ROWS, "classifier")
    assert list(found) == ["probability_a", "probability_b", "probability_c"]
    pair = pd.DataFrame({"no": [0.25], "yes": [0.75]})
    assert list(predicted(pair, "classifier")) == ["probability_no", "probability_yes"]


class Two(LinearRegression):
    """Says two things of a row, by name."""

    def predict(self, X: pd.DataFrame) -> pd.DataFrame:
        return pd.DataFrame({"units": X["x"].to_numpy(), "revenue": 2 * X["x"].to_numpy()})


def test_what_has_names_of_its_own_keeps_them() -> None:
    for kind in ("regressor", "estimator"):
        found = of_an_estimator(Two(), "predict", ROWS, kind)
        assert list(found) == ["units", "revenue"]
        assert list(found.index) == [7, 8, 9, 10]
        pd.testing.assert_frame_equal(predicted(found, kind), found)


def test_a_segment_is_a_name_and_a_prediction_a_number() -> None:
    segments = of_an_estimator(KMeans(2, n_init=1, random_state=1).fit(ROWS), "predict", ROWS, "clusterer")
    assert list(segments) == ["segment"]
    assert set(counted(segments)["segment"]) == {"0", "1"}
    numbers = of_an_estimator(LinearRegression().fit(ROWS, ROWS["x"]), "predict", ROWS, "regressor")
    assert list(numbers) == ["prediction"]
    pd.testing.assert_frame_equal(counted(numbers), numbers)


def test_of_a_list_the_first_place_is_counted() -> None:
    lists = pd.DataFrame({"item_1": ["a"], "item_2": ["b"], "score_1": [0.5], "score_10": [0.1], "fallback": [0]})
    assert list(counted(predicted(lists, "recommender"))) == ["item_1", "score_1", "fallback"]
    classes = pd.DataFrame({"probability_1": [0.5], "score_2": [0.1]})
    assert list(counted(classes)) == ["probability_1", "score_2"], "what is no list is left as it is"
