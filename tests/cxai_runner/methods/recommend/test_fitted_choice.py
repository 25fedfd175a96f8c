"""A fitted model of choice as a recommender: its probabilities are the ranking, and what it lacks is not made up."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from cxai_runner.methods.offers import held_back
from cxai_runner.methods.recommend import (
    FeatureFactorisation,
    FittedChoice,
    Hybrid,
    MalformedHistoryError,
    Popularity,
    UnlearnableError,
)
from cxai_runner.methods.recommend.fitted_choice import as_of_earlier, uplifts


def entry(item: str, now: float, **more: float) -> dict[str, object]:
    return {"item": item, "now": now, **more}


KEEN_ON_B = [entry("a", 0.2, offered=0.3), entry("b", 0.5, offered=0.6), entry("", 0.3, offered=0.3)]
KEEN_ON_A = [entry("a", 0.6, offered=0.7), entry("b", 0.1, offered=0.8), entry("", 0.3, offered=0.3)]
FRAME = pd.DataFrame(
    {
        "items": ['["a","b","c"]', '["a","c"]', '["a","d"]', '["c"]'],
        "days": ["[40,20,3]", "[30,1]", "[50,2]", "[9]"],
        "choice": [json.dumps(one) for one in (KEEN_ON_B, KEEN_ON_A, KEEN_ON_A, [])],
    }
)


def test_brands_come_in_the_order_of_their_probabilities() -> None:
    """Those that the model pools share theirs as customers bought them: c thrice, d once."""
    lists = FittedChoice(k=4).fit(FRAME).predict(FRAME)
    assert lists.loc[0, ["item_1", "item_2", "item_3", "item_4"]].tolist() == ["b", "c", "a", "d"]
    scores = lists.loc[0, ["score_1", "score_2", "score_3", "score_4"]].to_numpy(dtype=float)
    np.testing.assert_allclose(scores, [0.5, 0.3 * 3 / 4, 0.2, 0.3 / 4], rtol=1e-6)
    assert lists["fallback"].tolist() == [0, 0, 0, 1], "of the last one the model says nothing"
    assert lists.loc[3, "item_1"] == Popularity(k=4).fit(FRAME).predict(FRAME).loc[3, "item_1"]


def test_brands_that_are_no_alternative_come_last() -> None:
    dropped = FRAME.assign(choice=json.dumps([entry("a", 0.4), entry("b", 0.6), entry("never sold", 0.0)]))
    lists = FittedChoice(k=4).fit(dropped).predict(dropped)
    assert lists.loc[0, ["item_1", "item_2", "item_3", "item_4"]].tolist() == ["b", "a", "c", "d"]


def test_ranked_where_they_are_offered_each_has_its_own_offer() -> None:
    lists = FittedChoice(k=2, offered=True).fit(FRAME).predict(FRAME)
    assert lists["item_1"].tolist()[:3] == ["b", "b", "b"]
    with pytest.raises(UnlearnableError, match=r"write features\.offered"):
        FittedChoice(offered=True).fit(FRAME.assign(choice=json.dumps([entry("a", 1.0)])))


def test_who_has_no_history_is_ranked_by_what_the_model_says() -> None:
    asked = pd.DataFrame({"items": ["[]"], "choice": [json.dumps(KEEN_ON_B)]})
    (row,) = FittedChoice(k=2).fit(FRAME).predict(asked).to_dict("records")
    assert (row["item_1"], row["fallback"]) == ("b", 0)


def test_it_is_a_part_like_any_other() -> None:
    hybrid = Hybrid({"choice": FittedChoice(), "popular": Popularity()}, {"choice": 1.0, "popular": 1e-6}, k=4)
    assert hybrid.takes_choice
    assert not Hybrid({"popular": Popularity()}).takes_choice
    mixed, alone = (model.fit(FRAME).predict(FRAME)["item_1"][:3] for model in (hybrid, FittedChoice(k=4)))
    assert mixed.tolist() == alone.tolist()


def test_no_other_model_takes_it_for_what_a_customer_is() -> None:
    many = pd.concat([FRAME] * 5, ignore_index=True)
    model = FeatureFactorisation(k=2, factors=2, rare=1, random_state=0)
    with_it, without = (model.fit(one).predict(one) for one in (many, many.drop(columns="choice")))
    pd.testing.assert_frame_equal(with_it, without)


@pytest.mark.parametrize(
    ("choice", "told"),
    [
        (None, "no column `choice`"),
        ([entry("z", 1.0)], "knows none of these items"),
        ([], "says nothing of any customer"),
    ],
)
def test_what_it_cannot_rank_by_is_refused(choice: object, told: str) -> None:
    frame = FRAME.drop(columns="choice") if choice is None else FRAME.assign(choice=json.dumps(choice))
    with pytest.raises(UnlearnableError, match=told):
        FittedChoice().fit(frame)


@pytest.mark.parametrize("text", ["no list", '{"a":1}', '["a"]', '[{"item":"a"}]', '[{"item":"a","now":"much"}]'])
def test_what_is_no_such_list_is_named(text: str) -> None:
    with pytest.raises(MalformedHistoryError, match="choice: a JSON list"):
        FittedChoice().fit(FRAME.assign(choice=text))


def test_an_uplift_is_the_share_that_an_offer_adds() -> None:
    model = FittedChoice().fit(FRAME)
    found = pd.DataFrame(uplifts(FRAME["choice"], model.catalogue), columns=model.items_)
    np.testing.assert_allclose(found["b"], [0.2, 7.0, 7.0, 0.0])
    np.testing.assert_allclose(found["c"], 0)


def test_days_that_are_held_back_are_ranked_by_what_was_said_before_them() -> None:
    """Where that is not known, or is of another day, nothing is said: today's answer knows what was bought since."""
    then = [entry("a", 0.2, offered=0.3, earlier=0.7, earlier_offered=0.8, days=28)]
    frame = FRAME.assign(choice=json.dumps(then))
    assert json.loads(held_back(frame, 28).frame["choice"].iloc[0]) == [entry("a", 0.7, offered=0.8)]
    assert set(as_of_earlier(frame["choice"], 14)) == {"[]"}
    assert set(held_back(FRAME, 28).frame["choice"]) == {"[]"}
