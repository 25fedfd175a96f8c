"""Price elasticities of quantity: the formulas they must be, numerical derivatives, and errors that are right."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from cxai_runner.methods.quantity import ChosenTerms, PoissonQuantity, PriceResponse, QuantityError, forecast

from .test_quantity_forms import FORMS

TERMS = ["price", "promotion", "brand", "price:segment"]


def purchases(rng, n=1500, slope=-0.5):
    """Purchases of two brands by two segments, at prices of two levels; quantities are truncated negative binomials."""
    frame = pd.DataFrame({"brand": rng.choice([1, 2], n), "segment": rng.choice(["x", "y"], n)})
    frame["price_1"], frame["price_2"] = rng.uniform(1, 2, n), rng.uniform(2, 3, n)
    frame["promotion_1"], frame["promotion_2"] = rng.integers(0, 2, n), rng.integers(0, 2, n)
    first = frame["brand"] == 1
    price, promotion = (
        frame["price_1"].where(first, frame["price_2"]),
        frame["promotion_1"].where(first, frame["promotion_2"]),
    )
    mu = np.exp(1.6 + slope * price + 0.2 * promotion - 0.3 * price * (frame["segment"] == "y") + 0.3 * ~first)
    alpha = 0.3
    quantity = np.zeros(n)
    while (nothing := quantity == 0).any():
        quantity[nothing] = rng.negative_binomial(1 / alpha, (1 / (1 + alpha * mu[nothing])).to_numpy())
    return frame, quantity


@pytest.fixture(scope="module")
def bought():
    return purchases(np.random.default_rng(1))


def fitted(form, bought, terms=TERMS):
    return make_pipeline(ChosenTerms(terms), FORMS[form]()).fit(*bought)


def asked(model, **options):
    return PriceResponse(model, np.random.default_rng(0), **options)


def moved(frame, price):
    """The rows with the price of the brand bought at ``price``."""
    first = frame["brand"] == 1
    return frame.assign(
        price_1=np.where(first, price, frame["price_1"]), price_2=np.where(first, frame["price_2"], price)
    )


def paid(frame):
    return np.where(frame["brand"] == 1, frame["price_1"], frame["price_2"])


@pytest.mark.parametrize("form", FORMS)
def test_elasticities_are_derivatives_of_expected_units(form, bought):
    """Against numerical derivatives of the mean of `predict`, to 1e-6: at the observed prices and on a grid."""
    model, frame, h = fitted(form, bought), bought[0], 1e-4
    response = asked(model)

    def slope(at):
        low, high = (model.predict(moved(frame, at * share)).mean() for share in (1 - h, 1 + h))
        return (np.log(high) - np.log(low)) / (np.log(1 + h) - np.log(1 - h))

    assert response.at_observed(frame).elasticity[0] == pytest.approx(slope(paid(frame)), abs=1e-6)
    curve = response.over(frame, [1.2, 2.5])
    assert curve.elasticity == pytest.approx([slope(np.full(len(frame), p)) for p in (1.2, 2.5)], abs=1e-6)
    assert curve.units == pytest.approx([model.predict(moved(frame, p)).mean() for p in (1.2, 2.5)], rel=1e-10)


def test_of_a_linear_form_it_is_b_p_over_q(bought):
    model = fitted("linear", bought, ["price"])
    b, a = model[-1].coef_[0], model[-1].intercept_
    found = asked(model).over(bought[0], [1.0, 2.0, 3.0])
    price = np.array([1.0, 2.0, 3.0])
    np.testing.assert_allclose(found.elasticity, b * price / (a + b * price), rtol=1e-8)


@pytest.mark.parametrize(
    ("term", "form"), [("price", "poisson"), ("log_price", "poisson"), ("log_price", "log_linear")]
)
def test_of_a_log_link_it_is_the_coefficient_and_so_is_its_standard_error(term, form, bought):
    """b·p for a term in the price, b for one in its logarithm; the delta method is then exact."""
    model = fitted(form, bought, [term, "promotion"])
    price = np.array([1.0, 2.0])
    found = asked(model).over(bought[0], price)
    scale = price if term == "price" else np.ones(2)
    np.testing.assert_allclose(found.elasticity, model[-1].coef_[0] * scale, rtol=1e-8)
    np.testing.assert_allclose(found.elasticity_error, model[-1].standard_errors_[1] * scale, rtol=1e-6)


def test_the_delta_method_is_the_spread_of_refits():
    """Over simulated samples the elasticity and the units vary as their standard errors say."""
    rng = np.random.default_rng(4)
    found = [asked(fitted("truncated_negative_binomial", one)).at_observed(one[0]) for one in
             (purchases(rng, 500) for _ in range(40))]  # fmt: skip
    for name in ("elasticity", "units"):
        values = np.array([getattr(one, name)[0] for one in found])
        errors = np.array([getattr(one, f"{name}_error")[0] for one in found])
        assert np.std(values, ddof=1) == pytest.approx(errors.mean(), rel=0.3), name


def test_a_scaler_in_between_changes_nothing(bought):
    plain = fitted("truncated_poisson", bought)
    scaled = make_pipeline(ChosenTerms(TERMS), StandardScaler(), FORMS["truncated_poisson"]()).fit(*bought)
    one, other = (asked(model).at_observed(bought[0]).frame() for model in (plain, scaled))
    pd.testing.assert_frame_equal(one, other, rtol=1e-7)


def test_promotion_can_be_set(bought):
    model = fitted("poisson", bought)
    frame = bought[0]
    for state in (0.0, 1.0):
        set_to = frame.assign(promotion_1=state, promotion_2=state)
        found = asked(model).at_observed(frame, state)
        assert found.units[0] == pytest.approx(model.predict(set_to).mean(), rel=1e-12)


def test_rows_that_agree_are_counted_and_many_are_drawn(bought):
    """The curve over the distinct rows is that over all rows; over a sample of them it is near."""
    frame = bought[0]
    model = fitted("truncated_poisson", bought)
    whole = asked(model, max_rows=10**6).over(frame, [1.5, 2.5])
    drawn = asked(model, max_rows=4).over(frame, [1.5, 2.5])
    each = [model.predict(moved(frame, p)).mean() for p in (1.5, 2.5)]
    np.testing.assert_allclose(whole.units, each, rtol=1e-10)
    assert not np.allclose(drawn.units, each, rtol=1e-10)
    np.testing.assert_allclose(drawn.units, each, rtol=0.5)


def test_trees_get_an_arc_elasticity_from_refits():
    """Boosted trees with a Poisson loss: the arc between prices a tenth lower and higher, near the simulation's own."""
    frame, quantity = purchases(np.random.default_rng(5), 4000)

    def trees():
        boosted = HistGradientBoostingRegressor(loss="poisson", max_iter=60, max_leaf_nodes=8, random_state=0)
        return make_pipeline(ChosenTerms(TERMS), boosted)

    rng = np.random.default_rng(0)
    with threadpool_limits(1):
        draws = [rng.integers(len(frame), size=len(frame)) for _ in range(4)]
        refits = [trees().fit(frame.iloc[i], quantity[i]) for i in draws]
        model = trees().fit(frame, quantity)
        response = asked(model, refits=refits)
        found, curve = response.at_observed(frame), response.over(frame, [1.2, 2.8])

        def arc(one):
            low, high = (one.predict(moved(frame, paid(frame) * share)).mean() for share in (0.9, 1.1))
            return np.log(high / low) / np.log(1.1 / 0.9)

        assert found.elasticity[0] == pytest.approx(arc(model), rel=1e-10)
        assert found.elasticity_error[0] == pytest.approx(np.std([arc(one) for one in refits], ddof=1), rel=1e-10)
    assert found.quantile == pytest.approx(3.182, abs=1e-3)  # Student's, 3 degrees of freedom
    truth = asked(fitted("truncated_negative_binomial", (frame, quantity))).at_observed(frame).elasticity[0]
    assert abs(found.elasticity[0] - truth) < 0.25
    assert response.uncertainty == "4 refits on resampled customers"
    assert curve.units[0] > curve.units[1]


def test_a_model_without_a_covariance_needs_refits(bought):
    trees = HistGradientBoostingRegressor(loss="poisson", max_iter=3)
    model = make_pipeline(ChosenTerms(["price"]), trees).fit(*bought)
    with pytest.raises(ValueError, match="pass two refits or more"):
        asked(model, refits=[model])


@pytest.mark.parametrize("ask", [lambda of, X: of.at_observed(X), lambda of, X: of.over(X, [1.5])])
def test_negative_prices_have_no_elasticity(bought, ask):
    X, _ = bought
    with pytest.raises(QuantityError, match=r"^1500 rows have a negative price, .*; correct the prices") as told:
        ask(asked(fitted("poisson", bought)), X.assign(price_1=-X["price_1"], price_2=-X["price_2"]))
    assert told.value.columns == ("price",)


def test_a_poisson_loss_stands_for_the_poisson(bought):
    trees = make_pipeline(ChosenTerms(["price"]), HistGradientBoostingRegressor(loss="poisson", max_iter=3))
    law = forecast(trees.fit(*bought), bought[0])
    assert law.law == "poisson"
    np.testing.assert_array_equal(law.location, trees.predict(bought[0]))
    ours = make_pipeline(ChosenTerms(["price"]), PoissonQuantity()).fit(*bought)
    np.testing.assert_allclose(
        forecast(ours, bought[0]).log_probability(bought[1]),
        ours[-1].log_probability(ours[:-1].transform(bought[0]), bought[1]),
    )
