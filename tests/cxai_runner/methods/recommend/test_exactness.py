"""Each model is what its formula says: beside dense computations, other solvers and the library that learnt it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from implicit.cpu.als import AlternatingLeastSquares
from scipy import sparse
from sklearn.base import clone
from sklearn.linear_model import ElasticNet, Ridge
from threadpoolctl import threadpool_info, threadpool_limits

from cxai_runner.methods.recommend import (
    BPR,
    EASE,
    IALS,
    SLIM,
    CatalogueTooLargeError,
    FeatureFactorisation,
    Interactions,
    ItemKNN,
    UserKNN,
)
from cxai_runner.methods.recommend.factors import half_step
from cxai_runner.methods.recommend.linear import gram
from cxai_runner.methods.recommend.lists import text


def customers(seed=0, count=60, items=12):
    """Histories of random customers, with weights; every item is bought by some."""
    rng = np.random.default_rng(seed)
    rows = [rng.integers(0, items, rng.integers(1, 9)) for _ in range(count)] + [np.arange(items)]
    return pd.DataFrame(
        {"items": [text(one.tolist()) for one in rows], "weights": [text((one % 3 + 1).tolist()) for one in rows]}
    )


def dense(model, frame, weighted=False):
    read = Interactions.of(frame, model.catalogue)
    return (read.matrix() if weighted else read.bought).toarray().astype(np.float64)


@pytest.mark.parametrize("weighted", [False, True])
def test_ease_is_the_ridge_regression_of_each_item_on_the_others(weighted):
    frame = customers()
    model = EASE(penalty=7.0, weighted=weighted).fit(frame)
    X = dense(model, frame, weighted)
    for item in range(X.shape[1]):
        others = np.delete(np.arange(X.shape[1]), item)
        alone = Ridge(alpha=7.0, fit_intercept=False).fit(X[:, others], X[:, item])
        np.testing.assert_allclose(model.weights_[others, item], alone.coef_, rtol=1e-5, atol=1e-7)
        assert model.weights_[item, item] == 0


@given(seed=st.integers(0, 2**32 - 1), penalty=st.floats(0.1, 1000))
@settings(deadline=None, max_examples=25)
def test_ease_satisfies_the_conditions_of_its_optimum(seed, penalty):
    """The gradient G(B − I) + λB is 0 off the diagonal."""
    frame = customers(seed)
    model = EASE(penalty=penalty).fit(frame)
    X, weights = dense(model, frame), model.weights_.astype(np.float64)
    slope = X.T @ X @ (weights - np.eye(len(weights))) + penalty * weights
    np.fill_diagonal(slope, 0)
    assert np.abs(slope).max() < 1e-5 * np.trace(X.T @ X)


@pytest.mark.parametrize(("lasso", "ridge"), [(0.5, 3.0), (2.0, 0.5), (1.0, 0.0)])
def test_slim_is_the_elastic_net_of_each_item_on_the_others(lasso, ridge):
    frame = customers(1)
    model = SLIM(lasso=lasso, ridge=ridge, tol=1e-10, max_iter=20_000).fit(frame)
    X, weights = dense(model, frame), model.weights_.toarray()
    for item in range(X.shape[1]):
        others = np.delete(np.arange(X.shape[1]), item)
        alone = ElasticNet(
            alpha=(lasso + ridge) / len(X),
            l1_ratio=lasso / (lasso + ridge),
            positive=True,
            fit_intercept=False,
            tol=1e-10,
            max_iter=20_000,
        ).fit(X[:, others], X[:, item])
        np.testing.assert_allclose(weights[others, item], alone.coef_, atol=2e-6)
        assert weights[item, item] == 0


@pytest.mark.parametrize("similarity", ["cosine", "tfidf", "bm25"])
@pytest.mark.parametrize("shrinkage", [0.0, 4.0])
def test_neighbours_are_those_of_a_dense_computation(similarity, shrinkage):
    frame = customers(2)
    items = ItemKNN(neighbours=4, similarity=similarity, shrinkage=shrinkage, weighted=True).fit(frame)
    X = dense(items, frame, weighted=True)
    told = weigh(X.T, similarity)
    alike = told @ told.T / (np.outer(np.linalg.norm(told, axis=1), np.linalg.norm(told, axis=1)) + shrinkage)
    np.fill_diagonal(alike, 0)
    kept = np.where(alike >= np.sort(alike, axis=1)[:, [-4]], alike, 0)
    np.testing.assert_allclose(items.similar_.toarray(), kept.T, rtol=1e-5)

    users = UserKNN(neighbours=5, similarity=similarity, shrinkage=shrinkage, weighted=True).fit(frame)
    told = weigh(X, similarity)
    alike = told @ told.T / (np.outer(np.linalg.norm(told, axis=1), np.linalg.norm(told, axis=1)) + shrinkage)
    order = np.argsort(-alike.astype(np.float32), axis=1, kind="stable")[:, :5]
    near = np.zeros_like(alike)
    np.put_along_axis(near, order, np.take_along_axis(alike, order, axis=1), axis=1)
    ((_, scores),) = users.scored(Interactions.of(frame, users.catalogue))
    # Customers who are exactly alike stand in the order of training on both sides, but for rounding.
    same = np.isclose(scores, near @ X, rtol=1e-4).all(axis=1)
    assert same.mean() > 0.9


def weigh(X, similarity):
    count, held = len(X), (X > 0).sum(axis=0)
    if similarity == "tfidf":
        return np.sqrt(X) * np.log(count / held)
    if similarity == "bm25":
        length = X.sum(axis=1, keepdims=True)
        damped = X + 1.2 * (0.25 + 0.75 * length / length.mean())
        return X * 2.2 / damped * np.log1p((count - held + 0.5) / (held + 0.5))
    return X


def test_one_neighbour_alone_may_be_asked():
    frame = pd.DataFrame({"items": ['["a","b"]', '["a","b","c"]', '["c","d"]', '["c","d","a"]']})
    model = ItemKNN(neighbours=1, similarity="cosine").fit(frame)
    similar = model.similar_items(["b"], k=1)
    assert similar[["item", "similar"]].to_numpy().tolist() == [["b", "a"]]
    assert similar["score"].tolist() == pytest.approx([2 / np.sqrt(3 * 2)])


@given(seed=st.integers(0, 2**32 - 1), factors=st.integers(1, 12), count=st.integers(1, 40))
@settings(deadline=None, max_examples=30)
def test_a_half_step_solves_the_normal_equations(seed, factors, count):
    rng = np.random.default_rng(seed)
    extra = sparse.random_array((count, 90), density=rng.uniform(0, 0.6), rng=rng, dtype=np.float32, format="csr")
    Y = rng.normal(size=(90, factors)).astype(np.float32)
    wide = Y.astype(np.float64)
    base = wide.T @ wide + 0.3 * np.eye(factors)
    found = half_step(extra, Y, base)
    for row in range(count):
        more = extra[[row]].toarray()[0].astype(np.float64)
        bought = more > 0
        right = ((1 + more) * bought) @ wide
        exact = np.linalg.solve(base + wide.T @ (wide * more[:, np.newaxis]), right)
        np.testing.assert_allclose(found[row], exact, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("confidence", ["once", "linear", "log"])
def test_a_customer_is_placed_where_implicit_places_them(confidence):
    """Where its own solution is exact, not by some steps of conjugate gradients."""
    frame = customers(3)
    model = IALS(factors=6, alpha=3.0, penalty=0.7, confidence=confidence, random_state=5).fit(frame)
    read = Interactions.of(frame, model.catalogue)
    weights = {"once": read.bought, "linear": read.matrix(), "log": read.matrix()}[confidence].copy()
    if confidence == "log":
        weights.data = np.log1p(weights.data)
    weights.data = 1 + 3 * weights.data
    with threadpool_limits(1):
        peer = AlternatingLeastSquares(6, regularization=0.7, random_state=5, num_threads=1)
        peer.fit(sparse.csr_matrix(weights), show_progress=False)
        theirs = peer.recalculate_user(np.arange(len(read)), sparse.csr_matrix(weights))
    np.testing.assert_allclose(model.factors_, peer.item_factors, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(model.customers(read), theirs, rtol=1e-3, atol=1e-4)


def test_the_loss_of_ials_is_that_of_every_pair_of_those_looked_at():
    """As the paper has it, over all pairs of every third customer of 61, and their share of the penalty of items."""
    frame = customers(3)
    model = IALS(factors=6, alpha=3.0, penalty=0.7, iterations=1, random_state=5).fit(frame)
    read = Interactions.of(frame, model.catalogue)
    bought = read.bought.toarray()
    with threadpool_limits(1):
        peer = AlternatingLeastSquares(6, regularization=0.7, random_state=5, num_threads=1, iterations=1)
        peer.fit(sparse.csr_matrix(4 * read.bought), show_progress=False)
    x, y = peer.user_factors.astype(np.float64), peer.item_factors.astype(np.float64)
    pairs = (1 + 3 * bought) * (bought - x @ y.T) ** 2
    exact = (pairs[::3].sum() + 0.7 * (x[::3] ** 2).sum()) / 21 + 0.7 * (y**2).sum() / 61
    assert model.losses_ == pytest.approx([exact], rel=1e-5)


@pytest.mark.parametrize(
    ("model", "told", "rises"),
    [
        (IALS(factors=4, iterations=6, penalty=1, random_state=0), "training_loss", False),
        (BPR(factors=4, iterations=6, learning_rate=0.1, random_state=0), "training_auc", True),
        (FeatureFactorisation(factors=4, iterations=6, random_state=0), "training_loss", False),
    ],
)
def test_who_watches_factors_hears_of_each_round_and_may_end_it(model, told, rises):
    heard = []
    frame = customers(5)
    watched = clone(model).watched(lambda *point: heard.append(point)).fit(frame)
    assert [(name, place) for name, _, place in heard] == [(told, place) for place in range(1, 7)]
    assert (heard[-1][1] > heard[0][1]) == rises
    plain = clone(model).fit(frame)
    pd.testing.assert_frame_equal(plain.predict(frame), watched.predict(frame), check_exact=True)
    several = []
    stopped = clone(model).watched(lambda *point: several.append(point), lambda: len(several) == 2).fit(frame)
    assert several == heard[:2]
    short = clone(model).set_params(iterations=2).fit(frame)
    pd.testing.assert_frame_equal(stopped.predict(frame), short.predict(frame), check_exact=True)


@pytest.mark.parametrize("threads", [1, 2])
def test_threads_change_nothing_about_ials(threads):
    frame = customers(4)
    alone = IALS(factors=6, random_state=0).fit(frame)
    np.testing.assert_array_equal(IALS(factors=6, random_state=0, n_jobs=threads).fit(frame).factors_, alone.factors_)


@pytest.mark.parametrize("model", [IALS(factors=4), BPR(factors=4, iterations=2), EASE()])
def test_blas_has_as_many_threads_after_a_fit_as_before(model):
    def threads():
        return {one["filepath"]: one["num_threads"] for one in threadpool_info() if one["user_api"] == "blas"}

    model.fit(customers())  # what it loads is loaded
    with threadpool_limits(2, user_api="blas"):
        before = threads()
        model.fit(customers())
        assert threads() == before
        assert set(before.values()) == {2}


def test_the_gram_matrix_is_that_of_a_dense_product(monkeypatch):
    monkeypatch.setattr("cxai_runner.methods.recommend.linear.BLOCK", 200)  # blocks of four rows
    values = sparse.random_array((40, 12), density=0.4, rng=np.random.default_rng(0), format="csr")
    np.testing.assert_allclose(gram(values), values.toarray().T @ values.toarray(), rtol=1e-12)


@pytest.mark.parametrize("model", [EASE(memory=1e-9), SLIM(memory=1e-9)])
def test_what_does_not_fit_is_said_before_it_is_begun(model):
    with pytest.raises(CatalogueTooLargeError, match=r"12 items need .* GiB.*features.fewest.*model=recommendation/"):
        model.fit(customers())


@pytest.mark.parametrize(
    ("model", "said"),
    [
        (EASE(penalty=0), "penalty: more than 0"),
        (SLIM(lasso=0), "lasso: more than 0, not 0; without it no weight is 0"),
        (SLIM(ridge=-1), "ridge: 0 or more"),
        (ItemKNN(neighbours=0), "neighbours: 1 or more"),
        (UserKNN(similarity="dice"), "similarity: cosine, tfidf, bm25, not 'dice'"),
        (ItemKNN(shrinkage=-1), "shrinkage: 0 or more"),
        (IALS(confidence="sure"), "confidence: once, linear, log, not 'sure'"),
        (IALS(factors=0), "factors: more than 0"),
        (BPR(learning_rate=-0.1), "learning_rate: more than 0"),
    ],
)
def test_settings_that_cannot_be_are_named(model, said):
    with pytest.raises(ValueError, match=said):
        model.fit(customers())
