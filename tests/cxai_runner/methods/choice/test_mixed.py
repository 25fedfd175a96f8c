"""The mixed logit: its likelihood by quadrature and written out, its gradient, recovered spreads, errors that help."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn.base import clone

from cxai_runner.methods.choice import (
    ChoiceData,
    ChoiceError,
    ChoiceWarning,
    ConditionalLogit,
    MixedLogit,
    mixed,
    share_elasticities,
)
from cxai_runner.methods.choice.draws import normal_draws
from cxai_runner.methods.choice.likelihood import LogitLikelihood
from cxai_runner.methods.choice.simulated import Mixing, SimulatedLikelihood

BRANDS = "abc"
TRUTH = np.array([0.6, -0.4, -1.5, 0.5, 1.0])  # constants of b and c, mean of price, feature, spread of price


def simulate(rng, customers=150, occasions=8, distribution="normal", ragged=False):
    times = rng.integers(2, occasions + 1, customers) if ragged else np.full(customers, occasions)
    who = np.repeat(np.arange(customers), times)
    z = rng.normal(size=customers)
    price_of = (-1.5 + z if distribution == "normal" else -np.exp(0.2 + 0.6 * z))[who]
    price, feature = rng.uniform(0.5, 2.5, (len(who), 3)), rng.integers(0, 2, (len(who), 3)).astype(float)
    utility = np.array([0, 0.6, -0.4]) + price_of[:, None] * price + 0.5 * feature
    chosen = (utility + rng.gumbel(size=price.shape)).argmax(axis=1)
    names = [f"{name}_{b}" for name in ("price", "feature") for b in BRANDS]
    return pd.DataFrame(np.column_stack([price, feature]), columns=names), np.asarray(list(BRANDS))[chosen], who


@pytest.fixture(scope="module")
def panel():
    return simulate(np.random.default_rng(4), customers=300)


@pytest.fixture(scope="module")
def fitted(panel):
    X, y, who = panel
    return MixedLogit("price + feature", random={"price": "normal"}, n_draws=200).fit(X, y, groups=who)


def simulated(X, y, who, mixing, draws=30, missing=None, seed=0):
    data = ChoiceData.from_wide(X, BRANDS, choice=y, names=["price", "feature"])
    design = ConditionalLogit("price + feature").fit(X, y).layout(data).design(data)
    likelihood = LogitLikelihood(design, data.chosen, missing)
    normal = normal_draws(who.max() + 1, draws, len(mixing.positions), seed=seed)
    return SimulatedLikelihood(likelihood, data.chosen, who, mixing, normal), normal


def written_out(X, y, who, b, price):
    """Product over a customer's occasions, mean over draws; `price` is a coefficient per customer and draw."""
    prices, features = (X[[f"{name}_{j}" for j in BRANDS]].to_numpy() for name in ("price", "feature"))
    V = (b[3] * features + [0, *b[:2]])[:, :, None] + prices[:, :, None] * price[who][:, None, :]
    P = np.exp(V)
    P = (P / P.sum(axis=1, keepdims=True))[np.arange(len(y)), [BRANDS.index(name) for name in y]]
    return pd.DataFrame(P).groupby(who).prod().mean(axis=1).to_numpy()


@pytest.mark.parametrize("distribution", ["normal", "lognormal", "negative_lognormal"])
def test_the_likelihood_is_the_one_written_out(distribution):
    X, y, who = simulate(np.random.default_rng(1), customers=40, ragged=True)
    found, normal = simulated(X, y, who, Mixing(np.array([2]), (distribution,)))
    at = np.array([0.3, -0.2, -0.7, 0.4, 0.8])
    price = at[2] + at[4] * normal[:, 0]
    price = {"normal": price, "lognormal": np.exp(price), "negative_lognormal": -np.exp(price)}[distribution]
    np.testing.assert_allclose(found.scores(at)[0], np.log(written_out(X, y, who, at, price)), rtol=1e-10)


def test_many_draws_are_the_integral():
    """Gauss–Hermite quadrature of the same likelihood."""
    X, y, who = simulate(np.random.default_rng(2), customers=50)
    found, _ = simulated(X, y, who, Mixing(np.array([2]), ("normal",)), draws=5000)
    nodes, weights = np.polynomial.hermite_e.hermegauss(60)
    at = np.array([0.6, -0.4, -1.5, 0.5, 1.0])
    each = np.stack([written_out(X, y, who, at, np.full((50, 1), -1.5 + z)) for z in nodes])
    exact = np.log(weights @ each / weights.sum())
    np.testing.assert_allclose(found.scores(at)[0], exact, atol=2e-3)


@pytest.mark.parametrize("distribution", ["normal", "lognormal", "negative_lognormal"])
def test_scores_are_the_derivatives_of_the_likelihood(distribution):
    """With panels of different lengths, two random coefficients, and a brand missing here and there."""
    rng = np.random.default_rng(3)
    X, y, who = simulate(rng, customers=30, ragged=True)
    there = rng.uniform(size=(3, len(y))) < 0.7
    there[[BRANDS.index(name) for name in y], np.arange(len(y))] = True
    found, _ = simulated(X, y, who, Mixing(np.array([0, 2]), ("normal", distribution)), missing=there)
    at, h = np.array([0.3, -0.2, -0.7, 0.4, 0.5, 0.8]), 1e-6
    scores = found.scores(at)[1]
    for p, step in enumerate(np.eye(6) * h):
        numerical = (found.scores(at + step)[0] - found.scores(at - step)[0]) / (2 * h)
        np.testing.assert_allclose(scores[p], numerical, atol=1e-6)


def test_without_spread_it_is_the_conditional_logit_also_where_a_brand_is_missing():
    rng = np.random.default_rng(3)
    X, y, who = simulate(rng, customers=30, ragged=True)
    there = rng.uniform(size=(3, len(y))) < 0.7
    there[[BRANDS.index(name) for name in y], np.arange(len(y))] = True
    found, _ = simulated(X, y, who, Mixing(np.array([2]), ("normal",)), missing=there)
    b = np.array([0.3, -0.2, -0.7, 0.4])
    V = b[2] * X[[f"price_{j}" for j in BRANDS]].to_numpy() + b[3] * X[[f"feature_{j}" for j in BRANDS]].to_numpy()
    e = np.exp(V + np.array([0, *b[:2]])) * there.T
    P = e[np.arange(len(y)), [BRANDS.index(name) for name in y]] / e.sum(axis=1)
    expected = pd.Series(np.log(P)).groupby(who).sum()
    np.testing.assert_allclose(found.scores(np.append(b, 0.0))[0], expected, rtol=1e-10)


def test_pieces_are_the_whole(monkeypatch):
    X, y, who = simulate(np.random.default_rng(5), customers=40, ragged=True)
    mixing, at = Mixing(np.array([2]), ("normal",)), np.array([0.3, -0.2, -0.7, 0.4, 0.8])
    whole = simulated(X, y, who, mixing)[0]
    monkeypatch.setattr("cxai_runner.methods.choice.simulated.HELD", 2000)
    pieces = simulated(X, y, who, mixing)[0]
    assert len(pieces._bundles) > len(whole._bundles)
    for one, other in zip(whole.scores(at), pieces.scores(at), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-12)


def test_it_recovers_what_the_panel_was_made_of(fitted):
    z = (fitted.parameters_ - TRUTH) / fitted.standard_errors_
    assert np.all(np.abs(z) < 3)
    assert fitted.parameter_names_ == ("constant[b]", "constant[c]", "price", "feature", "price: sd")
    assert fitted.log_likelihood_ > fitted.conditional_log_likelihood_ + 30
    row = fitted.coefficients_.loc["price"]
    assert (row["mean"], row["sd"]) == (fitted.parameters_[2], fitted.parameters_[4])


def test_a_spread_is_told_without_its_sign(panel, fitted, monkeypatch):
    """The likelihood is the same for both signs, and a start below zero ends there."""
    X, y, who = panel
    monkeypatch.setattr(mixed, "_start", lambda pooled, scale, mixing: np.append(pooled, -0.7))
    other = clone(fitted).fit(X, y, groups=who)
    assert other.parameters_[4] > 0
    # The draws of customers are not mirrored, so that the two maxima are those of two simulations.
    assert np.all(np.abs(other.parameters_ - fitted.parameters_) < 0.3 * fitted.standard_errors_)


def test_lognormal_prices(panel):
    X, y, who = simulate(np.random.default_rng(6), customers=300, distribution="lognormal")
    model = MixedLogit("price + feature", random={"price": "negative_lognormal"}, n_draws=200).fit(X, y, groups=who)
    z = (model.parameters_ - [0.6, -0.4, 0.2, 0.5, 0.6]) / model.standard_errors_
    assert np.all(np.abs(z) < 3)
    assert model.parameter_names_[2] == "price: mean of log"
    assert model.parameter_names_[4] == "price: sd of log"
    row, (m, s) = model.coefficients_.loc["price"], model.parameters_[[2, 4]]
    law = stats.lognorm(s, scale=np.exp(m))
    assert (row["mean"], row["median"], row["sd"]) == pytest.approx((-law.mean(), -law.median(), law.std()))


@pytest.mark.parametrize("draws", ["halton", "sobol"])
def test_draws_are_standard_normal_and_even(draws):
    z = normal_draws(50, 128, 3, sequence=draws, seed=1)
    assert z.shape == (50, 3, 128)
    # Of 128 pseudo-random draws the mean has a standard deviation of .088.
    assert np.abs(z.mean(axis=2)).max() < 0.08
    assert z.std() == pytest.approx(1, abs=0.01)
    assert np.abs(np.corrcoef(z.transpose(1, 0, 2).reshape(3, -1)) - np.eye(3)).max() < 0.02
    np.testing.assert_array_equal(z, normal_draws(50, 128, 3, sequence=draws, seed=1))
    assert not np.array_equal(z, normal_draws(50, 128, 3, sequence=draws, seed=2))
    plain = normal_draws(2, 10, 2, sequence=draws)
    np.testing.assert_array_equal(plain, normal_draws(2, 10, 2, sequence=draws))


def test_plain_halton_points_are_radical_inverses():
    """The hundredth point, 1100100 and 10201 in bases 2 and 3, mirrored behind the point."""
    z = normal_draws(1, 1, 2)
    mirrored = [
        sum(int(digit) / base ** (i + 1) for i, digit in enumerate(reversed(number)))
        for base, number in ((2, "1100100"), (3, "10201"))
    ]
    np.testing.assert_allclose(stats.norm.cdf(z[0, :, 0]), mirrored, rtol=1e-12)


def test_sobol_agrees_with_halton(panel, fitted):
    X, y, who = panel
    other = MixedLogit("price + feature", random={"price": "normal"}, n_draws=200, draws="sobol", random_state=0)
    other.fit(X, y, groups=who)
    assert np.all(np.abs(other.parameters_ - fitted.parameters_) < 0.3 * fitted.standard_errors_)


def test_order_and_names_of_customers_change_nothing(panel, fitted):
    """The draws go to customers as they first appear: with those in order, occasions may be in any."""
    X, y, who = panel
    at = np.argsort(np.random.default_rng(0).permutation(8)[np.arange(len(y)) % 8], kind="stable")
    other = MixedLogit("price + feature", random={"price": "normal"}, n_draws=200)
    other.fit(X.iloc[at], y[at], groups=[f"c{i}" for i in who[at]])
    np.testing.assert_allclose(other.parameters_, fitted.parameters_, atol=1e-5)


def test_robust_errors_agree_where_the_model_is_right(panel, fitted):
    X, y, who = panel
    robust = MixedLogit("price + feature", random={"price": "normal"}, n_draws=200, covariance="robust")
    robust.fit(X, y, groups=who)
    np.testing.assert_allclose(robust.standard_errors_, fitted.standard_errors_, rtol=0.25)
    assert robust.covariance_type_ == "robust"


def test_elasticities_are_the_derivatives_of_predicted_shares(panel, fitted):
    X, h = panel[0][:200], 1e-5
    found = share_elasticities(fitted, X)
    for j, brand in enumerate(BRANDS):
        name = f"price_{brand}"
        up, down = (fitted.predict_proba(X.assign(**{name: X[name] * f})).mean(axis=0) for f in (1 + h, 1 - h))
        np.testing.assert_allclose(found.values[0, :, j], (np.log(up) - np.log(down)) / (2 * h), atol=1e-6)
    assert (found.standard_errors > 0).all()


def test_constants_may_be_random(panel):
    X, y, who = panel
    model = MixedLogit("price", random={"constant": "normal"}, n_draws=20).fit(X, y, groups=who)
    assert model.parameter_names_[-2:] == ("constant[b]: sd", "constant[c]: sd")


@pytest.mark.parametrize(
    ("random", "message"),
    [
        (None, "no coefficient is random; name some, as in {price: normal}, or fit a ConditionalLogit"),
        ({"cost": "normal"}, r"random coefficient 'cost' is not in the model; it has constant\[b\]"),
        ({"price": "uniform"}, "'price' has the distribution 'uniform'; write one of normal, lognormal, negative"),
    ],
)
def test_what_cannot_be_random(panel, random, message):
    X, y, who = panel
    with pytest.raises(ChoiceError, match=message):
        MixedLogit("price", random=random).fit(X, y, groups=who)


def test_a_wrong_sequence_is_named(panel):
    X, y, who = panel
    with pytest.raises(ValueError, match="draws must be 'halton' or 'sobol', not 'dice'"):
        MixedLogit("price", random={"price": "normal"}, draws="dice").fit(X, y, groups=who)


def test_no_customers_are_told(panel):
    X, y, _ = panel
    with pytest.warns(ChoiceWarning, match="each occasion is one of its own"):
        MixedLogit("price", random={"price": "normal"}, n_draws=20).fit(X, y)


def test_scikit_learn_conventions(panel, fitted):
    assert clone(fitted).get_params() == fitted.get_params()
    np.testing.assert_allclose(fitted.predict_proba(panel[0]).sum(axis=1), 1, rtol=1e-12)
