"""A row is rejected where the model does not take it, and predicted where it does; the model is asked which."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from cxai_runner.evaluation.population import Spread
from cxai_runner.lifecycle.predict.judge import Judge

TRAINED = pd.DataFrame({"price": [1.0, 2.0, 3.0], "town": ["Ghent", "Bruges", "Ghent"]})
SEEN = {name: Spread.of(TRAINED[name]) for name in TRAINED}
ROWS = pd.DataFrame(
    {"price": [1.0, np.nan, np.inf, 2.0, np.nan], "town": ["Ghent", "Ghent", "Bruges", "Lier", None]},
    index=[10, 11, 12, 13, 14],
)


class FailedError(Exception):
    pass


class Model:
    """Takes no missing price, no missing town and no new town, unless it is said to."""

    def __init__(self, takes: str = "") -> None:
        self.takes = takes
        self.asked: list[pd.DataFrame] = []

    def __call__(self, rows: pd.DataFrame) -> Any:
        self.asked.append(rows)
        if rows["price"].isna().any() and "gaps" not in self.takes:
            raise FailedError
        if not rows["town"].dropna().isin(["Ghent", "Bruges"]).all() and "new" not in self.takes:
            raise FailedError
        return np.zeros(len(rows))


def judge(model: Model, *, complete: bool = False, example: pd.DataFrame | None = TRAINED) -> Judge:
    return Judge(model, FailedError, complete, SEEN, example, lambda column: column)


def test_each_reason_is_told_and_each_row_counted_once() -> None:
    asked = judge(Model("gaps"), complete=True)
    why = asked.before(ROWS)
    assert why.to_dict() == {
        10: "",
        11: "no value of price",
        12: "price is not finite",
        13: "town has a value that was never seen in training",
        14: "no value of price; no value of town",
    }
    assert dict(asked.reasons) == {
        "no value of price": 2,
        "price is not finite": 1,
        "town has a value that was never seen in training": 1,
    }


def test_what_the_model_takes_is_predicted() -> None:
    model = Model("gaps, new")
    assert judge(model).before(ROWS).tolist() == ["", "", "price is not finite", "", ""]
    assert len(model.asked) == 3, "once for each input and what is wrong with it"
    assert [len(rows) for rows in model.asked] == [1, 1, 1]


def test_the_model_is_asked_about_one_fault_at_a_time() -> None:
    model = Model("new")
    both = pd.DataFrame({"price": [np.nan], "town": ["Lier"]})
    assert judge(model).before(both).tolist() == ["no value of price"]
    assert [rows.iloc[0].to_list() for rows in model.asked][1] == [1.0, "Lier"]


def test_without_an_example_rows_themselves_are_asked_about() -> None:
    assert judge(Model(), example=None).before(ROWS.loc[[11]]).tolist() == ["no value of price"]


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_prediction_that_is_no_number_is_none(value: float) -> None:
    asked = judge(Model())
    why = asked.after(pd.DataFrame({"probability": [0.5, value]}))
    assert why.tolist() == ["", "the model gave no finite probability"]
    assert asked.reasons.total() == 1


def test_values_never_seen_that_the_model_takes_are_counted() -> None:
    asked = judge(Model("gaps, new"))
    asked.before(ROWS)
    asked.before(ROWS.assign(town=["Ghent", "Lier", "Mechelen", None, "Ghent"]))
    (told,) = asked.told()
    assert told.startswith("town has a value on 3 rows that was never seen in training, such as Lier: the model")
    rejecting = judge(Model("gaps"))
    rejecting.before(ROWS)
    assert rejecting.told() == []
