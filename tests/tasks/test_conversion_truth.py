"""Conversion against a planted truth: what only a network can find, and what nobody can."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit
from sklearn.linear_model import LogisticRegression

from cxai_runner.data.dataset import Dataset, Roles
from cxai_runner.methods.conversion.network import NetworkClassifier
from cxai_runner.task import Context
from tasks.conversion import Conversion

from .conversion_runs import run, texts

pytestmark = pytest.mark.slow


def customers(log_odds, seed, n=6000, columns=4):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, columns))
    outcome = (rng.uniform(size=n) < expit(log_odds(X))).astype(int)
    names = [f"x{j}" for j in range(columns)]
    frame = pd.DataFrame(X, columns=names).assign(customer_id=np.arange(n), converted=outcome)
    return Dataset("customers", frame, Roles(inputs=tuple(names)))


def test_only_an_interaction_counts_and_the_verdict_says_who_finds_it():
    data = customers(lambda X: 2.5 * np.sign(X[:, 0] * X[:, 1]) - 0.5, seed=1)
    network = NetworkClassifier(layers=[32, 16], dropout=0.0, epochs=30, learning_rate=0.005, n_jobs=1)
    task = Conversion(against={"logistic": LogisticRegression()}, seeds=2, repeats=1)
    _, metrics, contents, scores = run(data, network, task, Context(seed=0, resamples=300))
    assert metrics["roc_auc"].value.value > 0.8
    beside = task.measure(scores["held_out"].assign(probability=scores["held_out"]["against_logistic"]), Context())
    alone = next(one for one in beside if one.name == "roc_auc").value
    assert alone.low < 0.5 < alone.high
    (headline,) = texts(contents, "headline")
    assert "mean of 2 seeds) does better than logistic regression" in headline


def test_pure_noise_is_called_noise():
    """Of 100 data sets without anything to learn, the interval of ROC AUC holds .5 in at least 88."""
    held = 0
    for seed in range(100):
        data = customers(lambda X: np.full(len(X), -1.0), seed, n=450)
        _, metrics, _, _ = _scored(data, Context(seed=seed, resamples=300))
        auc = metrics["roc_auc"].value
        held += auc.low <= 0.5 <= auc.high
    assert held >= 88


def _scored(data, context):
    from .conversion_runs import parts

    task = Conversion()
    train, held_out = parts(data)
    fitted = task.fit(LogisticRegression(), train, context)
    scores = task.score(fitted, held_out, context)
    return fitted, {one.name: one for one in task.measure(scores, context)}, [], scores
