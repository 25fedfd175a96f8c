"""Price response: over which occasions its numbers are, and what it says of weak intervals and of odd columns."""

from __future__ import annotations

import warnings
from dataclasses import replace

import numpy as np
import pytest

from cxai_runner.config.problems import UserError
from cxai_runner.evaluation.results import Estimate, Figure, Table
from cxai_runner.methods.response import Occasions, Scenario, respond
from cxai_runner.methods.response.economics import Draw
from tasks.price_response import prices
from tasks.price_response.report import _where

from .conftest import make_occasions
from .test_price_response import CONTEXT, QUICK, chain, only, run, texts

TASK = replace(QUICK, brand="b")
DATA = make_occasions(customers=40)
COUNT = len(DATA.frame)
NAMES = ("units_by_price", "revenue_by_price", "elasticity_by_price")


def observed_revenue(contents):
    table = only(contents, Table, "best_prices").frame.set_index(["maximised", "promotion"])
    return table.loc[("revenue", "as observed"), "per_occasion_as_observed"]


def revenue(rows):
    """What the chain expects brand b to bring in on some occasions, at their prices."""
    law = QUICK.fit(chain(), DATA, CONTEXT).chain.forecast(DATA.frame)
    return law.revenue[rows, law.alternatives.index("b")].mean()


@pytest.fixture(scope="module")
def usual():
    """Few resamples, a column of many numbers to tell apart by, and outcomes on occasions without a purchase."""
    frame = DATA.frame.assign(age=np.arange(COUNT) % 50)
    nothing = frame.index[frame["incidence"] == 0]
    frame.loc[nothing[:5], "quantity"] = 3
    frame.loc[nothing[:7], "brand"] = "a"
    return run(replace(DATA, frame=frame), task=replace(TASK, by=["age"], cost=1.1))[2]


def test_curves_are_of_all_occasions_where_that_is_cheap(usual):
    assert {f"Averaged over all {COUNT:,} occasions." in only(usual, Figure, name).caption for name in NAMES} == {True}
    assert observed_revenue(usual) == pytest.approx(revenue(slice(None)), rel=1e-9)


def test_both_columns_of_the_best_prices_are_of_the_occasions_drawn(monkeypatch):
    """A gain is told between the same occasions, and each curve says over how many it is."""
    asked = (TASK.points + 2) * len(prices.PROMOTIONS) * 3
    monkeypatch.setattr(prices, "MOST_ASKED", asked * (prices.SEEING + 1) * 300)
    _, _, contents = run(DATA, task=TASK)
    told = f"Averaged over 300 of {COUNT:,} occasions, drawn at random, its interval over "
    assert {told in only(contents, Figure, name).caption for name in NAMES} == {True}
    assert told in only(contents, Table, "best_prices").caption
    drawn = Occasions.of(DATA.frame, list(DATA.roles.inputs)).sampled(CONTEXT.rng("rows of the curves"), 300)
    assert observed_revenue(contents) == pytest.approx(revenue(drawn.used), rel=1e-9)
    curve = only(contents, Table, "curves").frame
    np.testing.assert_allclose(curve["revenue"], curve["price"] * curve["units"])


def test_what_occasions_without_a_purchase_say_is_told_to_be_unused(usual):
    told = texts(usual, "caveat")
    assert any(text.startswith("5 occasions have `quantity` though their incidence is 0") for text in told)
    assert any(text.startswith("7 occasions have `brand` though their incidence is 0") for text in told)
    assert not any("though their incidence is 0" in text for text in texts(run(DATA, task=TASK)[2], "caveat"))


def test_many_numbers_are_told_apart_in_ranges(usual):
    groups = list(only(usual, Table, "price_elasticity").frame["occasions"].unique())
    assert groups[1:] == sorted(groups[1:], key=lambda name: float(name.split(" to ")[1]))
    assert len(groups) == 5
    assert sum("divided at their quartiles" in text for text in texts(usual, "caveat")) == 1


def test_intervals_of_few_resamples_are_told_to_be_rough(usual):
    assert any("Only 10 resamples" in text for text in texts(usual, "caveat"))
    assert any(
        "10 resamples of the customers: few, so that they are rough." in text for text in texts(usual, "finding")
    )
    assert np.isnan(only(usual, Estimate, "margin_maximising_price").value.low)
    (headline,) = texts(usual, "headline")
    assert "Its margin is highest at a price of 1." in headline
    assert "nan" not in headline


@pytest.mark.parametrize(("edge", "resamples", "words"), [(1, 7, "1 of 7 resamples"), (10, 70, "14.3 % of the")])
def test_few_resamples_are_counted_and_many_are_shared_out(edge, resamples, words):
    open_one = prices.Optimum("either", 2.0, 1.5, 2.5, edge, resamples)
    assert words in _where(open_one, None)


def test_how_many_prices_there_were_is_a_caveat_only_where_they_are_few(usual):
    assert any("different values between" in text for text in texts(usual, "finding"))
    assert not any("different values between" in text for text in texts(usual, "caveat"))
    few = replace(DATA, frame=DATA.frame.assign(price_b=(DATA.frame["price_b"] * 5).round() / 5))
    assert any("few to draw a curve through" in text for text in texts(run(few, task=TASK)[2], "caveat"))


def test_a_cost_is_told_as_money():
    with pytest.raises(UserError, match=r"a unit of b costs 3\.0\d, and was never sold above 2\.50: no price"):
        replace(TASK, cost="150%").fit(chain(), DATA, CONTEXT)


def test_tables_are_narrow_enough_for_a_page(usual):
    assert len(only(usual, Table, "curves").frame.columns) <= 8
    assert len(only(usual, Table, "price_elasticity").frame.columns) <= 10
    assert {"units_low", "units_high"} <= set(only(usual, Figure, "units_by_price").data)


def test_prices_that_moved_together_are_said_not_to_tell_what_one_does_alone():
    data = replace(DATA, frame=DATA.frame.assign(price_b=DATA.frame["price_a"] + 0.5))
    (told,) = [text for text in texts(run(data, task=TASK)[2], "caveat") if "moved together" in text]
    assert told.startswith("The price of brand b moved together with that of a (r = 1.00).")
    for task, kept in ((replace(TASK, competitors="matched"), data), (replace(TASK, brand="c"), data), (TASK, DATA)):
        assert not [text for text in texts(run(kept, task=task)[2], "caveat") if "moved together" in text]


def test_a_purchase_of_no_brand_is_told_as_missing():
    frame = DATA.frame.astype({"brand": object})
    frame.loc[frame.index[frame["incidence"] == 1][:3], "brand"] = None
    (problem,) = TASK.inspect(replace(DATA, frame=frame))
    assert (problem.key, problem.message) == ("panel.brand", "3 missing values where something was bought")


def test_a_price_far_from_all_others_is_said_to_draw_the_range_out():
    frame = DATA.frame.copy()
    frame.loc[frame.index[3], "price_b"] = 250.0
    contents = run(replace(DATA, frame=frame), task=TASK)[2]
    (told,) = [text for text in texts(contents, "caveat") if "nothing was observed" in text]
    assert told.startswith(
        f"Between 2.50 and 250.00 nothing was observed, and 1 of {COUNT:,} occasions lie on one side"
    )


def test_units_that_are_no_more_have_no_elasticity():
    """A price so high that a share is no number above zero: 0 of 0 is none, and no warning of a library."""
    fitted = QUICK.fit(chain(), DATA, CONTEXT)
    occasions = Occasions.of(DATA.frame, list(fitted.chain.feature_names_in_))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = respond([Draw(fitted.chain, np.ones(COUNT))], occasions, Scenario("b"), [2.0, 5000.0]).elasticity("b")
    assert np.isfinite(found[0, 0]).all()
    assert np.isnan(found[0, 1]).all()
