"""What every model of choice keeps: scikit-learn's conventions, pickles, tables, and errors with their parts apart."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from cxai_runner.methods.choice import (
    ChoiceData,
    ChoiceError,
    ChoiceWarning,
    ConditionalLogit,
    LatentClassLogit,
    MixedLogit,
    NestedLogit,
    NotIdentifiedError,
    share_scenario,
)

MODELS = [
    ConditionalLogit("price + feature"),
    NestedLogit("price + feature", nests={"bc": ["b", "c"]}),
    LatentClassLogit("price", n_classes=2, n_init=2, random_state=0),
    MixedLogit("price + feature", random={"price": "normal"}, n_draws=20),
]


@pytest.fixture(scope="module", params=MODELS, ids=lambda model: type(model).__name__)
def fitted(request, make_brands):
    X, y, who = make_brands(np.random.default_rng(3), n=1500, spread=1.0)
    return clone(request.param).fit(X, y, groups=who), X, y, who


def test_a_clone_is_unfitted_and_the_same(fitted):
    model, X, _, _ = fitted
    other = clone(model)
    assert other.get_params() == model.get_params()
    with pytest.raises(NotFittedError, match="not fitted yet"):
        other.predict_proba(X)


def test_a_pickle_predicts_the_same(fitted):
    model, X, _, _ = fitted
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(model)).predict_proba(X), model.predict_proba(X))


def test_a_refit_is_the_same(fitted):
    model, X, y, who = fitted
    np.testing.assert_array_equal(clone(model).fit(X, y, groups=who).parameters_, model.parameters_)


def test_probabilities_and_statistics(fitted):
    model, X, y, _ = fitted
    proba = model.predict_proba(X)
    assert proba.shape == (len(X), 3)
    np.testing.assert_allclose(proba.sum(axis=1), 1, rtol=1e-12)
    assert model.hit_rate_ == pytest.approx(np.mean(model.predict(X) == y))
    assert model.equal_shares_log_likelihood_ == pytest.approx(-len(y) * np.log(3))
    counts = np.array([np.sum(y == b) for b in "abc"])
    assert model.constants_log_likelihood_ == pytest.approx(counts @ np.log(counts / len(y)))
    assert model.mcfadden_r2_ == pytest.approx(1 - model.log_likelihood_ / model.constants_log_likelihood_)
    assert 0 < model.mcfadden_r2_ < model.mcfadden_r2_equal_shares_ < 1
    assert model.n_occasions_ == len(y)
    assert model.score(X, y) < 0


def test_a_table_of_parameters(fitted):
    model = fitted[0]
    table = model.summary_frame()
    assert list(table.index) == list(model.parameter_names_)
    assert list(table.columns) == ["coefficient", "standard_error", "z", "p", "low", "high"]
    np.testing.assert_allclose(table["standard_error"] ** 2, np.diag(model.covariance_))
    np.testing.assert_allclose(model.covariance_, model.covariance_.T, rtol=1e-6, atol=1e-12)
    assert (np.linalg.eigvalsh(model.covariance_) > 0).all()


def test_a_read_panel_is_the_wide_one(fitted):
    model, X, y, who = fitted
    names = [name for name in ("price", "feature") if name in model.terms_.columns]
    data = ChoiceData.from_wide(X, "abc", choice=y, names=names, customers=who)
    np.testing.assert_allclose(clone(model).fit(data).parameters_, model.parameters_, rtol=1e-6)
    np.testing.assert_array_equal(model.predict_proba(data), model.predict_proba(X))


def test_scenarios_work_for_all(fitted):
    model, X, _, _ = fitted
    table = share_scenario(model, X, {"price": {"a": "-1%"}}).set_index("alternative")
    assert table.loc["a", "low"] > 0
    assert (table.loc[["b", "c"], "high"] < 0).all()


def test_a_missing_column_is_named(fitted):
    model, X, _, _ = fitted
    with pytest.raises(ChoiceError, match="'price' has no column 'price', nor one per alternative: price_b missing"):
        model.predict_proba(X.drop(columns="price_b"))


@pytest.mark.parametrize("kind", [ChoiceError, NotIdentifiedError])
def test_an_error_has_its_parts_and_survives_a_process(kind):
    error = pickle.loads(pickle.dumps(kind("price does not vary", "leave it out", ("price",))))
    assert type(error) is kind
    assert isinstance(error, ValueError)
    assert (error.message, error.remedy, error.columns) == ("price does not vary", "leave it out", ("price",))
    assert str(error) == "price does not vary; leave it out"


def test_what_was_a_price_and_is_negative_now_has_no_probabilities(brands):
    frame, y, _ = brands
    model = ConditionalLogit("price + feature").fit(frame, y)
    assert model.positive_ == ("price",)
    wrong = frame.assign(price_a=frame["price_a"].where(frame.index > 4, -1.0))
    with pytest.warns(ChoiceWarning, match=f"price is negative on 5 of {len(frame)} occasions"):
        P = model.predict_proba(wrong)
    assert np.isnan(P[:5]).all()
    np.testing.assert_allclose(P[5:], model.predict_proba(frame)[5:])
    with pytest.warns(ChoiceWarning), pytest.raises(ChoiceError, match="have no probabilities"):
        model.predict(wrong)
