"""Price response: what it refuses, what it finds on simulated occasions, and what it says about it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from cxai_runner.config.problems import UserError
from cxai_runner.evaluation.results import Estimate, Figure, Finding, Table
from cxai_runner.evaluation.wording import with_interval
from cxai_runner.methods.choice import ConditionalLogit
from cxai_runner.methods.logit import BinomialLogit
from cxai_runner.methods.quantity import LinearQuantity, TruncatedPoissonQuantity
from cxai_runner.methods.response import PurchaseChain
from cxai_runner.task import Context
from tasks.price_response import PriceResponse

from .conftest import make_occasions

CONTEXT = Context(seed=3, resamples=100)
QUICK = PriceResponse(points=5, refits=10)


def chain(**parts):
    usual = {
        "incidence": BinomialLogit(),
        "choice": ConditionalLogit("auto"),
        "quantity": TruncatedPoissonQuantity(),
    }
    return PurchaseChain(**{**usual, **parts})


def run(data, model=None, task=QUICK, held_out=None, context=CONTEXT):
    fitted = task.fit(model or chain(), data, context)
    scores = {"train": task.score(fitted, data, context)}
    if held_out is not None:
        scores["held_out"] = task.score(fitted, held_out, context)
    metrics = {one.name: one for one in task.measure(scores.get("held_out", scores["train"]), context)}
    return fitted, metrics, list(task.report(fitted, data, scores, metrics, context))


def only(contents, kind, name):
    return next(one for one in contents if isinstance(one, kind) and one.name == name)


def texts(contents, kind):
    return [one.text for one in contents if isinstance(one, Finding) and one.kind == kind]


@pytest.fixture(scope="module")
def result():
    task = PriceResponse(points=7, refits=20, by=["segment"], brand="b", cost=0.9)
    return run(make_occasions(customers=120), None, task, make_occasions(customers=60, seed=9))


def test_the_headline_is_the_answer(result):
    _, metrics, contents = result
    assert metrics["log_loss"].verdict == "better"
    (headline,) = texts(contents, "headline")
    assert headline.startswith("A price of brand b that is 1 % higher goes with a change of −")
    for way in ("by purchase incidence", "by brand choice", "by quantity"):
        assert way in headline
    assert headline.count(". ") == 1  # two sentences
    (known,) = [text for text in texts(contents, "finding") if "predict what happens" in text]
    assert "better than base rate and shares on occasions they have not seen" in known


def test_parts_add_up_in_every_table(result):
    contents = result[2]
    table = only(contents, Table, "price_elasticity").frame
    np.testing.assert_allclose(table["elasticity"], table[["incidence", "choice", "quantity"]].sum(axis=1), atol=1e-12)
    parts = only(contents, Table, "elasticity_parts").frame.set_index("part")["elasticity"]
    assert parts["total"] == pytest.approx(parts[["incidence", "choice", "quantity"]].sum(), abs=1e-12)
    stacked = only(contents, Figure, "elasticity_parts").data
    curve = only(contents, Table, "curves").frame.query("observed and promotion == 'as observed'")
    np.testing.assert_allclose(stacked.groupby("price")["elasticity"].sum(), curve["elasticity"], atol=1e-12)
    names = [f"elasticity_by_{part}" for part in ("incidence", "choice", "quantity")]
    total = only(contents, Estimate, "elasticity_at_observed_prices").value.value
    assert total == pytest.approx(sum(only(contents, Estimate, name).value.value for name in names), abs=1e-12)


def test_it_is_told_apart_by_segment_and_promotion(result):
    table = only(result[2], Table, "price_elasticity").frame
    assert table["occasions"][0] == "all occasions"
    assert set(table["occasions"]) == {"all occasions", "segment new", "segment old"}
    assert set(table["promotion"]) == {"as observed", "promotion 1", "promotion 0"}
    assert not table.isna().any(axis=None)
    rows = table.query("promotion == 'as observed'").set_index("occasions")["rows"]
    assert rows["segment new"] + rows["segment old"] == rows["all occasions"] == 3000
    units = table.query("occasions == 'all occasions'").set_index("promotion")["units"]
    assert units["promotion 0"] < units["as observed"] < units["promotion 1"]


def test_curves_shade_what_was_observed_and_say_what_is_beyond(result):
    contents = result[2]
    for name in ("units_by_price", "revenue_by_price", "margin_by_price", "elasticity_by_price"):
        figure = only(contents, Figure, name)
        assert figure.shade == (1.5, 2.5)
        assert figure.data["price"].min() < 1.5 < 2.5 < figure.data["price"].max()
        assert "outside it the models extrapolate" in figure.caption
        assert figure.by == "promotion"
    curve = only(contents, Table, "curves").frame
    np.testing.assert_allclose(curve["revenue"], curve["price"] * curve["units"])
    np.testing.assert_allclose(curve["margin"], (curve["price"] - 0.9) * curve["units"])
    assert (curve["revenue_of_all_brands"] > curve["revenue"]).all()


def test_the_best_price_is_identified_or_said_not_to_be(result):
    contents = result[2]
    table = only(contents, Table, "best_prices").frame.set_index(["maximised", "promotion"])
    revenue, margin = table.loc[("revenue", "as observed")], table.loc[("margin", "as observed")]
    assert revenue["price"] == "—"
    assert revenue["told_by_the_data"] == "not identified: at the lowest price observed, or below"
    assert margin["told_by_the_data"] == "yes"
    one = only(contents, Estimate, "margin_maximising_price").value
    assert 1.5 < one.low < one.value < one.high < 2.5
    assert not any(isinstance(item, Estimate) and item.name == "revenue_maximising_price" for item in contents)
    assert f"Its margin is highest at a price of {with_interval(one)}." in texts(contents, "headline")[0]
    assert any("Its revenue is highest" in text for text in texts(contents, "finding"))


def test_who_gains_adds_up(result):
    figure = only(result[2], Figure, "who_gains").data.set_index("where")["units"]
    assert list(figure.index) == ["go to a", "go to c", "not bought at all"]
    assert figure.sum() == pytest.approx(100)
    table = only(result[2], Table, "who_gains").frame.set_index("units_of")
    assert table.loc["a", "elasticity"] > 0 > table.loc["b", "elasticity"]
    assert table.loc["b", "of_100_lost"] == "lost: 100"


def test_without_a_cost_there_is_no_margin_and_it_says_so(occasions):
    _, _, contents = run(occasions)
    assert any("there is no margin: write task.cost=" in text for text in texts(contents, "finding"))
    assert "margin" not in only(contents, Table, "curves").frame
    assert "Its revenue is highest" in texts(contents, "headline")[0]
    assert any("their own training rows (nothing was held out)" in text for text in texts(contents, "finding"))


def test_a_share_of_the_price_is_an_amount(occasions):
    _, _, contents = run(occasions, task=replace(QUICK, brand="b", cost={"b": "45%", "a": 0.5}))
    curve = only(contents, Table, "curves").frame
    cost = 0.45 * occasions.frame["price_b"].mean()
    np.testing.assert_allclose(curve["margin"], (curve["price"] - cost) * curve["units"])


def test_the_brand_with_the_highest_revenue_is_asked_about_by_default(occasions):
    frame = occasions.frame
    paid = {name: (frame[f"price_{name}"] * frame["quantity"])[frame["brand"] == name].sum() for name in "abc"}
    assert QUICK.fit(chain(), occasions, CONTEXT).brand == max(paid, key=paid.get)


def test_what_is_pooled_is_asked_about_only_by_name(occasions):
    """All smaller brands together have no price that anybody sets."""
    largest = QUICK.fit(chain(), occasions, CONTEXT).brand
    frame = occasions.frame.rename(columns=lambda name: name.replace(f"_{largest}", "_other"))
    frame = frame.assign(brand=frame["brand"].replace(largest, "other"))
    inputs = tuple(name for name in frame if name.startswith(("price_", "promotion_")))
    pooled = replace(occasions, frame=frame, roles=replace(occasions.roles, inputs=inputs))
    assert QUICK.fit(chain(), pooled, CONTEXT).brand != "other"
    _, _, contents = run(pooled, task=replace(QUICK, brand="other"))
    assert any("`other` is all smaller brands together" in text for text in texts(contents, "caveat"))


def test_competitors_that_match_take_the_choice_out(occasions):
    """If all prices move by the same share, who is chosen hardly changes, and more do not buy at all."""
    found = {}
    for how in ("fixed", "matched"):
        contents = run(occasions, task=replace(QUICK, brand="b", competitors=how))[2]
        found[how] = only(contents, Table, "elasticity_parts").frame.set_index("part")["elasticity"]
        if how == "matched":
            assert "its competitors' with it" in texts(contents, "headline")[0]
    assert abs(found["matched"]["choice"]) < 0.3 * abs(found["fixed"]["choice"])
    assert found["matched"]["incidence"] < 2 * found["fixed"]["incidence"] < 0


def test_metrics_add_up_and_statistics_are_the_metrics(result):
    fitted, metrics, _ = result
    task = PriceResponse(points=7, refits=12, brand="b")
    scores = task.score(fitted, make_occasions(customers=60, seed=9), CONTEXT)
    whole = sum(metrics[f"log_loss_{part}"].value.value for part in ("incidence", "choice", "quantity"))
    assert metrics["log_loss"].value.value == pytest.approx(whole, rel=1e-12)
    whole = sum(metrics[f"log_loss_{part}"].baseline.value for part in ("incidence", "choice", "quantity"))
    assert metrics["log_loss"].baseline.value == pytest.approx(whole, rel=1e-12)
    y = scores[["incidence", "brand", "quantity"]]
    direct = -fitted.chain.log_probability(make_occasions(customers=60, seed=9).frame, y).sum(axis=1).mean()
    assert metrics["log_loss"].value.value == pytest.approx(direct, rel=1e-12)
    assert metrics["rmse"].value.value == pytest.approx(
        np.sqrt(((scores["brand_units"] - scores["expected"]) ** 2).mean())
    )


def test_the_baseline_is_base_rate_times_shares_times_quantities(occasions):
    fitted = QUICK.fit(chain(), occasions, CONTEXT)
    scores = QUICK.score(fitted, occasions, CONTEXT)
    frame, mine = occasions.frame, occasions.frame["incidence"] == 1
    rate = mine.mean()
    np.testing.assert_allclose(scores["baseline_log_loss_incidence"], -np.log(np.where(mine, rate, 1 - rate)))
    share = frame.loc[mine, "brand"].value_counts(normalize=True)
    np.testing.assert_allclose(scores["baseline_log_loss_choice"][mine], -np.log(frame["brand"][mine].map(share)))
    assert (scores.loc[~mine, ["baseline_log_loss_choice", "baseline_log_loss_quantity"]] == 0).all(axis=None)
    units = frame["quantity"][mine & (frame["brand"] == fitted.brand)].sum() / len(frame)
    np.testing.assert_allclose(scores["baseline_expected"], units)
    # Expected and observed units of the training rows agree, as a model with constants has it.
    assert scores["expected"].mean() == pytest.approx(scores["brand_units"].mean(), rel=0.05)


def test_another_chain_is_scored_by_its_own_laws(occasions):
    other = QUICK.fit(chain(quantity=LinearQuantity(), incidence_terms=["price"]), occasions, CONTEXT)
    ours = QUICK.score(QUICK.fit(chain(), occasions, CONTEXT), occasions, CONTEXT)
    saved = QUICK.models(other, occasions)["model"]
    predictions = saved.estimator.predict(occasions.frame[list(saved.example.columns)])
    in_place = QUICK.predicted(ours, predictions)
    pd.testing.assert_frame_equal(in_place, QUICK.score(other, occasions, CONTEXT))
    assert QUICK.predicted(ours, predictions["units"]) is None
    renamed = predictions.rename(columns=lambda name: name.replace("_b", "_d"))
    assert QUICK.predicted(ours, renamed) is None


def test_outcomes_do_not_leak_into_what_is_expected(occasions):
    fitted = QUICK.fit(chain(), occasions, CONTEXT)
    frame = occasions.frame.assign(incidence=1, brand="a", quantity=3)
    one, other = (QUICK.score(fitted, data, CONTEXT) for data in (occasions, replace(occasions, frame=frame)))
    columns = [name for name in one if name.startswith(("purchase", "share", "units_", "revenue", "poisson"))]
    assert len(columns) == 14
    pd.testing.assert_frame_equal(one[columns], other[columns])


def test_few_rows_of_a_segment_are_told(occasions):
    frame = occasions.frame.assign(segment=np.where(np.arange(len(occasions.frame)) < 10, "rare", "usual"))
    _, _, contents = run(replace(occasions, frame=frame), task=replace(QUICK, by=["segment"]))
    assert any("Fewer than 30 occasions tell of: segment rare (10)" in text for text in texts(contents, "caveat"))
    assert not only(contents, Table, "price_elasticity").frame.isna().any(axis=None)


def test_what_not_to_conclude(result):
    told = " ".join(texts(result[2], "caveat"))
    for words in ("causal only if", "borrows from later sales", "brand of which most were bought"):
        assert words in told


def test_a_promotion_that_never_changes_is_no_term(occasions):
    still = replace(occasions, frame=occasions.frame.assign(promotion_a=0, promotion_b=0, promotion_c=0))
    fitted, _, contents = run(still)
    assert list(fitted.chain.incidence_.feature_names_in_) == ["mean_price"]
    assert any(text.startswith("Promotion is the same everywhere") for text in texts(contents, "caveat"))


def test_progress_is_told(occasions):
    heard = []
    context = Context(seed=3, resamples=100, step=lambda name, value, n: heard.append((name, value, n)))
    run(occasions, context=context)
    assert heard == [("refits/done", n / 10, n) for n in range(1, 11)]


@pytest.mark.parametrize(
    ("options", "key", "message", "remedy"),
    [
        ({"brand": "bb"}, "brand", "no such brand", "did you mean `b`?"),
        ({"by": ["segmnt"]}, "by", "no such column", "did you mean `segment`?"),
        ({"by": ["quantity"]}, "by", "does not tell customers apart", "leave it out"),
        ({"cost": "sixty"}, "cost", "neither an amount nor a share", "60%"),
        ({"cost": -1.0}, "cost", "neither an amount nor a share", "60%"),
        ({"cost": {"a": "x%"}}, "cost.a", "neither an amount nor a share", "60%"),
        ({"cost": {"d": 1.0}}, "cost.d", "no such brand", ""),
    ],
)
def test_config_mistakes(occasions, options, key, message, remedy):
    (problem,) = PriceResponse(**options).problems(occasions.frame.columns)
    assert problem.key == key
    assert message in problem.message
    assert remedy in problem.remedy


def test_brands_known_by_pattern_only_are_asked_about_later(occasions):
    patterns = ("customer_id", "incidence", "brand", "quantity", "price_*", "promotion_*")
    assert not list(PriceResponse(brand="d", cost={"d": 1.0}).problems(patterns))
    with pytest.raises(UserError, match="no such brand in the panel"):
        PriceResponse(brand="d").fit(chain(), occasions, CONTEXT)


@pytest.mark.parametrize(
    ("change", "key", "message"),
    [
        (lambda f: f.assign(incidence=1, brand="a", quantity=1), "panel.incidence", "one value only"),
        (lambda f: f.assign(incidence=f["incidence"] * 2), "panel.incidence", "0 (no purchase) or 1"),
        (lambda f: f.assign(incidence=f["incidence"].where(f.index > 2)), "panel.incidence", "3 missing values"),
        (lambda f: f.assign(quantity=f["quantity"] * 0.5), "panel.quantity", "not of whole units, such as 0.5"),
        (lambda f: f.assign(quantity=0), "panel.quantity", "purchases have no unit"),
        (lambda f: f.assign(quantity=np.nan), "panel.quantity", "missing values where something was bought"),
        (lambda f: f.drop(columns="price_c"), "panel.brand", "that has no column `price_c`"),
        (lambda f: f.assign(price_d=2.0 + f["price_a"]), "panel.brand", "never bought in the training part"),
        (lambda f: f.assign(price_a=-1.0), "panel.price_a", "a price of zero or less"),
        (lambda f: f.assign(price_a=f["price_a"].where(f.index > 4)), "panel.price_a", "5 missing values"),
        (lambda f: f.assign(price_a=1.0, price_b=2.0, price_c=3.0), "panel.price_*", "one price only for every brand"),
    ],
)
def test_rows_that_cannot_answer(occasions, change, key, message):
    problems = list(QUICK.inspect(replace(occasions, frame=change(occasions.frame))))
    assert [one.key for one in problems][:1] == [key]
    assert message in problems[0].message
    assert problems[0].remedy


@pytest.mark.parametrize(
    ("task", "model", "change", "key", "message"),
    [
        (replace(QUICK, brand="b"), {}, {"price_b": 2.0}, "task.brand", "is 2 on all occasions"),
        (replace(QUICK, brand="b", cost=9.0), {}, {}, "task.cost", "no price has a margin"),
        (QUICK, {"choice": LogisticRegression()}, {}, "model.choice", "no model of choice"),
        (QUICK, {"incidence_terms": ["mean_price", "tells"]}, {"tells": 1.0}, "model.incidence", "constant column"),
        (QUICK, {"incidence_terms": ["mean_price", "tells"]}, {"tells": None}, "model.incidence", "separated by tells"),
        (QUICK, {"quantity_terms": ["price", "nowhere"]}, {}, "model.quantity", "nowhere has no column"),
    ],
)
def test_what_a_fit_refuses(occasions, task, model, change, key, message):
    frame = occasions.frame.assign(**change)
    if change == {"tells": None}:
        frame["tells"] = frame["incidence"] * 1.0
    inputs = (*occasions.roles.inputs, *change) if "tells" in change else occasions.roles.inputs
    data = replace(occasions, frame=frame, roles=replace(occasions.roles, inputs=inputs))
    with pytest.raises(UserError) as raised:
        task.fit(chain(**model), data, CONTEXT)
    (problem,) = raised.value.problems
    assert problem.key == key
    assert message in problem.message
    assert problem.remedy


def test_only_a_chain_without_transformers_is_taken(occasions):
    with pytest.raises(UserError, match="a chain of three models"):
        QUICK.fit(BinomialLogit(), occasions, CONTEXT)
    with pytest.raises(UserError, match="takes no transformers"):
        QUICK.fit(make_pipeline(StandardScaler(), chain()), occasions, CONTEXT)
    assert QUICK.fit(make_pipeline(chain()), occasions, CONTEXT).brand


def lone_buyers(**brands):
    """Occasions on which one customer alone buys each of some brands."""
    data = make_occasions(customers=30, seed=4)
    brand = data.frame["brand"]
    for name, customer in brands.items():
        brand = brand.where((brand != name) | (data.frame["customer_id"] == customer), "a")
    return replace(data, frame=data.frame.assign(brand=brand))


def test_resamples_without_an_estimate_are_told():
    """One customer alone buys brand c: many a resample has nobody who does."""
    task, model = replace(QUICK, brand="a", refits=20), chain(quantity_terms=["price"])
    _, _, contents = run(lone_buyers(c=1007), model, task)
    assert any("resamples of the customers a model had no estimate" in text for text in texts(contents, "caveat"))
    with pytest.raises(UserError, match=r"only \d of 20 resamples of the customers have an estimate"):
        run(lone_buyers(b=1008, c=1007), model, task)
