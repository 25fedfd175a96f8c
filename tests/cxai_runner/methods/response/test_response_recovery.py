"""Known truth: the elasticity and its parts lie in their intervals, and as often as the intervals say."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from cxai_runner.methods.quantity import TruncatedNegativeBinomialQuantity
from cxai_runner.methods.response import Occasions, Scenario, interval, optimum, refits, respond

from .conftest import World, chain

STEP = 1e-5


def truth(world, X):
    """Total elasticity of brand b to its price and its parts, from the laws that the rows were drawn from."""
    prices, promotions = (X.filter(like=f"{kind}_").to_numpy() for kind in ("price", "promotion"))
    laws = [world.laws(prices * np.array([1, 1 + s, 1]), promotions) for s in (STEP, -STEP)]
    weight = world.units(prices, promotions)[:, 1]
    means = [(bought, share[:, 1], rate[:, 1] / -np.expm1(-rate[:, 1])) for bought, share, rate in laws]
    width = np.log1p(STEP) - np.log1p(-STEP)
    parts = [weight @ (np.log(up) - np.log(down)) / width / weight.sum() for up, down in zip(*means, strict=True)]
    return np.array([sum(parts), *parts])


def asked(model, X, y, groups, times, seed, grid=None):
    draws = refits(model, X, y, groups, times, np.random.default_rng(seed))
    occasions = Occasions.of(X, list(model.feature_names_in_))
    return respond(draws, occasions, Scenario("b"), grid)


def test_the_truth_lies_in_the_intervals():
    world = World()
    X, y, groups = world.drawn(customers=300, occasions=20, seed=11)
    model = chain().fit(X, y, groups=groups)
    found = asked(model, X, y, groups, 40, seed=1)
    value, low, high = interval(found.elasticity("b")[:, 0, 0])
    expected = truth(world, world.drawn(customers=10_000, occasions=20, seed=12)[0])
    assert ((low < expected) & (expected < high)).all(), (low, expected, high)
    assert (high - low)[0] < 0.6
    assert value[0] == pytest.approx(value[1:].sum(), abs=1e-12)


def test_a_richer_law_of_units_finds_the_same():
    """A negative binomial has the Poisson among its own."""
    X, y, _ = World().drawn(customers=150, occasions=20, seed=13)
    usual, other = (chain(**more).fit(X, y) for more in ({}, {"quantity": TruncatedNegativeBinomialQuantity()}))
    units = usual.forecast(X).units.sum(axis=0)
    np.testing.assert_allclose(other.forecast(X).units.sum(axis=0), units, rtol=0.01)


def test_the_best_price_is_found_where_it_is():
    """Revenue of the truth over the grid has its top inside; the estimate's interval holds it."""
    world = World(choice=(-1.0, 0.5), quantity=(1.0, -0.2, 0.2), incidence=(1.0, -0.3, 0.4))
    X, y, groups = world.drawn(customers=150, occasions=20, seed=14)
    prices, promotions = (X.filter(like=f"{kind}_").to_numpy() for kind in ("price", "promotion"))
    grid = np.linspace(prices[:, 1].min(), prices[:, 1].max(), 15)
    cost = 0.7

    def margin(price):
        at = prices.copy()
        at[:, 1] = price
        return (price - cost) * world.units(at, promotions)[:, 1].mean()

    best = grid[np.argmax([margin(price) for price in grid])]
    found = asked(chain().fit(X, y), X, y, groups, 20, 2, grid)
    money = found.revenue[:, :, 0, 1] - cost * found.units[:, :, 0, 1]
    one = optimum(grid, money)
    assert one.identified
    assert one.low - 0.07 < best < one.high + 0.07
    assert one.high - one.low < 0.6


@pytest.mark.slow
def test_intervals_hold_the_truth_as_often_as_they_say():
    """Of 150 panels the count lies within the 99.9 % binomial interval around 95 %, Bonferroni over the four."""
    world, panels = World(discrete=True), 150
    hits = np.zeros(4)
    for seed in range(panels):
        X, y, groups = world.drawn(customers=80, occasions=12, seed=1000 + seed)
        model = chain(quantity_terms=["price", "promotion"]).fit(X, y)
        _, low, high = interval(asked(model, X, y, groups, 40, seed).elasticity("b")[:, 0, 0])
        expected = truth(world, X)
        hits += (low < expected) & (expected < high)
    least, most = stats.binom.interval(1 - 0.001 / 4, panels, 0.95)
    assert ((least <= hits) & (hits <= most)).all(), hits / panels
