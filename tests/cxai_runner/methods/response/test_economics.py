"""Elasticities of the chain: parts that add up, and derivatives that predicted units confirm."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.linear_model import LogisticRegression

from cxai_runner.methods.choice import ConditionalLogit, LatentClassLogit, NestedLogit
from cxai_runner.methods.mundlak import MundlakLogit
from cxai_runner.methods.quantity import LogLinearQuantity, TruncatedNegativeBinomialQuantity
from cxai_runner.methods.random_intercept import RandomInterceptLogit
from cxai_runner.methods.response import ALL, Draw, Occasions, Scenario, interval, respond
from cxai_runner.methods.response.answers import ARC, smooth

from .conftest import BRANDS, World, chain

MODELS = {
    "usual": {},
    "every price": {"incidence_terms": ["price", "promotion"], "quantity_terms": ["log_price", "brand", "price:brand"]},
    "inclusive value": {"incidence_terms": ["inclusive_value", "mean_promotion"]},
    "nested": {"choice": NestedLogit("auto", nests={"ab": ["a", "b"]}), "incidence_terms": ["inclusive_value"]},
    "latent classes": {
        "choice": LatentClassLogit({"price": "generic", "constants": False}, n_classes=2, n_init=1, random_state=0)
    },
    "logarithm": {"choice": ConditionalLogit("log(price) + promotion"), "quantity": LogLinearQuantity()},
    "random intercept": {"incidence": RandomInterceptLogit()},
    "mundlak": {"incidence": MundlakLogit()},
    "penalised": {"incidence": LogisticRegression(C=0.5), "quantity": TruncatedNegativeBinomialQuantity()},
}


def asked(model, X, scenario, grid=None, groups=None):
    occasions = Occasions.of(X, list(model.feature_names_in_), groups)
    return respond([Draw(model, np.ones(len(X)))], occasions, scenario, grid)


def two_kinds():
    """Customers who mind the price and buy little, and such who do not."""
    minding, others = (
        World(choice=(b, 0.5), incidence=(1.6 + b, -0.9, 0.4)).drawn(30, 20, seed=6) for b in (-3.0, 0.0)
    )
    frames = [pd.concat([one, other], ignore_index=True) for one, other in zip(minding[:2], others[:2], strict=True)]
    return *frames, np.concatenate([minding[2], others[2] + 30])


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.filterwarnings("ignore")
def test_the_total_is_the_sum_of_its_parts_and_the_derivative_of_predicted_units(rows, name):
    X, y, groups = two_kinds() if name in ("latent classes", "random intercept") else rows
    model = chain(**MODELS[name]).fit(X, y, groups=groups)
    assert smooth(model) == (True, True)
    assert name != "random intercept" or model.incidence_.sigma_ > 0.5
    step = 1e-5
    for competitors in ("fixed", "matched"):
        moving = BRANDS if competitors == "matched" else "b"

        def units(share, moving=moving):
            return model.forecast(X.assign(**{f"price_{a}": X[f"price_{a}"] * (1 + share) for a in moving})).units.sum(
                axis=0
            )

        up, down = units(step), units(-step)
        width = np.log1p(step) - np.log1p(-step)
        found = asked(model, X, Scenario("b", competitors))
        for j, brand in enumerate(BRANDS):
            total, *parts = found.elasticity(brand)[0, 0, 0]
            assert abs(total - sum(parts)) < 1e-12
            assert total == pytest.approx((np.log(up[j]) - np.log(down[j])) / width, rel=1e-6)
        total, *parts = found.elasticity()[0, 0, 0]
        assert abs(total - sum(parts)) < 1e-12
        assert total == pytest.approx((np.log(up.sum()) - np.log(down.sum())) / width, rel=1e-6)


def test_each_part_is_the_derivative_of_its_own_model(rows, fitted):
    """Weighted by each occasion's expected units, not averaged over occasions."""
    X = rows[0]
    step = 1e-5
    up, here, down = (fitted.forecast(X.assign(price_b=X["price_b"] * (1 + s))) for s in (step, 0, -step))
    weight = here.units[:, 1] / here.units[:, 1].sum()
    expected = []
    for moved in ("probability", "share", "location"):
        values = []
        for law in (up, down):
            rate = law.location[:, 1] if moved == "location" else here.location[:, 1]
            factor = {"probability": law.probability, "share": law.share[:, 1], "location": rate / -np.expm1(-rate)}
            values.append(np.log(factor[moved]))
        expected.append(weight @ (values[0] - values[1]) / (np.log1p(step) - np.log1p(-step)))
    np.testing.assert_allclose(asked(fitted, X, Scenario("b")).elasticity("b")[0, 0, 0, 1:], expected, rtol=1e-6)


def test_a_grid_sets_the_brands_price_and_competitors_stay_or_match(rows, fitted):
    X = rows[0]
    at = np.array([1.6, 2.1])
    fixed, matched = (asked(fitted, X, Scenario("b", how), at) for how in ("fixed", "matched"))
    for a, price in enumerate(at):
        law = fitted.forecast(X.assign(price_b=price))
        np.testing.assert_allclose(fixed.units[0, a, 0], law.units.mean(axis=0))
        np.testing.assert_allclose(fixed.revenue[0, a, 0], law.revenue.mean(axis=0))
        share = price / X["price_b"]
        law = fitted.forecast(X.assign(**{f"price_{b}": X[f"price_{b}"] * share for b in BRANDS}))
        np.testing.assert_allclose(matched.units[0, a, 0], law.units.mean(axis=0))
    np.testing.assert_array_equal(fixed.price, at)
    assert asked(fitted, X, Scenario("b")).price[0] == pytest.approx(X["price_b"].mean())


def test_the_slope_of_a_curve_is_its_elasticity(rows, fitted):
    """Along the grid the brand has one price everywhere, and its units change by the elasticity said there."""
    step = 1e-5
    for how in ("fixed", "matched"):
        found = asked(fitted, rows[0], Scenario("b", how), 2.0 * np.array([1 - step, 1, 1 + step]))
        units = np.log(found.units[0, :, 0, 1])
        slope = (units[2] - units[0]) / (np.log1p(step) - np.log1p(-step))
        assert found.elasticity("b")[0, 1, 0, 0] == pytest.approx(slope, rel=1e-6)


def test_promotion_is_set_for_the_brand_alone(rows, fitted):
    X = rows[0]
    found = asked(fitted, X, Scenario("b", promotion=1.0))
    np.testing.assert_allclose(found.units[0, 0, 0], fitted.forecast(X.assign(promotion_b=1.0)).units.mean(axis=0))


def test_groups_are_their_own_occasions(rows, fitted):
    X = rows[0]
    mask = np.arange(len(X)) % 3 == 0
    found = asked(fitted, X, Scenario("b"), groups={"third": mask})
    alone = asked(fitted, X[mask].reset_index(drop=True), Scenario("b"))
    assert found.groups == (ALL, "third")
    np.testing.assert_allclose(found.elasticity("b")[0, 0, 1], alone.elasticity("b")[0, 0, 0], rtol=1e-12)
    np.testing.assert_allclose(found.units[0, 0, 1], alone.units[0, 0, 0], rtol=1e-12)


def test_occasions_that_are_seen_alike_are_counted():
    """Twelve weeks are twelve rows, and say what all occasions say, in whatever order they are."""
    X, y, _ = World(discrete=True).drawn(customers=50, occasions=12, seed=2)
    model = chain().fit(X, y)
    occasions = Occasions.of(X, list(model.feature_names_in_))
    assert len(occasions.frame) == 12
    found = asked(model, X, Scenario("c"))
    np.testing.assert_allclose(found.units[0, 0, 0], model.forecast(X).units.mean(axis=0), rtol=1e-12)
    other = Occasions.of(X.iloc[::-1].reset_index(drop=True), list(model.feature_names_in_))
    np.testing.assert_array_equal(occasions.frame, other.frame)


def test_draws_count_occasions(rows, fitted):
    X = rows[0]
    times = np.random.default_rng(0).integers(0, 3, len(X)).astype(float)
    occasions = Occasions.of(X, list(fitted.feature_names_in_))
    found = respond([Draw(fitted, np.ones(len(X))), Draw(fitted, times)], occasions, Scenario("a"))
    repeated = X.iloc[np.repeat(np.arange(len(X)), times.astype(int))].reset_index(drop=True)
    np.testing.assert_allclose(found.units[1, 0, 0], fitted.forecast(repeated).units.mean(axis=0), rtol=1e-12)


def test_a_sample_of_occasions(rows, fitted):
    occasions = Occasions.of(rows[0], list(fitted.feature_names_in_))
    some = occasions.sampled(np.random.default_rng(0), 200)
    assert occasions.sampled(np.random.default_rng(0), 10_000) is occasions
    assert some.used.sum() == 200
    assert len(some.frame) <= 200
    np.testing.assert_array_equal(some.frame.iloc[some.code[some.used]], rows[0][some.used])
    assert some.weights(np.ones(len(rows[0]))).sum() == 200


def test_blocks_change_nothing(rows, fitted, monkeypatch):
    at = np.linspace(1.5, 2.5, 5)
    usual = asked(fitted, rows[0], Scenario("b"), at)
    for size in (500, 2500):
        monkeypatch.setattr("cxai_runner.methods.response.economics.CHUNK", size)
        other = asked(fitted, rows[0], Scenario("b"), at)
        np.testing.assert_allclose(other.units, usual.units, rtol=1e-12)
        np.testing.assert_allclose(other.parts, usual.parts, rtol=1e-12)


def test_what_a_brand_loses_goes_somewhere(rows, fitted):
    found = asked(fitted, rows[0], Scenario("b")).diverted()[0, 0, 0]
    assert found.sum() == pytest.approx(1)
    assert found[1] == 0
    step = 1e-5
    up, down = (
        fitted.forecast(rows[0].assign(price_b=rows[0]["price_b"] * (1 + s))).units.sum(axis=0) for s in (step, -step)
    )
    change = up - down
    np.testing.assert_allclose(found[[0, 2]], change[[0, 2]] / -change[1], rtol=1e-6)
    assert found[3] == pytest.approx(change.sum() / change[1], rel=1e-6)


def test_models_of_steps_have_arcs(rows):
    """Trees: the elasticity between prices 10 % lower and higher, occasion by occasion, and parts that still add up."""
    X, y, _ = rows
    trees = {
        "incidence": HistGradientBoostingClassifier(max_iter=10, random_state=0),
        "quantity": HistGradientBoostingRegressor(loss="poisson", max_iter=10, random_state=0),
    }
    model = chain(**trees).fit(X, y)
    up, here, down = (model.forecast(X.assign(price_b=X["price_b"] * (1 + s))) for s in (ARC, 0, -ARC))
    weight = here.units[:, 1] / here.units[:, 1].sum()
    width = np.log((1 + ARC) / (1 - ARC))
    total, incidence, _, quantity = asked(model, X, Scenario("b")).elasticity("b")[0, 0, 0]
    assert incidence == pytest.approx(weight @ np.log(up.probability / down.probability) / width, rel=1e-9)
    assert quantity == pytest.approx(weight @ np.log(up.location[:, 1] / down.location[:, 1]) / width, rel=1e-9)
    assert total < 0


def test_an_interval_is_students():
    values = np.array([1.0, 0.9, 1.2, 1.1, np.nan])
    value, low, high = interval(values)
    assert value == 1.0
    reach = stats.t.ppf(0.975, 2) * np.std([0.9, 1.2, 1.1], ddof=1)
    assert (low, high) == pytest.approx((1 - reach, 1 + reach))


def test_an_estimate_over_all_occasions_takes_the_spread_of_resamples_over_fewer(rows, fitted):
    everyone = Occasions.of(rows[0], list(fitted.feature_names_in_))
    some = everyone.sampled(np.random.default_rng(0), 200)
    times = np.random.default_rng(1).poisson(1.0, len(rows[0])).astype(float)
    draws = [Draw(fitted, np.ones(len(rows[0]))), Draw(fitted, times)]
    whole, fewer = respond(draws[:1], everyone, Scenario("b")), respond(draws, some, Scenario("b"))
    both = whole.spread_as(fewer)
    np.testing.assert_array_equal(both.units[0], whole.units[0])
    np.testing.assert_allclose(both.units[1] - both.units[0], fewer.units[1] - fewer.units[0], rtol=1e-9)
    assert (both.parts.shape, both.revenue.shape) == (fewer.parts.shape, fewer.revenue.shape)
    assert not np.allclose(both.revenue[1], fewer.revenue[1], rtol=1e-4)
