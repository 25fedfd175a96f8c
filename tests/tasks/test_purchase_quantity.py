"""Purchase quantity: what it refuses, what it finds in simulated purchases, and what it says about it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.impute import SimpleImputer
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline

from cxai_runner.config.problems import UserError
from cxai_runner.evaluation.results import Estimate, Figure, Finding, Table
from cxai_runner.methods.quantity import (
    LinearQuantity,
    LogLinearQuantity,
    PoissonQuantity,
    QuantityWarning,
    TruncatedNegativeBinomialQuantity,
    TruncatedPoissonQuantity,
    forecast,
)
from cxai_runner.task import Context
from tasks.purchase_quantity import PurchaseQuantity

from .conftest import make_purchases

CONTEXT = Context(seed=3, resamples=200)
QUICK = PurchaseQuantity(points=9, refits=2)


def run(data, model, task=QUICK, held_out=None):
    fitted = task.fit(model, data, CONTEXT)
    scores = {"train": task.score(fitted, data, CONTEXT)}
    if held_out is not None:
        scores["held_out"] = task.score(fitted, held_out, CONTEXT)
    metrics = {one.name: one for one in task.measure(scores.get("held_out", scores["train"]), CONTEXT)}
    return fitted, metrics, list(task.report(fitted, data, scores, metrics, CONTEXT))


def only(contents, kind, name):
    return next(one for one in contents if isinstance(one, kind) and one.name == name)


def texts(contents, kind):
    return [one.text for one in contents if isinstance(one, Finding) and one.kind == kind]


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


@pytest.mark.parametrize(
    ("options", "key", "message", "remedy"),
    [
        ({"terms": ["prise", "price"]}, "terms", "no column for this term", "did you mean `price`?"),
        ({"terms": ["price", "revenue"]}, "terms", "what happens at the purchase cannot be a term", "leave it out"),
        (
            {"terms": ["promotion"]},
            "terms",
            "no price among them",
            "add one: task.terms=[price,promotion], or write task.terms=auto",
        ),
        ({"terms": []}, "terms", "at least one term", "write task.terms=auto"),
        ({"terms": "price"}, "terms", "`auto` or a list of terms", "write task.terms=[price]"),
        ({"by": ["segmnt"]}, "by", "no such column", "did you mean `segment`?"),
        ({"by": ["quantity"]}, "by", "does not tell customers apart", "leave it out"),
    ],
)
def test_config_mistakes(purchases, options, key, message, remedy):
    (problem,) = PurchaseQuantity(**options).problems(purchases.frame.columns)
    assert problem.key == key
    assert message in problem.message
    assert problem.remedy == remedy


def test_columns_known_by_pattern_only_are_enough():
    task = PurchaseQuantity(terms=["price", "promotion", "loyalty", "price_103", "price:brand"])
    assert not list(task.problems(("customer_id", "brand", "quantity", "price_*", "promotion_*", "loyalty_*")))


def first(frame, column, value, rows=4):
    return frame.assign(**{column: frame[column].astype(object).where(frame.index >= rows, value)})


@pytest.mark.parametrize(
    ("change", "key", "message"),
    [
        (lambda f: f.assign(quantity=f["quantity"].where(f.index > 3)), "panel.quantity", "4 missing values"),
        (
            lambda f: f.assign(quantity=f["quantity"].where(f.index > 3, 0)),
            "panel.quantity",
            "4 of 720 rows have no unit",
        ),
        (lambda f: f.assign(quantity=f["quantity"] + 0.25), "panel.quantity", "720 of 720 rows are not of whole units"),
        (lambda f: f.assign(quantity=2), "panel.quantity", "one value only"),
        (lambda f: first(f, "brand", "z"), "panel.brand", "4 rows are of a brand that has no column `price_z`"),
        (lambda f: first(f, "brand", None), "panel.brand", "4 missing values"),
        (lambda f: f.assign(price_a=2.0, price_b=2.0, price_c=2.0), "panel.price_*", "one price only"),
        (lambda f: f.assign(price_a=-1.0), "panel.price_*", "a price of zero or less"),
        (lambda f: f.assign(price_a=np.nan), "panel.price_a", "missing values where that brand was bought"),
        (lambda f: f.assign(promotion_b=np.nan), "panel.promotion_b", "missing values where that brand was bought"),
    ],
)
def test_data_mistakes(purchases, change, key, message):
    problems = list(PurchaseQuantity().inspect(replace(purchases, frame=change(purchases.frame))))
    assert any(problem.key == key and message in problem.message for problem in problems), problems
    assert all(problem.remedy for problem in problems)


def test_a_price_that_is_missing_where_another_brand_was_bought_is_no_mistake(purchases):
    frame = purchases.frame
    gap = frame.assign(price_a=frame["price_a"].where(frame["brand"] == "a"))
    data = replace(purchases, frame=gap)
    assert not list(QUICK.inspect(data))
    assert len(QUICK.score(QUICK.fit(TruncatedPoissonQuantity(), data, CONTEXT), data, CONTEXT)) == 720


def test_rows_without_a_purchase_are_refused_wherever_they_are(purchases):
    fitted = QUICK.fit(PoissonQuantity(), purchases, CONTEXT)
    nothing = replace(purchases, frame=purchases.frame.assign(quantity=0))
    for call in (lambda: QUICK.fit(PoissonQuantity(), nothing, CONTEXT), lambda: QUICK.score(fitted, nothing, CONTEXT)):
        with pytest.raises(UserError, match="720 of 720 rows have no unit") as caught:
            call()
        assert caught.value.problems[0].remedy == "leave them out: features.purchases_only=true"


def test_a_term_that_is_no_input_is_told(purchases):
    (problem,) = PurchaseQuantity(terms=["price", "segment"]).inspect(purchases)
    assert problem.key == "panel.segment"
    assert "features.columns=[price_*,promotion_*,segment]" in problem.remedy


@pytest.mark.parametrize(
    ("change", "terms", "message", "remedy"),
    [
        (
            lambda f: f.assign(promotion_a=1, promotion_b=1, promotion_c=1),
            ["price", "promotion"],
            "the same on every row: promotion",
            "leave it out",
        ),
        (
            lambda f: f.assign(price_a=1.0, price_b=2.0, price_c=3.0),
            ["price", "brand"],
            "collinear columns, each a combination of the others: price, ",
            "leave one of them out",
        ),
        (
            lambda f: f.assign(quantity=f["quantity"].where((f["brand"] != "c") | (f.index < 360), 1)).loc[
                lambda f: (f["brand"] != "c") | (f.index >= 360)
            ],
            ["price", "brand"],
            "ROWS rows are told without error by brand[c]: all their quantities are 1",
            "leave the term out, or merge rare values",
        ),
    ],
)
def test_what_cannot_be_fitted_is_told_with_what_to_do(purchases, change, terms, message, remedy):
    data = replace(purchases, frame=change(purchases.frame).reset_index(drop=True))
    with pytest.raises(UserError) as caught:
        PurchaseQuantity(terms=terms).fit(TruncatedPoissonQuantity(), data, CONTEXT)
    (problem,) = caught.value.problems
    assert problem.key == "task.terms"
    assert problem.message.startswith(message.replace("ROWS", str((data.frame["brand"] == "c").sum())))
    assert problem.remedy == remedy


def test_missing_values_are_filled_or_told_with_what_would(purchases):
    waited = purchases.frame["occasion"].where(purchases.frame["occasion"] > 2).astype(float)
    inputs = (*purchases.roles.inputs, "waited")
    data = replace(
        purchases, frame=purchases.frame.assign(waited=waited), roles=replace(purchases.roles, inputs=inputs)
    )
    task = PurchaseQuantity(terms=["price", "waited"])
    fitted = task.fit(make_pipeline(SimpleImputer(), PoissonQuantity()), data, CONTEXT)
    assert np.isfinite(task.score(fitted, data, CONTEXT)["expected"]).all()
    with pytest.raises(UserError, match="180 missing values, which PoissonQuantity cannot use"):
        task.fit(PoissonQuantity(), data, CONTEXT)


def test_a_model_without_a_law_is_refused(purchases):
    with pytest.raises(UserError, match="a model that says how probable a quantity is"):
        QUICK.fit(Ridge(), purchases, CONTEXT)
    with pytest.raises(UserError, match="a model that says how probable a quantity is"):
        QUICK.fit(HistGradientBoostingRegressor(), purchases, CONTEXT)


def test_a_brand_that_training_never_sold_is_an_average_one_with_a_warning(purchases):
    task = PurchaseQuantity(terms=["price", "brand"])
    known = purchases.frame["brand"] != "c"
    fitted = task.fit(
        PoissonQuantity(), replace(purchases, frame=purchases.frame[known].reset_index(drop=True)), CONTEXT
    )
    with pytest.warns(QuantityWarning, match="brand is c on .* rows, and never was in training"):
        scores = task.score(fitted, purchases, CONTEXT)
    assert np.isfinite(scores["expected"]).all()


def test_the_model_is_cloned(purchases):
    model = make_pipeline(PoissonQuantity())
    QUICK.fit(model, purchases, CONTEXT)
    assert repr(model) == repr(clone(model))
    assert not hasattr(model[-1], "coef_")
