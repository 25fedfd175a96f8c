"""Simulated panels of brand choice."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest


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
