"""What holds of every model: lists do not depend on who else is asked, and what is odd is handled as it is said."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
import skops.io
from sklearn.base import clone

from cxai_runner.methods.recommend import (
    BPR,
    EASE,
    IALS,
    SLIM,
    Catalogue,
    ChoiceRecommender,
    FeatureFactorisation,
    Hybrid,
    Interactions,
    ItemKNN,
    NextBasket,
    PersonalFrequency,
    Popularity,
    UserKNN,
)
from cxai_runner.methods.recommend.learning import learned
from cxai_runner.methods.recommend.lists import text
from cxai_runner.methods.recommend.ranking import block_size
from cxai_runner.methods.recommend.watched import Watch

MODELS = {
    "popularity": Popularity(),
    "recent": Popularity(half_life=30),
    "by segment": Popularity(by="town"),
    "items": ItemKNN(neighbours=10),
    "items, bm25": ItemKNN(similarity="bm25", shrinkage=3, weighted=True),
    "users": UserKNN(neighbours=30),
    "users, bm25": UserKNN(similarity="bm25", shrinkage=3, weighted=True),
    "ease": EASE(penalty=10),
    "ease, weighted": EASE(penalty=10, weighted=True),
    "slim": SLIM(lasso=0.5, ridge=5),
    "ials": IALS(factors=8, penalty=1, random_state=0),
    "ials, log": IALS(factors=8, penalty=1, confidence="log", random_state=0),
    "bpr": BPR(factors=8, iterations=60, learning_rate=0.05, random_state=0),
    "frequency": PersonalFrequency(),
    "frequency alone": PersonalFrequency(half_life=None, prior=0),
    "next basket": NextBasket(neighbours=20),
    "choice": ChoiceRecommender(),
    "features": FeatureFactorisation(factors=8, random_state=0),
    "features, once": FeatureFactorisation(factors=8, weighted=False, attributes=[], random_state=0),
    "hybrid": Hybrid({"own": PersonalFrequency(), "items": ItemKNN(neighbours=10)}, {"own": 0.5}),
    "hybrid of ranks": Hybrid({"basket": NextBasket(neighbours=20), "ease": EASE(penalty=10)}, scale="rank"),
}
OWN_ALONE = ("frequency", "frequency alone", "choice")
"""What of others' purchases these know is how many bought each item."""
KINDS, EACH = 3, 20


def shop(customers=300, seed=0):
    """Customers of three kinds, each of whom buys mostly what is for that kind."""
    rng = np.random.default_rng(seed)
    rows = []
    for customer in range(customers):
        kind = customer % KINDS
        chance = np.where(np.arange(KINDS * EACH) // EACH == kind, 40.0, 1.0) / (3 + np.arange(KINDS * EACH) % EACH)
        count = rng.integers(1, 13)
        items = rng.choice(KINDS * EACH, count, p=chance / chance.sum())
        rows.append(
            {
                "items": text([f"i{one}" for one in items]),
                "weights": text(rng.integers(1, 5, count).tolist()),
                "days": text(sorted(rng.integers(0, 200, count).tolist(), reverse=True)),
                "town": "abc"[kind],
            }
        )
    return pd.DataFrame(rows)


@pytest.fixture(scope="module", params=MODELS)
def fitted(request):
    return clone(MODELS[request.param]).fit(shop())


def test_a_list_is_the_same_alone_and_among_others(fitted):
    asked = shop(90, seed=1)
    together = fitted.predict(asked)
    alone = pd.concat([fitted.predict(asked.iloc[[row]]) for row in range(len(asked))])
    pd.testing.assert_frame_equal(together, alone, check_exact=True)
    pd.testing.assert_frame_equal(together, fitted.predict(asked.iloc[::-1]).iloc[::-1], check_exact=True)


def test_a_model_that_was_saved_gives_the_same_lists(fitted):
    kept = skops.io.dumps(fitted)
    foreign = [
        one for one in skops.io.get_untrusted_types(data=kept) if one.split(".")[0] not in ("cxai_runner", "scipy")
    ]
    assert not foreign
    again = skops.io.loads(kept, trusted=skops.io.get_untrusted_types(data=kept))
    asked = shop(20, seed=1)
    pd.testing.assert_frame_equal(again.predict(asked), fitted.predict(asked), check_exact=True)


def test_the_same_seed_gives_the_same_model(fitted):
    asked = shop(20, seed=1)
    again = clone(fitted).fit(shop())
    pd.testing.assert_frame_equal(again.predict(asked), fitted.predict(asked), check_exact=True)


def test_scores_fall_along_a_list_and_no_item_is_there_twice(fitted):
    ranked = fitted.ranked(shop(50, seed=1), k=20)
    assert np.all(np.diff(ranked.scores, axis=1) <= 0)
    assert all(len(set(row)) == 20 for row in ranked.codes)
    assert np.isfinite(ranked.scores).all()


def test_without_repeats_nothing_comes_again_that_was_bought(fitted):
    asked = shop(50, seed=1)
    ranked = fitted.ranked(asked, k=70, repeats=False)
    names = ranked.named(fitted.catalogue)
    for row, history in enumerate(asked["items"]):
        listed = [one for one in names[row] if one]
        assert set(listed) == set(fitted.items_) - set(json.loads(history))


def test_who_is_not_known_gets_what_most_customers_bought(fitted):
    asked = pd.DataFrame({"items": ["[]", '["never sold"]'], "town": ["a", "a"]})
    lists = fitted.predict(asked)
    assert list(lists["fallback"]) == [1, 1]
    for row in range(2):
        assert [lists.loc[row, f"item_{place + 1}"] for place in range(10)] == fitted.items_[:10]


def test_where_the_catalogue_is_smaller_than_k_lists_are_shorter(fitted):
    few = pd.DataFrame({"items": ['["a","b"]', '["a"]', '["b","a"]'], "town": ["x", "y", "x"]})
    lists = clone(fitted).set_params(k=4).fit(few).predict(few)
    assert sorted(lists.loc[0, ["item_1", "item_2"]]) == ["a", "b"]
    assert list(lists.loc[0, ["item_3", "item_4"]]) == ["", ""]
    assert list(lists.loc[0, ["score_3", "score_4"]]) == [0, 0]


def test_a_catalogue_of_one_item_has_lists_of_one(fitted):
    one = pd.DataFrame({"items": ['["a"]', '["a","a"]'], "town": ["x", "y"]})
    alone = clone(fitted).fit(one)
    assert list(alone.predict(one)["item_1"]) == ["a", "a"]
    assert list(alone.set_params(repeats=False).predict(one)["item_1"]) == ["", ""]


def test_nobody_who_bought_anything_is_an_error(fitted):
    with pytest.raises(ValueError, match="nobody bought anything"):
        clone(fitted).fit(pd.DataFrame({"items": ["[]", None], "town": ["x", "y"]}))


@pytest.mark.parametrize("k", [0, -1, 2.5])
def test_k_is_a_whole_number(fitted, k):
    with pytest.raises(ValueError, match="k: a whole number from 1 on"):
        clone(fitted).set_params(k=k).fit(shop(10))


def test_nobody_to_ask_is_nobody_answered(fitted):
    assert len(fitted.predict(shop(5).iloc[:0])) == 0


@pytest.mark.parametrize("name", [one for one in MODELS if one not in ("popularity", "recent", *OWN_ALONE)])
def test_finds_what_a_customer_is_of(name):
    """Kinds of customers are recovered: what is recommended is for the kind, and popularity alone is not."""
    asked = shop(300, seed=2)
    model = clone(MODELS[name]).fit(shop(600))
    ranked = model.ranked(asked, repeats=False).named(model.catalogue)
    kinds = np.array([[int(one[1:]) // EACH for one in row] for row in ranked])
    share = (kinds == (np.arange(300) % KINDS)[:, np.newaxis]).mean()
    plain = Popularity().fit(shop(600)).ranked(asked, repeats=False).named(model.catalogue)
    chance = (
        np.array([[int(one[1:]) // EACH for one in row] for row in plain]) == (np.arange(300) % KINDS)[:, np.newaxis]
    )
    assert share > 0.6 > 1.5 * chance.mean()


@pytest.mark.parametrize(
    "name", [one for one in MODELS if "popularity" not in one and one not in ("recent", "by segment", *OWN_ALONE)]
)
def test_similar_items_are_of_the_same_kind(name):
    similar = clone(MODELS[name]).fit(shop(600)).similar_items(["i0", "i20", "i40"], k=4)
    same = similar["item"].str[1:].astype(int) // EACH == similar["similar"].str[1:].astype(int) // EACH
    assert same.mean() > 0.6
    assert (similar["item"] != similar["similar"]).all()


def test_an_item_that_is_not_there_has_none_like_it():
    with pytest.raises(KeyError, match="not in the catalogue: i99"):
        ItemKNN().fit(shop(30)).similar_items(["i99"])


def test_one_name_is_one_item() -> None:
    model = ItemKNN().fit(shop(30))
    assert model.similar_items("i0", k=3).equals(model.similar_items(["i0"], k=3))


def test_memory_is_that_of_a_block(monkeypatch):
    """A block at a time is scored, and it is small beside all scores."""
    model = ItemKNN().fit(shop())
    seen = []
    scored = model._score
    monkeypatch.setattr("cxai_runner.methods.recommend.ranking.BLOCK", 600)
    monkeypatch.setattr(model, "_score", lambda block: seen.append(len(block)) or scored(block))
    assert block_size(60) == 10
    asked = shop(95, seed=1)
    lists = model.predict(asked)
    assert seen == [10] * 9 + [5]
    monkeypatch.undo()
    pd.testing.assert_frame_equal(lists, model.predict(asked), check_exact=True)


def test_half_of_a_purchase_is_left_after_a_half_life():
    frame = pd.DataFrame({"items": ['["a"]', '["b"]', '["c","c"]'], "days": ["[0]", "[30]", "[60,60]"]})
    model = Popularity(half_life=30).fit(frame)
    share = dict(zip(model.items_, model.share_[-1], strict=True))
    assert share == pytest.approx({"a": 1 / 3, "b": 1 / 6, "c": 2 / 12})


def test_popularity_of_a_segment_is_its_own_mixed_with_the_average():
    frame = pd.DataFrame({"items": ['["a"]', '["a"]', '["b"]', '["b","a"]'], "town": ["x", "x", "y", None]})
    model = Popularity(by="town", prior=2.0).fit(frame)
    own = dict(zip(model.items_, model.share_[model.segments_.index("y")], strict=True))
    assert own == pytest.approx({"a": (0 + 2 * 3 / 4) / 3, "b": (1 + 2 * 2 / 4) / 3})
    for other in ("z", None):  # a value that was not there, and none
        asked = pd.DataFrame({"items": ['["b"]'], "town": [other]})
        assert list(model.ranked(asked, k=2).scores[0]) == pytest.approx([3 / 4, 2 / 4])


def test_a_column_that_is_not_there_is_named():
    with pytest.raises(ValueError, match="by: no column 'country' of customers; there are: town"):
        Popularity(by="country").fit(shop(5))


def test_interactions_may_be_asked_directly():
    model = ItemKNN().fit(shop())
    asked = shop(20, seed=3)
    read = Interactions.of(asked, Catalogue(tuple(model.items_), model.bought_by_))
    np.testing.assert_array_equal(model.ranked(read).codes, model.ranked(asked).codes)


@pytest.mark.parametrize("prior", [-1.0, float("inf")])
def test_a_segment_is_joined_by_no_fewer_than_nobody(prior):
    with pytest.raises(ValueError, match="prior: customers, 0 or more"):
        Popularity(prior=prior).fit(pd.DataFrame({"items": ['["a"]']}))


@pytest.mark.filterwarnings("ignore:(overflow|invalid value):RuntimeWarning")
@pytest.mark.parametrize(
    ("model", "parameter"),
    [
        (BPR(factors=2, learning_rate=1e6, iterations=2, random_state=0), "learning_rate"),
        (IALS(factors=2, alpha=1e38, iterations=2, random_state=0), "alpha"),
    ],
)
def test_factors_that_grow_beyond_all_numbers_name_the_parameter(model, parameter):
    with pytest.raises(ValueError, match=f"^{parameter}: the factors grew beyond all numbers: choose a lower one"):
        model.fit(shop(30))


def test_a_loss_that_is_no_number_names_the_learning_rate():
    with pytest.raises(ValueError, match=r"^learning_rate: the training loss of epoch 1 is nan: choose a lower one"):
        learned(3, 3, lambda: np.nan, dict, lambda _: 0.5, Watch())
