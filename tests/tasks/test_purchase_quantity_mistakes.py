"""What a user can get wrong about purchase quantity, and what is said: never a traceback, always what to do."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.impute import SimpleImputer
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline

from cxai_runner.config.problems import UserError
from cxai_runner.methods.quantity import (
    PoissonQuantity,
    QuantityWarning,
    TruncatedPoissonQuantity,
)
from tasks.purchase_quantity import PurchaseQuantity

from .quantity_runs import CONTEXT, QUICK, run, texts


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


@pytest.mark.parametrize("value", [0, 1])
def test_a_promotion_that_never_changes_is_no_term(purchases, value):
    frame = purchases.frame.assign(promotion_a=value, promotion_b=value, promotion_c=value)
    fitted, _, contents = run(replace(purchases, frame=frame), TruncatedPoissonQuantity())
    assert fitted.terms == ("price",)
    assert any("promotion of the brand bought is the same in all" in text for text in texts(contents, "caveat"))
