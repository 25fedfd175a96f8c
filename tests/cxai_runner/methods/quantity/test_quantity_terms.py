"""From a panel's columns to terms: what the brand bought cost, constants of categories, products."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone

from cxai_runner.methods.levels import level
from cxai_runner.methods.quantity import ChosenTerms, QuantityError, QuantityWarning
from cxai_runner.methods.quantity.terms import behind, of_chosen, with_chosen

FRAME = pd.DataFrame(
    {
        "brand": ["a", "b", "a", "c"],
        "price_a": [1.0, 1.1, 1.2, 1.3],
        "price_b": [2.0, 2.1, 2.2, 2.3],
        "price_c": [3.0, 3.1, 3.2, 3.3],
        "promotion_a": [0, 1, 1, 0],
        "promotion_b": [1, 0, 0, 0],
        "promotion_c": [0, 0, 0, 1],
        "segment": ["old", "new", "old", "old"],
        "income": [10.0, np.nan, 30.0, 40.0],
    }
)


def test_price_and_promotion_are_those_of_the_brand_bought():
    made = ChosenTerms(["price", "promotion"]).fit_transform(FRAME)
    pd.testing.assert_frame_equal(
        made, pd.DataFrame({"price": [1.0, 2.1, 1.2, 3.3], "promotion": [0.0, 0.0, 1.0, 1.0]})
    )


def test_the_price_of_another_brand_changes_nothing():
    terms = ChosenTerms(["price"]).fit(FRAME)
    other = FRAME.assign(price_b=[9.0, 2.1, 9.0, 9.0])
    pd.testing.assert_frame_equal(terms.transform(other), terms.transform(FRAME))


@pytest.mark.parametrize("brands", [[1, 2, 1, 3], [1.0, 2.0, 1.0, 3.0], ["1", "2", "1", "3"]])
def test_a_brand_is_its_name_however_it_is_written(brands):
    frame = FRAME.rename(columns={"price_a": "price_1", "price_b": "price_2", "price_c": "price_3"})
    made = ChosenTerms(["price", "brand"]).fit_transform(frame.assign(brand=brands))
    assert list(made["price"]) == [1.0, 2.1, 1.2, 3.3]
    assert list(made.columns) == ["price", "brand[2]", "brand[3]"]
    assert level(3.0) == level(3) == level("3") == "3"


def test_constants_are_compared_with_the_most_frequent_level():
    made = ChosenTerms(["brand", "segment"]).fit_transform(FRAME)
    assert list(made.columns) == ["brand[b]", "brand[c]", "segment[new]"]
    assert made.to_numpy().tolist() == [[0, 0, 0], [1, 0, 1], [0, 0, 0], [0, 1, 0]]


def test_products_are_slopes_of_each_level():
    terms = ChosenTerms(["price", "price:segment", "log_price:brand"]).fit(FRAME)
    made = terms.transform(FRAME)
    names = ["price", "price:segment[new]", "log_price:brand[b]", "log_price:brand[c]"]
    assert list(made.columns) == list(terms.get_feature_names_out()) == names
    np.testing.assert_allclose(made["price:segment[new]"], [0, 2.1, 0, 0])
    np.testing.assert_allclose(made["log_price:brand[c]"], [0, 0, 0, np.log(3.3)])


def test_without_the_price_itself_each_brand_has_a_slope():
    """None for the most frequent one would hold its buyers not to answer to a price at all."""
    terms = ChosenTerms(["brand", "price:brand"]).fit(FRAME)
    made = terms.transform(FRAME)
    slopes = ["price:brand[a]", "price:brand[b]", "price:brand[c]"]
    assert list(made.columns) == list(terms.get_feature_names_out()) == ["brand[b]", "brand[c]", *slopes]
    np.testing.assert_allclose(made[slopes].sum(axis=1), ChosenTerms(["price"]).fit_transform(FRAME)["price"])


def test_missing_numbers_are_left_to_the_next_step_and_missing_words_are_a_level():
    made = ChosenTerms(["income", "segment"]).fit_transform(FRAME.assign(segment=["old", None, "old", "new"]))
    assert np.isnan(made["income"][1])
    assert list(made.columns) == ["income", "segment[missing]", "segment[new]"]


def test_a_level_that_was_never_met_is_an_average_one_with_a_warning():
    terms = ChosenTerms(["segment"]).fit(FRAME)
    with pytest.warns(QuantityWarning, match="segment is late on 1 row, and never was in training"):
        made = terms.transform(FRAME.assign(segment=["old", "late", "new", "old"]))
    assert made["segment[new]"].tolist() == [0, 0.25, 1, 0]


def test_what_it_reads_is_known():
    terms = ChosenTerms(["price:segment", "income"]).fit(FRAME.assign(more=1))
    assert list(terms.feature_names_in_) == ["price_a", "price_b", "price_c", "brand", "segment", "income"]
    pd.testing.assert_frame_equal(terms.transform(FRAME[list(terms.feature_names_in_)[::-1]]), terms.transform(FRAME))
    assert repr(clone(terms)) == repr(terms)


def test_which_columns_a_term_is_made_of():
    assert behind("price", FRAME) == ["price_a", "price_b", "price_c", "brand"]
    assert behind("price_a", FRAME) == ["price_a"]
    assert behind("log_income", FRAME) == ["income"]
    assert behind("price:colour", FRAME) == []


def test_prices_of_the_brand_bought_can_be_set():
    moved = with_chosen(FRAME, "price", np.array([5.0, 6.0, 7.0, 8.0]))
    assert of_chosen(moved, "price").tolist() == [5.0, 6.0, 7.0, 8.0]
    assert moved["price_b"].tolist() == [2.0, 6.0, 2.2, 2.3]
    assert FRAME["price_b"].tolist() == [2.0, 2.1, 2.2, 2.3]


@pytest.mark.parametrize(
    ("terms", "change", "message"),
    [
        (["colour"], {}, "the term colour has no column among brand, price_a"),
        (["price"], {"brand": ["a", "b", "a", "d"]}, "no price of the brand d on 1 rows; give each brand a column"),
        (["log_price"], {"price_a": [0.0, 1, 1, 1]}, "a price of zero or less has no logarithm; use the term price"),
    ],
)
def test_what_cannot_be_built_is_said(terms, change, message):
    with pytest.raises(QuantityError, match=message):
        ChosenTerms(terms).fit_transform(FRAME.assign(**change))


def test_a_column_that_is_gone_is_named():
    with pytest.raises(QuantityError, match="columns missing: income; bring them"):
        ChosenTerms(["income"]).fit(FRAME).transform(FRAME.drop(columns="income"))


def test_terms_are_found_by_name():
    with pytest.raises(TypeError, match="pass a pandas frame, not ndarray"):
        ChosenTerms().fit(FRAME.to_numpy())
