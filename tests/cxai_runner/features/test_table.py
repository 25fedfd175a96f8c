"""Ready-made tables: which columns become inputs, and what happens to rows with gaps."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pandas as pd
import pytest

from cxai_runner.data import Tables
from cxai_runner.data.dataset import Dataset, Dropped
from cxai_runner.evaluation.splits import Part
from cxai_runner.features.table import Table

TRAIN = Part("train")
CUSTOMERS = pd.DataFrame(
    {
        "customer_id": [3, 1, 2],
        "age": [30.0, 40.0, None],
        "income": [1, 2, 3],
        "member": [True, False, True],
        "city": ["A", "B", "C"],
        "store_id": [7, 7, 8],
    }
)
PANEL = pd.DataFrame(
    {
        "customer_id": [2, 1, 1],
        "occasion": [1, 2, 1],
        "incidence": [1, 0, 1],
        "brand": [2, 0, 1],
        "price_b": [1.0, 2.0, 3.0],
        "price_a": [1.0, 2.0, 3.0],
        "promotion_b": [0, 1, 0],
        "segment": [0, 1, 1],
    }
)


def build(part: Part = TRAIN, **settings: Any) -> Dataset:
    source = Tables.of(customers=CUSTOMERS, panel=PANEL)
    return Table(**settings).build(source, part, {})


@pytest.mark.parametrize(
    ("settings", "inputs"),
    [
        ({}, ("age", "income", "member")),
        ({"exclude": ["a*"]}, ("income", "member")),
        ({"columns": ["income"]}, ("income",)),
        ({"columns": ["in*", "age"], "exclude": ["age"]}, ("income",)),
        ({"table": "panel"}, ("price_b", "price_a", "promotion_b")),
        ({"table": "panel", "columns": ["price_*", "segment"]}, ("price_b", "price_a", "segment")),
    ],
)
def test_inputs(settings: dict[str, Any], inputs: tuple[str, ...]) -> None:
    assert build(**settings).roles.inputs == inputs


def test_the_rest_describes_and_ids_are_never_inputs() -> None:
    roles = build(columns=["*"]).roles
    assert "store_id" not in roles.inputs
    assert build(columns=["income"]).roles.describe == ("age", "member", "city", "store_id")


def test_rows_with_a_gap_in_an_input_are_left_out_and_counted() -> None:
    data = build()
    assert data.frame["customer_id"].tolist() == [1, 3]
    assert data.dropped == (Dropped("customers", "no value of age", 1, 3),)
    assert build(exclude=["age"]).dropped == ()
    kept = build(missing="keep")
    assert kept.frame["customer_id"].tolist() == [1, 2, 3]
    assert kept.dropped == ()


def test_a_panel_has_times_and_alternatives() -> None:
    data = build(table="panel")
    assert data.kind == "panel"
    assert data.roles.time == "occasion"
    assert data.roles.alternatives == ("b", "a")
    assert data.frame[["customer_id", "occasion"]].to_numpy().tolist() == [[1, 1], [1, 2], [2, 1]]


def test_what_it_makes_is_what_it_is_told_to() -> None:
    assert Table(table="panel").makes == "panel"
    assert Table().makes == "customers"


def test_parts_divide_the_rows() -> None:
    ids = pd.DataFrame({"customer_id": [1]})
    train = build(Part("train", customers=ids, keep=False), table="panel").frame
    held_out = build(Part("held_out", customers=ids), table="panel").frame
    assert train["customer_id"].tolist() == [2]
    assert held_out["customer_id"].tolist() == [1, 1]
    assert build(Part("train", end=2), table="panel").frame["occasion"].tolist() == [1, 1]


def test_rows_are_dated_where_the_table_is() -> None:
    source = Tables.of(customers=CUSTOMERS, panel=PANEL)
    assert list(Table(table="panel").rows(source).columns) == ["customer_id", "time"]
    assert list(Table().rows(source).columns) == ["customer_id"]
    assert Table().rows(source).count().execute() == 2


@pytest.mark.parametrize(
    ("settings", "message", "remedy"),
    [
        ({"columns": ["agee"]}, "no such column in customers", "did you mean `age`?"),
        (
            {"exclude": ["price_*"]},
            "no such column in customers",
            "one of: age, city, customer_id, income, member, store_id",
        ),
        ({"columns": ["store_id", "age"]}, "an id is never an input", "leave it out"),
        (
            {"exclude": ["*"]},
            "no column of customers is left as an input",
            "one of: age, city, customer_id, income, member, store_id",
        ),
    ],
)
def test_a_mistake_is_told(settings: dict[str, Any], message: str, remedy: str) -> None:
    (problem,) = Table(**settings).problems(Tables.of(customers=CUSTOMERS))
    assert (problem.message, problem.remedy) == (message, remedy)


@pytest.mark.parametrize("endless", [1, 15, 20])
def test_numbers_without_an_end_are_told_however_many(endless: int) -> None:
    scores = [float("inf")] * endless + [float(row) for row in range(20 - endless)]
    source = Tables.of(customers=pd.DataFrame({"customer_id": range(20), "age": range(20), "score": scores}))
    (problem,) = Table().problems(source)
    told = f"score cannot be an input: {endless} of its 20 values are no numbers, such as `inf`"
    assert problem.message == told
    assert problem.remedy.endswith("or features.exclude=[score]")
    assert list(Table(exclude=["score"]).problems(source)) == []


def test_only_of_files_is_it_said_what_stands_for_a_missing_value() -> None:
    frame = pd.DataFrame({"customer_id": range(20), "score": [float("inf"), *map(float, range(19))]})
    source = Tables.of(customers=frame)
    (of_a_file,) = Table().problems(source)
    source.mapped["customers"] = replace(source.mapped["customers"], place="shop.db people")
    (of_a_table,) = Table().problems(source)
    assert of_a_file.remedy.startswith("data.nulls=[inf] if it stands for a missing value, or ")
    assert of_a_table.remedy.startswith("make it null in the table if it stands for a missing value, or ")


def test_rows_that_tie_come_in_one_order() -> None:
    tied = pd.DataFrame({"customer_id": [1] * 6, "x": [3, 1, 2, 2, 6, 5]})
    features = Table(columns=["x"])
    frames = [
        features.build(Tables.of(customers=tied.sample(frac=1, random_state=seed, ignore_index=True)), TRAIN, {}).frame
        for seed in range(3)
    ]
    pd.testing.assert_frame_equal(frames[0], frames[1])
    pd.testing.assert_frame_equal(frames[0], frames[2])


BOUGHT = PANEL.assign(quantity=[2, 0, 5])


def test_occasions_without_a_purchase_can_be_left_out_and_are_counted() -> None:
    """By incidence where the panel has it, else by quantity, else by brand; before the split is planned."""
    chosen = PANEL.drop(columns="incidence")
    words = chosen.assign(brand=["b", "None", "a"])
    missing = chosen.assign(brand=["b", None, "a"])
    told, by_brand = "nothing was bought", "nothing was bought (brand is empty or 0 or none)"
    several = [(one, told) for one in (PANEL, BOUGHT, BOUGHT.drop(columns="incidence"))]
    for panel, reason in [*several, *((one, by_brand) for one in (chosen, words, missing))]:
        source = Tables.of(panel=panel)
        features = Table(table="panel", purchases_only=True)
        assert not list(features.problems(source))
        assert features.rows(source).count().execute() == 2
        data = features.build(source, TRAIN, {})
        assert data.frame[["customer_id", "occasion"]].to_numpy().tolist() == [[1, 1], [2, 1]]
        assert data.dropped == (Dropped("panel", reason, 1, 3),)


@pytest.mark.parametrize(("name", "other"), [("none", "0"), ("None", "0"), ("0", "none")])
def test_a_brand_with_a_price_is_bought_whatever_it_is_called(name: str, other: str) -> None:
    panel = PANEL.drop(columns="incidence").assign(brand=[name, other, "a"], **{f"price_{name}": 1.0})
    data = Table(table="panel", purchases_only=True).build(Tables.of(panel=panel), TRAIN, {})
    assert sorted(data.frame["brand"]) == sorted([name, "a"])
    assert data.dropped == (Dropped("panel", f"nothing was bought (brand is empty or {other})", 1, 3),)


def test_a_gap_is_counted_among_the_purchases() -> None:
    source = Tables.of(panel=BOUGHT.assign(price_a=[1.0, None, None]))
    data = Table(table="panel", purchases_only=True).build(source, TRAIN, {})
    assert data.frame["customer_id"].tolist() == [2]
    assert data.dropped == (
        Dropped("panel", "nothing was bought", 1, 3),
        Dropped("panel", "no value of price_a", 1, 2),
    )


@pytest.mark.parametrize(
    ("panel", "message", "remedy"),
    [
        (
            PANEL.drop(columns=["incidence", "brand"]),
            "panel does not say whether anything was bought",
            "map its column incidence or quantity, or set it to false",
        ),
        (
            BOUGHT.assign(quantity=[2, 1, 0]),
            "incidence and quantity of panel contradict each other on 2 rows",
            "mend the rows, or map only the column that is right",
        ),
    ],
)
def test_purchases_that_cannot_be_told_are(panel: pd.DataFrame, message: str, remedy: str) -> None:
    (problem,) = Table(table="panel", purchases_only=True).problems(Tables.of(panel=panel))
    assert (problem.key, problem.message, problem.remedy) == ("purchases_only", message, remedy)
