"""Simulated panels of brand choice."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats


def simulate(rng, n=1500, brands=("a", "b", "c"), price=-1.2, feature=0.7, constants=(0.0, 0.6, -0.4), spread=0.0):
    """A wide panel: price and feature of each brand, income of the customer, five occasions a customer."""
    J = len(brands)
    prices, features = rng.uniform(0.5, 2.5, (n, J)), rng.integers(0, 2, (n, J)).astype(float)
    customer = np.arange(n) // 5
    own = rng.normal(price, spread, customer.max() + 1)[customer] if spread else np.full(n, price)
    utility = np.asarray(constants[:J]) + own[:, None] * prices + feature * features
    chosen = (utility + rng.gumbel(size=(n, J))).argmax(axis=1)
    frame = pd.DataFrame({f"price_{b}": prices[:, j] for j, b in enumerate(brands)})
    for j, b in enumerate(brands):
        frame[f"feature_{b}"] = features[:, j]
    frame["income"] = np.round(rng.normal(size=customer.max() + 1), 3)[customer]
    return frame, np.asarray(brands)[chosen], customer


@pytest.fixture(scope="session")
def brands():
    return simulate(np.random.default_rng(7))


@pytest.fixture(scope="session")
def make_brands():
    return simulate


def check_coverage(tables, truth):
    """Of each parameter's 95 % intervals as many hold the truth as the 99.9 % binomial interval says, Bonferroni."""
    truth = np.asarray(truth)
    held = np.sum([(table["low"] < truth) & (truth < table["high"]) for table in tables], axis=0)
    low, high = stats.binom.ppf([0.0005 / len(truth), 1 - 0.0005 / len(truth)], len(tables), 0.95)
    assert np.all((held >= low) & (held <= high)), f"{held} of {len(tables)}, not within {low:g} and {high:g}"


@pytest.fixture(scope="session")
def coverage():
    return check_coverage
