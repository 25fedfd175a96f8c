"""A self-attentive sequence model: what comes next, from which of the earlier baskets matter for it."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse
from sklearn.utils._param_validation import Interval

from cxai_runner.methods.recommend.attention import attended
from cxai_runner.methods.recommend.baskets import Baskets, Places, spans
from cxai_runner.methods.recommend.interactions import Floats, Interactions
from cxai_runner.methods.recommend.network import Network, Training

ROWS = 128
"""Customers that are scored at once, always as many, so that each comes to the same bits in any company."""
FULL = 64_000_000
"""Scores of a step, up to which the whole catalogue is compared: 256 MB, and twice as much for their gradients."""
NEGATIVES = 1024
"""Items that stand for the whole catalogue in a step where it is too large."""


class SelfAttentive(Network):
    """Causal self-attention over baskets: Kang and McAuley (2018), Self-attentive sequential recommendation, ICDM.

    A place of the sequence is a basket, and its vector the mean of those of its items: what was bought at one time has
    no order, so the model sees none. Where each purchase has a time of its own it is the original. From each basket
    those that follow are foretold, by the softmax over the catalogue and not by one negative for each item, which makes
    most of the difference: Klenitskiy and Vasilev (2023), Turning dross into gold loss, RecSys. Places are counted from
    the newest. The vectors of items that come in and of those that are foretold are the same, and each item has a
    constant, its popularity.

    It is trained with Keras on TensorFlow (the extra ``deep``), and predicts without them. A share of the customers is
    held apart to judge each epoch by the NDCG of their last baskets, and the weights of the best one are kept. With the
    same seed and threads it comes to the same bits.

    Parameters
    ----------
    k
        Items on a list.
    repeats
        Whether what a customer bought before may be on their list.
    length
        The most baskets that are looked at, the last ones.
    ahead
        How many baskets are foretold from each; 1 is the next alone.
    dimension
        Of the vectors; a multiple of ``heads``.
    blocks, heads
        Layers of attention, and what each divides its attention into.
    dropout
        The share of vectors and of each layer's outputs left out at each step.
    negatives
        Items drawn in each step to stand for the catalogue, half of them by popularity, half evenly, weighted by how
        likely they are drawn (sampled softmax). None compares with the whole catalogue, or with 1,024 of it where a
        step would have more than 64 million scores; 0 with the whole one in any case.
    learning_rate
        Of Adam.
    batch_size
        Sequences of a step.
    epochs, patience
        The most, and how many without a better NDCG before it stops.
    validation_fraction
        The share of the customers held apart.
    random_state
        Seed of weights, dropout, and of what is drawn.
    n_jobs
        Threads of TensorFlow, which takes the number of the first network in a process.

    Attributes
    ----------
    weights_ : dict of str to ndarray
        Of all layers.
    negatives_ : int
        Items drawn in each step; 0 where the whole catalogue was compared.
    curve_ : ndarray of shape (epochs, 2)
        Training loss and NDCG by epoch.
    best_epoch_ : int
        The epoch, from 1, that was kept.
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "k": [Interval(Integral, 1, None, closed="left")],
        "repeats": ["boolean"],
        "length": [Interval(Integral, 1, None, closed="left")],
        "ahead": [Interval(Integral, 1, None, closed="left")],
        "dimension": [Interval(Integral, 1, None, closed="left")],
        "blocks": [Interval(Integral, 1, None, closed="left")],
        "heads": [Interval(Integral, 1, None, closed="left")],
        "dropout": [Interval(Real, 0, 1, closed="left")],
        "negatives": [None, Interval(Integral, 0, None, closed="left")],
        "learning_rate": [Interval(Real, 0, None, closed="neither")],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "epochs": [Interval(Integral, 1, None, closed="left")],
        "patience": [Interval(Integral, 1, None, closed="left")],
        "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
        "random_state": ["random_state"],
        "n_jobs": [None, Integral],
    }

    def __init__(
        self,
        k: int = 10,
        repeats: bool = True,
        length: int = 50,
        ahead: int = 1,
        dimension: int = 64,
        blocks: int = 1,
        heads: int = 2,
        dropout: float = 0.2,
        negatives: int | None = None,
        learning_rate: float = 0.002,
        batch_size: int = 64,
        epochs: int = 60,
        patience: int = 6,
        validation_fraction: float = 0.1,
        random_state: int | None = None,
        n_jobs: int | None = None,
    ) -> None:
        self.k = k
        self.repeats = repeats
        self.length = length
        self.ahead = ahead
        self.dimension = dimension
        self.blocks = blocks
        self.heads = heads
        self.dropout = dropout
        self.negatives = negatives
        self.learning_rate = learning_rate
        self.batch_size = batch_size
        self.epochs = epochs
        self.patience = patience
        self.validation_fraction = validation_fraction
        self.random_state = random_state
        self.n_jobs = n_jobs

    def _prepare(self, several: Interactions, items: pd.DataFrame | None) -> None:
        if self.dimension % self.heads:
            raise ValueError(f"dimension: a multiple of heads={self.heads}, not {self.dimension}")
        step = self.batch_size * self.length * several.items
        chosen = (NEGATIVES if step > FULL else 0) if self.negatives is None else self.negatives
        self.negatives_: int = 0 if chosen >= several.items else int(chosen)

    def _training(self, keras: Any, several: Interactions, rng: np.random.Generator) -> Training:
        from cxai_runner.methods.recommend.self_attentive_training import training

        return training(keras, self, several, rng)

    def states(self, several: Interactions) -> NDArray[np.float64]:
        """Return what the model makes of each customer's sequence, shape (n, dimension)."""
        baskets = Baskets(several)
        ends = baskets.firsts[1:]
        begins = np.maximum(baskets.firsts[:-1], ends - self.length)
        parts = [np.zeros((0, self.dimension))]
        for begin in range(0, len(several), ROWS):
            block = slice(begin, begin + ROWS)
            vectors, there = self._sequences(baskets, begins[block], ends[block])
            parts.append(attended(vectors, there, self.weights_, self.blocks)[:, -1])
        return np.concatenate(parts)

    def _sequences(
        self, baskets: Baskets, begins: Places, ends: Places
    ) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """The vectors of baskets with those of their places, the newest last, and where there is one."""
        bags, slots = bagged(baskets, begins, ends, self.length)
        vectors = np.zeros((len(begins) * self.length, self.dimension))
        vectors[slots] = bags.astype(np.float64) @ self.weights_["item"]
        there = np.zeros(len(vectors), dtype=np.bool_)
        there[slots] = True
        shape = (len(begins), self.length)
        vectors = vectors.reshape(*shape, -1) * np.sqrt(self.dimension) + self.weights_["place"]
        return vectors, there.reshape(shape)

    def _score(self, several: Interactions) -> Floats:
        states = self.states(several)
        scores = np.empty((len(states), several.items), dtype=np.float32)
        for begin in range(0, len(states), ROWS):
            part = states[begin : begin + ROWS]
            whole = np.vstack([part, np.zeros((ROWS - len(part), part.shape[1]))])
            scores[begin : begin + ROWS] = (whole @ self.weights_["item"].T + self.weights_["constant"])[: len(part)]
        return scores


def bagged(baskets: Baskets, begins: Places, ends: Places, length: int) -> tuple[sparse.csr_array, Places]:
    """Return several runs of baskets as they enter the model.

    Parameters
    ----------
    baskets
        Of all customers.
    begins, ends
        The first basket of each run, and the one behind its last; at most ``length`` of them.
    length
        Places of a sequence.

    Returns
    -------
    bags
        The shares of the items in each basket, shape (baskets, m).
    slots
        The place of each basket among all of all runs, the last of a run at its end.
    """
    places, runs = spans(begins, ends)
    slots = runs * length + length - (ends[runs] - places)
    events, bags = spans(baskets.begins[places], baskets.begins[places + 1])
    first = np.concatenate([[0], np.cumsum(np.bincount(bags, minlength=len(places)))])
    shares = (baskets.weights[events], baskets.several.codes[events], first)
    return sparse.csr_array(shares, shape=(len(places), baskets.several.items)), slots
