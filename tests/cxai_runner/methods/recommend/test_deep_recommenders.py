"""Two towers and self-attention: what they find, that they repeat themselves, and predict without TensorFlow."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import skops.io
from sklearn.base import clone

from cxai_runner.methods.deep import DeepLearningMissingError, import_keras
from cxai_runner.methods.recommend import Catalogue, Interactions, Popularity, SelfAttentive, TwoTower
from cxai_runner.methods.recommend.self_attentive import bagged
from cxai_runner.methods.recommend.self_attentive_training import Layers, Windows
from cxai_runner.methods.recommend.two_tower_training import Pairs, Towers
from tests.cxai_runner.methods.recommend.deep_cases import chains, tastes

SEQUENCE = {
    "k": 3, "length": 8, "dimension": 16, "heads": 2, "learning_rate": 0.01, "batch_size": 32, "epochs": 14,
    "dropout": 0.0, "random_state": 1, "n_jobs": 1,
}  # fmt: skip
TOWERS = {
    "k": 5, "repeats": False, "dimension": 8, "epochs": 8, "learning_rate": 0.02, "batch_size": 128, "random_state": 1,
    "n_jobs": 1,
}  # fmt: skip


def hits(model, frame, following):
    lists = model.predict(frame)
    return float(np.mean(lists["item_1"].to_numpy() == np.asarray(following)))


@pytest.mark.slow
@pytest.mark.parametrize("negatives", [0, 8])
def test_self_attention_finds_what_follows_what(negatives):
    frame, following = chains()
    model = SelfAttentive(**SEQUENCE, negatives=negatives).fit(frame)
    assert model.negatives_ == negatives
    assert hits(model, frame, following) > 0.9
    assert hits(Popularity(k=3).fit(frame), frame, following) < 0.2


@pytest.mark.slow
def test_two_towers_find_tastes_that_popularity_does_not_see():
    frame, group = tastes()
    model = TwoTower(**TOWERS).fit(frame)
    popular = Popularity(k=5, repeats=False).fit(frame)

    def own(fitted):
        lists = fitted.predict(frame)[[f"item_{place}" for place in range(1, 6)]].to_numpy()
        return np.mean([[one.startswith(f"g{g}_") for one in row] for row, g in zip(lists, group, strict=True)])

    assert own(model) > 0.95
    assert own(popular) < 0.5
    similar = model.similar_items(["g2_1"], 5)
    assert similar["similar"].str.startswith("g2_").all()


@pytest.mark.slow
def test_what_is_known_of_customers_counts_where_their_histories_tell_nothing():
    frame, group = tastes(customers=400, each=3)
    frame = frame.assign(
        items=[["same", *one] for one in frame["items"]],
        days=[[9, 3, 2, 1]] * len(frame),
        region=[f"r{one}" for one in group],
    )
    model = TwoTower(**TOWERS | {"layers": (16,), "learn_from": "past", "epochs": 15}).fit(frame)
    new = pd.DataFrame({"items": [["same"]] * 4, "days": [[9]] * 4, "region": [f"r{g}" for g in range(4)]})
    lists = model.predict(new)[[f"item_{place}" for place in range(1, 6)]].to_numpy()
    assert np.mean([[one.startswith(f"g{g}_") for one in row] for g, row in enumerate(lists)]) > 0.9


@pytest.mark.slow
@pytest.mark.parametrize(("model", "case"), [(SelfAttentive(**SEQUENCE), chains), (TwoTower(**TOWERS), tastes)])
def test_a_seed_is_the_same_bits_again_and_who_watches_hears_of_each_epoch(model, case, tmp_path):
    frame, _ = case(customers=120)
    seen, asked = [], []
    own = clone(model).set_params(epochs=4, patience=4, dropout=0.3)
    one = clone(own).watched(lambda *told: seen.append(told), lambda: bool(asked.append(1))).fit(frame)
    other = clone(own).fit(frame)
    assert one.predict(frame).equals(other.predict(frame))
    assert not clone(own).set_params(random_state=7).fit(frame).predict(frame).equals(one.predict(frame))
    losses = [(value, epoch) for name, value, epoch in seen if name == "training_loss"]
    assert [epoch for _, epoch in losses] == [1, 2, 3, 4]
    assert [value for value, _ in losses] == one.curve_[:, 0].tolist()
    assert len(asked) == 4
    judged = [value for name, value, _ in seen if name == "ndcg"]
    if case is chains:
        assert judged == one.curve_[:, 1].tolist()
        assert one.best_epoch_ == int(np.argmax(judged)) + 1
    else:  # histories without times: there are no last baskets to judge by
        assert judged == []
        assert one.best_epoch_ == 4
    stopped = clone(own).watched(lambda *_: None, lambda: True).fit(frame)
    assert len(stopped.curve_) == 1
    # Kept without a pickle, it says the same where TensorFlow cannot be imported; nobody watches it any more.
    path = tmp_path / "model.skops"
    skops.io.dump(one, path)
    frame.to_json(tmp_path / "frame.json", orient="records")
    code = f"""
import sys, json
sys.modules["tensorflow"] = sys.modules["keras"] = None
import pandas as pd, skops.io
model = skops.io.load({str(path)!r}, trusted=skops.io.get_untrusted_types(file={str(path)!r}))
found = model.predict(pd.read_json({str(tmp_path / "frame.json")!r}, orient="records"))
print(json.dumps(found.to_dict("list")))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == one.predict(frame).to_dict("list")


@pytest.mark.slow
@pytest.mark.parametrize(("model", "case"), [(SelfAttentive(**SEQUENCE), chains), (TwoTower(**TOWERS), tastes)])
def test_a_list_does_not_depend_on_the_company_nor_on_the_order_within_a_basket(model, case):
    frame, _ = case(customers=150)
    frame = frame.assign(days=[[j // 3 for j in range(len(one))][::-1] for one in frame["items"]])
    fitted = clone(model).set_params(epochs=2).fit(frame)
    found = fitted.predict(frame)
    order = np.random.default_rng(0).permutation(len(frame))
    pd.testing.assert_frame_equal(fitted.predict(frame.iloc[order]), found.iloc[order], check_exact=True)
    pd.testing.assert_frame_equal(fitted.predict(frame.iloc[[7]]), found.iloc[[7]], check_exact=True)

    def turned(row):
        frame_ = pd.DataFrame({"item": row["items"], "day": row["days"]})
        return frame_.iloc[::-1].sort_values("day", ascending=False, kind="stable")["item"].tolist()

    other = frame.assign(items=frame.apply(turned, axis=1))
    assert other["items"].tolist() != frame["items"].tolist()
    scores = [one for one in found if one.startswith("score_")]
    np.testing.assert_allclose(fitted.predict(other)[scores], found[scores], rtol=1e-5)


@pytest.mark.slow
def test_numpy_says_what_keras_says_of_sequences():
    frame, _ = chains(customers=30, length=11)
    frame.loc[3, "items"], frame.loc[3, "days"] = ["i1"], [1]
    keras = import_keras(1, "ease")
    keras.utils.set_random_seed(0)
    model = SelfAttentive(**SEQUENCE | {"blocks": 2})
    catalogue = Catalogue.of(frame["items"])
    several = Interactions.of(frame, catalogue)
    layers = Layers(keras, model, len(catalogue))
    for one in layers.variables:  # away from their start, where gains are 1 and biases 0
        one.assign_add(keras.random.normal(one.shape, stddev=0.3))
    model.weights_ = layers.weights()
    windows = Windows(several, model.length, 1, True)
    ends = windows.baskets.firsts[1:]
    begins = np.maximum(windows.baskets.firsts[:-1], ends - model.length)
    bags, slots = bagged(windows.baskets, begins, ends, model.length)
    there = np.zeros(len(begins) * model.length, dtype=bool)
    there[slots] = True
    states = layers.states(bags.toarray().astype(np.float32), slots, there.reshape(-1, model.length))
    last = np.arange(1, len(begins) + 1) * model.length - 1
    expected = np.asarray(layers.scores(keras.ops.take(states, last, axis=0)))
    assert expected.std() > 0.5
    np.testing.assert_allclose(model._score(several), expected, atol=1e-5 * np.abs(expected).max())


@pytest.mark.slow
def test_numpy_says_what_keras_says_of_towers():
    frame, _ = tastes(customers=40)
    rng = np.random.default_rng(0)
    frame = frame.assign(age=rng.normal(40, 9, 40))
    items = pd.DataFrame({"item_id": [f"g{g}_{j}" for g in range(4) for j in range(15)], "price": rng.normal(size=60)})
    model = TwoTower(**TOWERS | {"layers": (16, 12), "epochs": 1}).fit(frame, items=items)
    assert set(model.weights_) > {"features", "hidden_1"}
    keras = import_keras(1, "ease")
    keras.utils.set_random_seed(0)
    several = Interactions.of(frame, model.catalogue)
    towers = Towers(keras, model, several.items, 1)
    for one in towers.variables:
        one.assign_add(keras.random.normal(one.shape, stddev=0.3))
    model._take(towers.weights())
    histories = (several.bought / 6).toarray().astype(np.float32)
    known = model.about_customers_.transform(several.customers).astype(np.float32)
    expected = np.asarray(towers.scores(towers.customers(histories, known), towers.items(np.arange(several.items))))
    np.testing.assert_allclose(model._score(several), expected, atol=1e-4)  # a cosine to 1e-5, over τ = 0.1


def test_pairs_are_of_an_item_and_what_was_bought_before_it():
    frame = pd.DataFrame({"items": [["a", "b", "a", "c"], ["d"]], "days": [[5, 5, 3, 1], [2]]})
    several = Interactions.of(frame, catalogue := Catalogue.of(frame["items"]))
    rng = np.random.default_rng(0)
    for past, repeats, expected in [
        (True, True, {0: {"b": 1}, 1: {"a": 1}, 2: {"a": 0.5, "b": 0.5}, 3: {"a": 2 / 3, "b": 1 / 3}}),
        (True, False, {0: {"b": 1}, 1: {"a": 1}, 3: {"a": 2 / 3, "b": 1 / 3}}),
        (False, False, {0: {"b": 0.5, "c": 0.5}, 1: {"a": 2 / 3, "c": 1 / 3}, 3: {"a": 2 / 3, "b": 1 / 3}}),
    ]:
        pairs = Pairs(several, past, repeats, several.weights, 0.0)
        assert pairs.targets.tolist() == list(expected)
        histories = pairs.histories(pairs.targets, rng).toarray()
        found = [{catalogue.items[j]: row[j] for j in np.flatnonzero(row)} for row in histories]
        assert found == [pytest.approx(one) for one in expected.values()]
        assert pairs.shares.sum() == pytest.approx(1)
        drawn = np.concatenate(list(pairs.drawn(5, 2, rng)))
        assert len(drawn) == 5
        assert set(drawn) <= set(expected)


def test_what_is_foretold_of_a_basket_is_the_next_ones():
    frame = pd.DataFrame({"items": [["a", "b", "a", "c"], ["d"]], "days": [[5, 5, 3, 1], [2]]})
    several = Interactions.of(frame, catalogue := Catalogue.of(frame["items"]))
    place = {name: catalogue.codes([name])[0] for name in "abcd"}
    for ahead, repeats, expected in [
        (1, True, [{"a": 1}, {"c": 1}]), (2, True, [{"a": 0.5, "c": 0.5}, {"c": 1}]), (1, False, [{}, {"c": 1}]),
    ]:  # fmt: skip
        windows = Windows(several, 8, ahead, repeats)
        begins, ends = windows.drawn(np.random.default_rng(0))
        assert (begins.tolist(), ends.tolist()) == ([0], [2])
        wanted = windows.wanted(begins, ends).toarray()
        assert [{n: row[p] for n, p in place.items() if row[p]} for row in wanted] == expected


def test_a_catalogue_too_large_to_compare_with_is_stood_for_by_a_part_of_it():
    many = pd.DataFrame({"items": [[str(j) for j in range(5 * c, 5 * c + 5)] for c in range(6000)]})
    with pytest.raises(ValueError, match="no customer bought at two times"):
        (large := SelfAttentive(length=50, batch_size=64)).fit(many)
    assert large.negatives_ == 1024
    with pytest.raises(ValueError, match="no customer bought at two times"):
        (asked := SelfAttentive(length=50, batch_size=64, negatives=0)).fit(many)
    assert asked.negatives_ == 0


@pytest.mark.parametrize("model", [SelfAttentive(), TwoTower()])
def test_mistakes_say_what_is_wrong(model, monkeypatch):
    alone = pd.DataFrame({"items": [["a"], ["b"], []]})
    with pytest.raises(ValueError, match=r"nothing to learn from|no sequence to learn from"):
        clone(model).fit(alone)
    with pytest.raises(ValueError, match="dropout"):
        clone(model).set_params(dropout=1.5).fit(alone)
    monkeypatch.setattr("cxai_runner.methods.deep.is_installed", lambda: False)
    with pytest.raises(DeepLearningMissingError, match=r"cxai\[deep\].*recommendation/ease"):
        clone(model).fit(chains(customers=5)[0])


def test_heads_divide_the_dimension():
    with pytest.raises(ValueError, match="dimension: a multiple of heads=4, not 10"):
        SelfAttentive(dimension=10, heads=4).fit(chains(customers=5)[0])
