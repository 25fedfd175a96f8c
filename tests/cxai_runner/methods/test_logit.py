"""The binomial logit: an independent package, clustered intervals, and errors that help."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.estimator_checks import parametrize_with_checks

from cxai_runner.methods.logit import BinomialLogit

SEPARABLE = "the check's own data are perfectly separated, which is refused unless on_separation='warn'"
ON_SEPARABLE_DATA = [
    "check_classifiers_classes",
    "check_dict_unchanged",
    "check_dont_overwrite_parameters",
    "check_estimators_fit_returns_self",
    "check_estimators_overwrite_params",
    "check_estimators_pickle",
    "check_f_contiguous_array_estimator",
    "check_fit2d_1feature",
    "check_fit2d_predict1d",
    "check_methods_sample_order_invariance",
    "check_methods_subset_invariance",
    "check_non_transformer_estimators_n_iter",
    "check_pipeline_consistency",
    "check_positive_only_tag_during_fit",
    "check_readonly_memmap_input",
]


def expected_failures(estimator: BinomialLogit) -> dict[str, str]:
    return dict.fromkeys(ON_SEPARABLE_DATA, SEPARABLE) if estimator.on_separation == "raise" else {}


@parametrize_with_checks(
    [BinomialLogit(), BinomialLogit(on_separation="warn")], expected_failed_checks=expected_failures
)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.SkipTestWarning")
def test_scikit_learn_conventions(estimator, check):
    check(estimator)


def simulate(rng, customers=120, occasions=20, beta=(0.4, -1.2, 0.7), spread=0.0):
    n = customers * occasions
    X = pd.DataFrame({"price": rng.uniform(0.5, 2.5, n), "promotion": rng.integers(0, 2, n).astype(float)})
    customer = np.repeat(np.arange(customers), occasions)
    own = np.repeat(rng.normal(0, spread, customers), occasions)
    linear = beta[0] + X.to_numpy() @ np.array(beta[1:]) + own
    return X, (rng.uniform(size=n) < 1 / (1 + np.exp(-linear))).astype(int), customer


@pytest.fixture(scope="module")
def sample():
    return simulate(np.random.default_rng(3), spread=1.0)


@pytest.mark.parametrize("clustered", [False, True])
def test_agrees_with_statsmodels(sample, clustered):
    """statsmodels' Logit: same maximum, same classical and clustered standard errors, with the same correction."""
    X, y, customer = sample
    options = {"cov_type": "cluster", "cov_kwds": {"groups": customer}} if clustered else {}
    other = sm.Logit(y, sm.add_constant(X)).fit(disp=0, tol=1e-12, **options)
    ours = BinomialLogit().fit(X, y, groups=customer if clustered else None)
    table = ours.summary_frame()
    assert ours.covariance_type_ == ("clustered" if clustered else "classical")
    np.testing.assert_allclose(table["coefficient"], other.params, rtol=1e-8)
    np.testing.assert_allclose(table["standard_error"], other.bse, rtol=1e-7)
    np.testing.assert_allclose(table["z"], other.tvalues, rtol=1e-7)
    np.testing.assert_allclose(table["p"], other.pvalues, rtol=1e-5, atol=1e-300)
    np.testing.assert_allclose(table[["low", "high"]], other.conf_int(), rtol=1e-7)
    assert ours.log_likelihood_ == pytest.approx(other.llf, rel=1e-12)
    # statsmodels finds the intercept-only maximum by iteration, to about nine digits; ours is the closed form.
    share = y.mean()
    closed = len(y) * (share * np.log(share) + (1 - share) * np.log(1 - share))
    assert ours.null_log_likelihood_ == pytest.approx(closed, rel=1e-14)
    assert ours.null_log_likelihood_ == pytest.approx(other.llnull, rel=1e-8)
    assert ours.mcfadden_r2_ == pytest.approx(1 - other.llf / closed, rel=1e-10)


def test_the_score_is_zero_at_the_maximum(sample):
    X, y, _ = sample
    design = sm.add_constant(X).to_numpy()
    residual = y - BinomialLogit().fit(X, y).predict_proba(X)[:, 1]
    np.testing.assert_allclose(design.T @ residual, 0, atol=1e-8)


def test_clustered_intervals_cover_where_classical_ones_do_not():
    """Prices that differ between customers only, and customers that differ: the effective sample is the customers."""
    rng = np.random.default_rng(5)
    covered = {"classical": 0, "clustered": 0}
    for _ in range(100):
        customers, occasions = 60, 30
        price = np.repeat(rng.uniform(0.5, 2.5, customers), occasions)
        own = np.repeat(rng.normal(0, 0.6, customers), occasions)
        y = (rng.uniform(size=len(price)) < 1 / (1 + np.exp(-(0.5 - 0.8 * price + own)))).astype(int)
        # What the marginal model estimates is shrunk by the spread between customers, by about this factor.
        truth = -0.8 / np.sqrt(1 + 0.346 * 0.36)
        for kind, groups in (("classical", None), ("clustered", np.repeat(np.arange(customers), occasions))):
            row = BinomialLogit().fit(price[:, None], y, groups=groups).summary_frame().loc["x0"]
            covered[kind] += row["low"] < truth < row["high"]
    assert covered["clustered"] >= 88
    assert covered["classical"] <= 75


@settings(max_examples=25, deadline=None)
@given(scale=st.floats(1e-3, 1e3), shift=st.floats(-1e3, 1e3), seed=st.integers(0, 50))
def test_units_of_a_column_change_nothing_but_its_coefficient(scale, shift, seed):
    X, y, _ = simulate(np.random.default_rng(seed), customers=20)
    one, other = BinomialLogit().fit(X, y), BinomialLogit().fit(X.assign(price=X["price"] * scale + shift), y)
    assert other.coef_[0, 0] * scale == pytest.approx(one.coef_[0, 0], rel=1e-5)
    assert other.standard_errors_[1] * scale == pytest.approx(one.standard_errors_[1], rel=1e-5)
    assert other.log_likelihood_ == pytest.approx(one.log_likelihood_, rel=1e-9)


def test_swapping_the_outcome_turns_the_signs(sample):
    X, y, customer = sample
    one, other = BinomialLogit().fit(X, y, groups=customer), BinomialLogit().fit(X, 1 - y, groups=customer)
    np.testing.assert_allclose(one.coef_, -other.coef_, rtol=1e-9)
    np.testing.assert_allclose(one.covariance_, other.covariance_, rtol=1e-8)


def test_outcomes_may_be_words(sample):
    X, y, _ = sample
    words = np.where(y == 1, "yes", "no")
    fitted = BinomialLogit().fit(X, words)
    assert list(fitted.classes_) == ["no", "yes"]
    np.testing.assert_array_equal(fitted.predict(X) == "yes", BinomialLogit().fit(X, y).predict(X) == 1)


def test_perfect_separation_names_the_column(sample):
    X, y, _ = sample
    with pytest.raises(ValueError, match=r"perfectly separated by told:.*use a penalised logit"):
        BinomialLogit().fit(X.assign(told=y), y)


def test_quasi_separation_is_separation(sample):
    """A dummy that occurs with purchases only drives its coefficient to infinity although other rows overlap."""
    X, y, _ = sample
    rare = np.zeros(len(y))
    rare[np.flatnonzero(y == 1)[:5]] = 1
    with pytest.raises(ValueError, match="perfectly separated by rare"):
        BinomialLogit().fit(X.assign(rare=rare), y)


def test_separation_can_be_a_warning_without_standard_errors(sample):
    X, y, _ = sample
    with pytest.warns(ConvergenceWarning, match="perfectly separated by told"):
        fitted = BinomialLogit(on_separation="warn").fit(X.assign(told=y), y)
    assert np.isnan(fitted.standard_errors_).all()
    np.testing.assert_array_equal(fitted.predict(X.assign(told=y)), y)


def test_collinear_columns_are_named(sample):
    X, y, _ = sample
    doubled = X.assign(both=X["price"] + 2 * X["promotion"], other=np.arange(len(X)) % 7)
    with pytest.raises(ValueError, match=r"collinear columns.*price, promotion, both; leave one"):
        BinomialLogit().fit(doubled, y)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda X, y: (X.assign(fixed=3.0), y), "constant column, collinear with the intercept: fixed; leave it out"),
        (lambda X, y: (X, np.ones(len(y))), "one class only, 1.0: a logit needs both outcomes"),
        (lambda X, y: (X, np.arange(len(y)) % 3), "3 different values; a binomial logit needs two"),
        (lambda X, y: (X.assign(price=X["price"].where(X["price"] > 1)), y), "contains NaN"),
    ],
)
def test_what_cannot_be_fitted_is_said(sample, change, message):
    X, y, _ = sample
    with pytest.raises(ValueError, match=message):
        BinomialLogit().fit(*change(X, y))


def test_one_group_is_no_cluster(sample):
    X, y, _ = sample
    with pytest.raises(ValueError, match="at least two customers"):
        BinomialLogit().fit(X, y, groups=np.zeros(len(y)))


def test_a_wrong_option_is_named(sample):
    X, y, _ = sample
    with pytest.raises(ValueError, match="on_separation must be 'raise' or 'warn', not 'ignore'"):
        BinomialLogit(on_separation="ignore").fit(X, y)


def test_too_few_steps_are_a_warning(sample):
    X, y, _ = sample
    with pytest.warns(ConvergenceWarning, match="after 1 steps; raise max_iter"):
        BinomialLogit(max_iter=1).fit(X, y)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        BinomialLogit().fit(X, y)
