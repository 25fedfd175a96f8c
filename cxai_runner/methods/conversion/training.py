"""How a network is built and trained with Keras, and what is taken from it when it is done: its weights."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cxai_runner.methods.conversion.forward import Forward, undistorted
from cxai_runner.methods.deep import import_keras, seeded

if TYPE_CHECKING:
    from cxai_runner.methods.conversion.network import NetworkClassifier, Step, Watched

Floats = NDArray[np.float64]

INSTEAD = "hist_gradient_boosting"
"""What learns much the same without TensorFlow."""
AT_ONCE = 65_536
"""Validation rows that are predicted in one go."""
_DECAY = 0.95
_TINY = 1e-7


@dataclass(frozen=True, eq=False)
class Trained:
    """What training came to.

    Parameters
    ----------
    network
        The weights of the best epoch.
    curve
        Training and validation loss by epoch, shape (epochs, 2).
    best
        The best epoch, from 1.
    """

    network: Forward
    curve: Floats
    best: int


def train(
    asked: NetworkClassifier,
    X: Floats,
    y: NDArray[np.float32],
    weights: Floats | None,
    validation: tuple[Floats, NDArray[np.int64]],
    cardinalities: Sequence[int],
    seed: int,
    watched_as: Watched | None,
    step: Step,
    should_stop: Callable[[], bool],
) -> Trained:
    """Train a network as its estimator asks; parameters as in ``NetworkClassifier.fit``."""
    keras = import_keras(asked.n_jobs, INSTEAD)
    with seeded(keras, seed):
        model = _built(keras, asked, X.shape[1], cardinalities)
        steps = max(1, -(-len(X) // asked.batch_size))
        model.compile(_optimiser(keras, asked, steps), _loss(keras, asked), jit_compile=False)
        model.optimizer.build(model.trainable_variables)  # built while it trains, TensorFlow keeps its graph for good
        watch = _Watch(
            asked, model, _inputs(validation[0], cardinalities), validation[1], watched_as, step, should_stop
        )
        model.fit(
            _inputs(X, cardinalities),
            y[:, np.newaxis],
            batch_size=asked.batch_size,
            epochs=asked.epochs,
            sample_weight=None if weights is None else weights.astype(np.float32),
            shuffle=True,
            verbose=0,
            callbacks=[keras.callbacks.LambdaCallback(on_epoch_end=watch.after)],
        )
        model.set_weights(watch.weights)
        network = _taken(model, cardinalities, asked.gamma if asked.loss == "focal" else 0.0, X, X.shape[1])
        keras.backend.clear_session()
    return Trained(network, np.asarray(watch.curve, dtype=np.float64), watch.best)


class _Watch:
    """Looks at validation rows after each epoch, keeps the best weights, and says when to stop."""

    def __init__(
        self,
        asked: NetworkClassifier,
        model: Any,
        inputs: Any,
        outcome: NDArray[np.int64],
        watched_as: Watched | None,
        step: Step,
        should_stop: Callable[[], bool],
    ) -> None:
        self.asked, self.model, self.inputs, self.outcome = asked, model, inputs, outcome
        self.watched_as, self.step, self.should_stop = watched_as, step, should_stop
        self.curve: list[tuple[float, float]] = []
        self.best, self.lowest, self.lowered = 0, np.inf, 0
        self.weights: list[Any] = model.get_weights()

    def after(self, epoch: int, logs: Any = None) -> None:
        """Hear that an epoch is over; ``epoch`` counts from 0."""
        number, training = epoch + 1, float((logs or {}).get("loss", np.nan))
        loss = self._log_loss()
        self.curve.append((training, loss))
        if np.isfinite(loss):
            self.step("log_loss", loss, number)
        if np.isfinite(training):
            self.step("training_loss", training, number)
        if loss < self.lowest:
            self.best, self.lowest, self.weights = number, loss, self.model.get_weights()
        waited = number - max(self.best, self.lowered)
        if self.asked.schedule == "plateau" and waited >= max(1, self.asked.patience // 3):
            self.lowered = number
            self.model.optimizer.learning_rate = float(self.model.optimizer.learning_rate) / 2
        if number - self.best >= self.asked.patience or not np.isfinite(loss) or self.should_stop():
            self.model.stop_training = True

    def _log_loss(self) -> float:
        """The log loss of the validation rows, of probabilities as they will be used."""
        found = _predicted(self.model, self.inputs, len(self.outcome))
        found = undistorted(1 / (1 + np.exp(-found)), self.asked.gamma if self.asked.loss == "focal" else 0.0)
        if self.watched_as is not None:
            found = self.watched_as(found)
        inside = np.clip(found, _TINY, 1 - _TINY)
        return float(-np.where(self.outcome == 1, np.log(inside), np.log1p(-inside)).mean())


def _built(keras: Any, asked: NetworkClassifier, columns: int, cardinalities: Sequence[int]) -> Any:
    """The network, which gives log-odds."""
    numbers = keras.Input((columns - len(cardinalities),), name="numbers")
    inputs, parts = [numbers], [numbers]
    if cardinalities:
        codes = keras.Input((len(cardinalities),), dtype="int32", name="codes")
        inputs.append(codes)
        for j, many in enumerate(cardinalities):
            width = min(8, -(-many // 2)) if asked.embedding == "auto" else int(asked.embedding)
            parts.append(keras.layers.Embedding(many, width, name=f"embedding_{j}")(codes[:, j]))
    values = keras.layers.Concatenate()(parts) if len(parts) > 1 else numbers
    for j, width in enumerate(asked.layers):
        values = keras.layers.Dense(int(width), name=f"dense_{j}")(values)
        if asked.normalisation == "batch":
            values = keras.layers.BatchNormalization(name=f"norm_{j}")(values)
        elif asked.normalisation == "layer":
            values = keras.layers.LayerNormalization(name=f"norm_{j}")(values)
        values = keras.layers.Activation(asked.activation, name=f"activation_{j}")(values)
        if asked.dropout > 0:
            values = keras.layers.Dropout(asked.dropout)(values)
    return keras.Model(inputs if cardinalities else numbers, keras.layers.Dense(1, name="log_odds")(values))


def _loss(keras: Any, asked: NetworkClassifier) -> Any:
    if asked.loss == "focal":
        return keras.losses.BinaryFocalCrossentropy(from_logits=True, gamma=asked.gamma)
    return keras.losses.BinaryCrossentropy(from_logits=True)


def _optimiser(keras: Any, asked: NetworkClassifier, steps: int) -> Any:
    kinds = {
        "adam": keras.optimizers.Adam,
        "adamw": keras.optimizers.AdamW,
        "nadam": keras.optimizers.Nadam,
        "rmsprop": keras.optimizers.RMSprop,
        "sgd": keras.optimizers.SGD,
    }
    rate: Any = asked.learning_rate
    if asked.schedule == "cosine":
        rate = keras.optimizers.schedules.CosineDecay(rate, steps * asked.epochs)
    elif asked.schedule == "exponential":
        rate = keras.optimizers.schedules.ExponentialDecay(rate, steps, _DECAY)
    return kinds[asked.optimiser](learning_rate=rate, weight_decay=asked.weight_decay or None)


def _inputs(X: Floats, cardinalities: Sequence[int]) -> Any:
    split = X.shape[1] - len(cardinalities)
    numbers = X[:, :split].astype(np.float32)
    return [numbers, X[:, split:].astype(np.int32)] if cardinalities else numbers


def _predicted(model: Any, inputs: Any, rows: int) -> Floats:
    """Log-odds, shape (n,)."""
    several = inputs if isinstance(inputs, list) else [inputs]
    found = []
    for begin in range(0, rows, AT_ONCE):
        chunk = [part[begin : begin + AT_ONCE] for part in several]
        found.append(np.asarray(model.predict_on_batch(chunk if len(chunk) > 1 else chunk[0]), dtype=np.float64)[:, 0])
    return np.concatenate(found)


def _taken(model: Any, cardinalities: Sequence[int], gamma: float, X: Floats, columns: int) -> Forward:
    """The weights of a Keras model, in the order in which rows pass them."""
    tables = []
    for j in range(len(cardinalities)):
        table = np.asarray(model.get_layer(f"embedding_{j}").get_weights()[0], dtype=np.float64)
        times = np.bincount(X[:, columns - len(cardinalities) + j].astype(np.intp), minlength=len(table))
        if times[0] == 0:  # nothing of training stood for what is rare or unseen: the average of the levels does
            table[0] = np.average(table[1:], axis=0, weights=times[1:])
        tables.append(table)
    layers: list[dict[str, Any]] = []
    for layer in model.layers:
        kind = type(layer).__name__
        weights = [np.asarray(one, dtype=np.float64) for one in layer.get_weights()]
        if kind == "Dense":
            layers.append({"kind": "dense", "weights": weights[0], "bias": weights[1]})
        elif kind == "BatchNormalization":
            gain = weights[0] / np.sqrt(weights[3] + layer.epsilon)
            layers.append({"kind": "scale", "gain": gain, "offset": weights[1] - weights[2] * gain})
        elif kind == "LayerNormalization":
            norm = {"gain": weights[0], "offset": weights[1], "epsilon": float(layer.epsilon)}
            layers.append({"kind": "layer_norm", **norm})
        elif kind == "Activation":
            layers.append({"kind": "activation", "name": layer.activation.__name__})
    return Forward(tables, layers, gamma, columns)
