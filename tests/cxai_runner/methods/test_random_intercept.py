"""The logit with a random intercept: its likelihood against plain integration, its derivatives, the truth found."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import integrate, special, stats
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning

from cxai_runner.methods.errors import LogitError
from cxai_runner.methods.logit import BinomialLogit
from cxai_runner.methods.panel_likelihood import PanelLikelihood
from cxai_runner.methods.random_intercept import RandomInterceptLogit

from .simulated import TRUTH, bounds, occasions


@pytest.fixture(scope="module")
def sample():
    return occasions(np.random.default_rng(1), customers=80, times=12)


@pytest.fixture(scope="module")
def fitted(sample):
    X, y, customer = sample
    return RandomInterceptLogit(covariance="classical").fit(X, y, groups=customer)


def likelihood_of(sample, points=25):
    X, y, customer = sample
    return PanelLikelihood(np.column_stack([np.ones(len(X)), X]), y.astype(float), customer, points)


def test_the_likelihood_is_the_integral(sample):
    """Each customer's, by adaptive quadrature of SciPy's."""
    X, y, customer = sample
    theta = np.array([0.3, -1.0, 0.5, 1.4])
    base = theta[0] + X.to_numpy() @ theta[1:3]

    def joint(v, mine):
        log_odds = base[mine] + theta[3] * v
        return np.exp(np.sum(y[mine] * log_odds - np.logaddexp(0, log_odds))) * stats.norm.pdf(v)

    whole = sum(np.log(integrate.quad(joint, -9, 9, args=(customer == one,))[0]) for one in range(80))
    assert likelihood_of(sample).at(theta).value == pytest.approx(whole, rel=1e-9)


def test_the_gradient_and_the_information_are_the_derivatives(sample):
    likelihood, theta = likelihood_of(sample, 41), np.array([0.3, -1.0, 0.5, 1.4])
    found = likelihood.at(theta)
    for j, step in enumerate(1e-5 * np.eye(4)):
        up, down = likelihood.at(theta + step), likelihood.at(theta - step)
        assert found.scores.sum(axis=0)[j] == pytest.approx((up.value - down.value) / 2e-5, rel=1e-5)
        second = (down.scores.sum(axis=0) - up.scores.sum(axis=0)) / 2e-5
        np.testing.assert_allclose(found.information[j], second, rtol=1e-4, atol=1e-3)


def test_the_score_is_zero_at_the_maximum(sample, fitted):
    theta = np.concatenate([fitted.intercept_, fitted.coef_[0], [fitted.sigma_]])
    np.testing.assert_allclose(likelihood_of(sample, 15).at(theta).scores.sum(axis=0), 0, atol=1e-4)


def test_without_spread_it_is_the_plain_logit():
    X, y, customer = occasions(np.random.default_rng(7), customers=60, times=8, sigma=0.0)
    model = RandomInterceptLogit(covariance="classical").fit(X, y, groups=customer)
    plain = BinomialLogit().fit(X, y)
    assert model.pooled_log_likelihood_ == plain.log_likelihood_
    assert model.sigma_ == 0
    assert model.log_likelihood_ == plain.log_likelihood_
    np.testing.assert_allclose(model.coef_, plain.coef_, atol=1e-5)
    np.testing.assert_allclose(model.standard_errors_[:3], plain.standard_errors_, rtol=1e-4)
    np.testing.assert_allclose(model.predict_proba(X), plain.predict_proba(X), atol=1e-5)
    assert model.spread_test_ == (0.0, 1.0)
    assert np.isnan(model.sigma_interval_).all()


@pytest.mark.parametrize("sigma", [0.3, 3.0])
def test_the_maximum_is_the_highest_of_all_spreads(sigma):
    """The likelihood is level at σ = 0 though it rises from there: a small spread is not lost, nor a large one."""
    X, y, customer = occasions(np.random.default_rng(5), customers=150, times=20, sigma=sigma)
    model = RandomInterceptLogit().fit(X, y, groups=customer)
    low, high = model.sigma_interval_
    assert low < sigma < high
    likelihood = likelihood_of((X, y, customer), 15)
    at = np.concatenate([model.intercept_, model.coef_[0], [model.sigma_]])
    others = [likelihood.at(at * [1, 1, 1, factor]).value for factor in (0.01, 0.8, 0.97, 1.03, 1.3)]
    assert max(others) < model.log_likelihood_
    assert model.log_likelihood_ > model.pooled_log_likelihood_


def test_half_of_the_panels_without_spread_say_that_there_is_none():
    """The likelihood-ratio statistic of σ = 0 is 0 half of the time, and its test rejects one in twenty at 5 %."""
    rng, none, rejected = np.random.default_rng(3), 0, 0
    for _ in range(120):
        X, y, customer = occasions(rng, customers=150, times=6, sigma=0.0)
        model = RandomInterceptLogit(points=7).fit(X, y, groups=customer)
        none += model.sigma_ == 0
        rejected += model.spread_test_[1] < 0.05
    low, high = stats.binom.ppf([0.0005, 0.9995], 120, 0.5)
    assert low <= none <= high
    assert rejected <= stats.binom.ppf(0.9995, 120, 0.05)


def test_a_new_customer_is_predicted_with_the_average_over_customers(fitted):
    """The integral over customers, and a million of them."""
    X = pd.DataFrame({"mean_price": [1.0, 2.0], "mean_promotion": [0.0, 1.0]})
    linear = fitted.decision_function(X)
    for found, at in zip(fitted.predict_proba(X)[:, 1], linear, strict=True):
        whole, _ = integrate.quad(lambda v, at=at: special.expit(at + fitted.sigma_ * v) * stats.norm.pdf(v), -9, 9)
        assert found == pytest.approx(whole, rel=1e-8)
    np.testing.assert_array_equal(fitted.predict(X) == 1, fitted.predict_proba(X)[:, 1] > 0.5)


def test_the_derivatives_of_the_average_are_right(fitted):
    at, h = np.array([-1.0, 0.3, 2.0]), 1e-5
    curve, up, down = (fitted.curvature(one) for one in (at, at + h, at - h))
    np.testing.assert_allclose(curve.first, (up.probability - down.probability) / (2 * h), rtol=1e-7)
    np.testing.assert_allclose(curve.second, (up.first - down.first) / (2 * h), rtol=1e-6)
    wider, narrower = clone(fitted), clone(fitted)
    wider.sigma_, narrower.sigma_ = fitted.sigma_ + h, fitted.sigma_ - h
    up, down = wider.curvature(at), narrower.curvature(at)
    np.testing.assert_allclose(curve.by_shape[0], (up.probability - down.probability) / (2 * h), rtol=1e-6)
    np.testing.assert_allclose(curve.first_by_shape[0], (up.first - down.first) / (2 * h), rtol=1e-6)


def covered(simulations, seed, covariance):
    """How many intervals hold the truth, by parameter with σ last, and the estimates."""
    rng, truth = np.random.default_rng(seed), np.append(TRUTH, 1.0)
    held, estimates = np.zeros(4), []
    for _ in range(simulations):
        X, y, customer = occasions(rng)
        model = RandomInterceptLogit(covariance=covariance, points=9).fit(X, y, groups=customer)
        table = model.summary_frame()
        low = np.append(table["low"], model.sigma_interval_[0])
        high = np.append(table["high"], model.sigma_interval_[1])
        held += (low < truth) & (truth < high)
        estimates.append(np.append(table["coefficient"], model.sigma_))
    return held, np.array(estimates), truth


def test_recovers_the_truth_and_covers_it():
    """Sixty simulations: means at the truth, and no interval that is far too short."""
    held, estimates, truth = covered(60, 11, "classical")
    error = estimates.std(axis=0, ddof=1) / np.sqrt(60)
    # Maximum likelihood understates σ by about the share of a degree of freedom.
    assert np.all(np.abs(estimates.mean(axis=0) - truth) < 4 * error + [0, 0, 0, 0.02])
    assert (held >= bounds(60, 4)[0]).all()


def test_units_of_a_column_change_nothing_but_its_coefficient(sample, fitted):
    X, y, customer = sample
    other = RandomInterceptLogit(covariance="classical")
    other.fit(X.assign(mean_price=100 * X["mean_price"] - 40), y, groups=customer)
    assert 100 * other.coef_[0, 0] == pytest.approx(fitted.coef_[0, 0], rel=1e-6)
    assert 100 * other.standard_errors_[1] == pytest.approx(fitted.standard_errors_[1], rel=1e-5)
    assert other.sigma_ == pytest.approx(fitted.sigma_, rel=1e-6)


def test_order_of_rows_and_names_of_customers_change_nothing(sample, fitted):
    X, y, customer = sample
    order = np.random.default_rng(2).permutation(len(X))
    named = np.array([f"c{one}" for one in customer])
    other = RandomInterceptLogit(covariance="classical").fit(X.iloc[order], y[order], groups=named[order])
    np.testing.assert_allclose(other.coef_, fitted.coef_, rtol=1e-7)


@pytest.mark.parametrize(
    ("change", "kind", "message"),
    [
        (lambda X, y, g: (X, y, None), ValueError, "needs `groups`: the customer of each row"),
        (lambda X, y, g: (X, y, g[:5]), ValueError, "groups has 5 values for 960 rows"),
        (lambda X, y, g: (X, y, np.zeros(len(y))), LogitError, "one customer only"),
        (lambda X, y, g: (X, y, np.arange(len(y))), LogitError, "no customer has two rows; take a plain logit"),
        (lambda X, y, g: (X.assign(told=y), y, g), LogitError, "perfectly separated by told"),
        (lambda X, y, g: (X.assign(twice=2 * X["mean_price"]), y, g), LogitError, "collinear columns"),
    ],
)
def test_what_cannot_be_fitted_is_said(sample, change, kind, message):
    X, y, groups = change(*sample)
    with pytest.raises(kind, match=message):
        RandomInterceptLogit().fit(X, y, groups=groups)


def test_a_wrong_option_is_named(sample):
    X, y, customer = sample
    with pytest.raises(ValueError, match="covariance must be 'clustered' or 'classical', not 'robust'"):
        RandomInterceptLogit(covariance="robust").fit(X, y, groups=customer)


def test_too_few_steps_are_a_warning(sample):
    X, y, customer = sample
    with pytest.warns(ConvergenceWarning, match="after 2 steps; raise max_iter"):
        RandomInterceptLogit(max_iter=2).fit(X, y, groups=customer)
