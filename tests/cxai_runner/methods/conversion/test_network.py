"""The network as an estimator: what it learns, that it repeats itself, and that it predicts without TensorFlow."""

from __future__ import annotations

import pickle
import random
import subprocess
import sys
import warnings

import numpy as np
import pytest
from scipy.special import expit
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss, roc_auc_score
from sklearn.utils.estimator_checks import check_estimator

from cxai_runner.methods.conversion.forward import ACTIVATIONS, Forward
from cxai_runner.methods.conversion.network import NetworkClassifier


def made(n=3000, seed=0):
    """An outcome that only a product of two columns tells of, a column of codes, and one of noise."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 3))
    codes = rng.integers(0, 4, n)
    p = expit(1.6 * X[:, 0] * X[:, 1] + np.array([-1.0, 0, 0, 1.0])[codes])
    return np.column_stack([X, codes]), (rng.uniform(size=n) < p).astype(int)


QUICK = {"layers": (16, 8), "epochs": 12, "learning_rate": 0.01, "dropout": 0.0, "random_state": 3, "n_jobs": 1}


def test_it_learns_what_logistic_regression_cannot_and_repeats_itself():
    X, y = made()
    state, plain = pickle.dumps(np.random.get_state()), random.getstate()
    seen = []
    fitted = NetworkClassifier(**QUICK).fit(
        X[:2000], y[:2000], cardinalities=[4], validation=(X[2000:2500], y[2000:2500]),
        step=lambda name, value, epoch: seen.append((name, epoch, value)),
    )  # fmt: skip
    assert pickle.dumps(np.random.get_state()) == state
    assert random.getstate() == plain
    found = fitted.predict_proba(X[2500:])
    line = LogisticRegression().fit(X[:2000], y[:2000]).predict_proba(X[2500:])[:, 1]
    assert roc_auc_score(y[2500:], found[:, 1]) > roc_auc_score(y[2500:], line) + 0.1
    losses = [value for name, _, value in seen if name == "log_loss"]
    assert [epoch for name, epoch, _ in seen if name == "log_loss"] == list(range(1, len(losses) + 1))
    assert fitted.best_epoch_ == int(np.argmin(losses)) + 1
    # The weights of the best epoch are those that predict, in NumPy as in Keras.
    held = fitted.predict_proba(X[2000:2500])[:, 1]
    assert log_loss(y[2000:2500], held) == pytest.approx(min(losses), abs=1e-5)
    again = NetworkClassifier(**QUICK).fit(
        X[:2000], y[:2000], cardinalities=[4], validation=(X[2000:2500], y[2000:2500])
    )
    assert again.predict_proba(X).tobytes() == fitted.predict_proba(X).tobytes()


@pytest.mark.slow
def test_another_seed_is_another_network_and_a_stop_is_heard():
    X, y = made(1200)
    one, other = (NetworkClassifier(**QUICK | {"random_state": seed}).fit(X, y) for seed in (1, 2))
    assert not np.allclose(one.predict_proba(X), other.predict_proba(X))
    stopped = NetworkClassifier(**QUICK).fit(X, y, should_stop=lambda: True)
    assert len(stopped.curve_) == 1


@pytest.mark.slow
def test_it_stops_where_validation_does_not_improve():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(600, 5)), rng.integers(0, 2, 600)
    fitted = NetworkClassifier(layers=(64,), learning_rate=0.02, epochs=60, patience=4, random_state=0).fit(X, y)
    assert len(fitted.curve_) == fitted.best_epoch_ + 4
    assert len(fitted.curve_) < 60


@pytest.mark.slow
@pytest.mark.parametrize(
    "options",
    [
        {"activation": "gelu", "normalisation": "batch", "optimiser": "adamw", "weight_decay": 0.01},
        {"activation": "selu", "normalisation": "layer", "optimiser": "nadam", "schedule": "cosine"},
        {"activation": "silu", "optimiser": "rmsprop", "schedule": "exponential", "dropout": 0.2},
        {"activation": "elu", "optimiser": "sgd", "schedule": "plateau", "patience": 3, "learning_rate": 0.2},
        {"activation": "tanh", "loss": "focal", "embedding": 3},
    ],
    ids=lambda options: options["activation"],
)
def test_every_option_trains_and_numpy_says_what_keras_says(options):
    X, y = made(2400)
    parts = X[:2000], y[:2000]
    losses = []
    fitted = NetworkClassifier(**QUICK | options).fit(
        *parts, cardinalities=[4], validation=(X[2000:], y[2000:]),
        step=lambda name, value, _: losses.append(value) if name == "log_loss" else None,
    )  # fmt: skip
    found = fitted.predict_proba(X[2000:])[:, 1]
    assert log_loss(y[2000:], found) == pytest.approx(min(losses), abs=1e-5)
    assert min(losses) < log_loss(y[2000:], np.full(400, y.mean())) + 0.01


@pytest.mark.slow
def test_weights_count_as_rows_do():
    X, y = made(2400)
    weights = np.where(y == 1, 5.0, 1.0)
    plain, weighted = (
        NetworkClassifier(**QUICK).fit(X, y, w, cardinalities=[4], validation=(X, y)) for w in (None, weights)
    )
    assert weighted.predict_proba(X)[:, 1].mean() > plain.predict_proba(X)[:, 1].mean() + 0.15


@pytest.mark.slow
def test_it_keeps_the_promises_of_scikit_learn_but_one():
    """A weight of two is not a row twice: a step takes so many rows, whatever they weigh, as in any such training."""
    model = NetworkClassifier(layers=(16,), epochs=10, learning_rate=0.05, n_jobs=1, random_state=0)
    but = {"check_sample_weight_equivalence_on_dense_data": "batches are of rows"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = check_estimator(model, expected_failed_checks=but, on_skip=None)
    assert [one["check_name"] for one in found if one["status"] == "xfail"] == list(but)
    assert len(found) > 50


def network(**more):
    rng = np.random.default_rng(0)
    layers = [
        {"kind": "dense", "weights": rng.normal(size=(4, 5)), "bias": rng.normal(size=5)},
        {"kind": "layer_norm", "gain": np.ones(5), "offset": np.zeros(5), "epsilon": 1e-3},
        {"kind": "activation", "name": "relu"},
        {"kind": "dense", "weights": rng.normal(size=(5, 1)), "bias": np.zeros(1)},
    ]
    return Forward([rng.normal(size=(3, 2))], layers, **more)


def test_a_row_comes_to_the_same_alone_and_among_many():
    X = np.column_stack([np.random.default_rng(1).normal(size=(20_000, 2)), np.arange(20_000) % 3])
    found = network().predict_proba(X)
    np.testing.assert_allclose(network().predict_proba(X[[9_000]])[0], found[9_000], rtol=1e-12)
    assert found.sum(axis=1) == pytest.approx(np.ones(20_000))
    assert network().predict_proba(X[:0]).shape == (0, 2)


def test_activations_are_where_they_are_known():
    at = np.array([-1.0, 0.0, 2.0])
    expected = {
        "relu": [0, 0, 2], "elu": [-0.6321206, 0, 2], "selu": [-1.1113307, 0, 2.1014020],
        "gelu": [-0.1586553, 0, 1.9544997], "silu": [-0.2689414, 0, 1.7615942], "tanh": [-0.7615942, 0, 0.9640276],
    }  # fmt: skip
    assert set(expected) == set(ACTIVATIONS)
    for name, values in expected.items():
        np.testing.assert_allclose(ACTIVATIONS[name](at), values, atol=1e-6)


def test_nothing_imports_tensorflow_before_a_network_is_trained():
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys, tasks.conversion, cxai_runner.methods.conversion.network as n; n.NetworkClassifier();"
            "import cxai_runner.methods.conversion.forward;"
            "assert not {'tensorflow', 'keras'} & set(sys.modules)",
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
def test_networks_one_after_another_leave_nothing_behind_and_say_nothing():
    """No function of a graph stays in TensorFlow, and no word of it is on the terminal, as in a worker of a sweep."""
    fits = """
import numpy as np
from cxai_runner.methods.conversion.network import NetworkClassifier
X, y, kept = np.random.default_rng(0).normal(size=(200, 3)), np.tile([0, 1], 100), []
for number in range(7):
    options = dict(layers=[4], epochs=2, random_state=number, n_jobs=1, normalisation=["none", "batch"][number % 2])
    NetworkClassifier(**options).fit(X, y, validation=(X, y))
    from tensorflow.python.eager import context
    kept.append(len(context.context().list_function_names()))
print(*kept)
"""
    done = subprocess.run([sys.executable, "-c", fits], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    kept = [int(one) for one in done.stdout.split()]
    assert len(kept) == 7
    assert kept[-1] == kept[2]
    assert "retracing" not in done.stderr
