"""Tests of equidispersion: the regression they are, their size, and their power."""

from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm
from scipy import stats

from cxai_runner.methods.quantity import PoissonQuantity, TruncatedPoissonQuantity, cameron_trivedi, truncated_score

from .conftest import simulate


def dispersed(form, rng, alpha=0.4, grouped=False, truncated=True):
    X, y, customer = simulate(form, rng, customers=100, occasions=6, alpha=alpha)
    groups = customer if grouped else None
    if not truncated:
        return cameron_trivedi(y, PoissonQuantity().fit(X, y).predict(X), groups=groups)
    model = TruncatedPoissonQuantity().fit(X, y)
    return truncated_score(y, np.log(model.location(X)), X, groups=groups)


@pytest.mark.parametrize("variance", ["NB1", "NB2"])
@pytest.mark.parametrize("clustered", [False, True])
def test_it_is_a_regression_without_a_constant(variance, clustered):
    """((y − μ)² − y) / μ on μ or on 1, by statsmodels."""
    X, y, customer = simulate("negative_binomial", np.random.default_rng(1))
    mu = PoissonQuantity().fit(X, y).predict(X)
    regressor = mu if variance == "NB2" else np.ones_like(mu)
    cluster = {"cov_type": "cluster", "cov_kwds": {"groups": customer, "use_correction": False}}
    other = sm.OLS(((y - mu) ** 2 - y) / mu, regressor).fit(**(cluster if clustered else {}))
    ours = cameron_trivedi(y, mu, variance=variance, groups=customer if clustered else None)
    assert ours.alpha == pytest.approx(other.params[0], rel=1e-10)
    assert ours.z == pytest.approx(other.tvalues[0], rel=1e-9)
    assert ours.p == pytest.approx(2 * stats.norm.sf(abs(ours.z)), rel=1e-9)


@pytest.mark.parametrize("truncated", [False, True])
def test_overdispersion_is_found(truncated):
    form = "truncated_negative_binomial" if truncated else "negative_binomial"
    test = dispersed(form, np.random.default_rng(2), truncated=truncated, grouped=True)
    assert test.verdict == "more"
    assert test.z > 3


def test_purchases_of_a_poisson_vary_less_where_nothing_is_left_out():
    """The reason for the second test: truncation alone looks like underdispersion to the first."""
    X, y, _ = simulate("truncated_poisson", np.random.default_rng(3), customers=200)
    assert cameron_trivedi(y, PoissonQuantity().fit(X, y).predict(X)).verdict == "less"
    model = TruncatedPoissonQuantity().fit(X, y)
    assert truncated_score(y, np.log(model.location(X)), X).verdict == "cannot tell"


@pytest.mark.parametrize("truncated", [False, True])
def test_the_size_is_right(truncated):
    """Of 200 simulated Poissons about 5 % are called dispersed: as many as a binomial allows at 99.9 %."""
    rng = np.random.default_rng(4)
    form = "truncated_poisson" if truncated else "poisson"
    wrong = sum(dispersed(form, rng, truncated=truncated).verdict != "cannot tell" for _ in range(200))
    low, high = stats.binom.ppf([0.0005, 0.9995], 200, 0.05)
    assert low <= wrong <= high
