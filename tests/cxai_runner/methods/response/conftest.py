"""Occasions whose purchases, brands and units follow known laws."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest

from cxai_runner.methods.choice import ConditionalLogit
from cxai_runner.methods.logit import BinomialLogit
from cxai_runner.methods.quantity import TruncatedPoissonQuantity
from cxai_runner.methods.response import PurchaseChain

BRANDS = ("a", "b", "c")


@dataclass(frozen=True)
class World:
    """What is behind simulated occasions: a logit on mean price, a conditional logit, a zero-truncated Poisson."""

    incidence: tuple[float, float, float] = (1.6, -0.9, 0.4)
    constants: tuple[float, float, float] = (0.0, 0.5, 1.0)
    choice: tuple[float, float] = (-1.2, 0.5)
    quantity: tuple[float, float, float] = (1.2, -0.5, 0.2)
    discrete: bool = False
    """Whether prices are those of twelve weeks, everybody's alike."""

    def market(self, n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        rows = 12 if self.discrete else n
        prices = rng.uniform([1, 1.5, 2], [2, 2.5, 3], size=(rows, 3)).round(2)
        promotions = rng.integers(0, 2, size=(rows, 3)).astype(float)
        week = np.arange(n) % rows
        return prices[week], promotions[week]

    def laws(self, prices: np.ndarray, promotions: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Probability of a purchase, of each brand, and the rate of the units of each."""
        a, b, c = self.incidence
        bought = 1 / (1 + np.exp(-(a + b * prices.mean(axis=1) + c * promotions.mean(axis=1))))
        utility = np.array(self.constants) + self.choice[0] * prices + self.choice[1] * promotions
        share = np.exp(utility) / np.exp(utility).sum(axis=1, keepdims=True)
        a, b, c = self.quantity
        return bought, share, np.exp(a + b * prices + c * promotions)

    def units(self, prices: np.ndarray, promotions: np.ndarray) -> np.ndarray:
        """Expected units of each brand, shape (n, 3)."""
        bought, share, rate = self.laws(prices, promotions)
        return bought[:, np.newaxis] * share * rate / -np.expm1(-rate)

    def drawn(self, customers: int, occasions: int, seed: int) -> tuple[pd.DataFrame, pd.DataFrame, np.ndarray]:
        """Inputs, outcomes and customers."""
        rng = np.random.default_rng(seed)
        n = customers * occasions
        prices, promotions = self.market(n, rng)
        probability, share, rate = self.laws(prices, promotions)
        bought = rng.uniform(size=n) < probability
        chosen = (share.cumsum(axis=1) < rng.uniform(size=(n, 1))).sum(axis=1).clip(0, 2)
        mine = rate[np.arange(n), chosen]
        quantity = np.zeros(n, dtype=int)
        while (nothing := quantity == 0).any():
            quantity[nothing] = rng.poisson(mine[nothing])
        X = pd.DataFrame({f"price_{name}": prices[:, j] for j, name in enumerate(BRANDS)})
        X = X.assign(**{f"promotion_{name}": promotions[:, j] for j, name in enumerate(BRANDS)})
        y = pd.DataFrame(
            {
                "incidence": bought.astype(int),
                "brand": np.where(bought, np.array(BRANDS)[chosen], "none"),
                "quantity": np.where(bought, quantity, 0),
            }
        )
        return X, y, np.repeat(np.arange(customers), occasions)


def chain(**parts: object) -> PurchaseChain:
    """An unfitted chain, of the parts named and else of those that the world is made of."""
    usual = {
        "incidence": BinomialLogit(),
        "choice": ConditionalLogit("auto"),
        "quantity": TruncatedPoissonQuantity(),
    }
    return PurchaseChain(**{**usual, **parts})


@pytest.fixture(scope="session")
def rows():
    return World().drawn(customers=60, occasions=20, seed=1)


@pytest.fixture(scope="session")
def fitted(rows):
    X, y, groups = rows
    return chain().fit(X, y, groups=groups)
