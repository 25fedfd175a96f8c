"""Columns of words and dates in a utility, the brand bought last, and a control function that travels."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from cxai_runner.methods.choice import (
    ChoiceData,
    ChoiceError,
    ChoiceTerms,
    ChoiceWarning,
    LastChoice,
    PanelCategories,
    PriceControl,
    control_function,
)

FRAME = pd.DataFrame(
    {
        "segment": ["old", "new", "old", "a:b"],
        "day": pd.to_datetime(["2017-01-02", "2017-01-30", "2017-03-01", "2017-01-05"]),
        "last": [1.0, 2.0, 0.0, np.nan],
    }
)


def test_levels_are_learned_the_most_frequent_first():
    made = PanelCategories(["segment", "month", "week"], time="day").fit(FRAME)
    assert made.levels_["segment"] == ["old", "a.b", "new"]
    assert made.levels_["month"] == ["2017-01", "2017-03"]
    assert made.levels_["week"] == ["2017-W01", "2017-W05", "2017-W09"]
    out = made.transform(FRAME)
    assert list(out["segment[new]"]) == [0, 1, 0, 0]
    assert list(out["month[2017-03]"]) == [0, 0, 1, 0]


def test_a_column_of_one_level_is_refused():
    with pytest.raises(ChoiceError, match="'quarter' is '2017-Q1' on every row"):
        PanelCategories(["quarter"], time="day").fit(FRAME)
    with pytest.raises(ChoiceError, match="no column 'region'"):
        PanelCategories(["region"], time="day").fit(FRAME)


def test_a_level_that_is_new_counts_as_the_most_frequent():
    made = PanelCategories(["segment"]).fit(FRAME)
    with pytest.warns(ChoiceWarning, match="segment is young on 1 of 1 rows, and never was in training"):
        out = made.transform(pd.DataFrame({"segment": ["young"]}))
    assert list(out.loc[0, ["segment[old]", "segment[new]", "segment[a.b]"]]) == [1, 0, 0]


def test_terms_are_expanded_by_level_and_in_products():
    made = PanelCategories(["segment"]).fit(FRAME)
    terms = ChoiceTerms.parse(
        {"price:segment": "generic", "segment": "alternative", "price": "generic", "constants": False}
    )
    assert made.expanded(terms) == {
        "price:segment[a.b]": "generic",
        "price:segment[new]": "generic",
        "segment[a.b]": "alternative",
        "segment[new]": "alternative",
        "price": "generic",
        "constants": False,
    }


def test_without_the_price_itself_each_level_has_a_slope():
    made = PanelCategories(["segment"]).fit(FRAME)
    expanded = made.expanded(ChoiceTerms.parse({"price:segment": "generic", "segment": "alternative"}))
    slopes = [name for name in expanded if name.startswith("price")]
    assert slopes == ["price:segment[old]", "price:segment[a.b]", "price:segment[new]"]
    assert [name for name in expanded if name.startswith("segment")] == ["segment[a.b]", "segment[new]"]


def test_the_last_choice_is_an_attribute():
    out = LastChoice("last", alternatives=[1, 2]).fit_transform(FRAME)
    assert out[["repeat_1", "repeat_2"]].to_numpy().tolist() == [[1, 0], [0, 1], [0, 0], [0, 0]]
    with pytest.raises(ChoiceError, match="no column 'before'"):
        LastChoice("before", alternatives=[1, 2]).fit(FRAME)


def test_a_control_function_travels_to_new_rows():
    rng = np.random.default_rng(0)
    cost, feature = rng.uniform(1, 2, (300, 2)), rng.integers(0, 2, (300, 2))
    price = 1 + 0.8 * cost - 0.2 * feature + rng.normal(0, 0.2, (300, 2))
    columns = {
        f"{n}_{b}": v[:, j]
        for n, v in (("price", price), ("cost", cost), ("feature", feature))
        for j, b in enumerate("ab")
    }
    frame = pd.DataFrame(columns)
    control = PriceControl(instruments=["cost"], controls=["feature"], alternatives=["a", "b"]).fit(frame)
    found = control_function(ChoiceData.from_wide(frame, ["a", "b"]), instruments=["cost"], controls=["feature"])
    out = control.transform(frame)
    np.testing.assert_allclose(
        out[["price_residual_a", "price_residual_b"]], found.data.attributes["price_residual"], atol=1e-12
    )
    assert control.f_statistic_ == pytest.approx(found.f_statistic)
    dearer = control.transform(frame.head(5).assign(price_a=frame["price_a"] + 1))
    np.testing.assert_allclose(dearer["price_residual_a"], out["price_residual_a"].head(5) + 1)
    gone = frame.assign(available_a=1, available_b=np.arange(300) % 2)
    part = PriceControl(instruments=["cost"], alternatives=["a", "b"], availability="available").fit_transform(gone)
    assert (part.loc[gone["available_b"] == 0, "price_residual_b"] == 0).all()
