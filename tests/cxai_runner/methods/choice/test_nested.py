"""The nested logit and the tests of IIA: formulas written out, derivatives, recovered parameters, errors that help."""

from __future__ import annotations

import warnings

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
    NestedLogit,
    hausman_mcfadden,
    nests_against_none,
    share_elasticities,
)

BRANDS = "abcd"
NESTS = {"first": "ab"}


def written_out(V, nests, scale):
    """Probabilities of a nested logit, occasion by occasion; the members of `nests` by position, others alone."""
    P = np.empty_like(V)
    for i, v in enumerate(V):
        groups = [(list(members), s) for members, s in zip(nests, scale, strict=True)]
        used = {j for members in nests for j in members}
        groups += [([j], 1.0) for j in range(len(v)) if j not in used]
        sums = [sum(np.exp(v[j] / s) for j in members) for members, s in groups]
        total = sum(S**s for S, (_, s) in zip(sums, groups, strict=True))
        for S, (members, s) in zip(sums, groups, strict=True):
            for j in members:
                P[i, j] = np.exp(v[j] / s) / S * S**s / total
    return P


def simulate(rng, n, scale=0.5, price=-1.2):
    prices = rng.uniform(0.5, 2.5, (n, 4))
    e = np.exp((price * prices + [0, 0.5, 0.2, -0.3]) / [scale, scale, 1, 1])
    within = e[:, :2].sum(axis=1, keepdims=True)
    P = np.hstack([e[:, :2] * within ** (scale - 1), e[:, 2:]])
    P /= P.sum(axis=1, keepdims=True)
    chosen = (P.cumsum(axis=1) < rng.uniform(size=(n, 1))).sum(axis=1)
    frame = pd.DataFrame(prices, columns=[f"price_{b}" for b in BRANDS])
    return frame, np.asarray(list(BRANDS))[chosen]


@pytest.fixture(scope="module")
def panel():
    return simulate(np.random.default_rng(3), 4000)


@pytest.fixture(scope="module")
def fitted(panel):
    return NestedLogit("price", nests=NESTS).fit(*panel)


def test_probabilities_are_those_of_the_formula(panel, fitted):
    X, _ = panel
    b = fitted.parameters_
    V = b[3] * X.to_numpy() + [0, *b[:3]]
    np.testing.assert_allclose(fitted.predict_proba(X), written_out(V, [(0, 1)], b[4:]), rtol=1e-10)
    np.testing.assert_allclose(fitted.predict_proba(X).sum(axis=1), 1, rtol=1e-12)


@pytest.mark.parametrize("nests", [{"first": "ab"}, {"first": "ac", "second": "bd"}, {"first": "bcd"}])
def test_scores_are_the_derivatives_of_the_log_likelihood(panel, nests):
    """At an arbitrary point, with a brand missing here and there, and a nest with nothing in it."""
    X, y = panel
    X, y, rng = X[:300], y[:300], np.random.default_rng(1)
    there = rng.uniform(size=(300, 4)) < 0.5
    chosen = pd.Series(list(y)).map(BRANDS.index).to_numpy()
    there[np.arange(300), chosen] = True
    model = NestedLogit("price", nests=nests)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(X, y)
    data = ChoiceData(tuple(BRANDS), {"price": X.to_numpy()}, {}, there, chosen)
    design = model.layout(data).design(data)
    at = np.concatenate([[0.2, -0.3, 0.1, -0.8], np.linspace(0.6, 1.3, len(nests))])
    values, scores = model._scores(at, design, chosen, there.T)
    np.testing.assert_allclose(values, np.log(model.probabilities(data, at)[np.arange(300), chosen]), rtol=1e-10)
    for k, step in enumerate(np.eye(len(at)) * 1e-6):
        up, down = (model._scores(at + s, design, chosen, there.T)[0] for s in (step, -step))
        np.testing.assert_allclose(scores[k], (up - down) / 2e-6, atol=1e-7)


def test_the_score_is_zero_at_the_maximum(panel, fitted):
    X, y = panel
    data = ChoiceData.from_wide(X, BRANDS, choice=y, names=["price"])
    design = fitted.layout(data).design(data)
    total = fitted._scores(fitted.parameters_, design, data.chosen, None)[1].sum(axis=1)
    np.testing.assert_allclose(total * fitted.standard_errors_, 0, atol=1e-4)


def test_it_recovers_what_the_panel_was_made_of(fitted):
    truth = np.array([0.5, 0.2, -0.3, -1.2, 0.5])
    z = (fitted.parameters_ - truth) / fitted.standard_errors_
    assert np.all(np.abs(z) < 3)
    assert fitted.parameter_names_[-1] == "dissimilarity[first]"
    assert fitted.dissimilarity_ == {"first": fitted.parameters_[-1]}
    assert np.all(fitted.standard_errors_ < 0.1)


def test_one_is_the_conditional_logit(panel):
    X, y = panel
    model = NestedLogit("price", nests=NESTS).fit(X, y)
    conditional = ConditionalLogit("price").fit(X, y)
    at_one = np.concatenate([conditional.coef_, [1.0]])
    data = model.read(X)
    np.testing.assert_allclose(model.probabilities(data, at_one), conditional.predict_proba(X), rtol=1e-10)
    assert model.conditional_log_likelihood_ == pytest.approx(conditional.log_likelihood_, rel=1e-12)
    assert model.log_likelihood_ > conditional.log_likelihood_


def test_elasticities_are_the_derivatives_of_predicted_shares(panel, fitted):
    X, _ = panel
    found, h = share_elasticities(fitted, X), 1e-5
    for j, brand in enumerate(BRANDS):
        name = f"price_{brand}"
        up, down = (fitted.predict_proba(X.assign(**{name: X[name] * f})).mean(axis=0) for f in (1 + h, 1 - h))
        np.testing.assert_allclose(found.values[0, :, j], (np.log(up) - np.log(down)) / (2 * h), atol=1e-6)
    E = found.matrix()
    assert E.loc["b", "a"] > E.loc["c", "a"], "within the nest more is taken"
    assert (found.standard_errors > 0).all()


def test_weights_are_repetitions(panel):
    X, y = panel[0][:600], panel[1][:600]
    times = np.random.default_rng(1).integers(1, 3, 600)
    at = np.repeat(np.arange(600), times)
    one = NestedLogit("price", nests=NESTS, covariance="classical").fit(X, y, sample_weight=times)
    other = NestedLogit("price", nests=NESTS, covariance="classical").fit(X.iloc[at], y[at])
    np.testing.assert_allclose(one.parameters_, other.parameters_, rtol=1e-4)
    np.testing.assert_allclose(one.covariance_, other.covariance_, rtol=1e-3, atol=1e-6)
    assert one.log_likelihood_ == pytest.approx(other.log_likelihood_, rel=1e-9)


def test_errors_are_those_of_the_dissimilarity_itself(panel, fitted):
    """Not of its logarithm, in which it is searched for: the outer product of the scores is the information."""
    X, y = panel
    data = ChoiceData.from_wide(X, BRANDS, choice=y, names=["price"])
    _, scores = fitted._scores(fitted.parameters_, fitted.layout(data).design(data), data.chosen, None)
    outer = np.sqrt(np.diag(np.linalg.inv(scores @ scores.T)))
    np.testing.assert_allclose(fitted.standard_errors_, outer, rtol=0.1)


def test_robust_errors_agree_where_the_model_is_right(panel):
    classical = NestedLogit("price", nests=NESTS, covariance="classical").fit(*panel)
    robust = NestedLogit("price", nests=NESTS, covariance="robust").fit(*panel)
    np.testing.assert_allclose(robust.standard_errors_, classical.standard_errors_, rtol=0.1)
    assert robust.covariance_type_ == "robust"


def test_scikit_learn_conventions(fitted):
    assert clone(fitted).get_params() == fitted.get_params()


def test_above_one_is_told():
    X, y = simulate(np.random.default_rng(0), 3000, scale=1.8)
    with pytest.warns(ChoiceWarning, match="'first' has the dissimilarity 1.*: above 1 .*; try another nest"):
        NestedLogit("price", nests=NESTS).fit(X, y)


@pytest.mark.parametrize(
    ("nests", "message"),
    [
        ({}, "no nest is given; name the alternatives of each, or fit a ConditionalLogit"),
        ({"n": "az"}, "nest 'n' holds z, which is no alternative; they are a, b, c, d"),
        ({"n": "a"}, "nest 'n' has one alternative, whose λ has no effect; leave the nest out"),
        ({"n": "ab", "m": "bc"}, "in two nests: b; put each alternative into one"),
        ({"n": "abcd"}, "all alternatives are in one nest; leave at least one out, or make two"),
    ],
)
def test_what_is_no_nest(panel, nests, message):
    with pytest.raises(ChoiceError, match=message):
        NestedLogit("price", nests=nests).fit(*panel)


def test_the_ratio_finds_nests_and_only_them(panel, fitted):
    found = nests_against_none(fitted)
    assert found.p < 1e-6
    assert found.degrees_of_freedom == 1
    assert found.statistic == pytest.approx(2 * (fitted.log_likelihood_ - fitted.conditional_log_likelihood_))
    assert found.compared == ("dissimilarity[first]",)


def test_hausman_mcfadden_is_its_formula_and_finds_nests(panel):
    X, y = panel
    found = hausman_mcfadden(ConditionalLogit("price"), X, y, keep="abc")
    full = ConditionalLogit("price").fit(X, y)
    subset = ConditionalLogit("price", alternatives="abc").fit(X[y != "d"], y[y != "d"])
    at = [full.parameter_names_.index(name) for name in subset.parameter_names_]
    moved = subset.coef_ - full.coef_[at]
    spread = subset.covariance_ - full.covariance_[np.ix_(at, at)]
    assert found.statistic == pytest.approx(moved @ np.linalg.pinv(spread) @ moved, rel=1e-4)
    assert found.degrees_of_freedom == 3
    assert found.p == pytest.approx(stats.chi2.sf(found.statistic, 3))
    assert found.words == "Hausman–McFadden, d left out"
    assert hausman_mcfadden(ConditionalLogit("price"), X, y, keep="acd").p < 0.01


@pytest.mark.filterwarnings("ignore::cxai_runner.methods.choice.ChoiceWarning")
def test_hausman_mcfadden_keeps_its_level_where_iia_holds():
    rng = np.random.default_rng(0)
    p = [hausman_mcfadden(ConditionalLogit("price"), *simulate(rng, 600, scale=1.0), keep="abc").p for _ in range(60)]
    assert np.mean(np.array(p) < 0.05) < 0.2
    assert 0.3 < np.mean(p) < 0.75


def test_hausman_mcfadden_measures_against_an_alternative_that_is_kept(panel):
    X, y = panel
    found = hausman_mcfadden(ConditionalLogit("price", reference="d"), X, y, keep="bca")
    assert set(found.compared) == {"constant[a]", "constant[c]", "price"}


@pytest.mark.parametrize(
    ("keep", "message"),
    [
        ("abcd", "4 of 4 alternatives are kept; keep two at least, and not all"),
        ("a", "1 of 4 alternatives are kept"),
        ("az", "to be kept, but no alternatives: z; they are a, b, c, d"),
    ],
)
def test_what_cannot_be_kept(panel, keep, message):
    with pytest.raises(ChoiceError, match=message):
        hausman_mcfadden(ConditionalLogit("price"), *panel, keep=keep)
