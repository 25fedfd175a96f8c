"""A fitted network as plain arrays: it predicts with NumPy, wherever it is loaded, and nothing that trains is needed.

A file of weights can be read by anybody and runs no code. What a network does with a row is a few products of matrices,
here in double precision, so that a row comes to the same alone and among a million others.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import erf, expit
from sklearn.base import BaseEstimator, ClassifierMixin

Floats = NDArray[np.float64]

ROWS: Final = 8192
"""Rows at once, so that a million of them need no more memory than these."""
_SELU = (1.0507009873554805, 1.6732632423543772)

ACTIVATIONS: Final[Mapping[str, Callable[[Floats], Floats]]] = {
    "relu": lambda x: np.maximum(x, 0.0),
    "elu": lambda x: np.where(x > 0, x, np.expm1(np.minimum(x, 0.0))),
    "selu": lambda x: _SELU[0] * np.where(x > 0, x, _SELU[1] * np.expm1(np.minimum(x, 0.0))),
    "gelu": lambda x: 0.5 * x * (1 + erf(x / np.sqrt(2))),
    "silu": lambda x: x * expit(x),
    "tanh": np.tanh,
}
"""As Keras defines them."""


class Forward(ClassifierMixin, BaseEstimator):
    """A network that was trained elsewhere.

    Parameters
    ----------
    embeddings
        A table of vectors for each of the last columns, which are codes: shape (codes, width).
    layers
        What comes one after the other: ``{"kind": "dense", "weights": (m, k), "bias": (k,)}``; ``{"kind": "scale",
        "gain": (k,), "offset": (k,)}``, which is what batch normalisation comes to; ``{"kind": "layer_norm", "gain",
        "offset", "epsilon"}``; ``{"kind": "activation", "name": "relu"}``. The last is dense and gives one number, the
        log-odds.
    gamma
        Of a focal loss that it was trained by, whose distortion is undone; 0 for the log loss.
    n_features_in_
        How many columns it takes.
    """

    def __init__(
        self,
        embeddings: Sequence[Floats],
        layers: Sequence[Mapping[str, Any]],
        gamma: float = 0.0,
        n_features_in_: int | None = None,
    ) -> None:
        self.embeddings = embeddings
        self.layers = layers
        self.gamma = gamma
        self.n_features_in_ = n_features_in_

    @property
    def classes_(self) -> NDArray[np.int64]:
        """No and yes."""
        return np.array([0, 1])

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def fit(self, X: object, y: object = None) -> Forward:
        """Return itself: it was trained elsewhere."""
        return self

    def log_odds(self, X: Floats) -> Floats:
        """Return the last layer's number for each row, shape (n,)."""
        rows = np.asarray(X, dtype=np.float64)
        parts = [self._through(rows[begin : begin + ROWS]) for begin in range(0, len(rows), ROWS)]
        return np.concatenate(parts) if parts else np.zeros(0)

    def predict_proba(self, X: Floats) -> Floats:
        """Return the probabilities of no and yes, shape (n, 2)."""
        yes = undistorted(np.asarray(expit(self.log_odds(X)), dtype=np.float64), self.gamma)
        return np.column_stack([1 - yes, yes])

    def predict(self, X: Floats) -> NDArray[np.int64]:
        """Return the likelier class, shape (n,)."""
        return (self.predict_proba(X)[:, 1] > 0.5).astype(np.int64)

    def _through(self, rows: Floats) -> Floats:
        split = rows.shape[1] - len(self.embeddings)
        coded = [
            table[rows[:, split + j].astype(np.intp)] for j, table in enumerate(self.embeddings)
        ]  # an unseen level has the code 0, which has a vector as all have
        values = np.hstack([rows[:, :split], *coded]) if coded else rows
        for layer in self.layers:
            values = _STEPS[layer["kind"]](values, layer)
        return np.asarray(values[:, 0], dtype=np.float64)


def undistorted(probability: Floats, gamma: float) -> Floats:
    """Return the probabilities behind the outputs of a network that was trained by a focal loss.

    Charoenphakdee, Vongkulbhisal, Chairatanakul and Sugiyama (2021), On focal loss for class-posterior probability
    estimation, CVPR, theorem 3: each output v becomes v / φ(v), with φ(v) = (1 − v)^γ − γ (1 − v)^(γ−1) v log v, and
    both are divided by their sum.

    Parameters
    ----------
    probability
        Of yes, shape (n,).
    gamma
        Of the loss.
    """
    if gamma == 0:
        return probability
    inside = np.clip(probability, 1e-12, 1 - 1e-12)
    yes, no = (_h(v, gamma) for v in (inside, 1 - inside))
    return yes / (yes + no)


def _h(v: Floats, gamma: float) -> Floats:
    return v / ((1 - v) ** gamma - gamma * (1 - v) ** (gamma - 1) * v * np.log(v))


def _dense(values: Floats, layer: Mapping[str, Any]) -> Floats:
    return np.asarray(values @ layer["weights"] + layer["bias"], dtype=np.float64)


def _scale(values: Floats, layer: Mapping[str, Any]) -> Floats:
    return np.asarray(values * layer["gain"] + layer["offset"], dtype=np.float64)


def _layer_norm(values: Floats, layer: Mapping[str, Any]) -> Floats:
    centred = values - values.mean(axis=1, keepdims=True)
    spread = np.sqrt((centred**2).mean(axis=1, keepdims=True) + layer["epsilon"])
    return np.asarray(centred / spread * layer["gain"] + layer["offset"], dtype=np.float64)


def _activation(values: Floats, layer: Mapping[str, Any]) -> Floats:
    return ACTIVATIONS[layer["name"]](values)


_STEPS: Final = {"dense": _dense, "scale": _scale, "layer_norm": _layer_norm, "activation": _activation}
