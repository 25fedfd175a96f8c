"""The elasticity of purchase probability: exact where a formula exists, covered intervals, honest about steps."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler

from cxai_runner.methods.elasticity import price_elasticity
from cxai_runner.methods.logit import BinomialLogit
from cxai_runner.methods.terms import PanelTerms

PRICES = ["price_a", "price_b"]


def simulate(rng, customers=100, occasions=20, b=-1.5):
    n = customers * occasions
    base = rng.uniform(1.0, 3.0, n)
    panel = pd.DataFrame(
        {
            "price_a": base * 0.9,
            "price_b": base * 1.1,
            "promotion_a": rng.integers(0, 2, n),
            "promotion_b": rng.integers(0, 2, n),
        }
    )
    linear = 2.0 + b * base + 0.8 * panel[["promotion_a", "promotion_b"]].mean(axis=1)
    return panel, (rng.uniform(size=n) < 1 / (1 + np.exp(-linear))).astype(int), np.repeat(range(customers), occasions)


@pytest.fixture(scope="module")
def panel():
    return simulate(np.random.default_rng(0))


def rng():
    return np.random.default_rng(1)


@pytest.mark.parametrize(
    "model", [BinomialLogit(), LogisticRegression(C=1.0, tol=1e-9, solver="newton-cholesky")], ids=["ml", "penalised"]
)
@pytest.mark.parametrize("scaled", [False, True])
def test_on_the_mean_price_alone_it_is_the_formula(panel, model, scaled):
    """b·p·(1 − P), whatever transformer stands between."""
    X, y, _ = panel
    plain = make_pipeline(PanelTerms(("mean_price",)), clone(model)).fit(X, y)
    fitted = make_pipeline(PanelTerms(("mean_price",)), *([StandardScaler()] if scaled else []), model).fit(X, y)
    curve = price_elasticity(fitted, X, PRICES, rng(), y=y, refits=2, points=9)
    if scaled and isinstance(model, LogisticRegression):
        # The penalty acts on other units: compare with the coefficients this fit has.
        b = fitted[-1].coef_[0, 0] / fitted[1].scale_[0]
        a = fitted[-1].intercept_[0] - b * fitted[1].mean_[0]
    else:
        b, a = plain[-1].coef_[0, 0], plain[-1].intercept_[0]
    P = 1 / (1 + np.exp(-(a + b * curve.price)))
    np.testing.assert_allclose(curve.probability, P, rtol=1e-7)
    np.testing.assert_allclose(curve.elasticity, b * curve.price * (1 - P), rtol=1e-6)


def test_with_promotion_it_is_the_mean_over_rows(panel):
    X, y, _ = panel
    fitted = make_pipeline(PanelTerms(), BinomialLogit()).fit(X, y)
    curve = price_elasticity(fitted, X, PRICES, rng(), grid=[1.2, 2.0, 2.8])
    b, d, a = *fitted[-1].coef_[0], fitted[-1].intercept_[0]
    promotion = X[["promotion_a", "promotion_b"]].mean(axis=1).to_numpy()
    for price, elasticity in zip(curve.price, curve.elasticity, strict=True):
        P = 1 / (1 + np.exp(-(a + b * price + d * promotion)))
        assert elasticity == pytest.approx(price * (b * P * (1 - P)).mean() / P.mean(), rel=1e-8)


def test_the_delta_method_is_the_gradient(panel):
    """The standard error from the analytic gradient equals that from one taken numerically."""
    X, y, customer = panel
    fitted = make_pipeline(PanelTerms(), BinomialLogit()).fit(X, y, binomiallogit__groups=customer)
    curve = price_elasticity(fitted, X, PRICES, rng(), grid=[1.5, 2.5])
    promotion = X[["promotion_a", "promotion_b"]].mean(axis=1).to_numpy()
    at = np.concatenate([fitted[-1].intercept_, fitted[-1].coef_[0]])

    def elasticity(parameters, price):
        a, b, d = parameters
        P = 1 / (1 + np.exp(-(a + b * price + d * promotion)))
        return price * (b * P * (1 - P)).mean() / P.mean()

    for i, price in enumerate(curve.price):
        steps = np.eye(3) * 1e-6
        gradient = np.array([(elasticity(at + h, price) - elasticity(at - h, price)) / 2e-6 for h in steps])
        error = np.sqrt(gradient @ fitted[-1].covariance_ @ gradient)
        assert curve.standard_error[i] == pytest.approx(error, rel=1e-6)
    assert "clustered" in curve.uncertainty


def test_the_interval_covers_the_truth():
    """About 95 of 100 intervals at the mean price hold the true elasticity."""
    chance, covered = np.random.default_rng(2), 0
    big, _, _ = simulate(np.random.default_rng(3), customers=5000)
    promotion = big[["promotion_a", "promotion_b"]].mean(axis=1).to_numpy()
    P = 1 / (1 + np.exp(-(2.0 - 1.5 * 2.0 + 0.8 * promotion)))
    truth = 2.0 * (-1.5 * P * (1 - P)).mean() / P.mean()
    for _ in range(100):
        X, y, customer = simulate(chance, customers=60)
        fitted = make_pipeline(PanelTerms(), BinomialLogit()).fit(X, y, binomiallogit__groups=customer)
        curve = price_elasticity(fitted, X, PRICES, chance, grid=[2.0])
        covered += curve.low[0] < truth < curve.high[0]
    assert 88 <= covered <= 100


def test_refits_agree_with_the_delta_method(panel):
    """The bootstrap of a hardly penalised logit has about the standard error of the maximum likelihood fit."""
    X, y, customer = panel
    exact = make_pipeline(PanelTerms(), BinomialLogit()).fit(X, y, binomiallogit__groups=customer)
    loose = make_pipeline(PanelTerms(), LogisticRegression(C=1e6, solver="newton-cholesky")).fit(X, y)
    one = price_elasticity(exact, X, PRICES, rng(), grid=[2.0])
    other = price_elasticity(loose, X, PRICES, rng(), grid=[2.0], y=y, groups=customer, refits=100)
    assert other.elasticity[0] == pytest.approx(one.elasticity[0], rel=1e-4)
    assert other.standard_error[0] == pytest.approx(one.standard_error[0], rel=0.3)
    assert other.quantile == pytest.approx(1.984, abs=0.001)


def test_a_curved_transformer_is_followed(panel):
    X, y, _ = panel
    fitted = make_pipeline(PanelTerms(("mean_price",)), PolynomialFeatures(2, include_bias=False), BinomialLogit())
    fitted.fit(X, y)
    curve = price_elasticity(fitted, X, PRICES, rng(), grid=[1.5])
    (b, c), P = fitted[-1].coef_[0], curve.probability[0]
    assert curve.elasticity[0] == pytest.approx(1.5 * (b + 2 * c * 1.5) * (1 - P), rel=1e-7)


def test_steps_are_told_and_not_extrapolated(panel):
    X, y, customer = panel
    fitted = make_pipeline(PanelTerms(), HistGradientBoostingClassifier(max_iter=20, random_state=0)).fit(X, y)
    curve = price_elasticity(fitted, X, PRICES, rng(), y=y, groups=customer, refits=3, points=5)
    assert not curve.smooth
    assert curve.differences.startswith("arc elasticity")
    assert (curve.price.min(), curve.price.max()) == pytest.approx(curve.observed)
    assert np.isfinite(curve.elasticity).all()
    assert curve.at_mean[1] < 0


def test_the_crossing_lies_on_the_curve(panel):
    X, y, _ = panel
    fitted = make_pipeline(PanelTerms(("mean_price",)), BinomialLogit()).fit(X, y)
    curve = price_elasticity(fitted, X, PRICES, rng(), points=201)
    price, low, high = curve.crossing(-1.0)
    assert low < price < high
    there = price_elasticity(fitted, X, PRICES, rng(), grid=[price])
    assert there.elasticity[0] == pytest.approx(-1.0, abs=1e-4)


def test_no_crossing_is_none(panel):
    X, y, _ = panel
    fitted = make_pipeline(PanelTerms(("mean_price",)), BinomialLogit()).fit(X, y)
    assert price_elasticity(fitted, X, PRICES, rng()).crossing(5.0) is None


def test_the_frame_marks_what_was_observed(panel):
    X, y, _ = panel
    fitted = make_pipeline(PanelTerms(("mean_price",)), BinomialLogit()).fit(X, y)
    frame = price_elasticity(fitted, X, PRICES, rng(), points=11).frame()
    assert list(frame.columns) == [
        "price",
        "purchase_probability",
        "probability_low",
        "probability_high",
        "elasticity",
        "low",
        "high",
        "observed",
    ]
    assert not frame["observed"].iloc[0]
    assert frame["observed"].sum() in (7, 8)


def test_many_distinct_rows_are_sampled(panel):
    X, y, _ = panel
    X = X.assign(income=np.random.default_rng(4).normal(size=len(X)))
    fitted = make_pipeline(PanelTerms(("mean_price", "income")), BinomialLogit()).fit(X, y)
    few = price_elasticity(fitted, X, PRICES, rng(), grid=[2.0], max_rows=200)
    all_rows = price_elasticity(fitted, X, PRICES, rng(), grid=[2.0], max_rows=10**6)
    assert few.elasticity[0] == pytest.approx(all_rows.elasticity[0], rel=0.01)


def test_one_price_has_no_elasticity(panel):
    X, y, _ = panel
    fitted = make_pipeline(PanelTerms(("mean_price",)), BinomialLogit()).fit(X, y)
    with pytest.raises(ValueError, match="every row has the mean price 2"):
        price_elasticity(fitted, X.assign(price_a=2.0, price_b=2.0), PRICES, rng())


def test_negative_prices_have_no_elasticity(panel):
    X, y, _ = panel
    fitted = make_pipeline(PanelTerms(("mean_price",)), BinomialLogit()).fit(X, y)
    wrong = X.assign(price_b=X["price_b"].where(X.index >= 3, -1))
    with pytest.raises(ValueError, match=r"3 rows have a negative price, .*; correct the prices, or leave these rows"):
        price_elasticity(fitted, wrong, PRICES, rng())


def test_refits_need_the_outcome(panel):
    X, y, _ = panel
    fitted = make_pipeline(PanelTerms(), LogisticRegression()).fit(X, y)
    with pytest.raises(ValueError, match="y is needed: the model has no covariance"):
        price_elasticity(fitted, X, PRICES, rng())


def test_the_probability_has_the_interval_of_the_numerical_delta_method(panel):
    X, y, groups = panel
    fitted = make_pipeline(PanelTerms(), BinomialLogit()).fit(X, y, binomiallogit__groups=groups)
    logit = fitted[-1]
    curve = price_elasticity(fitted, X, PRICES, rng(), grid=[1.5, 2.5])
    terms = fitted[0].transform(X)
    promotion = np.asarray(terms)[:, 1]
    parameters = np.concatenate([logit.intercept_, logit.coef_[0]])

    def mean_probability(beta, price):
        return (1 / (1 + np.exp(-(beta[0] + beta[1] * price + beta[2] * promotion)))).mean()

    for price, error in zip(curve.price, curve.probability_error, strict=True):
        steps = 1e-6 * np.eye(3)
        gradient = [
            (mean_probability(parameters + step, price) - mean_probability(parameters - step, price)) / 2e-6
            for step in steps
        ]
        assert error == pytest.approx(np.sqrt(gradient @ logit.covariance_ @ np.array(gradient)), rel=1e-5)
    frame = curve.frame()
    assert (frame["probability_low"] < frame["purchase_probability"]).all()
    assert (frame["purchase_probability"] < frame["probability_high"]).all()
