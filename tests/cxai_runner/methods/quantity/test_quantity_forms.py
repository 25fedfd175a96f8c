"""The forms of quantity: scikit-learn's conventions, an independent package's numbers, and errors that help."""

from __future__ import annotations

import pickle
import warnings

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.estimator_checks import parametrize_with_checks
from statsmodels.discrete.truncated_model import TruncatedLFNegativeBinomialP, TruncatedLFPoisson

from cxai_runner.methods.quantity import (
    LinearQuantity,
    LogLinearQuantity,
    NegativeBinomialQuantity,
    PoissonQuantity,
    QuantityError,
    QuantityWarning,
    TruncatedNegativeBinomialQuantity,
    TruncatedPoissonQuantity,
)
from cxai_runner.methods.quantity.likelihood import negative_binomial, overdispersion_score, poisson

from .conftest import simulate

FORMS = {
    "linear": LinearQuantity,
    "log_linear": LogLinearQuantity,
    "poisson": PoissonQuantity,
    "negative_binomial": NegativeBinomialQuantity,
    "truncated_poisson": TruncatedPoissonQuantity,
    "truncated_negative_binomial": TruncatedNegativeBinomialQuantity,
}


def expected_failures(estimator):
    if type(estimator) is not LinearQuantity:
        return {}
    return {"check_regressors_no_decision_function": "the check's own quantities are a column of X, which is refused"}


@parametrize_with_checks([form() for form in FORMS.values()], expected_failed_checks=expected_failures)
@pytest.mark.filterwarnings("ignore::cxai_runner.methods.quantity.QuantityWarning")
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.SkipTestWarning")
def test_scikit_learn_conventions(estimator, check):
    check(estimator)


def by_differences(score, params, step=1e-3):
    """The derivative of a score to about twelve digits, by central differences over five points.

    Of truncated counts statsmodels differentiates its log-likelihood twice, which leaves six digits or fewer.
    """
    columns = []
    for unit in np.eye(len(params)) * step:
        near, far = (score(params + k * unit) - score(params - k * unit) for k in (1, 2))
        columns.append((8 * near - far) / (12 * step))
    found = np.stack(columns)
    return (found + found.T) / 2


def theirs(form, y, X, **options):
    """The same model in statsmodels, at its maximum."""
    design = sm.add_constant(X)
    if form == "linear":
        return sm.OLS(y, design).fit(**options)
    if form == "log_linear":
        return sm.OLS(np.log(y), design).fit(**options)
    kinds = {
        "poisson": sm.Poisson,
        "negative_binomial": sm.NegativeBinomial,
        "truncated_poisson": TruncatedLFPoisson,
        "truncated_negative_binomial": TruncatedLFNegativeBinomialP,
    }
    model = kinds[form](y, design)
    if form.startswith("truncated"):
        model.hessian = lambda params: by_differences(model.score, params)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        near = model.fit(disp=0, method="bfgs", maxiter=5000, gtol=1e-9)
        return model.fit(start_params=near.params, disp=0, method="bfgs", maxiter=5000, gtol=1e-10, **options)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("kind", ["classical", "robust", "clustered"])
def test_agrees_with_statsmodels(form, kind):
    """Coefficients, dispersion, log-likelihood and three kinds of standard errors, to 1e-6."""
    X, y, customer = simulate(form, np.random.default_rng(3), customers=100, occasions=15)
    options = {
        "classical": {},
        "robust": {"cov_type": "HC0"},
        "clustered": {"cov_type": "cluster", "cov_kwds": {"groups": customer}},
    }[kind]
    other = theirs(form, y, X, **options)
    covariance = "robust" if kind == "robust" else "classical"
    ours = FORMS[form](covariance=covariance).fit(X, y, groups=customer if kind == "clustered" else None)
    table = ours.summary_frame()
    n, p = len(y), len(table)
    # Ours has the correction n / (n − p) of small samples, which statsmodels has for least squares alone (HC1).
    factor = np.sqrt(n / (n - p)) if kind == "robust" else 1.0
    assert ours.covariance_type_ == kind
    np.testing.assert_allclose(table["coefficient"], other.params, rtol=1e-6, atol=1e-7)
    np.testing.assert_allclose(table["standard_error"], other.bse * factor, rtol=1e-6)
    assert ours.log_likelihood_ == pytest.approx(other.llf, rel=1e-10)


@pytest.mark.parametrize("form", ["poisson", "negative_binomial", "truncated_poisson", "truncated_negative_binomial"])
def test_the_score_is_zero_at_the_maximum(form):
    X, y, _ = simulate(form, np.random.default_rng(5))
    model = FORMS[form]().fit(X, y)
    eta, truncated = np.log(model.location(X)), form.startswith("truncated")
    if "poisson" in form:
        pieces = poisson(y, eta, truncated=truncated)
    else:
        pieces = negative_binomial(y, eta, np.log(model.dispersion_), truncated=truncated)
        assert abs(pieces.first[1].sum()) < 1e-7
    np.testing.assert_allclose(sm.add_constant(X).T @ pieces.first[0], 0, atol=1e-7)
    assert pieces.value.sum() == pytest.approx(model.log_likelihood_, rel=1e-12)


@pytest.mark.parametrize("truncated", [False, True])
@pytest.mark.parametrize(("eta", "tau"), [(0.7, -0.5), (-2.0, 1.0), (2.5, -6.0)])
def test_derivatives_are_those_of_the_likelihood(truncated, eta, tau):
    """Gradient and Hessian against central differences of value and gradient."""
    y = np.array([1.0, 2.0, 3.0, 7.0, 19.0])
    here = np.full(len(y), eta)
    step = 1e-5
    kinds = {
        1: lambda e, t: poisson(y, e, truncated=truncated),
        2: lambda e, t: negative_binomial(y, e, t, truncated=truncated),
    }
    for m, of in kinds.items():
        pieces = of(here, tau)
        ups = [of(here + step, tau), of(here, tau + step)][:m]
        downs = [of(here - step, tau), of(here, tau - step)][:m]
        first = np.stack([(up.value - down.value) / (2 * step) for up, down in zip(ups, downs, strict=True)])
        second = np.stack([(up.first - down.first) / (2 * step) for up, down in zip(ups, downs, strict=True)])
        np.testing.assert_allclose(pieces.first, first, rtol=1e-6, atol=1e-7)
        np.testing.assert_allclose(pieces.second, second, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("truncated", [False, True])
def test_the_score_of_overdispersion_is_the_limit_of_the_likelihoods(truncated):
    """At α = 0 the derivative by α is a difference between the negative binomial near it and the Poisson."""
    y, eta, alpha = np.array([1.0, 2.0, 5.0, 12.0]), np.array([0.1, 0.5, 1.0, 2.0]), 1e-5
    score, slope = overdispersion_score(y, eta, truncated=truncated)
    nearly = negative_binomial(y, eta, np.log(alpha), truncated=truncated).value
    exactly = poisson(y, eta, truncated=truncated).value
    np.testing.assert_allclose((nearly - exactly) / alpha, score, rtol=2e-3, atol=1e-3)
    steeper = overdispersion_score(y, eta + 1e-6, truncated=truncated)[0]
    np.testing.assert_allclose((steeper - score) / 1e-6, slope, rtol=1e-4, atol=1e-4)


def test_smearing_tells_units():
    """The mean of exp(residual): what is expected comes true in the sample as a whole, where exp(x·b) falls short."""
    X, y, _ = simulate("log_linear", np.random.default_rng(2), customers=400)
    model = LogLinearQuantity().fit(X, y)
    residual = np.log(y) - X.to_numpy() @ model.coef_ - model.intercept_
    assert model.smearing_ == pytest.approx(np.exp(residual).mean(), rel=1e-12)
    assert model.smearing_ == pytest.approx(np.exp(0.8**2 / 2), rel=0.05)
    assert model.predict(X).mean() == pytest.approx(y.mean(), rel=0.02)
    assert np.exp(model.location(X)).mean() < 0.8 * y.mean()


def test_the_linear_form_says_how_much_it_explains():
    X, y, _ = simulate("linear", np.random.default_rng(2))
    other = sm.OLS(y, sm.add_constant(X)).fit()
    model = LinearQuantity().fit(X, y)
    assert model.r2_ == pytest.approx(other.rsquared, rel=1e-12)
    assert model.shape_ == pytest.approx(np.sqrt(other.mse_resid), rel=1e-12)


@pytest.mark.parametrize("form", ["truncated_poisson", "truncated_negative_binomial"])
def test_expected_units_are_those_of_the_law(form):
    """Σ q·P(q), and the derivative that the elasticity takes."""
    X, y, _ = simulate(form, np.random.default_rng(7))
    model = FORMS[form]().fit(X, y)
    counts = np.arange(1, 400.0)
    few = X.head(4)
    each = np.exp(np.stack([model.log_probability(few, np.full(4, q)) for q in counts]))
    np.testing.assert_allclose(model.predict(few), counts @ each, rtol=1e-10)
    eta = np.log(model.location(few))
    up, down = (model.mean(np.exp(eta + step), model.shape_) for step in (1e-6, -1e-6))
    np.testing.assert_allclose(model.slope(np.exp(eta), model.shape_), (up - down) / 2e-6, rtol=1e-7)


@pytest.mark.parametrize("form", ["negative_binomial", "truncated_negative_binomial"])
def test_counts_that_vary_little_are_a_poisson_with_a_warning(form):
    X, _, customer = simulate("poisson", np.random.default_rng(4))
    y = np.round(np.exp(1.5 - 0.3 * X["price"])) + 1
    poissons = {"negative_binomial": PoissonQuantity, "truncated_negative_binomial": TruncatedPoissonQuantity}
    with pytest.warns(QuantityWarning, match="the dispersion is 0, and the fit is that of the Poisson"):
        model = FORMS[form]().fit(X, y, groups=customer)
    assert model.dispersion_ == 0.0
    assert "dispersion" not in model.summary_frame().index
    other = poissons[form]().fit(X, y, groups=customer)
    np.testing.assert_array_equal(model.predict(X), other.predict(X))
    np.testing.assert_allclose(model.log_probability(X, y), other.log_probability(X, y))


def test_robust_standard_errors_are_right_where_classical_ones_are_not():
    """A Poisson of overdispersed counts: the coefficient varies as the robust error says."""
    estimates, errors = [], {"classical": [], "robust": []}
    rng = np.random.default_rng(8)
    for _ in range(150):
        X, y, _ = simulate("negative_binomial", rng, alpha=1.0)
        for kind, found in errors.items():
            model = PoissonQuantity(covariance=kind).fit(X, y)
            found.append(model.standard_errors_[1])
        estimates.append(model.coef_[0])
    spread = np.std(estimates, ddof=1)
    assert np.mean(errors["robust"]) == pytest.approx(spread, rel=0.15)
    assert np.mean(errors["classical"]) < 0.75 * spread


@settings(max_examples=20, deadline=None)
@given(scale=st.floats(1e-2, 1e2), shift=st.floats(-50, 50), form=st.sampled_from(sorted(FORMS)))
def test_units_of_a_column_change_nothing_but_its_coefficient(scale, shift, form):
    X, y, _ = simulate(form, np.random.default_rng(1), customers=30)
    one, other = FORMS[form]().fit(X, y), FORMS[form]().fit(X.assign(price=X["price"] * scale + shift), y)
    assert other.coef_[0] * scale == pytest.approx(one.coef_[0], rel=1e-6)
    assert other.standard_errors_[1] * scale == pytest.approx(one.standard_errors_[1], rel=1e-6)
    np.testing.assert_allclose(other.standard_errors_[2:], one.standard_errors_[2:], rtol=1e-6)


@pytest.fixture(scope="module")
def sample():
    return simulate("truncated_poisson", np.random.default_rng(3))


@pytest.mark.parametrize(
    ("model", "change", "message"),
    [
        (PoissonQuantity(), lambda X, y: (X.assign(fixed=3.0), y), "the same on every row: fixed; leave it out"),
        (
            LinearQuantity(),
            lambda X, y: (X.assign(both=X["price"] + 2 * X["promotion"]), y),
            r"collinear columns.*price, promotion, both; leave one of them out",
        ),
        (TruncatedPoissonQuantity(), lambda X, y: (X, y - 1), "a quantity of 0, and a zero-truncated Poisson model"),
        (PoissonQuantity(), lambda X, y: (X, y - 3), "a quantity of -2, and a Poisson model takes 0 or more"),
        (LogLinearQuantity(), lambda X, y: (X, y - 1), "a quantity of 0 has no logarithm; leave out rows"),
        (TruncatedPoissonQuantity(), lambda X, y: (X, y * 0 + 1), "every quantity is 1: the likelihood"),
        (PoissonQuantity(), lambda X, y: (X, y * 0), "every quantity is 0: the likelihood"),
        (LinearQuantity(), lambda X, y: (X, y * 0 + 2), "nothing is left to explain"),
        (LinearQuantity(), lambda X, y: (X.head(3), y[:3]), "3 rows for 3 coefficients; bring more rows"),
    ],
)
def test_what_cannot_be_fitted_is_said(sample, model, change, message):
    X, y, _ = sample
    with pytest.raises(QuantityError, match=message):
        model.fit(*change(X, y))


@pytest.mark.parametrize("form", ["truncated_poisson", "truncated_negative_binomial"])
def test_a_segment_that_always_buys_one_unit_is_named(sample, form):
    """The rate of such rows falls for ever: no maximum, and the term is told with what to do."""
    X, y, _ = sample
    rare = np.zeros(len(y))
    rare[np.flatnonzero(y == 1)[:10]] = 1
    with pytest.raises(
        QuantityError, match=r"^10 rows are told without error by rare: all their quantities are 1"
    ) as caught:
        FORMS[form]().fit(X.assign(rare=rare), y)
    assert caught.value.columns == ("rare",)
    assert caught.value.remedy == "leave the term out, or merge rare values"


def test_a_dispersion_without_bound_is_told():
    """Quantities with more ones and a longer tail than any truncated negative binomial has."""
    rng = np.random.default_rng(0)
    price = rng.uniform(1, 2, 3000)
    y = np.where(rng.random(3000) < 0.97, 1.0, rng.integers(60, 90, 3000))
    with pytest.raises(QuantityError, match=r"dispersion of the quantities rises without bound.*take the negative"):
        TruncatedNegativeBinomialQuantity().fit(price[:, None], y)


def test_one_customer_is_no_cluster(sample):
    X, y, _ = sample
    with pytest.raises(QuantityError, match="at least two customers"):
        PoissonQuantity().fit(X, y, groups=np.zeros(len(y)))


def test_a_wrong_option_is_named(sample):
    X, y, _ = sample
    with pytest.raises(ValueError, match="covariance must be 'classical' or 'robust', not 'hc3'"):
        PoissonQuantity(covariance="hc3").fit(X, y)


def test_too_few_steps_are_a_warning(sample):
    X, y, _ = sample
    with pytest.warns(ConvergenceWarning, match="after 1 steps; raise max_iter"):
        TruncatedPoissonQuantity(max_iter=1).fit(X, y)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        TruncatedPoissonQuantity().fit(X, y)


def test_an_error_travels_to_another_process():
    error = QuantityError("told", "mend", ("price",))
    again = pickle.loads(pickle.dumps(error))
    assert (str(again), again.columns) == ("told; mend", ("price",))


@pytest.mark.parametrize("alpha", [0.0, 0.5])
def test_a_rate_of_nothing_is_a_purchase_of_one_unit(alpha: float) -> None:
    """So high a price that the rate is no number above zero: given a purchase, its limit, and not 0 / 0."""
    model = TruncatedPoissonQuantity() if alpha == 0 else TruncatedNegativeBinomialQuantity()
    rates = np.array([0.0, 1e-308, 1e-12])
    np.testing.assert_allclose(model.mean(rates, alpha), 1.0, atol=1e-9)
    np.testing.assert_allclose(model.slope(rates, alpha), 0.0, atol=1e-9)
