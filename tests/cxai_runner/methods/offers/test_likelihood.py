"""Probabilities of a purchase are learned from days held back, and come true in the days after."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone

from cxai_runner.methods.offers import PurchaseLikelihood, candidates_of, held_back
from cxai_runner.methods.recommend import Interactions, Popularity
from cxai_runner.methods.recommend.interactions import text

FRAME = pd.DataFrame(
    {
        "items": ['["a","b","a"]', '["c"]', '["c","c"]', "[]"],
        "weights": ["[1,2,3]", "[4]", "[5,6]", "[]"],
        "days": ["[40,28,3]", "[2]", "[30,1]", "[]"],
        "age": [1, 2, 3, 4],
    }
)


def test_what_is_held_back_was_bought_later() -> None:
    told = held_back(FRAME, 28)
    assert list(told.frame.index) == [0, 2]
    assert list(told.frame["items"]) == ['["a"]', '["c"]']
    assert [json.loads(one) for one in told.frame["days"]] == [[12], [2]]
    assert [json.loads(one) for one in told.frame["weights"]] == [[1], [5]]
    assert list(told.frame["age"]) == [1, 3]
    assert list(told.bought) == ['["a","b"]', '["c"]']


def test_of_dates_without_a_time_as_many_days_are_held_back() -> None:
    """On each of 60 days another item was bought; as of the day after the last, that one was a day ago."""
    ago = list(range(60, 0, -1))
    frame = pd.DataFrame({"items": [json.dumps([f"i{day}" for day in ago])], "days": [json.dumps(ago)]})
    told = held_back(frame, 7)
    assert json.loads(told.bought[0]) == [f"i{day}" for day in range(1, 8)]
    assert min(json.loads(told.frame["days"][0])) == 1, "as far from the day before as the last purchase is now"


def test_nothing_to_hold_back_is_told() -> None:
    with pytest.raises(ValueError, match="400 days"):
        held_back(FRAME, 400)
    with pytest.raises(ValueError, match="say nothing of days"):
        held_back(FRAME[["items"]], 28)


def test_candidates_know_the_history() -> None:
    model = Popularity(k=3).fit(FRAME)
    found = candidates_of(model, FRAME, 3, 20)
    assert Interactions.of(FRAME, model.catalogue).items == 3
    names = np.array([*model.items_, ""])[found.codes]
    own = dict(zip(names[0], zip(found.times[0], found.since[0], strict=True), strict=True))
    assert own == {"a": (2, 3), "b": (1, 28), "c": (0, 0)}
    assert found.recent.tolist() == [1, 1, 1, 0]
    assert found.rate.tolist() == pytest.approx([3 * 20 / 40, 20 / 40, 2 * 20 / 40, 0])
    assert found.idle.tolist() == pytest.approx([3, 2, 1, 40])
    assert found.among(model.catalogue, pd.Series(['["b"]', '["c","z"]', None, "[]"])).sum() == 2


def test_probabilities_come_true_later(world) -> None:  # type: ignore[no-untyped-def]
    model = Popularity(k=10)
    told = held_back(world.histories, world.horizon)
    earlier = clone(model).fit(told.frame)
    before = candidates_of(earlier, told.frame, 30, world.horizon)
    learned = PurchaseLikelihood().fit(before, before.among(earlier.catalogue, told.bought), np.random.default_rng(0))
    model.fit(world.histories)
    now = candidates_of(model, world.histories, 30, world.horizon)
    probability = learned.predict(now)
    came = now.among(model.catalogue, world.came)
    assert ((probability > 0) & (probability < 1)).all()
    # Of a thousand pairs of like probability so many came as were told, within three standard errors of a difference:
    # what is told was learned from as many pairs in as many days, and varies as much as what came.
    order = np.argsort(probability, axis=None)
    for part in np.array_split(order, 18):
        expected, happened = probability.flat[part], came.flat[part]
        error = np.sqrt(2 * (expected * (1 - expected)).sum())
        assert abs(happened.sum() - expected.sum()) < 3 * error
    # It tells customers apart, which popularity alone does not.
    rates = np.add.reduceat(came, [0], axis=1).ravel()
    assert np.corrcoef(probability.sum(axis=1), rates)[0, 1] > 0.3


def test_a_block_of_customers_is_told_alike(world, monkeypatch: pytest.MonkeyPatch) -> None:  # type: ignore[no-untyped-def]
    model = Popularity(k=10).fit(world.histories)
    now = candidates_of(model, world.histories, 20, world.horizon)
    learned = PurchaseLikelihood("platt").fit(now, now.among(model.catalogue, world.came), np.random.default_rng(0))
    whole = learned.predict(now)
    monkeypatch.setattr("cxai_runner.methods.offers.likelihood.BLOCK", 7)
    assert np.array_equal(whole, learned.predict(now))


def test_too_few_purchases_are_refused() -> None:
    model = Popularity(k=3).fit(FRAME)
    found = candidates_of(model, FRAME, 3, 28)
    with pytest.raises(ValueError, match="fewer than 30"):
        PurchaseLikelihood().fit(found, found.repeat, np.random.default_rng(0))


def test_a_place_without_an_item_has_no_chance(world) -> None:  # type: ignore[no-untyped-def]
    model = Popularity(k=10, repeats=False).fit(world.histories)
    alone = pd.DataFrame({"items": [text(model.items_[:-2])], "days": [text([3] * (len(model.items_) - 2))]})
    now = candidates_of(model, pd.concat([world.histories, alone]), 20, world.horizon)
    bought = now.among(model.catalogue, pd.concat([world.came, pd.Series(["[]"])]))
    learned = PurchaseLikelihood().fit(now, bought, np.random.default_rng(0))
    assert now.possible[-1].sum() == 2
    assert (learned.predict(now)[-1, 2:] == 0).all()
