"""Mundlak's form: within and between customers told apart, and predictions that take nothing but the row."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

from cxai_runner.methods.errors import LogitError
from cxai_runner.methods.logit import BinomialLogit
from cxai_runner.methods.mundlak import MundlakLogit

from .simulated import TRUTH, bounds, occasions


@pytest.fixture(scope="module")
def sample():
    return occasions(np.random.default_rng(1), customers=100, sigma=0.0, between=0.8)


@pytest.fixture(scope="module")
def fitted(sample):
    X, y, customer = sample
    return MundlakLogit().fit(X, y, groups=customer)


def test_it_is_the_logit_with_the_customers_means(sample, fitted):
    """statsmodels on the terms and their means, clustered by customer."""
    X, y, customer = sample
    means = X.groupby(customer).transform("mean").add_prefix("mean of ")
    design = sm.add_constant(pd.concat([X, means], axis=1))
    theirs = sm.Logit(y, design).fit(disp=0, tol=1e-12, cov_type="cluster", cov_kwds={"groups": customer})
    table = fitted.within_and_between()
    np.testing.assert_allclose(table["within"], theirs.params[X.columns], rtol=1e-7)
    np.testing.assert_allclose(table["difference"], theirs.params[means.columns], rtol=1e-6)
    np.testing.assert_allclose(table["difference_p"], theirs.pvalues[means.columns], rtol=1e-5)
    np.testing.assert_allclose(table["within_low"], theirs.conf_int()[0][X.columns], rtol=1e-6)
    assert fitted.log_likelihood_ == pytest.approx(theirs.llf, rel=1e-10)
    wald = theirs.wald_test(np.eye(5)[3:], scalar=True)
    assert fitted.wald_[0] == pytest.approx(float(wald.statistic), rel=1e-6)
    assert fitted.wald_[1:] == (2, pytest.approx(float(wald.pvalue), rel=1e-5))


def test_the_effect_within_is_found_where_the_plain_one_is_not(sample):
    """Customers who meet high prices buy more: the plain coefficient is off, the one within a customer is not."""
    X, y, customer = occasions(np.random.default_rng(4), customers=1500, sigma=0.0, between=0.8)
    within = MundlakLogit().fit(X, y, groups=customer)
    assert within.coef_[0, 0] == pytest.approx(TRUTH[1], abs=0.1)
    assert BinomialLogit().fit(X, y).coef_[0, 0] > TRUTH[1] + 0.2
    assert within.within_and_between().loc["mean_price", "difference"] == pytest.approx(0.8, abs=0.15)
    assert within.wald_[2] < 0.001


def test_a_row_is_predicted_from_itself_with_the_training_means(sample, fitted):
    X, y, customer = sample
    alone = fitted.predict_proba(X.iloc[[3]])
    np.testing.assert_array_equal(alone, fitted.predict_proba(X)[[3]])
    shift = fitted.within_and_between()["difference"].to_numpy() @ X.mean().to_numpy()
    means = X.groupby(customer).transform("mean").add_prefix("m_")
    whole = BinomialLogit().fit(pd.concat([X, means], axis=1), y)
    assert fitted.intercept_[0] == pytest.approx(whole.intercept_[0] + shift, rel=1e-9)


def test_means_of_what_customers_did_are_not_added(sample):
    """The mean of a previous purchase tells of the customer's outcomes; a price's does not."""
    X, y, customer = sample
    before = pd.Series(y).groupby(customer).shift(1).fillna(0).to_numpy()
    more = X.assign(previous_purchase=before, **{"mean_price:previous_purchase": X["mean_price"] * before})
    model = MundlakLogit().fit(more, y, groups=customer)
    assert list(model.within_and_between().index) == ["mean_price", "mean_promotion"]
    named = MundlakLogit(between=["mean_price"]).fit(X, y, groups=customer)
    assert list(named.within_and_between().index) == ["mean_price"]


def test_what_cannot_be_told_apart_is_left_out_and_named(sample):
    X, y, customer = sample
    own = X["mean_price"].groupby(customer).transform("first")
    same = np.tile(np.linspace(1, 2, 10), 100)
    model = MundlakLogit().fit(X.assign(price_own=own, price_same=same), y, groups=customer)
    assert model.left_out_ == ("price_own", "price_same")
    assert model.between_only_ == ("price_own",)
    nothing = MundlakLogit(between=["price_same"]).fit(X.assign(price_same=same), y, groups=customer)
    assert nothing.within_and_between().empty
    assert np.isnan(nothing.wald_[0])
    np.testing.assert_allclose(nothing.coef_, BinomialLogit().fit(X.assign(price_same=same), y).coef_, rtol=1e-9)


def test_covers_the_truth():
    """The count of intervals that hold the effects within, and those between, lies within the binomial's bounds."""
    rng, held, simulations = np.random.default_rng(12), np.zeros(3), 60
    truth = np.array([TRUTH[1], TRUTH[2], 0.8])
    for _ in range(simulations):
        X, y, customer = occasions(rng, sigma=0.0, between=0.8)
        table = MundlakLogit(between=["mean_price"]).fit(X, y, groups=customer)
        within, apart = table.summary_frame(), table.within_and_between().loc["mean_price"]
        low = [within["low"].iloc[1], within["low"].iloc[2], apart["difference_low"]]
        high = [within["high"].iloc[1], within["high"].iloc[2], apart["difference_high"]]
        held += (np.array(low) < truth) & (truth < np.array(high))
    low, high = bounds(simulations, 3)
    assert ((held >= low) & (held <= high)).all(), f"{held} not within [{low}, {high}]"


@pytest.mark.parametrize(
    ("options", "kind", "message"),
    [
        ({"covariance": "robust"}, ValueError, "must be 'clustered' or 'classical', not 'robust'"),
        ({"between": ["income"]}, ValueError, "between names 'income', which is none of the terms mean_price"),
    ],
)
def test_a_wrong_option_is_named(sample, options, kind, message):
    X, y, customer = sample
    with pytest.raises(kind, match=message):
        MundlakLogit(**options).fit(X, y, groups=customer)


def test_separation_is_said(sample):
    X, y, customer = sample
    with pytest.raises(LogitError, match="perfectly separated by told"):
        MundlakLogit().fit(X.assign(told=y), y, groups=customer)
