"""Conversion: probabilities at the real rate, the models beside, whom to contact, and what is said of it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score, log_loss, roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures

from cxai_runner.evaluation.results import Figure, Table
from tasks.conversion import Conversion
from tasks.conversion.verdict import METRICS

from .conftest import make_converters
from .conversion_runs import CONTEXT, only, parts, run, texts

LOGISTIC = LogisticRegression()


@pytest.fixture(scope="module")
def data():
    return make_converters(1500)


@pytest.fixture(scope="module")
def ran(data):
    trees = HistGradientBoostingClassifier(max_iter=30, random_state=0)
    task = Conversion(against={"trees": trees}, slices=["channel", "spend"], value=20.0, cost=8.0, repeats=2)
    return run(data, LOGISTIC, task)


def test_metrics_are_those_of_scikit_learn_beside_the_base_rate(ran):
    _, metrics, _, scores = ran
    rows = scores["held_out"]
    y, p = rows["converted"], rows["probability"]
    assert metrics["log_loss"].value.value == pytest.approx(log_loss(y, p))
    assert metrics["roc_auc"].value.value == pytest.approx(roc_auc_score(y, p))
    at = rows["threshold"].iloc[0]
    assert at == pytest.approx(scores["train"]["converted"].mean())
    assert metrics["balanced_accuracy"].value.value == pytest.approx(balanced_accuracy_score(y, p >= at))
    assert metrics["balanced_accuracy"].baseline.value == 0.5
    assert metrics["log_loss"].verdict == "better"


def test_the_headline_sets_it_beside_the_other_model(ran):
    _, _, contents, scores = ran
    (headline,) = texts(contents, "headline")
    rows = scores["held_out"]
    ours, theirs = (log_loss(rows["converted"], rows[name]) for name in ("probability", "against_trees"))
    assert headline.startswith(f"By log loss on rows it has not seen, logistic regression ({ours:.4f}) ")
    assert f"gradient boosting ({theirs:.4f}, a difference of" in headline
    gaps = only(contents, Table, "differences").frame
    mine = gaps[(gaps["against"] == "gradient boosting") & (gaps["metric"] == "log loss")].iloc[0]
    assert mine["difference"] == pytest.approx(ours - theirs)
    assert mine["low"] < mine["difference"] < mine["high"]
    assert only(contents, Table, "models").frame["model"].tolist() == [
        "logistic regression", "gradient boosting", "the base rate",
    ]  # fmt: skip


def test_one_number_has_one_interval_in_a_report(ran):
    _, metrics, contents, _ = ran
    gaps = only(contents, Table, "differences").frame.set_index(["against", "metric"])
    for one in METRICS:
        mine, told = gaps.loc[("the base rate", one.label)], metrics[one.name].difference
        assert (mine["low"], mine["high"]) == pytest.approx((told.low, told.high)), one.name


def test_a_model_that_is_no_better_than_none_is_not_praised(data):
    noise = replace(
        data, frame=data.frame.assign(converted=np.random.default_rng(1).permutation(data.frame["converted"]))
    )
    wild = HistGradientBoostingClassifier(max_iter=60, min_samples_leaf=2, random_state=0)
    task = Conversion(against={"wild": wild}, calibration="none", repeats=1)
    _, metrics, contents, _ = run(noise, LOGISTIC, task)
    assert metrics["log_loss"].verdict != "better"
    (headline,) = texts(contents, "headline")
    assert "does better than gradient boosting" in headline
    assert "the base rate (0." in headline


def test_models_to_beat_can_be_none(data):
    (headline,) = texts(run(data, LOGISTIC, Conversion(against=None, repeats=1))[2], "headline")
    assert "does better than the base rate" in headline


def test_amounts_that_are_known_only_afterwards_are_told(data):
    paid = replace(data, frame=data.frame.assign(paid=data.frame["converted"] * 30.0))
    (told,) = (
        text
        for text in texts(run(paid, LOGISTIC, Conversion(value="paid", cost=1.0, repeats=1))[2], "caveat")
        if text.startswith("The amounts in paid")
    )
    assert "a ROC AUC of 1.00" in told


def test_a_budget_says_down_to_which_probability_it_goes(data):
    _, _, contents, scores = run(data, LOGISTIC, Conversion(value=20.0, cost=0.5, budget=25.0, repeats=1))
    last = np.sort(scores["held_out"]["probability"])[-50]
    (told,) = (text for text in texts(contents, "finding") if text.startswith("Contacting whoever"))
    assert f"as far as a budget of 25.00 goes, down to a probability of {last:.4f}, is 50 of 500" in told


def test_what_counts_as_no_conversion_is_told_where_it_is_more_than_one_value(data):
    answers = np.where(data.frame["converted"] == 1, "yes", np.where(data.frame.index % 5 == 0, "unknown", "no"))
    contents = run(replace(data, frame=data.frame.assign(converted=answers)), LOGISTIC, Conversion(positive="yes"))[2]
    assert any("yes alone is a conversion, and no, unknown are none" in text for text in texts(contents, "caveat"))
    two = np.where(data.frame["converted"] == 1, "yes", "no")
    contents = run(replace(data, frame=data.frame.assign(converted=two)), LOGISTIC, Conversion(positive="yes"))[2]
    assert not any("alone is a conversion" in text for text in texts(contents, "caveat"))


def test_profit_follows_what_a_contact_costs(ran):
    _, _, contents, scores = ran
    rows = scores["held_out"]
    worth = rows["probability"] > 8 / 20
    earned = 20 * rows["converted"][worth].sum() - 8 * worth.sum()
    told = next(text for text in texts(contents, "finding") if text.startswith("Contacting whoever"))
    assert f"is {worth.sum():,} of 500 customers" in told
    assert f"earned {earned:,.0f} [" in told
    assert only(contents, Figure, "profit").reference == {"x": worth.sum() / 500}


def test_slices_are_judged_apart(ran):
    frame = only(ran[2], Table, "slices").frame
    assert set(frame["slice"].str.split(": ").str[0]) == {"channel", "spend"}
    spend = frame["slice"][frame["slice"].str.startswith("spend")].tolist()
    begins = [float(one.split()[2]) for one in spend if one.startswith("spend: above")]
    assert len(begins) > 1
    assert begins == sorted(begins), "3.21, 7.2, 15.7, and not as texts are sorted"
    assert frame[frame["slice"].str.startswith("channel")]["rows"].sum() == 500
    assert np.isfinite(frame.select_dtypes("number").to_numpy()).all()


def test_what_matters_is_found_and_what_does_not_is_not(ran):
    table = only(ran[2], Table, "importances").frame.set_index("input")
    assert table.index[0] == "visits"
    assert table.loc["visits", "low"] > 0.02
    assert table.loc["since", ["low", "importance", "high"]].abs().max() < 0.01


def test_the_same_model_is_not_set_beside_itself(data):
    fitted, _, contents, _ = run(data, LOGISTIC, Conversion(against={"logistic": LogisticRegression()}, repeats=1))
    assert not fitted.against
    assert "the base rate" in texts(contents, "headline")[0]


def test_seeds_are_told_and_averaged(data):
    forest = RandomForestClassifier(10, min_samples_leaf=20)
    task = Conversion(seeds=3, against={"logistic": LOGISTIC}, repeats=1, calibration="none")
    _, _, contents, scores = run(data, forest, task)
    rows = scores["held_out"]
    losses = [log_loss(rows["converted"], rows[name]) for name in ("probability", "seed_2", "seed_3")]
    assert len(set(losses)) == 3
    assert only(contents, Table, "seeds").frame["log_loss"].tolist() == pytest.approx(losses)
    assert "mean of 3 seeds)" in texts(contents, "headline")[0]
    gaps = only(contents, Table, "differences").frame
    other = log_loss(rows["converted"], rows["against_logistic"])
    assert gaps.loc[0, "difference"] == pytest.approx(np.mean(losses) - other)


def test_a_model_without_a_random_part_is_fitted_once(data):
    assert not run(data, LOGISTIC, Conversion(seeds=4, repeats=1))[0].others


@pytest.mark.parametrize("balance", ["weights", "undersample", "oversample"])
def test_balanced_training_leaves_other_rows_and_the_rate_alone(data, balance):
    task = Conversion(balance=balance, calibration="none", repeats=1)
    fitted, metrics, _, scores = run(data, LOGISTIC, task)
    assert len(scores["held_out"]) == 500
    assert fitted.first.model.shown == 0.5
    assert scores["held_out"]["probability"].mean() == pytest.approx(fitted.rows.base_rate, abs=0.03)
    plain = run(data, LOGISTIC, Conversion(calibration="none", repeats=1))[1]
    assert metrics["log_loss"].value.value == pytest.approx(plain["log_loss"].value.value, abs=0.01)


def test_validation_rows_are_whole_customers_and_nobody_learns_from_them():
    once = make_converters(400)
    frame = once.frame.loc[np.repeat(once.frame.index, 2)].reset_index(drop=True)
    fitted = Conversion().fit(LOGISTIC, replace(once, frame=frame), CONTEXT)
    who, rows = fitted.rows.customers, fitted.rows
    assert not set(who[rows.learned]) & set(who[rows.validation])
    assert len(rows.learned) + len(rows.validation) == len(frame)
    assert len(rows.validation) == pytest.approx(0.2 * len(frame), abs=4)


def test_an_outcome_in_words_is_the_same_as_in_numbers(data):
    words = data.frame["converted"].map({1: "left", 0: "stayed"})
    told = replace(data, frame=data.frame.drop(columns="converted").assign(churn=words))
    task = Conversion(outcome="churn", positive="left", repeats=1)
    assert task.target == "churn"
    scores = run(told, LOGISTIC, task)[3]["held_out"]
    usual = run(data, LOGISTIC, Conversion(repeats=1))[3]["held_out"]
    assert set(scores["churn"]) == {"left", "stayed"}
    np.testing.assert_allclose(scores["probability"], usual["probability"], rtol=1e-6)


def test_transformers_stand_between_preparation_and_model(data):
    model = make_pipeline(PolynomialFeatures(2, interaction_only=True), LogisticRegression(max_iter=2000))
    fitted = run(data, model, Conversion(repeats=1))[0]
    train, held_out = parts(data)
    saved = Conversion().models(fitted, train)["model"]
    assert fitted.first.model.classifier.n_features_in_ > 30
    found = saved.estimator.predict_proba(held_out.frame[fitted.columns])
    assert found.shape == (500, 2)
    assert found.sum(axis=1) == pytest.approx(np.ones(500))


def test_what_rests_on_a_suspected_input_is_told(data):
    _, _, contents, scores = run(data, LOGISTIC, Conversion(suspected=["visits"], repeats=1))
    rows = scores["held_out"]
    bare = log_loss(rows["converted"], rows["without_suspected"])
    (said,) = [text for text in texts(contents, "finding") if "the same model without visits" in text]
    assert f"has a log loss of {bare:.4f}" in said
    assert bare > log_loss(rows["converted"], rows["probability"]) + 0.05
    assert "the same model" not in texts(contents, "headline")[0]
    (problem,) = Conversion(suspected=["member"]).inspect(
        replace(data, roles=replace(data.roles, inputs=data.roles.inputs[:-1]))
    )
    assert (problem.key, problem.value) == ("task.suspected", "member")


def test_a_leak_is_told(data):
    rng = np.random.default_rng(0)
    y = data.frame["converted"]
    leaky = data.frame.assign(cancel_date=y + rng.normal(0, 0.4, len(y)))
    told = replace(data, frame=leaky, roles=replace(data.roles, inputs=(*data.roles.inputs, "cancel_date")))
    caveats = texts(run(told, LOGISTIC, Conversion(repeats=1))[2], "caveat")
    (said,) = [text for text in caveats if text.startswith("May be known only after the outcome: cancel_date (0.9")]
    assert "features.exclude=[cancel_date]" in said


def test_the_kept_model_asks_for_what_it_reads_and_leaves_room_for_gaps(data):
    """A signature of whole numbers, or of yes and no, has none for a value that a server is not told."""
    frame = data.frame.assign(same=3, code=[f"c{i}" for i in range(len(data.frame))])
    odd = replace(data, frame=frame, roles=replace(data.roles, inputs=(*data.roles.inputs, "same", "code")))
    fitted = run(odd, LOGISTIC, Conversion(repeats=1))[0]
    assert fitted.columns[-2:] == ["same", "code"]
    saved = Conversion().models(fitted, parts(odd)[0])["model"]
    kinds = {name: saved.example[name].dtype.kind for name in ("visits", "spend", "member", "since")}
    assert kinds == {"visits": "f", "spend": "f", "member": "f", "since": "M"}
    assert list(saved.example) == list(data.roles.inputs)
    plain = parts(odd)[0].frame.head(5)
    np.testing.assert_array_equal(saved.estimator.predict_proba(saved.example), saved.estimator.predict_proba(plain))


def test_customers_are_not_told_apart_by_what_is_known_only_afterwards(data):
    known = data.frame["converted"] * np.arange(len(data.frame))
    odd = replace(data, frame=data.frame.assign(paid=known), roles=replace(data.roles, describe=("channel", "paid")))
    contents, scores = run(odd, LOGISTIC, Conversion(repeats=1))[2:]
    assert [one for one in scores["held_out"] if one.startswith("slice_")] == ["slice_channel"]
    assert set(only(contents, Table, "slices").frame["slice"]) == {"channel: store", "channel: web"}
    assert "slice_paid" in run(odd, LOGISTIC, Conversion(repeats=1, slices=["paid"]))[3]["held_out"]
