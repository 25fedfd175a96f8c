"""The conditional logit: independent packages, laws, and errors that help."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from statsmodels.discrete.conditional_models import ConditionalLogit as Grouped

from cxai_runner.methods.choice import ChoiceData, ChoiceError, ChoiceWarning, ConditionalLogit, NotIdentifiedError
from cxai_runner.methods.choice.likelihood import LogitLikelihood


def long_form(frame, y, columns=("price", "feature")):
    """Rows of occasion and alternative, with dummies for the constants."""
    parts = []
    for position, brand in enumerate("abc"):
        part = pd.DataFrame({name: frame[f"{name}_{brand}"] for name in columns})
        part["b"], part["c"] = float(position == 1), float(position == 2)
        parts.append(part.assign(occasion=np.arange(len(frame)), chosen=(y == brand).astype(float)))
    return pd.concat(parts, ignore_index=True)


def test_agrees_with_statsmodels(brands):
    """Conditional logit on the long form: same maximum, same standard errors."""
    X, y, _ = brands
    ours = ConditionalLogit("price + feature").fit(X, y)
    rows = long_form(X, y)
    other = Grouped(rows["chosen"], rows[["b", "c", "price", "feature"]], groups=rows["occasion"]).fit(
        disp=0, method="newton"
    )
    np.testing.assert_allclose(ours.coef_, other.params, rtol=1e-4)
    np.testing.assert_allclose(ours.standard_errors_, other.bse, rtol=1e-4)
    assert ours.log_likelihood_ == pytest.approx(other.llf, abs=1e-5)


@pytest.mark.parametrize("kind", ["classical", "robust", "clustered"])
def test_multinomial_logit_agrees_with_statsmodels(brands, kind):
    """Characteristics alone are the multinomial logit, whose sandwiches statsmodels knows."""
    X, y, customer = brands
    terms = {"price_a": "alternative", "income": "alternative"}
    ours = ConditionalLogit(terms, covariance=kind, alternatives="abc").fit(X, y, groups=customer)
    options = {
        "classical": {},
        "robust": {"cov_type": "HC0"},
        "clustered": {"cov_type": "cluster", "cov_kwds": {"groups": customer}},
    }[kind]
    codes = pd.Series(y).map({"a": 0, "b": 1, "c": 2}).to_numpy()
    other = sm.MNLogit(codes, sm.add_constant(X[["price_a", "income"]])).fit(disp=0, tol=1e-12, **options)
    theirs = pd.DataFrame(np.asarray(other.params), index=["constant", "price_a", "income"], columns=["b", "c"])
    # Theirs go alternative by alternative, and their clustered factor counts each parameter row by row as ours does.
    errors = pd.DataFrame(np.asarray(other.bse), index=theirs.index, columns=theirs.columns)
    for name, coefficient, error in zip(ours.parameter_names_, ours.coef_, ours.standard_errors_, strict=True):
        term, brand = name.rstrip("]").split("[")
        assert coefficient == pytest.approx(theirs.loc[term, brand], rel=1e-8)
        assert error == pytest.approx(errors.loc[term, brand], rel=1e-6)
    assert ours.covariance_type_ == kind
    assert ours.log_likelihood_ == pytest.approx(other.llf, rel=1e-12)
    assert ours.constants_log_likelihood_ == pytest.approx(other.llnull, rel=1e-8)
    assert ours.mcfadden_r2_ == pytest.approx(other.prsquared, rel=1e-6)


def test_derivatives_are_those_of_the_value(brands):
    X, y, _ = brands
    model = ConditionalLogit("price + feature | income").fit(X, y)
    data = ChoiceData.from_wide(X, "abc", choice=y, names=["price", "feature", "income"])
    likelihood = LogitLikelihood(model.layout(data).design(data), data.chosen)
    weights = np.random.default_rng(0).uniform(0.5, 2, len(y))
    beta, h = model.coef_ + 0.1, 1e-5
    _, gradient, information = likelihood.derivatives(beta, weights)
    steps = np.eye(len(beta)) * h
    numerical = [(likelihood.value(beta + s, weights) - likelihood.value(beta - s, weights)) / (2 * h) for s in steps]
    np.testing.assert_allclose(gradient, numerical, rtol=1e-6)
    second = [
        (likelihood.derivatives(beta + s, weights)[1] - likelihood.derivatives(beta - s, weights)[1]) / (2 * h)
        for s in steps
    ]
    np.testing.assert_allclose(-information, second, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(likelihood.scores(beta) @ weights, gradient, rtol=1e-10)


def test_the_score_is_zero_and_constants_reproduce_the_shares(brands):
    X, y, _ = brands
    model = ConditionalLogit("price + feature").fit(X, y)
    shares = model.predict_proba(X).mean(axis=0)
    np.testing.assert_allclose(shares, [np.mean(y == b) for b in "abc"], atol=1e-9)


def test_constants_alone_are_the_market_shares(brands):
    X, y, _ = brands
    model = ConditionalLogit({"constants": True}).fit(X, y)
    np.testing.assert_allclose(
        model.predict_proba(X), np.tile([np.mean(y == b) for b in "abc"], (len(y), 1)), atol=1e-9
    )
    assert model.mcfadden_r2_ == pytest.approx(0, abs=1e-12)
    assert model.predict_proba(X[:0]).shape == (0, 3)


def test_weights_are_repetitions(brands):
    X, y, customer = brands
    times = np.random.default_rng(1).integers(1, 4, len(y))
    at = np.repeat(np.arange(len(y)), times)
    one = ConditionalLogit("price + feature").fit(X, y, sample_weight=times)
    other = ConditionalLogit("price + feature").fit(X.iloc[at], y[at])
    for name in ("coef_", "covariance_", "log_likelihood_", "constants_log_likelihood_", "equal_shares_log_likelihood_",
                 "mcfadden_r2_", "hit_rate_"):  # fmt: skip
        np.testing.assert_allclose(getattr(one, name), getattr(other, name), rtol=1e-9)
    groups = ConditionalLogit("price", covariance="clustered").fit(X, y, groups=customer, sample_weight=times)
    repeated = ConditionalLogit("price", covariance="clustered").fit(X.iloc[at], y[at], groups=customer[at])
    n, m, k = len(y), len(at), 3
    factor = (n - 1) / (n - k) / ((m - 1) / (m - k))
    np.testing.assert_allclose(groups.covariance_, repeated.covariance_ * factor, rtol=1e-9)


def test_unavailable_is_unavailable(make_brands):
    """Choices among two of three alternatives, whatever the price of the third is said to be."""
    rng = np.random.default_rng(2)
    X, y, _ = make_brands(rng, n=3000)
    there = np.ones((3000, 3))
    there[::2, 2] = 0
    keep = ~((y == "c") & (there[:, 2] == 0))
    panel = X.assign(**{f"there_{b}": there[:, j] for j, b in enumerate("abc")})[keep]
    other = panel.assign(price_c=np.where(panel["there_c"] == 1, panel["price_c"], np.nan))
    one = ConditionalLogit("price + feature", availability="there").fit(panel, y[keep])
    same = ConditionalLogit("price + feature", availability="there").fit(other, y[keep])
    np.testing.assert_array_equal(one.coef_, same.coef_)
    proba = one.predict_proba(panel)
    assert (proba[panel["there_c"] == 0, 2] == 0).all()
    np.testing.assert_allclose(proba.sum(axis=1), 1, rtol=1e-12)
    # A likelihood written out for these sets alone.
    V = one.coef_[2] * panel[["price_a", "price_b", "price_c"]].to_numpy()
    V = V + one.coef_[3] * panel[["feature_a", "feature_b", "feature_c"]].to_numpy() + [0, *one.coef_[:2]]
    e = np.exp(V) * (panel[["there_a", "there_b", "there_c"]].to_numpy() == 1)
    chosen = e[np.arange(len(e)), np.searchsorted(["a", "b", "c"], y[keep])]
    assert one.log_likelihood_ == pytest.approx(np.log(chosen / e.sum(axis=1)).sum(), rel=1e-12)
    assert one.equal_shares_log_likelihood_ == pytest.approx(-np.log(there[keep].sum(axis=1)).sum(), rel=1e-12)
    constants = ConditionalLogit({"constants": True}, alternatives="abc", availability="there").fit(panel, y[keep])
    assert one.constants_log_likelihood_ == pytest.approx(constants.log_likelihood_, rel=1e-10)
    assert constants.mcfadden_r2_ == pytest.approx(0, abs=1e-10)


@settings(max_examples=25, deadline=None)
@given(shift=st.floats(-1e3, 1e3), scale=st.floats(1e-3, 1e3), seed=st.integers(0, 50))
def test_what_all_alternatives_gain_changes_nothing(make_brands, shift, scale, seed):
    X, y, _ = make_brands(np.random.default_rng(seed), n=200)
    prices = [f"price_{b}" for b in "abc"]
    moved = X.assign(**{name: X[name] * scale + shift for name in prices})
    one, other = ConditionalLogit("price + feature").fit(X, y), ConditionalLogit("price + feature").fit(moved, y)
    assert other.log_likelihood_ == pytest.approx(one.log_likelihood_, rel=1e-9)
    assert other.coef_[2] * scale == pytest.approx(one.coef_[2], rel=1e-5)
    np.testing.assert_allclose(other.predict_proba(moved), one.predict_proba(X), atol=1e-6)
    np.testing.assert_allclose(one.predict_proba(X).sum(axis=1), 1, rtol=1e-12)


@settings(max_examples=10, deadline=None)
@given(order=st.permutations("abc"), seed=st.integers(0, 50))
def test_order_of_alternatives_and_reference_change_nothing_but_constants(make_brands, order, seed):
    X, y, _ = make_brands(np.random.default_rng(seed), n=200)
    one = ConditionalLogit("price | income", alternatives="abc").fit(X, y)
    other = ConditionalLogit("price | income", alternatives=order, reference="c").fit(X, y)
    a, b = one.summary_frame(), other.summary_frame()
    assert a.loc["price", "standard_error"] == pytest.approx(b.loc["price", "standard_error"], rel=1e-6)
    assert a.loc["constant[c]", "coefficient"] == pytest.approx(-b.loc["constant[a]", "coefficient"], rel=1e-6)
    for j, brand in enumerate(order):
        np.testing.assert_allclose(other.predict_proba(X)[:, j], one.predict_proba(X)[:, "abc".index(brand)], atol=1e-8)


def test_order_of_occasions_changes_nothing(brands):
    X, y, customer = brands
    at = np.random.default_rng(0).permutation(len(y))
    one = ConditionalLogit("price").fit(X, y, groups=customer)
    other = ConditionalLogit("price").fit(X.iloc[at], y[at], groups=customer[at])
    np.testing.assert_allclose(one.covariance_, other.covariance_, rtol=1e-8)


def test_scikit_learn_conventions(brands):
    X, y, _ = brands
    model = ConditionalLogit("price", reference="b", max_iter=50)
    assert clone(model).get_params() == model.get_params()
    fitted = clone(model).set_params(terms="price + feature")
    assert fitted.fit(X, y) is fitted
    assert list(fitted.predict(X)[:3]) == [fitted.classes_[j] for j in fitted.predict_proba(X)[:3].argmax(axis=1)]
    assert fitted.hit_rate_ == pytest.approx(np.mean(fitted.predict(X) == y))
    assert fitted.score(X, y) == pytest.approx(fitted.log_likelihood_ / len(y), rel=1e-9)
    assert list(fitted.feature_names_in_[:3]) == ["price_a", "price_b", "price_c"]
    with pytest.raises(NotFittedError, match="not fitted yet"):
        clone(model).predict(X)


def test_choices_may_be_whole_numbers(brands):
    X, y, _ = brands
    numbered = X.rename(columns=lambda name: name.replace("_a", "_1").replace("_b", "_2").replace("_c", "_3"))
    codes = pd.Series(y).map({"a": 1, "b": 2, "c": 3}).to_numpy()
    model = ConditionalLogit("price").fit(numbered, codes)
    assert list(model.classes_) == [1, 2, 3]
    assert set(model.predict(numbered)) <= {1, 2, 3}


def test_a_separating_term_is_named(brands):
    X, y, _ = brands
    told = X.assign(**{f"told_{b}": (y == b).astype(float) for b in "abc"})
    with pytest.raises(NotIdentifiedError, match=r"perfectly separated by told.*; leave the term out") as error:
        ConditionalLogit("price + told").fit(told, y)
    assert error.value.columns == ("told",)
    with pytest.warns(ConvergenceWarning, match="perfectly separated by told"):
        fitted = ConditionalLogit("price + told", on_separation="warn").fit(told, y)
    assert np.isnan(fitted.standard_errors_).all()
    assert fitted.hit_rate_ == 1


def test_quasi_separation_is_separation(brands):
    X, y, _ = brands
    rare = np.zeros(len(y))
    rare[np.flatnonzero(y == "b")[:5]] = 1
    with pytest.raises(NotIdentifiedError, match=r"perfectly separated by rare\[b\]|rare\[a\]|rare\[c\]"):
        ConditionalLogit({"price": "generic", "rare": "alternative"}).fit(X.assign(rare=rare), y)


@pytest.mark.parametrize(
    ("change", "terms", "message"),
    [
        ({"price_a": 1, "price_b": 1, "price_c": 1}, "price", "the same for all alternatives at every.*: price; a"),
        ({"price_a": 1, "price_b": 2, "price_c": 3}, "price",
         "price has one value for each alternative at all occasions.*; leave price out, or set constants to false"),
        ({}, "price + feature + both", "collinear columns, .*: price, feature, both; leave one of them out"),
        ({}, "price | same", r"collinear columns.*: constant\[b\], constant\[c\], same\[b\], same\[c\]; leave one"),
    ],
)  # fmt: skip
def test_what_does_not_vary_is_named(brands, change, terms, message):
    X, y, _ = brands
    both = {f"both_{b}": X[f"price_{b}"] - 2 * X[f"feature_{b}"] for b in "abc"}
    with pytest.raises(NotIdentifiedError, match=message):
        ConditionalLogit(terms).fit(X.assign(**both, same=3.0, **change), y)


def test_an_alternative_nobody_chose(brands):
    X, y, _ = brands
    without = np.where(y == "c", "a", y)
    with pytest.raises(NotIdentifiedError, match=r"'c' is never chosen, so its constant.*; leave the alternative out"):
        ConditionalLogit("price").fit(X, without)
    with pytest.warns(ChoiceWarning, match="'c' is never chosen: its share rests on the terms alone"):
        ConditionalLogit("price | 0").fit(X, without)


def test_an_alternative_that_was_never_there(brands):
    X, y, _ = brands
    there = X.assign(there_a=1, there_b=1, there_c=0)[y != "c"]
    with pytest.raises(NotIdentifiedError, match="'c' is never available; leave it out"):
        ConditionalLogit("price", availability="there").fit(there, y[y != "c"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"alternatives": "ab"}, "chosen, but not among the alternatives: c; name them"),
        ({"alternatives": "abcd"}, "price_d missing"),
        ({"terms": "cost"}, "no alternative has a column for each of cost; name the columns <attribute>_<alternative>"),
        ({"covariance": "clustered"}, "no customers are given; give groups, or ask for robust"),
        ({"reference": "z"}, "reference 'z' is none of the alternatives"),
    ],
)
def test_what_cannot_be_fitted_is_said(brands, arguments, message):
    X, y, _ = brands
    with pytest.raises(ChoiceError, match=message):
        ConditionalLogit(**{"terms": "price", **arguments}).fit(X, y)


@pytest.mark.parametrize("option", ["on_separation", "covariance"])
def test_a_wrong_option_is_named(brands, option):
    X, y, _ = brands
    with pytest.raises(ValueError, match=f"{option} must be .*, not 'some'"):
        ConditionalLogit(**{option: "some"}).fit(X, y)


def test_one_customer_is_no_cluster(brands):
    X, y, _ = brands
    with pytest.raises(ChoiceError, match="one customer only"):
        ConditionalLogit().fit(X, y, groups=np.zeros(len(y)))


def test_choices_have_to_be_known(brands):
    X, _, _ = brands
    with pytest.raises(ChoiceError, match="the choices are not known; give y"):
        ConditionalLogit().fit(X)


def test_arrays_have_no_names(brands):
    X, y, _ = brands
    with pytest.raises(TypeError, match="pass a pandas frame or ChoiceData, not ndarray"):
        ConditionalLogit().fit(X.to_numpy(), y)


def test_a_panel_of_other_alternatives_is_refused(brands):
    X, y, _ = brands
    model = ConditionalLogit().fit(X, y)
    with pytest.raises(ChoiceError, match="the panel has the alternatives b, a"):
        model.predict_proba(ChoiceData.from_wide(X, "ba", names=["price"]))


def test_too_few_steps_are_a_warning(brands):
    X, y, _ = brands
    with pytest.warns(ConvergenceWarning, match="after 1 steps; raise max_iter"):
        ConditionalLogit(max_iter=1).fit(X, y)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ConditionalLogit().fit(X, y)
