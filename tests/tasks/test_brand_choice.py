"""Brand choice: the methods' own numbers, scores that can be compared, and clear words for what cannot be answered."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from cxai_runner.config.problems import UserError
from cxai_runner.evaluation.results import Estimate, Finding, Table
from cxai_runner.methods.choice import (
    ConditionalLogit,
    LatentClassLogit,
    MixedLogit,
    NestedLogit,
    PriceControl,
    TransitionShares,
)
from cxai_runner.task import Context
from tasks.brand_choice import BrandChoice, curves

from .conftest import make_choices

CONTEXT = Context(seed=1, resamples=40)
QUICK = BrandChoice(points=3, refits=4)
BRANDS = ("acme", "best", "cola")


def contents(task, model, data):
    """What the task reports of a model on its training rows."""
    fitted = task.fit(model, data, CONTEXT)
    scores = task.score(fitted, data, CONTEXT)
    metrics = {one.name: one for one in task.measure(scores, CONTEXT)}
    return list(task.report(fitted, data, {"train": scores}, metrics, CONTEXT))


def tables(found):
    return {one.name: one.frame for one in found if isinstance(one, Table)}


def said(found):
    return " ".join(one.text for one in found if isinstance(one, Finding))


def with_rows(data, **columns):
    return replace(data, frame=data.frame.assign(**columns))


def test_the_fit_is_that_of_the_method(choices):
    frame = choices.frame
    plain = ConditionalLogit("price + promotion").fit(frame, frame["brand"], groups=frame["customer_id"])
    fitted = QUICK.fit(make_pipeline(ConditionalLogit()), choices, CONTEXT)
    np.testing.assert_allclose(fitted.final.coef_, plain.coef_, rtol=1e-8)
    np.testing.assert_allclose(fitted.final.covariance_, plain.covariance_, rtol=1e-8)
    assert fitted.final.covariance_type_ == "clustered"
    apart = BrandChoice(cluster=False).fit(ConditionalLogit(), choices, CONTEXT).final
    assert apart.covariance_type_ == "classical"
    np.testing.assert_allclose(
        QUICK.score(fitted, choices, CONTEXT)["probability_best"], plain.predict_proba(frame)[:, 1]
    )


def test_scores_hold_both_baselines(choices):
    scores = QUICK.score(QUICK.fit(ConditionalLogit(), choices, CONTEXT), choices, CONTEXT)
    shares = choices.frame["brand"].value_counts(normalize=True)
    for name in BRANDS:
        np.testing.assert_allclose(scores[f"baseline_{name}"], shares[name])
    after = TransitionShares("last_brand", alternatives=list(BRANDS)).fit(choices.frame, choices.frame["brand"])
    np.testing.assert_allclose(
        scores[[f"baseline_transition_{name}" for name in BRANDS]], after.predict_proba(choices.frame)
    )


def test_elasticities_are_derivatives_of_predicted_shares(choices):
    found = contents(replace(QUICK, by=["segment"]), ConditionalLogit(), choices)
    fitted = QUICK.fit(ConditionalLogit(), choices, CONTEXT)
    matrix = tables(found)["elasticity_matrix"].set_index("share_of")
    every, h = tables(found)["elasticities"], 1e-5
    old = (choices.frame["segment"] == "old").to_numpy()
    promoted = choices.frame.assign(**{f"promotion_{name}": 1.0 for name in BRANDS})
    for name in BRANDS:
        column = f"price_{name}"

        def slope(frame, column=column):
            up, down = (
                fitted.probabilities(frame.assign(**{column: frame[column] * f})).mean(axis=0) for f in (1 + h, 1 - h)
            )
            return (np.log(up) - np.log(down)) / (2 * h)

        np.testing.assert_allclose(matrix[name], slope(choices.frame), atol=1e-6)
        mine = every[(every["price_of"] == name) & (every["aggregation"] == "sample")]
        for occasions, state, frame in (
            ("segment old", "as observed", choices.frame[old]),
            ("all", "all promoted", promoted),
            ("segment old", "all promoted", promoted[old]),
        ):
            part = mine[(mine["occasions"] == occasions) & (mine["promotion"] == state)]
            np.testing.assert_allclose(part["elasticity"], slope(frame), atol=1e-6)
    at_means = every[(every["aggregation"] == "at the means") & (every["share_of"] == every["price_of"])]
    one = choices.frame[list(fitted.specification.columns)].mean().to_frame().T
    P, b = fitted.probabilities(one)[0], fitted.final.coef_[2]
    by_hand = b * one[[f"price_{name}" for name in BRANDS]].to_numpy()[0] * (1 - P)
    np.testing.assert_allclose(at_means["elasticity"], by_hand, rtol=1e-9)


@pytest.mark.parametrize(
    "model",
    [
        NestedLogit(nests={"ab": ["acme", "best"]}),
        LatentClassLogit(n_init=2, random_state=0),
        MixedLogit(random={"price": "negative_lognormal"}, n_draws=20),
        LogisticRegression(solver="newton-cholesky", tol=1e-9),
    ],
    ids=lambda model: type(model).__name__,
)
def test_every_form_has_exact_elasticities_with_standard_errors(model):
    data = make_choices(customers=60, occasions=10, seed=3)
    found = contents(QUICK, model, data)
    fitted = QUICK.fit(model, data, CONTEXT)
    matrix, h = tables(found)["elasticity_matrix"].set_index("share_of"), 1e-5
    for name in BRANDS:
        moved = (data.frame.assign(**{f"price_{name}": data.frame[f"price_{name}"] * f}) for f in (1 + h, 1 - h))
        up, down = (fitted.probabilities(frame).mean(axis=0) for frame in moved)
        np.testing.assert_allclose(matrix[name], (np.log(up) - np.log(down)) / (2 * h), atol=1e-6)
    assert len([one for one in found if isinstance(one, Estimate)]) == 3
    for name, frame in tables(found).items():
        assert not frame.isna().any(axis=None), name
    words = {
        "NestedLogit": "dissimilarity ab",
        "LatentClassLogit": "2 classes hold",
        "MixedLogit": "Letting price differ between customers",
        "LogisticRegression": "The coefficients are penalised",
    }
    assert words[type(model).__name__] in said(found)


def test_the_shorthand_of_courses_is_shown_by_name_only(choices):
    found = contents(QUICK, LogisticRegression(solver="newton-cholesky", tol=1e-9), choices)
    (table,) = [one for one in found if isinstance(one, Table) and one.name == "course_shorthand"]
    assert "it is not the elasticity of this model" in table.caption
    own = np.diag(tables(found)["elasticity_matrix"].set_index("share_of"))
    assert np.abs(table.frame["shorthand"] - own).min() > 0.05
    assert "course_shorthand" not in tables(contents(QUICK, ConditionalLogit(), choices))


def test_a_report_says_what_it_found_and_what_not_to_conclude(choices):
    task = replace(QUICK, scenario={"price": {"acme": "-10%", "cola": 2}}, by=["segment"])
    found = contents(task, ConditionalLogit(), choices)
    text = said(found)
    assert "is causal only if price is exogenous given the controls" in text
    assert "IIA" in text
    assert "has the largest clout" in text
    assert "Under the scenario (price: acme −10 %, cola 2)" in text
    fit = tables(found)["fit_statistics"].set_index("statistic")["value"]
    final = task.fit(ConditionalLogit(), choices, CONTEXT).final
    assert float(fit["McFadden R² against constants"]) == pytest.approx(final.mcfadden_r2_, abs=5e-6)
    assert float(fit["McFadden R² against equal shares"]) == pytest.approx(final.mcfadden_r2_equal_shares_, abs=5e-6)
    assert fit["utility"] == "constants against acme, price, promotion"
    scenario = tables(found)["scenario"]
    cut = choices.frame.assign(price_acme=choices.frame["price_acme"] * 0.9, price_cola=2.0)
    whole = scenario[scenario["occasions"] == "all"].set_index("alternative")
    np.testing.assert_allclose(whole["scenario"], final.predict_proba(cut).mean(axis=0))
    assert set(scenario["occasions"]) == {"all", "segment new", "segment old"}


def test_classes_are_chosen_by_bic():
    data = make_choices(customers=80, occasions=10, price=-2.5, spread=2.0)
    task = replace(QUICK, terms="price + promotion", classes=[1, 2])
    found = contents(task, LatentClassLogit(n_init=3, random_state=0), data)
    by_bic = tables(found)["classes_by_bic"].set_index("classes")["bic"]
    assert len(tables(found)["class_profiles"]) == by_bic.idxmin() == 2
    shares = tables(found)["class_profiles"]["share"]
    assert shares.sum() == pytest.approx(1)
    bought = tables(found)["class_profiles"][[f"bought_{name}" for name in BRANDS]]
    np.testing.assert_allclose(bought.sum(axis=1), 1)


def test_words_and_months_are_terms_with_a_coefficient_for_each_level(choices):
    days = pd.Timestamp("2017-01-01") + pd.to_timedelta(choices.frame["occasion"] * 8, unit="D")
    roles = replace(choices.roles, time="day", inputs=(*choices.roles.inputs, "segment"))
    data = replace(choices, frame=choices.frame.assign(day=days), roles=roles)
    task = replace(QUICK, terms={"price": "generic", "segment": "alternative", "month": "alternative"})
    fitted = task.fit(ConditionalLogit(), data, CONTEXT)
    level = "segment[new]" if data.frame["segment"].mode()[0] == "old" else "segment[old]"
    assert f"{level}[best]" in fitted.final.parameter_names_
    assert {"month[2017-02][cola]", "month[2017-03][best]"} <= set(fitted.final.parameter_names_)
    assert {"day", "segment"} <= set(fitted.specification.columns)
    late = with_rows(data, day=days + pd.Timedelta(days=365))
    with pytest.warns(UserWarning, match="month is 2018-01 on .* rows, and never was in training"):
        assert np.isfinite(task.score(fitted, late, CONTEXT)["probability_best"]).all()


def test_repeating_the_last_brand_is_a_term(choices):
    fitted = replace(QUICK, terms="price + repeat").fit(ConditionalLogit(), choices, CONTEXT)
    repeat = {f"repeat_{name}": (choices.frame["last_brand"] == name).astype(float) for name in BRANDS}
    frame = choices.frame.assign(**repeat)
    plain = ConditionalLogit("price + repeat").fit(frame, frame["brand"])
    np.testing.assert_allclose(fitted.final.coef_, plain.coef_, rtol=1e-8)
    assert "last_brand" in fitted.specification.columns


def test_a_control_function_answers_for_prices_that_follow_demand(choices):
    rng = np.random.default_rng(0)
    n = len(choices.frame)
    cost, hidden = rng.uniform(1, 2, (n, 3)), rng.normal(size=(n, 3))
    price = cost + 0.4 * hidden + 1
    utility = -2.0 * price + 1.5 * hidden + rng.gumbel(size=(n, 3))
    columns = {f"price_{b}": price[:, j] for j, b in enumerate(BRANDS)}
    columns |= {f"cost_{b}": cost[:, j] for j, b in enumerate(BRANDS)}
    inputs = (*columns,)
    data = replace(
        choices,
        frame=choices.frame.assign(brand=np.array(BRANDS)[utility.argmax(axis=1)], **columns),
        roles=replace(choices.roles, inputs=inputs),
    )
    task = replace(QUICK, terms="price")
    naive = task.fit(ConditionalLogit(), data, CONTEXT).final.summary_frame().loc["price", "coefficient"]
    controlled = replace(task, instruments=["cost"])
    fitted = controlled.fit(ConditionalLogit(), data, CONTEXT)
    causal = fitted.final.summary_frame().loc["price", "coefficient"]
    assert naive > -1.2
    assert causal < -1.6
    assert isinstance(fitted.pipeline[0], PriceControl)
    assert "A control function stands for what cost leave unexplained of price" in said(
        contents(controlled, ConditionalLogit(), data)
    )


def test_what_is_not_available_has_no_probability(choices):
    flags = {f"available_{name}": 1 for name in BRANDS}
    out = (choices.frame.index % 3 == 0) & (choices.frame["brand"] != "cola").to_numpy()
    flags["available_cola"] = np.where(out, 0, 1)
    prices = choices.frame["price_cola"].where(~out)
    data = with_rows(choices, **flags, price_cola=prices)
    assert not list(QUICK.inspect(data))
    scores = QUICK.score(QUICK.fit(ConditionalLogit(), data, CONTEXT), data, CONTEXT)
    assert (scores.loc[out, ["probability_cola", "baseline_cola", "baseline_transition_cola"]] == 0).all(axis=None)
    assert np.isfinite(list(tables(contents(QUICK, ConditionalLogit(), data))["elasticity_matrix"]["cola"])).all()
    with pytest.raises(UserError, match="LogisticRegression cannot leave out what was not available"):
        QUICK.fit(LogisticRegression(), data, CONTEXT)


def test_weights_count_rows(choices):
    times = 1 + (choices.frame["customer_id"] % 3)
    data = with_rows(choices, times=times)
    task = replace(QUICK, weights="times")
    fitted = task.fit(ConditionalLogit(), data, CONTEXT)
    many = replace(choices, frame=choices.frame.loc[choices.frame.index.repeat(times)].reset_index(drop=True))
    repeated = QUICK.fit(ConditionalLogit(), many, CONTEXT)
    np.testing.assert_allclose(fitted.final.coef_, repeated.final.coef_, rtol=1e-8)
    once, often = (
        {one.name: one.value.value for one in t.measure(t.score(f, d, CONTEXT), CONTEXT)}
        for t, f, d in ((task, fitted, data), (QUICK, repeated, many))
    )
    for name in ("log_loss", "hit_rate", "brier"):
        assert once[name] == pytest.approx(often[name], rel=1e-8)


def test_brands_that_are_numbers_are_found(choices):
    number = {"acme": 1, "best": 2, "cola": 3}
    frame = choices.frame.rename(columns={c: f"{c[:-4]}{number[c[-4:]]}" for c in choices.frame if c[-4:] in number})
    frame = frame.assign(brand=frame["brand"].map(number).astype(float))
    inputs = tuple(c for c in frame if c.startswith(("price_", "promotion_")))
    data = replace(choices, frame=frame, roles=replace(choices.roles, inputs=inputs, alternatives=("1", "2", "3")))
    scores = QUICK.score(QUICK.fit(ConditionalLogit(), data, CONTEXT), data, CONTEXT)
    words = QUICK.score(QUICK.fit(ConditionalLogit(), choices, CONTEXT), choices, CONTEXT)
    np.testing.assert_allclose(scores["probability_2"], words["probability_best"], rtol=1e-9)
    assert not list(replace(QUICK, alternatives=[1, 2, 3], reference=2).inspect(data))


def test_another_models_probabilities_are_put_in_place_by_name(choices):
    scores = QUICK.score(QUICK.fit(ConditionalLogit(), choices, CONTEXT), choices, CONTEXT)
    other = QUICK.fit(LogisticRegression(), choices, CONTEXT)
    theirs = QUICK.score(other, choices, CONTEXT)
    P = pd.DataFrame(other.probabilities(choices.frame), columns=list(BRANDS))[["cola", "acme", "best"]]
    pd.testing.assert_frame_equal(QUICK.predicted(scores, P), theirs)
    pd.testing.assert_frame_equal(QUICK.predicted(scores, P.add_prefix("probability_")), theirs)
    assert QUICK.predicted(scores, P.rename(columns={"cola": "dew"})) is None
    assert QUICK.predicted(scores, P[["acme", "best"]]) is None
    assert QUICK.predicted(scores, P["acme"]) is None


def test_the_model_is_cloned(choices):
    model = make_pipeline(ConditionalLogit())
    QUICK.fit(model, choices, CONTEXT)
    assert repr(model) == repr(clone(model))
    assert not hasattr(model[-1], "coef_")


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (Ridge(), "a model of choice, or a multinomial logit"),
        (
            make_pipeline(StandardScaler(), ConditionalLogit()),
            "finds prices by their columns' names, which StandardScaler",
        ),
        (ConditionalLogit("price"), "is said for all models by the task"),
        (NestedLogit(), "no nest is named, and there is no pooled rest"),
        (NestedLogit(nests={"a": ["acme", "dew"]}), "nest 'a' holds dew, which is no alternative"),
        (MixedLogit(random={"prise": "normal"}), "the random coefficient 'prise' is not in the model"),
        (LatentClassLogit(n_classes=13, n_init=1), "parameters in 13 classes for 60 customers"),
    ],
)
def test_models_that_do_not_fit_are_told(choices, model, message):
    with pytest.raises(UserError) as caught:
        QUICK.fit(model, choices, CONTEXT)
    assert message in str(caught.value)
    assert all(problem.remedy for problem in caught.value.problems)


def test_of_many_brands_those_bought_most_often_have_curves(choices, monkeypatch):
    monkeypatch.setattr(curves, "MOST_BRANDS", 2)
    found = contents(QUICK, ConditionalLogit(), choices)
    most = sorted(choices.frame["brand"].value_counts().index[:2])
    assert f"Of 3 brands the 2 bought most often have curves over their prices: {', '.join(most)}." in said(found)
    assert sorted(tables(found)["price_curves"]["price_of"].unique()) == most


def test_what_a_price_wins_is_told_in_points_of_share(choices):
    """By prices one per cent lower: the others' shares, predicted anew."""
    fitted = QUICK.fit(ConditionalLogit(), choices, CONTEXT)
    table = tables(contents(QUICK, ConditionalLogit(), choices))["clout_and_vulnerability"].set_index("alternative")
    frame = choices.frame
    lower = frame.assign(price_cola=frame["price_cola"] * 0.999)
    before, after = (fitted.probabilities(rows)[:, [0, 1]].mean(axis=0).sum() for rows in (frame, lower))
    assert table.loc["cola", "share_points"] == pytest.approx(1000 * (before - after), rel=2e-3)
