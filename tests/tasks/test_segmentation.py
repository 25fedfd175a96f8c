"""Segmentation: groups where there are some, an honest no where there are none, and words for what sets them apart."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.cluster import AgglomerativeClustering
from sklearn.impute import SimpleImputer
from sklearn.metrics import silhouette_samples
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from cxai_runner.config.problems import UserError
from cxai_runner.evaluation.results import Figure, Finding, Table
from cxai_runner.methods.segments import KMeansSegments, Recommendation
from cxai_runner.methods.stability import Stability
from cxai_runner.task import Context
from tasks.segmentation import Segmentation, report
from tasks.segmentation import task as segmentation
from tasks.segmentation.challenge import Challenge

from .conftest import make_customers

CONTEXT = Context(seed=3, resamples=200)


def model(**options):
    return make_pipeline(StandardScaler(), KMeansSegments(random_state=0, n_init=3, k_max=5, **options))


def run(data, estimator=None, task=None):
    task = task or Segmentation(resamples=8)
    fitted = task.fit(estimator or model(), data, CONTEXT)
    scores = {"train": task.score(fitted, data, CONTEXT)}
    several = [*task.measure(scores["train"], CONTEXT), *task.challenge(fitted, data, CONTEXT)]
    metrics = {one.name: one for one in several}
    return fitted, scores["train"], metrics, list(task.report(fitted, data, scores, metrics, CONTEXT))


def only(contents, kind, name):
    return next(one for one in contents if isinstance(one, kind) and one.name == name)


def texts(contents, kind):
    return [one.text for one in contents if isinstance(one, Finding) and one.kind == kind]


@pytest.fixture(scope="module")
def apart():
    return run(make_customers(300))


@pytest.fixture(scope="module")
def noise():
    return run(make_customers(300, apart=0.0))


def test_groups_that_are_there_are_found(apart):
    fitted, scores, metrics, contents = apart
    assert fitted.segments.pipeline[-1].n_clusters_ == 3
    assert scores["segment"].value_counts().tolist() == sorted(scores["segment"].value_counts(), reverse=True)
    assert metrics["silhouette"].verdict == "better"
    assert metrics["structure"].value.low > 0
    assert metrics["stability"].value.value > 0.95
    (headline,) = texts(contents, "headline")
    assert headline.startswith("300 customers fall into 3 segments, stable")


def test_groups_that_are_not_there_are_not(noise):
    _, _, metrics, contents = noise
    assert metrics["structure"].value.low < 0 < metrics["structure"].value.high
    (headline,) = texts(contents, "headline")
    assert headline.startswith("No segments are to be seen: 300 customers divide no more clearly than chance")


FOUND = {"rand": 0.9, "silhouette": 0.5, "chance": 0.2, "cloud": 0.3, "bic": None, "advice": 3}


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({}, "90 customers fall into 3 segments, stable (adjusted Rand index 0.90"),
        ({"rand": 0.6}, "90 customers fall into groups, but this division into 3 is not stable"),
        ({"rand": 0.3}, "No lasting segments are to be seen: 90 customers divide otherwise"),
        ({"chance": 0.6}, "No segments are to be seen: 90 customers divide no more clearly than chance"),
        ({"cloud": 0.6}, "No segments are to be seen: 90 customers divide no more clearly than one group does"),
        ({"bic": (9.0, 8.0)}, "No segments are to be seen: one normal distribution whose columns correlate describes"),
        ({"bic": (8.0, 9.0)}, "90 customers fall into 3 segments"),
        ({"advice": 1}, "No segments are to be seen: 90 customers can be divided into 3 (silhouette 0.5"),
    ],
)
def test_the_verdict(changed, says):
    text = verdict(changed)
    assert text.startswith(says)
    assert text.endswith(".")


def test_ranges_of_single_columns_are_told_as_such():
    assert verdict({"chance": 0.6}).endswith(
        "Yet all say so: then they are ranges of single columns, which need no columns together."
    )
    assert "Yet" not in verdict({"chance": 0.6, "advice": 1})


def verdict(changed):
    one = FOUND | changed
    many = {name: np.full(19, one[name]) for name in ("chance", "cloud")}
    found = Stability(np.full(8, one["rand"]), np.full((8, 3), 0.9))
    challenge = Challenge(found, found, one["silhouette"], many["chance"], many["cloud"], bic=one["bic"])
    scores = pd.DataFrame({"segment": np.repeat([0, 1, 2], 30)})
    (headline,) = report.verdict(scores, challenge, Recommendation(one["advice"], {}, "all say so."))
    return headline.text


def test_shuffled_columns_are_divided_into_as_many(apart):
    """Into another number they would divide more clearly or less by that alone."""
    for fitted in (apart[0], run(make_customers(300), model(choose_by="majority"))[0]):
        assert fitted.segments.pipeline[-1].n_clusters_ == 3
        assert fitted.baseline.pipeline[-1].n_clusters_ == 3


def test_a_skewed_group_is_none():
    """Amounts that rise together, as spending and orders do: of a log-normal group a tail can always be cut."""
    rng = np.random.default_rng(11)
    data = make_customers(400, apart=0.0)
    names = list(data.roles.inputs)
    covariance = np.full((len(names), len(names)), 0.9) + 0.1 * np.eye(len(names))
    drawn = np.exp(rng.multivariate_normal(np.zeros(len(names)), covariance, 400))
    *_, contents = run(replace(data, frame=data.frame.assign(**dict(zip(names, drawn.T, strict=True)))))
    (headline,) = texts(contents, "headline")
    assert headline.startswith("No segments are to be seen: 400 customers divide no more clearly than one group does")
    assert "the same values and rank correlations" in headline
    assert "by a division of what is one group as far as can be seen" in headline


def test_one_long_group_is_none():
    """One dense ellipse: its columns depend on each other, and it divides no better than a normal one."""
    rng = np.random.default_rng(0)
    data = make_customers(400, apart=0.0)
    common = rng.normal(size=400)
    frame = data.frame.assign(**{name: common + 0.7 * rng.normal(size=400) for name in data.roles.inputs})
    _, _, metrics, contents = run(replace(data, frame=frame), model(n_clusters=5))
    assert metrics["structure"].value.low > 0
    assert "than one group does whose columns" in texts(contents, "headline")[0]


def test_scores_are_the_textbooks(apart):
    fitted, scores, _, _ = apart
    values = fitted.segments.transform(make_customers(300).frame[list(fitted.segments.rows.columns)])
    np.testing.assert_allclose(scores["silhouette"], silhouette_samples(values, scores["segment"]), atol=1e-12)
    centre = np.stack([values[scores["segment"] == k].mean(axis=0) for k in range(3)])
    np.testing.assert_allclose(
        scores["distance"], np.linalg.norm(values - centre[scores["segment"]], axis=1), atol=1e-10
    )


def test_many_customers_are_measured_against_a_sample(monkeypatch, apart):
    monkeypatch.setattr(segmentation, "REFERENCE", 100)
    fitted, scores, _, _ = run(make_customers(300))
    assert len(fitted.segments.reference) == 100
    assert scores["silhouette"].mean() == pytest.approx(apart[1]["silhouette"].mean(), abs=0.02)


def test_new_customers_are_assigned(apart):
    fitted, _, _, _ = apart
    new = make_customers(50, seed=8)
    task = Segmentation()
    scores = task.score(fitted, new, CONTEXT)
    saved = task.models(fitted, make_customers(300))["model"]
    np.testing.assert_array_equal(saved.estimator.predict(new.frame[list(saved.example.columns)]), scores["segment"])
    assert saved.method == "predict"


def test_the_table_of_segments(apart):
    _, scores, _, contents = apart
    table = only(contents, Table, "segments").frame
    assert table["customers"].sum() == len(scores)
    assert table["share"].sum() == pytest.approx(1)
    assert ((table["low"] < table["share"]) & (table["share"] < table["high"])).all()
    assert (table["found_again"] > 0.9).all()
    assert set(table["name"]) == {
        "low frequency, low recency",
        "high recency, high frequency",
        "high monetary value, high frequency",
    }


def test_profiles_are_drawn_twice(apart):
    contents = apart[3]
    snake, heat = only(contents, Figure, "profiles"), only(contents, Figure, "profiles_heatmap")
    assert (snake.mark, snake.by) == ("line", "segment")
    assert (heat.mark, heat.fill) == ("heatmap", "standardised")
    assert len(snake.data) == 9


def test_the_composition_counts_who_is_missing(apart):
    table = only(apart[3], Table, "composition").frame
    assert set(table["value"]) == {"north", "south", "(missing)"}
    assert table["customers"].sum() == 300


def test_the_number_is_explained(apart):
    table = only(apart[3], Table, "selection")
    assert list(table.frame["k"]) == [1, 2, 3, 4, 5]
    assert table.caption.startswith("3 segments were chosen for the highest silhouette.")
    assert only(apart[3], Figure, "selection_inertia").reference == {"x": 3.0}


def test_a_number_at_the_end_of_the_range_is_told(noise):
    contents = run(make_customers(300), make_pipeline(KMeansSegments(k_max=3, n_init=2, random_state=0)))[3]
    assert any("the largest that was tried (3)" in text for text in texts(contents, "caveat"))


def test_a_given_number_needs_no_choice():
    contents = run(make_customers(300), model(n_clusters=3))[3]
    assert not any(isinstance(one, Table | Figure) and one.name.startswith("selection") for one in contents)


def test_segments_describe_only(apart):
    assert any("do not say that a segment would answer differently" in text for text in texts(apart[3], "caveat"))


def test_stability_that_chance_has_too_is_told():
    """Two columns of zeros and ones divide just as stably when they are independent."""
    rng = np.random.default_rng(0)
    data = make_customers(200)
    frame = data.frame.assign(**{name: rng.integers(0, 2, 200) for name in data.roles.inputs[:2]})
    roles = replace(data.roles, inputs=data.roles.inputs[:2])
    contents = run(replace(data, frame=frame, roles=roles), model(n_clusters=4))[3]
    assert any("Stability alone proves little here" in text for text in texts(contents, "caveat"))
    assert texts(contents, "headline")[0].startswith("No segments are to be seen")


@pytest.mark.parametrize(
    ("change", "key", "message", "remedy"),
    [
        (lambda f: f.assign(recency="x"), "customers.recency", "the same for every customer", "leave it out"),
        (lambda f: f.assign(recency=1.0), "customers.recency", "the same for every customer", "leave it out"),
        (lambda f: f.assign(customer_id=1), "customers.customer_id", "149 customers appear more than once", "keep one"),
        (lambda f: f.iloc[:6], "customers", "6 customers are too few", "at least ten"),
    ],
)
def test_data_mistakes(customers, change, key, message, remedy):
    (problem,) = Segmentation().inspect(replace(customers, frame=change(customers.frame)))
    assert problem.key == key
    assert message in problem.message
    assert remedy in problem.remedy


def test_nothing_to_divide_by_is_told(customers):
    (problem,) = Segmentation().inspect(replace(customers, roles=replace(customers.roles, inputs=())))
    assert problem.message == "no column to divide customers by"


def test_missing_values_need_an_imputer(customers):
    frame = customers.frame.assign(recency=customers.frame["recency"].where(customers.frame.index > 2))
    holes = replace(customers, frame=frame)
    with pytest.raises(UserError, match=r"data\.customers\.recency +3 missing values") as caught:
        Segmentation().fit(model(), holes, CONTEXT)
    assert "imputer among features.transformers" in caught.value.problems[0].remedy
    filled = make_pipeline(SimpleImputer(), *[step for _, step in model().steps])
    assert len(Segmentation().score(Segmentation().fit(filled, holes, CONTEXT), holes, CONTEXT)) == 150


def test_a_clusterer_that_cannot_assign_is_refused(customers):
    with pytest.raises(UserError, match="cannot assign new customers"):
        Segmentation().fit(make_pipeline(AgglomerativeClustering()), customers, CONTEXT)
