"""Factor models: customers and items as points of a space in which what goes together lies in one direction.

Both are learnt by the library implicit, which is needed for nothing else: what is kept are the factors of items, and a
customer's own are told from their history alone.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd
from numpy.random import RandomState
from numpy.typing import NDArray
from scipy import sparse
from threadpoolctl import threadpool_limits

from cxai_runner.methods.recommend.blocks import rowwise
from cxai_runner.methods.recommend.interactions import Floats, Interactions
from cxai_runner.methods.recommend.recommender import Recommender
from cxai_runner.methods.recommend.watched import Watch, Watched

Doubles = NDArray[np.float64]
Confidence = Literal["once", "linear", "log"]

_AT_ONCE = 2_000_000
"""Numbers of customers' events and equations that are in memory at a time."""
_SHORTEST = 8
_LOOKED_AT = 30
"""Customers whose loss is told after each round: that of all would take a tenth of a round or more."""


class IALS(Watched, Recommender):
    """Recommend by least squares of what was bought and what was not, the former with more confidence [1]_.

    Factors x of customers and y of items minimise Σ c (p − xᵀy)² + penalty (Σ‖x‖² + Σ‖y‖²) over all pairs, where p is
    whether the customer bought the item, and c = 1 + alpha · v if so, else 1. Each side in turn is solved given the
    other. A customer is placed by one such half-step from their history, exactly, whether they were there or not.

    Parameters
    ----------
    k
        Items on a list.
    repeats
        Whether what a customer bought before may be on their list.
    factors
        Dimensions of the space.
    alpha
        How much more a purchase tells than that there was none.
    penalty
        The more, the closer factors are to 0.
    confidence
        What v is: 1 (``once``), the sum of weights w (``linear``), or log(1 + w) (``log``).
    iterations
        How often both sides are solved.
    random_state
        Seed of the factors it begins with.
    n_jobs
        Threads. Their number changes nothing but the time.

    Attributes
    ----------
    factors_ : ndarray of shape (m, factors)
        Of the items.
    gram_ : ndarray of shape (factors, factors)
        YᵀY + penalty I.
    losses_ : list of float
        What is minimised, per customer, after each round: of thirty customers at most, evenly spaced among the rows.

    References
    ----------
    .. [1] Hu, Koren and Volinsky (2008), Collaborative filtering for implicit feedback datasets, ICDM.
    """

    def __init__(
        self,
        k: int = 10,
        repeats: bool = True,
        factors: int = 32,
        alpha: float = 2.0,
        penalty: float = 20.0,
        confidence: Confidence = "once",
        iterations: int = 15,
        random_state: int | RandomState | None = None,
        n_jobs: int | None = None,
    ) -> None:
        self.k = k
        self.repeats = repeats
        self.factors = factors
        self.alpha = alpha
        self.penalty = penalty
        self.confidence = confidence
        self.iterations = iterations
        self.random_state = random_state
        self.n_jobs = n_jobs

    def _learn(self, several: Interactions, items: pd.DataFrame | None) -> None:
        _positive(self, "factors", "alpha", "penalty", "iterations")
        if self.confidence not in get_args(Confidence):
            raise ValueError(f"confidence: {', '.join(get_args(Confidence))}, not {self.confidence!r}")
        with _alone():
            from implicit.cpu.als import AlternatingLeastSquares

            model = AlternatingLeastSquares(
                factors=self.factors,
                regularization=self.penalty,
                alpha=1.0,  # confidences are ours
                iterations=self.iterations,
                num_threads=_threads(self.n_jobs),
                random_state=self.random_state,
            )
            told = self._extra(several)
            told.data += 1
            some = np.arange(0, len(several), max(1, -(-len(several) // _LOOKED_AT)))
            looked_at = told[some]
            self.losses_: list[float] = []

            def point(*_: Any) -> tuple[str, float]:
                x, y = model.user_factors, model.item_factors
                self.losses_.append(squared_loss(looked_at, x[some], y, self.penalty, len(x)))
                return "training_loss", self.losses_[-1]

            _fit(model, told, point, self._watching(), "alpha", "a lower one, or a penalty nearer to 1")
        self.factors_ = np.asarray(model.item_factors, dtype=np.float32)
        wide = self.factors_.astype(np.float64)
        self.gram_ = wide.T @ wide + self.penalty * np.eye(self.factors)

    def _score(self, several: Interactions) -> Floats:
        return rowwise(self.customers(several), self.factors_.T)

    def customers(self, several: Interactions) -> Floats:
        """Return where customers are, from their histories, shape (n, factors)."""
        return half_step(self._extra(several), self.factors_, self.gram_)

    def _extra(self, several: Interactions) -> sparse.csr_array:
        """The confidence of each purchase beyond that of none, customers × items."""
        found = several.bought.copy() if self.confidence == "once" else several.matrix()
        if self.confidence == "log":
            found.data = np.log1p(found.data)
        found.data *= np.float32(self.alpha)
        return found


class BPR(Watched, Recommender):
    """Recommend by factors that put what a customer bought before what they did not [1]_.

    Pairs of an item that was bought and one that was not are drawn, and factors are moved so that the former scores
    higher. A customer is placed at the average of the factors of what they bought: that ranks what they will buy
    better than the factors that training gives to each customer, which fit the past too closely. One thread is used,
    since several would write over each other, differently each time.

    Parameters
    ----------
    k
        Items on a list.
    repeats
        Whether what a customer bought before may be on their list.
    factors
        Dimensions of the space.
    learning_rate
        How far a pair moves its factors.
    penalty
        The more, the closer factors are to 0.
    iterations
        How often as many pairs are drawn as there are purchases.
    random_state
        Seed of the factors it begins with, and of the pairs.

    Attributes
    ----------
    factors_ : ndarray of shape (m, factors)
        Of the items.
    bias_ : ndarray of shape (m,)
        What each scores with everybody.

    References
    ----------
    .. [1] Rendle, Freudenthaler, Gantner and Schmidt-Thieme (2009), BPR: Bayesian personalized ranking from implicit
       feedback, UAI.
    """

    def __init__(
        self,
        k: int = 10,
        repeats: bool = True,
        factors: int = 64,
        learning_rate: float = 0.01,
        penalty: float = 0.02,
        iterations: int = 200,
        random_state: int | RandomState | None = None,
    ) -> None:
        self.k = k
        self.repeats = repeats
        self.factors = factors
        self.learning_rate = learning_rate
        self.penalty = penalty
        self.iterations = iterations
        self.random_state = random_state

    def _learn(self, several: Interactions, items: pd.DataFrame | None) -> None:
        _positive(self, "factors", "learning_rate", "penalty", "iterations")
        bought = several.bought[~several.empty]
        with _alone():
            from implicit.cpu.bpr import BayesianPersonalizedRanking

            model = BayesianPersonalizedRanking(
                factors=self.factors,
                learning_rate=self.learning_rate,
                regularization=self.penalty,
                iterations=self.iterations,
                num_threads=1,
                random_state=self.random_state,
            )

            def point(right: int, skipped: int) -> tuple[str, float]:
                return "training_auc", right / max(bought.nnz - skipped, 1)

            _fit(model, bought, point, self._watching(), "learning_rate", "a lower one, or a lower penalty")
        found = np.asarray(model.item_factors, dtype=np.float32)
        self.factors_, self.bias_ = np.ascontiguousarray(found[:, :-1]), found[:, -1].copy()

    def _score(self, several: Interactions) -> Floats:
        bought = several.bought
        sizes = np.maximum(np.diff(bought.indptr), 1).astype(np.float32)
        found = rowwise((bought @ self.factors_) / sizes[:, np.newaxis], self.factors_.T)
        found += self.bias_
        return found


class _GivenUp(Exception):  # noqa: N818 - no error
    """Ends a fit between two rounds: implicit has no other way."""


def _fit(
    model: Any,
    told: sparse.csr_array,
    point: Callable[..., tuple[str, float]],
    watch: Watch,
    parameter: str,
    instead: str,
) -> None:
    """Fit a model of implicit, and tell a point of its learning curve after each round.

    Raises
    ------
    ValueError
        The factors are no numbers any more, which most often comes of ``parameter``.
    """
    from implicit.recommender_base import ModelFitError

    def after(round_: int, seconds: float, *found: Any) -> None:
        watch.step(*point(*found), round_ + 1)
        if watch.should_stop():
            raise _GivenUp

    try:
        with suppress(_GivenUp):
            model.fit(sparse.csr_matrix(told), show_progress=False, callback=after)
    except ModelFitError as error:
        raise ValueError(f"{parameter}: the factors grew beyond all numbers: choose {instead}") from error


def squared_loss(confidence: sparse.csr_array, x: Floats, y: Floats, penalty: float, customers: int) -> float:
    """Return what `IALS` minimises, per customer.

    Σ c (p − xᵀy)² over all pairs is that of the pairs that were bought, and Σ (xᵀy)² of all others, which is the sum
    over all, Σ (XᵀX ∘ YᵀY), less that over the former.

    Parameters
    ----------
    confidence
        c of what some customers bought, shape (n, m).
    x, y
        Factors of these customers, shape (n, f), and of all items, shape (m, f).
    penalty, customers
        As in `IALS`, and how many customers there are, who share that of the items.
    """
    rows = np.repeat(np.arange(len(x)), np.diff(confidence.indptr))
    scores = np.einsum("ij,ij->i", np.take(x, rows, axis=0), np.take(y, confidence.indices, axis=0))
    gram, own = y.T @ y, x.T @ x
    bought = float((confidence.data * (1 - scores) ** 2 - scores**2).sum())
    pairs = float((gram * own).sum()) + bought + penalty * float(np.trace(own))
    return pairs / len(x) + penalty * float(np.trace(gram)) / customers


def half_step(extra: sparse.csr_array, factors: Floats, gram: Doubles) -> Floats:
    """Return customers' factors given those of items, each solved exactly and the same alone and among others.

    x = (YᵀY + penalty I + Σ (c − 1) y yᵀ)⁻¹ Σ c y, with sums over what the customer bought.

    Parameters
    ----------
    extra
        c − 1, shape (n, m).
    factors
        Y, shape (m, f).
    gram
        YᵀY + penalty I, shape (f, f).
    """
    lengths, f = np.diff(extra.indptr), factors.shape[1]
    found = np.zeros((len(lengths), f), dtype=np.float32)
    wide = factors.astype(np.float64)
    # A history is filled up to a length of its own, so that its sums are taken in the same order whoever is beside it.
    step = np.maximum(_SHORTEST, np.exp2(np.ceil(np.log2(np.maximum(lengths, 1))) - 2)).astype(np.int64)
    filled = -(-lengths // step) * step
    for length in np.unique(filled[lengths > 0]):
        those = np.flatnonzero((filled == length) & (lengths > 0))
        size = max(1, _AT_ONCE // (f * max(f, int(length))))
        for begin in range(0, len(those), size):
            rows = those[begin : begin + size]
            there = np.arange(length) < lengths[rows, np.newaxis]
            events = np.where(there, extra.indptr[rows, np.newaxis] + np.arange(length), 0)
            y = wide[extra.indices[events]]
            more = np.where(there, extra.data[events], 0).astype(np.float64)
            left = gram + (y * more[:, :, np.newaxis]).transpose(0, 2, 1) @ y
            right = (np.where(there, 1 + more, 0)[:, np.newaxis] @ y)[:, 0]
            found[rows] = np.linalg.solve(left, right[:, :, np.newaxis])[:, :, 0]
    return found


def _alone() -> Any:
    """Hold BLAS to one thread: implicit has threads of its own, and both together are far slower than either."""
    return threadpool_limits(1, user_api="blas")


def _threads(n_jobs: int | None) -> int:
    return (os.cpu_count() or 1) if n_jobs is not None and n_jobs < 0 else n_jobs or 1


def _positive(model: Recommender, *names: str) -> None:
    for name in names:
        if not getattr(model, name) > 0:
            raise ValueError(f"{name}: more than 0, not {getattr(model, name)!r}")
