"""Every feature builder makes the same frames of the same rows, wherever these live, with each of its options.

Frames are compared without a tolerance: builders round what engines add up, so that no order of adding shows.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import MISSING, fields
from inspect import isabstract
from typing import Any, Literal, get_args, get_origin, get_type_hints

import pandas as pd
import pytest
import yaml

import cxai_runner.features
from cxai_runner.config.catalogue import catalogue
from cxai_runner.data import Tables
from cxai_runner.data.quality.contracts import broken, unmet
from cxai_runner.evaluation.split_rules import AllRows, CustomerFolds, CustomerHoldout, LastDates, LastDays, TimeHoldout
from cxai_runner.evaluation.split_within import FixedParts, LeaveLastOut, RandomHoldout
from cxai_runner.features.base import Features
from cxai_runner.features.churn import Churn
from cxai_runner.features.coupon_redemption import CouponRedemption
from cxai_runner.features.customer_base import CustomerBase
from cxai_runner.features.customer_profile import CustomerProfile
from cxai_runner.features.exposures import Exposures
from cxai_runner.features.fed import FedFeatures
from cxai_runner.features.histories import CustomerHistories
from cxai_runner.features.purchase_panel import PurchasePanel
from cxai_runner.features.rfm import RfmAtDates
from cxai_runner.features.table import Table

MEASURE = "parquet"
"""What the other sources are held to."""
SLOW = ("csv", "postgresql", "spark")
OTHERS = ["duckdb", "sqlite", *(pytest.param(one, marks=pytest.mark.slow) for one in SLOW)]

Mapped = Mapping[str, Mapping[str, Any]]
SOLD = {"where": {"quantity": {"gt": 0}, "status": {"not_in": ["returned"]}}}
LINES = {"order_id": "ticket", "timestamp": "sold_at", "quantity": "units", "revenue": "paid"}
ACTIONS = {"campaign_id": "action", "start": "begins", "end": "ends"}
VOUCHERS = {"campaign_id": "action", "coupon_id": "voucher"}
MONEY = {"retail_discount": "saved", "coupon_discount": "coupon", "coupon_match_discount": "matched"}

NUMBERED: Mapped = {
    # Ids are numbers, weeks are numbered, and there is everything that a source can have.
    "transactions": {
        "table": "orders",
        "columns": {**LINES, **MONEY, "customer_id": "client", "product_id": "sku", "store_id": "store"},
        **SOLD,
    },
    "products": {"table": "catalogue", "columns": {"product_id": "sku", "category": "family", "brand": "maker"}},
    "promotions": {"table": "flyers", "columns": {"product_id": "sku", "store_id": "store"}},
    "customers": {"table": "people", "columns": {"customer_id": "client"}},
    "stores": {"table": "places", "columns": {"store_id": "store"}},
    "campaigns": {"table": "actions", "columns": {**ACTIONS, "campaign_type": "kind"}},
    "mailings": {"table": "letters", "columns": {"customer_id": "client", "campaign_id": "action"}},
    "coupons": {"table": "vouchers", "columns": {**VOUCHERS, "product_id": "sku"}},
    "redemptions": {"table": "used", "columns": {**VOUCHERS, "customer_id": "client", "timestamp": "used_at"}},
}
NAMED: Mapped = {
    # Ids are names, weeks begin on Mondays, and nothing tells orders apart; what was promoted is what was discounted.
    "transactions": {
        "table": "orders",
        "columns": {
            **{name: own for name, own in LINES.items() if name != "order_id"},
            "retail_discount": "saved",
            "customer_id": "member",
            "product_id": "article",
            "store_id": "store",
            "week_of_shop": "week",
        },
        "types": {"store_id": "text"},
        **SOLD,
    },
    "products": {"table": "catalogue", "columns": {"product_id": "article", "category": "family", "brand": "maker"}},
    "customers": {"table": "people", "columns": {"customer_id": "member"}},
    "campaigns": {"table": "actions", "columns": ACTIONS},
    "mailings": {"table": "letters", "columns": {"customer_id": "member", "campaign_id": "action"}},
    "redemptions": {"table": "used", "columns": {**VOUCHERS, "customer_id": "member", "timestamp": "used_at"}},
}
PANEL: Mapped = {
    "panel": {
        "table": "choices",
        "columns": {
            "customer_id": "client",
            "occasion": "day",
            "incidence": "bought",
            "price": "price_{alternative}",
            "promotion": "promo_{alternative}",
            "available": "there_{alternative}",
        },
    }
}
MET: Mapped = {
    # What members did with articles; the shop's own column says which part a line belongs to.
    "interactions": {
        "table": "orders",
        "columns": {
            "customer_id": "member",
            "item_id": "article",
            "timestamp": "sold_at",
            "weight": "units",
            "part": "status",
        },
    },
    "products": {"table": "catalogue", "columns": {"product_id": "article", "category": "family", "brand": "maker"}},
}
UNDATED: Mapped = {
    "interactions": {"table": "orders", "columns": {"customer_id": "client", "item_id": "sku", "revenue": "paid"}},
}


def panel(**options: Any) -> PurchasePanel:
    return PurchasePanel(**{"category": "SOFT DRINKS", "brands": 3, **options})


CASES: Mapping[str, tuple[Mapped, Features, Any]] = {
    "base": (NUMBERED, CustomerBase(), AllRows()),
    "base, of a category": (
        NUMBERED,
        CustomerBase(of="transactions", brands_of="SOFT DRINKS", brand_by="label", brands=2, lost_after=40),
        CustomerHoldout(),
    ),
    "base, of names": (NAMED, CustomerBase(of="transactions"), CustomerHoldout()),
    "base, of a panel": (PANEL, CustomerBase(of="panel"), AllRows()),
    "base, of customers": (NUMBERED, CustomerBase(of="customers"), AllRows()),
    "profile": (NUMBERED, CustomerProfile(), CustomerHoldout()),
    "profile, of names": (NAMED, CustomerProfile(), CustomerFolds(folds=3)),
    "profile, as of": (NAMED, CustomerProfile(as_of="2017-03-01", columns=["recency", "monetary"]), CustomerHoldout()),
    "profile, lines": (NAMED, CustomerProfile(purchase="line"), AllRows()),
    "profile, looked back": (NAMED, CustomerProfile(as_of="2017-03-01", horizon=30), CustomerHoldout()),
    "rfm": (NUMBERED, RfmAtDates(dates=4, every=21, horizon=21), LastDates(days=21)),
    "rfm, of names": (NAMED, RfmAtDates(as_of="2017-03-01", dates=5, every=10, horizon=10), TimeHoldout()),
    "rfm, lines": (NAMED, RfmAtDates(dates=["2017-02-01", "2017-03-01"], purchase="line"), CustomerHoldout()),
    "churn": (NUMBERED, Churn(dates=3, horizon=14), LastDays(days=1)),
    "churn, of names": (
        NAMED,
        Churn(as_of="2017-04-01", every=21, horizon=7, gap=3, active_within=20, columns=["recency", "age"]),
        CustomerHoldout(),
    ),
    "churn, lines": (NAMED, Churn(dates=1, purchase="line", open=True), AllRows()),
    "coupons": (NUMBERED, CouponRedemption(), CustomerHoldout()),
    "coupons, of names": (
        NAMED,
        CouponRedemption(history=5, recent=14, columns=["recency", "home"]),
        TimeHoldout(cut="2017-03-01"),
    ),
    "coupons, open": (NUMBERED, CouponRedemption(open=True), CustomerHoldout()),
    "panel": (NUMBERED, panel(), CustomerHoldout()),
    "panel, in time": (NUMBERED, panel(brands=2), TimeHoldout()),
    "panel, of names": (NAMED, panel(category="CAFÉ"), CustomerHoldout()),
    "panel, rest dropped": (NUMBERED, panel(brands=2, rest="drop"), CustomerHoldout()),
    "panel, purchases": (NUMBERED, panel(purchases_only=True), CustomerHoldout()),
    "panel, baskets": (NUMBERED, panel(occasion="basket"), TimeHoldout()),
    "panel, baskets of names": (NAMED, panel(occasion="basket", loyalty_carry_over=0.8), TimeHoldout()),
    "panel, stores": (NUMBERED, panel(store_groups="store_id", store_group_lines=290), CustomerHoldout()),
    "panel, stores of names": (NAMED, panel(store_groups="store_id", store_group_lines=1), CustomerHoldout()),
    "panel, regions": (
        NUMBERED,
        panel(store_groups="region", store_group_lines=1, occasion="basket"),
        CustomerHoldout(),
    ),
    "panel, labels": (
        NUMBERED,
        panel(
            brand_by="label",
            brands=2,
            put_back=["coupon_discount", "coupon_match_discount"],
            columns=["price_*", "display_*", "last_quantity", "loyalty_*"],
        ),
        CustomerHoldout(),
    ),
    "panel, next occasions": (NUMBERED, panel(ahead=True, store_groups="region", store_group_lines=1), AllRows()),
    "panel, next of names": (NAMED, panel(ahead=True), CustomerHoldout()),
    "histories": (NUMBERED, CustomerHistories(fewest=15, history=60), LastDays(days=28, skip=7)),
    "histories, of names": (NAMED, CustomerHistories(weight="quantity"), CustomerHoldout()),
    "histories, of categories": (
        NUMBERED,
        CustomerHistories(item="brand", weight="revenue", as_of="2017-04-01"),
        LeaveLastOut(last=2),
    ),
    "histories, to predict": (NUMBERED, CustomerHistories(open=True, offered={"price": "-10%"}, earlier=14), AllRows()),
    "histories, of interactions": (
        MET,
        CustomerHistories(table="interactions", weight="weight"),
        FixedParts(held_out=["ok"]),
    ),
    "histories, undated": (UNDATED, CustomerHistories(table="interactions"), RandomHoldout(test_size=0.3)),
    "histories, at random": (NUMBERED, CustomerHistories(exclude=["age"]), RandomHoldout(of="event")),
    "histories, the last events": (NAMED, CustomerHistories(), LeaveLastOut(last=3, of="event")),
    "histories, with coupons": (NUMBERED, CustomerHistories(exposures=Exposures(days=60)), LastDays(days=7)),
    "histories, with mailers": (
        NUMBERED,
        CustomerHistories(item="category", exposures=Exposures(of="mailers", days=21)),
        LastDays(days=30),
    ),
    "table": (NUMBERED, Table(), CustomerHoldout()),
    "table, of names": (NAMED, Table(columns=["age", "card"]), AllRows()),
    "table, of a panel": (PANEL, Table(table="panel"), TimeHoldout()),
    "table, purchases": (PANEL, Table(table="panel", purchases_only=True), CustomerHoldout()),
    "table, gaps kept": (PANEL, Table(table="panel", exclude=["price_a"], missing="keep"), CustomerHoldout()),
}


@pytest.fixture(scope="module")
def opened(
    fill: Callable[..., str], source: Callable[..., Any], shop: Mapping[str, pd.DataFrame]
) -> Callable[..., Any]:
    """The shop's tables where they live, put there once."""
    urls: dict[str, str] = {}

    def of(engine: str, tables: Mapped) -> Tables:
        if engine not in urls:
            urls[engine] = fill(engine, shop)
        found: Tables = source(engine, urls[engine], **tables).open()
        return found

    return of


@pytest.fixture(scope="module")
def expected(opened: Callable[..., Any]) -> Callable[[str], dict[str, Any]]:
    """What a case comes to where it is the measure, built once."""
    found: dict[str, dict[str, Any]] = {}

    def of(case: str) -> dict[str, Any]:
        if case not in found:
            tables, features, split = CASES[case]
            found[case] = everything(opened(MEASURE, tables), features, split)
        return dict(found[case])

    return of


def everything(tables: Tables, features: Features, split: Any) -> dict[str, Any]:
    """What checks, split and builder make of tables."""
    needs, rows = features.needs(), features.rows(tables)
    found: dict[str, Any] = {
        "unmet": list(unmet(needs, tables)),
        "broken": list(broken(needs, tables)),
        "problems": [*features.problems(tables), *split.problems(rows)],
        "dropped": tables.dropped,
        "rows": {name: tables.rows(name) for name in tables},
    }
    for number, fold in enumerate(split.plan(rows, 1)):
        learned = found[f"{number} learned"] = features.learn(tables, fold.train)
        for part in (one for one in (fold.train, fold.held_out) if one is not None):
            dataset = features.build(tables, part, learned)
            found[f"{number} {part.name}"] = dataset.frame
            found |= {f"{number} {part.name}, {name}": frame for name, frame in dataset.others.items()}
            found[f"{number} {part.name} is"] = (dataset.kind, dataset.roles, dataset.dropped)
    return found


@pytest.mark.parametrize("case", list(CASES))
@pytest.mark.parametrize("engine", OTHERS)
def test_a_builder_makes_the_same_frames_everywhere(
    engine: str, case: str, opened: Callable[..., Any], expected: Callable[[str], dict[str, Any]]
) -> None:
    tables, features, split = CASES[case]
    want, have = expected(case), everything(opened(engine, tables), features, split)
    assert want["unmet"] == want["broken"] == want["problems"] == []
    frames = [name for name, one in want.items() if isinstance(one, pd.DataFrame)]
    assert all(len(want[name]) > (12 if "," not in name else 0) for name in frames)
    for name in frames:
        pd.testing.assert_frame_equal(have.pop(name), want.pop(name), check_exact=True)
    assert have == want


def test_the_shop_is_awkward(expected: Callable[[str], dict[str, Any]], shop: Mapping[str, pd.DataFrame]) -> None:
    """What the comparison is good for is what its rows hold."""
    orders = shop["orders"]
    assert orders.duplicated().any()
    assert (orders["units"] == 0).any()
    assert orders[["client", "member", "status"]].isna().any().all()
    assert (orders["sold_at"] == pd.Timestamp("2017-01-31 23:59:59.999999")).any()
    assert not set(orders["sku"]) <= set(shop["catalogue"]["sku"])
    for names in (orders["member"].dropna(), orders["article"], shop["catalogue"]["maker"].dropna()):
        assert names.str.lower().nunique() < names.nunique()
    groups = expected("panel, regions")["0 train"]["store_group"]
    assert set(groups) == {"Nord", "Süd", "rest", "south"}
    assert expected("panel, rest dropped")["0 train is"][2], "brands that are none of the alternatives were bought"
    assert expected("table, of a panel")["0 train is"][2], "rows without a price"


def test_every_builder_is_held_to_it() -> None:
    for module in pkgutil.iter_modules(cxai_runner.features.__path__, "cxai_runner.features."):
        importlib.import_module(module.name)
    known = {one for one in below(Features) if one.__module__.startswith("cxai_runner.") and not isabstract(one)}
    known -= {FedFeatures}  # whose rows are a builder's, beside what a model says
    assert {type(features) for _, features, _ in CASES.values()} == known
    names = {f"{one.__module__}.{one.__name__}" for one in known}
    assert {target(entry.name) for entry in catalogue("features")} == names


def test_every_option_of_every_builder_is_tried() -> None:
    tried = [features for _, features, _ in CASES.values()]
    for builder in {type(features) for features in tried}:
        hints = get_type_hints(builder, localns={"TransformerMixin": object})
        for option in (one for one in fields(builder) if one.name not in ("transformers", "models")):
            values = [getattr(one, option.name) for one in tried if type(one) is builder]
            kind = hints[option.name]
            if get_origin(kind) is Literal:
                assert set(values) == set(get_args(kind)), f"{builder.__name__}.{option.name}"
            default = option.default if option.default is not MISSING else values[0]
            assert any(value != default for value in values), f"{builder.__name__}.{option.name}"


def below(base: type) -> Iterator[type]:
    for one in base.__subclasses__():
        yield one
        yield from below(one)


def target(name: str) -> str:
    """The class that a config of features names, or the config that it begins with does."""
    (path,) = (entry.path for entry in catalogue("features") if entry.name == name)
    config = yaml.safe_load(path.read_text(encoding="utf-8"))
    if "_target_" in config:
        return str(config["_target_"])
    return target(next(one for one in config["defaults"] if isinstance(one, str) and one != "_self_"))
