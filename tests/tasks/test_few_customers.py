"""One customer, or a few: no task of prices tells an interval as if there were many."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cxai_runner.evaluation.results import Finding
from cxai_runner.methods.choice import ConditionalLogit
from cxai_runner.methods.logit import BinomialLogit
from cxai_runner.methods.quantity import TruncatedPoissonQuantity
from cxai_runner.methods.response import PurchaseChain
from cxai_runner.task import Context
from tasks.brand_choice import BrandChoice
from tasks.price_response import PriceResponse
from tasks.purchase_incidence import PurchaseIncidence
from tasks.purchase_quantity import PurchaseQuantity

from .conftest import make_occasions

CONTEXT = Context(seed=3, resamples=20)
CHAIN = PurchaseChain(BinomialLogit(), ConditionalLogit("auto"), TruncatedPoissonQuantity())


def of(customers, *, purchases=False):
    data = make_occasions(customers=40)
    frame = data.frame.assign(customer_id=data.frame["customer_id"] % customers)
    return replace(data, frame=frame[frame["incidence"] == 1].reset_index(drop=True) if purchases else frame)


@pytest.mark.parametrize(
    ("task", "purchases", "key"),
    [
        (PurchaseIncidence(), False, "task.cluster"),
        (PurchaseQuantity(), True, "task.cluster"),
        (PriceResponse(), False, "panel.customer_id"),
        (PriceResponse(cluster=False), False, "panel.customer_id"),
    ],
)
def test_one_customer_is_refused(task, purchases, key):
    (problem,) = task.inspect(of(1, purchases=purchases))
    assert problem.key == key
    assert problem.message.startswith("one customer only")


@pytest.mark.parametrize(
    ("task", "model", "purchases"),
    [
        (BrandChoice(points=3), ConditionalLogit(), True),
        (PurchaseQuantity(points=3), TruncatedPoissonQuantity(), True),
        (PriceResponse(points=5, refits=10), CHAIN, False),
    ],
)
def test_of_three_customers_intervals_are_said_to_be_too_narrow(task, model, purchases):
    data = of(3, purchases=purchases)
    fitted = task.fit(model, data, CONTEXT)
    scores = {"train": task.score(fitted, data, CONTEXT)}
    metrics = {one.name: one for one in task.measure(scores["train"], CONTEXT)}
    caveats = [one.text for one in task.report(fitted, data, scores, metrics, CONTEXT) if isinstance(one, Finding)]
    assert sum("are of 3 customers only: too few for" in text for text in caveats) == 1
