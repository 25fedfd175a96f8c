"""The answer to price: of a segment, of a promotion, of one brand's price; exact, and with both kinds of interval."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from cxai_runner.methods.logit import BinomialLogit
from cxai_runner.methods.mundlak import MundlakLogit
from cxai_runner.methods.price_refits import refitted
from cxai_runner.methods.purchase_response import PurchaseResponse
from cxai_runner.methods.random_intercept import RandomInterceptLogit
from cxai_runner.methods.terms import PanelTerms

PRICES = ["price_a", "price_b"]
TERMS = ("price", "mean_promotion", "last_brand", "mean_price:last_brand")


def simulate(seed=0, customers=100, times=12):
    rng = np.random.default_rng(seed)
    n = customers * times
    X = pd.DataFrame(
        {
            "price_a": rng.uniform(0.8, 2.6, n).round(2),
            "price_b": rng.uniform(1.2, 3.4, n).round(2),
            "promotion_a": rng.integers(0, 2, n),
            "promotion_b": rng.integers(0, 2, n),
            "last_brand": rng.choice(["none", "a"], n, p=[0.7, 0.3]),
        }
    )
    customer = np.repeat(np.arange(customers), times)
    log_odds = 2.2 - 0.8 * X["price_a"] - 0.5 * X["price_b"] + 0.6 * X[["promotion_a", "promotion_b"]].mean(axis=1)
    log_odds += 0.9 * (X["last_brand"] == "a") + rng.normal(0, 0.8, customers)[customer]
    return X, (rng.uniform(size=n) < 1 / (1 + np.exp(-log_odds))).astype(int), customer


MODELS = {
    "logit": BinomialLogit(),
    "random intercept": RandomInterceptLogit(),
    "mundlak": MundlakLogit(),
}


def fitted(name, sample, scaled=False):
    X, y, customer = sample
    steps = [StandardScaler().set_output(transform="pandas")] if scaled else []
    pipeline = make_pipeline(PanelTerms(TERMS), *steps, clone(MODELS[name]))
    return pipeline.fit(X, y, **{f"{pipeline.steps[-1][0]}__groups": customer})


@pytest.fixture(scope="module")
def sample():
    return simulate()


@pytest.fixture(scope="module", params=list(MODELS))
def response(request, sample):
    return PurchaseResponse(fitted(request.param, sample), sample[0], PRICES, np.random.default_rng(1), max_rows=10**6)


def average(response, X):
    return response.model.predict_proba(X)[:, 1].mean()


def by_hand(response, X, price, change):
    """The elasticity by moving the columns themselves; ``change`` says what a price makes of them."""
    h = 1e-5
    up, down = (average(response, X.assign(**change(price * (1 + s)))) for s in (h, -h))
    return (np.log(up) - np.log(down)) / np.log((1 + h) / (1 - h))


def test_all_prices_together_in_a_segment_with_promotion_set(response, sample):
    X = sample[0]
    mine = (X["last_brand"] == "a").to_numpy()
    few = X[mine].assign(promotion_a=1.0, promotion_b=1.0)
    share = X.loc[mine, PRICES].mean() / X.loc[mine, PRICES].mean().mean()
    curve = response.curve(rows=mine, promotion=1.0, grid=[1.5, 2.2])
    for at, probability, elasticity in zip(curve.price, curve.probability, curve.elasticity, strict=True):
        moved = few.assign(**{name: at * share[name] for name in PRICES})
        assert probability == pytest.approx(average(response, moved), rel=1e-9)
        found = by_hand(response, few, at, lambda p: {name: p * share[name] for name in PRICES})
        assert elasticity == pytest.approx(found, rel=1e-6)
    assert curve.observed == pytest.approx((X[mine][PRICES].mean(axis=1).min(), X[mine][PRICES].mean(axis=1).max()))


def test_the_price_of_one_alternative_moves_alone(response, sample):
    X = sample[0]
    curve = response.curve(moved="price_b", grid=[2.0])
    assert curve.probability[0] == pytest.approx(average(response, X.assign(price_b=2.0)), rel=1e-9)
    assert curve.elasticity[0] == pytest.approx(by_hand(response, X, 2.0, lambda p: {"price_b": p}), rel=1e-6)
    assert curve.observed == (X["price_b"].min(), X["price_b"].max())


def test_the_delta_method_is_the_gradient_by_every_parameter(response, sample):
    """By moving each parameter of the fitted model, the spread between customers among them."""
    final, X = response.final, sample[0]
    curve = response.curve(grid=[1.8])
    share = X[PRICES].mean() / X[PRICES].mean().mean()
    change = lambda p: {name: p * share[name] for name in PRICES}  # noqa: E731
    k = final.coef_.shape[1]
    kept = final.intercept_.copy(), final.coef_.copy(), getattr(final, "sigma_", None)
    gradient = []
    for j in range(len(final.covariance_)):
        h, found = 1e-4 * final.standard_errors_[j], []
        for sign in (1, -1):
            if j == 0:
                final.intercept_ = kept[0] + sign * h
            elif j <= k:
                final.coef_ = kept[1] + sign * h * np.eye(k)[j - 1]
            else:
                final.sigma_ = kept[2] + sign * h
            found.append(by_hand(response, X, 1.8, change))
            final.intercept_, final.coef_ = kept[:2]
            if kept[2] is not None:
                final.sigma_ = kept[2]
        gradient.append((found[0] - found[1]) / (2 * h))
    error = np.sqrt(np.array(gradient) @ final.covariance_ @ np.array(gradient))
    assert curve.standard_error[0] == pytest.approx(error, rel=2e-3)


def test_a_transformer_between_changes_nothing_but_the_way(sample):
    plain, scaled = fitted("logit", sample), fitted("logit", sample, scaled=True)
    one, other = (
        PurchaseResponse(model, sample[0], PRICES, np.random.default_rng(1)).curve(grid=[1.8])
        for model in (plain, scaled)
    )
    assert other.elasticity[0] == pytest.approx(one.elasticity[0], rel=1e-6)
    assert other.standard_error[0] == pytest.approx(one.standard_error[0], rel=1e-5)


@pytest.mark.parametrize("name", list(MODELS))
def test_the_two_intervals_agree(sample, name):
    """Forty refits on resampled customers have about the delta method's standard error."""
    X, y, customer = sample
    model = fitted(name, sample)
    refits = refitted(model, X, y, customer, 40, np.random.default_rng(2))
    response = PurchaseResponse(model, X, PRICES, np.random.default_rng(1), refits)
    delta, bootstrap = (response.curve(grid=[1.8], by_refits=one) for one in (False, True))
    assert bootstrap.elasticity[0] == pytest.approx(delta.elasticity[0], rel=1e-5)
    assert bootstrap.standard_error[0] == pytest.approx(delta.standard_error[0], rel=0.35)
    assert bootstrap.uncertainty == "40 refits on resampled customers"


def test_a_customer_who_is_drawn_twice_is_two(sample):
    """The resampled customers of a panel model are as many as there were."""
    X, y, customer = sample
    seen = []

    class Watched(RandomInterceptLogit):
        def fit(self, X, y, groups=None):
            seen.append(len(np.unique(groups)))
            return super().fit(X, y, groups=groups)

    model = make_pipeline(PanelTerms(("mean_price",)), Watched(points=5)).fit(X, y, watched__groups=customer)
    refits = refitted(model, X, y, customer, 2, np.random.default_rng(0))
    assert seen == [100, 100, 100]
    assert all(one.times.reshape(100, 12).std(axis=1).max() == 0 for one in refits)


def test_steps_need_refits(sample):
    X, y, _ = sample
    trees = HistGradientBoostingClassifier(max_iter=5, random_state=0)
    model = make_pipeline(PanelTerms(("price",)), trees).fit(X, y)
    response = PurchaseResponse(model, X, PRICES, np.random.default_rng(1))
    assert not response.smooth
    with pytest.raises(ValueError, match="two refits on resampled customers or more are needed"):
        response.curve()


def test_one_price_is_named(sample):
    X, y, _ = sample
    model = make_pipeline(PanelTerms(("mean_price",)), LogisticRegression()).fit(X, y)
    response = PurchaseResponse(model, X.assign(price_a=2.0), PRICES, np.random.default_rng(1))
    with pytest.raises(ValueError, match="every row has the price_a 2: there is no elasticity"):
        response.curve(moved="price_a")


def test_a_curve_on_one_side_of_a_level_says_so(response):
    curve = response.curve(points=9)
    assert curve.turns(5.0).kind == "below"
    assert curve.turns(-50.0).kind == "above"
    assert curve.turns(float(curve.at_mean[1])).kind == "falls"
