"""Concentration: the curve and the coefficient by hand, and what holds of every base."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cxai_runner.methods.concentration import Concentration

amounts = st.lists(st.floats(0, 1e6).map(lambda value: round(value, 2)), min_size=1, max_size=60).filter(
    lambda values: sum(values) > 0
)
several = settings(max_examples=80, deadline=None)


def test_by_hand():
    curve = Concentration([5.0, 0.0, 15.0]).lorenz()
    assert curve.customers[:, 0].tolist() == pytest.approx([0, 1 / 3, 2 / 3, 1])
    assert curve.brought[:, 0].tolist() == [0, 0, 0.25, 1]
    # Half the mean absolute difference of any two over the mean: Σ|x_i − x_j| = 2·(5 + 15 + 10), over 2·9·(20/3).
    assert curve.gini[0] == pytest.approx(60 / (2 * 9 * 20 / 3))
    assert curve.of_the_largest([1 / 3, 1])[:, 0].tolist() == pytest.approx([0.75, 1])


def test_all_the_same_and_one_who_brings_all():
    assert Concentration([3.0] * 7).lorenz().gini[0] == pytest.approx(0, abs=1e-12)
    assert Concentration([0.0] * 99 + [4.0]).lorenz().gini[0] == pytest.approx(0.99)
    assert Concentration([2.0]).lorenz().gini[0] == 0


@several
@given(amounts)
def test_the_curve_is_convex_below_the_diagonal_and_ends_at_one(values):
    curve = Concentration(values).lorenz()
    x, y = curve.customers[:, 0], curve.brought[:, 0]
    assert (x[0], y[0], x[-1], y[-1]) == (0, 0, 1, 1)
    slopes = np.diff(y) / np.diff(x)
    assert (np.diff(slopes) >= -1e-9 * max(1.0, slopes.max())).all()
    assert (y <= x + 1e-12).all()


@several
@given(amounts)
def test_gini_is_half_the_relative_mean_difference(values):
    x = np.asarray(values)
    gini = Concentration(x).lorenz().gini[0]
    assert -1e-12 <= gini <= 1
    assert gini == pytest.approx(np.abs(x[:, None] - x).mean() / (2 * x.mean()), abs=1e-9)


@several
@given(amounts, st.randoms(use_true_random=False))
def test_order_unit_and_copies_do_not_count(values, random):
    points = [0.1, 0.5, 0.9]
    once = Concentration(values).lorenz()
    shuffled = list(values)
    random.shuffle(shuffled)
    for other in (shuffled, [7 * value for value in values], values * 2):
        again = Concentration(other).lorenz()
        assert again.gini[0] == pytest.approx(once.gini[0], abs=1e-9)
        assert again.at(points)[:, 0] == pytest.approx(once.at(points)[:, 0], abs=1e-9)


@several
@given(amounts)
def test_tenths_add_up_and_each_brings_no_less_than_the_one_before(values):
    tenths = np.diff(Concentration(values).lorenz().at(np.linspace(0, 1, 11))[:, 0])
    assert tenths.sum() == pytest.approx(1, abs=1e-9)
    assert (np.diff(tenths) >= -1e-9).all()


@several
@given(amounts, st.data())
def test_counts_are_customers_repeated(values, data):
    counts = data.draw(st.lists(st.integers(0, 4), min_size=len(values), max_size=len(values)))
    repeated = np.repeat(values, counts)
    curve = Concentration(values).lorenz(np.column_stack([counts, np.ones(len(values))]).astype(float))
    if repeated.sum() > 0:
        assert curve.gini[0] == pytest.approx(Concentration(repeated).lorenz().gini[0], abs=1e-9)
        assert curve.of_the_largest([0.2])[0, 0] == pytest.approx(
            Concentration(repeated).lorenz().of_the_largest([0.2])[0, 0], abs=1e-9
        )
    assert curve.gini[1] == pytest.approx(Concentration(values).lorenz().gini[0], abs=1e-12)


def test_a_resample_that_brings_nothing_has_no_curve():
    curve = Concentration([0.0, 1.0]).lorenz([[2.0], [0.0]])
    assert np.isnan(curve.gini[0])


@pytest.mark.parametrize("values", [[], [[1.0]], [1.0, -1.0], [1.0, float("nan")], [float("inf")]])
def test_what_is_no_amount_is_refused(values):
    with pytest.raises(ValueError, match=r"what (each customer brings|customers bring)"):
        Concentration(values)


def test_groups_of_customers_are_counted_as_each_of_them_would_be():
    rng = np.random.default_rng(4)
    values, groups = np.exp(rng.normal(size=20_000) * 1.5), rng.permutation(20_000) % 900
    counts = rng.poisson(1.0, (900, 12)).astype(float)
    one, each = Concentration(values, groups).lorenz(counts), Concentration(values).lorenz(counts[groups])
    np.testing.assert_allclose(one.gini, each.gini, atol=1e-5)
    points = np.linspace(0, 1, 21)
    np.testing.assert_allclose(one.at(points), each.at(points), atol=1e-5)
    assert each.gini.std() > 1e-3, "there is something to be exact about"
    assert Concentration(values, groups).lorenz().gini == Concentration(values).lorenz().gini


def test_a_group_of_ones_own_is_no_group():
    rng = np.random.default_rng(5)
    values, places = rng.gamma(1, 5, 40), rng.permutation(40)
    counts = rng.poisson(1.0, (40, 6)).astype(float)
    alone = Concentration(values, places).lorenz(counts)
    np.testing.assert_array_equal(alone.gini, Concentration(values).lorenz(counts[places]).gini)


def test_classes_are_of_customers_and_of_what_they_bring():
    """One customer of ten thousand brings half: they are a class of their own, and the curve is straight but there."""
    values = np.ones(10_000)
    values[17] = 10_000.0
    curve = Concentration(values, np.arange(10_000) % 100).lorenz(np.ones((100, 1)))
    assert curve.at([0.9999])[0, 0] == pytest.approx(9999 / 19999)
    assert 1000 < len(curve.customers) <= 2001
    assert curve.gini[0] == pytest.approx(Concentration(values).lorenz().gini[0], abs=1e-12)


def test_groups_are_one_for_each_customer():
    with pytest.raises(ValueError, match="the group of each customer"):
        Concentration([1.0, 2.0], [0])
