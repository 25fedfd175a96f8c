"""Elasticities are the derivatives of predicted shares, with the errors of the parameters, and keep the laws."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from cxai_runner.methods.choice import (
    ChoiceData,
    ChoiceError,
    ChoiceWarning,
    ConditionalLogit,
    clout_and_vulnerability,
    multinomial_elasticities,
    share_elasticities,
    share_scenario,
    shorthand_elasticity,
)

SPECIFICATIONS = [
    "price + feature",
    "log(price) + feature | income",
    "price:income + feature | income | price",
    {"price": "alternative", "feature": "generic"},
]


def numerical(model, X, rows, h=1e-5):
    """d log share / d log price, by central differences of what `predict_proba` says."""
    matrix = np.empty((3, 3))
    for j, brand in enumerate("abc"):
        name = f"price_{brand}"
        up, down = (model.predict_proba(X.assign(**{name: X[name] * f})[rows]).mean(axis=0) for f in (1 + h, 1 - h))
        matrix[:, j] = (np.log(up) - np.log(down)) / (np.log(1 + h) - np.log(1 - h))
    return matrix


@pytest.mark.parametrize("terms", SPECIFICATIONS)
def test_they_are_the_derivatives_of_predicted_shares(brands, terms):
    X, y, customer = brands
    model = ConditionalLogit(terms).fit(X, y, groups=customer)
    everyone = np.ones(len(X), dtype=bool)
    found = share_elasticities(model, X).matrix().to_numpy()
    np.testing.assert_allclose(found, numerical(model, X, everyone), atol=1e-6)
    promoted = X["feature_a"] == 1
    by = share_elasticities(model, X, by=promoted)
    assert by.groups == (False, True)
    np.testing.assert_allclose(by.matrix(True), numerical(model, X, promoted), atol=1e-6)
    np.testing.assert_allclose(by.matrix(False), numerical(model, X, ~promoted), atol=1e-6)


def test_where_a_brand_is_missing(brands):
    X, y, _ = brands
    there = {f"there_{b}": 1.0 for b in "abc"} | {"there_c": ((np.arange(len(y)) % 3 > 0) | (y == "c")).astype(float)}
    panel = X.assign(**there)
    model = ConditionalLogit("price + feature", availability="there").fit(panel, y)
    found = share_elasticities(model, panel).matrix().to_numpy()
    np.testing.assert_allclose(found, numerical(model, panel, np.ones(len(X), dtype=bool)), atol=1e-6)


def test_at_the_means_is_an_occasion_at_the_means(brands):
    X, y, _ = brands
    model = ConditionalLogit("price + feature | income").fit(X, y)
    mean = pd.DataFrame([X.mean()])
    found = share_elasticities(model, X, at="means")
    np.testing.assert_allclose(found.matrix(), numerical(model, mean, np.ones(1, dtype=bool)), atol=1e-6)
    P, own = model.predict_proba(mean)[0], np.diag(found.matrix())
    expected = shorthand_elasticity(model.coef_[list(model.parameter_names_).index("price")], X.mean()[:3], P)
    np.testing.assert_allclose(own, expected, rtol=1e-10)
    assert found.aggregation == "one occasion at the means"
    assert share_elasticities(model, X).aggregation == "probability-weighted sample enumeration"


def test_the_sample_is_weighted_by_probability(brands):
    """Σ_n P_nk b p_nk (1 − P_nk) / Σ_n P_nk, written out."""
    X, y, _ = brands
    model = ConditionalLogit("price + feature").fit(X, y)
    P, b = model.predict_proba(X), model.coef_[2]
    price = X[["price_a", "price_b", "price_c"]].to_numpy()
    expected = (P * b * price * (1 - P)).sum(axis=0) / P.sum(axis=0)
    np.testing.assert_allclose(np.diag(share_elasticities(model, X).matrix()), expected, rtol=1e-12)
    weights = np.random.default_rng(0).uniform(1, 2, len(y))
    expected = weights @ (P * b * price * (1 - P)) / (weights @ P)
    np.testing.assert_allclose(np.diag(share_elasticities(model, X, weights=weights).matrix()), expected, rtol=1e-12)


def test_semi_elasticities_are_per_unit(brands):
    X, y, _ = brands
    model, h = ConditionalLogit("price + feature").fit(X, y), 1e-5
    found = share_elasticities(model, X, "feature", kind="semi-elasticity").matrix()
    up, down = (model.predict_proba(X.assign(feature_b=X["feature_b"] + s)).mean(axis=0) for s in (h, -h))
    np.testing.assert_allclose(found["b"], (np.log(up) - np.log(down)) / (2 * h), atol=1e-6)


def test_a_characteristic_moves_all_alternatives(brands):
    X, y, _ = brands
    panel, h = X.assign(income=X["income"] + 5), 1e-5
    model = ConditionalLogit("price | income").fit(panel, y)
    found = share_elasticities(model, panel, "income")
    up, down = (model.predict_proba(panel.assign(income=panel["income"] * f)).mean(axis=0) for f in (1 + h, 1 - h))
    np.testing.assert_allclose(found.matrix()["income"], (np.log(up) - np.log(down)) / (2 * h), atol=1e-6)


def test_errors_are_those_of_the_closed_form():
    """Two brands and one term: E = b·p̄-like sums, whose derivative by b is written out."""
    rng = np.random.default_rng(4)
    X = pd.DataFrame(rng.uniform(1, 2, (400, 2)), columns=["price_a", "price_b"])
    difference = (X["price_a"] - X["price_b"]).to_numpy()
    y = np.where(rng.uniform(size=400) < 1 / (1 + np.exp(difference)), "a", "b")
    model = ConditionalLogit("price | 0").fit(X, y)
    b, se = model.coef_[0], model.standard_errors_[0]
    P, p = model.predict_proba(X)[:, 0], X["price_a"].to_numpy()
    v, dP = P * (1 - P), P * (1 - P) * difference
    share, moved = P.sum(), (v * p).sum()
    slope = moved / share + b * ((v * (1 - 2 * P) * difference * p).sum() / share - moved * dP.sum() / share**2)
    found = share_elasticities(model, X)
    assert found.values[0, 0, 0] == pytest.approx(b * moved / share, rel=1e-12)
    assert found.standard_errors[0, 0, 0] == pytest.approx(abs(slope) * se, rel=1e-6)


def test_errors_agree_with_draws_of_the_parameters(brands):
    X, y, customer = brands
    model = ConditionalLogit("price + feature").fit(X, y, groups=customer)
    found, rng, drawn = share_elasticities(model, X), np.random.default_rng(1), []
    estimate = model.parameters_
    for parameters in rng.multivariate_normal(estimate, model.covariance_ / 100, 300):
        model.parameters_ = parameters
        drawn.append(share_elasticities(model, X).values)
    model.parameters_ = estimate
    np.testing.assert_allclose(np.std(drawn, axis=0) * 10, found.standard_errors, rtol=0.15)


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 100))
def test_laws(make_brands, seed):
    """Shares add up to one; a common rise of all prices, in per cent under log price, in units else, moves none."""
    X, y, _ = make_brands(np.random.default_rng(seed), n=300)
    model = ConditionalLogit("price + feature").fit(X, y)
    found = share_elasticities(model, X)
    np.testing.assert_allclose(found.shares[0] @ found.matrix().to_numpy(), 0, atol=1e-12)
    per_unit = share_elasticities(model, X, kind="semi-elasticity")
    np.testing.assert_allclose(per_unit.matrix().sum(axis=1), 0, atol=1e-12)
    np.testing.assert_allclose(per_unit.gradient[0].sum(axis=1), 0, atol=1e-8)
    logs = ConditionalLogit("log(price) + feature").fit(X, y)
    np.testing.assert_allclose(share_elasticities(logs, X).matrix().sum(axis=1), 0, atol=1e-12)
    # Independence of irrelevant alternatives: at one occasion every other brand gains in the same proportion.
    one = share_elasticities(model, X, at="means").matrix().to_numpy()
    assert one[1, 0] == pytest.approx(one[2, 0], rel=1e-12)
    # The brands' order is a matter of names.
    turned = ConditionalLogit("price + feature", alternatives="cab").fit(X, y)
    np.testing.assert_allclose(
        share_elasticities(turned, X).matrix().loc[list("abc"), list("abc")], found.matrix(), atol=1e-7
    )


def test_the_multinomial_form_by_scikit_learn_is_that_of_its_formula(brands):
    X, y, _ = brands
    prices = ["price_a", "price_b", "price_c"]
    model = LogisticRegression(C=1.0, tol=1e-8).fit(X[prices], y)
    P, b = model.predict_proba(X[prices]), model.coef_
    expected = np.empty((3, 3))
    for j in range(3):
        for k in range(3):
            at_each = X[prices[k]].to_numpy() * (b[j, k] - P @ b[:, k])
            expected[j, k] = P[:, j] @ at_each / P[:, j].sum()
    found = multinomial_elasticities(model, X[prices], prices)
    np.testing.assert_allclose(found.matrix(), expected, rtol=1e-8)
    assert found.standard_errors is None
    assert list(found.frame().columns) == ["group", "share_of", "price_of", "elasticity"]
    mean = pd.DataFrame([X[prices].mean()])
    cross = multinomial_elasticities(model, X[prices], prices, at="means").matrix().to_numpy()
    assert cross[0, 1] == pytest.approx(mean.iloc[0, 1] * (b[0, 1] - model.predict_proba(mean)[0] @ b[:, 1]), rel=1e-8)
    # The course's shorthand is another number.
    shorthand = shorthand_elasticity(np.diag(b), mean.to_numpy()[0], model.predict_proba(mean)[0])
    assert not np.allclose(np.diag(cross), shorthand, rtol=0.05)


def test_the_multinomial_form_by_maximum_likelihood_is_its_limit(brands):
    """Prices as characteristics of a conditional logit, and scikit-learn without a penalty, behind a scaler."""
    X, y, _ = brands
    prices = ["price_a", "price_b", "price_c"]
    free = make_pipeline(StandardScaler(), LogisticRegression(C=np.inf, tol=1e-10)).fit(X[prices], y)
    ours = ConditionalLogit(dict.fromkeys(prices, "alternative"), alternatives="abc").fit(X, y)
    for name in prices:
        theirs = multinomial_elasticities(free, X[prices], prices, by=X["feature_a"]).matrix(1.0)[name]
        np.testing.assert_allclose(
            share_elasticities(ours, X, name, by=X["feature_a"]).matrix(1.0)[name], theirs, atol=1e-5
        )


def test_clout_is_down_the_column_and_vulnerability_along_the_row(brands):
    X, y, customer = brands
    model = ConditionalLogit("price + feature").fit(X, y, groups=customer)
    found = share_elasticities(model, X, by=X["feature_a"])
    E, table = found.matrix(1.0), clout_and_vulnerability(found).set_index(["group", "alternative"]).loc[1.0]
    assert table.loc["b", "clout"] == pytest.approx(E.loc["a", "b"] + E.loc["c", "b"])
    assert table.loc["b", "vulnerability"] == pytest.approx(E.loc["b", "a"] + E.loc["b", "c"])
    assert table.loc["b", "own"] == E.loc["b", "b"]
    slope = found.gradient[1, 0, 1] + found.gradient[1, 2, 1]
    assert table.loc["b", "clout_error"] == pytest.approx(np.sqrt(slope @ model.covariance_ @ slope))
    rich = share_elasticities(ConditionalLogit("price | income").fit(X, y), X, "income", kind="semi-elasticity")
    with pytest.raises(ChoiceError, match="no price of each alternative; take the elasticities to an attribute"):
        clout_and_vulnerability(rich)


def test_a_scenario_is_what_would_be_predicted(brands):
    X, y, _ = brands
    model = ConditionalLogit("price + feature").fit(X, y)
    table = share_scenario(model, X, {"price": {"a": "-1%", "b": 2.0}, "feature": {"a": 1}}).set_index("alternative")
    other = X.assign(price_a=X["price_a"] * 0.99, price_b=2.0, feature_a=1.0)
    np.testing.assert_allclose(table["share"], model.predict_proba(X).mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(table["scenario"], model.predict_proba(other).mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(table["change"].sum(), 0, atol=1e-12)
    assert (table["low"] < table["change"]).all()
    assert (table["change"] < table["high"]).all()


def test_a_small_scenario_is_the_elasticity(brands):
    """A rise of 0.01 % changes the share by elasticity × share × 0.01 %, with its error."""
    X, y, _ = brands
    model = ConditionalLogit("price + feature").fit(X, y)
    by = X["feature_a"]
    found = share_elasticities(model, X, by=by)
    table = share_scenario(model, X, {"price": {"b": "0.01%"}}, by=by)
    np.testing.assert_allclose(table["change"], (found.values[:, :, 1] * found.shares).ravel() * 1e-4, rtol=1e-3)


@pytest.mark.parametrize(
    ("scenario", "message"),
    [
        ({"cost": {"a": 1}}, "changes 'cost', which is no attribute in the model; it has price, feature"),
        ({"price": {"z": 1}}, "the price of 'z', which is no alternative; they are a, b, c"),
        ({"price": {"a": "cheap"}}, "the change 'cheap' cannot be read; write a new value, or a change such as '-10%'"),
        ({"price": {"a": "x%"}}, "the change 'x%' cannot be read"),
        ({"price": {"a": True}}, "the change True cannot be read"),
    ],
)
def test_a_scenario_that_cannot_be_read(brands, scenario, message):
    X, y, _ = brands
    with pytest.raises(ChoiceError, match=message):
        share_scenario(ConditionalLogit("price + feature").fit(X, y), X, scenario)


def test_a_scenario_far_away_extrapolates(brands):
    X, y, _ = brands
    with pytest.warns(ChoiceWarning, match=r"extrapolates: price of a was between .* beyond at 100% of the occasions"):
        share_scenario(ConditionalLogit("price + feature").fit(X, y), X, {"price": {"a": 10}})


def test_a_group_of_ten_rows_is_told(brands):
    X, y, _ = brands
    model = ConditionalLogit("price + feature").fit(X, y)
    with pytest.warns(ChoiceWarning, match="group few has 10 occasions only"):
        share_elasticities(model, X, by=np.where(np.arange(len(y)) < 10, "few", "many"))


def test_groups_are_in_order_whatever_comes_first(brands):
    X, y, _ = brands
    model = ConditionalLogit("price + feature").fit(X, y)
    found = share_elasticities(model, X, by=np.where(np.arange(len(y)) < 500, "z", "a"))
    assert found.groups == ("a", "z")
    np.testing.assert_allclose(found.matrix("z"), share_elasticities(model, X[:500]).matrix(), rtol=1e-12)
    with pytest.raises(ChoiceError, match="1 occasions have no group; name one"):
        share_elasticities(model, X, by=[None, *["a"] * (len(y) - 1)])


def test_what_is_never_there_has_no_elasticity_and_is_told(brands):
    X, y, _ = brands
    keep = ~((y == "c") & (X["feature_a"] == 1))
    panel = X[keep].assign(there_a=1, there_b=1, there_c=(X["feature_a"] == 0).astype(int))
    model = ConditionalLogit("price", availability="there").fit(panel, y[keep])
    with pytest.warns(ChoiceWarning, match=r"group 1.0: c is never available there, and has no elasticity"):
        found = share_elasticities(model, panel, by=panel["feature_a"])
    assert np.isnan(found.matrix(1.0).loc["c"]).all()
    assert np.isfinite(found.matrix(1.0).loc["a"]).all()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"column": "cost"}, "the model has no term of 'cost'; its terms are made of price, feature"),
        ({"by": [1, 2]}, "2 groups for 1500 occasions"),
        ({"weights": [1, 2]}, r"\(2,\) weights for 1500 occasions"),
        ({"at": "mean"}, "at must be 'sample' or 'means', not 'mean'"),
        ({"kind": "semi"}, "kind must be"),
    ],
)
def test_what_cannot_be_asked(brands, arguments, message):
    X, y, _ = brands
    model = ConditionalLogit("price + feature").fit(X, y)
    with pytest.raises(ValueError, match=message):
        share_elasticities(model, X, **arguments)


def test_negative_prices_have_no_elasticity(brands):
    X, y, _ = brands
    lower = X.assign(price_a=X["price_a"] - 1)
    model = ConditionalLogit("price").fit(lower, y)
    with pytest.raises(ChoiceError, match=r"'price' is negative at \d+ places.*; correct the values"):
        share_elasticities(model, lower)
    prices = ["price_a", "price_b", "price_c"]
    other = LogisticRegression().fit(lower[prices], y)
    with pytest.raises(ChoiceError, match=r"negative in places, .*: price_a; correct the values, or leave"):
        multinomial_elasticities(other, lower[prices], prices)


def test_a_separated_model_has_no_errors_and_it_is_told(brands):
    X, y, _ = brands
    told = X.assign(**{f"told_{b}": (y == b).astype(float) for b in "abc"})
    with pytest.warns(UserWarning, match="perfectly separated"):
        model = ConditionalLogit("price + told", on_separation="warn").fit(told, y)
    with pytest.warns(ChoiceWarning, match="no standard errors, nor have the figures"):
        found = share_elasticities(model, told)
    assert np.isnan(found.standard_errors).all()


def test_a_panel_in_blocks_is_the_panel(brands, monkeypatch):
    X, y, _ = brands
    model = ConditionalLogit("price + feature | income").fit(X, y)
    data = ChoiceData.from_wide(X, "abc", names=["price", "feature", "income"])
    whole, proba = share_elasticities(model, data).values, model.predict_proba(data)
    monkeypatch.setattr("cxai_runner.methods.choice.elasticity.CHUNK", 101)
    monkeypatch.setattr("cxai_runner.methods.choice.model.CHUNK", 101)
    np.testing.assert_allclose(share_elasticities(model, data).values, whole, rtol=1e-12)
    # A product of matrices may end in another bit where there are other rows; whether it does depends on the processor.
    np.testing.assert_allclose(model.predict_proba(data), proba, rtol=1e-12)
