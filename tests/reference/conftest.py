"""The published data, read as they are."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from cxai_runner.data.dataset import Dataset, Roles


@pytest.fixture(scope="session")
def candy_panel(shared_data: Callable[[str], Path]) -> Dataset:
    """The 58,693 shopping occasions of 500 customers, under standard names."""
    frame = pd.read_csv(shared_data("candy_bars") / "purchases.csv").rename(columns=str.lower)
    frame = frame.rename(columns={"id": "customer_id", "day": "occasion"})
    inputs = tuple(name for name in frame if name.startswith(("price_", "promotion_")))
    return Dataset("panel", frame, Roles(time="occasion", inputs=inputs, alternatives=tuple("12345")))


@pytest.fixture(scope="session")
def candy_customers(shared_data: Callable[[str], Path]) -> Dataset:
    """The 2,000 customers, under standard names."""
    frame = pd.read_csv(shared_data("candy_bars") / "customers.csv")
    frame = frame.rename(columns=lambda name: name.lower().replace(" ", "_")).rename(columns={"id": "customer_id"})
    return Dataset("customers", frame, Roles(inputs=tuple(frame.columns[1:])))
