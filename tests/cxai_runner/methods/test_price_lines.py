"""Averages over all rows: straight lines in price give what asking anew gives, and a draw of rows has its error."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import brentq
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, PolynomialFeatures, StandardScaler

from cxai_runner.methods.averaged_rows import AveragedRows
from cxai_runner.methods.elasticity_curve import ElasticityCurve, Numbers
from cxai_runner.methods.logit import BinomialLogit
from cxai_runner.methods.price_delta import DeltaMethod
from cxai_runner.methods.price_lines import put_together, straight
from cxai_runner.methods.price_refits import Refit, probabilities
from cxai_runner.methods.purchase_response import PurchaseResponse
from cxai_runner.methods.random_intercept import RandomInterceptLogit
from cxai_runner.methods.terms import PanelTerms

PRICES = ["price_a", "price_b"]
SPAN = (1.0, 3.0)
TERMS = ("mean_price", "income", "mean_price:income")


def rng(seed=1):
    return np.random.default_rng(seed)


@pytest.fixture(scope="module")
def sample():
    chance, n = rng(0), 1200
    X = pd.DataFrame(
        {
            "price_a": chance.uniform(0.8, 2.6, n),
            "price_b": chance.uniform(1.2, 3.4, n),
            "income": chance.normal(size=n),
            "promotion_a": chance.integers(0, 2, n),
        }
    )
    log_odds = 2.5 - 1.4 * X[PRICES].mean(axis=1) + (0.3 - 0.4 * X["price_a"]) * X["income"]
    return X, (chance.uniform(size=n) < 1 / (1 + np.exp(-log_odds))).astype(int), np.repeat(range(100), 12)


def fitted(sample, *steps, terms=TERMS, model=None):
    X, y, customer = sample
    model = model or BinomialLogit()
    pipeline = make_pipeline(PanelTerms(terms), *steps, model)
    return pipeline.fit(X, y, **{f"{pipeline.steps[-1][0]}__groups": customer})


def rows_of(X, moved=None):
    return AveragedRows.of(X, moved or {"price_a": 0.8, "price_b": 1.2}, 10**6, rng())


@pytest.mark.parametrize("model", [BinomialLogit(), RandomInterceptLogit(points=7)], ids=["logit", "random intercept"])
@pytest.mark.parametrize("moved", [None, {"price_b": 1.0}], ids=["all", "one"])
def test_lines_give_what_asking_at_every_price_gives(sample, model, moved):
    pipeline, rows, at = fitted(sample, StandardScaler(), model=model), rows_of(sample[0], moved), np.array([1.2, 2.5])
    lines = straight(pipeline[:-1].transform, rows, SPAN)
    short, long = (DeltaMethod(pipeline[-1], pipeline[:-1].transform, rows, one)(at) for one in (lines, None))
    np.testing.assert_allclose(short.probability, long.probability, rtol=1e-10)
    np.testing.assert_allclose(short.elasticity, long.elasticity, rtol=1e-7)
    np.testing.assert_allclose(short.elasticity_error, long.elasticity_error, rtol=1e-6)
    np.testing.assert_allclose(short.probability_error, long.probability_error, rtol=1e-8)


@pytest.mark.parametrize(
    "bent", [PolynomialFeatures(2, include_bias=False), FunctionTransformer(np.square)], ids=["squares", "square"]
)
def test_what_bends_is_not_taken_for_straight(sample, bent):
    pipeline = make_pipeline(PanelTerms(("mean_price",)), bent).fit(sample[0])
    assert straight(pipeline.transform, rows_of(sample[0]), SPAN) is None


def test_equal_lines_are_put_together(sample):
    terms = PanelTerms(("mean_price", "promotion_a")).fit(sample[0])
    rows = rows_of(sample[0])
    lines, weight = put_together(straight(terms.transform, rows, SPAN), rows.weight)
    assert len(lines.level) == 2
    assert sorted(weight) == sorted(sample[0]["promotion_a"].value_counts())


def test_a_penalised_logit_is_asked_by_its_log_odds(sample):
    X, y, _ = sample
    pipeline = make_pipeline(PanelTerms(TERMS), LogisticRegression()).fit(X, y)
    rows, at = rows_of(X), np.array([1.1, 2.9])
    by_line, lined = probabilities(pipeline, rows, SPAN, smooth=True)
    asked, not_lined = probabilities(pipeline, rows, SPAN, smooth=False)
    assert (lined, not_lined) == (True, False)
    np.testing.assert_allclose(by_line(at), asked(at), rtol=1e-10)


def test_all_rows_are_averaged_unless_it_is_told(sample):
    pipeline = fitted(sample)
    curve = PurchaseResponse(pipeline, sample[0], PRICES, rng()).curve(grid=[2.0])
    assert curve.averaged == (1200, 1200)
    drawn = PurchaseResponse(pipeline, sample[0], PRICES, rng(), max_rows=300).curve(grid=[2.0])
    assert drawn.averaged == (300, 1200)
    assert drawn.standard_error[0] > curve.standard_error[0]


def test_the_interval_allows_for_the_draw_of_rows(sample):
    """Refits that are all the model itself leave the draw alone: its error is what 100 draws differ by."""
    X = sample[0]
    pipeline, at = fitted(sample), np.array([2.2])
    refits = [Refit(pipeline, np.ones(len(X)))] * 2
    found, told, excess = [], [], []
    for seed in range(100):
        response = PurchaseResponse(pipeline, X, PRICES, rng(seed), refits, max_rows=150)
        curve = response.curve(grid=at)
        found.append((curve.elasticity[0], curve.probability[0]))
        excess.append(curve.standard_error[0] ** 2)
        if seed < 5:
            alone = PurchaseResponse(pipeline, X, PRICES, rng(seed), refits, max_rows=150).curve(
                grid=at, by_refits=True
            )
            told.append((alone.standard_error[0], alone.probability_error[0]))
    spread = np.std(found, axis=0)
    assert np.mean(told, axis=0) == pytest.approx(spread, rel=0.25)
    whole = PurchaseResponse(pipeline, X, PRICES, rng()).curve(grid=at)
    assert np.mean(excess) - whole.standard_error[0] ** 2 == pytest.approx(spread[0] ** 2, rel=0.5)


def test_the_turn_is_the_root_of_the_mean_elasticity(sample):
    pipeline = fitted(sample)
    a, b, c, d = pipeline[-1].intercept_[0], *pipeline[-1].coef_[0]
    income = sample[0]["income"].to_numpy()

    def elasticity(price):
        P = 1 / (1 + np.exp(-(a + b * price + (c + d * price) * income)))
        return price * ((b + d * income) * P * (1 - P)).mean() / P.mean()

    for points in (3, 41):
        curve = PurchaseResponse(pipeline, sample[0], PRICES, rng()).curve(points=points)
        found = curve.turns()
        assert found.kind == "falls"
        assert found.price == pytest.approx(brentq(lambda price: elasticity(price) + 1, 1, 3), rel=1e-8)
        # The interval holds the prices at which that of the elasticity holds −1.
        ends = curve.solve(np.array([found.low, found.high]))
        half = ends.quantile * ends.elasticity_error
        assert ends.elasticity[0] - half[0] == pytest.approx(-1, abs=1e-6)
        assert ends.elasticity[1] + half[1] == pytest.approx(-1, abs=1e-6)


def test_an_elasticity_that_also_rises_does_not_turn_at_one_price(sample):
    pipeline = fitted(sample, terms=("mean_price", "mean_price:mean_price"))
    pipeline[-1].intercept_[:], pipeline[-1].coef_[0] = 3.0, (-3.5, 0.8)
    assert PurchaseResponse(pipeline, sample[0], PRICES, rng()).curve().turns().kind == "several"


def test_an_interval_that_widens_again_is_not_left_before():
    """At the highest prices the elasticity is less known, and its interval holds −1 once more."""

    def solve(at):
        error = np.where(at < 1.8, 0.05, 1.5)
        nothing = np.zeros_like(at)
        return Numbers(nothing, 1 - at * 4 / 3, nothing, error, 2.0, "", "")

    at = np.array([1.0, 2.0])
    nothing = np.zeros(2)
    curve = ElasticityCurve(
        at,
        nothing,
        1 - at * 4 / 3,
        nothing,
        nothing,
        2.0,
        (1.0, 2.0),
        (1.5, -1, -1, -1),
        "",
        "",
        True,
        0,
        solve,
        (9, 9),
    )
    found = curve.turns()
    assert found.price == pytest.approx(1.5)
    assert found.low == pytest.approx(1.5 - 0.1 * 3 / 4)
    assert (found.high, found.cut) == (2.0, (False, True))
