"""Factors of customers and items that lean on what is known of them, so that those with little behind them have some.

A customer's factors are what their attributes say plus a part of their own, and so are an item's. Someone of whom a
purchase or two is known starts from their attributes; an item that nobody bought yet is what its features say.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np
import pandas as pd
from annotated_types import Ge, Gt
from numpy.typing import NDArray
from scipy import sparse
from scipy.linalg import cho_factor, cho_solve

from cxai_runner.methods.recommend.blocks import rowwise
from cxai_runner.methods.recommend.interactions import ITEMS, Catalogue, Floats, Interactions
from cxai_runner.methods.recommend.known import Known
from cxai_runner.methods.recommend.recommender import Recommender
from cxai_runner.methods.recommend.watched import Watched

Doubles = NDArray[np.float64]

_ROWS = 4096
"""Rows whose features are dense at a time."""


class FeatureFactorisation(Watched, Recommender):
    """Recommend by factors of customers and items, each the sum of its features' and a part of its own [1]_.

    With S what was bought, r how often, p_u the factors of a customer whose attributes are a_u, and q_i those of an
    item whose features are f_i, the loss is

        Σ_S (r_ui − p_u·q_i)² + unobserved Σ_u Σ_i (p_u·q_i)²
        + Σ_u λ_u ‖p_u − B a_u‖² + Σ_i λ_i ‖q_i − G f_i‖² + shrinkage · (λ̄_u ‖B‖² + λ̄_i ‖G‖²),

    where r = log₂(1 + weights of the purchases), which is 1 for one, and 1 throughout where they do not count;
    λ_u = regularisation · (items bought + unobserved · all items), λ_i likewise, λ̄ their means. The squared loss over
    all pairs needs no sample of what was not bought [2]_; penalty and weights are those of [3]_, which it is where
    there are no features; the means that features make of factors are those of [4]_. Each of p, B, q and G is in turn
    put where the loss is least, given the others: the loss never rises.

    A customer is ranked by the factors that their attributes and their history make, whether they were there in
    training or not. A number is a feature as it is, standardised; a text is one for each level.

    Parameters
    ----------
    k
        Items on a list.
    repeats
        Whether what a customer bought before may be on their list.
    factors
        How many.
    regularisation
        As above, more than 0.
    unobserved
        As above, more than 0: how much it tells that something was not bought.
    shrinkage
        How many average customers, or items, without the feature each feature is joined by, more than 0.
    weighted
        Whether the weights of purchases count, or only what was bought.
    rare
        Rows below which a level is counted among ``other``.
    attributes, features
        Columns of customers and of items that are used; None for all.
    cold
        Whether items of the table of items that nobody bought can be recommended too.
    iterations
        How often all are put where the loss is least.
    random_state
        Where factors begin.

    Attributes
    ----------
    item_factors_ : ndarray of shape (m, factors)
    attribute_factors_, feature_factors_ : ndarray of shape (levels, factors)
        B and G, turned.
    losses_ : list of float
        The loss after each iteration.

    References
    ----------
    .. [1] Kula (2015), Metadata embeddings for user and item cold-start recommendations, CBRecSys: LightFM.
    .. [2] Hu, Koren and Volinsky (2008), Collaborative filtering for implicit feedback datasets, ICDM.
    .. [3] Rendle, Krichene, Zhang and Koren (2022), Revisiting the performance of iALS on item recommendation
       benchmarks, RecSys.
    .. [4] Agarwal and Chen (2009), Regression-based latent factor models, KDD.
    """

    def __init__(
        self,
        k: int = 10,
        repeats: bool = True,
        factors: Annotated[int, Ge(1)] = 64,
        regularisation: Annotated[float, Gt(0)] = 0.01,
        unobserved: Annotated[float, Gt(0)] = 0.3,
        shrinkage: Annotated[float, Gt(0)] = 1.0,
        weighted: bool = True,
        rare: Annotated[int, Ge(1)] = 10,
        attributes: list[str] | None = None,
        features: list[str] | None = None,
        cold: bool = False,
        iterations: Annotated[int, Ge(1)] = 10,
        random_state: int | None = None,
    ) -> None:
        self.k = k
        self.repeats = repeats
        self.factors = factors
        self.regularisation = regularisation
        self.unobserved = unobserved
        self.shrinkage = shrinkage
        self.weighted = weighted
        self.rare = rare
        self.attributes = attributes
        self.features = features
        self.cold = cold
        self.iterations = iterations
        self.random_state = random_state

    def _catalogue(self, bought: Catalogue, items: pd.DataFrame | None) -> Catalogue:
        """All that was bought and, where it is asked for, what is known of beside; that comes last, by name."""
        if not self.cold or items is None:
            return bought
        further = sorted(set(items["item_id"].astype(str)) - set(bought.items))
        customers = np.concatenate([bought.customers, np.zeros(len(further), dtype=np.int64)])
        return Catalogue((*bought.items, *further), customers)

    def _learn(self, several: Interactions, items: pd.DataFrame | None) -> None:
        self._check()
        warm = int(np.count_nonzero(self.bought_by_))
        bought = self._bought(several, warm)
        self.attributes_ = Known(self.rare).fit(_of(several.customers, self.attributes, "attributes"))
        about = None if items is None else _of(items.drop(columns="item_id"), self.features, "features")
        self.features_ = Known(self.rare).fit(None if about is None else about[:warm])
        described = _encoded(self.features_, about, several.items)

        customers = Side.of(bought, _encoded(self.attributes_, several.customers, len(several)), self)
        things = Side.of(bought.T.tocsr(), described[:warm], self)
        rng = np.random.default_rng(self.random_state)
        things.factors = rng.normal(0, 1 / np.sqrt(self.factors), (warm, self.factors))
        self.losses_: list[float] = []
        watch = self._watching()
        for iteration in range(1, self.iterations + 1):
            customers.move(things.factors, self.unobserved)
            things.move(customers.factors, self.unobserved)
            self.losses_.append(loss(bought, customers, things, self.unobserved))
            watch.step("training_loss", self.losses_[-1], iteration)
            if watch.should_stop():
                break
        self.attribute_factors_, self.feature_factors_ = customers.weights, things.weights
        unseen = described[warm:] @ things.weights
        self.item_factors_ = np.vstack([things.factors, unseen])
        self.gram_ = self.unobserved * things.factors.T @ things.factors

    def _score(self, several: Interactions) -> Floats:
        return rowwise(self._factors(several).astype(np.float32), self.item_factors_.T.astype(np.float32))

    def _factors(self, several: Interactions) -> Doubles:
        """The factors of customers, from their attributes and what they bought of the items that were learnt from."""
        warm = int(np.count_nonzero(self.bought_by_))
        means = _encoded(self.attributes_, several.customers, len(several)) @ self.attribute_factors_
        bought = self._bought(several, warm)
        penalties = self.regularisation * (np.diff(bought.indptr) + self.unobserved * warm)
        return least(bought, self.item_factors_[:warm], self.gram_, means, penalties)

    def _bought(self, several: Interactions, warm: int) -> sparse.csr_array:
        """How often each customer bought each item that was learnt from, r."""
        if not self.weighted:
            return several.bought[:, :warm].astype(np.float64)
        found = several.matrix()[:, :warm].astype(np.float64)
        found.data = np.log2(1 + np.maximum(found.data, 0))
        return found

    def _check(self) -> None:
        for name in ("factors", "iterations", "rare"):
            if int(getattr(self, name)) < 1:
                raise ValueError(f"{name}: 1 or more, not {getattr(self, name)!r}")
        for name in ("regularisation", "unobserved", "shrinkage"):
            if not 0 < getattr(self, name) < np.inf:
                raise ValueError(f"{name}: more than 0, not {getattr(self, name)!r}")


@dataclass(eq=False)
class Side:
    """Customers, or items: what each has bought or was bought by, and what is known of it.

    Parameters
    ----------
    bought
        How often, r, shape (n, m).
    known
        Features, shape (n, levels).
    penalties
        λ of each, shape (n,).
    shrinkage
        The penalty of its features' factors.
    factors, weights
        Shape (n, factors), and (levels, factors).
    """

    bought: sparse.csr_array
    known: sparse.csr_array
    penalties: Doubles
    shrinkage: float
    factors: Doubles
    weights: Doubles

    @classmethod
    def of(cls, bought: sparse.csr_array, known: sparse.csr_array, model: FeatureFactorisation) -> Side:
        """Return a side whose factors are 0."""
        n, m = bought.shape
        penalties = model.regularisation * (np.diff(bought.indptr) + model.unobserved * m)
        zeros = np.zeros((n, model.factors)), np.zeros((known.shape[1], model.factors))
        return cls(bought, known, penalties, model.shrinkage * float(penalties.mean()), *zeros)

    def move(self, others: Doubles, unobserved: float) -> None:
        """Put the factors where the loss is least, and then what features say of them."""
        gram = unobserved * others.T @ others
        self.factors = least(self.bought, others, gram, self.known @ self.weights, self.penalties)
        if self.known.shape[1]:
            weighed = self.known.multiply(self.penalties[:, np.newaxis]).tocsr()
            normal = (self.known.T @ weighed).toarray() + self.shrinkage * np.eye(self.known.shape[1])
            self.weights = cho_solve(cho_factor(normal), weighed.T @ self.factors)

    @property
    def penalty(self) -> float:
        """What the loss has of this side alone."""
        apart = self.factors - self.known @ self.weights
        return float(self.penalties @ (apart**2).sum(axis=1) + self.shrinkage * (self.weights**2).sum())


def least(bought: sparse.csr_array, others: Doubles, gram: Doubles, means: Doubles, penalties: Doubles) -> Doubles:
    """Return for each row the factors where its loss is least, given the others', shape (n, factors).

    They solve (gram + Σ_i q_i q_iᵀ + λ I) p = Σ_i r_i q_i + λ · mean, the sums over what the row has bought.
    """
    found = np.empty_like(means)
    eye = np.eye(len(gram))
    begins, codes = bought.indptr, bought.indices
    for row in range(len(means)):
        span = slice(begins[row], begins[row + 1])
        own = others[codes[span]]
        normal = gram + own.T @ own + penalties[row] * eye
        found[row] = np.linalg.solve(normal, bought.data[span] @ own + penalties[row] * means[row])
    return found


def loss(bought: sparse.csr_array, customers: Side, items: Side, unobserved: float) -> float:
    """Return the loss that `FeatureFactorisation` makes small."""
    p, q = customers.factors, items.factors
    every = unobserved * float(((p.T @ p) * (q.T @ q)).sum())
    rows = np.repeat(np.arange(len(p)), np.diff(bought.indptr))
    fitted = 0.0
    for begin in range(0, len(rows), 1_000_000 // p.shape[1] + 1):
        part = slice(begin, begin + 1_000_000 // p.shape[1] + 1)
        fitted += float(((bought.data[part] - (p[rows[part]] * q[bought.indices[part]]).sum(axis=1)) ** 2).sum())
    return fitted + every + customers.penalty + items.penalty


def _of(frame: pd.DataFrame, columns: list[str] | None, key: str) -> pd.DataFrame:
    """The columns that are asked for."""
    if columns is None:
        return frame.drop(columns=[ITEMS], errors="ignore")
    absent = [name for name in columns if name not in frame]
    if absent:
        there = ", ".join(map(str, frame.columns)) or "none"
        raise ValueError(f"{key}: no column {', '.join(absent)}; there are: {there}")
    return frame[columns]


def _encoded(known: Known, frame: pd.DataFrame | None, rows: int) -> sparse.csr_array:
    """Features as numbers, sparse, shape (n, levels); dense for a few rows at a time only."""
    if frame is None or not known.width_:
        return sparse.csr_array((rows, 0), dtype=np.float64)
    parts = [sparse.csr_array(known.transform(frame.iloc[at : at + _ROWS])) for at in range(0, rows, _ROWS)]
    return sparse.vstack(parts, format="csr") if parts else sparse.csr_array((0, known.width_))
