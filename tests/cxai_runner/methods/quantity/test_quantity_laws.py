"""The probability of a count: one scale for all laws, and scores against their definitions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, stats

from cxai_runner.methods.quantity import EmpiricalCounts, laws

CASES = [
    ("normal", 2.5, 1.8),
    ("normal", -1.0, 2.0),
    ("lognormal", 0.8, 0.6),
    ("poisson", 1.7, 0.0),
    ("poisson", 0.01, 0.0),
    ("negative_binomial", 2.2, 0.5),
    ("negative_binomial", 0.3, 3.0),
    ("negative_binomial", 2.2, 1e-9),
]


def probabilities(law, location, shape, most=3000):
    return np.exp(laws.log_probability(law, np.arange(1, most + 1), location, shape))


@pytest.mark.parametrize(("law", "location", "shape"), CASES)
def test_probabilities_of_1_2_3_sum_to_one(law, location, shape):
    p = probabilities(law, location, shape)
    assert p.sum() == pytest.approx(1, abs=1e-9)
    q = np.arange(0, 12)
    np.testing.assert_allclose(laws.cdf(law, q, location, shape), np.append(0, np.cumsum(p))[:12], atol=1e-12)


def test_counts_are_scipys_given_a_purchase():
    q = np.arange(1, 30)
    poisson = stats.poisson(1.7)
    np.testing.assert_allclose(laws.log_probability("poisson", q, 1.7, 0.0), poisson.logpmf(q) - np.log(poisson.sf(0)))
    nb = stats.nbinom(2, 2 / (2 + 2.2))
    expected = nb.logpmf(q) - np.log(nb.sf(0))
    np.testing.assert_allclose(laws.log_probability("negative_binomial", q, 2.2, 0.5), expected)


@pytest.mark.parametrize("law", ["normal", "lognormal"])
def test_continuous_forms_are_integrated_over_half_a_unit_on_both_sides(law):
    """Against numerical integration of the density, renormalised to more than half a unit."""
    law_of = stats.norm(2.5, 1.8) if law == "normal" else stats.lognorm(s=0.6, scale=np.exp(0.8))
    location, shape = (2.5, 1.8) if law == "normal" else (0.8, 0.6)
    for q in (1, 2, 7):
        mass = integrate.quad(law_of.pdf, q - 0.5, q + 0.5)[0] / law_of.sf(0.5)
        assert laws.log_probability(law, q, location, shape) == pytest.approx(np.log(mass), rel=1e-8)


def test_a_count_far_from_all_others_keeps_its_probability():
    """log P of 300 units of a normal around 2 with standard deviation 1.5, where the probability itself is zero."""
    found = laws.log_probability("normal", 300, 2.0, 1.5)
    z = (299.5 - 2) / 1.5
    assert found == pytest.approx(-0.5 * z**2 - np.log(z * np.sqrt(2 * np.pi)), rel=1e-4)


@pytest.mark.parametrize(("law", "location", "shape"), CASES)
def test_crps_is_the_difference_of_absolute_errors(law, location, shape):
    """E|X − q| − ½ E|X − X′| (Gneiting and Raftery, 2007, equation 21)."""
    p = probabilities(law, location, shape)
    x = np.arange(1, len(p) + 1)
    below = np.cumsum(p)
    half_spread = np.sum(below * (1 - below))  # ½ E|X − X′| = Σ F (1 − F)
    q = np.array([1, 2, 5, 30, 2])
    expected = [np.sum(p * np.abs(x - one)) - half_spread for one in q]
    np.testing.assert_allclose(laws.crps(law, q, location, shape), expected, rtol=1e-6, atol=1e-8)


@settings(max_examples=50, deadline=None)
@given(
    law=st.sampled_from(["normal", "lognormal", "poisson", "negative_binomial"]),
    location=st.floats(0.05, 6),
    shape=st.floats(0.05, 2),
    q=st.integers(1, 40),
)
def test_probability_is_the_step_of_the_distribution(law, location, shape, q):
    step = laws.cdf(law, q, location, shape) - laws.cdf(law, q - 1, location, shape)
    assert np.exp(laws.log_probability(law, q, location, shape)) == pytest.approx(step, abs=1e-10)


def test_the_true_law_has_the_best_expected_scores():
    """Log loss and CRPS are proper: of three laws, the one that made the counts scores best."""
    rng = np.random.default_rng(0)
    q = rng.negative_binomial(2, 2 / (2 + 2.2), 40_000)
    q = q[q > 0]
    shapes = {alpha: (-laws.log_probability("negative_binomial", q, 2.2, alpha).mean(),
                      laws.crps("negative_binomial", q, np.full(len(q), 2.2), alpha).mean())
              for alpha in (0.1, 0.5, 1.5)}  # fmt: skip
    assert min(shapes, key=lambda alpha: shapes[alpha][0]) == 0.5
    assert min(shapes, key=lambda alpha: shapes[alpha][1]) == 0.5


@pytest.mark.parametrize("ask", [laws.log_probability, laws.cdf, laws.crps])
def test_a_fraction_is_no_count(ask):
    with pytest.raises(ValueError, match=r"a count is a whole number, not 2\.5"):
        ask("poisson", [1, 2.5], 1.0, 0.0)


def test_nothing_is_no_purchase():
    with pytest.raises(ValueError, match="a purchase has at least 1 unit, not 0"):
        laws.log_probability("poisson", [1, 0], 1.0, 0.0)


def test_the_training_distribution_is_its_shares_smoothed_by_one_row():
    """Three ones and a three: P(q) = (n_q + g(q)) / 5, g geometric with the mean of 1, 1, 1, 3 and 2."""
    counts = EmpiricalCounts.of([1, 1, 1, 3])
    g = stats.geom(5 / 8).pmf([1, 2, 3, 9])
    np.testing.assert_allclose(np.exp(counts.log_probability([1, 2, 3, 9])), (np.array([3, 0, 1, 0]) + g) / 5)
    q = np.arange(1, 400)
    p = np.exp(counts.log_probability(q))
    assert p.sum() == pytest.approx(1)
    assert counts.average == 1.5
    below = np.cumsum(p)
    expected = [((below - (one <= q)) ** 2).sum() for one in (1, 2, 40)]
    np.testing.assert_allclose(counts.crps([1, 2, 40]), expected, rtol=1e-6)


def test_a_count_that_was_never_near_is_improbable_and_not_impossible():
    found = EmpiricalCounts.of([1, 1, 2]).log_probability([5000])
    assert np.isfinite(found).all()
    assert found[0] < -1000
