"""Purchase incidence where the data are few: what a few customers, refits or rows cannot tell is not claimed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier

from cxai_runner.evaluation.results import Estimate, Figure, Table
from cxai_runner.methods import purchase_response
from cxai_runner.methods.logit import BinomialLogit
from cxai_runner.methods.monotone import FallingInPrice
from cxai_runner.methods.mundlak import MundlakLogit
from cxai_runner.methods.purchase_response import PurchaseResponse
from tasks.purchase_incidence import PurchaseIncidence, price
from tasks.purchase_incidence.answers import turns_elastic

from .conftest import make_panel
from .incidence_runs import CONTEXT, only, run, texts

PRICES = ["price_a", "price_b", "price_c"]


def extended(panel, *inputs, **columns):
    frame = panel.frame.assign(**columns)
    return replace(panel, frame=frame, roles=replace(panel.roles, inputs=(*panel.roles.inputs, *inputs)))


def few(contents):
    return [text for text in texts(contents, "caveat") if text.startswith("Too few customers for a clustered error")]


@pytest.fixture(scope="module")
def towns():
    """Towns of many customers, one of four and one of a single customer, with 40 occasions each."""
    panel = make_panel(customers=60, occasions=40)
    customer = panel.frame["customer_id"]
    town = np.where(customer % 2 == 0, "north", "south").astype(object)
    ids = customer.unique()
    town[customer.isin(ids[:4]).to_numpy()] = "four"
    town[(customer == ids[10]).to_numpy()] = "one"
    return extended(panel, "town", town=town)


TERMS = ["mean_price", "town", "mean_price:town"]


@pytest.fixture(scope="module")
def told(towns):
    return run(towns, BinomialLogit(), PurchaseIncidence(terms=TERMS, by=["town"], points=5))[2]


def test_coefficients_of_few_customers_have_no_interval(told):
    apart = only(told, Table, "coefficients_of_few_customers").frame.set_index("term")
    assert apart["customers"].to_dict() == {
        "town[four]": 4,
        "town[one]": 1,
        "mean_price:town[four]": 4,
        "mean_price:town[one]": 1,
    }
    assert not {"p", "low", "high", "standard_error"} & set(apart.columns)
    for kept in (only(told, Table, "coefficients").frame, only(told, Figure, "coefficients").data):
        assert set(kept["term"]) - {"intercept"} == {"mean_price", "town[north]", "mean_price:town[north]"}
    (said,) = few(told)
    assert "town[one] (1)" in said
    assert "town[four] (4)" in said


def test_a_segment_of_few_customers_has_no_elasticity(told):
    assert set(only(told, Table, "elasticity_at_mean").frame["occasions"]) == {"all", "town north", "town south"}
    (said,) = [text for text in texts(told, "caveat") if text.startswith("No curve is drawn of")]
    assert "town four (160 occasions: too few customers for a clustered error: 4)" in said
    assert "town one (40 occasions: too few customers for a clustered error: 1)" in said


def test_rows_that_are_not_clustered_are_not_too_few(towns):
    task = PurchaseIncidence(terms=TERMS, by=["town"], points=5, cluster=False)
    contents = run(towns, BinomialLogit(), task)[2]
    assert not few(contents)
    assert "town one" in set(only(contents, Table, "elasticity_at_mean").frame["occasions"])


@pytest.mark.parametrize(("customers", "said"), [(9, True), (10, False)])
def test_few_customers_in_all_are_told(customers, said):
    contents = run(make_panel(customers=customers, occasions=60), BinomialLogit())[2]
    told = [text for text in texts(contents, "caveat") if f"are of {customers} customers only" in text]
    assert bool(told) is said


def test_the_turn_does_not_depend_on_the_points_of_the_curve():
    panel = make_panel(customers=100)
    found = []
    for points in (3, 41):
        contents = run(panel, BinomialLogit(), PurchaseIncidence(points=points))[2]
        at = only(contents, Estimate, "elastic_above_price").value
        table = only(contents, Table, "elasticity_at_mean").frame
        (said,) = [text for text in texts(contents, "finding") if text.startswith("Purchases are elastic (below −1)")]
        words = table.loc[(table["occasions"] == "all") & (table["promotion"] == "observed"), "elastic_from"].item()
        assert words in said
        found.append((at.value, at.low, at.high, words))
    assert found[0][:3] == pytest.approx(found[1][:3], rel=1e-6)
    assert found[0][3] == found[1][3]


@pytest.mark.parametrize(("refits", "said"), [(2, True), (10, False)])
def test_few_refits_are_told_and_not_compared(panel, refits, said):
    contents = run(panel, BinomialLogit(), PurchaseIncidence(intervals="both", refits=refits, points=3))[2]
    assert any("too few refits to compare" in text for text in texts(contents, "finding")) is said
    assert any(f"Only {refits} refits" in text for text in texts(contents, "caveat")) is said


def test_no_effect_of_price_is_not_a_rising_one(panel):
    flat = panel.frame.assign(incidence=(np.arange(len(panel.frame)) % 2))
    fitted, _, contents = run(replace(panel, frame=flat), BinomialLogit())
    fitted.pipeline[-1].coef_[0, 0] = 0.0
    fitted.pipeline[-1].covariance_[:] = 0.0
    task = PurchaseIncidence(points=3)
    contents = list(task.report(fitted, panel, *scores_of(task, fitted, panel)))
    assert not any("Higher prices go with more purchases" in text for text in texts(contents, "caveat"))


def scores_of(task, fitted, panel):
    scores = {"train": task.score(fitted, panel, CONTEXT)}
    return scores, {one.name: one for one in task.measure(scores["train"], CONTEXT)}, CONTEXT


def test_the_interval_of_trees_held_to_fall_is_cut_at_zero():
    panel = make_panel(customers=40, occasions=10)
    trees = FallingInPrice(HistGradientBoostingClassifier(max_iter=5, random_state=0))
    contents = run(panel, trees, PurchaseIncidence(points=5, refits=2))[2]
    figure = only(contents, Figure, "elasticity")
    assert figure.data["high"].max() <= 0
    assert only(contents, Estimate, "elasticity_at_mean_price").value.high <= 0
    assert "cut at 0" in figure.caption
    assert any("is cut at 0" in text for text in texts(contents, "caveat"))


def test_prices_that_never_change_within_a_customer_are_said_to_tell_customers_apart():
    panel = make_panel(customers=120)
    own = np.random.default_rng(4).uniform(1, 3, 1 + int(panel.frame["customer_id"].max()))
    same = {name: own[panel.frame["customer_id"]] + i / 10 for i, name in enumerate(PRICES)}
    _, _, contents = run(replace(panel, frame=panel.frame.assign(**same)), MundlakLogit())
    said = texts(contents, "caveat")
    assert any(text.startswith("mean_price never changes within a customer") for text in said)
    assert not any("the elasticity is that within a customer" in text for text in said)
    assert "within" not in only(contents, Table, "coefficients").title
    (wald,) = [text for text in texts(contents, "finding") if "within and between customers" in text]
    assert wald.startswith("The effects of mean_promotion within and between customers")


def test_one_held_out_customer_gives_no_verdict():
    panel = make_panel(customers=60)
    one = replace(panel, frame=panel.frame[panel.frame["customer_id"] == panel.frame["customer_id"].iloc[0]])
    _, metrics, contents = run(panel, BinomialLogit(), held_out=one)
    assert {metric.verdict for metric in metrics.values()} == {"cannot tell"}
    (headline,) = texts(contents, "headline")
    assert headline.startswith("The model cannot be told from the base rate")
    assert any("of one customer were scored" in text for text in texts(contents, "finding"))


def test_rows_that_are_drawn_are_told(panel, monkeypatch):
    noise = np.random.default_rng(0).normal(size=len(panel.frame))
    noisy, task = extended(panel, "noise", noise=noise), PurchaseIncidence(terms=["mean_price", "noise"], points=3)
    assert not any("drawn at random" in text for text in texts(run(noisy, BinomialLogit(), task)[2], "caveat"))
    monkeypatch.setattr(purchase_response, "MOST_TERMS", 50)
    (said,) = [text for text in texts(run(noisy, BinomialLogit(), task)[2], "caveat") if "drawn at random" in text]
    assert f"averages over 50 of the {len(panel.frame):,} training occasions" in said


def over(panel, fitted, low, high):
    """The curve of the occasions that met such prices only, and what is said of it."""
    X = panel.frame[fitted.columns]
    X = X[panel.frame[PRICES].mean(axis=1).between(low, high)]
    curve = PurchaseResponse(fitted.pipeline, X, PRICES, np.random.default_rng(0)).curve(points=3)
    return curve, list(price.elastic(curve))


@pytest.fixture(scope="module")
def small():
    panel = make_panel(customers=40, occasions=12)
    fitted, _, _ = run(panel, BinomialLogit())
    whole, _ = over(panel, fitted, 0, 9)
    return panel, fitted, whole.turns()


def test_what_the_interval_does_not_support_is_not_claimed(small):
    """The elasticity is above −1 at every price, or below, and its interval is not."""
    panel, fitted, turn = small
    for low, high in ((turn.low * 1.01, turn.price * 0.99), (turn.price * 1.02, turn.high * 0.99)):
        curve, (said,) = over(panel, fitted, low, high)
        assert curve.turns().kind == "unsure"
        assert turns_elastic(curve) == "cannot be told"
        assert said.text.endswith("cannot be told.")


def test_what_it_supports_is(small):
    panel, fitted, turn = small
    curve, (said,) = over(panel, fitted, 0, turn.low * 0.95)
    assert turns_elastic(curve) == "at no price observed"
    assert said.text == "Purchases are inelastic (above −1) at every observed price, the interval included."
    assert turns_elastic(over(panel, fitted, turn.high * 1.1, 9)[0]) == "at every price observed"


def test_a_turn_whose_interval_goes_beyond_the_prices_is_cut_there(small):
    panel, fitted, turn = small
    curve, (said,) = over(panel, fitted, turn.low * 1.02, turn.high * 0.98)
    found = curve.turns()
    assert (found.kind, found.cut) == ("falls", (True, True))
    assert (found.low, found.high) == curve.observed
    assert turns_elastic(curve) == "not told within the observed prices"
    assert "cannot be told" in said.text
    curve, (estimate, said) = over(panel, fitted, 0, turn.high * 0.98)
    assert curve.turns().cut == (False, True)
    assert estimate.value.high == curve.observed[1]
    assert f"{curve.observed[1]:.2f} or more] (the interval is cut at the observed prices)." in said.text
    assert turns_elastic(curve) in said.text
