"""What a level is called is the user's: no model may trip over it, whoever made the model."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from sklearn.base import clone
from xgboost import XGBClassifier, XGBRegressor

from cxai_runner.methods.choice import ConditionalLogit
from cxai_runner.methods.logit import BinomialLogit
from cxai_runner.methods.monotone import FallingInPrice
from cxai_runner.methods.quantity import TruncatedPoissonQuantity
from cxai_runner.methods.response import PurchaseChain
from cxai_runner.task import Context
from cxai_runner.tracking.models import format_of
from tasks.price_response import PriceResponse
from tasks.purchase_incidence import PurchaseIncidence
from tasks.purchase_quantity import PurchaseQuantity

CONTEXT = Context(seed=3, resamples=100)
LEVELS = ["adult", "<18", "[18, 25]", 'a:b,"c"']
TERMS = ["mean_price", "segment", "mean_price:segment"]
TREES = XGBClassifier(n_estimators=5, max_depth=2, n_jobs=1, random_state=0)
COUNTS = XGBRegressor(objective="count:poisson", n_estimators=5, max_depth=2, n_jobs=1, random_state=0)


def with_levels(data):
    """A segment of each customer, whose names no library was asked about."""
    which = data.frame["customer_id"].to_numpy() % (len(LEVELS) + 2)
    named = np.asarray(LEVELS, dtype=object)[np.where(which < len(LEVELS), which, 0)]
    roles = replace(data.roles, inputs=(*data.roles.inputs, "segment"))
    return replace(data, frame=data.frame.assign(segment=named), roles=roles)


def reported(task, model, data):
    fitted = task.fit(model, data, CONTEXT)
    scores = {"train": task.score(fitted, data, CONTEXT)}
    metrics = {one.name: one for one in task.measure(scores["train"], CONTEXT)}
    assert list(task.report(fitted, data, scores, metrics, CONTEXT))
    return fitted, scores["train"]


@pytest.mark.parametrize(
    "model", [TREES, FallingInPrice(TREES), BinomialLogit()], ids=lambda model: type(model).__name__
)
def test_purchases(panel, model):
    data = with_levels(panel)
    task = PurchaseIncidence(terms=TERMS, by=["segment"], points=5, refits=2)
    fitted, scores = reported(task, model, data)
    assert f"mean_price:segment[{LEVELS[1]}]" in fitted.pipeline[:-1].get_feature_names_out()
    (kept,) = task.models(fitted, data).values()
    assert format_of(kept).name == "skops"
    found = kept.estimator.predict_proba(data.frame[fitted.columns])[:, 1]
    np.testing.assert_allclose(found, scores["probability"])
    assert np.ptp(found) > 0.01


def test_numbers_are_what_trees_would_see_by_name(panel):
    """Without a level there is nothing to trip over: the same fit, with the names and without."""
    task = PurchaseIncidence(terms=["mean_price", "mean_promotion"])
    fitted = task.fit(TREES, panel, CONTEXT)
    seen = fitted.pipeline[0].transform(panel.frame[fitted.columns])
    order = panel.frame.sort_values([*fitted.columns, "incidence"], kind="stable").index
    named = clone(TREES).fit(seen.loc[order], panel.frame.loc[order, "incidence"])
    np.testing.assert_array_equal(named.predict_proba(seen), fitted.pipeline.predict_proba(panel.frame))


def test_quantities(purchases):
    task = PurchaseQuantity(terms=["price", "segment", "price:segment"], by=["segment"], points=5, refits=2)
    fitted, scores = reported(task, COUNTS, with_levels(purchases))
    assert np.ptp(scores["expected"]) > 0.01
    assert f"segment[{LEVELS[1]}]" in fitted.pipeline[:-1].get_feature_names_out()


def test_a_chain_of_both(occasions):
    chain = PurchaseChain(
        incidence=TREES,
        choice=ConditionalLogit("auto"),
        quantity=COUNTS,
        incidence_terms=TERMS,
        quantity_terms=["price", "segment"],
    )
    reported(PriceResponse(points=5, refits=10), chain, with_levels(occasions))


def test_a_chain_of_our_own_still_reads_names(occasions):
    chain = PurchaseChain(
        incidence=BinomialLogit(), choice=ConditionalLogit("auto"), quantity=TruncatedPoissonQuantity()
    )
    fitted = PriceResponse(points=5, refits=10).fit(chain, occasions, CONTEXT)
    assert list(fitted.chain.incidence_.feature_names_in_) == ["mean_price", "mean_promotion"]
