"""A document with one of everything in it."""

from __future__ import annotations

import math

import pandas as pd
import pytest

from cxai_runner.data.dataset import Dropped
from cxai_runner.data.quality.changes import Change
from cxai_runner.data.quality.facts import ColumnQuality, Quality
from cxai_runner.evaluation.results import Estimate, Figure, Finding, Interval, Metric, Table
from cxai_runner.report.document import Document

NAN = math.nan
WILD = "<script>alert('x')</script> & $2 {{ 7 * 7 }}"


@pytest.fixture
def curve() -> pd.DataFrame:
    return pd.DataFrame(
        {"price": [1.0, 2.0, 3.0], "share": [0.4, 0.3, 0.2], "low": [0.3, 0.2, 0.1], "high": [0.5, 0.4, 0.3]}
    )


@pytest.fixture
def figures(curve: pd.DataFrame) -> tuple[Figure, ...]:
    groups = pd.DataFrame(
        {"segment": ["a", "b", "a", "b"], "brand": [WILD, WILD, "plain", "plain"], "n": [1, 2, 3, -4]}
    )
    dated = pd.DataFrame({"week": pd.date_range("2017-01-01", periods=20, freq="W"), "n": range(20)})
    stacked = pd.DataFrame(
        {"whose": ["a"] * 3 + ["b"] * 3, "price": [1.0, 2.0, 3.0] * 2, "part": [-1.0, -2.0, -3.0, -0.5, 0.0, 0.5]}
    )
    return (
        Figure(
            "line", f"Line {WILD}", curve, "line", "price", "share", "See.", low="low", high="high", shade=(1.5, 2.5)
        ),
        Figure("point", "Point", curve, "point", "price", "share", low="low", high="high", reference="diagonal"),
        Figure("bar", "Bar", groups, "bar", "brand", "n", by="segment", reference={"y": 1.5}),
        Figure("lying", "Lying bars", groups.assign(x=[f"a long name {i}" for i in range(4)]), "bar", "x", "n"),
        Figure("heat", "Heat", groups, "heatmap", "segment", "brand", fill="n"),
        Figure("stack", "Stacked areas", stacked, "stack", "price", "part", by="whose", reference={"y": -1.0}),
        Figure("dated", "Dated", dated, "line", "week", "n", reference={"x": 17_200.0}),
        Figure("named", "Named", groups, "line", "brand", "n", by="segment", x_label="$ per $"),
        Figure("flow", "Flow", groups.assign(n=[1, 2, 3, 4]), "flow", "segment", "brand", fill="n", x_label="then"),
        Figure("empty", "Empty", curve.head(0), "line", "price", "share"),
    )


@pytest.fixture
def quality() -> tuple[Quality, ...]:
    """A table of which much was dropped and changed, and one that came as it is."""
    reasons = {"no customer": 1000, "quantity is 0 or less": 500, WILD: 300, "Price is 0 or less": 150, "late": 50}
    transactions = Quality(
        table="transactions",
        rows=10_000,
        kept=8_000,
        dropped=tuple(Dropped("transactions", reason, rows, 10_000) for reason, rows in reasons.items()),
        changed=(
            Change("timestamp", "read as dates written %d/%m/%Y", 9_990, 10_000),
            Change("revenue", f"written with “{WILD}” as decimal sign, read as numbers", 7, 10_000),
            Change("quantity", "read as whole numbers", 10_000, 10_000, plain=True),
        ),
        notes=(f"the header has `{WILD}` twice",),
        columns=(
            ColumnQuality("customer_id", "client", "whole number", 0, 2_345, repeats=True),
            ColumnQuality("timestamp", "day", "date and time", 0, 365, "2017-01-01T00:00:00", "2017-12-31T18:30:00"),
            ColumnQuality("revenue", "paid", "number", 40, 900, -1.25, 12_345.678),
            ColumnQuality("status", "status", "text", 0, 2, frequent=WILD, frequent_rows=6_000),
            ColumnQuality("nothing", "nothing", "text", 8_000, 0),
            ColumnQuality("aside", "aside", "text", 5, 3, read=False),
        ),
        looked_at=8_000,
    )
    promotions = Quality(
        table="promotions",
        rows=20_940_529,
        kept=20_940_529,
        columns=(ColumnQuality("week", "week", "whole number", 0, 53, 1, 53),),
        others=3,
        looked_at=524_288,
        estimated=True,
        hidden=True,
    )
    return transactions, promotions


@pytest.fixture
def document(figures: tuple[Figure, ...], quality: tuple[Quality, ...]) -> Document:
    better = Metric(
        "log_loss",
        "log loss",
        Interval(0.532, 0.525, 0.539),
        "lower",
        Interval(0.611, 0.603, 0.618),
        Interval(-0.079, -0.085, -0.072),
    )
    unclear = Metric(
        "roc_auc", "ROC AUC", Interval(0.5, 0.48, 0.52), "higher", Interval(0.5, NAN, NAN), Interval(0.0, -0.02, 0.02)
    )
    alone = Metric("log_loss", "log loss", Interval(0.53, NAN, NAN), "lower")
    many = pd.DataFrame({"customer_id": [f"c{i}" for i in range(2469)], "spent": [i + 0.5 for i in range(2469)]})
    mixed = pd.DataFrame(
        {
            "segment": [WILD, None, "loyal"],
            "n": [1, 2, 3],
            "maybe": pd.array([1, None, 3], dtype="Int64"),
            "share": [0.5, NAN, math.inf],
            "member": [True, False, True],
            "joined": pd.to_datetime(["2017-03-01", None, "2017-05-01"]),
        }
    )
    return Document(
        task="purchase_incidence",
        question=f"Will they buy? {WILD}",
        headline=f"Higher prices of {WILD} lower purchases by 1.42 %.",
        asked={"model": "binomial logit", "category": WILD},
        data={"rows": "48,212 occasions"},
        dropped=(Dropped("transactions", "quantity is zero", 13021, 1469307), Dropped("panel", WILD, 1, 10)),
        quality=quality,
        metrics={"train": (alone,), "held_out": (better, unclear)},
        baseline="base rate",
        estimates=(Estimate("elasticity", "elasticity at the mean price", Interval(-1.42, -1.61, -1.24)),),
        findings=(Finding(f"Promotion helps {WILD}."),),
        caveats=(Finding(f"Prices were not random {WILD}.", "caveat"),),
        figures=figures,
        tables=(
            Table("mixed", f"Mixed {WILD}", mixed, f"Caption {WILD}"),
            Table("customers", "Customers", many),
            Table("indexed", "Indexed", pd.DataFrame({"n": [1]}, index=pd.Index(["a"], name="brand"))),
        ),
        provenance={"run": "b41c2f", "commit": WILD},
        command=f"cxai run features.category='{WILD}'",
        seconds={"fit": 0.2, "evaluate": 75.0},
        peak_memory_mb={"fit": 312.2},
    )
