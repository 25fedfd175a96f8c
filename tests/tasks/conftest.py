"""Simulated data that the tasks can answer."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from cxai_runner.data.dataset import Dataset, Roles


def make_panel(customers: int = 60, occasions: int = 25, price: float = -1.5, seed: int = 0) -> Dataset:
    """A panel of three alternatives whose purchases follow a logit on mean price and promotion."""
    rng = np.random.default_rng(seed)
    n = customers * occasions
    prices = rng.uniform(1, 3, size=(n, 3)).round(2)
    promotions = rng.integers(0, 2, size=(n, 3))
    own = np.repeat(rng.normal(0, 0.3, customers), occasions)
    linear = 0.5 + price * (prices.mean(axis=1) - 2) + 0.6 * (promotions.mean(axis=1) - 0.5) + own
    frame = pd.DataFrame(
        {
            "customer_id": np.repeat(np.arange(customers) + 1000, occasions),
            "occasion": np.tile(np.arange(occasions), customers),
            "incidence": (rng.uniform(size=n) < 1 / (1 + np.exp(-linear))).astype(int),
        }
    )
    for j, name in enumerate("abc"):
        frame[f"price_{name}"], frame[f"promotion_{name}"] = prices[:, j], promotions[:, j]
    inputs = tuple(name for name in frame if name.startswith(("price_", "promotion_")))
    return Dataset("panel", frame, Roles(time="occasion", inputs=inputs, alternatives=tuple("abc")))


def make_purchases(
    customers: int = 60, occasions: int = 12, price: float = -0.5, alpha: float = 0.2, seed: int = 0
) -> Dataset:
    """Purchases of three brands whose units are a zero-truncated negative binomial of price and promotion."""
    rng = np.random.default_rng(seed)
    n = customers * occasions
    prices = rng.uniform([1, 1.5, 2], [2, 2.5, 3], size=(n, 3)).round(2)
    promotions = rng.integers(0, 2, size=(n, 3))
    chosen = rng.integers(0, 3, n)
    own = np.repeat(rng.normal(0, 0.2, customers), occasions)
    linear = 1.8 + price * prices[np.arange(n), chosen] + 0.3 * promotions[np.arange(n), chosen] + own
    quantity = np.zeros(n, dtype=int)
    while (nothing := quantity == 0).any():
        quantity[nothing] = rng.negative_binomial(1 / alpha, 1 / (1 + alpha * np.exp(linear[nothing])))
    frame = pd.DataFrame(
        {
            "customer_id": np.repeat(np.arange(customers) + 1000, occasions),
            "occasion": np.tile(np.arange(occasions), customers),
            "brand": np.array(["a", "b", "c"])[chosen],
            "quantity": quantity,
        }
    )
    for j, name in enumerate("abc"):
        frame[f"price_{name}"], frame[f"promotion_{name}"] = prices[:, j], promotions[:, j]
    inputs = tuple(name for name in frame if name.startswith(("price_", "promotion_")))
    frame["segment"] = np.repeat(rng.choice(["new", "old"], customers), occasions)
    return Dataset(
        "panel", frame, Roles(time="occasion", inputs=inputs, describe=("segment",), alternatives=tuple("abc"))
    )


def make_choices(
    customers: int = 60, occasions: int = 12, price: float = -2.0, spread: float = 0.0, seed: int = 0
) -> Dataset:
    """Choices among three brands that follow a conditional logit on price and promotion; most customers are loyal."""
    rng = np.random.default_rng(seed)
    n = customers * occasions
    prices = rng.uniform([1, 1.2, 1.5], [2, 2.4, 2.5], size=(n, 3)).round(2)
    promotions = rng.integers(0, 2, size=(n, 3))
    taste = np.repeat(rng.normal(0, 0.8, size=(customers, 3)), occasions, axis=0)
    slope = np.repeat(rng.normal(price, spread, customers), occasions)[:, None]
    utility = [0.0, 0.5, 0.8] + slope * prices + 0.6 * promotions + taste + rng.gumbel(size=(n, 3))
    brand = np.array(["acme", "best", "cola"])[utility.argmax(axis=1)]
    frame = pd.DataFrame(
        {
            "customer_id": np.repeat(np.arange(customers) + 1000, occasions),
            "occasion": np.tile(np.arange(occasions), customers),
            "brand": brand,
        }
    )
    for j, name in enumerate(("acme", "best", "cola")):
        frame[f"price_{name}"], frame[f"promotion_{name}"] = prices[:, j], promotions[:, j].astype(float)
    frame["last_brand"] = frame.groupby("customer_id")["brand"].shift().fillna("none")
    inputs = tuple(name for name in frame if name.startswith(("price_", "promotion_")))
    frame["segment"] = np.repeat(rng.choice(["new", "old"], customers), occasions)
    roles = Roles(
        time="occasion", inputs=inputs, describe=("last_brand", "segment"), alternatives=("acme", "best", "cola")
    )
    return Dataset("panel", frame, roles)


def make_occasions(customers: int = 80, occasions: int = 25, price: float = -1.2, seed: int = 0) -> Dataset:
    """Occasions of three brands: a logit of purchases, a conditional logit of brands, a truncated Poisson of units."""
    rng = np.random.default_rng(seed)
    n = customers * occasions
    everyone = np.arange(n)
    prices = rng.uniform([1, 1.5, 2], [2, 2.5, 3], size=(n, 3)).round(2)
    promotions = rng.integers(0, 2, size=(n, 3))
    utility = np.array([0, 0.5, 1.0]) + price * prices + 0.5 * promotions
    share = np.exp(utility) / np.exp(utility).sum(axis=1, keepdims=True)
    linear = 1.4 - 0.8 * prices.mean(axis=1) + 0.4 * promotions.mean(axis=1)
    bought = rng.uniform(size=n) < 1 / (1 + np.exp(-linear))
    chosen = (share.cumsum(axis=1) < rng.uniform(size=(n, 1))).sum(axis=1).clip(0, 2)
    rate = np.exp(1.2 - 0.5 * prices[everyone, chosen] + 0.2 * promotions[everyone, chosen])
    quantity = np.zeros(n, dtype=int)
    while (nothing := quantity == 0).any():
        quantity[nothing] = rng.poisson(rate[nothing])
    frame = pd.DataFrame(
        {
            "customer_id": np.repeat(np.arange(customers) + 1000, occasions),
            "occasion": np.tile(np.arange(occasions), customers),
            "incidence": bought.astype(int),
            "brand": np.where(bought, np.array(["a", "b", "c"])[chosen], "none"),
            "quantity": np.where(bought, quantity, 0),
        }
    )
    for j, name in enumerate("abc"):
        frame[f"price_{name}"], frame[f"promotion_{name}"] = prices[:, j], promotions[:, j]
    inputs = tuple(name for name in frame if name.startswith(("price_", "promotion_")))
    frame["segment"] = np.repeat(rng.choice(["new", "old"], customers), occasions)
    return Dataset(
        "panel", frame, Roles(time="occasion", inputs=inputs, describe=("segment",), alternatives=tuple("abc"))
    )


def make_customers(number: int = 150, apart: float = 4.0, seed: int = 0) -> Dataset:
    """Customers in three groups, ``apart`` standard deviations from each other; none where it is 0."""
    rng = np.random.default_rng(seed)
    group = rng.choice(3, number, p=[0.5, 0.3, 0.2])
    centres = np.array([[0, 0, 0], [1, 1, 0], [0, 1, 1]]) * apart
    frame = pd.DataFrame(
        rng.normal(size=(number, 3)) + centres[group], columns=["recency", "frequency", "monetary_value"]
    )
    frame.insert(0, "customer_id", np.arange(number) + 5)
    frame["region"] = rng.choice(["north", "south", None], number)
    inputs = ("recency", "frequency", "monetary_value")
    return Dataset("customers", frame, Roles(inputs=inputs, describe=("region",)))


def make_dated_customers(customers: int = 90, dates: int = 9, seed: int = 0) -> Dataset:
    """Customers at quarterly dates: some keep buying, some stopped; the last two dates' next revenue is not known."""
    rng = np.random.default_rng(seed)
    first = pd.Timestamp("2020-01-01")
    rows = []
    for customer in range(customers):
        often, spends = rng.choice([0.01, 0.05]), rng.choice([10.0, 60.0])
        begins, ends = rng.integers(0, 300), rng.choice([400, 2000])
        days = np.flatnonzero(rng.uniform(size=1000) < often)
        days = np.unique([begins, *days[(days > begins) & (days < ends)]])
        amounts = (spends * rng.uniform(0.5, 1.5, len(days))).round(2)
        for number in range(dates):
            now = 300 + 90 * number
            past = days < now
            known = number < dates - 2
            rows += [
                {
                    "customer_id": customer + 100,
                    "time": first + pd.Timedelta(days=now),
                    "recency": now - days[past].max(),
                    "frequency": int(past.sum()),
                    "monetary": amounts[past].mean(),
                    "revenue": amounts[past].sum(),
                    "tenure": now - days.min(),
                    "recent_revenue": amounts[past & (days >= now - 180)].sum(),
                    "next_revenue": amounts[(days >= now) & (days < now + 180)].sum() if known else np.nan,
                    "next_known": known,
                }
                for _ in range(int(past.any()))
            ]
    frame = pd.DataFrame(rows)
    inputs = ("recency", "frequency", "monetary", "revenue", "tenure")
    learned = {"begins": "2020-01-01", "horizon": 180}
    describe = ("recent_revenue", "next_revenue", "next_known")
    return Dataset("customers", frame, Roles(time="time", inputs=inputs, describe=describe), learned=learned)


def make_converters(customers: int = 400, effect: float = 1.0, seed: int = 0) -> Dataset:
    """Customers of whom about a third convert: more visits and a region count, columns of every type are there."""
    rng = np.random.default_rng(seed)
    visits, spend = rng.poisson(3, customers), rng.lognormal(2, 1.2, customers).round(2)
    region = rng.choice(["north", "south", "west"], customers, p=[0.5, 0.3, 0.2]).astype(object)
    linear = -0.8 + effect * (0.5 * (visits - 3) + 1.2 * (region == "south") + 0.4 * (np.log(spend) - 2))
    frame = pd.DataFrame(
        {
            "customer_id": np.arange(customers) + 7,
            "converted": (rng.uniform(size=customers) < 1 / (1 + np.exp(-linear))).astype(int),
            "visits": visits,
            "spend": np.where(rng.uniform(size=customers) < 0.1, np.nan, spend),
            "region": np.where(rng.uniform(size=customers) < 0.05, None, region),
            "since": pd.Timestamp("2023-01-01") + pd.to_timedelta(rng.integers(0, 700, customers), unit="D"),
            "member": rng.uniform(size=customers) < 0.4,
            "channel": rng.choice(["web", "store"], customers),
        }
    )
    inputs = ("visits", "spend", "region", "since", "member")
    return Dataset("customers", frame, Roles(inputs=inputs, describe=("channel",)))


def make_histories(
    customers: int = 120, items: int = 24, loyalty: float = 0.6, own: int = 5, cold: int = 0, seed: int = 0
) -> Dataset:
    """Customers with a few favourites each: with chance ``loyalty`` they buy one of them, else what is popular.

    What they buy is popular by Zipf's law; favourites are drawn alike for all. The last ``cold`` have no history.
    """
    rng = np.random.default_rng(seed)
    popular = 1 / np.arange(1, items + 1)
    popular /= popular.sum()
    category = np.array([f"kind {place % 4}" for place in range(items)])
    rows = []
    for customer in range(customers):
        favourites = rng.choice(items, own, replace=False)

        def drawn(many: int, favourites: np.ndarray = favourites) -> np.ndarray:
            faithful = rng.uniform(size=many) < loyalty
            return np.where(faithful, rng.choice(favourites, many), rng.choice(items, many, p=popular))

        many = 0 if customer >= customers - cold else int(rng.integers(6, 20))
        days = np.sort(rng.integers(1, 200, many))[::-1]
        bought = np.unique(drawn(int(rng.integers(2, 7))))
        rows.append(
            {
                "customer_id": customer + 300,
                "items": json.dumps([f"item {one}" for one in drawn(many)]),
                "weights": json.dumps([1] * many),
                "days": json.dumps(days.tolist()),
                "bought": json.dumps([f"item {one}" for one in bought]),
                "bought_value": json.dumps(rng.uniform(1, 5, len(bought)).round(2).tolist()),
                "region": rng.choice(["north", "south"]),
            }
        )
    about = pd.DataFrame(
        {
            "item_id": [f"item {one}" for one in range(items)],
            "category": category,
            "name": [*"abcdefghijklmnopqrstuvwxyz"][:items],
        }
    )
    inputs = ("items", "weights", "days", "region")
    return Dataset("histories", pd.DataFrame(rows), Roles(inputs=inputs), others={"items": about})


RULES = {
    "active_high": {"recency": {"le": 90}, "monetary": {"ge": "high"}},
    "active_low": {"recency": {"le": 90}, "monetary": {"lt": "high"}},
    "cooling": {"recency": {"gt": 90, "le": 180}},
    "inactive": {"recency": {"gt": 180}},
}
"""Rules for these customers, with one threshold, ``high``."""


@pytest.fixture(scope="session")
def panel() -> Dataset:
    return make_panel()


@pytest.fixture(scope="session")
def purchases() -> Dataset:
    return make_purchases()


@pytest.fixture(scope="session")
def choices() -> Dataset:
    return make_choices()


@pytest.fixture(scope="session")
def occasions() -> Dataset:
    return make_occasions(customers=50)


@pytest.fixture(scope="session")
def customers() -> Dataset:
    return make_customers()
