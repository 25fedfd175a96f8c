"""The score test of IIA: its formula, its level where IIA holds, its power where it does not, what it refuses."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from cxai_runner.methods.choice import ChoiceError, ConditionalLogit, NestedLogit, nest_scores
from cxai_runner.methods.choice.nest_scores import holm


def nested(seed, n=900, brands="abc", customers=60, scale=1.0):
    """Choices in which the first two brands are a nest; a customer's prices are alike."""
    rng = np.random.default_rng(seed)
    J, customer = len(brands), np.arange(n) % customers
    price = rng.uniform(1, 3, (n, J)) + 0.3 * rng.normal(size=(customers, J))[customer]
    V = 0.3 * np.arange(J) - 1.5 * price
    W = V.copy()
    inside = np.log(np.exp(V[:, :2] / scale).sum(axis=1, keepdims=True))
    W[:, :2] = V[:, :2] / scale + (scale - 1) * inside
    P = np.exp(W) / np.exp(W).sum(axis=1, keepdims=True)
    chosen = (P.cumsum(axis=1) < rng.uniform(size=(n, 1))).sum(axis=1).clip(0, J - 1)
    frame = pd.DataFrame(price, columns=[f"price_{b}" for b in brands])
    return frame, np.asarray(list(brands))[chosen], customer


def scores_of(*args, **options):
    X, y, customer = nested(*args, **options)
    model = ConditionalLogit("price").fit(X, y, groups=customer)
    return nest_scores(model, X, y, groups=customer)


def test_the_score_is_the_slope_of_the_nested_likelihood():
    """The log-likelihood of the nested logit, the rest at its best, falls from λ = 1 as the score says."""
    X, y, _ = nested(1, scale=0.6)
    flat = ConditionalLogit("price").fit(X, y)
    (one,) = nest_scores(flat, X, y, nests=["ab"])
    full = NestedLogit("price", nests={"ab": "ab"}).fit(X, y)
    lam = full.dissimilarity_["ab"]
    assert lam < 1
    assert one.z < 0
    # Score and Wald test agree to first order.
    wald = (lam - 1) / full.standard_errors_[-1]
    assert one.z == pytest.approx(wald, rel=0.35)


def test_pairs_that_take_more_from_each_other_are_found_and_named():
    found = scores_of(2, n=1500, brands="abcd", scale=0.5)
    assert [one.nest for one in found] == [tuple(pair) for pair in ("ab", "ac", "ad", "bc", "bd", "cd")]
    closest = min(found, key=lambda one: one.z)
    assert closest.nest == ("a", "b")
    assert closest.adjusted < 0.01


def test_what_was_not_available_is_in_no_nest():
    X, y, customer = nested(3, n=1500, brands="abcd", scale=0.5)
    out = (np.arange(len(y)) % 2 == 0) & (y != "a")
    for name in "abcd":
        X[f"there_{name}"] = 1
    X.loc[out, "there_a"] = 0
    model = ConditionalLogit("price", availability="there").fit(X, y, groups=customer)
    both = nest_scores(model, X, y, nests=["ab"], groups=customer)[0]
    rows = ~out
    some = X[rows].reset_index(drop=True)
    # Occasions without the brand say nothing of its nest: with the same coefficients the score is the others' alone.
    alone = nest_scores(model, some, y[rows], nests=["ab"], groups=customer[rows])[0]
    assert both.z == pytest.approx(alone.z, rel=0.2)


def test_weights_count_occasions():
    X, y, _ = nested(4, n=300)
    times = 1 + np.arange(300) % 3
    weighed = ConditionalLogit("price").fit(X, y, sample_weight=times)
    rows = np.repeat(np.arange(300), times)
    many = ConditionalLogit("price").fit(X.iloc[rows], y[rows])
    one = nest_scores(weighed, X, y, nests=["ab"], weights=times)[0]
    other = nest_scores(many, X.iloc[rows], y[rows], nests=["ab"], groups=rows)[0]
    assert one.z == pytest.approx(other.z, rel=1e-6)


def test_an_occasion_told_twice_of_a_customer_says_nothing_more():
    X, y, _ = nested(7, n=300, scale=0.7)
    rows = np.repeat(np.arange(300), 2)
    once, twice = ConditionalLogit("price").fit(X, y), ConditionalLogit("price").fit(X.iloc[rows], y[rows])
    one = nest_scores(once, X, y, nests=["ab"], groups=np.arange(300))[0]
    alike = nest_scores(twice, X.iloc[rows], y[rows], nests=["ab"], groups=rows)[0]
    apart = nest_scores(twice, X.iloc[rows], y[rows], nests=["ab"])[0]
    assert alike.z == pytest.approx(one.z, rel=1e-6)
    assert apart.z == pytest.approx(np.sqrt(2) * one.z, rel=5e-3)


@pytest.mark.slow
def test_it_keeps_its_level_where_iia_holds():
    """Of 300 panels without nests about one in twenty, or fewer, shows one: three standard errors are allowed."""
    found = [min(one.adjusted for one in scores_of(seed)) < 0.05 for seed in range(300)]
    assert np.mean(found) < 0.05 + 3 * np.sqrt(0.05 * 0.95 / 300)
    single = [scores_of(seed)[0].p < 0.05 for seed in range(300)]
    assert abs(np.mean(single) - 0.05) < 3 * np.sqrt(0.05 * 0.95 / 300)


@pytest.mark.slow
def test_it_finds_nests_that_are_there():
    assert np.mean([min(one.adjusted for one in scores_of(seed, scale=0.5)) < 0.05 for seed in range(50)]) > 0.9


def test_holm_multiplies_the_smallest_by_the_number_of_tests():
    np.testing.assert_allclose(holm(np.array([0.04, 0.01, np.nan, 0.03])), [0.06, 0.03, np.nan, 0.06])
    assert np.isnan(holm(np.array([np.nan]))).all()


def test_constants_alone_tell_no_nest():
    X, y, _ = nested(5, n=300)
    model = ConditionalLogit({"constants": True}, alternatives=list("abc")).fit(X, y)
    assert all(np.isnan(one.p) for one in nest_scores(model, X, y))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"nests": ["a"]}, "1 of 3 alternatives"),
        ({"nests": ["abc"]}, "3 of 3 alternatives"),
        ({"nests": ["az"]}, "no alternatives: z"),
        ({"groups": np.zeros(90)}, "one customer only"),
    ],
)
def test_what_is_no_nest_is_refused(options, message):
    X, y, _ = nested(6, n=90)
    with pytest.raises(ChoiceError, match=message):
        nest_scores(ConditionalLogit("price").fit(X, y), X, y, **options)
