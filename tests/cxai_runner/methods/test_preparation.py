"""Preparation: codes, tails, logs, ranks and scale, as its parts do each alone, on rows it has not seen as well."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from cxai_runner.methods.preparation import Preparation
from cxai_runner.methods.ranks import QuantileRanks


@parametrize_with_checks([Preparation(), Preparation(winsorise=0.1, log="auto")])
def test_scikit_learn_conventions(estimator, check):
    check(estimator)


@pytest.fixture
def frame():
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "revenue": np.exp(rng.normal(3, 1.5, 300)),
            "age": rng.normal(45, 10, 300),
            "occupation": rng.integers(0, 3, 300),
            "region": rng.choice(["north", "south"], 300),
        }
    )


def test_numbers_are_standardised_with_the_population_deviation(frame):
    two = frame[["revenue", "age"]]
    np.testing.assert_allclose(Preparation().fit_transform(two), StandardScaler().fit_transform(two))
    np.testing.assert_allclose(Preparation(scale=False).fit_transform(two), two)


def test_codes_and_text_become_indicators(frame):
    prepared = Preparation(codes=["occupation"], scale=False).fit(frame)
    names = ["revenue", "age", "occupation=0", "occupation=1", "occupation=2", "region=north", "region=south"]
    assert list(prepared.get_feature_names_out()) == names
    expected = OneHotEncoder(sparse_output=False).fit_transform(frame[["occupation", "region"]])
    np.testing.assert_array_equal(prepared.transform(frame)[:, 2:], expected)
    new = frame.head(2).assign(occupation=[7, 1], region=[None, "south"])
    np.testing.assert_array_equal(prepared.transform(new)[:, 2:], [[0, 0, 0, 0, 0], [0, 1, 0, 0, 1]])


def test_numbers_are_no_codes_unless_named(frame):
    assert Preparation().fit(frame).transform(frame).shape == (300, 5)


def test_tails_are_drawn_in_and_counted(frame):
    prepared = Preparation(winsorise=0.02, scale=False).fit(frame[["revenue"]])
    made = prepared.transform(frame[["revenue"]])
    low, high = np.quantile(frame["revenue"], [0.02, 0.98])
    assert (made.min(), made.max()) == (low, high)
    assert prepared.drawn_in_ == {"revenue": 12}
    assert prepared.transform(pd.DataFrame({"revenue": [1e9]}))[0, 0] == high


def test_logs_are_of_one_more_and_keep_the_sign():
    x = pd.DataFrame({"x": [0.0, 1.0, -1.0, 99.0]})
    made = Preparation(log=["x"], scale=False).fit_transform(x)
    np.testing.assert_allclose(made[:, 0], [0, np.log(2), -np.log(2), np.log(100)])


def test_skewed_numbers_are_found(frame):
    assert Preparation(log="auto").fit(frame).logged_ == ["revenue"]


def test_ranks(frame):
    made = Preparation(ranks=["age"], scale=False).fit_transform(frame[["age"]])
    np.testing.assert_allclose(made, QuantileRanks(n_quantiles=100).fit_transform(frame[["age"]].to_numpy()))


def test_patterns_name_columns(frame):
    assert Preparation(log=["re*e"]).fit(frame).logged_ == ["revenue"]
    with pytest.raises(ValueError, match="Preparation names income, and there are revenue, age, occupation, region"):
        Preparation(log=["income"]).fit(frame)


def test_a_missing_number_stays_missing(frame):
    holes = frame.assign(age=frame["age"].where(frame.index > 5))
    made = Preparation(winsorise=0.01).fit_transform(holes)
    assert np.isnan(made[:6, 1]).all()
    assert np.isfinite(np.delete(made, 1, axis=1)).all()
    assert np.nanmean(made[:, 1]) == pytest.approx(0, abs=1e-12)


def test_infinity_is_refused(frame):
    with pytest.raises(ValueError, match="infinity or a value too large, in column age"):
        Preparation().fit(frame.assign(age=np.inf))
