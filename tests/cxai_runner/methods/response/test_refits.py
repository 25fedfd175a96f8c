"""Refits on resampled customers: what fitting every model anew to their rows gives, whatever the shortcut."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import LogisticRegression

from cxai_runner.methods.choice import LatentClassLogit, NestedLogit
from cxai_runner.methods.mundlak import MundlakLogit
from cxai_runner.methods.quantity import (
    LinearQuantity,
    LogLinearQuantity,
    NegativeBinomialQuantity,
    PoissonQuantity,
    TruncatedNegativeBinomialQuantity,
)
from cxai_runner.methods.random_intercept import RandomInterceptLogit
from cxai_runner.methods.response import refits

from .conftest import World, chain

PARTS = {
    "usual": {},
    "inclusive value": {"incidence_terms": ["inclusive_value"]},
    "nested": {"choice": NestedLogit("auto", nests={"ab": ["a", "b"]}), "incidence_terms": ["inclusive_value"]},
    "latent classes": {
        "choice": LatentClassLogit({"price": "generic", "constants": True}, n_classes=2, n_init=1, random_state=0)
    },
    "random intercept": {"incidence": RandomInterceptLogit()},
    "mundlak": {"incidence": MundlakLogit()},
    "penalised": {"incidence": LogisticRegression(C=0.1, tol=1e-10)},
    "without weights": {"incidence": LinearDiscriminantAnalysis()},
    "poisson": {"quantity": PoissonQuantity()},
    "negative binomial": {"quantity": NegativeBinomialQuantity()},
    "truncated negative binomial": {"quantity": TruncatedNegativeBinomialQuantity()},
    "linear": {"quantity": LinearQuantity()},
    "log-linear": {"quantity": LogLinearQuantity()},
    "trees": {
        "quantity": HistGradientBoostingRegressor(loss="poisson", max_iter=5, random_state=0),
        "quantity_terms": ["price", "promotion"],
    },
}


def dispersed(seed=3):
    """Occasions on which units vary more than a Poisson's."""
    X, y, groups = World().drawn(customers=40, occasions=20, seed=seed)
    many = np.random.default_rng(seed).uniform(size=len(y)) < 0.2
    return X, y.assign(quantity=y["quantity"] * np.where(many, 3, 1)), groups


@pytest.mark.parametrize("name", PARTS)
@pytest.mark.filterwarnings("ignore")
def test_a_refit_is_a_fit_to_the_customers_drawn(name):
    X, y, groups = dispersed()
    model = chain(**PARTS[name]).fit(X, y, groups=groups)
    estimate, *draws = refits(model, X, y, groups, 2, np.random.default_rng(0))
    assert estimate.chain is model
    assert (estimate.times == 1).all()
    assert len(draws) == 2
    for draw in draws:
        assert draw.times.sum() == len(X)
        index = np.repeat(np.arange(len(X)), draw.times.astype(int))
        turn = np.concatenate([np.arange(int(one)) for one in draw.times])
        whose = groups[index] * 100 + turn
        full = chain(**PARTS[name]).fit(X.iloc[index], y.iloc[index], groups=whose)
        ours, theirs = draw.chain.forecast(X), full.forecast(X)
        slack = 2e-3 if name in ("latent classes",) else 1e-6
        np.testing.assert_allclose(ours.units, theirs.units, rtol=slack)
        assert not np.allclose(ours.units, model.forecast(X).units, rtol=1e-3)


def test_the_estimate_stays_as_it_is(rows, fitted):
    X, y, groups = rows
    before = fitted.predict(X)
    refits(fitted, X, y, groups, 3, np.random.default_rng(0))
    assert fitted.predict(X).equals(before)


def test_the_number_of_threads_changes_nothing(rows, fitted):
    X, y, groups = rows
    one, two = (refits(fitted, X, y, groups, 4, np.random.default_rng(5), threads=n) for n in (1, 2))
    for left, right in zip(one, two, strict=True):
        np.testing.assert_array_equal(left.times, right.times)
        np.testing.assert_array_equal(left.chain.forecast(X).units, right.chain.forecast(X).units)


def test_a_resample_without_an_estimate_is_left_out():
    """A brand that one customer alone ever bought is in no resample without that customer."""
    X, y, groups = World(constants=(0.0, 0.5, -60.0)).drawn(customers=30, occasions=20, seed=4)
    mine = np.flatnonzero((groups == 7) & (y["incidence"] == 1))[:2]
    y.loc[mine, "brand"] = "c"
    model = chain(quantity_terms=["price"]).fit(X, y, groups=groups)
    draws = refits(model, X, y, groups, 20, np.random.default_rng(0))
    assert 5 < len(draws) < 20
    assert all(draw.times[groups == 7].min() > 0 for draw in draws)


def test_whoever_watches_hears_of_each_and_may_stop(rows, fitted):
    X, y, groups = rows
    heard = []

    def done(number):
        heard.append(number)
        return number < 3

    assert len(refits(fitted, X, y, groups, 10, np.random.default_rng(0), done=done)) == 4
    assert heard == [1, 2, 3]
