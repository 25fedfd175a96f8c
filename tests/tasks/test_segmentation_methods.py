"""Segmentation by each method: planted segments come back, one group is none, the report shows what the method saw."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.decomposition import PCA
from sklearn.metrics import adjusted_rand_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from cxai_runner.config.problems import UserError
from cxai_runner.data.dataset import Dataset, Roles
from cxai_runner.evaluation.results import Figure, Finding, Table
from cxai_runner.methods.preparation import Preparation
from cxai_runner.methods.segments import (
    ComponentSegments,
    DensitySegments,
    GaussianMixtureSegments,
    HierarchicalSegments,
    KMeansSegments,
    LatentClassSegments,
)
from cxai_runner.tracking.models import format_of
from tasks.segmentation import Segmentation
from tasks.segmentation.components import meaning

from .test_segmentation import CONTEXT, only, run, texts

METHODS = {
    "kmeans": KMeansSegments(k_max=5, n_init=3, random_state=0),
    "hierarchical": HierarchicalSegments(k_max=5, random_state=0),
    "components": ComponentSegments(2, k_max=5, n_init=3, random_state=0),
    "mixture": GaussianMixtureSegments(k_max=5, n_init=1, random_state=0),
    "latent class": LatentClassSegments(k_max=5, n_init=3, random_state=0),
    "hdbscan": DensitySegments(0.08, random_state=0),
}
PLANTED = np.array([[0, 0, 0, 0], [8, 8, 0, 0], [0, 0, 8, 8]], dtype=float)


def planted(n=400, seed=0):
    rng = np.random.default_rng(seed)
    truth = rng.choice(3, n, p=[0.5, 0.3, 0.2])
    frame = pd.DataFrame(rng.normal(size=(n, 4)) + PLANTED[truth], columns=["recency", "orders", "revenue", "age"])
    return customers(frame), truth


def customers(frame):
    return Dataset("customers", frame.assign(customer_id=range(len(frame))), Roles(inputs=tuple(frame.columns)))


def one_group(correlation, n=400):
    rng = np.random.default_rng(5)
    covariance = np.full((3, 3), correlation) + np.eye(3) * (1 - correlation)
    return customers(pd.DataFrame(rng.multivariate_normal([0, 0, 0], covariance, n), columns=["a", "b", "c"]))


@pytest.mark.parametrize("name", METHODS)
def test_planted_segments_come_back(name):
    data, truth = planted()
    task = Segmentation(resamples=2)
    fitted = task.fit(make_pipeline(StandardScaler(), METHODS[name]), data, CONTEXT)
    scores = task.score(fitted, data, CONTEXT)
    assert adjusted_rand_score(truth, scores["segment"]) >= 0.95
    saved = task.models(fitted, data)["model"]
    assert format_of(saved).name == "skops"
    new, others = planted(seed=9)
    assert adjusted_rand_score(others, saved.estimator.predict(new.frame[list(saved.example)])) >= 0.95


@pytest.mark.slow
@pytest.mark.parametrize("correlation", [0.0, 0.8])
@pytest.mark.parametrize("name", METHODS)
def test_one_group_is_no_segments(name, correlation):
    """Its columns may depend on each other: a long cloud divides the same way every time, and is still one."""
    contents = run(one_group(correlation), make_pipeline(StandardScaler(), METHODS[name]), Segmentation(resamples=3))[3]
    (headline,) = texts(contents, "headline")
    assert headline.startswith(("No segments are to be seen", "No lasting segments are to be seen"))


def test_a_given_number_of_one_group_is_none_either():
    contents = run(one_group(0.8), make_pipeline(KMeansSegments(4, random_state=0)), Segmentation(resamples=3))[3]
    (headline,) = texts(contents, "headline")
    assert "no more clearly than one group does whose columns have the same means and correlations" in headline


@pytest.fixture(scope="module")
def tree():
    return run(planted()[0], make_pipeline(StandardScaler(), METHODS["hierarchical"]), Segmentation(resamples=2))[3]


def test_the_criteria_stand_side_by_side(tree):
    table = only(tree, Table, "selection").frame
    assert list(table["k"]) == [1, 2, 3, 4, 5]
    assert {"heights", "silhouette", "elbow", "gap", "gap_error", "strength", "strength_error"} <= set(table)
    said = only(tree, Table, "recommendation").frame.set_index("criterion")["segments"]
    assert (said == "3").sum() >= 4
    assert any(text.startswith("Recommended: 3 segments:") for text in texts(tree, "finding"))
    assert only(tree, Figure, "selection_prediction_strength").reference == {"x": 3.0, "y": 0.8}


def test_a_recommendation_that_was_not_followed_is_told():
    model = make_pipeline(StandardScaler(), KMeansSegments(k_min=4, k_max=6, n_init=3, random_state=0))
    contents = run(planted()[0], model, Segmentation(resamples=2))[3]
    (told,) = [text for text in texts(contents, "finding") if text.startswith("Recommended")]
    chosen = int(only(contents, Figure, "selection_inertia").reference["x"])
    assert (f"The model has {chosen}" in told) == (f"Recommended: {chosen} segments" not in told)


def test_the_merge_tree_is_drawn_and_its_cut_suggested(tree):
    figure = only(tree, Figure, "dendrogram")
    heights = only(tree, Table, "merges").frame.set_index("segments left")["height"]
    assert heights[3] < figure.reference["y"] < heights[2]
    assert len(figure.data) == 29
    assert any(
        "where its branches are longest gives 3 segments, as the model has" in text for text in texts(tree, "finding")
    )


@pytest.mark.parametrize(
    "steps",
    [(StandardScaler(), METHODS["components"]), (StandardScaler(), PCA(2), METHODS["kmeans"])],
    ids=["in the model", "as a transformer"],
)
def test_components_are_said_in_words(steps):
    contents = run(planted()[0], make_pipeline(*steps), Segmentation(resamples=2))[3]
    table = only(contents, Table, "components").frame
    assert set(table["high in it"][0].replace("low: ", "").replace(";", ",").split(", ")) >= {"recency", "orders"}
    loadings = only(contents, Figure, "loadings").data
    assert loadings["loading"].abs().max() <= 1
    assert len(loadings) == 4 * len(table)


def test_a_meaning_names_what_correlates():
    assert (
        meaning(["income", "Settlement_size", "age"], np.array([0.7, 0.9, -0.6])) == "settlement size, income; low: age"
    )
    assert meaning(["income", "age"], np.array([0.1, -0.3])) == "low: age"


def test_membership_is_told_where_there_is_one():
    contents = run(planted()[0], make_pipeline(METHODS["mixture"]), Segmentation(resamples=2))[3]
    table = only(contents, Table, "membership").frame
    assert table["expected customers"].sum() == pytest.approx(400)
    assert (table["mean probability"] > 0.95).all()


def answers(n=300):
    rng = np.random.default_rng(0)
    kind = rng.choice(2, n, p=[0.6, 0.4])
    frame = pd.DataFrame(
        {
            name: np.where(rng.uniform(size=n) < 0.9, np.array(["tea", "milk"])[kind], np.array(["milk", "tea"])[kind])
            for name in ("breakfast", "lunch", "dinner", "supper")
        }
    )
    frame["age"] = rng.normal(40, 9, n)
    return customers(frame), kind


def test_latent_classes_take_text_and_missing_values():
    data, kind = answers()
    holes = replace(data, frame=data.frame.assign(lunch=data.frame["lunch"].where(data.frame.index % 9 > 0)))
    fitted, scores, _, contents = run(holes, make_pipeline(METHODS["latent class"]), Segmentation(resamples=2))
    assert fitted.segments.pipeline[-1].n_clusters_ == 2
    assert adjusted_rand_score(kind, scores["segment"]) > 0.7
    assert set(only(contents, Table, "segments").frame["name"]) == {
        "high breakfast = tea, low breakfast = milk",
        "high breakfast = milk, low breakfast = tea",
    } or all("=" in name for name in only(contents, Table, "segments").frame["name"])
    table = only(contents, Table, "classes").frame
    assert set(table["column"]) == {"breakfast", "lunch", "dinner", "supper", "age"}
    assert (table["standard_error"].dropna() > 0).all()


def test_text_is_refused_where_it_means_nothing():
    with pytest.raises(UserError) as caught:
        Segmentation().fit(make_pipeline(StandardScaler(), METHODS["kmeans"]), answers()[0], CONTEXT)
    problems = caught.value.problems
    assert [one.key for one in problems] == [
        f"data.customers.{name}" for name in ("breakfast", "lunch", "dinner", "supper")
    ]
    assert "model=segmentation/latent_class" in problems[0].remedy


def test_text_can_be_prepared():
    data, kind = answers()
    _, scores, _, contents = run(data, make_pipeline(Preparation(winsorise=0.01), KMeansSegments(2, random_state=0)))
    assert adjusted_rand_score(kind, scores["segment"]) > 0.7
    table = only(contents, Table, "preparation").frame.set_index("column")
    assert table.loc["breakfast", "became"] == "2 indicators"
    assert table.loc["age", "values drawn in"] == 6


def test_who_belongs_nowhere_is_no_segment():
    data, _ = planted()
    far = np.random.default_rng(1).uniform(-15, 25, (60, 4))
    frame = pd.concat([data.frame.drop(columns="customer_id"), pd.DataFrame(far, columns=list(data.roles.inputs))])
    noisy = customers(frame.reset_index(drop=True))
    _, scores, metrics, contents = run(noisy, make_pipeline(StandardScaler(), METHODS["hdbscan"]))
    outside = scores["segment"] == -1
    assert outside[400:].mean() > 0.8
    assert (scores.loc[outside, "silhouette"] == 0).all()
    np.testing.assert_allclose(scores.loc[outside, "distance"], scores.loc[outside, "spread"])
    assert "unassigned" in set(only(contents, Table, "segments").frame["name"])
    assert "fall into 3 segments" in texts(contents, "headline")[0]
    assert any("lie in no dense region and stay unassigned" in text for text in texts(contents, "finding"))
    assert metrics["stability"].value.value > 0.7


def test_one_segment_is_none():
    model = make_pipeline(KMeansSegments(choose_by="majority", k_max=4, n_init=2, random_state=0))
    _, scores, _, contents = run(one_group(0.0), model, Segmentation(resamples=2))
    assert set(scores["segment"]) == {0}
    assert texts(contents, "headline")[0].startswith("No segments are to be seen: 400 customers are one group:")


def test_no_dense_region_is_no_segments():
    model = make_pipeline(DensitySegments(0.9, min_samples=200))
    contents = run(one_group(0.0), model, Segmentation(resamples=2))[3]
    assert texts(contents, "headline")[0].startswith("No segments are to be seen")
    assert any("smaller model.min_cluster_size" in text for text in texts(contents, "finding"))


def test_many_customers_are_challenged_by_a_sample(monkeypatch):
    monkeypatch.setattr(HierarchicalSegments, "challenge_rows", 150)
    data, _ = planted()
    contents = run(data, make_pipeline(HierarchicalSegments(3, max_customers=200, random_state=0)))[3]
    said = texts(contents, "caveat")
    assert any("those of 150 customers drawn at random" in text for text in said)
    assert any("200 of 400 customers, drawn at random, made the tree" in text for text in said)
    assert (only(contents, Table, "segments").frame["found_again"] > 0.9).all()


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (KMeansSegments(500), "n_clusters=500 segments are more than the n_samples=400 rows"),
        (LatentClassSegments(2, categorical=["shoes"]), "categorical names shoes, and there is no such column"),
    ],
)
def test_parameters_that_the_rows_do_not_bear_out_are_told(model, message):
    with pytest.raises(UserError, match=message):
        Segmentation().fit(make_pipeline(model), planted()[0], CONTEXT)


def test_findings_are_sentences(tree):
    assert all(one.text.endswith(".") and "nan" not in one.text for one in tree if isinstance(one, Finding))
