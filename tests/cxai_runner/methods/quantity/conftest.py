"""Simulated purchases whose quantities follow a form that is known."""

from __future__ import annotations

import numpy as np
import pandas as pd

TRUTH = np.array([1.2, -0.6, 0.3])
ALPHA = 0.4


def terms(rng, n):
    return pd.DataFrame({"price": rng.uniform(0.5, 2.5, n), "promotion": rng.integers(0, 2, n).astype(float)})


def simulate(form, rng, customers=60, occasions=10, truth=TRUTH, alpha=ALPHA):
    """Terms, quantities and customers; ``form`` is the name of a model's config."""
    n = customers * occasions
    X = terms(rng, n)
    linear = truth[0] + X.to_numpy() @ truth[1:]
    customer = np.repeat(np.arange(customers), occasions)
    if form == "linear":
        return X, linear + rng.normal(0, 0.8, n), customer
    if form == "log_linear":
        return X, np.exp(linear + rng.normal(0, 0.8, n)), customer
    mu = np.exp(linear)

    def draw(mean):
        if "poisson" in form:
            return rng.poisson(mean)
        return rng.negative_binomial(1 / alpha, 1 / (1 + alpha * mean))

    y = draw(mu)
    if form.startswith("truncated"):
        # Until nothing is no longer among them: exactly the distribution given a purchase.
        while (nothing := y == 0).any():
            y[nothing] = draw(mu[nothing])
    return X, y.astype(float), customer
