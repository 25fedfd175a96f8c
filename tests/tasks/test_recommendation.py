"""Recommendation on simulated customers: what is judged, what is not, and what is said of it."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import Ridge

from cxai_runner.config.problems import UserError
from cxai_runner.data.dataset import Dataset, Roles
from cxai_runner.evaluation.results import Estimate, Figure, Table
from cxai_runner.evaluation.split_within import RandomHoldout
from cxai_runner.methods.recommend import BPR, EASE, ItemKNN, PersonalFrequency, Popularity, SelfAttentive, TwoTower
from tasks.recommendation import Recommendation
from tasks.recommendation.rows import Judged, places

from .conftest import make_histories
from .recommendation_runs import CONTEXT, only, parts, run, texts


@pytest.fixture(scope="module")
def ran():
    task = Recommendation(k=4, against={"frequent": PersonalFrequency()})
    return run(make_histories(300), ItemKNN(), task)


@pytest.fixture(scope="module")
def faithful():
    task = Recommendation(k=4, against={"personal_frequency": PersonalFrequency()})
    return run(make_histories(300, loyalty=0.9), PersonalFrequency(k=9, repeats=False), task)


def tiny(bought, items=("a", "b", "a"), others=("a", "b", "c", "c", "d")):
    """Two customers: one with a history, who went on to buy ``bought``, and one whose history makes a catalogue."""
    frame = pd.DataFrame(
        {
            "customer_id": [1, 2],
            "items": [json.dumps([*items]), json.dumps([*others])],
            "weights": [json.dumps([1] * len(items)), json.dumps([1] * len(others))],
            "days": [json.dumps([1] * len(items)), json.dumps([1] * len(others))],
            "bought": [json.dumps([*bought]), json.dumps(["d"])],
        }
    )
    return Dataset("histories", frame, Roles(inputs=("items", "weights", "days")))


def scored(data, task):
    train, held_out = parts(data)
    return task.score(task.fit(Popularity(), train, CONTEXT), held_out, CONTEXT)


def test_who_is_faithful_gets_their_favourites(faithful):
    _, metrics, contents, _ = faithful
    assert metrics["ndcg"].verdict == "better"
    assert metrics["recall_again"].value.value > 2 * metrics["recall_again"].baseline.value
    (headline,) = texts(contents, "headline")
    assert headline.startswith("By NDCG@4 over the whole catalogue, personal frequency (")
    assert "does better than popularity (" in headline
    assert any("personal frequency itself, which others have to beat" in one for one in texts(contents, "finding"))


def test_the_model_is_held_against_those_beside_it(ran):
    fitted, metrics, contents, _ = ran
    assert list(fitted.against) == ["frequent"]
    (headline,) = texts(contents, "headline")
    assert "item-kNN (" in headline
    assert "personal frequency (" in headline
    models = only(contents, Table, "models").frame
    assert list(models["model"]) == ["item-kNN", "personal frequency", "popularity"]
    gaps = only(contents, Table, "differences").frame
    ours = gaps[(gaps["against"] == "popularity") & (gaps["metric"] == "NDCG@4")].iloc[0]
    measured = metrics["ndcg"].difference
    assert (ours["difference"], ours["low"], ours["high"]) == pytest.approx(
        (measured.value, measured.low, measured.high)
    )


def test_recall_by_length_ends_at_the_recall(ran):
    _, metrics, contents, _ = ran
    data = only(contents, Figure, "recall_by_length").data
    last = data[(data["model"] == "item-kNN") & (data["items"] == 4)].iloc[0]
    assert last["recall"] == pytest.approx(metrics["recall"].value.value)
    assert data.groupby("model")["recall"].apply(lambda one: one.is_monotonic_increasing).all()


def test_again_and_new_add_up(ran):
    _, metrics, contents, scores = ran
    rows = only(contents, Table, "again_and_new").frame
    assert rows["share"].sum() == pytest.approx(1)
    judged = Judged.of(scores["held_out"], 4)
    hits, wanted = judged.hits()
    again, of_again = judged.hits(chosen=judged.again)
    new, of_new = judged.hits(chosen=~judged.again)
    assert (hits == (again | new)).all()
    assert (wanted == of_again + of_new).all()
    assert metrics["recall_new"].value.value == pytest.approx((new.sum(1)[of_new > 0] / of_new[of_new > 0]).mean())


def test_what_lists_show(ran):
    _, _, contents, scores = ran
    rows = only(contents, Table, "beyond_accuracy").frame.set_index("model")
    lists = scores["held_out"][places(4)].to_numpy()
    assert rows.loc["item-kNN", "coverage"] == len(np.unique(lists)) / 24
    assert rows.loc["popularity", "items"] == 4
    frame = make_histories(300).frame
    before = [set(json.loads(one)) for one in frame["items"]]
    again = np.mean([[item in own for item in row] for own, row in zip(before, lists, strict=True)])
    assert only(contents, Estimate, "repeats").value.value == pytest.approx(again)
    kinds = {f"item {one}": one % 4 for one in range(24)}
    pairs = [np.mean([kinds[a] != kinds[b] for i, a in enumerate(row) for b in row[i + 1 :]]) for row in lists]
    assert only(contents, Estimate, "diversity").value.value == pytest.approx(np.mean(pairs))
    shares = only(contents, Figure, "popularity_bias").data.groupby("of")["share"].sum()
    assert shares.to_numpy() == pytest.approx(1)


def test_items_are_told_by_what_is_known_of_them(ran):
    _, _, contents, _ = ran
    top = only(contents, Table, "most_recommended").frame
    first = top.iloc[0]
    number = int(first["item"].split()[1])
    assert (first["about"], first["kind"]) == (chr(97 + number), f"kind {number % 4}")
    similar = only(contents, Table, "similar_items").frame
    assert {"item", "item_about", "item_kind", "rank", "similar", "similar_about", "similar_kind"} <= set(similar)
    assert (similar["item"] != similar["similar"]).all()
    examples = only(contents, Table, "examples").frame
    assert examples["customer_id"].nunique() == 3


def test_kinds_of_customers_are_judged_apart(ran):
    _, metrics, contents, _ = ran
    rows = only(contents, Table, "segments").frame
    region = rows[rows["column"] == "region"]
    assert list(region["value"]) == ["north", "south"]
    assert np.average(region["model"], weights=region["customers"]) == pytest.approx(metrics["ndcg"].value.value)
    assert rows[rows["column"] == "items bought before"]["customers"].sum() == 300


def test_training_rows_are_neither_ranked_nor_measured(ran):
    *_, scores = ran
    assert (scores["train"][places(4)] == "").all().all()
    assert (scores["train"]["baseline"] == "[]").all()
    assert Recommendation(k=4).measure(scores["train"], CONTEXT) == ()


def test_what_had_been_bought_before_is_not_judged_where_it_is_not_recommended():
    rows = scored(tiny(["a", "c", "z"]), Recommendation(k=2, repeats=False))
    assert json.loads(rows["wanted"][0]) == ["c", "z"]
    assert rows["wanted_again"].tolist() == ["[]", "[]"]
    assert json.loads(rows["bought"][0]) == ["a", "c", "z"]
    assert set(rows.loc[0, places(2)]) == {"c", "d"}
    assert rows["listed_again"].tolist() == [0, 0]


@pytest.mark.parametrize(("cold_items", "recall"), [("missed", 1 / 3), ("left_out", 1 / 2)])
def test_what_nobody_had_bought_is_missed_or_left_out(cold_items, recall):
    task = Recommendation(k=2, cold_items=cold_items)
    rows = scored(tiny(["a", "c", "z"]), task)
    assert rows["unknown"].tolist() == [1, 0]
    own = Judged.of(rows.iloc[:1], 2)
    assert float(own.statistics()["recall"](np.ones((1, 1)))[0, 0]) == pytest.approx(recall)
    *_, contents, _ = run(tiny(["a", "c", "z"]), Popularity(), task)
    assert any("items that nobody had bought before" in one for one in texts(contents, "caveat"))


def test_customers_without_a_history_are_counted_and_get_what_is_popular():
    data = make_histories(200, cold=40)
    *_, contents, scores = run(data, PersonalFrequency())
    held_out = scores["held_out"]
    cold = held_out["history"] == 0
    assert cold.sum() == 40
    assert (held_out.loc[cold, "fallback"] == 1).all()
    assert held_out.loc[cold, places(4)].nunique().max() == 1
    rows = only(contents, Table, "cold_customers").frame.set_index("value")
    assert rows.loc["none", "customers"] == 40
    assert rows.loc["none", "difference"] == pytest.approx(0)
    assert any("All but 40 of 200 customers had a history" in one for one in texts(contents, "caveat"))


def test_all_customers_without_a_history():
    data = make_histories(60, cold=0)
    task = Recommendation(k=4)
    fitted = task.fit(PersonalFrequency(), parts(data)[0], CONTEXT)
    nobody = replace(data, frame=data.frame.assign(items="[]", weights="[]", days="[]"))
    scores = {"held_out": task.score(fitted, nobody, CONTEXT)}
    metrics = {one.name: one for one in task.measure(scores["held_out"], CONTEXT)}
    assert metrics["ndcg"].difference.value == 0
    contents = list(task.report(fitted, data, scores, metrics, CONTEXT))
    assert any("None of 60 customers had a history" in one for one in texts(contents, "caveat"))


def test_nothing_that_can_be_judged_is_said():
    task = Recommendation(k=2, repeats=False)
    data = tiny(["a"])
    data = replace(data, frame=data.frame.assign(bought=['["a"]', '["d"]']))
    _, metrics, contents, _ = run(data, Popularity(), task)
    assert metrics == {}
    (headline,) = texts(contents, "headline")
    assert headline.startswith("Nothing that was bought in the held-out part can be judged: all of it had been bought")


def test_nothing_held_out_is_said():
    task = Recommendation(k=4)
    data = make_histories(60)
    train = parts(data)[0]
    fitted = task.fit(EASE(penalty=10), train, CONTEXT)
    contents = list(task.report(fitted, train, {"train": task.score(fitted, train, CONTEXT)}, {}, CONTEXT))
    assert texts(contents, "headline") == ["Nothing was held out, so that how well the model recommends is not known."]
    assert only(contents, Table, "similar_items").frame["rank"].max() == 5


@pytest.mark.parametrize("model", [ItemKNN(), PersonalFrequency(prior=2), Popularity()])
def test_lists_that_are_all_the_baselines_are_compared_once(model):
    task = Recommendation(k=4, repeats=False, against={"frequent": PersonalFrequency(), "knn": ItemKNN(neighbours=3)})
    _, metrics, contents, _ = run(make_histories(100), model, task)
    is_other = isinstance(model, ItemKNN)
    (headline,) = texts(contents, "headline")
    assert headline.count("a difference of") == 1 + is_other
    assert ("whose lists are all those of popularity," in headline) == isinstance(model, PersonalFrequency)
    models = only(contents, Table, "models").frame["model"].tolist()
    assert len(models) == 2 + is_other
    assert ("popularity" in models) == (not isinstance(model, PersonalFrequency))
    against = only(contents, Table, "differences").frame["against"].unique().tolist()
    assert against == models[1:]
    told = texts(contents, "finding")
    assert any(one.startswith("The lists of ") and one.endswith("and are told of once.") for one in told)
    assert any("personal frequency is left with what most customers bought" in one for one in told)
    segments = only(contents, Table, "segments").frame
    assert segments["difference"].eq(0).all() == (not is_other)
    assert metrics["ndcg"].value.value == pytest.approx(
        np.average(segments["model"][-2:], weights=segments["customers"][-2:])
    )


def test_another_models_lists_in_place():
    data = make_histories(100)
    task = Recommendation(k=4)
    train, held_out = parts(data)
    fitted = task.fit(PersonalFrequency(), train, CONTEXT)
    scores = task.score(fitted, held_out, CONTEXT)
    other = Popularity(6).fit(train.frame[fitted.columns])
    placed = task.predicted(scores, other.predict(held_out.frame[fitted.columns]))
    measured = {one.name: one for one in task.measure(placed, CONTEXT)}
    assert measured["ndcg"].difference.value == pytest.approx(0)  # the first four of six are the baseline's
    assert (placed["listed_again"] == -1).sum() > 50
    assert task.predicted(scores, Popularity(3).fit(train.frame).predict(held_out.frame)) is None
    assert task.predicted(scores, pd.Series(range(100))) is None


def test_models_beside_each_other():
    data = make_histories(200)
    task = Recommendation(k=4)
    runs = {type(one).__name__: run(data, one, task)[3]["held_out"] for one in (PersonalFrequency(), Popularity())}
    runs["again"] = runs["Popularity"].sample(frac=1, random_state=1).reset_index(drop=True)
    contents = list(task.beside(runs))
    rows = only(contents, Table, "overlap").frame.set_index(["model", "other"])
    assert rows.loc[("Popularity", "again"), "overlap"] == 1
    assert rows.loc[("Popularity", "again"), "hits_model_only"] == 0
    ours, theirs = (runs[one][places(4)].to_numpy() for one in ("PersonalFrequency", "Popularity"))
    shared = np.mean([len({*a} & {*b}) / 4 for a, b in zip(ours, theirs, strict=True)])
    assert rows.loc[("PersonalFrequency", "Popularity"), "overlap"] == pytest.approx(shared)
    (found,) = texts(contents, "finding")
    assert found.startswith("The lists of PersonalFrequency and Popularity share")


@pytest.mark.parametrize(
    ("items", "k", "key", "words"),
    [
        (["[]", "[]"], 2, "histories.items", "nobody bought anything"),
        (['["a"]', '["a","a"]'], 2, "histories.items", "one item is all that was bought"),
        (['["a","b"]', '["c"]'], 5, "task.k", "a list is longer than the catalogue, which has 3 items"),
        (["milk", "[]"], 2, "histories", "a JSON list"),
    ],
)
def test_what_cannot_be_learned_from_is_told(items, k, key, words):
    frame = pd.DataFrame({"customer_id": [1, 2], "items": items, "bought": "[]"})
    data = Dataset("histories", frame, Roles(inputs=("items",)))
    (problem,) = Recommendation(k=k).inspect(data)
    assert problem.key == key
    assert words in problem.message
    assert problem.remedy


def test_a_bad_parameter_of_a_model_is_the_users_mistake():
    with pytest.raises(UserError, match=r"model\.half_life"):
        Recommendation(k=2).fit(Popularity(half_life=-1), parts(tiny(["a"]))[0], CONTEXT)


def test_a_catalogue_that_is_too_large_for_a_model_is_told():
    with pytest.raises(UserError, match=r"items need .* features\.fewest"):
        Recommendation(k=2).fit(EASE(memory=1e-9), parts(make_histories(30))[0], CONTEXT)


def test_what_makes_no_lists_cannot_stand_beside():
    against = {"linear": Ridge(), "none": None, "frequent": PersonalFrequency()}
    (problem,) = Recommendation(against=against).problems(["customer_id"])
    assert problem.key == "against.linear"
    assert problem.message.startswith("Ridge is not a recommender")


def test_a_mistake_is_told_of_the_model_that_has_it():
    task = Recommendation(k=2, against={"other": ItemKNN(neighbours=0)})
    with pytest.raises(UserError, match=r"task\.against\.other\.neighbours"):
        task.fit(Popularity(), parts(make_histories(30))[0], CONTEXT)
    with pytest.raises(UserError, match=r"(?<!\S)model\.neighbours"):
        task.fit(ItemKNN(neighbours=0), parts(make_histories(30))[0], CONTEXT)
    with pytest.raises(UserError, match=r"(?<!\S)model\.learning_rate: 1000000\.0 .* choose a lower one"):
        Recommendation(k=2).fit(BPR(learning_rate=1e6), parts(make_histories(30))[0], CONTEXT)


@pytest.mark.slow
@pytest.mark.parametrize("model", [SelfAttentive(random_state=0), TwoTower(random_state=0)])
def test_histories_of_one_purchase_teach_a_network_nothing_and_that_is_told(model):
    data = make_histories(30)
    once = data.frame.assign(items='["a"]', weights="[1]", days="[1]")
    with pytest.raises(UserError, match=r"nothing to learn from|no sequence to learn from"):
        Recommendation(k=1).fit(model, replace(data, frame=once), CONTEXT)


def test_without_tensorflow_a_network_names_the_extra(monkeypatch):
    monkeypatch.setattr("tasks.recommendation.task.is_installed", lambda: False)
    (problem,) = Recommendation().misused(TwoTower(), [])
    assert "needs TensorFlow" in problem.message
    assert "cxai[deep]" in problem.remedy
    assert not [*Recommendation().misused(EASE(), [])]


def test_what_a_model_says_of_lists_and_the_task_otherwise_is_told():
    task = Recommendation(k=4, against={"short": ItemKNN(k=3), "own": ItemKNN()})
    told = {one.key: one.remedy for one in task.misused(EASE(k=2, repeats=False), [])}
    assert told == {
        "k": "write task.k=2, and leave this out",
        "repeats": "write task.repeats=false, and leave this out",
    }
    assert [one.key for one in task.problems([])] == ["against.short.k"]
    assert not [*Recommendation(k=2, repeats=False).misused(EASE(k=2, repeats=False), [])]


def test_lists_of_what_cannot_be_held_out_are_refused():
    (problem,) = Recommendation().misdivided(RandomHoldout())
    assert (problem.key, problem.value) == ("repeats", True)
    assert "task.repeats=false" in problem.remedy
    assert not [*Recommendation(repeats=False).misdivided(RandomHoldout())]
    assert not [*Recommendation().misdivided(RandomHoldout(of="event"))]


def test_scores_that_are_not_finite_are_told_of_the_model_that_has_them():
    class Endless(PersonalFrequency):
        def _score(self, several):
            return super()._score(several) * np.float32(np.inf)

    train, held_out = parts(make_histories(30))
    for task, model, key in [
        (Recommendation(k=2, against=None), Endless(), "model"),
        (Recommendation(k=2, against={"other": Endless()}), Popularity(), "task.against.other"),
    ]:
        fitted = task.fit(model, train, CONTEXT)
        with pytest.raises(UserError, match="scores are not finite") as told:
            task.score(fitted, held_out, CONTEXT)
        assert told.value.problems[0].key == key


def test_a_slice_that_there_is_not_is_told():
    (problem,) = Recommendation(slices=["regoin"]).problems(["customer_id", "region"])
    assert (problem.key, problem.value) == ("slices", "regoin")
    assert "region" in problem.remedy


def test_a_fit_is_watched_and_given_up():
    from dataclasses import replace as changed

    class Watching(Popularity):
        """A model that learns by epochs."""

        def watched(self, step, should_stop):
            self._watch = (step, should_stop)
            return self

        def _learn(self, several, items):
            step, _ = self._watch
            step("ndcg", 0.5, 1)
            super()._learn(several, items)

    seen = []
    context = changed(CONTEXT, step=lambda *one: seen.append(one), should_stop=lambda: True)
    task = Recommendation(k=4, against={"other": PersonalFrequency()})
    fitted = task.fit(Watching(), parts(make_histories(40))[0], context)
    assert seen == [("ndcg", 0.5, 1)]
    assert fitted.against == {}
