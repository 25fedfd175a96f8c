"""Purchase quantity: what it refuses, what it finds in simulated purchases, and what it says about it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.pipeline import make_pipeline

from cxai_runner.evaluation.results import Estimate, Figure, Table
from cxai_runner.methods.quantity import (
    LinearQuantity,
    LogLinearQuantity,
    PoissonQuantity,
    TruncatedNegativeBinomialQuantity,
    TruncatedPoissonQuantity,
    forecast,
)
from tasks.purchase_quantity import PurchaseQuantity

from .conftest import make_purchases
from .quantity_runs import CONTEXT, QUICK, only, run, texts


@pytest.fixture(scope="module")
def result():
    task = PurchaseQuantity(points=9, by=["segment"])
    data, other = make_purchases(customers=200), make_purchases(customers=100, seed=9)
    return run(data, TruncatedNegativeBinomialQuantity(), task, other)


def test_the_headline_is_the_answer(result):
    _, metrics, contents = result
    assert metrics["log_loss"].verdict == "better"
    (headline,) = texts(contents, "headline")
    assert headline.startswith("A purchase has ")
    assert " units on average, and prices 1 % higher go with a change of −" in headline
    assert "predicts quantities better than the training distribution on rows it has not seen: log loss" in headline


def test_a_model_that_does_not_help_is_said_not_to(purchases):
    rng = np.random.default_rng(0)
    shuffled = purchases.frame.assign(quantity=rng.permutation(purchases.frame["quantity"]))
    _, metrics, contents = run(replace(purchases, frame=shuffled), PoissonQuantity(), held_out=make_purchases(seed=5))
    assert metrics["log_loss"].verdict == "worse"
    assert "predicts quantities worse than the training distribution" in texts(contents, "headline")[0]
    assert any("do not tell whether quantity falls when prices rise" in text for text in texts(contents, "caveat"))


def test_rows_seen_are_said_to_be_seen(purchases):
    _, _, contents = run(purchases, TruncatedPoissonQuantity())
    assert "its own training rows (nothing was held out)" in texts(contents, "headline")[0]


def expected(price, promotion, own, step):
    """Expected units of the simulation with all prices multiplied by exp(step)."""
    mu = np.exp(1.8 - 0.5 * price * np.exp(step) + 0.3 * promotion + own)
    return (mu / (1 - (1 + 0.2 * mu) ** -5.0)).mean()


def test_the_elasticity_holds_the_truth(result):
    """Derivative of the simulation's expected units, over its prices, promotions and customers."""
    rng = np.random.default_rng(0)
    n = 200_000
    price = rng.uniform(1, 2, n) + 0.5 * rng.integers(0, 3, n)
    promotion, own = rng.integers(0, 2, n), rng.normal(0, 0.2, n)
    up, down = (expected(price, promotion, own, step) for step in (1e-4, -1e-4))
    truth = (np.log(up) - np.log(down)) / 2e-4
    found = only(result[2], Estimate, "elasticity_at_observed_prices").value
    assert found.low < truth < found.high
    assert found.high - found.low < 0.3


def test_it_is_told_apart_by_brand_segment_and_promotion(result):
    _, _, contents = result
    table = only(contents, Table, "price_elasticity").frame
    labels = ["all purchases", "brand a", "brand b", "brand c", "segment new", "segment old"]
    assert sorted(set(table["purchases"])) == labels
    assert set(table["promotion"]) == {"as observed", "promotion 1", "promotion 0"}
    assert table[table["purchases"].str.startswith("brand")].groupby("promotion")["rows"].sum().eq(2400).all()
    assert not table.isna().any(axis=None)
    all_rows = table[table["purchases"] == "all purchases"].set_index("promotion")
    assert all_rows.loc["promotion 0", "units"] < all_rows.loc["as observed", "units"]
    assert all_rows.loc["as observed", "units"] < all_rows.loc["promotion 1", "units"]
    # The dearer the brand, the further its elasticity: the simulation's is a slope in the price itself.
    brands = table[table["promotion"] == "as observed"].set_index("purchases")["elasticity"]
    assert brands["brand a"] > brands["brand b"] > brands["brand c"]
    assert set(only(contents, Figure, "elasticity_by_segment").data["segment"]) == {"new", "old"}


def test_the_curve_shades_what_was_observed(result):
    _, _, contents = result
    figure = only(contents, Figure, "elasticity")
    data = make_purchases(customers=200).frame
    paid = [row[f"price_{row['brand']}"] for _, row in data.iterrows()]
    assert figure.shade == (min(paid), max(paid))
    assert figure.data["price"].min() < figure.shade[0] < figure.shade[1] < figure.data["price"].max()
    assert "outside it the model extrapolates" in figure.caption
    assert "clustered covariance" in figure.caption
    assert figure.by == "promotion"
    by_brand = only(contents, Figure, "elasticity_by_brand").data
    dear = data.loc[data["brand"] == "c", "price_c"]
    mine = by_brand.loc[by_brand["brand"] == "c", "price"]
    assert (mine.min(), mine.max()) == pytest.approx((dear.min(), dear.max()))


def test_coefficients_have_their_uncertainty(result):
    fitted, _, contents = result
    table = only(contents, Table, "coefficients")
    assert table.title == "Coefficients (zero-truncated negative binomial)"
    assert "clustered by customer" in table.caption
    assert list(table.frame["term"]) == ["intercept", "price", "promotion", "dispersion"]
    final = fitted.pipeline[-1]
    np.testing.assert_allclose(table.frame["standard_error"], final.standard_errors_)
    np.testing.assert_allclose(table.frame["ratio"][:3], np.exp(table.frame["coefficient"][:3]))
    assert list(only(contents, Figure, "coefficients").data["term"]) == ["price", "promotion"]


def test_dispersion_is_told_in_words(result, purchases):
    told = [text for text in texts(result[2], "finding") if text.startswith("Quantities vary")]
    assert told == [told[0]]
    assert "vary more than a zero-truncated Poisson's" in told[0]
    assert "prefer a negative binomial" in told[0]
    assert len(only(result[2], Table, "dispersion").frame) == 3
    even = make_purchases(alpha=1e-9, customers=150)
    _, _, contents = run(even, TruncatedPoissonQuantity())
    # Customers differ, which is dispersion too; without that, it cannot be told.
    assert any("zero-truncated Poisson's" in text for text in texts(contents, "finding"))


def test_the_distribution_is_shares(result):
    table = only(result[2], Table, "quantity_distribution").frame
    for name in ("observed", "model", "training distribution"):
        assert table[name].sum() == pytest.approx(1)
    assert table["units"].iloc[-1].endswith("+")
    frame, (fitted, _, _) = make_purchases(customers=100, seed=9).frame, result
    law = forecast(fitted.pipeline, frame[fitted.columns])
    for row, q in enumerate((1, 2, 3)):
        assert table["observed"][row] == pytest.approx((frame["quantity"] == q).mean())
        assert table["model"][row] == pytest.approx(np.exp(law.log_probability(np.full(len(frame), q))).mean())
    assert np.abs(table["model"] - table["observed"]).max() < 0.06


def test_retransformation_is_told(purchases):
    fitted, _, contents = run(purchases, LogLinearQuantity())
    factor = f"{fitted.pipeline[-1].smearing_:.3f}"
    assert any("smearing" in text and factor in text for text in texts(contents, "finding"))
    assert only(contents, Table, "coefficients").caption.startswith("Change of the mean logarithm of the units")


def test_less_than_one_unit_is_told(purchases):
    steep = make_purchases(price=-1.2)
    _, _, contents = run(steep, LinearQuantity())
    assert any("are expected to have less than one unit" in text for text in texts(contents, "caveat"))
    assert "ratio" not in only(contents, Table, "coefficients").frame


def test_the_effect_of_price_is_conditional_in_three_ways(result, purchases):
    told = texts(result[2], "caveat")
    assert any(text.startswith("The effect of price is causal only if") for text in told)
    assert any("quantity of those who buy" in text for text in told)
    assert any("task.terms=[price,promotion,brand]" in text for text in told)
    _, _, contents = run(purchases, PoissonQuantity(), PurchaseQuantity(terms=["price", "brand"], points=5))
    assert not any("Without a constant for each brand" in text for text in texts(contents, "caveat"))


def test_few_prices_and_few_rows_are_told(purchases):
    frame = purchases.frame.copy()
    for name, price in zip("abc", (1.0, 2.0, 3.0), strict=True):
        frame[f"price_{name}"] = price
    frame.loc[frame["brand"] == "c", "brand"] = "b"
    frame.loc[:9, "brand"] = "c"
    _, _, contents = run(replace(purchases, frame=frame), TruncatedPoissonQuantity())
    told = texts(contents, "caveat")
    assert any("took 3 different values between 1.00 and 3.00: few" in text for text in told)
    assert any("Fewer than 30 purchases tell of: brand c (10)" in text for text in told)


def test_a_model_of_steps_is_labelled(purchases):
    trees = HistGradientBoostingRegressor(loss="poisson", max_iter=5, random_state=0)
    _, _, contents = run(purchases, trees)
    assert any("an arc's, because the model has steps" in text for text in texts(contents, "caveat"))
    figure = only(contents, Figure, "elasticity")
    assert "2 refits on resampled customers" in figure.caption
    assert (figure.data["price"].min(), figure.data["price"].max()) == figure.shade
    assert not any(isinstance(one, Table) and one.name == "coefficients" for one in contents)


def test_terms_by_config(purchases):
    inputs = (*purchases.roles.inputs, "segment")
    data = replace(purchases, roles=replace(purchases.roles, inputs=inputs))
    task = PurchaseQuantity(terms=["price", "promotion", "brand", "segment", "price:segment"], points=5)
    assert not list(task.problems(data.frame.columns))
    assert not list(task.inspect(data))
    pipeline = task.fit(make_pipeline(TruncatedPoissonQuantity()), data, CONTEXT).pipeline
    names = list(pipeline[:-1].get_feature_names_out())
    assert names[:2] == ["price", "promotion"]
    assert len(names) == 6
    assert names[-1].startswith("price:segment[")


def test_terms_without_promotions(purchases):
    frame = purchases.frame.drop(columns=[name for name in purchases.frame if name.startswith("promotion_")])
    inputs = tuple(name for name in frame if name.startswith("price_"))
    bare = replace(purchases, frame=frame, roles=replace(purchases.roles, inputs=inputs))
    fitted, _, contents = run(bare, TruncatedPoissonQuantity())
    assert fitted.terms == ("price",)
    assert set(only(contents, Table, "price_elasticity").frame["promotion"]) == {"as observed"}
    assert only(contents, Figure, "elasticity").by is None


def test_standard_errors_need_not_be_clustered(purchases):
    fitted = PurchaseQuantity(cluster=False).fit(
        make_pipeline(PoissonQuantity(covariance="robust")), purchases, CONTEXT
    )
    assert fitted.pipeline[-1].covariance_type_ == "robust"


def test_another_models_predictions_are_scored_by_its_law(purchases):
    """As the model that another run kept predicts them: the same metrics as if it had been scored here."""
    other = QUICK.fit(LinearQuantity(), purchases, CONTEXT)
    ours = QUICK.score(QUICK.fit(TruncatedPoissonQuantity(), purchases, CONTEXT), purchases, CONTEXT)
    saved = QUICK.models(other, purchases)["model"]
    predictions = saved.estimator.predict(purchases.frame[list(saved.example.columns)])
    assert list(predictions.columns) == ["normal_location", "normal_shape", "expected_units"]
    in_place = QUICK.predicted(ours, predictions)
    pd.testing.assert_frame_equal(in_place, QUICK.score(other, purchases, CONTEXT))
    assert QUICK.predicted(ours, predictions["expected_units"]) is None
    assert QUICK.predicted(ours, predictions[["expected_units"]]) is None


def test_statistics_are_the_metrics(purchases):
    scores = QUICK.score(QUICK.fit(TruncatedPoissonQuantity(), purchases, CONTEXT), purchases, CONTEXT)
    once = np.ones((scores["customer_id"].nunique(), 1))
    measured = {one.name: one.value.value for one in QUICK.measure(scores, CONTEXT)}
    found = {name: statistic(once)[0, 0] for name, statistic in QUICK.statistics(scores).items()}
    assert found == pytest.approx(measured, rel=1e-12)
    gap = scores["quantity"] - scores["expected"]
    assert found["rmse"] == pytest.approx(np.sqrt((gap**2).mean()))
    assert found["mae"] == pytest.approx(gap.abs().mean())
