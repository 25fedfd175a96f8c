"""Simulated customers who buy or not, and how many intervals may hold the truth."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import stats

TRUTH = np.array([0.4, -1.2, 0.7])


def occasions(rng, customers=120, times=10, beta=TRUTH, sigma=1.0, between=0.0):
    """Price and promotion, purchases and customers; ``between`` moves a customer's log-odds with their mean price."""
    n = customers * times
    customer = np.repeat(np.arange(customers), times)
    price = 1.5 + rng.normal(0, 0.5, customers)[customer] + rng.uniform(-0.8, 0.8, n)
    X = pd.DataFrame({"mean_price": price, "mean_promotion": rng.integers(0, 2, n).astype(float)})
    log_odds = beta[0] + X.to_numpy() @ beta[1:] + sigma * rng.normal(0, 1, customers)[customer]
    log_odds += between * (price.reshape(customers, times).mean(axis=1)[customer] - 1.5)
    return X, (rng.uniform(size=n) < 1 / (1 + np.exp(-log_odds))).astype(int), customer


def bounds(simulations, parameters):
    """The 99.9 % interval of a binomial count around .95, Bonferroni over parameters."""
    tail = 0.001 / parameters / 2
    return stats.binom.ppf([tail, 1 - tail], simulations, 0.95)
