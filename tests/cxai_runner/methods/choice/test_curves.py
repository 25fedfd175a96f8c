"""Curves over one brand's prices, and the multinomial form asked as a model of choice."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from cxai_runner.methods.choice import (
    ChoiceError,
    ConditionalLogit,
    as_choice_model,
    multinomial_elasticities,
    price_elasticities,
    share_curves,
    share_elasticities,
    share_scenario,
)

PRICES = ["price_a", "price_b", "price_c"]


def log_slope(model, frame, column, value, h=1e-5):
    """The elasticity of each share where a price is ``value`` everywhere, by central differences."""
    up, down = (model.predict_proba(frame.assign(**{column: value * f})).mean(axis=0) for f in (1 + h, 1 - h))
    return (np.log(up) - np.log(down)) / (2 * h)


def test_curves_are_shares_at_a_price_and_their_derivatives(brands):
    frame, y, _ = brands
    model = ConditionalLogit("price + feature").fit(frame, y)
    table = share_curves(model, frame, alternative="b", values=[0.8, 1.5])
    for value, rows in table.groupby("value"):
        shares = model.predict_proba(frame.assign(price_b=value)).mean(axis=0)
        np.testing.assert_allclose(rows["share"], shares, rtol=1e-12)
        np.testing.assert_allclose(rows["elasticity"], log_slope(model, frame, "price_b", value), atol=1e-6)
        assert (rows["share_low"] < rows["share"]).all()
        assert (rows["elasticity_error"] > 0).all()
    with pytest.raises(ChoiceError, match="no alternative 'z'"):
        share_curves(model, frame, alternative="z", values=[1.0])
    with pytest.raises(ChoiceError, match="no attribute 'cost' of 'b'"):
        share_curves(model, frame, "cost", alternative="b", values=[1.0])


@pytest.mark.parametrize("scaled", [False, True])
def test_a_classifier_says_the_same_as_a_conditional_logit(brands, scaled):
    frame, y, _ = brands
    classifier = LogisticRegression(solver="newton-cholesky", tol=1e-9)
    classifier = make_pipeline(StandardScaler(), classifier) if scaled else classifier
    classifier.fit(frame[PRICES], y)
    model = as_choice_model(classifier, frame[PRICES], PRICES, ["c", "a", "b"])
    np.testing.assert_allclose(
        model.predict_proba(frame), classifier.predict_proba(frame[PRICES])[:, [2, 0, 1]], atol=1e-10
    )
    theirs = multinomial_elasticities(classifier, frame[PRICES], PRICES).matrix()
    with pytest.warns(UserWarning, match="no standard errors"):
        ours = price_elasticities(model, frame[PRICES]).matrix()
    np.testing.assert_allclose(ours.loc["a", "b"], theirs.loc["a", "price_b"], rtol=1e-7)
    np.testing.assert_allclose(ours.loc["c", "c"], theirs.loc["c", "price_c"], rtol=1e-7)
    model.covariance_ = np.eye(len(model.parameters_)) * 1e-4
    curve = share_curves(model, frame[PRICES], alternative="a", values=[1.2])
    np.testing.assert_allclose(curve["elasticity"], log_slope(model, frame, "price_a", 1.2), atol=1e-6)
    table = share_scenario(model, frame[PRICES], {"price": {"a": "-10%"}})
    cut = model.predict_proba(frame.assign(price_a=frame["price_a"] * 0.9)).mean(axis=0)
    np.testing.assert_allclose(table["scenario"], cut)


def test_what_is_no_linear_logit_is_refused(brands):
    frame, y, _ = brands

    class Odd(LogisticRegression):
        def predict_proba(self, X):
            return super().predict_proba(X)[:, ::-1]

    odd = Odd(solver="newton-cholesky").fit(frame[PRICES], y)
    with pytest.raises(ChoiceError, match="no logit that is linear in its columns"):
        as_choice_model(odd, frame[PRICES], PRICES, ["a", "b", "c"])
    few = LogisticRegression().fit(frame[PRICES][y != "c"], y[y != "c"])
    with pytest.raises(ChoiceError, match="never chosen: c"):
        as_choice_model(few, frame[PRICES], PRICES, ["a", "b", "c"])


def test_prices_that_are_characteristics_make_one_matrix(brands):
    """The multinomial form on all prices by maximum likelihood: column by column it is the elasticity to each."""
    frame, y, _ = brands
    model = ConditionalLogit(dict.fromkeys(PRICES, "alternative"), alternatives=["a", "b", "c"]).fit(frame, y)
    whole = price_elasticities(model, frame)
    assert whole.of == ("a", "b", "c")
    for k, name in enumerate(PRICES):
        one = share_elasticities(model, frame, name)
        np.testing.assert_allclose(whole.values[0, :, k], one.values[0, :, 0])
        np.testing.assert_allclose(whole.standard_errors[0, :, k], one.standard_errors[0, :, 0])
    model = ConditionalLogit("price").fit(frame, y)
    np.testing.assert_allclose(price_elasticities(model, frame).values, share_elasticities(model, frame).values)
