"""The latent-class logit: its likelihood written out, its derivatives, recovered classes, and errors that help."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone

from cxai_runner.methods.choice import (
    ChoiceData,
    ChoiceError,
    ChoiceWarning,
    ConditionalLogit,
    LatentClassLogit,
    NotIdentifiedError,
    select_classes,
    share_elasticities,
)
from cxai_runner.methods.choice.likelihood import LogitLikelihood
from cxai_runner.methods.choice.mixture import Mixture, State

BRANDS = "abc"
# Of the larger class and the smaller: constants of b and c, price, feature; then the log-odds of the smaller.
TRUTH = np.array([0.5, -0.5, -2.5, 0.3, -1.0, 0.8, -0.6, 1.5, np.log(0.35 / 0.65)])


def simulate(rng, customers=200, occasions=8):
    kind = (rng.uniform(size=customers) < 0.35).astype(int)
    who = np.repeat(np.arange(customers), occasions)
    coef = TRUTH[:8].reshape(2, 4)[kind][who]
    price, feature = rng.uniform(0.5, 2.5, (len(who), 3)), rng.integers(0, 2, (len(who), 3))
    utility = np.column_stack([np.zeros(len(who)), coef[:, :2]]) + coef[:, 2:3] * price + coef[:, 3:] * feature
    chosen = (utility + rng.gumbel(size=price.shape)).argmax(axis=1)
    names = [f"{name}_{b}" for name in ("price", "feature") for b in BRANDS]
    frame = pd.DataFrame(np.column_stack([price, feature]).astype(float), columns=names)
    return frame, np.asarray(list(BRANDS))[chosen], who, kind


@pytest.fixture(scope="module")
def panel():
    return simulate(np.random.default_rng(0))


@pytest.fixture(scope="module")
def fitted(panel):
    X, y, who, _ = panel
    return LatentClassLogit("price + feature", n_init=4, random_state=0).fit(X, y, groups=who)


def mixture(panel):
    X, y, who, _ = panel
    data = ChoiceData.from_wide(X, BRANDS, choice=y, names=["price", "feature"])
    design = ConditionalLogit("price + feature").fit(X, y).layout(data).design(data)
    weights = np.random.default_rng(3).uniform(0.5, 2, who.max() + 1)
    return Mixture(LogitLikelihood(design, data.chosen), who, weights, ("b", "c", "price", "feature"))


def test_the_likelihood_is_the_one_written_out(panel, fitted):
    X, y, who, _ = panel
    each = []
    for b, share in zip(fitted.coef_, fitted.class_shares_, strict=True):
        V = b[2] * X[[f"price_{j}" for j in BRANDS]].to_numpy() + b[3] * X[[f"feature_{j}" for j in BRANDS]].to_numpy()
        P = np.exp(V + np.array([0, *b[:2]]))
        P = (P / P.sum(axis=1, keepdims=True))[np.arange(len(y)), [BRANDS.index(name) for name in y]]
        each.append(share * pd.Series(P).groupby(who).prod().to_numpy())
    total = np.sum(each, axis=0)
    assert fitted.log_likelihood_ == pytest.approx(np.log(total).sum(), rel=1e-10)
    np.testing.assert_allclose(fitted.posterior_.T, np.asarray(each) / total, rtol=1e-8)
    assert fitted.bic_ == pytest.approx(-2 * fitted.log_likelihood_ + 9 * np.log(200))


def test_derivatives_are_those_of_the_likelihood(panel):
    """Score and observed information at an arbitrary point, with weights of the customers."""
    found, h = mixture(panel), 1e-5
    state = State(
        np.array([[0.2, 0.1, -1.0, 0.5], [-0.3, 0.4, -2.0, 0.1], [0.1, 0, 0.3, 1]]), np.array([0.5, 0.3, 0.2])
    )
    _, information, scores, _ = found.derivatives(state)
    for p, step in enumerate(np.eye(14) * h):
        up, down = state.moved(step), state.moved(-step)
        assert scores[p].sum() == pytest.approx((found.value(up) - found.value(down)) / (2 * h), rel=1e-6, abs=1e-5)
        slope = (found.derivatives(up)[2].sum(axis=1) - found.derivatives(down)[2].sum(axis=1)) / (2 * h)
        np.testing.assert_allclose(-information[p], slope, rtol=1e-5, atol=1e-4)


def test_every_step_of_em_raises_the_likelihood(panel):
    found = mixture(panel)
    state = State(np.array([[0.2, 0.1, -1.0, 0.5], [-0.3, 0.4, -2.0, 0.1]]), np.array([0.5, 0.5]))
    values = [found.value(state)]
    for _ in range(10):
        value, state = found.em(state, 1)
        values.append(value)
    assert np.all(np.diff(values) > -1e-9)
    assert values[-1] - values[0] > 100


def test_the_score_is_zero_at_the_maximum(panel, fitted):
    found = mixture(panel)
    found.weights = np.ones(200)
    scores = found.derivatives(State(fitted.coef_, fitted.class_shares_))[2].sum(axis=1)
    np.testing.assert_allclose(scores * fitted.standard_errors_, 0, atol=1e-5)


def test_it_recovers_the_classes(panel, fitted):
    z = (fitted.parameters_ - TRUTH) / fitted.standard_errors_
    assert np.all(np.abs(z) < 3.5)
    kind = panel[3]
    assert np.mean((fitted.posterior_[:, 1] > 0.5) == kind) > 0.93
    assert fitted.entropy_r2_ > 0.7
    assert list(fitted.parameter_names_[2:9:4]) == ["class 1: price", "class 2: price"]
    assert fitted.class_shares_.sum() == pytest.approx(1)
    assert fitted.class_shares_[0] > fitted.class_shares_[1]


def test_one_class_is_the_conditional_logit(panel):
    X, y, who, _ = panel
    one = LatentClassLogit("price + feature", n_classes=1).fit(X, y, groups=who)
    other = ConditionalLogit("price + feature", covariance="classical").fit(X, y, groups=who)
    np.testing.assert_allclose(one.parameters_, other.parameters_, rtol=1e-8)
    np.testing.assert_allclose(one.covariance_, other.covariance_, rtol=1e-6)
    assert one.log_likelihood_ == pytest.approx(other.log_likelihood_, rel=1e-12)
    robust = LatentClassLogit("price + feature", n_classes=1, covariance="clustered").fit(X, y, groups=who)
    clustered = ConditionalLogit("price + feature", covariance="clustered").fit(X, y, groups=who)
    np.testing.assert_allclose(robust.covariance_, clustered.covariance_, rtol=1e-6)


def test_the_order_of_customers_and_occasions_changes_nothing(panel, fitted):
    X, y, who, _ = panel
    at = np.random.default_rng(0).permutation(len(y))
    other = LatentClassLogit("price + feature", n_init=4, random_state=1).fit(X.iloc[at], y[at], groups=who[at])
    np.testing.assert_allclose(other.parameters_, fitted.parameters_, atol=1e-4)


def test_weights_are_customers_more_than_once(panel):
    X, y, who, _ = panel
    times = np.random.default_rng(1).integers(1, 3, 200)
    weights = LatentClassLogit("price", random_state=0).fit(X, y, groups=who, sample_weight=times[who])
    rows = [np.flatnonzero(who == i) for i in range(200)]
    at = np.concatenate([rows[i] for i in range(200) for _ in range(times[i])])
    new = np.concatenate([[f"{i} {k}"] * len(rows[i]) for i in range(200) for k in range(times[i])])
    repeated = LatentClassLogit("price", random_state=0).fit(X.iloc[at], y[at], groups=new)
    np.testing.assert_allclose(weights.parameters_, repeated.parameters_, atol=1e-4)
    np.testing.assert_allclose(weights.covariance_, repeated.covariance_, rtol=1e-3, atol=1e-6)
    assert weights.bic_ == pytest.approx(repeated.bic_)
    with pytest.raises(ChoiceError, match="occasions have different weights; give each customer one"):
        LatentClassLogit("price").fit(X, y, groups=who, sample_weight=np.arange(len(y)) + 1.0)


def test_elasticities_are_the_derivatives_of_predicted_shares(panel, fitted):
    X, h = panel[0], 1e-5
    found = share_elasticities(fitted, X)
    for j, brand in enumerate(BRANDS):
        name = f"price_{brand}"
        up, down = (fitted.predict_proba(X.assign(**{name: X[name] * f})).mean(axis=0) for f in (1 + h, 1 - h))
        np.testing.assert_allclose(found.values[0, :, j], (np.log(up) - np.log(down)) / (2 * h), atol=1e-6)
    assert (found.standard_errors > 0).all()


def test_posterior_of_customers_by_name(panel, fitted):
    X, y, who, _ = panel
    some = who >= 190
    table = fitted.posterior(X[some], y[some], groups=np.array([f"c{i}" for i in who[some]]))
    assert list(table.index[:2]) == ["c190", "c191"]
    np.testing.assert_allclose(table, fitted.posterior_[190:], rtol=1e-8)


def test_profiles_are_means_weighted_by_the_posterior(panel, fitted):
    kind = panel[3]
    profiles = fitted.profile_frame(pd.DataFrame({"kind": kind}))
    expected = (fitted.posterior_ * kind[:, None]).sum(axis=0) / fitted.posterior_.sum(axis=0)
    np.testing.assert_allclose(profiles["kind"], expected)
    assert profiles.loc["class 2", "kind"] > 0.8
    np.testing.assert_allclose(profiles["share"], fitted.class_shares_)
    with pytest.raises(ChoiceError, match="2 rows for 200 customers; give one row for each"):
        fitted.profile_frame(pd.DataFrame({"kind": [1, 2]}))


@pytest.mark.filterwarnings("ignore::cxai_runner.methods.choice.ChoiceWarning")
def test_bic_finds_the_number_of_classes(panel):
    X, y, who, _ = panel
    model = LatentClassLogit("price + feature", n_init=3, random_state=0)
    best, table = select_classes(model, X, y, classes=(1, 2, 3), groups=who)
    assert best.n_classes == 2
    assert table["bic"].idxmin() == 2
    assert table["log_likelihood"].is_monotonic_increasing
    assert list(table["parameters"]) == [4, 9, 14]


def test_more_classes_than_customers_can_tell_are_refused(panel):
    X, y, who, _ = panel
    few = who < 12
    model = LatentClassLogit("price + feature", n_init=2, random_state=0)
    best, table = select_classes(model, X[few], y[few], classes=(1, 5), groups=who[few])
    assert best.n_classes == 1
    assert table.loc[5, "note"] == "24 parameters in 5 classes for 12 customers; try fewer classes or fewer terms"
    with pytest.raises(NotIdentifiedError, match="no number of classes could be fitted; 24 parameters"):
        select_classes(model, X[few], y[few], classes=(5,), groups=who[few])


def test_a_class_of_customers_without_error_is_refused(panel):
    """Sixty customers who buy the dearest brand whatever happens: as a class they have no finite coefficients."""
    X, y, who, _ = panel
    price = X[[f"price_{b}" for b in BRANDS]].to_numpy()
    stubborn = np.where(who < 60, np.asarray(list(BRANDS))[price.argmax(axis=1)], y)
    with pytest.raises(NotIdentifiedError, match=r"choices of class \d are perfectly separated by .*price"):
        LatentClassLogit("price + feature", n_init=3, random_state=0).fit(X, stubborn, groups=who)


def test_no_customers_are_told(panel):
    X, y, _, _ = panel
    with pytest.warns(ChoiceWarning, match="no customers are given, so each occasion is one of its own"):
        LatentClassLogit("price", n_classes=1).fit(X, y)


def test_scikit_learn_conventions(panel, fitted):
    assert clone(fitted).get_params() == fitted.get_params()
    assert set(fitted.predict(panel[0])) <= set(BRANDS)
    np.testing.assert_allclose(fitted.predict_proba(panel[0]).sum(axis=1), 1, rtol=1e-12)
