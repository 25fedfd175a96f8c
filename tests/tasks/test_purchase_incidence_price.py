"""Purchase incidence by segment, promotion and brand: each told apart, the small ones named, both kinds of interval."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from cxai_runner.config.problems import UserError
from cxai_runner.evaluation.results import Estimate, Figure, Finding, Table
from cxai_runner.methods.logit import BinomialLogit
from cxai_runner.methods.monotone import FallingInPrice
from cxai_runner.methods.mundlak import MundlakLogit
from cxai_runner.methods.random_intercept import RandomInterceptLogit
from tasks.purchase_incidence import PurchaseIncidence

from .conftest import make_panel
from .incidence_runs import CONTEXT, only, run, texts


def with_segments(panel, *inputs, **columns):
    frame = panel.frame.assign(**columns)
    return replace(panel, frame=frame, roles=replace(panel.roles, inputs=(*panel.roles.inputs, *inputs)))


@pytest.fixture(scope="module")
def segmented():
    """Two segments that answer to price differently, one of ten rows, and spending that is a number."""
    panel = make_panel(customers=200)
    rng = np.random.default_rng(5)
    frame = panel.frame
    segment = np.where(frame["customer_id"] % 2 == 0, "even", "odd").astype(object)
    segment[-10:] = "rare"
    price = frame[["price_a", "price_b", "price_c"]].mean(axis=1)
    linear = 0.4 + np.where(segment == "even", -2.5, -0.5) * (price - 2)
    bought = (rng.uniform(size=len(frame)) < 1 / (1 + np.exp(-linear))).astype(int)
    spent = rng.gamma(2, 20, len(frame))
    return with_segments(panel, "segment", "spent", segment=segment, spent=spent, incidence=bought)


TERMS = ["mean_price", "mean_promotion", "segment", "mean_price:segment"]


@pytest.fixture(scope="module")
def told(segmented):
    task = PurchaseIncidence(terms=TERMS, by=["segment", "spent"], points=9)
    return run(segmented, BinomialLogit(), task)[2]


def test_segments_have_their_own_elasticity(told):
    table = only(told, Table, "elasticity_at_mean").frame
    observed = table[table["promotion"] == "observed"].set_index("occasions")
    assert observed.loc["segment even", "high"] < observed.loc["segment odd", "low"]
    assert observed.loc["segment even", "rows"] + observed.loc["segment odd", "rows"] == 5000 - 10
    # b·p·(1 − P) at the mean price of 2.
    P = 1 / (1 + np.exp(-0.4))
    for segment, b in (("even", -2.5), ("odd", -0.5)):
        row = observed.loc[f"segment {segment}"]
        assert row["low"] < b * 2 * (1 - P) < row["high"]


def test_each_segment_keeps_to_the_prices_that_it_met(told, segmented):
    data = only(told, Figure, "elasticity_by_segment").data
    frame = segmented.frame
    prices = frame[["price_a", "price_b", "price_c"]].mean(axis=1)
    for segment, rows in data.groupby("segment"):
        mine = prices[frame["segment"] == segment]
        assert (rows["price"].min(), rows["price"].max()) == pytest.approx((mine.min(), mine.max()))
        assert rows["observed"].all()


def test_a_segment_of_ten_rows_is_named_and_left_out(told):
    (caveat,) = [text for text in texts(told, "caveat") if text.startswith("No curve is drawn of")]
    assert (
        caveat
        == "No curve is drawn of segment rare (10 occasions: too small); a curve takes 30 occasions and 5 customers."
    )
    assert "segment rare" not in set(only(told, Table, "elasticity_at_mean").frame["occasions"])


def test_numbers_are_divided_into_ranges_and_it_is_said(told):
    figure = only(told, Figure, "elasticity_by_spent")
    assert "divided at their quartiles" in figure.caption
    lowest = [float(label.split()[1]) for label in figure.data["spent"].unique()]
    assert len(lowest) == 4
    assert lowest == sorted(lowest)
    assert figure.low is None
    assert "in the table" in figure.caption
    assert only(told, Figure, "elasticity_by_segment").low == "low"


def test_what_has_no_effect_of_price_of_its_own_is_told(told, segmented):
    said = [text for text in texts(told, "caveat") if text.startswith("The model has one effect of price")]
    assert said == [
        "The model has one effect of price for every spent: their elasticities differ because they buy more or less "
        "often. The term mean_price:spent would let it rise or fall with spent in a straight line; for one of each "
        "group, bring the groups as a column of words."
    ]


def test_of_words_one_effect_each_can_be_estimated(panel):
    words = with_segments(panel, "segment", segment=np.where(panel.frame["customer_id"] % 2, "even", "odd"))
    contents = run(words, BinomialLogit(), PurchaseIncidence(by=["segment"], points=5))[2]
    (said,) = [text for text in texts(contents, "caveat") if text.startswith("The model has one effect of price")]
    assert said.endswith("To estimate one each, name the term mean_price:segment.")


def test_promotion_at_one_at_zero_and_as_observed(told, segmented):
    table = only(told, Table, "elasticity_at_mean").frame
    mine = table[table["occasions"] == "all"].set_index("promotion")
    assert list(mine.index) == ["observed", "at 1", "at 0"]
    figure = only(told, Figure, "elasticity")
    assert figure.by == "promotion"
    assert set(figure.data["promotion"]) == {"as observed", "promotion 1", "promotion 0"}


def test_a_promotion_that_never_was_is_told():
    panel = make_panel(customers=100)
    frame = panel.frame.assign(promotion_a=0.2, promotion_b=panel.frame["promotion_b"] * 0.5, promotion_c=0.1)
    _, _, contents = run(replace(panel, frame=frame), BinomialLogit())
    assert any("together lay between 0.10 and 0.27" in text for text in texts(contents, "caveat"))


def test_without_promotion_there_is_one_state(panel):
    _, _, contents = run(panel, BinomialLogit(), PurchaseIncidence(terms=["mean_price"], points=9))
    assert only(contents, Figure, "elasticity").by is None
    assert set(only(contents, Table, "elasticity_at_mean").frame["promotion"]) == {"observed"}


def test_each_brands_own_price_where_the_terms_hold_it(segmented):
    task = PurchaseIncidence(terms=["price", "mean_promotion"], points=9)
    fitted, _, contents = run(segmented, BinomialLogit(), task)
    table = only(contents, Table, "elasticity_by_brand").frame.set_index("brand")
    assert list(table.index) == ["a", "b", "c"]
    # b·p·(1 − P) of each brand's own coefficient, averaged over the occasions.
    coefficients = dict(zip(["a", "b", "c"], fitted.pipeline[-1].coef_[0][:3], strict=True))
    X = segmented.frame[fitted.columns]
    for brand, b in coefficients.items():
        price = X[f"price_{brand}"].mean()
        P = fitted.pipeline.predict_proba(X.assign(**{f"price_{brand}": price}))[:, 1]
        expected = b * price * (P * (1 - P)).mean() / P.mean()
        assert table.loc[brand, "elasticity"] == pytest.approx(expected, rel=0.02)
    assert not any(
        isinstance(one, Table) and one.name == "elasticity_by_brand" for one in run(segmented, BinomialLogit())[2]
    )


def test_where_demand_turns_elastic_is_told_of_each_curve(told):
    table = only(told, Table, "elasticity_at_mean").frame
    observed = table[table["promotion"] == "observed"].set_index("occasions")["elastic_from"]
    # At the highest price its interval holds −1, although the estimate does not reach it.
    assert observed["segment odd"] == "cannot be told"
    assert observed["segment even"].startswith("1.")
    assert "[" in observed["segment even"]
    estimate = only(told, Estimate, "elastic_above_price").value
    assert estimate.low < estimate.value < estimate.high


def test_both_intervals_stand_side_by_side(segmented):
    task = PurchaseIncidence(intervals="both", refits=12, points=5, by=["segment"])
    _, _, contents = run(segmented, BinomialLogit(), task)
    table = only(contents, Table, "intervals_compared").frame
    assert len(table) == 3 * 3
    assert table["ratio_of_errors"].between(0.4, 1.8).all()
    assert (table["delta_low"] < table["elasticity"]).all()
    assert (table["bootstrap_high"] > table["elasticity"]).all()
    (said,) = [one.text for one in contents if isinstance(one, Finding) and "12 refits" in one.text]
    assert said.endswith("the two intervals agree.")


def test_the_bootstrap_can_be_asked_of_the_logit(panel):
    _, _, contents = run(panel, BinomialLogit(), PurchaseIncidence(intervals="bootstrap", refits=3, points=5))
    assert "3 refits on resampled customers" in only(contents, Figure, "elasticity").caption


def test_the_delta_method_takes_standard_errors(panel):
    with pytest.raises(UserError) as caught:
        PurchaseIncidence(intervals="both").fit(LogisticRegression(), panel, CONTEXT)
    (problem,) = caught.value.problems
    assert (problem.key, problem.value) == ("task.intervals", "both")
    assert "LogisticRegression has none" in problem.message
    assert problem.remedy == "write task.intervals=bootstrap, or choose model=logit"


def test_a_random_intercept_says_how_far_customers_differ():
    fitted, _, contents = run(make_panel(customers=150), RandomInterceptLogit())
    sigma = only(contents, Estimate, "customer_spread").value
    assert sigma.low < 0.3 < sigma.high
    assert any("averages over customers" in text for text in texts(contents, "caveat"))
    table = only(contents, Table, "coefficients")
    assert table.title == "Coefficients (maximum likelihood, random intercept)"
    assert list(table.frame["term"]) == ["intercept", "mean_price", "mean_promotion"]
    frame = only(contents, Table, "fit_statistics").frame.set_index("statistic")["value"]
    assert frame["log-likelihood of the whole model"] == f"−{-fitted.pipeline[-1].log_likelihood_:,.3f}"
    assert "clustered covariance" in only(contents, Figure, "elasticity").caption


def test_customers_who_do_not_differ_are_said_not_to():
    panel = make_panel(customers=80)
    rng = np.random.default_rng(3)
    price = panel.frame[["price_a", "price_b", "price_c"]].mean(axis=1)
    bought = (rng.uniform(size=len(price)) < 1 / (1 + np.exp(1.5 * (price - 2)))).astype(int)
    fitted, _, contents = run(replace(panel, frame=panel.frame.assign(incidence=bought)), RandomInterceptLogit())
    assert fitted.pipeline[-1].sigma_ == 0
    assert any(text.startswith("Customers do not differ beyond") for text in texts(contents, "finding"))
    assert not any(isinstance(one, Estimate) and one.name == "customer_spread" for one in contents)


def test_mundlak_tells_within_from_between():
    fitted, _, contents = run(make_panel(customers=100), make_pipeline(StandardScaler(), MundlakLogit()))
    table = only(contents, Table, "within_and_between").frame
    assert list(table["term"]) == ["mean_price"] * 3 + ["mean_promotion"] * 3
    assert list(table["effect"]) == ["within", "between", "difference"] * 2
    assert fitted.pipeline[-1].feature_names_in_.tolist() == ["mean_price", "mean_promotion"]
    assert any(text.startswith("A customer's means are not known") for text in texts(contents, "caveat"))
    assert any(
        text.startswith("The effects of mean_price and mean_promotion within") for text in texts(contents, "finding")
    )


def test_classical_errors_where_rows_are_not_clustered(panel):
    for model in (RandomInterceptLogit(), MundlakLogit()):
        fitted = PurchaseIncidence(cluster=False).fit(model, panel, CONTEXT)
        assert fitted.pipeline[-1].covariance_type_ == "classical"
        assert model.covariance == "clustered"


def test_trees_that_are_held_to_a_falling_price_never_rise():
    trees = FallingInPrice(HistGradientBoostingClassifier(max_iter=20, random_state=0))
    task = PurchaseIncidence(terms=["price", "mean_price", "mean_promotion"], points=15, refits=2)
    fitted, _, contents = run(make_panel(), trees, task)
    assert fitted.pipeline[-1].falling_ == ["price_a", "price_b", "price_c", "mean_price"]
    curves = only(contents, Figure, "purchase_probability").data
    for _, curve in curves.groupby("promotion"):
        assert (np.diff(curve["purchase_probability"]) <= 1e-12).all()


@pytest.mark.parametrize("model", [RandomInterceptLogit(points=7), MundlakLogit(), BinomialLogit()])
def test_no_table_has_a_gap(segmented, model):
    task = PurchaseIncidence(terms=TERMS, by=["segment", "spent"], points=5, intervals="both", refits=2)
    for one in run(segmented, model, task)[2]:
        if isinstance(one, Table):
            numbers = one.frame.select_dtypes("number")
            assert np.isfinite(numbers.to_numpy()).all(), one.name
            assert not one.frame.isna().any(axis=None), one.name


def test_a_fed_segment_can_interact_and_be_told_apart():
    """A segment that another model says: a text column to describe, and a column of 0 and 1 for each but one label."""
    panel = make_panel(customers=100)
    label = np.where(panel.frame["customer_id"] % 2 == 0, "0", "1")
    frame = panel.frame.assign(segment=label, segment_1=(label == "1").astype(int))
    inputs = (*panel.roles.inputs, "segment_1")
    roles = replace(panel.roles, inputs=inputs, describe=("segment",), fed=("segment_1",))
    data = replace(panel, frame=frame, roles=roles)
    task = PurchaseIncidence(terms=["mean_price", "segment", "mean_price:segment"], by=["segment"], points=5)
    assert not list(task.problems([*frame.columns]))
    assert not list(task.inspect(data))
    fitted, _, contents = run(data, BinomialLogit(), task)
    terms = list(fitted.pipeline[:-1].get_feature_names_out())
    assert terms == ["mean_price", "segment_1", "mean_price:segment_1"]
    assert set(only(contents, Figure, "elasticity_by_segment").data["segment"]) == {"0", "1"}
    assert not any("one effect of price" in text for text in texts(contents, "caveat"))


def test_more_groups_than_a_picture_holds_are_counted():
    panel = make_panel(customers=120)
    region = pd.Series([f"r{one % 12:02}" for one in panel.frame["customer_id"]])
    _, _, contents = run(
        with_segments(panel, region=region), BinomialLogit(), PurchaseIncidence(by=["region"], points=5)
    )
    assert only(contents, Figure, "elasticity_by_region").data["region"].nunique() == 8
    (caveat,) = [text for text in texts(contents, "caveat") if text.startswith("No curve is drawn of")]
    assert caveat.count("not among the 8 largest") == 4
