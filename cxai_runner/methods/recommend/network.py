"""What networks share: trained with Keras epoch by epoch, judged by customers held apart, used without Keras."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse
from sklearn.utils import check_random_state

from cxai_runner.methods.deep import import_keras, seeded
from cxai_runner.methods.recommend.baskets import divided
from cxai_runner.methods.recommend.interactions import Interactions
from cxai_runner.methods.recommend.learning import Weights, learned, ndcg
from cxai_runner.methods.recommend.recommender import Recommender
from cxai_runner.methods.recommend.watched import Watched

INSTEAD = "recommendation/ease"
"""What learns much the same without TensorFlow."""

Training = tuple[Callable[[], Iterable[Any]], Callable[[], Weights]]
"""What takes the steps of an epoch and yields the loss of each, and what returns the weights as they are."""


class Network(Watched, Recommender):
    """A model that Keras trains and that predicts with plain arrays; with the same seed and threads to the same bits.

    A share of the customers is held apart to judge each epoch by the NDCG of their last baskets, and the weights of the
    best one are kept.
    """

    epochs: int
    patience: int
    validation_fraction: float
    random_state: int | None
    n_jobs: int | None
    weights_: Weights

    def _learn(self, several: Interactions, items: pd.DataFrame | None) -> None:
        self._validate_params()
        watch = self._watching()
        seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        rng = np.random.default_rng(seed)
        self._prepare(several, items)
        training, held = divided(several, self.validation_fraction, self.repeats, rng)
        keras = import_keras(self.n_jobs, INSTEAD)
        with seeded(keras, seed):
            steps, weights = self._training(keras, training, rng)

            def trained() -> float:
                return float(np.mean([float(one) for one in [*steps()]]))

            def judged(weights: Weights) -> float:
                self._take(weights)
                return ndcg(self, held)

            found = learned(self.epochs, self.patience, trained, weights, judged, watch)
            keras.backend.clear_session()
        self._take(found.weights)
        self.curve_: NDArray[np.float64] = found.curve
        self.best_epoch_: int = found.best

    @abstractmethod
    def _prepare(self, several: Interactions, items: pd.DataFrame | None) -> None:
        """Learn from all customers what is no matter of training."""

    @abstractmethod
    def _training(self, keras: Any, several: Interactions, rng: np.random.Generator) -> Training:
        """Build the network, for these customers to train.

        Raises
        ------
        UnlearnableError
            Their histories teach it nothing.
        """

    def _take(self, weights: Weights) -> None:
        """Predict with these weights from now on."""
        self.weights_ = weights


def descending(optimiser: Any, variables: list[Any], loss: Callable[..., Any]) -> Callable[..., Any]:
    """Return what goes one step down the gradient of a loss, compiled: it takes what the loss does, and returns it."""
    import tensorflow as tf

    optimiser.build(variables)

    def step(*inputs: Any) -> Any:
        with tf.GradientTape() as tape:
            found = loss(*inputs)
        optimiser.apply(tape.gradient(found, variables), variables)
        return found

    return tf.function(step, reduce_retracing=True)


def tensor(array: sparse.csr_array) -> Any:
    """Return a sparse array as TensorFlow's."""
    import tensorflow as tf

    places: NDArray[np.int64] = np.column_stack(array.tocoo().coords).astype(np.int64)
    return tf.SparseTensor(places, array.data.astype(np.float32), array.shape)


def plain(variable: Any) -> NDArray[np.float64]:
    """Return what Keras has learned as an array."""
    return np.asarray(variable.value.numpy(), dtype=np.float64)
