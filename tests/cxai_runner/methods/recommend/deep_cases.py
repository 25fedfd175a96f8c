"""Customers whose truth is known, for models that learn by epochs."""

from __future__ import annotations

import numpy as np
import pandas as pd


def chains(customers=240, length=14, items=24, certain=0.85, seed=0):
    """Each item is mostly followed by one other; all are equally popular. Returns histories, and what comes next."""
    rng = np.random.default_rng(seed)
    follows = np.roll(np.arange(items), 1)[rng.permutation(items)]
    now = rng.integers(0, items, customers)
    several = [now]
    for _ in range(length):
        now = np.where(rng.random(customers) < certain, follows[now], rng.integers(0, items, customers))
        several.append(now)
    walked = np.array(several).T
    frame = pd.DataFrame(
        {
            "items": [[f"i{one}" for one in row] for row in walked],
            "days": [list(range(length, -1, -1))] * customers,
        }
    )
    return frame, [f"i{follows[row[-1]]}" for row in walked]


def tastes(customers=300, each=6, groups=4, items=15, seed=0):
    """Each customer buys from one group of items, at no time in particular. Returns histories, and the group."""
    rng = np.random.default_rng(seed)
    group = rng.integers(0, groups, customers)
    bought = [[f"g{g}_{one}" for one in rng.choice(items, each, replace=False)] for g in group]
    return pd.DataFrame({"items": bought}), group
