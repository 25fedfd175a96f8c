"""What a user can get wrong about purchase incidence, and what is said: never a traceback, always what to do."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from cxai_runner.config.problems import UserError
from cxai_runner.evaluation.results import Table
from cxai_runner.methods.logit import BinomialLogit
from cxai_runner.methods.monotone import FallingInPrice
from cxai_runner.methods.mundlak import MundlakLogit
from cxai_runner.methods.random_intercept import RandomInterceptLogit
from tasks.purchase_incidence import PurchaseIncidence

from .incidence_runs import CONTEXT, only, run, texts

LOGITS = [BinomialLogit(), RandomInterceptLogit(), MundlakLogit()]


def changed(panel, inputs=(), **columns):
    roles = replace(panel.roles, inputs=(*panel.roles.inputs, *inputs))
    return replace(panel, frame=panel.frame.assign(**columns), roles=roles)


def refusal(task, model, data):
    with pytest.raises(UserError) as caught:
        task.fit(model, data, CONTEXT)
    (problem,) = caught.value.problems
    assert caught.value.stage == "data"
    return problem


@pytest.mark.parametrize("model", LOGITS, ids=lambda model: type(model).__name__)
def test_separation_is_refused_with_the_term(panel, model):
    data = changed(panel, ["told"], told=panel.frame["incidence"].astype(float))
    problem = refusal(PurchaseIncidence(terms=["mean_price", "told"]), model, data)
    assert problem.key == "task.terms"
    assert "perfectly separated by told" in problem.message
    assert problem.remedy == "leave the column out, merge rare values, or use a penalised logit"


def test_separation_is_told_where_it_is_only_a_warning(panel):
    data = changed(panel, ["told"], told=panel.frame["incidence"].astype(float))
    task = PurchaseIncidence(terms=["mean_price", "told"], points=5, refits=2)
    with pytest.warns(UserWarning, match="perfectly separated"):
        _, _, contents = run(data, BinomialLogit(on_separation="warn"), task)
    assert "standard_error" not in only(contents, Table, "coefficients").frame
    assert any("are separated by the terms" in text for text in texts(contents, "caveat"))
    assert any("every occasion without one" in text for text in texts(contents, "caveat"))


def test_separation_is_told_of_a_penalised_logit(panel):
    data = changed(panel, ["told"], told=panel.frame["incidence"].astype(float))
    task = PurchaseIncidence(terms=["mean_price", "told"], points=5, refits=2)
    _, _, contents = run(data, LogisticRegression(), task)
    assert any(text.startswith("Every purchase of the training rows is told") for text in texts(contents, "caveat"))


@pytest.mark.parametrize("model", LOGITS, ids=lambda model: type(model).__name__)
def test_prices_that_are_the_same_are_refused_by_name(panel, model):
    data = changed(panel, price_b=panel.frame["price_a"], price_c=panel.frame["price_a"])
    problem = refusal(PurchaseIncidence(terms=["price"]), model, data)
    assert (problem.key, problem.value) == ("task.terms", ["price"])
    assert problem.message == "collinear columns, each a combination of the others: price_a, price_b, price_c"
    assert problem.remedy == "leave one of them out: task.terms=[price_a] or task.terms=[mean_price]"


def test_a_brand_whose_price_never_changed_is_refused_by_name(panel):
    problem = refusal(PurchaseIncidence(terms=["price"]), BinomialLogit(), changed(panel, price_b=2.0))
    assert problem.message == "constant column, collinear with the intercept: price_b"
    assert problem.remedy == "leave it out: task.terms=[price_a,price_c] or task.terms=[mean_price]"


def test_customers_of_one_occasion_are_no_panel(panel):
    once = replace(panel, frame=panel.frame.assign(customer_id=np.arange(len(panel.frame))))
    problem = refusal(PurchaseIncidence(), RandomInterceptLogit(), once)
    assert (problem.key, problem.value) == ("model", "RandomInterceptLogit")
    assert problem.message == "no customer has two rows"


def test_a_model_that_cannot_be_held_is_refused(panel):
    problem = refusal(PurchaseIncidence(), FallingInPrice(GradientBoostingClassifier()), panel)
    assert problem.key == "model"
    assert problem.message == "GradientBoostingClassifier has no parameter monotonic_cst or monotone_constraints"


@pytest.mark.parametrize(
    ("options", "key", "value", "message", "remedy"),
    [
        ({"terms": ["mean_price", "mean_price:segmant"]}, "terms", "segmant", "no column for this term", "`segment`"),
        ({"terms": ["mean_price", "mean_promtion"]}, "terms", "mean_promtion", "no column", "`mean_promotion`"),
        (
            {"terms": ["mean_promotion"]},
            "terms",
            ["mean_promotion"],
            "no price",
            "task.terms=[mean_price,mean_promotion]",
        ),
        ({"terms": ["mean_price", "customer_id"]}, "terms", "customer_id", "an id is never an input", "leave it out"),
        ({"terms": ["mean_price:"]}, "terms", "mean_price:", "lacks a factor", "mean_price:COLUMN"),
        ({"by": ["customer_id"]}, "by", "customer_id", "an id is no segment", "leave it out"),
        ({"by": ["segmant", "segmant"]}, "by", "segmant", "no such column", "`segment`"),
        ({"terms": ["any_quantity"]}, "terms", "any_quantity", "on the occasion itself cannot be a term", "leave it"),
        ({"terms": ["brand"]}, "terms", "brand", "on the occasion itself cannot be a term", "leave it out"),
        ({"by": ["segmant"]}, "by", "segmant", "no such column", "`segment`"),
        ({"by": ["incidence"]}, "by", "incidence", "does not tell customers apart", "leave it out"),
    ],
)
def test_an_unknown_name_is_told_with_the_nearest(panel, options, key, value, message, remedy):
    (problem,) = PurchaseIncidence(**options).problems([*panel.frame.columns, "segment", "brand", "quantity"])
    assert (problem.key, problem.value) == (key, value)
    assert message in problem.message
    assert remedy in problem.remedy


@pytest.mark.parametrize("terms", ["auto", ["mean_price", "segment"]])
def test_a_mean_of_no_term_is_told_before_anything_runs(panel, terms):
    task, columns = PurchaseIncidence(terms=terms), [*panel.frame.columns, "segment"]
    (problem,) = task.misused(MundlakLogit(between=["mean_price", "mean_prise"]), columns)
    assert (problem.key, problem.value, problem.remedy) == ("between", "mean_prise", "did you mean `mean_price`?")
    assert not list(task.misused(make_pipeline(MundlakLogit(between=["mean_price", "segment[a]"])), columns))
    scaled = make_pipeline(StandardScaler(), MundlakLogit(between=["mean_prise"]))
    assert not list(task.misused(scaled, columns))
    with pytest.raises(UserError, match="between names 'mean_prise'"):
        PurchaseIncidence().fit(scaled, panel, CONTEXT)


@pytest.mark.parametrize("value", [0, 1])
def test_a_promotion_that_never_changes_is_no_term(panel, value):
    still = changed(panel, promotion_a=value, promotion_b=value, promotion_c=value)
    fitted, _, contents = run(still, BinomialLogit())
    assert fitted.terms == ("mean_price",)
    assert any("mean promotion is the same on all training rows" in text for text in texts(contents, "caveat"))
    _, _, contents = run(panel, BinomialLogit())
    assert not any("is the same on all" in text for text in texts(contents, "caveat"))


def test_a_season_needs_the_week(panel):
    (problem,) = PurchaseIncidence(terms=["mean_price", "season"]).problems(panel.frame.columns)
    assert (problem.value, problem.message) == ("season", "season takes a column week_of_year, which the panel has not")
    (problem,) = PurchaseIncidence(terms=["mean_price", "seson"]).problems(panel.frame.columns)
    assert "season" not in problem.remedy  # what this panel cannot have is not offered
    assert not list(PurchaseIncidence(terms=["mean_price", "season"]).problems([*panel.frame.columns, "week_of_year"]))


def test_a_factor_that_is_no_input_is_told(panel):
    data = replace(panel, frame=panel.frame.assign(Last_Inc_Brand=1))
    (problem,) = PurchaseIncidence(terms=["mean_price", "any_Last_Inc_Brand"]).inspect(data)
    assert problem.key == "panel.any_Last_Inc_Brand"
    assert problem.remedy.endswith("features.columns=[price_*,promotion_*,Last_Inc_Brand]")


def test_a_column_to_tell_apart_by_that_was_only_promised_is_told(panel):
    (problem,) = PurchaseIncidence(by=["loyalty_acme"]).inspect(panel)
    assert (problem.key, problem.value) == ("task.by", "loyalty_acme")


def test_a_column_to_tell_apart_by_that_holds_nothing_is_told(panel):
    (problem,) = PurchaseIncidence(by=["region"]).inspect(changed(panel, region=None))
    assert (problem.key, problem.value) == ("task.by", "region")
    assert problem.message.startswith("has no value on any row")


def test_what_is_named_twice_counts_once(panel):
    task = PurchaseIncidence(terms=["mean_price", "mean_price"], by=["segment", "segment"], points=5)
    fitted, _, contents = run(changed(panel, segment=panel.frame["customer_id"] % 2), BinomialLogit(), task)
    assert fitted.terms == ("mean_price",)
    assert list(only(contents, Table, "elasticity_at_mean").frame["occasions"].unique()) == [
        "all",
        "segment 0",
        "segment 1",
    ]


def test_a_level_that_training_never_had_is_told(panel):
    brand = np.where(panel.frame["occasion"] % 2 == 0, "a", "b")
    data = changed(panel, ["last_brand"], last_brand=brand)
    task = PurchaseIncidence(terms=["mean_price", "last_brand"])
    fitted = task.fit(BinomialLogit(), data, CONTEXT)
    other = changed(panel, ["last_brand"], last_brand=np.where(panel.frame["occasion"] == 1, "z", brand))
    with pytest.warns(UserWarning, match="last_brand is z on 60 rows, and never was in training"):
        scores = task.score(fitted, other, CONTEXT)
    assert scores["probability"].between(0, 1).all()
