"""Customers whose purchases follow a law that is known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest

from cxai_runner.methods.recommend.interactions import text


@dataclass(frozen=True)
class World:
    """Histories up to a day, and what came in the days after it, of one and the same law."""

    histories: pd.DataFrame
    came: pd.Series
    horizon: float


@pytest.fixture(scope="session")
def world() -> World:
    """Each customer buys each item as often as a rate of their own says, on any day alike."""
    rng = np.random.default_rng(3)
    customers, items, days, horizon = 600, 40, 280, 28
    rate = rng.gamma(0.25, 1, size=(customers, items)) * np.exp(-np.arange(items) / 12) * 0.03
    bought = rng.uniform(size=(days + horizon, customers, items)) < rate
    rows, came = [], []
    for customer in range(customers):
        day, item = np.nonzero(bought[:days, customer])
        rows.append((text([f"i{one}" for one in item]), text((days - day).tolist())))
        came.append(text([f"i{one}" for one in np.flatnonzero(bought[days:, customer].any(axis=0))]))
    frame = pd.DataFrame(rows, columns=["items", "days"])
    some = frame["items"] != "[]"
    return World(frame[some].reset_index(drop=True), pd.Series(came)[some].reset_index(drop=True), horizon)
