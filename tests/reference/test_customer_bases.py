"""Customer bases of published data: how large they are, and what each brand of candy bars brought."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from cxai_runner.config.compose import compose
from cxai_runner.config.targets import build
from cxai_runner.data import Tables
from cxai_runner.data.dataset import Dataset
from cxai_runner.evaluation.results import Table
from cxai_runner.evaluation.splits import Part
from cxai_runner.features.customer_base import CustomerBase
from cxai_runner.task import Context
from tasks.explore import Explore

pytestmark = pytest.mark.reference

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
TRAIN = Part("train")


def opened(example: str, data: str, folder: Path) -> Tables:
    composed = compose([f"data={data}", f"data.root={folder}"], [EXAMPLES / example])
    tables: Tables = build(composed.plain["data"], "data", composed).open()
    return tables


def base(tables: Tables) -> Dataset:
    features = CustomerBase()
    return features.build(tables, TRAIN, features.learn(tables, TRAIN))


def test_revenue_of_each_brand_of_candy_bars(shared_data: Callable[[str], Path]) -> None:
    """6305.65, 21768.31, 6021.52, 19040.10 and 29621.00, on 14,638 of 58,693 occasions."""
    data = base(opened("candy_bars", "candy_purchases", shared_data("candy_bars")))
    assert (len(data.frame), data.frame["occasions"].sum(), data.frame["purchases"].sum()) == (500, 58693, 14638)
    task, context = Explore(), Context(resamples=100)
    fitted = task.fit(None, data, context)
    scores = {"train": task.score(fitted, data, context)}
    said = list(task.report(fitted, data, scores, {}, context))
    brands = next(one.frame for one in said if isinstance(one, Table) and one.name == "brands")
    assert brands["brand"].tolist() == list("12345")
    assert brands["revenue"].round(2).tolist() == [6305.65, 21768.31, 6021.52, 19040.10, 29621.00]


def test_ten_years_of_orders(shared_data: Callable[[str], Path]) -> None:
    """51,243 purchases of 18,417 customers from 2005-01-02 to 2015-12-31."""
    frame = base(opened("retail_orders", "retail_orders", shared_data("retail_orders"))).frame
    assert (len(frame), frame["lines"].sum()) == (18417, 51243)
    assert (frame["first"].min(), frame["last"].max()) == (pd.Timestamp("2005-01-02"), pd.Timestamp("2015-12-31"))


def test_a_tenth_of_cdnow(shared_data: Callable[[str], Path]) -> None:
    """6,919 rows of 2,357 customers, 1997-01-01 to 1998-06-30."""
    frame = base(opened("cdnow", "cdnow", shared_data("cdnow"))).frame
    assert (len(frame), frame["lines"].sum()) == (2357, 6919)
    assert (frame["first"].min(), frame["last"].max()) == (pd.Timestamp("1997-01-01"), pd.Timestamp("1998-06-30"))


@pytest.mark.slow
def test_a_web_shop_whose_lines_lack_customers(shared_data: Callable[[str], Path]) -> None:
    """525,461 rows, 107,927 of them without a customer."""
    tables = opened("online_retail", "online_retail", shared_data("online_retail_2009"))
    (without,) = (one for one in tables.dropped if one.reason == "no customer")
    assert (without.rows, without.of) == (107927, 525461)
    data = base(tables)
    assert data.frame["lines"].sum() == 525461 - sum(one.rows for one in tables.dropped)
    assert data.others["days"]["orders"].sum() == data.frame["orders"].sum()


def test_the_households_of_complete_journey() -> None:
    """1,469,307 transactions of 2,469 households, 8,869 of which are of no quantity."""
    composed = compose([])
    tables = build(composed.plain["data"], "data", composed).open()
    (nothing,) = tables.dropped
    assert (nothing.rows, nothing.of) == (8869, 1469307)
    frame = base(tables).frame
    assert (len(frame), frame["lines"].sum()) == (2469, 1469307 - 8869)
