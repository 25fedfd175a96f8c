"""A network for a binary outcome as an estimator like any other: what it is made of is its parameters."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import Tags, check_random_state
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from cxai_runner.methods.conversion.forward import ACTIVATIONS, Forward

Floats = NDArray[np.float64]
Step = Callable[[str, float, int], None]
Watched = Callable[[Floats], Floats]


def _ignore(metric: str, value: float, epoch: int) -> None:
    """Take a point of a learning curve that nobody watches."""


def _never() -> bool:
    return False


class NetworkClassifier(ClassifierMixin, BaseEstimator):
    """A feed-forward network trained with Keras on TensorFlow (the extra ``deep``), which predicts without them.

    Training stops where the log loss of validation rows has not fallen for ``patience`` epochs, and the weights of the
    best epoch are kept. With the same seed and threads it comes to the same bits. It trains on a GPU where TensorFlow
    finds one.

    Parameters
    ----------
    layers
        The width of each hidden layer.
    activation
        ``relu``, ``elu``, ``selu``, ``gelu``, ``silu`` or ``tanh``.
    dropout
        The share of a hidden layer's outputs left out at each step.
    normalisation
        ``none``, ``batch`` or ``layer``, between a layer and its activation.
    embedding
        How wide the vector of a level is, where columns are codes: ``auto`` is half the number of levels, 8 at most.
    optimiser
        ``adam``, ``adamw``, ``nadam``, ``rmsprop`` or ``sgd``.
    learning_rate
        At the first step.
    schedule
        How it changes: ``constant``; ``cosine``, to zero over all epochs; ``exponential``, by 5 % an epoch; or
        ``plateau``, halved where validation has not improved for a third of the patience.
    weight_decay
        Each step takes this share of the learning rate off the weights.
    batch_size
        Rows of a step.
    epochs
        The most.
    patience
        Epochs without a better validation loss before it stops.
    loss
        ``log_loss``; or ``focal``, Lin et al. (2017), which looks more at rows that are hard, and whose distortion of
        probabilities is undone when it predicts.
    gamma
        Of the focal loss.
    validation_fraction
        The share of the rows that is held apart where no validation rows are given to `fit`.
    random_state
        Seed of weights, dropout and the order of rows.
    n_jobs
        Threads of TensorFlow, which takes the number of the first network in a process.

    Attributes
    ----------
    network_ : Forward
        The network that predicts.
    curve_ : ndarray of shape (epochs, 2)
        Training and validation loss by epoch.
    best_epoch_ : int
        The epoch, from 1, whose weights were kept.
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "layers": ["array-like"],
        "activation": [StrOptions(set(ACTIVATIONS))],
        "dropout": [Interval(Real, 0, 1, closed="left")],
        "normalisation": [StrOptions({"none", "batch", "layer"})],
        "embedding": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
        "optimiser": [StrOptions({"adam", "adamw", "nadam", "rmsprop", "sgd"})],
        "learning_rate": [Interval(Real, 0, None, closed="neither")],
        "schedule": [StrOptions({"constant", "cosine", "exponential", "plateau"})],
        "weight_decay": [Interval(Real, 0, None, closed="left")],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "epochs": [Interval(Integral, 1, None, closed="left")],
        "patience": [Interval(Integral, 1, None, closed="left")],
        "loss": [StrOptions({"log_loss", "focal"})],
        "gamma": [Interval(Real, 0, None, closed="neither")],
        "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
        "random_state": ["random_state"],
        "n_jobs": [None, Integral],
    }

    def __init__(
        self,
        layers: Sequence[int] = (64, 32),
        activation: str = "relu",
        dropout: float = 0.1,
        normalisation: str = "none",
        embedding: str | int = "auto",
        optimiser: str = "adam",
        learning_rate: float = 0.001,
        schedule: str = "constant",
        weight_decay: float = 0.0,
        batch_size: int = 128,
        epochs: int = 100,
        patience: int = 10,
        loss: str = "log_loss",
        gamma: float = 2.0,
        validation_fraction: float = 0.1,
        random_state: int | None = None,
        n_jobs: int | None = None,
    ) -> None:
        self.layers = layers
        self.activation = activation
        self.dropout = dropout
        self.normalisation = normalisation
        self.embedding = embedding
        self.optimiser = optimiser
        self.learning_rate = learning_rate
        self.schedule = schedule
        self.weight_decay = weight_decay
        self.batch_size = batch_size
        self.epochs = epochs
        self.patience = patience
        self.loss = loss
        self.gamma = gamma
        self.validation_fraction = validation_fraction
        self.random_state = random_state
        self.n_jobs = n_jobs

    def fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        *,
        cardinalities: Sequence[int] = (),
        validation: tuple[Any, Any] | None = None,
        watched_as: Watched | None = None,
        step: Step = _ignore,
        should_stop: Callable[[], bool] = _never,
    ) -> NetworkClassifier:
        """Train.

        Parameters
        ----------
        X, y
            Shape (n, columns) and (n,).
        sample_weight
            Of each row, shape (n,).
        cardinalities
            How many codes each of the last columns has; no column is a code by default.
        validation
            Rows and outcomes that decide when to stop; a share of the rows where none are given.
        watched_as
            What the probabilities of validation rows go through before their log loss is taken: a correction for
            balanced classes.
        step
            ``step("log_loss", value, epoch)`` and ``step("training_loss", value, epoch)``, after each epoch.
        should_stop
            Asked after each epoch.

        Raises
        ------
        DeepLearningMissingError
            TensorFlow is not installed.
        """
        from cxai_runner.methods.conversion.training import train

        self._validate_params()
        X, y = validate_data(self, X, y, dtype=np.float64)
        check_classification_targets(y)
        if type_of_target(y, input_name="y") not in ("binary",):
            raise ValueError(f"Only binary classification is supported. The type of the target is {type_of_target(y)}.")
        self.classes_, codes = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(f"This classifier needs two classes, and the data have one class: {self.classes_[0]!r}")
        weights = None if sample_weight is None else _check_sample_weight(sample_weight, X, dtype=np.float64)
        seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        if validation is None:
            kept, apart = _apart(codes, self.validation_fraction, np.random.default_rng(seed))
            held = (X[apart], codes[apart].astype(np.int64))
            X, codes = X[kept], codes[kept]
            weights = None if weights is None else weights[kept]
        else:
            held = (np.asarray(validation[0], dtype=np.float64), np.asarray(validation[1]) == self.classes_[1])
        trained = train(
            self,
            X,
            codes.astype(np.float32),
            weights,
            (held[0], held[1].astype(np.int64)),
            tuple(cardinalities),
            seed,
            watched_as,
            step,
            should_stop,
        )
        self.network_: Forward = trained.network
        self.curve_: Floats = trained.curve
        self.best_epoch_: int = trained.best
        return self

    def predict_proba(self, X: Any) -> Floats:
        """Return the probability of each class, shape (n, 2)."""
        check_is_fitted(self)
        return self.network_.predict_proba(validate_data(self, X, dtype=np.float64, reset=False))

    def predict(self, X: Any) -> NDArray[Any]:
        """Return the likelier class, shape (n,)."""
        yes = self.predict_proba(X)[:, 1] > 0.5
        return np.asarray(self.classes_[yes.astype(np.intp)])

    def __sklearn_tags__(self) -> Tags:
        """Say that it tells two classes apart, and no more."""
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        return tags


def _apart(
    codes: NDArray[np.intp], share: float, rng: np.random.Generator
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Divide rows, each class alike; of a class with one row that stays for training."""
    apart = []
    for value in (0, 1):
        mine = rng.permutation(np.flatnonzero(codes == value))
        many = min(max(round(share * len(mine)), 1), len(mine) - 1)
        apart.append(mine[:many])
    held = np.sort(np.concatenate(apart))
    return np.setdiff1d(np.arange(len(codes)), held), held
