"""Two towers: one makes a vector of a customer, the other of an item, and what lies near is recommended."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.utils._param_validation import Interval, StrOptions

from cxai_runner.methods.recommend.interactions import Floats, Interactions
from cxai_runner.methods.recommend.known import Known
from cxai_runner.methods.recommend.learning import Weights
from cxai_runner.methods.recommend.network import Network, Training

ROWS = 256
"""Customers that are scored at once, always as many, so that each comes to the same bits in any company."""
TINY = 1e-12


class TwoTower(Network):
    """A network of two towers, trained by telling what a customer bought from what others did.

    The tower of customers takes the mean of the vectors of what they bought, and what else is known of them; that of
    items a vector of its own for each, and its features. Both end on the unit sphere, and the score of an item is the
    cosine over the temperature τ. A step takes pairs of customer and item, and each customer's item is told from those
    of all others in the step (in-batch softmax); what many bought is in many steps, which the logarithm of its share
    corrects: Yi et al. (2019), Sampling-bias-corrected neural modeling for large corpus item recommendations, RecSys.

    An item that a customer bought is foretold from their past, which is the baskets before it, and for the first basket
    the rest of it; or from all the rest of their history. Items of one time have no order in either, and histories
    without times are learned from as sets. Of each history a random share is left out, other in each step.

    It is trained with Keras on TensorFlow (the extra ``deep``), and predicts without them. A share of the customers is
    held apart to judge each epoch by the NDCG of their last baskets, and the weights of the best one are kept. With the
    same seed and threads it comes to the same bits.

    Parameters
    ----------
    k
        Items on a list.
    repeats
        Whether what a customer bought before may be on their list.
    learn_from
        ``past``; ``rest``; or ``auto``: the past where repeats may be on a list, since what was bought often before is
        then to be foretold from, and the rest elsewhere.
    dimension
        Of the vectors.
    layers
        The width of each hidden layer of the customers' tower.
    temperature
        τ: the lower, the more the nearest items weigh.
    half_life
        Days after which a purchase counts half in a history; None counts all alike.
    thinning
        The largest share of a history that is left out; what is left out is between none and this.
    dropout
        The share of a history's vector, and of each hidden layer's outputs, left out at each step.
    learning_rate
        Of Adam.
    weight_decay
        Each step takes this share of the learning rate off the weights.
    batch_size
        Pairs of a step, which are also the items among which a customer's own is to be found.
    draws
        Pairs drawn of each customer in an epoch.
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
        Of both towers.
    vectors_ : ndarray of shape (m, dimension)
        What the tower of items makes of each, of length 1 / τ.
    curve_ : ndarray of shape (epochs, 2)
        Training loss and NDCG by epoch.
    best_epoch_ : int
        The epoch, from 1, that was kept.
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "k": [Interval(Integral, 1, None, closed="left")],
        "repeats": ["boolean"],
        "learn_from": [StrOptions({"auto", "past", "rest"})],
        "dimension": [Interval(Integral, 1, None, closed="left")],
        "layers": ["array-like"],
        "temperature": [Interval(Real, 0, None, closed="neither")],
        "half_life": [None, Interval(Real, 0, None, closed="neither")],
        "thinning": [Interval(Real, 0, 1, closed="left")],
        "dropout": [Interval(Real, 0, 1, closed="left")],
        "learning_rate": [Interval(Real, 0, None, closed="neither")],
        "weight_decay": [Interval(Real, 0, None, closed="left")],
        "batch_size": [Interval(Integral, 2, None, closed="left")],
        "draws": [Interval(Integral, 1, None, closed="left")],
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
        learn_from: str = "auto",
        dimension: int = 64,
        layers: Sequence[int] = (),
        temperature: float = 0.1,
        half_life: float | None = None,
        thinning: float = 0.7,
        dropout: float = 0.3,
        learning_rate: float = 0.003,
        weight_decay: float = 0.02,
        batch_size: int = 512,
        draws: int = 10,
        epochs: int = 50,
        patience: int = 5,
        validation_fraction: float = 0.1,
        random_state: int | None = None,
        n_jobs: int | None = None,
    ) -> None:
        self.k = k
        self.repeats = repeats
        self.learn_from = learn_from
        self.dimension = dimension
        self.layers = layers
        self.temperature = temperature
        self.half_life = half_life
        self.thinning = thinning
        self.dropout = dropout
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.batch_size = batch_size
        self.draws = draws
        self.epochs = epochs
        self.patience = patience
        self.validation_fraction = validation_fraction
        self.random_state = random_state
        self.n_jobs = n_jobs

    def _prepare(self, several: Interactions, items: pd.DataFrame | None) -> None:
        about = None if items is None else items.drop(columns="item_id")
        self.about_customers_ = Known().fit(several.customers)
        self.about_items_ = Known().fit(about)
        self.features_ = self.about_items_.transform(about, several.items)
        self.past_: bool = self.repeats if self.learn_from == "auto" else self.learn_from == "past"

    def _training(self, keras: Any, several: Interactions, rng: np.random.Generator) -> Training:
        from cxai_runner.methods.recommend.two_tower_training import training

        return training(keras, self, several, rng)

    def history_weights(self, several: Interactions) -> Floats:
        """Return how much each event counts in a history, before the weights of one add up to 1."""
        weights = np.maximum(several.weights, 0)
        return weights if self.half_life is None else weights * np.exp2(-several.days / self.half_life)

    def customer_vectors(self, several: Interactions) -> NDArray[np.float64]:
        """Return what the tower of customers makes of each, on the unit sphere, shape (n, dimension)."""
        bags = several.matrix(self.history_weights(several)).astype(np.float64)
        total = np.asarray(bags.sum(axis=1))
        known = self.about_customers_.transform(several.customers)
        values = (bags @ self.weights_["history"]) / np.where(total > 0, total, 1)[:, np.newaxis]
        values = np.hstack([values, known])
        return np.concatenate(
            [self._through(values[begin : begin + ROWS]) for begin in range(0, max(len(values), 1), ROWS)]
        )

    def _through(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """What the layers make of up to `ROWS` customers."""
        many = len(values)
        values = np.vstack([values, np.zeros((ROWS - many, values.shape[1]))])
        for layer in range(len(self.layers)):
            values = np.maximum(values @ self.weights_[f"hidden_{layer}"] + self.weights_[f"hidden_{layer}_bias"], 0)
        return unit(values @ self.weights_["last"] + self.weights_["last_bias"])[:many]

    def _take(self, weights: Weights) -> None:
        super()._take(weights)
        vectors = weights["item"]
        if "features" in weights:
            vectors = vectors + self.features_ @ weights["features"]
        self.vectors_: NDArray[np.float64] = unit(vectors) / self.temperature

    def _score(self, several: Interactions) -> Floats:
        customers = self.customer_vectors(several)
        scores = np.empty((len(customers), len(self.vectors_)), dtype=np.float32)
        for begin in range(0, len(customers), ROWS):
            part = customers[begin : begin + ROWS]
            whole = np.vstack([part, np.zeros((ROWS - len(part), part.shape[1]))])
            scores[begin : begin + ROWS] = (whole @ self.vectors_.T)[: len(part)]
        return scores


def unit(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return vectors of length 1, shape (n, d)."""
    return np.asarray(values / np.sqrt((values**2).sum(axis=1, keepdims=True) + TINY))
