"""What one writes without cxai: a network of the same layers in Keras, on the same rows, with the same validation."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

import numpy as np

from benchmarks.measure import peak

THREADS = 1


def main(folder: str, epochs: str) -> None:
    """Train, and write the seconds of an epoch, the median of all but the first."""
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    import keras
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(THREADS)
    tf.config.threading.set_inter_op_parallelism_threads(THREADS)
    home = Path(folder)
    rows, outcome = np.load(home / "rows.npy").astype(np.float32), np.load(home / "outcome.npy").astype(np.float32)
    held, held_outcome = (np.load(home / f"held_{one}.npy").astype(np.float32) for one in ("rows", "outcome"))
    keras.utils.set_random_seed(1)
    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((rows.shape[1],)),
            *(layer for width in (64, 32) for layer in (layers.Dense(width, activation="relu"), layers.Dropout(0.1))),
            layers.Dense(1),
        ]
    )
    model.compile(keras.optimizers.Adam(0.001), keras.losses.BinaryCrossentropy(from_logits=True))
    times: list[float] = []
    told = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: times.append(time.perf_counter()))
    asked = {"batch_size": 128, "epochs": int(epochs), "validation_batch_size": 65_536, "verbose": 0}
    model.fit(rows, outcome, validation_data=(held, held_outcome), callbacks=[told], **asked)
    spent = {"seconds": float(np.median(np.diff(times))), "memory_mb": peak()}
    (home / "bare.json").write_text(json.dumps(spent), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
