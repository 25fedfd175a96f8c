"""TensorFlow, imported when a network is trained and not before: it takes seconds, and most models need none of it."""

from __future__ import annotations

import logging
import os
import random
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from typing import Any

import numpy as np


def remedy(instead: str) -> str:
    """Return what to do where TensorFlow is not installed; ``instead`` is a model that needs none."""
    return f"pip install 'cxai[deep]', or choose a model that needs no TensorFlow, such as {instead}"


class DeepLearningMissingError(ImportError):
    """TensorFlow is not installed."""

    def __init__(self, instead: str) -> None:
        super().__init__(f"a network needs TensorFlow, which is not installed: {remedy(instead)}")


def is_installed() -> bool:
    """Whether a network can be trained here."""
    return find_spec("tensorflow") is not None


def import_keras(threads: int | None, instead: str) -> Any:
    """Return Keras with TensorFlow behind it, held to ``threads`` and to operations that give the same bits again.

    Parameters
    ----------
    threads
        Of TensorFlow, which takes the number of the first network in a process.
    instead
        A model that needs no TensorFlow, for the error.

    Raises
    ------
    DeepLearningMissingError
        TensorFlow is not installed.
    """
    if not is_installed():
        raise DeepLearningMissingError(instead)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ["KERAS_BACKEND"] = "tensorflow"
    with _quiet():
        import tensorflow as tf

    if threads is not None:
        with suppress(RuntimeError):  # it has begun to work in this process: its threads are what they were then
            tf.config.threading.set_intra_op_parallelism_threads(threads)
            tf.config.threading.set_inter_op_parallelism_threads(threads)
    tf.config.experimental.enable_op_determinism()
    tf.get_logger().setLevel(logging.ERROR)  # that a second network is another graph than the first is no news
    with _quiet():
        import keras

    return keras


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep what TensorFlow writes of the machine, before its own settings hold, from the user's terminal."""
    try:
        kept = os.dup(2)
    except OSError:  # nothing is there to write to
        yield
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(nowhere)
        os.close(kept)


@contextmanager
def seeded(keras: Any, seed: int) -> Iterator[None]:
    """Seed Keras while the block runs; NumPy's and Python's own generators are as before afterwards."""
    state, plain = np.random.get_state(), random.getstate()
    try:
        keras.utils.set_random_seed(seed)
        yield
    finally:
        np.random.set_state(state)
        random.setstate(plain)
