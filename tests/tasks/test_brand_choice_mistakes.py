"""What brand choice refuses, and what it warns of: each with the key or column that it is about, and what to do."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from cxai_runner.config.problems import UserError
from cxai_runner.evaluation.results import Finding, Table
from cxai_runner.methods.choice import ConditionalLogit
from cxai_runner.task import Context
from tasks.brand_choice import BrandChoice
from tasks.brand_choice.answers import Answers
from tasks.brand_choice.caveats import of_brands

CONTEXT = Context(seed=1, resamples=40)
QUICK = BrandChoice(points=3)
BRANDS = ("acme", "best", "cola")


@pytest.mark.parametrize(
    ("options", "key", "message", "remedy"),
    [
        ({"terms": ["prise", "price"]}, "terms", "no column for this term", "did you mean `price`?"),
        ({"terms": "price ~ promotion"}, "terms", "is not of the form", "at most three parts"),
        ({"terms": "price + "}, "terms", "nothing beside a '+', after 'price'", "name a term there"),
        ({"terms": "price ++ promotion"}, "terms", "nothing beside a '+', after 'price'", "name a term there"),
        ({"terms": "+ price"}, "terms", "nothing beside a '+', before 'price'", "name a term there"),
        ({"terms": 0}, "terms", "the utility has no term", "name a term"),
        ({"terms": {"price": "generick"}}, "terms", "has the coefficient 'generick'", "write generic"),
        ({"terms": ["promotion"]}, "terms", "no price among them", "add price, or name the attribute"),
        (
            {"terms": ["price", "quantity:price"]},
            "terms",
            "what happens at the choice cannot be a term",
            "leave it out",
        ),
        ({"price": "cost"}, "price", "no such attribute", ""),
        ({"alternatives": ["acme"]}, "alternatives", "a choice needs two", "name more"),
        ({"alternatives": ["acme", "besst"]}, "alternatives", "no column `price_besst`", "did you mean `best`?"),
        ({"alternatives": ["acme", "best", "best"]}, "alternatives", "named twice", "name each once"),
        (
            {"alternatives": ["acme", "best"], "reference": "cola"},
            "reference",
            "none of task.alternatives",
            "one of acme",
        ),
        ({"by": ["segmnt"]}, "by", "no such column", "did you mean `segment`?"),
        ({"by": ["brand"]}, "by", "does not tell customers apart", "leave it out"),
        ({"last_brand": "last_band"}, "last_brand", "no such column", "did you mean `last_brand`?"),
        ({"weights": "weight"}, "weights", "no such column", ""),
        ({"instruments": ["cost"]}, "instruments", "no such column", ""),
        (
            {"terms": ["price", "promotion"], "instruments": ["promotion"]},
            "instruments",
            "is a term too",
            "leave one out",
        ),
        ({"scenario": {"prise": {"acme": 1}}}, "scenario.prise", "no such attribute", "did you mean `price`?"),
        ({"scenario": {"price": {"acne": 1}}}, "scenario.price", "no such alternative", "did you mean `acme`?"),
        ({"scenario": {"price": {"acme": "10"}}}, "scenario.price.acme", "no change that can be read", "such as -10%"),
        ({"scenario": {"price": "ten%"}}, "scenario.price", "no change that can be read", "such as -10%"),
        ({"scenario": {"price": {"acme": "-100%"}}}, "scenario.price.acme", "price of zero or less", "-10% or +10%"),
        ({"scenario": {"price": {"acme": "-150%"}}}, "scenario.price.acme", "price of zero or less", "-10% or +10%"),
        ({"scenario": {"price": {"acme": 0}}}, "scenario.price.acme", "price of zero or less", "-10% or +10%"),
        ({"scenario": [{"of": "acme", "to": -1.5}]}, "scenario.0", "price of zero or less", "-10% or +10%"),
        ({"scenario": [{"of": "acne", "to": "-5%"}]}, "scenario.0", "no such alternative", "did you mean `acme`?"),
        (
            {"scenario": [{"whose": "acme", "to": "-5%"}]},
            "scenario.0.whose",
            "no such key",
            "[{attribute: price, of: BRAND, to: -10%}]",
        ),
        (
            {"scenario": {"promotion": {"acme": 0}}, "terms": "price + log(promotion)"},
            "scenario.promotion.acme",
            "leaves no logarithm",
            "a new value",
        ),
    ],
)
def test_config_mistakes(choices, options, key, message, remedy):
    found = list(BrandChoice(**options).problems(choices.frame.columns))
    assert any(one.key == key and message in one.message and remedy in one.remedy for one in found), found
    assert len(found) <= 2


def test_columns_known_by_pattern_only_are_enough():
    columns = ("customer_id", "time", "brand", "last_brand", "price_*", "promotion_*", "loyalty_*", "store_group")
    task = BrandChoice(
        terms="price + promotion + loyalty + repeat | store_group + month",
        alternatives=["103", "other"],
        by=["store_group", "last_brand"],
        scenario={"price": {"103": "-5%"}, "promotion": 1},
    )
    assert not list(task.problems(columns))


def first(frame, column, value, rows=4):
    return frame.assign(**{column: frame[column].astype(object).where(frame.index >= rows, value)})


@pytest.mark.parametrize(
    ("change", "options", "key", "message", "remedy"),
    [
        (lambda f: first(f, "brand", None), {}, "panel.brand", "4 missing values", "drop these rows"),
        (
            lambda f: first(f, "brand", "none"),
            {},
            "panel.brand",
            "4 of 720 rows have no purchase",
            "purchases_only=true",
        ),
        (lambda f: first(f, "brand", "dew"), {}, "panel.brand", "has no column `price_dew`", "brand: {in: [acme,best"),
        (
            lambda f: f,
            {"alternatives": ["acme", "best"]},
            "panel.brand",
            "task.alternatives does not name it",
            "add cola to task.alternatives",
        ),
        (lambda f: f.drop(columns=["price_best", "price_cola"]), {}, "panel", "a choice needs two", "task.price"),
        (lambda f: f[f["brand"] != "cola"], {}, "panel.brand", "is never chosen", "task.alternatives=[acme,best]"),
        (
            lambda f: f.assign(available_acme=1, available_best=1, available_cola=0),
            {},
            "panel.brand",
            "is never available",
            "task.alternatives=[acme,best]",
        ),
        (
            lambda f: f.assign(available_acme=1, available_best=1, available_cola=f.index % 2),
            {},
            "panel.available_*",
            "have a choice that was not available",
            "task.availability=null",
        ),
        (lambda f: f.assign(price_acme=-1.0), {}, "panel.price_*", "a price of zero or less", "filter"),
        (lambda f: f.assign(price_acme=0.0), {}, "panel.price_*", "a price of zero or less", "filter"),
        (
            lambda f: f.assign(price_acme=1.0, price_best=2.0, price_cola=1.5),
            {},
            "panel.price_*",
            "one price only for each alternative",
            "longer window",
        ),
        (lambda f: f.assign(price_best=np.nan), {}, "panel.price_best", "720 missing values", "fill them"),
        (lambda f: first(f, "promotion_best", np.nan), {}, "panel.promotion_best", "4 missing values", "fill them"),
        (lambda f: f, {"terms": "price | segment"}, "panel.segment", "no input of the features", "[price_*,segment]"),
        (
            lambda f: f.assign(display_acme=1.0),
            {"terms": "price + display"},
            "panel.display",
            "no column feeds: display_best, display_cola missing",
            "leave it out of task.terms",
        ),
        (
            lambda f: f,
            {"scenario": {"promotion": {"acme": 5}}},
            "task.scenario.promotion.acme",
            "is 0 or 1 on every row: the change makes 5 of it",
            "a share between them",
        ),
        (
            lambda f: f,
            {"scenario": {"promotion": {"acme": "+10%"}}},
            "task.scenario.promotion.acme",
            "the change makes 1.1 of it",
            "1 for all",
        ),
        (
            lambda f: f,
            {"scenario": {"promotion": {"acme": 1}}, "terms": "price"},
            "task.scenario.promotion.acme",
            "is no term of the utility",
            "add it to task.terms, or change one of price",
        ),
        (
            lambda f: f.assign(**{f"cost_{name}": f["price_acme"] for name in BRANDS}),
            {"instruments": ["cost"]},
            "panel.cost",
            "an instrument, but no input",
            "features.columns=[price_*,cost_*]",
        ),
        (lambda f: f, {"reference": "dew"}, "task.reference", "none of the alternatives", "one of acme, best, cola"),
        (lambda f: f.assign(w=0.0), {"weights": "w"}, "task.weights", "720 weights are no positive number", "drop"),
    ],
)
def test_data_mistakes(choices, change, options, key, message, remedy):
    frame = change(choices.frame).reset_index(drop=True)
    problems = list(replace(QUICK, **options).inspect(replace(choices, frame=frame)))
    assert any(one.key == key and message in one.message and remedy in one.remedy for one in problems), problems


@pytest.mark.parametrize(
    ("change", "options", "message", "remedy"),
    [
        (
            lambda f: f.assign(promotion_acme=(f["brand"] == "acme") * 1.0),
            {"terms": {"price": "generic", "promotion": "alternative"}},
            "the choices are perfectly separated by constant[best], constant[cola], promotion[acme]",
            "leave the term out",
        ),
        (
            lambda f: f.assign(**{f"promotion_{name}": 2 * f[f"price_{name}"] for name in BRANDS}),
            {},
            "collinear columns, each a combination of the others: price, promotion",
            "leave one of them out",
        ),
        (
            lambda f: f.assign(price_acme=f["price_cola"], price_best=f["price_cola"]),
            {},
            "the same for all alternatives at every occasion: price",
            "leave it out",
        ),
        (
            lambda f: f.assign(income=f["customer_id"] * 1.0),
            {"terms": {"price": "generic", "income": "generic"}},
            "'income' is the same for all alternatives of an occasion",
            "write income: alternative",
        ),
    ],
)
def test_what_cannot_be_fitted_is_told_with_what_to_do(choices, change, options, message, remedy):
    roles = replace(choices.roles, inputs=(*choices.roles.inputs, "income"))
    data = replace(choices, frame=change(choices.frame), roles=roles)
    with pytest.raises(UserError) as caught:
        replace(QUICK, **{"terms": "price + promotion", **options}).fit(ConditionalLogit(), data, CONTEXT)
    (problem,) = caught.value.problems
    assert problem.key == "task.terms"
    assert message in problem.message
    assert remedy in problem.remedy


def test_a_week_for_each_brand_leaves_nothing_of_a_price_that_all_meet(choices):
    days = pd.Timestamp("2017-01-02") + pd.to_timedelta(7 * choices.frame["occasion"], unit="D")
    prices = {f"price_{name}": 1 + (choices.frame["occasion"] * (j + 2) % 7) / 7 for j, name in enumerate(BRANDS)}
    data = replace(choices, frame=choices.frame.assign(day=days, **prices), roles=replace(choices.roles, time="day"))
    with pytest.raises(UserError) as caught:
        replace(QUICK, terms="price | week").fit(ConditionalLogit(), data, CONTEXT)
    (problem,) = caught.value.problems
    assert re.fullmatch(r"collinear columns, each a combination of the others: .*price, week", problem.message)
    assert "features.store_groups=store_id" in problem.remedy


def report(task, data, model=None):
    fitted = task.fit(model or ConditionalLogit(), data, CONTEXT)
    scores = task.score(fitted, data, CONTEXT)
    metrics = {one.name: one for one in task.measure(scores, CONTEXT)}
    return list(task.report(fitted, data, {"train": scores}, metrics, CONTEXT))


def caveats(found):
    return " ".join(one.text for one in found if isinstance(one, Finding) and one.kind == "caveat")


@pytest.mark.parametrize(
    ("change", "options", "message"),
    [
        (
            lambda f: f.assign(segment=np.where(f.index < 10, "tiny", "large")),
            {"by": ["segment"]},
            "Fewer than 30 occasions: segment tiny (10). Figures there",
        ),
        (lambda f: f.assign(price_acme=1.2), {}, "One price only: acme (1.20). There is no curve"),
        (
            lambda f: f.assign(price_best=f["price_acme"] + 0.2),
            {},
            "Prices moved together: best and acme (r = 1.00)",
        ),
        (
            lambda f: f[f["brand"] != "cola"].assign(price_cola=f["price_cola"]),
            {"alternatives": ["acme", "best"]},
            "The panel has cola too, which task.alternatives does not name",
        ),
        (
            lambda f: f[(f["brand"] != "cola") | (f["customer_id"] < 1008)],
            {},
            "Chosen fewer than 30 times: cola",
        ),
        (
            lambda f: f.assign(Xtra=np.random.default_rng(1).normal(size=len(f)), Rare=np.arange(len(f)) > 700),
            {"by": ["Xtra", "Rare"], "scenario": {"price": {"acme": 1.5}}},
            "Fewer than 30 occasions: Rare True (19). Figures there",
        ),
        (lambda f: f, {"scenario": {"price": {"acme": 9.0}}}, "The scenario extrapolates: price of acme"),
    ],
)
def test_what_is_odd_is_a_caveat_and_no_hole_in_a_table(choices, change, options, message):
    data = replace(choices, frame=change(choices.frame).reset_index(drop=True))
    found = report(replace(QUICK, **options), data)
    assert message in caveats(found)
    for table in (one for one in found if isinstance(one, Table)):
        assert not table.frame.isna().any(axis=None), table.name


def test_separated_choices_can_be_kept_without_standard_errors(choices):
    frame = choices.frame.assign(promotion_acme=(choices.frame["brand"] == "acme") * 1.0)
    task = replace(QUICK, terms={"price": "generic", "promotion": "alternative"})
    with pytest.warns(UserWarning, match="perfectly separated"):
        found = report(task, replace(choices, frame=frame), ConditionalLogit(on_separation="warn"))
    (table,) = [one for one in found if isinstance(one, Table) and one.name == "coefficients"]
    assert "no standard errors" in table.caption
    for one in (one for one in found if isinstance(one, Table)):
        assert not one.frame.isna().any(axis=None), one.name
    assert "The model has no standard errors" in caveats(found)
    assert not any(re.search(r"\bnan\b", one.text) for one in found if isinstance(one, Finding))


def test_a_price_of_zero_is_refused_wherever_it_is_scored(choices):
    fitted = QUICK.fit(ConditionalLogit(), choices, CONTEXT)
    with pytest.raises(UserError, match="a price of zero or less"):
        QUICK.score(fitted, replace(choices, frame=first(choices.frame, "price_acme", 0.0)), CONTEXT)


def test_numbers_of_classes_are_of_a_latent_class_logit(choices):
    with pytest.raises(UserError, match="ConditionalLogit has no classes") as caught:
        replace(QUICK, classes=[1, 2]).fit(ConditionalLogit(), choices, CONTEXT)
    (problem,) = caught.value.problems
    assert problem.key == "task.classes"
    assert "model=latent_class" in problem.remedy


def test_one_customer_has_no_clustered_errors_and_the_key_is_named(choices):
    one = replace(choices, frame=choices.frame.assign(customer_id=1))
    with pytest.raises(UserError) as caught:
        QUICK.fit(ConditionalLogit(), one, CONTEXT)
    (problem,) = caught.value.problems
    assert problem.key == "task.cluster"
    assert "task.cluster=false" in problem.remedy
    assert replace(QUICK, cluster=False).fit(ConditionalLogit(), one, CONTEXT).final.covariance_type_ == "classical"


def test_what_never_changes_is_left_out_of_automatic_terms_and_told(choices):
    still = choices.frame.assign(promotion_acme=0.0, promotion_best=0.0, promotion_cola=1.0)
    data = replace(choices, frame=still)
    fitted = QUICK.fit(ConditionalLogit(), data, CONTEXT)
    assert fitted.final.parameter_names_ == ("constant[best]", "constant[cola]", "price")
    assert "Left out of the terms: promotion, whose" in caveats(
        of_brands(Answers.of(QUICK, fitted, data, CONTEXT), data)
    )
    with pytest.raises(UserError, match="promotion"):
        replace(QUICK, terms="price + promotion").fit(ConditionalLogit(), data, CONTEXT)
