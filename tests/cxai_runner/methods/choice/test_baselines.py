"""The baselines are the counts that they say."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone

from cxai_runner.methods.choice import ChoiceError, MarketShares, TransitionShares


@pytest.fixture
def panel():
    frame = pd.DataFrame({"last": [0, 1, 1, 2, 2, 2, np.nan, 9]})
    return frame, np.array([1, 1, 2, 2, 2, 3, 1, 3])


def test_market_shares(panel):
    X, y = panel
    model = MarketShares().fit(X, y)
    np.testing.assert_allclose(model.predict_proba(X[:2]), [[3 / 8, 3 / 8, 2 / 8]] * 2)
    assert list(model.classes_) == [1, 2, 3]
    assert list(model.predict(X[:2])) == [1, 1]
    weighted = MarketShares().fit(X, y, sample_weight=[2, 1, 1, 1, 1, 1, 1, 1])
    np.testing.assert_allclose(weighted.shares_, [4 / 9, 3 / 9, 2 / 9])


def test_transition_shares(panel):
    X, y = panel
    model = TransitionShares("last", smoothing=2.0).fit(X, y)
    after_two = (np.array([0, 2, 1]) + 2 * np.array([3, 3, 2]) / 8) / (3 + 2)
    np.testing.assert_allclose(model.transitions_[1], after_two)
    np.testing.assert_allclose(model.transitions_[2], [3 / 8, 3 / 8, 2 / 8])
    proba = model.predict_proba(pd.DataFrame({"last": [2, 0, np.nan, 7]}))
    np.testing.assert_allclose(proba, [after_two, *[[3 / 8, 3 / 8, 2 / 8]] * 3])


def test_what_is_not_there_is_not_chosen(panel):
    X, y = panel
    there = X.assign(there_1=1, there_2=[0, 1] * 4, there_3=1)
    proba = MarketShares(availability="there").fit(there, y).predict_proba(there)
    np.testing.assert_allclose(proba[0], [3 / 5, 0, 2 / 5])
    np.testing.assert_allclose(proba[1], [3 / 8, 3 / 8, 2 / 8])
    new = TransitionShares("last", alternatives=[1, 2, 3, 4], availability="there").fit(X, y)
    only = pd.DataFrame({"last": [1], "there_1": 0, "there_2": 0, "there_3": 0, "there_4": 1})
    np.testing.assert_allclose(new.predict_proba(only), [[0, 0, 0, 1]])


def test_a_transition_needs_a_column_and_some_smoothing(panel):
    X, y = panel
    with pytest.raises(ChoiceError, match="there is no column 'previous'; it has last"):
        TransitionShares().fit(X, y)
    with pytest.raises(ValueError, match="smoothing must be positive, not 0"):
        TransitionShares("last", smoothing=0).fit(X, y)


def test_scikit_learn_conventions():
    model = TransitionShares("last", smoothing=3.0, alternatives=[1, 2])
    assert clone(model).get_params() == model.get_params()
