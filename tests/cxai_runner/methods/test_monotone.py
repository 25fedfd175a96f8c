"""Trees that are held to a falling price: whatever the number of prices, and whoever's trees they are."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.ensemble import GradientBoostingClassifier, HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.utils import get_tags
from xgboost import XGBClassifier

from cxai_runner.methods.errors import LogitError
from cxai_runner.methods.monotone import FallingInPrice
from cxai_runner.methods.names import is_price, is_promotion

TREES = [
    HistGradientBoostingClassifier(max_iter=40, min_samples_leaf=5, random_state=0),
    XGBClassifier(n_estimators=40, max_depth=4, n_jobs=1, random_state=0),
    RandomForestClassifier(20, min_samples_leaf=3, random_state=0),
]


@pytest.fixture(scope="module")
def noise():
    """Purchases that have nothing to do with price, so that trees follow noise up and down."""
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.uniform(1, 3, (600, 4)), columns=["price_a", "promotion_a", "price_b", "mean_price:segment_2"])
    return X, rng.integers(0, 2, 600)


def rises(model, X, column):
    """The most that a probability rises when a price goes up a step, over rows and prices."""
    paths = []
    for price in np.linspace(1, 3, 25):
        paths.append(model.predict_proba(X.head(50).assign(**{column: price}))[:, 1])
    return np.diff(paths, axis=0).max()


@pytest.mark.parametrize("tree", TREES, ids=lambda tree: type(tree).__name__)
def test_a_higher_price_never_makes_a_purchase_likelier(noise, tree):
    X, y = noise
    held = FallingInPrice(tree).fit(X, y)
    assert held.falling_ == ["price_a", "price_b", "mean_price:segment_2"]
    free = clone(tree).fit(X, y)
    for column in held.falling_:
        assert rises(held, X, column) <= 1e-7
        assert rises(free, X, column) > 0.01
    assert rises(held, X, "promotion_a") > 0.01


def test_the_estimator_that_was_given_is_left_alone(noise):
    X, y = noise
    tree = HistGradientBoostingClassifier(max_iter=5, random_state=0)
    model = FallingInPrice(tree).fit(X, y)
    assert tree.monotonic_cst is None
    assert not hasattr(tree, "classes_")
    np.testing.assert_array_equal(model.predict(X), model.classes_[model.predict_proba(X).argmax(axis=1)])
    assert clone(model).get_params()["estimator__max_iter"] == 5


def test_missing_values_are_taken_where_the_trees_take_them():
    assert get_tags(FallingInPrice(HistGradientBoostingClassifier())).input_tags.allow_nan
    assert not get_tags(FallingInPrice(GradientBoostingClassifier())).input_tags.allow_nan


@pytest.mark.parametrize(
    ("model", "columns", "message"),
    [
        (
            LogisticRegression(),
            ["price_a"],
            "has no parameter monotonic_cst or monotone_constraints",
        ),
        (HistGradientBoostingClassifier(), ["income"], "no column is a price by its name"),
    ],
)
def test_what_cannot_be_held_is_said(model, columns, message):
    X = pd.DataFrame({name: np.arange(20.0) for name in columns})
    with pytest.raises(LogitError, match=message):
        FallingInPrice(model).fit(X, np.arange(20) % 2)


@pytest.mark.parametrize(
    ("term", "price", "promotion"),
    [
        ("mean_price", True, False),
        ("price_acme", True, False),
        ("mean_price:segment_2", True, False),
        ("price_acme:promotion_acme", True, True),
        ("mean_promotion", False, True),
        ("display_acme", False, True),
        ("last_brand[price]", False, False),
        ("previous_purchase", False, False),
    ],
)
def test_a_term_is_what_it_is_called(term, price, promotion):
    assert (is_price(term), is_promotion(term)) == (price, promotion)
