"""Price response where a brand was not always on the shelf: no share then, and no purchase of it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from cxai_runner.evaluation.results import Table
from cxai_runner.methods.choice import ConditionalLogit
from cxai_runner.methods.logit import BinomialLogit
from cxai_runner.methods.quantity import TruncatedPoissonQuantity
from cxai_runner.methods.response import PurchaseChain
from cxai_runner.task import Context
from tasks.price_response import PriceResponse

from .conftest import make_occasions

CONTEXT = Context(seed=3, resamples=100)
QUICK = PriceResponse(points=5, refits=10, brand="b")
CHAIN = PurchaseChain(BinomialLogit(), ConditionalLogit("auto"), TruncatedPoissonQuantity())


def partly_there():
    """Occasions on which b was there half the time, bought as if chosen among what was."""
    data = make_occasions(customers=120)
    frame = data.frame.copy()
    rng = np.random.default_rng(8)
    there = np.ones((len(frame), 3), dtype=int)
    there[:, 1] = rng.integers(0, 2, len(frame))
    utility = np.array([0, 0.5, 1.0]) - 1.2 * frame[["price_a", "price_b", "price_c"]].to_numpy()
    utility = utility + 0.5 * frame[["promotion_a", "promotion_b", "promotion_c"]].to_numpy()
    utility = np.where(there == 1, utility + rng.gumbel(size=utility.shape), -np.inf)
    bought = frame["incidence"] == 1
    frame.loc[bought, "brand"] = np.array(["a", "b", "c"])[utility.argmax(axis=1)][bought]
    flags = pd.DataFrame(there, columns=["available_a", "available_b", "available_c"], index=frame.index)
    return replace(data, frame=frame.join(flags))


def test_a_brand_that_was_not_there_has_no_share():
    data = partly_there()
    fitted = QUICK.fit(CHAIN, data, CONTEXT)
    scores = QUICK.score(fitted, data, CONTEXT)
    metrics = {one.name: one for one in QUICK.measure(scores, CONTEXT)}
    contents = QUICK.report(fitted, data, {"train": scores}, metrics, CONTEXT)
    absent = data.frame["available_b"].to_numpy() == 0
    assert (scores.loc[absent, "units_b"] == 0).all()
    assert (scores.loc[~absent, "units_b"] > 0).all()
    bought = data.frame[data.frame["incidence"] == 1]
    alone = ConditionalLogit("price + promotion", availability="available").fit(bought, bought["brand"])
    np.testing.assert_allclose(fitted.chain.choice_.coef_, alone.coef_, atol=1e-8)
    table = next(one for one in contents if isinstance(one, Table) and one.name == "price_elasticity").frame
    assert table["elasticity"].notna().all()
    assert table["units"][0] == pytest.approx(scores["units_b"].mean())
    heedless = replace(QUICK, availability=None).fit(CHAIN, data, CONTEXT)
    assert (QUICK.score(heedless, data, CONTEXT).loc[absent, "units_b"] > 0).all()


def test_the_baseline_knows_what_was_there_too():
    data = partly_there()
    scores = QUICK.score(QUICK.fit(CHAIN, data, CONTEXT), data, CONTEXT)
    bought = data.frame["incidence"].to_numpy() == 1
    brand, there = data.frame["brand"].to_numpy(), data.frame["available_b"].to_numpy() == 1
    share = {name: (brand[bought] == name).mean() for name in "abc"}
    rest = np.where(there, 1.0, 1 - share["b"])
    expected = [-np.log(share[name] / left) for name, left in zip(brand[bought], rest[bought], strict=True)]
    np.testing.assert_allclose(scores["baseline_log_loss_choice"].to_numpy()[bought], expected)
    assert (scores.loc[~there, "baseline_expected"] == 0).all()
    units = data.frame["quantity"].to_numpy()[bought & (brand == "b")].mean()
    np.testing.assert_allclose(scores.loc[there, "baseline_expected"], bought.mean() * share["b"] * units)


def test_purchases_of_what_was_not_there_are_refused():
    data = partly_there()
    first = data.frame.index[(data.frame["incidence"] == 1) & (data.frame["brand"] == "a")][:3]
    wrong = data.frame.copy()
    wrong.loc[first, "available_a"] = 0
    (problem,) = QUICK.inspect(replace(data, frame=wrong))
    assert (problem.key, problem.message) == (
        "panel.available_*",
        "3 purchases are of a brand that was not available",
    )
    assert problem.remedy == "mend available_…, or ignore it: task.availability=null"
    none = replace(data, frame=wrong.assign(available_b=0))
    assert ("panel.available_b", "could be chosen on no occasion with a purchase") in [
        (one.key, one.message) for one in QUICK.inspect(none)
    ]
