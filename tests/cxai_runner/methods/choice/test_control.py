"""A control function gives back the price coefficient that prices set by demand hide."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

from cxai_runner.methods.choice import (
    ChoiceData,
    ChoiceError,
    ChoiceWarning,
    ConditionalLogit,
    NotIdentifiedError,
    control_function,
)


def simulate(rng, n=8000, strength=1.0):
    """Price follows cost and a demand shock, which also moves utility."""
    cost, shock, feature = rng.uniform(0, 1, (n, 3)), rng.normal(0, 0.5, (n, 3)), rng.integers(0, 2, (n, 3)) * 1.0
    price = 2 + strength * cost + 0.3 * feature + shock
    utility = np.array([0, 0.5, -0.5]) - 1.5 * price + 1.2 * shock + 0.4 * feature
    chosen = (utility + rng.gumbel(size=(n, 3))).argmax(axis=1)
    return ChoiceData(("a", "b", "c"), {"price": price, "cost": cost, "feature": feature}, {}, None, chosen)


@pytest.fixture(scope="module")
def panel():
    return simulate(np.random.default_rng(0))


def test_the_price_coefficient_is_given_back(panel):
    naive = ConditionalLogit("price + feature").fit(panel)
    found = control_function(panel, instruments=["cost"], controls=["feature"])
    corrected = ConditionalLogit("price + feature + price_residual").fit(found.data)
    truth = pd.Series({"price": -1.5, "feature": 0.4, "price_residual": 1.2})
    table = corrected.summary_frame().loc[truth.index]
    # Two stages: the errors of the second are a little too small.
    assert np.all(np.abs(table["coefficient"] - truth) < 4 * table["standard_error"])
    assert naive.summary_frame().loc["price", "high"] > -0.9 > corrected.summary_frame().loc["price", "high"]


def test_the_first_stage_is_least_squares(panel):
    """Residual, R² within alternatives and F of the instruments, as statsmodels has them."""
    found = control_function(panel, instruments=["cost"], controls=["feature"])
    rows = pd.DataFrame({name: values.T.ravel() for name, values in panel.attributes.items()})
    dummies = pd.get_dummies(np.repeat(["a", "b", "c"], len(panel)), dtype=float)
    other = sm.OLS(rows["price"], rows[["feature", "cost"]].join(dummies)).fit()
    np.testing.assert_allclose(found.data.attributes["price_residual"].T.ravel(), other.resid, atol=1e-10)
    assert found.f_statistic == pytest.approx(other.tvalues["cost"] ** 2, rel=1e-8)
    within = rows["price"] - rows["price"].groupby(np.repeat([0, 1, 2], len(panel))).transform("mean")
    assert found.r2 == pytest.approx(1 - other.ssr / (within**2).sum())


def test_what_is_not_there_is_left_out(panel):
    there = np.random.default_rng(1).uniform(size=(len(panel), 3)) < 0.6
    there[np.arange(len(panel)), panel.chosen] = True
    partly = ChoiceData(panel.alternatives, panel.attributes, {}, there, panel.chosen)
    residual = control_function(partly, instruments=["cost"]).data.attributes["price_residual"]
    assert (residual[~there] == 0).all()
    # Where available it sums to zero for each alternative, and is orthogonal to the instrument.
    np.testing.assert_allclose(residual.sum(axis=0), 0, atol=1e-9)
    assert (residual * panel.attributes["cost"]).sum() == pytest.approx(0, abs=1e-8)


def test_weak_instruments_are_told():
    weak = simulate(np.random.default_rng(3), n=300, strength=0.0)
    with pytest.warns(ChoiceWarning, match=r"instruments cost explain little of price \(F = .*find stronger ones"):
        control_function(weak, instruments=["cost"])


@pytest.mark.parametrize(
    ("arguments", "kind", "message"),
    [
        ({"instruments": []}, ChoiceError, "no instrument is given; name what moves the price"),
        ({"instruments": ["cost"], "controls": ["cost"]}, ChoiceError, "instrument and term at once: cost"),
        ({"instruments": ["wage"]}, ChoiceError, "no attribute or characteristic 'wage'; it has price, cost, feature"),
        ({"instruments": ["cost", "twice"]}, NotIdentifiedError, "collinear columns among cost, twice"),
        ({"instruments": ["fixed"]}, NotIdentifiedError, "the same at all occasions for each alternative: fixed"),
    ],
)
def test_what_is_no_first_stage(panel, arguments, kind, message):
    more = panel.changed("twice", 2 * panel.attributes["cost"]).changed("fixed", np.full((len(panel), 3), 0.1))
    with pytest.raises(kind, match=message):
        control_function(more, **arguments)
